//! Each setting of one policy, changed by hand.

use crate::common::{NOW, bundle};
use policy_wasm::bundle::{Bundle, Trust, digest};
use policy_wasm::compile::{Options, SourceFile, compile};
use policy_wasm::query::{Diff, Paint, diff, diff_json, diff_text};

const POLICY: &str = r#"
policy: toolward/v1
organisation: acme
environments: [prod, dev]
issuers: {acme: "https://id.acme.test", partner: "https://id.partner.test"}
tiers: [read, write, destructive]
chain: {max_length: 3, trusted_issuers: [acme]}
consent: {required_from: destructive, reason_from: destructive, longest_life: 30d}
agent_types: {desktop: {server_kinds: [corporate, sensitive], ceiling: destructive}}
methods:
  elicitation/create: {effect: permit, urls: ["https://ask.acme.test/consent/"]}
servers:
  git:
    resource: https://tools.acme.test/git
    authorities: [tools.acme.test, "tools.acme.test:8443"]
    kind: corporate
    owner: platform
    labels: [code]
    revisions: ["2025-11-25"]
    scopes: {read: "git:read", write: "git:write"}
    tools:
      look: {tier: read, definition: "sha256:0000000000000000000000000000000000000000000000000000000000000001", record: {arguments: [repo]}}
      merge:
        tier: write
        labels: [grave]
        approval: {approvers: ["group:leads"], valid_for: 5m}
        checks: [{relation: writer, object: "repository:{args.owner}/{args.repo}"}]
        arguments: {repo: {max_length: 20}}
        versions:
          v1: {digest: "sha256:0000000000000000000000000000000000000000000000000000000000000002", deprecated_until: "2027-01-01"}
          v2: {digest: "sha256:0000000000000000000000000000000000000000000000000000000000000003"}
  notes: {resource: "https://tools.acme.test/notes", tools: {a: {tier: read}}}
grants:
  - {id: engineers, subjects: [{group: engineering, issuer: acme}], servers: [git], ceiling: destructive}
  - {id: night, subjects: [{role: oncall, issuer: acme}], ceiling: write, valid: {from: "2026-01-01"}, when: "connection.tls"}
actors:
  - {id: planner, subject: planner, issuer: acme, type: desktop, labels: [own], ceiling: destructive}
forbids:
  - {id: no-leads, subjects: [{group: leads, issuer: acme}], tools: [merge], servers: [git], when: "args.repo == \"core\""}
approvals:
  - {id: four-eyes, items: {labels: [grave]}, approvers: ["role:security"], valid_for: 10m}
budgets:
  - {id: hourly, items: {tier_from: write}, per: [subject], limit: 10, window: 1h}
"#;

fn changed(old: &str, new: &str) -> Diff {
    assert!(POLICY.contains(old), "the policy lacks `{old}`");
    diff(&bundle(POLICY), &bundle(&POLICY.replacen(old, new, 1)), None, NOW).unwrap()
}

/// Text of the policy, its replacement, and the reported setting with its values.
type Change<'c> = (&'c str, &'c str, &'c str, Option<&'c str>, Option<&'c str>);

const CHANGES: &[Change<'_>] = &[
    ("organisation: acme", "organisation: ajax", "organisation", Some("acme"), Some("ajax")),
    ("[prod, dev]", "[prod, dev, qa]", "environments", Some("[prod, dev]"), Some("[prod, dev, qa]")),
    (
        "partner: \"https://id.partner.test\"",
        "partner: \"https://id.other.test\"",
        "issuers.partner",
        Some("https://id.partner.test"),
        Some("https://id.other.test"),
    ),
    ("max_length: 3", "max_length: 2", "chain.max_length", Some("3"), Some("2")),
    (
        "trusted_issuers: [acme]",
        "trusted_issuers: [acme, partner]",
        "chain.trusted_issuers",
        Some("https://id.acme.test"),
        Some("https://id.acme.test, https://id.partner.test"),
    ),
    ("longest_life: 30d", "longest_life: 31d", "consent.longest_life", Some("2592000 s"), Some("2678400 s")),
    (
        "reason_from: destructive",
        "reason_from: write",
        "consent.reason_from",
        Some("destructive"),
        Some("write"),
    ),
    (
        "[corporate, sensitive], ceiling",
        "[corporate], ceiling",
        "agent_types.desktop.server_kinds",
        Some("[corporate, sensitive]"),
        Some("[corporate]"),
    ),
    (
        "[\"https://ask.acme.test/consent/\"]",
        "[\"https://ask.acme.test/\"]",
        "methods.elicitation/create.urls",
        Some("[https://ask.acme.test/consent/]"),
        Some("[https://ask.acme.test/]"),
    ),
    (
        "https://tools.acme.test/git",
        "https://tools.acme.test/git2",
        "servers.git.resource",
        Some("https://tools.acme.test/git"),
        Some("https://tools.acme.test/git2"),
    ),
    (
        "[tools.acme.test, \"tools.acme.test:8443\"]",
        "[tools.acme.test]",
        "servers.git.authorities",
        Some("[tools.acme.test, tools.acme.test:8443]"),
        Some("[tools.acme.test]"),
    ),
    ("owner: platform", "owner: security", "servers.git.owner", Some("platform"), Some("security")),
    (
        "revisions: [\"2025-11-25\"]",
        "revisions: [\"2025-11-25\", \"2026-07-28\"]",
        "servers.git.revisions",
        Some("[2025-11-25]"),
        Some("[2025-11-25, 2026-07-28]"),
    ),
    (
        "    scopes: {read: \"git:read\", write: \"git:write\"}\n",
        "",
        "servers.git.scopes.write",
        Some("git:write"),
        None,
    ),
    ("    revisions: [\"2025-11-25\"]\n", "", "servers.git.revisions", Some("[2025-11-25]"), None),
    (
        "definition: \"sha256:0000000000000000000000000000000000000000000000000000000000000001\", ",
        "",
        "servers.git.tools.look.definition",
        Some("sha256:0000000000000000000000000000000000000000000000000000000000000001"),
        None,
    ),
    (
        "0001\"",
        "0009\"",
        "servers.git.tools.look.definition",
        Some("sha256:0000000000000000000000000000000000000000000000000000000000000001"),
        Some("sha256:0000000000000000000000000000000000000000000000000000000000000009"),
    ),
    (
        "deprecated_until: \"2027-01-01\"",
        "deprecated_until: \"2027-02-01\"",
        "servers.git.tools.merge.versions.v1.deprecated_until",
        Some("2027-01-01T00:00:00Z"),
        Some("2027-02-01T00:00:00Z"),
    ),
    (
        "arguments: [repo]",
        "arguments: [repo, owner]",
        "servers.git.tools.look.record.arguments",
        Some("repo"),
        Some("owner, repo"),
    ),
    (
        "[\"group:leads\"], valid_for: 5m",
        "[\"group:leads\", \"group:all\"], valid_for: 5m",
        "servers.git.tools.merge.approval.approvers",
        Some("[group:leads]"),
        Some("[group:all, group:leads]"),
    ),
    (
        "valid_for: 5m",
        "valid_for: 30d",
        "servers.git.tools.merge.approval.valid_for",
        Some("300 s"),
        Some("2592000 s"),
    ),
    (
        "{args.owner}/{args.repo}",
        "{args.owner}/all",
        "servers.git.tools.merge.checks",
        Some("writer of repository:{args.owner}/{args.repo} for user:{subject.id}"),
        Some("writer of repository:{args.owner}/all for user:{subject.id}"),
    ),
    ("max_length: 20", "max_length: 21", "servers.git.tools.merge.arguments.repo", None, None),
    (
        "tools: [merge], servers: [git], ",
        "tools: [merge], servers: [git], mode: monitor, ",
        "forbids.no-leads.mode",
        None,
        Some("monitor"),
    ),
    (
        "args.repo == ",
        "args.repo != ",
        "forbids.no-leads.when",
        Some("args.repo == \"core\""),
        Some("args.repo != \"core\""),
    ),
    (
        "approvers: [\"role:security\"]",
        "approvers: [\"role:anybody\"]",
        "approvals.four-eyes.approvers",
        Some("[role:security]"),
        Some("[role:anybody]"),
    ),
    ("valid_for: 10m", "valid_for: 11m", "approvals.four-eyes.valid_for", Some("600 s"), Some("660 s")),
    ("limit: 10", "limit: 1000", "budgets.hourly.limit", Some("10"), Some("1000")),
    ("window: 1h", "window: 1s", "budgets.hourly.window", Some("3600 s"), Some("1 s")),
    ("per: [subject]", "per: [actor]", "budgets.hourly.per", Some("[subject]"), Some("[actor]")),
    (
        "tier_from: write",
        "tier_from: destructive",
        "budgets.hourly.items.tier_from",
        Some("write"),
        Some("destructive"),
    ),
    (
        "[{group: engineering, issuer: acme}]",
        "[{group: engineering, issuer: acme}, {id: u1, issuer: acme}]",
        "grants.engineers.subjects",
        Some("group engineering of acme"),
        Some("group engineering of acme, id u1 of acme"),
    ),
    (
        "ceiling: write, valid: {from: \"2026-01-01\"}",
        "ceiling: write, valid: {from: \"2026-01-02\"}",
        "grants.night.valid.from",
        Some("2026-01-01T00:00:00Z"),
        Some("2026-01-02T00:00:00Z"),
    ),
    ("labels: [own]", "labels: [foreign]", "actors.planner.labels", Some("[own]"), Some("[foreign]")),
];

#[test]
fn each_setting_is_reported_by_its_path_with_both_values() {
    for (old, new, name, before, after) in CHANGES {
        let found = changed(old, new);
        let setting = found.settings.iter().find(|setting| setting.name == *name);
        let setting =
            setting.unwrap_or_else(|| panic!("{old} → {new}: {name} is not among {:?}", found.settings));
        assert_ne!(setting.old, setting.new, "{name}");
        if before.is_some() || after.is_some() {
            assert_eq!((setting.old.as_deref(), setting.new.as_deref()), (*before, *after), "{name}");
        }
        let (text, json) = (diff_text(&found, Paint::Plain), diff_json(&found));
        assert!(text.contains(&format!("  {name}: ")), "{text}");
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert!(
            json["settings"].as_array().unwrap().iter().any(|setting| setting["name"] == *name),
            "{json}"
        );
    }
}

#[test]
fn an_added_or_removed_object_is_one_line() {
    let found =
        changed("  notes: {resource: \"https://tools.acme.test/notes\", tools: {a: {tier: read}}}\n", "");
    let names: Vec<&str> = found.settings.iter().map(|setting| setting.name.as_str()).collect();
    assert_eq!(names, ["servers.notes"]);
    let told = found.settings[0].old.as_deref().unwrap();
    assert!(told.contains("resource https://tools.acme.test/notes") && told.contains("1 entries"), "{told}");
    assert_eq!(found.settings[0].new, None);
    let found = changed("  - {id: hourly,", "  - {id: daily, limit: 5, window: 1d}\n  - {id: hourly,");
    assert_eq!(found.settings.len(), 1);
    assert_eq!(
        found.settings[0].new.as_deref(),
        Some("items entries of catalogues; limit 5; per []; window 86400 s")
    );
}

#[test]
fn settings_of_other_servers_are_counted() {
    let (old, new) = (bundle(POLICY), bundle(&POLICY.replacen("owner: platform", "owner: security", 1)));
    let found = diff(&old, &new, Some(&["notes".to_owned()]), NOW).unwrap();
    assert_eq!((found.settings.len(), found.elsewhere), (0, 1));
    assert!(diff_text(&found, Paint::Plain).contains("1 more settings change, of other servers"));
    let found = diff(&old, &new, Some(&["git".to_owned()]), NOW).unwrap();
    assert_eq!((found.settings.len(), found.elsewhere), (1, 0));
}

#[test]
fn a_new_release_alone_changes_nothing() {
    let options = |revision: &str, serial| Options {
        revision: Some(revision.to_owned()),
        serial: Some(serial),
        ..Options::default()
    };
    let file = SourceFile { name: "p".to_owned(), text: POLICY.to_owned() };
    let open = |options| {
        Bundle::open(compile(std::slice::from_ref(&file), &options).unwrap(), &Trust::digest_only()).unwrap()
    };
    let old = open(options("a", 1));
    for revision in ["a", "b", "much-longer-than-before", "acme", "look"] {
        let new = open(options(revision, 2));
        assert_eq!(old.differs_from(&new), Vec::<String>::new(), "{revision}");
        let found = diff(&old, &new, None, NOW).unwrap();
        assert!(found.settings.is_empty() && found.changes.is_empty(), "{revision}: {:?}", found.settings);
    }
}

/// No compiler writes these bundles. Every changed byte is reported.
#[test]
fn a_bundle_with_another_byte_is_another_bundle() {
    let bytes =
        compile(&[SourceFile { name: "p".into(), text: POLICY.into() }], &Options::default()).unwrap();
    let old = Bundle::open(bytes.clone(), &Trust::digest_only()).unwrap();
    let mut opened = 0;
    // The first record is the manifest, and its first string is the revision. Changes of its place in the heap are not
    // settings.
    let first = u32::from_le_bytes(bytes[84..88].try_into().unwrap()) as usize;
    for place in (80..bytes.len()).filter(|place| !(first..first + 8).contains(place)) {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        let sealed = digest(&changed);
        changed[48..80].copy_from_slice(&sealed);
        let Ok(new) = Bundle::open(changed, &Trust::digest_only()) else { continue };
        opened += 1;
        let found = diff(&old, &new, Some(&["no such server".to_owned()]), NOW).unwrap();
        assert!(found.elsewhere > 0 || !found.settings.is_empty(), "byte {place}");
    }
    assert!(opened > bytes.len() / 2, "{opened} of {} open", bytes.len());
}
