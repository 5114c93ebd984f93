//! The catalogue file that an import makes.

use super::{Listed, quote, tier};
use policy_wasm::compile::{Options, SourceFile, read};
use policy_wasm::model::ItemKind;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// What the file is made from.
pub(super) struct Catalogue<'c> {
    pub(super) name: &'c str,
    /// Where the entries come from, for the heading.
    pub(super) source: &'c str,
    pub(super) tiers: &'c [String],
    pub(super) trusted: bool,
    pub(super) entries: &'c [Listed],
}

/// The text, and what could not be taken over.
pub(super) fn write(catalogue: &Catalogue<'_>) -> (String, Vec<String>) {
    const KEYS: [(ItemKind, &str); 4] = [
        (ItemKind::Tool, "tools"),
        (ItemKind::Prompt, "prompts"),
        (ItemKind::Resource, "resources"),
        (ItemKind::Template, "resource_templates"),
    ];
    let mut left_out = Vec::new();
    let mut out = format!(
        "# From {} by `toolward import`. Every tier is a proposal: look at each entry, correct its tier, and take\n\
         # `review: pending` away. Until then the policy does not compile.\n\
         policy: toolward/v1\ncatalogues:\n  {}:\n",
        quote::shown(catalogue.source, 200),
        catalogue.name
    );
    let mut any = false;
    for (kind, key) in KEYS {
        let mut seen = BTreeSet::new();
        let mut text = String::new();
        for entry in catalogue.entries.iter().filter(|entry| entry.kind == kind) {
            let name = quote::shown(&entry.name, 100);
            if !seen.insert(&entry.name) {
                left_out.push(format!("`{name}`: the server lists it twice, the first is taken"));
                continue;
            }
            match checked(entry, key, catalogue) {
                Some((lines, whole)) => {
                    text.push_str(&lines);
                    if !whole {
                        left_out.push(format!("`{name}`: its input schema is none that a policy can hold"));
                    }
                }
                None => left_out.push(format!("`{name}`: no policy can name it, so it stays denied")),
            }
        }
        if !text.is_empty() {
            any = true;
            let _written = write!(out, "    {key}:\n{text}");
        }
    }
    if !any {
        out.push_str("    tools: {}\n");
    }
    (out, left_out)
}

/// The lines of an entry that the compiler takes, and whether the schema is among them.
fn checked(entry: &Listed, key: &str, catalogue: &Catalogue<'_>) -> Option<(String, bool)> {
    let tiers: Vec<_> = catalogue.tiers.iter().map(|tier| quote::yaml(tier)).collect();
    let compiles = |lines: &str| {
        let text = format!(
            "policy: toolward/v1\ntiers: [{}]\ncatalogues:\n  c:\n    {key}:\n{}",
            tiers.join(", "),
            lines.replace("        review: pending\n", "")
        );
        read(&[SourceFile { name: String::new(), text }], &Options::default()).is_ok()
    };
    let whole = lines(entry, catalogue, true);
    if compiles(&whole) {
        return Some((whole, true));
    }
    let bare = lines(entry, catalogue, false);
    compiles(&bare).then_some((bare, false))
}

fn lines(entry: &Listed, catalogue: &Catalogue<'_>, with_schema: bool) -> String {
    let proposal = tier::propose(entry, catalogue.tiers.len(), catalogue.trusted);
    let tier = catalogue.tiers.get(proposal.tier).map_or("", String::as_str);
    let mut out = format!(
        "      {}:\n        # {}\n        tier: {tier}\n        review: pending\n",
        quote::yaml(&entry.name),
        quote::shown(&proposal.why, 300)
    );
    if let Some(digest) = &entry.digest {
        let _written = writeln!(out, "        definition: \"{}\"", super::digest_text(digest));
    }
    if !entry.note.is_empty() {
        let _written = writeln!(out, "        note: {}", quote::yaml(&entry.note));
    }
    if let Some(schema) = entry.schema.as_ref().filter(|_| with_schema) {
        let _written = writeln!(out, "        input_schema: {}", super::schema::flow(schema));
    }
    out
}
