//! Principals, their ceilings and their rules.

use super::error::TooLarge;
use super::hash_table;
use super::index::PolicyIndex;
use super::rule::Key;
use super::sections::{SectionBuffers, number};
use crate::bundle::layout::{PrincipalKind, Section};
use std::collections::BTreeMap;

/// The numbers of all principals.
pub(super) fn numbers<'p>(policy_index: &PolicyIndex<'p>) -> BTreeMap<Key<'p>, u32> {
    policy_index.principals.keys().copied().zip(0u32..).collect()
}

impl SectionBuffers {
    pub(super) fn principals(&mut self, policy_index: &PolicyIndex<'_>) -> Result<(), TooLarge> {
        let numbers = numbers(policy_index);
        for ((kind, issuer, name, value), principal) in &policy_index.principals {
            let place = [self.next(Section::Ceilings)?, number(principal.ceilings.len())?];
            for (server, (tier, rule)) in &principal.ceilings {
                self.record(Section::Ceilings, &[&[*server, *tier, *rule]]);
            }
            let groups: Vec<u32> =
                principal.groups.iter().filter_map(|key| numbers.get(key).copied()).collect();
            let (conditional, restrictions) = (
                self.list_or_none(&principal.conditional_grants)?,
                self.list_or_none(&principal.restrictions)?,
            );
            let groups = self.list_or_none(&groups)?;
            let extra = if [conditional, restrictions, groups] == [0, 0, 0] && *kind != PrincipalKind::Claim {
                0
            } else {
                let [start, length] = self.string(value)?;
                self.shared(Section::PrincipalExtras, &[start, length, conditional, restrictions, groups])?
            };
            let (issuer, name) = (self.string(issuer)?, self.string(name)?);
            self.record(Section::Principals, &[&[*kind as u32], &issuer, &name, &place, &[extra]]);
        }
        for (issuer, name) in policy_index.claims() {
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
