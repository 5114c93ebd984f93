//! The strict JSON reader (RFC 8259, with every choice that the RFC leaves to readers taken as "refuse").
//!
//! One pass over the bytes checks structure, encodings, depth, numbers and repeated keys at every level. The results
//! are slices of the text. Navigating them never fails and copies nothing, so a policy that ignores arguments pays
//! nothing for them.
//!
//! The reader rejects texts that two readers could take differently: repeated keys (after unescaping), `__proto__`,
//! byte order marks and bytes after the value. It also rejects halves of surrogate pairs, invalid UTF-8 and numbers
//! beyond a double.
//!
//! INVARIANT (proof by type): a [`Value`] only comes from a text that [`parse`] accepted.

mod number;
mod scan;
mod string;
mod walk;
pub mod writer;

pub use string::{Chars, Folded, Str, resemble};
pub use walk::{Array, Ends, Kind, Object, OwnedObject, Value, offset_in};

/// Bounds of one document. The caller bounds its length; the reader accepts at most `u32::MAX` bytes.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Deepest nesting of arrays and objects; 64 by default.
    pub depth: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { depth: 64 }
    }
}

/// Why a text is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonErrorKind {
    /// Nothing but white space.
    Empty,
    /// A byte order mark in front.
    ByteOrderMark,
    /// Not UTF-8.
    InvalidUtf8,
    /// Not RFC 8259 JSON.
    Syntax,
    /// Something follows the first value.
    TrailingData,
    /// Nested deeper than [`Limits::depth`], or longer than `u32::MAX` bytes.
    TooDeep,
    /// An object has the same key twice, after unescaping.
    RepeatedKey,
    /// The key `__proto__`, which some readers drop and others keep.
    ReservedKey,
    /// A `\u` escape of half a surrogate pair.
    LoneSurrogate,
    /// A number that a double cannot hold or that is longer than 64 characters.
    NumberOutOfRange,
}

/// A rejected text: the error and its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JsonError {
    /// The error.
    pub kind: JsonErrorKind,
    /// Offset of the offending byte.
    pub offset: usize,
}

/// Receives object members during the one pass, so that the outer levels need no second pass.
pub trait Visitor<'a> {
    /// The deepest members to report; the members of the outermost object have depth 1.
    const DEPTH: u32;

    /// A member is complete. Inner members come before the member around them.
    fn member(&mut self, depth: u32, key: Str<'a>, value: Value<'a>);
}

struct Unobserved;

impl Visitor<'_> for Unobserved {
    const DEPTH: u32 = 0;
    fn member(&mut self, _: u32, _: Str<'_>, _: Value<'_>) {}
}

/// Reads one document strictly; the value borrows from `bytes`.
///
/// # Errors
/// The first error in the text.
pub fn parse<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Value<'a>, JsonError> {
    scan::scan(bytes, limits, &mut Unobserved)
}

/// As [`parse`], and reports the outer members to `visitor`.
///
/// # Errors
/// As [`parse`]; members that were reported before the error do not count.
pub fn parse_with<'a, V: Visitor<'a>>(
    bytes: &'a [u8],
    limits: &Limits,
    visitor: &mut V,
) -> Result<Value<'a>, JsonError> {
    scan::scan(bytes, limits, visitor)
}

/// Appends `text` to `out` as a JSON string, quotes included.
pub fn write_str(out: &mut String, text: &str) {
    string::write(out, text);
}

#[cfg(test)]
mod tests;
