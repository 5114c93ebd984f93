//! Rules of all kinds, as one record each.

use super::heap::Heap;
use super::plan::{Key, Plan, agent, holder};
use super::{TooLarge, above, long, principals};
use crate::bundle::layout::{RuleKind, Section};
use crate::policy::{
    Actor, ApprovalRule, BudgetRule, Condition, Forbid, Grant, Items, Mode, Policy, ServerKind, Window,
};
use std::collections::BTreeSet;

/// A rule of the policy.
#[derive(Clone, Copy)]
pub(super) enum Rule<'p> {
    Grant(&'p Grant),
    Actor(&'p Actor),
    Forbid(&'p Forbid),
    Approval(&'p ApprovalRule),
    Budget(&'p BudgetRule),
}

/// What a rule selects by; `None` is any.
#[derive(Default)]
pub(super) struct Selectors<'p> {
    pub(super) subjects: Option<BTreeSet<Key<'p>>>,
    pub(super) actors: Option<BTreeSet<Key<'p>>>,
    pub(super) servers: Option<&'p BTreeSet<String>>,
    pub(super) items: Option<&'p Items>,
    methods: Option<&'p BTreeSet<String>>,
    window: Window,
    when: Option<&'p Condition>,
    mode: Mode,
}

impl<'p> Rule<'p> {
    /// All rules, in order of kind and id.
    pub(super) fn all(policy: &'p Policy) -> Vec<Rule<'p>> {
        let grants = policy.grants.iter().map(Rule::Grant);
        let rules = grants
            .chain(policy.actors.iter().map(Rule::Actor))
            .chain(policy.forbids.iter().map(Rule::Forbid))
            .chain(policy.approvals.iter().map(Rule::Approval))
            .chain(policy.budgets.iter().map(Rule::Budget));
        let mut rules: Vec<Rule<'p>> = rules.collect();
        rules.sort_by(|a, b| a.name().cmp(&b.name()));
        rules
    }

    fn name(self) -> (RuleKind, &'p str) {
        match self {
            Rule::Grant(rule) => (RuleKind::Grant, &rule.id),
            Rule::Actor(rule) => (RuleKind::Actor, &rule.id),
            Rule::Forbid(rule) => (RuleKind::Forbid, &rule.id),
            Rule::Approval(rule) => (RuleKind::Approval, &rule.id),
            Rule::Budget(rule) => (RuleKind::Budget, &rule.id),
        }
    }

    /// What it gives, where it gives a ceiling: an actor never more than its type.
    pub(super) fn ceiling(self, policy: &Policy) -> Option<u32> {
        match self {
            Rule::Grant(rule) => Some(rule.ceiling),
            Rule::Actor(rule) => {
                let limit = policy.agent_types.get(&rule.agent_type).and_then(|found| found.ceiling);
                Some(limit.map_or(rule.ceiling, |limit| limit.min(rule.ceiling)))
            }
            Rule::Forbid(_) | Rule::Approval(_) | Rule::Budget(_) => None,
        }
    }

    /// Whether it gives its ceiling whoever calls through whom, whenever, to whatever server it names.
    pub(super) fn is_plain(self, policy: &Policy) -> bool {
        match self {
            Rule::Grant(rule) => {
                rule.actors.is_none()
                    && rule.window == Window::default()
                    && rule.when.is_none()
                    && rule.mode == Mode::Enforce
            }
            Rule::Actor(rule) => {
                let agent_type = policy.agent_types.get(&rule.agent_type);
                rule.window == Window::default()
                    && agent_type.is_none_or(|found| {
                        ServerKind::ALL.iter().all(|kind| found.server_kinds.contains(kind))
                    })
            }
            Rule::Forbid(_) | Rule::Approval(_) | Rule::Budget(_) => false,
        }
    }

    pub(super) fn selectors(self) -> Selectors<'p> {
        let nothing = Selectors::default();
        match self {
            Rule::Grant(rule) => Selectors {
                subjects: Some(rule.subjects.iter().map(holder).collect()),
                actors: rule.actors.as_ref().map(|actors| actors.iter().map(agent).collect()),
                servers: rule.servers.as_ref(),
                window: rule.window,
                when: rule.when.as_ref(),
                mode: rule.mode,
                ..nothing
            },
            Rule::Actor(rule) => Selectors {
                subjects: Some(BTreeSet::from([agent(&rule.agent)])),
                servers: rule.servers.as_ref(),
                window: rule.window,
                ..nothing
            },
            Rule::Forbid(rule) => Selectors {
                subjects: rule.subjects.as_ref().map(|subjects| subjects.iter().map(holder).collect()),
                actors: rule.actors.as_ref().map(|actors| actors.iter().map(agent).collect()),
                servers: rule.servers.as_ref(),
                items: rule.items.as_ref(),
                methods: rule.methods.as_ref(),
                window: rule.window,
                when: rule.when.as_ref(),
                mode: rule.mode,
            },
            Rule::Approval(rule) => Selectors {
                subjects: rule.subjects.as_ref().map(|subjects| subjects.iter().map(holder).collect()),
                actors: rule.actors.as_ref().map(|actors| actors.iter().map(agent).collect()),
                servers: rule.servers.as_ref(),
                items: Some(&rule.items),
                when: rule.when.as_ref(),
                mode: rule.mode,
                ..nothing
            },
            Rule::Budget(rule) => Selectors {
                subjects: rule.subjects.as_ref().map(|subjects| subjects.iter().map(holder).collect()),
                actors: rule.actors.as_ref().map(|actors| actors.iter().map(agent).collect()),
                servers: rule.servers.as_ref(),
                items: Some(&rule.items),
                mode: rule.mode,
                ..nothing
            },
        }
    }
}

impl Heap {
    pub(super) fn rules(&mut self, plan: &Plan<'_>, policy: &Policy) -> Result<(), TooLarge> {
        let numbers = principals::numbers(plan);
        for rule in &plan.rules {
            let (kind, id) = rule.name();
            let detail = match rule {
                Rule::Grant(_) | Rule::Forbid(_) => 0,
                Rule::Actor(rule) => above(plan.types.get(rule.agent_type.as_str()).copied()),
                Rule::Approval(rule) => self.approval(&rule.approval)?,
                Rule::Budget(rule) => {
                    let per = rule.per.iter().fold(0, |per, key| per | 1u32.wrapping_shl(*key as u32));
                    let ([limit, limit_high], [window, window_high]) = (long(rule.limit), long(rule.window));
                    self.shared(Section::Budgets, &[per, limit, limit_high, window, window_high])?
                }
            };
            let extra = if rule.is_plain(policy) {
                0
            } else {
                let selectors = rule.selectors();
                let list = |heap: &mut Heap, keys: &Option<BTreeSet<Key<'_>>>| match keys {
                    None => Ok(0),
                    Some(keys) => {
                        // In order, as the keys are.
                        let numbers: Vec<u32> =
                            keys.iter().filter_map(|key| numbers.get(key).copied()).collect();
                        heap.list(&numbers)
                    }
                };
                let subjects = list(self, &selectors.subjects)?;
                let actors = list(self, &selectors.actors)?;
                let servers = match plan.servers_of(selectors.servers) {
                    None => 0,
                    Some(servers) => self.list(&servers)?,
                };
                let names = |heap: &mut Heap, names: Option<&BTreeSet<String>>| match names {
                    None => Ok(0),
                    Some(names) => heap.names(names),
                };
                let items = selectors.items;
                let item_names = names(self, items.and_then(|items| items.names.as_ref()))?;
                let labels = names(self, items.and_then(|items| items.labels.as_ref()))?;
                let tier_from = items.and_then(|items| items.tier_from).unwrap_or(0);
                let methods = names(self, selectors.methods)?;
                let [from, from_high] = long(selectors.window.from.unwrap_or(0));
                let until = selectors.window.until.map_or(0, |until| until.saturating_add(1));
                let [until, until_high] = long(until);
                let condition = self.condition(selectors.when)?;
                let fields = [
                    selectors.mode as u32,
                    rule.ceiling(policy).unwrap_or(0),
                    subjects,
                    actors,
                    servers,
                    u32::from(items.is_some()),
                    item_names,
                    labels,
                    tier_from,
                    methods,
                    from,
                    from_high,
                    until,
                    until_high,
                    condition,
                    detail,
                ];
                self.shared(Section::RuleExtras, &fields)?
            };
            let id = self.string(id)?;
            self.record(Section::Rules, &[&[kind as u32], &id, &[extra]]);
        }
        Ok(())
    }

    /// The field that names these terms.
    pub(super) fn approval(&mut self, approval: &crate::policy::Approval) -> Result<u32, TooLarge> {
        let approvers = if approval.approvers.is_empty() { 0 } else { self.names(&approval.approvers)? };
        let [valid_for, high] = long(approval.valid_for);
        self.shared(Section::Approvals, &[approvers, valid_for, high])
    }
}
