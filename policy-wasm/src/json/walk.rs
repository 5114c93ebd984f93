//! Navigation over accepted text. Nothing here checks again, and nothing here can panic.

use super::string::{Str, next_special};

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

/// A value of a text that [`super::parse`] accepted: a slice of it, without white space around.
#[derive(Debug, Clone, Copy)]
pub struct Value<'a> {
    text: &'a str,
}

/// An object of an accepted text.
#[derive(Debug, Clone, Copy)]
pub struct Object<'a> {
    text: &'a str,
}

/// An object of an accepted text that keeps its text, so that the text is read once.
#[derive(Clone, PartialEq, Eq)]
pub struct OwnedObject {
    text: Box<str>,
}

impl OwnedObject {
    /// The object.
    pub fn get(&self) -> Object<'_> {
        Object { text: &self.text }
    }
}

impl From<Object<'_>> for OwnedObject {
    fn from(object: Object<'_>) -> OwnedObject {
        OwnedObject { text: object.text.into() }
    }
}

/// An array of an accepted text.
#[derive(Debug, Clone, Copy)]
pub struct Array<'a> {
    text: &'a str,
}

/// Integers beyond ±(2^53−1) are read differently by readers that use doubles.
const MAX_SAFE_INTEGER: i64 = (1i64 << 53) - 1;

impl<'a> Value<'a> {
    /// From the exact text of a value that the scanner accepted.
    pub(super) fn accepted(text: &'a str) -> Self {
        Value { text }
    }

    /// The kind of this value.
    pub fn kind(self) -> Kind {
        match self.text.as_bytes().first() {
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b'"') => Kind::String,
            Some(b't' | b'f') => Kind::Bool,
            Some(b'-' | b'0'..=b'9') => Kind::Number,
            _ => Kind::Null,
        }
    }

    /// The text of the value in the document.
    pub fn raw(self) -> &'a str {
        self.text
    }

    /// The string, if it is one.
    pub fn as_str(self) -> Option<Str<'a>> {
        let inner = self.text.strip_prefix('"')?.strip_suffix('"')?;
        Some(Str::accepted(inner))
    }

    /// The object, if it is one.
    pub fn as_object(self) -> Option<Object<'a>> {
        (self.kind() == Kind::Object).then_some(Object { text: self.text })
    }

    /// The array, if it is one.
    pub fn as_array(self) -> Option<Array<'a>> {
        (self.kind() == Kind::Array).then_some(Array { text: self.text })
    }

    /// The boolean, if it is one.
    pub fn as_bool(self) -> Option<bool> {
        match self.text {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// The number's text, if it is one.
    pub fn as_number(self) -> Option<&'a str> {
        (self.kind() == Kind::Number).then_some(self.text)
    }

    /// The number, if it is an integer without fraction or exponent within ±(2^53−1), and not `-0`.
    pub fn as_integer(self) -> Option<i64> {
        let text = self.as_number()?;
        let value: i64 = text.parse().ok()?;
        (value.unsigned_abs() <= MAX_SAFE_INTEGER.unsigned_abs() && text != "-0").then_some(value)
    }
}

impl<'a> Object<'a> {
    /// The object's text.
    pub fn raw(self) -> &'a str {
        self.text
    }

    /// Members in order.
    pub fn members(self) -> impl Iterator<Item = (Str<'a>, Value<'a>)> {
        self.members_skipping(skip_value)
    }

    /// Members in order, without a pass over their inner values.
    pub fn members_by<'e>(
        self,
        ends: &'e Ends<'a>,
    ) -> impl Iterator<Item = (Str<'a>, Value<'a>)> + use<'a, 'e> {
        self.members_skipping(|bytes, at| ends.skip(bytes, at))
    }

    fn members_skipping(
        self,
        skip_value: impl Fn(&'a [u8], usize) -> usize,
    ) -> impl Iterator<Item = (Str<'a>, Value<'a>)> {
        let mut at = 1usize;
        std::iter::from_fn(move || {
            let bytes = self.text.as_bytes();
            let key_start = skip_to_value(bytes, at);
            if bytes.get(key_start) != Some(&b'"') {
                return None;
            }
            let key_end = skip_string(bytes, key_start);
            let start = skip_to_value(bytes, key_end);
            let end = skip_value(bytes, start);
            at = end;
            let key = self.text.get(key_start.wrapping_add(1)..key_end.wrapping_sub(1))?;
            Some((Str::accepted(key), Value::accepted(self.text.get(start..end)?)))
        })
    }

    /// Strings, numbers and booleans at every depth, in order, without keys. One pass over the text.
    pub fn scalars(self) -> impl Iterator<Item = Value<'a>> {
        let mut at = 0usize;
        std::iter::from_fn(move || {
            let bytes = self.text.as_bytes();
            loop {
                while let Some(b' ' | b'\t' | b'\n' | b'\r' | b',' | b':' | b'{' | b'}' | b'[' | b']') =
                    bytes.get(at)
                {
                    at = at.wrapping_add(1);
                }
                let start = at;
                at = match bytes.get(start)? {
                    b'"' => skip_string(bytes, start),
                    _ => skip_value(bytes, start),
                };
                let mut next = at;
                while let Some(b' ' | b'\t' | b'\n' | b'\r') = bytes.get(next) {
                    next = next.wrapping_add(1);
                }
                let value = Value::accepted(self.text.get(start..at)?);
                if bytes.get(next) != Some(&b':') && value.kind() != Kind::Null {
                    return Some(value);
                }
            }
        })
    }

    /// The member with exactly this key, after unescaping.
    pub fn get(self, key: &str) -> Option<Value<'a>> {
        self.members().find(|(name, _)| name.is(key)).map(|(_, value)| value)
    }
}

impl<'a> Array<'a> {
    /// The array's text.
    pub fn raw(self) -> &'a str {
        self.text
    }

    /// Elements in order.
    pub fn elements(self) -> impl Iterator<Item = Value<'a>> {
        self.elements_skipping(skip_value)
    }

    /// Elements in order, without a pass over their inner values.
    pub fn elements_by<'e>(self, ends: &'e Ends<'a>) -> impl Iterator<Item = Value<'a>> + use<'a, 'e> {
        self.elements_skipping(|bytes, at| ends.skip(bytes, at))
    }

    fn elements_skipping(
        self,
        skip_value: impl Fn(&'a [u8], usize) -> usize,
    ) -> impl Iterator<Item = Value<'a>> {
        let mut at = 1usize;
        std::iter::from_fn(move || {
            let bytes = self.text.as_bytes();
            let start = skip_to_value(bytes, at);
            if matches!(bytes.get(start), None | Some(b']')) {
                return None;
            }
            let end = skip_value(bytes, start);
            at = end;
            Some(Value::accepted(self.text.get(start..end)?))
        })
    }
}

/// The ends of all arrays and objects of one value, found in one pass. Descending without them would read each byte
/// once per level.
#[derive(Debug)]
pub struct Ends<'a> {
    text: &'a str,
    /// Offsets of the opening bracket and of the byte after the closing one, in the order of the first.
    ends: Vec<(u32, u32)>,
}

impl<'a> Ends<'a> {
    /// Of all containers in a value, itself among them.
    pub fn of(value: Value<'a>) -> Ends<'a> {
        let bytes = value.text.as_bytes();
        let (mut ends, mut open, mut at) = (Vec::new(), Vec::new(), 0usize);
        while let Some(byte) = bytes.get(at) {
            let next = at.wrapping_add(1);
            match byte {
                b'"' => {
                    at = skip_string(bytes, at);
                    continue;
                }
                b'{' | b'[' => {
                    open.push(ends.len());
                    ends.push((at as u32, bytes.len() as u32));
                }
                b'}' | b']' => {
                    if let Some((_, end)) = open.pop().and_then(|place| ends.get_mut(place)) {
                        *end = next as u32;
                    }
                }
                _ => {}
            }
            at = next;
        }
        Ends { text: value.text, ends }
    }

    /// As [`skip_value`], for `bytes` that are a part of the value.
    fn skip(&self, bytes: &[u8], at: usize) -> usize {
        if !matches!(bytes.get(at), Some(b'{' | b'[')) {
            return skip_value(bytes, at);
        }
        let base = (bytes.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        let start = base.saturating_add(at);
        let place = self.ends.binary_search_by_key(&start, |(start, _)| *start as usize);
        let end = place.ok().and_then(|place| self.ends.get(place)).map(|(_, end)| *end as usize);
        end.map_or(bytes.len(), |end| end.saturating_sub(base))
    }
}

/// Offset of `part` within `whole`, if it is a slice of it; for positions in messages.
pub fn offset_in(whole: &[u8], part: &str) -> usize {
    (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize).min(whole.len())
}

/// Over white space, `,` and `:`, which the scanner has checked.
fn skip_to_value(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\t' | b'\n' | b'\r' | b',' | b':') = bytes.get(at) {
        at = at.wrapping_add(1);
    }
    at
}

/// Offset of the byte after the closing quote of the string that opens at `at`.
fn skip_string(bytes: &[u8], at: usize) -> usize {
    let mut at = at.wrapping_add(1);
    loop {
        at = next_special(bytes, at);
        match bytes.get(at) {
            Some(b'"') => return at.wrapping_add(1),
            Some(b'\\') => at = at.wrapping_add(2),
            _ => return bytes.len(),
        }
    }
}

/// Offset of the byte after the value that starts at `at`.
fn skip_value(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at) {
        Some(b'"') => skip_string(bytes, at),
        Some(b'{' | b'[') => {
            let mut depth = 0u32;
            let mut at = at;
            while let Some(byte) = bytes.get(at) {
                match byte {
                    b'"' => {
                        at = skip_string(bytes, at);
                        continue;
                    }
                    b'{' | b'[' => depth = depth.wrapping_add(1),
                    b'}' | b']' => {
                        depth = depth.wrapping_sub(1);
                        if depth == 0 {
                            return at.wrapping_add(1);
                        }
                    }
                    _ => {}
                }
                at = at.wrapping_add(1);
            }
            at
        }
        _ => {
            let mut at = at;
            while let Some(byte) = bytes.get(at) {
                if matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r') {
                    break;
                }
                at = at.wrapping_add(1);
            }
            at
        }
    }
}
