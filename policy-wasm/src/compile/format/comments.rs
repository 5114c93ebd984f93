//! Where comments are, and which entry each of them belongs to.

use super::tree::{Body, Entry, Tree};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// A comment.
pub(super) struct Comment {
    /// From its `#` to the end of the line.
    pub(super) text: String,
    offset: usize,
    column: usize,
    /// Whether its line has no other text.
    alone: bool,
    /// Whether the line before is blank.
    blank_before: bool,
}

/// Comments around the entries, by the numbers of the entries.
#[derive(Default)]
pub(super) struct Notes {
    /// Comments at the top of the file, before a blank line.
    pub(super) head: Vec<String>,
    /// Lines in front of an entry; empty ones are blank.
    pub(super) before: BTreeMap<usize, Vec<String>>,
    /// Behind an entry, on its line.
    pub(super) beside: BTreeMap<usize, String>,
    /// Lines behind an entry and all that it holds.
    pub(super) after: BTreeMap<usize, Vec<String>>,
    /// Entries with a blank line in front of them and their comments.
    pub(super) apart: BTreeSet<usize>,
    /// Maps and lists that must become blocks because they contain a comment, by their begin.
    pub(super) blocks: BTreeSet<usize>,
}

/// Finds all comments: a `#` outside of scalars.
///
/// # Errors
/// The line of a comment without a place.
pub(super) fn find(source: &[char], tree: &Tree) -> Result<Vec<Comment>, String> {
    let mut scalars = Vec::new();
    tree.scalars(&mut scalars);
    let mut comments = Vec::new();
    let (mut line_start, mut offset) = (0usize, 0usize);
    let (mut code, mut blank, mut blank_before) = (false, true, false);
    let mut scalars = scalars.into_iter().filter(|range| !range.is_empty()).peekable();
    while let Some(character) = source.get(offset) {
        if let Some(range) = scalars.next_if(|range| range.start <= offset) {
            let inside = source.get(range.clone()).unwrap_or_default();
            if let Some(last) = inside.iter().rposition(|c| *c == '\n') {
                let header: Vec<_> = inside.iter().take_while(|c| **c != '\n').collect();
                if matches!(header.first(), Some('|' | '>')) && header.contains(&&'#') {
                    return Err("a comment follows `|` or `>`; move it to the line above".to_owned());
                }
                line_start = range.start.saturating_add(last).saturating_add(1);
                blank_before = false;
            }
            // A block scalar ends with its line.
            code = inside.last() != Some(&'\n');
            blank = !code;
            offset = range.end.max(offset);
            if range.end == range.start {
                offset = offset.saturating_add(1);
            }
            continue;
        }
        match character {
            '\n' => {
                blank_before = blank;
                line_start = offset.saturating_add(1);
                (code, blank) = (false, true);
            }
            '#' => {
                let rest = source.get(offset..).unwrap_or_default();
                let text: String = rest.iter().take_while(|c| **c != '\n').collect();
                let length = text.chars().count();
                let column = offset.saturating_sub(line_start);
                let text = text.trim_end().to_owned();
                comments.push(Comment { text, offset, column, alone: !code, blank_before });
                blank = false;
                offset = offset.saturating_add(length);
                continue;
            }
            c if c.is_whitespace() => {}
            _ => (code, blank) = (true, false),
        }
        offset = offset.saturating_add(1);
    }
    Ok(comments)
}

/// An entry that a comment can belong to.
struct Anchor {
    number: usize,
    start: usize,
    column: usize,
    /// Index of the anchor of the comment.
    parent: Option<usize>,
}

/// Gives every comment to an entry.
pub(super) fn attach(comments: &[Comment], tree: &mut Tree, source: &[char]) -> Notes {
    let mut notes = Notes::default();
    let offsets: Vec<usize> = comments.iter().map(|comment| comment.offset).collect();
    let places = Lines::of(source);
    let mut anchors = Vec::new();
    anchor(tree, None, &offsets, &places, &mut anchors, &mut notes);
    let first = anchors.first().map_or(usize::MAX, |anchor| anchor.start);
    // The last of the comments at the top before a blank line.
    let top = comments.iter().filter(|comment| comment.offset < first).count();
    let parted = |index: usize| match comments.get(index) {
        Some(next) if index < top => next.blank_before,
        _ => places.is_blank_before(first),
    };
    let head = (1..=top).rev().find(|end| parted(*end)).unwrap_or(0);
    for (index, comment) in comments.iter().enumerate() {
        if index < head {
            push(&mut notes.head, comment);
            continue;
        }
        let next = anchors.partition_point(|anchor| anchor.start < comment.offset);
        let last = next.checked_sub(1);
        let fits = anchors.get(next).filter(|anchor| anchor.column >= comment.column);
        match (comment.alone, last.and_then(|last| anchors.get(last)), fits) {
            (true, _, Some(next)) => push(notes.before.entry(next.number).or_default(), comment),
            (false, Some(owner), _) if !notes.beside.contains_key(&owner.number) => {
                notes.beside.insert(owner.number, comment.text.clone());
            }
            (_, Some(mut owner), _) => {
                while owner.column > comment.column
                    && let Some(parent) = owner.parent.and_then(|parent| anchors.get(parent))
                {
                    owner = parent;
                }
                push(notes.after.entry(owner.number).or_default(), comment);
            }
            (..) => push(&mut notes.head, comment),
        }
    }
    for anchor in &anchors {
        let lines = notes.before.get_mut(&anchor.number);
        let apart = match lines {
            // The blank line in front of the first comment is that of the entry.
            Some(lines) => {
                let blank = lines.first().is_some_and(String::is_empty);
                if blank {
                    lines.remove(0);
                }
                if places.is_blank_before(anchor.start) {
                    lines.push(String::new());
                }
                blank
            }
            None => places.is_blank_before(anchor.start),
        };
        if apart {
            notes.apart.insert(anchor.number);
        }
    }
    notes
}

fn push(lines: &mut Vec<String>, comment: &Comment) {
    if comment.blank_before {
        lines.push(String::new());
    }
    lines.push(comment.text.clone());
}

/// The lines of a text, looked through once: one line may hold all entries.
struct Lines {
    lines: Vec<Line>,
}

struct Line {
    start: usize,
    /// The first byte that is neither white space nor a dash; the end of the line if there is none.
    code: usize,
    blank: bool,
}

impl Lines {
    fn of(source: &[char]) -> Lines {
        let (mut lines, mut start) = (Vec::new(), 0usize);
        for line in source.split(|c| *c == '\n') {
            let code = line.iter().position(|c| !c.is_whitespace() && *c != '-').unwrap_or(line.len());
            let blank = line.iter().all(|c| c.is_whitespace());
            lines.push(Line { start, code: start.saturating_add(code), blank });
            start = start.saturating_add(line.len()).saturating_add(1);
        }
        Lines { lines }
    }

    /// The line of a character, and the one above.
    fn at(&self, offset: usize) -> (Option<&Line>, Option<&Line>) {
        let next = self.lines.partition_point(|line| line.start <= offset);
        let at = |back: usize| next.checked_sub(back).and_then(|index| self.lines.get(index));
        (at(1), at(2))
    }

    fn column(&self, offset: usize) -> usize {
        offset.saturating_sub(self.at(offset).0.map_or(0, |line| line.start))
    }

    /// Whether the line above that of a character is blank, and the character the first of its line.
    fn is_blank_before(&self, offset: usize) -> bool {
        let (own, above) = self.at(offset);
        own.is_some_and(|line| offset <= line.code) && above.is_some_and(|line| line.blank)
    }
}

fn anchor(
    tree: &Tree,
    parent: Option<usize>,
    comments: &[usize],
    lines: &Lines,
    anchors: &mut Vec<Anchor>,
    notes: &mut Notes,
) {
    let (flow, entries): (bool, &[Entry]) = match &tree.body {
        Body::Scalar(_) => return,
        Body::List { flow, entries } | Body::Map { flow, entries } => (*flow, entries),
    };
    if flow {
        if !holds(&tree.span, comments) || entries.is_empty() {
            return;
        }
        notes.blocks.insert(tree.span.start);
    }
    for entry in entries {
        let column = lines.column(entry.start);
        let index = anchors.len();
        anchors.push(Anchor { number: entry.number, start: entry.start, column, parent });
        anchor(&entry.value, Some(index), comments, lines, anchors, notes);
    }
}

fn holds(span: &Range<usize>, comments: &[usize]) -> bool {
    let from = comments.partition_point(|offset| *offset < span.start);
    comments.get(from).is_some_and(|offset| *offset < span.end)
}
