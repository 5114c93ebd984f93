//! Names that are declared and never used. Those that a condition may mean (its text has them) count as used.

use super::Finder;
use crate::policy::{Agent, Condition, Holder, Policy};

pub(super) fn find(finder: &mut Finder<'_>) {
    let policy = finder.policy;
    let texts: Vec<&str> = conditions(policy).map(|condition| condition.text.as_str()).collect();
    let told = |name: &str| texts.iter().any(|text| text.contains(name));
    let holders: Vec<&Holder> = holders(policy).collect();
    for declared in &policy.declared {
        let (what, name) = match &declared.holder {
            Holder::Group(_, name) => ("group", name),
            Holder::Role(_, name) => ("role", name),
            _ => continue,
        };
        let approver = format!("{what}:{name}");
        if !holders.contains(&&declared.holder) && !approvers(policy).any(|by| *by == approver) && !told(name)
        {
            let message = format!("{what} `{name}` is declared and no rule refers to it");
            finder.add("unused-name", Some(declared.origin), message, "take it away, or refer to it");
        }
    }
    for (name, kind) in &policy.agent_types {
        if !policy.actors.iter().any(|actor| actor.agent_type == *name) {
            let message = format!("agent type `{name}` is declared and no actor is of it");
            finder.add(
                "unused-agent-type",
                Some(kind.origin),
                message,
                "take it away, or give it to an actor",
            );
        }
    }
    for (short, issuer) in &policy.issuers {
        let by_holder = holders.iter().any(|holder| issuer_of(holder) == issuer);
        let by_agent = agents(policy).any(|agent| agent_issuer(agent) == Some(issuer));
        if !by_holder && !by_agent && !told(issuer) {
            let message = format!("issuer `{short}` is named and no rule refers to it");
            finder.add(
                "unused-issuer",
                None,
                message,
                "take it away: a filter may trust its tokens for nothing",
            );
        }
    }
}

fn issuer_of(holder: &Holder) -> &String {
    match holder {
        Holder::Id(issuer, _)
        | Holder::Group(issuer, _)
        | Holder::Role(issuer, _)
        | Holder::Claim(issuer, _, _)
        | Holder::Anyone(issuer) => issuer,
    }
}

fn agent_issuer(agent: &Agent) -> Option<&String> {
    match agent {
        Agent::Subject(issuer, _) | Agent::Client(issuer, _) | Agent::Issuer(issuer) => Some(issuer),
        Agent::Label(_) | Agent::Type(_) => None,
    }
}

/// Whom the rules name; declarations do not count.
fn holders(policy: &Policy) -> impl Iterator<Item = &Holder> {
    let optional = policy.forbids.iter().map(|rule| &rule.subjects);
    let optional = optional.chain(policy.approvals.iter().map(|rule| &rule.subjects));
    let optional = optional.chain(policy.budgets.iter().map(|rule| &rule.subjects)).flatten().flatten();
    policy.grants.iter().flat_map(|grant| &grant.subjects).chain(optional)
}

fn agents(policy: &Policy) -> impl Iterator<Item = &Agent> {
    let optional = policy.forbids.iter().map(|rule| &rule.actors);
    let optional = optional.chain(policy.grants.iter().map(|rule| &rule.actors));
    let optional = optional.chain(policy.approvals.iter().map(|rule| &rule.actors));
    let optional = optional.chain(policy.budgets.iter().map(|rule| &rule.actors)).flatten().flatten();
    policy.actors.iter().map(|actor| &actor.agent).chain(optional)
}

fn approvers(policy: &Policy) -> impl Iterator<Item = &String> {
    let items =
        policy.servers.iter().flat_map(|server| &server.items).filter_map(|item| item.approval.as_ref());
    items.chain(policy.approvals.iter().map(|rule| &rule.approval)).flat_map(|approval| &approval.approvers)
}

fn conditions(policy: &Policy) -> impl Iterator<Item = &Condition> {
    let items = policy.servers.iter().flat_map(|server| &server.items);
    let methods = policy.servers.iter().flat_map(|server| server.methods.values());
    let all = items.flat_map(|item| item.when.iter());
    let all = all.chain(policy.methods.values().chain(methods).filter_map(|rule| rule.when.as_ref()));
    let all = all.chain(policy.grants.iter().filter_map(|rule| rule.when.as_ref()));
    let all = all.chain(policy.forbids.iter().filter_map(|rule| rule.when.as_ref()));
    all.chain(policy.approvals.iter().filter_map(|rule| rule.when.as_ref()))
}
