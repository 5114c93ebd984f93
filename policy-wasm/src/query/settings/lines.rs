//! The settings of one bundle, by path.

use super::text::name;
use std::collections::{BTreeMap, BTreeSet};

/// The steps of a path.
pub(super) type Path = Vec<String>;

/// The settings of one bundle.
#[derive(Default)]
pub(super) struct Lines {
    /// By path.
    pub(super) values: BTreeMap<Path, String>,
    /// The compiled form of the condition at a path.
    pub(super) compiled: BTreeMap<Path, Vec<u8>>,
    /// Paths of objects that can be missing as a whole: servers, items, rules.
    pub(super) things: BTreeSet<Path>,
}

pub(super) fn steps(path: &[&str]) -> Path {
    path.iter().map(|step| (*step).to_owned()).collect()
}

impl Lines {
    /// All settings of an object in one text.
    pub(super) fn summary(&self, thing: &Path) -> String {
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
