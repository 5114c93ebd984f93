//! One HTTP stream: callbacks to events, effects to hostcalls.

use super::calls::{self, Buffer, Level, Map, Pairs, Refused};
use super::root::Counters;
use crate::pep::{Call, CallAnswer, ConnectionFacts, Effect, Event, Exchange, Flow, Pep};
use std::rc::Rc;

/// Longest answer of the authorization cluster that is read, in bytes.
const MAX_ANSWER: usize = 1024 * 1024;

/// One HTTP stream.
pub struct Stream {
    exchange: Exchange,
    counters: Rc<Counters>,
    /// Bytes that are read of a body: one more than the limit, so that a longer one is seen to be longer.
    body_window: usize,
    response_window: usize,
    /// A reply was sent: whatever the host calls back for now is that reply.
    replied: bool,
    /// The body was judged; body and trailers that come later are not read again.
    body_done: bool,
    /// Size of the body that was judged, in bytes.
    request_bytes: usize,
    /// The call whose answer is waited for. One of another token is nobody's.
    waiting: Option<u32>,
}

impl Stream {
    /// A new stream under the configuration of the moment.
    pub fn new(pep: Option<Rc<Pep>>, decision_id: String, counters: Rc<Counters>) -> Stream {
        let window = |limit: usize| limit.saturating_add(1);
        let (body_window, response_window) = pep
            .as_ref()
            .map_or((0, 0), |pep| (window(pep.max_body_bytes()), window(pep.max_response_bytes())));
        Stream {
            exchange: Exchange::new(pep, decision_id),
            counters,
            body_window,
            response_window,
            replied: false,
            body_done: false,
            request_bytes: 0,
            waiting: None,
        }
    }

    /// What a request callback returns: held until there is a permit.
    fn request_flow(&self) -> Flow {
        if self.replied { Flow::Hold } else { self.exchange.request_flow() }
    }

    fn response_flow(&self) -> Flow {
        if self.replied { Flow::Pass } else { self.exchange.response_flow() }
    }

    fn fail(&mut self, refused: Refused) {
        calls::log(Level::Warn, &format!("toolward: the host refused a call (status {})", refused.0));
        let effects = self.exchange.fail();
        self.carry_out(effects, 0);
    }

    /// Carries out effects; `response_bytes` is the size of the response bytes that may be replaced. A hostcall that
    /// fails leaves nothing half done: the exchange ends with a reply.
    fn carry_out(&mut self, effects: Vec<Effect>, response_bytes: usize) {
        for effect in effects {
            let done = match effect {
                Effect::Forward { permit: _, remove, set, body } => remove
                    .iter()
                    .try_for_each(|name| calls::remove_header(Map::Request, name))
                    .and_then(|()| {
                        set.iter().try_for_each(|(name, value)| calls::set_header(Map::Request, name, value))
                    })
                    .and_then(|()| {
                        body.map_or(Ok(()), |body| {
                            calls::replace_buffer(Buffer::Request, self.request_bytes, &body)
                        })
                    }),
                Effect::SetResponseHeader(name, value) => calls::set_header(Map::Response, name, &value),
                Effect::Reply(reply) => {
                    self.replied = true;
                    calls::reply(reply.status, &reply.headers, &reply.body, &reply.details)
                }
                Effect::Call(call) => {
                    self.call(&call);
                    Ok(())
                }
                Effect::Record(record) => {
                    calls::log(Level::Info, &record.json);
                    self.counters.count(record.result, record.reason);
                    calls::set_filter_state("toolward_decision", &record.json)
                }
                Effect::RemoveResponseHeaders(names) => {
                    names.iter().try_for_each(|name| calls::remove_header(Map::Response, name.as_bytes()))
                }
                Effect::ReplaceResponseBody(bytes) => {
                    calls::replace_buffer(Buffer::Response, response_bytes, &bytes)
                }
                Effect::EndResponse => calls::end_response(),
            };
            if let Err(refused) = done {
                self.give_up(refused);
            }
        }
    }

    fn give_up(&mut self, refused: Refused) {
        calls::log(Level::Warn, &format!("toolward: the host refused a call (status {})", refused.0));
        if self.replied {
            return;
        }
        self.replied = true;
        let body = br#"{"jsonrpc":"2.0","id":null,"error":{"code":503,"message":"the gateway could not act on its proxy; try again","data":{"reason":"host_failure"}}}"#;
        let headers = [("content-type", "application/json".to_owned())];
        let _ = calls::reply(503, &headers, body, "toolward_denied_host_failure");
    }

    fn call(&mut self, call: &Call) {
        let mut headers: Vec<(&str, &str)> =
            vec![(":method", "POST"), (":path", call.path), (":authority", &call.authority)];
        headers.extend(call.headers.iter().map(|(name, value)| (*name, value.as_str())));
        match calls::http_call(&call.cluster, &headers, &call.body, call.timeout_ms.max(1)) {
            Ok(token) => self.waiting = Some(token),
            Err(_) => self.answered(CallAnswer::NotSent),
        }
    }

    fn answered(&mut self, answer: CallAnswer<'_>) {
        match calls::now_ms() {
            Ok(now_ms) => {
                let effects = self.exchange.handle(Event::CallAnswered { now_ms, answer });
                self.carry_out(effects, 0);
            }
            Err(refused) => self.fail(refused),
        }
    }

    fn on_trailers(&mut self) {
        match Pairs::read(Map::RequestTrailers) {
            Ok(pairs) => match pairs.fields() {
                Some(fields) => {
                    let effects = self.exchange.handle(Event::RequestTrailers { fields: &fields });
                    self.carry_out(effects, 0);
                }
                None => self.fail(Refused(0)),
            },
            Err(refused) => self.fail(refused),
        }
    }

    /// The body is complete: reads it once and has it judged.
    fn on_body_complete(&mut self) {
        if std::mem::replace(&mut self.body_done, true) {
            return;
        }
        let read =
            calls::now_ms().and_then(|now| Ok((now, calls::buffer(Buffer::Request, self.body_window)?)));
        match read {
            Ok((now_ms, body)) => {
                self.request_bytes = body.len();
                let effects = self.exchange.handle(Event::RequestBody { now_ms, body: &body });
                self.carry_out(effects, 0);
            }
            Err(refused) => self.fail(refused),
        }
    }

    fn on_response(&mut self, size: usize, end_of_stream: bool) {
        let window = self.response_window.max(size);
        let read = calls::now_ms().and_then(|now| Ok((now, calls::buffer(Buffer::Response, window)?)));
        match read {
            Ok((now_ms, body)) => {
                let event = Event::ResponseBody { now_ms, body: &body, end_of_stream };
                let effects = self.exchange.handle(event);
                self.carry_out(effects, body.len());
            }
            Err(refused) => self.give_up(refused),
        }
    }

    /// Whether it must be told that time has passed.
    pub fn wants_ticks(&self) -> bool {
        !self.replied && self.exchange.wants_ticks()
    }

    /// Time has passed.
    pub fn on_tick(&mut self, now_ms: u64) {
        let effects = self.exchange.handle(Event::Tick { now_ms });
        self.carry_out(effects, 0);
    }

    /// The token of the call whose answer is waited for.
    pub fn waiting(&self) -> Option<u32> {
        self.waiting
    }

    /// The answer to a call came: `fields` is the number of its header fields, none where there was no response.
    pub fn on_call_answered(&mut self, token: u32, fields: usize) -> Flow {
        if self.replied || self.waiting != Some(token) {
            return Flow::Hold;
        }
        self.waiting = None;
        if fields == 0 {
            self.answered(CallAnswer::Reset);
        } else {
            let status = Pairs::read(Map::CallAnswer).ok().and_then(|pairs| {
                let fields = pairs.fields()?;
                let status = fields.iter().find(|(name, _)| *name == b":status".as_slice())?.1;
                std::str::from_utf8(status).ok()?.parse().ok()
            });
            match calls::buffer(Buffer::CallAnswer, MAX_ANSWER) {
                Ok(body) => self.answered(CallAnswer::Response { status: status.unwrap_or(0), body: &body }),
                Err(_) => self.answered(CallAnswer::Reset),
            }
        }
        if self.request_flow() == Flow::Pass
            && let Err(refused) = calls::resume_request()
        {
            self.give_up(refused);
        }
        self.request_flow()
    }

    /// The request's head is there.
    pub fn on_request_headers(&mut self, end_of_stream: bool) -> Flow {
        self.body_done = end_of_stream;
        if self.exchange.reads_connection() {
            self.exchange.set_connection(ConnectionFacts::read(calls::property));
        }
        let read = calls::now_ms().and_then(|now| Ok((now, Pairs::read(Map::Request)?)));
        match read {
            Ok((now_ms, pairs)) => match pairs.fields() {
                Some(fields) => {
                    let event = Event::RequestHeaders { now_ms, fields: &fields, end_of_stream };
                    let effects = self.exchange.handle(event);
                    self.carry_out(effects, 0);
                }
                None => self.fail(Refused(0)),
            },
            Err(refused) => self.fail(refused),
        }
        self.request_flow()
    }

    /// More of the request's body is buffered, `size` bytes by now.
    pub fn on_request_body(&mut self, size: usize, end_of_stream: bool) -> Flow {
        if !self.body_done && !self.replied {
            if end_of_stream {
                self.on_body_complete();
            } else {
                let effects = self.exchange.handle(Event::RequestBuffered { bytes: size });
                self.carry_out(effects, 0);
            }
        }
        self.request_flow()
    }

    /// Trailers follow the body, which is complete.
    pub fn on_request_trailers(&mut self) -> Flow {
        // With trailers no body callback says that the body is complete.
        if !self.body_done && !self.replied {
            self.on_trailers();
        }
        if !self.replied {
            self.on_body_complete();
        }
        self.request_flow()
    }

    /// The response's head is there.
    pub fn on_response_headers(&mut self, end_of_stream: bool) -> Flow {
        if self.replied || !self.exchange.judges_response() {
            return Flow::Pass;
        }
        match Pairs::read(Map::Response) {
            Ok(pairs) => match pairs.fields() {
                Some(fields) => {
                    let effects =
                        self.exchange.handle(Event::ResponseHeaders { fields: &fields, end_of_stream });
                    self.carry_out(effects, 0);
                }
                None => self.give_up(Refused(0)),
            },
            Err(refused) => self.give_up(refused),
        }
        self.response_flow()
    }

    /// Response bytes: all so far while the response is held, else the new ones.
    pub fn on_response_body(&mut self, size: usize, end_of_stream: bool) -> Flow {
        if self.replied || !self.exchange.judges_response() {
            return Flow::Pass;
        }
        // Of a stream that is held its first event must be seen.
        let whole = !self.exchange.streams();
        if self.exchange.response_flow() == Flow::Hold && whole && !end_of_stream {
            let effects = self.exchange.handle(Event::ResponseBuffered { bytes: size });
            self.carry_out(effects, size);
        } else {
            self.on_response(size, end_of_stream);
        }
        self.response_flow()
    }

    /// Trailers follow the response's body, which is complete.
    pub fn on_response_trailers(&mut self) -> Flow {
        if !self.replied && self.exchange.judges_response() && self.exchange.response_flow() == Flow::Hold {
            self.on_response(0, true);
        }
        self.response_flow()
    }
}
