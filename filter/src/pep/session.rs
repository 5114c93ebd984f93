//! The session of an exchange: what the client calls it, what the server calls it.

use super::Pep;
use super::event::{Effect, Fields};
use crate::delegation::VerifiedDelegation;
use crate::reason::Reason;
use crate::session::{Binding, Fault, Purpose, Sessions};

/// The header, as MCP's legacy revisions name it.
const HEADER: &str = "mcp-session-id";

/// What is known of the session. Without keys in the configuration ids pass as they are.
#[derive(Debug, Default)]
pub(super) struct Session {
    /// What the client sent and what it stands for.
    opened: Option<(String, String)>,
    /// Whether an answer may name a session: to `initialize`.
    begins: bool,
}

impl Session {
    /// Opens what the client sent.
    ///
    /// # Errors
    /// The reason where it is not this caller's at this server, or over.
    pub(super) fn open(
        sessions: Option<&Sessions>,
        delegation: &VerifiedDelegation,
        resource: &str,
        sent: Option<&str>,
        now: u64,
    ) -> Result<Session, Reason> {
        let (Some(sessions), Some(sent)) = (sessions, sent) else { return Ok(Session::default()) };
        let binding = Binding::of(delegation, resource);
        let opened =
            sessions.keys.open(Purpose::Session, sent, binding, now).map_err(|fault| match fault {
                Fault::Unknown => Reason::SessionUnknown,
                Fault::Foreign => Reason::SessionForeign,
                Fault::Expired => Reason::SessionExpired,
            })?;
        Ok(Session { opened: Some((sent.to_owned(), opened)), begins: false })
    }

    /// The message is `initialize`.
    pub(super) fn begin(&mut self) {
        self.begins = true;
    }

    /// The message is of a revision without sessions; the client's id does not go on (MCP 2026-07-28, transports).
    pub(super) fn none(&mut self) {
        *self = Session::default();
    }

    /// What goes on to the server in place of what the client sent.
    pub(super) fn upstream(&self) -> Option<(&'static str, String)> {
        self.opened.as_ref().map(|(_, id)| (HEADER, id.clone()))
    }

    /// What the client sees of the id that the server named in its answer.
    pub(super) fn answer(
        &self,
        pep: &Pep,
        delegation: &VerifiedDelegation,
        resource: &str,
        fields: &Fields<'_>,
        now: u64,
    ) -> Option<Effect> {
        let sessions = pep.config.sessions.as_ref()?;
        let mut named = fields.iter().filter(|(name, _)| *name == HEADER.as_bytes());
        let (_, id) = named.next()?;
        let hidden = Some(Effect::RemoveResponseHeaders(&[HEADER]));
        let Some(id) = std::str::from_utf8(id).ok().filter(|_| named.next().is_none()) else { return hidden };
        if let Some((sealed, _)) = self.opened.as_ref().filter(|(_, opened)| opened == id) {
            return Some(Effect::SetResponseHeader(HEADER, sealed.clone()));
        }
        if !self.begins {
            return hidden;
        }
        let binding = Binding::of(delegation, resource);
        let end = now.saturating_add(sessions.lifetime_seconds);
        match sessions.keys.seal(Purpose::Session, id, binding, end) {
            Some(sealed) => Some(Effect::SetResponseHeader(HEADER, sealed)),
            None => hidden,
        }
    }
}
