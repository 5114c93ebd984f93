//! `grants` and `actors`: who holds which ceiling at which servers.

use super::policy::{Names, at, tier};
use crate::bundle::layout::{PrincipalKind, RuleKind};
use crate::source::{MapReader, Place, Value, suggest};
use std::collections::{BTreeMap, BTreeSet};

/// One entry of `grants` or `actors`.
pub(super) struct Rule<'n> {
    pub(super) kind: RuleKind,
    pub(super) id: &'n str,
    /// Kind, issuer identifier and name.
    pub(super) holders: Vec<(PrincipalKind, &'n str, &'n str)>,
    /// The servers that it covers; `None` is all of them.
    pub(super) servers: Option<BTreeSet<&'n str>>,
    pub(super) ceiling: u32,
}

/// Reads the rules of all files: grants, then actors, each in order of their ids.
pub(super) fn read<'n>(grants: &[Place<'n>], actors: &[Place<'n>], names: &Names<'n>) -> Vec<Rule<'n>> {
    let mut rules = list(RuleKind::Grant, grants, names);
    rules.extend(list(RuleKind::Actor, actors, names));
    rules
}

fn list<'n>(kind: RuleKind, places: &[Place<'n>], names: &Names<'n>) -> Vec<Rule<'n>> {
    let mut rules: BTreeMap<&str, Rule<'n>> = BTreeMap::new();
    let mut seen: BTreeMap<&str, Place<'n>> = BTreeMap::new();
    for place in places.iter().filter_map(Place::list).flatten() {
        let Some(mut map) = place.map() else { continue };
        let id = map.required("id").and_then(|place| id(&place, &mut seen));
        let holders = match kind {
            RuleKind::Grant => subjects(&mut map, names),
            _ => actor(&mut map, names),
        };
        let servers = map.optional("servers").map(|place| servers(&place, names));
        let ceiling = map.required("ceiling").and_then(|place| tier(&place, names));
        map.finish();
        if let (Some(id), Some(ceiling)) = (id, ceiling) {
            rules.insert(id, Rule { kind, id, holders, servers, ceiling });
        }
    }
    rules.into_values().collect()
}

fn id<'n>(place: &Place<'n>, seen: &mut BTreeMap<&'n str, Place<'n>>) -> Option<&'n str> {
    let id = place.text()?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._:/-".contains(&byte);
    if id.len() > 128 || !id.bytes().all(fits) {
        place.refuse(format!(
            "expected an id of at most 128 letters, digits and `.`, `_`, `:`, `/`, `-`, found `{id}`"
        ));
        return None;
    }
    if let Some(first) = seen.get(id) {
        place.refuse(format!("id `{id}` is already defined in {}", at(first)));
        return None;
    }
    seen.insert(id, place.clone());
    Some(id)
}

fn subjects<'n>(map: &mut MapReader<'n>, names: &Names<'n>) -> Vec<(PrincipalKind, &'n str, &'n str)> {
    let Some(place) = map.required("subjects") else { return Vec::new() };
    let places = place.list().unwrap_or_default();
    if places.is_empty() && matches!(place.node().value, Value::List(_)) {
        place.refuse("expected at least one of `{id: …}`, `{group: …}`, `{role: …}`");
    }
    let kinds =
        [("id", PrincipalKind::SubjectId), ("group", PrincipalKind::Group), ("role", PrincipalKind::Role)];
    let subject = |place: Place<'n>| {
        let mut map = place.map()?;
        let holder = holder(&mut map, &kinds, names);
        map.finish();
        holder
    };
    places.into_iter().filter_map(subject).collect()
}

fn actor<'n>(map: &mut MapReader<'n>, names: &Names<'n>) -> Vec<(PrincipalKind, &'n str, &'n str)> {
    let kinds = [("subject", PrincipalKind::ActorSubject), ("client", PrincipalKind::ActorClient)];
    holder(map, &kinds, names).into_iter().collect()
}

/// Exactly one of the keys in `kinds`, and the issuer.
fn holder<'n>(
    map: &mut MapReader<'n>,
    kinds: &[(&'static str, PrincipalKind)],
    names: &Names<'n>,
) -> Option<(PrincipalKind, &'n str, &'n str)> {
    let given: Vec<_> = kinds.iter().filter_map(|(key, kind)| Some((*kind, map.optional(key)?))).collect();
    let issuer = map.optional("issuer");
    let issuer = names.issuer(issuer, map.place());
    let keys: Vec<String> = kinds.iter().map(|(key, _)| format!("`{key}`")).collect();
    match given.as_slice() {
        [(kind, place)] => Some((*kind, issuer?, place.text()?)),
        several => {
            let found = several.len();
            map.place().refuse(format!("expected exactly one of {}, found {found} of them", keys.join(", ")));
            None
        }
    }
}

fn servers<'n>(place: &Place<'n>, names: &Names<'n>) -> BTreeSet<&'n str> {
    let Some(places) = place.list() else { return BTreeSet::new() };
    if places.is_empty() {
        place.refuse("expected at least one server; leave `servers` out for all servers");
    }
    let known: BTreeSet<&str> = names.servers.iter().copied().collect();
    let mut covered = BTreeSet::new();
    for place in &places {
        let Some(name) = place.text() else { continue };
        if !known.contains(name) {
            let suggestion = suggest(name, known.iter().copied());
            place.refuse_with(format!("server `{name}` is not defined under `servers`"), suggestion);
        } else if !covered.insert(name) {
            place.refuse(format!("server `{name}` stands twice"));
        }
    }
    covered
}
