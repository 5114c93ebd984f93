//! Colours for a terminal (ECMA-48 §8.3.117), or none.

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
    pub fn title(self, text: &str) -> String {
        self.with("1", text)
    }

    /// What permits.
    pub fn good(self, text: &str) -> String {
        self.with("32", text)
    }

    /// What denies.
    pub fn bad(self, text: &str) -> String {
        self.with("31", text)
    }

    /// What depends on something.
    pub fn open(self, text: &str) -> String {
        self.with("33", text)
    }

    /// What matters less.
    pub fn faint(self, text: &str) -> String {
        self.with("2", text)
    }

    fn with(self, code: &str, text: &str) -> String {
        match self {
            Paint::Plain => text.to_owned(),
            Paint::Colour => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        }
    }
}
