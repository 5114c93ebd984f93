//! Selectors of rules: which subjects, which agents, which servers.

use super::server_index::ServerIndex;
use super::symbols::{Symbols, is_name};
use crate::policy::{Agent, Holder};
use crate::source::{MapReader, Place, Value, suggest};
use std::collections::BTreeSet;

/// `subjects`: a list; any one of them matches.
pub(super) fn subjects<'n>(place: &Place<'n>, symbols: &Symbols<'n>) -> Vec<Holder> {
    let holders =
        list(place, "`{id: …}`, `{group: …}`, `{role: …}`, `{claim: …}`, `{anyone: true}`", |place| {
            let mut map = place.map()?;
            let holder = holder(&mut map, symbols);
            map.finish();
            holder
        });
    let sorted: BTreeSet<Holder> = holders.into_iter().collect();
    sorted.into_iter().collect()
}

/// A group or role under `groups` or `roles`, or a subject of a rule.
fn holder<'n>(map: &mut MapReader<'n>, symbols: &Symbols<'n>) -> Option<Holder> {
    let issuer = map.optional("issuer");
    let issuer = symbols.issuer(issuer, map.place());
    let (key, value) = exactly_one(map, &["anyone", "claim", "group", "id", "role"])?;
    let holder = match key {
        "anyone" => {
            if value.bool()? {
                Holder::Anyone(issuer?.to_owned())
            } else {
                value.refuse("expected `true`; omit the key to match no subject");
                return None;
            }
        }
        "claim" => {
            let entries = value.named()?;
            let [entry] = entries.as_slice() else {
                value.refuse(format!(
                    "expected one claim, such as `{{department: finance}}`, found {}",
                    entries.len()
                ));
                return None;
            };
            let wanted = claim_value(&entry.value)?;
            Holder::Claim(issuer?.to_owned(), entry.name.to_owned(), wanted)
        }
        _ => {
            let (name, issuer) = (value.text()?.to_owned(), issuer?.to_owned());
            match key {
                "group" => Holder::Group(issuer, name),
                "role" => Holder::Role(issuer, name),
                _ => Holder::Id(issuer, name),
            }
        }
    };
    symbols.check_declared(&holder, &value);
    Some(holder)
}

fn claim_value(place: &Place<'_>) -> Option<String> {
    match &place.node().value {
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(text) if text.parse::<i64>().is_ok() => Some(text.to_string()),
        _ => place.text().map(str::to_owned),
    }
}

/// `actors` of a rule: a list; any one of them matches.
pub(super) fn agents<'n>(place: &Place<'n>, labels: &BTreeSet<String>, symbols: &Symbols<'n>) -> Vec<Agent> {
    let agents = list(
        place,
        "`{subject: …}`, `{client: …}`, `{issuer: …}`, `{label: …}`, `{type: …}`",
        |place| {
            let mut map = place.map()?;
            let agent = selector(&mut map, labels, symbols);
            map.finish();
            agent
        },
    );
    let sorted: BTreeSet<Agent> = agents.into_iter().collect();
    sorted.into_iter().collect()
}

fn selector<'n>(map: &mut MapReader<'n>, labels: &BTreeSet<String>, symbols: &Symbols<'n>) -> Option<Agent> {
    let issuer = map.optional("issuer");
    let given: Vec<_> = ["client", "label", "subject", "type"]
        .into_iter()
        .filter_map(|key| Some((key, map.optional(key)?)))
        .collect();
    let (key, value) = match (given.as_slice(), &issuer) {
        ([(key, value)], _) => (*key, value.clone()),
        ([], Some(_)) => return Some(Agent::Issuer(symbols.issuer(issuer, map.place())?.to_owned())),
        (several, _) => {
            let found = several.len();
            map.place().refuse(format!(
                "expected exactly one of `client`, `subject`, `label`, `type`, or `issuer` alone, found {found} of them"
            ));
            return None;
        }
    };
    let name = value.text()?.to_owned();
    match key {
        "label" | "type" if issuer.is_some() => {
            map.place().refuse(format!("`{key}` selects agents of the policy; it takes no `issuer`"));
            None
        }
        "label" => {
            if !labels.contains(&name) {
                let suggestion = suggest(&name, labels.iter().map(String::as_str));
                value.refuse_with(format!("no entry of `actors` has the label `{name}`"), suggestion);
            }
            Some(Agent::Label(name))
        }
        "type" => {
            if !symbols.agent_types.contains(name.as_str()) {
                let suggestion = suggest(&name, symbols.agent_types.iter().copied());
                value.refuse_with(format!("type `{name}` is not defined under `agent_types`"), suggestion);
            }
            Some(Agent::Type(name))
        }
        "client" => Some(Agent::Client(symbols.issuer(issuer, map.place())?.to_owned(), name)),
        _ => Some(Agent::Subject(symbols.issuer(issuer, map.place())?.to_owned(), name)),
    }
}

/// The agent of an entry of `actors`.
pub(super) fn agent<'n>(map: &mut MapReader<'n>, symbols: &Symbols<'n>) -> Option<Agent> {
    let issuer = map.optional("issuer");
    let issuer = symbols.issuer(issuer, map.place());
    let (key, value) = exactly_one(map, &["any", "client", "subject"])?;
    match key {
        "any" => {
            if value.bool()? {
                Some(Agent::Issuer(issuer?.to_owned()))
            } else {
                value.refuse("expected `true`; leave the entry out for no agent");
                None
            }
        }
        "client" => Some(Agent::Client(issuer?.to_owned(), value.text()?.to_owned())),
        _ => Some(Agent::Subject(issuer?.to_owned(), value.text()?.to_owned())),
    }
}

fn exactly_one<'n>(map: &mut MapReader<'n>, keys: &[&'static str]) -> Option<(&'static str, Place<'n>)> {
    let given: Vec<_> = keys.iter().filter_map(|key| Some((*key, map.optional(key)?))).collect();
    match given.as_slice() {
        [(key, place)] => Some((key, place.clone())),
        several => {
            let keys: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
            let found = several.len();
            map.place().refuse(format!("expected exactly one of {}, found {found} of them", keys.join(", ")));
            None
        }
    }
}

fn list<'n, T>(place: &Place<'n>, forms: &str, read: impl Fn(Place<'n>) -> Option<T>) -> Vec<T> {
    let Some(places) = place.list() else { return Vec::new() };
    if places.is_empty() {
        place.refuse(format!("expected at least one of {forms}"));
    }
    places.into_iter().filter_map(read).collect()
}

/// `servers` of a rule, as the ids that it covers.
pub(super) fn servers<'n>(place: &Place<'n>, known: &ServerIndex) -> BTreeSet<String> {
    let mut covered = BTreeSet::new();
    let mut named = BTreeSet::new();
    for place in list(place, "a server's id, `{kind: …}`, `{environment: …}`, `{label: …}`", Some) {
        let found = match &place.node().value {
            Value::Map(_) => by_quality(&place, known),
            Value::String(name) if !named.insert(name.as_ref()) => {
                place.refuse(format!("duplicate server `{name}`"));
                None
            }
            _ => by_id(&place, known),
        };
        covered.extend(found.into_iter().flatten());
    }
    covered
}

fn by_id(place: &Place<'_>, known: &ServerIndex) -> Option<Vec<String>> {
    let name = place.text()?;
    let found = known.named(name);
    if found.is_empty() {
        let suggestion = suggest(name, known.names());
        place.refuse_with(format!("server `{name}` is not defined under `servers`"), suggestion);
    }
    Some(found)
}

fn by_quality(place: &Place<'_>, known: &ServerIndex) -> Option<Vec<String>> {
    let mut map = place.map()?;
    let (key, value) = exactly_one(&mut map, &["environment", "kind", "label"])?;
    map.finish();
    let wanted = value.text()?;
    let found = known.with(key, wanted);
    if found.is_empty() {
        let suggestion = suggest(wanted, known.qualities(key));
        value.refuse_with(format!("no server of the policy has the {key} `{wanted}`"), suggestion);
    }
    Some(found)
}

/// `approvers`: the holders that can approve.
pub(super) fn approvers<'n>(place: &Place<'n>, symbols: &Symbols<'n>) -> BTreeSet<String> {
    let mut approvers = BTreeSet::new();
    for place in place.list().unwrap_or_default() {
        let Some(text) = place.text() else { continue };
        let fits = text.split_once(':').is_some_and(|(kind, name)| {
            matches!(kind, "group" | "role" | "id") && !name.is_empty() && is_name(kind, b"")
        });
        if !fits {
            place.refuse(format!("expected `group:…`, `role:…` or `id:…`, found `{text}`"));
        } else if !approvers.insert(text.to_owned()) {
            place.refuse(format!("duplicate entry `{text}`"));
        } else if let Some((kind, name)) = text.split_once(':') {
            symbols.check_approver(kind, name, &place);
        }
    }
    approvers
}
