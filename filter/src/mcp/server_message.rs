//! Reads one JSON-RPC 2.0 message of a server so strictly that no client can read it differently.
//!
//! Source: JSON-RPC 2.0 §4 and §5; MCP 2024-11-05 to 2026-07-28, basic. Unknown keys pass. The reader rejects
//! a key that a lenient client could take for one that decides.

use super::error::ServerMessageError;
use policy_wasm::json::{self, Limits, Object, Str, Value};

/// A message from a server.
#[derive(Debug, Clone, Copy)]
pub struct Incoming<'a> {
    /// The id, of any kind; `None` if the message has no id.
    pub id: Option<Value<'a>>,
    /// The kind of message.
    pub kind: Kind<'a>,
}

/// The kind of a server's message.
#[derive(Debug, Clone, Copy)]
pub enum Kind<'a> {
    /// A request (with an id) or a notification (without) of this method.
    Call {
        /// The method.
        method: Str<'a>,
        /// `params`, if present.
        params: Option<Object<'a>>,
    },
    /// The result of a response.
    Result(Value<'a>),
    /// The error of a response.
    Error(Value<'a>),
}

/// The members with these names, in the order of `names`; `None` for each that is absent.
///
/// # Errors
/// [`ServerMessageError`] if another key could be taken for one of them.
pub fn pick<'a, const N: usize>(
    object: Object<'a>,
    names: [&str; N],
) -> Result<[Option<Value<'a>>; N], ServerMessageError> {
    let mut found = [None; N];
    for (key, value) in object.members() {
        let folded = key.fold();
        for (slot, name) in found.iter_mut().zip(names) {
            if key.is(name) {
                *slot = Some(value);
            } else if folded.is(name) {
                return Err(ServerMessageError);
            }
        }
    }
    Ok(found)
}

/// Reads one message.
///
/// # Errors
/// [`ServerMessageError`].
pub fn read(message: Value<'_>) -> Result<Incoming<'_>, ServerMessageError> {
    let object = message.as_object().ok_or(ServerMessageError)?;
    let [_, id, method, params, result, error] =
        pick(object, ["jsonrpc", "id", "method", "params", "result", "error"])?;
    // Some servers write every member of a response, with `null` for the ones that do not apply.
    let present = |value: &Value<'_>| value.kind() != json::Kind::Null;
    let (result, error) = match (result, error) {
        (Some(result), Some(error)) if !present(&error) => (Some(result), None),
        (Some(result), Some(error)) if !present(&result) => (None, Some(error)),
        both => both,
    };
    let kind = match (method, result, error) {
        (Some(method), None, None) => {
            let params = match params {
                Some(params) => Some(params.as_object().ok_or(ServerMessageError)?),
                None => None,
            };
            Kind::Call { method: method.as_str().ok_or(ServerMessageError)?, params }
        }
        (None, Some(result), None) => Kind::Result(result),
        (None, None, Some(error)) => Kind::Error(error),
        _ => return Err(ServerMessageError),
    };
    Ok(Incoming { id, kind })
}

/// Whether a lenient client could take bytes for a message that this reader does not. Such bytes are JSON
/// that is not strict, a batch, or an object with a `jsonrpc` member. Error texts and pages of servers and
/// proxies are not messages, and neither is other JSON.
pub fn could_be_message(bytes: &[u8], limits: &Limits) -> bool {
    match json::parse(bytes, limits) {
        Ok(value) => match value.as_object() {
            Some(object) => object.members().any(|(key, _)| key.resembles("jsonrpc")),
            None => value.as_array().is_some(),
        },
        Err(_) => {
            // White space of any kind, byte order marks, and the zero bytes of wider encodings may come
            // before it.
            matches!(bytes.iter().find(|byte| byte.is_ascii_graphic()), Some(b'{' | b'['))
        }
    }
}

/// Whether no client takes these bytes for a JSON-RPC message. Such bytes are keep-alives of a server, like
/// `ping` or `{"type":"heartbeat"}`. `names` are the members that make an object a message.
fn lacks_all(bytes: &[u8], names: &[&str], limits: &Limits) -> bool {
    match json::parse(bytes, limits) {
        Ok(value) => match value.as_object() {
            Some(object) => {
                !object.members().any(|(key, _)| names.iter().any(|name| key.is(name) || key.resembles(name)))
            }
            None => value.as_array().is_none(),
        },
        Err(_) => !could_be_message(bytes, limits),
    }
}

/// Whether no client takes an event's data for a JSON-RPC message: the server's keep-alive.
pub fn is_keep_alive(bytes: &[u8], limits: &Limits) -> bool {
    lacks_all(bytes, &["jsonrpc", "id", "method", "params", "result", "error"], limits)
}

/// Whether a response that no client awaits contains no message, such as `null`, `{}` or `ok`.
pub fn is_stub(bytes: &[u8], limits: &Limits) -> bool {
    lacks_all(bytes, &["method", "params", "result", "error"], limits)
}

/// Whether a response's id equals the request's id, which is JSON text. Numbers are compared by value,
/// strings after unescaping.
pub fn same_id(answer: Option<Value<'_>>, request: &str) -> bool {
    let Some(answer) = answer else { return false };
    match (answer.as_str(), json::parse(request.as_bytes(), &Limits::default()).ok().and_then(Value::as_str))
    {
        (Some(answer), Some(request)) => answer.is(&request.decode()),
        (None, None) => whole(answer.raw()) == whole(request),
        _ => false,
    }
}

/// A number without a fraction of zeros: every client that accepts `1.0` reads it as 1.
fn whole(number: &str) -> &str {
    match number.split_once('.') {
        Some((whole, fraction)) if fraction.bytes().all(|byte| byte == b'0') => whole,
        _ => number,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> &'static str {
        let Ok(value) = json::parse(text.as_bytes(), &Limits::default()) else { return "no json" };
        match read(value).map(|message| message.kind) {
            Ok(Kind::Call { .. }) => "call",
            Ok(Kind::Result(_)) => "result",
            Ok(Kind::Error(_)) => "error",
            Err(ServerMessageError) => "unreadable",
        }
    }

    #[test]
    fn a_message_is_of_one_kind_or_refused() {
        for (text, expected) in [
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, "call"),
            (r#"{"jsonrpc":"2.0","method":"notifications/message","params":{}}"#, "call"),
            (r#"{"jsonrpc":"2.0","id":1,"result":{},"more":1}"#, "result"),
            (r#"{"jsonrpc":"2.0","id":null,"error":{}}"#, "error"),
            (r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#, "unreadable"),
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}"#, "unreadable"),
            (r#"{"jsonrpc":"2.0","id":1,"Method":"sampling/createMessage","result":{}}"#, "unreadable"),
            (r#"{"jsonrpc":"2.0","id":1," method":"sampling/createMessage","result":{}}"#, "unreadable"),
            (r#"{"jsonrpc":"2.0","id":1,"\ufeffid":2,"result":{}}"#, "unreadable"),
            (r#"{"jsonrpc":"2.0","jsonrpc\u200b":"1.0","id":1,"result":{}}"#, "unreadable"),
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}"#, "unreadable"),
            (r#"{"jsonrpc":"2.0","id":1,"method":1}"#, "unreadable"),
            (r#"{"jsonrpc":"2.0","id":1}"#, "unreadable"),
            (r#"[]"#, "unreadable"),
            (r#"{"id":1,"id":2,"result":{}}"#, "no json"),
        ] {
            assert_eq!(kind(text), expected, "{text}");
        }
    }

    #[test]
    fn words_and_pages_are_no_messages_and_json_could_be_one() {
        for text in [
            &br#"{"jsonrpc":"2.0","id":1,"error":{},"error":{}}"#[..],
            br#"{"JsonRpc":"2.0","error":{},"result":{}}"#,
            b"\xef\xbb\xbf {\"jsonrpc\":\"2.0\",\"x\":NaN}",
            b"\xff\xfe{\0}\0",
            b"\0\0\xfe\xff\0\0\0{",
            b"\xc2\xa0\xe2\x80\xa8{\"jsonrpc\"",
            b"[]",
            b"[{",
        ] {
            assert!(could_be_message(text, &Limits::default()), "{text:?}");
        }
        for text in [
            "",
            "no such page",
            "<html>{}",
            r#"{"error":"invalid_token"}"#,
            r#"{"detail":"x"}"#,
            "1",
            "\"{\"",
        ] {
            assert!(!could_be_message(text.as_bytes(), &Limits::default()), "{text}");
        }
    }

    #[test]
    fn ids_are_the_same_where_a_client_would_say_so() {
        let same = |answer: &str, request: &str| {
            same_id(json::parse(answer.as_bytes(), &Limits::default()).ok(), request)
        };
        assert!(same(r#""a\u0062""#, r#""ab""#) && same("1", "1"));
        assert!(same("1.0", "1") && same("-7.00", "-7"));
        assert!(!same("1.5", "1") && !same("10", "1.0") && !same(r#""1""#, "1") && !same("null", "1"));
        assert!(!same_id(None, "1"));
    }

    #[test]
    fn keep_alives_and_stubs_have_no_member_of_a_message() {
        let limits = Limits::default();
        for text in ["ping", "", "{}", r#"{"type":"heartbeat"}"#, "null", "\"\"", "7", "ok <b>"] {
            assert!(is_keep_alive(text.as_bytes(), &limits) && is_stub(text.as_bytes(), &limits), "{text}");
        }
        for text in [r#"{"jsonrpc":"2.0"}"#, r#"{"id":1}"#, r#"{"jsonrpc":"2.0","id":null}"#] {
            assert!(!is_keep_alive(text.as_bytes(), &limits) && is_stub(text.as_bytes(), &limits), "{text}");
        }
        for text in [
            r#"{"result":{}}"#,
            r#"{"Method":"x"}"#,
            r#"{" error":{}}"#,
            r#"{"params":{}}"#,
            "[]",
            "[{}]",
            "{x",
            " \u{feff}{",
        ] {
            assert!(!is_keep_alive(text.as_bytes(), &limits) && !is_stub(text.as_bytes(), &limits), "{text}");
        }
    }
}
