//! Toolward's harness: a host of the proxy-wasm ABI, scenarios on three targets, and the `toolward` command line.
//!
//! ```text
//! scenario ─> target (native | wasm | envoy) ─> Transcript ─> compared with what is expected, and with each other
//! ```
//!
//! | module | purpose |
//! |---|---|
//! | [`scenario`] | the scenario files |
//! | [`target`] | where they run |
//! | [`crypto`] | signature checks, where no proxy does them |
//! | [`mint`] | tokens for development and tests |
//! | [`keys`] | keys that bundles are signed with |
//! | [`host`] | a proxy in memory |
//! | [`cli`] | the `toolward` command line |
//! | [`transcript`] | what an outsider sees |

pub mod cli;
pub mod crypto;
pub mod host;
pub mod keys;
pub mod mint;
pub mod scenario;
pub mod target;
pub mod transcript;
