//! The core of the filter without wasm: its driver on a [`World`] instead of a proxy.

use super::{Target, run_in_memory};
use crate::host::abi::{Action, BufferType, LogLevel, MapType, MetricType, Status, StreamType};
use crate::host::proxy::{Callback, Guest, Trap};
use crate::host::stream::LocalReply;
use crate::host::world::World;
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
        run_in_memory(scenario, fixtures, |world| Ok(NativeGuest::new(world)))
    }
}

/// Tells this VM's decisions from those of others; the same in every run.
const NONCE: u64 = 0x746f_6f6c_7761_7264;

/// The core as a plugin.
pub struct NativeGuest {
    world: World,
    pep: Option<Rc<Pep>>,
    streams: BTreeMap<u32, HttpStream>,
}

impl NativeGuest {
    /// A plugin in a world.
    pub fn new(world: World) -> NativeGuest {
        NativeGuest { world, pep: None, streams: BTreeMap::new() }
    }
}

impl Guest for NativeGuest {
    fn world(&mut self) -> &mut World {
        &mut self.world
    }

    fn start(&mut self) -> Result<bool, Trap> {
        let signatures = Rc::clone(&self.world.signatures);
        let store = Rc::new(self.world.shared.clone());
        match driver::load(&self.world.configuration, signatures, Rc::default(), store) {
            Ok(pep) => {
                self.world.tick_period_ms = driver::TICK_MS;
                self.pep = Some(Rc::new(pep));
                Ok(true)
            }
            Err(problems) => {
                self.world.log(LogLevel::Error, problems.as_bytes());
                Ok(false)
            }
        }
    }

    fn create(&mut self, id: u32) -> Result<(), Trap> {
        self.streams.insert(id, HttpStream::new(self.pep.clone(), driver::decision_id(NONCE, id)));
        Ok(())
    }

    fn call(&mut self, id: u32, callback: Callback) -> Result<Action, Trap> {
        let (stream, world) = (self.streams.get_mut(&id), &mut self.world);
        let Some(stream) = stream else { return Ok(Action::Pause) };
        let flow = match callback {
            Callback::RequestHeaders { end, .. } => stream.on_request_headers(world, end),
            Callback::RequestBody { bytes, end } => stream.on_request_body(world, bytes, end),
            Callback::RequestTrailers { .. } => stream.on_request_trailers(world),
            Callback::ResponseHeaders { end, .. } => stream.on_response_headers(world, end),
            Callback::ResponseBody { bytes, end } => stream.on_response_body(world, bytes, end),
            Callback::ResponseTrailers { .. } => stream.on_response_trailers(world),
        };
        Ok(match flow {
            Flow::Pass => Action::Continue,
            Flow::Hold => Action::Pause,
        })
    }

    fn answer(&mut self, context: u32, token: u32) -> Result<(), Trap> {
        let fields = self.world.call_response.as_ref().map_or(0, |response| response.headers.len());
        if let Some(stream) = self.streams.get_mut(&context) {
            stream.on_call_answered(&mut self.world, token, fields);
        }
        Ok(())
    }

    fn tick(&mut self) -> Result<(), Trap> {
        let now_ms = self.world.now_ns / 1_000_000;
        for (id, stream) in &mut self.streams {
            self.world.effective_context = *id;
            stream.on_tick(&mut self.world, now_ms);
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

impl Host for World {
    fn now_ms(&mut self) -> Result<u64, Refused> {
        Ok(self.now_ns / 1_000_000)
    }

    fn property(&mut self, path: &[&str]) -> Result<Vec<u8>, Refused> {
        let path: Vec<String> = path.iter().map(|part| (*part).to_owned()).collect();
        World::property(self, &path).map_err(refused)
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
        World::close_stream(self, StreamType::Response).map_err(refused)
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
