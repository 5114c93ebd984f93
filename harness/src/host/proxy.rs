//! Exchanges: the order of callbacks, the bytes that are held, and the bytes that are let through.
//!
//! The proxy acts like Envoy with `allow_on_headers_stop_iteration`. A paused head is held while the body arrives. A paused
//! body is held, and every callback sees all of it. `Continue` releases everything held at once, even if calls are pending.
//! A reply of the plugin passes the plugin's own response callbacks. A trap ends the VM.

use super::abi::Action;
use super::guest::{Callback, Guest, Trap};
use super::heads::{check_length, field, finish_reply, head_of, head_of_answer, response_of, upstream_of};
use super::host_state::{CallResponse, HostState, PendingCall};
use super::stream::{LocalReply, Stream};
use crate::scenario::{Answer, Check, CheckAnswer, Fields, HttpVersion, Question, Request};
use crate::transcript::{self, ObservedExchange, Response, Upstream};
use serde_json::Value;
use std::collections::BTreeMap;

/// A proxy with one plugin.
pub struct Proxy<G> {
    guest: G,
    next_stream: u32,
    dead: Option<Trap>,
}

/// The delay of a cluster's answer.
const ANSWER_NS: u64 = 1_000_000;

/// One exchange on its way.
#[derive(Default)]
struct Flight {
    stream: u32,
    seen: ObservedExchange,
    /// The request's end was let through.
    request_done: bool,
    response_done: bool,
    /// The plugin reset the stream.
    closed: bool,
    reply: Option<LocalReply>,
    response: Option<Response>,
    head_only: bool,
    /// Calls by token: the how manyeth of this exchange.
    answers: BTreeMap<u32, usize>,
}

impl<G: Guest> Proxy<G> {
    /// Starts the plugin with [`HostState::configuration`].
    ///
    /// # Errors
    /// The trap, or the log of a plugin that rejects its configuration.
    pub fn start(mut guest: G) -> Result<Proxy<G>, Trap> {
        match guest.start()? {
            true => {
                // The cost of starting belongs to no exchange.
                guest.take_fuel();
                Ok(Proxy { guest, next_stream: 2, dead: None })
            }
            false => {
                let log: Vec<&str> = guest.host().log.iter().map(|line| line.message.as_str()).collect();
                Err(Trap { message: format!("the configuration is refused: {}", log.join("\n")) })
            }
        }
    }

    /// The plugin.
    pub fn guest(&mut self) -> &mut G {
        &mut self.guest
    }

    /// Runs one exchange to its end. `checks` answer the calls of the plugin in order; `server` answers the request, if
    /// it gets there.
    pub fn exchange(
        &mut self,
        request: &Request,
        checks: &[Check],
        server: &mut dyn FnMut(&Upstream) -> Answer,
    ) -> ObservedExchange {
        let stream = self.next_stream;
        self.next_stream = self.next_stream.saturating_add(1);
        let mut flight = Flight { stream, head_only: request.method == "HEAD", ..Flight::default() };
        let host = self.guest.host();
        host.streams.insert(stream, Stream::default());
        let logged = host.log.len();
        let counted = decisions(host);

        let outcome = match &self.dead {
            Some(trap) => Err(Trap { message: format!("the VM is dead: {}", trap.message) }),
            None => self.run(&mut flight, request, checks, server),
        };
        if let Err(trap) = outcome {
            flight.seen.problems.push(format!("trap: {}", trap.message));
            self.dead.get_or_insert(trap);
            // Envoy's answer for a failed VM, if the head is not on its way yet.
            match &mut flight.response {
                Some(response) => response.complete = false,
                none => *none = Some(Response { status: 503, complete: true, ..Response::default() }),
            }
        }

        let fuel = self.guest.take_fuel();
        let host = self.guest.host();
        host.calls.retain(|call| call.context != stream);
        let stream = host.streams.remove(&stream).unwrap_or_default();
        let mut seen = flight.seen;
        seen.request = Some(request.clone());
        seen.fuel = fuel;
        seen.problems.extend(stream.problems);
        seen.response = flight.response.map(|mut response| {
            if response.complete && !flight.head_only {
                check_length("the response", &response.headers, &response.body, &mut seen.problems);
            }
            response.headers = transcript::normalise_fields(response.headers);
            response
        });
        if let Some(upstream) = &mut seen.upstream {
            if upstream.complete {
                check_length("the forwarded request", &upstream.headers, &upstream.body, &mut seen.problems);
            }
            upstream.headers = transcript::normalise_fields(std::mem::take(&mut upstream.headers));
        }
        seen.records = records(host, logged);
        for (labels, value) in decisions(host) {
            let grown = value.saturating_sub(counted.get(&labels).copied().unwrap_or(0));
            if grown > 0 {
                seen.decisions.insert(labels, grown);
            }
        }
        seen
    }

    fn run(
        &mut self,
        flight: &mut Flight,
        request: &Request,
        checks: &[Check],
        server: &mut dyn FnMut(&Upstream) -> Answer,
    ) -> Result<(), Trap> {
        self.guest.create(flight.stream)?;
        self.deliver_request(flight, request)?;
        while flight.reply.is_none() && !flight.request_done && !flight.closed {
            if !self.answer_next_call(flight, checks)? {
                break;
            }
        }
        if flight.closed {
            flight.response_done = true;
        } else if let Some(reply) = flight.reply.take() {
            self.deliver_reply(flight, reply)?;
        } else if flight.request_done {
            let upstream = flight.seen.upstream.clone().unwrap_or_default();
            self.deliver_answer(flight, server(&upstream))?;
        } else {
            flight.seen.problems.push("the request is held and nothing is pending".to_owned());
        }
        if flight.response.is_some() && !flight.response_done {
            flight.seen.problems.push("the response is held and nothing is pending".to_owned());
        }
        self.guest.end(flight.stream)
    }

    fn deliver_request(&mut self, flight: &mut Flight, request: &Request) -> Result<(), Trap> {
        let body = request.body.as_deref().unwrap_or_default();
        let data_frames = request.http == HttpVersion::Http2 && request.body.is_some();
        let ends_with_head = body.is_empty() && !data_frames && request.trailers.is_empty();
        let side = &mut self.stream(flight).request;
        side.headers = head_of(request);
        side.headers_open = true;
        let fields = side.headers.len();
        self.request_callback(flight, Callback::RequestHeaders { fields, end: ends_with_head })?;
        if ends_with_head {
            return Ok(());
        }

        let pieces = request.pieces();
        for (index, piece) in pieces.iter().enumerate() {
            let last = index.saturating_add(1) == pieces.len();
            let end = last && request.trailers.is_empty() && request.http == HttpVersion::Http2;
            self.request_body(flight, piece, end)?;
        }
        let ended = !pieces.is_empty() && request.http == HttpVersion::Http2;
        if !request.trailers.is_empty() {
            let side = &mut self.stream(flight).request;
            side.trailers = request.trailers.clone();
            side.trailers_open = true;
            let fields = side.trailers.len();
            self.request_callback(flight, Callback::RequestTrailers { fields })?;
        } else if !ended {
            // HTTP/1.1 signals the end separately from the last bytes.
            self.request_body(flight, &[], true)?;
        }
        Ok(())
    }

    fn request_body(&mut self, flight: &mut Flight, piece: &[u8], end: bool) -> Result<(), Trap> {
        let side = &mut self.stream(flight).request;
        side.buffer.extend_from_slice(piece);
        side.buffer_open = true;
        let bytes = side.buffer.len();
        self.request_callback(flight, Callback::RequestBody { bytes, end })
    }

    fn request_callback(&mut self, flight: &mut Flight, callback: Callback) -> Result<(), Trap> {
        // After a reply or a reset, the rest of the request is not delivered.
        if flight.reply.is_some() || flight.closed {
            return Ok(());
        }
        self.guest.host().effective_context = flight.stream;
        let action = self.guest.call(flight.stream, callback)?;
        let end = matches!(
            callback,
            Callback::RequestHeaders { end: true, .. }
                | Callback::RequestBody { end: true, .. }
                | Callback::RequestTrailers { .. }
        );
        self.after_request(flight, action, end);
        Ok(())
    }

    /// Applies the plugin's effects on the request side.
    fn after_request(&mut self, flight: &mut Flight, action: Action, end: bool) {
        let asked: Vec<PendingCall> = {
            let host = self.guest.host();
            host.calls.iter().filter(|call| call.context == flight.stream).cloned().collect()
        };
        note_questions(flight, &asked);
        let stream = self.stream(flight);
        if std::mem::take(&mut stream.closed) {
            flight.closed = true;
            return;
        }
        if let Some(reply) = stream.reply.take() {
            flight.reply = Some(reply);
            return;
        }
        let side = &mut stream.request;
        if action == Action::Pause && !side.continued {
            return;
        }
        let upstream = flight.seen.upstream.get_or_insert_with(|| upstream_of(side));
        upstream.body.append(&mut side.buffer);
        upstream.trailers.append(&mut side.trailers);
        side.close();
        side.continued = false;
        if end {
            upstream.complete = true;
            flight.request_done = true;
        }
    }

    /// Answers the call that is due first. Returns `false` if there is none.
    fn answer_next_call(&mut self, flight: &mut Flight, checks: &[Check]) -> Result<bool, Trap> {
        let host = self.guest.host();
        let due = |call: &PendingCall| {
            let index = flight.answers.get(&call.token).copied().unwrap_or(usize::MAX);
            let timeout = u64::from(call.timeout_ms).saturating_mul(1_000_000);
            match checks.get(index).map(|check| &check.answer) {
                Some(CheckAnswer::Timeout) if timeout == 0 => None,
                Some(CheckAnswer::Timeout) => Some(call.made_ns.saturating_add(timeout)),
                _ => Some(call.made_ns.saturating_add(ANSWER_NS)),
            }
        };
        let next = host
            .calls
            .iter()
            .enumerate()
            .filter(|(_, call)| call.context == flight.stream)
            .filter_map(|(at, call)| Some((due(call)?, at)))
            .min();
        let Some((time, at)) = next else { return Ok(false) };
        let call = host.calls.remove(at);
        host.now_ns = host.now_ns.max(time);
        let index = flight.answers.get(&call.token).copied().unwrap_or(usize::MAX);
        host.call_response = Some(match checks.get(index).map(|check| &check.answer) {
            Some(CheckAnswer::Http(answer)) => CallResponse {
                headers: head_of_answer(answer.status, &answer.headers),
                body: answer.body.clone(),
                trailers: Fields::new(),
            },
            // Envoy answers its own timeout.
            Some(CheckAnswer::Timeout) => CallResponse {
                headers: head_of_answer(504, &[("content-type".to_owned(), b"text/plain".to_vec())]),
                body: b"upstream request timeout".to_vec(),
                trailers: Fields::new(),
            },
            Some(CheckAnswer::Reset) | None => CallResponse::default(),
        });
        host.effective_context = call.context;
        self.guest.answer(call.context, call.token)?;
        self.guest.host().call_response = None;
        self.after_request(flight, Action::Pause, true);
        Ok(true)
    }

    fn deliver_reply(&mut self, flight: &mut Flight, reply: LocalReply) -> Result<(), Trap> {
        let (headers, body) = finish_reply(reply);
        let pieces = if body.is_empty() { Vec::new() } else { vec![body] };
        self.deliver_response(flight, headers, &pieces, &[], &Fields::new(), true)
    }

    fn deliver_answer(&mut self, flight: &mut Flight, answer: Answer) -> Result<(), Trap> {
        let mut headers = head_of_answer(answer.status, &answer.headers);
        let framed = headers.iter().any(|(name, _)| name == "content-length" || name == "transfer-encoding");
        if !framed && answer.status != 204 {
            headers.push(match answer.chunks.is_empty() && answer.trailers.is_empty() {
                true => ("content-length".to_owned(), answer.body.len().to_string().into_bytes()),
                false => ("transfer-encoding".to_owned(), b"chunked".to_vec()),
            });
        }
        let pieces: Vec<Vec<u8>> = answer.pieces().into_iter().map(<[u8]>::to_vec).collect();
        self.deliver_response(flight, headers, &pieces, &answer.pauses, &answer.trailers, false)
    }

    /// `in_one`: the end comes with the last bytes (local replies), not apart from them (HTTP/1.1 servers).
    fn deliver_response(
        &mut self,
        flight: &mut Flight,
        headers: Fields,
        pieces: &[Vec<u8>],
        pauses: &[u64],
        trailers: &Fields,
        in_one: bool,
    ) -> Result<(), Trap> {
        let ends_with_head = pieces.is_empty() && trailers.is_empty();
        let side = &mut self.stream(flight).response;
        side.headers = headers;
        side.headers_open = true;
        let fields = side.headers.len();
        self.response_callback(flight, Callback::ResponseHeaders { fields, end: ends_with_head })?;
        if ends_with_head {
            return Ok(());
        }
        for (index, piece) in pieces.iter().enumerate() {
            let last = index.saturating_add(1) == pieces.len();
            self.response_body(flight, piece, in_one && last && trailers.is_empty())?;
            self.pause(flight, pauses.get(index).copied().unwrap_or_default())?;
        }
        if !trailers.is_empty() {
            let side = &mut self.stream(flight).response;
            side.trailers = trailers.clone();
            side.trailers_open = true;
            self.response_callback(flight, Callback::ResponseTrailers { fields: trailers.len() })?;
        } else if !in_one {
            self.response_body(flight, &[], true)?;
        }
        Ok(())
    }

    /// Time passes in the middle of a response; the plugin gets its ticks.
    fn pause(&mut self, flight: &mut Flight, milliseconds: u64) -> Result<(), Trap> {
        let host = self.guest.host();
        let period = u64::from(host.tick_period_ms);
        let mut left = milliseconds;
        while period > 0 && left >= period && !flight.response_done {
            left = left.saturating_sub(period);
            let host = self.guest.host();
            host.now_ns = host.now_ns.saturating_add(period.saturating_mul(1_000_000));
            self.guest.tick()?;
            self.take_up_close(flight);
        }
        let host = self.guest.host();
        host.now_ns = host.now_ns.saturating_add(left.saturating_mul(1_000_000));
        Ok(())
    }

    /// Resets the stream if the plugin closed it.
    fn take_up_close(&mut self, flight: &mut Flight) {
        if std::mem::take(&mut self.stream(flight).closed) {
            flight.response_done = true;
        }
    }

    fn response_body(&mut self, flight: &mut Flight, piece: &[u8], end: bool) -> Result<(), Trap> {
        let side = &mut self.stream(flight).response;
        side.buffer.extend_from_slice(piece);
        side.buffer_open = true;
        let bytes = side.buffer.len();
        self.response_callback(flight, Callback::ResponseBody { bytes, end })
    }

    fn response_callback(&mut self, flight: &mut Flight, callback: Callback) -> Result<(), Trap> {
        if flight.response_done {
            return Ok(());
        }
        self.guest.host().effective_context = flight.stream;
        let action = self.guest.call(flight.stream, callback)?;
        let end = matches!(
            callback,
            Callback::ResponseHeaders { end: true, .. }
                | Callback::ResponseBody { end: true, .. }
                | Callback::ResponseTrailers { .. }
        );
        let stream = self.stream(flight);
        if let Some(reply) = stream.reply.take() {
            // In place of a response whose head is still here; otherwise the stream is reset. It does not pass the
            // plugin again.
            if flight.response.is_none() {
                let (headers, body) = finish_reply(reply);
                let mut response = response_of(headers);
                response.body = if flight.head_only { Vec::new() } else { body };
                response.complete = true;
                flight.response = Some(response);
            } else if let Some(response) = &mut flight.response {
                response.complete = false;
            }
            flight.response_done = true;
            return Ok(());
        }
        let side = &mut stream.response;
        if action == Action::Pause && !side.continued {
            self.take_up_close(flight);
            return Ok(());
        }
        let response = flight.response.get_or_insert_with(|| response_of(std::mem::take(&mut side.headers)));
        if flight.head_only {
            side.buffer.clear();
        }
        response.body.append(&mut side.buffer);
        response.trailers.append(&mut side.trailers);
        side.close();
        side.continued = false;
        if end {
            response.complete = true;
            flight.response_done = true;
        }
        self.take_up_close(flight);
        Ok(())
    }

    fn stream(&mut self, flight: &Flight) -> &mut Stream {
        self.guest.host().streams.entry(flight.stream).or_default()
    }
}

/// Records new calls and their questions.
fn note_questions(flight: &mut Flight, calls: &[PendingCall]) {
    for call in calls {
        if flight.answers.contains_key(&call.token) {
            continue;
        }
        flight.answers.insert(call.token, flight.answers.len());
        let question = Question::from_spicedb(&call.body).unwrap_or_else(|problem| {
            flight.seen.problems.push(format!("call to `{}`: {problem}", call.cluster));
            Question::default()
        });
        flight.seen.checks.push(question);
        let path = field(&call.headers, ":path");
        if path != Some(b"/v1/permissions/check") || field(&call.headers, ":method") != Some(b"POST") {
            flight
                .seen
                .problems
                .push(format!("call to `{}`: not a POST of /v1/permissions/check", call.cluster));
        }
        if call.timeout_ms == 0 {
            flight.seen.problems.push(format!("call to `{}` without a timeout", call.cluster));
        }
    }
}

/// `toolward_decisions_total` by its labels.
fn decisions(host: &HostState) -> BTreeMap<(String, String), u64> {
    host.metrics
        .counters()
        .filter(|(name, _)| name.starts_with("toolward") && name.contains("decisions"))
        .filter_map(|(name, value)| {
            let mut labels = name.rsplit('.').filter(|part| !matches!(*part, "result" | "reason"));
            let reason = labels.next()?.to_owned();
            Some(((labels.next()?.to_owned(), reason), value))
        })
        .collect()
}

/// The decision records in the log, from a line on.
fn records(host: &HostState, from: usize) -> Vec<Value> {
    let lines = host.log.get(from..).unwrap_or_default();
    lines
        .iter()
        .filter_map(|line| line.message.find('{').and_then(|at| line.message.get(at..)))
        .filter_map(|json| serde_json::from_str::<Value>(json).ok())
        .filter(|value| value.get("decision_id").is_some())
        .collect()
}

#[cfg(test)]
#[path = "proxy_tests.rs"]
mod tests;
