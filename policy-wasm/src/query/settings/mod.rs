//! The settings in which two bundles differ.
//!
//! A setting has a path, as the policy writes it (`servers`, `github`, `tools`, `merge`, `tier`), and a value as text.
//! Indices that the compiler derives (restrictions by key, hash tables) are not settings.

mod collect;
mod lines;
mod rules;
mod servers;
mod text;

use crate::bundle::Bundle;
use crate::bundle::layout::Section;
use collect::Collector;
use lines::{Lines, Path};
use std::collections::BTreeMap;
use text::name;

/// A setting that differs, even if no decision changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its path in the policy, such as `servers.github.tools.merge.tier`. A server, an item or a rule of only one
    /// bundle has one path as a whole.
    pub name: String,
    /// Its old value; `None` if it was not set.
    pub old: Option<String>,
    /// Its new value.
    pub new: Option<String>,
}

/// The compared sections with the sizes of their records. A new field or section stops this from compiling: collect its
/// setting first, then change this table.
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

/// The lines in which two bundles differ, in order of their paths; of a thing that only one of them has, one line.
/// Beside them, how many more there are at servers that are not `wanted`.
pub(super) fn settings(old: &Bundle, new: &Bundle, wanted: Option<&[String]>) -> (Vec<Setting>, usize) {
    let (old, new) = (Collector::of(old), Collector::of(new));
    let mut found: BTreeMap<&Path, Setting> = BTreeMap::new();
    let only = |here: &Lines, there: &Lines, path: &Path| {
        // Settings within a missing object are not reported.
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
    let reported_as_a_whole = |path: &Path| {
        let outer = (1..=path.len()).filter_map(|length| path.get(..length));
        outer.into_iter().any(|outer| old.things.contains(outer) != new.things.contains(outer))
    };
    for path in old.values.keys().chain(new.values.keys()).filter(|path| !reported_as_a_whole(path)) {
        let (before, after) = (old.values.get(path), new.values.get(path));
        if before != after {
            found.insert(path, Setting { name: name(path), old: before.cloned(), new: after.cloned() });
        }
    }
    // A compiled condition names tiers by number. Other tiers thus change its bytes but not its text.
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
