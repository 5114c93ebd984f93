//! Settings of principals and rules.

use super::collect::Collector;
use super::lines::steps;
use super::text::{listed, mode, names, seconds, word};
use crate::bundle::layout::{PrincipalKind, RuleKind};
use crate::bundle::{Ceiling, List, Principal, Rule, Unreadable};
use crate::decision::BudgetKey;
use crate::time;
use std::collections::{BTreeMap, BTreeSet};

impl<'b> Collector<'b> {
    /// A principal as rules name it.
    pub(super) fn holder(&self, principal: Principal<'b>) -> Result<String, Unreadable> {
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

    pub(super) fn holders(&self, list: List<'b>) -> Result<String, Unreadable> {
        let bundle = self.bundle;
        let mut holders = Vec::new();
        for number in list.numbers() {
            let principal = bundle.principal_by_number(number?)?;
            self.named.borrow_mut().insert(principal.number());
            holders.push(self.holder(principal)?);
        }
        Ok(holders.join(", "))
    }

    /// Principals that rules name without effect, such as those of a grant at no server.
    pub(super) fn unnamed(&mut self) {
        let named = self.named.take();
        for principal in self.bundle.principals().filter(|principal| !named.contains(&principal.number())) {
            let holder =
                self.holder(principal).unwrap_or_else(|_| format!("principal {}", principal.number()));
            self.thing(&["named without effect", &holder]);
        }
    }

    /// Plain ceilings, for the rules that give them; labels and types of agents.
    pub(super) fn principals(&mut self) {
        let bundle = self.bundle;
        for principal in bundle.principals() {
            let holder =
                self.holder(principal).unwrap_or_else(|_| format!("principal {}", principal.number()));
            let held =
                principal.conditional_grants().ok().flatten().into_iter().flat_map(List::numbers).flatten();
            let mut rules: Vec<u32> = held.collect();
            match principal.ceilings() {
                Ok(ceilings) => {
                    for Ceiling { server, tier, rule } in ceilings.flatten() {
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
            let own: Vec<Rule<'_>> = own.filter(|rule| rule.kind == RuleKind::Actor).collect();
            for (list, of) in groups {
                match own.as_slice() {
                    [rule] => self.line(&["actors", rule.id()], list, Ok(Some(listed(of)))),
                    // Several rules name the agent: the bundle does not say which of them gives it a label.
                    _ => self.line(&["actors", &holder], list, Ok(Some(listed(of)))),
                }
            }
            if let Some(rule) = own.first() {
                self.actors.insert(principal.number(), rule.id());
            }
        }
    }

    pub(super) fn rules(&mut self) {
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

    /// A rule that gives one ceiling to all of its holders at all of its servers is one setting. If another rule gives
    /// some of them more, each pair is a setting.
    pub(super) fn plain_lines(&mut self, path: &[&str], plain: BTreeMap<(String, String), u32>) {
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

    pub(super) fn rule(&mut self, path: &[&str], rule: Rule<'b>) {
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
            // The principal has reported the type of this agent already.
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
