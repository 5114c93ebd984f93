//! Leftovers: expired windows, monitor mode, definitions that are not pinned, tiers too low for a name.

use super::Finder;
use super::risk::{NameRisk, of_name};
use crate::policy::{Item, ItemKind, Mode, Origin, Server, ServerKind, Time};

pub(super) fn find(finder: &mut Finder<'_>) {
    let policy = finder.policy;
    if policy.not_after.is_some_and(|end| end <= finder.now) {
        let help = "set a later `not_after`";
        finder.add("window-expired", None, "the policy is past its `not_after`".to_owned(), help);
    }
    for rule in &policy.grants {
        expired(finder, "grant", &rule.id, rule.window.until, rule.origin);
        monitored(finder, "grant", &rule.id, rule.mode, rule.origin);
    }
    for rule in &policy.actors {
        expired(finder, "actor", &rule.id, rule.window.until, rule.origin);
    }
    for rule in &policy.forbids {
        expired(finder, "forbid", &rule.id, rule.window.until, rule.origin);
        monitored(finder, "forbid", &rule.id, rule.mode, rule.origin);
    }
    for rule in &policy.approvals {
        monitored(finder, "approval", &rule.id, rule.mode, rule.origin);
    }
    for rule in &policy.budgets {
        monitored(finder, "budget", &rule.id, rule.mode, rule.origin);
    }
    for (name, rule) in &policy.methods {
        monitored(finder, "method", name, rule.mode, rule.origin);
    }
    for server in &policy.servers {
        monitored(finder, "server", &server.id, server.mode, server.origin);
        for (name, rule) in &server.methods {
            monitored(finder, "method", name, rule.mode, rule.origin);
        }
        unpinned(finder, server);
        for item in &server.items {
            monitored(finder, "entry", &item.name, item.mode, item.origin);
            definitions(finder, server, item);
            name(finder, server, item);
        }
    }
}

fn expired(finder: &mut Finder<'_>, what: &str, id: &str, until: Option<Time>, origin: Origin) {
    if until.is_some_and(|until| until <= finder.now) {
        let message = format!("{what} `{id}` holds no longer: its `valid.until` is over");
        finder.add("window-expired", Some(origin), message, "take it away, or set a later end");
    }
}

fn monitored(finder: &mut Finder<'_>, what: &str, id: &str, mode: Mode, origin: Origin) {
    if mode == Mode::Monitor {
        let message = format!("{what} `{id}` is in monitor mode: what it would deny is let pass");
        finder.add(
            "monitor-mode",
            Some(origin),
            message,
            "take `mode: monitor` away once its records are read",
        );
    }
}

fn unpinned(finder: &mut Finder<'_>, server: &Server) {
    if server.kind != ServerKind::Sensitive {
        return;
    }
    let open = |item: &&Item| item.kind == ItemKind::Tool && item.definitions.is_empty();
    let mut items = server.items.iter().filter(open);
    let Some(first) = items.next() else { return };
    let others = match items.count() {
        0 => String::new(),
        count => format!(" and {count} more"),
    };
    let message = format!(
        "the sensitive server `{}` may change what `{}`{others} is: no definition is pinned",
        server.id, first.name
    );
    let help = "pin what was reviewed with `definition` or `versions` (`toolward import` makes them)";
    finder.add("definition-unpinned", Some(server.origin), message, help);
}

fn definitions(finder: &mut Finder<'_>, server: &Server, item: &Item) {
    let over = |until: Option<Time>| until.is_some_and(|until| until <= finder.now);
    if !item.definitions.is_empty() && item.definitions.iter().all(|definition| over(definition.until)) {
        let message = format!(
            "every definition of `{}` at server `{}` is past `deprecated_until`",
            item.name, server.id
        );
        let help = "review what the server shows now, and add its version";
        finder.add("definition-expired", Some(item.origin), message, help);
    }
}

fn name(finder: &mut Finder<'_>, server: &Server, item: &Item) {
    if item.kind != ItemKind::Tool || item.tier > 0 || finder.policy.tiers.len() < 2 {
        return;
    }
    let (risk, word) = of_name(&item.name);
    if risk == NameRisk::Plain {
        return;
    }
    let message = format!(
        "tool `{}` of server `{}` has the lowest tier, `{}`, and `{word}` in its name",
        item.name,
        server.id,
        finder.tier(0)
    );
    finder.add("name-above-tier", Some(item.origin), message, "give it a higher tier if it changes anything");
}
