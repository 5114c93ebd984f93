//! Two bundles that differ never give "0 changes", and what changes is named by its path in the policy.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests may stop at the first surprise"
)]

mod common;

use common::{NOW, bundle, model};
use policy_wasm::bundle::{Bundle, Trust, digest};
use policy_wasm::compile::{Options, SourceFile, compile, read_yaml, write};
use policy_wasm::policy::*;
use policy_wasm::query::{Diff, Paint, diff, diff_json, diff_text};
use policy_wasm::source::{Node, Problems, Value};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

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

/// What stands in the policy, what instead, and the setting that is told with its values.
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
fn each_setting_is_told_by_its_path_with_both_values() {
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
fn what_comes_or_goes_as_a_whole_is_one_line() {
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
fn a_release_alone_is_no_change() {
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

/// No server of this name: the settings are compared, and no decisions.
fn settings_alone(old: &Bundle, new: &Bundle) -> Diff {
    diff(old, new, Some(&["no such server".to_owned()]), NOW).unwrap()
}

/// Whether a line says what differs: with its name, and not merely that something does.
fn is_told(found: &Diff) -> bool {
    found.elsewhere > 0 || found.settings.iter().any(|setting| !setting.name.starts_with("bundle content"))
}

fn as_json(node: &Node<'_>) -> serde_json::Value {
    match &node.value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(value) => json!(value),
        Value::Number(text) => serde_json::from_str(text).unwrap_or_else(|_| json!(text)),
        Value::String(text) => json!(text),
        Value::List(list) => list.iter().map(as_json).collect(),
        Value::Map(map) => map.iter().map(|entry| (entry.key.to_string(), as_json(&entry.value))).collect(),
    }
}

fn places(value: &serde_json::Value, path: &str, out: &mut Vec<String>) {
    out.push(path.to_owned());
    let step = |key: &str| format!("{path}/{}", key.replace('~', "~0").replace('/', "~1"));
    match value {
        serde_json::Value::Array(list) => {
            list.iter().enumerate().for_each(|(at, value)| places(value, &step(&at.to_string()), out));
        }
        serde_json::Value::Object(map) => map.iter().for_each(|(key, value)| places(value, &step(key), out)),
        _ => {}
    }
}

/// Everything that one place can be changed to: another value, and nothing.
fn mutations(whole: &serde_json::Value, place: &str) -> Vec<serde_json::Value> {
    let mut values = Vec::new();
    match whole.pointer(place).unwrap() {
        serde_json::Value::String(text) => {
            for other in ["read", "destructive", "monitor", "48h", "deny"] {
                values.push(json!(other));
            }
            values.push(json!(format!("{text}x")));
        }
        serde_json::Value::Number(number) => {
            let number = number.as_i64().unwrap_or(5);
            values.extend([json!(number + 1), json!(number - 1), json!(1), json!(1_000_000)]);
        }
        serde_json::Value::Bool(value) => values.push(json!(!value)),
        serde_json::Value::Array(list) => {
            values.push(json!([]));
            values.push(list.iter().rev().skip(1).cloned().collect());
        }
        _ => {}
    }
    let put = |value: serde_json::Value| {
        let mut changed = whole.clone();
        *changed.pointer_mut(place).unwrap() = value;
        changed
    };
    let mut out: Vec<serde_json::Value> = values.into_iter().map(put).collect();
    if let Some((parent, key)) = place.rsplit_once('/') {
        let mut changed = whole.clone();
        match changed.pointer_mut(parent).unwrap() {
            serde_json::Value::Array(list) => drop(list.remove(key.parse().unwrap())),
            serde_json::Value::Object(map) => drop(map.remove(&key.replace("~1", "/").replace("~0", "~"))),
            _ => panic!("{parent}"),
        }
        out.push(changed);
    }
    out
}

/// Each scalar, list and key of the example policies in turn.
#[test]
fn a_change_of_anything_in_the_examples_is_told_by_name() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/policies");
    let (mut tried, mut differ) = (0, 0);
    for example in ["bank", "enterprise", "team"] {
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(folder.join(example)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if name.ends_with(".yaml") && !name.ends_with(".test.yaml") {
                let text = fs::read_to_string(&path).unwrap();
                files.insert(name.clone(), as_json(&read_yaml(&name, &text, &Problems::new()).unwrap()));
            }
        }
        let open = |files: &BTreeMap<String, serde_json::Value>| {
            let options = Options { revision: Some("r".to_owned()), ..Options::default() };
            let source = |(name, value): (&String, &serde_json::Value)| SourceFile {
                name: name.clone(),
                text: value.to_string(),
            };
            let bytes = compile(&files.iter().map(source).collect::<Vec<_>>(), &options).ok()?;
            Some(Bundle::open(bytes, &Trust::digest_only()).unwrap())
        };
        let old = open(&files).unwrap_or_else(|| panic!("{example} does not compile as JSON"));
        for (file, whole) in files.clone() {
            let mut all = Vec::new();
            places(&whole, "", &mut all);
            for place in all {
                for changed in mutations(&whole, &place) {
                    tried += 1;
                    files.insert(file.clone(), changed);
                    if let Some(new) = open(&files).filter(|new| !old.differs_from(new).is_empty()) {
                        differ += 1;
                        let found = settings_alone(&old, &new);
                        let parts = old.differs_from(&new);
                        assert!(
                            is_told(&found),
                            "{example}, {file}{place} = {:?}: {parts:?}",
                            files[&file].pointer(&place)
                        );
                    }
                }
            }
            files.insert(file, whole);
        }
    }
    assert!(tried > 2000 && differ > 500, "{tried} tried, {differ} bundles differ");
}

/// Puts one field of another policy into a policy. Every field of the model is named here, so that a new one must be.
fn splice(policy: &mut Policy, other: Policy, which: usize) -> bool {
    let mut at = 0;
    macro_rules! field {
        ($place:expr, $value:expr) => {
            if at == which {
                $place = $value;
                return true;
            }
            at += 1;
        };
    }
    let Policy {
        files: _,
        // What a release changes, and nothing else.
        revision: _,
        serial: _,
        not_after: _,
        organisation,
        environments,
        issuers,
        tiers,
        chain: ChainRules { max_length, trusted_issuers },
        consent: ConsentRules { required_from, longest_life, reason_from },
        declared: _,
        agent_types,
        methods,
        catalogues: _,
        servers,
        grants,
        actors,
        forbids,
        approvals,
        budgets,
    } = other;
    field!(policy.organisation, format!("{organisation}2"));
    field!(policy.environments, environments.into_iter().rev().collect());
    field!(policy.issuers, issuers.into_iter().map(|(short, id)| (format!("{short}2"), id)).collect());
    field!(policy.tiers, tiers.into_iter().map(|tier| format!("{tier}2")).collect());
    field!(policy.chain.max_length, max_length);
    field!(policy.chain.trusted_issuers, trusted_issuers);
    field!(policy.consent.required_from, required_from);
    field!(policy.consent.longest_life, longest_life);
    field!(policy.consent.reason_from, reason_from);
    field!(policy.methods, methods);
    for (mine, theirs) in policy.agent_types.values_mut().zip(agent_types.into_values()) {
        let AgentType { server_kinds, ceiling, origin: _ } = theirs;
        field!(mine.server_kinds, server_kinds);
        field!(mine.ceiling, ceiling);
    }
    for (mine, theirs) in
        policy.methods.values_mut().zip(servers.iter().flat_map(|server| server.methods.values()))
    {
        let MethodRule { permit, tier, when, urls, mode, origin: _ } = theirs.clone();
        field!(mine.permit, permit);
        field!(mine.tier, tier);
        field!(mine.when, when);
        field!(mine.urls, urls);
        field!(mine.mode, mode);
    }
    for (mine, theirs) in policy.servers.iter_mut().zip(servers) {
        let Server {
            id: _,
            resource,
            authorities,
            path,
            kind,
            owner,
            environment,
            labels,
            revisions,
            scopes,
            items,
            methods,
            mode,
            origin: _,
        } = theirs;
        field!(mine.resource, format!("{resource}/2"));
        field!(mine.authorities, authorities.into_iter().chain(["other.test".to_owned()]).collect());
        field!(mine.path, format!("{path}/2"));
        field!(mine.kind, kind);
        field!(mine.owner, format!("{owner}2"));
        field!(mine.environment, if environment == "dev" { "prod".to_owned() } else { environment });
        field!(mine.labels, labels);
        field!(
            mine.revisions,
            Some(revisions.unwrap_or_default().into_iter().chain(["2025-11-25".to_owned()]).collect())
        );
        field!(mine.scopes, scopes);
        field!(mine.methods, methods);
        field!(mine.mode, mode);
        for (mine, theirs) in mine.items.iter_mut().zip(items) {
            let Item {
                kind: _,
                name: _,
                tier,
                labels,
                definitions,
                approval,
                checks,
                when,
                param_headers,
                arguments,
                shown,
                mode,
                origin: _,
            } = theirs;
            field!(mine.tier, tier);
            field!(mine.labels, labels);
            field!(mine.definitions, definitions);
            field!(mine.approval, approval);
            field!(mine.checks, checks);
            field!(mine.when, when);
            field!(mine.param_headers, param_headers);
            field!(mine.arguments, arguments);
            field!(mine.shown, shown.into_iter().chain([vec!["more".to_owned(), "b".to_owned()]]).collect());
            field!(mine.mode, mode);
        }
    }
    for (mine, theirs) in policy.grants.iter_mut().zip(grants) {
        let Grant { id, subjects, actors, servers, ceiling, window, when, mode, origin: _ } = theirs;
        field!(mine.id, format!("{id}2"));
        field!(mine.subjects, subjects);
        field!(mine.actors, actors);
        field!(mine.servers, servers);
        field!(mine.ceiling, ceiling);
        field!(mine.window, window);
        field!(mine.when, when);
        field!(mine.mode, mode);
    }
    for (mine, theirs) in policy.actors.iter_mut().zip(actors) {
        let Actor { id, agent, agent_type, labels, servers, ceiling, window, origin: _ } = theirs;
        field!(mine.id, format!("{id}2"));
        field!(mine.agent, agent);
        field!(mine.agent_type, agent_type);
        field!(mine.labels, labels);
        field!(mine.servers, servers);
        field!(mine.ceiling, ceiling);
        field!(mine.window, window);
    }
    for (mine, theirs) in policy.forbids.iter_mut().zip(forbids) {
        let Forbid { id, subjects, actors, servers, items, methods, window, when, mode, origin: _ } = theirs;
        field!(mine.id, format!("{id}2"));
        field!(mine.subjects, subjects);
        field!(mine.actors, actors);
        field!(mine.servers, servers);
        field!(mine.items, items);
        field!(mine.methods, methods);
        field!(mine.window, window);
        field!(mine.when, when);
        field!(mine.mode, mode);
    }
    for (mine, theirs) in policy.approvals.iter_mut().zip(approvals) {
        let ApprovalRule { id, subjects, actors, servers, items, when, approval, mode, origin: _ } = theirs;
        let (Items { names, labels, tier_from }, Approval { approvers, valid_for }) = (items, approval);
        field!(mine.id, format!("{id}2"));
        field!(mine.subjects, subjects);
        field!(mine.actors, actors);
        field!(mine.servers, servers);
        field!(mine.items.names, names);
        field!(mine.items.labels, labels);
        field!(mine.items.tier_from, tier_from);
        field!(mine.when, when);
        field!(mine.approval.approvers, approvers);
        field!(mine.approval.valid_for, valid_for);
        field!(mine.mode, mode);
    }
    for (mine, theirs) in policy.budgets.iter_mut().zip(budgets) {
        let BudgetRule { id, subjects, actors, servers, items, per, limit, window, mode, origin: _ } = theirs;
        field!(mine.id, format!("{id}2"));
        field!(mine.subjects, subjects);
        field!(mine.actors, actors);
        field!(mine.servers, servers);
        field!(mine.items, items);
        field!(mine.per, per.into_iter().chain([policy_wasm::decision::BudgetKey::Item]).collect());
        field!(mine.limit, limit + 1);
        field!(mine.window, window + 1);
        field!(mine.mode, mode);
    }
    false
}

#[test]
fn a_change_of_one_thing_in_any_policy_is_told_by_name() {
    let mut runner = TestRunner::new(Config { cases: 16, failure_persistence: None, ..Config::default() });
    let (mut differ, mut unnamed) = (0, 0);
    let (differing, unexplained) = (&mut differ, &mut unnamed);
    let (differing, unexplained) = (std::cell::RefCell::new(differing), std::cell::RefCell::new(unexplained));
    runner
        .run(&(model::policy(), model::policy()), |(policy, other)| {
            let open = |policy: &Policy| Bundle::open(write(policy).unwrap(), &Trust::digest_only()).unwrap();
            let old = open(&policy);
            for which in 0.. {
                let mut changed = policy.clone();
                if !splice(&mut changed, other.clone(), which) {
                    break;
                }
                let new = open(&changed);
                let found = settings_alone(&old, &new);
                if old.differs_from(&new).is_empty() {
                    prop_assert_eq!(write(&policy).unwrap(), write(&changed).unwrap());
                    prop_assert!(!is_told(&found), "{:?}", found.settings);
                } else {
                    **differing.borrow_mut() += 1;
                    **unexplained.borrow_mut() += usize::from(!is_told(&found));
                    prop_assert!(found.elsewhere > 0 || !found.settings.is_empty());
                    prop_assert!(is_told(&found), "{:?}", old.differs_from(&new));
                }
            }
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
    assert!(differ > 500, "{differ} bundles differ");
}

/// Bundles that no compiler writes: whatever byte is another one, something is told.
#[test]
fn a_bundle_with_another_byte_is_another_bundle() {
    let bytes =
        compile(&[SourceFile { name: "p".into(), text: POLICY.into() }], &Options::default()).unwrap();
    let old = Bundle::open(bytes.clone(), &Trust::digest_only()).unwrap();
    let mut opened = 0;
    // The first record is the manifest, whose first string is the revision: where that stands is nothing that is said.
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
