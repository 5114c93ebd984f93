//! The files of a policy, merged: from trees with positions to a [`Policy`] that makes sense.
//!
//! Every reader continues after a mistake, so that all mistakes are reported together. The result is used only if there
//! is no problem.

mod address;
mod condition;
mod constraint;
mod item;
mod locate;
mod method;
mod param_headers;
mod rule;
mod selectors;
mod server;
mod server_index;
mod symbols;
mod template;

use super::{Options, SourceFile};
use crate::bundle::layout::{MAX_CHAIN, MAX_TIERS};
use crate::policy::{AgentType, ChainRules, ConsentRules, Declared, Holder, Policy, ServerKind};
use crate::source::{Lines, Named, Node, Place, Problem, Problems, Value};
use std::collections::{BTreeMap, BTreeSet};
use symbols::{Symbols, duration, is_name, line, moment};

/// The risk classes of a policy that names none.
const DEFAULT_TIERS: [&str; 3] = ["read", "write", "destructive"];
/// The longest chain of a policy that names none.
const DEFAULT_CHAIN: u32 = 3;
/// The top-level keys.
const KEYS: [&str; 22] = [
    "actors",
    "agent_types",
    "approvals",
    "budgets",
    "catalogues",
    "chain",
    "consent",
    "environments",
    "forbids",
    "grants",
    "groups",
    "issuers",
    "methods",
    "not_after",
    "note",
    "organisation",
    "policy",
    "revision",
    "roles",
    "serial",
    "servers",
    "tiers",
];

/// The values of the top-level keys, of all files.
struct Parts<'n>(BTreeMap<&'static str, Vec<Place<'n>>>);

impl<'n> Parts<'n> {
    fn take(&mut self, root: Place<'n>) {
        let Some(mut map) = root.map() else { return };
        let _version = map.required("policy").and_then(|place| place.one_of(&["toolward/v1"]));
        for key in KEYS {
            if let Some(place) = map.optional(key) {
                self.0.entry(key).or_default().push(place);
            }
        }
        map.finish();
    }

    fn all(&self, key: &'static str) -> &[Place<'n>] {
        self.0.get(key).map(Vec::as_slice).unwrap_or_default()
    }

    /// A key that only one file may set.
    fn single(&self, key: &'static str) -> Option<Place<'n>> {
        let (first, rest) = self.all(key).split_first()?;
        for place in rest {
            place.refuse(format!("`{key}` is already set in {}", line(first)));
        }
        Some(first.clone())
    }

    /// The entries of a map that every file may add to.
    fn merged(&self, key: &'static str, what: &str) -> Vec<Named<'n>> {
        let mut seen: BTreeMap<&str, Named<'n>> = BTreeMap::new();
        for named in self.all(key).iter().filter_map(Place::named).flatten() {
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
}

/// Reads all files of a policy.
pub(super) fn policy<'n>(
    files: &[(&'n SourceFile, &'n Node<'n>)],
    options: &Options,
    problems: &'n Problems,
) -> Policy {
    let mut parts = Parts(BTreeMap::new());
    for (file, node) in files {
        parts.take(Place::root(&file.name, node, problems));
    }
    let tiers = parts.single("tiers").map_or_else(|| DEFAULT_TIERS.to_vec(), |place| tiers(&place));
    let mut names = Symbols {
        files: files.iter().map(|(file, _)| file.name.as_str()).zip(0u32..).collect(),
        texts: files.iter().map(|(file, _)| (file.name.as_str(), Lines::new(&file.text))).collect(),
        organisation: parts.single("organisation").and_then(|place| place.text()).unwrap_or_default(),
        environments: parts.single("environments").map(|place| environments(&place)).unwrap_or_default(),
        tiers,
        issuers: issuers(parts.merged("issuers", "issuer")),
        declared: Vec::new(),
        by_kind: BTreeMap::new(),
        agent_types: BTreeSet::new(),
    };
    names.declared = declared(parts.merged("groups", "group"), &names, Holder::Group);
    names.declared.extend(declared(parts.merged("roles", "role"), &names, Holder::Role));
    names.index_declared();
    let agent_types = parts.merged("agent_types", "agent type");
    names.agent_types = agent_types.iter().map(|named| named.name).collect();
    let agent_types = agent_types.into_iter().filter_map(|named| agent_type(named, &names)).collect();
    let catalogues = server::catalogues(parts.merged("catalogues", "catalogue"), &names);
    let servers = server::read(parts.merged("servers", "server"), &catalogues, &names);
    let actors = rule::actors(parts.all("actors"), &names, &servers);
    let labels = actors.iter().flat_map(|actor| actor.labels.iter().cloned()).collect();
    let context = rule::Context { symbols: &names, servers: &servers, labels };
    let revision = parts.single("revision").and_then(|place| revision(&place));
    Policy {
        files: files.iter().map(|(file, _)| file.name.clone()).collect(),
        revision: revision.or_else(|| option_revision(options, problems)).unwrap_or_default(),
        serial: parts
            .single("serial")
            .and_then(|place| place.integer(1..=u64::MAX, ""))
            .or(options.serial)
            .unwrap_or(0),
        not_after: parts.single("not_after").and_then(|place| moment(&place)).or(options.not_after),
        organisation: names.organisation.to_owned(),
        environments: names.environments.iter().map(|name| (*name).to_owned()).collect(),
        issuers: names.issuers.iter().map(|(short, url)| ((*short).to_owned(), (*url).to_owned())).collect(),
        tiers: names.tiers.iter().map(|tier| (*tier).to_owned()).collect(),
        chain: chain(parts.single("chain"), &names),
        consent: consent(parts.single("consent"), &names),
        declared: names.declared.clone(),
        agent_types,
        methods: methods(&parts, &names),
        grants: rule::grants(parts.all("grants"), &context),
        forbids: rule::forbids(parts.all("forbids"), &context),
        approvals: rule::approvals(parts.all("approvals"), &context),
        budgets: rule::budgets(parts.all("budgets"), &context),
        actors,
        catalogues: catalogues
            .iter()
            .map(|(name, shared)| ((*name).to_owned(), shared.catalogue()))
            .collect(),
        servers: servers.into_servers(),
    }
}

/// `methods` of all files; each method may be in only one of them.
fn methods<'n>(parts: &Parts<'n>, symbols: &Symbols<'n>) -> BTreeMap<String, crate::policy::MethodRule> {
    let _told = parts.merged("methods", "method");
    let mut all = BTreeMap::new();
    for place in parts.all("methods") {
        all.extend(method::read(place, symbols));
    }
    all
}

fn revision<'n>(place: &Place<'n>) -> Option<String> {
    let text = place.text()?;
    if is_revision(text) {
        return Some(text.to_owned());
    }
    place.refuse(REVISION);
    None
}

const REVISION: &str = "expected a revision of at most 64 letters, digits and `.`, `_`, `:`, `+`, `/`, `-`";

fn is_revision(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._:+/-".contains(&byte);
    !text.is_empty() && text.len() <= 64 && text.bytes().all(fits)
}

fn option_revision(options: &Options, problems: &Problems) -> Option<String> {
    let revision = options.revision.as_deref()?;
    if !is_revision(revision) {
        let problem: Problem = super::whole("--revision", REVISION);
        problems.push(problem);
    }
    Some(revision.to_owned())
}

fn tiers<'n>(place: &Place<'n>) -> Vec<&'n str> {
    let Some(places) = place.list() else { return Vec::new() };
    if places.is_empty() || places.len() > MAX_TIERS as usize {
        place.refuse(format!("expected 1 to {MAX_TIERS} tiers, lowest first, found {}", places.len()));
    }
    let most = places.len().min(MAX_TIERS as usize);
    distinct(places.get(..most).unwrap_or_default(), "tier", "a tier name like `read`")
}

fn environments<'n>(place: &Place<'n>) -> Vec<&'n str> {
    distinct(&place.list().unwrap_or_default(), "environment", "an environment name like `prod`")
}

/// Names that differ from each other, in the file's order.
fn distinct<'n>(places: &[Place<'n>], what: &str, example: &str) -> Vec<&'n str> {
    let mut names = Vec::new();
    let mut seen = BTreeSet::new();
    for place in places {
        let Some(name) = place.text() else { continue };
        let repeated = !seen.insert(name);
        if !is_name(name, b"_-") {
            place.refuse(format!("expected {example} ([a-z][a-z0-9_-]*, at most 64), found `{name}`"));
        } else if repeated {
            place.refuse(format!("duplicate {what} `{name}`"));
        }
        names.push(name);
    }
    names
}

fn chain<'n>(place: Option<Place<'n>>, symbols: &Symbols<'n>) -> ChainRules {
    let mut rules = ChainRules { max_length: DEFAULT_CHAIN, trusted_issuers: None };
    let Some(mut map) = place.and_then(|place| place.map()) else { return rules };
    let length = map.optional("max_length").and_then(|place| place.integer(1..=MAX_CHAIN.into(), "actors"));
    rules.max_length = length.and_then(|length| u32::try_from(length).ok()).unwrap_or(DEFAULT_CHAIN);
    if let Some(place) = map.optional("trusted_issuers") {
        let mut trusted = BTreeMap::new();
        for place in place.list().unwrap_or_default() {
            let Some((issuer, others)) = voucher(&place, symbols) else { continue };
            if trusted.insert(issuer.to_owned(), others).is_some() {
                place.refuse(format!("issuer `{issuer}` is listed twice"));
            }
        }
        rules.trusted_issuers = Some(trusted);
    }
    map.finish();
    rules
}

/// An issuer that is trusted with actors, and those whose actors it may vouch for besides its own.
fn voucher<'n>(place: &Place<'n>, symbols: &Symbols<'n>) -> Option<(&'n str, BTreeSet<String>)> {
    let named = |place: &Place<'n>| symbols.issuer(Some(place.clone()), place);
    if !matches!(place.node().value, Value::Map(_)) {
        return Some((named(place)?, BTreeSet::new()));
    }
    let mut map = place.map()?;
    let issuer = map.required("issuer").and_then(|place| named(&place));
    let mut others = BTreeSet::new();
    for place in map.required("vouches_for").and_then(|place| place.list()).unwrap_or_default() {
        let Some(other) = named(&place) else { continue };
        if Some(other) == issuer {
            place.refuse("an issuer vouches for its own actors without being named here");
        } else if !others.insert(other.to_owned()) {
            place.refuse(format!("issuer `{other}` is listed twice"));
        }
    }
    map.finish();
    Some((issuer?, others))
}

fn consent<'n>(place: Option<Place<'n>>, symbols: &Symbols<'n>) -> ConsentRules {
    let mut rules = ConsentRules::default();
    let Some(mut map) = place.and_then(|place| place.map()) else { return rules };
    rules.required_from = map.optional("required_from").and_then(|place| symbols.tier(&place));
    rules.longest_life = map.optional("longest_life").and_then(|place| duration(&place));
    rules.reason_from = map.optional("reason_from").and_then(|place| symbols.tier(&place));
    map.finish();
    rules
}

/// `groups` and `roles`: name to its issuer.
fn declared<'n>(
    named: Vec<Named<'n>>,
    symbols: &Symbols<'n>,
    holder: impl Fn(String, String) -> Holder,
) -> Vec<Declared> {
    let read = |entry: Named<'n>| {
        let mut issuer = None;
        if !matches!(entry.value.node().value, Value::Null) {
            let mut map = entry.value.map()?;
            issuer = map.optional("issuer");
            let _note = map.optional("note").and_then(|place| place.text());
            map.finish();
        }
        let issuer = symbols.issuer(issuer, &entry.value)?.to_owned();
        let origin = symbols.at(entry.value.file(), entry.name_position);
        Some(Declared { holder: holder(issuer, entry.name.to_owned()), origin })
    };
    named.into_iter().filter_map(read).collect()
}

fn agent_type<'n>(entry: Named<'n>, symbols: &Symbols<'n>) -> Option<(String, AgentType)> {
    if !is_name(entry.name, b"_-") {
        entry.refuse_name(format!("expected a type like `desktop`, found `{}`", entry.name), None);
    }
    let mut map = entry.value.map()?;
    let places = map.required("server_kinds").and_then(|place| place.list()).unwrap_or_default();
    let kind = |place: &Place<'n>| {
        let index = place.one_of(&ServerKind::NAMES)?;
        ServerKind::ALL.get(index).copied()
    };
    let server_kinds = places.iter().filter_map(kind).collect();
    let ceiling = map.optional("ceiling").and_then(|place| symbols.tier(&place));
    let _note = map.optional("note").and_then(|place| place.text());
    map.finish();
    let origin = symbols.at(entry.value.file(), entry.name_position);
    Some((entry.name.to_owned(), AgentType { server_kinds, ceiling, origin }))
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
        if let Err(why) = address::url(url) {
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
