//! The numbers of the proxy-wasm ABI 0.2.1, and how it writes maps into memory.
//!
//! Source: proxy-wasm/spec, `abi-versions/v0.2.1`.

use crate::scenario::Fields;

/// The status that a hostcall returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Status {
    /// Done.
    Ok = 0,
    /// The requested item does not exist.
    NotFound = 1,
    /// An argument makes no sense, or the thing cannot be reached in this phase.
    BadArgument = 2,
    /// A map could not be written.
    SerializationFailure = 3,
    /// A map or message could not be read.
    ParseFailure = 4,
    /// A pointer leads out of the guest's memory.
    InvalidMemoryAccess = 6,
    /// The queue is empty.
    Empty = 7,
    /// Shared data changed meanwhile.
    CasMismatch = 8,
    /// The host failed.
    InternalFailure = 10,
    /// This host has no such function.
    Unimplemented = 12,
}

/// The action that a stream callback requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Let it pass.
    Continue,
    /// Hold it.
    Pause,
}

/// Severity of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names say it")]
pub enum LogLevel {
    Trace = 0,
    Debug = 1,
    Info = 2,
    Warn = 3,
    Error = 4,
    Critical = 5,
}

/// A map of header fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum MapType {
    RequestHeaders = 0,
    RequestTrailers = 1,
    ResponseHeaders = 2,
    ResponseTrailers = 3,
    CallResponseHeaders = 6,
    CallResponseTrailers = 7,
}

/// A buffer of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum BufferType {
    RequestBody = 0,
    ResponseBody = 1,
    CallResponseBody = 4,
    VmConfiguration = 6,
    PluginConfiguration = 7,
}

/// A side of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum StreamType {
    Request = 0,
    Response = 1,
}

/// A kind of metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum MetricType {
    Counter = 0,
    Gauge = 1,
    Histogram = 2,
}

macro_rules! from_number {
    ($($type:ident: $($variant:ident),+;)+) => {$(
        impl $type {
            /// From the number in the ABI.
            ///
            /// # Errors
            /// [`Status::BadArgument`] for a number without meaning.
            pub fn from_number(number: u32) -> Result<$type, Status> {
                match number {
                    $(n if n == $type::$variant as u32 => Ok($type::$variant),)+
                    _ => Err(Status::BadArgument),
                }
            }
        }
    )+};
}
from_number! {
    LogLevel: Trace, Debug, Info, Warn, Error, Critical;
    MapType: RequestHeaders, RequestTrailers, ResponseHeaders, ResponseTrailers, CallResponseHeaders, CallResponseTrailers;
    BufferType: RequestBody, ResponseBody, CallResponseBody, VmConfiguration, PluginConfiguration;
    StreamType: Request, Response;
    MetricType: Counter, Gauge, Histogram;
}

/// Most bytes of a map (Envoy: 1 MiB), and most pairs (1024).
const MAX_MAP: (usize, usize) = (1024 * 1024, 1024);

/// Writes a map: count, then all sizes, then all names and values, each with a zero byte after it. Little endian.
pub fn write_pairs(fields: &[(String, Vec<u8>)]) -> Vec<u8> {
    let size = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
    let mut out = size(fields.len()).to_vec();
    for (name, value) in fields {
        out.extend_from_slice(&size(name.len()));
        out.extend_from_slice(&size(value.len()));
    }
    for (name, value) in fields {
        out.extend_from_slice(name.as_bytes());
        out.push(0);
        out.extend_from_slice(value);
        out.push(0);
    }
    out
}

/// Reads a map.
///
/// # Errors
/// [`Status::BadArgument`] if it is cut short or too large, or if a name is not text.
pub fn read_pairs(bytes: &[u8]) -> Result<Fields, Status> {
    fn number(bytes: &[u8], at: usize) -> Option<usize> {
        let four = bytes.get(at..at.checked_add(4)?)?;
        usize::try_from(u32::from_le_bytes(four.try_into().ok()?)).ok()
    }
    fn all(bytes: &[u8]) -> Option<Fields> {
        // Envoy reads no bytes as an empty map.
        if bytes.is_empty() {
            return Some(Fields::new());
        }
        let count = number(bytes, 0)?;
        if bytes.len() > MAX_MAP.0 || count > MAX_MAP.1 {
            return None;
        }
        let mut fields = Fields::new();
        let mut data = count.checked_mul(8)?.checked_add(4)?;
        for index in 0..count {
            let sizes = index.checked_mul(8)?.checked_add(4)?;
            let name_end = data.checked_add(number(bytes, sizes)?)?;
            let value_start = name_end.checked_add(1)?;
            let value_end = value_start.checked_add(number(bytes, sizes.checked_add(4)?)?)?;
            let name = std::str::from_utf8(bytes.get(data..name_end)?).ok()?;
            fields.push((name.to_owned(), bytes.get(value_start..value_end)?.to_vec()));
            data = value_end.checked_add(1)?;
            (data <= bytes.len()).then_some(())?;
        }
        Some(fields)
    }
    all(bytes).ok_or(Status::BadArgument)
}

/// Reads a property path: names separated by zero bytes.
///
/// # Errors
/// [`Status::BadArgument`] if a name is not text.
pub fn read_path(bytes: &[u8]) -> Result<Vec<String>, Status> {
    let text = std::str::from_utf8(bytes).map_err(|_| Status::BadArgument)?;
    Ok(text.trim_end_matches('\0').split('\0').map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_survive_and_broken_ones_are_refused() {
        let fields = vec![("a".to_owned(), b"\xff\0".to_vec()), ("b".to_owned(), Vec::new())];
        let bytes = write_pairs(&fields);
        assert_eq!(read_pairs(&bytes), Ok(fields));
        for end in 1..bytes.len() {
            assert_eq!(read_pairs(&bytes[..end]), Err(Status::BadArgument), "{end}");
        }
        assert_eq!(read_pairs(&[0xff; 12]), Err(Status::BadArgument));
    }
}
