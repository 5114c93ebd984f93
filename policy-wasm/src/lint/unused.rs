//! Names that are declared and never used. A name in the text of a condition counts as used.

use super::Finder;
use crate::policy::{Agent, Condition, Holder, Policy};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn find(finder: &mut Finder<'_>) {
    let policy = finder.policy;
    let texts: Vec<&str> = conditions(policy).map(|condition| condition.text.as_str()).collect();
    let mentioned = |name: &str| texts.iter().any(|text| text.contains(name));
    labels(finder, &mentioned);
    let holders: Vec<&Holder> = holders(policy).collect();
    for declared in &policy.declared {
        let (what, name) = match &declared.holder {
            Holder::Group(_, name) => ("group", name),
            Holder::Role(_, name) => ("role", name),
            _ => continue,
        };
        let approver = format!("{what}:{name}");
        if !holders.contains(&&declared.holder)
            && !approvers(policy).any(|by| *by == approver)
            && !mentioned(name)
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
    for (name, catalogue) in &policy.catalogues {
        if !catalogue.used {
            let message = format!("no server has catalogue `{name}`: nothing of it can be called");
            let help = "name it under `catalogue` of a server, or take it away";
            finder.add("unused-catalogue", Some(catalogue.origin), message, help);
        }
    }
    for (short, issuer) in &policy.issuers {
        let by_holder = holders.iter().any(|holder| issuer_of(holder) == issuer);
        let by_agent = agents(policy).any(|agent| agent_issuer(agent) == Some(issuer));
        if !by_holder && !by_agent && !mentioned(issuer) {
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

/// Labels of items and agents, each reported once, at its first place. Labels of servers are resolved when rules are
/// read, so their use is not known.
fn labels(finder: &mut Finder<'_>, mentioned: &dyn Fn(&str) -> bool) {
    let policy = finder.policy;
    let items = policy.forbids.iter().filter_map(|rule| rule.items.as_ref());
    let items = items.chain(policy.approvals.iter().map(|rule| &rule.items));
    let items = items.chain(policy.budgets.iter().map(|rule| &rule.items));
    let selected: BTreeSet<&String> = items.filter_map(|items| items.labels.as_ref()).flatten().collect();
    let entries = policy.servers.iter().flat_map(|server| &server.items);
    let mut unused = BTreeMap::new();
    for (label, origin) in entries.flat_map(|item| item.labels.iter().map(|label| (label, item.origin))) {
        if !selected.contains(label) && !mentioned(label) {
            let first = unused.entry(("entries", label)).or_insert(origin);
            *first = origin.min(*first);
        }
    }
    let selected: BTreeSet<&String> = agents(policy).filter_map(label_of).collect();
    let actors = policy.actors.iter();
    for (label, origin) in actors.flat_map(|actor| actor.labels.iter().map(|label| (label, actor.origin))) {
        if !selected.contains(label) && !mentioned(label) {
            let first = unused.entry(("agents", label)).or_insert(origin);
            *first = origin.min(*first);
        }
    }
    for ((what, label), origin) in unused {
        let message = format!("no rule refers to the label `{label}`, which {what} have");
        let help = "take it away, or write the rule that it is for";
        finder.add("unused-label", Some(origin), message, help);
    }
}

fn label_of(agent: &Agent) -> Option<&String> {
    match agent {
        Agent::Label(label) => Some(label),
        _ => None,
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

/// The holders that the rules name, without declarations.
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
