//! Hostcalls that cannot panic: every status is a value, and fields are bytes.
//!
//! The SDK has these calls too. Each of them panics on every status that it does not expect, and reads the
//! status into an enum that lacks numbers of some hosts. Each function here names the SDK's behaviour where
//! it matters. The numbers of buffers, maps, log levels and metrics are the SDK's types.
#![allow(unsafe_code, reason = "the proxy-wasm ABI passes pointers")]

use crate::driver::Refused;
use proxy_wasm::types::{BufferType, LogLevel, MapType, MetricType, StreamType};
use std::ptr::{null, null_mut};

/// `NOT_FOUND`: no such header map, buffer or property at this point.
pub const NOT_FOUND: u32 = 1;
/// `EMPTY`.
const EMPTY: u32 = 7;
/// `PARSE_FAILURE`: the host's result is not in the ABI's form.
pub const PARSE_FAILURE: u32 = 4;
/// `CAS_MISMATCH`: another VM set the shared data meanwhile.
pub const CAS_MISMATCH: u32 = 8;

type Hostcall<T> = Result<T, Refused>;

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn proxy_log(level: LogLevel, data: *const u8, size: usize) -> u32;
    fn proxy_get_current_time_nanoseconds(time: *mut u64) -> u32;
    fn proxy_get_buffer_bytes(
        kind: BufferType,
        start: usize,
        max: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_set_buffer_bytes(
        kind: BufferType,
        start: usize,
        size: usize,
        data: *const u8,
        data_size: usize,
    ) -> u32;
    fn proxy_get_property(path: *const u8, path_size: usize, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_get_header_map_pairs(kind: MapType, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_remove_header_map_value(kind: MapType, key: *const u8, key_size: usize) -> u32;
    fn proxy_replace_header_map_value(
        kind: MapType,
        key: *const u8,
        key_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_send_local_response(
        status: u32,
        details: *const u8,
        details_size: usize,
        body: *const u8,
        body_size: usize,
        headers: *const u8,
        headers_size: usize,
        grpc_status: i32,
    ) -> u32;
    fn proxy_http_call(
        cluster: *const u8,
        cluster_size: usize,
        headers: *const u8,
        headers_size: usize,
        body: *const u8,
        body_size: usize,
        trailers: *const u8,
        trailers_size: usize,
        timeout_ms: u32,
        token: *mut u32,
    ) -> u32;
    fn proxy_set_effective_context(id: u32) -> u32;
    fn proxy_continue_stream(kind: StreamType) -> u32;
    fn proxy_close_stream(kind: StreamType) -> u32;
    fn proxy_set_tick_period_milliseconds(period: u32) -> u32;
    fn proxy_set_property(path: *const u8, path_size: usize, value: *const u8, value_size: usize) -> u32;
    fn proxy_get_shared_data(
        key: *const u8,
        key_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
        cas: *mut u32,
    ) -> u32;
    fn proxy_set_shared_data(
        key: *const u8,
        key_size: usize,
        value: *const u8,
        value_size: usize,
        cas: u32,
    ) -> u32;
    fn proxy_define_metric(kind: MetricType, name: *const u8, name_size: usize, id: *mut u32) -> u32;
    fn proxy_increment_metric(id: u32, offset: i64) -> u32;
    fn proxy_call_foreign_function(
        name: *const u8,
        name_size: usize,
        arguments: *const u8,
        arguments_size: usize,
        results: *mut *mut u8,
        results_size: *mut usize,
    ) -> u32;
}

fn checked(status: u32) -> Hostcall<()> {
    if status == 0 { Ok(()) } else { Err(Refused(status)) }
}

/// Takes over memory that the host had the guest allocate (`super::exports` gives exactly `size` bytes).
fn taken(data: *mut u8, size: usize) -> Vec<u8> {
    if data.is_null() || size == 0 {
        return Vec::new();
    }
    // SAFETY: the host wrote `size` bytes into an allocation of that size, and gives it up.
    unsafe { Vec::from_raw_parts(data, size, size) }
}

/// Writes to the proxy's log. The SDK panics where the host refuses the line.
pub fn log(level: LogLevel, text: &str) -> Hostcall<()> {
    // SAFETY: pointer and length are of a live slice.
    checked(unsafe { proxy_log(level, text.as_ptr(), text.len()) })
}

/// Milliseconds since the Unix epoch. The SDK panics where the host has no clock.
pub fn now_ms() -> Hostcall<u64> {
    let mut nanoseconds = 0u64;
    // SAFETY: the host writes eight bytes.
    checked(unsafe { proxy_get_current_time_nanoseconds(&mut nanoseconds) })?;
    Ok(nanoseconds / 1_000_000)
}

/// The first `max` bytes of a buffer; empty where there is no such buffer. The SDK panics at `EMPTY` and
/// `BAD_ARGUMENT`, which hosts give for a buffer outside its phase.
pub fn buffer(kind: BufferType, max: usize) -> Hostcall<Vec<u8>> {
    let (mut data, mut size) = (null_mut(), 0usize);
    // SAFETY: the host writes a pointer and a length.
    match unsafe { proxy_get_buffer_bytes(kind, 0, max, &mut data, &mut size) } {
        0 => Ok(taken(data, size)),
        NOT_FOUND | EMPTY => Ok(Vec::new()),
        status => Err(Refused(status)),
    }
}

/// A property of the proxy, by its path. The SDK panics at `BAD_ARGUMENT`.
pub fn property(path: &[&str]) -> Hostcall<Vec<u8>> {
    // Parts of a path are separated by a zero byte.
    let mut joined = String::new();
    for part in path {
        joined.push_str(if joined.is_empty() { "" } else { "\0" });
        joined.push_str(part);
    }
    let path = joined;
    let (mut data, mut size) = (null_mut(), 0usize);
    // SAFETY: pointer and length are of a live string; the host writes a pointer and a length.
    checked(unsafe { proxy_get_property(path.as_ptr(), path.len(), &mut data, &mut size) })?;
    Ok(taken(data, size))
}

/// Replaces the first `size` bytes of a buffer. The SDK panics where the bytes have gone on already.
pub fn replace_buffer(kind: BufferType, size: usize, with: &[u8]) -> Hostcall<()> {
    // SAFETY: pointer and length are of a live slice.
    checked(unsafe { proxy_set_buffer_bytes(kind, 0, size, with.as_ptr(), with.len()) })
}

/// Header fields as bytes. The SDK's text getters panic at a value that is not UTF-8, which any client can
/// send. Its reader of maps panics at a map that is cut short.
pub struct Pairs {
    data: Vec<u8>,
}

impl Pairs {
    /// Reads a whole header map in one call.
    pub fn read(kind: MapType) -> Hostcall<Pairs> {
        let (mut data, mut size) = (null_mut(), 0usize);
        // SAFETY: the host writes a pointer and a length.
        checked(unsafe { proxy_get_header_map_pairs(kind, &mut data, &mut size) })?;
        Ok(Pairs { data: taken(data, size) })
    }

    /// The fields, in order; `None` where the host's form is not the ABI's.
    pub fn fields(&self) -> Option<Vec<(&[u8], &[u8])>> {
        let word = |at: usize| -> Option<usize> {
            let bytes = self.data.get(at..)?.first_chunk::<4>()?;
            usize::try_from(u32::from_le_bytes(*bytes)).ok()
        };
        if self.data.is_empty() {
            return Some(Vec::new());
        }
        let count = word(0)?;
        let mut at = count.checked_mul(8)?.checked_add(4)?;
        if at > self.data.len() {
            return None;
        }
        let mut part = |size: usize| {
            let end = at.checked_add(size)?;
            let bytes = self.data.get(at..end)?;
            // Each part ends with a zero byte.
            at = end.checked_add(1)?;
            Some(bytes)
        };
        let mut fields = Vec::with_capacity(count);
        for index in 0..count {
            let sizes = index.checked_mul(8)?.checked_add(4)?;
            let (name, value) = (word(sizes)?, word(sizes.checked_add(4)?)?);
            fields.push((part(name)?, part(value)?));
        }
        Some(fields)
    }
}

/// Removes every field of this name, which may be any bytes. The SDK takes text only, and panics in a phase in which the
/// head cannot be changed.
pub fn remove_header(kind: MapType, name: &[u8]) -> Hostcall<()> {
    // SAFETY: pointer and length are of a live slice.
    checked(unsafe { proxy_remove_header_map_value(kind, name.as_ptr(), name.len()) })
}

/// Writes a field in place of every field of this name. The SDK panics in a phase in which the head cannot be changed.
pub fn set_header(kind: MapType, name: &str, value: &str) -> Hostcall<()> {
    // SAFETY: pointers and lengths are of live strings.
    checked(unsafe {
        proxy_replace_header_map_value(kind, name.as_ptr(), name.len(), value.as_ptr(), value.len())
    })
}

fn pairs_bytes<V: AsRef<str>>(pairs: &[(&str, V)]) -> Vec<u8> {
    let size = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
    let mut out = Vec::new();
    out.extend_from_slice(&size(pairs.len()));
    for (name, value) in pairs {
        out.extend_from_slice(&size(name.len()));
        out.extend_from_slice(&size(value.as_ref().len()));
    }
    for (name, value) in pairs {
        for part in [*name, value.as_ref()] {
            out.extend_from_slice(part.as_bytes());
            out.push(0);
        }
    }
    out
}

/// Answers in the upstream's place. The SDK panics where the host refuses the reply, and sends no response details.
pub fn reply(status: u16, headers: &[(&str, String)], body: &[u8], details: &str) -> Hostcall<()> {
    let headers = pairs_bytes(headers);
    // SAFETY: all pointers and lengths are of live slices.
    checked(unsafe {
        proxy_send_local_response(
            u32::from(status),
            details.as_ptr(),
            details.len(),
            body.as_ptr(),
            body.len(),
            headers.as_ptr(),
            headers.len(),
            -1,
        )
    })
}

/// Calls a cluster of the proxy and returns the token of the answer. The SDK keeps the token of each call
/// whose stream ended first, so clients that hang up could fill the memory. It panics at all statuses but
/// two.
pub fn http_call(cluster: &str, headers: &[(&str, &str)], body: &[u8], timeout_ms: u32) -> Hostcall<u32> {
    let headers = pairs_bytes(headers);
    let trailers = pairs_bytes::<&str>(&[]);
    let mut token = 0u32;
    // SAFETY: all pointers and lengths are of live slices; the host writes four bytes.
    checked(unsafe {
        proxy_http_call(
            cluster.as_ptr(),
            cluster.len(),
            headers.as_ptr(),
            headers.len(),
            body.as_ptr(),
            body.len(),
            trailers.as_ptr(),
            trailers.len(),
            timeout_ms,
            &mut token,
        )
    })?;
    Ok(token)
}

/// Makes the hostcalls that follow, up to the end of the callback, act on this context. The SDK panics at statuses beside
/// one.
pub fn act_on(context: u32) -> Hostcall<()> {
    // SAFETY: no pointers.
    checked(unsafe { proxy_set_effective_context(context) })
}

/// Resumes the request side outside its own callbacks. The SDK panics where the stream is gone.
pub fn resume_request() -> Hostcall<()> {
    // SAFETY: no pointers.
    checked(unsafe { proxy_continue_stream(StreamType::HttpRequest) })
}

/// Ends the response side of the stream at once. Bytes that were not sent yet are lost. The SDK panics where
/// the stream is gone.
pub fn end_response() -> Hostcall<()> {
    // SAFETY: no pointers.
    checked(unsafe { proxy_close_stream(StreamType::HttpResponse) })
}

/// Has the host call back every `milliseconds`. The SDK panics at a host that does not tick.
pub fn tick_every(milliseconds: u32) -> Hostcall<()> {
    // SAFETY: no pointers.
    checked(unsafe { proxy_set_tick_period_milliseconds(milliseconds) })
}

/// Sets filter state `wasm.<name>` of the stream. The SDK panics where the host refuses it.
pub fn set_filter_state(name: &str, value: &str) -> Hostcall<()> {
    // SAFETY: pointers and lengths are of live slices.
    checked(unsafe { proxy_set_property(name.as_ptr(), name.len(), value.as_ptr(), value.len()) })
}

/// A value that all VMs with the same `vm_id` share, and the number that it has until it is set again. The SDK takes only
/// text for the key, and panics at a host without shared data.
pub fn shared_data(key: &[u8]) -> Hostcall<(Vec<u8>, u32)> {
    let (mut data, mut size, mut cas) = (null_mut(), 0usize, 0u32);
    // SAFETY: pointer and length are of a live slice; the host writes a pointer, a length and four bytes.
    checked(unsafe { proxy_get_shared_data(key.as_ptr(), key.len(), &mut data, &mut size, &mut cas) })?;
    Ok((taken(data, size), cas))
}

/// Sets a shared value that still has this number. A value that was never set is set whatever the number.
/// Errors as [`shared_data`].
pub fn set_shared_data(key: &[u8], value: &[u8], cas: u32) -> Hostcall<()> {
    // SAFETY: pointers and lengths are of live slices.
    checked(unsafe { proxy_set_shared_data(key.as_ptr(), key.len(), value.as_ptr(), value.len(), cas) })
}

/// Defines a counter, or finds it. The SDK panics where the host refuses the name.
pub fn counter(name: &str) -> Hostcall<u32> {
    let mut id = 0u32;
    // SAFETY: pointer and length are of a live slice; the host writes four bytes.
    checked(unsafe { proxy_define_metric(MetricType::Counter, name.as_ptr(), name.len(), &mut id) })?;
    Ok(id)
}

/// Adds one to a counter. The SDK panics at statuses beside two.
pub fn count(id: u32) -> Hostcall<()> {
    // SAFETY: no pointers.
    checked(unsafe { proxy_increment_metric(id, 1) })
}

/// Calls a foreign function of the host. The SDK panics at statuses beside four.
pub fn foreign(name: &str, arguments: &[u8]) -> Hostcall<Vec<u8>> {
    let (mut data, mut size) = (null_mut(), 0usize);
    let arguments_at = if arguments.is_empty() { null() } else { arguments.as_ptr() };
    // SAFETY: pointers and lengths are of live slices; the host writes a pointer and a length.
    checked(unsafe {
        proxy_call_foreign_function(
            name.as_ptr(),
            name.len(),
            arguments_at,
            arguments.len(),
            &mut data,
            &mut size,
        )
    })?;
    Ok(taken(data, size))
}
