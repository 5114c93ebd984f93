//! Entry points in place of those of the SDK that would panic. The last step of the link (`filter/link`)
//! exports each `toolward_on_…` as `proxy_on_…`, and drops the SDK's function of that name.
//!
//! INVARIANT (fail closed): a callback for an unknown stream holds the request or response.
#![allow(
    unsafe_code,
    reason = "the ABI wants exported names, which Rust takes for unsafe, and memory by pointer"
)]

use super::hostcalls;
use super::streams::{self, Stream};
use proxy_wasm::types::Action;
use std::alloc::Layout;
use std::ptr::{NonNull, null_mut};

/// For each entry point of a stream: ours, which holds unknown streams, and the SDK's, which would panic at them.
macro_rules! entry_points {
    ($($ours:ident, $sdk:ident($($argument:ident: $kind:ty),*);)+) => {
        unsafe extern "C" {
            $(fn $sdk(id: u32, $($argument: $kind),*) -> Action;)+
        }
        $(#[unsafe(no_mangle)]
        extern "C" fn $ours(id: u32, $($argument: $kind),*) -> Action {
            if !streams::is_known(id) {
                return Action::Pause;
            }
            // SAFETY: the SDK's own function, with the types that it has there.
            unsafe { $sdk(id, $($argument),*) }
        })+
    };
}

entry_points! {
    toolward_on_request_headers, proxy_on_request_headers(fields: usize, end_of_stream: bool);
    toolward_on_request_body, proxy_on_request_body(size: usize, end_of_stream: bool);
    toolward_on_request_trailers, proxy_on_request_trailers(fields: usize);
    toolward_on_response_headers, proxy_on_response_headers(fields: usize, end_of_stream: bool);
    toolward_on_response_body, proxy_on_response_body(size: usize, end_of_stream: bool);
    toolward_on_response_trailers, proxy_on_response_trailers(fields: usize);
}

/// The answer to a call. The SDK's entry point panics at a token that it did not register. It also keeps the
/// token of each call whose stream ended first, so a client that hangs up could fill the memory. This
/// function ignores an answer to an unknown call. Where the host does not let the filter act on the waiting
/// stream, the stream stays held.
#[unsafe(no_mangle)]
extern "C" fn toolward_on_http_call_response(
    _root: u32,
    token: u32,
    fields: usize,
    _body_size: usize,
    _trailers: usize,
) {
    let Some((id, stream)) = streams::take_waiting(token) else { return };
    if hostcalls::act_on(id).is_err() {
        return;
    }
    let Ok(mut stream) = stream.try_borrow_mut() else { return };
    let Stream { http, proxy } = &mut *stream;
    http.on_call_answered(proxy, token, fields);
    if let Some(token) = http.waiting() {
        streams::await_answer(token, id);
    }
}

/// Memory for the result of a hostcall; [`hostcalls`] takes it over. The SDK's function traps where there is
/// no memory. This one returns null, and the host then refuses the hostcall.
#[unsafe(no_mangle)]
extern "C" fn toolward_on_memory_allocate(size: usize) -> *mut u8 {
    match Layout::array::<u8>(size) {
        // Hosts take null for a failure.
        Ok(_) if size == 0 => NonNull::dangling().as_ptr(),
        // SAFETY: the layout is not empty.
        Ok(layout) => unsafe { std::alloc::alloc(layout) },
        Err(_) => null_mut(),
    }
}

// If the filter is configured as a network (L4) filter, nothing passes. Without these exports the host would skip the
// filter, and the SDK's panic, since it has no context of that kind.

#[unsafe(no_mangle)]
extern "C" fn toolward_on_new_connection(_id: u32) -> Action {
    Action::Pause
}

#[unsafe(no_mangle)]
extern "C" fn toolward_on_downstream_data(_id: u32, _size: usize, _end_of_stream: u32) -> Action {
    Action::Pause
}

#[unsafe(no_mangle)]
extern "C" fn toolward_on_upstream_data(_id: u32, _size: usize, _end_of_stream: u32) -> Action {
    Action::Pause
}
