//! Each lint fires where it should, and nowhere in a policy without mistakes.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may stop at the first surprise"
)]

use policy_wasm::compile::{Options, SourceFile, read};
use policy_wasm::lint::{LINTS, Lint, lint};
use std::collections::BTreeSet;
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
  - {id: grave, subjects: [{role: auditor}], tools: [delete], valid: {until: "2026-12-01"}}
"#;

/// Lint, text of the clean policy, what stands there instead, what is found on which line (0: the whole policy).
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
    ("monitor-mode", "tools: [delete],", "tools: [delete], mode: monitor,", 21),
    ("name-above-tier", "search: {tier: read", "send: {tier: read", 13),
    (
        "rule-never-matches",
        "forbids:",
        "forbids:\n  - {id: none, items: {names: [search], labels: [grave]}}",
        21,
    ),
    ("server-unreachable", "server_kinds: [corporate, sensitive]", "server_kinds: [corporate]", 9),
    ("unused-agent-type", "{desktop: {", "{batch: {server_kinds: [corporate]}, desktop: {", 7),
    ("unused-issuer", "https://id.acme.test}", "https://id.acme.test, other: https://id.other.test}", 0),
    ("unused-name", "roles: {", "roles: {admin: {issuer: acme}, ", 6),
    ("window-expired", "2026-12-01", "2026-11-21", 21),
    ("window-expired", "2027-01-01", "2026-11-21", 0),
];

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
