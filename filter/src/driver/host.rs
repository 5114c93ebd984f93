//! The calls that a proxy carries out for the filter.

use crate::callout::HttpCall;
use crate::http::Fields;
use crate::reply::Reply;

/// The host refused a call, with its own number for the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused(pub u32);

/// Header fields of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Map {
    /// Of the request.
    Request,
    /// Trailers of the request.
    RequestTrailers,
    /// Of the response.
    Response,
    /// Of the answer to [`Host::call`].
    CallAnswer,
}

/// A body of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// The held part of the request's body.
    Request,
    /// The held part of the response's body, or the bytes of the callback.
    Response,
    /// Of the answer to [`Host::call`].
    CallAnswer,
}

/// A proxy, as far as one stream needs it. Methods act on the stream whose callback runs.
///
/// # Errors
/// Every method gives [`Refused`] where the proxy did not carry it out. The proxy then did no part of it.
pub trait Host {
    /// Milliseconds since the Unix epoch.
    fn now_ms(&mut self) -> Result<u64, Refused>;

    /// A property of the proxy by its path (Envoy's attributes).
    fn property(&mut self, path: &[&str]) -> Result<Vec<u8>, Refused>;

    /// Lends the fields of a map, in order, repeated fields apart.
    fn read_fields<T>(&mut self, map: Map, read: impl FnOnce(&Fields<'_>) -> T) -> Result<T, Refused>;

    /// Removes every field of this name.
    fn remove_field(&mut self, map: Map, name: &[u8]) -> Result<(), Refused>;

    /// Writes a field in place of every field of this name.
    fn set_field(&mut self, map: Map, name: &str, value: &str) -> Result<(), Refused>;

    /// The first `max` bytes of a body; empty where there is no body.
    fn body(&mut self, body: Body, max: usize) -> Result<Vec<u8>, Refused>;

    /// Replaces the first `size` bytes of a body.
    fn replace_body(&mut self, body: Body, size: usize, bytes: &[u8]) -> Result<(), Refused>;

    /// Answers in the upstream's place.
    fn reply(&mut self, reply: &Reply) -> Result<(), Refused>;

    /// Calls a cluster of the proxy, by POST. Returns the token that the answer carries.
    fn call(&mut self, call: &HttpCall) -> Result<u32, Refused>;

    /// Lets the held request go on, outside its own callbacks.
    fn resume_request(&mut self) -> Result<(), Refused>;

    /// Resets the stream. Bytes that were not sent yet are lost.
    fn close_stream(&mut self) -> Result<(), Refused>;

    /// Sets a named value of the stream, for access logs.
    fn set_filter_state(&mut self, name: &str, value: &str) -> Result<(), Refused>;

    /// Writes a decision record to the log.
    fn log_record(&mut self, json: &str) -> Result<(), Refused>;

    /// Writes a warning to the log.
    fn warn(&mut self, text: &str);

    /// Adds one to the counter of a decision ([`super::counter`] is its name).
    fn count(&mut self, result: &'static str, reason: &'static str) -> Result<(), Refused>;
}
