//! The caller and the server that a sealed id belongs to.

use crate::token::VerifiedDelegation;
use policy_wasm::model::{ActorKind, Delegation};
use sha2::{Digest as _, Sha256};

/// Length of a binding, in bytes.
pub(super) const BINDING: usize = 32;

/// SHA-256 over the subject and its tenant, the calling actor, and the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding(pub(super) [u8; BINDING]);

impl Binding {
    /// For tests that are about something else.
    #[cfg(test)]
    pub(super) const NOBODY: Binding = Binding([0; BINDING]);

    /// The subject and its tenant, the calling agent, and the server with this resource identifier.
    pub fn of(caller: &VerifiedDelegation, resource: &str) -> Binding {
        caller.with_delegation(false, |delegation| Binding::over(delegation, caller.tenant(), resource))
    }

    /// [`Binding::of`] a delegation without a token: for tests that make sealed ids.
    pub fn over(delegation: &Delegation<'_>, tenant: Option<&str>, resource: &str) -> Binding {
        let subject = delegation.subject.identity;
        let mut parts = vec![resource.as_bytes(), subject.issuer.as_bytes(), subject.id.as_bytes()];
        if let Some(actor) = delegation.actors.first() {
            let kind: &[u8] = match actor.kind {
                ActorKind::Subject => b"subject",
                ActorKind::Client => b"client",
            };
            parts.extend([kind, actor.identity.issuer.as_bytes(), actor.identity.id.as_bytes()]);
        }
        // Without a tenant the binding is the same as before tenants existed.
        if let Some(tenant) = tenant {
            parts.extend([b"tenant".as_slice(), tenant.as_bytes()]);
        }
        Binding(hash(&parts))
    }
}

/// SHA-256 over parts that cannot run into each other.
fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}
