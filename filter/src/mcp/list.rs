//! Removes entries that the caller cannot use from the lists of a server's catalogue. All other bytes stay,
//! and so do the order, `nextCursor`, `ttlMs` and unknown members.

use super::error::ServerMessageError;
use super::method::Method;
use super::splice::Splices;
use policy_wasm::json::{Array, Value};
use policy_wasm::model::ItemKind;
use policy_wasm::sort::sorted;

/// A kind of list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct List {
    /// The member of the result that holds the entries.
    pub member: &'static str,
    /// The member that holds an entry's name.
    pub key: &'static str,
    /// The kind of the entries.
    pub kind: ItemKind,
    /// The method that requests the list.
    pub method: Method,
}

/// All kinds of list (MCP 2024-11-05 to 2026-07-28, server features).
pub const LISTS: [List; 4] = [
    List { member: "tools", key: "name", kind: ItemKind::Tool, method: Method::ListTools },
    List { member: "prompts", key: "name", kind: ItemKind::Prompt, method: Method::ListPrompts },
    List { member: "resources", key: "uri", kind: ItemKind::Resource, method: Method::ListResources },
    List {
        member: "resourceTemplates",
        key: "uriTemplate",
        kind: ItemKind::Template,
        method: Method::ListTemplates,
    },
];

/// The list that this method requests.
pub fn asked_by(method: Method) -> Option<&'static List> {
    LISTS.iter().find(|list| list.method == method)
}

/// Removes the entries for which `keep` returns false; `keep` receives the entry's name and the entry.
/// Returns whether it removed any.
///
/// # Errors
/// [`ServerMessageError`] if an entry is not an object, if its name is missing or ambiguous, or if two
/// entries share a name. Of two entries with one name, some clients keep the first and others the last.
pub fn cut(
    list: &List,
    array: Array<'_>,
    whole: &str,
    edits: &mut Splices,
    keep: &mut dyn FnMut(&str, Value<'_>) -> bool,
) -> Result<bool, ServerMessageError> {
    let mut entries = Vec::new();
    for entry in array.elements() {
        let mut name = None;
        for (key, value) in entry.as_object().ok_or(ServerMessageError)?.members() {
            if key.is(list.key) {
                name = value.as_str();
            } else if key.resembles(list.key) {
                return Err(ServerMessageError);
            }
        }
        entries.push((name.ok_or(ServerMessageError)?.decode(), entry));
    }
    let name = |index: usize| entries.get(index).map(|(name, _)| name.as_ref());
    let order = sorted(entries.len(), &|a, b| name(a).cmp(&name(b)));
    let mut neighbours = order.iter().zip(order.iter().skip(1));
    if neighbours.any(|(a, b)| name(*a as usize) == name(*b as usize)) {
        return Err(ServerMessageError);
    }
    let all = entries.len();
    entries.retain(|(name, entry)| keep(name, *entry));
    let hidden = entries.len() < all;
    if hidden {
        let mut text = String::with_capacity(array.raw().len());
        for (_, entry) in entries {
            text.push(if text.is_empty() { '[' } else { ',' });
            text.push_str(entry.raw());
        }
        text.push_str(if text.is_empty() { "[]" } else { "]" });
        edits.replace(whole, array.raw(), text);
    }
    Ok(hidden)
}

#[cfg(test)]
mod tests {
    use super::*;
    use policy_wasm::json::{self, Limits};

    fn shown(list: &List, text: &str, keep: &[&str]) -> Result<String, ServerMessageError> {
        let value = json::parse(text.as_bytes(), &Limits::default()).map_err(|_| ServerMessageError)?;
        let mut edits = Splices::default();
        let array = value.as_array().ok_or(ServerMessageError)?;
        cut(list, array, text, &mut edits, &mut |name, _| keep.contains(&name))?;
        edits.apply(text).ok_or(ServerMessageError)
    }

    #[test]
    fn what_is_not_kept_is_cut_and_all_else_stays_to_the_byte() {
        for list in &LISTS {
            let key = list.key;
            let text = format!(r#"[ {{"{key}":"a" , "n":1.0}}, {{"{key}":"b"}},{{"{key}":"\u0063"}} ]"#);
            let cut = format!(r#"[{{"{key}":"a" , "n":1.0}},{{"{key}":"\u0063"}}]"#);
            assert_eq!(shown(list, &text, &["a", "c"]).unwrap(), cut);
            assert_eq!(shown(list, &text, &["a", "b", "c"]).unwrap(), text);
            assert_eq!(shown(list, &text, &[]).unwrap(), "[]");
        }
    }

    #[test]
    fn an_entry_that_could_be_read_in_two_ways_is_refused() {
        for list in &LISTS {
            let (key, upper) = (list.key, list.key.to_uppercase());
            for text in [
                r#"["a"]"#.to_owned(),
                r#"[{"n":1}]"#.to_owned(),
                format!(r#"[{{"{key}":1}}]"#),
                format!(r#"[{{"{key}":"a","{upper}":"b"}}]"#),
                format!(r#"[{{"{key}":"a","{key}":"b"}}]"#),
                format!(r#"[{{"{key}":"a"}},{{"{key}":"b"}},{{"{key}":"\u0061"}}]"#),
            ] {
                assert_eq!(shown(list, &text, &["a"]), Err(ServerMessageError), "{text}");
            }
        }
    }
}
