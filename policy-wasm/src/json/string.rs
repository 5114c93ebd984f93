//! Strings: escapes, comparison without allocation, and likeness as a lenient reader sees it.

use super::JsonErrorKind;
use std::borrow::Cow;

/// A string of an accepted text, still escaped.
#[derive(Debug, Clone, Copy)]
pub struct Str<'a> {
    raw: &'a str,
}

impl<'a> Str<'a> {
    /// From the text between the quotes of a string that the scanner accepted.
    pub(super) fn accepted(raw: &'a str) -> Self {
        Str { raw }
    }

    /// The string as written, between its quotes, with escapes.
    pub fn raw(self) -> &'a str {
        self.raw
    }

    /// The string unescaped; borrowed if it has no escapes.
    pub fn decode(self) -> Cow<'a, str> {
        if self.raw.contains('\\') { Cow::Owned(self.chars().collect()) } else { Cow::Borrowed(self.raw) }
    }

    /// Whether the unescaped string is exactly `text`; does not allocate.
    pub fn is(self, text: &str) -> bool {
        // Unescaping never makes a text longer, and an escape has at most six bytes for one of the text. A key may be
        // as long as the document, so compare lengths first.
        if self.raw.len() <= text.len() {
            return self.raw == text && !self.raw.contains('\\');
        }
        self.raw.len() <= text.len().saturating_mul(6) && self.chars().eq(text.chars())
    }

    /// Whether a lenient reader could take the unescaped string for `text`; see [`resemble`].
    pub fn resembles(self, text: &str) -> bool {
        folded(self.chars()).eq(folded(text.chars()))
    }

    /// The string as a lenient reader sees it, for comparisons with several ASCII names in one pass. Each comparison
    /// gives the same result as [`Str::resembles`].
    pub fn fold(self) -> Folded {
        let mut text = [0; LONGEST_FOLDED];
        let mut length = 0usize;
        for c in folded(self.chars()) {
            let Some(slot) = text.get_mut(length).filter(|_| c.is_ascii()) else {
                return Folded { text, length: None };
            };
            *slot = c as u8;
            length = length.wrapping_add(1);
        }
        Folded { text, length: Some(length) }
    }

    /// The unescaped characters, in order.
    pub fn chars(self) -> Chars<'a> {
        Chars { rest: self.raw.chars() }
    }
}

/// Whether a lenient reader could take one text for the other: they are equal after case folding and without invisible
/// characters.
pub fn resemble(one: &str, other: &str) -> bool {
    folded(one.chars()).eq(folded(other.chars()))
}

/// Folding includes the characters that libraries fold into ASCII letters: U+017F (ſ), U+212A (K), U+0130 (İ) and
/// U+0131 (ı).
fn folded(text: impl Iterator<Item = char>) -> impl Iterator<Item = char> {
    text.filter(|c| !leaves_no_mark(*c)).map(|c| match c {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        '\u{130}' | '\u{131}' => 'i',
        _ => c.to_ascii_lowercase(),
    })
}

/// White space, controls and invisible characters: Unicode's `Default_Ignorable_Code_Point`, format characters, and the
/// Braille blank.
fn leaves_no_mark(c: char) -> bool {
    if c.is_ascii() {
        return c <= ' ' || c == '\u{7f}';
    }
    c.is_whitespace()
        || c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{2800}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Longest name for comparisons with [`Folded`], in bytes.
const LONGEST_FOLDED: usize = 64;

/// A string as lenient readers see it: see [`Str::fold`].
#[derive(Debug, Clone)]
pub struct Folded {
    text: [u8; LONGEST_FOLDED],
    /// `None` if it is longer than any name, or not ASCII, and so resembles none.
    length: Option<usize>,
}

impl Folded {
    /// Whether the string resembles the name: ASCII without white space or controls, at most 64 bytes.
    pub fn is(&self, name: &str) -> bool {
        self.length == Some(name.len())
            && self.text.get(..name.len()).is_some_and(|text| text.eq_ignore_ascii_case(name.as_bytes()))
    }
}

/// The unescaped characters of a [`Str`].
#[derive(Debug, Clone)]
pub struct Chars<'a> {
    rest: std::str::Chars<'a>,
}

impl Chars<'_> {
    fn unit(&mut self) -> u32 {
        let mut unit = 0u32;
        for _ in 0..4 {
            let digit = self.rest.next().and_then(|c| c.to_digit(16)).unwrap_or(0);
            unit = unit.wrapping_shl(4) | digit;
        }
        unit
    }
}

impl Iterator for Chars<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        let c = self.rest.next()?;
        if c != '\\' {
            return Some(c);
        }
        Some(match self.rest.next()? {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let unit = self.unit();
                if unit & 0xfc00 != 0xd800 {
                    return Some(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER));
                }
                // The scanner saw to it that the second half follows.
                self.rest.next();
                self.rest.next();
                let low = self.unit();
                let code = 0x10000u32.wrapping_add((unit & 0x3ff).wrapping_shl(10)).wrapping_add(low & 0x3ff);
                char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            other => other,
        })
    }
}

const ONES: u64 = u64::MAX / 0xff;
const HIGHS: u64 = ONES.wrapping_mul(0x80);

/// Sets the high bit of the first byte of `word` (little-endian) that is `"`, `\` or a control character; later bytes
/// may be marked wrongly.
fn special(word: u64) -> u64 {
    let quote = word ^ ONES.wrapping_mul(0x22);
    let backslash = word ^ ONES.wrapping_mul(0x5c);
    let quote = quote.wrapping_sub(ONES) & !quote;
    let backslash = backslash.wrapping_sub(ONES) & !backslash;
    let control = word.wrapping_sub(ONES.wrapping_mul(0x20)) & !word;
    (quote | backslash | control) & HIGHS
}

/// Offset of the first `"`, `\` or control character at or after `at`; the end of the text if it has none.
pub(super) fn next_special(bytes: &[u8], mut at: usize) -> usize {
    while let Some(word) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let found = special(u64::from_le_bytes(*word));
        if found != 0 {
            return at.wrapping_add((found.trailing_zeros() / 8) as usize);
        }
        at = at.wrapping_add(8);
    }
    while let Some(byte) = bytes.get(at) {
        if matches!(byte, b'"' | b'\\' | 0..=0x1f) {
            break;
        }
        at = at.wrapping_add(1);
    }
    at
}

/// Reads the string whose opening quote is at `start`. Returns the offset of the closing quote, and whether there was
/// an escape.
pub(super) fn scan(bytes: &[u8], start: usize) -> Result<(usize, bool), (JsonErrorKind, usize)> {
    let mut at = start.wrapping_add(1);
    let mut escaped = false;
    loop {
        at = next_special(bytes, at);
        match bytes.get(at) {
            Some(b'"') => return Ok((at, escaped)),
            Some(b'\\') => {
                escaped = true;
                at = scan_escape(bytes, at)?;
            }
            _ => return Err((JsonErrorKind::Syntax, at)),
        }
    }
}

fn unit_at(bytes: &[u8], at: usize) -> Option<u16> {
    let digits = bytes.get(at..)?.first_chunk::<4>()?;
    let mut unit = 0u16;
    for digit in digits {
        let value = char::from(*digit).to_digit(16)?;
        unit = unit.wrapping_shl(4) | value as u16;
    }
    Some(unit)
}

/// Reads the escape whose backslash is at `at`, and returns the offset after it.
fn scan_escape(bytes: &[u8], at: usize) -> Result<usize, (JsonErrorKind, usize)> {
    match bytes.get(at.wrapping_add(1)) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at.wrapping_add(2)),
        Some(b'u') => {
            let unit = unit_at(bytes, at.wrapping_add(2)).ok_or((JsonErrorKind::Syntax, at))?;
            let after = at.wrapping_add(6);
            match unit & 0xfc00 {
                0xdc00 => Err((JsonErrorKind::LoneSurrogate, at)),
                0xd800 => {
                    let escape = bytes.get(after..after.wrapping_add(2)) == Some(b"\\u".as_slice());
                    let low = if escape { unit_at(bytes, after.wrapping_add(2)) } else { None };
                    match low {
                        Some(low) if low & 0xfc00 == 0xdc00 => Ok(after.wrapping_add(6)),
                        _ => Err((JsonErrorKind::LoneSurrogate, at)),
                    }
                }
                _ => Ok(after),
            }
        }
        _ => Err((JsonErrorKind::Syntax, at)),
    }
}

/// Appends `text` as a JSON string. U+2028 and U+2029 are escaped too, for readers that take them for line ends.
pub(super) fn write(out: &mut String, text: &str) {
    out.reserve(text.len().saturating_add(2));
    out.push('"');
    let plain = |byte: &u8| (0x20..0x7f).contains(byte) && *byte != b'"' && *byte != b'\\';
    let mut rest = text;
    loop {
        // Runs of plain ASCII are copied in one piece.
        let run = rest.as_bytes().iter().position(|byte| !plain(byte)).unwrap_or(rest.len());
        let Some((head, tail)) = rest.split_at_checked(run) else { break };
        out.push_str(head);
        let mut characters = tail.chars();
        let Some(next) = characters.next() else { break };
        write_char(out, next);
        rest = characters.as_str();
    }
    out.push('"');
}

fn write_char(out: &mut String, c: char) {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' => {
            out.push_str("\\u");
            let code = c as u32;
            for shift in [12u32, 8, 4, 0] {
                let nibble = (code.wrapping_shr(shift) & 0xf) as usize;
                out.push(HEX.get(nibble).copied().unwrap_or('0'));
            }
        }
        _ => out.push(c),
    }
}
