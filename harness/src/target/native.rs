//! The core of the filter without wasm: its driver on a [`HostState`] instead of a proxy.

use super::{Target, run_in_memory};
use crate::host::abi::{Action, BufferType, LogLevel, MapType, MetricType, Status, StreamType};
use crate::host::host_state::HostState;
use crate::host::stream::LocalReply;
use crate::host::{Callback, Guest, Trap};
use crate::scenario::{Fields, Fixtures, Scenario, TargetName};
use crate::transcript::Transcript;
use filter::callout::HttpCall;
use filter::driver::{self, Body, Host, HttpStream, Map, Refused};
use filter::pep::{Flow, Pep};
use filter::reply::Reply;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Runs scenarios on the core.
#[derive(Debug, Default)]
pub struct Native;

impl Target for Native {
    fn name(&self) -> TargetName {
        TargetName::Native
    }

    fn run(&mut self, scenario: &Scenario, fixtures: &Fixtures) -> anyhow::Result<Transcript> {
        run_in_memory(scenario, fixtures, |host| Ok(NativeGuest::new(host)))
    }
}

/// Distinguishes the decisions of this VM from those of others; the same in every run.
const NONCE: u64 = 0x746f_6f6c_7761_7264;

/// The core as a plugin.
pub struct NativeGuest {
    host: HostState,
    pep: Option<Rc<Pep>>,
    streams: BTreeMap<u32, HttpStream>,
}

impl NativeGuest {
    /// A plugin of a host in this state.
    pub fn new(host: HostState) -> NativeGuest {
        NativeGuest { host, pep: None, streams: BTreeMap::new() }
    }
}

impl Guest for NativeGuest {
    fn host(&mut self) -> &mut HostState {
        &mut self.host
    }

    fn start(&mut self) -> Result<bool, Trap> {
        let signatures = Rc::clone(&self.host.signatures);
        let store = Rc::new(self.host.shared.clone());
        match driver::load(&self.host.configuration, signatures, Rc::default(), store) {
            Ok(pep) => {
                self.host.tick_period_ms = driver::TICK_MS;
                self.pep = Some(Rc::new(pep));
                Ok(true)
            }
            Err(problems) => {
                self.host.log(LogLevel::Error, problems.as_bytes());
                Ok(false)
            }
        }
    }

    fn create(&mut self, id: u32) -> Result<(), Trap> {
        self.streams.insert(id, HttpStream::new(self.pep.clone(), driver::decision_id(NONCE, id)));
        Ok(())
    }

    fn call(&mut self, id: u32, callback: Callback) -> Result<Action, Trap> {
        let (stream, host) = (self.streams.get_mut(&id), &mut self.host);
        let Some(stream) = stream else { return Ok(Action::Pause) };
        let flow = match callback {
            Callback::RequestHeaders { end, .. } => stream.on_request_headers(host, end),
            Callback::RequestBody { bytes, end } => stream.on_request_body(host, bytes, end),
            Callback::RequestTrailers { .. } => stream.on_request_trailers(host),
            Callback::ResponseHeaders { end, .. } => stream.on_response_headers(host, end),
            Callback::ResponseBody { bytes, end } => stream.on_response_body(host, bytes, end),
            Callback::ResponseTrailers { .. } => stream.on_response_trailers(host),
        };
        Ok(match flow {
            Flow::Pass => Action::Continue,
            Flow::Hold => Action::Pause,
        })
    }

    fn answer(&mut self, context: u32, token: u32) -> Result<(), Trap> {
        let fields = self.host.call_response.as_ref().map_or(0, |response| response.headers.len());
        if let Some(stream) = self.streams.get_mut(&context) {
            stream.on_call_answered(&mut self.host, token, fields);
        }
        Ok(())
    }

    fn tick(&mut self) -> Result<(), Trap> {
        let now_ms = self.host.now_ns / 1_000_000;
        for (id, stream) in &mut self.streams {
            self.host.effective_context = *id;
            stream.on_tick(&mut self.host, now_ms);
        }
        Ok(())
    }

    fn end(&mut self, id: u32) -> Result<(), Trap> {
        self.streams.remove(&id);
        Ok(())
    }
}

fn refused(status: Status) -> Refused {
    Refused(status as u32)
}

fn map_of(map: Map) -> MapType {
    match map {
        Map::Request => MapType::RequestHeaders,
        Map::RequestTrailers => MapType::RequestTrailers,
        Map::Response => MapType::ResponseHeaders,
        Map::CallAnswer => MapType::CallResponseHeaders,
    }
}

fn buffer_of(body: Body) -> BufferType {
    match body {
        Body::Request => BufferType::RequestBody,
        Body::Response => BufferType::ResponseBody,
        Body::CallAnswer => BufferType::CallResponseBody,
    }
}

fn owned<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> Fields {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
}

impl Host for HostState {
    fn now_ms(&mut self) -> Result<u64, Refused> {
        Ok(self.now_ns / 1_000_000)
    }

    fn property(&mut self, path: &[&str]) -> Result<Vec<u8>, Refused> {
        let path: Vec<String> = path.iter().map(|part| (*part).to_owned()).collect();
        HostState::property(self, &path).map_err(refused)
    }

    fn read_fields<T>(
        &mut self,
        map: Map,
        read: impl FnOnce(&filter::http::Fields<'_>) -> T,
    ) -> Result<T, Refused> {
        let fields = self.map(map_of(map)).map_err(refused)?;
        let fields: Vec<(&[u8], &[u8])> =
            fields.iter().map(|(name, value)| (name.as_bytes(), value.as_slice())).collect();
        Ok(read(&fields))
    }

    fn remove_field(&mut self, map: Map, name: &[u8]) -> Result<(), Refused> {
        self.remove(map_of(map), name).map_err(refused)
    }

    fn set_field(&mut self, map: Map, name: &str, value: &str) -> Result<(), Refused> {
        self.replace(map_of(map), name.as_bytes(), value.as_bytes()).map_err(refused)
    }

    fn body(&mut self, body: Body, max: usize) -> Result<Vec<u8>, Refused> {
        let bytes = self.buffer(buffer_of(body)).unwrap_or_default();
        Ok(bytes.get(..max.min(bytes.len())).unwrap_or_default().to_vec())
    }

    fn replace_body(&mut self, body: Body, size: usize, bytes: &[u8]) -> Result<(), Refused> {
        self.set_buffer(buffer_of(body), 0, size, bytes).map_err(refused)
    }

    fn reply(&mut self, reply: &Reply) -> Result<(), Refused> {
        let reply = LocalReply {
            status: reply.status,
            details: reply.details.clone(),
            headers: owned(reply.headers.iter().map(|(name, value)| (*name, value.as_str()))),
            body: reply.body.clone(),
        };
        self.send_local_reply(reply).map_err(refused)
    }

    fn call(&mut self, call: &HttpCall) -> Result<u32, Refused> {
        let (cluster, body) = (call.cluster.as_bytes(), call.body.clone());
        self.http_call(cluster, owned(call.fields()), body, call.timeout_ms.max(1)).map_err(refused)
    }

    fn resume_request(&mut self) -> Result<(), Refused> {
        self.continue_stream(StreamType::Request).map_err(refused)
    }

    fn close_stream(&mut self) -> Result<(), Refused> {
        HostState::close_stream(self, StreamType::Response).map_err(refused)
    }

    fn set_filter_state(&mut self, name: &str, value: &str) -> Result<(), Refused> {
        self.set_property(&[name.to_owned()], value.as_bytes()).map_err(refused)
    }

    fn log_record(&mut self, json: &str) -> Result<(), Refused> {
        self.log(LogLevel::Info, json.as_bytes());
        Ok(())
    }

    fn warn(&mut self, text: &str) {
        self.log(LogLevel::Warn, text.as_bytes());
    }

    fn count(&mut self, result: &'static str, reason: &'static str) -> Result<(), Refused> {
        let counter = self.metrics.define(MetricType::Counter, &driver::counter(result, reason));
        self.metrics.increment(counter, 1).map_err(refused)
    }
}
