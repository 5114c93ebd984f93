//! Answers to `tools/list`, cut down to what the caller could call. Bytes that stay are not touched.
//!
//! A list that cannot be read is refused, never passed. In the modern era a filtered list is one caller's own, so its
//! `cacheScope` becomes `private` whether or not something was cut (MCP 2026-07-28, caching).

use super::revision::Era;
use policy_wasm::json::{self, Kind, Limits, Object, Str, Value};

/// What a message from the server is, as far as lists are concerned.
#[derive(Debug, PartialEq, Eq)]
pub enum Judged {
    /// It goes on as it came.
    Unchanged,
    /// It goes on like this.
    Changed(Vec<u8>),
}

/// The answer cannot be read as a list, an error or a message of another kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreadable;

/// What the answer must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected<'a> {
    /// The answer to the request with this id (JSON text): a list or an error.
    AnswerTo(&'a str),
    /// Any message of a stream; the answer to the request with this id, if there is one, must be a list or an error.
    Stream(Option<&'a str>),
}

/// Judges one message from the server; `keep` says which tools the caller may see.
///
/// # Errors
/// [`Unreadable`] where the bytes are not one strict JSON-RPC message, or the awaited answer is no list.
pub fn judge(
    bytes: &[u8],
    limits: &Limits,
    era: Era,
    expected: Expected<'_>,
    keep: &mut dyn FnMut(&str) -> bool,
) -> Result<Judged, Unreadable> {
    let message = json::parse(bytes, limits).ok().and_then(Value::as_object).ok_or(Unreadable)?;
    let lookalike = |key: Str<'_>, name: &str| !key.is(name) && key.resembles(name);
    if message.members().any(|(key, _)| ["id", "result", "error", "method"].iter().any(|n| lookalike(key, n)))
    {
        return Err(Unreadable);
    }
    let awaited = match expected {
        Expected::AnswerTo(id) | Expected::Stream(Some(id)) => same_id(message.get("id"), id),
        Expected::Stream(None) => false,
    };
    if matches!(expected, Expected::AnswerTo(_)) && !awaited {
        // Some servers answer what they could not read with an error without the id.
        let error = message.get("error").is_some() && message.get("result").is_none();
        return if error { Ok(Judged::Unchanged) } else { Err(Unreadable) };
    }
    if message.get("method").is_some() {
        let plain = message.get("result").is_none() && !matches!(expected, Expected::AnswerTo(_));
        return if plain { Ok(Judged::Unchanged) } else { Err(Unreadable) };
    }
    let Some(result) = message.get("result") else {
        return if message.get("error").is_some() { Ok(Judged::Unchanged) } else { Err(Unreadable) };
    };
    if message.get("error").is_some() {
        return Err(Unreadable);
    }
    let Some(result) = result.as_object() else {
        return if awaited { Err(Unreadable) } else { Ok(Judged::Unchanged) };
    };
    if result.members().any(|(key, _)| lookalike(key, "tools") || lookalike(key, "cacheScope")) {
        return Err(Unreadable);
    }
    match result.get("tools") {
        Some(tools) if tools.kind() == Kind::Array => cut(bytes, result, tools, era, keep),
        Some(_) => Err(Unreadable),
        None if awaited => Err(Unreadable),
        None => Ok(Judged::Unchanged),
    }
}

/// Whether an answer's id is the request's. Numbers are compared as text, strings unescaped.
fn same_id(answer: Option<Value<'_>>, request: &str) -> bool {
    let Some(answer) = answer else { return false };
    match (answer.as_str(), json::parse(request.as_bytes(), &Limits::default()).ok().and_then(Value::as_str))
    {
        (Some(answer), Some(request)) => answer.is(&request.decode()),
        (None, None) => answer.raw() == request,
        _ => false,
    }
}

fn cut(
    bytes: &[u8],
    result: Object<'_>,
    tools: Value<'_>,
    era: Era,
    keep: &mut dyn FnMut(&str) -> bool,
) -> Result<Judged, Unreadable> {
    let list = tools.as_array().ok_or(Unreadable)?;
    let mut kept = Vec::new();
    let mut hidden = false;
    for tool in list.elements() {
        let tool_object = tool.as_object().ok_or(Unreadable)?;
        if tool_object.members().any(|(key, _)| !key.is("name") && key.resembles("name")) {
            return Err(Unreadable);
        }
        let name = tool_object.get("name").and_then(Value::as_str).ok_or(Unreadable)?;
        if keep(&name.decode()) {
            kept.push(tool.raw());
        } else {
            hidden = true;
        }
    }
    let scope = result.get("cacheScope");
    let private = scope.and_then(Value::as_str).is_some_and(|scope| scope.is("private"));
    let rescope = !private && (scope.is_some() || era == Era::Modern);
    if !hidden && !rescope {
        return Ok(Judged::Unchanged);
    }
    let mut edits: Vec<(usize, usize, String)> = Vec::new();
    let mut replace = |part: &str, with: String| {
        let start = json::offset_in(bytes, part);
        edits.push((start, start.saturating_add(part.len()), with));
    };
    if hidden {
        replace(tools.raw(), format!("[{}]", kept.join(",")));
    }
    if rescope {
        match scope {
            Some(scope) => replace(scope.raw(), "\"private\"".to_owned()),
            None => {
                // After the opening brace; `result` has at least the member `tools`.
                let brace = result.raw().get(..1).unwrap_or_default();
                replace(brace, "{\"cacheScope\":\"private\",".to_owned());
            }
        }
    }
    // There are at most these two, one within the other's object or after it.
    if let [first, second] = edits.as_mut_slice()
        && first.0 > second.0
    {
        std::mem::swap(first, second);
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0usize;
    for (start, end, with) in edits {
        out.extend_from_slice(bytes.get(at..start).ok_or(Unreadable)?);
        out.extend_from_slice(with.as_bytes());
        at = end;
    }
    out.extend_from_slice(bytes.get(at..).ok_or(Unreadable)?);
    Ok(Judged::Changed(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut_list(text: &str, era: Era, keep: &[&str]) -> Result<String, Unreadable> {
        let mut keep = |tool: &str| keep.contains(&tool);
        let judged = judge(text.as_bytes(), &Limits::default(), era, Expected::AnswerTo("1"), &mut keep)?;
        Ok(match judged {
            Judged::Unchanged => text.to_owned(),
            Judged::Changed(bytes) => String::from_utf8(bytes).unwrap(),
        })
    }

    #[test]
    fn what_may_not_be_called_is_cut_and_all_else_stays_to_the_byte() {
        let text = r#" {"jsonrpc":"2.0", "id":1,"result":{ "x":[ {"tools":1} ],"tools":[{"name":"a" , "n":1.0},{"name":"b"},{"name":"\u0063"}],"nextCursor":"z"}}"#;
        let cut = r#" {"jsonrpc":"2.0", "id":1,"result":{ "x":[ {"tools":1} ],"tools":[{"name":"a" , "n":1.0},{"name":"\u0063"}],"nextCursor":"z"}}"#;
        assert_eq!(cut_list(text, Era::Legacy, &["a", "c"]).unwrap(), cut);
        assert_eq!(cut_list(text, Era::Legacy, &["a", "b", "c"]).unwrap(), text);
        assert!(cut_list(text, Era::Legacy, &[]).unwrap().contains(r#""tools":[],"nextCursor":"z""#));
    }

    #[test]
    fn a_modern_list_becomes_private_whether_or_not_something_was_cut() {
        let public =
            r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"a"}],"cacheScope":"public","ttlMs":5}}"#;
        assert!(
            cut_list(public, Era::Modern, &["a"]).unwrap().contains(r#""cacheScope":"private","ttlMs":5"#)
        );
        let silent = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"a"}]}}"#;
        assert_eq!(
            cut_list(silent, Era::Modern, &[]).unwrap(),
            r#"{"jsonrpc":"2.0","id":1,"result":{"cacheScope":"private","tools":[]}}"#
        );
        let private = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"a"}],"cacheScope":"private"}}"#;
        assert_eq!(cut_list(private, Era::Modern, &["a"]).unwrap(), private);
    }

    #[test]
    fn a_list_that_could_be_read_in_two_ways_is_refused() {
        for text in [
            "",
            "[]",
            r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":[]}"#,
            r#"{"jsonrpc":"2.0","id":2,"result":{"tools":[]}}"#,
            r#"{"jsonrpc":"2.0","id":"1","result":{"tools":[]}}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{"tools":{}}}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{"tools":["a"]}}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"n":1}]}}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"a","Name":"b"}]}}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[],"Tools":[{"name":"b"}]}}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[]},"Result":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[]},"error":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[]},"method":"x"}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[],"tools":[{"name":"b"}]}}"#,
        ] {
            assert_eq!(cut_list(text, Era::Legacy, &["a"]), Err(Unreadable), "{text}");
        }
    }

    #[test]
    fn errors_and_other_messages_of_a_stream_pass() {
        let error = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"x"}}"#;
        assert_eq!(cut_list(error, Era::Legacy, &[]).unwrap(), error);
        let mut keep = |_: &str| false;
        let notification = br#"{"jsonrpc":"2.0","method":"notifications/message","params":{"tools":[]}}"#;
        let judged =
            judge(notification, &Limits::default(), Era::Legacy, Expected::Stream(Some("1")), &mut keep);
        assert_eq!(judged, Ok(Judged::Unchanged));
        // A list under another id, as a resumed stream replays it, is cut all the same.
        let replayed = br#"{"jsonrpc":"2.0","id":7,"result":{"tools":[{"name":"b"}]}}"#;
        let judged = judge(replayed, &Limits::default(), Era::Legacy, Expected::Stream(None), &mut keep);
        assert!(matches!(judged, Ok(Judged::Changed(_))));
    }
}
