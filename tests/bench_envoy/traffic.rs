//! The one request of the benchmark: a `tools/call` of 500 bytes with an RS256 token, and the answer to it.

use crate::Outcome;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use harness::test_token::{SigningKey, jwks, mint};
use policy_wasm::compile::{Options, SourceFile, compile};
use serde_json::{Map, Value, json};
use std::path::Path;
use std::time::SystemTime;

/// Bytes of the call.
pub const BODY: usize = 500;
/// The token's issuer.
pub const ISSUER: &str = "https://id.acme.test";
/// The purpose of the token.
pub const RESOURCE: &str = "https://tools.acme.test/mcp/github";
/// The tool that is called.
pub const TOOL: &str = "search_code";
/// The group that lets the human call it.
pub const GROUP: &str = "engineering";

const ANSWER_BODY: &str =
    r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"3 matches"}],"isError":false}}"#;

/// Bytes on the wire, and the configurations of the filters.
pub struct Traffic {
    /// The whole request.
    pub request: Vec<u8>,
    /// The whole answer of the upstream.
    pub answer: Vec<u8>,
    /// Bytes of the token.
    pub token_bytes: usize,
    /// The key set.
    pub jwks: Value,
    /// Toolward's configuration.
    pub configuration: String,
}

impl Traffic {
    /// Mints the token, compiles the policy, writes the request down.
    pub fn new() -> Outcome<Traffic> {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
        let key = SigningKey::from_file(&tests.join("keys/acme-rs256.pem"))?;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
        let claims = json!({
            "iss": ISSUER, "sub": "u-alice", "aud": RESOURCE, "client_id": "https://agents.acme.test/planner.json",
            "act": {"sub": "agent:planner"}, "groups": [GROUP], "scope": "openid", "jti": "t-1",
            "iat": now - 60, "exp": now + 3000,
        });
        let claims = claims.as_object().cloned().unwrap_or_default();
        let token = mint(&key, &Map::new(), &claims);
        let body = call();
        let request = format!(
            "POST /mcp/github HTTP/1.1\r\nhost: tools.acme.test\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\naccept: application/json, text/event-stream\r\n\
             mcp-protocol-version: 2025-11-25\r\nuser-agent: bench/1\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{ANSWER_BODY}",
            ANSWER_BODY.len()
        );

        let name = "acme.yaml";
        let text = std::fs::read_to_string(tests.join("policies").join(name))?;
        let bundle = compile(&[SourceFile { name: name.to_owned(), text }], &Options::default())
            .map_err(|problems| problems.to_string())?;
        let jwks = jwks([&key]);
        let configuration = json!({
            "issuers": [{"issuer": ISSUER, "algorithms": ["RS256"], "jwks": jwks, "max_lifetime_seconds": 3600}],
            "bundle": {"base64": STANDARD.encode(bundle)},
            "checks": {"spicedb": {"cluster": "spicedb"}},
        });
        Ok(Traffic {
            request: request.into_bytes(),
            answer: answer.into_bytes(),
            token_bytes: token.len(),
            jwks,
            configuration: configuration.to_string(),
        })
    }

    /// The body of the upstream's answer.
    pub fn answer_body(&self) -> &'static [u8] {
        ANSWER_BODY.as_bytes()
    }
}

/// A call of exactly [`BODY`] bytes.
fn call() -> String {
    let of = |filler: &str| {
        json!({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {"name": TOOL, "arguments": {
                "query": filler, "owner": "acme", "repo": "web", "page": 1, "per_page": 30, "archived": false,
                "labels": ["bug", "help wanted"], "sort": {"by": "updated", "order": "desc"},
            }},
        })
        .to_string()
    };
    of(&"a".repeat(BODY.saturating_sub(of("").len())))
}
