//! The loosest reading: one text for all spellings that some reader unites.

use super::MAX_URI;
use super::character::{Decoded, decoded, is_ignored, lookalike};
use super::plain::Special;

/// Replaces a variable of one segment in the loosest reading of a template; UTF-8 never contains this byte.
pub(super) const SEGMENT: u8 = 0xfe;
/// Replaces a variable of any length.
pub(super) const REST: u8 = 0xff;

/// A URI in its loosest reading: bytes that are compared, and mean nothing else.
///
/// The loosest reading decodes escapes, folds case and compatibility forms, and drops invisible characters. It drops
/// empty segments, `.`, blanks around segments, dots behind them, parameters, user, default port and final slashes. A
/// `..` removes the segment before it.
pub(crate) struct Loose {
    bytes: [u8; MAX_URI],
    length: usize,
    /// Whether the whole text had room; a longer one equals no other.
    whole: bool,
}

impl Loose {
    /// Reads a URI.
    pub(crate) fn of(uri: &str) -> Loose {
        Self::read(uri, false)
    }

    /// Reads a template, whose variables become [`SEGMENT`] and [`REST`].
    pub(crate) fn of_template(template: &str) -> Loose {
        Self::read(template, true)
    }

    /// The bytes; none if the URI is too long.
    pub(crate) fn bytes(&self) -> &[u8] {
        if self.whole { self.bytes.get(..self.length).unwrap_or_default() } else { &[] }
    }

    fn read(text: &str, template: bool) -> Loose {
        let mut out = Loose { bytes: [0; MAX_URI], length: 0, whole: true };
        let (scheme, rest) = text.split_once(':').unwrap_or((text, ""));
        let special = Special::of(scheme.as_bytes());
        scheme.chars().for_each(|character| out.character(character));
        out.byte(b':');
        // Backslashes and any number of slashes begin the host of a special scheme.
        let slash = |character: char| matches!(character, '/' | '\\');
        let trimmed = rest.trim_start_matches(slash);
        let slashes = rest.len().saturating_sub(trimmed.len());
        let (has_authority, rest) = match special {
            Special::Web => (true, trimmed),
            Special::File => (slashes == 2, trimmed),
            Special::No => (rest.starts_with("//"), trimmed),
        };
        let tail_at = rest.find(['?', '#']).unwrap_or(rest.len());
        let (mut path, tail) = rest.split_at_checked(tail_at).unwrap_or((rest, ""));
        let floor = out.length;
        if has_authority && (special != Special::No || slashes == 2) {
            let end = path.find(slash).unwrap_or(path.len());
            let (authority, after) = path.split_at_checked(end).unwrap_or((path, ""));
            path = after;
            out.authority(authority, scheme, special, template);
        }
        let root = out.length;
        for segment in path.split(slash) {
            out.segment(segment, template, (floor, root));
        }
        // An empty query or fragment has no meaning.
        let tail = tail.trim_end_matches(['?', '#']);
        out.text(tail, template, true);
        out
    }

    fn byte(&mut self, byte: u8) {
        match self.bytes.get_mut(self.length) {
            Some(place) => *place = byte,
            None => self.whole = false,
        }
        self.length = self.length.saturating_add(1).min(MAX_URI);
    }

    fn authority(&mut self, authority: &str, scheme: &str, special: Special, template: bool) {
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let host = match host.rsplit_once(':') {
            Some((name, port)) if port.is_empty() || is_default(scheme, port) => name,
            _ => host,
        };
        let host = host.trim_end_matches('.');
        if special == Special::File && host.eq_ignore_ascii_case("localhost") {
            return;
        }
        self.text(host, template, false);
    }

    /// A segment of the path, with a slash before it; `floor` is the begin of the host, `root` its end.
    fn segment(&mut self, segment: &str, template: bool, (floor, root): (usize, usize)) {
        let before = self.length;
        if before > floor {
            self.byte(b'/');
        }
        let start = self.length;
        let name = segment.split(';').next().unwrap_or_default();
        self.text(name, template, false);
        let written = self.bytes.get(start..self.length).unwrap_or_default().trim_ascii();
        match written {
            b"" | b"." => self.length = before,
            b".." => {
                let kept = self.bytes.get(root..before).unwrap_or_default();
                let last = kept.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
                self.length = root.saturating_add(last);
            }
            _ => {
                let blanks = self.bytes.get(start..self.length).unwrap_or_default();
                let blanks = blanks.len().saturating_sub(blanks.trim_ascii_start().len());
                let from = start.saturating_add(blanks);
                self.bytes.copy_within(from.min(self.length)..self.length, start);
                self.length = self.length.saturating_sub(blanks);
                let idle = |byte: &u8| matches!(byte, b'.' | b' ');
                let kept = self.bytes.get(start..self.length).unwrap_or_default();
                let kept = kept.iter().rposition(|byte| !idle(byte)).map_or(0, |at| at.saturating_add(1));
                self.length = if kept == 0 { before } else { start.saturating_add(kept) };
            }
        }
    }

    /// Characters as the loosest reader takes them; `query`: a plus sign is a blank.
    fn text(&mut self, text: &str, template: bool, query: bool) {
        let mut variable = false;
        for meant in decoded(text) {
            match meant {
                Decoded::Plain('{') if template => variable = true,
                Decoded::Plain('}') if template && variable => {
                    if self.bytes.get(self.length.saturating_sub(1)) != Some(&REST) {
                        self.byte(SEGMENT);
                    }
                    variable = false;
                }
                Decoded::Plain('+') if variable => self.byte(REST),
                _ if variable => {}
                Decoded::Plain('+') if query => self.byte(b' '),
                Decoded::Plain(character) | Decoded::Escaped(character) | Decoded::Broken(character) => {
                    self.character(character);
                }
            }
        }
    }

    fn character(&mut self, character: char) {
        let looks = lookalike(character);
        if !looks.is_empty() {
            looks.bytes().for_each(|byte| self.byte(byte.to_ascii_lowercase()));
        } else if character.is_whitespace() {
            self.byte(b' ');
        } else if !is_ignored(character) {
            // By capitals, since some small letters share one: `ſ` and `s`.
            for folded in character.to_uppercase().flat_map(char::to_lowercase) {
                let mut room = [0; 4];
                folded.encode_utf8(&mut room).bytes().for_each(|byte| self.byte(byte));
            }
        }
    }
}

fn is_default(scheme: &str, port: &str) -> bool {
    let number = port.parse::<u16>().ok();
    let defaults = [("http", 80), ("https", 443), ("ws", 80), ("wss", 443), ("ftp", 21)];
    defaults.iter().any(|(name, default)| scheme.eq_ignore_ascii_case(name) && number == Some(*default))
}
