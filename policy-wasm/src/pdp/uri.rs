//! Resource templates and URL prefixes: what a URI comes under, where every reader would take it for the same.

/// Longest URI that comes under a template or a prefix, in bytes.
pub(crate) const MAX_URI: usize = 2048;

/// A piece of a template.
enum Piece<'t> {
    Literal(&'t [u8]),
    /// `{name}`: at least one byte of one segment.
    Segment,
    /// `{+name}`: at least one byte.
    Rest,
}

/// The pieces of a template; `None` where a brace has no partner.
fn pieces(template: &str) -> Option<Vec<Piece<'_>>> {
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some((literal, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}')?;
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal.as_bytes()));
        }
        pieces.push(if name.starts_with('+') { Piece::Rest } else { Piece::Segment });
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Literal(rest.as_bytes()));
    }
    Some(pieces)
}

/// How many bytes of a template stand for themselves.
#[cfg(feature = "compile")]
pub(crate) fn literal(template: &str) -> usize {
    let pieces = pieces(template).unwrap_or_default();
    pieces.iter().map(|piece| if let Piece::Literal(text) = piece { text.len() } else { 0 }).sum()
}

/// Whether the URI comes under the template.
///
/// Exact, and bounded: pieces of the template times bytes of the URI. A URI that two readers could resolve differently
/// comes under no template.
pub(crate) fn matches(template: &str, uri: &str) -> bool {
    let prefix = template.split('{').next().unwrap_or_default();
    if !uri.starts_with(prefix) || !is_plain(uri) {
        return false;
    }
    let Some(pieces) = pieces(template) else { return false };
    let uri = uri.as_bytes();
    // Whether what was read of the template so far can end before this byte of the URI.
    let mut ends = vec![false; uri.len().saturating_add(1)];
    ends.iter_mut().take(1).for_each(|end| *end = true);
    for piece in pieces {
        match piece {
            Piece::Literal(text) => {
                let before = ends.clone();
                for (at, end) in ends.iter_mut().enumerate() {
                    let start = at.checked_sub(text.len());
                    *end = start.is_some_and(|start| {
                        before.get(start) == Some(&true) && uri.get(start..at) == Some(text)
                    });
                }
            }
            Piece::Segment => spread(&mut ends, uri, &|byte| !matches!(byte, b'/' | b'?' | b'#')),
            Piece::Rest => spread(&mut ends, uri, &|_| true),
        }
    }
    ends.last() == Some(&true)
}

/// From every possible end on, one or more bytes that are admitted.
fn spread(ends: &mut [bool], uri: &[u8], admitted: &dyn Fn(u8) -> bool) {
    let mut running = false;
    let bytes = uri.iter().map(|byte| Some(*byte)).chain([None]);
    for (end, byte) in ends.iter_mut().zip(bytes) {
        let was = std::mem::replace(end, running);
        running = (running || was) && byte.is_some_and(admitted);
    }
}

/// Whether a URL is the prefix, or goes on behind it with a new segment, a query or a fragment.
pub(super) fn covers(prefix: &str, url: &str) -> bool {
    let goes_on = |rest: &str| rest.is_empty() || prefix.ends_with('/') || rest.starts_with(['/', '?', '#']);
    url.strip_prefix(prefix).is_some_and(goes_on) && is_plain(url)
}

/// Whether everybody resolves the URI alike: no control characters, no backslashes, no segment `.` or `..`, and none
/// of these, nor `/`, `%` or a delimiter that is not one, behind a percent sign.
fn is_plain(uri: &str) -> bool {
    let bytes = uri.as_bytes();
    let hidden = |(at, byte): (usize, &u8)| {
        *byte == b'%' && {
            let digit = |offset: usize| {
                let digit =
                    bytes.get(at.saturating_add(offset)).and_then(|digit| char::from(*digit).to_digit(16));
                digit.and_then(|digit| u8::try_from(digit).ok())
            };
            match (digit(1), digit(2)) {
                (Some(high), Some(low)) => {
                    let meant = high.wrapping_mul(16).wrapping_add(low);
                    meant.is_ascii_control() || matches!(meant, b'.' | b'/' | b'\\' | b'%')
                }
                _ => true,
            }
        }
    };
    uri.len() <= MAX_URI
        && !bytes.iter().any(|byte| byte.is_ascii_control() || *byte == b'\\')
        && !bytes.iter().enumerate().any(hidden)
        && !uri.split(['/', '?', '#']).any(|segment| matches!(segment, "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_take_segments_and_rests() {
        for (template, uri) in [
            ("repo://{owner}/{repo}/{+path}", "repo://globex/site/src/main.rs"),
            ("repo://{owner}/{repo}/{+path}", "repo://globex/site/a"),
            ("statement://{account}/{month}", "statement://DE01/2026-10"),
            ("file:///{+path}.md", "file:///a.md/b.md"),
            ("x:{a}x{b}", "x:axxb"),
            ("x:{+a}/b/{c}", "x:a/b/b/c"),
            ("plain://all", "plain://all"),
        ] {
            assert!(matches(template, uri), "{template} {uri}");
        }
        for (template, uri) in [
            ("repo://{owner}/{repo}/{+path}", "repo://globex/site/"),
            ("repo://{owner}/{repo}/{+path}", "repo://globex//a"),
            ("repo://{owner}/{repo}/{+path}", "repo://globex/site"),
            ("statement://{account}/{month}", "statement://DE01/2026/10"),
            ("statement://{account}/{month}", "statement://DE01/x?y"),
            ("statement://{account}/{month}", "Statement://DE01/x"),
            ("file:///{+path}.md", "file:///.md"),
            ("plain://all", "plain://all/"),
            ("broken://{a", "broken://{a"),
            ("", "x"),
        ] {
            assert!(!matches(template, uri), "{template} {uri}");
        }
    }

    #[test]
    fn what_two_readers_could_resolve_differently_comes_under_nothing() {
        for tail in [
            "a/../b", "..", ".", "a/./b", "%2e%2e/a", "%2E", "a%2fb", "a%5cb", "a%252e", "a\\b", "a%00",
            "a%0ab", "a\nb", "a\u{7f}", "a%", "a%2", "a%zz", "a/..?x", "a/..#x",
        ] {
            assert!(!matches("f:///{+path}", &format!("f:///{tail}")), "{tail}");
        }
        for tail in ["a.b", "...", "a..b", "a%20b", "caf\u{e9}", "a?b=c", "%7Ea"] {
            assert!(matches("f:///{+path}", &format!("f:///{tail}")), "{tail}");
        }
        assert!(matches("f:{+p}", &format!("f:{}", "x".repeat(MAX_URI - 2))));
        assert!(!matches("f:{+p}", &format!("f:{}", "x".repeat(MAX_URI - 1))));
    }

    #[test]
    fn prefixes_end_where_a_segment_does() {
        for (prefix, url) in [
            ("https://notes.test", "https://notes.test"),
            ("https://notes.test", "https://notes.test/ask/17"),
            ("https://notes.test/ask", "https://notes.test/ask?x=1"),
            ("https://notes.test/ask/", "https://notes.test/ask/17"),
        ] {
            assert!(covers(prefix, url), "{prefix} {url}");
        }
        for (prefix, url) in [
            ("https://notes.test", "https://notes.test.evil.test/ask"),
            ("https://notes.test", "https://notes.test@evil.test/"),
            ("https://notes.test", "https://notes.test:8443/"),
            ("https://notes.test/ask", "https://notes.test/asking"),
            ("https://notes.test/ask", "https://notes.test/ask/../admin"),
            ("https://notes.test/ask", "http://notes.test/ask"),
        ] {
            assert!(!covers(prefix, url), "{prefix} {url}");
        }
    }
}
