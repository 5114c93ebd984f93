//! Each lint fires where it should, and nowhere in a policy without mistakes.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may stop at the first surprise"
)]

use policy_wasm::compile::{Options, SourceFile, read};
use policy_wasm::lint::{LINTS, Lint, lint, quoted};
use policy_wasm::source::Problem;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// 2026-11-21T12:00:00Z.
const NOW: u64 = 1_795_262_400;

const CLEAN: &str = r#"policy: toolward/v1
not_after: "2027-01-01"
issuers: {acme: https://id.acme.test}
consent: {required_from: destructive, reason_from: destructive}
groups: {engineering: {issuer: acme}}
roles: {auditor: {issuer: acme}}
agent_types: {desktop: {server_kinds: [corporate, sensitive]}}
servers:
  github:
    resource: https://tools.acme.test/github
    kind: sensitive
    tools:
      search: {tier: read, definition: "sha256:0000000000000000000000000000000000000000000000000000000000000001"}
      merge: {tier: write, definition: "sha256:0000000000000000000000000000000000000000000000000000000000000002"}
      delete: {tier: destructive, labels: [grave], definition: "sha256:0000000000000000000000000000000000000000000000000000000000000003"}
grants:
  - {id: engineers, subjects: [{group: engineering}, {role: auditor}], servers: [github], ceiling: destructive}
actors:
  - {id: planner, subject: planner, type: desktop, servers: [github], ceiling: destructive}
forbids:
  - {id: grave, subjects: [{role: auditor}], items: {labels: [grave]}, valid: {until: "2026-12-01"}}
"#;

/// Lint, text of the clean policy, its replacement, and the finding with its line (0: the whole policy).
const CASES: &[(&str, &str, &str, u32)] = &[
    (
        "actor-without-grant",
        "servers: [github], ceiling: destructive}\nactors:",
        "servers: [github], actors: [{subject: planner}], ceiling: destructive}\nactors:\n  - {id: idle, subject: idle, type: desktop, ceiling: read}",
        19,
    ),
    (
        "consent-reason-alone",
        "required_from: destructive, reason_from: destructive",
        "required_from: destructive, reason_from: write",
        0,
    ),
    (
        "definition-expired",
        "merge: {tier: write, definition: \"sha256:0000000000000000000000000000000000000000000000000000000000000002\"}",
        "merge: {tier: write, versions: {v1: {digest: \"sha256:0000000000000000000000000000000000000000000000000000000000000002\", deprecated_until: \"2026-11-21\"}}}",
        14,
    ),
    (
        "definition-unpinned",
        "search: {tier: read, definition: \"sha256:0000000000000000000000000000000000000000000000000000000000000001\"}",
        "search: {tier: read}",
        9,
    ),
    (
        "forbid-shadowed",
        "forbids:",
        "forbids:\n  - {id: all, subjects: [{role: auditor}], items: {tier_from: read}}",
        22,
    ),
    (
        "grant-above-actors",
        "type: desktop, servers: [github], ceiling: destructive",
        "type: desktop, servers: [github], ceiling: write",
        17,
    ),
    (
        "grant-without-actor",
        "actors:",
        "  - {id: other, subjects: [{group: engineering}], servers: [github], actors: [{client: nobody}], ceiling: read}\nactors:",
        18,
    ),
    ("grant-without-consent", "consent: {required_from: destructive, reason_from: destructive}\n", "", 16),
    (
        "item-unreachable",
        "type: desktop, servers: [github], ceiling: destructive",
        "type: desktop, servers: [github], ceiling: write",
        15,
    ),
    ("monitor-mode", "items: {labels: [grave]},", "items: {labels: [grave]}, mode: monitor,", 21),
    ("name-above-tier", "search: {tier: read", "send: {tier: read", 13),
    (
        "rule-never-matches",
        "forbids:",
        "forbids:\n  - {id: none, items: {names: [search], labels: [grave]}}",
        21,
    ),
    ("server-unreachable", "server_kinds: [corporate, sensitive]", "server_kinds: [corporate]", 9),
    ("unused-agent-type", "{desktop: {", "{batch: {server_kinds: [corporate]}, desktop: {", 7),
    ("unused-catalogue", "servers:", "catalogues:\n  wiki: {tools: {look: {tier: read}}}\nservers:", 9),
    ("unused-label", "labels: [grave], def", "labels: [grave, old], def", 15),
    ("unused-label", "type: desktop, servers", "type: desktop, labels: [old], servers", 19),
    ("unused-issuer", "https://id.acme.test}", "https://id.acme.test, other: https://id.other.test}", 0),
    ("unused-name", "roles: {", "roles: {admin: {issuer: acme}, ", 6),
    (
        "uri-lookalike",
        "grants:",
        "    resources:\n      \"f:///a\": {tier: destructive}\n      \"f:///A/\": {tier: write}\ngrants:",
        17,
    ),
    ("uri-not-plain", "grants:", "    resources:\n      \"f:///a/../b\": {tier: write}\ngrants:", 17),
    (
        "uri-not-plain",
        "grants:",
        "    resource_templates:\n      \"f:///a//{b}\": {tier: write}\ngrants:",
        17,
    ),
    (
        "uri-not-plain",
        "grants:",
        "methods: {elicitation/create: {effect: permit, urls: [\"https://ask.acme.test/a/../b\"]}}\ngrants:",
        16,
    ),
    ("window-expired", "2026-12-01", "2026-11-21", 21),
    ("window-expired", "2027-01-01", "2026-11-21", 0),
];

/// Lint, text of the clean policy, and a replacement that resembles the mistake of the lint.
const NEAR_MISSES: &[(&str, &str, &str)] = &[
    (
        "actor-without-grant",
        "actors:",
        "actors:\n  - {id: idle, subject: idle, type: desktop, servers: [github], ceiling: read}",
    ),
    (
        "consent-reason-alone",
        "required_from: destructive, reason_from: destructive",
        "required_from: destructive",
    ),
    (
        "definition-expired",
        "definition: \"sha256:0000000000000000000000000000000000000000000000000000000000000002\"",
        "versions: {v1: {digest: \"sha256:0000000000000000000000000000000000000000000000000000000000000002\", deprecated_until: \"2026-11-21\"}, v2: {digest: \"sha256:0000000000000000000000000000000000000000000000000000000000000004\"}}",
    ),
    // Not pinned, and not at a sensitive server.
    (
        "definition-unpinned",
        "kind: sensitive\n    tools:\n      search: {tier: read, definition: \"sha256:0000000000000000000000000000000000000000000000000000000000000001\"}",
        "kind: corporate\n    tools:\n      search: {tier: read}",
    ),
    // The covering rule is in monitor mode, or limited in time.
    (
        "forbid-shadowed",
        "forbids:",
        "forbids:\n  - {id: all, subjects: [{role: auditor}], items: {tier_from: read}, mode: monitor}",
    ),
    (
        "forbid-shadowed",
        "forbids:",
        "forbids:\n  - {id: all, subjects: [{role: auditor}], items: {tier_from: read}, valid: {until: \"2026-11-30\"}}",
    ),
    (
        "forbid-shadowed",
        "forbids:",
        "forbids:\n  - {id: all, subjects: [{group: engineering}], items: {tier_from: read}}",
    ),
    // One of two agents reaches the ceiling.
    (
        "grant-above-actors",
        "actors:",
        "actors:\n  - {id: low, subject: low, type: desktop, servers: [github], ceiling: read}",
    ),
    (
        "grant-without-actor",
        "servers: [github], ceiling: destructive}\nactors:",
        "servers: [github], actors: [{subject: planner}], ceiling: destructive}\nactors:",
    ),
    ("grant-without-consent", "required_from: destructive, reason_from: destructive", "required_from: write"),
    ("item-unreachable", "search: {tier: read", "search: {tier: destructive"),
    ("monitor-mode", "items: {labels: [grave]},", "items: {labels: [grave]}, mode: enforce,"),
    ("name-above-tier", "search: {tier: read", "settings: {tier: read"),
    ("name-above-tier", "merge: {tier: write", "delete_branch: {tier: write"),
    ("rule-never-matches", "forbids:", "forbids:\n  - {id: none, items: {names: [delete], labels: [grave]}}"),
    ("server-unreachable", "server_kinds: [corporate, sensitive]", "server_kinds: [sensitive]"),
    (
        "unused-agent-type",
        "{desktop: {server_kinds: [corporate, sensitive]}}\nservers",
        "{desktop: {server_kinds: [corporate, sensitive], ceiling: destructive}}\nservers",
    ),
    (
        "unused-catalogue",
        "servers:\n  github:\n",
        "catalogues:\n  wiki: {tools: {look: {tier: read, definition: \"sha256:0000000000000000000000000000000000000000000000000000000000000004\"}}}\nservers:\n  github:\n    catalogue: wiki\n",
    ),
    ("unused-issuer", "roles: {auditor: {issuer: acme}}\n", ""),
    // Meant by a condition, by a budget, by a grant.
    (
        "unused-label",
        "labels: [grave], definition: \"sha256:0000000000000000000000000000000000000000000000000000000000000003\"}",
        "labels: [grave, old], when: \"!('old' in tool.labels)\", definition: \"sha256:0000000000000000000000000000000000000000000000000000000000000003\"}",
    ),
    (
        "unused-label",
        "labels: [grave], definition: \"sha256:0000000000000000000000000000000000000000000000000000000000000003\"}\n",
        "labels: [grave, dear], definition: \"sha256:0000000000000000000000000000000000000000000000000000000000000003\"}\nbudgets:\n  - {id: dear, items: {labels: [dear]}, per: [subject], limit: 1, window: 1h}\n",
    ),
    (
        "unused-label",
        "servers: [github], ceiling: destructive}\nactors:\n  - {id: planner,",
        "servers: [github], actors: [{label: known}], ceiling: destructive}\nactors:\n  - {id: planner, labels: [known],",
    ),
    // Meant by nothing but an approval.
    (
        "unused-name",
        "labels: [grave], definition",
        "labels: [grave], approval: {approvers: [role:lead], valid_for: 1h}, definition",
    ),
    (
        "uri-lookalike",
        "grants:",
        "    resources:\n      \"f:///a\": {tier: write}\n      \"f:///A\": {tier: write}\n      \"f:///b\": {tier: read}\ngrants:",
    ),
    (
        "uri-not-plain",
        "grants:",
        "    resources:\n      \"f:///a%20b/?x#y\": {tier: write}\n    resource_templates:\n      \"db://t/{row}/?x={x}\": {tier: write}\ngrants:",
    ),
    (
        "uri-not-plain",
        "grants:",
        "methods: {elicitation/create: {effect: permit, urls: [\"https://ask.acme.test/a/\"]}}\ngrants:",
    ),
    ("window-expired", "2026-12-01", "2026-11-22"),
    ("window-expired", "2027-01-01", "2026-11-22"),
];

#[test]
fn no_lint_fires_at_text_that_resembles_a_mistake() {
    let mut told = BTreeSet::new();
    for (code, text, instead) in NEAR_MISSES {
        assert!(CLEAN.contains(text), "{code}: the clean policy lacks `{text}`");
        let mut policy = CLEAN.replacen(text, instead, 1);
        if instead.contains("role:lead") {
            policy = policy.replace("roles: {", "roles: {lead: {issuer: acme}, ");
        }
        if *code == "unused-issuer" {
            policy = policy.replace("{role: auditor}, ", "").replace(", {role: auditor}", "");
            policy = policy.replace("{role: auditor}", "{group: engineering}");
        }
        let found = found(&policy);
        assert!(found.iter().all(|lint| lint.code != *code), "{code}: {found:?}");
        told.insert(*code);
    }
    let all: BTreeSet<_> = LINTS.iter().map(|(code, _)| *code).collect();
    assert_eq!(told, all, "every lint has a case");
}

fn found(text: &str) -> Vec<Lint> {
    let file = SourceFile { name: "policy.yaml".to_owned(), text: text.to_owned() };
    let policy = read(&[file], &Options::default()).unwrap_or_else(|problems| panic!("{text}\n{problems}"));
    lint(&policy, NOW)
}

#[test]
fn a_policy_without_mistakes_has_no_lints() {
    assert_eq!(found(CLEAN), []);
}

#[test]
fn each_lint_fires_at_its_place() {
    let mut fired = BTreeSet::new();
    for (code, text, instead, line) in CASES {
        assert!(CLEAN.contains(text), "{code}: the clean policy lacks `{text}`");
        // Names and issuers refer to the policy's only issuer, until there are two.
        let policy = CLEAN.replacen(text, instead, 1);
        let policy = if *code == "unused-issuer" {
            policy
                .replace("{group: engineering}", "{group: engineering, issuer: acme}")
                .replace("{role: auditor}", "{role: auditor, issuer: acme}")
                .replace("subject: planner,", "subject: planner, issuer: acme,")
        } else {
            policy
        };
        let found = found(&policy);
        let at = |lint: &&Lint| lint.code == *code && (lint.file.is_empty() == (*line == 0));
        let lint = found.iter().find(at).unwrap_or_else(|| panic!("{code} is not found, but {found:?}"));
        assert_eq!(lint.position.line, (*line).max(1), "{lint}");
        fired.insert(*code);
    }
    let all: BTreeSet<_> = LINTS.iter().map(|(code, _)| *code).collect();
    assert_eq!(fired, all, "every lint has a case");
}

#[test]
fn the_documentation_lists_every_lint() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/lints.md");
    let page = std::fs::read_to_string(page).unwrap();
    let documented: Vec<_> =
        page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | ")).collect();
    let documented: Vec<_> = documented
        .into_iter()
        .map(|(code, rest)| (code, rest.split_once(" | ").map_or(rest, |(what, _)| what)))
        .collect();
    assert_eq!(documented, LINTS);
}

#[test]
fn each_file_is_read_once_more_for_all_its_warnings() {
    let mut files = vec![SourceFile { name: "policy.yaml".to_owned(), text: CLEAN.to_owned() }];
    for number in 0..300 {
        let rules: String = (0..10)
            .map(|rule| format!("  - {{id: f{number}-{rule}, tools: [search], mode: monitor}}\n"))
            .collect();
        let text = format!("policy: toolward/v1\nforbids:\n{rules}");
        files.push(SourceFile { name: format!("{number}.yaml"), text });
    }
    let policy = read(&files, &Options::default()).unwrap_or_else(|problems| panic!("{problems}"));
    let lints = lint(&policy, NOW);
    assert!(lints.len() >= 3000, "{}", lints.len());
    let texts: BTreeMap<&str, &str> =
        files.iter().map(|file| (file.name.as_str(), file.text.as_str())).collect();
    let (asked, told) = (Cell::new(0), Cell::new(0));
    let found = quoted(
        &lints,
        |name| {
            asked.set(asked.get() + 1);
            texts.get(name).copied()
        },
        |lint| {
            told.set(told.get() + 1);
            Problem::new(&lint.file, lint.position, String::new(), lint.message.clone(), None)
        },
    );
    let with_lints: BTreeSet<&str> = lints.iter().map(|lint| lint.file.as_str()).collect();
    assert_eq!((asked.get(), told.get()), (with_lints.len(), lints.len()));
    for ((lint, problem), expected) in found.iter().zip(&lints) {
        assert_eq!((*lint, problem.position), (expected, expected.position));
        assert!(problem.excerpt.is_some(), "{lint}");
    }
}
