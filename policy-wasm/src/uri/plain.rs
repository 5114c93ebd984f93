//! The strictest reading: characters, escapes and segments with one meaning for every reader.

use super::MAX_URI;
use super::character::{Decoded, decoded, is_ignored, lookalike};

/// The parts of a URI, as offsets in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parts {
    /// Host, port and user after `//`.
    pub(super) authority: Option<(usize, usize)>,
    /// Where the path begins.
    pub(super) path: usize,
    /// Where query or fragment begin, or the URI ends.
    pub(super) path_end: usize,
    pub(super) special: Special,
}

/// Whether the WHATWG standard knows the scheme, and so rewrites host and slashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Special {
    No,
    /// `http`, `https`, `ws`, `wss`, `ftp`.
    Web,
    File,
}

impl Special {
    pub(super) fn of(scheme: &[u8]) -> Special {
        let is = |name: &&str| scheme.eq_ignore_ascii_case(name.as_bytes());
        if is(&"file") {
            Special::File
        } else if ["http", "https", "ws", "wss", "ftp"].iter().any(is) {
            Special::Web
        } else {
            Special::No
        }
    }
}

/// Takes a URI apart at its delimiters; `None` if it has no scheme.
pub(super) fn parts(uri: &[u8]) -> Option<Parts> {
    let colon = uri.iter().position(|byte| *byte == b':')?;
    let special = Special::of(uri.get(..colon)?);
    let start = colon.checked_add(1)?;
    let rest = uri.get(start..)?;
    let until = |from: usize, stops: &[u8]| {
        let tail = uri.get(from..).unwrap_or_default();
        let at = tail.iter().position(|byte| stops.contains(byte)).unwrap_or(tail.len());
        from.saturating_add(at)
    };
    let authority = rest.starts_with(b"//").then(|| {
        let start = start.saturating_add(2);
        (start, until(start, b"/?#"))
    });
    let path = authority.map_or(start, |(_, end)| end);
    Some(Parts { authority, path, path_end: until(path, b"?#"), special })
}

/// The parts of a URI that every reader resolves alike; `None` for any other.
///
/// A plain URI has characters of RFC 3986 only, and a scheme and host as the WHATWG standard writes them. It escapes no
/// control, no unreserved character and no possible delimiter. Only its last segment may be empty, and no reader takes
/// a segment for `.` or `..`.
pub(crate) fn plain(uri: &str) -> Option<Parts> {
    let bytes = uri.as_bytes();
    if uri.len() > MAX_URI || !bytes.iter().copied().all(is_uri_character) || !escapes_are_plain(uri, true) {
        return None;
    }
    let parts = parts(bytes)?;
    let colon = parts.authority.map_or(parts.path, |(start, _)| start.saturating_sub(2)).saturating_sub(1);
    let scheme = uri.get(..colon)?;
    let scheme_fits =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.');
    if !scheme.starts_with(|first: char| first.is_ascii_lowercase()) || !scheme.bytes().all(scheme_fits) {
        return None;
    }
    let host_fits = match (parts.special, parts.authority) {
        (Special::Web, None) => false,
        (Special::No, _) | (_, None) => true,
        (special, Some((start, end))) => host_is_plain(uri.get(start..end)?, special),
    };
    (host_fits && segments_are_plain(uri.get(parts.path..parts.path_end)?)).then_some(parts)
}

/// RFC 3986 §2, and the percent sign.
pub(super) fn is_uri_character(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte)
}

/// Whether all escapes are complete and no escape is a control character. With `strict`, no escape may change its
/// meaning for a reader that decodes twice.
pub(super) fn escapes_are_plain(text: &str, strict: bool) -> bool {
    decoded(text).all(|meant| match meant {
        Decoded::Plain(_) => true,
        Decoded::Broken(_) => false,
        Decoded::Escaped(character) if strict => {
            let looks = lookalike(character);
            let unreserved = character.is_ascii_alphanumeric() || matches!(character, '-' | '.' | '_' | '~');
            !character.is_control() && !unreserved && !looks.contains(['/', '\\', '%'])
        }
        Decoded::Escaped(character) => !character.is_ascii_control(),
    })
}

/// Whether no segment of a path is empty (but the first, and the last), `.` or `..` to some reader.
pub(super) fn segments_are_plain(path: &str) -> bool {
    let path = path.strip_prefix('/').unwrap_or(path);
    let mut segments = path.split('/').peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        if (segment.is_empty() && !last) || is_dotted(segment) {
            return false;
        }
    }
    true
}

/// Whether some reader takes a segment for `.`, `..` or nothing. Such segments have dots and similar characters,
/// blanks, invisible characters, and parameters behind a semicolon.
fn is_dotted(segment: &str) -> bool {
    let name = segment.split(';').next().unwrap_or_default();
    if name.is_empty() {
        return !segment.is_empty();
    }
    let (mut dots, mut others) = (0usize, false);
    for meant in decoded(name) {
        let (Decoded::Plain(character) | Decoded::Escaped(character)) = meant else { return false };
        if character.is_whitespace() || is_ignored(character) {
            others = true;
            continue;
        }
        let looks = lookalike(character);
        if !looks.bytes().all(|byte| byte == b'.') || looks.is_empty() {
            return false;
        }
        others |= character != '.';
        dots = dots.saturating_add(looks.len());
    }
    others || dots <= 2
}

/// Whether the WHATWG standard does not change a host.
fn host_is_plain(authority: &str, special: Special) -> bool {
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if host.starts_with('[') {
        return true;
    }
    let host = host.split(':').next().unwrap_or_default();
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._".contains(&byte);
    let number = host.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    // `127.1` and `0x7f.1` are addresses too.
    let numeric = number.starts_with(|first: char| first.is_ascii_digit());
    host.bytes().all(fits)
        && (!host.is_empty() || special == Special::File)
        && !(special == Special::File && host == "localhost")
        && (!numeric || host.parse::<core::net::Ipv4Addr>().is_ok())
}
