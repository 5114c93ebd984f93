//! Problems with a file: collected while reading, and reported together.

use super::excerpt::{Excerpt, harmless};
use super::{Lines, Paint, Position};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::fmt;

/// One thing that is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file, as the caller named it.
    pub file: String,
    /// Where in it.
    pub position: Position,
    /// Path of the node as a JSON pointer (RFC 6901), such as `/servers/github/tools/merge/tier`; empty for the whole
    /// file.
    pub path: String,
    /// The mistake and the expected value: lower case, one line, no full stop.
    pub message: String,
    /// The likely correction: "did you mean `issuers`?".
    pub suggestion: Option<String>,
    /// The end of the mistake, exclusively; [`Problem::position`] if unknown.
    pub end: Position,
    /// The line of the text, if the text was available: see [`Problems::quote`].
    pub excerpt: Option<Box<Excerpt>>,
}

impl Problem {
    /// A problem at a place with an unknown end.
    pub fn new(
        file: &str,
        position: Position,
        path: String,
        message: String,
        suggestion: Option<String>,
    ) -> Problem {
        Problem { file: file.to_owned(), position, path, message, suggestion, end: position, excerpt: None }
    }

    /// The same problem with its texts on one line of bounded length, whatever the file contains.
    #[must_use]
    pub fn bounded(mut self) -> Problem {
        for text in [&mut self.path, &mut self.message].into_iter().chain(&mut self.suggestion) {
            *text = clipped(text, MAX_TEXT);
        }
        self
    }

    /// Adds an excerpt, unless the problem has one. `ends` finds the end of a value from its begin; without one, the
    /// word at the begin is marked.
    pub fn quote(&mut self, lines: &Lines<'_>, ends: impl Fn(Position) -> Option<Position>) {
        if self.excerpt.is_some() {
            return;
        }
        let end = if self.end == self.position { ends(self.position) } else { Some(self.end) };
        if let Some((excerpt, end)) = Excerpt::of(lines, self.position, end) {
            self.end = end;
            self.excerpt = Some(Box::new(excerpt));
        }
    }

    /// The message, the line of the file with the mistake marked, and the correction. The text has complete lines, and
    /// no control characters but those of colours.
    pub fn render(&self, paint: Paint) -> String {
        let Some(excerpt) = &self.excerpt else { return format!("{self}\n") };
        let Position { line, column } = self.position;
        let place = paint.title(&format!("{}:{line}:{column}:", harmless(&self.file)));
        let path = if self.path.is_empty() { String::new() } else { format!("{}: ", self.path) };
        let hint =
            self.suggestion.as_deref().map_or_else(String::new, |text| paint.good(&format!(" {text}")));
        let [quoted, marked] = excerpt.lines(line, paint);
        format!("{place} {}{}\n{quoted}\n{marked}{hint}\n", paint.faint(&path), paint.bad(&self.message))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: ", harmless(&self.file), self.position.line, self.position.column)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        match &self.suggestion {
            Some(suggestion) => write!(f, "; {suggestion}"),
            None => Ok(()),
        }
    }
}

/// Everything that is wrong, in order of file and position.
///
/// Readers of nested values add problems through a shared reference to one list.
#[derive(Default)]
pub struct Problems {
    list: Cell<Vec<Problem>>,
    more: Cell<bool>,
}

/// Most problems that are kept; the others appear once these are corrected.
pub const MAX_PROBLEMS: usize = 1000;

impl Problems {
    /// No problem yet.
    pub fn new() -> Problems {
        Problems::default()
    }

    /// Adds a problem. Its texts are put on one line of bounded length, whatever the file contains.
    pub fn push(&self, problem: Problem) {
        let problem = problem.bounded();
        let mut list = self.list.take();
        // In order from the start: an insertion is far less code in the filter than a sort.
        if let Err(place) = list.binary_search(&problem) {
            if list.len() < MAX_PROBLEMS {
                list.insert(place, problem);
            } else {
                self.more.set(true);
            }
        }
        self.list.set(list);
    }

    /// Whether the list is full. A search for problems then notes that there are more, and ends.
    pub fn is_full(&self) -> bool {
        let full = self.len() >= MAX_PROBLEMS;
        self.more.set(self.more.get() || full);
        full
    }

    /// Whether the list is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        let list = self.list.take();
        let length = list.len();
        self.list.set(list);
        length
    }

    /// All of them, in order of file, position, path and message; the same problem twice counts once.
    pub fn to_vec(&self) -> Vec<Problem> {
        let list = self.list.take();
        let copy = list.clone();
        self.list.set(list);
        copy
    }

    /// Gives the problems of a file their excerpts, as [`Problem::quote`].
    pub fn quote(&self, file: &str, text: &str, ends: impl Fn(Position) -> Option<Position>) {
        let lines = Lines::new(text);
        let mut list = self.list.take();
        list.iter_mut()
            .filter(|problem| problem.file == file)
            .for_each(|problem| problem.quote(&lines, &ends));
        self.list.set(list);
    }

    /// The files with problems that have no excerpt yet.
    pub fn unquoted(&self) -> BTreeSet<String> {
        let list = self.list.take();
        let files =
            list.iter().filter(|problem| problem.excerpt.is_none()).map(|problem| problem.file.clone());
        let files = files.collect();
        self.list.set(list);
        files
    }

    /// All problems, each as [`Problem::render`].
    pub fn render(&self, paint: Paint) -> String {
        let mut out: String = self.to_vec().iter().map(|problem| problem.render(paint)).collect();
        if self.more.get() {
            out.push_str(&format!("showing the first {MAX_PROBLEMS} problems\n"));
        }
        out
    }
}

/// One problem a line, in order.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_vec().iter().try_for_each(|problem| writeln!(f, "{problem}"))?;
        if self.more.get() { writeln!(f, "showing the first {MAX_PROBLEMS} problems") } else { Ok(()) }
    }
}

impl fmt::Debug for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.to_vec()).finish()
    }
}

impl std::error::Error for Problems {}

/// Longest name that is compared or repeated in a message, in characters.
const MAX_SHOWN: usize = 64;

/// Most candidates that a wrong name is compared with.
const MAX_CANDIDATES: usize = 256;

/// Longest text of a problem, in characters.
const MAX_TEXT: usize = 1000;

/// A name or value for a message: one line, without control characters, at most 64 characters.
pub(super) fn shown(text: &str) -> String {
    clipped(text, MAX_SHOWN)
}

fn clipped(text: &str, most: usize) -> String {
    let mut out = String::new();
    for (count, character) in text.chars().enumerate() {
        if count >= most {
            out.push('…');
            break;
        }
        out.push(character);
    }
    harmless(&out)
}

/// `` `a`, `b` `` for a message.
pub(super) fn listed<'t>(names: impl IntoIterator<Item = &'t str>) -> String {
    let mut out = String::new();
    for name in names {
        out.push_str(if out.is_empty() { "`" } else { ", `" });
        out.push_str(&shown(name));
        out.push('`');
    }
    out
}

/// "did you mean `…`?" with the candidate that differs least from `found`, if one is near enough: one typing mistake
/// in a short name, a third of the letters in a longer one. Case does not count.
pub fn suggest<'c>(found: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<String> {
    let budget = (found.chars().count() / 3).max(1);
    let mut best: Option<(usize, &str)> = None;
    let length = found.chars().count();
    // Every candidate may be one that the author of the text wrote.
    let near = |candidate: &&str| {
        candidate.chars().take(length.saturating_add(budget).saturating_add(1)).count().abs_diff(length)
            <= budget
    };
    for candidate in candidates.into_iter().take(MAX_CANDIDATES).filter(near) {
        let distance = distance(found, candidate);
        if distance <= budget && best.is_none_or(|(least, name)| (distance, candidate) < (least, name)) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, name)| format!("did you mean `{}`?", shown(name)))
}

/// Edits (insert, delete, replace, swap of neighbours) between two names, ASCII case apart.
fn distance(left: &str, right: &str) -> usize {
    let fold = |text: &str| -> Vec<char> {
        text.chars().take(MAX_SHOWN.saturating_add(1)).map(|c| c.to_ascii_lowercase()).collect()
    };
    let (left, right) = (fold(left), fold(right));
    if left.len() > MAX_SHOWN || right.len() > MAX_SHOWN {
        return usize::MAX;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    let mut last_left = None;
    for (i, &a) in left.iter().enumerate() {
        let mut row = vec![i.saturating_add(1)];
        let mut last_right = None;
        for (j, &b) in right.iter().enumerate() {
            let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX);
            let mut least = at(&above, j).saturating_add(usize::from(a != b));
            least = least.min(at(&above, j.saturating_add(1)).saturating_add(1));
            least = least.min(at(&row, j).saturating_add(1));
            if last_left == Some(b) && last_right == Some(a) {
                least = least.min(at(&before, j.saturating_sub(1)).saturating_add(1));
            }
            row.push(least);
            last_right = Some(b);
        }
        last_left = Some(a);
        before = std::mem::replace(&mut above, row);
    }
    above.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(line: u32, message: &str) -> Problem {
        Problem::new("a.yaml", Position { line, column: 2 }, String::new(), message.to_owned(), None)
    }

    #[test]
    fn problems_are_sorted_and_reported_once() {
        let problems = Problems::new();
        problems.push(problem(7, "second"));
        problems.push(problem(3, "first"));
        problems.push(problem(7, "second"));
        assert_eq!(problems.to_string(), "a.yaml:3:2: first\na.yaml:7:2: second\n");
    }

    #[test]
    fn a_suggestion_is_the_nearest_name_within_reach() {
        let names = ["read", "write", "destructive"];
        assert_eq!(suggest("wrte", names).as_deref(), Some("did you mean `write`?"));
        assert_eq!(suggest("raed", names).as_deref(), Some("did you mean `read`?"));
        assert_eq!(suggest("Destrutcive", names).as_deref(), Some("did you mean `destructive`?"));
        assert_eq!(suggest("admin", names), None);
    }

    #[test]
    fn swaps_count_as_one_edit() {
        assert_eq!(distance("ab", "ba"), 1);
        assert_eq!(distance("abc", "abc"), 0);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn the_number_of_problems_is_bounded() {
        let problems = Problems::new();
        (0..2000).for_each(|line| problems.push(problem(line, "wrong")));
        assert_eq!(problems.len(), MAX_PROBLEMS);
        assert!(problems.to_string().ends_with("\nshowing the first 1000 problems\n"));
    }

    #[test]
    fn a_problem_is_one_line() {
        let problems = Problems::new();
        problems.push(problem(1, &format!("found `a\nb.yaml:1:1: forged{}`", "x".repeat(5000))));
        assert_eq!(problems.to_string().lines().count(), 1);
        assert!(problems.to_string().len() < 1100);
    }

    #[test]
    fn found_text_stays_on_one_short_line() {
        assert_eq!(shown("a\nb"), "a?b");
        assert_eq!(shown(&"x".repeat(100)).chars().count(), 65);
    }
}
