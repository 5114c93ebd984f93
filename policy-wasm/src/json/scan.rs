//! The one pass: structure, depth, encodings and repeated keys.

use super::string::{self, Str};
use super::walk::Value;
use super::{JsonError, JsonErrorKind, Limits, Visitor, number};
use crate::fast_hash;
use crate::sort::sorted;
use std::cmp::Ordering;

/// Objects with more keys are checked by sorting when they close, so that no input costs quadratic time.
const LINEAR_KEYS: usize = 16;

/// A key of an object that is still open.
#[derive(Clone, Copy)]
struct Key {
    /// A mark by which most different keys differ; see [`mark`].
    mark: u64,
    /// Where its raw text starts and ends in the document.
    start: u32,
    end: u32,
    /// Bytes when unescaped.
    length: u32,
    escaped: bool,
}

/// An open container, or the surroundings of the whole document.
#[derive(Clone, Copy)]
struct Frame {
    /// Offset of its opening bracket.
    start: u32,
    /// Index of its first key in the key stack, for objects.
    first_key: u32,
    kind: Container,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Container {
    Document,
    Array,
    Object,
}

struct Scanner<'a> {
    text: &'a str,
    /// The surroundings of the current container, outermost (the document) first.
    outer: Vec<Frame>,
    /// The container that the next value belongs to.
    current: Frame,
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
    let mut scanner = Scanner {
        text,
        outer: Vec::with_capacity(16),
        current: Frame { start: 0, first_key: 0, kind: Container::Document },
        keys: Vec::with_capacity(32),
    };
    match scanner.document(limits.depth, visitor) {
        Ok(value) => Ok(value),
        Err((kind, offset)) => fail(kind, offset),
    }
}

type Refusal = (JsonErrorKind, usize);

/// Over white space, of which compact documents have none.
#[inline(always)]
fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    while let Some(byte) = bytes.get(at) {
        if *byte > b' ' || !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
            break;
        }
        at = at.wrapping_add(1);
    }
    at
}

/// A mark that is equal for equal keys and for few others; the key itself up to seven bytes.
fn mark(key: &[u8]) -> u64 {
    if key.len() < 8 {
        key.iter().rev().fold(0, |mark, byte| mark.wrapping_shl(8) | u64::from(*byte))
    } else {
        fast_hash::of(key)
    }
}

impl<'a> Scanner<'a> {
    fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    fn document<V: Visitor<'a>>(&mut self, max_depth: u32, visitor: &mut V) -> Result<Value<'a>, Refusal> {
        let bytes = self.bytes();
        let start = skip_space(bytes, 0);
        if start >= bytes.len() {
            return Err((JsonErrorKind::Empty, start));
        }
        let mut at = start;
        'value: loop {
            // A value is expected at `at`.
            let value_start = at;
            match bytes.get(at) {
                Some(b'"') => {
                    at = string::scan(bytes, at)?.0.wrapping_add(1);
                    self.complete(value_start, at, visitor);
                }
                Some(b'-' | b'0'..=b'9') => {
                    at = number::scan(bytes, at)?;
                    self.complete(value_start, at, visitor);
                }
                Some(bracket @ (b'{' | b'[')) => {
                    if self.outer.len() >= max_depth as usize {
                        return Err((JsonErrorKind::TooDeep, at));
                    }
                    let object = *bracket == b'{';
                    let kind = if object { Container::Object } else { Container::Array };
                    self.outer.push(self.current);
                    self.current = Frame { start: at as u32, first_key: self.keys.len() as u32, kind };
                    at = skip_space(bytes, at.wrapping_add(1));
                    let empty = if object { b'}' } else { b']' };
                    if bytes.get(at) != Some(&empty) {
                        if object {
                            at = self.key(at)?;
                        }
                        continue 'value;
                    }
                    // Falls through to the closing below.
                }
                _ => {
                    at = self.literal(at)?;
                    self.complete(value_start, at, visitor);
                }
            }
            // A value has ended, or an empty container is about to.
            loop {
                let ended = at;
                at = skip_space(bytes, at);
                match (bytes.get(at), self.current.kind) {
                    (Some(b','), Container::Object) => {
                        at = self.key(skip_space(bytes, at.wrapping_add(1)))?;
                        continue 'value;
                    }
                    (Some(b','), Container::Array) => {
                        at = skip_space(bytes, at.wrapping_add(1));
                        continue 'value;
                    }
                    (Some(b'}'), Container::Object) => self.close_object()?,
                    (Some(b']'), Container::Array) => {}
                    (None, Container::Document) => {
                        return Ok(Value::accepted(self.text.get(start..ended).unwrap_or_default()));
                    }
                    (Some(_), Container::Document) => return Err((JsonErrorKind::TrailingData, at)),
                    _ => return Err((JsonErrorKind::Syntax, at)),
                }
                at = at.wrapping_add(1);
                let closed = self.current.start as usize;
                self.current = self.outer.pop().unwrap_or(self.current);
                self.complete(closed, at, visitor);
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

    /// Reports a member whose value has just ended to the visitor.
    #[inline(always)]
    fn complete<V: Visitor<'a>>(&self, start: usize, end: usize, visitor: &mut V) {
        let depth = self.outer.len() as u32;
        if depth <= V::DEPTH && self.current.kind == Container::Object {
            self.tell(depth, start, end, visitor);
        }
    }

    #[inline(never)]
    fn tell<V: Visitor<'a>>(&self, depth: u32, start: usize, end: usize, visitor: &mut V) {
        let Some(key) = self.keys.last() else { return };
        let value = self.text.get(start..end).unwrap_or_default();
        visitor.member(depth, Str::accepted(self.raw_key(key)), Value::accepted(value));
    }

    /// Reads the key at `at` and the colon, and returns the offset of the value.
    fn key(&mut self, at: usize) -> Result<usize, Refusal> {
        let bytes = self.bytes();
        if bytes.get(at) != Some(&b'"') {
            return Err((JsonErrorKind::Syntax, at));
        }
        let (close, escaped) = string::scan(bytes, at)?;
        let key = self.key_of(at.wrapping_add(1), close, escaped);
        if key.length == 9 && self.unescaped(&key).eq("__proto__".bytes()) {
            return Err((JsonErrorKind::ReservedKey, at));
        }
        let siblings = self.keys.get(self.current.first_key as usize..).unwrap_or_default();
        if siblings.len() < LINEAR_KEYS && siblings.iter().any(|other| self.same_key(other, &key)) {
            return Err((JsonErrorKind::RepeatedKey, at));
        }
        self.keys.push(key);
        let colon = skip_space(bytes, close.wrapping_add(1));
        if bytes.get(colon) != Some(&b':') {
            return Err((JsonErrorKind::Syntax, colon));
        }
        Ok(skip_space(bytes, colon.wrapping_add(1)))
    }

    #[inline(always)]
    fn key_of(&self, start: usize, end: usize, escaped: bool) -> Key {
        let raw = self.bytes().get(start..end).unwrap_or_default();
        let mut key =
            Key { mark: 0, start: start as u32, end: end as u32, length: raw.len() as u32, escaped };
        if escaped {
            let text: Vec<u8> = self.unescaped(&key).collect();
            (key.mark, key.length) = (mark(&text), text.len() as u32);
        } else {
            key.mark = mark(raw);
        }
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

    #[inline(always)]
    fn same_key(&self, a: &Key, b: &Key) -> bool {
        a.mark == b.mark && a.length == b.length && (a.length < 8 || self.compare_keys(a, b).is_eq())
    }

    /// Any order will do in which equal keys are neighbours.
    fn compare_keys(&self, a: &Key, b: &Key) -> Ordering {
        let by_mark = a.mark.cmp(&b.mark).then(a.length.cmp(&b.length));
        if by_mark.is_ne() || a.length < 8 {
            by_mark
        } else if a.escaped || b.escaped {
            self.unescaped(a).cmp(self.unescaped(b))
        } else {
            self.raw_key(a).as_bytes().cmp(self.raw_key(b).as_bytes())
        }
    }

    /// Forgets the keys of the object that closes; large ones are checked for repetition here.
    #[inline(always)]
    fn close_object(&mut self) -> Result<(), Refusal> {
        let first = self.current.first_key as usize;
        if self.keys.len().saturating_sub(first) > LINEAR_KEYS {
            self.check_many(first)?;
        }
        self.keys.truncate(first);
        Ok(())
    }

    #[inline(never)]
    fn check_many(&self, first: usize) -> Result<(), Refusal> {
        let keys = self.keys.get(first..).unwrap_or_default();
        let compare = |a: usize, b: usize| match (keys.get(a), keys.get(b)) {
            (Some(a), Some(b)) => self.compare_keys(a, b),
            _ => Ordering::Equal,
        };
        let order = sorted(keys.len(), &compare);
        let mut neighbours = order.iter().zip(order.iter().skip(1));
        let repeated = neighbours.find(|(a, b)| compare(**a as usize, **b as usize).is_eq());
        match repeated.and_then(|(_, again)| keys.get(*again as usize)) {
            Some(again) => Err((JsonErrorKind::RepeatedKey, (again.start as usize).saturating_sub(1))),
            None => Ok(()),
        }
    }
}
