//! The state that hostcalls read and change. Each method is one hostcall, with Envoy's semantics. `host::wasm` adds only
//! memory.

use super::abi::{BufferType, LogLevel, MapType, MetricType, Status, StreamType};
use super::stores::{Metrics, Queues, SharedData};
use super::stream::{LocalReply, Side, Stream};
use super::{abi, foreign};
use crate::scenario::Fields;
use filter::crypto::SignatureProvider;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// The root context's id.
pub const ROOT_CONTEXT: u32 = 1;

/// One line of the proxy's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Severity.
    pub level: LogLevel,
    /// The text.
    pub message: String,
}

/// An HTTP call that the plugin made and that was not answered yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingCall {
    /// The call's number.
    pub token: u32,
    /// The context that made it.
    pub context: u32,
    /// The cluster.
    pub cluster: String,
    /// The head.
    pub headers: Fields,
    /// The body.
    pub body: Vec<u8>,
    /// Milliseconds; 0 for none.
    pub timeout_ms: u32,
    /// When it was made, in nanoseconds.
    pub made_ns: u64,
}

/// The answer that is being delivered.
#[derive(Debug, Clone, Default)]
pub struct CallResponse {
    /// The head; empty if the call failed.
    pub headers: Fields,
    /// The body.
    pub body: Vec<u8>,
    /// Trailers.
    pub trailers: Fields,
}

/// The action of a hostile host in place of a hostcall.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Returns this number without doing anything.
    Status(u32),
    /// Returns these bytes as the result, with status Ok.
    Result(Vec<u8>),
}

/// The state of the proxy as far as the plugin can reach it.
pub struct HostState {
    /// The clock, in nanoseconds since the Unix epoch. Moves only when the proxy moves it.
    pub now_ns: u64,
    /// The plugin's configuration.
    pub configuration: Vec<u8>,
    /// Captured log lines at `log_level` or above.
    pub log: Vec<LogLine>,
    /// The lowest level that is captured.
    pub log_level: LogLevel,
    /// Shared data.
    pub shared: SharedData,
    /// Queues.
    pub queues: Queues,
    /// Metrics.
    pub metrics: Metrics,
    /// The streams that are open.
    pub streams: BTreeMap<u32, Stream>,
    /// The context that hostcalls work on.
    pub effective_context: u32,
    /// Calls that wait for their answer.
    pub calls: Vec<PendingCall>,
    /// The answer that is being delivered.
    pub call_response: Option<CallResponse>,
    /// The clusters that there are.
    pub clusters: BTreeSet<String>,
    /// Checks signatures for `verify_signature`.
    pub signatures: Rc<dyn SignatureProvider>,
    /// Replacements of hostcalls, by name.
    pub faults: BTreeMap<&'static str, Fault>,
    /// `set_tick_period`, in milliseconds.
    pub tick_period_ms: u32,
    next_call: u32,
    random: u64,
}

impl HostState {
    /// A fresh proxy with these clusters at this time.
    pub fn new(
        now_ns: u64,
        clusters: impl IntoIterator<Item = String>,
        signatures: Rc<dyn SignatureProvider>,
    ) -> HostState {
        HostState {
            now_ns,
            configuration: Vec::new(),
            log: Vec::new(),
            log_level: LogLevel::Info,
            shared: SharedData::default(),
            queues: Queues::default(),
            metrics: Metrics::default(),
            streams: BTreeMap::new(),
            effective_context: ROOT_CONTEXT,
            calls: Vec::new(),
            call_response: None,
            clusters: clusters.into_iter().collect(),
            signatures,
            faults: BTreeMap::new(),
            tick_period_ms: 0,
            next_call: 0,
            random: 0x9e37_79b9_7f4a_7c15,
        }
    }

    /// `log`.
    pub fn log(&mut self, level: LogLevel, message: &[u8]) {
        if level >= self.log_level {
            self.log.push(LogLine { level, message: String::from_utf8_lossy(message).into_owned() });
        }
    }

    /// Pseudo-random bytes, the same in every run (xorshift64*).
    pub fn random(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            self.random ^= self.random >> 12;
            self.random ^= self.random << 25;
            self.random ^= self.random >> 27;
            *byte =
                self.random.wrapping_mul(0x2545_f491_4f6c_dd1d).to_be_bytes().first().copied().unwrap_or(0);
        }
    }

    /// The stream of the effective context.
    ///
    /// # Errors
    /// [`Status::BadArgument`] in the root context.
    pub fn stream(&mut self) -> Result<&mut Stream, Status> {
        self.streams.get_mut(&self.effective_context).ok_or(Status::BadArgument)
    }

    /// `set_effective_context`.
    ///
    /// # Errors
    /// [`Status::BadArgument`] if there is no such context.
    pub fn set_effective_context(&mut self, context: u32) -> Result<(), Status> {
        if context != ROOT_CONTEXT && !self.streams.contains_key(&context) {
            return Err(Status::BadArgument);
        }
        self.effective_context = context;
        Ok(())
    }

    /// A map, to read or to change.
    ///
    /// # Errors
    /// [`Status::BadArgument`] where it cannot be reached in this phase.
    pub fn map(&mut self, map: MapType) -> Result<&mut Fields, Status> {
        fn open<T>(value: T, open: bool) -> Result<T, Status> {
            open.then_some(value).ok_or(Status::BadArgument)
        }
        match map {
            MapType::RequestHeaders => {
                let side = &mut self.stream()?.request;
                open(&mut side.headers, side.headers_open)
            }
            MapType::RequestTrailers => {
                let side = &mut self.stream()?.request;
                open(&mut side.trailers, side.trailers_open)
            }
            MapType::ResponseHeaders => {
                let side = &mut self.stream()?.response;
                open(&mut side.headers, side.headers_open)
            }
            MapType::ResponseTrailers => {
                let side = &mut self.stream()?.response;
                open(&mut side.trailers, side.trailers_open)
            }
            MapType::CallResponseHeaders => {
                self.call_response.as_mut().map(|call| &mut call.headers).ok_or(Status::BadArgument)
            }
            MapType::CallResponseTrailers => {
                self.call_response.as_mut().map(|call| &mut call.trailers).ok_or(Status::BadArgument)
            }
        }
    }

    /// `get_header_map_value`: the first value of a repeated field, except for the fields that Envoy joins when it reads
    /// them from the wire.
    ///
    /// # Errors
    /// [`Status::NotFound`], [`Status::BadArgument`].
    pub fn map_value(&mut self, map: MapType, name: &[u8]) -> Result<Vec<u8>, Status> {
        let fields = self.map(map)?;
        fields
            .iter()
            .find(|(field, _)| field.as_bytes() == name)
            .map(|(_, value)| value.clone())
            .ok_or(Status::NotFound)
    }

    /// `remove_header_map_value`: all values of the name.
    ///
    /// # Errors
    /// [`Status::BadArgument`].
    pub fn remove(&mut self, map: MapType, name: &[u8]) -> Result<(), Status> {
        self.map(map)?.retain(|(field, _)| field.as_bytes() != name);
        Ok(())
    }

    /// `replace_header_map_value`: one value, in the first one's place.
    ///
    /// # Errors
    /// [`Status::BadArgument`].
    pub fn replace(&mut self, map: MapType, name: &[u8], value: &[u8]) -> Result<(), Status> {
        let name = std::str::from_utf8(name).map_err(|_| Status::BadArgument)?;
        let fields = self.map(map)?;
        match fields.iter().position(|(field, _)| field == name) {
            None => fields.push((name.to_owned(), value.to_vec())),
            Some(at) => {
                let mut index = 0_usize;
                fields.retain(|(field, _)| {
                    let keep = field != name || index == at;
                    index = index.saturating_add(1);
                    keep
                });
                if let Some(field) = fields.get_mut(at) {
                    field.1 = value.to_vec();
                }
            }
        }
        Ok(())
    }

    /// `add_header_map_value`.
    ///
    /// # Errors
    /// [`Status::BadArgument`].
    pub fn add(&mut self, map: MapType, name: &[u8], value: &[u8]) -> Result<(), Status> {
        let name = std::str::from_utf8(name).map_err(|_| Status::BadArgument)?;
        self.map(map)?.push((name.to_owned(), value.to_vec()));
        Ok(())
    }

    /// A buffer.
    ///
    /// # Errors
    /// [`Status::NotFound`] if there is none in this phase.
    pub fn buffer(&mut self, buffer: BufferType) -> Result<&[u8], Status> {
        fn of(side: &Side) -> Result<&[u8], Status> {
            side.buffer_open.then_some(side.buffer.as_slice()).ok_or(Status::NotFound)
        }
        match buffer {
            BufferType::RequestBody => of(&self.stream().map_err(|_| Status::NotFound)?.request),
            BufferType::ResponseBody => of(&self.stream().map_err(|_| Status::NotFound)?.response),
            BufferType::CallResponseBody => {
                self.call_response.as_ref().map(|call| call.body.as_slice()).ok_or(Status::NotFound)
            }
            BufferType::VmConfiguration => Ok(&[]),
            BufferType::PluginConfiguration => Ok(&self.configuration),
        }
    }

    /// `set_buffer_bytes`.
    ///
    /// # Errors
    /// [`Status::BadArgument`].
    pub fn set_buffer(
        &mut self,
        buffer: BufferType,
        start: usize,
        length: usize,
        value: &[u8],
    ) -> Result<(), Status> {
        match buffer {
            BufferType::RequestBody => self.stream()?.request.edit_buffer(start, length, value),
            BufferType::ResponseBody => self.stream()?.response.edit_buffer(start, length, value),
            _ => Err(Status::BadArgument),
        }
    }

    /// `get_property`.
    ///
    /// # Errors
    /// [`Status::NotFound`].
    pub fn property(&mut self, path: &[String]) -> Result<Vec<u8>, Status> {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let time = self.now_ns.to_le_bytes();
        let stream = self.stream().ok();
        let head = |stream: Option<&mut Stream>, name: &str| {
            let headers = &stream?.request.headers;
            headers.iter().find(|(field, _)| field == name).map(|(_, value)| value.clone())
        };
        match path.as_slice() {
            ["plugin_name"] => Some(b"toolward".to_vec()),
            ["plugin_root_id"] | ["plugin_vm_id"] => Some(Vec::new()),
            ["request", "time"] => Some(time.to_vec()),
            ["request", "id"] => head(stream, "x-request-id"),
            ["request", "path"] => head(stream, ":path"),
            ["request", "method"] => head(stream, ":method"),
            ["request", "host"] => head(stream, ":authority"),
            ["request", "scheme"] => head(stream, ":scheme"),
            ["request", "headers", name] => head(stream, name),
            ["source", "address"] => Some(b"127.0.0.1:40000".to_vec()),
            ["filter_state", name] => stream.and_then(|stream| stream.filter_state.get(*name).cloned()),
            [name] => stream.and_then(|stream| stream.filter_state.get(&format!("wasm.{name}")).cloned()),
            _ => None,
        }
        .ok_or(Status::NotFound)
    }

    /// `set_property`: filter state `wasm.<name>` for every path (it never reaches dynamic metadata).
    ///
    /// # Errors
    /// [`Status::BadArgument`] in the root context.
    pub fn set_property(&mut self, path: &[String], value: &[u8]) -> Result<(), Status> {
        let name = format!("wasm.{}", path.join("."));
        self.stream()?.filter_state.insert(name, value.to_vec());
        Ok(())
    }

    /// `send_local_response`.
    ///
    /// # Errors
    /// [`Status::BadArgument`] outside a stream, or if the status is not one of HTTP.
    pub fn send_local_reply(&mut self, reply: LocalReply) -> Result<(), Status> {
        if !(200..=599).contains(&reply.status) {
            return Err(Status::BadArgument);
        }
        let stream = self.stream()?;
        if stream.reply.is_some() {
            stream.problems.push("a second local reply before the first one was taken up".to_owned());
        }
        stream.reply = Some(reply);
        Ok(())
    }

    /// `continue_stream`.
    ///
    /// # Errors
    /// [`Status::BadArgument`] outside a stream.
    pub fn continue_stream(&mut self, side: StreamType) -> Result<(), Status> {
        let stream = self.stream()?;
        let side = match side {
            StreamType::Request => &mut stream.request,
            StreamType::Response => &mut stream.response,
        };
        side.continued = true;
        side.close();
        Ok(())
    }

    /// `close_stream`: the stream is reset when the callback has returned.
    ///
    /// # Errors
    /// [`Status::BadArgument`] outside a stream.
    pub fn close_stream(&mut self, _side: StreamType) -> Result<(), Status> {
        self.stream()?.closed = true;
        Ok(())
    }

    /// `http_call`.
    ///
    /// # Errors
    /// [`Status::BadArgument`] for an unknown cluster or a head without method, path and authority.
    pub fn http_call(
        &mut self,
        cluster: &[u8],
        headers: Fields,
        body: Vec<u8>,
        timeout_ms: u32,
    ) -> Result<u32, Status> {
        let cluster = std::str::from_utf8(cluster).map_err(|_| Status::BadArgument)?;
        let complete = [":method", ":path", ":authority"]
            .iter()
            .all(|name| headers.iter().any(|(field, value)| field == name && !value.is_empty()));
        if !complete || !self.clusters.contains(cluster) {
            return Err(Status::BadArgument);
        }
        self.next_call = self.next_call.wrapping_add(1);
        self.calls.push(PendingCall {
            token: self.next_call,
            context: self.effective_context,
            cluster: cluster.to_owned(),
            headers,
            body,
            timeout_ms,
            made_ns: self.now_ns,
        });
        Ok(self.next_call)
    }

    /// `call_foreign_function`.
    ///
    /// # Errors
    /// [`Status::NotFound`] for an unknown name, and the errors of the function.
    pub fn call_foreign_function(&mut self, name: &[u8], argument: &[u8]) -> Result<Vec<u8>, Status> {
        match name {
            b"verify_signature" => foreign::verify_signature(self.signatures.as_ref(), argument),
            // Types of filter state. This host has no use for them.
            b"declare_property" | b"clear_route_cache" => Ok(Vec::new()),
            b"set_envoy_filter_state" => foreign::set_envoy_filter_state(argument),
            _ => Err(Status::NotFound),
        }
    }

    /// `define_metric`.
    ///
    /// # Errors
    /// [`Status::BadArgument`] if the name is not text.
    pub fn define_metric(&mut self, kind: u32, name: &[u8]) -> Result<u32, Status> {
        let name = std::str::from_utf8(name).map_err(|_| Status::BadArgument)?;
        Ok(self.metrics.define(MetricType::from_number(kind)?, name))
    }

    /// The map as it is written into the guest's memory.
    ///
    /// # Errors
    /// [`Status::BadArgument`] where it cannot be reached in this phase.
    pub fn map_pairs(&mut self, map: MapType) -> Result<Vec<u8>, Status> {
        let fields = self.map(map)?;
        Ok(if fields.is_empty() { Vec::new() } else { abi::write_pairs(fields) })
    }
}
