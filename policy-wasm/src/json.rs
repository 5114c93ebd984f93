//! The strict JSON reader (RFC 8259, with every choice that the RFC leaves to the reader taken as "refuse").
//!
//! STUB: being written.

/// Bounds of one document.
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
    /// Nested deeper than [`Limits::depth`].
    TooDeep,
    /// An object has the same key twice, after unescaping.
    RepeatedKey,
    /// The key `__proto__`, which some readers drop and others keep.
    ReservedKey,
    /// A `\u` escape of half a surrogate pair.
    LoneSurrogate,
    /// A number that a double cannot hold or that is longer than 40 characters.
    NumberOutOfRange,
}

/// A refusal: what and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JsonError {
    /// What is wrong.
    pub kind: JsonErrorKind,
    /// Offset of the offending byte.
    pub offset: usize,
}

/// The kind of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// A number.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

/// A value of a text that [`parse`] accepted: a slice of it.
#[derive(Debug, Clone, Copy)]
pub struct Value<'a> {
    text: &'a str,
}

/// A string of an accepted text, still escaped.
#[derive(Debug, Clone, Copy)]
pub struct Str<'a> {
    raw: &'a str,
}

/// An object of an accepted text.
#[derive(Debug, Clone, Copy)]
pub struct Object<'a> {
    text: &'a str,
}

/// An array of an accepted text.
#[derive(Debug, Clone, Copy)]
pub struct Array<'a> {
    text: &'a str,
}

/// Reads one document strictly; the value borrows from `bytes`.
pub fn parse<'a>(_bytes: &'a [u8], _limits: &Limits) -> Result<Value<'a>, JsonError> {
    Err(JsonError { kind: JsonErrorKind::Empty, offset: 0 })
}

impl<'a> Value<'a> {
    /// What kind of value this is.
    pub fn kind(self) -> Kind {
        Kind::Null
    }
    /// The text of the value as it stands in the document.
    pub fn raw(self) -> &'a str {
        self.text
    }
    /// The string, if it is one.
    pub fn as_str(self) -> Option<Str<'a>> {
        None
    }
    /// The object, if it is one.
    pub fn as_object(self) -> Option<Object<'a>> {
        None
    }
    /// The array, if it is one.
    pub fn as_array(self) -> Option<Array<'a>> {
        None
    }
    /// The boolean, if it is one.
    pub fn as_bool(self) -> Option<bool> {
        None
    }
    /// The number's text, if it is one.
    pub fn as_number(self) -> Option<&'a str> {
        None
    }
    /// The number, if it is an integer without fraction or exponent within ±(2^53−1).
    pub fn as_integer(self) -> Option<i64> {
        None
    }
}

impl<'a> Str<'a> {
    /// The string as written, between its quotes, escapes kept.
    pub fn raw(self) -> &'a str {
        self.raw
    }
    /// The string unescaped; borrows where it has no escapes.
    pub fn decode(self) -> std::borrow::Cow<'a, str> {
        std::borrow::Cow::Borrowed(self.raw)
    }
    /// Whether the unescaped string is exactly `text`; does not allocate.
    pub fn is(self, _text: &str) -> bool {
        false
    }
    /// Whether a lenient reader could take the unescaped string for `text`: equal when case is folded, including
    /// U+017F, U+212A, U+0130 and U+0131, and control characters are dropped.
    pub fn resembles(self, _text: &str) -> bool {
        false
    }
}

impl<'a> Object<'a> {
    /// The object's text.
    pub fn raw(self) -> &'a str {
        self.text
    }
    /// Members in order.
    pub fn members(self) -> impl Iterator<Item = (Str<'a>, Value<'a>)> {
        std::iter::empty()
    }
    /// The member with exactly this key.
    pub fn get(self, _key: &str) -> Option<Value<'a>> {
        None
    }
}

impl<'a> Array<'a> {
    /// The array's text.
    pub fn raw(self) -> &'a str {
        self.text
    }
    /// Elements in order.
    pub fn elements(self) -> impl Iterator<Item = Value<'a>> {
        std::iter::empty()
    }
}
