//! The layout of a YAML file: blocks, values on one line, and the quotes of each string.

use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use std::ops::Range;

/// A value and its place.
pub(super) struct Tree {
    /// Its characters in the source.
    pub(super) span: Range<usize>,
    pub(super) body: Body,
}

/// The kind of a value.
pub(super) enum Body {
    Scalar(Scalar),
    List { flow: bool, entries: Vec<Entry> },
    Map { flow: bool, entries: Vec<Entry> },
}

/// An entry of a map or a list.
pub(super) struct Entry {
    /// Its number in the order of the source; comments know it by that.
    pub(super) number: usize,
    /// The character at which it begins: its key, or the dash of a list.
    pub(super) start: usize,
    /// The key; none in a list.
    pub(super) key: Option<Scalar>,
    pub(super) value: Tree,
}

/// A string, number, boolean or nothing.
pub(super) struct Scalar {
    pub(super) text: String,
    pub(super) style: ScalarStyle,
    /// The lines of a block scalar (`|`, `>`): its header, then its text without indentation.
    pub(super) block: Vec<String>,
    span: Range<usize>,
}

impl Tree {
    /// All scalars and keys below, in the order of the source.
    pub(super) fn scalars(&self, found: &mut Vec<Range<usize>>) {
        match &self.body {
            Body::Scalar(scalar) => found.push(scalar.span.clone()),
            Body::List { entries, .. } | Body::Map { entries, .. } => {
                for entry in entries {
                    found.extend(entry.key.as_ref().map(|key| key.span.clone()));
                    entry.value.scalars(found);
                }
            }
        }
    }
}

enum Open {
    List(usize, Vec<Entry>),
    Map(usize, Vec<Entry>, Option<(usize, Scalar)>),
}

/// Reads a text that [`super::yaml`] has accepted.
pub(super) fn read(text: &str, source: &[char]) -> Option<Tree> {
    let (mut stack, mut root): (Vec<Open>, _) = (Vec::new(), None);
    let mut numbers = 0..;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.ok()?;
        let start = span.start.index();
        let tree = match event {
            Event::Scalar(text, style, ..) => scalar(&text, style, &span, source),
            Event::SequenceStart(..) => {
                stack.push(Open::List(start, Vec::new()));
                continue;
            }
            Event::MappingStart(..) => {
                stack.push(Open::Map(start, Vec::new(), None));
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let (start, list, entries) = match stack.pop()? {
                    Open::List(start, entries) => (start, true, entries),
                    Open::Map(start, entries, _) => (start, false, entries),
                };
                let opened = source.get(start).copied();
                let flow = opened == Some(if list { '[' } else { '{' });
                let body = if list { Body::List { flow, entries } } else { Body::Map { flow, entries } };
                let end = if flow { closed(start, &body, source) } else { span.end.index() };
                Tree { span: start..end, body }
            }
            _ => continue,
        };
        match stack.last_mut() {
            None => root = Some(tree),
            Some(Open::List(_, entries)) => {
                let start = dash(tree.span.start, source);
                entries.push(Entry { number: numbers.next()?, start, key: None, value: tree });
            }
            Some(Open::Map(_, entries, key)) => match key.take() {
                Some((number, scalar)) => {
                    let start = scalar.span.start;
                    entries.push(Entry { number, start, key: Some(scalar), value: tree });
                }
                None => match tree.body {
                    Body::Scalar(scalar) => *key = Some((numbers.next()?, scalar)),
                    _ => return None,
                },
            },
        }
    }
    root
}

/// The offset behind the closing bracket of a list or map; the parser's own end may lie further behind.
fn closed(start: usize, body: &Body, source: &[char]) -> usize {
    let last = match body {
        Body::List { entries, .. } | Body::Map { entries, .. } => entries.last(),
        Body::Scalar(_) => None,
    };
    let key = last.and_then(|entry| entry.key.as_ref()).map_or(start, |key| key.span.end);
    let value = last.map(|entry| &entry.value.span).filter(|span| !span.is_empty());
    let mut at = value.map_or(key, |span| span.end).max(start.saturating_add(1));
    let mut comment = false;
    while let Some(character) = source.get(at) {
        at = at.saturating_add(1);
        match character {
            '\n' => comment = false,
            '#' => comment = true,
            ']' | '}' if !comment => break,
            _ => {}
        }
    }
    at
}

/// The dash in front of an item of a list, if it is on the same line.
fn dash(start: usize, source: &[char]) -> usize {
    let before = source.get(..start).unwrap_or_default();
    let spaces = before.iter().rev().take_while(|c| **c == ' ').count();
    let at = start.saturating_sub(spaces).saturating_sub(1);
    if spaces > 0 && source.get(at) == Some(&'-') { at } else { start }
}

fn scalar(text: &str, style: ScalarStyle, span: &Span, source: &[char]) -> Tree {
    let (mut start, mut end) = (span.start.index(), span.end.index());
    let mut block = Vec::new();
    match style {
        ScalarStyle::Plain => {
            // The parser's end may lie behind the line of a plain scalar.
            let length = text.chars().count();
            let here = source.get(start..start.saturating_add(length)).unwrap_or_default();
            if here.iter().copied().eq(text.chars()) {
                end = start.saturating_add(length);
            }
        }
        ScalarStyle::SingleQuoted => end = start.saturating_add(single_quoted(start, source)),
        ScalarStyle::DoubleQuoted => end = start.saturating_add(double_quoted(start, source)),
        ScalarStyle::Literal | ScalarStyle::Folded => {
            start = header(start, source);
            let raw: String = source.get(start..end).unwrap_or_default().iter().collect();
            block = dedented(&raw);
        }
    }
    let span = start..end;
    Tree { span: span.clone(), body: Body::Scalar(Scalar { text: text.to_owned(), style, block, span }) }
}

/// The `|` or `>` of a block scalar; the parser may report the position of its first line instead.
fn header(start: usize, source: &[char]) -> usize {
    let is_mark = |c: &char| matches!(c, '|' | '>');
    if source.get(start).is_some_and(is_mark) {
        return start;
    }
    let before = source.get(..start).unwrap_or_default();
    let line_end = before.iter().rposition(|c| *c == '\n').unwrap_or(0);
    let line_start = before.get(..line_end).unwrap_or_default().iter().rposition(|c| *c == '\n').unwrap_or(0);
    let line = before.get(line_start..line_end).unwrap_or_default();
    line.iter().position(is_mark).map_or(start, |at| line_start.saturating_add(at))
}

fn single_quoted(start: usize, source: &[char]) -> usize {
    let inside = source.iter().skip(start).skip(1);
    let mut quotes = 0usize;
    let mut length = 1usize;
    for character in inside {
        if *character == '\'' {
            quotes = quotes.saturating_add(1);
        } else if !quotes.is_multiple_of(2) {
            break;
        }
        length = length.saturating_add(1);
    }
    length
}

fn double_quoted(start: usize, source: &[char]) -> usize {
    let mut escaped = false;
    let mut length = 1usize;
    for character in source.iter().skip(start).skip(1) {
        length = length.saturating_add(1);
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => break,
            _ => {}
        }
    }
    length
}

/// The header, and the lines below it without the indentation that they share.
fn dedented(raw: &str) -> Vec<String> {
    let mut lines = raw.lines();
    let mut out = vec![lines.next().unwrap_or_default().trim_end().to_owned()];
    let indent = |line: &str| line.chars().take_while(|c| *c == ' ').count();
    let rest: Vec<&str> = lines.collect();
    let shared =
        rest.iter().filter(|line| !line.trim().is_empty()).map(|line| indent(line)).min().unwrap_or(0);
    out.extend(rest.iter().map(|line| line.chars().skip(shared).collect()));
    while out.last().is_some_and(|line| line.trim().is_empty()) {
        out.pop();
    }
    out
}
