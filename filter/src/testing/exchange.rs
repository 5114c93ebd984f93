//! One exchange through a proxy: the driver on a [`TestHost`].

use crate::driver::HttpStream;
use crate::pep::{Flow, Pep};
use crate::testing::{Deed, NOW_MS, OwnedFields, TestHost, fields};
use std::rc::Rc;

/// The answer of the authorization cluster to a check.
#[derive(Debug, Clone)]
pub enum Answer {
    /// An explicit yes.
    Yes,
    /// An explicit no.
    No,
    /// Any response.
    Response {
        /// The status.
        status: u16,
        /// The body.
        body: Vec<u8>,
    },
    /// No response.
    Reset,
}

/// The consequence of one callback.
#[derive(Debug)]
pub struct Answered {
    /// The return value of the callback; [`Flow::Pass`] where the host may let this side go on.
    pub flow: Flow,
    /// Everything that the host was asked to do and did.
    pub deeds: Vec<Deed>,
}

impl Answered {
    /// The reason code of a denial by a reply.
    pub fn denied(&self) -> Option<&str> {
        self.deeds.iter().find_map(|deed| match deed {
            Deed::Reply(reply) => reply.details.strip_prefix("toolward_denied_"),
            _ => None,
        })
    }

    /// Whether the request goes on because of this callback.
    pub fn resumed(&self) -> bool {
        self.deeds.iter().any(|deed| matches!(deed, Deed::Resume))
    }

    /// Whether the stream was closed.
    pub fn closed(&self) -> bool {
        self.deeds.iter().any(|deed| matches!(deed, Deed::Close))
    }

    /// The records that were written, as JSON.
    pub fn records(&self) -> impl Iterator<Item = &str> {
        self.deeds.iter().filter_map(|deed| match deed {
            Deed::Record(json) => Some(json.as_str()),
            _ => None,
        })
    }
}

/// One exchange, with the callbacks of a proxy.
pub struct Proxied {
    /// The proxy. Its fields are the exchange's.
    pub host: TestHost,
    stream: HttpStream,
}

impl Proxied {
    /// A new exchange.
    pub fn new(pep: Option<Rc<Pep>>) -> Proxied {
        Proxied { host: TestHost::default(), stream: HttpStream::new(pep, "d-1".into()) }
    }

    fn answered(&mut self, run: impl FnOnce(&mut HttpStream, &mut TestHost) -> Flow) -> Answered {
        let flow = run(&mut self.stream, &mut self.host);
        Answered { flow, deeds: std::mem::take(&mut self.host.deeds) }
    }

    /// The request's head is there.
    pub fn request_headers(&mut self, head: OwnedFields, end_of_stream: bool) -> Answered {
        self.host.request = head;
        self.answered(|stream, host| stream.on_request_headers(host, end_of_stream))
    }

    /// The request's body so far, and more to come.
    pub fn request_buffered(&mut self, size: usize) -> Answered {
        self.answered(|stream, host| stream.on_request_body(host, size, false))
    }

    /// The request's whole body.
    pub fn request_body(&mut self, body: &[u8]) -> Answered {
        self.host.request_body = body.to_vec();
        self.answered(|stream, host| stream.on_request_body(host, body.len(), true))
    }

    /// Trailers after the body that is buffered.
    pub fn request_trailers(&mut self, trailers: OwnedFields) -> Answered {
        self.host.trailers = trailers;
        self.answered(|stream, host| stream.on_request_trailers(host))
    }

    /// The cluster's answer to the outstanding check. Without one, nothing happens.
    pub fn check_answered(&mut self, answer: &Answer) -> Answered {
        let permissionship =
            |says: &str| format!(r#"{{"permissionship":"PERMISSIONSHIP_{says}"}}"#).into_bytes();
        let (status, body) = match answer {
            Answer::Yes => (200, permissionship("HAS_PERMISSION")),
            Answer::No => (200, permissionship("NO_PERMISSION")),
            Answer::Response { status, body } => (*status, body.clone()),
            Answer::Reset => (0, Vec::new()),
        };
        let count = match answer {
            Answer::Reset => 0,
            _ => 1,
        };
        self.host.answer = fields([(":status", status.to_string().as_str())]);
        self.host.answer_body = body;
        let token = self.stream.waiting();
        self.answered(|stream, host| {
            if let Some(token) = token {
                stream.on_call_answered(host, token, count);
            }
            Flow::Hold
        })
    }

    /// The response's head is there.
    pub fn response_headers(&mut self, head: OwnedFields, end_of_stream: bool) -> Answered {
        self.host.response = head;
        self.answered(|stream, host| stream.on_response_headers(host, end_of_stream))
    }

    /// Bytes of the response. The proxy keeps those that are held, and gives them again with the next ones. Returns the
    /// bytes that reach the client.
    pub fn response_body(&mut self, bytes: &[u8], end_of_stream: bool) -> (Answered, Vec<u8>) {
        self.host.response_body.extend_from_slice(bytes);
        let size = self.host.response_body.len();
        let answered = self.answered(|stream, host| stream.on_response_body(host, size, end_of_stream));
        let sent = match answered.flow {
            Flow::Pass => std::mem::take(&mut self.host.response_body),
            Flow::Hold => Vec::new(),
        };
        (answered, sent)
    }

    /// A second has passed.
    pub fn tick(&mut self) -> Answered {
        self.answered(|stream, host| {
            stream.on_tick(host, NOW_MS);
            Flow::Hold
        })
    }

    /// Whether the exchange wants ticks.
    pub fn wants_ticks(&self) -> bool {
        self.stream.wants_ticks()
    }
}
