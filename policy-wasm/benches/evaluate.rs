//! Opening, evaluating, explaining, listing and compiling at 10, 1,000 and 100,000 users, tools and grants.
//!
//! `cargo bench -p policy-wasm --features compile,tools --bench evaluate`
#![allow(missing_docs, reason = "criterion's macros write public items")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark may stop at the first surprise")]

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use policy_wasm::bundle::{Bundle, Trust, Unverified};
use policy_wasm::compile::{Options, SourceFile, compile};
use policy_wasm::json;
use policy_wasm::model::{
    Action, Actor, ActorKind, Connection, Delegation, Identity, ItemKind, Request, Subject,
};
use policy_wasm::pdp::{Authority, evaluate, explain};
use std::fmt::Write;
use std::hint::black_box;

const ISSUER: &str = "https://id.acme.test";

/// `size` tools, a grant for each of `size` people, 100 groups; and a second server for rules that are not plain.
fn policy(size: u32) -> SourceFile {
    let mut text = format!("policy: toolward/v1\nissuers: {{acme: {ISSUER:?}}}\nservers:\n  github:\n");
    text.push_str(
        "    resource: https://tools.acme.test/mcp/github\n    scopes: {write: \"mcp:write\"}\n    tools:\n",
    );
    for tool in 0..size {
        writeln!(text, "      tool_{tool}: {{tier: write}}").unwrap();
    }
    text.push_str("      merge: {tier: write, checks: [{relation: writer, ");
    text.push_str("object: \"repository:{args.owner}/{args.repo}\"}]}\n");
    text.push_str("      pay: {tier: write, labels: [money]}\n");
    text.push_str("    resource_templates: {\"repo://{owner}/{repo}/{+path}\": {tier: read}}\ngrants:\n");
    for user in 0..size {
        writeln!(text, "  - {{id: u{user}, subjects: [{{id: user-{user}}}], ceiling: read}}").unwrap();
    }
    for group in 0..100 {
        let id = format!("  - {{id: g{group}, subjects: [{{group: group-{group}}}], ");
        writeln!(text, "{id}servers: [github], ceiling: write}}").unwrap();
    }
    text.push_str("actors:\n  - {id: planner, subject: \"agent:planner\", ceiling: write}\n");
    text.push_str("forbids:\n  - {id: strangers, subjects: [{group: strangers}], servers: [github]}\n");
    text.push_str("  - {id: christmas, items: {labels: [money]}, valid: {from: \"2026-12-24\"}}\n");
    text.push_str(
        "budgets:\n  - {id: payments, items: {labels: [money]}, per: [subject], limit: 5, window: 1h}\n",
    );
    SourceFile { name: "policy.yaml".to_owned(), text }
}

fn measure(criterion: &mut Criterion) {
    let groups: Vec<String> = (0..5).map(|group| format!("group-{group}")).collect();
    let scopes = vec!["openid".to_owned(), "mcp:write".to_owned()];
    let actors =
        [Actor { kind: ActorKind::Subject, identity: Identity { issuer: ISSUER, id: "agent:planner" } }];
    let identity = Identity { issuer: ISSUER, id: "user-7" };
    let subject = Subject { identity, groups: &groups, roles: &[], claims: None };
    let delegation =
        Delegation { subject, actors: &actors, clients: &[], scopes: &scopes, consent: None, leeway: 0 };
    let connection = Connection::default();
    let asked = |action| {
        let method = match action {
            Action::ReadResource { .. } => "resources/read",
            Action::UseServer => "tools/list",
            _ => "tools/call",
        };
        Request { delegation: &delegation, method, action, now: 1_795_262_400, connection }
    };
    let arguments =
        json::parse(br#"{"owner":"acme","repo":"tools","number":17}"#, &json::Limits::default()).unwrap();
    let arguments = arguments.as_object();
    let call = |name| Action::CallTool { name, arguments, definition: None };
    for size in [10, 1_000, 100_000] {
        let file = policy(size);
        let bytes = compile(std::slice::from_ref(&file), &Options::default()).unwrap();
        let bundle = Bundle::open(bytes.clone(), &Trust::digest_only()).unwrap();
        let mut group =
            criterion.benchmark_group(format!("{size} users, tools and grants, {} bytes", bytes.len()));
        group.bench_function("server", |b| {
            b.iter(|| {
                bundle.server_at(black_box("tools.acme.test"), black_box("/mcp/github")).map(|s| s.index())
            });
        });
        let server = bundle.server(0).unwrap();
        for (name, action) in [
            ("evaluate: plain", call("tool_7")),
            ("evaluate: check", call("merge")),
            ("evaluate: forbid, budget", call("pay")),
            ("evaluate: template", Action::ReadResource { uri: "repo://acme/tools/src/main.rs" }),
            ("evaluate: unknown tool", call("tool_x")),
            ("evaluate: list", Action::UseServer),
        ] {
            group.bench_function(name, |b| b.iter(|| evaluate(&bundle, server, black_box(&asked(action)))));
        }
        group.bench_function("explain", |b| {
            b.iter(|| explain(&bundle, server, black_box(&asked(call("tool_7")))));
        });
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
