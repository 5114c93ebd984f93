//! The head of a request: the fields that decide, read in one pass.
//!
//! A field that decides must come at most once and be plain. Two readers that pick different values of a
//! repeated field would read different requests. (Envoy joins repeated `authorization` with a comma; the form
//! of the token refuses that.)

use crate::http::Fields;
use crate::mcp::headers::{Mirrored, ParamHeader, decode_value, one_variable};
use crate::reason::Reason;
use policy_wasm::bundle::layout::MAX_PARAM_HEADERS;
use policy_wasm::sort::in_order;
use std::borrow::Cow;

/// The fields of the head that decide.
#[derive(Debug, Default)]
pub(in crate::pep) struct Head<'a> {
    pub method: &'a str,
    /// The path before `?`.
    pub path: &'a str,
    pub query: Option<&'a str>,
    pub authority: &'a str,
    pub authorization: Option<&'a [u8]>,
    pub content_type: Option<&'a str>,
    pub content_encoding: Option<&'a str>,
    pub origin: Option<&'a str>,
    /// `Access-Control-Request-Method`.
    pub requested_method: Option<&'a str>,
    /// `Access-Control-Request-Headers`.
    pub requested_fields: Option<&'a str>,
    pub request_id: Option<&'a str>,
    pub session: Option<&'a str>,
    pub mirrored: Mirrored,
    /// Fields that must not go on: spoofable copies of our own.
    pub spoofed: Vec<&'a [u8]>,
    pub has_accept_encoding: bool,
    pub has_content_length: bool,
    /// The first problem with the fields. It is reported after routing, so that the denial has the server's
    /// form.
    pub fault: Option<Reason>,
}

impl Head<'_> {
    /// Whether the request is a preflight: `OPTIONS` of a page, with the method that the page wants to use.
    pub(in crate::pep) fn is_preflight(&self) -> bool {
        self.method == "OPTIONS" && self.origin.is_some() && self.requested_method.is_some()
    }
}

/// Fields of this name prefix are ours; from a client they are forgeries.
const OWN_PREFIX: &[u8] = b"x-toolward-";

/// The beginning of the names of headers that repeat arguments. The server chooses the rest of the name.
pub(in crate::pep) const PARAM_PREFIX: &[u8] = b"mcp-param-";

/// Names of single-valued fields; `mcp-*` in front covers `mcp-param-*` too.
const SINGLE: [&[u8]; 9] = [
    b"authorization",
    b"content-type",
    b"content-encoding",
    b"content-length",
    b"dpop",
    b"host",
    b"last-event-id",
    b"origin",
    b"transfer-encoding",
];

/// Longest `Access-Control-Request-Headers` that is answered, in bytes.
const MAX_REQUESTED_FIELDS: usize = 2048;

/// Up to this number, names are compared one by one. More names are sorted, so that many of them cost no
/// quadratic time.
const FEW: usize = 16;

/// Whether the field decides something.
fn decides(name: &[u8]) -> bool {
    match name.first() {
        Some(b':') => true,
        Some(b'm') => name.starts_with(b"mcp-"),
        // Most fields of most requests begin with another letter than these.
        Some(b'a' | b'c' | b'd' | b'h' | b'l' | b'o' | b't') => SINGLE.contains(&name),
        _ => false,
    }
}

/// The name as servers with CGI-like environments see it: `mcp_name` and `mcp-name` are one variable there.
fn with_hyphens(name: &[u8]) -> Cow<'_, [u8]> {
    if name.contains(&b'_') {
        Cow::Owned(name.iter().map(|byte| if *byte == b'_' { b'-' } else { *byte }).collect())
    } else {
        Cow::Borrowed(name)
    }
}

/// Visible ASCII with inner blanks, trimmed.
fn plain(value: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(value.trim_ascii()).ok()?;
    text.bytes().all(|byte| matches!(byte, b' ' | b'\t' | 0x21..=0x7e)).then_some(text)
}

pub(in crate::pep) fn read<'a>(fields: &Fields<'a>) -> Head<'a> {
    let mut head = Head::default();
    let mut fault = None;
    let mut deciding: Vec<&[u8]> = Vec::new();
    let mut accuse = |reason: Reason| {
        fault.get_or_insert(reason);
    };
    for (name, value) in fields {
        let (name, value) = (*name, *value);
        let argument = name.strip_prefix(PARAM_PREFIX);
        if argument.is_none() && name.contains(&b'_') && decides(&with_hyphens(name)) {
            accuse(Reason::HeaderInvalid);
            continue;
        }
        if !decides(name) {
            if with_hyphens(name).starts_with(OWN_PREFIX) {
                head.spoofed.push(name);
            } else if name == b"x-request-id" {
                head.request_id = plain(value).filter(|id| id.len() <= 128);
            } else if name == b"access-control-request-method" {
                head.requested_method = plain(value);
            } else if name == b"access-control-request-headers" {
                head.requested_fields = plain(value).filter(|fields| fields.len() <= MAX_REQUESTED_FIELDS);
            } else if name == b"accept-encoding" {
                head.has_accept_encoding = true;
            }
            continue;
        }
        if deciding.len() < FEW && deciding.contains(&name) {
            accuse(Reason::HeaderRepeated);
            continue;
        }
        deciding.push(name);
        if name == b"authorization" {
            // By far the longest field. `credentials` compares each of its bytes with the token's alphabet.
            head.authorization = Some(value);
            continue;
        }
        let Some(text) = plain(value) else {
            accuse(Reason::HeaderInvalid);
            continue;
        };
        match name {
            b":method" => head.method = text,
            b":path" => match text.split_once('?') {
                Some((path, query)) => (head.path, head.query) = (path, Some(query)),
                None => head.path = text,
            },
            b":authority" => head.authority = text,
            b"content-type" => head.content_type = Some(text),
            b"content-encoding" => head.content_encoding = Some(text),
            b"content-length" => head.has_content_length = true,
            b"origin" => head.origin = Some(text),
            b"mcp-protocol-version" => head.mirrored.revision = Some(text.to_owned()),
            b"mcp-method" => head.mirrored.method = Some(text.to_owned()),
            b"mcp-session-id" => head.session = Some(text),
            b"mcp-name" => head.mirrored.name = Some(text.to_owned()),
            _ => {
                let Some(argument) = argument.and_then(|name| std::str::from_utf8(name).ok()) else {
                    continue;
                };
                let mirrored = &mut head.mirrored;
                let Some(value) = decode_value(text) else {
                    mirrored.malformed = true;
                    continue;
                };
                if mirrored.params.iter().any(|said| one_variable(&said.name, argument)) {
                    accuse(Reason::HeaderRepeated);
                } else if mirrored.params.len() >= MAX_PARAM_HEADERS {
                    accuse(Reason::HeaderInvalid);
                } else {
                    let (name, value) = (argument.to_owned(), value.into_owned());
                    mirrored.params.push(ParamHeader { name, value });
                }
            }
        }
    }
    if deciding.len() > FEW && repeats(&deciding) {
        accuse(Reason::HeaderRepeated);
    }
    head.fault = fault;
    head
}

/// Whether a name is a duplicate.
fn repeats(names: &[&[u8]]) -> bool {
    let mut before = None;
    in_order(names).any(|name| before.replace(name) == Some(name))
}

/// Whether a trailer has a name that decides something, or is ours. Some servers merge trailers into the head, after
/// the head was judged; RFC 9110 §6.5.1 forbids to send such fields there.
pub(in crate::pep) fn decides_in_trailers(fields: &Fields<'_>) -> bool {
    fields.iter().any(|(name, _)| {
        let name = with_hyphens(name);
        decides(&name) || name.starts_with(OWN_PREFIX)
    })
}

/// The credentials of `Authorization`.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::pep) enum Credentials<'a> {
    /// One bearer token.
    Bearer(&'a str),
    /// Nothing, or another scheme.
    None,
    /// A bearer scheme without one plain token (RFC 6750 §2.1).
    Malformed,
}

/// The alphabet of `b64token` (RFC 6750 §2.1), by byte.
const TOKEN_BYTES: [bool; 256] = {
    let mut table = [false; 256];
    let mut rest = table.as_mut_slice();
    let mut byte = 0u8;
    while let Some((slot, after)) = rest.split_first_mut() {
        *slot =
            byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=');
        byte = byte.wrapping_add(1);
        rest = after;
    }
    table
};

pub(in crate::pep) fn credentials(authorization: Option<&[u8]>) -> Credentials<'_> {
    let Some(value) = authorization else { return Credentials::None };
    let space = value.iter().position(|byte| *byte == b' ').unwrap_or(value.len());
    let (scheme, rest) = value.split_at_checked(space).unwrap_or((value, &[]));
    if !scheme.eq_ignore_ascii_case(b"bearer") {
        let nonsense = scheme.is_empty() || !value.is_ascii() || value.contains(&b',');
        return if nonsense { Credentials::Malformed } else { Credentials::None };
    }
    let token = rest.get(1..).unwrap_or_default();
    let plain = token.iter().all(|byte| TOKEN_BYTES.get(usize::from(*byte)) == Some(&true));
    match std::str::from_utf8(token) {
        Ok(token) if plain && !token.is_empty() => Credentials::Bearer(token),
        _ => Credentials::Malformed,
    }
}

/// Whether the query carries a credential (RFC 6750 §2.3, which MCP forbids).
pub(in crate::pep) fn credential_in_query(query: Option<&str>) -> bool {
    query.is_some_and(|query| {
        query.split(['&', ';']).any(|pair| {
            let name = pair.split('=').next().unwrap_or_default();
            name.eq_ignore_ascii_case("access_token") || name.contains('%')
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_plain_bearer_token_is_a_credential() {
        assert_eq!(credentials(Some(b"Bearer a.b-c_d")), Credentials::Bearer("a.b-c_d"));
        assert_eq!(credentials(Some(b"bearer x")), Credentials::Bearer("x"));
        assert_eq!(credentials(None), Credentials::None);
        assert_eq!(credentials(Some(b"Basic abc")), Credentials::None);
        for bad in ["Bearer", "Bearer ", "Bearer  x", "Bearer a,Bearer b", "Bearer a b", ""] {
            assert_eq!(credentials(Some(bad.as_bytes())), Credentials::Malformed, "{bad}");
        }
    }

    #[test]
    fn repeated_and_unreadable_deciding_fields_are_faults() {
        let fault = |fields: &Fields<'_>| read(fields).fault;
        assert_eq!(fault(&[(b"mcp-name", b"a"), (b"mcp-name", b"a")]), Some(Reason::HeaderRepeated));
        assert_eq!(fault(&[(b"mcp-param-x", b"a"), (b"mcp-param-x", b"b")]), Some(Reason::HeaderRepeated));
        let names: Vec<String> = (0..100).map(|number| format!("mcp-{number}")).collect();
        let mut many: Vec<(&[u8], &[u8])> = names.iter().map(|name| (name.as_bytes(), &b"a"[..])).collect();
        assert_eq!(fault(&many), None);
        many.push((b"mcp-50", b"a"));
        assert_eq!(fault(&many), Some(Reason::HeaderRepeated));
        assert_eq!(fault(&[(b"mcp-name", b"\xff")]), Some(Reason::HeaderInvalid));
        assert_eq!(fault(&[(b"mcp_name", b"a")]), Some(Reason::HeaderInvalid));
        assert_eq!(fault(&[(b"x_custom", b"a")]), None);
        assert_eq!(read(&[(b"x_toolward-decision", b"a")]).spoofed, [b"x_toolward-decision"]);
        assert_eq!(fault(&[(b"accept", b"a"), (b"accept", b"\xff")]), None);
    }

    #[test]
    fn what_repeats_an_argument_is_kept_decoded_under_the_name_that_the_server_chose() {
        let fields: &Fields<'_> = &[(b"mcp-param-a_b", b"=?base64?w6k=?="), (b"mcp-param-c", b" d e ")];
        let head = read(fields);
        let said: Vec<_> =
            head.mirrored.params.iter().map(|said| (said.name.as_str(), said.value.as_str())).collect();
        assert_eq!((said.as_slice(), head.fault), (&[("a_b", "é"), ("c", "d e")][..], None));
        let twice: &Fields<'_> = &[(b"mcp-param-a_b", b"1"), (b"mcp-param-a-b", b"1")];
        assert_eq!(read(twice).fault, Some(Reason::HeaderRepeated));
        assert_eq!(read(&[(b"mcp_param-a", b"1")]).fault, Some(Reason::HeaderInvalid));
        assert!(read(&[(b"mcp-param-a", b"=?base64?%%?=")]).mirrored.malformed);
        let names: Vec<String> =
            (0..=MAX_PARAM_HEADERS).map(|number| format!("mcp-param-{number}")).collect();
        let all: Vec<(&[u8], &[u8])> = names.iter().map(|name| (name.as_bytes(), b"1".as_slice())).collect();
        assert_eq!(read(&all).fault, Some(Reason::HeaderInvalid));
        assert_eq!(read(all.get(1..).unwrap_or_default()).fault, None);
    }
}
