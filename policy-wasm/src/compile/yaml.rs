//! The YAML front end: one document of maps, lists, strings, numbers, `true`, `false` and `null`.
//!
//! The reader rejects text that two YAML readers could take differently. These are anchors, aliases, tags, merge keys,
//! several documents and repeated keys. They are also plain scalars that YAML 1.1 and 1.2 resolve differently (`no`,
//! `012`, `1_000`, `2026-11-20`).

use crate::source::{Entry, Node, Position, Problem, Problems, Value};
use saphyr_parser::{Event, Marker, Parser, ScalarStyle};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Longest file in bytes.
pub const MAX_FILE: usize = 16 * 1024 * 1024;
/// Deepest nesting of maps and lists.
pub const MAX_DEPTH: usize = 32;

/// Reads a YAML file; mistakes are added to `problems`.
pub fn read<'a>(file: &str, text: &'a str, problems: &Problems) -> Option<Node<'a>> {
    let mut builder = Builder { file, problems, stack: Vec::new(), root: None, documents: 0 };
    if text.len() > MAX_FILE {
        builder.refuse(START, format!("file is {} bytes long, expected at most {MAX_FILE}", text.len()));
        return None;
    }
    if text.starts_with('\u{feff}') {
        builder.refuse(START, "byte order mark in front of the document; save the file without one");
        return None;
    }
    for event in Parser::new_from_str(text) {
        match event {
            Ok((event, span)) => builder.take(event, position(&span.start))?,
            Err(error) => {
                let message = error.info().chars().map(|c| if c.is_control() { ' ' } else { c });
                builder
                    .refuse(position(error.marker()), format!("not YAML: {}", message.collect::<String>()));
                return None;
            }
        }
    }
    if builder.root.is_none() {
        builder.refuse(START, "expected a policy, found nothing");
    }
    builder.root
}

const START: Position = Position { line: 1, column: 1 };

pub(super) fn position(marker: &Marker) -> Position {
    let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    Position { line: number(marker.line()), column: number(marker.col()).saturating_add(1) }
}

struct Builder<'a, 'p> {
    file: &'p str,
    problems: &'p Problems,
    stack: Vec<Open<'a>>,
    root: Option<Node<'a>>,
    documents: u32,
}

/// A map or list that is not closed yet.
enum Open<'a> {
    List {
        position: Position,
        nodes: Vec<Node<'a>>,
    },
    Map {
        position: Position,
        entries: Vec<Entry<'a>>,
        key: Option<Key<'a>>,
        seen: BTreeMap<Cow<'a, str>, Position>,
    },
}

struct Key<'a> {
    text: Cow<'a, str>,
    position: Position,
    /// A repeated key: its value is read and dropped.
    repeated: bool,
}

impl<'a> Builder<'a, '_> {
    fn refuse(&self, position: Position, message: impl Into<String>) {
        self.refuse_with(position, message, None);
    }

    fn refuse_with(&self, position: Position, message: impl Into<String>, suggestion: Option<String>) {
        let problem = Problem::new(self.file, position, String::new(), message.into(), suggestion);
        self.problems.push(problem);
    }

    /// `None` if reading cannot continue.
    fn take(&mut self, event: Event<'a>, position: Position) -> Option<()> {
        match event {
            Event::DocumentStart(_) => {
                self.documents = self.documents.saturating_add(1);
                if self.documents > 1 {
                    self.refuse(position, "expected one YAML document in a file, found another");
                    return None;
                }
            }
            Event::Alias(_) => {
                self.refuse(position, "aliases (`*name`) are not read; write the value out");
                self.value(Node { position, value: Value::Null });
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.plain_node(position, anchor, tag.is_some());
                let value = self.scalar(text, style, position);
                self.value(Node { position, value });
            }
            Event::SequenceStart(anchor, tag) => {
                self.plain_node(position, anchor, tag.is_some());
                self.open(Open::List { position, nodes: Vec::new() })?;
            }
            Event::MappingStart(anchor, tag) => {
                self.plain_node(position, anchor, tag.is_some());
                self.open(Open::Map { position, entries: Vec::new(), key: None, seen: BTreeMap::new() })?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let node = match self.stack.pop()? {
                    Open::List { position, nodes } => Node { position, value: Value::List(nodes) },
                    Open::Map { position, entries, .. } => Node { position, value: Value::Map(entries) },
                };
                self.value(node);
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        Some(())
    }

    fn plain_node(&self, position: Position, anchor: usize, tagged: bool) {
        if anchor != 0 {
            self.refuse(position, "anchors (`&name`) are not read; write the value where it is needed");
        }
        if tagged {
            self.refuse(position, "tags (`!name`) are not read; leave it out");
        }
    }

    fn open(&mut self, open: Open<'a>) -> Option<()> {
        let (Open::List { position, .. } | Open::Map { position, .. }) = &open;
        if self.stack.len() >= MAX_DEPTH {
            self.refuse(*position, format!("nested deeper than {MAX_DEPTH} levels"));
            return None;
        }
        if let Some(Open::Map { key: None, .. }) = self.stack.last() {
            self.refuse(*position, "expected a string as a key, found a map or a list");
            return None;
        }
        self.stack.push(open);
        Some(())
    }

    /// A complete value: the next key, the value of the last key, the next element, or the document.
    fn value(&mut self, node: Node<'a>) {
        match self.stack.last_mut() {
            None => self.root = Some(node),
            Some(Open::List { nodes, .. }) => nodes.push(node),
            Some(Open::Map { entries, key: key @ Some(_), .. }) => {
                if let Some(key) = key.take()
                    && !key.repeated
                {
                    entries.push(Entry { key: key.text, key_position: key.position, value: node });
                }
            }
            Some(Open::Map { .. }) => self.key(node),
        }
    }

    fn key(&mut self, node: Node<'a>) {
        let position = node.position;
        let text = match node.value {
            Value::String(text) => text,
            other => {
                let text = match other {
                    Value::Number(text) => text,
                    Value::Bool(value) => value.to_string().into(),
                    _ => Cow::Borrowed(""),
                };
                let suggestion = (!text.is_empty()).then(|| format!("write it in quotes: `\"{text}\"`"));
                self.refuse_with(position, "expected a string as a key", suggestion);
                text
            }
        };
        if text == "<<" {
            self.refuse(position, "merge keys (`<<`) are not read; write the entries out");
        }
        let mut before = None;
        if let Some(Open::Map { key, seen, .. }) = self.stack.last_mut() {
            before = seen.get(&text).copied();
            seen.entry(text.clone()).or_insert(position);
            *key = Some(Key { text: text.clone(), position, repeated: before.is_some() });
        }
        if let Some(before) = before {
            let message = format!("duplicate key `{text}`, first in line {}", before.line);
            self.refuse(position, message);
        }
    }

    fn scalar(&self, text: Cow<'a, str>, style: ScalarStyle, position: Position) -> Value<'a> {
        if style != ScalarStyle::Plain {
            return Value::String(text);
        }
        match text.as_ref() {
            "" | "null" | "~" => Value::Null,
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            number if is_number(number) => Value::Number(text),
            other => {
                if is_ambiguous(other) {
                    let suggestion = format!("write it in quotes: `\"{other}\"`");
                    let message =
                        format!("`{other}` without quotes is read differently by different YAML readers");
                    self.refuse_with(position, message, Some(suggestion));
                }
                Value::String(text)
            }
        }
    }
}

/// The JSON grammar of numbers, which every YAML reader shares.
fn is_number(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
}

/// Plain scalars that some readers take for a string and others for something else (YAML 1.1 and 1.2 core schema).
pub(super) fn is_ambiguous(text: &str) -> bool {
    const WORDS: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    const SPECIAL: [&str; 3] = [".inf", ".nan", "="];
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
        || SPECIAL.iter().any(|word| unsigned.eq_ignore_ascii_case(word))
    {
        return true;
    }
    // Octal, hexadecimal, binary, digits in groups, base 60, dates, `.5`, `1.`, `+1`.
    let prefixed = ["0x", "0o", "0b"].iter().any(|prefix| {
        unsigned
            .strip_prefix(prefix)
            .is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_hexdigit() || b == b'_'))
    });
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.strip_prefix(['+', '-']).unwrap_or(exponent)),
        None => (unsigned, "0"),
    };
    let digit = |byte: u8| byte.is_ascii_digit();
    let dots = mantissa.bytes().filter(|byte| *byte == b'.').count();
    // Dotted quads with or without a port have more than one dot: no reader takes those for a number.
    let number = dots <= 1
        && mantissa.bytes().any(digit)
        && mantissa.bytes().all(|byte| digit(byte) || matches!(byte, b'_' | b'.' | b':'))
        && !exponent.is_empty()
        && exponent.bytes().all(digit);
    prefixed || number || is_date(text)
}

/// `2026-11-20`, with or without a time behind it.
fn is_date(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let number = |part: Option<&str>, length: std::ops::RangeInclusive<usize>| {
        part.is_some_and(|part| {
            length.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    number(parts.next(), 4..=4)
        && number(parts.next(), 1..=2)
        && parts
            .next()
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()) && !rest.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems_of(text: &str) -> String {
        let problems = Problems::new();
        read("p.yaml", text, &problems);
        problems.to_string()
    }

    #[test]
    fn numbers_are_json_numbers() {
        for text in ["0", "-1", "10", "1.5", "1e3", "2.5E-7"] {
            assert!(is_number(text), "{text}");
        }
        for text in ["", "01", "+1", ".5", "1.", "1_000", "0x1f", "1e", "--1", "1:30"] {
            assert!(!is_number(text), "{text}");
        }
    }

    #[test]
    fn scalars_that_readers_take_differently_are_refused() {
        for text in [
            "no",
            "Yes",
            "ON",
            "off",
            "y",
            "N",
            "True",
            "FALSE",
            "Null",
            "012",
            "0x1F",
            "0o17",
            "0b101",
            "1_000",
            "1:30",
            "+1",
            ".5",
            "1.",
            ".inf",
            "-.INF",
            ".NaN",
            "2026-11-20",
            "2026-1-2T03:04:05Z",
            "=",
        ] {
            assert!(is_ambiguous(text), "{text}");
        }
        for text in [
            "yesterday",
            "127.0.0.1:10000",
            "a1",
            "planner",
            "mcp:write",
            "2026-11-20.1",
            "no-one",
            "e5",
            "0xyz",
            "1.2.3",
        ] {
            assert!(!is_ambiguous(text), "{text}");
        }
    }

    #[test]
    fn yaml_features_that_policies_lack_are_rejected() {
        for (text, expected) in [
            (
                "a: &x 1\nb: *x\n",
                "p.yaml:1:4: anchors (`&name`) are not read; write the value where it is needed\n\
              p.yaml:2:4: aliases (`*name`) are not read; write the value out\n",
            ),
            ("a: !!str 1\n", "p.yaml:1:4: tags (`!name`) are not read; leave it out\n"),
            ("a: 1\n---\nb: 2\n", "p.yaml:2:1: expected one YAML document in a file, found another\n"),
            ("a: 1\nb: 2\na: 3\n", "p.yaml:3:1: duplicate key `a`, first in line 1\n"),
            ("\"a\": 1\na: 3\n", "p.yaml:2:1: duplicate key `a`, first in line 1\n"),
            ("", "p.yaml:1:1: expected a policy, found nothing\n"),
            ("1: x\n", "p.yaml:1:1: expected a string as a key; write it in quotes: `\"1\"`\n"),
            ("? [a]\n: x\n", "p.yaml:1:3: expected a string as a key, found a map or a list\n"),
            ("<<: {a: 1}\n", "p.yaml:1:1: merge keys (`<<`) are not read; write the entries out\n"),
            (
                "\u{feff}a: 1\n",
                "p.yaml:1:1: byte order mark in front of the document; save the file without one\n",
            ),
        ] {
            assert_eq!(problems_of(text), expected, "{text:?}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(problems_of(&nested(MAX_DEPTH)), "");
        assert_eq!(problems_of(&nested(33)), "p.yaml:1:33: nested deeper than 32 levels\n");
        // The parser has its own bound, which it may reach first.
        assert_eq!(problems_of(&nested(100_000)).lines().count(), 1);
    }
}
