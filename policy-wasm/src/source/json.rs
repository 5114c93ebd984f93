//! The JSON front end: a strictly read document as a [`Node`] tree.

use super::{Entry, Node, Position, Problem, Problems, Value};
use crate::json::{self, JsonErrorKind, Kind, Limits};

/// Reads a JSON document; a document that is refused becomes a problem at the offending byte.
pub fn read_json<'a>(file: &str, bytes: &'a [u8], limits: &Limits, problems: &Problems) -> Option<Node<'a>> {
    let mut cursor = Cursor { bytes, offset: 0, position: Position { line: 1, column: 1 } };
    match json::parse(bytes, limits) {
        Ok(value) => Some(convert(value, &mut cursor)),
        Err(error) => {
            let (position, message) = (cursor.at(error.offset), describe(error.kind, limits));
            problems.push(Problem::new(file, position, String::new(), message, None));
            None
        }
    }
}

/// Recursion is bounded by [`Limits::depth`], which the strict reader has enforced.
fn convert<'a>(value: json::Value<'a>, cursor: &mut Cursor<'a>) -> Node<'a> {
    let position = cursor.at(json::offset_in(cursor.bytes, value.raw()));
    let value = match value.kind() {
        Kind::Null => Value::Null,
        Kind::Bool => Value::Bool(value.as_bool() == Some(true)),
        Kind::Number => Value::Number(value.as_number().unwrap_or_default().into()),
        Kind::String => Value::String(value.as_str().map(json::Str::decode).unwrap_or_default()),
        Kind::Array => Value::List(
            value
                .as_array()
                .into_iter()
                .flat_map(json::Array::elements)
                .map(|e| convert(e, cursor))
                .collect(),
        ),
        Kind::Object => {
            let members = value.as_object().into_iter().flat_map(json::Object::members);
            Value::Map(members.map(|(key, value)| entry(key, value, cursor)).collect())
        }
    };
    Node { position, value }
}

fn entry<'a>(key: json::Str<'a>, value: json::Value<'a>, cursor: &mut Cursor<'a>) -> Entry<'a> {
    // The raw key begins after its quote.
    let key_position = cursor.at(json::offset_in(cursor.bytes, key.raw()).saturating_sub(1));
    Entry { key: key.decode(), key_position, value: convert(value, cursor) }
}

/// Turns offsets into positions. Values come in the order of the text, so the text is walked once in all.
struct Cursor<'a> {
    bytes: &'a [u8],
    offset: usize,
    position: Position,
}

impl Cursor<'_> {
    fn at(&mut self, offset: usize) -> Position {
        if offset < self.offset {
            self.offset = 0;
            self.position = Position { line: 1, column: 1 };
        }
        let end = offset.min(self.bytes.len());
        for &byte in self.bytes.get(self.offset..end).unwrap_or_default() {
            if byte == b'\n' {
                self.position.line = self.position.line.saturating_add(1);
                self.position.column = 1;
            } else if byte & 0xC0 != 0x80 {
                // UTF-8 continuation bytes begin no character.
                self.position.column = self.position.column.saturating_add(1);
            }
        }
        self.offset = end;
        self.position
    }
}

fn describe(kind: JsonErrorKind, limits: &Limits) -> String {
    match kind {
        JsonErrorKind::Empty => "expected a JSON document, found nothing".to_owned(),
        JsonErrorKind::ByteOrderMark => {
            "byte order mark in front of the document; save the file without one".to_owned()
        }
        JsonErrorKind::InvalidUtf8 => "the file is not UTF-8".to_owned(),
        JsonErrorKind::Syntax => "not JSON (RFC 8259) here".to_owned(),
        JsonErrorKind::TrailingData => "something follows the end of the document".to_owned(),
        JsonErrorKind::TooDeep => format!("nested deeper than {} levels", limits.depth),
        JsonErrorKind::RepeatedKey => "duplicate key in one object".to_owned(),
        JsonErrorKind::ReservedKey => {
            "the key `__proto__` is read differently by different readers".to_owned()
        }
        JsonErrorKind::LoneSurrogate => "half a surrogate pair in a string".to_owned(),
        JsonErrorKind::NumberOutOfRange => "number too large, or longer than 64 characters".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Place;

    fn read(text: &str) -> (Option<Node<'_>>, String) {
        let problems = Problems::new();
        let node = read_json("c.json", text.as_bytes(), &Limits::default(), &problems);
        (node, problems.to_string())
    }

    #[test]
    fn values_and_keys_have_their_places() {
        let (node, problems) = read("{\n  \"é\": [1, true],\n  \"b\\u0063\": {\"d\": null}, \"e\": \"f\"\n}");
        assert_eq!(problems, "");
        let Value::Map(entries) = node.unwrap().value else { panic!("not a map") };
        let at = |position: Position| (position.line, position.column);
        let keys: Vec<_> = entries.iter().map(|entry| (entry.key.as_ref(), at(entry.key_position))).collect();
        assert_eq!(keys, [("é", (2, 3)), ("bc", (3, 3)), ("e", (3, 27))]);
        let Value::List(items) = &entries[0].value.value else { panic!("not a list") };
        assert_eq!((at(items[0].position), at(items[1].position)), ((2, 9), (2, 12)));
        assert_eq!(items[1].value, Value::Bool(true));
        assert_eq!(
            (at(entries[2].value.position), &entries[2].value.value),
            ((3, 32), &Value::String("f".into()))
        );
    }

    #[test]
    fn a_text_that_is_refused_is_a_problem_where_it_breaks() {
        assert_eq!(read("{\"a\": 1,\n \"a\": 2}").1, "c.json:2:2: duplicate key in one object\n");
        assert_eq!(read("").1, "c.json:1:1: expected a JSON document, found nothing\n");
        assert_eq!(read("{}\n{}").1, "c.json:2:1: something follows the end of the document\n");
    }

    #[test]
    fn strings_without_escapes_are_not_copied() {
        let (node, _) = read("\"abc\"");
        assert!(matches!(node.unwrap().value, Value::String(std::borrow::Cow::Borrowed("abc"))));
    }

    #[test]
    fn the_decoder_reads_it() {
        let problems = Problems::new();
        let node = read_json("c.json", b"{\"max_seconds\": 99}", &Limits::default(), &problems).unwrap();
        let mut map = Place::root("c.json", &node, &problems).map().unwrap();
        assert_eq!(map.required("max_seconds").and_then(|place| place.integer(1..=60, "seconds")), None);
        map.finish();
        assert_eq!(
            problems.to_string(),
            "c.json:1:17: /max_seconds: expected a whole number of seconds from 1 to 60, found the number `99`\n"
        );
    }
}
