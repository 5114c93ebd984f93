//! What a server lists now, held against a catalogue file.

use super::{Listed, digest_text, quote, schema};
use anyhow::{Context as _, bail};
use policy_wasm::compile::read_yaml;
use policy_wasm::model::ItemKind;
use policy_wasm::source::{Node, Problems, Value};
use std::collections::{BTreeMap, BTreeSet};

/// What the file says of an entry.
struct Known {
    digests: BTreeSet<String>,
    note: String,
    /// The node of the schema, positions aside.
    schema: String,
}

type Catalogue = BTreeMap<(&'static str, String), Known>;

/// The differences, a line each, in order; none where the file pins what the server lists.
pub(super) fn changes(file: &str, text: &str, name: &str, entries: &[Listed]) -> anyhow::Result<Vec<String>> {
    let problems = Problems::new();
    let root =
        read_yaml(file, text, &problems).with_context(|| format!("`{file}` is no YAML\n{problems}"))?;
    let known = catalogue(file, &root, name)?;
    let mut out = Vec::new();
    let mut listed = BTreeSet::new();
    for entry in entries {
        let key = (key_of(entry.kind), entry.name.clone());
        let shown = quote::shown(&entry.name, 100);
        match known.get(&key) {
            None => out.push(format!("added    {} `{shown}`", key.0)),
            Some(old) => compare(old, entry, &shown, &mut out),
        }
        listed.insert(key);
    }
    for (key, _) in known.iter().filter(|(key, _)| !listed.contains(*key)) {
        out.push(format!("removed  {} `{}`", key.0, quote::shown(&key.1, 100)));
    }
    Ok(out)
}

fn compare(old: &Known, entry: &Listed, shown: &str, out: &mut Vec<String>) {
    let Some(digest) = entry.digest.as_ref().map(digest_text) else { return };
    if old.digests.contains(&digest) {
        return;
    }
    if old.digests.is_empty() {
        out.push(format!("unpinned tools `{shown}`: no definition is pinned, it is {digest} now"));
        return;
    }
    out.push(format!(
        "changed  tools `{shown}`: its definition is {digest} now, which is not among the pinned"
    ));
    if old.note != entry.note {
        out.push(format!("           - description {}", quote::yaml(&old.note)));
        out.push(format!("           + description {}", quote::yaml(&entry.note)));
    }
    let now = entry.schema.as_ref().map(|text| schema::flow(text)).unwrap_or_default();
    let read = read_yaml("", &now, &Problems::new()).map(|node| plain(&node)).unwrap_or_default();
    if old.schema != read {
        out.push(format!("           - input_schema {}", old.schema));
        out.push(format!("           + input_schema {read}"));
    }
    if old.note == entry.note && old.schema == read {
        out.push(
            "           in something else: title, annotations, output schema, icons or `_meta`".to_owned(),
        );
    }
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
            let note = text(member(&entry.value, "note")).unwrap_or_default();
            let schema = member(&entry.value, "input_schema").map(plain).unwrap_or_default();
            known.insert((key_of(kind), entry.key.to_string()), Known { digests, note, schema });
        }
    }
    Ok(known)
}

/// A value in one line, keys sorted. As deep as the YAML reader lets a file be.
fn plain(node: &Node<'_>) -> String {
    match &node.value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(text) => text.to_string(),
        Value::String(text) => quote::yaml(text),
        Value::List(nodes) => format!("[{}]", nodes.iter().map(plain).collect::<Vec<_>>().join(", ")),
        Value::Map(entries) => {
            let mut members: Vec<_> = entries.iter().map(|entry| (&entry.key, plain(&entry.value))).collect();
            members.sort();
            let members: Vec<_> =
                members.iter().map(|(key, value)| format!("{}: {value}", quote::yaml(key))).collect();
            format!("{{{}}}", members.join(", "))
        }
    }
}
