//! The condition language as a table of cases: conditions that hold, that do not, that err, and that do not compile.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "tests may stop at the first surprise"
)]

mod bounds;
mod cases;
mod mistakes;
mod numbers;

use policy_wasm::condition::{Fault, JsonFacts, Scope, compile, evaluate};

const FACTS: &str = r#"{
  "subject": {"id": "alice", "issuer": "https://id.acme.test", "groups": ["engineering", "on-call"], "roles": [],
    "claims": {"email": "alice@acme.test", "level": 3, "amr": ["pwd", "mfa"], "address": {"country": "DE"}}},
  "actors": [
    {"id": "agent:planner", "issuer": "https://id.acme.test", "type": "assistant", "labels": ["internal"]},
    {"id": "agent:search", "issuer": "https://agents.example", "labels": []}],
  "delegation": {"scopes": ["mcp:write"],
    "consent": {"id": "c1", "level": 1, "given_at": "2026-11-20T12:00:00Z", "expires_at": "2026-11-22T12:00:00Z"}},
  "server": {"id": "github.prod", "kind": "corporate", "environment": "prod", "labels": ["pci"]},
  "item": {"name": "merge", "kind": "tool", "tier": 1, "labels": ["vcs"]},
  "method": "tools/call", "now": "2026-11-21T14:30:15Z",
  "connection": {"tls": true, "source_address": "10.1.2.3"},
  "args": {"owner": "acme", "repo": "Web-\u0041pp", "percent": 25, "tenth": 0.1, "big": 9007199254740993,
    "exp": 1e3, "huge": 123456789012345678901234567890, "negative": -4, "on": true, "off": false, "nothing": null,
    "list": [1, 2.0, 3], "names": ["a", "b"], "empty": [], "mixed": [1, "x", null],
    "amount": {"value": 9999.99, "currency": "EUR"}, "when": "2026-11-21T14:00:00+01:00", "for": "90m",
    "strange key": 1, "Owner2": 1, "owner2": 2, "text": "naïve ✓ \"quoted\"", "items": [{"n": 1}, {"n": 2}]}
}"#;

fn scope() -> Scope {
    let mut scope = Scope::default();
    scope.issuers.insert("acme".to_owned(), "https://id.acme.test".to_owned());
    scope
}

fn asked(text: &str) -> Result<bool, Fault> {
    let code = compile(text, &scope()).unwrap_or_else(|mistakes| panic!("{text}: {mistakes:?}"));
    evaluate(&code, &JsonFacts::read(FACTS).unwrap())
}
