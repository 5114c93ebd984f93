//! Judges one message from the server on its way to the client (`docs/answers.md`).
//!
//! Lists are cut, definitions held against the pinned ones, and what the server asks of the client or the human is put
//! to the policy like a call: as the caller's own, at this server, under the name of the server's method.

use crate::mcp::ServerMessageError;
use crate::mcp::client_message::MAX_BATCH;
use crate::mcp::list::{self, LISTS, List};
use crate::mcp::method::{Direction, Form, Method, Schema};
use crate::mcp::revision::{Era, Revision};
use crate::mcp::server_message::{self, Kind, pick, same_id};
use crate::mcp::splice::Splices;
use crate::mcp::task_refs::{self, TaskRefs};
use crate::pep::Pep;
use crate::pep::denial_ping::{self, Relay};
use crate::pep::response::log_once::{Note, Told};
use crate::pep::task_id::Sealing;
use crate::reason::Reason;
use policy_wasm::bundle::{Acceptance, Server};
use policy_wasm::decision::{Decision, DenyReason, Visibility};
use policy_wasm::definition;
use policy_wasm::json::{self, Array, Object, Str, Value};
use policy_wasm::model::{Action, ItemKind, Request};
use policy_wasm::pdp::{self, Authority, Work};

/// What the answer to a request must be.
#[derive(Clone, Copy)]
pub(in crate::pep) struct Awaited<'j> {
    /// The request's id as JSON text.
    pub(in crate::pep) id: &'j str,
    /// What was asked.
    pub(in crate::pep) method: Method,
    /// The list that was asked for, if it was one.
    pub(in crate::pep) list: Option<&'static List>,
}

/// Most things that one answer asks the client or the human for: each is put to the policy.
const MAX_ASKED: usize = 64;

/// What becomes of a message.
pub(in crate::pep) enum Fate {
    /// It goes on as it came.
    Keep,
    /// It goes on like this.
    Change(String),
    /// It does not go on.
    Drop,
}

/// Why a message is not passed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::pep) enum Stop {
    /// It could be read in two ways, or not at all.
    Unreadable,
    /// The policy denies something that it asks for; noted.
    Denied(Reason),
}

impl From<ServerMessageError> for Stop {
    fn from(_: ServerMessageError) -> Self {
        Stop::Unreadable
    }
}

/// Judges messages of one response.
pub(in crate::pep) struct Judge<'j> {
    pub(in crate::pep) pep: &'j Pep,
    pub(in crate::pep) server: Server<'j>,
    /// The caller, the time and the connection; method and action are replaced.
    pub(in crate::pep) request: &'j Request<'j>,
    /// How ids of tasks are sealed, if they are.
    pub(in crate::pep) tasks: Option<&'j Sealing<'j>>,
    /// The request's revision; `None` for what may come in any legacy one.
    pub(in crate::pep) revision: Option<Revision>,
    pub(in crate::pep) awaited: Option<Awaited<'j>>,
    /// The message is one of a stream, not the whole answer.
    pub(in crate::pep) stream: bool,
    /// What takes denials out of ids, on a stream of HTTP with SSE.
    pub(in crate::pep) relay: Option<&'j Relay<'j>>,
    /// What a denial says in place of the answer with this id (JSON text).
    pub(in crate::pep) denial: &'j dyn Fn(Reason, &str) -> Vec<u8>,
    pub(in crate::pep) told: &'j mut Told,
    pub(in crate::pep) authority: Option<Authority<'j>>,
    /// The work that is left for what one message, or one list, makes the policy decide.
    pub(in crate::pep) work: Work,
}

impl Judge<'_> {
    /// Judges the bytes of one message, or of an array of them (2025-03-26, batches).
    pub(in crate::pep) fn judge(&mut self, bytes: &[u8]) -> Result<Fate, Stop> {
        let value = json::parse(bytes, &self.pep.limits).map_err(|_| Stop::Unreadable)?;
        let batch = value.as_array().filter(|_| !self.is_modern() && self.awaited.is_none());
        let fate = match batch {
            Some(array) => self.batch(array)?,
            None => self.message(value)?,
        };
        let Fate::Change(text) = fate else { return Ok(fate) };
        // White space around stays too.
        let whole = std::str::from_utf8(bytes).map_err(|_| Stop::Unreadable)?;
        let mut edits = Splices::default();
        edits.replace(whole, value.raw(), text);
        edits.apply(whole).map(Fate::Change).ok_or(Stop::Unreadable)
    }

    fn batch(&mut self, array: Array<'_>) -> Result<Fate, Stop> {
        if array.elements().nth(MAX_BATCH).is_some() {
            return Err(Stop::Unreadable);
        }
        let (mut text, mut changed) = (String::new(), false);
        for message in array.elements() {
            let fate = self.message(message)?;
            changed |= !matches!(fate, Fate::Keep);
            let part = match &fate {
                Fate::Keep => message.raw(),
                Fate::Change(part) => part,
                Fate::Drop => continue,
            };
            text.push(if text.is_empty() { '[' } else { ',' });
            text.push_str(part);
        }
        if text.is_empty() {
            return if changed { Ok(Fate::Drop) } else { Err(Stop::Unreadable) };
        }
        text.push(']');
        Ok(if changed { Fate::Change(text) } else { Fate::Keep })
    }

    /// Something in a stream could not be read and does not go on.
    pub(in crate::pep) fn unreadable_event(&mut self) {
        self.note(None, None, Some(Reason::AnswerUnreadable));
    }

    /// An `endpoint` event where none is expected does not go on.
    pub(in crate::pep) fn endpoint_refused(&mut self) {
        self.note(None, None, Some(Reason::EndpointRefused));
    }

    fn note(&mut self, method: Option<Method>, decision: Option<Decision>, reason: Option<Reason>) {
        self.told.note(Note { method, tool: None, definition: None, decision, reason, repeated: 0 });
    }

    fn is_modern(&self) -> bool {
        self.revision.is_some_and(|revision| revision.era() == Era::Modern)
    }

    /// The method with this name and form, where a server may send it.
    fn sent(&self, name: &str, form: Form) -> Option<Method> {
        Method::named(name).filter(|method| {
            method.form() == form
                && match self.revision {
                    Some(revision) => method.exists_in(Direction::ServerToClient, revision),
                    None => method.goes(Direction::ServerToClient),
                }
        })
    }

    fn message(&mut self, message: Value<'_>) -> Result<Fate, Stop> {
        let incoming = server_message::read(message)?;
        if let Some(relay) = self.relay
            && matches!(incoming.kind, Kind::Result(_) | Kind::Error(_))
            && let Some(id) = incoming.id.filter(|id| denial_ping::is_marked(*id)).and_then(Value::as_str)
        {
            return relay.open(&id.decode()).map(Fate::Change).ok_or(Stop::Unreadable);
        }
        let awaited = self.awaited.filter(|awaited| same_id(incoming.id, awaited.id));
        let whole = self.awaited.is_some() && !self.stream;
        let result = match incoming.kind {
            // The whole answer to a request is its answer, not a request in turn.
            Kind::Call { .. } if whole => return Err(Stop::Unreadable),
            Kind::Call { method, params } => return self.call(incoming.id, method, params, message),
            Kind::Result(_) if whole && awaited.is_none() => return Err(Stop::Unreadable),
            Kind::Result(result) => {
                let object = match result.as_object() {
                    Some(object) => object,
                    None if awaited.is_some() => return Err(Stop::Unreadable),
                    None => return Ok(Fate::Keep),
                };
                let mut edits = Splices::default();
                let judged = self.contents(object, message.raw(), awaited, &mut edits, true);
                judged.and_then(|()| {
                    let asked = awaited.map(|awaited| awaited.method);
                    let ours =
                        self.seal(|| task_refs::of_result(asked, object), message.raw(), &mut edits)?;
                    if ours { Ok(edits) } else { Err(Stop::Unreadable) }
                })
            }
            Kind::Error(error) => self.error(error).map(|()| Splices::default()),
        };
        match result {
            Ok(edits) if edits.is_empty() => Ok(Fate::Keep),
            Ok(edits) => edits.apply(message.raw()).map(Fate::Change).ok_or(Stop::Unreadable),
            // The whole answer is replaced with its head.
            Err(Stop::Denied(reason)) if !whole => {
                // JSON-RPC 2.0 §5 knows no other ids; what a server puts there beside them is not repeated.
                let id =
                    incoming.id.filter(|id| matches!(id.kind(), json::Kind::String | json::Kind::Number));
                let id = id.map_or("null", Value::raw);
                let text = String::from_utf8((self.denial)(reason, id)).map_err(|_| Stop::Unreadable)?;
                Ok(Fate::Change(text))
            }
            Err(stop) => Err(stop),
        }
    }

    /// What a result holds, or a task in place of one. `outer`: a result may hold the result of a task.
    fn contents(
        &mut self,
        result: Object<'_>,
        whole: &str,
        awaited: Option<Awaited<'_>>,
        edits: &mut Splices,
        outer: bool,
    ) -> Result<(), Stop> {
        let asked = awaited.and_then(|awaited| awaited.list);
        // Whoever waits for another kind of answer does not look for lists in it.
        let lists = if awaited.is_some() && asked.is_none() { &[] } else { LISTS.as_slice() };
        let (mut found, mut asked_found, mut scope) = (false, asked.is_none(), None);
        for (key, value) in result.members() {
            let folded = key.fold();
            for list in lists {
                if key.is(list.member) {
                    let array = value.as_array().ok_or(Stop::Unreadable)?;
                    list::cut(list, array, whole, edits, &mut |name, entry| self.shows(list, name, entry))?;
                    found = true;
                    asked_found |= asked == Some(list);
                } else if folded.is(list.member) {
                    return Err(Stop::Unreadable);
                }
            }
            // What else a list could be taken for: the result of a tool, which could show what the list hides.
            let second = asked.is_some() && (folded.is("content") || folded.is("structuredContent"));
            let like = |name: &str| folded.is(name) && !key.is(name);
            if second || like("cacheScope") || like("inputRequests") || (outer && like("result")) {
                return Err(Stop::Unreadable);
            }
            if key.is("cacheScope") {
                scope = Some(value);
            } else if key.is("inputRequests") {
                self.inputs(value)?;
            } else if outer
                && key.is("result")
                && let Some(result) = value.as_object()
            {
                self.contents(result, whole, None, edits, false)?;
            }
        }
        if !asked_found {
            return Err(Stop::Unreadable);
        }
        // What is permitted to one caller is nobody else's (MCP 2026-07-28, caching), cut or not.
        match scope {
            Some(scope) if !scope.as_str().is_some_and(|scope| scope.is("private")) => {
                edits.replace(whole, scope.raw(), "\"private\"".to_owned());
            }
            None if found && self.is_modern() => {
                // After the opening brace; a list follows.
                let brace = result.raw().get(..1).unwrap_or_default();
                edits.replace(whole, brace, "{\"cacheScope\":\"private\",".to_owned());
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether the list shows this entry.
    fn shows(&mut self, list: &'static List, name: &str, entry: Value<'_>) -> bool {
        let (bundle, server, request) = (&self.pep.config.bundle, self.server, self.request);
        let work = &self.work;
        let authority =
            self.authority.get_or_insert_with(|| Authority::within(bundle, server, request, work));
        let item = match list.kind {
            ItemKind::Tool => server.item(ItemKind::Tool, name).ok().flatten(),
            _ => None,
        };
        let Some(item) = item.filter(|item| item.is_pinned().unwrap_or(true)) else {
            return authority.visibility(list.kind, name) != Visibility::Deny;
        };
        let digest = definition::digest(entry).unwrap_or_default();
        let shown = authority.visibility_as(list.kind, name, Some(&digest)) != Visibility::Deny;
        let reason = match item.accepts(&digest, request.now) {
            Ok(Acceptance::Unknown) => DenyReason::DefinitionUnaccepted,
            Ok(Acceptance::Expired(_)) => DenyReason::DefinitionExpired,
            _ => {
                self.pep.definitions.note(item, digest);
                return shown;
            }
        };
        if self.pep.definitions.note(item, digest) && !shown {
            self.told.note(Note {
                method: Some(list.method),
                tool: Some(name.to_owned()),
                definition: Some(digest),
                decision: None,
                reason: Some(Reason::Policy(reason)),
                repeated: 0,
            });
        }
        shown
    }

    /// A request or a notification of the server.
    fn call(
        &mut self,
        id: Option<Value<'_>>,
        method: Str<'_>,
        params: Option<Object<'_>>,
        message: Value<'_>,
    ) -> Result<Fate, Stop> {
        let name = method.decode();
        let Some(id) = id else { return self.notification(&name, params, message) };
        if !matches!(id.kind(), json::Kind::String | json::Kind::Number) {
            return Err(Stop::Unreadable);
        }
        let Some(method) = self.sent(&name, Form::Request) else {
            self.note(None, None, Some(Reason::MethodUnknown));
            return Ok(Fate::Drop);
        };
        match self.asks(method, params) {
            Ok(()) => self.passes(method, params, message, Splices::default()),
            Err(Stop::Denied(_)) => Ok(Fate::Drop),
            Err(Stop::Unreadable) => Err(Stop::Unreadable),
        }
    }

    /// Puts a request of the server to the policy.
    fn asks(&mut self, method: Method, params: Option<Object<'_>>) -> Result<(), Stop> {
        let url;
        let action = if method == Method::Elicit {
            url = page(params)?;
            Action::Elicit { url: url.as_deref() }
        } else {
            Action::UseServer
        };
        let decision = self.decide(method, action);
        let reason = match decision.reasons.first() {
            Some(reason) => Some(Reason::Policy(reason)),
            // Nothing can be asked, and nobody waited for, in the middle of an answer.
            None if !decision.obligations.is_empty() => Some(Reason::ObligationUnknown),
            None => None,
        };
        // Pings are no news.
        if reason.is_some() || method != Method::Ping {
            self.note(Some(method), Some(decision), reason);
        }
        reason.map_or(Ok(()), |reason| Err(Stop::Denied(reason)))
    }

    fn decide(&self, method: Method, action: Action<'_>) -> Decision {
        let Request { delegation, now, connection, .. } = *self.request;
        let request = Request { delegation, method: method.name(), action, now, connection };
        pdp::evaluate_within(&self.pep.config.bundle, self.server, &request, &self.work)
    }

    fn notification(
        &mut self,
        name: &str,
        params: Option<Object<'_>>,
        message: Value<'_>,
    ) -> Result<Fate, Stop> {
        let Some(method) = self.sent(name, Form::Notification) else {
            self.note(None, None, Some(Reason::NotificationUnknown));
            return Ok(Fate::Drop);
        };
        let uri;
        let mut action = Action::UseServer;
        if method == Method::ResourceUpdated {
            let [value] = pick(params.ok_or(Stop::Unreadable)?, ["uri"])?;
            uri = value.and_then(Value::as_str).ok_or(Stop::Unreadable)?.decode();
            action = Action::ReadResource { uri: &uri };
        }
        let decision = self.decide(method, action);
        if let Some(reason) = decision.reasons.first() {
            self.note(Some(method), Some(decision), Some(Reason::Policy(reason)));
            return Ok(Fate::Drop);
        }
        let mut edits = Splices::default();
        if method == Method::TaskChanged
            && let Some(task) = params
        {
            match self.contents(task, message.raw(), None, &mut edits, true) {
                Ok(()) => {}
                Err(Stop::Denied(_)) => return Ok(Fate::Drop),
                Err(Stop::Unreadable) => return Err(Stop::Unreadable),
            }
        }
        self.passes(method, params, message, edits)
    }

    /// A request or notification that is permitted goes on with the client's names for tasks.
    fn passes(
        &mut self,
        method: Method,
        params: Option<Object<'_>>,
        message: Value<'_>,
        mut edits: Splices,
    ) -> Result<Fate, Stop> {
        if !self.seal(|| task_refs::of_call(method, params), message.raw(), &mut edits)? {
            self.note(Some(method), None, Some(Reason::TaskForeign));
            return Ok(Fate::Drop);
        }
        if edits.is_empty() {
            return Ok(Fate::Keep);
        }
        edits.apply(message.raw()).map(Fate::Change).ok_or(Stop::Unreadable)
    }

    /// Seals the tasks that a message names, where they are sealed. `false`: one of them is none that was asked about.
    fn seal<'a>(
        &self,
        places: impl FnOnce() -> Result<TaskRefs<'a>, ServerMessageError>,
        whole: &str,
        edits: &mut Splices,
    ) -> Result<bool, Stop> {
        match self.tasks {
            Some(tasks) => Ok(tasks.seal(&places()?, whole, edits)?),
            None => Ok(true),
        }
    }

    /// What a result asks for before it is complete (MCP 2026-07-28, multi round-trip requests).
    fn inputs(&mut self, requests: Value<'_>) -> Result<(), Stop> {
        let requests = requests.as_object().ok_or(Stop::Unreadable)?;
        if requests.members().nth(MAX_ASKED).is_some() {
            return Err(Stop::Unreadable);
        }
        for (_, request) in requests.members() {
            let [method, params] = pick(request.as_object().ok_or(Stop::Unreadable)?, ["method", "params"])?;
            let name = method.and_then(Value::as_str).ok_or(Stop::Unreadable)?.decode();
            let may = [Method::Elicit, Method::CreateMessage, Method::ListRoots];
            let method =
                Method::named(&name).filter(|method| may.contains(method)).ok_or(Stop::Unreadable)?;
            let params = match params {
                Some(params) => Some(params.as_object().ok_or(Stop::Unreadable)?),
                None => None,
            };
            self.asks(method, params)?;
        }
        Ok(())
    }

    /// Pages that an error sends the human to (MCP 2025-11-25, −32042).
    fn error(&mut self, error: Value<'_>) -> Result<(), Stop> {
        let Some(error) = error.as_object() else { return Ok(()) };
        let [data] = pick(error, ["data"])?;
        let Some(data) = data.and_then(Value::as_object) else { return Ok(()) };
        let [elicitations] = pick(data, ["elicitations"])?;
        let Some(elicitations) = elicitations else { return Ok(()) };
        let elicitations = elicitations.as_array().ok_or(Stop::Unreadable)?;
        if elicitations.elements().nth(MAX_ASKED).is_some() {
            return Err(Stop::Unreadable);
        }
        for elicitation in elicitations.elements() {
            self.asks(Method::Elicit, Some(elicitation.as_object().ok_or(Stop::Unreadable)?))?;
        }
        Ok(())
    }
}

/// The page of an elicitation; `None` for a form. One that has a page is judged by it, whatever its mode.
fn page(params: Option<Object<'_>>) -> Result<Option<std::borrow::Cow<'_, str>>, Stop> {
    let Some(params) = params else { return Ok(None) };
    let [mode, url] = pick(params, ["mode", "url"])?;
    let mode = match mode {
        Some(mode) => Some(mode.as_str().ok_or(Stop::Unreadable)?),
        None => None,
    };
    match (mode, url) {
        (_, Some(url)) => Ok(Some(url.as_str().ok_or(Stop::Unreadable)?.decode())),
        (None, None) => Ok(None),
        (Some(mode), None) if mode.is("form") => Ok(None),
        (Some(_), None) => Err(Stop::Unreadable),
    }
}
