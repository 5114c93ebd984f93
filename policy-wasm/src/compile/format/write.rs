//! The one layout.

use super::comments::Notes;
use super::tree::{Body, Entry, Scalar, Tree};
use crate::compile::language::{ROOT, Shape};
use crate::compile::yaml::is_ambiguous;
use saphyr_parser::ScalarStyle;
use std::fmt::Write;

/// Longest line of a value on one line.
const WIDTH: usize = 100;

/// Writes a whole file.
pub(super) fn policy(tree: &Tree, notes: &Notes) -> String {
    let mut lines = notes.head.clone();
    if lines.first().is_some_and(String::is_empty) {
        lines.remove(0);
    }
    if !lines.is_empty() {
        lines.push(String::new());
    }
    let writer = Writer { notes };
    match writer.inline(tree) {
        Some(text) => lines.push(text),
        None => lines.extend(writer.block(tree, Some(Shape::Map(&ROOT)), 0)),
    }
    let mut out = String::new();
    for line in lines {
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

struct Writer<'t> {
    notes: &'t Notes,
}

impl Writer<'_> {
    /// On one line, if it was on one line and fits.
    fn inline(&self, tree: &Tree) -> Option<String> {
        let (flow, entries, brackets) = match &tree.body {
            Body::Scalar(scalar) => return scalar.block.is_empty().then(|| plain(scalar)),
            Body::List { flow, entries } => (*flow, entries, ('[', ']')),
            Body::Map { flow, entries } => (*flow, entries, ('{', '}')),
        };
        if !flow || self.notes.blocks.contains(&tree.span.start) {
            return None;
        }
        let mut out = String::from(brackets.0);
        for (index, entry) in entries.iter().enumerate() {
            out.push_str(if index == 0 { "" } else { ", " });
            if let Some(key) = &entry.key {
                out.push_str(&plain(key));
                out.push(':');
            }
            let value = self.inline(&entry.value)?;
            if entry.key.is_some() && !value.is_empty() {
                out.push(' ');
            }
            out.push_str(&value);
        }
        out.push(brackets.1);
        Some(out)
    }

    /// The lines of a map or list, or of a block scalar below its header.
    fn block(&self, tree: &Tree, shape: Option<Shape>, indent: usize) -> Vec<String> {
        let entries = match &tree.body {
            Body::Scalar(scalar) => return scalar.block.iter().skip(1).cloned().collect(),
            Body::List { entries, .. } | Body::Map { entries, .. } => entries,
        };
        let mut lines = Vec::new();
        for (index, entry) in ordered(entries, shape).into_iter().enumerate() {
            if index > 0 && self.notes.apart.contains(&entry.number) {
                lines.push(String::new());
            }
            let mut own = self.entry(entry, shape, indent);
            let before = self.notes.before.get(&entry.number);
            lines.extend(before.into_iter().flatten().cloned());
            lines.append(&mut own);
            lines.extend(self.notes.after.get(&entry.number).into_iter().flatten().cloned());
        }
        lines
    }

    fn entry(&self, entry: &Entry, shape: Option<Shape>, indent: usize) -> Vec<String> {
        let inner = match &entry.key {
            Some(key) => shape.and_then(|shape| shape.value_of(&key.text)),
            None => shape.and_then(Shape::entry),
        };
        let start = match &entry.key {
            Some(key) => format!("{}:", plain(key)),
            None => "-".to_owned(),
        };
        let beside = self.notes.beside.get(&entry.number);
        let comment = beside.map(|comment| format!(" {comment}")).unwrap_or_default();
        if let Some(value) = self.inline(&entry.value) {
            let space = if value.is_empty() { "" } else { " " };
            let line = format!("{start}{space}{value}");
            let long = indent.saturating_add(line.chars().count()) > WIDTH;
            if !long || matches!(entry.value.body, Body::Scalar(_)) || is_empty(&entry.value) {
                return vec![format!("{line}{comment}")];
            }
        }
        let deeper = indent.saturating_add(2);
        let mut lines = self.block(&entry.value, inner, deeper);
        let shift = |line: String| if line.is_empty() { line } else { format!("  {line}") };
        if let Body::Scalar(scalar) = &entry.value.body {
            let header = scalar.block.first().map(String::as_str).unwrap_or_default();
            let mut out: Vec<String> = beside.into_iter().cloned().collect();
            out.push(format!("{start} {header}"));
            out.extend(lines.into_iter().map(shift));
            return out;
        }
        if entry.key.is_some() {
            let mut out = vec![format!("{start}{comment}")];
            out.extend(lines.into_iter().map(shift));
            return out;
        }
        // Comments in front of a value beside the dash move above the dash.
        let leading = lines.iter().take_while(|line| line.is_empty() || line.starts_with('#')).count();
        let rest = lines.split_off(leading);
        let mut out: Vec<String> = beside.into_iter().cloned().collect();
        out.append(&mut lines);
        for (index, line) in rest.into_iter().enumerate() {
            out.push(if index == 0 { format!("- {line}") } else { shift(line) });
        }
        out
    }
}

fn is_empty(tree: &Tree) -> bool {
    matches!(&tree.body, Body::List { entries, .. } | Body::Map { entries, .. } if entries.is_empty())
}

/// The entries in the order of the documentation; of those that it does not name, in that of the source.
fn ordered(entries: &[Entry], shape: Option<Shape>) -> Vec<&Entry> {
    let mut entries: Vec<&Entry> = entries.iter().collect();
    if let Some(map) = shape.and_then(Shape::known_map) {
        entries.sort_by_key(|entry| {
            let key = entry.key.as_ref().map(|key| key.text.as_str()).unwrap_or_default();
            map.keys.iter().position(|known| known.name == key).unwrap_or(usize::MAX)
        });
    }
    entries
}

/// A scalar on one line.
fn plain(scalar: &Scalar) -> String {
    let text = &scalar.text;
    if scalar.style == ScalarStyle::Plain || is_word(text) {
        return text.clone();
    }
    let control = text.chars().any(|c| c.is_control() || is_break(c));
    if text.contains(['"', '\\']) && !text.contains('\'') && !control {
        return format!("'{text}'");
    }
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            other if other.is_control() || is_break(other) => {
                let _infallible = write!(out, "\\u{:04X}", u32::from(other));
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// Characters that end a line for some readers, and byte order marks.
fn is_break(character: char) -> bool {
    matches!(character, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// Words that every reader takes for a string.
fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte))
        && !is_ambiguous(text)
}
