//! The JSON Schema of policy files, for editors (draft 2020-12).

use super::table::ROOT;
use super::{MapShape, Shape};
use std::collections::BTreeMap;

/// The JSON Schema of one policy file, generated from the table of keys. `toolward check` checks more, such as
/// references between names.
///
/// ```
/// assert!(policy_wasm::compile::schema().contains("\"resource_templates\""));
/// ```
pub fn schema() -> String {
    let mut maps = BTreeMap::new();
    collect(Shape::Map(&ROOT), &mut maps);
    let definitions = maps.into_values().map(|map| (map.name.to_owned(), map_schema(map))).collect();
    let root = Json::Object(vec![
        ("$schema".to_owned(), text("https://json-schema.org/draft/2020-12/schema")),
        ("title".to_owned(), text("Toolward policy")),
        ("$ref".to_owned(), text("#/$defs/policy")),
        ("$defs".to_owned(), Json::Object(definitions)),
    ]);
    let mut out = String::new();
    root.write(0, &mut out);
    out.push('\n');
    out
}

/// Every map that can be reached, by name.
fn collect(shape: Shape, maps: &mut BTreeMap<&'static str, &'static MapShape>) {
    match shape {
        Shape::Map(map) if maps.insert(map.name, map).is_none() => {
            map.keys.iter().for_each(|key| collect(key.shape, maps));
        }
        Shape::Named(inner) | Shape::List(inner) => collect(*inner, maps),
        Shape::Either(all) => all.iter().for_each(|shape| collect(*shape, maps)),
        _ => {}
    }
}

fn map_schema(map: &MapShape) -> Json {
    let properties = map.keys.iter().map(|key| {
        let mut fields = vec![("description".to_owned(), text(key.about))];
        if let Json::Object(inner) = value(key.shape) {
            fields.extend(inner);
        }
        (key.name.to_owned(), Json::Object(fields))
    });
    let properties = Json::Object(properties.collect());
    let required: Vec<Json> = map.keys.iter().filter(|key| key.required).map(|key| text(key.name)).collect();
    let mut fields = vec![("type".to_owned(), text("object")), ("properties".to_owned(), properties)];
    if !required.is_empty() {
        fields.push(("required".to_owned(), Json::List(required)));
    }
    fields.push(("additionalProperties".to_owned(), Json::Raw("false".to_owned())));
    Json::Object(fields)
}

fn value(shape: Shape) -> Json {
    let of_type = |name: &str| vec![("type".to_owned(), text(name))];
    let number = |value: u64| Json::Raw(value.to_string());
    let fields = match shape {
        Shape::Text => {
            let mut fields = of_type("string");
            fields.push(("minLength".to_owned(), number(1)));
            fields
        }
        Shape::Pattern(pattern) => {
            let mut fields = of_type("string");
            fields.push(("pattern".to_owned(), text(&format!("^({pattern})$"))));
            fields
        }
        Shape::OneOf(names) => {
            vec![("enum".to_owned(), Json::List(names.iter().map(|name| text(name)).collect()))]
        }
        Shape::Bool => of_type("boolean"),
        Shape::Integer(low, high) => {
            let mut fields = of_type("integer");
            fields.push(("minimum".to_owned(), number(low)));
            fields.push(("maximum".to_owned(), number(high)));
            fields
        }
        Shape::Number => of_type("number"),
        Shape::Nothing => of_type("null"),
        Shape::Scalar => {
            let types = ["string", "number", "boolean"].map(text);
            vec![("type".to_owned(), Json::List(types.into()))]
        }
        Shape::Anything => Vec::new(),
        Shape::Map(map) => vec![("$ref".to_owned(), text(&format!("#/$defs/{}", map.name)))],
        Shape::Named(inner) => {
            let mut fields = of_type("object");
            fields.push(("additionalProperties".to_owned(), value(*inner)));
            fields
        }
        Shape::List(inner) => {
            let mut fields = of_type("array");
            fields.push(("items".to_owned(), value(*inner)));
            fields
        }
        Shape::Either(all) => {
            vec![("anyOf".to_owned(), Json::List(all.iter().map(|shape| value(*shape)).collect()))]
        }
    };
    Json::Object(fields)
}

/// A JSON text being made. The texts are those of the table: none has a control character.
enum Json {
    Text(String),
    Raw(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

fn text(text: &str) -> Json {
    Json::Text(text.to_owned())
}

impl Json {
    fn write(&self, indent: usize, out: &mut String) {
        match self {
            Json::Text(text) => quote(text, out),
            Json::Raw(text) => out.push_str(text),
            Json::List(entries) => {
                out.push('[');
                for (index, entry) in entries.iter().enumerate() {
                    out.push_str(if index == 0 { "" } else { ", " });
                    entry.write(indent, out);
                }
                out.push(']');
            }
            Json::Object(entries) if entries.is_empty() => out.push_str("{}"),
            Json::Object(entries) => {
                let inner = indent.saturating_add(2);
                for (index, (key, value)) in entries.iter().enumerate() {
                    out.push_str(if index == 0 { "{\n" } else { ",\n" });
                    out.push_str(&" ".repeat(inner));
                    quote(key, out);
                    out.push_str(": ");
                    value.write(inner, out);
                }
                out.push('\n');
                out.push_str(&" ".repeat(indent));
                out.push('}');
            }
        }
    }
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            out.push('\\');
        }
        out.push(character);
    }
    out.push('"');
}
