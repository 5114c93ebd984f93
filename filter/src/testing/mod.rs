//! The set-up that tests of the filter and its fuzz targets share: a configuration around a policy, tokens that it accepts,
//! and a proxy in memory.
//!
//! Behind the feature `testing`. The module that proxies load has nothing of it.
mod exchange;
mod host;

pub use exchange::{Answer, Answered, Proxied};
pub use host::{Deed, METHODS, TestHost};

use crate::config::Config;
use crate::crypto::{Algorithm, SignatureFailure, SignatureProvider};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ed25519_dalek::{Signer as _, SigningKey};
use policy_wasm::compile::{Options, SourceFile, compile};
use serde_json::{Value, json};
use std::rc::Rc;

/// The time of all tests, in seconds since the Unix epoch.
pub const NOW: u64 = 1_795_213_260;

/// The same in milliseconds.
pub const NOW_MS: u64 = NOW * 1000;

/// The resource of the one server.
pub const RESOURCE: &str = "https://tools.test/mcp";

/// A server with three tools, one human who may write, and one agent.
pub const POLICY: &str = r#"
policy: toolward/v1
issuers: {acme: https://id.test}
servers:
  code:
    resource: https://tools.test/mcp
    tools:
      look: {tier: read}
      edit: {tier: write, checks: [{relation: writer, object: "repo:{args.repo}"}]}
      wipe: {tier: destructive}
grants:
  - {id: alice, subjects: [{id: alice}], ceiling: write}
actors:
  - {id: planner, subject: planner, ceiling: write}
"#;

/// Verifies no signature. The filter itself verifies Ed25519.
pub struct NoSignatures;

impl SignatureProvider for NoSignatures {
    fn verify(&self, _: Algorithm, _: &[u8], _: &[u8], _: &[u8]) -> Result<(), SignatureFailure> {
        Err(SignatureFailure::Unavailable)
    }
}

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

/// The configuration of a policy. `more` adds keys beside the issuer and the bundle.
///
/// # Errors
/// The problems of the policy or of the configuration.
pub fn config(policy: &str, more: Value) -> Result<Config, String> {
    let file = SourceFile { name: "policy.yaml".into(), text: policy.into() };
    let bundle = compile(&[file], &Options::default()).map_err(|problems| problems.to_string())?;
    let x = URL_SAFE_NO_PAD.encode(key().verifying_key().as_bytes());
    let mut config = json!({
        "issuers": [{
            "issuer": "https://id.test",
            "algorithms": ["EdDSA"],
            "jwks": {"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "k", "alg": "EdDSA", "x": x}]}
        }],
        "bundle": {"base64": STANDARD.encode(bundle)},
    });
    if let (Value::Object(config), Value::Object(more)) = (&mut config, more) {
        config.extend(more);
    }
    Config::parse("test", config.to_string().as_bytes(), Rc::new(NoSignatures))
        .map_err(|problems| problems.to_string())
}

/// Keys of [`config`] for checks and a small body limit.
pub fn with_checks() -> Value {
    json!({
        "limits": {"max_body_bytes": 4096},
        "checks": {"spicedb": {"cluster": "spicedb", "authority": "spicedb", "timeout_ms": 100}}
    })
}

/// Keys of [`config`] for sealed ids.
pub fn with_sessions() -> Value {
    json!({"sessions": {"keys": [STANDARD.encode((0..32).collect::<Vec<u8>>())]}})
}

/// The claims of a token with which this agent acts for this subject.
pub fn claims(subject: &str, actor: &str) -> Value {
    json!({
        "iss": "https://id.test", "sub": subject, "aud": RESOURCE,
        "exp": NOW.saturating_add(300), "iat": NOW, "client_id": "app", "act": {"sub": actor}
    })
}

/// A token with these claims.
pub fn signed(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "k"})), part(claims));
    let signature = key().sign(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
}

/// Header fields that own their bytes.
pub type OwnedFields = Vec<(Vec<u8>, Vec<u8>)>;

/// Header fields from text.
pub fn fields<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> OwnedFields {
    fields.into_iter().map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec())).collect()
}

/// The head of a request to the server, as a proxy gives it, with a forged decision.
pub fn head(method: &str, path: &str, token: &str) -> OwnedFields {
    fields([
        (":method", method),
        (":path", path),
        (":authority", "tools.test"),
        ("authorization", &format!("Bearer {token}")),
        ("content-type", "application/json"),
        ("mcp-protocol-version", "2025-11-25"),
        ("x-toolward-decision", "permit"),
    ])
}

/// A call of a tool with these arguments, with the id 1.
pub fn call(tool: &str, arguments: &Value) -> Vec<u8> {
    let params = json!({"name": tool, "arguments": arguments});
    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).to_string().into_bytes()
}
