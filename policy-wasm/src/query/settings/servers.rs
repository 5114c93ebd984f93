//! Settings of servers: catalogues, methods, approvals.

use super::collect::Collector;
use super::lines::steps;
use super::text::{check, joined, keys, listed, mode, names, seconds};
use crate::bundle::{ApprovalTerms, ArgumentRule, Item, MethodRule, Unreadable};
use crate::model::ItemKind;
use crate::time;
use std::collections::{BTreeMap, BTreeSet};

impl<'b> Collector<'b> {
    pub(super) fn server_lines(&mut self) {
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
                // Shown if the address differs from the server's path, which no compiler writes.
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

    pub(super) fn methods(
        &mut self,
        of: &[&str],
        rules: Result<Vec<Result<MethodRule<'b>, Unreadable>>, Unreadable>,
    ) {
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

    pub(super) fn item(&mut self, of: &[&str], item: Item<'b>) {
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
        self.line(path, "checks", item.checks().and_then(|checks| joined(checks, check)));
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
        self.line(path, "record/arguments", item.shown_arguments().and_then(|shown| joined(shown, keys)));
        self.param_headers(path, item);
    }

    pub(super) fn definitions(&mut self, path: &[&str], item: Item<'b>) {
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

    pub(super) fn param_headers(&mut self, path: &[&str], item: Item<'b>) {
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

    pub(super) fn approval(
        &mut self,
        path: &[&str],
        key: &str,
        terms: Result<Option<ApprovalTerms<'b>>, Unreadable>,
    ) {
        match terms {
            Ok(None) => {}
            Ok(Some(ApprovalTerms { approvers, valid_for })) => {
                // An approval without approvers is a setting too.
                self.line(path, &format!("{key}approvers"), approvers.map(names).transpose());
                self.line(path, &format!("{key}valid_for"), Ok(Some(seconds(valid_for))));
            }
            Err(Unreadable) => self.line(path, &format!("{key}valid_for"), Err(Unreadable)),
        }
    }
}
