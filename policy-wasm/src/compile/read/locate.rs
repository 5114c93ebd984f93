//! Finds the place of a part of a string in the file: in quotes, folded over lines, or in a block.

use crate::source::{Lines, Position};
use std::ops::Range;

/// How the string is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    /// A string without quotes, or in a block: literal text with breaks and indentation.
    Plain,
    Single,
    Double,
}

/// The begin and exclusive end of the bytes `range` of `value` in the file. Apart from white space, the file has the
/// characters of the value in order. The search walks through both and ignores white space, and so need not know how
/// YAML folds lines.
///
/// `None` if the text at `begin` is not that of the value.
pub(super) fn part(
    lines: &Lines<'_>,
    begin: Position,
    value: &str,
    range: Range<usize>,
) -> Option<(Position, Position)> {
    let text = lines.from(begin)?;
    let quoted = match text.as_bytes().first()? {
        b'\'' => Some(Style::Single),
        b'"' => Some(Style::Double),
        _ => None,
    };
    // A block begins with its text, which can begin with a quote.
    let (from, to) = quoted
        .and_then(|style| walk(style, text.get(1..)?, value, &range))
        .or_else(|| walk(Style::Plain, text, value, &range))?;
    Some((lines.position_of(from), lines.position_of(to)))
}

/// The text of the file from the begin of `range`, and the text behind it.
fn walk<'t>(style: Style, text: &'t str, value: &str, range: &Range<usize>) -> Option<(&'t str, &'t str)> {
    let mut rest = text;
    let (mut from, mut to) = (None, rest);
    for (at, wanted) in value.char_indices().filter(|(_, c)| !c.is_whitespace()) {
        let (start, after) = loop {
            let (found, after) = next(style, rest)?;
            if !found.is_whitespace() {
                (found == wanted).then_some(())?;
                break (rest, after);
            }
            rest = after;
        };
        rest = after;
        if at >= range.end && from.is_some() {
            break;
        }
        if at >= range.start && from.is_none() {
            from = Some(start);
        }
        to = after;
    }
    let from = from.unwrap_or(to);
    // A missing character is marked at its expected place.
    let to = if range.is_empty() { from.get(from.chars().next().map_or(0, char::len_utf8)..)? } else { to };
    Some((from, to))
}

/// The next character of the value, and the rest of the text.
fn next(style: Style, text: &str) -> Option<(char, &str)> {
    let mut rest = text.chars();
    let first = rest.next()?;
    match (style, first) {
        (Style::Single, '\'') => text.strip_prefix("''").map(|rest| ('\'', rest)),
        (Style::Double, '"') => None,
        (Style::Double, '\\') => {
            let digits = match rest.next()? {
                escaped @ ('"' | '\\' | '/') => return Some((escaped, rest.as_str())),
                // White space, and line breaks that do not count.
                't' | '\t' | 'n' | 'r' | ' ' | '_' | 'N' | 'L' | 'P' | '\n' | '\r' => {
                    return Some((' ', rest.as_str()));
                }
                'x' => 2,
                'u' => 4,
                'U' => 8,
                _ => return None,
            };
            let number = rest.as_str().get(..digits)?;
            let character = u32::from_str_radix(number, 16).ok().and_then(char::from_u32)?;
            Some((character, rest.as_str().get(digits..)?))
        }
        _ => Some((first, rest.as_str())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Problems, Value};

    /// The line, column and text of the mark for `wanted` in the value of `when`.
    fn found(text: &str, wanted: &str) -> (u32, u32, String) {
        let problems = Problems::new();
        let node = crate::compile::read_yaml("p", text, &problems).unwrap();
        let Value::Map(entries) = &node.value else { panic!() };
        let Value::String(value) = &entries[0].value.value else { panic!() };
        let at = value.find(wanted).unwrap();
        let lines = Lines::new(text);
        let (begin, end) =
            part(&lines, entries[0].value.position, value, at..at.saturating_add(wanted.len())).unwrap();
        let line: String =
            lines.line(begin.line).unwrap().chars().skip((begin.column as usize).saturating_sub(1)).collect();
        let length = if end.line == begin.line { end.column.saturating_sub(begin.column) } else { 99 };
        (begin.line, begin.column, line.chars().take(length as usize).collect())
    }

    #[test]
    fn a_part_is_found_however_the_string_is_written() {
        for (text, wanted, expected) in [
            ("when: a == \"é\" && bad # c\n", "bad", (1, 19, "bad")),
            ("when: 'a == ''x'' && bad'\n", "bad", (1, 22, "bad")),
            ("when: 'a == ''x'' && bad'\n", "'x'", (1, 13, "''x''")),
            ("when: \"a == \\\"x\\\" && b\\u0061d\"\n", "bad", (1, 22, "b\\u0061d")),
            ("when: a ==\n  b &&\n\n  bad\n", "bad", (4, 3, "bad")),
            ("when: >-\n  a == b &&\n  bad || c\n", "bad", (3, 3, "bad")),
            ("when: | # why\n\n    a == b &&\n      bad\n    || c\n", "bad", (4, 7, "bad")),
            ("when: |-\n  'x' == b && bad\n", "bad", (2, 15, "bad")),
            ("when: \"a == b\\\n  && bad\"\n", "bad", (2, 6, "bad")),
        ] {
            let (line, column, part) = found(text, wanted);
            assert_eq!((line, column, part.as_str()), expected, "{text}");
        }
    }

    #[test]
    fn the_end_of_a_condition_is_behind_its_last_character() {
        let lines = Lines::new("when: a ==  # c\n");
        let begin = Position { line: 1, column: 7 };
        let at = |column| Position { line: 1, column };
        assert_eq!(part(&lines, begin, "a ==", 4..4), Some((at(11), at(12))));
        assert_eq!(part(&lines, begin, "another text", 0..3), None);
    }
}
