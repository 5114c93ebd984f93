//! Hostcalls that cannot panic: every status is a value.
#![allow(unsafe_code, reason = "the proxy-wasm ABI passes pointers")]

use crate::driver::Refused;
use std::ptr::{null, null_mut};

/// `NOT_FOUND`: no such header map, buffer or property at this point.
pub const NOT_FOUND: u32 = 1;
/// `EMPTY`.
const EMPTY: u32 = 7;
/// `PARSE_FAILURE`: what the host gave is not in the ABI's form.
pub const PARSE_FAILURE: u32 = 4;
/// `CAS_MISMATCH`: another VM set the shared data meanwhile.
pub const CAS_MISMATCH: u32 = 8;

type Hostcall<T> = Result<T, Refused>;

/// `proxy_buffer_type_t`.
#[derive(Debug, Clone, Copy)]
#[repr(u32)]
pub enum Buffer {
    /// Request body.
    Request = 0,
    /// Response body.
    Response = 1,
    /// Body of the answer to a call.
    CallAnswer = 4,
    /// The plugin's configuration.
    PluginConfiguration = 7,
}

/// `proxy_header_map_type_t`.
#[derive(Debug, Clone, Copy)]
#[repr(u32)]
pub enum Map {
    /// Request header fields.
    Request = 0,
    /// Request trailers.
    RequestTrailers = 1,
    /// Response header fields.
    Response = 2,
    /// Header fields of the answer to a call.
    CallAnswer = 6,
}

/// `proxy_log_level_t`, as far as it is used.
#[derive(Debug, Clone, Copy)]
#[repr(u32)]
pub enum Level {
    /// For records.
    Info = 2,
    /// For what an operator should look at.
    Warn = 3,
    /// For configurations that were refused.
    Error = 4,
}

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn proxy_log(level: u32, data: *const u8, size: usize) -> u32;
    fn proxy_get_current_time_nanoseconds(time: *mut u64) -> u32;
    fn proxy_get_buffer_bytes(
        kind: u32,
        start: usize,
        max: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_set_buffer_bytes(kind: u32, start: usize, size: usize, data: *const u8, data_size: usize)
    -> u32;
    fn proxy_get_property(path: *const u8, path_size: usize, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_get_header_map_pairs(kind: u32, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_remove_header_map_value(kind: u32, key: *const u8, key_size: usize) -> u32;
    fn proxy_replace_header_map_value(
        kind: u32,
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
    fn proxy_continue_stream(kind: u32) -> u32;
    fn proxy_close_stream(kind: u32) -> u32;
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
    fn proxy_define_metric(kind: u32, name: *const u8, name_size: usize, id: *mut u32) -> u32;
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

/// Takes over memory that the host had the guest allocate (`super::entry` gives exactly `size` bytes).
fn taken(data: *mut u8, size: usize) -> Vec<u8> {
    if data.is_null() || size == 0 {
        return Vec::new();
    }
    // SAFETY: the host wrote `size` bytes into an allocation of that size, and gives it up.
    unsafe { Vec::from_raw_parts(data, size, size) }
}

/// Writes to the proxy's log.
pub fn log(level: Level, text: &str) {
    // SAFETY: pointer and length are of a live slice. A log that is refused is not worth a request.
    let _ = unsafe { proxy_log(level as u32, text.as_ptr(), text.len()) };
}

/// Milliseconds since the Unix epoch.
pub fn now_ms() -> Hostcall<u64> {
    let mut nanoseconds = 0u64;
    // SAFETY: the host writes eight bytes.
    checked(unsafe { proxy_get_current_time_nanoseconds(&mut nanoseconds) })?;
    Ok(nanoseconds / 1_000_000)
}

/// The first `max` bytes of a buffer; nothing where there is no such buffer.
pub fn buffer(kind: Buffer, max: usize) -> Hostcall<Vec<u8>> {
    let (mut data, mut size) = (null_mut(), 0usize);
    // SAFETY: the host writes a pointer and a length.
    match unsafe { proxy_get_buffer_bytes(kind as u32, 0, max, &mut data, &mut size) } {
        0 => Ok(taken(data, size)),
        NOT_FOUND | EMPTY => Ok(Vec::new()),
        status => Err(Refused(status)),
    }
}

/// A property of the proxy, by its path.
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

/// Replaces the first `size` bytes of a buffer.
pub fn replace_buffer(kind: Buffer, size: usize, with: &[u8]) -> Hostcall<()> {
    // SAFETY: pointer and length are of a live slice.
    checked(unsafe { proxy_set_buffer_bytes(kind as u32, 0, size, with.as_ptr(), with.len()) })
}

/// Header fields as bytes.
pub struct Pairs {
    data: Vec<u8>,
}

impl Pairs {
    /// Reads a whole header map in one call.
    pub fn read(kind: Map) -> Hostcall<Pairs> {
        let (mut data, mut size) = (null_mut(), 0usize);
        // SAFETY: the host writes a pointer and a length.
        checked(unsafe { proxy_get_header_map_pairs(kind as u32, &mut data, &mut size) })?;
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

/// Removes every field of this name.
pub fn remove_header(kind: Map, name: &[u8]) -> Hostcall<()> {
    // SAFETY: pointer and length are of a live slice.
    checked(unsafe { proxy_remove_header_map_value(kind as u32, name.as_ptr(), name.len()) })
}

/// Writes a field in place of every one of this name.
pub fn set_header(kind: Map, name: &str, value: &str) -> Hostcall<()> {
    // SAFETY: pointers and lengths are of live strings.
    checked(unsafe {
        proxy_replace_header_map_value(kind as u32, name.as_ptr(), name.len(), value.as_ptr(), value.len())
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

/// Answers in the upstream's place.
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

/// Calls a cluster of the proxy; gives the token that the answer will carry.
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

/// Makes the hostcalls that follow, up to the end of the callback, act on this context.
pub fn act_on(context: u32) -> Hostcall<()> {
    // SAFETY: no pointers.
    checked(unsafe { proxy_set_effective_context(context) })
}

/// Resumes the request side outside its own callbacks.
pub fn resume_request() -> Hostcall<()> {
    // SAFETY: no pointers.
    checked(unsafe { proxy_continue_stream(0) })
}

/// Ends the response side of the stream at once; what was not sent yet is lost.
pub fn end_response() -> Hostcall<()> {
    // SAFETY: no pointers.
    checked(unsafe { proxy_close_stream(1) })
}

/// Has the host call back every `milliseconds`.
pub fn tick_every(milliseconds: u32) -> Hostcall<()> {
    // SAFETY: no pointers.
    checked(unsafe { proxy_set_tick_period_milliseconds(milliseconds) })
}

/// Sets filter state `wasm.<name>` of the stream.
pub fn set_filter_state(name: &str, value: &str) -> Hostcall<()> {
    // SAFETY: pointers and lengths are of live slices.
    checked(unsafe { proxy_set_property(name.as_ptr(), name.len(), value.as_ptr(), value.len()) })
}

/// A value that all VMs with the same `vm_id` share, and the number that it has until it is set again.
pub fn shared_data(key: &[u8]) -> Hostcall<(Vec<u8>, u32)> {
    let (mut data, mut size, mut cas) = (null_mut(), 0usize, 0u32);
    // SAFETY: pointer and length are of a live slice; the host writes a pointer, a length and four bytes.
    checked(unsafe { proxy_get_shared_data(key.as_ptr(), key.len(), &mut data, &mut size, &mut cas) })?;
    Ok((taken(data, size), cas))
}

/// Sets a shared value that still has this number; one that was never set is set whatever the number.
pub fn set_shared_data(key: &[u8], value: &[u8], cas: u32) -> Hostcall<()> {
    // SAFETY: pointers and lengths are of live slices.
    checked(unsafe { proxy_set_shared_data(key.as_ptr(), key.len(), value.as_ptr(), value.len(), cas) })
}

/// Defines a counter, or finds it.
pub fn counter(name: &str) -> Hostcall<u32> {
    let mut id = 0u32;
    // SAFETY: pointer and length are of a live slice; the host writes four bytes.
    checked(unsafe { proxy_define_metric(0, name.as_ptr(), name.len(), &mut id) })?;
    Ok(id)
}

/// Adds one to a counter.
pub fn count(id: u32) -> Hostcall<()> {
    // SAFETY: no pointers.
    checked(unsafe { proxy_increment_metric(id, 1) })
}

/// Calls a foreign function of the host.
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
