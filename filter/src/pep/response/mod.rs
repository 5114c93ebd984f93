//! The response side. The filter inspects each message of a server before the message reaches the client,
//! and passes it as it came where nothing denies it. `docs/answers.md` says how.

mod awaited;
mod inspect;
mod log_once;
mod redirect;

pub(super) use awaited::Awaited;

use crate::http::Fields;
use crate::http::fields::field;
use crate::http::media::{Media, is_coded, is_foreign, media_of};
use crate::http::reference::ExpectedEndpoint;
use crate::mcp::server_message::{could_be_message, is_keep_alive, is_stub};
use crate::mcp::sse::{self, EventAction, EventFilter, write_data};
use crate::pep::audit::Audit;
use crate::pep::caller::Caller;
use crate::pep::cross_origin;
use crate::pep::event::{Effect, Event, Flow};
use crate::pep::session_id::Session;
use crate::pep::sse_endpoint;
use crate::pep::task_id::OpenedTasks;
use crate::reason::Reason;
use inspect::{InspectError, Inspector, MessageAction};
use log_once::LogOnce;
use policy_wasm::json;
use policy_wasm::pdp::Work;

/// The response to a permitted request.
pub(super) struct Response {
    /// Built once, when the request goes on.
    inspector: Inspector,
    session: Session,
    phase: Phase,
    /// The endpoint that the stream may begin with; `None` once an event came.
    endpoint: Option<ExpectedEndpoint>,
    /// A keep-alive of the server did not go on.
    left_out: bool,
}

enum Phase {
    ExpectHeaders,
    /// A stream, held until its first event is there. `read`: how many bytes of it went through the filter of events.
    Opening {
        events: EventFilter,
        read: usize,
    },
    /// The response passes.
    Passing,
    /// Held until it is complete. `strict`: a body that cannot be read is refused.
    Held {
        strict: bool,
    },
    /// Events go on as they are judged.
    Events(EventFilter),
    /// Something in a stream was refused, the token may be used no longer, or the session is over. Nothing
    /// more of the stream goes on. `patient`: the host ends the stream with the tick after the next one.
    Ended {
        patient: bool,
    },
    /// Nothing of the body goes on: it could not be read, and the status says enough.
    Emptied,
    /// A reply replaces the response. The callbacks that follow are for that reply.
    Replied,
}

/// The consequence of a response event.
#[derive(Default)]
struct Outcome {
    effects: Vec<Effect>,
    /// The reason of a refusal that needs its own record.
    refused: Option<Reason>,
}

impl From<Vec<Effect>> for Outcome {
    fn from(effects: Vec<Effect>) -> Self {
        Outcome { effects, ..Outcome::default() }
    }
}

/// Removed where bytes may change: the length, and the digests of the old bytes.
const STALE: &[&str] = &["content-length", "content-md5", "digest", "content-digest", "repr-digest", "etag"];

/// Removed where no bytes are left: how they were coded, too.
const EMPTIED: &[&str] =
    &["content-length", "content-encoding", "content-md5", "digest", "content-digest", "repr-digest", "etag"];

/// Names the place where a client gets a token (RFC 9110 §11.6.1).
const CHALLENGE: &str = "www-authenticate";

/// How much of a stream is held while its first event is not there, in bytes.
const MAX_OPENING: usize = 16 * 1024;

/// Whether a reader takes this for an event. Comments and bookmarks are not events.
fn is_event(heard: sse::Heard<'_>) -> bool {
    !heard.data.is_empty() || heard.name == sse_endpoint::EVENT
}

/// Whether a lenient reader takes this name of an event for [`sse_endpoint::EVENT`].
fn resembles_endpoint(name: &[u8]) -> bool {
    std::str::from_utf8(name).is_ok_and(|name| json::resemble(name, "endpoint"))
}

impl Response {
    /// The response that this caller awaits. `method` is the request's, as policies name it.
    pub(super) fn new(
        caller: Caller,
        session: Session,
        method: &'static str,
        awaited: Awaited,
        tasks: OpenedTasks,
        endpoint: Option<ExpectedEndpoint>,
    ) -> Response {
        let inspector = Inspector {
            caller,
            method,
            awaited,
            tasks,
            streams: false,
            carries_denials: false,
            settled: None,
            answered: false,
            log: LogOnce::default(),
            work: Work::default(),
        };
        Response { inspector, session, phase: Phase::ExpectHeaders, endpoint, left_out: false }
    }

    /// Whether the host may let the response go on.
    pub(super) fn flow(&self) -> Flow {
        match self.phase {
            // INVARIANT (fail closed): bytes before a head, which no proxy gives, are held.
            Phase::ExpectHeaders | Phase::Held { .. } | Phase::Opening { .. } => Flow::Hold,
            _ => Flow::Pass,
        }
    }

    /// Whether the response needs any inspection.
    pub(super) fn inspects(&self) -> bool {
        let seals = self.inspector.caller.keys().is_some();
        seals || !matches!(self.phase, Phase::Passing | Phase::Replied)
    }

    /// Whether the response is a stream that may be open for long.
    pub(super) fn streams(&self) -> bool {
        matches!(self.phase, Phase::Opening { .. } | Phase::Events(_) | Phase::Ended { .. })
    }

    /// Whether the response wants to know that time has passed.
    pub(super) fn wants_ticks(&self) -> bool {
        self.streams() || self.session.wants_ticks()
    }

    /// Handles a response event. A record comes before the effects that it is about.
    pub(super) fn handle(&mut self, audit: &Audit, event: Event<'_>) -> Vec<Effect> {
        let caller = &self.inspector.caller;
        let sealed = match &event {
            Event::ResponseHeaders { fields, .. } => self.session.answer(caller, fields, audit.now()),
            _ => None,
        };
        // Renews the session's use, so it is asked with every event.
        let over = self.session.over(caller, audit.now());
        let outcome = self.on_event(audit, over, event);
        let ended =
            matches!(self.phase, Phase::Passing | Phase::Emptied | Phase::Replied | Phase::Ended { .. });
        let due = self.inspector.log.take(ended);
        let records = due.iter().map(|evaluated| audit.server_record(evaluated));
        let refused = outcome.refused.map(|reason| audit.denied_record(reason));
        let records = records.chain(refused).map(Effect::Record);
        records.chain(sealed).chain(outcome.effects).collect()
    }

    fn on_event(&mut self, audit: &Audit, over: Option<Reason>, event: Event<'_>) -> Outcome {
        match event {
            Event::ResponseHeaders { fields, end_of_stream } => {
                let mut outcome = self.on_headers(audit, fields, end_of_stream);
                if let (Some(origin), false) = (&audit.origin, matches!(self.phase, Phase::Replied)) {
                    outcome.effects.extend(cross_origin::response_effects(origin, field(fields, "vary")));
                }
                if field(fields, CHALLENGE).is_some() && !matches!(self.phase, Phase::Replied) {
                    outcome.effects.insert(0, self.own_challenge(fields));
                    self.inspector.challenge_removed();
                }
                // A client that believes this field would send compressed requests (RFC 9110 §12.5.3).
                if field(fields, "accept-encoding").is_some() {
                    outcome.effects.insert(0, Effect::RemoveResponseHeaders(&["accept-encoding"]));
                }
                outcome
            }
            Event::ResponseBuffered { bytes }
                if bytes > self.max_bytes() && matches!(self.phase, Phase::Held { .. }) =>
            {
                self.reply(audit, self.too_large())
            }
            Event::ResponseBody { body, end_of_stream, .. } => match &self.phase {
                Phase::Held { strict } => self.on_held(audit, body, end_of_stream, *strict),
                Phase::Opening { .. } => self.on_opening(audit, over, body, end_of_stream),
                Phase::ExpectHeaders | Phase::Passing | Phase::Replied => Outcome::default(),
                Phase::Emptied => vec![Effect::ReplaceResponseBody(Vec::new())].into(),
                Phase::Events(_) | Phase::Ended { .. } => {
                    let outcome = match self.phase {
                        Phase::Events(_) => self.on_events(audit, over, body, end_of_stream),
                        _ => vec![Effect::ReplaceResponseBody(Vec::new())].into(),
                    };
                    if end_of_stream {
                        // Bytes on their way to the client arrive, however slow the client is.
                        self.phase = Phase::Passing;
                    }
                    outcome
                }
            },
            Event::Tick { .. } if self.streams() => self.on_tick(over),
            _ => Outcome::default(),
        }
    }

    fn max_bytes(&self) -> usize {
        self.inspector.caller.pep.config.max_response_bytes
    }

    fn is_list(&self) -> bool {
        self.inspector.answer().is_some_and(|answer| answer.asked.list.is_some())
    }

    fn unreadable(&self) -> Reason {
        if self.is_list() { Reason::ListUnreadable } else { Reason::AnswerUnreadable }
    }

    fn too_large(&self) -> Reason {
        if self.is_list() { Reason::ListTooLarge } else { Reason::AnswerTooLarge }
    }

    fn reply(&mut self, audit: &Audit, reason: Reason) -> Outcome {
        self.phase = Phase::Replied;
        let reply = audit.refusal_of(reason, None, self.inspector.settled.as_deref());
        Outcome { effects: vec![Effect::Reply(reply)], refused: Some(reason) }
    }

    fn on_headers(&mut self, audit: &Audit, fields: &Fields<'_>, end_of_stream: bool) -> Outcome {
        self.phase = Phase::Passing;
        let status = field(fields, ":status").unwrap_or_default();
        if redirect::leads_away(self.inspector.caller.bundle(), status, fields) {
            return self.reply(audit, Reason::RedirectRefused);
        }
        if end_of_stream {
            return Outcome::default();
        }
        let ok = status.first() == Some(&b'2');
        let media = media_of(fields);
        // An error of the server is not an answer, and neither is a body beside 202 or for DELETE. A body
        // that looks like an answer is judged like one. A GET is answered with a stream, but some clients
        // read a stream from any body, so the filter must be able to read it.
        let word =
            status == b"202" && media != Media::Json || matches!(self.inspector.awaited, Awaited::Nothing);
        let strict = ok && !word;
        if is_coded(fields) || is_foreign(fields) || (media == Media::Unclear && !ok) {
            return match self.inspector.awaited {
                Awaited::Answer(_) | Awaited::Messages | Awaited::NoAnswer if strict => {
                    self.reply(audit, self.unreadable())
                }
                _ => self.empty(),
            };
        }
        if media == Media::Events {
            self.inspector.streams = true;
            self.phase = match self.endpoint {
                Some(_) if ok => Phase::Opening { events: EventFilter::new(MAX_OPENING), read: 0 },
                _ => Phase::Events(EventFilter::new(self.max_bytes())),
            };
            return vec![Effect::RemoveResponseHeaders(STALE)].into();
        }
        self.phase = Phase::Held { strict };
        Outcome::default()
    }

    /// INVARIANT (own challenges): clients of MCP fetch the metadata that a challenge names, and sign in where it says. A
    /// server could send them to an authorization server of its own, so only the gateway's challenge reaches a client.
    fn own_challenge(&self, fields: &Fields<'_>) -> Effect {
        let caller = &self.inspector.caller;
        let url = caller.pep.metadata.url(caller.server().index());
        match url {
            // RFC 9110 §15.5.2: a 401 has a challenge.
            Some(url) if field(fields, ":status") == Some(b"401") => {
                Effect::SetResponseHeader(CHALLENGE, format!("Bearer resource_metadata=\"{url}\""))
            }
            _ => Effect::RemoveResponseHeaders(&[CHALLENGE]),
        }
    }

    /// The status goes on without a body.
    fn empty(&mut self) -> Outcome {
        self.phase = Phase::Emptied;
        self.inspector.unreadable_event();
        vec![Effect::RemoveResponseHeaders(EMPTIED)].into()
    }

    fn on_held(&mut self, audit: &Audit, body: &[u8], end_of_stream: bool, strict: bool) -> Outcome {
        let too_large = body.len() > self.max_bytes();
        if !end_of_stream && !too_large {
            return Outcome::default();
        }
        if too_large {
            return self.reply(audit, self.too_large());
        }
        self.phase = Phase::Passing;
        // The same as where the head says that nothing follows it.
        if body.is_empty() {
            return Outcome::default();
        }
        let limits = &self.inspector.caller.pep.limits;
        // Some servers answer a notification with `null`, `{}` or `ok`, which other clients throw away.
        if strict && matches!(self.inspector.awaited, Awaited::NoAnswer) && is_stub(body, limits) {
            return vec![Effect::RemoveResponseHeaders(STALE), Effect::ReplaceResponseBody(Vec::new())]
                .into();
        }
        let inspected = self.inspector.inspect(audit, body);
        // There are clients that read errors of any status, as leniently as answers.
        let hidden = !strict
            && matches!(inspected, Err(InspectError::Unreadable))
            && could_be_message(body, &self.inspector.caller.pep.limits);
        if hidden {
            self.inspector.unreadable_event();
        }
        let replace = |body: Vec<u8>| {
            vec![Effect::RemoveResponseHeaders(STALE), Effect::ReplaceResponseBody(body)].into()
        };
        match inspected {
            Ok(MessageAction::Pass) => Outcome::default(),
            Ok(MessageAction::Rewrite(text)) => replace(text.into_bytes()),
            Ok(MessageAction::Drop) => replace(Vec::new()),
            Err(InspectError::Denied(reason)) => {
                // The denial has its record among the inspector's.
                Outcome { refused: None, ..self.reply(audit, reason) }
            }
            // Clients of 2024-11-05 read only the status here, and end the session on a status that is no success.
            Err(InspectError::Unreadable)
                if hidden || (strict && matches!(self.inspector.awaited, Awaited::Acknowledgement)) =>
            {
                replace(Vec::new())
            }
            Err(InspectError::Unreadable) if !strict => Outcome::default(),
            Err(InspectError::Unreadable) => self.reply(audit, self.unreadable()),
        }
    }

    /// `body` holds everything so far. A client that learns its endpoint, and then that there is none, may
    /// hang. So the head waits for the first event, and a refusal is an answer.
    fn on_opening(
        &mut self,
        audit: &Audit,
        over: Option<Reason>,
        body: &[u8],
        end_of_stream: bool,
    ) -> Outcome {
        let Phase::Opening { events, read } = &mut self.phase else { return Outcome::default() };
        let (caller, endpoint) = (&self.inspector.caller, self.endpoint.as_ref());
        let new = body.get(std::mem::replace(read, body.len())..).unwrap_or_default();
        let mut first = None;
        let pushed = events.push(new, &mut Vec::new(), &mut |heard| {
            if first.is_none() && is_event(heard) {
                let named = heard.name == sse_endpoint::EVENT;
                let resolved = || endpoint?.resolve(heard.data);
                let sealed = || sse_endpoint::seal(caller, resolved()?, audit.now());
                first = Some(named && sealed().is_none());
            }
            EventAction::Drop
        });
        match first {
            Some(true) => return self.reply(audit, Reason::EndpointRefused),
            None if pushed.is_ok() && !end_of_stream && body.len() <= MAX_OPENING => {
                return Outcome::default();
            }
            _ => {}
        }
        self.phase = Phase::Events(EventFilter::new(self.max_bytes()));
        let outcome = self.on_events(audit, over, body, end_of_stream);
        if end_of_stream {
            self.phase = Phase::Passing;
        }
        outcome
    }

    fn on_events(
        &mut self,
        audit: &Audit,
        over: Option<Reason>,
        body: &[u8],
        end_of_stream: bool,
    ) -> Outcome {
        if let Some(reason) = over {
            return self.end_for(reason, vec![Effect::ReplaceResponseBody(Vec::new())]);
        }
        let (unreadable, too_large) = (self.unreadable(), self.too_large());
        let awaits = self.inspector.answer().is_some();
        let Phase::Events(events) = &mut self.phase else { return Outcome::default() };
        let (inspector, endpoint, session) = (&mut self.inspector, &mut self.endpoint, &mut self.session);
        let left_out = &mut self.left_out;
        let mut out = Vec::new();
        let mut refused = None;
        // The refusal is an event of its own, since clients ignore events with unknown names.
        let mut refusal = false;
        let pushed = events.push(body, &mut out, &mut |heard| {
            if refused.is_some() {
                // As where it comes with the next bytes.
                return EventAction::Vanish;
            }
            let data = heard.data;
            let first = if is_event(heard) { endpoint.take() } else { None };
            if heard.name == sse_endpoint::EVENT {
                let resolved = first.as_ref().and_then(|endpoint| endpoint.resolve(data));
                let sealed = resolved.and_then(|to| sse_endpoint::seal(&inspector.caller, to, audit.now()));
                inspector.carries_denials |= sealed.is_some();
                return match sealed {
                    Some((shown, begun)) => {
                        session.hold(begun);
                        if shown.as_bytes() == data {
                            EventAction::Pass
                        } else {
                            EventAction::Replace(shown.into_bytes())
                        }
                    }
                    // A stream that does not say where messages go is of no use.
                    None if first.is_some() => {
                        refused = Some(Reason::EndpointRefused);
                        EventAction::Drop
                    }
                    None => {
                        inspector.endpoint_refused();
                        EventAction::Drop
                    }
                };
            }
            if resembles_endpoint(heard.name) {
                inspector.endpoint_refused();
                return EventAction::Drop;
            }
            if data.trim_ascii().is_empty() {
                return EventAction::Pass;
            }
            match inspector.inspect(audit, data) {
                // Not every reader ends lines where the standard does.
                Ok(MessageAction::Pass) if sse::has_foreign_line_end(data) => {
                    EventAction::Replace(data.to_vec())
                }
                Ok(MessageAction::Pass) => EventAction::Pass,
                Ok(MessageAction::Rewrite(text)) => EventAction::Replace(text.into_bytes()),
                Ok(MessageAction::Drop) => EventAction::Drop,
                Err(_) if is_keep_alive(data, &inspector.caller.pep.limits) => {
                    *left_out = true;
                    inspector.unreadable_event();
                    EventAction::Drop
                }
                // It may have been the answer that the client waits for.
                Err(_) if awaits => {
                    refused = Some(unreadable);
                    if heard.name.is_empty() || heard.name == b"message" {
                        EventAction::Replace(audit.refusal(unreadable, None).body)
                    } else {
                        refusal = true;
                        EventAction::Drop
                    }
                }
                Err(_) => {
                    inspector.unreadable_event();
                    EventAction::Drop
                }
            }
        });
        if pushed.is_err() && refused.is_none() {
            refused = Some(too_large);
            refusal = awaits;
        } else if end_of_stream && refused.is_none() && awaits && *left_out && !inspector.answered {
            refused = Some(unreadable);
            refusal = true;
        }
        if let (Some(reason), true) = (refused, refusal) {
            write_data(&mut out, &audit.refusal(reason, None).body);
        }
        if refused.is_some() {
            self.phase = Phase::Ended { patient: true };
        }
        Outcome { effects: vec![Effect::ReplaceResponseBody(out)], refused }
    }

    /// Ends a stream that was refused, whose token may be used no longer, or whose session is over.
    fn on_tick(&mut self, over: Option<Reason>) -> Outcome {
        match (&self.phase, over) {
            (Phase::Opening { .. } | Phase::Events(_), Some(reason)) => self.end_for(reason, Vec::new()),
            // The refusal reaches the client, and a server that is about to end its answer may.
            (Phase::Ended { patient: true }, _) => {
                self.phase = Phase::Ended { patient: false };
                Outcome::default()
            }
            (Phase::Ended { patient: false }, _) => self.end(Vec::new()),
            _ => Outcome::default(),
        }
    }

    fn end_for(&mut self, reason: Reason, effects: Vec<Effect>) -> Outcome {
        Outcome { refused: Some(reason), ..self.end(effects) }
    }

    fn end(&mut self, mut effects: Vec<Effect>) -> Outcome {
        // Nothing more of the stream goes on, even if the host does not end it.
        self.phase = Phase::Ended { patient: false };
        effects.push(Effect::EndResponse);
        effects.into()
    }
}
