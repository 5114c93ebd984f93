//! Toolward's policy enforcement point (PEP): a proxy-wasm filter that guards MCP servers.
//!
//! ```text
//! callback ─> Event ─┬─> head, token ─> VerifiedDelegation ─┐
//!                    └─> body ─> mcp message ───────────────┴─> pdp::evaluate ─> Decision
//! Decision ─┬─ permit ─> checks ─> Effect::Call ─> Event::CallAnswered ─> Grant
//!           └─ deny ───> reason ─> reply table ─> Effect::Reply
//! all Grants ─> Permit ─> Effect::Forward      (no request goes on without a Permit)
//! ```
//!
//! Only `host` does I/O. All other modules compile natively: [`pep::Exchange`] takes events and returns effects.
//!
//! | module | purpose |
//! |---|---|
//! | [`pep`] | the state machine of one HTTP exchange: request, response, [`pep::Permit`] |
//! | [`http`] | header fields, media types and URI references |
//! | [`mcp`] | strict MCP messages, methods, SSE, list filtering |
//! | [`token`] | delegation tokens: parse, verify, cache, revoke |
//! | [`sealed_id`] | ids of sessions, tasks and endpoints that work for their caller alone |
//! | [`crypto`] | verification of signatures, as a provider |
//! | [`config`] | the plugin configuration, valid by construction |
//! | [`callout`] | checks as requests to SpiceDB |
//! | [`reason`] | every reason to deny |
//! | [`reply`] | the one table from a reason to the reply |
//! | [`record`] | the decision record |
//! | [`driver`] | turns callbacks into events and effects into calls of a `Host`; every proxy uses it |
//! | `host` (wasm32) | the proxy-wasm host: callbacks and hostcalls, without decisions |

// INVARIANT (nothing panics on data): `forbid`, so that no attribute outside tests can permit these again.
#![cfg_attr(
    not(test),
    forbid(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::arithmetic_side_effects,
        clippy::todo,
        clippy::unimplemented
    )
)]
#![cfg_attr(not(target_arch = "wasm32"), forbid(unsafe_code))] // `host`, for wasm alone, needs some

pub mod callout;
pub mod config;
pub mod crypto;
pub mod driver;
#[cfg(target_arch = "wasm32")]
mod host;
pub mod http;
pub mod mcp;
pub mod pep;
pub mod reason;
pub mod record;
pub mod reply;
pub mod sealed_id;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod token;
