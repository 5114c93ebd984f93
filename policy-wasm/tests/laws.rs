//! The laws of the decision on whole policies and whole requests made at random.
//!
//! `common/naive.rs` reads the rules one by one, as the documentation states them; everything else compares decisions.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests may stop at the first surprise"
)]

mod common;

use common::model::{self, ARGUMENTS, Ask, TEMPLATES, Target, URIS, any_actor};
use common::naive::{self, Verdict};
use policy_wasm::bundle::{Bundle, Trust};
use policy_wasm::compile::write;
use policy_wasm::decision::{Decision, DenyReason, Obligation, Visibility};
use policy_wasm::model::ItemKind;
use policy_wasm::pdp::{Authority, evaluate, explain};
use policy_wasm::policy::{Agent, Holder, Mode, ParamHeader, Policy};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use std::collections::BTreeSet;

fn bundle(policy: &Policy) -> Bundle {
    Bundle::open(write(policy).unwrap(), &Trust::digest_only()).unwrap()
}

fn decide(bundle: &Bundle, ask: &Ask) -> Decision {
    let server = bundle.server(ask.server as u32).unwrap();
    ask.asks(|request| evaluate(bundle, server, request))
}

fn permits(bundle: &Bundle, ask: &Ask) -> bool {
    decide(bundle, ask).reasons.is_empty()
}

fn verdict(decision: &Decision) -> Verdict {
    let name = |obligation: &Obligation| match obligation {
        Obligation::Check(_) => "check".to_owned(),
        Obligation::Approval(approval) => format!("approval:{}", approval.rule),
        Obligation::Budget(budget) => format!("budget:{}", budget.rule),
    };
    Verdict {
        reasons: decision.reasons.iter().collect(),
        monitored: decision.monitored.iter().collect(),
        obligations: decision.obligations.iter().map(name).collect(),
    }
}

fn visibility(bundle: &Bundle, ask: &Ask, kind: ItemKind, name: &str) -> Visibility {
    visibility_as(bundle, ask, kind, name, None)
}

fn visibility_as(
    bundle: &Bundle,
    ask: &Ask,
    kind: ItemKind,
    name: &str,
    definition: Option<[u8; 32]>,
) -> Visibility {
    let server = bundle.server(ask.server as u32).unwrap();
    ask.asks(|request| Authority::of(bundle, server, request).visibility_as(kind, name, definition.as_ref()))
}

/// The policy without monitor mode: a grant in monitor mode that lets a call pass would make less permit more.
fn enforced(mut policy: Policy) -> Policy {
    policy.grants.iter_mut().for_each(|rule| rule.mode = Mode::Enforce);
    policy
}

fn any_label() -> impl Strategy<Value = String> {
    (0..3u8).prop_map(|label| format!("l{label}"))
}

/// With every server, entry and rule that can only deny in this mode.
fn on_trial(mut policy: Policy, mode: Mode) -> Policy {
    policy.methods.values_mut().for_each(|rule| rule.mode = mode);
    policy.forbids.iter_mut().for_each(|rule| rule.mode = mode);
    policy.approvals.iter_mut().for_each(|rule| rule.mode = mode);
    policy.budgets.iter_mut().for_each(|rule| rule.mode = mode);
    for server in &mut policy.servers {
        server.mode = mode;
        server.methods.values_mut().for_each(|rule| rule.mode = mode);
        server.items.iter_mut().for_each(|item| item.mode = mode);
    }
    policy
}

/// The policy without conditions, which can depend on any part of a request and can fail.
fn unconditional(mut policy: Policy) -> Policy {
    policy.grants.iter_mut().for_each(|rule| rule.when = None);
    policy.forbids.iter_mut().for_each(|rule| rule.when = None);
    policy.approvals.iter_mut().for_each(|rule| rule.when = None);
    policy.methods.values_mut().for_each(|rule| rule.when = None);
    for server in &mut policy.servers {
        server.items.iter_mut().for_each(|item| item.when = None);
        server.methods.values_mut().for_each(|rule| rule.when = None);
    }
    policy
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, failure_persistence: common::regressions(), ..ProptestConfig::default() })]

    #[test]
    fn the_decision_equals_that_of_the_naive_evaluator(policy in model::policy(), asks in prop::collection::vec(model::ask(), 8)) {
        let bundle = bundle(&policy);
        for ask in asks {
            prop_assert_eq!(verdict(&decide(&bundle, &ask)), naive::decide(&policy, &ask), "{:?}", ask);
        }
    }

    #[test]
    fn deny_by_default(policy in model::policy(), ask in model::ask(), monitored: bool) {
        let policy = if monitored { on_trial(policy, Mode::Monitor) } else { policy };
        let mut none = policy.clone();
        none.grants.clear();
        prop_assert!(decide(&bundle(&none), &ask).reasons.contains(DenyReason::SubjectNotGranted));
        let mut nobody = policy.clone();
        nobody.actors.clear();
        let decision = decide(&bundle(&nobody), &ask);
        let reasons = [DenyReason::ActorMissing, DenyReason::ActorUnknown];
        prop_assert!(reasons.iter().any(|reason| decision.reasons.contains(*reason)));
    }

    #[test]
    fn a_forbid_trumps_every_grant(policy in model::policy(), ask in model::ask()) {
        let mut forbidding = policy.clone();
        forbidding.servers.iter_mut().for_each(|server| {
            server.mode = Mode::Enforce;
            server.items.iter_mut().for_each(|item| item.mode = Mode::Enforce);
        });
        forbidding.forbids.push(policy_wasm::policy::Forbid {
            id: "all".into(),
            subjects: Some(vec![Holder::Id(ask.issuer.clone(), ask.id.clone())]),
            actors: None, servers: None, items: None, methods: None,
            window: Default::default(), when: None, mode: Mode::Enforce, origin: Default::default(),
        });
        prop_assert!(decide(&bundle(&forbidding), &ask).reasons.contains(DenyReason::Forbidden));
    }

    #[test]
    fn the_order_of_rules_is_irrelevant(policy in model::policy(), seed: u64) {
        let mut shuffled = policy.clone();
        let turn = |length: usize| if length == 0 { 0 } else { seed as usize % length };
        let at = turn(shuffled.grants.len());
        shuffled.grants.rotate_left(at);
        shuffled.grants.iter_mut().for_each(|rule| rule.subjects.reverse());
        shuffled.actors.reverse();
        shuffled.forbids.reverse();
        shuffled.approvals.reverse();
        shuffled.budgets.reverse();
        shuffled.servers.reverse();
        for server in &mut shuffled.servers {
            let at = turn(server.items.len());
            server.items.rotate_left(at);
            server.items.iter_mut().for_each(|item| item.definitions.reverse());
        }
        prop_assert!(write(&policy).unwrap() == write(&shuffled).unwrap());
    }

    #[test]
    fn a_lower_ceiling_or_a_grant_less_never_permits_more(
        policy in model::policy(), asks in prop::collection::vec(model::ask(), 6), which in any::<prop::sample::Index>(), drop: bool,
    ) {
        let policy = enforced(policy);
        prop_assume!(!policy.grants.is_empty());
        let mut less = policy.clone();
        let at = which.index(less.grants.len());
        if drop {
            // A condition that fails denies: without its grant that is gone.
            prop_assume!(less.grants[at].when.is_none());
            less.grants.remove(at);
        } else {
            less.grants[at].ceiling = less.grants[at].ceiling.saturating_sub(1);
        }
        let (before, after) = (bundle(&policy), bundle(&less));
        for ask in asks {
            prop_assert!(permits(&before, &ask) || !permits(&after, &ask), "{:?}", ask);
        }
    }

    #[test]
    fn a_lower_ceiling_of_an_actor_never_permits_more(
        policy in model::policy(), asks in prop::collection::vec(model::ask(), 6), which in any::<prop::sample::Index>(),
    ) {
        prop_assume!(!policy.actors.is_empty());
        let mut less = policy.clone();
        let at = which.index(less.actors.len());
        less.actors[at].ceiling = 0;
        let (before, after) = (bundle(&policy), bundle(&less));
        for ask in asks {
            prop_assert!(permits(&before, &ask) || !permits(&after, &ask), "{:?}", ask);
        }
    }

    #[test]
    fn a_longer_chain_never_permits_more(policy in model::policy(), ask in model::ask(), earlier in any_actor(), at: usize) {
        let bundle = bundle(&unconditional(policy));
        prop_assume!(!ask.actors.is_empty());
        let mut longer = ask.clone();
        longer.actors.insert(at % (ask.actors.len() + 1), earlier);
        prop_assert!(permits(&bundle, &ask) || !permits(&bundle, &longer));
    }

    #[test]
    fn a_client_beside_the_chain_never_permits_more_and_is_forbidden_as_an_actor_is(
        policy in model::policy(), ask in model::ask(), client in model::any_client(), labelled in any_label(),
    ) {
        let beside = Ask { clients: vec![client.clone()], ..ask.clone() };
        let alone = Ask { clients: Vec::new(), ..ask };
        let before = bundle(&policy);
        prop_assert!(permits(&before, &alone) || !permits(&before, &beside));
        let (_, issuer, id) = client.clone();
        let mut forbidding = on_trial(policy, Mode::Enforce);
        let agents = vec![Agent::Client(issuer.clone(), id.clone())];
        forbidding.forbids.push(policy_wasm::policy::Forbid {
            id: "client".into(), subjects: None, actors: Some(agents), servers: None, items: None, methods: None,
            window: Default::default(), when: None, mode: Mode::Enforce, origin: Default::default(),
        });
        prop_assert!(decide(&bundle(&forbidding), &beside).reasons.contains(DenyReason::Forbidden));
        // By a label of its entry too.
        let entry = policy_wasm::policy::Actor {
            id: "client".into(), agent: Agent::Client(issuer, id), agent_type: String::new(),
            labels: BTreeSet::from([labelled.clone()]), servers: None, ceiling: 0,
            window: Default::default(), origin: Default::default(),
        };
        forbidding.actors.push(entry);
        if let Some(rule) = forbidding.forbids.last_mut() {
            rule.actors = Some(vec![Agent::Label(labelled)]);
        }
        prop_assert!(decide(&bundle(&forbidding), &beside).reasons.contains(DenyReason::Forbidden));
    }

    #[test]
    fn an_untrusted_issuer_vouches_for_no_actor(policy in model::policy(), ask in model::ask(), mut actor in any_actor()) {
        let mut policy = policy;
        policy.chain.max_length = 8;
        let signer = ask.issuer.clone();
        let vouched = Ask { actors: vec![actor.clone()], ..ask };
        let untrusted = |policy: &Policy, ask: &Ask| {
            decide(&bundle(policy), ask).reasons.contains(DenyReason::ActorUntrusted)
        };
        // The other issuers' trust is arbitrary.
        let mut others: std::collections::BTreeMap<_, _> =
            model::ISSUERS.iter().map(|issuer| ((*issuer).to_owned(), model::ISSUERS.map(str::to_owned).into())).collect();
        others.remove(&signer);
        policy.chain.trusted_issuers = Some(others.clone());
        prop_assert!(untrusted(&policy, &vouched));
        // The issuer may vouch for its own actors alone, and for no others.
        others.insert(signer.clone(), BTreeSet::new());
        policy.chain.trusted_issuers = Some(others.clone());
        prop_assert_eq!(untrusted(&policy, &vouched), actor.1 != signer);
        // Or with those of one other.
        others.insert(signer.clone(), BTreeSet::from([actor.1.clone()]));
        policy.chain.trusted_issuers = Some(others);
        prop_assert!(!untrusted(&policy, &vouched));
        actor.1 = "https://d.test".to_owned();
        let unnamed = Ask { actors: vec![actor], ..vouched };
        prop_assert!(untrusted(&policy, &unnamed));
    }

    #[test]
    fn fewer_scopes_never_permit_more(policy in model::policy(), ask in model::ask()) {
        let bundle = bundle(&policy);
        let less = Ask { scopes: Vec::new(), ..ask.clone() };
        prop_assert!(permits(&bundle, &ask) || !permits(&bundle, &less));
    }

    #[test]
    fn fewer_groups_and_roles_never_permit_more_where_no_restriction_names_them(policy in model::policy(), ask in model::ask()) {
        let mut policy = unconditional(policy);
        let plain = |subjects: &Option<Vec<Holder>>| {
            subjects.iter().flatten().all(|holder| matches!(holder, Holder::Id(..) | Holder::Anyone(_)))
        };
        policy.forbids.retain(|rule| plain(&rule.subjects));
        let bundle = bundle(&policy);
        let less = Ask { groups: Vec::new(), roles: Vec::new(), claims: None, ..ask.clone() };
        prop_assert!(permits(&bundle, &ask) || !permits(&bundle, &less));
    }

    #[test]
    fn monitor_mode_never_lets_an_unknown_caller_pass(policy in model::policy(), ask in model::ask()) {
        let policy = enforced(policy);
        let strict = decide(&bundle(&on_trial(policy.clone(), Mode::Enforce)), &ask);
        let lenient = decide(&bundle(&on_trial(policy, Mode::Monitor)), &ask);
        for reason in DenyReason::ALL {
            if naive::passes_in_monitor_mode(reason) {
                prop_assert!(!lenient.reasons.contains(reason), "{:?} denies", reason);
                // And nothing that is let pass goes unrecorded.
                prop_assert_eq!(strict.reasons.contains(reason), lenient.monitored.contains(reason), "{:?}", reason);
            } else {
                prop_assert_eq!(strict.reasons.contains(reason), lenient.reasons.contains(reason), "{:?}", reason);
                prop_assert!(!lenient.monitored.contains(reason), "{:?} passes", reason);
            }
        }
    }

    #[test]
    fn lists_and_calls_agree(policy in model::policy(), ask in model::ask()) {
        let bundle = bundle(&policy);
        let listing = Ask { target: Target::Use("tools/list"), ..ask.clone() };
        for name in ["n0", "n1", "n2", "unknown"] {
            // Unseen, and as the list shows it: pinned or not, accepted or not.
            for definition in [None, Some([9; 32])].into_iter().chain(model::DIGESTS.map(Some)) {
                let tool = ARGUMENTS.map(|text| Target::Tool(name.to_owned(), text, definition));
                let shown = visibility_as(&bundle, &listing, ItemKind::Tool, name, definition);
                agrees(shown, &bundle, &listing, &tool)?;
            }
            let prompt = ARGUMENTS.map(|text| Target::Prompt(name.to_owned(), text));
            agree(&bundle, &listing, ItemKind::Prompt, name, &prompt)?;
        }
        for uri in URIS {
            agree(&bundle, &listing, ItemKind::Resource, uri, &[Target::Resource(uri)])?;
        }
        let server = &policy.servers[ask.server];
        for template in TEMPLATES {
            let under: Vec<Target> = URIS.into_iter().filter(|uri| {
                naive::entry(server, uri).is_some_and(|item| item.kind == ItemKind::Template && item.name == template)
            }).map(Target::Resource).collect();
            agree(&bundle, &listing, ItemKind::Template, template, &under)?;
        }
    }

    #[test]
    fn explaining_and_evaluating_agree(policy in model::policy(), ask in model::ask()) {
        let bundle = bundle(&policy);
        let server = bundle.server(ask.server as u32).unwrap();
        let (explained, evaluated) = ask.asks(|r| (explain(&bundle, server, r), evaluate(&bundle, server, r)));
        // Where who calls denies already, arguments are looked at for the explanation alone: more reasons, no other answer.
        let identity = evaluated.reasons.first().is_some_and(|reason| reason <= DenyReason::AgentTypeNotAdmitted);
        let decision = explained.decision;
        prop_assert!(common::explains(&decision, &evaluated), "{:?} explains {:?}", decision, evaluated);
        if !identity {
            prop_assert_eq!(&decision, &evaluated);
        }
        let told: Vec<DenyReason> = explained.layers.iter().flat_map(|layer| layer.reasons.iter()).collect();
        prop_assert_eq!(told.len(), decision.reasons.iter().count());
        prop_assert!(told.into_iter().all(|reason| decision.reasons.contains(reason)));
    }

    #[test]
    fn obligations_come_with_permits_only(policy in model::policy(), ask in model::ask()) {
        let decision = decide(&bundle(&policy), &ask);
        prop_assert!(decision.reasons.is_empty() || decision.obligations.is_empty());
    }

    #[test]
    fn a_written_policy_reads_back(policy in model::policy()) {
        let bundle = bundle(&policy);
        prop_assert_eq!((bundle.serial(), bundle.not_after()), (policy.serial, policy.not_after));
        let rules = policy.grants.len() + policy.actors.len() + policy.forbids.len() + policy.approvals.len() + policy.budgets.len();
        prop_assert_eq!(bundle.rules().count(), rules);
        prop_assert_eq!(bundle.header().format == 4, policy.chain.has_vouchers());
        for issuer in bundle.issuers() {
            let trusted = policy.chain.trusted_issuers.as_ref();
            let others = trusted.and_then(|trusted| trusted.get(issuer.identifier)).cloned().unwrap_or_default();
            let read = issuer.vouches_for.into_iter().flat_map(|list| list.names()).map(Result::unwrap);
            prop_assert!(read.eq(others.iter()));
            prop_assert_eq!(issuer.trusted, trusted.is_none_or(|trusted| trusted.contains_key(issuer.identifier)));
        }
        for (server, read) in policy.servers.iter().zip(bundle.servers()) {
            prop_assert_eq!(read.environment(), &server.environment);
            let mut items: Vec<_> = server.items.iter().collect();
            items.sort_by_key(|item| (item.kind, &item.name));
            prop_assert_eq!(read.items().count(), items.len());
            for (item, read) in items.into_iter().zip(read.items()) {
                prop_assert_eq!((item.kind, item.name.as_str(), item.tier), (read.kind(), read.name(), read.tier()));
                let labels: Vec<&str> = read.labels().unwrap().into_iter().flat_map(|l| l.names()).map(Result::unwrap).collect();
                prop_assert!(labels.into_iter().eq(&item.labels));
                let definitions: Vec<_> = read.definitions().unwrap().map(Result::unwrap).collect();
                prop_assert_eq!(definitions.len(), item.definitions.len());
                for definition in definitions {
                    let found = (definition.version().unwrap(), definition.digest().unwrap(), definition.until);
                    let mut known = item.definitions.iter().map(|d| (d.version.as_str(), d.digest, d.until));
                    prop_assert!(known.any(|known| known == found));
                }
                let definitions: Vec<_> = read.definitions().unwrap().map(Result::unwrap).collect();
                let headers: Vec<_> = read.param_headers().map(Result::unwrap).collect();
                prop_assert_eq!(headers.len(), item.param_headers.len());
                for header in headers {
                    let of = definitions.iter().find(|definition| header.is_of_one_definition() && header.is_of(**definition));
                    let path: Vec<String> = header.path.names().map(|key| key.unwrap().to_owned()).collect();
                    let version = of.map(|definition| definition.version().unwrap().to_owned());
                    let name = header.name.to_owned();
                    let written = ParamHeader { version, name, path, value_type: header.value_type };
                    prop_assert!(item.param_headers.contains(&written));
                }
                let shown = read.shown_arguments().unwrap().map(|path| {
                    path.unwrap().names().map(|name| name.unwrap().to_owned()).collect::<Vec<_>>()
                });
                prop_assert!(shown.eq(item.shown.iter().cloned()));
            }
        }
    }
}

/// A hidden item is denied for every call. An item that is shown as permitted is permitted without obligations.
fn agree(
    bundle: &Bundle,
    listing: &Ask,
    kind: ItemKind,
    name: &str,
    calls: &[Target],
) -> Result<(), TestCaseError> {
    agrees(visibility(bundle, listing, kind, name), bundle, listing, calls)
}

fn agrees(shown: Visibility, bundle: &Bundle, listing: &Ask, calls: &[Target]) -> Result<(), TestCaseError> {
    for target in calls {
        let decision = decide(bundle, &Ask { target: target.clone(), ..listing.clone() });
        match shown {
            Visibility::Deny => {
                prop_assert!(!decision.reasons.is_empty(), "{:?} hidden {:?}", target, decision)
            }
            Visibility::Permit => {
                prop_assert!(decision.reasons.is_empty(), "{:?} shown {:?}", target, decision);
                prop_assert!(decision.obligations.is_empty());
            }
            Visibility::Conditional => {}
        }
    }
    Ok(())
}

#[test]
fn the_documentation_lists_the_reasons_that_monitor_mode_lets_pass() {
    for reason in DenyReason::ALL {
        let documented = naive::passes_in_monitor_mode(reason);
        assert_eq!(documented, reason.can_be_monitored(), "{}", reason.code());
    }
}

/// The laws above are empty if nothing is ever permitted, or if a reason never occurs.
#[test]
fn the_random_cases_have_permits_lists_and_every_reason() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut permits, mut shown, mut demands, mut reasons, mut monitored) =
        (0, 0, 0, BTreeSet::new(), BTreeSet::new());
    for _ in 0..12_000 {
        let policy = model::policy().new_tree(&mut runner).unwrap().current();
        let ask = model::ask().new_tree(&mut runner).unwrap().current();
        let bundle = bundle(&policy);
        let decision = decide(&bundle, &ask);
        permits += usize::from(decision.reasons.is_empty());
        demands += usize::from(!decision.obligations.is_empty());
        shown += usize::from(visibility(&bundle, &ask, ItemKind::Tool, "n0") == Visibility::Permit);
        reasons.extend(decision.reasons.iter());
        monitored.extend(decision.monitored.iter());
    }
    let missing: Vec<_> = DenyReason::ALL.into_iter().filter(|reason| !reasons.contains(reason)).collect();
    // No small policy needs that much work: `decisions.rs` has a large one.
    assert_eq!(missing, [DenyReason::PolicyUnreadable, DenyReason::WorkExceeded]);
    let missing: Vec<_> = DenyReason::ALL
        .into_iter()
        .filter(|reason| naive::passes_in_monitor_mode(*reason) && !monitored.contains(reason))
        .collect();
    assert_eq!(missing, [DenyReason::WorkExceeded]);
    assert!(
        permits > 100 && shown > 30 && demands > 10,
        "{permits} permits, {shown} shown, {demands} with obligations"
    );
}
