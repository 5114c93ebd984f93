//! The response side: what a server sends is read before it reaches the client, and passes as it came where nothing is
//! in the way. `docs/answers.md` says what is judged.

use super::endpoint::{self, Opening};
use super::event::{Effect, Event, Fields, Flow};
use super::judge::{self, Judge, Stop};
use super::relay::Relay;
use super::tasks::Sealing;
use super::told::{Note, Told};
use super::{Pep, redirect};
use crate::mcp::Method;
use crate::mcp::answer::could_be_message;
use crate::mcp::list::{self, List};
use crate::mcp::revision::Revision;
use crate::mcp::sse::{self, EventFilter, Fate, write_data};
use crate::reason::Reason;
use crate::reply::Reply;
use policy_wasm::bundle::Server;
use policy_wasm::json;
use policy_wasm::model::Request;
use policy_wasm::pdp::Work;

/// What is to become of the response to a permitted request.
pub(super) struct Response {
    awaited: Awaited,
    phase: Phase,
    told: Told,
    /// The stream may begin with an `endpoint` event; not any more once an event came.
    opening: Option<Opening>,
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
pub(super) struct Outcome {
    pub(super) effects: Vec<Effect>,
    /// Decisions on what the server sent.
    pub(super) notes: Vec<Note>,
    /// Why the response is refused.
    pub(super) refused: Option<Reason>,
}

impl From<Vec<Effect>> for Outcome {
    fn from(effects: Vec<Effect>) -> Self {
        Outcome { effects, ..Outcome::default() }
    }
}

/// What the messages of a response are judged by.
pub(super) struct Context<'c> {
    pub(super) pep: &'c Pep,
    pub(super) server: Server<'c>,
    /// The caller, the time and the connection.
    pub(super) request: &'c Request<'c>,
    /// How ids of tasks are sealed, if they are.
    pub(super) tasks: Option<&'c Sealing<'c>>,
    /// What takes denials out of ids.
    pub(super) relay: &'c Relay<'c>,
    /// The reply that refuses the answer with this id (JSON text), or the one that is awaited.
    pub(super) refusal: &'c dyn Fn(Reason, Option<&str>) -> Reply,
    /// What the client sees of the path and query that it is to post messages to.
    pub(super) seal: &'c dyn Fn(String) -> Option<String>,
    /// Why the caller may read no longer: its token may be used no longer, or its session is over.
    pub(super) over: Option<Reason>,
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
    !heard.data.is_empty() || heard.name == endpoint::EVENT
}

/// Whether a lenient reader takes this name of an event for [`endpoint::EVENT`].
fn resembles_endpoint(name: &[u8]) -> bool {
    std::str::from_utf8(name).is_ok_and(|name| json::resemble(name, "endpoint"))
}

/// What the client is to see of the endpoint that the data names.
fn target(opening: Option<&Opening>, context: &Context<'_>, data: &[u8]) -> Option<String> {
    opening?.target(data).and_then(context.seal)
}

fn field<'a>(fields: &Fields<'a>, name: &str) -> Option<&'a [u8]> {
    fields.iter().find(|(field, _)| *field == name.as_bytes()).map(|(_, value)| *value)
}

/// What a client takes a body for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Media {
    /// `application/json`.
    Json,
    /// `text/event-stream`.
    Events,
    /// Something else, or nothing.
    Other,
    /// There are clients that take it for a stream, and others that do not: it comes twice, or holds the name of that
    /// type without being it.
    Unclear,
}

/// The type without its parameters.
fn media_of(fields: &Fields<'_>) -> Media {
    const EVENTS: &[u8] = b"text/event-stream";
    let mut values = fields.iter().filter(|(name, _)| *name == b"content-type").map(|(_, value)| *value);
    let (Some(value), None) = (values.next(), values.next()) else {
        // Whether there was none, or two.
        let any = fields.iter().any(|(name, _)| *name == b"content-type");
        return if any { Media::Unclear } else { Media::Other };
    };
    let media = value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    let holds = |part: &[u8]| part.eq_ignore_ascii_case(EVENTS);
    match media {
        _ if holds(media) => Media::Events,
        _ if value.windows(EVENTS.len()).any(holds) => Media::Unclear,
        _ if media.eq_ignore_ascii_case(b"application/json") => Media::Json,
        _ => Media::Other,
    }
}

/// Whether the body is coded in any way, whichever of its fields says so. There are clients that skip a coding which they
/// do not know and undo the next one, so nothing but `identity` is none (RFC 9110 §8.4, RFC 9112 §6.1).
fn is_coded(fields: &Fields<'_>) -> bool {
    fields.iter().any(|(name, value)| {
        let plain: &[u8] = match *name {
            b"content-encoding" => b"identity",
            // Framing, which the proxy has undone.
            b"transfer-encoding" => b"chunked",
            _ => return false,
        };
        let mut codings = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        codings.any(|coding| {
            !coding.is_empty()
                && !coding.eq_ignore_ascii_case(b"identity")
                && !coding.eq_ignore_ascii_case(plain)
        })
    })
}

/// Whether the head names an encoding in which a client could find other text than is read here: anything but UTF-8 and
/// what agrees with it on ASCII. Event streams are UTF-8 (WHATWG HTML §9.2.5), and so is JSON between systems (RFC 8259
/// §8.1), but there are clients that decode as the head says, and UTF-7 makes line ends and quotes of other letters.
fn is_foreign(fields: &Fields<'_>) -> bool {
    // Single bytes above ASCII, as letters of whichever language, change no structure and no name in ASCII.
    const READ: [&[u8]; 7] =
        [b"utf-8", b"utf8", b"us-ascii", b"ascii", b"iso-8859-1", b"iso-8859-15", b"windows-1252"];
    let values = fields.iter().filter(|(name, _)| *name == b"content-type").map(|(_, value)| *value);
    values.flat_map(|value| value.split(|byte| *byte == b';').skip(1)).any(|parameter| {
        let mut bare = parameter.to_ascii_lowercase();
        bare.retain(|byte| !byte.is_ascii_whitespace() && !matches!(byte, b'"' | b'\''));
        let charset = bare.strip_prefix(b"charset");
        charset.is_some_and(|named| !READ.iter().any(|read| named.strip_prefix(b"=") == Some(read)))
    })
}

impl Response {
    fn new(awaited: Awaited) -> Self {
        Response { awaited, phase: Phase::ExpectHeaders, told: Told::default(), opening: None, by_sse: false }
    }

    pub(super) fn pass() -> Self {
        Response::new(Awaited::Nothing)
    }

    /// Of a request with this id (JSON text).
    pub(super) fn answer(id: &str, method: Method, revision: Revision) -> Self {
        Response::new(Awaited::Answer { id: id.to_owned(), method, list: list::asked_by(method), revision })
    }

    /// Of a GET, and of what is no request.
    pub(super) fn messages() -> Self {
        Response::new(Awaited::Messages)
    }

    /// Of a GET that may open a stream of HTTP with SSE.
    pub(super) fn stream(opening: Option<Opening>) -> Self {
        Response { opening, ..Response::new(Awaited::Messages) }
    }

    /// Of a message whose answer comes on another stream.
    pub(super) fn word() -> Self {
        Response::new(Awaited::Word)
    }

    pub(super) fn flow(&self) -> Flow {
        match self.phase {
            Phase::Held { .. } | Phase::Opening { .. } => Flow::Hold,
            _ => Flow::Pass,
        }
    }

    /// Whether the response needs judging at all.
    pub(super) fn judges(&self) -> bool {
        !matches!(self.phase, Phase::Passing | Phase::Replied)
    }

    /// Whether this is a stream that may be open for long.
    pub(super) fn streams(&self) -> bool {
        matches!(self.phase, Phase::Opening { .. } | Phase::Events(_) | Phase::Ended { .. })
    }

    /// Handles a response event.
    pub(super) fn handle(&mut self, context: &Context<'_>, event: Event<'_>) -> Outcome {
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
                (Some(*revision), Some(judge::Awaited { id, method: *method, list: *list }))
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
            Ok(judge::Fate::Keep) => Outcome::default(),
            Ok(judge::Fate::Change(text)) => {
                let edits = Effect::RemoveResponseHeaders(STALE);
                vec![edits, Effect::ReplaceResponseBody(text.into_bytes())].into()
            }
            Ok(judge::Fate::Drop) => {
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
                let named = heard.name == endpoint::EVENT;
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
            if heard.name == endpoint::EVENT {
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
                Ok(judge::Fate::Keep) if sse::has_foreign_line_end(data) => Fate::Replace(data.to_vec()),
                Ok(judge::Fate::Keep) => Fate::Pass,
                Ok(judge::Fate::Change(text)) => Fate::Replace(text.into_bytes()),
                Ok(judge::Fate::Drop) => Fate::Drop,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoding_in_which_other_text_could_be_found_is_foreign() {
        for value in [
            "text/event-stream; charset=utf-7",
            "text/event-stream;x=1;CharSet = \"UTF-16\"",
            "application/json; charset=utf-8; charset=cp037",
            "application/json; charset*=us-ascii''utf-7",
            "application/json; charset",
        ] {
            assert!(is_foreign(&[(b"content-type", value.as_bytes())]), "{value}");
        }
        for value in [
            "text/event-stream",
            "a/b; charset=UTF-8",
            "a/b;charset=\"utf-8\" ",
            "a/b; charset=ISO-8859-1; x=y",
            "text/html; charset=Windows-1252",
        ] {
            assert!(!is_foreign(&[(b"content-type", value.as_bytes())]), "{value}");
        }
        let two: [(&[u8], &[u8]); 2] = [(b"content-type", b"a/b"), (b"content-type", b"a/b; charset=utf-7")];
        assert!(is_foreign(&two));
    }

    #[test]
    fn fields_that_repeat_are_read_together() {
        // Envoy joins these with a comma; other proxies give them one by one.
        assert!(is_coded(&[(b"content-encoding", b"identity"), (b"content-encoding", b"gzip")]));
        for coded in
            ["gzip", "identity,gzip", "gzip, identity", "x-new, gzip", "chunked", "identity;q=1", "\"gzip\""]
        {
            assert!(is_coded(&[(b"content-encoding", coded.as_bytes())]), "{coded}");
        }
        for coded in ["gzip, chunked", "deflate", "x-new"] {
            assert!(is_coded(&[(b"transfer-encoding", coded.as_bytes())]), "{coded}");
        }
        assert!(!is_coded(&[(b"transfer-encoding", b"Chunked")]));
        for plain in ["", " Identity", "identity, identity", "identity,"] {
            assert!(
                !is_coded(&[(b"content-encoding", plain.as_bytes()), (b"content-type", b"gzip")]),
                "{plain}"
            );
        }
    }

    #[test]
    fn a_type_that_two_clients_take_differently_is_unclear() {
        let media = |value: &str| media_of(&[(b"content-type", value.as_bytes())]);
        assert_eq!(media("Text/Event-Stream; charset=utf-8"), Media::Events);
        assert_eq!(media("application/json;x=1"), Media::Json);
        for other in ["", "text/plain", "application/problem+json", "text/event"] {
            assert_eq!(media(other), Media::Other, "{other}");
        }
        for unclear in [
            "text/event-stream, text/plain",
            "text/plain, TEXT/event-stream",
            "text/event-streams",
            "text/plain; x=text/event-stream",
        ] {
            assert_eq!(media(unclear), Media::Unclear, "{unclear}");
        }
        let two: [(&[u8], &[u8]); 2] = [(b"content-type", b"text/event-stream"), (b"content-type", b"a/b")];
        assert_eq!((media_of(&two), media_of(&[])), (Media::Unclear, Media::Other));
    }
}
