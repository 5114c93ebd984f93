//! The line that a problem is in, as a terminal can show it: cut around the place, tabs spread, nothing that controls
//! the terminal or turns the direction of the text.

use super::{Lines, Paint, Position};

/// Widest excerpt, in columns.
const MAX_WIDTH: usize = 120;
/// Characters that are shown before the mark of a shortened line.
const BEFORE: usize = 60;
/// Characters of a line that are looked at behind the place.
const MAX_LOOKED_AT: usize = 1000;
/// Columns of a tab.
const TAB: &str = "    ";

/// A line of a text with a part of it marked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Excerpt {
    /// The line, as displayed.
    text: String,
    /// Columns before the mark.
    before: usize,
    /// Columns of the mark, at least one.
    width: usize,
}

impl Excerpt {
    /// The line at `begin` with a mark from there to `end` or to the end of the line, and the end of the mark. Without
    /// a known end, the mark covers the word at `begin`.
    pub(super) fn of(
        lines: &Lines<'_>,
        begin: Position,
        end: Option<Position>,
    ) -> Option<(Excerpt, Position)> {
        let (before, rest) = lines.around(begin)?;
        if before.is_empty() && rest.is_empty() {
            return None;
        }
        let rest = rest.chars().take(MAX_LOOKED_AT);
        let length = match end {
            Some(end) if end.line == begin.line => {
                rest.clone().take(end.column.saturating_sub(begin.column) as usize).count()
            }
            Some(_) => rest.clone().collect::<String>().trim_end().chars().count(),
            None => rest.clone().take(word(rest.clone())).count(),
        };
        // Distant characters in front are cut off without a pass over them.
        let most = BEFORE.saturating_add(BEFORE / 2);
        let shown: Vec<char> = before.chars().rev().take(most.saturating_add(1)).collect();
        let is_cut = shown.len() > most;
        let shown = shown.get(..if is_cut { BEFORE } else { shown.len() }).unwrap_or_default();
        let mut text = String::from(if is_cut { "…" } else { "" });
        let mut columns = usize::from(is_cut);
        for character in shown.iter().rev() {
            columns = columns.saturating_add(push(&mut text, *character));
        }
        let (before, mut marked) = (columns, 0_usize);
        for (at, character) in rest.enumerate() {
            if columns >= MAX_WIDTH {
                text.push('…');
                break;
            }
            let wide = push(&mut text, character);
            columns = columns.saturating_add(wide);
            if at < length {
                marked = marked.saturating_add(wide);
            }
        }
        let text = text.trim_end().to_owned();
        let column = begin.column.saturating_add(u32::try_from(length).unwrap_or(u32::MAX));
        let excerpt = Excerpt { text, before, width: marked.max(1) };
        Some((excerpt, Position { line: begin.line, column }))
    }

    /// The line with its number, and the mark below it.
    pub fn lines(&self, number: u32, paint: Paint) -> [String; 2] {
        let number = number.to_string();
        let gutter = paint.faint(&format!(" {number} |"));
        let below = paint.faint(&format!(" {} |", " ".repeat(number.len())));
        let mark = paint.bad(&"^".repeat(self.width));
        [format!("{gutter} {}", self.text), format!("{below} {}{mark}", " ".repeat(self.before))]
    }
}

/// The length in characters of the word that begins here: a quoted string, or the text up to a bracket, comma or space.
fn word(mut rest: impl Iterator<Item = char>) -> usize {
    let Some(first) = rest.next() else { return 0 };
    let mut escaped = false;
    let length = match first {
        '"' | '\'' => rest
            .position(|c| {
                let ends = c == first && !escaped;
                escaped = c == '\\' && !escaped;
                ends
            })
            .map_or(0, |index| index.saturating_add(1)),
        '[' | '{' => 0,
        _ => rest.take_while(|c| !matches!(c, ',' | ':' | '[' | ']' | '{' | '}' | ' ' | '\t')).count(),
    };
    length.saturating_add(1)
}

/// Adds a character in its displayed form, and returns its columns.
fn push(text: &mut String, character: char) -> usize {
    match character {
        '\t' => {
            text.push_str(TAB);
            TAB.len()
        }
        other if is_harmful(other) => {
            text.push('\u{fffd}');
            1
        }
        other => {
            text.push(other);
            columns(other)
        }
    }
}

/// Columns of a character, as terminals take them: none for marks that combine, two for the wide ones of East Asia and
/// pictures (Unicode Standard Annex 11, by block).
fn columns(character: char) -> usize {
    match u32::from(character) {
        0x300..=0x36f | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f
        | 0x2e80..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0x1f300..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

/// Controls, invisible characters, and characters that change the direction of text (Unicode Standard Annex 9).
fn is_harmful(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{2800}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// A text with every harmful character replaced.
pub(crate) fn harmless(text: &str) -> String {
    text.chars().map(|c| if is_harmful(c) { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, column: u32, end: Option<u32>) -> String {
        let at = |column| Position { line: 1, column };
        let (excerpt, _) = Excerpt::of(&Lines::new(text), at(column), end.map(at)).unwrap();
        excerpt.lines(1, Paint::Plain).join("\n")
    }

    #[test]
    fn the_part_that_is_wrong_is_marked() {
        assert_eq!(shown("tier: raed", 7, Some(11)), " 1 | tier: raed\n   |       ^^^^");
        assert_eq!(shown("tier: raed # no", 7, None), " 1 | tier: raed # no\n   |       ^^^^");
        assert_eq!(shown("{\"a\\\"b\": 1}", 2, None), " 1 | {\"a\\\"b\": 1}\n   |  ^^^^^^");
        assert_eq!(shown("tier:", 6, Some(6)), " 1 | tier:\n   |      ^", "behind the end of the line");
        assert_eq!(shown("tier: x", 7, Some(99)), " 1 | tier: x\n   |       ^");
    }

    #[test]
    fn tabs_and_wide_characters_keep_the_mark_in_its_place() {
        assert_eq!(shown("\ta:\tx", 5, Some(6)), " 1 |     a:    x\n   |           ^");
        assert_eq!(shown("組: x", 4, Some(5)), " 1 | 組: x\n   |     ^");
    }

    #[test]
    fn nothing_controls_the_terminal() {
        let text = shown("a: \u{1b}[2J\u{202e}x\u{9b}", 4, Some(10));
        assert_eq!(text, " 1 | a: \u{fffd}[2J\u{fffd}x\u{fffd}\n   |    ^^^^^^");
        assert_eq!(harmless("a\u{1b}b\u{200b}\n"), "a?b??");
    }

    #[test]
    fn long_lines_are_cut_around_the_mark() {
        let text = format!("{}bad{}", "x".repeat(5000), "y".repeat(5000));
        let told = shown(&text, 5001, Some(5004));
        let lines: Vec<&str> = told.lines().collect();
        assert!(lines[0].chars().count() <= MAX_WIDTH + 10, "{told}");
        assert_eq!(lines[1].find('^').unwrap(), lines[0].replace('…', ".").find("bad").unwrap());
        assert!(lines[0].contains("| …x") && lines[0].ends_with("y…"), "{told}");
        let all = shown(&text, 1, Some(10_000));
        assert!(all.lines().all(|line| line.chars().count() <= MAX_WIDTH + 10), "{all}");
    }
}
