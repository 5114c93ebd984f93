//! Inspects one message of the server on its way to the client (`docs/answers.md`).
//!
//! The inspector cuts lists, compares definitions with the pinned ones, and puts requests of the server to
//! the policy. The policy decides about such a request like about a call: for the caller, at this server,
//! under the server's method.

use crate::mcp::ServerMessageError;
use crate::mcp::client_message::MAX_BATCH;
use crate::mcp::list::{self, LISTS, List};
use crate::mcp::method::{Direction, Method, MethodKind, Schema};
use crate::mcp::revision::{Era, Revision};
use crate::mcp::server_message::{self, Kind, pick, same_id};
use crate::mcp::splice::Splices;
use crate::mcp::task_refs::{self, TaskRefs};
use crate::pep::audit::Audit;
use crate::pep::caller::Caller;
use crate::pep::denial_ping::{self, DenialPings};
use crate::pep::evaluation::ServerEvaluation;
use crate::pep::response::awaited::{Asked, Awaited, AwaitedAnswer};
use crate::pep::response::log_once::LogOnce;
use crate::pep::task_id::OpenedTasks;
use crate::reason::Reason;
use policy_wasm::bundle::Acceptance;
use policy_wasm::decision::{Decision, DenyReason, Visibility};
use policy_wasm::json::{self, Array, Object, Str, Value};
use policy_wasm::model::{Action, ItemKind};
use policy_wasm::pdp::{Authority, Work};
use policy_wasm::tool_definition;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Most requests to the client or the user in one answer: each is put to the policy.
const MAX_ASKED: usize = 64;

/// The fate of a message.
pub(in crate::pep) enum MessageAction {
    /// It goes on as it came.
    Pass,
    /// It goes on like this.
    Rewrite(String),
    /// It does not go on.
    Drop,
}

/// Why a message is not passed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::pep) enum InspectError {
    /// It could be read in two ways, or not at all.
    Unreadable,
    /// The policy denies something that it asks for; noted.
    Denied(Reason),
}

impl From<ServerMessageError> for InspectError {
    fn from(_: ServerMessageError) -> Self {
        InspectError::Unreadable
    }
}

/// Inspects the server's messages of one response. Built once, when the request goes on.
pub(in crate::pep) struct Inspector {
    pub(in crate::pep) caller: Caller,
    /// The request's method as policies name it.
    pub(in crate::pep) method: &'static str,
    pub(in crate::pep) awaited: Awaited,
    /// The tasks that the request named.
    pub(in crate::pep) tasks: OpenedTasks,
    /// Each message is one of a stream, not the whole answer.
    pub(in crate::pep) streams: bool,
    /// The stream is one of HTTP with SSE: ids of answers on it may carry denials.
    pub(in crate::pep) carries_denials: bool,
    /// The revision that the server settled on where it is not admitted.
    pub(in crate::pep) settled: Option<String>,
    /// The awaited answer came.
    pub(in crate::pep) answered: bool,
    pub(in crate::pep) log: LogOnce,
    /// The work that is left for the decisions about one message.
    pub(in crate::pep) work: Work,
}

impl Inspector {
    /// Judges the bytes of one message, or of an array of them (2025-03-26, batches).
    pub(in crate::pep) fn inspect(
        &mut self,
        audit: &Audit,
        bytes: &[u8],
    ) -> Result<MessageAction, InspectError> {
        self.work = Work::default();
        let Some(unmarked) = bytes.strip_prefix(BYTE_ORDER_MARK) else {
            return self.inspect_text(audit, bytes);
        };
        // Some clients drop a byte order mark, others fail at it. So it does not go on.
        match self.inspect_text(audit, unmarked)? {
            MessageAction::Pass => {
                let text = std::str::from_utf8(unmarked).map_err(|_| InspectError::Unreadable)?;
                Ok(MessageAction::Rewrite(text.to_owned()))
            }
            other => Ok(other),
        }
    }

    fn inspect_text(&mut self, audit: &Audit, bytes: &[u8]) -> Result<MessageAction, InspectError> {
        let value = json::parse(bytes, &self.caller.pep.limits).map_err(|_| InspectError::Unreadable)?;
        let batch = value.as_array().filter(|_| !self.is_modern() && self.answer().is_none());
        let fate = match batch {
            Some(array) => self.batch(audit, array)?,
            None => self.message(audit, value)?,
        };
        let MessageAction::Rewrite(text) = fate else { return Ok(fate) };
        // White space around stays too.
        let whole = std::str::from_utf8(bytes).map_err(|_| InspectError::Unreadable)?;
        let mut edits = Splices::default();
        edits.replace(whole, value.raw(), text);
        edits.apply(whole).map(MessageAction::Rewrite).ok_or(InspectError::Unreadable)
    }

    fn batch(&mut self, audit: &Audit, array: Array<'_>) -> Result<MessageAction, InspectError> {
        if array.elements().nth(MAX_BATCH).is_some() {
            return Err(InspectError::Unreadable);
        }
        let (mut text, mut changed) = (String::new(), false);
        for message in array.elements() {
            let fate = self.message(audit, message)?;
            changed |= !matches!(fate, MessageAction::Pass);
            let part = match &fate {
                MessageAction::Pass => message.raw(),
                MessageAction::Rewrite(part) => part,
                MessageAction::Drop => continue,
            };
            text.push(if text.is_empty() { '[' } else { ',' });
            text.push_str(part);
        }
        if text.is_empty() {
            return if changed { Ok(MessageAction::Drop) } else { Err(InspectError::Unreadable) };
        }
        text.push(']');
        Ok(if changed { MessageAction::Rewrite(text) } else { MessageAction::Pass })
    }

    /// Something in a stream could not be read and does not go on.
    pub(in crate::pep) fn unreadable_event(&mut self) {
        self.note(None, None, Some(Reason::AnswerUnreadable));
    }

    /// An `endpoint` event where none is expected does not go on.
    pub(in crate::pep) fn endpoint_refused(&mut self) {
        self.note(None, None, Some(Reason::EndpointRefused));
    }

    /// A challenge of the server's own does not go on.
    pub(in crate::pep) fn challenge_removed(&mut self) {
        self.note(None, None, Some(Reason::ChallengeRemoved));
    }

    fn note(&mut self, method: Option<Method>, decision: Option<Decision>, reason: Option<Reason>) {
        self.log.add(ServerEvaluation {
            method,
            tool: None,
            definition: None,
            decision,
            reason,
            repeated: 0,
        });
    }

    /// The answer that the client awaits here; `None` where any message of the server's may come.
    pub(in crate::pep) fn answer(&self) -> Option<&AwaitedAnswer> {
        match &self.awaited {
            Awaited::Answer(answer) => Some(answer),
            Awaited::Nothing | Awaited::Messages | Awaited::NoAnswer | Awaited::Acknowledgement => None,
        }
    }

    /// The request's revision; `None` for messages that may come in any legacy one.
    fn revision(&self) -> Option<Revision> {
        self.answer().map(|answer| answer.revision)
    }

    fn is_modern(&self) -> bool {
        self.revision().is_some_and(|revision| revision.era() == Era::Modern)
    }

    /// The method with this name and form, where a server may send it.
    fn sent(&self, name: &str, kind: MethodKind) -> Option<Method> {
        Method::named(name).filter(|method| {
            method.kind() == kind
                && match self.revision() {
                    Some(revision) => method.exists_in(Direction::ServerToClient, revision),
                    None => method.can_be_sent(Direction::ServerToClient),
                }
        })
    }

    fn message(&mut self, audit: &Audit, message: Value<'_>) -> Result<MessageAction, InspectError> {
        let incoming = server_message::read(message)?;
        if self.carries_denials
            && matches!(incoming.kind, Kind::Result(_) | Kind::Error(_))
            && let Some(id) = incoming.id.filter(|id| denial_ping::is_marked(*id)).and_then(Value::as_str)
        {
            return DenialPings::of(&self.caller, audit.now())
                .open(&id.decode())
                .map(MessageAction::Rewrite)
                .ok_or(InspectError::Unreadable);
        }
        let asked = self.answer().filter(|awaited| same_id(incoming.id, &awaited.id));
        let asked = asked.map(|awaited| awaited.asked);
        let whole = self.answer().is_some() && !self.streams;
        self.answered |= asked.is_some();
        let result = match incoming.kind {
            // The whole answer to a request is its answer, not a request in turn.
            Kind::Call { .. } if whole => return Err(InspectError::Unreadable),
            Kind::Call { method, params } => return self.call(audit, incoming.id, method, params, message),
            Kind::Result(_) if whole && asked.is_none() => return Err(InspectError::Unreadable),
            Kind::Result(result) => {
                let object = match result.as_object() {
                    Some(object) => object,
                    None if asked.is_some() => return Err(InspectError::Unreadable),
                    None => return Ok(MessageAction::Pass),
                };
                let settled = match asked {
                    Some(Asked { method: Method::Initialize, .. }) => self.settle_revision(audit, object),
                    _ => Ok(()),
                };
                let mut edits = Splices::default();
                let judged = settled
                    .and_then(|()| self.contents(audit, object, message.raw(), asked, &mut edits, true));
                judged.and_then(|()| {
                    let asked = asked.map(|asked| asked.method);
                    let ours =
                        self.seal(|| task_refs::of_result(asked, object), message.raw(), &mut edits)?;
                    if ours { Ok(edits) } else { Err(InspectError::Unreadable) }
                })
            }
            Kind::Error(error) => self.error(audit, error).map(|()| Splices::default()),
        };
        match result {
            Ok(edits) if edits.is_empty() => Ok(MessageAction::Pass),
            Ok(edits) => {
                edits.apply(message.raw()).map(MessageAction::Rewrite).ok_or(InspectError::Unreadable)
            }
            // The whole answer is replaced with its head.
            Err(InspectError::Denied(reason)) if !whole => {
                // JSON-RPC 2.0 §5 has only ids of these kinds. The filter repeats no other value of the
                // server.
                let id =
                    incoming.id.filter(|id| matches!(id.kind(), json::Kind::String | json::Kind::Number));
                let id = id.map_or("null", Value::raw);
                let denial = audit.refusal_of(reason, Some(id), self.settled.as_deref()).body;
                let text = String::from_utf8(denial).map_err(|_| InspectError::Unreadable)?;
                Ok(MessageAction::Rewrite(text))
            }
            Err(stop) => Err(stop),
        }
    }

    /// Verifies the revision that the answer to `initialize` settles on (MCP 2025-11-25, lifecycle).
    fn settle_revision(&mut self, audit: &Audit, result: Object<'_>) -> Result<(), InspectError> {
        let [version] = pick(result, ["protocolVersion"])?;
        let Some(version) = version.and_then(Value::as_str).map(Str::decode) else { return Ok(()) };
        let admitted = Revision::named(&version).is_some_and(|revision| audit.revisions.contains(revision));
        if admitted {
            return Ok(());
        }
        self.settled = Some(version.into_owned());
        self.note(Some(Method::Initialize), None, Some(Reason::RevisionUnsupported));
        Err(InspectError::Denied(Reason::RevisionUnsupported))
    }

    /// Inspects the members of a result, or of a task in place of one. `outer`: a result may hold the result
    /// of a task.
    fn contents(
        &mut self,
        audit: &Audit,
        result: Object<'_>,
        whole: &str,
        asked: Option<Asked>,
        edits: &mut Splices,
        outer: bool,
    ) -> Result<(), InspectError> {
        let of_other_kind = asked.is_some_and(|asked| asked.list.is_none());
        let asked = asked.and_then(|asked| asked.list);
        // A client that awaits another kind of answer does not look for lists in it.
        let lists = if of_other_kind { &[] } else { LISTS.as_slice() };
        let (mut found, mut asked_found, mut scope) = (false, asked.is_none(), None);
        for (key, value) in result.members() {
            let folded = key.fold();
            for list in lists {
                if key.is(list.member) && value.kind() == json::Kind::Null {
                    // Go writes an empty slice so.
                    found = true;
                    asked_found |= asked == Some(list);
                } else if key.is(list.member) {
                    let array = value.as_array().ok_or(InspectError::Unreadable)?;
                    self.cut(audit, list, array, whole, edits)?;
                    found = true;
                    asked_found |= asked == Some(list);
                } else if folded.is(list.member) {
                    return Err(InspectError::Unreadable);
                }
            }
            // A client could take the result of a tool for the list, and the result could show an entry that
            // the list hides.
            let second = asked.is_some() && (folded.is("content") || folded.is("structuredContent"));
            let like = |name: &str| folded.is(name) && !key.is(name);
            if second || like("cacheScope") || like("inputRequests") || (outer && like("result")) {
                return Err(InspectError::Unreadable);
            }
            if key.is("cacheScope") {
                scope = Some(value);
            } else if key.is("inputRequests") {
                self.inputs(audit, value)?;
            } else if outer
                && key.is("result")
                && let Some(result) = value.as_object()
            {
                self.contents(audit, result, whole, None, edits, false)?;
            }
        }
        if !asked_found {
            return Err(InspectError::Unreadable);
        }
        // An answer for one caller must not be cached for others (MCP 2026-07-28, caching), whether it is cut
        // or not.
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

    /// Cuts a list down to the entries that the caller may use.
    fn cut(
        &mut self,
        audit: &Audit,
        list: &'static List,
        array: Array<'_>,
        whole: &str,
        edits: &mut Splices,
    ) -> Result<(), InspectError> {
        let Inspector { caller, log, work, method, .. } = self;
        caller.with_request(method, Action::UseServer, audit.now(), |request| {
            let mut authority = None;
            list::cut(list, array, whole, edits, &mut |name, entry| {
                let authority = authority.get_or_insert_with(|| {
                    Authority::within(caller.bundle(), caller.server(), request, work)
                });
                shows(caller, authority, log, list, name, entry, request.now)
            })
        })?;
        Ok(())
    }

    /// A request or a notification of the server.
    fn call(
        &mut self,
        audit: &Audit,
        id: Option<Value<'_>>,
        method: Str<'_>,
        params: Option<Object<'_>>,
        message: Value<'_>,
    ) -> Result<MessageAction, InspectError> {
        let name = method.decode();
        let Some(id) = id else { return self.notification(audit, &name, params, message) };
        if !matches!(id.kind(), json::Kind::String | json::Kind::Number) {
            return Err(InspectError::Unreadable);
        }
        let Some(method) = self.sent(&name, MethodKind::Request) else {
            self.note(None, None, Some(Reason::MethodUnknown));
            return Ok(MessageAction::Drop);
        };
        match self.asks(audit, method, params) {
            Ok(()) => self.passes(method, params, message, Splices::default()),
            Err(InspectError::Denied(_)) => Ok(MessageAction::Drop),
            Err(InspectError::Unreadable) => Err(InspectError::Unreadable),
        }
    }

    /// Puts a request of the server to the policy.
    fn asks(
        &mut self,
        audit: &Audit,
        method: Method,
        params: Option<Object<'_>>,
    ) -> Result<(), InspectError> {
        let url;
        let action = if method == Method::Elicit {
            url = page(params)?;
            Action::Elicit { url: url.as_deref() }
        } else {
            Action::UseServer
        };
        let decision = self.decide(audit, method, action);
        let reason = match decision.reasons.first() {
            Some(reason) => Some(Reason::Policy(reason)),
            // The filter can ask no check, and no client waits for one, in the middle of an answer.
            None if !decision.obligations.is_empty() => Some(Reason::ObligationUnknown),
            None => None,
        };
        // Permitted pings are not recorded.
        if reason.is_some() || method != Method::Ping {
            self.note(Some(method), Some(decision), reason);
        }
        reason.map_or(Ok(()), |reason| Err(InspectError::Denied(reason)))
    }

    fn decide(&self, audit: &Audit, method: Method, action: Action<'_>) -> Decision {
        self.caller.decide(method.name(), action, audit.now(), &self.work)
    }

    fn notification(
        &mut self,
        audit: &Audit,
        name: &str,
        params: Option<Object<'_>>,
        message: Value<'_>,
    ) -> Result<MessageAction, InspectError> {
        let Some(method) = self.sent(name, MethodKind::Notification) else {
            self.note(None, None, Some(Reason::NotificationUnknown));
            return Ok(MessageAction::Drop);
        };
        let uri;
        let mut action = Action::UseServer;
        if method == Method::ResourceUpdated {
            let [value] = pick(params.ok_or(InspectError::Unreadable)?, ["uri"])?;
            uri = value.and_then(Value::as_str).ok_or(InspectError::Unreadable)?.decode();
            action = Action::ReadResource { uri: &uri };
        }
        let decision = self.decide(audit, method, action);
        if let Some(reason) = decision.reasons.first() {
            self.note(Some(method), Some(decision), Some(Reason::Policy(reason)));
            return Ok(MessageAction::Drop);
        }
        let mut edits = Splices::default();
        if method == Method::TaskChanged
            && let Some(task) = params
        {
            match self.contents(audit, task, message.raw(), None, &mut edits, true) {
                Ok(()) => {}
                Err(InspectError::Denied(_)) => return Ok(MessageAction::Drop),
                Err(InspectError::Unreadable) => return Err(InspectError::Unreadable),
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
    ) -> Result<MessageAction, InspectError> {
        if !self.seal(|| task_refs::of_call(method, params), message.raw(), &mut edits)? {
            self.note(Some(method), None, Some(Reason::TaskForeign));
            return Ok(MessageAction::Drop);
        }
        if edits.is_empty() {
            return Ok(MessageAction::Pass);
        }
        edits.apply(message.raw()).map(MessageAction::Rewrite).ok_or(InspectError::Unreadable)
    }

    /// Seals the tasks that a message names, where the configuration seals ids. `false` where it names a task
    /// that the request did not.
    fn seal<'a>(
        &self,
        places: impl FnOnce() -> Result<TaskRefs<'a>, ServerMessageError>,
        whole: &str,
        edits: &mut Splices,
    ) -> Result<bool, InspectError> {
        match self.tasks.sealer(&self.caller) {
            Some(sealer) => Ok(sealer.seal(&places()?, whole, edits)?),
            None => Ok(true),
        }
    }

    /// Inspects the requests of a result that is not complete (MCP 2026-07-28, multi round-trip requests).
    fn inputs(&mut self, audit: &Audit, requests: Value<'_>) -> Result<(), InspectError> {
        let requests = requests.as_object().ok_or(InspectError::Unreadable)?;
        if requests.members().nth(MAX_ASKED).is_some() {
            return Err(InspectError::Unreadable);
        }
        for (_, request) in requests.members() {
            let [method, params] =
                pick(request.as_object().ok_or(InspectError::Unreadable)?, ["method", "params"])?;
            let name = method.and_then(Value::as_str).ok_or(InspectError::Unreadable)?.decode();
            let may = [Method::Elicit, Method::CreateMessage, Method::ListRoots];
            let method =
                Method::named(&name).filter(|method| may.contains(method)).ok_or(InspectError::Unreadable)?;
            let params = match params {
                Some(params) => Some(params.as_object().ok_or(InspectError::Unreadable)?),
                None => None,
            };
            self.asks(audit, method, params)?;
        }
        Ok(())
    }

    /// Inspects the pages to which an error sends the user (MCP 2025-11-25, −32042).
    fn error(&mut self, audit: &Audit, error: Value<'_>) -> Result<(), InspectError> {
        let Some(error) = error.as_object() else { return Ok(()) };
        let [data] = pick(error, ["data"])?;
        let Some(data) = data.and_then(Value::as_object) else { return Ok(()) };
        let [elicitations] = pick(data, ["elicitations"])?;
        let Some(elicitations) = elicitations else { return Ok(()) };
        let elicitations = elicitations.as_array().ok_or(InspectError::Unreadable)?;
        if elicitations.elements().nth(MAX_ASKED).is_some() {
            return Err(InspectError::Unreadable);
        }
        for elicitation in elicitations.elements() {
            self.asks(audit, Method::Elicit, Some(elicitation.as_object().ok_or(InspectError::Unreadable)?))?;
        }
        Ok(())
    }
}

/// Whether the list shows this entry. The digest of a pinned definition is noted, and a changed one is recorded.
fn shows(
    caller: &Caller,
    authority: &Authority<'_>,
    log: &mut LogOnce,
    list: &List,
    name: &str,
    entry: Value<'_>,
    now: u64,
) -> bool {
    let item = match list.kind {
        ItemKind::Tool => caller.server().item(ItemKind::Tool, name).ok().flatten(),
        _ => None,
    };
    let Some(item) = item.filter(|item| item.is_pinned().unwrap_or(true)) else {
        return authority.visibility(list.kind, name) != Visibility::Deny;
    };
    let digest = tool_definition::digest(entry).unwrap_or_default();
    let shown = authority.visibility_as(list.kind, name, Some(&digest)) != Visibility::Deny;
    let reason = match item.accepts(&digest, now) {
        Ok(Acceptance::Unknown) => DenyReason::DefinitionUnaccepted,
        Ok(Acceptance::Expired(_)) => DenyReason::DefinitionExpired,
        _ => {
            caller.pep.definitions.note(item, digest);
            return shown;
        }
    };
    if caller.pep.definitions.note(item, digest) && !shown {
        log.add(ServerEvaluation {
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

/// The page of an elicitation; `None` for a form. An elicitation with a page is judged by the page, whatever
/// its mode.
fn page(params: Option<Object<'_>>) -> Result<Option<std::borrow::Cow<'_, str>>, InspectError> {
    let Some(params) = params else { return Ok(None) };
    let [mode, url] = pick(params, ["mode", "url"])?;
    let mode = match mode {
        Some(mode) => Some(mode.as_str().ok_or(InspectError::Unreadable)?),
        None => None,
    };
    match (mode, url) {
        (_, Some(url)) => Ok(Some(url.as_str().ok_or(InspectError::Unreadable)?.decode())),
        (None, None) => Ok(None),
        (Some(mode), None) if mode.is("form") => Ok(None),
        (Some(_), None) => Err(InspectError::Unreadable),
    }
}
