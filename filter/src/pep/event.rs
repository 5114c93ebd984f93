//! The events of an exchange and the effects that it asks for. Both are plain data, so that the native
//! target, wasmtime and a proxy give the same transcript.

use crate::callout::{HttpAnswer, HttpCall};
use crate::http::Fields;
use crate::pep::permit::Permit;
use crate::record::DecisionRecord;
use crate::reply::Reply;
use std::fmt;

/// Something that happened. Time is in milliseconds since the Unix epoch and is read once per callback.
pub enum Event<'a> {
    /// The request's head is there. `end_of_stream`: nothing follows.
    RequestHeaders {
        /// The time.
        now_ms: u64,
        /// The head.
        fields: &'a Fields<'a>,
        /// Nothing follows.
        end_of_stream: bool,
    },
    /// More of the body is buffered, and more will come: only its size so far.
    RequestBuffered {
        /// Bytes of the body that the host holds.
        bytes: usize,
    },
    /// Trailers follow the body; they come before [`Event::RequestBody`], and go on with it.
    RequestTrailers {
        /// The trailers.
        fields: &'a Fields<'a>,
    },
    /// The body is complete (end of stream, or trailers follow).
    RequestBody {
        /// The time.
        now_ms: u64,
        /// The whole body.
        body: &'a [u8],
    },
    /// A question of [`Effect::Call`] was answered.
    CallAnswered {
        /// The time.
        now_ms: u64,
        /// The answer.
        answer: HttpAnswer<'a>,
    },
    /// The upstream's (or a local) response head.
    ResponseHeaders {
        /// The head; `:status` is among the fields.
        fields: &'a Fields<'a>,
        /// Nothing follows.
        end_of_stream: bool,
    },
    /// More of a held response is buffered, and more will come: only its size so far.
    ResponseBuffered {
        /// Bytes of the body that the host holds.
        bytes: usize,
    },
    /// Response body. While the response is held this is everything so far; while it streams, the new bytes.
    ResponseBody {
        /// The time.
        now_ms: u64,
        /// The bytes.
        body: &'a [u8],
        /// Nothing follows (trailers count as the end).
        end_of_stream: bool,
    },
    /// Time has passed. Only for exchanges that want to know ([`super::Exchange::wants_ticks`]): a stream may be silent for
    /// hours while its token expires, and a call that takes hours is a use of its session.
    Tick {
        /// The time.
        now_ms: u64,
    },
}

/// Something that the host must do, in order.
#[derive(Debug)]
pub enum Effect {
    /// Let the request go on, with these header edits. Cannot be made without a [`Permit`].
    Forward {
        /// The proof.
        permit: Permit,
        /// Header fields to remove, by exact lower-case name.
        remove: Vec<Vec<u8>>,
        /// Header fields to write in place of the present ones.
        set: Vec<(&'static str, String)>,
        /// The bytes that go on in place of the judged body: the same message with the server's own task ids,
        /// or a ping that carries a denial. `None` leaves the bytes as they are.
        body: Option<Vec<u8>>,
        /// Records of the permit, to be logged and counted once the host took all edits and the request goes on.
        records: Vec<DecisionRecord>,
    },
    /// Answer in the upstream's place.
    Reply(Reply),
    /// Ask the authorization cluster; the answer comes as [`Event::CallAnswered`].
    Call(HttpCall),
    /// Write the record to the log and to the stream's filter state, and count it.
    Record(DecisionRecord),
    /// Write this response header field in place of the present one.
    SetResponseHeader(&'static str, String),
    /// Remove these response header fields.
    RemoveResponseHeaders(&'static [&'static str]),
    /// Put this in place of the response bytes of the event that is being handled.
    ReplaceResponseBody(Vec<u8>),
    /// End the response that is streaming; nothing can be said any more, so the connection is reset.
    EndResponse,
}

/// Whether the host lets the side of the exchange that called back go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Keep it: the callback pauses.
    Hold,
    /// Let it pass.
    Pass,
}

// INVARIANT (no secrets in `Debug`): head and body hold tokens and arguments, calls hold the preshared key, so these
// show kinds, names and sizes only.

impl fmt::Debug for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::RequestHeaders { fields, end_of_stream, .. } => {
                write!(f, "RequestHeaders({} fields, end {end_of_stream})", fields.len())
            }
            Event::RequestBuffered { bytes } => write!(f, "RequestBuffered({bytes} bytes)"),
            Event::RequestTrailers { fields } => write!(f, "RequestTrailers({} fields)", fields.len()),
            Event::RequestBody { body, .. } => write!(f, "RequestBody({} bytes)", body.len()),
            Event::CallAnswered { answer, .. } => write!(f, "CallAnswered({answer:?})"),
            Event::ResponseHeaders { fields, end_of_stream } => {
                write!(f, "ResponseHeaders({} fields, end {end_of_stream})", fields.len())
            }
            Event::ResponseBuffered { bytes } => write!(f, "ResponseBuffered({bytes} bytes)"),
            Event::ResponseBody { body, end_of_stream, .. } => {
                write!(f, "ResponseBody({} bytes, end {end_of_stream})", body.len())
            }
            Event::Tick { .. } => f.write_str("Tick"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_keys_and_arguments_reach_no_debug() {
        let head: [(&[u8], &[u8]); 1] = [(b"authorization", b"Bearer secret")];
        let call = HttpCall {
            cluster: "spicedb".into(),
            authority: "spicedb".into(),
            path: "/v1/permissions/check",
            headers: vec![("authorization", "Bearer secret".into())],
            body: b"secret".to_vec(),
            timeout_ms: 250,
        };
        let shown = [
            format!("{:?}", Event::RequestHeaders { now_ms: 0, fields: &head, end_of_stream: true }),
            format!("{:?}", Event::RequestTrailers { fields: &head }),
            format!("{:?}", Event::RequestBody { now_ms: 0, body: b"secret" }),
            format!("{:?}", Event::ResponseHeaders { fields: &head, end_of_stream: false }),
            format!("{:?}", Event::ResponseBody { now_ms: 0, body: b"secret", end_of_stream: true }),
            format!("{:?}", HttpAnswer::Response { status: 200, body: b"secret" }),
            format!("{:?}", Effect::Call(call)),
        ]
        .join(" ");
        assert!(!shown.contains("secret"), "{shown}");
        // As bytes it would not be found above.
        assert!(!shown.contains("115, 101"), "{shown}");
    }
}
