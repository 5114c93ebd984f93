//! The caller of an exchange: a verified token at one server of the policy.

use crate::config::ServerSettings;
use crate::mcp::revision::{Revision, Revisions};
use crate::pep::{ConnectionFacts, Pep};
use crate::reason::Reason;
use crate::sealed_id::{Binding, KeyRing};
use crate::token::VerifiedDelegation;
use policy_wasm::bundle::{Bundle, OwnedServer, Server, Unreadable};
use policy_wasm::decision::{Decision, DenyReason};
use policy_wasm::model::{Action, Request};
use policy_wasm::pdp::{self, Work};
use std::rc::Rc;

/// A caller whose token is verified for the server.
pub(super) struct Caller {
    pub(super) pep: Rc<Pep>,
    pub(super) delegation: Rc<VerifiedDelegation>,
    pub(super) connection: ConnectionFacts,
    server: OwnedServer,
}

impl Caller {
    /// The caller with this token at this server.
    pub(super) fn new(
        pep: Rc<Pep>,
        delegation: Rc<VerifiedDelegation>,
        connection: ConnectionFacts,
        server: OwnedServer,
    ) -> Caller {
        Caller { pep, delegation, connection, server }
    }

    /// The server of the policy.
    pub(super) fn server(&self) -> Server<'_> {
        self.server.get()
    }

    /// The policy.
    pub(super) fn bundle(&self) -> &Bundle {
        &self.pep.config.bundle
    }

    /// The server's settings.
    pub(super) fn settings(&self) -> &ServerSettings {
        self.pep.config.server(self.server().index())
    }

    /// The keys that seal ids, where the configuration has them.
    pub(super) fn keys(&self) -> Option<&KeyRing> {
        self.pep.config.sessions.as_ref().map(|sessions| &sessions.keys)
    }

    /// The owner of ids that are sealed in this exchange.
    pub(super) fn binding(&self) -> Binding {
        Binding::of(&self.delegation, self.server().resource())
    }

    /// The revisions that are admitted at the server: its own narrow those of the configuration.
    ///
    /// # Errors
    /// `policy_unreadable`.
    pub(super) fn revisions(&self) -> Result<Revisions, Reason> {
        let unreadable = |_: Unreadable| Reason::Policy(DenyReason::PolicyUnreadable);
        let admitted = self.pep.config.revisions;
        let Some(own) = self.server().revisions().map_err(unreadable)? else { return Ok(admitted) };
        let mut revisions = Vec::new();
        for name in own.names() {
            revisions.extend(Revision::named(name.map_err(unreadable)?));
        }
        Ok(admitted.and(revisions.into_iter().collect()))
    }

    /// Lends the PDP's request for this method and action at this time (Unix seconds).
    pub(super) fn with_request<R>(
        &self,
        method: &str,
        action: Action<'_>,
        now: u64,
        use_it: impl FnOnce(&Request<'_>) -> R,
    ) -> R {
        self.delegation.with_delegation(self.bundle().reads_claims(), |delegation| {
            use_it(&Request { delegation, method, action, now, connection: self.connection.lend() })
        })
    }

    /// The policy's decision about one method and action at this time (Unix seconds), within the work that is left.
    pub(super) fn decide(&self, method: &str, action: Action<'_>, now: u64, work: &Work) -> Decision {
        self.with_request(method, action, now, |request| {
            pdp::evaluate_within(self.bundle(), self.server(), request, work)
        })
    }
}
