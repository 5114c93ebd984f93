//! Decisions of one policy, case by case: every reason, every kind of argument.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may stop at the first surprise"
)]

mod common;

use common::{Caller, bundle};
use policy_wasm::bundle::Bundle;
use policy_wasm::decision::DenyReason::{self, *};
use policy_wasm::decision::{Decision, Obligation, RelationCheck, Visibility};
use policy_wasm::json;
use policy_wasm::model::{Action, ActorKind, ItemKind};
use policy_wasm::pdp::{Authority, LayerName, Work, evaluate, evaluate_within, explain};

const POLICY: &str = r#"
policy: toolward/v1
revision: "r1"
organisation: acme
issuers: {acme: "https://id.acme.test", partner: "https://id.partner.test"}
chain: {max_length: 2}
servers:
  github:
    resource: https://tools.acme.test/mcp/github
    authorities: [tools.acme.test, "127.0.0.1:10000"]
    scopes: {write: "mcp:write", destructive: "mcp:admin"}
    owner: platform@acme.test
    tools:
      search_code: {tier: read}
      comment: {tier: write}
      delete_repository: {tier: destructive}
      merge_pull_request:
        tier: write
        checks:
          - relation: writer
            object: "repository:{args.owner}/{args.repo.name}"
  notes:
    resource: https://tools.acme.test/mcp/notes
    kind: personal
    tools:
      read_note: {tier: read, checks: [{relation: reader, object: "note:{args.id}", subject: "person:{subject.id}"}]}
grants:
  - {id: engineers, subjects: [{group: engineering, issuer: acme}], servers: [github], ceiling: write}
  - {id: admins, subjects: [{role: admin, issuer: acme}, {id: u-root, issuer: acme}], ceiling: destructive}
  - {id: readers, subjects: [{group: engineering, issuer: acme}], ceiling: read}
actors:
  - {id: planner, subject: "agent:planner", issuer: acme, ceiling: destructive}
  - {id: reader, subject: "agent:reader", issuer: acme, ceiling: read}
  - {id: app, client: "https://agents.acme.test/app.json", issuer: acme, servers: [github], ceiling: write}
"#;

fn caller(groups: &[&str], roles: &[&str], actors: &[&str], scopes: &[&str]) -> Caller {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let actor = |name: &&str| (ActorKind::Subject, "https://id.acme.test".to_owned(), (*name).to_owned());
    Caller {
        issuer: "https://id.acme.test".to_owned(),
        id: "alice".to_owned(),
        groups: owned(groups),
        roles: owned(roles),
        actors: actors.iter().map(actor).collect(),
        scopes: owned(scopes),
    }
}

fn engineer() -> Caller {
    caller(&["engineering"], &[], &["agent:planner"], &["mcp:write"])
}

fn decide_at(server: &str, caller: &Caller, tool: &str, arguments: &str) -> Decision {
    let bundle = bundle(POLICY);
    let server = bundle.servers().find(|candidate| candidate.id() == server).unwrap();
    let value = json::parse(arguments.as_bytes(), &json::Limits::default()).unwrap();
    let action = Action::CallTool { name: tool, arguments: value.as_object(), definition: None };
    caller.asks(action, |request| {
        let decision = evaluate(&bundle, server, request);
        let explained = explain(&bundle, server, request).decision;
        assert_eq!(explained.reasons.first(), decision.reasons.first());
        assert!(decision.reasons.iter().all(|reason| explained.reasons.contains(reason)));
        decision
    })
}

fn decide(caller: &Caller, tool: &str) -> Decision {
    decide_at("github", caller, tool, "{}")
}

fn reasons(decision: &Decision) -> Vec<DenyReason> {
    decision.reasons.iter().collect()
}

fn server_of(bundle: &Bundle) -> policy_wasm::bundle::Server<'_> {
    bundle.server_at("tools.acme.test", "/mcp/github").unwrap()
}

#[test]
fn servers_are_found_by_authority_without_case_and_exact_path() {
    let bundle = bundle(POLICY);
    let at = |authority, path| bundle.server_at(authority, path).map(|server| server.id());
    assert_eq!(at("Tools.ACME.test", "/mcp/github"), Some("github"));
    assert_eq!(at("127.0.0.1:10000", "/mcp/github"), Some("github"));
    assert_eq!(at("tools.acme.test", "/mcp/github?x=1"), Some("github"));
    assert_eq!(at("tools.acme.test", "/mcp/notes"), Some("notes"));
    for (authority, path) in [
        ("tools.acme.test:443", "/mcp/github"),
        ("127.0.0.1", "/mcp/github"),
        ("127.0.0.1:10000", "/mcp/notes"),
        ("tools.acme.test", "/mcp/GitHub"),
        ("tools.acme.test", "/mcp/github/"),
        ("tools.acme.test", "/mcp/github/x"),
        ("tools.acme.test", ""),
        ("", "/mcp/github"),
        ("tools.acme.test/mcp", "/github"),
    ] {
        assert_eq!(at(authority, path), None, "{authority}{path}");
    }
}

#[test]
fn a_server_has_the_fields_of_the_policy() {
    let bundle = bundle(POLICY);
    let server = server_of(&bundle);
    assert_eq!((server.id(), server.kind(), server.owner()), ("github", "corporate", "platform@acme.test"));
    assert_eq!((server.resource(), server.path()), ("https://tools.acme.test/mcp/github", "/mcp/github"));
    assert_eq!(server.scopes().collect::<Vec<_>>(), ["mcp:write", "mcp:admin"]);
    assert_eq!(bundle.server(server.index()).unwrap().id(), "github");
    assert_eq!((bundle.revision(), bundle.organisation().unwrap(), bundle.max_chain()), ("r1", "acme", 2));
    assert_eq!(bundle.counts(), (2, 5, 6));
}

#[test]
fn a_call_within_every_ceiling_is_permitted() {
    let decision = decide(&engineer(), "comment");
    assert!(decision.reasons.is_empty(), "{decision:?}");
    assert_eq!((decision.tier.as_deref(), decision.ceiling.as_deref()), (Some("write"), Some("write")));
    assert!(decision.obligations.is_empty());
}

#[test]
fn the_highest_grant_counts_and_the_lowest_actor() {
    let both = caller(&["engineering"], &["admin"], &["agent:planner"], &["mcp:admin"]);
    assert!(decide(&both, "delete_repository").reasons.is_empty());
    let narrowed = caller(&["engineering"], &["admin"], &["agent:planner", "agent:reader"], &["mcp:admin"]);
    assert_eq!(reasons(&decide(&narrowed, "delete_repository")), [TierAboveActor]);
    assert!(decide(&narrowed, "search_code").reasons.is_empty());
}

#[test]
fn each_reason_has_its_case() {
    let nobody = caller(&[], &[], &["agent:planner"], &["mcp:write"]);
    assert_eq!(reasons(&decide(&nobody, "comment")), [SubjectNotGranted]);
    let no_actor = caller(&["engineering"], &[], &[], &["mcp:write"]);
    assert_eq!(reasons(&decide(&no_actor, "comment")), [ActorMissing]);
    let stranger = caller(&["engineering"], &[], &["agent:planner", "agent:x"], &["mcp:write"]);
    assert_eq!(reasons(&decide(&stranger, "comment")), [ActorUnknown]);
    let long = caller(&["engineering"], &[], &["agent:planner"; 3], &["mcp:write"]);
    assert_eq!(reasons(&decide(&long, "comment")), [ChainTooLong]);
    assert_eq!(reasons(&decide(&engineer(), "Comment")), [ToolUnknown]);
    assert_eq!(reasons(&decide(&engineer(), "read_note")), [ToolUnknown]);
    assert_eq!(reasons(&decide(&engineer(), "delete_repository")), [TierAboveSubject, ScopeInsufficient]);
    assert_eq!(decide(&engineer(), "delete_repository").scope_needed.as_deref(), Some("mcp:admin"));
    assert_eq!(reasons(&decide(&engineer(), "merge_pull_request")), [ArgumentMissing]);
}

#[test]
fn all_reasons_are_reported() {
    let nobody = caller(&[], &[], &["agent:x", "agent:y", "agent:z"], &[]);
    assert_eq!(
        reasons(&decide(&nobody, "merge_pull_request")),
        [ChainTooLong, SubjectNotGranted, ActorUnknown, ScopeInsufficient]
    );
    // Arguments are looked at for those who could be permitted, and for explanations.
    let bundle = bundle(POLICY);
    let action = Action::CallTool { name: "merge_pull_request", arguments: None, definition: None };
    let explained = nobody.asks(action, |request| explain(&bundle, server_of(&bundle), request));
    assert!(explained.decision.reasons.contains(ArgumentMissing));
}

#[test]
fn the_same_name_from_another_issuer_is_another_identity() {
    let mut other = engineer();
    other.issuer = "https://id.partner.test".to_owned();
    assert_eq!(reasons(&decide(&other, "comment")), [ActorUntrusted, SubjectNotGranted]);
    other.actors[0].1 = "https://id.partner.test".to_owned();
    assert_eq!(reasons(&decide(&other, "comment")), [SubjectNotGranted, ActorUnknown]);
    let mut other = engineer();
    other.actors[0].1 = "https://id.partner.test".to_owned();
    assert_eq!(reasons(&decide(&other, "comment")), [ActorUntrusted, ActorUnknown]);
}

#[test]
fn clients_and_act_subjects_are_apart() {
    let app = "https://agents.acme.test/app.json";
    let mut client = engineer();
    client.actors[0] = (ActorKind::Client, "https://id.acme.test".to_owned(), app.to_owned());
    assert!(decide(&client, "comment").reasons.is_empty());
    client.actors[0].0 = ActorKind::Subject;
    assert_eq!(reasons(&decide(&client, "comment")), [ActorUnknown]);
    client.actors[0] = (ActorKind::Client, "https://id.acme.test".to_owned(), "agent:planner".to_owned());
    assert_eq!(reasons(&decide(&client, "comment")), [ActorUnknown]);
}

#[test]
fn ids_groups_and_roles_are_apart() {
    for (group, role) in [("admin", "x"), ("u-root", "x"), ("x", "u-root"), ("x", "engineering")] {
        let caller = caller(&[group], &[role], &["agent:planner"], &["mcp:write"]);
        assert_eq!(reasons(&decide(&caller, "comment")), [SubjectNotGranted], "{group} {role}");
    }
    let mut root = caller(&[], &[], &["agent:planner"], &["mcp:admin"]);
    root.id = "u-root".to_owned();
    assert!(decide(&root, "delete_repository").reasons.is_empty());
}

#[test]
fn scopes_of_a_higher_tier_are_enough_and_lower_tiers_need_none() {
    let with = |scopes: &[&str]| caller(&[], &["admin"], &["agent:planner"], scopes);
    assert!(decide(&with(&[]), "search_code").reasons.is_empty());
    assert_eq!(reasons(&decide(&with(&[]), "comment")), [ScopeInsufficient]);
    assert_eq!(decide(&with(&[]), "comment").scope_needed.as_deref(), Some("mcp:write"));
    assert!(decide(&with(&["mcp:admin"]), "comment").reasons.is_empty());
    assert_eq!(reasons(&decide(&with(&["mcp:write"]), "delete_repository")), [ScopeInsufficient]);
    assert_eq!(reasons(&decide(&with(&["MCP:WRITE", "mcp"]), "comment")), [ScopeInsufficient]);
}

#[test]
fn using_a_server_needs_a_grant_and_known_actors_only() {
    let bundle = bundle(POLICY);
    let decide = |server: &str, caller: &Caller| {
        let server = bundle.servers().find(|candidate| candidate.id() == server).unwrap();
        caller.asks(Action::UseServer, |request| evaluate(&bundle, server, request))
    };
    let none = caller(&["engineering"], &[], &["agent:reader"], &[]);
    let decision = decide("github", &none);
    assert!(decision.reasons.is_empty());
    assert_eq!((decision.tier, decision.ceiling.as_deref()), (None, Some("read")));
    assert_eq!(reasons(&decide("github", &caller(&[], &[], &["agent:reader"], &[]))), [SubjectNotGranted]);
    let mut app = none.clone();
    app.actors[0] = (
        ActorKind::Client,
        "https://id.acme.test".to_owned(),
        "https://agents.acme.test/app.json".to_owned(),
    );
    assert!(decide("github", &app).reasons.is_empty());
    assert_eq!(reasons(&decide("notes", &app)), [ActorUnknown]);
}

#[test]
fn checks_become_obligations_with_arguments_filled_in() {
    let arguments = r#"{"owner":"acme","repo":{"name":"to\u006fls"},"other":[1,2]}"#;
    let decision = decide_at("github", &engineer(), "merge_pull_request", arguments);
    assert!(decision.reasons.is_empty(), "{decision:?}");
    let check = RelationCheck {
        relation: "writer".to_owned(),
        object_type: "repository".to_owned(),
        object_id: "acme/tools".to_owned(),
        subject_type: "user".to_owned(),
        subject_id: "alice".to_owned(),
    };
    assert_eq!(decision.obligations, [Obligation::Check(check)]);
}

#[test]
fn a_denial_carries_no_obligation() {
    let mut caller = engineer();
    caller.scopes.clear();
    let decision =
        decide_at("github", &caller, "merge_pull_request", r#"{"owner":"acme","repo":{"name":"tools"}}"#);
    assert_eq!(reasons(&decision), [ScopeInsufficient]);
    assert!(decision.obligations.is_empty());
}

fn note(id: &str) -> Result<String, DenyReason> {
    let decision = decide_at("notes", &engineer(), "read_note", &format!("{{\"id\":{id}}}"));
    match decision.obligations.as_slice() {
        [Obligation::Check(check)] => Ok(check.object_id.clone()),
        _ => Err(decision.reasons.first().unwrap()),
    }
}

#[test]
fn strings_whole_numbers_and_booleans_fill_templates() {
    for (argument, expected) in [
        ("\"n1\"", "n1"),
        ("\"a/b\"", "a/b"),
        ("\"caf\u{e9}\"", "caf\u{e9}"),
        ("\"...\"", "..."),
        ("7", "7"),
        ("-7", "-7"),
        ("9007199254740991", "9007199254740991"),
        ("true", "true"),
        ("false", "false"),
    ] {
        assert_eq!(note(argument).as_deref(), Ok(expected), "{argument}");
    }
    assert!(note(&format!("\"{}\"", "x".repeat(256))).is_ok());
}

#[test]
fn arguments_that_two_readers_could_take_differently_are_unusable() {
    let long = format!("\"{}\"", "x".repeat(257));
    for argument in [
        "\"\"",
        "1.5",
        "1.0",
        "1e3",
        "9007199254740993",
        "[\"a\"]",
        "{\"a\":1}",
        "\"a b\"",
        "\"a\\nb\"",
        "\"a\\u0000\"",
        "\"a\u{a0}b\"",
        "\"*\"",
        "\"a*\"",
        "\"a#b\"",
        "\"a:b\"",
        "\"{a}\"",
        "\"a}\"",
        "\".\"",
        "\"..\"",
        "\"a/../b\"",
        "\"./a\"",
        "\"a%2fb\"",
        "\"a?b\"",
        "\"a\\\\b\"",
        &long,
    ] {
        assert_eq!(note(argument), Err(ArgumentUnusable), "{argument}");
    }
    assert_eq!(note("null"), Err(ArgumentMissing));
}

#[test]
fn a_value_cannot_pass_for_two() {
    for arguments in [r#"{"owner":"a/b","repo":{"name":"c"}}"#, r#"{"owner":"a","repo":{"name":"b/c"}}"#] {
        let decision = decide_at("github", &engineer(), "merge_pull_request", arguments);
        assert_eq!(reasons(&decision), [ArgumentUnusable], "{arguments}");
    }
}

#[test]
fn a_key_that_resembles_the_one_looked_up_makes_it_unusable() {
    for arguments in [
        r#"{"owner":"a","Owner":"b","repo":{"name":"c"}}"#,
        r#"{"Owner":"b","owner":"a","repo":{"name":"c"}}"#,
        r#"{"OWNER":"b","repo":{"name":"c"}}"#,
        r#"{"owner":"a","repo":{"name":"c","na\u0000me":"d"}}"#,
        r#"{"owner":"a","repo":{"name":"c"},"Repo":{}}"#,
    ] {
        let decision = decide_at("github", &engineer(), "merge_pull_request", arguments);
        assert_eq!(reasons(&decision), [ArgumentUnusable], "{arguments}");
    }
}

#[test]
fn a_path_that_leads_nowhere_is_missing_and_one_through_a_string_unusable() {
    for (arguments, expected) in [
        ("{}", vec![ArgumentMissing]),
        (r#"{"owner":"a"}"#, vec![ArgumentMissing]),
        (r#"{"owner":"a","repo":{}}"#, vec![ArgumentMissing]),
        (r#"{"owner":"a","repo":null}"#, vec![ArgumentMissing]),
        (r#"{"owner":"a","repo":"b"}"#, vec![ArgumentUnusable]),
        (r#"{"owner":null,"repo":["name"]}"#, vec![ArgumentMissing, ArgumentUnusable]),
    ] {
        assert_eq!(reasons(&decide_at("github", &engineer(), "merge_pull_request", arguments)), expected);
    }
    let bundle = bundle(POLICY);
    let action = Action::CallTool { name: "merge_pull_request", arguments: None, definition: None };
    let decision = engineer().asks(action, |request| evaluate(&bundle, server_of(&bundle), request));
    assert_eq!(reasons(&decision), [ArgumentMissing]);
}

#[test]
fn a_subject_that_an_engine_could_take_for_a_wildcard_is_unusable() {
    for id in ["*", "a b", "user:x", "a#b"] {
        let mut caller = engineer();
        caller.id = id.to_owned();
        assert_eq!(
            reasons(&decide_at("notes", &caller, "read_note", "{\"id\":1}")),
            [ArgumentUnusable],
            "{id}"
        );
    }
}

#[test]
fn lists_show_items_that_could_be_called() {
    let bundle = bundle(POLICY);
    engineer().asks(Action::UseServer, |request| {
        let authority = Authority::of(&bundle, server_of(&bundle), request);
        assert_eq!(authority.visibility(ItemKind::Tool, "search_code"), Visibility::Permit);
        assert_eq!(authority.visibility(ItemKind::Tool, "merge_pull_request"), Visibility::Conditional);
        assert_eq!(authority.visibility(ItemKind::Tool, "delete_repository"), Visibility::Deny);
        assert_eq!(authority.visibility(ItemKind::Tool, "unknown"), Visibility::Deny);
    });
}

#[test]
fn a_server_of_another_bundle_is_denied() {
    let (one, two) = (bundle(POLICY), bundle(POLICY));
    let decision = engineer().asks(Action::UseServer, |request| evaluate(&one, server_of(&two), request));
    assert!(decision.reasons.contains(PolicyUnreadable));
}

#[test]
fn an_explanation_names_layers_rules_and_deciding_facts() {
    let bundle = bundle(POLICY);
    let action = Action::CallTool { name: "delete_repository", arguments: None, definition: None };
    let explanation = engineer().asks(action, |request| explain(&bundle, server_of(&bundle), request));
    let layer = |name: LayerName| explanation.layers.iter().find(|layer| layer.name == name).unwrap();
    let subject = layer(LayerName::Subject);
    let decided = subject.facts.iter().find(|fact| fact.decided).unwrap();
    assert_eq!(decided.what, "group `engineering`");
    assert_eq!(decided.rule.as_ref().unwrap().to_string(), "grant `engineers`");
    assert_eq!(decided.tier.as_deref(), Some("write"));
    assert_eq!(layer(LayerName::Actors).facts[0].rule.as_ref().unwrap().to_string(), "actor `planner`");
    assert_eq!(layer(LayerName::Tiers).reasons.iter().collect::<Vec<_>>(), [TierAboveSubject]);
    assert_eq!(layer(LayerName::Scopes).reasons.iter().collect::<Vec<_>>(), [ScopeInsufficient]);
    assert_eq!(layer(LayerName::Scopes).facts[0].what, "scope `mcp:admin` or one of a higher tier");
}

/// One tool with 1,000 forbids that look through a list, and an entry for each of 1,000 tools that looks at groups.
fn laborious() -> Bundle {
    let mut text = "policy: toolward/v1\nissuers: {acme: \"https://id.acme.test\"}\nservers:\n  s:\n    \
                    resource: https://tools.acme.test/mcp/s\n    tools:\n      t: {tier: read}\n"
        .to_owned();
    for number in 0..1000 {
        text.push_str(&format!(
            "      t{number}: {{tier: read, when: '!(\"g{number}\" in subject.groups)'}}\n"
        ));
    }
    text.push_str("grants: [{id: g, subjects: [{id: alice}], ceiling: read}]\n");
    text.push_str("actors: [{id: planner, subject: \"agent:planner\", ceiling: read}]\nforbids:\n");
    for number in 0..1000 {
        text.push_str(&format!(
            "  - {{id: f{number}, tools: [t], when: 'args.list.exists(x, x == \"{number}!\")'}}\n"
        ));
    }
    bundle(&text)
}

#[test]
fn all_conditions_of_a_decision_share_one_bound_on_work() {
    let bundle = laborious();
    let server = bundle.servers().next().unwrap();
    let megabyte = format!("{{\"list\":[{}]}}", vec!["\"aaaaaaaaaaaaaa\""; 60_000].join(","));
    let value = json::parse(megabyte.as_bytes(), &json::Limits::default()).unwrap();
    let action = Action::CallTool { name: "t", arguments: value.as_object(), definition: None };
    let work = Work::default();
    let decide = |caller: &Caller| {
        let decision = caller.asks(action, |request| evaluate_within(&bundle, server, request, &work));
        let explained = caller.asks(action, |request| explain(&bundle, server, request)).decision;
        assert_eq!(
            (explained.effect(), explained.reasons.first()),
            (decision.effect(), decision.reasons.first())
        );
        reasons(&decision)
    };
    // A caller who is denied anyway does not cause conditions on arguments to run.
    let stranger = Caller { id: "mallory".to_owned(), ..engineer() };
    assert_eq!(decide(&stranger), [SubjectNotGranted]);
    assert_eq!(decide(&caller(&[], &[], &["agent:other"], &[])), [ActorUnknown]);
    assert_eq!(work.left(), Work::MOST);
    // Others make it work for as long as one decision may take, and no longer.
    assert_eq!(decide(&engineer()), [WorkExceeded]);
    assert_eq!(work.left(), 0);
    // All messages of a batch share the same work.
    let small = json::parse(b"{\"list\":[]}", &json::Limits::default()).unwrap();
    let action = Action::CallTool { name: "t", arguments: small.as_object(), definition: None };
    let again = engineer().asks(action, |request| evaluate_within(&bundle, server, request, &work));
    assert_eq!(reasons(&again), [WorkExceeded]);
    assert_eq!(reasons(&engineer().asks(action, |request| evaluate(&bundle, server, request))), []);
}

#[test]
fn all_entries_of_a_list_share_one_bound_on_work() {
    let bundle = laborious();
    let server = bundle.servers().next().unwrap();
    let mut many = engineer();
    many.groups = (0..3000).map(|number| format!("h{number}")).collect();
    let shown = |caller: &Caller, work: &Work| {
        caller.asks(Action::UseServer, |request| {
            let authority = Authority::within(&bundle, server, request, work);
            let tools = (0..1000).map(|number| authority.visibility(ItemKind::Tool, &format!("t{number}")));
            tools.filter(|shown| *shown != Visibility::Deny).count()
        })
    };
    let work = Work::default();
    assert_eq!(shown(&engineer(), &work), 1000);
    assert!(work.left() > Work::MOST / 2, "{} steps", Work::MOST - work.left());
    let work = Work::default();
    let count = shown(&many, &work);
    assert!(count > 0 && count < 1000 && work.left() == 0, "{count} shown, {} left", work.left());
    // A caller who is denied for every request costs no work, and neither do unknown names.
    let work = Work::default();
    many.id = "mallory".to_owned();
    assert_eq!((shown(&many, &work), work.left()), (0, Work::MOST));
}

#[test]
fn a_consent_counts_from_when_it_was_given() {
    let bundle = bundle(&POLICY.replace("servers:\n", "consent: {longest_life: 1h}\nservers:\n"));
    let server = server_of(&bundle);
    let reason = |given_at, expires_at, leeway| {
        engineer().asks(Action::UseServer, |request| {
            let consent = policy_wasm::model::Consent {
                id: "c",
                servers: None,
                tools: None,
                level: None,
                reason: None,
                given_at,
                expires_at,
            };
            let delegation =
                policy_wasm::model::Delegation { consent: Some(consent), leeway, ..*request.delegation };
            let request = policy_wasm::model::Request { delegation: &delegation, ..*request };
            evaluate(&bundle, server, &request).reasons.first()
        })
    };
    let now = common::NOW;
    for (given_at, expires_at, leeway, expected) in [
        (now, Some(now + 60), 0, None),
        (now - 60, Some(now + 3540), 0, None),
        (now + 30, Some(now + 60), 30, None),
        (now + 31, Some(now + 60), 30, Some(ConsentExpired)),
        (now + 10_000, Some(now + 10_060), 30, Some(ConsentExpired)),
        (u64::MAX, Some(u64::MAX), 30, Some(ConsentExpired)),
        (u64::MAX, Some(now + 60), u64::MAX, Some(ConsentExpired)),
        (now + 20, Some(now + 10), 30, Some(ConsentExpired)),
        (now - 60, Some(now + 3541), 0, Some(ConsentExpired)),
        (0, Some(u64::MAX), 0, Some(ConsentExpired)),
        (now, None, 0, Some(ConsentExpired)),
    ] {
        assert_eq!(reason(given_at, expires_at, leeway), expected, "{given_at} {expires_at:?} {leeway}");
    }
}
