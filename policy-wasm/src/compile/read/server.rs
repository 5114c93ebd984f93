//! `servers` and `catalogues`: addresses of servers, and their items.

use super::address::{split_authority, url};
use super::item::{self, Items};
use super::method;
use super::server_index::ServerIndex;
use super::symbols::{Symbols, is_name, labels, mode};
use crate::canonical_path::plain_path;
use crate::model::Revision;
use crate::policy::{Catalogue, Origin, Server, ServerKind, Tier};
use crate::source::{MapReader, Named, Place, suggest};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

/// Items that servers share.
pub(super) struct Shared<'n> {
    items: Items<'n>,
    /// Whether a server has named it so far.
    used: Cell<bool>,
    origin: Origin,
}

impl Shared<'_> {
    /// The catalogue as lints need it, once all servers are read.
    pub(super) fn catalogue(&self) -> Catalogue {
        Catalogue { used: self.used.get(), origin: self.origin }
    }
}

/// Reads the catalogues, by name.
pub(super) fn catalogues<'n>(named: Vec<Named<'n>>, symbols: &Symbols<'n>) -> BTreeMap<&'n str, Shared<'n>> {
    let mut catalogues = BTreeMap::new();
    for entry in named {
        check_id("catalogue", &entry);
        let Some(mut map) = entry.value.map() else { continue };
        let (items, any) = item::read(&mut map, symbols);
        map.finish();
        if !any {
            entry.value.refuse("expected `tools`, `prompts`, `resources` or `resource_templates`");
        }
        let origin = symbols.at(entry.value.file(), entry.name_position);
        catalogues.insert(entry.name, Shared { items, used: Cell::new(false), origin });
    }
    catalogues
}

fn check_id(what: &str, entry: &Named<'_>) {
    if !is_name(entry.name, b"._-") {
        let message = format!(
            "expected a {what} id like `github` ([a-z][a-z0-9._-]*, at most 64), found `{}`",
            entry.name
        );
        entry.refuse_name(message, None);
    }
}

/// Reads the servers, and reports conflicts between them.
pub(super) fn read<'n>(
    named: Vec<Named<'n>>,
    catalogues: &BTreeMap<&'n str, Shared<'n>>,
    symbols: &Symbols<'n>,
) -> ServerIndex {
    let mut known = ServerIndex { named: BTreeMap::new(), servers: Vec::new() };
    let mut resources: BTreeMap<String, String> = BTreeMap::new();
    let mut addresses: BTreeMap<(String, String), String> = BTreeMap::new();
    let mut ids = BTreeSet::new();
    for entry in named {
        check_id("server", &entry);
        let Some(mut map) = entry.value.map() else { continue };
        let servers = server(&entry, &mut map, catalogues, symbols);
        map.finish();
        for server in &servers {
            if !ids.insert(server.id.clone()) {
                entry.value.refuse(format!("another server already has the id `{}`", server.id));
            }
            if let Some(other) = resources.insert(server.resource.clone(), server.id.clone()) {
                entry.value.refuse(format!(
                    "resource `{}` is already that of server `{other}`; a token for one would open the other",
                    server.resource
                ));
            }
            for authority in &server.authorities {
                let address = (authority.clone(), server.path.clone());
                if let Some(other) = addresses.insert(address, server.id.clone()) {
                    let message = format!("`{authority}{}` already leads to server `{other}`", server.path);
                    entry.value.refuse(message);
                }
            }
        }
        known.named.insert(entry.name.to_owned(), servers.iter().map(|server| server.id.clone()).collect());
        known.servers.extend(servers);
    }
    known.servers.sort_by(|left, right| left.id.cmp(&right.id));
    known
}

/// One server, or one for each environment.
fn server<'n>(
    entry: &Named<'n>,
    map: &mut MapReader<'n>,
    catalogues: &BTreeMap<&'n str, Shared<'n>>,
    symbols: &Symbols<'n>,
) -> Vec<Server> {
    let resource = map.required("resource");
    let authorities = map.optional("authorities");
    let path = map.optional("path");
    let kind = map.optional("kind").and_then(|place| place.one_of(&ServerKind::NAMES));
    let kind = kind.and_then(|kind| ServerKind::ALL.get(kind).copied()).unwrap_or(ServerKind::Corporate);
    let owner = map.optional("owner").and_then(|place| place.text()).unwrap_or_default();
    let (environments, several) = environments(map, symbols);
    let server_labels = map.optional("labels").map(|place| labels(&place)).unwrap_or_default();
    let revisions = map.optional("revisions").map(|place| revisions(&place));
    let scopes = map.optional("scopes").map(|place| scopes(&place, symbols)).unwrap_or_default();
    let shared = map.optional("catalogue");
    let (own, any) = item::read(map, symbols);
    if !any && shared.is_none() {
        map.place().refuse(
            "expected `tools`, `prompts`, `resources`, `resource_templates` or `catalogue`, found none",
        );
    }
    let items = merged(shared, own, catalogues);
    let methods = map.optional("methods").map(|place| method::read(&place, symbols)).unwrap_or_default();
    let mode = mode(map.optional("mode"));
    let _note = map.optional("note").and_then(|place| place.text());
    let Some(resource) = resource else { return Vec::new() };
    let filled = |environment: &str, place: &Place<'n>, text: &str| {
        fill(
            place,
            text,
            &[("organisation", symbols.organisation), ("environment", environment), ("server", entry.name)],
        )
    };
    let mut servers = Vec::new();
    for environment in environments {
        let own_authorities = authorities
            .as_ref()
            .map(|place| read_authorities(place, |place, text| filled(environment, place, text)));
        let text = resource.text().and_then(|text| filled(environment, &resource, text));
        let Some((resource, authority, resource_path)) =
            text.and_then(|text| split_resource(&resource, text))
        else {
            break;
        };
        let Some(path) = path_of(path.as_ref(), resource_path, map.place(), |place, text| {
            filled(environment, place, text)
        }) else {
            break;
        };
        let authorities = own_authorities.unwrap_or_else(|| BTreeSet::from([authority.to_ascii_lowercase()]));
        let id = if several { format!("{}.{environment}", entry.name) } else { entry.name.to_owned() };
        servers.push(Server {
            id,
            resource,
            authorities,
            path,
            kind,
            owner: owner.to_owned(),
            environment: environment.to_owned(),
            labels: server_labels.clone(),
            revisions: revisions.clone(),
            scopes: scopes.clone(),
            items: items.values().map(|(item, _)| item.clone()).collect(),
            methods: methods.clone(),
            mode,
            origin: symbols.at(entry.value.file(), entry.name_position),
        });
    }
    servers
}

/// The environments of a server, and whether each of them becomes a separate server.
fn environments<'n>(map: &mut MapReader<'n>, symbols: &Symbols<'n>) -> (Vec<&'n str>, bool) {
    let known = |place: &Place<'n>| {
        let name = place.text()?;
        if symbols.environments.contains(&name) {
            return Some(name);
        }
        let suggestion = suggest(name, symbols.environments.iter().copied());
        place.refuse_with(
            format!("environment `{name}` is not one of the policy's `environments`"),
            suggestion,
        );
        None
    };
    let (one, several) = (map.optional("environment"), map.optional("environments"));
    if let (Some(_), Some(place)) = (&one, &several) {
        place.refuse("expected either `environment` or `environments`, found both");
    }
    match (one, several) {
        (Some(place), _) => (vec![known(&place).unwrap_or_default()], false),
        (None, Some(place)) => {
            let places = place.list().unwrap_or_default();
            if places.is_empty() {
                place.refuse("expected at least one environment; leave `environments` out for none");
            }
            let mut environments: Vec<&str> = Vec::new();
            for place in &places {
                match known(place) {
                    Some(name) if environments.contains(&name) => {
                        place.refuse(format!("duplicate environment `{name}`"));
                    }
                    Some(name) => environments.push(name),
                    None => {}
                }
            }
            (environments, true)
        }
        (None, None) => (vec![""], false),
    }
}

/// The items of the server and of its catalogues; each item may be in only one of them.
fn merged<'n>(
    shared: Option<Place<'n>>,
    own: Items<'n>,
    catalogues: &BTreeMap<&'n str, Shared<'n>>,
) -> Items<'n> {
    let mut all = own;
    let Some(place) = shared else { return all };
    let places = if let crate::source::Value::List(_) = place.node().value {
        place.list().unwrap_or_default()
    } else {
        vec![place]
    };
    for place in places {
        let Some(name) = place.text() else { continue };
        let Some(catalogue) = catalogues.get(name) else {
            let suggestion = suggest(name, catalogues.keys().copied());
            place.refuse_with(format!("catalogue `{name}` is not defined under `catalogues`"), suggestion);
            continue;
        };
        catalogue.used.set(true);
        for (key, (item, at)) in &catalogue.items {
            if all.contains_key(key) {
                place.refuse(format!("`{}` of catalogue `{name}` is already in this server", key.1));
            } else {
                all.insert(*key, (item.clone(), at.clone()));
            }
        }
    }
    all
}

/// Fills `{organisation}`, `{environment}` and `{server}` in.
fn fill(place: &Place<'_>, text: &str, values: &[(&str, &str)]) -> Option<String> {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((name, tail)) = after.split_once('}') else {
            place.refuse(format!("`{{` without `}}` in `{text}`"));
            return None;
        };
        match values.iter().find(|(known, _)| *known == name) {
            Some((_, "")) => {
                place.refuse(format!("`{{{name}}}` has no value here: the policy does not say what it is"));
                return None;
            }
            Some((_, value)) => out.push_str(value),
            None => {
                let suggestion = suggest(name, values.iter().map(|(known, _)| *known));
                place.refuse_with(format!("unknown placeholder `{{{name}}}`"), suggestion);
                return None;
            }
        }
        rest = tail;
    }
    out.push_str(rest);
    Some(out)
}

/// The resource with its authority and path.
fn split_resource(place: &Place<'_>, text: String) -> Option<(String, String, String)> {
    match url(&text) {
        Ok((authority, path)) => {
            let (authority, path) = (authority.to_owned(), path.to_owned());
            Some((text, authority, path))
        }
        Err(why) => {
            place.refuse(format!(
                "expected the URL that clients use, such as `https://tools.acme.test/mcp`, found `{text}`: {why}"
            ));
            None
        }
    }
}

fn path_of<'n>(
    given: Option<&Place<'n>>,
    of_resource: String,
    server: &Place<'n>,
    filled: impl Fn(&Place<'n>, &str) -> Option<String>,
) -> Option<String> {
    let Some(place) = given else {
        if let Err(why) = plain_path(&of_resource) {
            server.refuse(format!(
                "the path `{of_resource}` of `resource` cannot be matched exactly: {why}; set `path`"
            ));
        }
        return Some(of_resource);
    };
    let text = filled(place, place.text()?)?;
    if let Err(why) = plain_path(&text) {
        place.refuse(format!("expected a path such as `/mcp/github`, found `{text}`: {why}"));
        return None;
    }
    Some(text)
}

fn read_authorities<'n>(
    place: &Place<'n>,
    filled: impl Fn(&Place<'n>, &str) -> Option<String>,
) -> BTreeSet<String> {
    let Some(places) = place.list() else { return BTreeSet::new() };
    if places.is_empty() {
        place.refuse("expected at least one authority; leave `authorities` out for that of `resource`");
    }
    let mut authorities = BTreeSet::new();
    for place in &places {
        let Some(text) = place.text().and_then(|text| filled(place, text)) else { continue };
        if let Err(why) = split_authority(&text) {
            place.refuse(format!("expected `host` or `host:port`, found `{text}`: {why}"));
        }
        if !authorities.insert(text.to_ascii_lowercase()) {
            place.refuse(format!("duplicate authority `{text}`"));
        }
    }
    authorities
}

fn revisions(place: &Place<'_>) -> BTreeSet<String> {
    let places = place.list().unwrap_or_default();
    if places.is_empty() {
        place.refuse("expected at least one revision; leave `revisions` out for all that the gateway admits");
    }
    let named = |place: &Place<'_>| Some((*Revision::NAMES.get(place.one_of(&Revision::NAMES)?)?).to_owned());
    places.iter().filter_map(named).collect()
}

fn scopes<'n>(place: &Place<'n>, symbols: &Symbols<'n>) -> BTreeMap<Tier, String> {
    let mut scopes = BTreeMap::new();
    for entry in place.named().unwrap_or_default() {
        let tier = symbols.tiers.iter().position(|tier| *tier == entry.name);
        if tier.is_none() {
            let suggestion = suggest(entry.name, symbols.tiers.iter().copied());
            entry.refuse_name(format!("expected a tier of the policy, found `{}`", entry.name), suggestion);
        }
        let Some(scope) = entry.value.text() else { continue };
        // RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
        if !scope.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\')) {
            entry.value.refuse(format!(
                "expected one scope (printable ASCII, no space, `\"` or `\\`), found `{scope}`"
            ));
        }
        if let Some(tier) = tier.and_then(|tier| u32::try_from(tier).ok()) {
            scopes.insert(tier, scope.to_owned());
        }
    }
    scopes
}
