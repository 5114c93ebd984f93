//! `x-mcp-header` in an input schema: arguments that clients repeat in headers.
//!
//! Source: MCP 2026-07-28, basic/transports/streamable-http (custom headers from tool parameters). A client drops a
//! tool whose annotations break these rules. A policy with such a schema was thus not made from a working tool.

use crate::bundle::layout::MAX_PARAM_HEADERS;
use crate::policy::ParamType;
use crate::source::{Place, Value};
use std::collections::BTreeMap;

/// The annotation.
const KEY: &str = "x-mcp-header";
/// Keywords that hold schemas by names of the author's choice.
const BY_NAME: [&str; 5] = ["$defs", "definitions", "patternProperties", "dependentSchemas", "dependencies"];
/// Keywords that hold values, not schemas.
const VALUES: [&str; 4] = ["default", "const", "enum", "examples"];

/// Headers by their names after `Mcp-Param-`, in lower case, with the keys that lead to the argument, and its type.
pub(super) type Headers = BTreeMap<String, (Vec<String>, ParamType)>;

/// Reads the headers of a schema, and reports mistakes in them.
pub(super) fn read(schema: &Place<'_>) -> Headers {
    let mut headers = Headers::new();
    walk(schema, Some(&[]), &mut headers);
    if headers.len() > MAX_PARAM_HEADERS {
        schema.refuse(format!("expected `{KEY}` at most {MAX_PARAM_HEADERS} times, found {}", headers.len()));
    }
    headers
}

/// Looks at a schema, to which these properties lead; `None` where something else does. Files bound the depth.
fn walk(schema: &Place<'_>, path: Option<&[String]>, headers: &mut Headers) {
    let Value::Map(_) = &schema.node().value else { return };
    for entry in schema.named().unwrap_or_default() {
        let value = &entry.value;
        match (entry.name, &value.node().value) {
            (KEY, _) => annotation(schema, value, path, headers),
            ("properties", Value::Map(_)) => {
                for property in value.named().unwrap_or_default() {
                    let inner = path.map(|path| [path, &[property.name.to_owned()]].concat());
                    walk(&property.value, inner.as_deref(), headers);
                }
            }
            (name, Value::Map(_)) if BY_NAME.contains(&name) => {
                for schema in value.named().unwrap_or_default() {
                    walk(&schema.value, None, headers);
                }
            }
            (name, Value::Map(_)) if !VALUES.contains(&name) => walk(value, None, headers),
            (name, Value::List(_)) if !VALUES.contains(&name) => {
                value.list().unwrap_or_default().iter().for_each(|schema| walk(schema, None, headers));
            }
            _ => {}
        }
    }
}

fn annotation(schema: &Place<'_>, value: &Place<'_>, path: Option<&[String]>, headers: &mut Headers) {
    let Some(path) = path.filter(|path| !path.is_empty()) else {
        value.refuse(format!("`{KEY}` is only allowed at an argument below `properties` alone"));
        return;
    };
    let Some(text) = value.text() else { return };
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if !text.bytes().all(token) {
        value.refuse(format!(
            "expected the rest of a header's name, such as `Region` (RFC 9110 section 5.6.2), found `{text}`"
        ));
        return;
    }
    let found = schema.value_at("type");
    let value_type = ParamType::ALL
        .into_iter()
        .find(|known| matches!(found, Some(Value::String(name)) if name.as_ref() == known.name()));
    let Some(value_type) = value_type else {
        value.refuse("only an argument of type `string`, `integer` or `boolean` can stand in a header");
        return;
    };
    // Servers with environments like that of CGI see one variable.
    let folded = |name: &str| name.to_ascii_lowercase().replace('_', "-");
    let twin = headers.iter().find(|(name, _)| folded(name) == folded(text));
    if let Some((_, (other, _))) = twin {
        let other = other.join(".");
        value.refuse(format!(
            "argument `{other}` has the same header; neither case nor `_` for `-` tells two apart"
        ));
        return;
    }
    headers.insert(text.to_ascii_lowercase(), (path.to_vec(), value_type));
}
