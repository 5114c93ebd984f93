//! Any bytes as a bundle: opened, verified, signed, walked and asked. None make a panic, what is accepted has one form,
//! and explaining agrees with evaluating.

use ed25519_dalek::{Signer as _, SigningKey};
use policy_wasm::bundle::layout::{DIGEST, HEADER};
use policy_wasm::bundle::{Bundle, Item, PublicKey, Rule, Server, Trust, Unverified, digest};
use policy_wasm::json;
use policy_wasm::model::{
    Action, Actor, ActorKind, Connection, Consent, Delegation, Identity, ItemKind, Request, Subject,
};
use policy_wasm::pdp::{Authority, evaluate, explain};
use std::sync::LazyLock;

/// Servers that are asked of one bundle; more of the same find nothing new.
const SERVERS: usize = 4;
/// Records that are read of one kind.
const RECORDS: usize = 40;
/// Names of the corpus' policies, and one that no policy has.
const NAMES: [&str; 5] = ["search_code", "comment", "merge_pull_request", "delete_repository", "unknown"];

/// The body.
pub fn run(data: &[u8]) {
    open(data);
    // The digest would keep everything that is behind it from being reached.
    open(&sealed(data));
}

/// The same with the digest that its header should have.
fn sealed(data: &[u8]) -> Vec<u8> {
    let mut bytes = data.to_vec();
    let said = bytes.get(20..24).and_then(|field| field.try_into().ok()).map_or(0, u32::from_le_bytes);
    let end = usize::try_from(said).unwrap_or(usize::MAX).min(bytes.len());
    let right = digest(bytes.get(..end).unwrap_or_default());
    if let Some(place) = bytes.get_mut(DIGEST..HEADER) {
        place.copy_from_slice(&right);
    }
    bytes
}

fn open(bytes: &[u8]) {
    let Ok(unverified) = Unverified::open(bytes.to_vec()) else { return };
    let header = unverified.header().clone();
    assert_eq!(Some(header.to_bytes().as_slice()), bytes.get(..HEADER), "the header has one form");
    assert_eq!(unverified.as_bytes(), bytes);
    let names: Vec<_> = unverified.signatures().collect();
    assert!(names.is_sorted_by(|one, other| one < other), "signatures have one order");
    let in_sections: usize = unverified.sections().map(|(_, _, bytes)| bytes).sum();
    assert!(in_sections <= bytes.len(), "sections do not overlap");
    let trusted = Bundle::open(bytes.to_vec(), &trust()).is_ok();
    assert!(!trusted || unverified.is_signed_by(&public()), "trusted without a signature");
    match unverified.verify(&Trust::digest_only()) {
        Ok(bundle) => {
            if header.format > 1 && (names.len() < 16 || names.contains(&public().id())) {
                assert!(Bundle::open(signed(bytes), &trust()).is_ok(), "signed, and not trusted");
            }
            walk(&bundle);
        }
        Err(_) => assert!(!trusted, "trusted, and not whole"),
    }
}

/// The key that signed `corpus/bundle_open/format-2-signed`.
fn key() -> &'static SigningKey {
    static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::from_bytes(&[1; 32]));
    &KEY
}

fn public() -> PublicKey {
    static KEY: LazyLock<PublicKey> =
        LazyLock::new(|| PublicKey::from_bytes(key().verifying_key().as_bytes()).unwrap());
    KEY.clone()
}

fn trust() -> Trust {
    Trust::new(vec![public()], 1).unwrap()
}

fn signed(bytes: &[u8]) -> Vec<u8> {
    let unverified = Unverified::open(bytes.to_vec()).unwrap();
    let signature = key().sign(&unverified.message()).to_bytes();
    unverified.signed(&public(), &signature).unwrap()
}

fn walk(bundle: &Bundle) {
    let _ = (
        bundle.revision(),
        bundle.organisation(),
        bundle.counts(),
        bundle.max_chain(),
        format!("{bundle:?}"),
    );
    let _ = (bundle.serial(), bundle.not_after(), bundle.has_checks());
    for tier in 0..20 {
        let _ = bundle.tier_name(tier);
    }
    bundle.items().take(RECORDS).for_each(read_item);
    bundle.rules().take(RECORDS).for_each(read_rule);
    for principal in bundle.principals().take(RECORDS) {
        let _ = (
            principal.kind(),
            principal.issuer(),
            principal.name(),
            principal.value(),
            principal.conditional_grants(),
        );
        let _ = principal.ceilings().map(|ceilings| ceilings.take(RECORDS).count());
    }
    let _ = (bundle.issuers().take(RECORDS).count(), bundle.agent_types().take(RECORDS).count());
    let _ = (bundle.environments(), bundle.consent_from(), bundle.reason_from(), bundle.longest_consent());
    let found = bundle.server_at("tools.acme.test", "/mcp/github");
    for server in bundle.servers().take(SERVERS).chain(found) {
        let _ = (server.id(), server.resource(), server.path(), server.kind(), server.owner());
        let _ = server.scopes().take(20).count();
        ask(bundle, server);
    }
}

fn read_item(item: Item<'_>) {
    let _ = (item.kind(), item.name(), item.tier(), item.labels(), item.mode(), item.is_pinned());
    let _ = (item.approval().is_ok(), item.condition().map(|found| found.map(|condition| condition.text())));
    for definition in item.definitions().into_iter().flatten().take(RECORDS).flatten() {
        let _ = (definition.version(), definition.digest());
    }
    for check in item.checks().into_iter().flatten().take(RECORDS).flatten() {
        let _ = (check.object(), check.subject());
    }
    let _ = item.arguments().map(|all| all.take(RECORDS).count());
    let _ = item.shown_arguments().map(|all| all.take(RECORDS).count());
}

fn read_rule(rule: Rule<'_>) {
    let _ = (rule.id(), rule.is_plain(), rule.mode(), rule.ceiling(), rule.tier_from(), rule.window());
    let _ =
        (rule.condition().is_ok(), rule.approval().is_ok(), rule.budget().is_ok(), rule.agent_type().is_ok());
    for list in [rule.subjects(), rule.actors(), rule.servers(), rule.names(), rule.labels(), rule.methods()]
    {
        let Ok(Some(list)) = list else { continue };
        let _ = (list.numbers().take(RECORDS).count(), list.names().take(RECORDS).count());
        let _ = (list.contains(7), list.has_name("comment"), list.meets(list));
    }
}

fn ask(bundle: &Bundle, server: Server<'_>) {
    let limits = json::Limits::default();
    let claims = json::parse(br#"{"department":"payments","level":3}"#, &limits).unwrap();
    let arguments =
        json::parse(br#"{"owner":"acme","repo":"tools","amount":10.5,"list":[1]}"#, &limits).unwrap();
    let (groups, roles) = (vec!["engineering".to_owned()], vec!["maintainer".to_owned()]);
    let scopes = vec!["mcp:write".to_owned(), "mcp:admin".to_owned()];
    let identity = |id| Identity { issuer: "https://id.acme.test", id };
    let actors = [
        Actor { kind: ActorKind::Subject, identity: identity("agent:planner") },
        Actor { kind: ActorKind::Client, identity: identity("planner") },
    ];
    let consent = Consent {
        id: "c1",
        servers: None,
        tools: None,
        level: Some("write"),
        reason: Some("for the test"),
        given_at: 1_795_000_000,
        expires_at: Some(1_795_300_000),
    };
    let subject =
        Subject { identity: identity("alice"), groups: &groups, roles: &roles, claims: claims.as_object() };
    for consent in [None, Some(consent)] {
        let delegation =
            Delegation { subject, actors: &actors, clients: &actors, scopes: &scopes, consent, leeway: 30 };
        let connection = Connection::default();
        let request = |method, action| Request {
            delegation: &delegation,
            method,
            action,
            now: 1_795_262_400,
            connection,
        };
        let mut requests = vec![
            request("tools/list", Action::UseServer),
            request("logging/setLevel", Action::UseServer),
            request("resources/read", Action::ReadResource { uri: "file:///a/b.txt" }),
            request("elicitation/create", Action::Elicit { url: Some("https://login.acme.test/x") }),
        ];
        for name in NAMES {
            let arguments = arguments.as_object();
            requests.push(request("tools/call", Action::CallTool { name, arguments, definition: None }));
            requests.push(request("prompts/get", Action::GetPrompt { name, arguments }));
        }
        for request in &requests {
            let decision = evaluate(bundle, server, request);
            let explained = explain(bundle, server, request).decision;
            assert_eq!(explained.reasons.first(), decision.reasons.first(), "explained as something else");
            let known = |reason| explained.reasons.contains(reason) || explained.monitored.contains(reason);
            assert!(decision.reasons.iter().all(known), "explained as something less");
        }
        let Some(request) = requests.first() else { return };
        let authority = Authority::of(bundle, server, request);
        for kind in [ItemKind::Tool, ItemKind::Prompt, ItemKind::Resource, ItemKind::Template] {
            for name in NAMES {
                let _ = authority.visibility(kind, name);
            }
        }
    }
}
