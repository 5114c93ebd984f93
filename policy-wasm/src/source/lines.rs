//! The lines of a text, found when they are first asked for.

use super::Position;
use std::cell::OnceCell;

/// A text and where its lines begin. A line ends at a line feed, a carriage return, or both.
pub struct Lines<'t> {
    text: &'t str,
    starts: OnceCell<Vec<usize>>,
}

impl<'t> Lines<'t> {
    /// The lines of `text`.
    pub fn new(text: &'t str) -> Lines<'t> {
        Lines { text, starts: OnceCell::new() }
    }

    fn starts(&self) -> &[usize] {
        self.starts.get_or_init(|| {
            let bytes = self.text.as_bytes();
            let mut starts = vec![0];
            for (at, byte) in bytes.iter().enumerate() {
                let next = at.saturating_add(1);
                if *byte == b'\n' || (*byte == b'\r' && bytes.get(next) != Some(&b'\n')) {
                    starts.push(next);
                }
            }
            starts
        })
    }

    /// A line by its number, from 1, without its end.
    pub fn line(&self, number: u32) -> Option<&'t str> {
        let index = (number as usize).checked_sub(1)?;
        let start = *self.starts().get(index)?;
        let end = self.starts().get(index.saturating_add(1)).copied().unwrap_or(self.text.len());
        Some(self.text.get(start..end)?.trim_end_matches(['\n', '\r']))
    }

    /// The text from a position on.
    pub fn from(&self, position: Position) -> Option<&'t str> {
        let index = (position.line as usize).checked_sub(1)?;
        let line = self.text.get(*self.starts().get(index)?..)?;
        let characters = (position.column as usize).checked_sub(1)?;
        let skipped = line.chars().take(characters).map(char::len_utf8).sum();
        line.get(skipped..)
    }

    /// The position of what is left of the text after a place, such as a tail of [`Lines::from`].
    pub fn position_of(&self, tail: &str) -> Position {
        let offset = self.text.len().saturating_sub(tail.len());
        let line = self.starts().partition_point(|start| *start <= offset);
        let start = line.checked_sub(1).and_then(|index| self.starts().get(index)).copied().unwrap_or(0);
        let column = self.text.get(start..offset).unwrap_or_default().chars().count().saturating_add(1);
        let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        Position { line: number(line), column: number(column) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_as_files_of_all_systems_do() {
        let lines = Lines::new("a\nbé\r\n\rc");
        let found: Vec<_> = (0..=5).map(|number| lines.line(number)).collect();
        assert_eq!(found, [None, Some("a"), Some("bé"), Some(""), Some("c"), None]);
    }

    #[test]
    fn positions_lead_to_the_text_and_back() {
        let lines = Lines::new("a\nbéc\n");
        let position = Position { line: 2, column: 3 };
        let rest = lines.from(position).unwrap();
        assert_eq!(rest, "c\n");
        assert_eq!(lines.position_of(rest), position);
        assert_eq!(lines.position_of(""), Position { line: 3, column: 1 });
        assert_eq!(lines.from(Position { line: 9, column: 1 }), None);
    }
}
