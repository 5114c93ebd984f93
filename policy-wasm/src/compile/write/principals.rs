//! Principals: who holds what, and what hangs on whom.

use super::error::TooLarge;
use super::hash_table;
use super::heap::{Heap, number};
use super::plan::Plan;
use super::rule::Key;
use crate::bundle::layout::{PrincipalKind, Section};
use std::collections::BTreeMap;

/// The numbers of all principals.
pub(super) fn numbers<'p>(plan: &Plan<'p>) -> BTreeMap<Key<'p>, u32> {
    plan.principals.keys().copied().zip(0u32..).collect()
}

impl Heap {
    pub(super) fn principals(&mut self, plan: &Plan<'_>) -> Result<(), TooLarge> {
        let numbers = numbers(plan);
        for ((kind, issuer, name, value), hooks) in &plan.principals {
            let place = [self.next(Section::Ceilings)?, number(hooks.ceilings.len())?];
            for (server, (tier, rule)) in &hooks.ceilings {
                self.record(Section::Ceilings, &[&[*server, *tier, *rule]]);
            }
            let groups: Vec<u32> = hooks.groups.iter().filter_map(|key| numbers.get(key).copied()).collect();
            let (held, hung) = (self.list_or_none(&hooks.held)?, self.list_or_none(&hooks.hung)?);
            let groups = self.list_or_none(&groups)?;
            let extra = if [held, hung, groups] == [0, 0, 0] && *kind != PrincipalKind::Claim {
                0
            } else {
                let [start, length] = self.string(value)?;
                self.shared(Section::PrincipalExtras, &[start, length, held, hung, groups])?
            };
            let (issuer, name) = (self.string(issuer)?, self.string(name)?);
            self.record(Section::Principals, &[&[*kind as u32], &issuer, &name, &place, &[extra]]);
        }
        for (issuer, name) in plan.claims() {
            let (issuer, name) = (self.string(issuer)?, self.string(name)?);
            self.record(Section::Claims, &[&issuer, &name]);
        }
        let keys: Vec<_> = numbers.into_keys().collect();
        let table = hash_table::build(&keys, |hash, (kind, issuer, name, value)| {
            let hash = hash.number(*kind as u32).string(issuer).string(name);
            if *kind == PrincipalKind::Claim { hash.string(value) } else { hash }
        })?;
        self.table(Section::PrincipalTable, table);
        Ok(())
    }
}
