//! The keys of policy files as a table, for the JSON Schema and for the order that `toolward fmt` writes.
//!
//! The readers check more than a table can express. A test compares them: for every map of the table, the readers
//! expect exactly the keys of the table.

mod schema;
mod table;

pub use schema::schema;
pub(super) use table::ROOT;

/// A map with known keys.
pub(super) struct MapShape {
    /// Its name in the schema.
    pub(super) name: &'static str,
    /// In the order of the documentation.
    pub(super) keys: &'static [Key],
}

/// A key of a map.
#[derive(Clone, Copy)]
pub(super) struct Key {
    pub(super) name: &'static str,
    required: bool,
    /// One line, for editors.
    about: &'static str,
    pub(super) shape: Shape,
}

/// The shape of a value.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    /// A string that is not empty.
    Text,
    /// A string that this regular expression describes, all of it.
    Pattern(&'static str),
    /// One of these strings.
    OneOf(&'static [&'static str]),
    /// `true` or `false`.
    Bool,
    /// A whole number between these.
    Integer(u64, u64),
    /// A number.
    Number,
    /// A string, number or boolean.
    Scalar,
    /// No value.
    Nothing,
    /// Any value.
    Anything,
    /// A map with known keys.
    Map(&'static MapShape),
    /// A map whose keys the author chooses.
    Named(&'static Shape),
    /// A list.
    List(&'static Shape),
    /// Any of these.
    Either(&'static [Shape]),
}

const fn key(name: &'static str, about: &'static str, shape: Shape) -> Key {
    Key { name, required: false, about, shape }
}

const fn must(name: &'static str, about: &'static str, shape: Shape) -> Key {
    Key { name, required: true, about, shape }
}

impl Shape {
    /// The alternative of this shape that is a map with known keys.
    pub(super) fn known_map(self) -> Option<&'static MapShape> {
        match self {
            Shape::Map(map) => Some(map),
            Shape::Either(all) => all.iter().find_map(|shape| shape.known_map()),
            _ => None,
        }
    }

    /// The shape of the value of a key.
    pub(super) fn value_of(self, key: &str) -> Option<Shape> {
        match self {
            Shape::Map(map) => map.keys.iter().find(|known| known.name == key).map(|known| known.shape),
            Shape::Named(value) => Some(*value),
            Shape::Either(all) => all.iter().find_map(|shape| shape.value_of(key)),
            _ => None,
        }
    }

    /// The shape of an item of a list.
    pub(super) fn entry(self) -> Option<Shape> {
        match self {
            Shape::List(entry) => Some(*entry),
            Shape::Either(all) => all.iter().find_map(|shape| shape.entry()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
