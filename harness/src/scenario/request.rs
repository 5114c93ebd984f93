//! Requests of clients: the defaults, the additions of revision 2026-07-28, and the concrete [`Request`].

use super::file::HttpVersion;
use super::http::{Answer, Fields, json_answer, pieces};
use super::{Exchange, Fixtures, Scenario, TokenPlan};
use anyhow::Context as _;
use serde_json::{Map, Value, json};

/// The current revision, whose requests carry `_meta` and mirrored headers.
const MODERN: &str = "2026-07-28";

/// A concrete request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: Vec<u8>,
    /// `Host` or `:authority`.
    pub authority: String,
    /// The version of the client's connection.
    pub http: HttpVersion,
    /// Header fields without the pseudo-headers and the body's framing (`content-length`, `transfer-encoding`).
    pub headers: Fields,
    /// The body; `None` ends the stream with the head.
    pub body: Option<Vec<u8>>,
    /// Offsets at which the body is cut.
    pub chunks: Vec<usize>,
    /// Trailers; with some, an HTTP/1.1 body is chunked.
    pub trailers: Fields,
}

impl Request {
    /// The body as it is sent, cut at [`Request::chunks`]; empty for no or an empty body.
    pub fn pieces(&self) -> Vec<&[u8]> {
        pieces(self.body.as_deref().unwrap_or_default(), &self.chunks)
    }
}

impl Scenario {
    /// The request of one exchange, as it is sent at `now` (Unix seconds, the exchange's own time).
    ///
    /// # Errors
    /// If the token cannot be minted, or there is no such exchange.
    pub fn request(&self, exchange: usize, now: u64, fixtures: &Fixtures) -> anyhow::Result<Request> {
        let plan = &self.exchanges.get(exchange).context("no such exchange")?.request;
        let token = match &plan.token {
            None => None,
            Some(TokenPlan::Raw(raw)) => Some(raw.clone()),
            Some(TokenPlan::Mint { key, header, claims, tamper }) => {
                let claims: Map<String, Value> =
                    claims.iter().map(|(name, value)| (name.clone(), at(value, now))).collect();
                Some(fixtures.mint(key, header, &claims, *tamper).context("token")?)
            }
        };
        let mut headers = Fields::new();
        for field in &plan.fields {
            match (field, &token) {
                (Some(field), _) => headers.push(field.clone()),
                (None, Some(token)) => {
                    headers.push(("authorization".to_owned(), format!("Bearer {token}").into_bytes()));
                }
                (None, None) => {}
            }
        }
        Ok(Request {
            method: plan.method.clone(),
            path: plan.path.clone(),
            authority: plan.authority.clone(),
            http: plan.http,
            headers,
            body: plan.body.clone(),
            chunks: plan.chunks.clone(),
            trailers: plan.trailers.clone(),
        })
    }
}

impl Exchange {
    /// The MCP server's response to this request: the scenario's, or the default one.
    pub fn answer_to(&self, request: &Request) -> Answer {
        if let Some(answer) = &self.upstream {
            return answer.clone();
        }
        match request.method.as_str() {
            "GET" => Answer {
                status: 200,
                headers: vec![("content-type".to_owned(), b"text/event-stream".to_vec())],
                body: b": open\n\n".to_vec(),
                ..Answer::default()
            },
            "POST" => {
                let body: Value =
                    serde_json::from_slice(request.body.as_deref().unwrap_or_default()).unwrap_or_default();
                match body.get("id") {
                    Some(id) => json_answer(200, &json!({"jsonrpc": "2.0", "id": id, "result": {}})),
                    None => Answer { status: 202, ..Answer::default() },
                }
            }
            _ => Answer { status: 200, ..Answer::default() },
        }
    }
}

/// `{"now": n}` becomes a time; objects and lists are looked into.
fn at(value: &Value, now: u64) -> Value {
    match value {
        Value::Object(object) => match object.get("now").and_then(Value::as_i64) {
            Some(seconds) if object.len() == 1 => json!(now.saturating_add_signed(seconds)),
            _ => object.iter().map(|(name, value)| (name.clone(), at(value, now))).collect(),
        },
        Value::Array(items) => items.iter().map(|item| at(item, now)).collect(),
        other => other.clone(),
    }
}

/// The header fields of a request that names none; `None` is the place of `authorization`.
pub(super) fn default_fields(method: &str) -> Vec<Option<(String, Vec<u8>)>> {
    [
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
        ("mcp-protocol-version", "2025-11-25"),
    ]
    .into_iter()
    .filter(|(name, _)| method == "POST" || *name != "content-type")
    .map(|(name, value)| Some((name.to_owned(), value.as_bytes().to_vec())))
    .chain(std::iter::once(None))
    .collect()
}

/// Removes the white space between tokens of JSON text. The tokens stay as written.
pub(super) fn compact(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let (mut in_string, mut escaped) = (false, false);
    for byte in text.bytes() {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
        } else if byte.is_ascii_whitespace() {
            continue;
        } else {
            in_string = byte == b'"';
        }
        out.push(byte);
    }
    out
}

/// Adds the parts that revision 2026-07-28 requires of a request (`params._meta`, `Mcp-Method`, `Mcp-Name`), unless they are
/// there already or among `added`, the names of `add_headers`.
pub(super) fn make_modern(
    body: &mut Option<Vec<u8>>,
    fields: &mut Vec<Option<(String, Vec<u8>)>>,
    added: &[&str],
) -> Result<(), String> {
    let mut message: Map<String, Value> = body
        .as_deref()
        .and_then(|body| serde_json::from_slice(body).ok())
        .ok_or("`modern` needs a JSON object as `body`")?;
    let method = message.get("method").and_then(Value::as_str).unwrap_or_default().to_owned();
    let params = message.entry("params").or_insert_with(|| json!({}));
    if let Some(params) = params.as_object_mut() {
        let meta = params.entry("_meta").or_insert_with(|| json!({}));
        if let Some(meta) = meta.as_object_mut() {
            for (name, value) in [
                ("protocolVersion", json!(MODERN)),
                ("clientInfo", json!({"name": "scenario", "version": "1"})),
                ("clientCapabilities", json!({})),
            ] {
                meta.entry(format!("io.modelcontextprotocol/{name}")).or_insert(value);
            }
        }
    }
    let mirrored = match method.as_str() {
        "tools/call" | "prompts/get" => params.get("name"),
        "resources/read" => params.get("uri"),
        "tasks/get" | "tasks/update" | "tasks/cancel" => params.get("taskId"),
        _ => None,
    }
    .and_then(Value::as_str)
    .map(str::to_owned);
    *body = Some(Value::Object(message).to_string().into_bytes());

    fields.retain(|field| {
        !matches!(field, Some((name, value)) if name == "mcp-protocol-version" && value == b"2025-11-25")
    });
    for (name, value) in [
        ("mcp-protocol-version", Some(MODERN.to_owned())),
        ("mcp-method", Some(method)),
        ("mcp-name", mirrored),
    ] {
        let there = added.contains(&name) || fields.iter().flatten().any(|(present, _)| present == name);
        if let (Some(value), false) = (value, there) {
            fields.push(Some((name.to_owned(), value.into_bytes())));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compact_leaves_strings_as_they_are() {
        assert_eq!(compact(r#"{ "a b" : [ 1.0 , "\" \\" ] }"#), br#"{"a b":[1.0,"\" \\"]}"#);
    }

    #[test]
    fn times_are_relative_wherever_they_stand() {
        assert_eq!(at(&json!({"x": [{"now": -5}]}), 100), json!({"x": [95]}));
        assert_eq!(at(&json!({"now": 1, "b": 2}), 100), json!({"now": 1, "b": 2}));
    }

    #[test]
    fn modern_mirrors_the_body_and_keeps_what_is_there() {
        let mut body = Some(br#"{"method":"tools/call","params":{"name":"x"}}"#.to_vec());
        let mut fields = default_fields("POST");
        make_modern(&mut body, &mut fields, &["mcp-name"]).unwrap();
        let fields: Vec<_> = fields.into_iter().flatten().collect();
        assert!(fields.contains(&("mcp-method".to_owned(), b"tools/call".to_vec())));
        assert!(fields.contains(&("mcp-protocol-version".to_owned(), MODERN.into())));
        assert!(!fields.iter().any(|(name, value)| name == "mcp-name" || value == b"2025-11-25"));
        assert!(
            String::from_utf8(body.unwrap())
                .unwrap()
                .contains(r#""io.modelcontextprotocol/protocolVersion":"2026-07-28""#)
        );
    }
}
