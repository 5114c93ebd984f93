//! Numbers for all parts of a policy, and rules by key. Each rule is stored under the first part that it names, so that
//! a decision about that part finds it.

use super::error::TooLarge;
use super::rule::{Key, Rule, agent};
use crate::bundle::layout::{
    ALL_SERVERS, MAX_CLAIMS, MAX_GLOBAL, MAX_RULES_PER_KEY, MAX_TEMPLATES, PrincipalKind,
};
use crate::model::ItemKind;
use crate::policy::{Item, Items, Policy, Server};
use crate::uri;
use std::collections::{BTreeMap, BTreeSet};

/// Most pairs of a holder and a server, or of a rule and an item.
const MAX_PAIRS: usize = 4_000_000;

/// The rules of a principal.
#[derive(Default)]
pub(super) struct PrincipalEntry<'p> {
    /// The highest plain ceiling at each server, and its rule; of equal ones, the first.
    pub(super) ceilings: BTreeMap<u32, (u32, u32)>,
    /// Grants and actors that are not plain.
    pub(super) conditional_grants: Vec<u32>,
    /// Forbids, approvals and budgets.
    pub(super) restrictions: Vec<u32>,
    /// Labels and types of an agent.
    pub(super) groups: BTreeSet<Key<'p>>,
}

/// A policy with everything numbered.
pub(super) struct PolicyIndex<'p> {
    /// In order of their ids.
    pub(super) servers: Vec<&'p Server>,
    indices: BTreeMap<&'p str, u32>,
    /// In order of server, kind and name.
    pub(super) items: Vec<(u32, &'p Item)>,
    places: BTreeMap<(u32, ItemKind, &'p str), u32>,
    /// In order of kind and id.
    pub(super) rules: Vec<Rule<'p>>,
    pub(super) types: BTreeMap<&'p str, u32>,
    pub(super) principals: BTreeMap<Key<'p>, PrincipalEntry<'p>>,
    /// Forbids, approvals and budgets by item.
    pub(super) item_restrictions: BTreeMap<u32, Vec<u32>>,
    /// By server.
    pub(super) server_restrictions: BTreeMap<u32, Vec<u32>>,
    /// Everywhere.
    pub(super) global: Vec<u32>,
    pairs: usize,
}

impl<'p> PolicyIndex<'p> {
    pub(super) fn of(policy: &'p Policy) -> Result<PolicyIndex<'p>, TooLarge> {
        let mut servers: Vec<&Server> = policy.servers.iter().collect();
        servers.sort_by(|a, b| a.id.cmp(&b.id));
        let indices: BTreeMap<&str, u32> =
            servers.iter().map(|server| server.id.as_str()).zip(0u32..).collect();
        let mut items: Vec<(u32, &Item)> = Vec::new();
        for (index, server) in (0u32..).zip(&servers) {
            items.extend(server.items.iter().map(|item| (index, item)));
        }
        items.sort_by(|(s, a), (t, b)| (s, a.kind, &a.name).cmp(&(t, b.kind, &b.name)));
        let key = |(server, item): &(u32, &'p Item)| (*server, item.kind, item.name.as_str());
        let places = items.iter().map(key).zip(0u32..).collect();
        let types = policy.agent_types.keys().map(String::as_str).zip(0u32..).collect();
        let mut policy_index = PolicyIndex {
            servers,
            indices,
            items,
            places,
            rules: Rule::all(policy),
            types,
            principals: BTreeMap::new(),
            item_restrictions: BTreeMap::new(),
            server_restrictions: BTreeMap::new(),
            global: Vec::new(),
            pairs: 0,
        };
        for (number, rule) in (0u32..).zip(policy_index.rules.clone()) {
            policy_index.place(policy, number, rule)?;
        }
        policy_index.check()?;
        Ok(policy_index)
    }

    /// Indices of the servers that a rule names; `None` is all.
    pub(super) fn servers_of(&self, servers: Option<&BTreeSet<String>>) -> Option<Vec<u32>> {
        let mut indices: Vec<u32> =
            servers?.iter().filter_map(|id| self.indices.get(id.as_str()).copied()).collect();
        indices.sort_unstable();
        Some(indices)
    }

    fn pairs(&mut self, count: usize) -> Result<(), TooLarge> {
        self.pairs = self.pairs.saturating_add(count);
        if self.pairs > MAX_PAIRS {
            return Err(TooLarge(
                "the policy is too large: its rules make more than 4,000,000 pairs (subjects times servers, rules \
                 times entries of catalogues)",
            ));
        }
        Ok(())
    }

    fn place(&mut self, policy: &'p Policy, number: u32, rule: Rule<'p>) -> Result<(), TooLarge> {
        let selectors = rule.selectors();
        // Every named principal gets a number, even without rules of its own.
        for key in selectors.actors.iter().flatten() {
            self.principals.entry(*key).or_default();
        }
        if let Rule::Actor(actor) = rule {
            let mut groups: BTreeSet<Key<'p>> =
                actor.labels.iter().map(|label| (PrincipalKind::Label, "", label.as_str(), "")).collect();
            if !actor.agent_type.is_empty() {
                groups.insert((PrincipalKind::AgentType, "", actor.agent_type.as_str(), ""));
            }
            for group in &groups {
                self.principals.entry(*group).or_default();
            }
            self.principals.entry(agent(&actor.agent)).or_default().groups.append(&mut groups);
        }
        if let Some(ceiling) = rule.ceiling(policy) {
            let holders = selectors.subjects.unwrap_or_default();
            if rule.is_plain(policy) {
                let servers = self.servers_of(selectors.servers).unwrap_or_else(|| vec![ALL_SERVERS]);
                self.pairs(servers.len().saturating_mul(holders.len()))?;
                for holder in holders {
                    let principal = self.principals.entry(holder).or_default();
                    for server in &servers {
                        let highest = principal.ceilings.entry(*server).or_insert((ceiling, number));
                        if ceiling > highest.0 {
                            *highest = (ceiling, number);
                        }
                    }
                }
            } else {
                holders
                    .into_iter()
                    .for_each(|key| self.principals.entry(key).or_default().conditional_grants.push(number));
            }
            return Ok(());
        }
        if let Some(people) = selectors.subjects.or(selectors.actors) {
            people
                .into_iter()
                .for_each(|key| self.principals.entry(key).or_default().restrictions.push(number));
        } else if let Some(items) = selectors.items.filter(|items| is_specific(items)) {
            let found = self.selected(selectors.servers, items);
            self.pairs(found.len())?;
            found.into_iter().for_each(|item| self.item_restrictions.entry(item).or_default().push(number));
        } else if let Some(servers) = self.servers_of(selectors.servers) {
            self.pairs(servers.len())?;
            servers
                .into_iter()
                .for_each(|server| self.server_restrictions.entry(server).or_default().push(number));
        } else {
            self.global.push(number);
        }
        Ok(())
    }

    /// Items that a rule can match: the named items, and the templates of named URIs.
    fn selected(&self, servers: Option<&BTreeSet<String>>, items: &'p Items) -> BTreeSet<u32> {
        let all = || (0u32..).zip(&self.servers).map(|(index, _)| index).collect();
        let mut found = BTreeSet::new();
        for server in self.servers_of(servers).unwrap_or_else(all) {
            match &items.names {
                Some(names) => {
                    for name in names {
                        for kind in ItemKind::ALL {
                            found.extend(self.places.get(&(server, kind, name.as_str())));
                        }
                    }
                    let templates = self.entries(server, ItemKind::Template);
                    let meant =
                        templates.filter(|(_, item)| names.iter().any(|name| uri::matches(&item.name, name)));
                    found.extend(meant.map(|(place, _)| place));
                }
                None => {
                    for kind in ItemKind::ALL {
                        found.extend(self.entries(server, kind).map(|(place, _)| place));
                    }
                }
            }
        }
        let fits = |place: &u32| {
            let entry = usize::try_from(*place).ok().and_then(|place| self.items.get(place));
            entry.is_some_and(|(_, item)| {
                item.tier >= items.tier_from.unwrap_or(0)
                    && items.labels.as_ref().is_none_or(|labels| !labels.is_disjoint(&item.labels))
            })
        };
        found.retain(fits);
        found
    }

    /// The items of one server and kind, with their numbers.
    pub(super) fn entries(&self, server: u32, kind: ItemKind) -> impl Iterator<Item = (u32, &'p Item)> {
        let range = self.places.range((server, kind, "")..);
        let of_server = range.take_while(move |((s, k, _), _)| (*s, *k) == (server, kind));
        of_server.filter_map(|(_, place)| {
            let (_, item) = self.items.get(usize::try_from(*place).ok()?)?;
            Some((*place, *item))
        })
    }

    fn check(&self) -> Result<(), TooLarge> {
        let above = |count: usize, most: u32| u32::try_from(count).map_or(true, |count| count > most);
        let principal = self.principals.values();
        if principal.into_iter().any(|principal| {
            above(principal.conditional_grants.len(), MAX_RULES_PER_KEY)
                || above(principal.restrictions.len(), MAX_RULES_PER_KEY)
        }) {
            return Err(TooLarge(
                "the policy is too large: more than 1,024 rules with conditions, windows or selectors of actors name \
                 the same subject or agent",
            ));
        }
        if self
            .item_restrictions
            .values()
            .chain(self.server_restrictions.values())
            .any(|restrictions| above(restrictions.len(), MAX_RULES_PER_KEY))
        {
            return Err(TooLarge(
                "the policy is too large: more than 1,024 forbids, approvals and budgets are about the same entry or \
                 server",
            ));
        }
        if above(self.global.len(), MAX_GLOBAL) {
            return Err(TooLarge(
                "the policy is too large: more than 256 forbids, approvals and budgets name neither subjects, actors, \
                 entries nor servers",
            ));
        }
        let templates = |server: &&Server| {
            above(server.items.iter().filter(|item| item.kind == ItemKind::Template).count(), MAX_TEMPLATES)
        };
        if self.servers.iter().any(templates) {
            return Err(TooLarge("the policy is too large: a server has more than 256 resource templates"));
        }
        if above(self.claims().len(), MAX_CLAIMS) {
            return Err(TooLarge(
                "the policy is too large: its rules select subjects by more than 64 claims",
            ));
        }
        Ok(())
    }

    /// Claims that rules select subjects by: issuer and name.
    pub(super) fn claims(&self) -> BTreeSet<(&'p str, &'p str)> {
        let keys = self.principals.keys().filter(|(kind, ..)| *kind == PrincipalKind::Claim);
        keys.map(|(_, issuer, name, _)| (*issuer, *name)).collect()
    }
}

fn is_specific(items: &Items) -> bool {
    items.names.is_some() || items.labels.is_some() || items.tier_from.is_some_and(|tier| tier > 0)
}
