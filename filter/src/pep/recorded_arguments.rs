//! The arguments of a call that a record may show: the ones that the policy names, where they are plain
//! values.

use policy_wasm::bundle::{List, Server};
use policy_wasm::json::{Object, Value, write_str};
use policy_wasm::model::{Action, ItemKind};

/// Longest value that is shown, in bytes; a longer one is left out.
const MAX_VALUE: usize = 256;

/// The arguments as a JSON object from path to value; `None` where the policy shows none.
pub(super) fn recorded(server: Server<'_>, action: &Action<'_>) -> Option<String> {
    let (kind, name, arguments) = match action {
        Action::CallTool { name, arguments, .. } => (ItemKind::Tool, *name, (*arguments)?),
        Action::GetPrompt { name, arguments } => (ItemKind::Prompt, *name, (*arguments)?),
        _ => return None,
    };
    let item = server.item(kind, name).ok()??;
    let mut out = String::from("{");
    for path in item.shown_arguments().ok()? {
        if let Some((path, value)) = value(path.ok()?, arguments) {
            out.push_str(if out.len() > 1 { "," } else { "" });
            write_str(&mut out, &path);
            out.push(':');
            // Strict JSON as it came: the record stays strict too.
            out.push_str(value.raw());
        }
    }
    out.push('}');
    (out.len() > 2).then_some(out)
}

fn value<'a>(path: List<'_>, arguments: Object<'a>) -> Option<(String, Value<'a>)> {
    let mut object = Some(arguments);
    let mut found = None;
    let mut name = String::new();
    for key in path.names() {
        let key = key.ok()?;
        if !name.is_empty() {
            name.push('.');
        }
        name.push_str(key);
        let value = object?.get(key)?;
        object = value.as_object();
        found = Some(value);
    }
    let plain = found.filter(|value| value.as_object().is_none() && value.as_array().is_none())?;
    (plain.raw().len() <= MAX_VALUE).then_some((name, plain))
}
