//! A proxy in memory, for one stream.

use crate::callout::HttpCall;
use crate::driver::{Body, Host, Map, Refused};
use crate::http::Fields;
use crate::reply::Reply;
use crate::testing::{NOW_MS, OwnedFields};

/// Something that a [`TestHost`] was asked to do and did.
#[derive(Debug)]
pub enum Deed {
    /// [`Host::reply`].
    Reply(Reply),
    /// [`Host::call`].
    Call(HttpCall),
    /// [`Host::resume_request`].
    Resume,
    /// [`Host::close_stream`].
    Close,
    /// [`Host::log_record`].
    Record(String),
    /// [`Host::count`]: result and reason.
    Count(&'static str, &'static str),
}

/// A proxy in memory, for one stream. A test sets its fields before a callback, and reads them after it.
#[derive(Debug, Default)]
pub struct TestHost {
    /// The request's fields.
    pub request: OwnedFields,
    /// Its trailers.
    pub trailers: OwnedFields,
    /// The response's fields.
    pub response: OwnedFields,
    /// Fields of the answer to a call.
    pub answer: OwnedFields,
    /// The buffered part of the request's body.
    pub request_body: Vec<u8>,
    /// The buffered part of the response's body, or the bytes of the callback.
    pub response_body: Vec<u8>,
    /// Body of the answer to a call.
    pub answer_body: Vec<u8>,
    /// Everything that the host did, in order.
    pub deeds: Vec<Deed>,
    /// Names of the [`Host`]'s methods that are refused.
    pub refuses: Vec<&'static str>,
    calls: u32,
}

/// The methods of [`Host`] that can be refused.
pub const METHODS: [&str; 14] = [
    "now_ms",
    "property",
    "read_fields",
    "remove_field",
    "set_field",
    "body",
    "replace_body",
    "reply",
    "call",
    "resume_request",
    "close_stream",
    "set_filter_state",
    "log_record",
    "count",
];

impl TestHost {
    fn asked(&self, method: &str) -> Result<(), Refused> {
        if self.refuses.contains(&method) { Err(Refused(10)) } else { Ok(()) }
    }

    fn map(&mut self, map: Map) -> &mut OwnedFields {
        match map {
            Map::Request => &mut self.request,
            Map::RequestTrailers => &mut self.trailers,
            Map::Response => &mut self.response,
            Map::CallAnswer => &mut self.answer,
        }
    }

    fn bytes(&mut self, body: Body) -> &mut Vec<u8> {
        match body {
            Body::Request => &mut self.request_body,
            Body::Response => &mut self.response_body,
            Body::CallAnswer => &mut self.answer_body,
        }
    }
}

impl Host for TestHost {
    fn now_ms(&mut self) -> Result<u64, Refused> {
        self.asked("now_ms")?;
        Ok(NOW_MS)
    }

    fn property(&mut self, _path: &[&str]) -> Result<Vec<u8>, Refused> {
        self.asked("property")?;
        Err(Refused(1))
    }

    fn read_fields<T>(&mut self, map: Map, read: impl FnOnce(&Fields<'_>) -> T) -> Result<T, Refused> {
        self.asked("read_fields")?;
        let fields = self.map(map);
        let fields: Vec<(&[u8], &[u8])> =
            fields.iter().map(|(name, value)| (name.as_slice(), value.as_slice())).collect();
        Ok(read(&fields))
    }

    fn remove_field(&mut self, map: Map, name: &[u8]) -> Result<(), Refused> {
        self.asked("remove_field")?;
        self.map(map).retain(|(field, _)| field != name);
        Ok(())
    }

    fn set_field(&mut self, map: Map, name: &str, value: &str) -> Result<(), Refused> {
        self.asked("set_field")?;
        let fields = self.map(map);
        fields.retain(|(field, _)| field != name.as_bytes());
        fields.push((name.into(), value.into()));
        Ok(())
    }

    fn body(&mut self, body: Body, max: usize) -> Result<Vec<u8>, Refused> {
        self.asked("body")?;
        Ok(self.bytes(body).iter().copied().take(max).collect())
    }

    fn replace_body(&mut self, body: Body, size: usize, bytes: &[u8]) -> Result<(), Refused> {
        self.asked("replace_body")?;
        let held = self.bytes(body);
        held.splice(..size.min(held.len()), bytes.iter().copied());
        Ok(())
    }

    fn reply(&mut self, reply: &Reply) -> Result<(), Refused> {
        self.asked("reply")?;
        self.deeds.push(Deed::Reply(reply.clone()));
        Ok(())
    }

    fn call(&mut self, call: &HttpCall) -> Result<u32, Refused> {
        self.asked("call")?;
        self.deeds.push(Deed::Call(call.clone()));
        self.calls = self.calls.wrapping_add(1);
        Ok(self.calls)
    }

    fn resume_request(&mut self) -> Result<(), Refused> {
        self.asked("resume_request")?;
        self.deeds.push(Deed::Resume);
        Ok(())
    }

    fn close_stream(&mut self) -> Result<(), Refused> {
        self.asked("close_stream")?;
        self.deeds.push(Deed::Close);
        Ok(())
    }

    fn set_filter_state(&mut self, _name: &str, _value: &str) -> Result<(), Refused> {
        self.asked("set_filter_state")
    }

    fn log_record(&mut self, json: &str) -> Result<(), Refused> {
        self.asked("log_record")?;
        self.deeds.push(Deed::Record(json.to_owned()));
        Ok(())
    }

    fn warn(&mut self, _text: &str) {}

    fn count(&mut self, result: &'static str, reason: &'static str) -> Result<(), Refused> {
        self.asked("count")?;
        self.deeds.push(Deed::Count(result, reason));
        Ok(())
    }
}
