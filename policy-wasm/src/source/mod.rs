//! Trees with positions, and lists of problems: how every file that a person writes is read.
//!
//! A policy (YAML) and a plugin configuration (JSON) become the same [`Node`] tree. One decoder reads both. It
//! continues after a mistake, and so reports all problems together.
//!
//! ```text
//! JSON text ─read_json─┐
//!                      ├─> Node ─Place::root─> Place ─map()─> MapReader ─required("key")─> Place ─text()─> &str
//! YAML text ─compile──┘                          └──────────────── mistakes ───────────────────> Problems
//! ```
//!
//! ```
//! use policy_wasm::source::{Node, Place, Problems, Value, Entry, Position};
//!
//! let at = |line, column| Position { line, column };
//! let tree = Node { position: at(1, 1), value: Value::Map(vec![Entry {
//!     key: "kidn".into(),
//!     key_position: at(1, 3),
//!     value: Node { position: at(1, 9), value: Value::String("corporate".into()) },
//! }]) };
//! let problems = Problems::new();
//! if let Some(mut map) = Place::root("policy.yaml", &tree, &problems).map() {
//!     let _kind = map.optional("kind").and_then(|place| place.one_of(&["personal", "corporate"]));
//!     map.finish();
//! }
//! assert_eq!(problems.to_string(), "policy.yaml:1:3: /kidn: unknown key, expected `kind`; did you mean `kind`?\n");
//! ```

mod excerpt;
mod json;
mod lines;
mod problem;
mod reader;
mod style;

pub use excerpt::Excerpt;
#[cfg(feature = "tools")]
pub(crate) use excerpt::harmless;
pub use json::read_json;
pub use lines::Lines;
pub use problem::{MAX_PROBLEMS, Problem, Problems, suggest};
pub use reader::{MapReader, Named, Place};
pub use style::Paint;

use std::borrow::Cow;

/// A place in a file: line and column from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// A value of a file and its position. Strings without escapes borrow from the file's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node<'a> {
    /// Where the value begins.
    pub position: Position,
    /// The value.
    pub value: Value<'a>,
}

/// The contents of a [`Node`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// `null`, or in YAML nothing at all.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as written.
    Number(Cow<'a, str>),
    /// A string.
    String(Cow<'a, str>),
    /// A list.
    List(Vec<Node<'a>>),
    /// A map, in the file's order. Front ends refuse repeated keys.
    Map(Vec<Entry<'a>>),
}

/// One entry of a map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The key.
    pub key: Cow<'a, str>,
    /// Where the key begins.
    pub key_position: Position,
    /// The value.
    pub value: Node<'a>,
}
