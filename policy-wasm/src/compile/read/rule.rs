//! `grants`, `actors`, `forbids`, `approvals` and `budgets`.

use super::condition;
use super::condition::Scope;
use super::item::approval_of;
use super::method;
use super::selectors::{self, agents, subjects};
use super::server_index::ServerIndex;
use super::symbols::{Symbols, duration, id, labels, mode, window};
use crate::decision::BudgetKey;
use crate::policy::{Actor, ApprovalRule, BudgetRule, Condition, Forbid, Grant, Holder, Items};
use crate::source::{MapReader, Place, Value, suggest};
use std::collections::{BTreeMap, BTreeSet};

/// The names that rules refer to.
pub(super) struct Context<'c, 'n> {
    pub(super) symbols: &'c Symbols<'n>,
    pub(super) servers: &'c ServerIndex,
    /// Labels of agents.
    pub(super) labels: BTreeSet<String>,
}

/// Reads the items of all files' lists, in order of their ids.
fn entries<'n, T>(
    places: &[Place<'n>],
    mut read: impl FnMut(&mut MapReader<'n>, &'n str) -> Option<T>,
) -> Vec<T> {
    let mut rules: BTreeMap<&str, T> = BTreeMap::new();
    let mut seen: BTreeMap<&str, Place<'n>> = BTreeMap::new();
    for place in places.iter().filter_map(Place::list).flatten() {
        let Some(mut map) = place.map() else { continue };
        let id = map.required("id").and_then(|place| id(&place, &mut seen));
        let _note = map.optional("note").and_then(|place| place.text());
        // A rule without an id is read too, so that all of its mistakes are reported.
        let rule = read(&mut map, id.unwrap_or_default());
        map.finish();
        if let (Some(id), Some(rule)) = (id, rule) {
            rules.insert(id, rule);
        }
    }
    rules.into_values().collect()
}

impl<'n> Context<'_, 'n> {
    fn servers(&self, map: &mut MapReader<'n>) -> Option<BTreeSet<String>> {
        map.optional("servers").map(|place| selectors::servers(&place, self.servers))
    }

    fn subjects(&self, map: &mut MapReader<'n>) -> Option<Vec<Holder>> {
        map.optional("subjects").map(|place| subjects(&place, self.symbols))
    }

    fn agents(&self, map: &mut MapReader<'n>) -> Option<Vec<crate::policy::Agent>> {
        map.optional("actors").map(|place| agents(&place, &self.labels, self.symbols))
    }

    fn when(&self, map: &mut MapReader<'n>) -> Option<Condition> {
        let scope = Scope::new(self.symbols);
        map.optional("when").and_then(|place| condition::when(&place, &scope, self.symbols))
    }

    /// `items: {names, labels, tier_from}`, or `tools: [names]`.
    fn items(&self, map: &mut MapReader<'n>) -> Option<Items> {
        let (items, tools) = (map.optional("items"), map.optional("tools"));
        if let (Some(_), Some(place)) = (&items, &tools) {
            place.refuse("expected either `items` or `tools`, found both");
        }
        let mut read = Items::default();
        if let Some(place) = tools {
            read.names = Some(self.item_names(&place));
            return Some(read);
        }
        let mut map = items?.map()?;
        read.names = map.optional("names").map(|place| self.item_names(&place));
        read.labels = map.optional("labels").map(|place| self.item_labels(&place));
        read.tier_from = map.optional("tier_from").and_then(|place| self.symbols.tier(&place));
        if read == Items::default() {
            map.place().refuse("expected at least one of `names`, `labels`, `tier_from`");
        }
        map.finish();
        Some(read)
    }

    fn item_names(&self, place: &Place<'n>) -> BTreeSet<String> {
        let all = || self.servers.servers().iter().flat_map(|server| &server.items);
        self.known(
            place,
            "entry of a catalogue has the name",
            |name| all().any(|item| item.name == name),
            || all().map(|item| item.name.as_str()).collect(),
        )
    }

    fn item_labels(&self, place: &Place<'n>) -> BTreeSet<String> {
        let all =
            || self.servers.servers().iter().flat_map(|server| &server.items).flat_map(|item| &item.labels);
        self.known(
            place,
            "entry of a catalogue has the label",
            |name| all().any(|label| label == name),
            || all().map(String::as_str).collect(),
        )
    }

    fn known<'k>(
        &self,
        place: &Place<'n>,
        what: &str,
        is_known: impl Fn(&str) -> bool,
        all: impl Fn() -> Vec<&'k str>,
    ) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let places = place.list().unwrap_or_default();
        if places.is_empty() && matches!(place.node().value, Value::List(_)) {
            place.refuse("list is empty; omit the key to match any");
        }
        for place in &places {
            let Some(name) = place.text() else { continue };
            if !is_known(name) {
                place.refuse_with(format!("no {what} `{name}`"), suggest(name, all()));
            }
            found.insert(name.to_owned());
        }
        found
    }
}

/// Reads `actors`.
pub(super) fn actors<'n>(places: &[Place<'n>], symbols: &Symbols<'n>, servers: &ServerIndex) -> Vec<Actor> {
    entries(places, |map, id| {
        let agent = selectors::agent(map, symbols);
        let agent_type = map.optional("type");
        if agent_type.is_none() && !symbols.agent_types.is_empty() {
            map.place().refuse("`type` is needed where the policy has `agent_types`");
        }
        let agent_type = agent_type.and_then(|place| {
            let name = place.text()?;
            if !symbols.agent_types.contains(name) {
                let suggestion = suggest(name, symbols.agent_types.iter().copied());
                place.refuse_with(format!("type `{name}` is not defined under `agent_types`"), suggestion);
            }
            Some(name.to_owned())
        });
        let labels = map.optional("labels").map(|place| labels(&place)).unwrap_or_default();
        let servers = map.optional("servers").map(|place| selectors::servers(&place, servers));
        let ceiling = map.required("ceiling").and_then(|place| symbols.tier(&place));
        let window = window(map.optional("valid"));
        Some(Actor {
            id: id.to_owned(),
            agent: agent?,
            agent_type: agent_type.unwrap_or_default(),
            labels,
            servers,
            ceiling: ceiling?,
            window,
            origin: symbols.origin(map.place()),
        })
    })
}

/// Reads `grants`.
pub(super) fn grants<'n>(places: &[Place<'n>], context: &Context<'_, 'n>) -> Vec<Grant> {
    entries(places, |map, id| {
        let subjects = map.required("subjects").map(|place| subjects(&place, context.symbols));
        let actors = context.agents(map);
        let servers = context.servers(map);
        let ceiling = map.required("ceiling").and_then(|place| context.symbols.tier(&place));
        let window = window(map.optional("valid"));
        let when = context.when(map);
        let mode = mode(map.optional("mode"));
        Some(Grant {
            id: id.to_owned(),
            subjects: subjects?,
            actors,
            servers,
            ceiling: ceiling?,
            window,
            when,
            mode,
            origin: context.symbols.origin(map.place()),
        })
    })
}

/// Reads `forbids`.
pub(super) fn forbids<'n>(places: &[Place<'n>], context: &Context<'_, 'n>) -> Vec<Forbid> {
    entries(places, |map, id| {
        Some(Forbid {
            id: id.to_owned(),
            subjects: context.subjects(map),
            actors: context.agents(map),
            servers: context.servers(map),
            items: context.items(map),
            methods: map.optional("methods").map(|place| method::list(&place)),
            window: window(map.optional("valid")),
            when: context.when(map),
            mode: mode(map.optional("mode")),
            origin: context.symbols.origin(map.place()),
        })
    })
}

/// Reads `approvals`.
pub(super) fn approvals<'n>(places: &[Place<'n>], context: &Context<'_, 'n>) -> Vec<ApprovalRule> {
    entries(places, |map, id| {
        Some(ApprovalRule {
            id: id.to_owned(),
            subjects: context.subjects(map),
            actors: context.agents(map),
            servers: context.servers(map),
            items: context.items(map).unwrap_or_default(),
            when: context.when(map),
            approval: approval_of(map, context.symbols),
            mode: mode(map.optional("mode")),
            origin: context.symbols.origin(map.place()),
        })
    })
}

/// Reads `budgets`.
pub(super) fn budgets<'n>(places: &[Place<'n>], context: &Context<'_, 'n>) -> Vec<BudgetRule> {
    const KEYS: [(&str, BudgetKey); 3] =
        [("subject", BudgetKey::Subject), ("actor", BudgetKey::Actor), ("tool", BudgetKey::Item)];
    entries(places, |map, id| {
        let (subjects, actors) = (context.subjects(map), context.agents(map));
        let (servers, items) = (context.servers(map), context.items(map).unwrap_or_default());
        let mut per = BTreeSet::new();
        for place in map.optional("per").and_then(|place| place.list()).unwrap_or_default() {
            let index = place.one_of(&KEYS.map(|(name, _)| name));
            if let Some((name, key)) = index.and_then(|index| KEYS.get(index))
                && !per.insert(*key)
            {
                place.refuse(format!("duplicate entry `{name}`"));
            }
        }
        let limit = map.required("limit").and_then(|place| place.integer(0..=1_000_000_000, "calls"));
        let window = map.required("window").and_then(|place| duration(&place));
        let mode = mode(map.optional("mode"));
        Some(BudgetRule {
            id: id.to_owned(),
            subjects,
            actors,
            servers,
            items,
            per,
            limit: limit?,
            window: window?,
            mode,
            origin: context.symbols.origin(map.place()),
        })
    })
}
