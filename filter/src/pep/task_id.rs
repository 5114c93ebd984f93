//! The tasks of an exchange: the client's ids for them, and the server's.
//!
//! With keys in the configuration, a client learns a server's task id only in sealed form: for this subject,
//! this calling agent and this server. The filter opens the client's id before the message goes on. [Decision
//! 0011](../../../docs/decisions/0011-sealed-tasks.md) says which messages of the server make a task the
//! caller's.

use crate::config::TaskIds;
use crate::mcp::ServerMessageError;
use crate::mcp::client_message::{Message, Request};
use crate::mcp::headers::{Mirrored, encode_value};
use crate::mcp::method::{Method, MethodKind, Schema};
use crate::mcp::splice::Splices;
use crate::mcp::target::Target;
use crate::mcp::task_refs::{Role, TaskRefs, id_of};
use crate::pep::caller::Caller;
use crate::reason::Reason;
use crate::sealed_id::{KeyRing, OpenError, Purpose};
use policy_wasm::json::{self, Value};

/// A sealed task id does not end, since the server's `ttl` says how long the task lasts. The sealed text is
/// always the same, so that a client recognises its task in a notification.
const NO_END: u64 = u64::MAX;

/// Most tasks of one list with sealed ids: a sealed id is ten times as long as the shortest entry.
const MAX_LISTED: usize = 4096;

/// The tasks that a request names, and the server's ids that they stand for.
#[derive(Debug, Default)]
pub(super) struct OpenedTasks {
    /// The client's sealed id, and the server's.
    ids: Vec<(String, String)>,
    /// Changes to the body.
    splices: Splices,
    /// `Mcp-Name` as it goes on.
    name: Option<String>,
}

/// The parts of a message that go on changed.
#[derive(Debug, Default)]
pub(super) struct BodyRewrite {
    /// In place of `Mcp-Name`.
    pub(super) name: Option<String>,
    /// In place of the body.
    pub(super) body: Option<String>,
}

impl OpenedTasks {
    /// Opens the task that a message belongs to (`_meta`).
    ///
    /// # Errors
    /// The reason where the task is not the caller's, or where the message lists tasks and the gateway cannot.
    pub(super) fn open_related(
        &mut self,
        caller: &Caller,
        message: &Message<'_>,
        body: &[u8],
        now: u64,
    ) -> Result<(), Reason> {
        if let Message::Request(Request { method: Method::ListTasks, .. }) = message
            && caller.settings().tasks == TaskIds::Sealed
        {
            return Err(Reason::TaskListRefused);
        }
        match message.related_task() {
            // A request acts on it. An answer and a notification may be about a task of the client's own.
            Some(id) => self.open_task(caller, id, body, now, !message.is_request()),
            None => Ok(()),
        }
    }

    /// Opens the task that is a target of a request. `name` becomes the server's id, for the record.
    ///
    /// # Errors
    /// The reason where the task is not the caller's.
    #[expect(clippy::too_many_arguments, reason = "the request's parts, each of which decides")]
    pub(super) fn open_target(
        &mut self,
        caller: &Caller,
        request: &Request<'_>,
        target: &Target<'_>,
        mirrored: &Mirrored,
        body: &[u8],
        now: u64,
        name: Option<&mut String>,
    ) -> Result<(), Reason> {
        let Target::Task { id, written } = target else { return Ok(()) };
        // A notification reports the status of a task of the client's own.
        if request.method.kind() == MethodKind::Notification {
            return Ok(());
        }
        self.open_task(caller, *written, body, now, false)?;
        let Some((_, own)) = self.ids.iter().find(|(sent, _)| sent == id) else { return Ok(()) };
        if let Some(name) = name {
            name.clone_from(own);
        }
        if mirrored.name.is_some() && request.target.name().is_some() {
            self.name = Some(encode_value(own));
        }
        Ok(())
    }

    /// `others`: an id that is not sealed is a client's own, and stays.
    fn open_task(
        &mut self,
        caller: &Caller,
        written: Value<'_>,
        body: &[u8],
        now: u64,
        others: bool,
    ) -> Result<(), Reason> {
        let Some(sent) = written.as_str().map(json::Str::decode) else { return Ok(()) };
        let Some(opened) = self.sealer(caller).map(|sealer| sealer.open(&sent, now)) else { return Ok(()) };
        let own = match opened {
            Ok(own) => own,
            Err(OpenError::Unknown) if others => return Ok(()),
            Err(OpenError::Foreign) => return Err(Reason::TaskForeign),
            Err(OpenError::Unknown | OpenError::Expired) => return Err(Reason::TaskUnknown),
        };
        let mut text = String::new();
        json::write_str(&mut text, &own);
        self.splices.replace(as_text(body), written.raw(), text);
        self.ids.push((sent.into_owned(), own));
        Ok(())
    }

    /// The parts that go on in place of the client's, once every id is opened.
    ///
    /// # Errors
    /// [`Reason::HostFailure`], which cannot be: the changes are to this body.
    pub(super) fn rewrite(&mut self, body: &[u8]) -> Result<BodyRewrite, Reason> {
        let splices = std::mem::take(&mut self.splices);
        let body = match splices.is_empty() {
            true => None,
            false => Some(splices.apply(as_text(body)).ok_or(Reason::HostFailure)?),
        };
        Ok(BodyRewrite { name: self.name.take(), body })
    }

    /// Seals and opens the caller's ids of tasks, where the configuration has them sealed.
    pub(super) fn sealer<'s>(&'s self, caller: &'s Caller) -> Option<TaskSealer<'s>> {
        let tasks = caller.settings().tasks;
        if tasks == TaskIds::Server {
            return None;
        }
        Some(TaskSealer { keys: caller.keys()?, caller, listed: tasks == TaskIds::Listed, opened: &self.ids })
    }
}

/// Seals and opens the ids of one caller at one server.
pub(super) struct TaskSealer<'s> {
    keys: &'s KeyRing,
    caller: &'s Caller,
    /// Whether the filter believes the server's lists.
    listed: bool,
    /// The client's ids in this exchange, each with the server's id.
    opened: &'s [(String, String)],
}

impl TaskSealer<'_> {
    fn open(&self, sent: &str, now: u64) -> Result<String, OpenError> {
        self.keys.open(Purpose::Task, sent, self.caller.binding(), now)
    }

    /// The client's id of the task with this id: the one of this exchange, if the client sent one.
    fn sealed(&self, own: &str) -> Result<String, ServerMessageError> {
        if let Some(sent) = self.sent(own) {
            return Ok(sent.to_owned());
        }
        let binding = self.caller.binding();
        self.keys.seal(Purpose::Task, own, binding, NO_END).ok_or(ServerMessageError)
    }

    fn sent(&self, own: &str) -> Option<&str> {
        self.opened.iter().find(|(_, opened)| opened == own).map(|(sent, _)| sent.as_str())
    }

    /// Seals the ids in a message of the server. `false` where it names a task that the request did not.
    ///
    /// # Errors
    /// [`ServerMessageError`] where an id cannot be sealed, or a list has more than [`MAX_LISTED`].
    pub(super) fn seal(
        &self,
        places: &TaskRefs<'_>,
        whole: &str,
        edits: &mut Splices,
    ) -> Result<bool, ServerMessageError> {
        for (role, id) in &places.ids {
            let own = id.as_str().ok_or(ServerMessageError)?.decode();
            let sealed = match role {
                Role::Created | Role::Announced => self.sealed(&own)?,
                Role::Requested => match self.sent(&own) {
                    Some(sent) => sent.to_owned(),
                    None => return Ok(false),
                },
                // INVARIANT (no task by hearsay): text that a caller may have a tool write makes no task the
                // caller's.
                Role::Mentioned => match self.sent(&own) {
                    Some(sent) => sent.to_owned(),
                    None => continue,
                },
            };
            edits.replace(whole, id.raw(), quoted(&sealed));
        }
        let Some(list) = places.list else { return Ok(true) };
        if self.listed {
            if list.elements().nth(MAX_LISTED).is_some() {
                return Err(ServerMessageError);
            }
            for task in list.elements() {
                let id = id_of(task).ok_or(ServerMessageError)?;
                let own = id.as_str().ok_or(ServerMessageError)?.decode();
                edits.replace(whole, id.raw(), quoted(&self.sealed(&own)?));
            }
        } else if list.elements().next().is_some() {
            edits.replace(whole, list.raw(), "[]".to_owned());
        }
        Ok(true)
    }
}

/// The body as text, which it is once it was read. Asked for only where it changes: finding that out is a pass over it.
fn as_text(body: &[u8]) -> &str {
    std::str::from_utf8(body).unwrap_or_default()
}

fn quoted(text: &str) -> String {
    let mut out = String::new();
    json::write_str(&mut out, text);
    out
}
