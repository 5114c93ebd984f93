//! Compares a server's current lists with a catalogue file.

use super::{Listed, digest_text, quote, schema, tier};
use anyhow::{Context as _, bail};
use policy_wasm::compile::read_yaml;
use policy_wasm::model::ItemKind;
use policy_wasm::source::{Node, Problems, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// The file's data about an entry.
struct Known {
    digests: BTreeSet<String>,
    tier: String,
    note: String,
    /// As JSON in one line; empty if there is none.
    schema: String,
}

type Catalogue = BTreeMap<(&'static str, String), Known>;

/// A difference.
pub(super) struct Change {
    /// `added`, `removed`, `changed`, or `unpinned` where the file pins no definition.
    what: &'static str,
    list: &'static str,
    name: String,
    /// Of a tool, as it is now.
    definition: Option<String>,
    /// Tier of the file, and a higher one that is proposed now.
    tier: Option<(String, String)>,
    /// Of the file, and now.
    description: Option<(String, String)>,
    /// Of the file, and now, as JSON in one line.
    schema: Option<(String, String)>,
}

/// The facts by which a tier is proposed.
pub(super) struct Tiers<'t> {
    /// Lowest first.
    pub(super) names: &'t [String],
    /// Whether a person vouches for the server's annotations.
    pub(super) trusted: bool,
}

/// The differences, in the order of the server's lists, removed entries last. There are none if the file pins the server's
/// lists. `entries` are those that a policy can name.
pub(super) fn changes(
    file: &str,
    text: &str,
    name: &str,
    entries: &[Listed],
    tiers: &Tiers<'_>,
) -> anyhow::Result<Vec<Change>> {
    let problems = Problems::new();
    let root = read_yaml(file, text, &problems)
        .filter(|_| problems.is_empty())
        .with_context(|| format!("`{file}` is no policy file\n{problems}"))?;
    let known = catalogue(file, &root, name)?;
    let mut out = Vec::new();
    let mut listed = BTreeSet::new();
    for entry in entries {
        let key = (key_of(entry.kind), entry.name.clone());
        match known.get(&key) {
            None => out.push(Change::of("added", entry)),
            Some(old) => out.extend(compare(old, entry, tiers)),
        }
        listed.insert(key);
    }
    for (list, name) in known.keys().filter(|key| !listed.contains(*key)) {
        let name = name.clone();
        let (definition, tier, description, schema) = (None, None, None, None);
        out.push(Change { what: "removed", list, name, definition, tier, description, schema });
    }
    Ok(out)
}

fn compare(old: &Known, entry: &Listed, tiers: &Tiers<'_>) -> Option<Change> {
    let digest = entry.digest.as_ref().map(digest_text)?;
    if old.digests.contains(&digest) {
        return None;
    }
    let what = if old.digests.is_empty() { "unpinned" } else { "changed" };
    let mut change = Change::of(what, entry);
    let index = tiers.names.iter().position(|tier| *tier == old.tier);
    let proposed = tier::propose(entry, tiers.names.len(), tiers.trusted).tier;
    if let (Some(index), Some(name)) = (index, tiers.names.get(proposed))
        && proposed > index
    {
        change.tier = Some((old.tier.clone(), name.clone()));
    }
    if what == "changed" {
        change.description = (old.note != entry.note).then(|| (old.note.clone(), entry.note.clone()));
        let now = entry.schema.as_ref().map(|text| schema::flow(text)).unwrap_or_default();
        let now = read_yaml("", &now, &Problems::new()).map(|node| plain(&node)).unwrap_or_default();
        change.schema = (old.schema != now).then(|| (old.schema.clone(), now));
    }
    Some(change)
}

impl Change {
    fn of(what: &'static str, entry: &Listed) -> Change {
        Change {
            what,
            list: key_of(entry.kind),
            name: entry.name.clone(),
            definition: entry.digest.as_ref().map(digest_text),
            tier: None,
            description: None,
            schema: None,
        }
    }

    /// Lines for people.
    pub(super) fn text(&self) -> String {
        let shown = quote::shown(&self.name, 100);
        let mut out = format!("{:8} {} `{shown}`", self.what, self.list);
        let definition = self.definition.as_deref().unwrap_or_default();
        match self.what {
            "unpinned" => {
                let _written = write!(out, ": no definition is pinned, it is {definition} now");
            }
            "changed" => {
                let _written =
                    write!(out, ": its definition is {definition} now, which is not among the pinned");
            }
            _ => {}
        }
        out.push('\n');
        let mut lines = |what: &str, sides: &Option<(String, String)>, as_text: &dyn Fn(&str) -> String| {
            if let Some((was, is)) = sides {
                let (was, is) = (as_text(was), as_text(is));
                let _written = write!(out, "           - {what} {was}\n           + {what} {is}\n");
            }
        };
        lines("description", &self.description, &quote::json);
        lines("input_schema", &self.schema, &|schema| or_null(schema).to_owned());
        lines("tier", &self.tier, &|tier| tier.to_owned());
        if self.what == "changed" && self.description.is_none() && self.schema.is_none() {
            out.push_str(
                "           in something else: title, annotations, output schema, icons or `_meta`\n",
            );
        }
        out
    }

    /// One line of JSON.
    pub(super) fn json(&self) -> String {
        let mut out = format!(
            "{{\"change\":\"{}\",\"list\":\"{}\",\"name\":{}",
            self.what,
            self.list,
            quote::json(&self.name)
        );
        if let Some(definition) = &self.definition {
            let _written = write!(out, ",\"definition\":\"{definition}\"");
        }
        let mut sides = |key: &str, sides: Option<(String, String)>| {
            if let Some((was, is)) = sides {
                let _written = write!(out, ",\"{key}\":{{\"was\":{was},\"is\":{is}}}");
            }
        };
        let quoted = |(was, is): &(String, String)| (quote::json(was), quote::json(is));
        sides("tier", self.tier.as_ref().map(quoted));
        sides("description", self.description.as_ref().map(quoted));
        let plain = |(was, is): &(String, String)| (or_null(was).to_owned(), or_null(is).to_owned());
        sides("input_schema", self.schema.as_ref().map(plain));
        out.push_str("}\n");
        out
    }
}

fn or_null(schema: &str) -> &str {
    if schema.is_empty() { "null" } else { schema }
}

fn key_of(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::Tool => "tools",
        ItemKind::Prompt => "prompts",
        ItemKind::Resource => "resources",
        ItemKind::Template => "resource_templates",
    }
}

fn member<'n>(node: &'n Node<'_>, key: &str) -> Option<&'n Node<'n>> {
    let Value::Map(entries) = &node.value else { return None };
    entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
}

fn text(node: Option<&Node<'_>>) -> Option<String> {
    match &node?.value {
        Value::String(text) => Some(text.to_string()),
        _ => None,
    }
}

fn catalogue(file: &str, root: &Node<'_>, name: &str) -> anyhow::Result<Catalogue> {
    let Some(node) = member(root, "catalogues").and_then(|node| member(node, name)) else {
        bail!("`{file}` has no catalogue `{name}`");
    };
    let mut known = Catalogue::new();
    for kind in [ItemKind::Tool, ItemKind::Prompt, ItemKind::Resource, ItemKind::Template] {
        let Some(Value::Map(entries)) = member(node, key_of(kind)).map(|node| &node.value) else { continue };
        for entry in entries {
            let mut digests: BTreeSet<String> =
                text(member(&entry.value, "definition")).into_iter().collect();
            if let Some(Value::Map(versions)) = member(&entry.value, "versions").map(|node| &node.value) {
                digests.extend(versions.iter().filter_map(|version| text(member(&version.value, "digest"))));
            }
            let tier = text(member(&entry.value, "tier")).unwrap_or_default();
            let note = text(member(&entry.value, "note")).unwrap_or_default();
            let schema = member(&entry.value, "input_schema").map(plain).unwrap_or_default();
            known.insert((key_of(kind), entry.key.to_string()), Known { digests, tier, note, schema });
        }
    }
    Ok(known)
}

/// A value as JSON in one line, keys sorted. As deep as the YAML reader lets a file be.
fn plain(node: &Node<'_>) -> String {
    match &node.value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(text) => text.to_string(),
        Value::String(text) => quote::json(text),
        Value::List(nodes) => format!("[{}]", nodes.iter().map(plain).collect::<Vec<_>>().join(", ")),
        Value::Map(entries) => {
            let mut members: Vec<_> = entries.iter().map(|entry| (&entry.key, plain(&entry.value))).collect();
            members.sort();
            let members: Vec<_> =
                members.iter().map(|(key, value)| format!("{}: {value}", quote::json(key))).collect();
            format!("{{{}}}", members.join(", "))
        }
    }
}
