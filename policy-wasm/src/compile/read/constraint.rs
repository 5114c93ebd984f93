//! `arguments`: what arguments must be like, without writing a condition. Each becomes one.

use super::condition;
use super::condition::Scope;
use super::names::Names;
use crate::policy::ArgumentRule;
use crate::source::{Node, Place, Value};
use std::fmt::Write;

/// Longest path to an argument, in keys.
const MAX_KEYS: usize = 8;
/// Most values of `one_of` and `not_one_of`.
const MAX_VALUES: usize = 100;

/// Reads a map from the path of an argument to what it must be like.
pub(super) fn read<'n>(place: &Place<'n>, scope: &Scope, names: &Names<'n>) -> Vec<ArgumentRule> {
    let mut rules = Vec::new();
    for entry in place.named().unwrap_or_default() {
        let Some(keys) = path(entry.name, |why| entry.refuse_name(why, None)) else { continue };
        let Some(text) = source(&keys, &entry.value) else { continue };
        if let Some(condition) = condition::compile(&text, &entry.value, scope, names) {
            rules.push(ArgumentRule { path: keys, condition });
        }
    }
    rules.sort_by(|left, right| left.path.cmp(&right.path));
    rules
}

/// The keys of `a.b.c`.
pub(super) fn path(text: &str, refuse: impl FnOnce(String)) -> Option<Vec<String>> {
    let keys: Vec<String> = text.split('.').map(str::to_owned).collect();
    let fits =
        |key: &String| !key.is_empty() && !key.chars().any(|c| c.is_control() || c == '"' || c == '\\');
    if keys.len() <= MAX_KEYS && keys.iter().all(fits) {
        return Some(keys);
    }
    refuse(format!(
        "expected the path of an argument, such as `amount.value`, of at most {MAX_KEYS} keys, found `{text}`"
    ));
    None
}

/// The condition: the argument is there (or need not be), and everything that is asked of it holds.
fn source(keys: &[String], place: &Place<'_>) -> Option<String> {
    let mut map = place.map()?;
    let required = map.optional("required").and_then(|place| place.bool()).unwrap_or(false);
    let mut value = "args".to_owned();
    let mut present = Vec::new();
    for key in keys {
        present.push(format!("{} in {value}", quoted(key)));
        let _ = write!(value, "[{}]", quoted(key));
    }
    let mut wanted = Vec::new();
    for (key, negated) in [("one_of", ""), ("not_one_of", "!")] {
        if let Some(values) = map.optional(key).and_then(|place| values(&place)) {
            wanted.push(format!("{negated}({value} in [{values}])"));
        }
    }
    for (key, operator) in [("min", ">="), ("max", "<=")] {
        if let Some(number) = map.optional(key).and_then(|place| number(&place)) {
            typed(&mut wanted, &value, &["int", "double"]);
            wanted.push(format!("{value} {operator} {number}"));
        }
    }
    for (key, function) in
        [("starts_with", "startsWith"), ("ends_with", "endsWith"), ("contains", "contains")]
    {
        if let Some(text) = map.optional(key).and_then(|place| place.string()) {
            typed(&mut wanted, &value, &["string"]);
            wanted.push(format!("{value}.{function}({})", quoted(text)));
        }
    }
    for (key, operator) in [("min_length", ">="), ("max_length", "<=")] {
        let length =
            map.optional(key).and_then(|place| place.integer(0..=1_048_576, "characters or entries"));
        if let Some(length) = length {
            typed(&mut wanted, &value, &["string", "list", "map"]);
            wanted.push(format!("size({value}) {operator} {length}"));
        }
    }
    map.finish();
    if wanted.is_empty() && !required {
        place.refuse("expected at least one of `required`, `one_of`, `min`, `max` and so on");
        return None;
    }
    let here = present.join(" && ");
    let all = if wanted.is_empty() { "true".to_owned() } else { wanted.join(" && ") };
    Some(if required { format!("{here} && {all}") } else { format!("!({here}) || ({all})") })
}

/// An argument of another type is refused rather than impossible to judge.
fn typed(wanted: &mut Vec<String>, value: &str, types: &[&str]) {
    let one_of: Vec<String> = types.iter().map(|name| format!("type({value}) == {name}")).collect();
    let text = format!("({})", one_of.join(" || "));
    if !wanted.contains(&text) {
        wanted.push(text);
    }
}

fn values(place: &Place<'_>) -> Option<String> {
    let places = place.list()?;
    if places.is_empty() || places.len() > MAX_VALUES {
        place.refuse(format!("expected 1 to {MAX_VALUES} values, found {}", places.len()));
    }
    let mut out = Vec::new();
    for place in &places {
        out.push(scalar(place.node()).or_else(|| {
            place.refuse("expected a string, a number, `true` or `false`");
            None
        })?);
    }
    Some(out.join(", "))
}

fn scalar(node: &Node<'_>) -> Option<String> {
    match &node.value {
        Value::String(text) => Some(quoted(text)),
        Value::Number(text) => Some(text.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

fn number<'n>(place: &Place<'n>) -> Option<&'n str> {
    match &place.node().value {
        Value::Number(text) => Some(text),
        _ => {
            place.refuse("expected a number");
            None
        }
    }
}

/// A string literal of the condition language.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            control if control.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}
