//! Reads one JSON-RPC 2.0 message of a client so strictly that no server can read it differently.
//!
//! Source: JSON-RPC 2.0 §4 to §6; MCP 2024-11-05 to 2026-07-28, basic/index. A message that names a request
//! method is that request, whatever its id is. The reader rejects such a message if it lacks a usable id.

use super::error::MessageError;
use super::members::{MAX_NAME, Member, find, has_control, lookalike};
use super::meta::{META_REVISION, Meta, read_meta, read_result_task};
use super::method::{Direction, Method, MethodKind, NOTIFICATION_PREFIX, Schema};
use super::revision::Revision;
use super::target::{PARAM_KEYS, Target, read_target};
use policy_wasm::json::{self, JsonErrorKind, Kind, Limits, Str, Value};
use std::borrow::Cow;

/// The keys of a message. The reader rejects a key that could be taken for one of them.
const MESSAGE_KEYS: [&str; 6] = ["jsonrpc", "id", "method", "params", "result", "error"];

/// The name that policies use for the response to a server's request.
pub const RESPONSE: &str = "response";

/// The maximum number of messages in a batch.
pub const MAX_BATCH: usize = 64;

/// A usable request id: a string, or an integer without fraction or exponent within ±(2^53−1). It keeps its
/// JSON text, so that a reply echoes its exact type and digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestId<'a> {
    raw: &'a str,
}

impl<'a> RequestId<'a> {
    /// The id, or `None` if the value is not a usable id.
    pub fn of(value: Value<'a>) -> Option<Self> {
        let usable = match value.kind() {
            Kind::String => value.as_str().is_some_and(|id| id.raw().len() <= MAX_NAME),
            Kind::Number => value.as_integer().is_some(),
            _ => false,
        };
        usable.then_some(RequestId { raw: value.raw() })
    }

    /// A text that is equal for equal ids, however they are written.
    fn plain(self) -> Cow<'a, str> {
        match json::parse(self.raw.as_bytes(), &Limits::default()).ok().and_then(Value::as_str) {
            // The leading quote keeps a string apart from every integer.
            Some(text) if text.raw().contains('\\') => Cow::Owned(format!("\"{}\"", text.decode())),
            _ => Cow::Borrowed(self.raw),
        }
    }

    /// The JSON text.
    pub fn raw(self) -> &'a str {
        self.raw
    }
}

/// A message of a client.
#[derive(Debug)]
pub enum Message<'a> {
    /// A request or notification that the method table lists.
    Request(Request<'a>),
    /// The response to a request of the server.
    Response {
        /// The id of that request.
        id: RequestId<'a>,
        /// The task that the result names as its own; a string.
        task: Option<Value<'a>>,
    },
    /// A request or notification that the table does not list. The filter rejects it only after its revision
    /// is known, because a later revision may have it.
    Unlisted {
        /// The id of a request.
        id: Option<RequestId<'a>>,
        /// The method.
        method: Cow<'a, str>,
        /// The members of `_meta` that name the revision.
        meta: Meta<'a>,
    },
}

impl<'a> Message<'a> {
    /// The task that `_meta` names; a string.
    pub fn related_task(&self) -> Option<Value<'a>> {
        match self {
            Message::Request(request) => request.meta.task,
            Message::Response { task, .. } => *task,
            Message::Unlisted { .. } => None,
        }
    }

    /// Whether the client awaits a response.
    pub fn is_request(&self) -> bool {
        matches!(self, Message::Request(Request { id: Some(_), .. }))
    }
}

/// A request or a notification.
#[derive(Debug)]
pub struct Request<'a> {
    /// The id; `None` for a notification.
    pub id: Option<RequestId<'a>>,
    /// The method.
    pub method: Method,
    /// The object that the message acts on.
    pub target: Target<'a>,
    /// `params.protocolVersion` of `initialize`.
    pub requested_revision: Option<Cow<'a, str>>,
    /// The members of `_meta` that name the revision.
    pub meta: Meta<'a>,
}

/// The reason to reject a message, with the facts that a reply needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal<'a> {
    /// The error.
    pub error: MessageError,
    /// The id to echo, if it is usable.
    pub id: Option<RequestId<'a>>,
    /// Whether the body names its revision in `_meta`; it decides the era of the reply.
    pub modern: bool,
}

/// Collects the members of the message and of its `params` in one pass.
#[derive(Default)]
struct Outline<'a> {
    message: Vec<Member<'a>>,
    params: Vec<Member<'a>>,
    inner: Vec<Member<'a>>,
}

impl<'a> json::Visitor<'a> for Outline<'a> {
    const DEPTH: u32 = 2;

    fn member(&mut self, depth: u32, key: Str<'a>, value: Value<'a>) {
        if depth == 2 {
            self.inner.push((key, value));
            return;
        }
        if key.is("params") && value.kind() == Kind::Object {
            std::mem::swap(&mut self.params, &mut self.inner);
        }
        self.inner.clear();
        self.message.push((key, value));
    }
}

const fn error_of(kind: JsonErrorKind) -> MessageError {
    match kind {
        JsonErrorKind::Empty
        | JsonErrorKind::ByteOrderMark
        | JsonErrorKind::InvalidUtf8
        | JsonErrorKind::Syntax
        | JsonErrorKind::TrailingData => MessageError::Malformed,
        JsonErrorKind::RepeatedKey | JsonErrorKind::ReservedKey | JsonErrorKind::LoneSurrogate => {
            MessageError::Ambiguous
        }
        JsonErrorKind::TooDeep | JsonErrorKind::NumberOutOfRange => MessageError::TooComplex,
    }
}

/// Reads one message.
///
/// # Errors
/// The first error, in this order: JSON, shape, lookalike keys, id, method, params.
pub fn read<'a>(body: &'a [u8], limits: &Limits) -> Result<Message<'a>, Refusal<'a>> {
    let mut outline = Outline::default();
    let root = json::parse_with(body, limits, &mut outline).map_err(|error| Refusal {
        error: error_of(error.kind),
        id: None,
        modern: false,
    })?;
    let id_value = find(&outline.message, "id");
    let id = id_value.and_then(RequestId::of);
    let meta_value = find(&outline.params, "_meta");
    let modern = meta_value.and_then(Value::as_object).is_some_and(|meta| meta.get(META_REVISION).is_some());
    let refuse = |error: MessageError| Refusal { error, id, modern };

    match root.kind() {
        Kind::Object => {}
        Kind::Array => return Err(refuse(MessageError::Batch)),
        _ => return Err(refuse(MessageError::Invalid)),
    }
    if outline.message.iter().any(|(key, _)| lookalike(*key, &MESSAGE_KEYS)) {
        return Err(refuse(MessageError::Ambiguous));
    }
    if outline.params.iter().any(|(key, _)| lookalike(*key, &PARAM_KEYS)) {
        return Err(refuse(MessageError::Ambiguous));
    }
    let known = |key: &Str<'_>| MESSAGE_KEYS.iter().any(|name| key.is(name));
    let version = find(&outline.message, "jsonrpc").and_then(Value::as_str);
    if !version.is_some_and(|version| version.is("2.0")) || !outline.message.iter().all(|(key, _)| known(key))
    {
        return Err(refuse(MessageError::Invalid));
    }
    let answers = find(&outline.message, "result").is_some() || find(&outline.message, "error").is_some();
    let method = match find(&outline.message, "method") {
        None if answers => return read_response(id, &outline.message).map_err(refuse),
        Some(method) if !answers => method,
        _ => return Err(refuse(MessageError::Invalid)),
    };
    let Some(name) = method.as_str().map(Str::decode) else {
        return Err(refuse(MessageError::Invalid));
    };
    if name.is_empty() || name.len() > MAX_NAME || has_control(&name) {
        return Err(refuse(MessageError::Invalid));
    }
    let method = Method::named(&name).filter(|method| method.can_be_sent(Direction::ClientToServer));
    let form = match method {
        Some(method) => method.kind(),
        None if name.starts_with(NOTIFICATION_PREFIX) || id_value.is_none() => MethodKind::Notification,
        None => MethodKind::Request,
    };
    match (form, id_value, id) {
        (MethodKind::Request, _, None) => return Err(refuse(MessageError::IdUnusable)),
        (MethodKind::Notification, Some(_), _) => return Err(refuse(MessageError::Invalid)),
        _ => {}
    }
    if find(&outline.message, "params").is_some_and(|params| params.kind() != Kind::Object) {
        return Err(refuse(MessageError::ParamsInvalid));
    }
    let meta = read_meta(meta_value).map_err(refuse)?;
    // A method that the named revision lacks must not be read with the rules of another revision.
    let has = |method: &Method| match meta.revision.as_deref().and_then(Revision::named) {
        Some(revision) => method.exists_in(Direction::ClientToServer, revision),
        None => true,
    };
    let Some(method) = method.filter(has) else {
        return Ok(Message::Unlisted { id, method: name, meta });
    };
    let target = read_target(method, &outline.params, &meta).map_err(refuse)?;
    let requested_revision = match (method, find(&outline.params, "protocolVersion").and_then(Value::as_str))
    {
        (Method::Initialize, None) => return Err(refuse(MessageError::ParamsInvalid)),
        (Method::Initialize, Some(revision)) => Some(revision.decode()),
        _ => None,
    };
    if method == Method::Cancelled
        && find(&outline.params, "requestId").is_some_and(|id| RequestId::of(id).is_none())
    {
        return Err(refuse(MessageError::ParamsInvalid));
    }
    Ok(Message::Request(Request { id, method, target, requested_revision, meta }))
}

/// A result is an object (MCP, basic/index); an error has a code and a message (JSON-RPC 2.0 §5.1).
fn read_response<'a>(id: Option<RequestId<'a>>, message: &[Member<'a>]) -> Result<Message<'a>, MessageError> {
    let sound = match (find(message, "result"), find(message, "error")) {
        (Some(result), None) => result.kind() == Kind::Object,
        (None, Some(error)) => error.as_object().is_some_and(|error| {
            error.get("code").is_some_and(|code| code.as_integer().is_some())
                && error.get("message").is_some_and(|message| message.kind() == Kind::String)
        }),
        _ => false,
    };
    if !sound || find(message, "params").is_some() {
        return Err(MessageError::Invalid);
    }
    let task = match find(message, "result") {
        Some(result) => read_result_task(result)?,
        None => None,
    };
    Ok(Message::Response { id: id.ok_or(MessageError::IdUnusable)?, task })
}

/// Reads a batch (2025-03-26). Returns its messages in order; each is read as by [`read`].
///
/// # Errors
/// - The error of the first message that cannot be read.
/// - [`MessageError::Batch`] if the body is not an array, is empty, or has more than [`MAX_BATCH`] messages.
/// - [`MessageError::Batch`] for `initialize` and list requests, which must come alone: the filter edits
///   their responses.
/// - [`MessageError::Ambiguous`] if two requests have one id.
pub fn read_batch<'a>(body: &'a [u8], limits: &Limits) -> Result<Vec<Message<'a>>, MessageError> {
    let root = json::parse(body, limits).map_err(|error| error_of(error.kind))?;
    let mut messages: Vec<Message<'a>> = Vec::new();
    // In compared form: an integer and a string are different ids, however each is written.
    let mut ids: Vec<Cow<'a, str>> = Vec::new();
    for element in root.as_array().ok_or(MessageError::Batch)?.elements() {
        if messages.len() >= MAX_BATCH {
            return Err(MessageError::Batch);
        }
        let message = read(element.raw().as_bytes(), limits).map_err(|refusal| refusal.error)?;
        if let Message::Request(Request { id: Some(id), method, .. }) = &message {
            if *method == Method::Initialize || method.lists() {
                return Err(MessageError::Batch);
            }
            let id = id.plain();
            if ids.contains(&id) {
                return Err(MessageError::Ambiguous);
            }
            ids.push(id);
        }
        messages.push(message);
    }
    if messages.is_empty() { Err(MessageError::Batch) } else { Ok(messages) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::arithmetic_side_effects, reason = "tests")]
    use super::*;

    fn refused(body: &str) -> MessageError {
        read(body.as_bytes(), &Limits::default()).expect_err(body).error
    }

    fn call(body: &str) -> Request<'_> {
        match read(body.as_bytes(), &Limits::default()).expect(body) {
            Message::Request(request) => request,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_call_is_read_as_it_stands() {
        let request = call(
            r#"{"params":{"arguments":{"a":{"b":[1]}},"name":"tools\u005fx"},"method":"tools\/call","id":"\u0031","jsonrpc":"2.0"}"#,
        );
        assert_eq!(request.method, Method::CallTool);
        assert_eq!(request.id.unwrap().raw(), r#""\u0031""#);
        let Target::Tool { name, arguments } = request.target else { panic!("{:?}", request.target) };
        assert_eq!(name, "tools_x");
        assert_eq!(arguments.unwrap().raw(), r#"{"a":{"b":[1]}}"#);
    }

    #[test]
    fn each_refusal_has_its_reason() {
        use MessageError::*;
        let cases: &[(&str, MessageError)] = &[
            ("", Malformed),
            (r#"{"jsonrpc":"2.0"} {}"#, Malformed),
            (r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#, Ambiguous),
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping","Method":"x"}"#, Ambiguous),
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping","paramſ":{}}"#, Ambiguous),
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping","method\u0000":"x"}"#, Ambiguous),
            (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","Name":"b"}}"#, Ambiguous),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"IO.modelcontextprotocol/protocolVersion":"x"}}}"#,
                Ambiguous,
            ),
            (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, Batch),
            ("1", Invalid),
            (r#"{"id":1,"method":"ping"}"#, Invalid),
            (r#"{"jsonrpc":2.0,"id":1,"method":"ping"}"#, Invalid),
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping","extra":1}"#, Invalid),
            (r#"{"jsonrpc":"2.0","id":1,"method":["ping"]}"#, Invalid),
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}"#, Invalid),
            (r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":""}}"#, Invalid),
            (r#"{"jsonrpc":"2.0","id":1,"result":{},"params":{}}"#, Invalid),
            (r#"{"jsonrpc":"2.0","id":1,"result":[]}"#, Invalid),
            (r#"{"jsonrpc":"2.0","id":1,"error":{"code":1.5,"message":""}}"#, Invalid),
            (r#"{"jsonrpc":"2.0","id":1,"error":{"code":1}}"#, Invalid),
            (r#"{"jsonrpc":"2.0","result":{}}"#, IdUnusable),
            (r#"{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":""}}"#, IdUnusable),
            (r#"{"jsonrpc":"2.0","method":"resources/read"}"#, IdUnusable),
            (r#"{"jsonrpc":"2.0","id":1,"method":"notifications/initialized"}"#, Invalid),
            (r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"a"}}"#, IdUnusable),
            (r#"{"jsonrpc":"2.0","id":null,"method":"tools/call","params":{"name":"a"}}"#, IdUnusable),
            (r#"{"jsonrpc":"2.0","id":1.0,"method":"ping"}"#, IdUnusable),
            (r#"{"jsonrpc":"2.0","id":1e2,"method":"ping"}"#, IdUnusable),
            (r#"{"jsonrpc":"2.0","id":9007199254740993,"method":"ping"}"#, IdUnusable),
            (r#"{"jsonrpc":"2.0","id":{},"method":"unheard/of"}"#, IdUnusable),
            (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#, ParamsInvalid),
            (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":[]}"#, ParamsInvalid),
            (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":1}}"#, ParamsInvalid),
            (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a\u0000"}}"#, ParamsInvalid),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":null}}"#,
                ParamsInvalid,
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":[1]}}"#,
                ParamsInvalid,
            ),
            (r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}"#, ParamsInvalid),
            (r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":1}}"#, ParamsInvalid),
        ];
        for (body, reason) in cases {
            assert_eq!(refused(body), *reason, "{body}");
        }
    }

    #[test]
    fn a_key_inside_another_member_is_not_taken_for_one_of_params() {
        let request = call(
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"arguments":{"name":"x"},"name":"real"}}"#,
        );
        assert_eq!(request.target.name(), Some("real"));
        // `id` is an object with a member `name`; the members of this object must not leak into `params`.
        assert_eq!(
            refused(r#"{"jsonrpc":"2.0","id":{"name":"x"},"method":"tools/call","params":{}}"#),
            MessageError::IdUnusable
        );
    }

    #[test]
    fn the_id_is_echoed_where_it_is_usable() {
        let refusal =
            read(br#"{"jsonrpc":"2.0","id":"a","method":"tools/call"}"#, &Limits::default()).unwrap_err();
        assert_eq!(refusal.id.map(RequestId::raw), Some("\"a\""));
    }

    #[test]
    fn what_the_table_does_not_list_is_told_apart_by_form() {
        let unlisted = |body: &str| match read(body.as_bytes(), &Limits::default()).expect(body) {
            Message::Unlisted { id, method, .. } => (id.is_some(), method.into_owned()),
            other => panic!("{other:?}"),
        };
        assert_eq!(unlisted(r#"{"jsonrpc":"2.0","id":1,"method":"x\/y"}"#), (true, "x/y".to_owned()));
        assert_eq!(unlisted(r#"{"jsonrpc":"2.0","method":"x/y"}"#), (false, "x/y".to_owned()));
        // Only servers send this method.
        let sampling = r#"{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage"}"#;
        assert_eq!(unlisted(sampling), (true, "sampling/createMessage".to_owned()));
    }

    #[test]
    fn answers_to_requests_of_the_server_are_read() {
        for body in [
            r#"{"jsonrpc":"2.0","id":"s-1","result":{"roots":[]}}"#,
            r#"{"error":{"message":"no","code":-1,"data":null},"id":0,"jsonrpc":"2.0"}"#,
        ] {
            let message = read(body.as_bytes(), &Limits::default()).unwrap();
            assert!(matches!(message, Message::Response { .. }), "{body}");
        }
    }

    #[test]
    fn a_batch_is_its_messages_or_nothing() {
        fn batch(body: &str) -> Result<Vec<Message<'_>>, MessageError> {
            read_batch(body.as_bytes(), &Limits::default())
        }
        let call = |id: &str| {
            format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"a"}}}}"#)
        };
        let notification = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
        assert_eq!(batch(&format!("[{},{notification},{}]", call("1"), call("\"1\""))).unwrap().len(), 3);
        let many = |count: usize| vec![notification; count].join(",");
        assert_eq!(batch(&format!("[{}]", many(MAX_BATCH))).unwrap().len(), MAX_BATCH);
        for (body, reason) in [
            ("[]".to_owned(), MessageError::Batch),
            (format!("[{}]", many(MAX_BATCH + 1)), MessageError::Batch),
            ("[[]]".to_owned(), MessageError::Batch),
            ("[1]".to_owned(), MessageError::Invalid),
            (format!("[{0},{0}]", call("1")), MessageError::Ambiguous),
            (format!("[{},{}]", call("\"a\""), call(r#""\u0061""#)), MessageError::Ambiguous),
            (r#"[{"jsonrpc":"2.0","id":1,"method":"tools/list"}]"#.to_owned(), MessageError::Batch),
            (
                r#"[{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-03-26"}}]"#
                    .to_owned(),
                MessageError::Batch,
            ),
            (
                r#"[{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}]"#.to_owned(),
                MessageError::Ambiguous,
            ),
        ] {
            assert_eq!(batch(&body).expect_err(&body), reason, "{body}");
        }
    }
}
