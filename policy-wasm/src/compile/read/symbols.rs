//! The names of a policy that its rules refer to, and the small values that all its parts share.

use crate::policy::{Declared, Holder, Mode, Origin, Seconds, Tier, Time, Window};
use crate::source::{Lines, Place, Position, suggest};
use crate::time;
use std::collections::{BTreeMap, BTreeSet};

/// The names that rules and servers refer to.
pub(super) struct Symbols<'n> {
    /// File to its index.
    pub(super) files: BTreeMap<&'n str, u32>,
    /// File to its text.
    pub(super) texts: BTreeMap<&'n str, Lines<'n>>,
    pub(super) organisation: &'n str,
    pub(super) environments: Vec<&'n str>,
    pub(super) tiers: Vec<&'n str>,
    /// Short name to issuer identifier.
    pub(super) issuers: BTreeMap<&'n str, &'n str>,
    /// Groups and roles; empty if the policy declares none.
    pub(super) declared: Vec<Declared>,
    /// The names of `declared`: by kind (`group`, `role`), and by kind and issuer. A policy may have as many rules as names.
    pub(super) by_kind: BTreeMap<(&'static str, Option<String>), BTreeSet<String>>,
    pub(super) agent_types: BTreeSet<&'n str>,
}

impl<'n> Symbols<'n> {
    /// The origin of a place.
    pub(super) fn origin(&self, place: &Place<'n>) -> Origin {
        self.at(place.file(), place.node().position)
    }

    /// The origin of a file and a position.
    pub(super) fn at(&self, file: &str, position: Position) -> Origin {
        Origin { file: self.files.get(file).copied().unwrap_or_default(), position }
    }

    /// The index of a tier.
    pub(super) fn tier(&self, place: &Place<'n>) -> Option<Tier> {
        u32::try_from(place.one_of(&self.tiers)?).ok()
    }

    /// The issuer identifier behind a short name, or the only one where none is named.
    pub(super) fn issuer(&self, named: Option<Place<'n>>, owner: &Place<'n>) -> Option<&'n str> {
        let Some(place) = named else {
            let mut all = self.issuers.values();
            return match (all.next(), all.next()) {
                (Some(only), None) => Some(only),
                (None, _) => {
                    owner.refuse("expected an issuer under the top-level key `issuers`, found none");
                    None
                }
                _ => {
                    owner.refuse("`issuer` must be given where the policy has several issuers");
                    None
                }
            };
        };
        let name = place.text()?;
        let found = self.issuers.get(name).copied();
        if found.is_none() {
            let suggestion = suggest(name, self.issuers.keys().copied());
            place.refuse_with(format!("issuer `{name}` is not defined under `issuers`"), suggestion);
        }
        found
    }

    /// To be called once all are declared.
    pub(super) fn index_declared(&mut self) {
        for declared in &self.declared {
            let (kind, issuer, name) = match &declared.holder {
                Holder::Group(issuer, name) => ("group", issuer, name),
                Holder::Role(issuer, name) => ("role", issuer, name),
                _ => continue,
            };
            for issuer in [None, Some(issuer.clone())] {
                self.by_kind.entry((kind, issuer)).or_default().insert(name.clone());
            }
        }
    }

    /// Reports an approver that is not a declared group or role of any issuer.
    pub(super) fn check_approver(&self, kind: &str, name: &str, place: &Place<'n>) {
        let key = match kind {
            "group" => "groups",
            "role" => "roles",
            _ => return,
        };
        let Some(declared) = self.by_kind.get(&(key.trim_end_matches('s'), None)) else { return };
        if !declared.contains(name) {
            let suggestion = suggest(name, declared.iter().map(String::as_str));
            place.refuse_with(format!("{kind} `{name}` is not declared under `{key}`"), suggestion);
        }
    }

    /// Refuses a group or role that its issuer's declared ones do not have.
    pub(super) fn check_declared(&self, holder: &Holder, place: &Place<'n>) {
        let (what, key, issuer, name) = match holder {
            Holder::Group(issuer, name) => ("group", "groups", issuer, name),
            Holder::Role(issuer, name) => ("role", "roles", issuer, name),
            _ => return,
        };
        let Some(of_issuer) = self.by_kind.get(&(what, Some(issuer.clone()))) else { return };
        if !of_issuer.contains(name.as_str()) {
            let suggestion = suggest(name, of_issuer.iter().map(String::as_str));
            place.refuse_with(format!("{what} `{name}` is not declared under `{key}`"), suggestion);
        }
    }
}

/// File and line, for a message.
pub(super) fn line(place: &Place<'_>) -> String {
    format!("{}:{}", place.file(), place.node().position.line)
}

/// Whether a name is `[a-z]` followed by lower-case letters, digits and `others`, 64 bytes at most.
pub(super) fn is_name(name: &str, others: &[u8]) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || others.contains(&byte);
    name.starts_with(|c: char| c.is_ascii_lowercase()) && name.len() <= 64 && name.bytes().all(fits)
}

/// Labels: a list of names.
pub(super) fn labels(place: &Place<'_>) -> BTreeSet<String> {
    let mut labels = BTreeSet::new();
    for place in place.list().unwrap_or_default() {
        let Some(name) = place.text() else { continue };
        if !is_name(name, b"._-") {
            place.refuse(format!(
                "expected a label like `personal-data` ([a-z][a-z0-9._-]*, at most 64), found `{name}`"
            ));
        } else if !labels.insert(name.to_owned()) {
            place.refuse(format!("duplicate label `{name}`"));
        }
    }
    labels
}

/// `enforce` or `monitor`.
pub(super) fn mode(place: Option<Place<'_>>) -> Mode {
    let index = place.and_then(|place| place.one_of(&Mode::NAMES));
    index.and_then(|index| Mode::ALL.get(index).copied()).unwrap_or_default()
}

/// A moment: `"2026-11-20T12:00:00Z"` or `"2026-11-20"`.
pub(super) fn moment(place: &Place<'_>) -> Option<Time> {
    let text = place.text()?;
    let read = time::read(text);
    if read.is_none() {
        place.refuse(format!(
            "expected a time like `\"2026-11-20T12:00:00Z\"` or a date like `\"2026-11-20\"`, found `{text}`"
        ));
    }
    read
}

/// Units of a duration, with their seconds.
const UNITS: [(char, u64); 5] = [('s', 1), ('m', 60), ('h', 3600), ('d', 86_400), ('w', 604_800)];
/// The longest duration: ten years.
const MAX_DURATION: u64 = 315_576_000;

/// A length of time: a number and `s`, `m`, `h`, `d` or `w`.
pub(super) fn duration(place: &Place<'_>) -> Option<Seconds> {
    let text = place.text()?;
    let read = UNITS.iter().find_map(|(unit, seconds)| {
        let digits = text.strip_suffix(*unit)?;
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| digits.parse::<u64>().ok()?.checked_mul(*seconds))?
    });
    let read = read.filter(|seconds| (1..=MAX_DURATION).contains(seconds));
    if read.is_none() {
        place.refuse(format!(
            "expected a length of time like `90s`, `15m`, `8h` or `30d`, at most ten years, found `{text}`"
        ));
    }
    read
}

/// `valid`: when a rule holds.
pub(super) fn window(place: Option<Place<'_>>) -> Window {
    let Some((place, mut map)) = place.and_then(|place| Some((place.clone(), place.map()?))) else {
        return Window::default();
    };
    let from = map.optional("from").and_then(|place| moment(&place));
    let until = map.optional("until").and_then(|place| moment(&place));
    map.finish();
    if let (Some(from), Some(until)) = (from, until)
        && from >= until
    {
        place.refuse("`until` is not after `from`: this would never hold");
    }
    Window { from, until }
}

/// The id of a rule, once in each of its lists.
pub(super) fn id<'n>(place: &Place<'n>, seen: &mut BTreeMap<&'n str, Place<'n>>) -> Option<&'n str> {
    let id = place.text()?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._:/-".contains(&byte);
    if id.len() > 128 || !id.bytes().all(fits) {
        place.refuse(format!(
            "expected an id of at most 128 letters, digits and `.`, `_`, `:`, `/`, `-`, found `{id}`"
        ));
        return None;
    }
    if let Some(first) = seen.get(id) {
        place.refuse(format!("id `{id}` is already defined in {}", line(first)));
        return None;
    }
    seen.insert(id, place.clone());
    Some(id)
}
