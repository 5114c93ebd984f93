//! The thin glue to proxy-wasm hosts: callbacks become events, effects become hostcalls. Nothing is decided here.
//!
//! The SDK gives the entry points and the contexts. Hostcalls go through [`calls`], since the SDK's panic on a status
//! they do not expect and on header bytes that are not UTF-8; a panic would end the VM.

mod calls;
mod crypto;
mod root;
mod stream;

use proxy_wasm::traits::RootContext;

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| -> Box<dyn RootContext> { Box::new(root::Root::new()) });
}}
