//! Everything that a bundle says, line by line, and the lines in which two bundles differ.
//!
//! A line has a path, as the policy writes it (`servers`, `github`, `tools`, `merge`, `tier`), and a value as text. What
//! a bundle derives from its policy (where rules hang, hash tables) has no line of its own.

use super::diff::Setting;
use crate::bundle::layout::{ALL_SERVERS, PrincipalKind, RuleKind, Section};
use crate::bundle::{
    AgentType, ApprovalTerms, ArgumentRule, Bundle, Check, Condition, HeldCeiling, Issuer, Item, List,
    MethodRule, Part, Principal, Rule, Server, Unreadable,
};
use crate::decision::BudgetKey;
use crate::json::write_str;
use crate::model::{ItemKind, Mode, ServerKind};
use crate::time;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// What the records of each section have room for. A new field makes a record longer or a section more, so that this
/// stops compiling: give the field a line below, then its room here.
const COMPARED: [(Section, u32); 24] = [
    (Section::Manifest, 60),
    (Section::Tiers, 8),
    (Section::Servers, 80),
    (Section::Scopes, 12),
    (Section::Addresses, 20),
    (Section::Items, 28),
    (Section::Checks, 40),
    (Section::Parts, 12),
    (Section::Segments, 8),
    (Section::Principals, 32),
    (Section::Ceilings, 12),
    (Section::Rules, 16),
    (Section::Conditions, 16),
    (Section::ItemExtras, 36),
    (Section::Definitions, 48),
    (Section::Approvals, 12),
    (Section::ArgumentRules, 8),
    (Section::MethodRules, 32),
    (Section::PrincipalExtras, 20),
    (Section::RuleExtras, 64),
    (Section::Budgets, 20),
    (Section::Issuers, 24),
    (Section::AgentTypes, 16),
    (Section::ParamHeaders, 24),
];

/// Heaps, lists, hash tables, and `Claims`, which repeats principals.
const WITHOUT_LINES: usize = 8;

const _: () = {
    assert!(COMPARED.len().saturating_add(WITHOUT_LINES) == Section::ALL.len(), "a section is not compared");
    let mut rest: &[(Section, u32)] = &COMPARED;
    while let Some(((section, stride), more)) = rest.split_first() {
        assert!(section.stride() == *stride, "a field is not compared");
        rest = more;
    }
};

/// The steps of a path.
type Path = Vec<String>;

/// What one bundle says.
#[derive(Default)]
struct Lines {
    /// By path.
    values: BTreeMap<Path, String>,
    /// The compiled form of the condition at a path.
    compiled: BTreeMap<Path, Vec<u8>>,
    /// Paths of what can be there or not as a whole: servers, entries, rules.
    things: BTreeSet<Path>,
}

/// An issuer that may vouch for actors, and the issuers whose actors it vouches for besides its own.
fn voucher(identifier: &str, vouches_for: Option<List<'_>>) -> String {
    let others: Vec<&str> =
        vouches_for.into_iter().flat_map(|list| list.names()).filter_map(Result::ok).collect();
    match others.as_slice() {
        [] => identifier.to_owned(),
        others => format!("{identifier} (and for {})", others.join(" and ")),
    }
}

/// The lines in which two bundles differ, in order of their paths; of a thing that only one of them has, one line.
/// Beside them, how many more there are at servers that are not `wanted`.
pub(super) fn settings(old: &Bundle, new: &Bundle, wanted: Option<&[String]>) -> (Vec<Setting>, usize) {
    let (old, new) = (Walk::of(old), Walk::of(new));
    let mut found: BTreeMap<&Path, Setting> = BTreeMap::new();
    let only = |here: &Lines, there: &Lines, path: &Path| {
        // What lies within something that is not there goes without saying.
        let within = (1..path.len()).any(|length| {
            path.get(..length)
                .is_some_and(|outer| here.things.contains(outer) && !there.things.contains(outer))
        });
        !within && here.things.contains(path) && !there.things.contains(path)
    };
    for path in old.things.iter().filter(|path| only(&old, &new, path)) {
        found.insert(path, Setting { name: name(path), old: Some(old.summary(path)), new: None });
    }
    for path in new.things.iter().filter(|path| only(&new, &old, path)) {
        found.insert(path, Setting { name: name(path), old: None, new: Some(new.summary(path)) });
    }
    let told = |path: &Path| {
        let outer = (1..=path.len()).filter_map(|length| path.get(..length));
        outer.into_iter().any(|outer| old.things.contains(outer) != new.things.contains(outer))
    };
    for path in old.values.keys().chain(new.values.keys()).filter(|path| !told(path)) {
        let (before, after) = (old.values.get(path), new.values.get(path));
        if before != after {
            found.insert(path, Setting { name: name(path), old: before.cloned(), new: after.cloned() });
        }
    }
    // A compiled condition names tiers by their numbers, so that other tiers change it and not what it says.
    let tiers = |lines: &Lines| lines.values.get(["tiers".to_owned()].as_slice()).cloned();
    if tiers(&old) == tiers(&new) {
        for (path, code) in &old.compiled {
            let Some(other) = new.compiled.get(path).filter(|other| *other != code) else { continue };
            let form = |code: &[u8]| {
                Some(format!("compiled to {} bytes, {:016x}", code.len(), crate::fast_hash::of(code)))
            };
            let setting = Setting { name: name(path), old: form(code), new: form(other) };
            found.entry(path).or_insert(setting);
        }
    }
    let is_wanted = |path: &Path| match (wanted, path.as_slice()) {
        (Some(wanted), [section, server, ..]) if section == "servers" => wanted.contains(server),
        _ => true,
    };
    let all = found.len();
    let settings: Vec<Setting> =
        found.into_iter().filter(|(path, _)| is_wanted(path)).map(|(_, setting)| setting).collect();
    let elsewhere = all.saturating_sub(settings.len());
    (settings, elsewhere)
}

/// A path as one text.
fn name(path: &[String]) -> String {
    let steps: Vec<String> = path.iter().map(|step| word(step)).collect();
    steps.join(".")
}

/// A name as it is, or in quotes where it could be taken for something else.
fn word(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-.:/@+*".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    let mut out = String::new();
    write_str(&mut out, text);
    out
}

/// A list as one text.
fn listed<'t>(names: impl IntoIterator<Item = &'t str>) -> String {
    let words: Vec<String> = names.into_iter().map(word).collect();
    format!("[{}]", words.join(", "))
}

fn names(list: List<'_>) -> Result<String, Unreadable> {
    let names: Vec<&str> = list.names().collect::<Result<_, _>>()?;
    Ok(listed(names))
}

fn seconds(count: u64) -> String {
    format!("{count} s")
}

impl Lines {
    /// What is said of a thing, in one text.
    fn summary(&self, thing: &Path) -> String {
        let (mut own, mut inner) = (Vec::new(), BTreeSet::new());
        for (path, value) in
            self.values.range(thing.clone()..).take_while(|(path, _)| path.starts_with(thing))
        {
            let steps = path.get(thing.len()..).unwrap_or_default();
            let outer = (thing.len().saturating_add(1)..=path.len()).filter_map(|length| path.get(..length));
            match outer.into_iter().find(|outer| self.things.contains(*outer)) {
                Some(outer) => drop(inner.insert(outer)),
                None if steps.is_empty() => own.push(value.clone()),
                None => own.push(format!("{} {value}", name(steps))),
            }
        }
        if !inner.is_empty() {
            own.push(format!("{} entries and rules of its own", inner.len()));
        }
        if own.is_empty() { "there".to_owned() } else { own.join("; ") }
    }
}

/// Goes through a bundle.
struct Walk<'b> {
    bundle: &'b Bundle,
    lines: Lines,
    servers: Vec<&'b str>,
    issuers: BTreeMap<&'b str, &'b str>,
    /// Agents by their principals: the rule that they are, where there is one.
    actors: BTreeMap<u32, &'b str>,
    /// Plain ceilings by rule: holder and server, to tier.
    plain: BTreeMap<u32, BTreeMap<(String, String), u32>>,
    /// Numbers of the principals that some line names.
    named: RefCell<BTreeSet<u32>>,
}

impl<'b> Walk<'b> {
    fn of(bundle: &'b Bundle) -> Lines {
        let issuers = bundle.issuers().filter(|issuer| !issuer.short.is_empty());
        let mut walk = Walk {
            bundle,
            lines: Lines::default(),
            servers: bundle.servers().map(Server::id).collect(),
            issuers: issuers.map(|issuer| (issuer.identifier, issuer.short)).collect(),
            actors: BTreeMap::new(),
            plain: BTreeMap::new(),
            named: RefCell::default(),
        };
        walk.manifest();
        walk.server_lines();
        let methods = bundle.method_rules().map(|rules| rules.collect::<Vec<_>>());
        walk.methods(&[], methods);
        walk.principals();
        walk.rules();
        walk.unnamed();
        walk.lines
    }

    /// A line; none where there is nothing to say, and one that says so where the bundle is nonsense.
    fn line(&mut self, thing: &[&str], key: &str, value: Result<Option<String>, Unreadable>) {
        let Some(value) = value.unwrap_or_else(|_| Some("unreadable".to_owned())) else { return };
        let mut path = steps(thing);
        path.extend(key.split('/').filter(|step| !step.is_empty()).map(str::to_owned));
        self.at(path, value);
    }

    fn at(&mut self, path: Path, value: String) {
        // Two values of one path are both said, in the order of the bundle.
        let there = self.lines.values.entry(path).or_default();
        if !there.is_empty() {
            there.push_str("; ");
        }
        there.push_str(&value);
    }

    fn thing(&mut self, path: &[&str]) {
        self.lines.things.insert(steps(path));
    }

    fn condition(&mut self, thing: &[&str], key: &[&str], found: Result<Option<Condition<'b>>, Unreadable>) {
        let path = [steps(thing), steps(key)].concat();
        match found.and_then(|found| found.map(|found| Ok((found.text()?, found.code))).transpose()) {
            Ok(None) => {}
            Ok(Some((text, code))) => {
                self.at(path.clone(), text.to_owned());
                self.lines.compiled.entry(path).or_default().extend(code);
            }
            Err(Unreadable) => self.at(path, "unreadable".to_owned()),
        }
    }

    fn tier(&self, tier: u32) -> String {
        self.bundle.tier_name(tier).map_or_else(|_| format!("tier {tier}"), word)
    }

    fn server(&self, index: u32) -> String {
        if index == ALL_SERVERS {
            return "*".to_owned();
        }
        let name = usize::try_from(index).ok().and_then(|index| self.servers.get(index));
        name.map_or_else(|| format!("server {index}"), |name| word(name))
    }

    fn manifest(&mut self) {
        let bundle = self.bundle;
        let tiers: Vec<&str> = (0..).map_while(|tier| bundle.tier_name(tier).ok()).collect();
        let mut trusted = Vec::new();
        for Issuer { short, identifier, trusted: is_trusted, vouches_for } in bundle.issuers() {
            if is_trusted {
                trusted.push(voucher(identifier, vouches_for));
            }
            if short.is_empty() {
                self.line(&["issuers"], "", Ok(Some(word(identifier))));
            } else {
                self.line(&["issuers", short], "", Ok(Some(identifier.to_owned())));
            }
        }
        let tier = |tier: Option<u32>| tier.map(|tier| self.tier(tier));
        let lines = [
            ("organisation", bundle.organisation().map(|name| (!name.is_empty()).then(|| name.to_owned()))),
            ("environments", bundle.environments().and_then(|list| list.map(names).transpose())),
            ("tiers", Ok(Some(tiers.join(" < ")))),
            ("not_after", Ok(bundle.not_after().map(time::write))),
            ("chain/max_length", Ok(Some(bundle.max_chain().to_string()))),
            ("chain/trusted_issuers", Ok(Some(trusted.join(", ")))),
            ("consent/required_from", Ok(tier(bundle.consent_from()))),
            ("consent/reason_from", Ok(tier(bundle.reason_from()))),
            ("consent/longest_life", Ok(bundle.longest_consent().map(seconds))),
        ];
        for (key, value) in lines {
            self.line(&[], key, value);
        }
        for agent_type in bundle.agent_types() {
            let AgentType { name, ceiling, .. } = agent_type;
            let path = ["agent_types", name];
            self.thing(&path);
            let kinds =
                ServerKind::ALL.into_iter().filter(|kind| agent_type.admits(*kind)).map(ServerKind::name);
            self.line(&path, "server_kinds", Ok(Some(listed(kinds))));
            let ceiling = ceiling.map(|ceiling| self.tier(ceiling));
            self.line(&path, "ceiling", Ok(ceiling));
        }
    }

    fn server_lines(&mut self) {
        let bundle = self.bundle;
        let mut authorities: BTreeMap<u32, Vec<&str>> = BTreeMap::new();
        let mut paths: BTreeMap<u32, BTreeSet<&str>> = BTreeMap::new();
        for (server, authority, path) in bundle.addresses().flatten() {
            authorities.entry(server).or_default().push(authority);
            paths.entry(server).or_default().insert(path);
        }
        for server in bundle.servers() {
            let path = ["servers", server.id()];
            self.thing(&path);
            let own = |text: &str| Ok((!text.is_empty()).then(|| text.to_owned()));
            let found = authorities.remove(&server.index()).unwrap_or_default();
            let at = paths.remove(&server.index()).unwrap_or_default();
            let lines = [
                ("resource", own(server.resource())),
                ("authorities", Ok(Some(listed(found)))),
                ("path", Ok(Some(server.path().to_owned()))),
                // Where the address says another than the server, which no compiler writes.
                ("address", Ok((at != BTreeSet::from([server.path()])).then(|| listed(at)))),
                ("kind", own(server.kind())),
                ("owner", own(server.owner())),
                ("environment", own(server.environment())),
                ("labels", server.labels().and_then(|list| list.map(names).transpose())),
                ("revisions", server.revisions().and_then(|list| list.map(names).transpose())),
                ("mode", server.mode().map(mode)),
            ];
            for (key, value) in lines {
                self.line(&path, key, value);
            }
            match server.scope_entries() {
                Ok(entries) => {
                    for entry in entries {
                        let (tier, scope) = match entry {
                            Ok((tier, scope)) => (self.tier(tier), scope),
                            Err(Unreadable) => (String::new(), "unreadable"),
                        };
                        self.at([steps(&path), steps(&["scopes", &tier])].concat(), scope.to_owned());
                    }
                }
                Err(Unreadable) => self.line(&path, "scopes", Err(Unreadable)),
            }
            self.methods(&path, server.method_rules().map(|rules| rules.collect()));
            for item in server.items() {
                self.item(&path, item);
            }
        }
    }

    fn methods(&mut self, of: &[&str], rules: Result<Vec<Result<MethodRule<'b>, Unreadable>>, Unreadable>) {
        for rule in rules.unwrap_or_else(|_| vec![Err(Unreadable)]) {
            let Ok((name, rule)) = rule.and_then(|rule| Ok((rule.name()?, rule))) else {
                self.line(of, "methods", Err(Unreadable));
                continue;
            };
            let path = [of, &["methods", name]].concat();
            self.thing(&path);
            self.line(&path, "effect", Ok(Some(if rule.permit { "permit" } else { "deny" }.to_owned())));
            let tier = rule.tier.map(|tier| self.tier(tier));
            self.line(&path, "tier", Ok(tier));
            self.condition(&path, &["when"], rule.condition());
            self.line(&path, "urls", rule.urls().and_then(|list| list.map(names).transpose()));
            self.line(&path, "mode", Ok(mode(rule.mode)));
        }
    }

    fn item(&mut self, of: &[&str], item: Item<'b>) {
        let list = match item.kind() {
            ItemKind::Tool => "tools",
            ItemKind::Prompt => "prompts",
            ItemKind::Resource => "resources",
            ItemKind::Template => "resource_templates",
        };
        let path = [of, &[list, item.name()]].concat();
        let path = path.as_slice();
        self.thing(path);
        let tier = self.tier(item.tier());
        self.line(path, "tier", Ok(Some(tier)));
        self.line(path, "labels", item.labels().and_then(|list| list.map(names).transpose()));
        self.line(path, "mode", item.mode().map(mode));
        self.definitions(path, item);
        self.approval(path, "approval/", item.approval());
        self.line(path, "checks", item.checks().and_then(|checks| told(checks, check)));
        self.condition(path, &["when"], item.condition());
        match item.arguments() {
            Ok(rules) => {
                for rule in rules {
                    let read = rule.and_then(|ArgumentRule { path, condition }| Ok((keys(path)?, condition)));
                    match read {
                        Ok((argument, condition)) => {
                            self.condition(path, &["arguments", &argument], Ok(Some(condition)));
                        }
                        Err(Unreadable) => self.line(path, "arguments", Err(Unreadable)),
                    }
                }
            }
            Err(Unreadable) => self.line(path, "arguments", Err(Unreadable)),
        }
        self.line(path, "record/arguments", item.shown_arguments().and_then(|shown| told(shown, keys)));
        self.param_headers(path, item);
    }

    fn definitions(&mut self, path: &[&str], item: Item<'b>) {
        let Ok(definitions) = item.definitions() else {
            return self.line(path, "definition", Err(Unreadable));
        };
        for definition in definitions {
            let read = definition.and_then(|found| Ok((found.version()?, found.digest()?, found.until)));
            let Ok((version, digest, until)) = read else {
                self.line(path, "definition", Err(Unreadable));
                continue;
            };
            let digest = digest.iter().fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}"));
            if version.is_empty() {
                self.line(path, "definition", Ok(Some(digest)));
                self.line(path, "deprecated_until", Ok(until.map(time::write)));
            } else {
                let path = [path, &["versions", version]].concat();
                self.line(&path, "digest", Ok(Some(digest)));
                self.line(&path, "deprecated_until", Ok(until.map(time::write)));
            }
        }
    }

    fn param_headers(&mut self, path: &[&str], item: Item<'b>) {
        let versions: Vec<_> = item.definitions().into_iter().flatten().flatten().collect();
        for header in item.param_headers() {
            let read = header.and_then(|header| Ok((keys(header.path)?, header)));
            let Ok((argument, header)) = read else {
                self.line(path, "input_schema", Err(Unreadable));
                continue;
            };
            let of =
                versions.iter().filter(|version| header.is_of_one_definition() && header.is_of(**version));
            let of: Vec<&str> = of.filter_map(|version| version.version().ok()).collect();
            let mut value = format!("{argument}, {}", header.value_type.name());
            if header.is_of_one_definition() {
                value.push_str(&format!(", of version {}", listed(of)));
            }
            self.at([steps(path), steps(&["x-mcp-header", header.name])].concat(), value);
        }
    }

    fn approval(&mut self, path: &[&str], key: &str, terms: Result<Option<ApprovalTerms<'b>>, Unreadable>) {
        match terms {
            Ok(None) => {}
            Ok(Some(ApprovalTerms { approvers, valid_for })) => {
                // Who approves need not be named, and the approval is one all the same.
                self.line(path, &format!("{key}approvers"), approvers.map(names).transpose());
                self.line(path, &format!("{key}valid_for"), Ok(Some(seconds(valid_for))));
            }
            Err(Unreadable) => self.line(path, &format!("{key}valid_for"), Err(Unreadable)),
        }
    }

    /// What rules call a principal.
    fn holder(&self, principal: Principal<'b>) -> Result<String, Unreadable> {
        let kind = principal.kind()?;
        let (name, value) = (word(principal.name()?), word(principal.value()?));
        let text = match kind {
            PrincipalKind::SubjectId => format!("id {name}"),
            PrincipalKind::Group => format!("group {name}"),
            PrincipalKind::Role => format!("role {name}"),
            PrincipalKind::ActorSubject => format!("subject {name}"),
            PrincipalKind::ActorClient => format!("client {name}"),
            PrincipalKind::Claim => format!("claim {name} {value}"),
            PrincipalKind::Anyone => "anyone".to_owned(),
            PrincipalKind::ActorIssuer => "any agent".to_owned(),
            PrincipalKind::Label => format!("label {name}"),
            PrincipalKind::AgentType => format!("type {name}"),
        };
        let issuer = principal.issuer()?;
        if issuer.is_empty() {
            return Ok(text);
        }
        Ok(format!("{text} of {}", word(self.issuers.get(issuer).copied().unwrap_or(issuer))))
    }

    fn holders(&self, list: List<'b>) -> Result<String, Unreadable> {
        let bundle = self.bundle;
        let mut holders = Vec::new();
        for number in list.numbers() {
            let principal = bundle.principal_by_number(number?)?;
            self.named.borrow_mut().insert(principal.number());
            holders.push(self.holder(principal)?);
        }
        Ok(holders.join(", "))
    }

    /// Whom rules name that have no effect, such as a grant at no server.
    fn unnamed(&mut self) {
        let named = self.named.take();
        for principal in self.bundle.principals().filter(|principal| !named.contains(&principal.number())) {
            let holder =
                self.holder(principal).unwrap_or_else(|_| format!("principal {}", principal.number()));
            self.thing(&["named without effect", &holder]);
        }
    }

    /// Plain ceilings, for the rules that give them; labels and types of agents.
    fn principals(&mut self) {
        let bundle = self.bundle;
        for principal in bundle.principals() {
            let holder =
                self.holder(principal).unwrap_or_else(|_| format!("principal {}", principal.number()));
            let held =
                principal.conditional_grants().ok().flatten().into_iter().flat_map(List::numbers).flatten();
            let mut rules: Vec<u32> = held.collect();
            match principal.ceilings() {
                Ok(ceilings) => {
                    for HeldCeiling { server, tier, rule } in ceilings.flatten() {
                        rules.push(rule);
                        self.named.borrow_mut().insert(principal.number());
                        let key = (holder.clone(), self.server(server));
                        self.plain.entry(rule).or_default().insert(key, tier);
                    }
                }
                Err(Unreadable) => self.line(&["ceilings", &holder], "", Err(Unreadable)),
            }
            let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
            for group in principal.groups().into_iter().flatten().flatten() {
                let list = if group.kind() == Ok(PrincipalKind::AgentType) { "type" } else { "labels" };
                self.named.borrow_mut().extend([principal.number(), group.number()]);
                groups.entry(list).or_default().push(group.name().unwrap_or_default());
            }
            let own = rules.iter().filter_map(|rule| bundle.rule(*rule).ok());
            let own = own.into_iter().find(|rule| rule.kind == RuleKind::Actor);
            for (list, of) in groups {
                match own {
                    Some(rule) => self.line(&["actors", rule.id()], list, Ok(Some(listed(of)))),
                    None => self.line(&["actors", &holder], list, Ok(Some(listed(of)))),
                }
            }
            if let Some(rule) = own {
                self.actors.insert(principal.number(), rule.id());
            }
        }
    }

    fn rules(&mut self) {
        for rule in self.bundle.rules() {
            let section = match rule.kind {
                RuleKind::Grant => "grants",
                RuleKind::Actor => "actors",
                RuleKind::Forbid => "forbids",
                RuleKind::Approval => "approvals",
                RuleKind::Budget => "budgets",
            };
            let path = [section, rule.id()];
            self.thing(&path);
            if let Some(plain) = self.plain.remove(&rule.number()) {
                self.plain_lines(&path, plain);
            }
            if !rule.is_plain() {
                self.rule(&path, rule);
            }
        }
        // Of rules that are not there, which no compiler writes.
        for (rule, plain) in std::mem::take(&mut self.plain) {
            self.plain_lines(&["ceilings", &rule.to_string()], plain);
        }
    }

    /// A rule that gives one ceiling to all that it names at all servers that it names. Where another rule gives some
    /// of them more, each is a line.
    fn plain_lines(&mut self, path: &[&str], plain: BTreeMap<(String, String), u32>) {
        let holders: BTreeSet<String> = plain.keys().map(|(holder, _)| holder.clone()).collect();
        let servers: BTreeSet<String> = plain.keys().map(|(_, server)| server.clone()).collect();
        let tiers: BTreeSet<u32> = plain.values().copied().collect();
        let is_product = plain.len() == holders.len().saturating_mul(servers.len());
        if let Some(tier) = tiers.first().filter(|_| is_product && tiers.len() == 1) {
            let everywhere = servers.len() == 1 && servers.contains("*");
            let servers: Vec<String> = servers.into_iter().collect();
            let tier = self.tier(*tier);
            self.line(path, "subjects", Ok(Some(holders.into_iter().collect::<Vec<_>>().join(", "))));
            self.line(path, "servers", Ok((!everywhere).then(|| format!("[{}]", servers.join(", ")))));
            self.line(path, "ceiling", Ok(Some(tier)));
            return;
        }
        for ((holder, server), tier) in plain {
            let tier = self.tier(tier);
            self.at([steps(path), steps(&["ceiling", &holder, &server])].concat(), tier);
        }
    }

    fn rule(&mut self, path: &[&str], rule: Rule<'b>) {
        let gives = matches!(rule.kind, RuleKind::Grant | RuleKind::Actor);
        let ceiling = if gives { rule.ceiling().map(|tier| Some(self.tier(tier))) } else { Ok(None) };
        let servers = rule.servers().and_then(|list| {
            let Some(list) = list else { return Ok(None) };
            let servers: Vec<String> =
                list.numbers().map(|number| Ok(self.server(number?))).collect::<Result<_, _>>()?;
            Ok(Some(format!("[{}]", servers.join(", "))))
        });
        let lowest = rule.tier_from().map(|tier| (tier > 0).then(|| self.tier(tier)));
        let lines = [
            ("mode", rule.mode().map(mode)),
            ("ceiling", ceiling),
            ("subjects", rule.subjects().and_then(|list| list.map(|list| self.holders(list)).transpose())),
            ("actors", rule.actors().and_then(|list| list.map(|list| self.holders(list)).transpose())),
            ("servers", servers),
            ("items", rule.is_about_items().map(|about| about.then(|| "entries of catalogues".to_owned()))),
            ("items/names", rule.names().and_then(|list| list.map(names).transpose())),
            ("items/labels", rule.labels().and_then(|list| list.map(names).transpose())),
            ("items/tier_from", lowest),
            ("methods", rule.methods().and_then(|list| list.map(names).transpose())),
            ("valid/from", rule.window().map(|(from, _)| (from > 0).then(|| time::write(from)))),
            ("valid/until", rule.window().map(|(_, until)| until.map(time::write))),
            ("type", rule.agent_type().map(|found| found.map(|found| word(found.name)))),
        ];
        for (key, value) in lines {
            // The type of an agent that is a principal is told already.
            if key != "type"
                || !self.lines.values.contains_key([steps(path), steps(&["type"])].concat().as_slice())
            {
                self.line(path, key, value);
            }
        }
        self.condition(path, &["when"], rule.condition());
        self.approval(path, "", rule.approval());
        match rule.budget() {
            Ok(None) => {}
            Ok(Some(budget)) => {
                let per: Vec<&str> = budget
                    .per()
                    .map(|key| match key {
                        BudgetKey::Subject => "subject",
                        BudgetKey::Actor => "actor",
                        BudgetKey::Item => "tool",
                    })
                    .collect();
                self.line(path, "per", Ok(Some(listed(per))));
                self.line(path, "limit", Ok(Some(budget.limit.to_string())));
                self.line(path, "window", Ok(Some(seconds(budget.window))));
            }
            Err(Unreadable) => self.line(path, "limit", Err(Unreadable)),
        }
    }
}

fn steps(path: &[&str]) -> Path {
    path.iter().map(|step| (*step).to_owned()).collect()
}

fn mode(mode: Mode) -> Option<String> {
    match mode {
        Mode::Enforce => None,
        Mode::Monitor => Some(mode.name().to_owned()),
    }
}

/// The keys that lead to an argument, as one text.
fn keys(path: List<'_>) -> Result<String, Unreadable> {
    let names: Vec<&str> = path.names().collect::<Result<_, _>>()?;
    Ok(argument(&names))
}

fn argument(names: &[&str]) -> String {
    let words: Vec<String> =
        names.iter().map(|name| if name.contains('.') { format!("{name:?}") } else { word(name) }).collect();
    words.join(".")
}

/// Each of several as a text, together in one; `None` where there are none.
fn told<T>(
    all: impl Iterator<Item = Result<T, Unreadable>>,
    text: impl Fn(T) -> Result<String, Unreadable>,
) -> Result<Option<String>, Unreadable> {
    let texts: Vec<String> = all.map(|one| text(one?)).collect::<Result<_, _>>()?;
    Ok((!texts.is_empty()).then(|| texts.join(", ")))
}

fn check(check: Check<'_>) -> Result<String, Unreadable> {
    let part = |part: Part<'_>| match part {
        // A brace that stands for itself is not taken for one that begins a place.
        Part::Literal(text) => text.replace('{', "{{"),
        Part::Argument(keys) => format!("{{args.{}}}", argument(&keys)),
        Part::SubjectId => "{subject.id}".to_owned(),
    };
    let whole = |parts: Vec<Part<'_>>| parts.into_iter().map(part).collect::<String>();
    let (object, subject) = (whole(check.object()?), whole(check.subject()?));
    let (relation, object_type, subject_type) = (check.relation, check.object_type, check.subject_type);
    Ok(format!("{relation} of {object_type}:{object} for {subject_type}:{subject}"))
}
