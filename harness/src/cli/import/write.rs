//! The catalogue file that an import makes.

use super::{Listed, change::Tiers, quote, schema, tier};
use anyhow::bail;
use policy_wasm::compile::{MAX_FILE, Options, SourceFile, format, read};
use policy_wasm::model::ItemKind;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

const KEYS: [(ItemKind, &str); 4] = [
    (ItemKind::Tool, "tools"),
    (ItemKind::Prompt, "prompts"),
    (ItemKind::Resource, "resources"),
    (ItemKind::Template, "resource_templates"),
];

/// The entries of a server's lists that a policy can express.
#[derive(Default)]
pub(super) struct Taken {
    /// With names that a policy can have, once each; without a schema where no policy can hold it.
    pub(super) entries: Vec<Listed>,
    /// Entries that are left out, a line each.
    pub(super) left_out: Vec<String>,
    /// Other differences from the server's lists, a line each.
    pub(super) notes: Vec<String>,
}

/// Takes over the entries that a policy can name. A name with several definitions is left out: clients may use any of
/// them.
pub(super) fn take(listed: Vec<Listed>, tiers: &Tiers<'_>) -> Taken {
    let mut definitions: BTreeMap<String, BTreeSet<[u8; 32]>> = BTreeMap::new();
    for entry in &listed {
        if let Some(digest) = entry.digest {
            definitions.entry(entry.name.clone()).or_default().insert(digest);
        }
    }
    let mut taken = Taken::default();
    let mut seen = BTreeSet::new();
    for mut entry in listed {
        let name = quote::shown(&entry.name, 100);
        let several = entry.kind == ItemKind::Tool
            && definitions.get(&entry.name).is_some_and(|definitions| definitions.len() > 1);
        if !seen.insert((entry.kind, entry.name.clone())) {
            if !several {
                taken.notes.push(format!("`{name}`: the server lists it again, it is taken once"));
            }
            continue;
        }
        if several {
            let why = "the server lists it with several definitions, so none is taken";
            taken.left_out.push(format!("`{name}`: {why}"));
            continue;
        }
        if quote::unseen(&entry.name) {
            let why = "its name has characters that cannot be seen, so it stays denied";
            taken.left_out.push(format!("`{name}`: {why}"));
            continue;
        }
        if !compiles(&entry, tiers) {
            if entry.schema.take().is_none() || !compiles(&entry, tiers) {
                taken.left_out.push(format!("`{name}`: no policy can name it, so it stays denied"));
                continue;
            }
            taken
                .notes
                .push(format!("`{name}`: without its input schema, which is none that a policy can hold"));
        }
        taken.entries.push(entry);
    }
    taken
}

/// The text of the file, in the layout of `toolward fmt`. It is a policy once no entry is pending.
///
/// # Errors
/// There is more than a policy can hold.
pub(super) fn write(
    name: &str,
    source: &str,
    entries: &[Listed],
    tiers: &Tiers<'_>,
) -> anyhow::Result<String> {
    let reviewed = policy(&catalogue(name, entries, tiers, true), tiers);
    if let Err(problems) = read(&[file(reviewed)], &Options::default()) {
        bail!("this is more than one catalogue can hold\n{problems}");
    }
    let text = format!(
        "# From {} by `toolward import`. Every tier is a proposal: look at each entry, correct its tier, and take\n\
         # `review: pending` away. Until then the policy does not compile.\n\
         policy: toolward/v1\n{}",
        quote::shown(source, 200),
        catalogue(name, entries, tiers, false)
    );
    match format(&file(text)) {
        Ok(text) if text.len() <= MAX_FILE => Ok(text),
        Ok(text) => bail!("the file would have {} bytes, expected at most {MAX_FILE}", text.len()),
        Err(problems) => bail!("the file cannot be laid out\n{problems}"),
    }
}

fn file(text: String) -> SourceFile {
    SourceFile { name: "catalogue".to_owned(), text }
}

/// A policy without anything else.
fn policy(catalogue: &str, tiers: &Tiers<'_>) -> String {
    let names: Vec<_> = tiers.names.iter().map(|tier| quote::yaml(tier)).collect();
    format!("policy: toolward/v1\ntiers: [{}]\n{catalogue}", names.join(", "))
}

fn compiles(entry: &Listed, tiers: &Tiers<'_>) -> bool {
    let alone = catalogue("c", std::slice::from_ref(entry), tiers, true);
    read(&[file(policy(&alone, tiers))], &Options::default()).is_ok()
}

fn catalogue(name: &str, entries: &[Listed], tiers: &Tiers<'_>, reviewed: bool) -> String {
    let mut out = format!("catalogues:\n  {name}:\n");
    for (kind, key) in KEYS {
        let mut entries = entries.iter().filter(|entry| entry.kind == kind).peekable();
        if entries.peek().is_some() {
            let _written = writeln!(out, "    {key}:");
        }
        for entry in entries {
            lines(entry, tiers, reviewed, &mut out);
        }
    }
    if entries.is_empty() {
        out.push_str("    tools: {}\n");
    }
    out
}

fn lines(entry: &Listed, tiers: &Tiers<'_>, reviewed: bool, out: &mut String) {
    let proposal = tier::propose(entry, tiers.names.len(), tiers.trusted);
    let tier = tiers.names.get(proposal.tier).map_or("", String::as_str);
    let _written = write!(
        out,
        "      {}:\n        # {}\n        tier: {tier}\n",
        quote::yaml(&entry.name),
        quote::shown(&proposal.why, 300)
    );
    if !reviewed {
        out.push_str("        review: pending\n");
    }
    if let Some(digest) = &entry.digest {
        let _written = writeln!(out, "        definition: \"{}\"", super::digest_text(digest));
    }
    if !entry.note.is_empty() {
        let _written = writeln!(out, "        note: {}", quote::yaml(&entry.note));
    }
    if let Some(schema) = &entry.schema {
        let _written = writeln!(out, "        input_schema: {}", schema::flow(schema));
    }
}
