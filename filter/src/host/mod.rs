//! The thin glue to proxy-wasm hosts: callbacks become events, effects become hostcalls. Nothing is decided here.
//!
//! Entry points ([`entry`]) and hostcalls ([`calls`]) are our own, since the SDK's panic on a status that they do not
//! expect, on header bytes that are not UTF-8 and on an answer that nobody waits for; a panic would end the VM.

mod calls;
mod crypto;
mod entry;
mod proxy;
mod root;
mod store;
