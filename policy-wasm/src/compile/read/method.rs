//! `methods`: rules for methods without an item.

use super::address::url;
use super::condition;
use super::condition::Scope;
use super::symbols::{Symbols, mode};
use crate::model::Method;
use crate::policy::MethodRule;
use crate::source::{Place, Value, suggest};
use std::collections::{BTreeMap, BTreeSet};

/// All methods of tasks without a rule of their own.
const TASKS: &str = "tasks/*";

/// The names that a policy can use.
fn names_known() -> impl Iterator<Item = &'static str> {
    Method::ALL.iter().map(|method| method.name()).chain([TASKS])
}

fn task_methods() -> impl Iterator<Item = &'static str> {
    Method::ALL.iter().map(|method| method.name()).filter(|name| name.starts_with("tasks/"))
}

/// Reads a map from method to rule. `tasks/*` covers all methods of tasks without a rule of their own.
pub(super) fn read<'n>(place: &Place<'n>, symbols: &Symbols<'n>) -> BTreeMap<String, MethodRule> {
    let mut rules = BTreeMap::new();
    for entry in place.named().unwrap_or_default() {
        known(entry.name, |message, suggestion| entry.refuse_name(message, suggestion));
        if let Some(rule) = rule(entry.name, &entry.value, symbols) {
            rules.insert(entry.name.to_owned(), rule);
        }
    }
    if let Some(all) = rules.remove(TASKS) {
        for method in task_methods() {
            rules.entry(method.to_owned()).or_insert_with(|| all.clone());
        }
    }
    rules
}

/// A list of methods.
pub(super) fn list(place: &Place<'_>) -> BTreeSet<String> {
    let mut methods = BTreeSet::new();
    for place in place.list().unwrap_or_default() {
        let Some(name) = place.text() else { continue };
        known(name, |message, suggestion| place.refuse_with(message, suggestion));
        methods.insert(name.to_owned());
    }
    if methods.remove(TASKS) {
        methods.extend(task_methods().map(str::to_owned));
    }
    methods
}

fn known(name: &str, refuse: impl FnOnce(String, Option<String>)) {
    if !names_known().any(|known| known == name) {
        refuse(
            format!("`{name}` is not a method of MCP that this version knows"),
            suggest(name, names_known()),
        );
    }
}

fn rule<'n>(method: &str, place: &Place<'n>, symbols: &Symbols<'n>) -> Option<MethodRule> {
    let origin = symbols.origin(place);
    let plain = |permit| MethodRule { permit, tier: None, when: None, urls: None, mode: mode(None), origin };
    if let Value::String(_) = place.node().value {
        return place.one_of(&["permit", "deny"]).map(|effect| plain(effect == 0));
    }
    let mut map = place.map()?;
    let effect = map.required("effect").and_then(|place| place.one_of(&["permit", "deny"]));
    let mut rule = plain(effect == Some(0));
    rule.tier = map.optional("tier").and_then(|place| symbols.tier(&place));
    let scope = Scope::new(symbols).without_entry();
    rule.when = map.optional("when").and_then(|place| condition::when(&place, &scope, symbols));
    if let Some(place) = map.optional("urls") {
        if method != "elicitation/create" {
            place.refuse("`urls` is for `elicitation/create` only");
        }
        rule.urls = Some(urls(&place));
    }
    rule.mode = mode(map.optional("mode"));
    map.finish();
    Some(rule)
}

/// Pages that a person may be sent to.
fn urls(place: &Place<'_>) -> BTreeSet<String> {
    let mut urls = BTreeSet::new();
    for place in place.list().unwrap_or_default() {
        let Some(text) = place.text() else { continue };
        if let Err(why) = url(text) {
            place.refuse(format!(
                "expected the beginning of a page's URL, such as `https://ask.acme.test/consent`, found `{text}`: {why}"
            ));
        }
        urls.insert(text.to_owned());
    }
    urls
}
