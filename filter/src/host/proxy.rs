//! The proxy of one stream: what the driver asks for becomes hostcalls.

use super::calls::{self, Buffer, Level, Pairs};
use super::root::Counters;
use crate::driver::{Body, Host, Map, Refused};
use crate::pep::{Call, Fields};
use crate::reply::Reply;
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

fn map_of(map: Map) -> calls::Map {
    match map {
        Map::Request => calls::Map::Request,
        Map::RequestTrailers => calls::Map::RequestTrailers,
        Map::Response => calls::Map::Response,
        Map::CallAnswer => calls::Map::CallAnswer,
    }
}

fn buffer_of(body: Body) -> Buffer {
    match body {
        Body::Request => Buffer::Request,
        Body::Response => Buffer::Response,
        Body::CallAnswer => Buffer::CallAnswer,
    }
}

impl Host for Proxy {
    fn now_ms(&mut self) -> Result<u64, Refused> {
        calls::now_ms()
    }

    fn property(&mut self, path: &[&str]) -> Result<Vec<u8>, Refused> {
        calls::property(path)
    }

    fn read_fields<T>(&mut self, map: Map, read: impl FnOnce(&Fields<'_>) -> T) -> Result<T, Refused> {
        let pairs = Pairs::read(map_of(map))?;
        let fields = pairs.fields().ok_or(Refused(calls::PARSE_FAILURE))?;
        Ok(read(&fields))
    }

    fn remove_field(&mut self, map: Map, name: &[u8]) -> Result<(), Refused> {
        calls::remove_header(map_of(map), name)
    }

    fn set_field(&mut self, map: Map, name: &str, value: &str) -> Result<(), Refused> {
        calls::set_header(map_of(map), name, value)
    }

    fn body(&mut self, body: Body, max: usize) -> Result<Vec<u8>, Refused> {
        calls::buffer(buffer_of(body), max)
    }

    fn replace_body(&mut self, body: Body, size: usize, bytes: &[u8]) -> Result<(), Refused> {
        calls::replace_buffer(buffer_of(body), size, bytes)
    }

    fn reply(&mut self, reply: &Reply) -> Result<(), Refused> {
        calls::reply(reply.status, &reply.headers, &reply.body, &reply.details)
    }

    fn call(&mut self, call: &Call) -> Result<u32, Refused> {
        calls::http_call(&call.cluster, &call.fields(), &call.body, call.timeout_ms.max(1))
    }

    fn resume_request(&mut self) -> Result<(), Refused> {
        calls::resume_request()
    }

    fn close_stream(&mut self) -> Result<(), Refused> {
        calls::end_response()
    }

    fn set_filter_state(&mut self, name: &str, value: &str) -> Result<(), Refused> {
        calls::set_filter_state(name, value)
    }

    fn log_record(&mut self, json: &str) -> Result<(), Refused> {
        calls::log(Level::Info, json);
        Ok(())
    }

    fn warn(&mut self, text: &str) {
        calls::log(Level::Warn, text);
    }

    fn count(&mut self, result: &'static str, reason: &'static str) -> Result<(), Refused> {
        self.counters.count(result, reason);
        Ok(())
    }
}
