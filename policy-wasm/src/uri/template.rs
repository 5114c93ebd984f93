//! Resource templates: literals, `{name}` and `{+name}`.

use super::MAX_URI;
use super::loose::{REST, SEGMENT};
use super::plain::{Parts, Special, plain};

/// A piece of a template.
#[derive(Clone, Copy)]
enum Piece<'t> {
    Literal(&'t [u8]),
    /// `{name}`: at least one byte of one segment.
    Segment,
    /// `{+name}`: at least one byte.
    Rest,
}

/// The pieces of a template; an item is [`None`] for a brace without a partner.
fn pieces(template: &str) -> impl Iterator<Item = Option<Piece<'_>>> {
    let mut rest = template;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let at = rest.find('{').unwrap_or(rest.len());
        let (literal, after) = rest.split_at_checked(at)?;
        if !literal.is_empty() {
            rest = after;
            return Some(Some(Piece::Literal(literal.as_bytes())));
        }
        let Some((name, after)) = after.strip_prefix('{').and_then(|after| after.split_once('}')) else {
            rest = "";
            return Some(None);
        };
        rest = after;
        Some(Some(if name.starts_with('+') { Piece::Rest } else { Piece::Segment }))
    })
}

/// The number of literal bytes of a template.
#[cfg(feature = "compile")]
pub(crate) fn literal(template: &str) -> usize {
    let length = |piece| if let Some(Piece::Literal(text)) = piece { text.len() } else { 0 };
    pieces(template).map(length).sum()
}

/// A URI that a sound template takes.
#[cfg(feature = "compile")]
pub(crate) fn instance(template: &str) -> String {
    let of = |piece| match piece {
        Some(Piece::Literal(text)) => String::from_utf8_lossy(text).into_owned(),
        Some(Piece::Segment | Piece::Rest) => "x".to_owned(),
        None => String::new(),
    };
    pieces(template).map(of).collect()
}

/// The offsets in a URI at which the template so far can end, as one bit each.
#[derive(Clone, Copy)]
struct Ends([u64; MAX_URI / 64 + 1]);

impl Ends {
    const START: Ends = {
        let mut ends = [0; MAX_URI / 64 + 1];
        ends[0] = 1;
        Ends(ends)
    };

    fn has(&self, at: usize) -> bool {
        let bit = u32::try_from(at % 64).unwrap_or(0);
        self.0.get(at / 64).is_some_and(|word| word.wrapping_shr(bit) & 1 == 1)
    }

    fn set(&mut self, at: usize) {
        let bit = u32::try_from(at % 64).unwrap_or(0);
        if let Some(word) = self.0.get_mut(at / 64) {
            *word |= 1u64.wrapping_shl(bit);
        }
    }

    /// Behind literal text.
    fn literal(&self, text: &[u8], uri: &[u8]) -> Ends {
        let mut after = Ends([0; MAX_URI / 64 + 1]);
        for at in 0..=uri.len().saturating_sub(text.len()) {
            if self.has(at) && uri.get(at..).is_some_and(|rest| rest.starts_with(text)) {
                after.set(at.saturating_add(text.len()));
            }
        }
        after
    }

    /// Behind one or more bytes that are admitted.
    fn spread(&self, uri: &[u8], admitted: impl Fn(usize, u8) -> bool) -> Ends {
        let mut after = Ends([0; MAX_URI / 64 + 1]);
        let mut running = false;
        for (at, byte) in uri.iter().enumerate() {
            running = (running || self.has(at)) && admitted(at, *byte);
            if running {
                after.set(at.saturating_add(1));
            }
        }
        after
    }
}

/// A URI that every reader resolves alike.
#[derive(Clone, Copy)]
pub(crate) struct Plain<'u> {
    uri: &'u str,
    parts: Parts,
}

impl<'u> Plain<'u> {
    /// `None` for a URI that some reader could resolve to another.
    pub(crate) fn of(uri: &'u str) -> Option<Plain<'u>> {
        plain(uri).map(|parts| Plain { uri, parts })
    }

    /// Whether the URI comes under the template.
    ///
    /// Exact, and bounded: pieces of the template times bytes of the URI. Only the template itself brings a query, a
    /// fragment, parameters, a user, a port or a slash at the end: its variables take none of them.
    pub(crate) fn is_under(self, template: &str) -> bool {
        let Plain { uri, parts } = self;
        let prefix = template.split('{').next().unwrap_or_default();
        // A variable does not decide whether there is a host.
        if !uri.starts_with(prefix) || (has_authority(uri) && !has_authority(prefix)) {
            return false;
        }
        let bytes = uri.as_bytes();
        let (mut ends, mut query) = (Ends::START, false);
        for piece in pieces(template) {
            ends = match piece {
                Some(Piece::Literal(text)) => {
                    query = query || text.iter().any(|byte| matches!(byte, b'?' | b'#'));
                    ends.literal(text, bytes)
                }
                Some(Piece::Segment) => ends.spread(bytes, |at, byte| parts.admit(at, byte, query, false)),
                Some(Piece::Rest) => ends.spread(bytes, |at, byte| parts.admit(at, byte, query, true)),
                None => return false,
            };
        }
        ends.has(bytes.len())
    }
}

/// Whether the URI is plain and comes under the template.
pub(crate) fn matches(template: &str, uri: &str) -> bool {
    Plain::of(uri).is_some_and(|plain| plain.is_under(template))
}

fn has_authority(uri: &str) -> bool {
    uri.split_once(':').is_some_and(|(_, rest)| rest.starts_with("//"))
}

impl Parts {
    /// Whether a variable takes the byte at this offset.
    fn admit(self, at: usize, byte: u8, query: bool, rest: bool) -> bool {
        if query {
            return match byte {
                b'#' | b'[' | b']' => false,
                b'/' | b'?' | b'&' | b';' | b'+' => rest,
                _ => true,
            };
        }
        match byte {
            b'?' | b'#' | b';' | b'[' | b']' => return false,
            b'/' => return rest && at.saturating_add(1) < self.path_end,
            _ => {}
        }
        match self.authority {
            Some((start, end)) if (start..end).contains(&at) => match self.special {
                Special::No => !matches!(byte, b':' | b'@'),
                Special::Web | Special::File => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'),
            },
            _ => true,
        }
    }
}

/// Whether some reader could take a URI for one that comes under the template.
///
/// Both are loosest readings, of a template ([`super::loose::Loose::of_template`]) and of a URI.
pub(crate) fn resembles(template: &[u8], bytes: &[u8]) -> bool {
    let variable = |byte: &u8| matches!(*byte, SEGMENT | REST);
    let prefix = template.split(variable).next().unwrap_or_default();
    if template.is_empty() || !bytes.starts_with(prefix) {
        return false;
    }
    let mut ends = Ends::START;
    for piece in template.chunk_by(|a, b| !variable(a) && !variable(b)) {
        ends = match piece {
            [SEGMENT] => ends.spread(bytes, |_, byte| byte != b'/'),
            [REST] => ends.spread(bytes, |_, _| true),
            literal => ends.literal(literal, bytes),
        };
    }
    ends.has(bytes.len())
}
