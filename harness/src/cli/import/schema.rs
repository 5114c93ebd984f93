//! JSON as one line of YAML.

use super::quote;
use policy_wasm::json::{self, Kind, Limits, Value};

/// A JSON text as a YAML flow value in one line; `{}` for text that is not strict JSON.
pub(super) fn flow(text: &str) -> String {
    let mut out = String::new();
    match json::parse(text.as_bytes(), &Limits::default()) {
        Ok(value) => write(value, &mut out),
        Err(_) => out.push_str("{}"),
    }
    out
}

/// As deep as the reader lets a document be.
fn write(value: Value<'_>, out: &mut String) {
    match value.kind() {
        Kind::Null | Kind::Bool | Kind::Number => out.push_str(value.raw()),
        Kind::String => {
            let text = value.as_str().map(|text| text.decode().into_owned()).unwrap_or_default();
            out.push_str(&quote::yaml(&text));
        }
        Kind::Array => {
            out.push('[');
            for (index, element) in
                value.as_array().into_iter().flat_map(|array| array.elements()).enumerate()
            {
                out.push_str(if index > 0 { ", " } else { "" });
                write(element, out);
            }
            out.push(']');
        }
        Kind::Object => {
            out.push('{');
            for (index, (key, member)) in
                value.as_object().into_iter().flat_map(|object| object.members()).enumerate()
            {
                out.push_str(if index > 0 { ", " } else { "" });
                out.push_str(&quote::yaml(&key.decode()));
                out.push_str(": ");
                write(member, out);
            }
            out.push('}');
        }
    }
}
