//! Browsers at other origins: the preflight, and the header fields that let a page read a response.
//!
//! Source: WHATWG Fetch, "HTTP extensions" (CORS protocol).

use crate::pep::event::Effect;
use crate::reply::Reply;

/// Header fields of a response that pages may read: they carry the session and the way to a token.
const EXPOSED: &str = "mcp-session-id, www-authenticate";

/// Header fields of a request that pages may send.
const ALLOWED: [&str; 8] = [
    "accept",
    "authorization",
    "content-type",
    "last-event-id",
    "mcp-method",
    "mcp-name",
    "mcp-protocol-version",
    "mcp-session-id",
];

/// The answer to a preflight of an allowed origin. `requested` is `Access-Control-Request-Headers`.
pub(super) fn preflight(origin: &str, requested: Option<&str>) -> Reply {
    let requested = requested.unwrap_or_default().split(',').map(|name| name.trim().to_ascii_lowercase());
    let allowed: Vec<String> =
        requested.filter(|name| ALLOWED.contains(&name.as_str()) || name.starts_with("mcp-param-")).collect();
    let headers = vec![
        ("access-control-allow-origin", origin.to_owned()),
        ("access-control-allow-methods", "GET, POST, DELETE".to_owned()),
        ("access-control-allow-headers", allowed.join(", ")),
        ("access-control-max-age", "600".to_owned()),
        ("vary", "origin".to_owned()),
    ];
    Reply { status: 204, headers, body: Vec::new(), details: "toolward_preflight".to_owned() }
}

/// The fields that let a page of this origin read a reply of the filter.
pub(super) fn reply_fields(origin: &str) -> [(&'static str, String); 3] {
    [
        ("access-control-allow-origin", origin.to_owned()),
        ("access-control-expose-headers", EXPOSED.to_owned()),
        ("vary", "origin".to_owned()),
    ]
}

/// The same for a response of the server. `vary` is the server's own value.
pub(super) fn response_effects(origin: &str, vary: Option<&[u8]>) -> Vec<Effect> {
    let mut effects: Vec<Effect> = reply_fields(origin)
        .into_iter()
        .map(|(name, value)| Effect::SetResponseHeader(name, value))
        .collect();
    let own = vary.and_then(|vary| std::str::from_utf8(vary).ok()).filter(|vary| !vary.trim().is_empty());
    if let (Some(own), Some(Effect::SetResponseHeader(_, value))) = (own, effects.last_mut()) {
        *value = format!("{own}, origin");
    }
    effects
}
