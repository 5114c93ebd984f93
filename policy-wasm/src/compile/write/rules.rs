//! Records of the rules.

use super::error::TooLarge;
use super::index::PolicyIndex;
use super::principals;
use super::rule::{Key, Rule};
use super::sections::{SectionBuffers, above, long};
use crate::bundle::layout::Section;
use crate::policy::Policy;
use std::collections::BTreeSet;

impl SectionBuffers {
    pub(super) fn rules(&mut self, policy_index: &PolicyIndex<'_>, policy: &Policy) -> Result<(), TooLarge> {
        let numbers = principals::numbers(policy_index);
        for rule in &policy_index.rules {
            let (kind, id) = rule.name();
            let detail = match rule {
                Rule::Grant(_) | Rule::Forbid(_) => 0,
                Rule::Actor(rule) => above(policy_index.types.get(rule.agent_type.as_str()).copied()),
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
                let list = |buffers: &mut SectionBuffers, keys: &Option<BTreeSet<Key<'_>>>| match keys {
                    None => Ok(0),
                    Some(keys) => {
                        // In order, as the keys are.
                        let numbers: Vec<u32> =
                            keys.iter().filter_map(|key| numbers.get(key).copied()).collect();
                        buffers.list(&numbers)
                    }
                };
                let subjects = list(self, &selectors.subjects)?;
                let actors = list(self, &selectors.actors)?;
                let servers = match policy_index.servers_of(selectors.servers) {
                    None => 0,
                    Some(servers) => self.list(&servers)?,
                };
                let names = |buffers: &mut SectionBuffers, names: Option<&BTreeSet<String>>| match names {
                    None => Ok(0),
                    Some(names) => buffers.names(names),
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
