//! The response side: what a server sends is read before it reaches the client, and passes as it came where nothing is
//! in the way. `docs/answers.md` says what is judged.

use crate::http::Fields;
use crate::http::fields::field;
use crate::http::media::{Media, is_coded, is_foreign, media_of};
use crate::http::reference::ExpectedEndpoint;
use crate::pep::sse_endpoint;
mod inspect;
pub(in crate::pep) mod log_once;
mod redirect;

use crate::mcp::Method;
use crate::mcp::list::{self, List};
use crate::mcp::revision::Revision;
use crate::mcp::server_message::could_be_message;
use crate::mcp::sse::{self, EventFilter, Fate, write_data};
use crate::pep::Pep;
use crate::pep::denial_ping::Relay;
use crate::pep::event::{Effect, Event, Flow};
use crate::pep::task_id::Sealing;
use crate::reason::Reason;
use crate::reply::Reply;
use inspect::{Judge, Stop};
use log_once::{Note, Told};
use policy_wasm::bundle::Server;
use policy_wasm::json;
use policy_wasm::model::Request;
use policy_wasm::pdp::Work;

/// What is to become of the response to a permitted request.
pub(in crate::pep) struct Response {
    awaited: Awaited,
    phase: Phase,
    told: Told,
    /// The stream may begin with an `endpoint` event; not any more once an event came.
    opening: Option<ExpectedEndpoint>,
    /// The stream began with an `endpoint` event: ids of answers on it may carry denials.
    by_sse: bool,
}

enum Awaited {
    /// Nothing (DELETE).
    Nothing,
    /// The answer to the request with this id (JSON text); in a stream, other messages too.
    Answer { id: String, method: Method, list: Option<&'static List>, revision: Revision },
    /// Messages of the server's own: streams of GET, and what comes for a notification.
    Messages,
    /// A word that the message was taken; what answers it comes on the stream of a GET (2024-11-05).
    Word,
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
    /// Held until it is complete. `strict`: what is there and cannot be read is refused.
    Held {
        strict: bool,
    },
    /// Events go on as they are judged.
    Events(EventFilter),
    /// Something in a stream was refused, the token may be used no longer, or the session is over; nothing more of the
    /// stream goes on. `patient`: the host is told to end it with the tick after the next one.
    Ended {
        patient: bool,
    },
    /// Nothing of the body goes on: it could not be read, and the status says enough.
    Emptied,
    /// A reply stands in for the response; what the host calls back for now is that reply.
    Replied,
}

/// What a response event leads to.
#[derive(Default)]
pub(in crate::pep) struct Outcome {
    pub(in crate::pep) effects: Vec<Effect>,
    /// Decisions on what the server sent.
    pub(in crate::pep) notes: Vec<Note>,
    /// Why the response is refused.
    pub(in crate::pep) refused: Option<Reason>,
}

impl From<Vec<Effect>> for Outcome {
    fn from(effects: Vec<Effect>) -> Self {
        Outcome { effects, ..Outcome::default() }
    }
}

/// What the messages of a response are judged by.
pub(in crate::pep) struct Context<'c> {
    pub(in crate::pep) pep: &'c Pep,
    pub(in crate::pep) server: Server<'c>,
    /// The caller, the time and the connection.
    pub(in crate::pep) request: &'c Request<'c>,
    /// How ids of tasks are sealed, if they are.
    pub(in crate::pep) tasks: Option<&'c Sealing<'c>>,
    /// What takes denials out of ids.
    pub(in crate::pep) relay: &'c Relay<'c>,
    /// The reply that refuses the answer with this id (JSON text), or the one that is awaited.
    pub(in crate::pep) refusal: &'c dyn Fn(Reason, Option<&str>) -> Reply,
    /// What the client sees of the path and query that it is to post messages to.
    pub(in crate::pep) seal: &'c dyn Fn(String) -> Option<String>,
    /// Why the caller may read no longer: its token may be used no longer, or its session is over.
    pub(in crate::pep) over: Option<Reason>,
}

/// Removed where bytes may change: the length, and what vouches for the old bytes.
const STALE: &[&str] = &["content-length", "content-md5", "digest", "content-digest", "repr-digest", "etag"];

/// Removed where no bytes are left: how they were coded, too.
const EMPTIED: &[&str] =
    &["content-length", "content-encoding", "content-md5", "digest", "content-digest", "repr-digest", "etag"];

/// How much of a stream is held while its first event is not there, in bytes.
const MAX_OPENING: usize = 16 * 1024;

/// Whether a reader takes this for an event. Comments and bookmarks are none.
fn is_event(heard: sse::Heard<'_>) -> bool {
    !heard.data.is_empty() || heard.name == sse_endpoint::EVENT
}

/// Whether a lenient reader takes this name of an event for [`sse_endpoint::EVENT`].
fn resembles_endpoint(name: &[u8]) -> bool {
    std::str::from_utf8(name).is_ok_and(|name| json::resemble(name, "endpoint"))
}

/// What the client is to see of the endpoint that the data names.
fn target(opening: Option<&ExpectedEndpoint>, context: &Context<'_>, data: &[u8]) -> Option<String> {
    opening?.resolve(data).and_then(context.seal)
}

impl Response {
    fn new(awaited: Awaited) -> Self {
        Response { awaited, phase: Phase::ExpectHeaders, told: Told::default(), opening: None, by_sse: false }
    }

    pub(in crate::pep) fn pass() -> Self {
        Response::new(Awaited::Nothing)
    }

    /// Of a request with this id (JSON text).
    pub(in crate::pep) fn answer(id: &str, method: Method, revision: Revision) -> Self {
        Response::new(Awaited::Answer { id: id.to_owned(), method, list: list::asked_by(method), revision })
    }

    /// Of a GET, and of what is no request.
    pub(in crate::pep) fn messages() -> Self {
        Response::new(Awaited::Messages)
    }

    /// Of a GET that may open a stream of HTTP with SSE.
    pub(in crate::pep) fn stream(opening: Option<ExpectedEndpoint>) -> Self {
        Response { opening, ..Response::new(Awaited::Messages) }
    }

    /// Of a message whose answer comes on another stream.
    pub(in crate::pep) fn word() -> Self {
        Response::new(Awaited::Word)
    }

    pub(in crate::pep) fn flow(&self) -> Flow {
        match self.phase {
            Phase::Held { .. } | Phase::Opening { .. } => Flow::Hold,
            _ => Flow::Pass,
        }
    }

    /// Whether the response needs judging at all.
    pub(in crate::pep) fn judges(&self) -> bool {
        !matches!(self.phase, Phase::Passing | Phase::Replied)
    }

    /// Whether this is a stream that may be open for long.
    pub(in crate::pep) fn streams(&self) -> bool {
        matches!(self.phase, Phase::Opening { .. } | Phase::Events(_) | Phase::Ended { .. })
    }

    /// Handles a response event.
    pub(in crate::pep) fn handle(&mut self, context: &Context<'_>, event: Event<'_>) -> Outcome {
        let mut outcome = self.on_event(context, event);
        outcome.notes = self.told.take(!self.awaits_more());
        outcome
    }

    /// Whether more of the response is to be judged.
    fn awaits_more(&self) -> bool {
        !matches!(self.phase, Phase::Passing | Phase::Emptied | Phase::Replied | Phase::Ended { .. })
    }

    fn on_event(&mut self, context: &Context<'_>, event: Event<'_>) -> Outcome {
        match event {
            Event::ResponseHeaders { fields, end_of_stream } => {
                let mut outcome = self.on_headers(context, fields, end_of_stream);
                // A client that takes the server at its word would send compressed requests (RFC 9110 §12.5.3).
                if field(fields, "accept-encoding").is_some() {
                    outcome.effects.insert(0, Effect::RemoveResponseHeaders(&["accept-encoding"]));
                }
                outcome
            }
            Event::ResponseBuffered { bytes }
                if bytes > context.pep.config.max_response_bytes
                    && matches!(self.phase, Phase::Held { .. }) =>
            {
                self.reply(self.too_large(), context)
            }
            Event::ResponseBody { body, end_of_stream, .. } => match &self.phase {
                Phase::Held { strict } => self.on_held(context, body, end_of_stream, *strict),
                Phase::Opening { .. } => self.on_opening(context, body, end_of_stream),
                Phase::ExpectHeaders | Phase::Passing | Phase::Replied => Outcome::default(),
                Phase::Emptied => vec![Effect::ReplaceResponseBody(Vec::new())].into(),
                Phase::Events(_) | Phase::Ended { .. } => {
                    let outcome = match self.phase {
                        Phase::Events(_) => self.on_events(context, body),
                        _ => vec![Effect::ReplaceResponseBody(Vec::new())].into(),
                    };
                    if end_of_stream {
                        // What is on its way to the client arrives, however slow the client is.
                        self.phase = Phase::Passing;
                    }
                    outcome
                }
            },
            Event::Tick { .. } if self.streams() => self.on_tick(context),
            _ => Outcome::default(),
        }
    }

    fn is_list(&self) -> bool {
        matches!(self.awaited, Awaited::Answer { list: Some(_), .. })
    }

    fn unreadable(&self) -> Reason {
        if self.is_list() { Reason::ListUnreadable } else { Reason::AnswerUnreadable }
    }

    fn too_large(&self) -> Reason {
        if self.is_list() { Reason::ListTooLarge } else { Reason::AnswerTooLarge }
    }

    fn reply(&mut self, reason: Reason, context: &Context<'_>) -> Outcome {
        self.phase = Phase::Replied;
        let effects = vec![Effect::Reply((context.refusal)(reason, None))];
        Outcome { effects, refused: Some(reason), ..Outcome::default() }
    }

    fn on_headers(&mut self, context: &Context<'_>, fields: &Fields<'_>, end_of_stream: bool) -> Outcome {
        self.phase = Phase::Passing;
        let status = field(fields, ":status").unwrap_or_default();
        if redirect::leads_away(&context.pep.config.bundle, status, fields) {
            return self.reply(Reason::RedirectRefused, context);
        }
        if end_of_stream {
            return Outcome::default();
        }
        let ok = status.first() == Some(&b'2');
        let media = media_of(fields);
        // An error of the server is no answer, and neither is what it says beside 202 or to DELETE; one that pretends is
        // judged like one. A GET is answered with a stream; there are clients that read one from whatever comes
        // instead, so that must be readable too.
        let word = status == b"202" && media != Media::Json || matches!(self.awaited, Awaited::Nothing);
        let strict = ok && !word;
        if is_coded(fields) || is_foreign(fields) || (media == Media::Unclear && !ok) {
            return match self.awaited {
                Awaited::Answer { .. } | Awaited::Messages if strict => {
                    self.reply(self.unreadable(), context)
                }
                _ => self.empty(context),
            };
        }
        if media == Media::Events {
            self.phase = match self.opening {
                Some(_) if ok => Phase::Opening { events: EventFilter::new(MAX_OPENING), read: 0 },
                _ => Phase::Events(EventFilter::new(context.pep.config.max_response_bytes)),
            };
            return vec![Effect::RemoveResponseHeaders(STALE)].into();
        }
        self.phase = Phase::Held { strict };
        Outcome::default()
    }

    /// The status goes on without a body.
    fn empty(&mut self, context: &Context<'_>) -> Outcome {
        self.phase = Phase::Emptied;
        let denial = |reason, id: &str| (context.refusal)(reason, Some(id)).body;
        let mut judge = Response::judge(&self.awaited, &mut self.told, context, false, &denial);
        judge.unreadable_event();
        vec![Effect::RemoveResponseHeaders(EMPTIED)].into()
    }

    fn judge<'j>(
        awaited: &'j Awaited,
        told: &'j mut Told,
        context: &'j Context<'_>,
        stream: bool,
        denial: &'j dyn Fn(Reason, &str) -> Vec<u8>,
    ) -> Judge<'j> {
        let (revision, awaited) = match awaited {
            Awaited::Answer { id, method, list, revision } => {
                (Some(*revision), Some(inspect::Awaited { id, method: *method, list: *list }))
            }
            Awaited::Messages | Awaited::Word | Awaited::Nothing => (None, None),
        };
        Judge {
            pep: context.pep,
            server: context.server,
            request: context.request,
            tasks: context.tasks,
            revision,
            awaited,
            stream,
            relay: None,
            denial,
            told,
            authority: None,
            work: Work::default(),
        }
    }

    fn on_held(&mut self, context: &Context<'_>, body: &[u8], end_of_stream: bool, strict: bool) -> Outcome {
        let too_large = body.len() > context.pep.config.max_response_bytes;
        if !end_of_stream && !too_large {
            return Outcome::default();
        }
        if too_large {
            return self.reply(self.too_large(), context);
        }
        self.phase = Phase::Passing;
        // The same as where the head says that nothing follows it.
        if body.is_empty() {
            return Outcome::default();
        }
        let denial = |reason, id: &str| (context.refusal)(reason, Some(id)).body;
        let mut judge = Response::judge(&self.awaited, &mut self.told, context, false, &denial);
        let judged = judge.judge(body);
        // There are clients that read errors of any status, as leniently as answers.
        let hidden =
            !strict && matches!(judged, Err(Stop::Unreadable)) && could_be_message(body, &context.pep.limits);
        if hidden {
            judge.unreadable_event();
        }
        match judged {
            Ok(inspect::Fate::Keep) => Outcome::default(),
            Ok(inspect::Fate::Change(text)) => {
                let edits = Effect::RemoveResponseHeaders(STALE);
                vec![edits, Effect::ReplaceResponseBody(text.into_bytes())].into()
            }
            Ok(inspect::Fate::Drop) => {
                vec![Effect::RemoveResponseHeaders(STALE), Effect::ReplaceResponseBody(Vec::new())].into()
            }
            Err(Stop::Denied(reason)) => {
                let mut outcome = self.reply(reason, context);
                // The denial is among the notes.
                outcome.refused = None;
                outcome
            }
            // Clients of 2024-11-05 read nothing here but the status, and end the session on one that is no success.
            Err(Stop::Unreadable) if hidden || (strict && matches!(self.awaited, Awaited::Word)) => {
                vec![Effect::RemoveResponseHeaders(STALE), Effect::ReplaceResponseBody(Vec::new())].into()
            }
            Err(Stop::Unreadable) if !strict => Outcome::default(),
            Err(Stop::Unreadable) => self.reply(self.unreadable(), context),
        }
    }

    /// `body`: everything so far. A client that is told of its endpoint, and then that there is none, may hang; so the
    /// head waits for the first event, and a refusal is an answer.
    fn on_opening(&mut self, context: &Context<'_>, body: &[u8], end_of_stream: bool) -> Outcome {
        let Phase::Opening { events, read } = &mut self.phase else { return Outcome::default() };
        let opening = self.opening.as_ref();
        let new = body.get(std::mem::replace(read, body.len())..).unwrap_or_default();
        let mut first = None;
        let pushed = events.push(new, &mut Vec::new(), &mut |heard| {
            if first.is_none() && is_event(heard) {
                let named = heard.name == sse_endpoint::EVENT;
                first = Some(named && target(opening, context, heard.data).is_none());
            }
            Fate::Drop
        });
        match first {
            Some(true) => return self.reply(Reason::EndpointRefused, context),
            None if pushed.is_ok() && !end_of_stream && body.len() <= MAX_OPENING => {
                return Outcome::default();
            }
            _ => {}
        }
        self.phase = Phase::Events(EventFilter::new(context.pep.config.max_response_bytes));
        let outcome = self.on_events(context, body);
        if end_of_stream {
            self.phase = Phase::Passing;
        }
        outcome
    }

    fn on_events(&mut self, context: &Context<'_>, body: &[u8]) -> Outcome {
        if let Some(reason) = context.over {
            return self.end_for(reason, vec![Effect::ReplaceResponseBody(Vec::new())]);
        }
        let (unreadable, too_large) = (self.unreadable(), self.too_large());
        let waits = matches!(self.awaited, Awaited::Answer { .. });
        let Phase::Events(events) = &mut self.phase else { return Outcome::default() };
        let (opening, by_sse) = (&mut self.opening, &mut self.by_sse);
        let denial = |reason, id: &str| (context.refusal)(reason, Some(id)).body;
        let mut judge = Response::judge(&self.awaited, &mut self.told, context, true, &denial);
        let mut out = Vec::new();
        let mut refused = None;
        let pushed = events.push(body, &mut out, &mut |heard| {
            if refused.is_some() {
                // As where it comes with the next bytes.
                return Fate::Vanish;
            }
            let data = heard.data;
            let first = if is_event(heard) { opening.take() } else { None };
            if heard.name == sse_endpoint::EVENT {
                let target = target(first.as_ref(), context, data);
                *by_sse |= target.is_some();
                return match target {
                    Some(target) if target.as_bytes() == data => Fate::Pass,
                    Some(target) => Fate::Replace(target.into_bytes()),
                    // A stream that does not say where messages go is of no use.
                    None if first.is_some() => {
                        refused = Some(Reason::EndpointRefused);
                        Fate::Drop
                    }
                    None => {
                        judge.endpoint_refused();
                        Fate::Drop
                    }
                };
            }
            if resembles_endpoint(heard.name) {
                judge.endpoint_refused();
                return Fate::Drop;
            }
            if data.trim_ascii().is_empty() {
                return Fate::Pass;
            }
            judge.relay = by_sse.then_some(context.relay);
            match judge.judge(data) {
                // Not every reader ends lines where the standard does.
                Ok(inspect::Fate::Keep) if sse::has_foreign_line_end(data) => Fate::Replace(data.to_vec()),
                Ok(inspect::Fate::Keep) => Fate::Pass,
                Ok(inspect::Fate::Change(text)) => Fate::Replace(text.into_bytes()),
                Ok(inspect::Fate::Drop) => Fate::Drop,
                // It may have been the answer that the client waits for.
                Err(_) if waits => {
                    refused = Some(unreadable);
                    Fate::Replace((context.refusal)(unreadable, None).body)
                }
                Err(_) => {
                    judge.unreadable_event();
                    Fate::Drop
                }
            }
        });
        if pushed.is_err() && refused.is_none() {
            refused = Some(too_large);
            if waits {
                write_data(&mut out, &(context.refusal)(too_large, None).body);
            }
        }
        if refused.is_some() {
            self.phase = Phase::Ended { patient: true };
        }
        Outcome { effects: vec![Effect::ReplaceResponseBody(out)], refused, ..Outcome::default() }
    }

    /// A stream that was refused ends, and one whose token may be used no longer or whose session is over.
    fn on_tick(&mut self, context: &Context<'_>) -> Outcome {
        match (&self.phase, context.over) {
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
        // Should the host not end it, nothing more of it goes on all the same.
        self.phase = Phase::Ended { patient: false };
        effects.push(Effect::EndResponse);
        effects.into()
    }
}
