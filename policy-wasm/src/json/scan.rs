//! The one pass: structure, depth, encodings and repeated keys.

use super::string::{self, Str};
use super::walk::Value;
use super::{JsonError, JsonErrorKind, Limits, Visitor, number};
use crate::order::sorted;
use std::cmp::Ordering;

/// Objects with more keys are checked by sorting when they close, so that no input costs quadratic time.
const LINEAR_KEYS: usize = 16;

/// A key of an object that is still open.
#[derive(Clone, Copy)]
struct Key {
    /// Where its raw text starts and ends in the document.
    start: u32,
    end: u32,
    /// Its first eight unescaped bytes and its unescaped length: enough to tell most keys apart.
    head: u64,
    length: u32,
    escaped: bool,
}

/// A container that is still open.
#[derive(Clone, Copy)]
struct Frame {
    /// Offset of its opening bracket.
    start: u32,
    /// Index of its first key in the key stack; `ARRAY` for arrays.
    first_key: u32,
}

const ARRAY: u32 = u32::MAX;

struct Scanner<'a> {
    text: &'a str,
    frames: Vec<Frame>,
    keys: Vec<Key>,
}

pub(super) fn scan<'a, V: Visitor<'a>>(
    bytes: &'a [u8],
    limits: &Limits,
    visitor: &mut V,
) -> Result<Value<'a>, JsonError> {
    let fail = |kind: JsonErrorKind, offset: usize| Err(JsonError { kind, offset });
    if bytes.starts_with(&[0xef, 0xbb, 0xbf]) {
        return fail(JsonErrorKind::ByteOrderMark, 0);
    }
    if u32::try_from(bytes.len()).is_err() {
        return fail(JsonErrorKind::TooDeep, 0);
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => return fail(JsonErrorKind::InvalidUtf8, error.valid_up_to()),
    };
    let mut scanner = Scanner { text, frames: Vec::with_capacity(16), keys: Vec::with_capacity(32) };
    match scanner.document(limits.depth, visitor) {
        Ok(value) => Ok(value),
        Err((kind, offset)) => fail(kind, offset),
    }
}

type Refusal = (JsonErrorKind, usize);

impl<'a> Scanner<'a> {
    fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    fn skip_space(&self, mut at: usize) -> usize {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.bytes().get(at) {
            at = at.wrapping_add(1);
        }
        at
    }

    fn document<V: Visitor<'a>>(&mut self, max_depth: u32, visitor: &mut V) -> Result<Value<'a>, Refusal> {
        let start = self.skip_space(0);
        if start >= self.text.len() {
            return Err((JsonErrorKind::Empty, start));
        }
        let mut at = start;
        'value: loop {
            // A value is expected at `at`.
            let byte = self.bytes().get(at).copied().unwrap_or(0);
            let value_start = at;
            match byte {
                b'{' | b'[' => {
                    if self.frames.len() >= max_depth as usize {
                        return Err((JsonErrorKind::TooDeep, at));
                    }
                    let object = byte == b'{';
                    let first_key = if object { self.keys.len() as u32 } else { ARRAY };
                    self.frames.push(Frame { start: at as u32, first_key });
                    at = self.skip_space(at.wrapping_add(1));
                    let empty = if object { b'}' } else { b']' };
                    if self.bytes().get(at) != Some(&empty) {
                        if object {
                            at = self.key(at)?;
                        }
                        continue 'value;
                    }
                    // Falls through to the closing below.
                }
                b'"' => {
                    let (close, _) = string::scan(self.bytes(), at)?;
                    at = close.wrapping_add(1);
                    self.complete(value_start, at, visitor);
                }
                b'-' | b'0'..=b'9' => {
                    at = number::scan(self.bytes(), at)?;
                    self.complete(value_start, at, visitor);
                }
                _ => {
                    at = self.literal(at)?;
                    self.complete(value_start, at, visitor);
                }
            }
            // A value has ended, or an empty container is about to.
            loop {
                let Some(frame) = self.frames.last().copied() else {
                    let end = self.skip_space(at);
                    if end < self.text.len() {
                        return Err((JsonErrorKind::TrailingData, end));
                    }
                    return Ok(Value::accepted(self.text.get(start..at).unwrap_or_default()));
                };
                at = self.skip_space(at);
                let object = frame.first_key != ARRAY;
                match self.bytes().get(at) {
                    Some(b',') => {
                        at = self.skip_space(at.wrapping_add(1));
                        if object {
                            at = self.key(at)?;
                        }
                        continue 'value;
                    }
                    Some(b'}') if object => {
                        self.close_object(frame)?;
                    }
                    Some(b']') if !object => {}
                    _ => return Err((JsonErrorKind::Syntax, at)),
                }
                self.frames.pop();
                at = at.wrapping_add(1);
                self.complete(frame.start as usize, at, visitor);
            }
        }
    }

    fn literal(&self, at: usize) -> Result<usize, Refusal> {
        let rest = self.bytes().get(at..).unwrap_or_default();
        for literal in ["true", "false", "null"] {
            if rest.starts_with(literal.as_bytes()) {
                return Ok(at.wrapping_add(literal.len()));
            }
        }
        Err((JsonErrorKind::Syntax, at))
    }

    /// Tells the visitor of a member whose value has just ended.
    #[inline]
    fn complete<V: Visitor<'a>>(&self, start: usize, end: usize, visitor: &mut V) {
        let depth = self.frames.len() as u32;
        if depth == 0 || depth > V::DEPTH {
            return;
        }
        if self.frames.last().is_none_or(|frame| frame.first_key == ARRAY) {
            return;
        }
        let Some(key) = self.keys.last() else { return };
        let name = self.text.get(key.start as usize..key.end as usize).unwrap_or_default();
        let value = self.text.get(start..end).unwrap_or_default();
        visitor.member(depth, Str::accepted(name), Value::accepted(value));
    }

    /// Reads the key at `at` and the colon; gives the offset where the value starts.
    fn key(&mut self, at: usize) -> Result<usize, Refusal> {
        if self.bytes().get(at) != Some(&b'"') {
            return Err((JsonErrorKind::Syntax, at));
        }
        let (close, escaped) = string::scan(self.bytes(), at)?;
        let key = self.key_of(at.wrapping_add(1), close, escaped);
        if key.length == 9 && self.unescaped(&key).eq("__proto__".bytes()) {
            return Err((JsonErrorKind::ReservedKey, at));
        }
        let first = self.frames.last().map_or(0, |frame| frame.first_key as usize);
        let siblings = self.keys.get(first..).unwrap_or_default();
        if siblings.len() < LINEAR_KEYS && siblings.iter().any(|other| self.same_key(other, &key)) {
            return Err((JsonErrorKind::RepeatedKey, at));
        }
        self.keys.push(key);
        let colon = self.skip_space(close.wrapping_add(1));
        if self.bytes().get(colon) != Some(&b':') {
            return Err((JsonErrorKind::Syntax, colon));
        }
        Ok(self.skip_space(colon.wrapping_add(1)))
    }

    fn key_of(&self, start: usize, end: usize, escaped: bool) -> Key {
        let raw = self.bytes().get(start..end).unwrap_or_default();
        let (mut head, length) = (0u64, if escaped { 0 } else { raw.len() as u32 });
        let mut key = Key { start: start as u32, end: end as u32, head, length, escaped };
        if escaped {
            let mut length = 0u32;
            for byte in self.unescaped(&key) {
                if length < 8 {
                    head |= u64::from(byte).wrapping_shl(length.wrapping_mul(8));
                }
                length = length.wrapping_add(1);
            }
            key.length = length;
        } else if let Some(chunk) = raw.first_chunk::<8>() {
            head = u64::from_le_bytes(*chunk);
        } else {
            for (index, byte) in raw.iter().enumerate() {
                head |= u64::from(*byte).wrapping_shl((index as u32).wrapping_mul(8));
            }
        }
        key.head = head;
        key
    }

    fn raw_key(&self, key: &Key) -> &'a str {
        self.text.get(key.start as usize..key.end as usize).unwrap_or_default()
    }

    /// The key's unescaped bytes; the slow way, for keys with escapes.
    fn unescaped(&self, key: &Key) -> impl Iterator<Item = u8> + 'a {
        Str::accepted(self.raw_key(key)).chars().flat_map(|c| {
            let mut buffer = [0u8; 4];
            let length = c.encode_utf8(&mut buffer).len();
            buffer.into_iter().take(length)
        })
    }

    fn same_key(&self, a: &Key, b: &Key) -> bool {
        if a.head != b.head || a.length != b.length {
            return false;
        }
        a.length <= 8 || self.compare_keys(a, b).is_eq()
    }

    fn compare_keys(&self, a: &Key, b: &Key) -> Ordering {
        if a.escaped || b.escaped {
            self.unescaped(a).cmp(self.unescaped(b))
        } else {
            self.raw_key(a).as_bytes().cmp(self.raw_key(b).as_bytes())
        }
    }

    /// Forgets the keys of an object that closes; large ones are checked for repetition here.
    fn close_object(&mut self, frame: Frame) -> Result<(), Refusal> {
        let first = frame.first_key as usize;
        let count = self.keys.len().saturating_sub(first);
        if count > LINEAR_KEYS {
            let keys = self.keys.split_off(first);
            let compare = |a: usize, b: usize| match (keys.get(a), keys.get(b)) {
                (Some(a), Some(b)) => self.compare_keys(a, b),
                _ => Ordering::Equal,
            };
            let order = sorted(count, &compare);
            let repeated = order
                .iter()
                .zip(order.iter().skip(1))
                .find(|(a, b)| compare(**a as usize, **b as usize).is_eq());
            if let Some(again) = repeated.and_then(|(_, again)| keys.get(*again as usize)) {
                return Err((JsonErrorKind::RepeatedKey, (again.start as usize).saturating_sub(1)));
            }
        } else {
            self.keys.truncate(first);
        }
        Ok(())
    }
}
