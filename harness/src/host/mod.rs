//! A proxy in memory: a host of the proxy-wasm ABI 0.2.1 that behaves like Envoy 1.40 with
//! `allow_on_headers_stop_iteration`, and drives HTTP exchanges through a plugin.
//!
//! ```text
//! Proxy (client, server, clusters, clock) ──callbacks──> Guest: the wasm module, or the core called natively
//!        HostState (streams, log, metrics, …) <──hostcalls──
//! ```
//! No global state: every [`Proxy`] has its own [`HostState`]. Time is virtual, randomness is a fixed sequence, nothing
//! leaves the process. Comments name Envoy's behaviour where the code reproduces it.
//!
//! | module | purpose |
//! |---|---|
//! | [`abi`] | the ABI's numbers and its serialisation of maps |
//! | [`host_state`] | the state that hostcalls read and change |
//! | [`stream`] | one HTTP stream as the plugin sees it |
//! | [`stores`] | shared data, queues, metrics |
//! | [`foreign`] | foreign functions, `verify_signature` among them |
//! | [`guest`] | a plugin as its host sees it |
//! | `heads` | heads as Envoy makes them |
//! | [`proxy`] | exchanges: the order of callbacks, and which bytes are let through |
//! | [`allow_list`] | what a filter may import and export |
//! | `wasm` | the plugin as a wasm module in wasmtime |

pub mod abi;
pub mod allow_list;
pub mod foreign;
pub mod guest;
mod heads;
pub mod host_state;
pub mod proxy;
pub mod stores;
pub mod stream;
pub mod wasm;

pub use guest::{Callback, Guest, Trap};
pub use host_state::HostState;
pub use proxy::Proxy;
