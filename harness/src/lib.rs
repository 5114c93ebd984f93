//! Toolward's harness: a host of the proxy-wasm ABI, scenarios on three targets, and the `toolward` command line.
//!
//! ```text
//! scenario ─> target (native | wasm | envoy) ─> Transcript ─> compared with what is expected, and with each other
//! ```
//!
//! The feature `test-runner` adds the modules marked with a star and the commands `run` and `abi`.
//!
//! | module | purpose |
//! |---|---|
//! | `scenario`* | the scenario files |
//! | `target`* | where they run |
//! | `crypto`* | signature checks, where no proxy does them |
//! | [`test_token`] | tokens for development and tests |
//! | [`junit`] | results of policy tests as XML |
//! | [`keys`] | keys that bundles are signed with |
//! | `host`* | a proxy in memory |
//! | [`cli`] | the `toolward` command line |
//! | `transcript`* | the visible outcome of a scenario |

pub mod cli;
#[cfg(feature = "test-runner")]
pub mod crypto;
#[cfg(feature = "test-runner")]
pub mod host;
pub mod junit;
pub mod keys;
#[cfg(feature = "test-runner")]
pub mod scenario;
#[cfg(feature = "test-runner")]
pub mod target;
pub mod test_token;
#[cfg(feature = "test-runner")]
pub mod transcript;
