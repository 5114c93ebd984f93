//! A writer of JSON: keys in the order in which they are given, no white space.

use crate::json::write_str;
use std::fmt::Display;

/// An object that is being written.
pub(super) struct Object<'o> {
    out: &'o mut String,
    first: bool,
}

impl<'o> Object<'o> {
    /// Begins an object.
    pub(super) fn open(out: &'o mut String) -> Object<'o> {
        out.push('{');
        Object { out, first: true }
    }

    /// Writes a key; the value is written by the caller.
    pub(super) fn key(&mut self, key: &str) -> &mut String {
        if !std::mem::replace(&mut self.first, false) {
            self.out.push(',');
        }
        write_str(self.out, key);
        self.out.push(':');
        self.out
    }

    /// A string.
    pub(super) fn text(&mut self, key: &str, value: &str) {
        write_str(self.key(key), value);
    }

    /// A string or `null`.
    pub(super) fn optional(&mut self, key: &str, value: Option<&str>) {
        match value {
            Some(value) => self.text(key, value),
            None => self.key(key).push_str("null"),
        }
    }

    /// A number or a boolean.
    pub(super) fn plain(&mut self, key: &str, value: impl Display) {
        self.key(key).push_str(&value.to_string());
    }

    /// A list.
    pub(super) fn list<T>(
        &mut self,
        key: &str,
        items: impl IntoIterator<Item = T>,
        write: impl FnMut(&mut String, T),
    ) {
        list(self.key(key), items, write);
    }

    /// A list of strings.
    pub(super) fn texts<T: AsRef<str>>(&mut self, key: &str, items: impl IntoIterator<Item = T>) {
        self.list(key, items, |out, item| write_str(out, item.as_ref()));
    }

    /// Ends the object.
    pub(super) fn close(self) {
        self.out.push('}');
    }
}

/// A list of values.
pub(super) fn list<T>(
    out: &mut String,
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut String, T),
) {
    out.push('[');
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(out, item);
    }
    out.push(']');
}
