//! Pages to which a person is sent, compared with prefixes.

use super::MAX_URI;
use super::plain::{escapes_are_plain, is_uri_character, parts, segments_are_plain};

/// Whether a URL is the prefix, or continues it with a new segment, a query or a fragment. No reader may take the URL
/// for a page elsewhere.
///
/// Query and fragment may hold any whole escapes: they lead nowhere else.
pub(crate) fn covers(prefix: &str, url: &str) -> bool {
    let Some(rest) = url.strip_prefix(prefix) else { return false };
    let goes_on = rest.is_empty() || prefix.ends_with('/') || rest.starts_with(['/', '?', '#']);
    goes_on && is_plain(url)
}

fn is_plain(url: &str) -> bool {
    if url.len() > MAX_URI || !url.bytes().all(is_uri_character) {
        return false;
    }
    let Some(parts) = parts(url.as_bytes()) else { return false };
    let Some((before, tail)) = url.split_at_checked(parts.path_end) else { return false };
    let path = before.get(parts.path..).unwrap_or_default();
    let dots = |segment: &str| matches!(segment, "." | "..");
    parts.authority.is_some_and(|(start, end)| start < end)
        && escapes_are_plain(before, true)
        && escapes_are_plain(tail, false)
        && segments_are_plain(path)
        && !tail.split(['/', '?', '#']).any(dots)
}
