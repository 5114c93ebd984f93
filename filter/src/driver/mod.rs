//! Drives an exchange in a proxy: callbacks become events, effects become calls of the [`Host`].
//!
//! ```text
//! callback ─> HttpStream ─> Event ─> pep::Exchange ─> Effects ─> HttpStream ─> Host
//! ```
//!
//! This code exists once for every proxy. A further proxy needs only another [`Host`].
//!
//! INVARIANT (fail closed): a call that the host refuses ends the exchange. No later effect is carried out,
//! the exchange is recorded as `host_failure`, and nothing more of it passes.

mod host;
mod plugin;

pub use host::{Body, Host, Map, Refused};
pub use plugin::{TICK_MS, counter, decision_id, load};

use crate::callout::{HttpAnswer, HttpCall};
use crate::pep::{ConnectionFacts, Effect, Event, Exchange, Flow, Pep};
use crate::record::DecisionRecord;
use crate::reply::Reply;
use std::rc::Rc;

/// Longest answer of the authorization cluster that is read, in bytes.
const MAX_CALL_ANSWER: usize = 1024 * 1024;

/// Filter state that access logs can show: the newest decision record of the stream.
const FILTER_STATE: &str = "toolward_decision";

/// The state of the filter's own reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LocalReply {
    /// There is no reply.
    None,
    /// The host took it. Response callbacks that follow are for this reply.
    Sent,
    /// The host refused it, or the response was under way already. Nothing passes any more.
    Failed,
}

/// One HTTP stream of a proxy.
pub struct HttpStream {
    exchange: Exchange,
    /// Bytes that are read of a body: one more than the limit, so that a longer body is seen to be longer.
    request_window: usize,
    response_window: usize,
    reply: LocalReply,
    /// The body was judged. Body and trailers that come later are not read again.
    body_done: bool,
    /// Size of the body that was judged, in bytes.
    request_bytes: usize,
    /// Token of the outstanding call. Answers with another token are ignored.
    call: Option<u32>,
    /// The request waits for [`Host::resume_request`], since the running callback is not one of the request.
    suspended: bool,
    /// The host let a part of the response through, so a reply can no longer replace it.
    response_started: bool,
}

impl HttpStream {
    /// A new stream under the current configuration. `decision_id` is unique ([`decision_id`]).
    pub fn new(pep: Option<Rc<Pep>>, decision_id: String) -> HttpStream {
        let window = |limit: usize| limit.saturating_add(1);
        let (request_window, response_window) = pep
            .as_ref()
            .map_or((0, 0), |pep| (window(pep.max_body_bytes()), window(pep.max_response_bytes())));
        HttpStream {
            exchange: Exchange::new(pep, decision_id),
            request_window,
            response_window,
            reply: LocalReply::None,
            body_done: false,
            request_bytes: 0,
            call: None,
            suspended: false,
            response_started: false,
        }
    }

    /// The request's head is there.
    pub fn on_request_headers<H: Host>(&mut self, host: &mut H, end_of_stream: bool) -> Flow {
        if self.reply == LocalReply::None {
            self.body_done = end_of_stream;
            if self.exchange.reads_connection() {
                let connection = ConnectionFacts::read(|path| host.property(path).ok());
                self.exchange.set_connection(connection);
            }
            let exchange = &mut self.exchange;
            let judged = host.now_ms().and_then(|now_ms| {
                host.read_fields(Map::Request, |fields| {
                    exchange.handle(Event::RequestHeaders { now_ms, fields, end_of_stream })
                })
            });
            self.carry_out(host, judged, 0);
        }
        self.request_flow()
    }

    /// More of the request's body is buffered, `size` bytes by now.
    pub fn on_request_body<H: Host>(&mut self, host: &mut H, size: usize, end_of_stream: bool) -> Flow {
        if end_of_stream {
            self.on_body_complete(host);
        } else if !self.body_done && self.reply == LocalReply::None {
            let effects = self.exchange.handle(Event::RequestBuffered { bytes: size });
            self.carry_out(host, Ok(effects), 0);
        }
        self.request_flow()
    }

    /// Trailers follow the body, which is complete. No body callback says so then.
    pub fn on_request_trailers<H: Host>(&mut self, host: &mut H) -> Flow {
        if !self.body_done && self.reply == LocalReply::None {
            let exchange = &mut self.exchange;
            let judged = host.read_fields(Map::RequestTrailers, |fields| {
                exchange.handle(Event::RequestTrailers { fields })
            });
            self.carry_out(host, judged, 0);
        }
        self.on_body_complete(host);
        self.request_flow()
    }

    /// The response's head is there.
    pub fn on_response_headers<H: Host>(&mut self, host: &mut H, end_of_stream: bool) -> Flow {
        self.on_response(host, |stream, host| {
            let exchange = &mut stream.exchange;
            let judged = host.read_fields(Map::Response, |fields| {
                exchange.handle(Event::ResponseHeaders { fields, end_of_stream })
            });
            stream.carry_out(host, judged, 0);
        })
    }

    /// Response bytes: all so far while the response is held, else the new ones.
    pub fn on_response_body<H: Host>(&mut self, host: &mut H, size: usize, end_of_stream: bool) -> Flow {
        self.on_response(host, |stream, host| {
            // Of a stream that is held its first event must be seen.
            let whole = stream.exchange.response_flow() == Flow::Hold && !stream.exchange.streams();
            if whole && !end_of_stream {
                let effects = stream.exchange.handle(Event::ResponseBuffered { bytes: size });
                stream.carry_out(host, Ok(effects), size);
            } else {
                stream.on_response_bytes(host, size, end_of_stream);
            }
        })
    }

    /// Trailers follow the response's body, which is complete.
    pub fn on_response_trailers<H: Host>(&mut self, host: &mut H) -> Flow {
        self.on_response(host, |stream, host| {
            if stream.exchange.response_flow() == Flow::Hold {
                stream.on_response_bytes(host, 0, true);
            }
        })
    }

    /// The token of the call whose answer the stream awaits.
    pub fn waiting(&self) -> Option<u32> {
        self.call
    }

    /// The answer to a call came. `fields` is the number of its header fields; without any there was no response.
    pub fn on_call_answered<H: Host>(&mut self, host: &mut H, token: u32, fields: usize) {
        if self.reply != LocalReply::None || self.call != Some(token) {
            return;
        }
        self.call = None;
        self.suspended = true;
        if fields == 0 {
            self.on_answer(host, HttpAnswer::Reset);
        } else {
            let status = host.read_fields(Map::CallAnswer, |fields| {
                let (_, status) = fields.iter().find(|(name, _)| *name == b":status".as_slice())?;
                std::str::from_utf8(status).ok()?.parse().ok()
            });
            let status = status.ok().flatten().unwrap_or(0);
            match host.body(Body::CallAnswer, MAX_CALL_ANSWER) {
                Ok(body) => self.on_answer(host, HttpAnswer::Response { status, body: &body }),
                Err(_) => self.on_answer(host, HttpAnswer::Reset),
            }
        }
        self.suspended = false;
    }

    /// Whether the stream wants [`HttpStream::on_tick`].
    pub fn wants_ticks(&self) -> bool {
        self.reply == LocalReply::None && self.exchange.wants_ticks()
    }

    /// Time has passed; [`TICK_MS`] says how often.
    pub fn on_tick<H: Host>(&mut self, host: &mut H, now_ms: u64) {
        if self.wants_ticks() {
            let effects = self.exchange.handle(Event::Tick { now_ms });
            self.carry_out(host, Ok(effects), 0);
        }
    }

    /// The flow that a request callback returns: held until there is a permit.
    fn request_flow(&self) -> Flow {
        match self.reply {
            LocalReply::None => self.exchange.request_flow(),
            LocalReply::Sent | LocalReply::Failed => Flow::Hold,
        }
    }

    fn on_body_complete<H: Host>(&mut self, host: &mut H) {
        if self.reply != LocalReply::None || std::mem::replace(&mut self.body_done, true) {
            return;
        }
        let read = host.now_ms().and_then(|now| Ok((now, host.body(Body::Request, self.request_window)?)));
        let judged = read.map(|(now_ms, body)| {
            self.request_bytes = body.len();
            self.exchange.handle(Event::RequestBody { now_ms, body: &body })
        });
        self.carry_out(host, judged, 0);
    }

    fn on_answer<H: Host>(&mut self, host: &mut H, answer: HttpAnswer<'_>) {
        let judged = host.now_ms().map(|now_ms| self.exchange.handle(Event::CallAnswered { now_ms, answer }));
        self.carry_out(host, judged, 0);
    }

    /// Runs a callback of the response side and returns the flow.
    fn on_response<H: Host>(&mut self, host: &mut H, judge: impl FnOnce(&mut Self, &mut H)) -> Flow {
        match self.reply {
            LocalReply::Sent => return Flow::Pass,
            LocalReply::Failed => return Flow::Hold,
            LocalReply::None => {}
        }
        if self.exchange.judges_response() {
            judge(self, host);
        }
        // The bytes of this callback are the server's, whether a reply replaces them or not.
        let flow = match self.reply {
            LocalReply::None => self.exchange.response_flow(),
            LocalReply::Sent | LocalReply::Failed => Flow::Hold,
        };
        self.response_started |= flow == Flow::Pass;
        flow
    }

    fn on_response_bytes<H: Host>(&mut self, host: &mut H, size: usize, end_of_stream: bool) {
        let window = self.response_window.max(size);
        let read = host.now_ms().and_then(|now| Ok((now, host.body(Body::Response, window)?)));
        let (bytes, judged) = match read {
            Ok((now_ms, body)) => {
                let event = Event::ResponseBody { now_ms, body: &body, end_of_stream };
                (body.len(), Ok(self.exchange.handle(event)))
            }
            Err(refused) => (0, Err(refused)),
        };
        self.carry_out(host, judged, bytes);
    }

    /// Carries out effects in order, up to the first that the host refuses. `response_bytes` is the size of the response
    /// bytes that may be replaced.
    fn carry_out<H: Host>(
        &mut self,
        host: &mut H,
        effects: Result<Vec<Effect>, Refused>,
        response_bytes: usize,
    ) {
        let done = effects.and_then(|effects| {
            effects.into_iter().try_for_each(|effect| self.carry_out_one(host, effect, response_bytes))
        });
        if let Err(refused) = done {
            self.on_refused(host, refused);
        }
    }

    fn carry_out_one<H: Host>(
        &mut self,
        host: &mut H,
        effect: Effect,
        response_bytes: usize,
    ) -> Result<(), Refused> {
        match effect {
            Effect::Forward { permit: _, remove, set, body, records } => {
                remove.iter().try_for_each(|name| host.remove_field(Map::Request, name))?;
                set.iter().try_for_each(|(name, value)| host.set_field(Map::Request, name, value))?;
                if let Some(body) = body {
                    host.replace_body(Body::Request, self.request_bytes, &body)?;
                }
                records.iter().try_for_each(|record| host.set_filter_state(FILTER_STATE, &record.json))?;
                if self.suspended {
                    host.resume_request()?;
                }
                // INVARIANT (records): a permit is recorded only once nothing can keep the request any more.
                records.iter().for_each(|record| write(host, record));
                Ok(())
            }
            Effect::SetResponseHeader(name, value) => host.set_field(Map::Response, name, &value),
            Effect::RemoveResponseHeaders(names) => {
                names.iter().try_for_each(|name| host.remove_field(Map::Response, name.as_bytes()))
            }
            Effect::ReplaceResponseBody(bytes) => host.replace_body(Body::Response, response_bytes, &bytes),
            Effect::EndResponse => host.close_stream(),
            Effect::Reply(reply) => self.send(host, &reply),
            Effect::Call(call) => {
                self.call(host, &call);
                Ok(())
            }
            Effect::Record(record) => {
                write(host, &record);
                host.set_filter_state(FILTER_STATE, &record.json)
            }
        }
    }

    fn send<H: Host>(&mut self, host: &mut H, reply: &Reply) -> Result<(), Refused> {
        let sent = host.reply(reply);
        self.reply = if sent.is_ok() { LocalReply::Sent } else { LocalReply::Failed };
        sent
    }

    fn call<H: Host>(&mut self, host: &mut H, call: &HttpCall) {
        match host.call(call) {
            Ok(token) => self.call = Some(token),
            Err(_) => self.on_answer(host, HttpAnswer::NotSent),
        }
    }

    /// The host refused a call, so the exchange is over. The filter replies where that is still possible, and
    /// closes the stream where it is not.
    fn on_refused<H: Host>(&mut self, host: &mut H, refused: Refused) {
        host.warn(&format!("toolward: the host refused a call (status {})", refused.0));
        let (record, reply) = self.exchange.fail();
        write(host, &record);
        // The log has the record. There is no other way to report this failure.
        let _ = host.set_filter_state(FILTER_STATE, &record.json);
        if self.reply == LocalReply::None {
            let sent = !self.response_started && self.send(host, &reply).is_ok();
            self.reply = if sent { LocalReply::Sent } else { LocalReply::Failed };
        }
        if self.reply == LocalReply::Failed {
            // A host that refuses even this leaves the stream held.
            let _ = host.close_stream();
        }
    }
}

/// Logs and counts a decision. The log is the record of truth. If the host refuses it, no other place can
/// report that.
fn write<H: Host>(host: &mut H, record: &DecisionRecord) {
    let _ = host.log_record(&record.json);
    let _ = host.count(record.result, record.reason);
}

#[cfg(test)]
mod tests;
