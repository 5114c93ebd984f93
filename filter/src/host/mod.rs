//! The proxy-wasm host: callbacks and hostcalls. Nothing is decided here.
//!
//! Contexts, entry points and their dispatch are the `proxy-wasm` SDK's. The hostcalls are our own
//! ([`hostcalls`]), since the SDK's panic on statuses and bytes that clients, servers and Envoy can cause.
//! The entry points that would panic have our own code in front ([`exports`]). A panic ends the VM, and with
//! it every stream of the worker.

mod context;
mod exports;
mod hostcalls;
mod metrics;
mod proxy;
mod root;
mod shared_data;
mod streams;
mod verify_signature;

#[allow(unsafe_code, reason = "the SDK's macro exports the initialization of the module")]
mod start {
    proxy_wasm::main! {{
        proxy_wasm::set_root_context(|_| Box::new(super::root::Root::new()));
    }}
}
