//! The rules for sessions: the keys, how long a session lasts, and how long it may be unused.

use super::active_session::ActiveSession;
use super::binding::Binding;
use super::idle_table::SharedStore;
use super::key_ring::{KeyRing, OpenError, Purpose, Validity};

/// The settings of `sessions`.
#[derive(Debug)]
pub struct SessionPolicy {
    /// The keys.
    pub keys: KeyRing,
    /// How long a session lasts, in seconds.
    pub lifetime_seconds: u64,
    /// How long it may be unused, in seconds, always less than it lasts. `None`: as long as it lasts.
    pub idle_seconds: Option<u64>,
}

impl SessionPolicy {
    /// Seals the server's id of a session that begins now (Unix seconds); `None` where it cannot be sealed.
    pub fn begin(
        &self,
        purpose: Purpose,
        text: &str,
        binding: Binding,
        now: u64,
    ) -> Option<(String, ActiveSession)> {
        let end = now.saturating_add(self.lifetime_seconds);
        let validity = Validity { begin: self.idle_seconds.map(|_| now), end };
        let (sealed, slot_key) = self.keys.seal_for(purpose, text, binding, validity)?;
        Some((sealed, ActiveSession::new(self, validity, slot_key)))
    }

    /// Opens the client's id, notes the use, and returns the server's id of the session.
    ///
    /// # Errors
    /// See [`OpenError`]. A session that began before there was an idle limit has no beginning in its id, and
    /// is over.
    pub fn resume(
        &self,
        purpose: Purpose,
        sealed: &str,
        binding: Binding,
        now: u64,
        store: &dyn SharedStore,
    ) -> Result<(String, ActiveSession), OpenError> {
        let opened = self.keys.open_whole(purpose, sealed, binding, now)?;
        let mut active = ActiveSession::new(self, opened.validity, opened.slot_key);
        if active.renew(now, store) { Ok((opened.text, active)) } else { Err(OpenError::Expired) }
    }
}
