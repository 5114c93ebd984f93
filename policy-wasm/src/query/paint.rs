//! Colours for a terminal (ECMA-48 §8.3.117), or none.

use super::cell::Outcome;

/// Whether text is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// Plain text.
    Plain,
    /// With escape sequences.
    Colour,
}

impl Paint {
    /// A heading.
    pub(super) fn title(self, text: &str) -> String {
        self.with("1", text)
    }

    /// What permits.
    pub(super) fn good(self, text: &str) -> String {
        self.with("32", text)
    }

    /// What denies.
    pub(super) fn bad(self, text: &str) -> String {
        self.with("31", text)
    }

    /// What depends on something.
    pub(super) fn open(self, text: &str) -> String {
        self.with("33", text)
    }

    /// What matters less.
    pub(super) fn faint(self, text: &str) -> String {
        self.with("2", text)
    }

    /// The colour of an outcome.
    pub(super) fn outcome(self, outcome: Outcome, text: &str) -> String {
        match outcome {
            Outcome::Permit => self.good(text),
            Outcome::Conditional => self.open(text),
            Outcome::Deny => self.faint(text),
        }
    }

    fn with(self, code: &str, text: &str) -> String {
        match self {
            Paint::Plain => text.to_owned(),
            Paint::Colour => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        }
    }
}
