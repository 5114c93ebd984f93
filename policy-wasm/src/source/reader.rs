//! The decoder: typed reads of a [`Node`] tree that report mistakes and continue.

use super::problem::{listed, shown};
use super::{Entry, Node, Position, Problem, Problems, Value, suggest};
use std::ops::RangeInclusive;

/// A node, its path and its file: the start of every typed read.
///
/// A read gives `None` only after it has added a problem. A reader of a file reads everything, and builds the result
/// only if [`Problems::is_empty`].
#[derive(Clone)]
pub struct Place<'n> {
    file: &'n str,
    node: &'n Node<'n>,
    path: String,
    problems: &'n Problems,
    showing: Showing,
}

/// The parts of a place that messages may repeat.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Showing {
    /// Names and values.
    All,
    /// No value, and only keys that cannot be a secret which slipped in front of a colon: for files with secrets.
    Keys,
    /// No value, and only keys that resemble a known one: next to secrets.
    Nothing,
}

/// A named entry of a map whose keys the author chooses, such as a server under `servers`.
#[derive(Clone)]
pub struct Named<'n> {
    /// The name.
    pub name: &'n str,
    /// The place of the name.
    pub name_position: Position,
    /// The named value.
    pub value: Place<'n>,
}

/// Reads a map with known keys; [`MapReader::finish`] reports keys that were not read.
#[must_use = "call `finish`, or unknown keys go unreported"]
pub struct MapReader<'n> {
    place: Place<'n>,
    entries: &'n [Entry<'n>],
    /// In alphabetical order.
    asked: Vec<&'static str>,
}

/// Longest key in small letters that is taken for a word, in bytes: random texts of letters alone are seldom shorter
/// than it, and the names of settings are.
const MAX_WORD: usize = 24;

impl<'n> Place<'n> {
    /// The whole file.
    pub fn root(file: &'n str, node: &'n Node<'n>, problems: &'n Problems) -> Place<'n> {
        Place { file, node, path: String::new(), problems, showing: Showing::All }
    }

    /// The whole file, if it may contain secrets. Messages name the kinds of values but not the values, except in
    /// places made [`Place::public`].
    pub fn guarded(file: &'n str, node: &'n Node<'n>, problems: &'n Problems) -> Place<'n> {
        Place { showing: Showing::Keys, ..Place::root(file, node, problems) }
    }

    /// This place as one whose values no secret can be: messages repeat them.
    pub fn public(&self) -> Place<'n> {
        Place { showing: Showing::All, ..self.clone() }
    }

    /// This place as one with secrets. An unknown key may be a secret, so messages name its position only.
    pub fn secret(&self) -> Place<'n> {
        Place { showing: Showing::Nothing, ..self.clone() }
    }

    /// The node.
    pub fn node(&self) -> &'n Node<'n> {
        self.node
    }

    /// The file, as the caller named it.
    pub fn file(&self) -> &'n str {
        self.file
    }

    /// The path from the file's root, as a JSON pointer.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The list for problems.
    pub fn problems(&self) -> &'n Problems {
        self.problems
    }

    /// Reports that something is wrong here.
    pub fn refuse(&self, message: impl Into<String>) {
        self.report(self.node.position, self.path.clone(), message.into(), None);
    }

    /// Reports a mistake here, with the correction ("did you mean `…`?").
    pub fn refuse_with(&self, message: impl Into<String>, suggestion: Option<String>) {
        self.report(self.node.position, self.path.clone(), message.into(), suggestion);
    }

    /// Reports a mistake in a part of this value, with known begin and end.
    pub fn refuse_part(&self, part: (Position, Position), message: String, suggestion: Option<String>) {
        let (begin, end) = part;
        let problem = Problem::new(self.file, begin, self.path.clone(), message, suggestion);
        self.problems.push(Problem { end, ..problem });
    }

    /// A string, which may be empty.
    pub fn string(&self) -> Option<&'n str> {
        match &self.node.value {
            Value::String(text) => Some(text),
            other => {
                let suggestion = match other {
                    Value::Number(_) | Value::Bool(_) if self.showing != Showing::All => {
                        Some("write it in quotes".to_owned())
                    }
                    Value::Number(text) => Some(format!("write it in quotes: `\"{}\"`", shown(text))),
                    Value::Bool(value) => Some(format!("write it in quotes: `\"{value}\"`")),
                    _ => None,
                };
                self.refuse_with(format!("expected a string, found {}", self.found()), suggestion);
                None
            }
        }
    }

    /// A string that is not empty and has no control characters.
    pub fn text(&self) -> Option<&'n str> {
        let text = self.string()?;
        if text.is_empty() {
            self.refuse("expected a string that is not empty");
            None
        } else if text.chars().any(char::is_control) {
            self.refuse("expected a string without control characters");
            None
        } else {
            Some(text)
        }
    }

    /// A whole number within `range`; `unit` (`seconds`, `bytes`) is for the message, and empty for plain counts.
    pub fn integer(&self, range: RangeInclusive<u64>, unit: &str) -> Option<u64> {
        if let Value::Number(text) = &self.node.value
            && text.bytes().all(|byte| byte.is_ascii_digit())
            && let Ok(number) = text.parse::<u64>()
            && range.contains(&number)
        {
            return Some(number);
        }
        let of = if unit.is_empty() { "" } else { " of " };
        let (low, high) = (range.start(), range.end());
        self.refuse(format!(
            "expected a whole number{of}{unit} from {low} to {high}, found {}",
            self.found()
        ));
        None
    }

    /// `true` or `false`.
    pub fn bool(&self) -> Option<bool> {
        match self.node.value {
            Value::Bool(value) => Some(value),
            _ => {
                self.refuse(format!("expected `true` or `false`, found {}", self.found()));
                None
            }
        }
    }

    /// The index of one of these names.
    pub fn one_of(&self, names: &[&str]) -> Option<usize> {
        if let Value::String(text) = &self.node.value
            && let Some(index) = names.iter().position(|name| *name == text.as_ref())
        {
            return Some(index);
        }
        let suggestion = match &self.node.value {
            Value::String(text) => suggest(text, names.iter().copied()),
            _ => None,
        };
        let of = if names.len() == 1 { "" } else { "one of " };
        let names = listed(names.iter().copied());
        self.refuse_with(format!("expected {of}{names}, found {}", self.found()), suggestion);
        None
    }

    /// A list, which may be empty.
    pub fn list(&self) -> Option<Vec<Place<'n>>> {
        match &self.node.value {
            Value::List(nodes) => Some(
                nodes.iter().enumerate().map(|(index, node)| self.child(&index.to_string(), node)).collect(),
            ),
            _ => {
                self.refuse(format!("expected a list, found {}", self.found()));
                None
            }
        }
    }

    /// A list of strings, none empty.
    pub fn texts(&self) -> Option<Vec<&'n str>> {
        let items = self.list()?;
        let texts: Vec<&str> = items.iter().filter_map(Place::text).collect();
        (texts.len() == items.len()).then_some(texts)
    }

    /// A map with known keys.
    pub fn map(&self) -> Option<MapReader<'n>> {
        let entries = self.entries()?;
        Some(MapReader { place: self.clone(), entries, asked: Vec::new() })
    }

    /// A map whose keys the author chooses, in the file's order.
    pub fn named(&self) -> Option<Vec<Named<'n>>> {
        let entries = self.entries()?;
        Some(entries.iter().map(|entry| self.named_child(entry)).collect())
    }

    /// The value under a key, if this is a map with that key.
    pub fn value_at(&self, key: &str) -> Option<&'n Value<'n>> {
        match &self.node.value {
            Value::Map(entries) => {
                entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value.value)
            }
            _ => None,
        }
    }

    fn entries(&self) -> Option<&'n [Entry<'n>]> {
        match &self.node.value {
            Value::Map(entries) => Some(entries),
            _ => {
                self.refuse(format!("expected a map, found {}", self.found()));
                None
            }
        }
    }

    fn named_child(&self, entry: &'n Entry<'n>) -> Named<'n> {
        Named {
            name: &entry.key,
            name_position: entry.key_position,
            value: self.child(&entry.key, &entry.value),
        }
    }

    fn child(&self, segment: &str, node: &'n Node<'n>) -> Place<'n> {
        let path = self.path_to(segment);
        Place { file: self.file, node, path, problems: self.problems, showing: self.showing }
    }

    /// Whether a message can repeat an unknown key. With `resembles`, the key is a misspelling of a known one.
    fn shows_key(&self, key: &str, resembles: bool) -> bool {
        let is_word =
            || key.len() <= MAX_WORD && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        match self.showing {
            Showing::All => true,
            Showing::Keys => resembles || is_word(),
            Showing::Nothing => resembles,
        }
    }

    fn path_to(&self, segment: &str) -> String {
        let mut path = self.path.clone();
        path.push('/');
        for character in shown(segment).chars() {
            match character {
                '~' => path.push_str("~0"),
                '/' => path.push_str("~1"),
                other => path.push(other),
            }
        }
        path
    }

    fn report(&self, position: Position, path: String, message: String, suggestion: Option<String>) {
        self.problems.push(Problem::new(self.file, position, path, message, suggestion));
    }

    /// The value here, for a message.
    fn found(&self) -> String {
        match &self.node.value {
            Value::Bool(_) if self.showing != Showing::All => "a boolean".to_owned(),
            Value::Number(_) if self.showing != Showing::All => "a number".to_owned(),
            Value::String(_) if self.showing != Showing::All => "a string".to_owned(),
            Value::Null => "nothing".to_owned(),
            Value::Bool(value) => format!("`{value}`"),
            Value::Number(text) => format!("the number `{}`", shown(text)),
            Value::String(text) => format!("`{}`", shown(text)),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a map".to_owned(),
        }
    }
}

impl Named<'_> {
    /// Reports that nothing has this name, which may be anything then; `near` is a name that it resembles.
    pub fn refuse_unknown(&self, map: &Place<'_>, message: &str, near: Option<String>) {
        let shows = map.shows_key(self.name, near.is_some());
        let path = if shows { &self.value.path } else { &map.path };
        self.value.report(self.name_position, path.clone(), message.to_owned(), near);
    }

    /// Reports that something is wrong with the name.
    pub fn refuse_name(&self, message: impl Into<String>, suggestion: Option<String>) {
        self.value.report(self.name_position, self.value.path.clone(), message.into(), suggestion);
    }
}

impl<'n> MapReader<'n> {
    /// The map itself, for problems that concern several of its keys.
    pub fn place(&self) -> &Place<'n> {
        &self.place
    }

    /// The value of a key that must be there.
    pub fn required(&mut self, key: &'static str) -> Option<Place<'n>> {
        let value = self.optional(key);
        if value.is_none() {
            let path = self.place.path_to(key);
            self.place.report(self.place.node.position, path, "required key is missing".to_owned(), None);
        }
        value
    }

    /// The value of a key that may be left out.
    pub fn optional(&mut self, key: &'static str) -> Option<Place<'n>> {
        if let Err(place) = self.asked.binary_search(&key) {
            self.asked.insert(place, key);
        }
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        Some(self.place.child(key, &entry.value))
    }

    /// Reports every key that was not read.
    pub fn finish(self) {
        for entry in self.entries {
            if !self.asked.iter().any(|known| *known == entry.key) {
                if self.place.problems.is_full() {
                    return;
                }
                let expected = match self.asked.as_slice() {
                    [] => "unknown key, expected none".to_owned(),
                    [one] => format!("unknown key, expected `{one}`"),
                    several => format!("unknown key, expected one of {}", listed(several.iter().copied())),
                };
                let suggestion = suggest(&entry.key, self.asked.iter().copied());
                let shows = self.place.shows_key(&entry.key, suggestion.is_some());
                let path = if shows { self.place.path_to(&entry.key) } else { self.place.path.clone() };
                self.place.report(entry.key_position, path, expected, suggestion);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(value: Value<'_>) -> Node<'_> {
        Node { position: Position { line: 1, column: 1 }, value }
    }

    fn map<'a>(entries: Vec<(&'a str, Value<'a>)>) -> Value<'a> {
        let entry = |(line, (key, value)): (u32, (&'a str, Value<'a>))| Entry {
            key: key.into(),
            key_position: Position { line, column: 1 },
            value: Node { position: Position { line, column: 9 }, value },
        };
        Value::Map((1..).zip(entries).map(entry).collect())
    }

    fn string(text: &str) -> Value<'_> {
        Value::String(text.into())
    }

    #[test]
    fn every_mistake_is_reported_at_once() {
        let tree = node(map(vec![
            ("name", string("")),
            ("port", Value::Number("70000".into())),
            ("open", string("yes")),
            ("tier", string("wrte")),
            ("scopes", Value::List(vec![node(Value::Bool(true)), node(string("ok"))])),
            ("isuers", Value::Null),
        ]));
        let problems = Problems::new();
        let mut reader = Place::root("c.json", &tree, &problems).map().unwrap();
        assert_eq!(reader.required("name").and_then(|place| place.text()), None);
        assert_eq!(reader.required("port").and_then(|place| place.integer(1..=65535, "")), None);
        assert_eq!(reader.optional("open").and_then(|place| place.bool()), None);
        assert_eq!(reader.optional("tier").and_then(|place| place.one_of(&["read", "write"])), None);
        assert_eq!(reader.optional("scopes").and_then(|place| place.texts()), None);
        assert!(reader.optional("issuers").is_none());
        assert!(reader.required("keys").is_none());
        reader.finish();
        let expected = "\
c.json:1:1: /keys: required key is missing
c.json:1:1: /scopes/0: expected a string, found `true`; write it in quotes: `\"true\"`
c.json:1:9: /name: expected a string that is not empty
c.json:2:9: /port: expected a whole number from 1 to 65535, found the number `70000`
c.json:3:9: /open: expected `true` or `false`, found `yes`
c.json:4:9: /tier: expected one of `read`, `write`, found `wrte`; did you mean `write`?
c.json:6:1: /isuers: unknown key, expected one of `issuers`, `keys`, `name`, `open`, `port`, `scopes`, `tier`; did you mean `issuers`?
";
        assert_eq!(problems.to_string(), expected);
    }

    #[test]
    fn right_values_are_read_without_a_problem() {
        let tree = node(map(vec![
            ("name", string("github")),
            ("port", Value::Number("443".into())),
            ("open", Value::Bool(false)),
            ("tier", string("write")),
        ]));
        let problems = Problems::new();
        let mut reader = Place::root("c.json", &tree, &problems).map().unwrap();
        assert_eq!(reader.required("name").and_then(|place| place.text()), Some("github"));
        assert_eq!(reader.required("port").and_then(|place| place.integer(1..=65535, "")), Some(443));
        assert_eq!(reader.required("open").and_then(|place| place.bool()), Some(false));
        assert_eq!(reader.required("tier").and_then(|place| place.one_of(&["read", "write"])), Some(1));
        reader.finish();
        assert!(problems.is_empty(), "{problems}");
    }

    #[test]
    fn numbers_with_sign_fraction_or_exponent_are_not_whole() {
        for text in ["-1", "1.0", "1e3", "18446744073709551616"] {
            let tree = node(Value::Number(text.into()));
            let problems = Problems::new();
            assert_eq!(Place::root("c", &tree, &problems).integer(0..=u64::MAX, "bytes"), None, "{text}");
            assert_eq!(problems.len(), 1);
        }
    }

    #[test]
    fn paths_are_json_pointers() {
        let tree = node(map(vec![("a/b~c", map(vec![("d", Value::Null)]))]));
        let problems = Problems::new();
        let outer = Place::root("c", &tree, &problems).named().unwrap();
        let inner = outer[0].value.named().unwrap();
        assert_eq!(inner[0].value.path(), "/a~1b~0c/d");
    }
}
