//! Issuers and their keys, as the configuration names them.

use super::ClaimPath;
use crate::crypto::{Algorithm, PublicKey};
use std::fmt;
use std::rc::Rc;

/// One key of an issuer's key set.
#[derive(Debug, Clone)]
pub struct Key {
    /// `kid`, an opaque name.
    pub(crate) id: Option<String>,
    /// The key; its algorithm goes with it.
    pub(crate) public: PublicKey,
}

/// An issuer whose tokens are accepted. Valid by construction: `config` alone builds one.
pub struct Issuer {
    /// `iss`, compared as an exact string.
    pub(crate) id: String,
    /// At least one key, each for one of `algorithms`; no duplicate pair of `kid` and algorithm.
    pub(crate) keys: Vec<Key>,
    /// At least one.
    pub(crate) algorithms: Vec<Algorithm>,
    /// Accepted `typ`s.
    pub(crate) token_types: TokenTypes,
    /// The claims that tokens of this issuer carry their identities in.
    pub(crate) claims: IdentityClaims,
    /// The claim with the subject's tenant, which each token must then have. Without the setting, no subject has a tenant.
    pub(crate) tenant_claim: Option<ClaimPath>,
    /// Most that `exp` − `iat` may be.
    pub(crate) max_lifetime_seconds: u64,
}

/// The kinds of token that count as access tokens. At least one is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenTypes {
    /// Accepted `typ`s of the header.
    pub(crate) named: Vec<String>,
    /// Whether a token without `typ` is accepted.
    pub(crate) untyped: bool,
    /// Whether the claim `nonce` is accepted where the claim `typ` is `Bearer`. Older Keycloak puts it into access tokens.
    pub(crate) nonce_with_bearer: bool,
}

/// The claims that identities are read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityClaims {
    /// The subject's name.
    pub(crate) subject: ClaimPath,
    /// The client's name, which is the calling agent's where there is no `act`: the first that a token has.
    pub(crate) clients: Vec<ClaimPath>,
    /// The scopes.
    pub(crate) scope: ClaimPath,
    /// The subject's groups.
    pub(crate) groups: ClaimPath,
    /// The subject's roles.
    pub(crate) roles: ClaimPath,
}

impl Default for IdentityClaims {
    /// RFC 9068 §2.2.
    fn default() -> IdentityClaims {
        IdentityClaims {
            subject: ClaimPath::top("sub"),
            clients: vec![ClaimPath::top("client_id")],
            scope: ClaimPath::top("scope"),
            groups: ClaimPath::top("groups"),
            roles: ClaimPath::top("roles"),
        }
    }
}

impl Issuer {
    /// The issuer identifier.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The algorithms that are accepted.
    pub fn algorithms(&self) -> &[Algorithm] {
        &self.algorithms
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer").field("id", &self.id).field("keys", &self.keys.len()).finish_non_exhaustive()
    }
}

/// The settings of a [`super::DelegationVerifier`].
#[derive(Debug, Clone)]
pub struct Settings {
    /// No two with the same id.
    pub(crate) issuers: Rc<[Issuer]>,
    /// Difference of clocks that is put up with, at most 60.
    pub(crate) leeway_seconds: u64,
    /// Verified tokens that are kept; 0 keeps none.
    pub(crate) cache_entries: usize,
}

impl Settings {
    /// The issuers whose tokens are accepted.
    pub fn issuers(&self) -> &[Issuer] {
        &self.issuers
    }
}
