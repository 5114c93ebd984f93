//! The digest of a tool's definition. A policy pins a reviewed definition by it (`docs/definitions.md`).
//!
//! Every member of the definition counts, known or not, at every depth: the model reads descriptions and schemas, the
//! client acts on annotations, icons and `_meta`. The spelling of the JSON does not count: order of keys, white space,
//! escapes, and spellings of equal numbers.
//!
//! The canonical form resembles RFC 8785 (JCS) but differs in two points. JCS rounds numbers to doubles, so schemas
//! that differ in the twentieth digit of a bound would share a digest. JCS also sorts keys by UTF-16 units.

use crate::json::{Array, Ends, Kind, Object, Value};
use crate::sort::sorted;
use sha2::{Digest as _, Sha256};

/// Bytes that are hashed at once, about.
const PIECE: usize = 1024;
/// Hashed in front of the canonical form, so that no other SHA-256 of Toolward is one of these.
const DOMAIN: &[u8] = b"toolward definition v1\0";
/// Longest definition in bytes.
pub const MAX_DEFINITION: usize = 1 << 20;
/// Deepest nesting of a definition.
pub const MAX_DEPTH: u32 = 64;

/// The members of a tool that MCP names, up to its revision 2026-07-28.
const MEMBERS: [&str; 9] = [
    "name",
    "title",
    "description",
    "inputSchema",
    "outputSchema",
    "annotations",
    "icons",
    "execution",
    "_meta",
];
/// The annotations that MCP names.
const HINTS: [&str; 5] = ["title", "readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"];

/// Why a definition has no digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefinitionError {
    /// It is not a JSON object.
    NotAnObject,
    /// It is longer than [`MAX_DEFINITION`] bytes or nested deeper than [`MAX_DEPTH`].
    TooLarge,
    /// A key resembles a member or annotation of MCP in another spelling (such as `Description`). Some readers take it
    /// for that member.
    ResemblingKey,
}

impl std::fmt::Display for DefinitionError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            DefinitionError::NotAnObject => "the definition is not a JSON object",
            DefinitionError::TooLarge => {
                "the definition is longer than 1 MiB or nested deeper than 64 levels"
            }
            DefinitionError::ResemblingKey => "a key resembles a member of MCP in another spelling",
        })
    }
}

impl std::error::Error for DefinitionError {}

/// The digest of a definition: one element of `tools` in the result of `tools/list`, as the strict reader gave it
/// (which refuses repeated keys).
///
/// # Errors
/// See [`DefinitionError`].
///
/// # Examples
/// ```
/// use policy_wasm::{tool_definition, json};
///
/// let read = |text: &'static str| json::parse(text.as_bytes(), &json::Limits::default()).unwrap();
/// let one = tool_definition::digest(read(r#"{"name": "echo", "inputSchema": {"maximum": 10}}"#)).unwrap();
/// let same = tool_definition::digest(read(r#"{"inputSchema":{"maximum":1e1},"n\u0061me":"echo"}"#)).unwrap();
/// assert_eq!(one, same);
/// ```
pub fn digest(definition: Value<'_>) -> Result<[u8; 32], DefinitionError> {
    let object = definition.as_object().ok_or(DefinitionError::NotAnObject)?;
    if definition.raw().len() > MAX_DEFINITION {
        return Err(DefinitionError::TooLarge);
    }
    exact_keys(object, &MEMBERS)?;
    if let Some(annotations) = object.get("annotations").and_then(Value::as_object) {
        exact_keys(annotations, &HINTS)?;
    }
    let mut hash = Sha256::new();
    hash.update(DOMAIN);
    // Hashed in long pieces: a call for each character would cost more than the hash.
    let mut pending = Vec::with_capacity(PIECE);
    let writer = Writer { ends: &Ends::of(definition) };
    writer.write(definition, MAX_DEPTH, &mut |bytes| {
        pending.extend_from_slice(bytes);
        if pending.len() >= PIECE {
            hash.update(&pending);
            pending.clear();
        }
    })?;
    hash.update(&pending);
    Ok(hash.finalize().into())
}

fn exact_keys(object: Object<'_>, names: &[&str]) -> Result<(), DefinitionError> {
    for (key, _) in object.members() {
        let folded = key.fold();
        if names.iter().any(|name| folded.is(name) && !key.is(name)) {
            return Err(DefinitionError::ResemblingKey);
        }
    }
    Ok(())
}

type Sink<'s> = &'s mut dyn FnMut(&[u8]);

/// Writes canonical forms of parts of one definition.
struct Writer<'e> {
    ends: &'e Ends<'e>,
}

impl Writer<'_> {
    /// Writes the canonical form of a value; `depth` more levels are followed, which bounds the recursion.
    fn write(&self, value: Value<'_>, depth: u32, sink: Sink<'_>) -> Result<(), DefinitionError> {
        match value.kind() {
            Kind::Null | Kind::Bool => sink(value.raw().as_bytes()),
            Kind::Number => write_number(value.raw(), sink),
            Kind::String => value.as_str().into_iter().for_each(|text| write_string(&text.decode(), sink)),
            Kind::Array => {
                let below = depth.checked_sub(1).ok_or(DefinitionError::TooLarge)?;
                value.as_array().map_or(Ok(()), |array| self.write_array(array, below, sink))?;
            }
            Kind::Object => {
                let below = depth.checked_sub(1).ok_or(DefinitionError::TooLarge)?;
                value.as_object().map_or(Ok(()), |object| self.write_object(object, below, sink))?;
            }
        }
        Ok(())
    }

    fn write_array(&self, array: Array<'_>, depth: u32, sink: Sink<'_>) -> Result<(), DefinitionError> {
        sink(b"[");
        for (index, element) in array.elements_by(self.ends).enumerate() {
            if index > 0 {
                sink(b",");
            }
            self.write(element, depth, sink)?;
        }
        sink(b"]");
        Ok(())
    }

    /// Members in the order of their keys' characters, which is the order of their UTF-8 bytes.
    fn write_object(&self, object: Object<'_>, depth: u32, sink: Sink<'_>) -> Result<(), DefinitionError> {
        let members: Vec<_> =
            object.members_by(self.ends).map(|(key, value)| (key.decode(), value)).collect();
        let key = |index: usize| members.get(index).map(|(key, _)| key.as_ref());
        let order = sorted(members.len(), &|a, b| key(a).cmp(&key(b)));
        sink(b"{");
        let mut first = true;
        for (key, value) in order.iter().filter_map(|index| members.get(*index as usize)) {
            if !std::mem::take(&mut first) {
                sink(b",");
            }
            write_string(key, sink);
            sink(b":");
            self.write(*value, depth, sink)?;
        }
        sink(b"}");
        Ok(())
    }
}

/// As RFC 8785 section 3.2.2.2: with the fewest and shortest escapes.
fn write_string(text: &str, sink: Sink<'_>) {
    sink(b"\"");
    let plain = |byte: &u8| *byte >= 0x20 && *byte != b'"' && *byte != b'\\';
    let mut rest = text.as_bytes();
    loop {
        let run = rest.iter().position(|byte| !plain(byte)).unwrap_or(rest.len());
        let Some((head, tail)) = rest.split_at_checked(run) else { break };
        sink(head);
        let Some((next, tail)) = tail.split_first() else { break };
        rest = tail;
        match next {
            b'"' => sink(b"\\\""),
            b'\\' => sink(b"\\\\"),
            0x8 => sink(b"\\b"),
            b'\t' => sink(b"\\t"),
            b'\n' => sink(b"\\n"),
            0xc => sink(b"\\f"),
            b'\r' => sink(b"\\r"),
            other => {
                let digit =
                    |nibble: u8| char::from_digit(nibble.into(), 16).map_or(b'0', |digit| digit as u8);
                sink(b"\\u00");
                sink(&[digit(other >> 4), digit(other & 0xf)]);
            }
        }
    }
    sink(b"\"");
}

/// A number by its exact value: `-`, the significant digits without outer zeros, and `e` with a nonzero power of ten.
/// `100` is `1e2`, `1.50` is `15e-1`, `-0` is `0`.
fn write_number(raw: &str, sink: Sink<'_>) {
    let (negative, rest) = raw.strip_prefix('-').map_or((false, raw), |rest| (true, rest));
    let (mantissa, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    // The reader bounds numbers to 64 characters and exponents to three digits, so nothing here overflows.
    let exponent: i64 = exponent.strip_prefix('+').unwrap_or(exponent).parse().unwrap_or(0);
    let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
    let start = digits.iter().position(|digit| *digit != b'0').unwrap_or(digits.len());
    let end = digits.iter().rposition(|digit| *digit != b'0').map_or(start, |last| last.saturating_add(1));
    let significant = digits.get(start..end).unwrap_or_default();
    if significant.is_empty() {
        return sink(b"0");
    }
    let dropped = digits.len().saturating_sub(end);
    let power = exponent
        .saturating_sub(i64::try_from(fraction.len()).unwrap_or(0))
        .saturating_add(i64::try_from(dropped).unwrap_or(0));
    if negative {
        sink(b"-");
    }
    sink(significant);
    if power != 0 {
        sink(format!("e{power}").as_bytes());
    }
}

#[cfg(test)]
mod tests;
