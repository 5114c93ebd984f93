//! The files of a policy, merged: what each top-level key means.

use super::{Options, rule, server};
use crate::bundle::layout::{MAX_CHAIN, MAX_TIERS};
use crate::source::{Named, Node, Place, Problem, Problems, suggest};
use std::collections::BTreeMap;

/// A policy that makes sense, ready to be written.
pub(super) struct Policy<'n> {
    pub(super) revision: &'n str,
    pub(super) serial: u64,
    pub(super) not_after: Option<u64>,
    pub(super) organisation: &'n str,
    pub(super) tiers: Vec<&'n str>,
    pub(super) issuers: BTreeMap<&'n str, &'n str>,
    pub(super) max_chain: u32,
    pub(super) servers: BTreeMap<&'n str, server::Server<'n>>,
    /// Grants, then actors, each in order of their ids.
    pub(super) rules: Vec<rule::Rule<'n>>,
}

/// The names that rules and servers refer to.
pub(super) struct Names<'n> {
    pub(super) tiers: Vec<&'n str>,
    /// Short name to issuer identifier.
    pub(super) issuers: BTreeMap<&'n str, &'n str>,
    pub(super) servers: Vec<&'n str>,
}

/// The top-level keys of all files.
#[derive(Default)]
struct Parts<'n> {
    revision: Vec<Place<'n>>,
    organisation: Vec<Place<'n>>,
    issuers: Vec<Place<'n>>,
    tiers: Vec<Place<'n>>,
    chain: Vec<Place<'n>>,
    servers: Vec<Place<'n>>,
    grants: Vec<Place<'n>>,
    actors: Vec<Place<'n>>,
}

/// The risk classes of a policy that names none.
const DEFAULT_TIERS: [&str; 3] = ["read", "write", "destructive"];
/// The longest chain of a policy that names none.
const DEFAULT_CHAIN: u32 = 3;

/// Reads all files of a policy. The result makes sense where no problem was added.
pub(super) fn read<'n>(
    files: impl Iterator<Item = (&'n str, &'n Node<'n>)>,
    options: &'n Options,
    problems: &'n Problems,
) -> Policy<'n> {
    let mut parts = Parts::default();
    for (file, node) in files {
        parts.take(Place::root(file, node, problems));
    }
    let tiers = single(&parts.tiers, "tiers").map_or_else(|| DEFAULT_TIERS.to_vec(), tiers);
    let issuers = issuers(merged(&parts.issuers, "issuer"));
    let named_servers = merged(&parts.servers, "server");
    let names = Names { tiers, issuers, servers: named_servers.iter().map(|named| named.name).collect() };
    let servers = server::read(named_servers, &names);
    let rules = rule::read(&parts.grants, &parts.actors, &names);
    let revision = single(&parts.revision, "revision").and_then(revision);
    Policy {
        revision: revision.or_else(|| option_revision(options, problems)).unwrap_or_default(),
        serial: options.serial.unwrap_or(0),
        not_after: options.not_after,
        organisation: single(&parts.organisation, "organisation").and_then(|p| p.text()).unwrap_or_default(),
        max_chain: single(&parts.chain, "chain").and_then(chain).unwrap_or(DEFAULT_CHAIN),
        tiers: names.tiers,
        issuers: names.issuers,
        servers,
        rules,
    }
}

impl<'n> Parts<'n> {
    fn take(&mut self, root: Place<'n>) {
        let Some(mut map) = root.map() else { return };
        let _version = map.required("policy").and_then(|place| place.one_of(&["toolward/v1"]));
        self.revision.extend(map.optional("revision"));
        self.organisation.extend(map.optional("organisation"));
        self.issuers.extend(map.optional("issuers"));
        self.tiers.extend(map.optional("tiers"));
        self.chain.extend(map.optional("chain"));
        self.servers.extend(map.optional("servers"));
        self.grants.extend(map.optional("grants"));
        self.actors.extend(map.optional("actors"));
        map.finish();
    }
}

/// A key that only one file may set.
fn single<'n>(places: &[Place<'n>], key: &str) -> Option<Place<'n>> {
    let (first, rest) = places.split_first()?;
    for place in rest {
        place.refuse(format!("`{key}` is already set in {}", at(first)));
    }
    Some(first.clone())
}

/// The entries of a map that every file may add to.
fn merged<'n>(places: &[Place<'n>], what: &str) -> Vec<Named<'n>> {
    let mut seen: BTreeMap<&str, Named<'n>> = BTreeMap::new();
    for named in places.iter().filter_map(Place::named).flatten() {
        match seen.get(named.name) {
            Some(first) => named.refuse_name(
                format!(
                    "{what} `{}` is already defined in {}:{}",
                    named.name,
                    first.value.file(),
                    first.name_position.line
                ),
                None,
            ),
            None => {
                seen.insert(named.name, named);
            }
        }
    }
    seen.into_values().collect()
}

/// File and line, for a message.
pub(super) fn at(place: &Place<'_>) -> String {
    format!("{}:{}", place.file(), place.node().position.line)
}

fn revision(place: Place<'_>) -> Option<&str> {
    let text = place.text()?;
    if is_revision(text) {
        return Some(text);
    }
    place.refuse(REVISION);
    None
}

const REVISION: &str = "expected a revision of at most 64 letters, digits and `.`, `_`, `:`, `+`, `/`, `-`";

fn is_revision(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._:+/-".contains(&byte);
    !text.is_empty() && text.len() <= 64 && text.bytes().all(fits)
}

fn option_revision<'n>(options: &'n Options, problems: &Problems) -> Option<&'n str> {
    let revision = options.revision.as_deref()?;
    if !is_revision(revision) {
        let problem: Problem = super::whole("--revision", REVISION);
        problems.push(problem);
    }
    Some(revision)
}

fn tiers(place: Place<'_>) -> Vec<&str> {
    let Some(places) = place.list() else { return Vec::new() };
    if places.is_empty() || places.len() > MAX_TIERS as usize {
        place.refuse(format!("expected 1 to {MAX_TIERS} tiers, lowest first, found {}", places.len()));
    }
    let mut names = Vec::new();
    for place in &places {
        let Some(name) = place.text() else { continue };
        if !is_name(name, b"_-") {
            place.refuse(format!(
                "expected a tier name like `read` ([a-z][a-z0-9_-]*, at most 64), found `{name}`"
            ));
        } else if names.contains(&name) {
            place.refuse(format!("tier `{name}` stands twice"));
        }
        names.push(name);
    }
    names
}

fn chain(place: Place<'_>) -> Option<u32> {
    let mut map = place.map()?;
    let length = map.required("max_length").and_then(|place| place.integer(1..=MAX_CHAIN.into(), "actors"));
    map.finish();
    u32::try_from(length?).ok()
}

fn issuers<'n>(named: Vec<Named<'n>>) -> BTreeMap<&'n str, &'n str> {
    let mut issuers: BTreeMap<&'n str, &'n str> = BTreeMap::new();
    for entry in named {
        if !is_name(entry.name, b"_-") {
            entry.refuse_name(
                format!(
                    "expected a short name like `acme` ([a-z][a-z0-9_-]*, at most 64), found `{}`",
                    entry.name
                ),
                None,
            );
        }
        let Some(url) = entry.value.text() else { continue };
        if let Err(why) = server::url(url) {
            entry.value.refuse(format!(
                "expected the issuer's URL, such as `https://id.acme.test`, found `{url}`: {why}"
            ));
        }
        if let Some((name, _)) = issuers.iter().find(|(_, other)| **other == url) {
            entry.value.refuse(format!("issuer `{url}` already has the short name `{name}`"));
        }
        issuers.insert(entry.name, url);
    }
    issuers
}

/// Whether a name is `[a-z]` followed by lower-case letters, digits and `others`, 64 bytes at most.
pub(super) fn is_name(name: &str, others: &[u8]) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || others.contains(&byte);
    name.starts_with(|c: char| c.is_ascii_lowercase()) && name.len() <= 64 && name.bytes().all(fits)
}

/// The index of a tier.
pub(super) fn tier(place: &Place<'_>, names: &Names<'_>) -> Option<u32> {
    u32::try_from(place.one_of(&names.tiers)?).ok()
}

impl<'n> Names<'n> {
    /// The issuer identifier behind a short name, or the only one where none is named.
    pub(super) fn issuer(&self, named: Option<Place<'n>>, owner: &Place<'n>) -> Option<&'n str> {
        let Some(place) = named else {
            let mut all = self.issuers.values();
            return match (all.next(), all.next()) {
                (Some(only), None) => Some(only),
                (None, _) => {
                    owner.refuse("expected an issuer under the top-level key `issuers`, found none");
                    None
                }
                _ => {
                    owner.refuse("`issuer` must be given where the policy has several issuers");
                    None
                }
            };
        };
        let name = place.text()?;
        let found = self.issuers.get(name).copied();
        if found.is_none() {
            let suggestion = suggest(name, self.issuers.keys().copied());
            place.refuse_with(format!("issuer `{name}` is not defined under `issuers`"), suggestion);
        }
        found
    }
}
