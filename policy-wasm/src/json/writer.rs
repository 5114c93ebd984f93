//! A writer of JSON: members in the order in which they are given, no white space, no copy of any value.

use super::write_str;
use std::fmt::{Display, Write as _};

/// An object that is being written. It ends with [`Object::close`].
#[derive(Debug)]
#[must_use = "an object ends with `close`"]
pub struct Object<'o> {
    out: &'o mut String,
    first: bool,
}

impl<'o> Object<'o> {
    /// Begins an object.
    pub fn open(out: &'o mut String) -> Object<'o> {
        out.push('{');
        Object { out, first: true }
    }

    /// Writes a key; the caller appends the value. Keys are literals of the code, without characters that JSON escapes.
    pub fn key(&mut self, key: &'static str) -> &mut String {
        self.separate();
        for piece in ["\"", key, "\":"] {
            self.out.push_str(piece);
        }
        self.out
    }

    /// Writes a key that is data; the caller appends the value.
    pub fn escaped_key(&mut self, key: &str) -> &mut String {
        self.separate();
        write_str(self.out, key);
        self.out.push(':');
        self.out
    }

    /// Writes a string.
    pub fn text(&mut self, key: &'static str, value: &str) {
        write_str(self.key(key), value);
    }

    /// Writes a string, or `null` for `None`.
    pub fn text_or_null(&mut self, key: &'static str, value: Option<&str>) {
        match value {
            Some(value) => self.text(key, value),
            None => self.raw(key, "null"),
        }
    }

    /// Writes a number or a boolean.
    pub fn scalar(&mut self, key: &'static str, value: impl Display) {
        // Writing to a `String` does not fail.
        let _ = write!(self.key(key), "{value}");
    }

    /// Writes a value that is JSON already.
    pub fn raw(&mut self, key: &'static str, json: &str) {
        self.key(key).push_str(json);
    }

    /// Writes a list.
    pub fn list<T>(
        &mut self,
        key: &'static str,
        items: impl IntoIterator<Item = T>,
        write: impl FnMut(&mut String, T),
    ) {
        list(self.key(key), items, write);
    }

    /// Writes a list of strings.
    pub fn texts<T: AsRef<str>>(&mut self, key: &'static str, items: impl IntoIterator<Item = T>) {
        self.list(key, items, |out, item| write_str(out, item.as_ref()));
    }

    /// Begins an object as the value of a key.
    pub fn object(&mut self, key: &'static str) -> Object<'_> {
        Object::open(self.key(key))
    }

    /// Ends the object.
    pub fn close(self) {
        self.out.push('}');
    }

    fn separate(&mut self) {
        if !std::mem::replace(&mut self.first, false) {
            self.out.push(',');
        }
    }
}

/// Appends a list; `write` appends one item.
pub fn list<T>(out: &mut String, items: impl IntoIterator<Item = T>, mut write: impl FnMut(&mut String, T)) {
    out.push('[');
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(out, item);
    }
    out.push(']');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn written(write: impl FnOnce(&mut Object<'_>)) -> String {
        let mut out = String::new();
        let mut object = Object::open(&mut out);
        write(&mut object);
        object.close();
        out
    }

    #[test]
    fn an_object_has_its_members_in_order_and_no_white_space() {
        let out = written(|object| {
            object.text("text", "a");
            object.text_or_null("none", None);
            object.scalar("number", -7);
            object.scalar("flag", true);
            object.raw("raw", "[1]");
            let mut inner = object.object("inner");
            inner.texts("empty", [""; 0]);
            inner.close();
        });
        assert_eq!(out, r#"{"text":"a","none":null,"number":-7,"flag":true,"raw":[1],"inner":{"empty":[]}}"#);
        assert_eq!(written(|_| ()), "{}");
    }

    proptest! {
        #[test]
        fn serde_json_reads_the_values_that_were_written(
            text in any::<String>(),
            texts in proptest::collection::vec(any::<String>(), 0..4),
            keys in proptest::collection::btree_map(any::<String>(), any::<i64>(), 0..4),
        ) {
            let out = written(|object| {
                object.text("text", &text);
                object.text_or_null("optional", Some(&text));
                object.texts("texts", &texts);
                object.list("lists", &texts, |out, text| list(out, [text], |out, text| write_str(out, text)));
                let mut inner = object.object("inner");
                for (key, value) in &keys {
                    inner.escaped_key(key).push_str(&value.to_string());
                }
                inner.close();
            });
            let lists: Vec<_> = texts.iter().map(|text| json!([text])).collect();
            let wanted =
                json!({"text": text, "optional": text, "texts": texts, "lists": lists, "inner": keys});
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&out).unwrap(), wanted);
        }
    }
}
