//! A proxy in memory: a host of the proxy-wasm ABI 0.2.1 that behaves like Envoy 1.40 with
//! `allow_on_headers_stop_iteration`, and drives HTTP exchanges through a plugin.
//!
//! ```text
//! Proxy (client, server, clusters, clock) ──callbacks──> Guest: the wasm module, or the core called natively
//!        World (streams, log, metrics, …) <──hostcalls──
//! ```
//! No global state: every [`Proxy`] has its own [`World`]. Time is virtual, randomness is a fixed sequence, nothing
//! leaves the process. What of Envoy's behaviour matters here is said where it is reproduced.
//!
//! | module | purpose |
//! |---|---|
//! | [`abi`] | the ABI's numbers and its serialisation of maps |
//! | [`world`] | what hostcalls read and change |
//! | [`stream`] | one HTTP stream as the plugin sees it |
//! | [`stores`] | shared data, queues, metrics |
//! | [`foreign`] | foreign functions, `verify_signature` among them |
//! | [`proxy`] | exchanges: when which callback comes, and what is let through |
//! | [`allow_list`] | what a filter may import |
//! | `wasm` | the plugin as a wasm module in wasmtime |

pub mod abi;
pub mod allow_list;
pub mod foreign;
pub mod proxy;
pub mod stores;
pub mod stream;
pub mod wasm;
pub mod world;

pub use proxy::{Guest, Proxy, Trap};
pub use world::World;
