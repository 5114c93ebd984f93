//! Entries of a server's lists, out of its answers or of a file.

use super::{Listed, quote};
use anyhow::bail;
use policy_wasm::json::{Object, Value};
use policy_wasm::model::ItemKind;
use policy_wasm::tool_definition;

/// Longest description that is kept, in characters.
const MAX_NOTE: usize = 2000;

/// Reads the list under `key` of a result.
pub(super) fn entries(
    result: &Value<'_>,
    key: &str,
    kind: ItemKind,
    out: &mut Vec<Listed>,
) -> anyhow::Result<()> {
    let list = result.as_object().and_then(|object| object.get(key)).and_then(Value::as_array);
    let Some(list) = list else { bail!("the answer has no list `{key}`") };
    for value in list.elements() {
        out.push(entry(value, kind)?);
    }
    Ok(())
}

/// The content of a file: the result of a list, a whole answer with one, an object or list of either, or tools alone.
pub(super) fn file(value: Value<'_>, out: &mut Vec<Listed>) -> anyhow::Result<()> {
    const KEYS: [(&str, ItemKind); 4] = [
        ("tools", ItemKind::Tool),
        ("prompts", ItemKind::Prompt),
        ("resources", ItemKind::Resource),
        ("resourceTemplates", ItemKind::Template),
    ];
    let Some(object) = value.as_object() else {
        let Some(list) = value.as_array() else {
            bail!("expected the result of `tools/list`, or a list of tools")
        };
        for value in list.elements() {
            match value.as_object() {
                Some(object) if object.get("name").is_some() => out.push(entry(value, ItemKind::Tool)?),
                Some(object) => object_of_lists(object, &KEYS, out)?,
                None => bail!("expected tools in the list, found something else"),
            }
        }
        return Ok(());
    };
    object_of_lists(object, &KEYS, out)
}

fn object_of_lists(
    object: Object<'_>,
    keys: &[(&str, ItemKind)],
    out: &mut Vec<Listed>,
) -> anyhow::Result<()> {
    let result = object.get("result").and_then(Value::as_object).unwrap_or(object);
    let mut any = false;
    for (key, kind) in keys {
        let Some(list) = result.get(key).and_then(Value::as_array) else { continue };
        any = true;
        for value in list.elements() {
            out.push(entry(value, *kind)?);
        }
    }
    if !any {
        bail!("expected one of `tools`, `prompts`, `resources`, `resourceTemplates`, found none");
    }
    Ok(())
}

fn entry(value: Value<'_>, kind: ItemKind) -> anyhow::Result<Listed> {
    let Some(object) = value.as_object() else { bail!("an entry of a list is not an object") };
    let text = |key: &str| Some(object.get(key)?.as_str()?.decode().into_owned());
    let key = match kind {
        ItemKind::Tool | ItemKind::Prompt => "name",
        ItemKind::Resource => "uri",
        ItemKind::Template => "uriTemplate",
    };
    let Some(name) = text(key) else { bail!("an entry of a list has no `{key}`") };
    let hints = object.get("annotations").and_then(Value::as_object);
    let hint = |key: &str| hints.and_then(|hints| hints.get(key)).and_then(Value::as_bool);
    let digest = match kind {
        ItemKind::Tool => match tool_definition::digest(value) {
            Ok(digest) => Some(digest),
            Err(error) => bail!("tool `{}`: {error}", quote::shown(&name, 100)),
        },
        _ => None,
    };
    // In one line, since a note of a policy is text without control characters.
    let spaced = |c: char| if c.is_ascii_whitespace() { ' ' } else { c };
    let note: String = text("description").unwrap_or_default().chars().map(spaced).collect();
    let note = quote::shown(note.trim(), MAX_NOTE);
    Ok(Listed {
        kind,
        name,
        note,
        read_only: hint("readOnlyHint"),
        destructive: hint("destructiveHint"),
        schema: object.get("inputSchema").map(|schema| schema.raw().to_owned()),
        digest,
    })
}
