//! `arguments`: constraints on arguments. Each becomes a condition.

use super::condition;
use super::condition::Scope;
use super::symbols::Symbols;
use crate::condition::Mistake;
use crate::policy::ArgumentRule;
use crate::source::{Named, Node, Place, Value};
use std::fmt::Write;

/// Longest path to an argument, in keys.
const MAX_KEYS: usize = 8;
/// Most values of `one_of` and `not_one_of`.
const MAX_VALUES: usize = 100;

/// Reads a map from the path of an argument to its constraint.
pub(super) fn read<'n>(place: &Place<'n>, scope: &Scope, symbols: &Symbols<'n>) -> Vec<ArgumentRule> {
    let mut rules = Vec::new();
    for entry in place.named().unwrap_or_default() {
        let Some(keys) = path(entry.name, |why| entry.refuse_name(why, None)) else { continue };
        let Some(source) = source(&keys, &entry.value) else { continue };
        match condition::compile(&source.text, &entry.value, scope, symbols) {
            Ok(condition) => rules.push(ArgumentRule { path: keys, condition }),
            Err(mistakes) => mistakes.into_iter().for_each(|mistake| source.refuse(mistake, &entry)),
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

/// A condition, and the key behind each part of it.
struct Source<'n> {
    text: String,
    /// The end of each part in the text, and its value.
    parts: Vec<(usize, Place<'n>)>,
}

impl<'n> Source<'n> {
    /// Reports a mistake at the value of the key that caused it, or at the path of the argument.
    fn refuse(&self, mistake: Mistake, entry: &Named<'n>) {
        // The condition first checks that the argument exists.
        let first = self.text.len().saturating_sub(self.parts.last().map_or(0, |(end, _)| *end));
        let asked = mistake.offset.checked_sub(first);
        let part = asked.and_then(|offset| self.parts.iter().find(|(end, _)| offset < *end));
        let message = format!("argument `{}`: {}", entry.name, mistake.message);
        match part {
            Some((_, place)) => place.refuse_with(message, mistake.suggestion),
            None => entry.refuse_name(message, mistake.suggestion),
        }
    }
}

/// The condition: the argument exists (or is optional), and satisfies all constraints.
fn source<'n>(keys: &[String], place: &Place<'n>) -> Option<Source<'n>> {
    let mut map = place.map()?;
    let required = map.optional("required").and_then(|place| place.bool()).unwrap_or(false);
    let mut value = "args".to_owned();
    let mut present = Vec::new();
    for key in keys {
        present.push(format!("{} in {value}", quoted(key)));
        let _ = write!(value, "[{}]", quoted(key));
    }
    let mut wanted = Wanted::default();
    for (key, negated) in [("one_of", ""), ("not_one_of", "!")] {
        let read = map.optional(key).and_then(|place| Some((values(&place)?, place)));
        if let Some((values, place)) = read {
            wanted.add(format!("{negated}({value} in [{values}])"), &place);
        }
    }
    for (key, operator) in [("min", ">="), ("max", "<=")] {
        let read = map.optional(key).and_then(|place| Some((number(&place)?, place)));
        if let Some((number, place)) = read {
            wanted.typed(&value, &["int", "double"], &place);
            wanted.add(format!("{value} {operator} {number}"), &place);
        }
    }
    for (key, function) in
        [("starts_with", "startsWith"), ("ends_with", "endsWith"), ("contains", "contains")]
    {
        let read = map.optional(key).and_then(|place| Some((place.string()?, place)));
        if let Some((text, place)) = read {
            wanted.typed(&value, &["string"], &place);
            wanted.add(format!("{value}.{function}({})", quoted(text)), &place);
        }
    }
    for (key, operator) in [("min_length", ">="), ("max_length", "<=")] {
        let length = |place: Place<'n>| Some((place.integer(0..=1_048_576, "characters or entries")?, place));
        if let Some((length, place)) = map.optional(key).and_then(length) {
            wanted.typed(&value, &["string", "list", "map"], &place);
            wanted.add(format!("size({value}) {operator} {length}"), &place);
        }
    }
    map.finish();
    if wanted.text.is_empty() && !required {
        // The mistake has been reported.
        let nothing =
            matches!(&place.node().value, Value::Map(entries) if entries.iter().all(|e| e.key == "required"));
        if !nothing {
            return None;
        }
        place.refuse("expected at least one of `required`, `one_of`, `min`, `max` and so on");
        return None;
    }
    let here = present.join(" && ");
    let Wanted { text: all, mut parts } = wanted;
    let text = match (all.is_empty(), required) {
        (true, _) => format!("{here} && true"),
        (false, true) => format!("{here} && {all}"),
        (false, false) => format!("!({here}) || ({all})"),
    };
    if let Some((end, _)) = parts.last_mut() {
        // With the bracket behind it, so that the end of the parts is the end of the text.
        *end = end.saturating_add(usize::from(!required));
    }
    Some(Source { text, parts })
}

/// The kinds of constraints.
#[derive(Default)]
struct Wanted<'n> {
    text: String,
    parts: Vec<(usize, Place<'n>)>,
}

impl<'n> Wanted<'n> {
    fn add(&mut self, text: String, place: &Place<'n>) {
        if !self.text.is_empty() {
            self.text.push_str(" && ");
        }
        self.text.push_str(&text);
        self.parts.push((self.text.len(), place.clone()));
    }

    /// An argument of another type is refused rather than impossible to judge.
    fn typed(&mut self, value: &str, types: &[&str], place: &Place<'n>) {
        let one_of: Vec<String> = types.iter().map(|name| format!("type({value}) == {name}")).collect();
        let text = format!("({})", one_of.join(" || "));
        if !self.text.contains(&text) {
            self.add(text, place);
        }
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
