//! The laws of the evaluation, on policies and callers made at random.
//!
//! `naive` reads the rules one by one, as the documentation states them; everything else compares evaluations.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "tests may stop at the first surprise"
)]

mod common;

use common::{Caller, compiled};
use policy_wasm::bundle::{Bundle, Server, Trust};
use policy_wasm::decision::{Decision, DenyReason, Reasons, Visibility};
use policy_wasm::json;
use policy_wasm::model::{Action, ActorKind, ItemKind};
use policy_wasm::pdp::{Authority, evaluate, explain};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fmt::Write;

const TIERS: [&str; 4] = ["look", "touch", "change", "destroy"];
const ISSUERS: [&str; 2] = ["https://a.test", "https://b.test"];
const TOOLS: u8 = 5;
/// A call without arguments.
const NO_ARGUMENTS: &str = "{}";

/// A grant's subject or an actor: kind, issuer, name. Few names, so that they meet.
type Holder = (u8, u8, u8);

#[derive(Debug, Clone)]
struct RuleModel {
    holders: Vec<Holder>,
    servers: Option<Vec<u8>>,
    ceiling: u8,
}

#[derive(Debug, Clone)]
struct ServerModel {
    /// Tool to tier and whether it has a check.
    tools: BTreeMap<u8, (u8, bool)>,
    /// Tier to scope.
    scopes: BTreeMap<u8, u8>,
}

#[derive(Debug, Clone)]
struct PolicyModel {
    servers: Vec<ServerModel>,
    grants: Vec<RuleModel>,
    actors: Vec<RuleModel>,
    max_chain: u8,
}

#[derive(Debug, Clone)]
struct CallerModel {
    issuer: u8,
    id: u8,
    groups: Vec<u8>,
    roles: Vec<u8>,
    actors: Vec<Holder>,
    scopes: Vec<u8>,
}

fn holder(kinds: u8) -> impl Strategy<Value = Holder> {
    (0..kinds, 0..2u8, 0..3u8)
}

fn rule(kinds: u8, holders: std::ops::Range<usize>) -> impl Strategy<Value = RuleModel> {
    (
        vec(holder(kinds), holders),
        option::of(prop_oneof![Just(vec![0]), Just(vec![1]), Just(vec![0, 1])]),
        0..4u8,
    )
        .prop_map(|(holders, servers, ceiling)| RuleModel { holders, servers, ceiling })
}

fn server() -> impl Strategy<Value = ServerModel> {
    (btree_map(0..TOOLS, (0..4u8, any::<bool>()), 0..5), btree_map(0..4u8, 0..4u8, 0..3))
        .prop_map(|(tools, scopes)| ServerModel { tools, scopes })
}

fn policy() -> impl Strategy<Value = PolicyModel> {
    (vec(server(), 2), vec(rule(3, 1..4), 0..5), vec(rule(2, 1..2), 0..5), 1..4u8)
        .prop_map(|(servers, grants, actors, max_chain)| PolicyModel { servers, grants, actors, max_chain })
}

fn caller() -> impl Strategy<Value = CallerModel> {
    let names = || vec(0..3u8, 0..3);
    (0..2u8, 0..3u8, names(), names(), vec(holder(2), 0..4), vec(0..4u8, 0..3)).prop_map(
        |(issuer, id, groups, roles, actors, scopes)| CallerModel {
            issuer,
            id,
            groups,
            roles,
            actors,
            scopes,
        },
    )
}

/// A value for the check's argument: missing, unusable, usable.
fn arguments() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("{}"), Just(r#"{"id":"*"}"#), Just(r#"{"id":"n1"}"#)]
}

impl PolicyModel {
    /// The policy as files: each rule can go to another file.
    fn texts(&self, files: usize, reversed: bool) -> Vec<String> {
        let mut grants = vec![String::new(); files];
        let mut actors = vec![String::new(); files];
        for (index, rule) in self.grants.iter().enumerate() {
            let kinds = ["id", "group", "role"];
            let subjects: Vec<String> = rule.holders.iter().map(|holder| named(&kinds, *holder)).collect();
            let line = format!("- {{id: g{index}, subjects: [{}], {}}}\n", subjects.join(", "), rule.rest());
            prepend_or_push(&mut grants[index % files], &line, reversed);
        }
        for (index, rule) in self.actors.iter().enumerate() {
            let holder = named(&["subject", "client"], rule.holders[0]);
            let holder = holder.trim_matches(['{', '}']);
            let line = format!("- {{id: a{index}, {holder}, {}}}\n", rule.rest());
            prepend_or_push(&mut actors[index % files], &line, reversed);
        }
        let mut texts = Vec::new();
        for (file, (grants, actors)) in grants.iter().zip(&actors).enumerate() {
            let mut text = String::from("policy: toolward/v1\n");
            if file == 0 {
                text.push_str(&self.head());
            }
            for (key, list) in [("grants", grants), ("actors", actors)] {
                if !list.is_empty() {
                    write!(text, "{key}:\n{list}").unwrap();
                }
            }
            texts.push(text);
        }
        if reversed {
            texts.reverse();
        }
        texts
    }

    fn head(&self) -> String {
        let mut text = format!("issuers: {{a: {:?}, b: {:?}}}\n", ISSUERS[0], ISSUERS[1]);
        writeln!(text, "tiers: [{}]\nchain: {{max_length: {}}}\nservers:", TIERS.join(", "), self.max_chain)
            .unwrap();
        for (index, server) in self.servers.iter().enumerate() {
            writeln!(text, "  s{index}:\n    resource: https://tools.test/s{index}").unwrap();
            let scopes: Vec<String> = server
                .scopes
                .iter()
                .map(|(tier, scope)| format!("{}: c{scope}", TIERS[usize::from(*tier)]))
                .collect();
            writeln!(text, "    scopes: {{{}}}\n    tools:", scopes.join(", ")).unwrap();
            if server.tools.is_empty() {
                text.truncate(text.trim_end().len());
                text.push_str(" {}\n");
            }
            for (tool, (tier, check)) in &server.tools {
                let check =
                    if *check { ", checks: [{relation: reader, object: \"note:{args.id}\"}]" } else { "" };
                writeln!(text, "      t{tool}: {{tier: {}{check}}}", TIERS[usize::from(*tier)]).unwrap();
            }
        }
        text
    }

    fn bundle(&self) -> Bundle {
        let texts = self.texts(1, false);
        Bundle::open(compiled(&[texts[0].as_str()]), &Trust::digest_only()).unwrap()
    }
}

fn prepend_or_push(text: &mut String, line: &str, prepend: bool) {
    let at = if prepend { 0 } else { text.len() };
    text.insert_str(at, line);
}

fn named(kinds: &[&str], (kind, issuer, name): Holder) -> String {
    format!("{{{}: n{name}, issuer: {}}}", kinds[usize::from(kind)], ["a", "b"][usize::from(issuer)])
}

impl RuleModel {
    fn rest(&self) -> String {
        let ceiling = TIERS[usize::from(self.ceiling)];
        match &self.servers {
            Some(servers) => {
                let names: Vec<String> = servers.iter().map(|server| format!("s{server}")).collect();
                format!("servers: [{}], ceiling: {ceiling}", names.join(", "))
            }
            None => format!("ceiling: {ceiling}"),
        }
    }

    fn covers(&self, server: u8, holder: Holder) -> bool {
        self.holders.contains(&holder)
            && self.servers.as_ref().is_none_or(|servers| servers.contains(&server))
    }
}

impl CallerModel {
    fn caller(&self) -> Caller {
        let names = |names: &[u8]| names.iter().map(|name| format!("n{name}")).collect::<Vec<_>>();
        let actor = |(kind, issuer, name): &Holder| {
            let kind = if *kind == 0 { ActorKind::Subject } else { ActorKind::Client };
            (kind, ISSUERS[usize::from(*issuer)].to_owned(), format!("n{name}"))
        };
        Caller {
            issuer: ISSUERS[usize::from(self.issuer)].to_owned(),
            id: format!("n{}", self.id),
            groups: names(&self.groups),
            roles: names(&self.roles),
            actors: self.actors.iter().map(actor).collect(),
            scopes: self.scopes.iter().map(|scope| format!("c{scope}")).collect(),
        }
    }

    /// The names under which grants can match, as holders.
    fn holders(&self) -> Vec<Holder> {
        let mut holders = vec![(0, self.issuer, self.id)];
        holders.extend(self.groups.iter().map(|group| (1, self.issuer, *group)));
        holders.extend(self.roles.iter().map(|role| (2, self.issuer, *role)));
        holders
    }
}

/// The reasons for a call, read from the rules one by one.
fn naive(
    policy: &PolicyModel,
    caller: &CallerModel,
    server: u8,
    tool: u8,
    arguments: &str,
) -> Vec<DenyReason> {
    let highest = |rules: &[RuleModel], holder: Holder| {
        rules.iter().filter(|rule| rule.covers(server, holder)).map(|rule| rule.ceiling).max()
    };
    let mut reasons = Vec::new();
    let subject = caller.holders().into_iter().filter_map(|holder| highest(&policy.grants, holder)).max();
    let actors: Vec<Option<u8>> = caller.actors.iter().map(|actor| highest(&policy.actors, *actor)).collect();
    if actors.is_empty() {
        reasons.push(DenyReason::ActorMissing);
    }
    if actors.len() > usize::from(policy.max_chain) {
        reasons.push(DenyReason::ChainTooLong);
    }
    if subject.is_none() {
        reasons.push(DenyReason::SubjectNotGranted);
    }
    if actors.contains(&None) {
        reasons.push(DenyReason::ActorUnknown);
    }
    let model = &policy.servers[usize::from(server)];
    let Some((tier, check)) = model.tools.get(&tool) else {
        reasons.push(DenyReason::ToolUnknown);
        return reasons;
    };
    if subject.is_some_and(|ceiling| tier > &ceiling) {
        reasons.push(DenyReason::TierAboveSubject);
    }
    if !actors.contains(&None) && actors.iter().flatten().any(|ceiling| tier > ceiling) {
        reasons.push(DenyReason::TierAboveActor);
    }
    if let Some((needed, _)) = model.scopes.range(..=tier).next_back()
        && !model.scopes.range(needed..).any(|(_, scope)| caller.scopes.contains(scope))
    {
        reasons.push(DenyReason::ScopeInsufficient);
    }
    match (*check, arguments) {
        (true, "{}") => reasons.push(DenyReason::ArgumentMissing),
        (true, r#"{"id":"*"}"#) => reasons.push(DenyReason::ArgumentUnusable),
        _ => {}
    }
    reasons
}

/// Calls `tool` at server 0.
fn call(bundle: &Bundle, caller: &CallerModel, tool: u8, arguments: &str) -> Decision {
    call_at(bundle, server_of(bundle, 0), caller, tool, arguments)
}

fn call_at(bundle: &Bundle, server: Server<'_>, caller: &CallerModel, tool: u8, arguments: &str) -> Decision {
    let value = json::parse(arguments.as_bytes(), &json::Limits::default()).unwrap();
    let name = format!("t{tool}");
    let action = Action::CallTool { name: &name, arguments: value.as_object(), definition: None };
    caller.caller().asks(action, |request| evaluate(bundle, server, request))
}

fn server_of(bundle: &Bundle, server: u8) -> Server<'_> {
    bundle.server_at("tools.test", &format!("/s{server}")).unwrap()
}

fn permits(bundle: &Bundle, caller: &CallerModel, tool: u8) -> bool {
    call(bundle, caller, tool, r#"{"id":"n1"}"#).reasons.is_empty()
}

/// Tools that a policy or caller permits and another does not.
fn lost(before: (&Bundle, &CallerModel), after: (&Bundle, &CallerModel)) -> Vec<u8> {
    (0..=TOOLS)
        .filter(|tool| permits(before.0, before.1, *tool) && !permits(after.0, after.1, *tool))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn evaluation_is_what_the_rules_say_one_by_one(
        policy in policy(), caller in caller(), server in 0..2u8, tool in 0..=TOOLS, arguments in arguments(),
    ) {
        let bundle = policy.bundle();
        let decision = call_at(&bundle, server_of(&bundle, server), &caller, tool, arguments);
        prop_assert_eq!(decision.reasons.iter().collect::<Vec<_>>(), naive(&policy, &caller, server, tool, arguments));
    }

    #[test]
    fn nothing_is_permitted_without_a_grant_and_an_actor(policy in policy(), caller in caller(), tool in 0..=TOOLS) {
        let no_grants = PolicyModel { grants: Vec::new(), ..policy.clone() }.bundle();
        prop_assert!(call(&no_grants, &caller, tool, NO_ARGUMENTS).reasons.contains(DenyReason::SubjectNotGranted));
        let no_actors = PolicyModel { actors: Vec::new(), ..policy.clone() }.bundle();
        prop_assert!(!call(&no_actors, &caller, tool, NO_ARGUMENTS).reasons.is_empty());
        let alone = CallerModel { actors: Vec::new(), ..caller };
        prop_assert!(call(&policy.bundle(), &alone, tool, NO_ARGUMENTS).reasons.contains(DenyReason::ActorMissing));
    }

    #[test]
    fn order_of_rules_and_files_is_irrelevant(policy in policy(), files in 1..4usize, reversed: bool) {
        let texts = policy.texts(files, reversed);
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let whole = policy.texts(1, false);
        prop_assert_eq!(compiled(&texts), compiled(&[whole[0].as_str()]));
    }

    #[test]
    fn a_lower_ceiling_or_a_rule_less_never_permits_more(
        policy in policy(), caller in caller(), which in any::<prop::sample::Index>(), lower in 0..4u8, drop: bool,
    ) {
        let mut less = policy.clone();
        let count = less.grants.len() + less.actors.len();
        prop_assume!(count > 0);
        let index = which.index(count);
        let grants = less.grants.len();
        let (rules, index) =
            if index < grants { (&mut less.grants, index) } else { (&mut less.actors, index - grants) };
        if drop {
            rules.remove(index);
        } else {
            rules[index].ceiling = rules[index].ceiling.min(lower);
        }
        prop_assert_eq!(lost((&less.bundle(), &caller), (&policy.bundle(), &caller)), Vec::<u8>::new());
    }

    #[test]
    fn a_longer_chain_never_permits_more(policy in policy(), caller in caller(), earlier in holder(2), at: usize) {
        let bundle = policy.bundle();
        // Without an actor nothing is permitted at all: that is not a chain that could get longer.
        prop_assume!(!caller.actors.is_empty());
        let mut longer = caller.clone();
        longer.actors.insert(at % (caller.actors.len() + 1), earlier);
        prop_assert_eq!(lost((&bundle, &longer), (&bundle, &caller)), Vec::<u8>::new());
    }

    #[test]
    fn fewer_scopes_groups_or_roles_never_permit_more(policy in policy(), caller in caller(), which in 0..3u8) {
        let bundle = policy.bundle();
        let mut less = caller.clone();
        match which {
            0 => less.scopes.pop(),
            1 => less.groups.pop(),
            _ => less.roles.pop(),
        };
        prop_assert_eq!(lost((&bundle, &less), (&bundle, &caller)), Vec::<u8>::new());
    }

    #[test]
    fn lists_and_calls_agree(policy in policy(), caller in caller()) {
        let bundle = policy.bundle();
        let model = caller.caller();
        for tool in 0..=TOOLS {
            let name = format!("t{tool}");
            let visible = model.asks(Action::UseServer, |request| {
                Authority::of(&bundle, server_of(&bundle, 0), request).visibility(ItemKind::Tool, &name)
            });
            let permitted = |arguments| call(&bundle, &caller, tool, arguments).reasons.is_empty();
            let all = ["{}", r#"{"id":"*"}"#, r#"{"id":"n1"}"#].map(permitted);
            let expected = match all {
                [false, false, false] => Visibility::Deny,
                [true, true, true] => Visibility::Permit,
                _ => Visibility::Conditional,
            };
            prop_assert_eq!(visible, expected, "{}", name);
            if visible == Visibility::Permit {
                prop_assert!(call(&bundle, &caller, tool, NO_ARGUMENTS).obligations.is_empty());
            }
        }
    }

    #[test]
    fn explaining_and_evaluating_agree(
        policy in policy(), caller in caller(), tool in 0..=TOOLS, arguments in arguments(), uses: bool,
    ) {
        let bundle = policy.bundle();
        let server = server_of(&bundle, 1);
        let value = json::parse(arguments.as_bytes(), &json::Limits::default()).unwrap();
        let name = format!("t{tool}");
        let action = Action::CallTool { name: &name, arguments: value.as_object(), definition: None };
        let action = if uses { Action::UseServer } else { action };
        let (explained, evaluated) = caller.caller().asks(action, |request| {
            (explain(&bundle, server, request), evaluate(&bundle, server, request))
        });
        prop_assert_eq!(&explained.decision, &evaluated);
        // Every reason is told by exactly one layer.
        let mut told = Reasons::NONE;
        let mut count = 0;
        for reason in explained.layers.iter().flat_map(|layer| layer.reasons.iter()) {
            told.add(reason);
            count += 1;
        }
        prop_assert_eq!(told, evaluated.reasons);
        prop_assert_eq!(count, evaluated.reasons.iter().count());
    }

    #[test]
    fn obligations_come_with_permits_only(policy in policy(), caller in caller(), tool in 0..=TOOLS) {
        let decision = call(&policy.bundle(), &caller, tool, r#"{"id":"n1"}"#);
        let checked = policy.servers[0].tools.get(&tool).is_some_and(|(_, check)| *check);
        prop_assert_eq!(decision.obligations.len(), usize::from(checked && decision.reasons.is_empty()));
    }
}
