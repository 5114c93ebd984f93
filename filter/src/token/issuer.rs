//! Issuers and their keys, as the configuration names them.

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
    /// At least one; each for one of `algorithms`; no (`kid`, algorithm) twice.
    pub(crate) keys: Vec<Key>,
    /// At least one.
    pub(crate) algorithms: Vec<Algorithm>,
    /// Accepted `typ`s, at least one.
    pub(crate) token_types: Vec<String>,
    /// Name of the claim with the subject's groups.
    pub(crate) groups_claim: String,
    /// Name of the claim with the subject's roles.
    pub(crate) roles_claim: String,
    /// Name of the claim with the subject's tenant, which each token must then have; without, nobody has one.
    pub(crate) tenant_claim: Option<String>,
    /// Most that `exp` − `iat` may be.
    pub(crate) max_lifetime_seconds: u64,
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

/// What a [`super::DelegationVerifier`] needs to know.
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
