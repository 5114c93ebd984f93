//! The session of an exchange: the client's id for it, and the server's.

use crate::http::Fields;
use crate::pep::caller::Caller;
use crate::pep::event::Effect;
use crate::reason::Reason;
use crate::sealed_id::{ActiveSession, Purpose};
use crate::token::TokenError;

/// The header, as MCP's legacy revisions name it.
const HEADER: &str = "mcp-session-id";

/// The session's ids. Without keys in the configuration, ids pass as they are.
#[derive(Debug, Default)]
pub(super) struct Session {
    /// The client's id, and the server's id that it stands for.
    opened: Option<(String, String)>,
    /// Whether an answer may name a session: to `initialize`.
    begins: bool,
    /// The session itself, while this exchange uses it.
    active: Option<ActiveSession>,
}

impl Session {
    /// Opens the client's id, and notes that the session is used.
    ///
    /// # Errors
    /// The reason where the session is not this caller's at this server, or is over.
    pub(super) fn open(caller: &Caller, sent: Option<&str>, now: u64) -> Result<Session, Reason> {
        let pep = &caller.pep;
        let (Some(sessions), Some(sent)) = (&pep.config.sessions, sent) else {
            return Ok(Session::default());
        };
        let resumed = sessions.resume(Purpose::Session, sent, caller.binding(), now, pep.store.as_ref());
        let (opened, active) = resumed.map_err(Reason::from)?;
        Ok(Session { opened: Some((sent.to_owned(), opened)), begins: false, active: Some(active) })
    }

    /// The message is `initialize`.
    pub(super) fn begin(&mut self) {
        self.begins = true;
    }

    /// The message is of a revision without sessions; the client's id does not go on (MCP 2026-07-28, transports).
    pub(super) fn none(&mut self) {
        *self = Session::default();
    }

    /// The reason why the caller may read no longer. Otherwise notes a use of the session: a call that takes
    /// long and an open stream are uses.
    pub(super) fn over(&mut self, caller: &Caller, now: u64) -> Option<Reason> {
        let (pep, delegation) = (&caller.pep, &caller.delegation);
        if pep.config.verifier.has_expired(delegation, now) {
            return Some(Reason::Token(TokenError::Expired));
        }
        if pep.revocations.revoke(delegation) {
            return Some(Reason::Token(TokenError::Revoked));
        }
        let in_use = self.active.as_mut().is_none_or(|active| active.renew(now, pep.store.as_ref()));
        (!in_use).then_some(Reason::SessionExpired)
    }

    /// Takes a session that began in this exchange, if it has none yet.
    pub(super) fn hold(&mut self, begun: Option<ActiveSession>) {
        self.active = self.active.take().or(begun);
    }

    /// Whether the session needs ticks.
    pub(super) fn wants_ticks(&self) -> bool {
        self.active.as_ref().is_some_and(ActiveSession::has_idle_limit)
    }

    /// The header field that the server gets in place of the client's.
    pub(super) fn upstream(&self) -> Option<(&'static str, String)> {
        self.opened.as_ref().map(|(_, id)| (HEADER, id.clone()))
    }

    /// The effect that shows the client its own id in place of the server's.
    pub(super) fn answer(&mut self, caller: &Caller, fields: &Fields<'_>, now: u64) -> Option<Effect> {
        let sessions = caller.pep.config.sessions.as_ref()?;
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
        let begun = sessions.begin(Purpose::Session, id, caller.binding(), now);
        let Some((sealed, active)) = begun else { return hidden };
        self.active = Some(active);
        Some(Effect::SetResponseHeader(HEADER, sealed))
    }
}
