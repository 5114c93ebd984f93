//! The decision that all engines take: may this human, through this agent, call this tool with these arguments?
//!
//! A policy of size `n` has `n` tools, `n` people with a grant each, one agent, and on every tool the condition
//! `amount <= 1000`. The call is that of the person in the middle, of the tool in the middle.

use policy_wasm::bundle::Bundle;
use policy_wasm::compile::{Options, SourceFile, compile};
use policy_wasm::decision::{Decision, Effect};
use policy_wasm::json::{self, Value};
use policy_wasm::model::{Action, Actor, ActorKind, Connection, Delegation, Identity, Request, Subject};
use policy_wasm::pdp;
use std::fmt::Write;

pub const ARGUMENTS: &[u8] = br#"{"amount":250,"currency":"EUR","to":"DE02"}"#;
const ISSUER: &str = "https://id.acme.test";

/// The policy in Toolward's language.
pub fn policy(n: u32) -> SourceFile {
    let mut text = format!(
        "policy: toolward/v1\nissuers: {{acme: \"{ISSUER}\"}}\nservers:\n  pay:\n    resource: https://tools.acme.test/pay\n    tools:\n"
    );
    for i in 0..n {
        let _ = writeln!(text, "      tool_{i}: {{tier: write, when: args.amount <= 1000}}");
    }
    text.push_str("grants:\n");
    for i in 0..n {
        let _ = writeln!(text, "  - {{id: g{i}, subjects: [{{id: user_{i}}}], servers: [pay], ceiling: write}}");
    }
    text.push_str("actors:\n  - {id: planner, subject: planner, ceiling: write}\n");
    SourceFile { name: "policy.yaml".to_owned(), text }
}

pub fn compiled(file: &SourceFile) -> Vec<u8> {
    compile(std::slice::from_ref(file), &Options::default()).expect("the policy compiles")
}

/// The person and the tool of the call.
pub fn names(n: u32) -> (String, String) {
    (format!("user_{}", n / 2), format!("tool_{}", n / 2))
}

/// The call, lent to `then`.
pub fn with_request<R>(n: u32, then: impl FnOnce(&Request<'_>) -> R) -> R {
    let (user, tool) = names(n);
    let arguments: Value<'_> = json::parse(ARGUMENTS, &json::Limits::default()).expect("valid JSON");
    let actors =
        [Actor { kind: ActorKind::Subject, identity: Identity { issuer: ISSUER, id: "planner" } }];
    let subject =
        Subject { identity: Identity { issuer: ISSUER, id: &user }, groups: &[], roles: &[], claims: None };
    let delegation = Delegation { subject, actors: &actors, clients: &[], scopes: &[], consent: None, leeway: 0 };
    then(&Request {
        delegation: &delegation,
        method: "tools/call",
        action: Action::CallTool { name: &tool, arguments: arguments.as_object(), definition: None },
        now: 1_795_000_000,
        connection: Connection::default(),
    })
}

pub fn evaluate(bundle: &Bundle, request: &Request<'_>) -> Decision {
    let server = bundle.server_at("tools.acme.test", "/pay").expect("the server is there");
    let decision = pdp::evaluate(bundle, server, request);
    assert_eq!(decision.effect(), Effect::Permit);
    decision
}

pub fn explain(bundle: &Bundle, request: &Request<'_>) -> usize {
    let server = bundle.server_at("tools.acme.test", "/pay").expect("the server is there");
    pdp::explain(bundle, server, request).layers.len()
}
