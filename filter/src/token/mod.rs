//! Delegation tokens: from an untrusted string to a [`VerifiedDelegation`].
//!
//! ```text
//! &str ─split─> Segments ─UnverifiedToken::read─> issuer, typ, alg, kid ─> Key ─signature─> claims
//!                                                                                             │
//!        every call: time, audience <── VerifiedDelegation <── actors, scopes, groups ────────┘
//! ```
//!
//! Only a compact JWS signed by a configured key of a configured issuer counts. The filter refuses every form
//! that RFC 7515 and RFC 7519 leave to readers: other serialisations, padding, duplicate names, unknown
//! critical headers. It ignores keys that the token brings along (`jwk`, `jku`, `x5c`, `x5u`).
//!
//! Source: RFC 7515, 7519, 8725 (and its revision), 9068, 8693 §4.1; MCP 2025-11-25 and 2026-07-28,
//! authorization.

mod cache;
mod chain;
mod claim_path;
mod claim_values;
mod claims;
mod compact;
mod consent;
mod error;
mod issuer;
mod revocation;
mod verifier;

#[cfg(test)]
mod tests;

pub use claim_path::ClaimPath;
pub use consent::ConsentClaim;
pub use error::TokenError;
pub use issuer::{IdentityClaims, Issuer, Key, Settings, TokenTypes};
pub use revocation::{Revocable, Revocation, RevocationList, Revocations};
pub use verifier::DelegationVerifier;

pub(crate) use compact::same_type;

use policy_wasm::json::OwnedObject;
use policy_wasm::model::{Actor, ActorKind, Delegation, Identity, Subject};
use std::fmt;

/// Bounds of one token. Each bound is checked before the value that it bounds is built.
pub mod bounds {
    /// Bytes of the whole token.
    pub const TOKEN_BYTES: usize = 16 * 1024;
    /// Bytes of the decoded header.
    pub const HEADER_BYTES: usize = 4 * 1024;
    /// Nesting of header and claims.
    pub const DEPTH: u32 = 32;
    /// Bytes of a name: `sub`, `client_id`, `jti`, a tenant, a group, a role, a scope.
    pub const NAME_BYTES: usize = 256;
    /// Bytes of an identifier that may be a URL: `iss`, one `aud`.
    pub const URL_BYTES: usize = 2048;
    /// Groups, roles, scopes: entries of each.
    pub const LIST_ENTRIES: usize = 256;
    /// Entries of `aud`.
    pub const AUDIENCES: usize = 64;
    /// Actors of one chain, the calling one included.
    pub const CHAIN: usize = 8;
    /// Clients beside the chain: three of the token, two of each level of `act`.
    pub const CLIENTS: usize = CHAIN * 2 + 3;
    /// 9999-12-31T23:59:59Z: later times are mistakes of units.
    pub const LATEST_SECONDS: u64 = 253_402_300_799;
}

/// An actor as the token names it; see `policy_wasm::model::Actor`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActorClaim {
    /// `act.sub` or `client_id`.
    pub kind: ActorKind,
    /// `act.iss`, or the token's issuer.
    pub issuer: String,
    /// The name.
    pub id: String,
}

/// A token whose signature, type, issuer, times and shape were checked. Only this module builds one.
///
/// Strings are non-empty, without control characters and within [`bounds`].
pub struct VerifiedDelegation {
    pub(crate) issuer: String,
    pub(crate) subject: String,
    pub(crate) tenant: Option<String>,
    pub(crate) groups: Vec<String>,
    pub(crate) roles: Vec<String>,
    /// At most [`bounds::CHAIN`].
    pub(crate) actors: Vec<ActorClaim>,
    /// Clients that the token names beside the actors; at most [`bounds::CLIENTS`].
    pub(crate) clients: Vec<ActorClaim>,
    pub(crate) client_id: Option<String>,
    pub(crate) scopes: Vec<String>,
    pub(crate) audiences: Vec<String>,
    pub(crate) token_id: Option<String>,
    pub(crate) expires_at: u64,
    /// `iat` in Unix seconds; fractions are dropped.
    pub(crate) issued_at: u64,
    /// The later of `nbf` and `iat`.
    not_before: u64,
    /// How many seconds the issuer's clock may be ahead.
    leeway: u64,
    pub(crate) consent: Option<ConsentClaim>,
    /// The claims as the token has them.
    payload: OwnedObject,
}

impl VerifiedDelegation {
    /// `iss`.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// `sub`: the subject the call is made.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The subject's tenant; `None` where the issuer is configured without.
    pub fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    /// Groups that the issuer vouches for.
    pub fn groups(&self) -> &[String] {
        &self.groups
    }

    /// Roles that the issuer vouches for.
    pub fn roles(&self) -> &[String] {
        &self.roles
    }

    /// The agent that calls now first, then earlier ones; empty where the token names none.
    pub fn actors(&self) -> &[ActorClaim] {
        &self.actors
    }

    /// `client_id`.
    pub fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }

    /// The tokens of `scope`.
    pub fn scopes(&self) -> &[String] {
        &self.scopes
    }

    /// `jti`.
    pub fn token_id(&self) -> Option<&str> {
        self.token_id.as_deref()
    }

    /// `exp` in Unix seconds; fractions are dropped.
    pub fn expires_at(&self) -> u64 {
        self.expires_at
    }

    /// The PDP's view, lent to `use_it`; nothing is copied and nothing allocated. All claims are lent where the
    /// policy looks at them.
    pub fn with_delegation<R>(&self, all_claims: bool, use_it: impl FnOnce(&Delegation<'_>) -> R) -> R {
        let identity = Identity { issuer: &self.issuer, id: &self.subject };
        let nobody = Actor { kind: ActorKind::Subject, identity };
        let (mut actors, mut clients) = ([nobody; bounds::CHAIN], [nobody; bounds::CLIENTS]);
        let (actors, clients) = (lend(&self.actors, &mut actors), lend(&self.clients, &mut clients));
        let claims = all_claims.then(|| self.payload.get());
        use_it(&Delegation {
            subject: Subject { identity, groups: &self.groups, roles: &self.roles, claims },
            actors,
            clients,
            scopes: &self.scopes,
            consent: self.consent.as_ref().map(ConsentClaim::lend),
            leeway: self.leeway,
        })
    }

    /// Whether the token may be used now. Asked on every call, so that no cache can outlive the token.
    fn check_time(&self, now: u64, leeway: u64) -> Result<(), TokenError> {
        // RFC 7519 §4.1.4: the current time must be before `exp`.
        if now >= self.expires_at.saturating_add(leeway) {
            return Err(TokenError::Expired);
        }
        if now.saturating_add(leeway) < self.not_before {
            return Err(TokenError::NotYetValid);
        }
        // The leeway allows for two clocks that differ, not for a token that contradicts itself.
        if self.expires_at < self.not_before {
            return Err(TokenError::ClaimsInvalid);
        }
        Ok(())
    }

    /// Whether the token is meant for this resource: one of `aud`, exactly (RFC 8707 §2). An empty path equals `/` (RFC
    /// 3986 §6.2.3), and clients write the resource of a whole host with it.
    fn check_audience(&self, resource: &str) -> Result<(), TokenError> {
        let resource = origin_without_slash(resource);
        if self.audiences.iter().any(|audience| origin_without_slash(audience) == resource) {
            Ok(())
        } else {
            Err(TokenError::AudienceWrong)
        }
    }
}

/// `https://host` of `https://host/`; any other text as it is.
fn origin_without_slash(url: &str) -> &str {
    match url.strip_suffix('/') {
        Some(origin)
            if origin
                .split_once("://")
                .is_some_and(|(_, host)| !host.is_empty() && !host.contains(['/', '?', '#'])) =>
        {
            origin
        }
        _ => url,
    }
}

/// The claims as the PDP sees them, in the places that there are; no more claims were read.
fn lend<'l>(claims: &'l [ActorClaim], places: &'l mut [Actor<'l>]) -> &'l [Actor<'l>] {
    let mut filled = 0usize;
    for (place, claim) in places.iter_mut().zip(claims) {
        *place = Actor { kind: claim.kind, identity: Identity { issuer: &claim.issuer, id: &claim.id } };
        filled = filled.saturating_add(1);
    }
    places.get(..filled).unwrap_or_default()
}

/// Who and until when; groups, roles and scopes only as counts.
impl fmt::Debug for VerifiedDelegation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedDelegation")
            .field("issuer", &self.issuer)
            .field("subject", &self.subject)
            .field("tenant", &self.tenant)
            .field("actors", &self.actors)
            .field("groups", &self.groups.len())
            .field("roles", &self.roles.len())
            .field("scopes", &self.scopes.len())
            .field("expires_at", &self.expires_at)
            .field("consent", &self.consent.is_some())
            .finish_non_exhaustive()
    }
}
