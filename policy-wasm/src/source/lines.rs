//! The lines of a text, found on the first request.

use super::Position;
use std::cell::{Cell, OnceCell};

/// A text and the begins of its lines. A line ends at a line feed, a carriage return, or both.
///
/// Most places are requested in the order of the text. The last one is kept, so that a long line is walked once for all
/// of its places.
pub struct Lines<'t> {
    text: &'t str,
    starts: OnceCell<Vec<usize>>,
    last: Cell<Place>,
    walked: Cell<u64>,
}

/// A place of a line: its index, characters and bytes before the place.
#[derive(Clone, Copy, Default)]
struct Place {
    line: usize,
    characters: usize,
    bytes: usize,
}

impl<'t> Lines<'t> {
    /// The lines of `text`.
    pub fn new(text: &'t str) -> Lines<'t> {
        Lines { text, starts: OnceCell::new(), last: Cell::default(), walked: Cell::new(0) }
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

    /// The number of characters walked so far, for all places.
    pub fn walked(&self) -> u64 {
        self.walked.get()
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
        let line = (position.line as usize).checked_sub(1)?;
        let start = *self.starts().get(line)?;
        let characters = (position.column as usize).checked_sub(1)?;
        let from = self.known(line, |known| known.characters <= characters);
        let rest = self.text.get(start.saturating_add(from.bytes)..)?;
        let (mut walked, mut bytes) = (0_usize, from.bytes);
        for character in rest.chars().take(characters.saturating_sub(from.characters)) {
            walked = walked.saturating_add(1);
            bytes = bytes.saturating_add(character.len_utf8());
        }
        self.keep(Place { line, characters: from.characters.saturating_add(walked), bytes }, walked);
        self.text.get(start.saturating_add(bytes)..)
    }

    /// A line before and behind a position, which both are empty behind its end; without the line's end.
    pub fn around(&self, position: Position) -> Option<(&'t str, &'t str)> {
        let line = self.line(position.line)?;
        let start = *self.starts().get((position.line as usize).checked_sub(1)?)?;
        let rest = self.from(position)?;
        let place = self.text.len().saturating_sub(rest.len()).saturating_sub(start).min(line.len());
        line.split_at_checked(place)
    }

    /// The position of a rest of the text, such as a tail of [`Lines::from`].
    pub fn position_of(&self, tail: &str) -> Position {
        let offset = self.text.len().saturating_sub(tail.len());
        let line = self.starts().partition_point(|start| *start <= offset).saturating_sub(1);
        let start = self.starts().get(line).copied().unwrap_or(0);
        let bytes = offset.saturating_sub(start);
        let from = self.known(line, |known| known.bytes <= bytes);
        let walked =
            self.text.get(start.saturating_add(from.bytes)..offset).unwrap_or_default().chars().count();
        let characters = from.characters.saturating_add(walked);
        self.keep(Place { line, characters, bytes }, walked);
        let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        Position { line: number(line.saturating_add(1)), column: number(characters.saturating_add(1)) }
    }

    /// The last place, if it is earlier in this line; else the begin of the line.
    fn known(&self, line: usize, reaches: impl Fn(&Place) -> bool) -> Place {
        let last = self.last.get();
        if last.line == line && reaches(&last) { last } else { Place { line, ..Place::default() } }
    }

    fn keep(&self, place: Place, walked: usize) {
        self.last.set(place);
        self.walked.set(self.walked.get().saturating_add(walked as u64));
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

    #[test]
    fn a_place_is_found_wherever_the_last_one_was() {
        let text = "aé組b\r\n👍c\n\nend";
        let mut places = Vec::new();
        for line in 1..=5 {
            (1..=12).for_each(|column| places.push(Position { line, column }));
        }
        for first in &places {
            for second in &places {
                let (fresh, used) = (Lines::new(text), Lines::new(text));
                used.from(*first);
                let found = used.from(*second);
                assert_eq!(found, fresh.from(*second), "{first:?} {second:?}");
                if let Some(found) = found {
                    used.from(*first);
                    assert_eq!(
                        used.position_of(found),
                        Lines::new(text).position_of(found),
                        "{first:?} {second:?}"
                    );
                }
            }
        }
        let lines = Lines::new(text);
        assert_eq!(lines.around(Position { line: 1, column: 3 }), Some(("aé", "組b")));
        assert_eq!(lines.around(Position { line: 1, column: 9 }), Some(("aé組b", "")));
        assert_eq!(lines.around(Position { line: 3, column: 1 }), Some(("", "")));
    }

    #[test]
    fn a_long_line_is_walked_once_for_all_its_places() {
        let text = "é, ".repeat(100_000);
        let lines = Lines::new(&text);
        for column in 0..100_000 {
            let position = Position { line: 1, column: 3 * column + 1 };
            let tail = lines.from(position).unwrap();
            lines.around(position).unwrap();
            assert_eq!(lines.position_of(tail), position);
        }
        assert!(lines.walked() <= text.chars().count() as u64, "{} steps", lines.walked());
    }
}
