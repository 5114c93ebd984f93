//! Where the values of a YAML text end: for problems, which know where something begins.

use crate::source::{Lines, Position, Problem, Problems};
use saphyr_parser::{Event, Parser, Span};

/// Gives the problems of a YAML file their excerpts. The text is read again, which only files that are wrong cost.
pub fn quote(problems: &Problems, file: &str, text: &str) {
    if problems.unquoted().contains(file) {
        let ends = ends(text);
        problems.quote(file, text, |begin| end_of(&ends, begin));
    }
}

/// A YAML text that excerpts are taken from, one by one.
pub struct Quotes<'t> {
    lines: Lines<'t>,
    ends: Vec<(Position, Position)>,
}

impl<'t> Quotes<'t> {
    /// Reads the text again.
    pub fn of(text: &'t str) -> Quotes<'t> {
        Quotes { lines: Lines::new(text), ends: ends(text) }
    }

    /// Gives a problem of this text its excerpt. Problems in the order of their positions cost one walk together.
    pub fn quote(&self, problem: &mut Problem) {
        problem.quote(&self.lines, |begin| end_of(&self.ends, begin));
    }
}

fn end_of(ends: &[(Position, Position)], begin: Position) -> Option<Position> {
    let index = ends.binary_search_by_key(&begin, |(begin, _)| *begin).ok()?;
    ends.get(index).map(|(_, end)| *end)
}

/// Begin and end of every scalar, and of every map and list in brackets, in order.
fn ends(text: &str) -> Vec<(Position, Position)> {
    let (lines, mut found, mut open) = (Lines::new(text), Vec::new(), Vec::new());
    // Unreadable text ends the list; the last problem is there.
    for (event, span) in Parser::new_from_str(text).map_while(Result::ok) {
        let begin = super::yaml::position(&span.start);
        match event {
            Event::Scalar(..) => found.push((begin, end(&lines, begin, &span))),
            Event::SequenceStart(..) | Event::MappingStart(..) => {
                // The check is here because the text is read in order here.
                open.push((begin, lines.from(begin).is_some_and(|text| text.starts_with(['[', '{']))));
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some((begin, in_brackets)) = open.pop() else { continue };
                if in_brackets {
                    found.push((begin, super::yaml::position(&span.end)));
                }
            }
            _ => {}
        }
    }
    found.sort_unstable();
    found
}

/// The end of a scalar. The parser counts the white space behind one that is not in quotes.
fn end(lines: &Lines<'_>, begin: Position, span: &Span) -> Position {
    let end = super::yaml::position(&span.end);
    if end.line != begin.line {
        return end;
    }
    let length = end.column.saturating_sub(begin.column) as usize;
    let text: String = lines.from(begin).unwrap_or_default().chars().take(length).collect();
    let length = text.trim_end().chars().count();
    Position { column: begin.column.saturating_add(u32::try_from(length).unwrap_or(u32::MAX)), ..begin }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text that `ends` marks, line by line.
    fn marked(text: &str) -> Vec<String> {
        let lines = Lines::new(text);
        let part = |(begin, end): (Position, Position)| {
            let line = lines.line(begin.line).unwrap();
            let rest = line.chars().skip((begin.column as usize).saturating_sub(1));
            if end.line == begin.line {
                rest.take(end.column.saturating_sub(begin.column) as usize).collect()
            } else {
                rest.collect::<String>() + "↵"
            }
        };
        ends(text).into_iter().map(part).collect()
    }

    #[test]
    fn every_form_of_a_value_ends_where_it_ends() {
        assert_eq!(
            marked("a: b c  # d\n'e': \"f g\" \n- h\n"),
            ["a", "b c", "'e'", "\"f g\""],
            "up to the text that is not YAML"
        );
        assert_eq!(
            marked("a: {b: [c, d ], e: f}\n"),
            ["a", "{b: [c, d ], e: f}", "b", "[c, d ]", "c", "d", "e", "f"]
        );
        assert_eq!(marked("a: b\n  c\nd: |\n  e\n"), ["a", "b↵", "d", "e↵"]);
        assert_eq!(marked("é: ü\n"), ["é", "ü"]);
    }
}
