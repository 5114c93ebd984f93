//! The user's consent, as a token states it: the claim `toolward_consent`.
//!
//! No registered claim expresses an agreement to tools and tiers. RFC 9396's `authorization_details` names a
//! client's request. A consent narrows. An unknown member could narrow further than the filter understands,
//! so the token is refused.

use super::bounds;
use super::claim_values::{list, name, seconds_down};
use policy_wasm::json::Value;
use policy_wasm::model::Consent;

/// A consent whose shape was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentClaim {
    /// `id`, for records and revocation.
    pub(crate) id: String,
    servers: Option<Vec<String>>,
    tools: Option<Vec<String>>,
    level: Option<String>,
    reason: Option<String>,
    given_at: u64,
    expires_at: Option<u64>,
}

impl ConsentClaim {
    /// Reads the claim; `None` where it is not of its shape.
    pub(super) fn read(value: Value<'_>) -> Option<ConsentClaim> {
        let mut id = None;
        let mut given_at = None;
        let (mut servers, mut tools) = (None, None);
        let (mut level, mut reason, mut expires_at) = (None, None, None);
        let names = |value| list(value, bounds::LIST_ENTRIES, bounds::NAME_BYTES);
        for (key, value) in value.as_object()?.members() {
            match key.decode().as_ref() {
                "id" => id = Some(name(value, bounds::NAME_BYTES)?),
                "servers" => servers = Some(names(value)?),
                "tools" => tools = Some(names(value)?),
                "level" => level = Some(name(value, bounds::NAME_BYTES)?),
                "reason" => reason = Some(name(value, bounds::URL_BYTES)?),
                "given_at" => given_at = Some(seconds_down(value)?),
                "expires_at" => expires_at = Some(seconds_down(value)?),
                _ => return None,
            }
        }
        Some(ConsentClaim { id: id?, servers, tools, level, reason, given_at: given_at?, expires_at })
    }

    /// The PDP's view.
    pub(super) fn lend(&self) -> Consent<'_> {
        Consent {
            id: &self.id,
            servers: self.servers.as_deref(),
            tools: self.tools.as_deref(),
            level: self.level.as_deref(),
            reason: self.reason.as_deref(),
            given_at: self.given_at,
            expires_at: self.expires_at,
        }
    }
}
