//! Evaluation, opening and compiling, with a small policy and one of 100,000 tools and 100,000 grants.
//!
//! `cargo bench -p policy-wasm --features compile`
#![allow(missing_docs, reason = "criterion's macros write public items")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark may stop at the first surprise")]

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use policy_wasm::bundle::{Bundle, Trust, Unverified};
use policy_wasm::compile::{Options, SourceFile, compile};
use policy_wasm::json;
use policy_wasm::model::{
    Action, Actor, ActorKind, Connection, Delegation, Identity, ItemKind, Request, Subject,
};
use policy_wasm::pdp::{Authority, evaluate};
use std::fmt::Write;
use std::hint::black_box;

const ISSUER: &str = "https://id.acme.test";

/// `size` tools, a grant for each of `size` people, 100 groups.
fn policy(size: u32) -> SourceFile {
    let mut text = format!("policy: toolward/v1\nissuers: {{acme: {ISSUER:?}}}\nservers:\n  github:\n");
    text.push_str(
        "    resource: https://tools.acme.test/mcp/github\n    scopes: {write: \"mcp:write\"}\n    tools:\n",
    );
    for tool in 0..size {
        writeln!(text, "      tool_{tool}: {{tier: write}}").unwrap();
    }
    text.push_str("      merge: {tier: write, checks: [{relation: writer, ");
    text.push_str("object: \"repository:{args.owner}/{args.repo}\"}]}\ngrants:\n");
    for user in 0..size {
        writeln!(text, "  - {{id: u{user}, subjects: [{{id: user-{user}}}], ceiling: read}}").unwrap();
    }
    for group in 0..100 {
        let id = format!("  - {{id: g{group}, subjects: [{{group: group-{group}}}], ");
        writeln!(text, "{id}servers: [github], ceiling: write}}").unwrap();
    }
    text.push_str("actors:\n  - {id: planner, subject: \"agent:planner\", ceiling: write}\n");
    SourceFile { name: "policy.yaml".to_owned(), text }
}

fn measure(criterion: &mut Criterion) {
    let groups: Vec<String> = (0..5).map(|group| format!("group-{group}")).collect();
    let scopes = vec!["openid".to_owned(), "mcp:write".to_owned()];
    let actors =
        [Actor { kind: ActorKind::Subject, identity: Identity { issuer: ISSUER, id: "agent:planner" } }];
    let identity = Identity { issuer: ISSUER, id: "user-7" };
    let subject = Subject { identity, groups: &groups, roles: &[], claims: None };
    let delegation = Delegation { subject, actors: &actors, scopes: &scopes, consent: None };
    let connection = Connection::default();
    let asked = |action| Request {
        delegation: &delegation,
        method: "tools/call",
        action,
        now: 1_795_262_400,
        connection,
    };
    let arguments =
        json::parse(br#"{"owner":"acme","repo":"tools","number":17}"#, &json::Limits::default()).unwrap();
    for size in [10, 100_000] {
        let file = policy(size);
        let bytes = compile(std::slice::from_ref(&file), &Options::default()).unwrap();
        let bundle = Bundle::open(bytes.clone(), &Trust::digest_only()).unwrap();
        let mut group = criterion.benchmark_group(format!("{size} tools and grants, {} bytes", bytes.len()));
        group.bench_function("server", |b| {
            b.iter(|| {
                bundle.server_at(black_box("tools.acme.test"), black_box("/mcp/github")).map(|s| s.index())
            });
        });
        let server = bundle.server(0).unwrap();
        for (name, tool) in [("call", "tool_7"), ("call with a check", "merge"), ("unknown tool", "tool_x")] {
            let action = Action::CallTool { name: tool, arguments: arguments.as_object(), definition: None };
            group.bench_function(name, |b| {
                b.iter(|| evaluate(&bundle, server, black_box(&asked(action))));
            });
        }
        let listed = asked(Action::UseServer);
        let authority = Authority::of(&bundle, server, &listed);
        group.bench_function("one tool of a list", |b| {
            b.iter(|| authority.visibility(ItemKind::Tool, black_box("tool_9")))
        });
        group.sample_size(10);
        group.bench_function("open", |b| {
            b.iter_batched(|| bytes.clone(), |bytes| Unverified::open(bytes).unwrap(), BatchSize::LargeInput);
        });
        group.bench_function("open and verify", |b| {
            let open = |bytes| Bundle::open(bytes, &Trust::digest_only()).unwrap();
            b.iter_batched(|| bytes.clone(), open, BatchSize::LargeInput);
        });
        group.bench_function("compile", |b| {
            b.iter(|| compile(std::slice::from_ref(&file), &Options::default()).unwrap().len());
        });
        group.finish();
    }
}

criterion_group!(benches, measure);
criterion_main!(benches);
