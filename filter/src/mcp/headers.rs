//! The headers that mirror the body.
//!
//! Source: MCP 2026-07-28, basic/transports/streamable-http (mirrored headers, −32020, −32022; custom headers from tool
//! parameters); 2025-11-25, the same page (`MCP-Protocol-Version`).

use super::revision::{Era, Revision};
use base64::Engine as _;
use std::borrow::Cow;

/// The MCP headers of a request. Each occurs at most once, is visible ASCII (inner blanks are permitted) and
/// is trimmed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mirrored {
    /// `MCP-Protocol-Version`.
    pub revision: Option<String>,
    /// `Mcp-Method`.
    pub method: Option<String>,
    /// `Mcp-Name`.
    pub name: Option<String>,
    /// `Mcp-Param-*`.
    pub params: Vec<ParamHeader>,
    /// Whether an `Mcp-Param-*` header is encoded wrongly.
    pub malformed: bool,
    /// Whether the message came by HTTP with SSE, the transport of 2024-11-05. A message without a revision
    /// then belongs to 2024-11-05, although its session may have agreed on a later one.
    pub by_sse: bool,
}

impl Mirrored {
    /// Whether the headers name a modern revision.
    pub fn is_modern(&self) -> bool {
        let named = self.revision.as_deref().and_then(Revision::named);
        named.is_some_and(|revision| revision.era() == Era::Modern)
    }
}

/// Decodes a header value: `=?base64?…?=` carries text that is not plain ASCII. Returns `None` for a near
/// miss of this form, because readers could differ on it.
pub fn decode_value(value: &str) -> Option<Cow<'_, str>> {
    const MARK: &str = "=?base64?";
    const END: &str = "?=";
    // A value without the end mark is a literal (MCP 2026-07-28, transports, value encoding).
    if !value.get(..MARK.len()).is_some_and(|mark| mark.eq_ignore_ascii_case(MARK)) || !value.ends_with(END) {
        return Some(Cow::Borrowed(value));
    }
    let encoded = value.strip_prefix(MARK)?.strip_suffix(END)?;
    let bytes = base64::engine::general_purpose::STANDARD.decode(encoded).ok()?;
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

/// Encodes visible ASCII as a header value. Only a value that looks like an encoded one is encoded.
pub fn encode_value(value: &str) -> String {
    if decode_value(value).as_deref() == Some(value) {
        return value.to_owned();
    }
    let mut out = String::from("=?base64?");
    base64::engine::general_purpose::STANDARD.encode_string(value, &mut out);
    out.push_str("?=");
    out
}

/// Whether the header is absent or equal to the value in the body.
pub(super) fn mirrors(header: &Option<String>, body: Option<&str>) -> bool {
    match header {
        None => true,
        Some(value) => decode_value(value).is_some_and(|value| body == Some(value.as_ref())),
    }
}

/// An `Mcp-Param-*` header: a copy of one argument of the called tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParamHeader {
    /// The part of the header name after `Mcp-Param-`, in lower case.
    pub name: String,
    /// The value, decoded.
    pub value: String,
}

/// Whether both header names become one variable in a server with a CGI-like environment.
pub fn one_variable(one: &str, two: &str) -> bool {
    let fold = |byte: u8| if byte == b'_' { b'-' } else { byte };
    one.len() == two.len() && one.bytes().map(fold).eq(two.bytes().map(fold))
}
