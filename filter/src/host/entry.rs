//! The entry points of the proxy-wasm ABI 0.2.1, and which context each callback is for.
//!
//! INVARIANT (fail closed): a callback for a context that is not known, or that comes while another one runs, holds
//! what it is about. Nothing in here panics: a panic would end the VM, and with it every stream of the worker.
#![allow(
    unsafe_code,
    reason = "the ABI wants exported names, which Rust takes for unsafe, and memory by pointer"
)]

use super::calls;
use super::proxy::Proxy;
use super::root::Root;
use crate::delegation::Revocations;
use crate::driver::HttpStream;
use crate::pep::Flow;
use std::alloc::Layout;
use std::cell::RefCell;
use std::ptr::{NonNull, null_mut};
use std::rc::Rc;

/// Values by number, in order. Hosts count upwards, so that most are put at the end; a tree's code would be ten times as
/// large, for three kinds of values.
struct Numbered<T>(Vec<(u32, T)>);

impl<T> Numbered<T> {
    const fn new() -> Self {
        Numbered(Vec::new())
    }

    fn place(&self, number: u32) -> Result<usize, usize> {
        self.0.binary_search_by_key(&number, |(number, _)| *number)
    }

    fn get(&mut self, number: u32) -> Option<&mut T> {
        let at = self.place(number).ok()?;
        self.0.get_mut(at).map(|(_, value)| value)
    }

    fn put(&mut self, number: u32, value: T) {
        match self.place(number) {
            Ok(at) => {
                if let Some((_, old)) = self.0.get_mut(at) {
                    *old = value;
                }
            }
            Err(at) => self.0.insert(at, (number, value)),
        }
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = (u32, &mut T)> {
        self.0.iter_mut().map(|(number, value)| (*number, value))
    }

    fn take(&mut self, number: u32) -> Option<T> {
        self.place(number).ok().map(|at| self.0.remove(at).1)
    }
}

/// All contexts of this VM by the host's numbers. Plugins with the same configuration of the VM share it, so there can
/// be several roots.
struct Contexts {
    roots: Numbered<Root>,
    streams: Numbered<Box<(HttpStream, Proxy)>>,
    /// From the token of a call to the stream that waits for its answer: the host gives answers to the root.
    waiting: Numbered<u32>,
    revocations: Option<Rc<Revocations>>,
}

thread_local! {
    static CONTEXTS: RefCell<Contexts> =
        const { RefCell::new(Contexts { roots: Numbered::new(), streams: Numbered::new(), waiting: Numbered::new(), revocations: None }) };
}

/// Runs `then` on the contexts; `None` where a host calls back in the middle of another callback, which none should.
fn contexts<T>(then: impl FnOnce(&mut Contexts) -> T) -> Option<T> {
    CONTEXTS.with(|contexts| contexts.try_borrow_mut().ok().map(|mut contexts| then(&mut contexts)))
}

/// Runs a callback of a stream. What comes back is `proxy_action_t`: 0 continues, 1 pauses.
fn stream(id: u32, then: impl FnOnce(&mut HttpStream, &mut Proxy) -> Flow) -> u32 {
    let flow = contexts(|contexts| {
        let (stream, proxy) = &mut **contexts.streams.get(id)?;
        let flow = then(stream, proxy);
        if let Some(token) = stream.waiting() {
            contexts.waiting.put(token, id);
        }
        Some(flow)
    });
    match flow.flatten() {
        Some(Flow::Pass) => 0,
        Some(Flow::Hold) | None => PAUSE,
    }
}

const PAUSE: u32 = 1;

unsafe extern "C" {
    /// The linker's: constructors of the C library that Rust's standard library stands on.
    fn __wasm_call_ctors();
}

#[unsafe(no_mangle)]
extern "C" fn _initialize() {
    // SAFETY: the host calls this once, before everything else.
    unsafe { __wasm_call_ctors() }
}

#[unsafe(no_mangle)]
extern "C" fn proxy_abi_version_0_2_1() {}

/// Memory for what a hostcall gives; [`super::calls`] takes it over. Null where there is none left: the host then refuses
/// the hostcall.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_memory_allocate(size: usize) -> *mut u8 {
    match Layout::array::<u8>(size) {
        // Hosts take null for a failure.
        Ok(_) if size == 0 => NonNull::dangling().as_ptr(),
        // SAFETY: the layout is not empty.
        Ok(layout) => unsafe { std::alloc::alloc(layout) },
        Err(_) => null_mut(),
    }
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_context_create(id: u32, root: u32) {
    contexts(|contexts| {
        if root == 0 {
            let revocations = contexts.revocations.get_or_insert_default();
            contexts.roots.put(id, Root::new(Rc::clone(revocations)));
        } else if let Some(root) = contexts.roots.get(root) {
            contexts.streams.put(id, Box::new(root.stream(id)));
        }
    });
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_vm_start(_root: u32, _size: usize) -> u32 {
    1
}

/// 0 refuses the configuration.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_configure(root: u32, _size: usize) -> u32 {
    let loaded = contexts(|contexts| contexts.roots.get(root).map(Root::on_configure)).flatten();
    u32::from(loaded.unwrap_or(false))
}

/// 1: nothing is left to be done, the host may delete the context.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_done(_id: u32) -> u32 {
    1
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_log(_id: u32) {}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_delete(id: u32) {
    contexts(|contexts| {
        let stream = contexts.streams.take(id);
        if let Some(token) = stream.and_then(|stream| stream.0.waiting()) {
            contexts.waiting.take(token);
        }
        contexts.roots.take(id);
    });
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_headers(id: u32, _count: usize, end_of_stream: u32) -> u32 {
    stream(id, |stream, proxy| stream.on_request_headers(proxy, end_of_stream != 0))
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_body(id: u32, size: usize, end_of_stream: u32) -> u32 {
    stream(id, |stream, proxy| stream.on_request_body(proxy, size, end_of_stream != 0))
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_trailers(id: u32, _count: usize) -> u32 {
    stream(id, HttpStream::on_request_trailers)
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_response_headers(id: u32, _count: usize, end_of_stream: u32) -> u32 {
    stream(id, |stream, proxy| stream.on_response_headers(proxy, end_of_stream != 0))
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_response_body(id: u32, size: usize, end_of_stream: u32) -> u32 {
    stream(id, |stream, proxy| stream.on_response_body(proxy, size, end_of_stream != 0))
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_response_trailers(id: u32, _count: usize) -> u32 {
    stream(id, HttpStream::on_response_trailers)
}

/// Streams whose token has expired, or whose session is over, end now. The host ends them when this has returned, and calls back for them then.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_tick(_root: u32) {
    contexts(|contexts| {
        let Ok(now_ms) = calls::now_ms() else { return };
        for (id, stream) in contexts.streams.iter_mut().filter(|(_, stream)| stream.0.wants_ticks()) {
            if calls::act_on(id).is_ok() {
                let (stream, proxy) = &mut **stream;
                stream.on_tick(proxy, now_ms);
            }
        }
    });
}

/// The answer to a call, which the host gives to the root. One that nobody waits for is nobody's. Where the host does
/// not let us act on the stream that waits, that stream stays held.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_http_call_response(
    _root: u32,
    token: u32,
    fields: usize,
    _body_size: usize,
    _trailers: usize,
) {
    let id = contexts(|contexts| contexts.waiting.take(token)).flatten();
    if let Some(id) = id.filter(|id| calls::act_on(*id).is_ok()) {
        stream(id, |stream, proxy| {
            stream.on_call_answered(proxy, token, fields);
            Flow::Hold
        });
    }
}

// Whoever takes the filter for one of connections lets nothing pass: without these, the host would skip it.

#[unsafe(no_mangle)]
extern "C" fn proxy_on_new_connection(_id: u32) -> u32 {
    PAUSE
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_downstream_data(_id: u32, _size: usize, _end_of_stream: u32) -> u32 {
    PAUSE
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_upstream_data(_id: u32, _size: usize, _end_of_stream: u32) -> u32 {
    PAUSE
}
