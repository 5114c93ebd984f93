//! URIs that some reader takes for other URIs: similar items, and items that no request can reach.

use super::Finder;
use crate::model::ItemKind;
use crate::policy::{Item, MethodRule, Server};
use crate::uri::{self, loose::Loose};
use std::collections::BTreeMap;

pub(super) fn find(finder: &mut Finder<'_>) {
    let policy = finder.policy;
    for server in &policy.servers {
        alike(finder, server);
        for item in &server.items {
            plain(finder, item);
        }
        for rule in server.methods.values() {
            pages(finder, rule);
        }
    }
    for rule in policy.methods.values() {
        pages(finder, rule);
    }
}

/// Items that some reader takes for one, and the policy does not.
fn alike(finder: &mut Finder<'_>, server: &Server) {
    let mut seen: BTreeMap<Vec<u8>, &Item> = BTreeMap::new();
    for item in server.items.iter().filter(|item| item.kind == ItemKind::Resource) {
        let Some(other) = seen.insert(Loose::of(&item.name).bytes().to_vec(), item) else { continue };
        if other.tier != item.tier {
            let message = format!(
                "some servers take `{}` for `{}`, whose tier is `{}` and not `{}`",
                item.name,
                other.name,
                finder.tier(other.tier),
                finder.tier(item.tier)
            );
            let help = "list only the spelling that the server shows, or give both one tier";
            finder.add("uri-lookalike", Some(item.origin), message, help);
        }
    }
}

fn plain(finder: &mut Finder<'_>, item: &Item) {
    let (message, help) = match item.kind {
        ItemKind::Resource if !uri::matches(&item.name, &item.name) => (
            format!("some readers resolve `{}` to another URI", item.name),
            "list the URI as the server shows it, in its plain spelling",
        ),
        ItemKind::Template if !uri::matches(&item.name, &uri::instance(&item.name)) => (
            format!("no URI comes under `{}`: some readers resolve what it says to another URI", item.name),
            "write scheme and host in lower case, and leave out `.`, `..` and empty segments, and needless escapes",
        ),
        _ => return,
    };
    finder.add("uri-not-plain", Some(item.origin), message, help);
}

fn pages(finder: &mut Finder<'_>, rule: &MethodRule) {
    for prefix in rule.urls.iter().flatten().filter(|prefix| !uri::covers(prefix, prefix)) {
        let message = format!("no page lies under `{prefix}`: some readers resolve it to another URL");
        let help = "leave out `.`, `..` and empty segments, backslashes and needless escapes";
        finder.add("uri-not-plain", Some(rule.origin), message, help);
    }
}
