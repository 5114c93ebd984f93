//! Trees with positions, and lists of problems: how every file that a person writes is read.
//!
//! A policy (YAML) and a plugin configuration (JSON) become the same [`Node`] tree; one decoder reads both, goes on
//! after a mistake, and so reports every problem at once. STUB: decoder and JSON front end being written.

/// A place in a file: line and column from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// One thing that is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file, as the caller named it.
    pub file: String,
    /// Where in it.
    pub position: Position,
    /// Path of the node, such as `/servers/github/tools/merge/tier`.
    pub path: String,
    /// What is wrong and what was expected: lower case, one line, no full stop.
    pub message: String,
    /// What to write instead, where that can be guessed: "did you mean `issuers`?".
    pub suggestion: Option<String>,
}
