//! Toolward's policy enforcement point (PEP): a proxy-wasm filter that guards MCP servers.
//!
//! ```text
//! host callback ─> Event ─> RequestHead ─> mcp::Message ─┐
//!                    └─> token ─> VerifiedDelegation ────┴─> pdp::evaluate ─> Decision
//! Decision ─┬ Permit ─> Effect::Forward      (nothing goes on without one)
//!           ├ obligations ─> Effect::Call ─> Event::CallAnswered ─> …
//!           └ reason ─> reply table ─> Effect::Reply
//! ```
//!
//! Everything outside `host` is free of I/O and compiles natively: [`pep::Exchange`] takes events and gives effects.
//!
//! | module | purpose |
//! |---|---|
//! | [`pep`] | the state machine of one HTTP exchange; `Permit` |
//! | [`mcp`] | strict MCP messages, methods, SSE, list filtering |
//! | [`token`] | delegation tokens: parse, verify, cache |
//! | [`crypto`] | the signature check, as a provider |
//! | [`config`] | the plugin configuration, valid by construction |
//! | [`callout`] | questions to the authorization cluster |
//! | [`reason`] | every reason to deny |
//! | [`reply`] | the one table from reason to what the client sees |
//! | [`record`] | the decision record |
//! | [`driver`] | callbacks to events, effects to calls of a host, once for every proxy |
//! | `host` (wasm32) | the proxy-wasm host: callbacks and hostcalls; decides nothing |

// INVARIANT (nothing panics on data): `forbid`, so that no attribute switches these off again outside tests.
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
