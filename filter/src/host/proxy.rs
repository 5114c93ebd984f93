//! The proxy of one stream: the driver's calls become hostcalls.

use super::hostcalls::{self, Pairs};
use super::metrics::Counters;
use crate::callout::HttpCall;
use crate::driver::{Body, Host, Map, Refused};
use crate::http::Fields;
use crate::reply::Reply;
use proxy_wasm::types::{BufferType, LogLevel, MapType};
use std::rc::Rc;

/// The proxy, for the stream whose callback runs.
pub struct Proxy {
    counters: Rc<Counters>,
}

impl Proxy {
    /// With the counters of the VM.
    pub fn new(counters: Rc<Counters>) -> Proxy {
        Proxy { counters }
    }
}

fn map_of(map: Map) -> MapType {
    match map {
        Map::Request => MapType::HttpRequestHeaders,
        Map::RequestTrailers => MapType::HttpRequestTrailers,
        Map::Response => MapType::HttpResponseHeaders,
        Map::CallAnswer => MapType::HttpCallResponseHeaders,
    }
}

fn buffer_of(body: Body) -> BufferType {
    match body {
        Body::Request => BufferType::HttpRequestBody,
        Body::Response => BufferType::HttpResponseBody,
        Body::CallAnswer => BufferType::HttpCallResponseBody,
    }
}

impl Host for Proxy {
    fn now_ms(&mut self) -> Result<u64, Refused> {
        hostcalls::now_ms()
    }

    fn property(&mut self, path: &[&str]) -> Result<Vec<u8>, Refused> {
        hostcalls::property(path)
    }

    fn read_fields<T>(&mut self, map: Map, read: impl FnOnce(&Fields<'_>) -> T) -> Result<T, Refused> {
        let pairs = Pairs::read(map_of(map))?;
        let fields = pairs.fields().ok_or(Refused(hostcalls::PARSE_FAILURE))?;
        Ok(read(&fields))
    }

    fn remove_field(&mut self, map: Map, name: &[u8]) -> Result<(), Refused> {
        hostcalls::remove_header(map_of(map), name)
    }

    fn set_field(&mut self, map: Map, name: &str, value: &str) -> Result<(), Refused> {
        hostcalls::set_header(map_of(map), name, value)
    }

    fn body(&mut self, body: Body, max: usize) -> Result<Vec<u8>, Refused> {
        hostcalls::buffer(buffer_of(body), max)
    }

    fn replace_body(&mut self, body: Body, size: usize, bytes: &[u8]) -> Result<(), Refused> {
        hostcalls::replace_buffer(buffer_of(body), size, bytes)
    }

    fn reply(&mut self, reply: &Reply) -> Result<(), Refused> {
        hostcalls::reply(reply.status, &reply.headers, &reply.body, &reply.details)
    }

    fn call(&mut self, call: &HttpCall) -> Result<u32, Refused> {
        hostcalls::http_call(&call.cluster, &call.fields(), &call.body, call.timeout_ms.max(1))
    }

    fn resume_request(&mut self) -> Result<(), Refused> {
        hostcalls::resume_request()
    }

    fn close_stream(&mut self) -> Result<(), Refused> {
        hostcalls::end_response()
    }

    fn set_filter_state(&mut self, name: &str, value: &str) -> Result<(), Refused> {
        hostcalls::set_filter_state(name, value)
    }

    fn log_record(&mut self, json: &str) -> Result<(), Refused> {
        hostcalls::log(LogLevel::Info, json)
    }

    fn warn(&mut self, text: &str) {
        let _ = hostcalls::log(LogLevel::Warn, text);
    }

    fn count(&mut self, result: &'static str, reason: &'static str) -> Result<(), Refused> {
        self.counters.count(result, reason)
    }
}
