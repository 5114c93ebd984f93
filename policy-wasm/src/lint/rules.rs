//! Forbids, approvals and budgets that match nothing, and forbids that others make superfluous.

use super::Finder;
use super::reach::fits;
use crate::policy::{Agent, Forbid, Holder, Item, Items, Mode, Origin, Policy, Window};
use std::collections::BTreeSet;

/// Most forbids that are compared with each other.
const MAX_COMPARED: usize = 2000;

pub(super) fn find(finder: &mut Finder<'_>) {
    let policy = finder.policy;
    for rule in &policy.forbids {
        let parts = (rule.actors.as_deref(), rule.servers.as_ref(), rule.items.as_ref());
        matches(finder, "forbid", &rule.id, parts, rule.origin);
    }
    for rule in &policy.approvals {
        let parts = (rule.actors.as_deref(), rule.servers.as_ref(), Some(&rule.items));
        matches(finder, "approval", &rule.id, parts, rule.origin);
    }
    for rule in &policy.budgets {
        let parts = (rule.actors.as_deref(), rule.servers.as_ref(), Some(&rule.items));
        matches(finder, "budget", &rule.id, parts, rule.origin);
    }
    for rule in &policy.grants {
        let parts = (rule.actors.as_deref(), rule.servers.as_ref(), None);
        matches(finder, "grant", &rule.id, parts, rule.origin);
    }
    shadowed(finder);
}

type Parts<'p> = (Option<&'p [Agent]>, Option<&'p BTreeSet<String>>, Option<&'p Items>);

fn matches(finder: &mut Finder<'_>, what: &str, id: &str, parts: Parts<'_>, origin: Origin) {
    let (agents, servers, items) = parts;
    let policy = finder.policy;
    let why = if !agent_exists(policy, agents) {
        "no actor of the policy is one of its `actors`"
    } else if servers.is_some_and(BTreeSet::is_empty) {
        "no server is one of its `servers`"
    } else if items.is_some_and(|items| !item_exists(policy, servers, items)) {
        "no entry at its servers is one of its `items`"
    } else {
        return;
    };
    let message = format!("{what} `{id}` can never match: {why}");
    finder.add("rule-never-matches", Some(origin), message, "correct the selector, or take the rule away");
}

fn agent_exists(policy: &Policy, agents: Option<&[Agent]>) -> bool {
    agents
        .is_none_or(|agents| agents.iter().any(|agent| policy.actors.iter().any(|actor| fits(agent, actor))))
}

fn item_exists(policy: &Policy, servers: Option<&BTreeSet<String>>, items: &Items) -> bool {
    let covered = |id: &String| servers.is_none_or(|ids| ids.contains(id));
    let mut all = policy.servers.iter().filter(|server| covered(&server.id)).flat_map(|server| &server.items);
    all.any(|item| selects(items, item))
}

fn selects(items: &Items, item: &Item) -> bool {
    items.names.as_ref().is_none_or(|names| names.contains(&item.name))
        && items.labels.as_ref().is_none_or(|labels| !labels.is_disjoint(&item.labels))
        && items.tier_from.is_none_or(|tier| item.tier >= tier)
}

fn shadowed(finder: &mut Finder<'_>) {
    let policy = finder.policy;
    let whole = |rule: &&Forbid| {
        rule.when.is_none() && rule.mode == Mode::Enforce && rule.window == Window::default()
    };
    let wide: Vec<&Forbid> = policy.forbids.iter().filter(whole).take(MAX_COMPARED).collect();
    for (index, narrow) in policy.forbids.iter().enumerate().take(MAX_COMPARED) {
        let shadow = wide.iter().find(|rule| {
            rule.id != narrow.id
                && wider(rule, narrow)
                // Of two that are the same, the later one is superfluous.
                && (!wider(narrow, rule)
                    || !whole(&narrow)
                    || policy.forbids.iter().take(index).any(|earlier| earlier.id == rule.id))
        });
        if let Some(shadow) = shadow {
            let message =
                format!("forbid `{}` adds nothing: forbid `{}` covers all of it", narrow.id, shadow.id);
            finder.add("forbid-shadowed", Some(narrow.origin), message, "take one of them away");
        }
    }
}

/// Whether one forbid matches wherever the other does.
fn wider(wide: &Forbid, narrow: &Forbid) -> bool {
    let holders = |wide: &[Holder], narrow: &[Holder]| narrow.iter().all(|holder| wide.contains(holder));
    let agents = |wide: &[Agent], narrow: &[Agent]| narrow.iter().all(|agent| wide.contains(agent));
    part(wide.subjects.as_deref(), narrow.subjects.as_deref(), holders)
        && part(wide.actors.as_deref(), narrow.actors.as_deref(), agents)
        && part(wide.servers.as_ref(), narrow.servers.as_ref(), |wide, narrow| narrow.is_subset(wide))
        && part(wide.methods.as_ref(), narrow.methods.as_ref(), |wide, narrow| narrow.is_subset(wide))
        && part(wide.items.as_ref(), narrow.items.as_ref(), |wide, narrow| {
            part(wide.names.as_ref(), narrow.names.as_ref(), |wide, narrow| narrow.is_subset(wide))
                && part(wide.labels.as_ref(), narrow.labels.as_ref(), |wide, narrow| narrow.is_subset(wide))
                && wide.tier_from.unwrap_or(0) <= narrow.tier_from.unwrap_or(0)
        })
}

/// `None` is everything.
fn part<T: ?Sized>(wide: Option<&T>, narrow: Option<&T>, compare: impl Fn(&T, &T) -> bool) -> bool {
    match (wide, narrow) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(wide), Some(narrow)) => compare(wide, narrow),
    }
}
