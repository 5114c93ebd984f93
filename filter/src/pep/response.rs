//! The response side: lists are cut down to what the caller could call, everything else passes as it came.

use super::Pep;
use super::event::{Effect, Event, Fields, Flow};
use crate::mcp::Era;
use crate::mcp::list::{self, Expected, Judged};
use crate::mcp::sse::{EventFilter, Fate, write_data};
use crate::reason::Reason;
use crate::reply::Reply;
use policy_wasm::bundle::Server;
use policy_wasm::decision::Visibility;
use policy_wasm::model::{ItemKind, Request};
use policy_wasm::pdp::Authority;

/// What is to become of the response to a permitted request.
pub(super) struct Response {
    awaited: Awaited,
    phase: Phase,
}

enum Awaited {
    /// Nothing that needs judging.
    Anything,
    /// The answer to `tools/list` with this id.
    List { id: String, era: Era },
    /// A stream of the server's own (GET), which may replay a list.
    Stream,
}

enum Phase {
    ExpectHeaders,
    /// The response passes.
    Passing,
    /// Held until it is complete. `strict`: what is there and cannot be read is refused.
    Held {
        strict: bool,
    },
    /// Events go on as they are judged.
    Events(EventFilter),
    /// A list in a stream was refused; nothing more of the stream goes on.
    Ended,
    /// A reply stands in for the response; what the host calls back for now is that reply.
    Replied,
}

/// Removed where bytes may change: the length, and what vouches for the old bytes.
const STALE: &[&str] = &["content-length", "content-md5", "digest", "content-digest", "repr-digest", "etag"];

fn field<'a>(fields: &Fields<'a>, name: &str) -> Option<&'a [u8]> {
    fields.iter().find(|(field, _)| *field == name.as_bytes()).map(|(_, value)| *value)
}

fn media_type<'a>(fields: &Fields<'a>) -> &'a [u8] {
    let value = field(fields, "content-type").unwrap_or_default();
    value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii()
}

impl Response {
    pub(super) fn pass() -> Self {
        Response { awaited: Awaited::Anything, phase: Phase::ExpectHeaders }
    }

    pub(super) fn list(id: &str, era: Era) -> Self {
        Response { awaited: Awaited::List { id: id.to_owned(), era }, phase: Phase::ExpectHeaders }
    }

    pub(super) fn stream() -> Self {
        Response { awaited: Awaited::Stream, phase: Phase::ExpectHeaders }
    }

    pub(super) fn flow(&self) -> Flow {
        match self.phase {
            Phase::Held { .. } => Flow::Hold,
            _ => Flow::Pass,
        }
    }

    /// Whether the response needs judging at all.
    pub(super) fn judges(&self) -> bool {
        !matches!((&self.awaited, &self.phase), (Awaited::Anything, _) | (_, Phase::Passing | Phase::Replied))
    }

    /// Handles a response event; the reason is there when something was refused.
    pub(super) fn handle(
        &mut self,
        pep: &Pep,
        server: Server<'_>,
        request: &Request<'_>,
        event: Event<'_>,
        refusal: &dyn Fn(Reason) -> Reply,
    ) -> (Vec<Effect>, Option<Reason>) {
        match event {
            Event::ResponseHeaders { fields, end_of_stream } => {
                self.on_headers(pep, fields, end_of_stream, refusal)
            }
            Event::ResponseBuffered { bytes }
                if bytes > pep.config.max_response_bytes && matches!(self.phase, Phase::Held { .. }) =>
            {
                self.reply(Reason::ListTooLarge, refusal)
            }
            Event::ResponseBody { body, end_of_stream, .. } => {
                self.on_body(pep, server, request, body, end_of_stream, refusal)
            }
            _ => (Vec::new(), None),
        }
    }

    fn reply(&mut self, reason: Reason, refusal: &dyn Fn(Reason) -> Reply) -> (Vec<Effect>, Option<Reason>) {
        self.phase = Phase::Replied;
        (vec![Effect::Reply(refusal(reason))], Some(reason))
    }

    fn on_headers(
        &mut self,
        pep: &Pep,
        fields: &Fields<'_>,
        end_of_stream: bool,
        refusal: &dyn Fn(Reason) -> Reply,
    ) -> (Vec<Effect>, Option<Reason>) {
        self.phase = Phase::Passing;
        if matches!(self.awaited, Awaited::Anything) || end_of_stream {
            return (Vec::new(), None);
        }
        let ok = field(fields, ":status").is_some_and(|status| status.first() == Some(&b'2'));
        let encoded = field(fields, "content-encoding").is_some_and(|e| !e.eq_ignore_ascii_case(b"identity"));
        if encoded && ok {
            return self.reply(Reason::ListUnreadable, refusal);
        }
        let media = media_type(fields);
        if media.eq_ignore_ascii_case(b"text/event-stream") {
            self.phase = Phase::Events(EventFilter::new(pep.config.max_response_bytes));
            return (vec![Effect::RemoveResponseHeaders(STALE)], None);
        }
        // An error of the server is no list; one that pretends is cut like one. A GET is answered with a stream; there
        // are clients that read one from whatever comes instead, so that must be readable too.
        self.phase = Phase::Held { strict: ok };
        (Vec::new(), None)
    }

    fn on_body(
        &mut self,
        pep: &Pep,
        server: Server<'_>,
        request: &Request<'_>,
        body: &[u8],
        end_of_stream: bool,
        refusal: &dyn Fn(Reason) -> Reply,
    ) -> (Vec<Effect>, Option<Reason>) {
        let bundle = &pep.config.bundle;
        let mut authority = None;
        let mut keep = |tool: &str| {
            let authority = authority.get_or_insert_with(|| Authority::of(bundle, server, request));
            authority.visibility(ItemKind::Tool, tool) != Visibility::Deny
        };
        let (id, era) = match &self.awaited {
            Awaited::List { id, era } => (Some(id.as_str()), *era),
            Awaited::Stream | Awaited::Anything => (None, Era::Legacy),
        };
        match &mut self.phase {
            Phase::ExpectHeaders | Phase::Passing | Phase::Replied => (Vec::new(), None),
            Phase::Ended => (vec![Effect::ReplaceResponseBody(Vec::new())], None),
            Phase::Held { strict } => {
                let strict = *strict;
                let too_large = body.len() > pep.config.max_response_bytes;
                if !end_of_stream && !too_large {
                    return (Vec::new(), None);
                }
                let expected = id.map_or(Expected::Stream(None), Expected::AnswerTo);
                let judged = if too_large {
                    Err(Reason::ListTooLarge)
                } else if body.is_empty() && id.is_none() {
                    Ok(Judged::Unchanged)
                } else {
                    list::judge(body, &pep.limits, era, expected, &mut keep)
                        .map_err(|_| Reason::ListUnreadable)
                };
                match judged {
                    Ok(Judged::Unchanged) => {
                        self.phase = Phase::Passing;
                        (Vec::new(), None)
                    }
                    Ok(Judged::Changed(bytes)) => {
                        self.phase = Phase::Passing;
                        let edits = Effect::RemoveResponseHeaders(STALE);
                        (vec![edits, Effect::ReplaceResponseBody(bytes)], None)
                    }
                    Err(Reason::ListUnreadable) if !strict => {
                        self.phase = Phase::Passing;
                        (Vec::new(), None)
                    }
                    Err(reason) => self.reply(reason, refusal),
                }
            }
            Phase::Events(events) => {
                let mut out = Vec::new();
                let mut refused = None;
                let mut judge = |data: &[u8]| {
                    if refused.is_some() {
                        return Fate::Drop;
                    }
                    if data.trim_ascii().is_empty() {
                        return Fate::Pass;
                    }
                    match list::judge(data, &pep.limits, era, Expected::Stream(id), &mut keep) {
                        Ok(Judged::Unchanged) => Fate::Pass,
                        Ok(Judged::Changed(bytes)) => Fate::Replace(bytes),
                        Err(_) if id.is_some() => {
                            refused = Some(Reason::ListUnreadable);
                            Fate::Replace(refusal(Reason::ListUnreadable).body)
                        }
                        Err(_) => Fate::Drop,
                    }
                };
                let pushed = events.push(body, &mut out, &mut judge);
                if pushed.is_err() && refused.is_none() {
                    refused = Some(Reason::ListTooLarge);
                    write_data(&mut out, &refusal(Reason::ListTooLarge).body);
                }
                if refused.is_some() {
                    self.phase = Phase::Ended;
                }
                (vec![Effect::ReplaceResponseBody(out)], refused)
            }
        }
    }
}
