//! `methods`: rules for what names no entry of a catalogue.

use super::address::url;
use super::condition;
use super::condition::Scope;
use super::names::{Names, mode};
use crate::policy::MethodRule;
use crate::source::{Place, Value, suggest};
use std::collections::{BTreeMap, BTreeSet};

/// The methods of all revisions that the policy can speak of (MCP 2024-11-05 to 2026-07-28), the two kinds of
/// requests without a message, and `response`: a client's answer to a request of the server.
pub(super) const METHODS: [&str; 40] = [
    "completion/complete",
    "elicitation/create",
    "http/delete",
    "http/get",
    "initialize",
    "logging/setLevel",
    "notifications/cancelled",
    "notifications/elicitation/complete",
    "notifications/initialized",
    "notifications/message",
    "notifications/progress",
    "notifications/prompts/list_changed",
    "notifications/resources/list_changed",
    "notifications/resources/updated",
    "notifications/roots/list_changed",
    "notifications/subscriptions/acknowledged",
    "notifications/tasks",
    "notifications/tasks/status",
    "notifications/tools/list_changed",
    "ping",
    "prompts/get",
    "prompts/list",
    "resources/list",
    "resources/read",
    "resources/subscribe",
    "resources/templates/list",
    "resources/unsubscribe",
    "response",
    "roots/list",
    "sampling/createMessage",
    "server/discover",
    "subscriptions/listen",
    "tasks/cancel",
    "tasks/get",
    "tasks/list",
    "tasks/result",
    "tasks/update",
    "tools/call",
    "tools/list",
    "tasks/*",
];

/// Reads a map from method to rule. `tasks/*` stands for all methods of tasks that have no rule of their own.
pub(super) fn read<'n>(place: &Place<'n>, names: &Names<'n>) -> BTreeMap<String, MethodRule> {
    let mut rules = BTreeMap::new();
    for entry in place.named().unwrap_or_default() {
        known(entry.name, |message, suggestion| entry.refuse_name(message, suggestion));
        if let Some(rule) = rule(entry.name, &entry.value, names) {
            rules.insert(entry.name.to_owned(), rule);
        }
    }
    if let Some(all) = rules.remove("tasks/*") {
        for method in METHODS.iter().filter(|method| method.starts_with("tasks/") && **method != "tasks/*") {
            rules.entry((*method).to_owned()).or_insert_with(|| all.clone());
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
    if methods.remove("tasks/*") {
        methods
            .extend(METHODS.iter().filter(|name| name.starts_with("tasks/")).map(|name| (*name).to_owned()));
        methods.remove("tasks/*");
    }
    methods
}

fn known(name: &str, refuse: impl FnOnce(String, Option<String>)) {
    if !METHODS.contains(&name) {
        refuse(format!("`{name}` is no method of MCP that this version knows"), suggest(name, METHODS));
    }
}

fn rule<'n>(method: &str, place: &Place<'n>, names: &Names<'n>) -> Option<MethodRule> {
    let origin = names.origin(place);
    let plain = |permit| MethodRule { permit, tier: None, when: None, urls: None, mode: mode(None), origin };
    if let Value::String(_) = place.node().value {
        return place.one_of(&["permit", "deny"]).map(|effect| plain(effect == 0));
    }
    let mut map = place.map()?;
    let effect = map.required("effect").and_then(|place| place.one_of(&["permit", "deny"]));
    let mut rule = plain(effect == Some(0));
    rule.tier = map.optional("tier").and_then(|place| names.tier(&place));
    let scope = Scope::new(names).without_entry();
    rule.when = map.optional("when").and_then(|place| condition::when(&place, &scope, names));
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

/// Pages that a human may be sent to.
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
