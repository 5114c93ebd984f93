//! Every field of generated policies, taken from another policy in turn.

use crate::common::{model, regressions};
use crate::{is_told, settings_alone};
use policy_wasm::bundle::{Bundle, Trust};
use policy_wasm::compile::write;
use policy_wasm::policy::*;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

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
        // The fields that a release changes, and nothing else.
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
fn every_change_of_a_generated_policy_is_reported_by_name() {
    let mut runner = TestRunner::new(Config {
        cases: 16,
        failure_persistence: regressions(),
        source_file: Some(file!()),
        ..Config::default()
    });
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
