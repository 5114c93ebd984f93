//! Lists of numbers, and of strings by number, read in place.

use super::layout::Section;
use super::read::{Sections, Unreadable};
use std::cmp::Ordering;

/// A list of numbers; their meaning depends on the field that refers to the list.
#[derive(Clone, Copy)]
pub struct List<'b> {
    sections: &'b Sections,
    start: u32,
    count: u32,
}

impl std::fmt::Debug for List<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.numbers()).finish()
    }
}

impl Sections {
    /// The list that a field names; `None` for 0.
    pub(super) fn list(&self, field: u32) -> Result<Option<List<'_>>, Unreadable> {
        if field == 0 {
            return Ok(None);
        }
        let count = self.record(Section::Lists, field)?.field(0)?;
        let start = field.checked_add(1).ok_or(Unreadable)?;
        self.range(Section::Lists, start, count)?;
        Ok(Some(List { sections: self, start, count }))
    }
}

impl<'b> List<'b> {
    /// How many numbers there are.
    pub fn len(self) -> u32 {
        self.count
    }

    /// Whether the list is empty.
    pub fn is_empty(self) -> bool {
        self.count == 0
    }

    fn at(self, place: u32) -> Result<u32, Unreadable> {
        self.sections.record(Section::Lists, self.start.checked_add(place).ok_or(Unreadable)?)?.field(0)
    }

    /// The numbers in order.
    pub fn numbers(self) -> impl Iterator<Item = Result<u32, Unreadable>> + use<'b> {
        (0..self.count).map(move |place| self.at(place))
    }

    /// The strings behind the numbers of a list of names.
    pub fn names(self) -> impl Iterator<Item = Result<&'b str, Unreadable>> + use<'b> {
        self.numbers().map(move |number| self.name(number?))
    }

    fn name(self, number: u32) -> Result<&'b str, Unreadable> {
        self.sections.string(self.sections.record(Section::Names, number)?, 0)
    }

    /// The lists behind the numbers of a list of lists.
    pub fn lists(self) -> impl Iterator<Item = Result<List<'b>, Unreadable>> + use<'b> {
        self.numbers().map(move |number| self.sections.list(number?)?.ok_or(Unreadable))
    }

    /// Whether an ascending list contains this number; takes at most 33 reads.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn contains(self, number: u32) -> Result<bool, Unreadable> {
        self.search(&|place| Ok(self.at(place)?.cmp(&number)))
    }

    /// Whether an ascending list contains this name; takes at most 33 reads.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn has_name(self, name: &str) -> Result<bool, Unreadable> {
        self.search(&|place| Ok(self.name(self.at(place)?)?.cmp(name)))
    }

    fn search(self, compare: &dyn Fn(u32) -> Result<Ordering, Unreadable>) -> Result<bool, Unreadable> {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low.midpoint(high);
            match compare(middle)? {
                Ordering::Less => low = middle.saturating_add(1),
                Ordering::Greater => high = middle,
                Ordering::Equal => return Ok(true),
            }
        }
        Ok(false)
    }

    /// Whether the two have a number in common.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn meets(self, other: List<'_>) -> Result<bool, Unreadable> {
        for number in self.numbers() {
            let number = number?;
            for theirs in other.numbers() {
                if number == theirs? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}
