//! Collects the settings of a bundle: its manifest, and helpers for all parts.

use super::lines::{Lines, Path, steps};
use super::text::{listed, names, seconds, voucher, word};
use crate::bundle::layout::ALL_SERVERS;
use crate::bundle::{AgentType, Bundle, Condition, Issuer, Server, Unreadable};
use crate::model::ServerKind;
use crate::time;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// Goes through a bundle.
pub(super) struct Collector<'b> {
    pub(super) bundle: &'b Bundle,
    pub(super) lines: Lines,
    pub(super) servers: Vec<&'b str>,
    pub(super) issuers: BTreeMap<&'b str, &'b str>,
    /// Agents by their principals: the rule that they are, if there is one.
    pub(super) actors: BTreeMap<u32, &'b str>,
    /// Plain ceilings by rule: holder and server, to tier.
    pub(super) plain: BTreeMap<u32, BTreeMap<(String, String), u32>>,
    /// Numbers of the principals that some line names.
    pub(super) named: RefCell<BTreeSet<u32>>,
}

impl<'b> Collector<'b> {
    pub(super) fn of(bundle: &'b Bundle) -> Lines {
        let issuers = bundle.issuers().filter(|issuer| !issuer.short.is_empty());
        let mut collector = Collector {
            bundle,
            lines: Lines::default(),
            servers: bundle.servers().map(Server::id).collect(),
            issuers: issuers.map(|issuer| (issuer.identifier, issuer.short)).collect(),
            actors: BTreeMap::new(),
            plain: BTreeMap::new(),
            named: RefCell::default(),
        };
        collector.manifest();
        collector.server_lines();
        let methods = bundle.method_rules().map(|rules| rules.collect::<Vec<_>>());
        collector.methods(&[], methods);
        collector.principals();
        collector.rules();
        collector.unnamed();
        collector.lines
    }

    /// Adds a setting; nothing for `None`, and `unreadable` for a malformed bundle.
    pub(super) fn line(&mut self, thing: &[&str], key: &str, value: Result<Option<String>, Unreadable>) {
        let Some(value) = value.unwrap_or_else(|_| Some("unreadable".to_owned())) else { return };
        let mut path = steps(thing);
        path.extend(key.split('/').filter(|step| !step.is_empty()).map(str::to_owned));
        self.at(path, value);
    }

    pub(super) fn at(&mut self, path: Path, value: String) {
        // Two values of one path are both kept, in the order of the bundle.
        let there = self.lines.values.entry(path).or_default();
        if !there.is_empty() {
            there.push_str("; ");
        }
        there.push_str(&value);
    }

    pub(super) fn thing(&mut self, path: &[&str]) {
        self.lines.things.insert(steps(path));
    }

    pub(super) fn condition(
        &mut self,
        thing: &[&str],
        key: &[&str],
        found: Result<Option<Condition<'b>>, Unreadable>,
    ) {
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

    pub(super) fn tier(&self, tier: u32) -> String {
        self.bundle.tier_name(tier).map_or_else(|_| format!("tier {tier}"), word)
    }

    pub(super) fn server(&self, index: u32) -> String {
        if index == ALL_SERVERS {
            return "*".to_owned();
        }
        let name = usize::try_from(index).ok().and_then(|index| self.servers.get(index));
        name.map_or_else(|| format!("server {index}"), |name| word(name))
    }

    pub(super) fn manifest(&mut self) {
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
}
