//! One JSON-RPC 2.0 message from the client, read so that no server behind could read another one.
//!
//! Source: JSON-RPC 2.0 §4; MCP 2025-11-25 and 2026-07-28, basic/index. A message that names a request method is that
//! request, whatever its id; one that lacks a usable id is refused.

use super::method::{Direction, Method, NOTIFICATION_PREFIX};
use crate::reason::Reason;
use policy_wasm::json::{self, JsonErrorKind, Kind, Limits, Object, Str, Value};
use std::borrow::Cow;

/// Longest method, tool name and string id, in bytes.
const MAX_NAME: usize = 256;

/// The keys of a message; nothing else may stand beside them.
const MESSAGE_KEYS: [&str; 6] = ["jsonrpc", "id", "method", "params", "result", "error"];

/// Keys of `params` that some revision gives a meaning. A key that a lenient reader could take for one of these is
/// refused; other keys pass, for extensions.
const PARAM_KEYS: [&str; 23] = [
    "name",
    "arguments",
    "_meta",
    "cursor",
    "uri",
    "protocolVersion",
    "capabilities",
    "clientInfo",
    "task",
    "taskId",
    "inputResponses",
    "requestState",
    "ref",
    "argument",
    "context",
    "level",
    "requestId",
    "reason",
    "progressToken",
    "progress",
    "total",
    "message",
    "notifications",
];

/// `_meta` keys of revision 2026-07-28 that every request carries.
pub const META_REVISION: &str = "io.modelcontextprotocol/protocolVersion";
/// See [`META_REVISION`].
pub const META_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

/// A usable request id: a string, or an integer without fraction or exponent within ±(2^53−1). Kept as it was written,
/// so that it is echoed with its exact type and digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestId<'a> {
    raw: &'a str,
}

impl<'a> RequestId<'a> {
    fn of(value: Value<'a>) -> Option<Self> {
        let usable = match value.kind() {
            Kind::String => value.as_str().is_some_and(|id| id.raw().len() <= MAX_NAME),
            Kind::Number => value.as_integer().is_some(),
            _ => false,
        };
        usable.then_some(RequestId { raw: value.raw() })
    }

    /// The JSON text.
    pub fn raw(self) -> &'a str {
        self.raw
    }
}

/// What a client sent.
#[derive(Debug)]
pub enum Message<'a> {
    /// A request that the method table lists.
    Request(Request<'a>),
    /// A notification that the method table lists; by its name.
    Notification {
        /// Which one.
        method: Method,
        /// What the message says of its revision.
        meta: Meta<'a>,
    },
}

/// A request.
#[derive(Debug)]
pub struct Request<'a> {
    /// The id.
    pub id: RequestId<'a>,
    /// The method.
    pub method: Method,
    /// `params.name`: there for `tools/call`, whose tool it names.
    pub name: Option<Cow<'a, str>>,
    /// `params.arguments`, if there.
    pub arguments: Option<Object<'a>>,
    /// `params.protocolVersion` of `initialize`.
    pub requested_revision: Option<Cow<'a, str>>,
    /// What `_meta` says of the revision.
    pub meta: Meta<'a>,
}

/// The parts of `params._meta` that place a message in a revision.
#[derive(Debug, Default)]
pub struct Meta<'a> {
    /// `io.modelcontextprotocol/protocolVersion`.
    pub revision: Option<Cow<'a, str>>,
    /// Whether `io.modelcontextprotocol/clientCapabilities` is there.
    pub capabilities: bool,
}

/// Why a message is refused, with what is needed to answer it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal<'a> {
    /// The reason.
    pub reason: Reason,
    /// The id to echo, where it is usable.
    pub id: Option<RequestId<'a>>,
    /// What the body says of its revision (`_meta` is there): in which era to answer.
    pub modern: bool,
}

type Member<'a> = (Str<'a>, Value<'a>);

/// Gathers the members of the message and of its `params` in the one pass.
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

fn find<'a>(members: &[Member<'a>], name: &str) -> Option<Value<'a>> {
    members.iter().find(|(key, _)| key.is(name)).map(|(_, value)| *value)
}

/// Whether a key is none of `known` but could be taken for one.
fn lookalike(key: Str<'_>, known: &[&str]) -> bool {
    !known.iter().any(|name| key.is(name)) && known.iter().any(|name| key.resembles(name))
}

fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}

const fn reason_of(kind: JsonErrorKind) -> Reason {
    match kind {
        JsonErrorKind::Empty
        | JsonErrorKind::ByteOrderMark
        | JsonErrorKind::InvalidUtf8
        | JsonErrorKind::Syntax
        | JsonErrorKind::TrailingData => Reason::MessageMalformed,
        JsonErrorKind::RepeatedKey | JsonErrorKind::ReservedKey | JsonErrorKind::LoneSurrogate => {
            Reason::MessageAmbiguous
        }
        JsonErrorKind::TooDeep | JsonErrorKind::NumberOutOfRange => Reason::MessageTooComplex,
    }
}

/// The requests that are judged so far.
const JUDGED: [Method; 5] =
    [Method::CallTool, Method::ListTools, Method::Initialize, Method::Discover, Method::Ping];

fn sent_by_clients(name: &str) -> Option<Method> {
    Method::named(name).filter(|method| method.goes(Direction::ClientToServer))
}

/// Reads one message.
///
/// # Errors
/// The first thing that is wrong, in the order: JSON, shape, lookalike keys, id, method, params.
pub fn read<'a>(body: &'a [u8], limits: &Limits) -> Result<Message<'a>, Refusal<'a>> {
    let mut outline = Outline::default();
    let root = json::parse_with(body, limits, &mut outline).map_err(|error| Refusal {
        reason: reason_of(error.kind),
        id: None,
        modern: false,
    })?;
    let id_value = find(&outline.message, "id");
    let id = id_value.and_then(RequestId::of);
    let meta_value = find(&outline.params, "_meta");
    let modern = meta_value.and_then(Value::as_object).is_some_and(|meta| meta.get(META_REVISION).is_some());
    let refuse = |reason: Reason| Refusal { reason, id, modern };

    match root.kind() {
        Kind::Object => {}
        Kind::Array => return Err(refuse(Reason::MessageBatch)),
        _ => return Err(refuse(Reason::MessageInvalid)),
    }
    if outline.message.iter().any(|(key, _)| lookalike(*key, &MESSAGE_KEYS)) {
        return Err(refuse(Reason::MessageAmbiguous));
    }
    if outline.params.iter().any(|(key, _)| lookalike(*key, &PARAM_KEYS)) {
        return Err(refuse(Reason::MessageAmbiguous));
    }
    let known = |key: &Str<'_>| MESSAGE_KEYS.iter().any(|name| key.is(name));
    let version = find(&outline.message, "jsonrpc").and_then(Value::as_str);
    if !version.is_some_and(|version| version.is("2.0")) || !outline.message.iter().all(|(key, _)| known(key))
    {
        return Err(refuse(Reason::MessageInvalid));
    }
    let answers = find(&outline.message, "result").is_some() || find(&outline.message, "error").is_some();
    let method = match find(&outline.message, "method") {
        None if answers => return Err(refuse(Reason::MessageResponse)),
        Some(method) if !answers => method,
        _ => return Err(refuse(Reason::MessageInvalid)),
    };
    let Some(method) = method.as_str().map(Str::decode) else {
        return Err(refuse(Reason::MessageInvalid));
    };
    if method.is_empty() || method.len() > MAX_NAME || has_control(&method) {
        return Err(refuse(Reason::MessageInvalid));
    }

    if method.starts_with(NOTIFICATION_PREFIX) {
        if id_value.is_some() {
            return Err(refuse(Reason::MessageInvalid));
        }
        let Some(method) = sent_by_clients(&method) else {
            return Err(refuse(Reason::NotificationUnknown));
        };
        check_params_shape(&outline).map_err(refuse)?;
        return Ok(Message::Notification { method, meta: read_meta(meta_value).map_err(refuse)? });
    }
    let known_method = sent_by_clients(&method).filter(|method| JUDGED.contains(method));
    let Some(usable_id) = id else {
        return Err(refuse(match (known_method, id_value) {
            (None, None) => Reason::NotificationUnknown,
            _ => Reason::MessageIdUnusable,
        }));
    };
    let Some(method) = known_method else { return Err(refuse(Reason::MethodUnknown)) };
    check_params_shape(&outline).map_err(refuse)?;
    let meta = read_meta(meta_value).map_err(refuse)?;
    read_request(usable_id, method, &outline.params, meta).map(Message::Request).map_err(refuse)
}

fn check_params_shape(outline: &Outline<'_>) -> Result<(), Reason> {
    match find(&outline.message, "params") {
        None => Ok(()),
        Some(params) if params.kind() == Kind::Object => Ok(()),
        Some(_) => Err(Reason::ParamsInvalid),
    }
}

fn read_meta(meta: Option<Value<'_>>) -> Result<Meta<'_>, Reason> {
    let Some(meta) = meta else { return Ok(Meta::default()) };
    let meta = meta.as_object().ok_or(Reason::ParamsInvalid)?;
    let mut read = Meta::default();
    for (key, value) in meta.members() {
        if lookalike(key, &[META_REVISION, META_CAPABILITIES]) {
            return Err(Reason::MessageAmbiguous);
        }
        if key.is(META_REVISION) {
            read.revision = Some(value.as_str().ok_or(Reason::ParamsInvalid)?.decode());
        } else if key.is(META_CAPABILITIES) {
            read.capabilities = value.kind() == Kind::Object;
        }
    }
    Ok(read)
}

fn read_request<'a>(
    id: RequestId<'a>,
    method: Method,
    params: &[Member<'a>],
    meta: Meta<'a>,
) -> Result<Request<'a>, Reason> {
    let mut request = Request { id, method, name: None, arguments: None, requested_revision: None, meta };
    match method {
        Method::CallTool => {
            let name = find(params, "name").and_then(Value::as_str).ok_or(Reason::ParamsInvalid)?.decode();
            if name.is_empty() || name.len() > MAX_NAME || has_control(&name) {
                return Err(Reason::ParamsInvalid);
            }
            request.name = Some(name);
            if let Some(arguments) = find(params, "arguments") {
                request.arguments = Some(arguments.as_object().ok_or(Reason::ParamsInvalid)?);
            }
        }
        Method::Initialize => {
            let revision = find(params, "protocolVersion").and_then(Value::as_str);
            request.requested_revision = Some(revision.ok_or(Reason::ParamsInvalid)?.decode());
        }
        Method::ListTools if find(params, "cursor").is_some_and(|cursor| cursor.kind() != Kind::String) => {
            return Err(Reason::ParamsInvalid);
        }
        _ => {}
    }
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &str) -> Reason {
        read(body.as_bytes(), &Limits::default()).expect_err(body).reason
    }

    fn call(body: &str) -> Request<'_> {
        match read(body.as_bytes(), &Limits::default()).expect(body) {
            Message::Request(request) => request,
            Message::Notification { method, .. } => panic!("{method:?} is a notification"),
        }
    }

    #[test]
    fn a_call_is_read_as_it_stands() {
        let request = call(
            r#"{"params":{"arguments":{"a":{"b":[1]}},"name":"tools\u005fx"},"method":"tools\/call","id":"\u0031","jsonrpc":"2.0"}"#,
        );
        assert_eq!(request.method, Method::CallTool);
        assert_eq!(request.name.as_deref(), Some("tools_x"));
        assert_eq!(request.id.raw(), r#""\u0031""#);
        assert_eq!(request.arguments.unwrap().raw(), r#"{"a":{"b":[1]}}"#);
    }

    #[test]
    fn each_refusal_has_its_reason() {
        use Reason::*;
        let cases: &[(&str, Reason)] = &[
            ("", MessageMalformed),
            (r#"{"jsonrpc":"2.0"} {}"#, MessageMalformed),
            (r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#, MessageAmbiguous),
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping","Method":"x"}"#, MessageAmbiguous),
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping","paramſ":{}}"#, MessageAmbiguous),
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping","method\u0000":"x"}"#, MessageAmbiguous),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","Name":"b"}}"#,
                MessageAmbiguous,
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"IO.modelcontextprotocol/protocolVersion":"x"}}}"#,
                MessageAmbiguous,
            ),
            (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, MessageBatch),
            ("1", MessageInvalid),
            (r#"{"id":1,"method":"ping"}"#, MessageInvalid),
            (r#"{"jsonrpc":2.0,"id":1,"method":"ping"}"#, MessageInvalid),
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping","extra":1}"#, MessageInvalid),
            (r#"{"jsonrpc":"2.0","id":1,"method":["ping"]}"#, MessageInvalid),
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}"#, MessageInvalid),
            (r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, MessageResponse),
            (r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":""}}"#, MessageResponse),
            (r#"{"jsonrpc":"2.0","id":1,"method":"resources/read"}"#, MethodUnknown),
            (r#"{"jsonrpc":"2.0","method":"resources/read"}"#, NotificationUnknown),
            (r#"{"jsonrpc":"2.0","method":"notifications/x"}"#, NotificationUnknown),
            (r#"{"jsonrpc":"2.0","id":1,"method":"notifications/initialized"}"#, MessageInvalid),
            (r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"a"}}"#, MessageIdUnusable),
            (r#"{"jsonrpc":"2.0","id":null,"method":"tools/call","params":{"name":"a"}}"#, MessageIdUnusable),
            (r#"{"jsonrpc":"2.0","id":1.0,"method":"ping"}"#, MessageIdUnusable),
            (r#"{"jsonrpc":"2.0","id":1e2,"method":"ping"}"#, MessageIdUnusable),
            (r#"{"jsonrpc":"2.0","id":9007199254740993,"method":"ping"}"#, MessageIdUnusable),
            (r#"{"jsonrpc":"2.0","id":{},"method":"unheard/of"}"#, MessageIdUnusable),
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
        assert_eq!(request.name.as_deref(), Some("real"));
        // `id` is an object with a member `name`: its members must not leak into `params`.
        assert_eq!(
            refused(r#"{"jsonrpc":"2.0","id":{"name":"x"},"method":"tools/call","params":{}}"#),
            Reason::MessageIdUnusable
        );
    }

    #[test]
    fn the_id_is_echoed_where_it_is_usable() {
        let refusal = read(br#"{"jsonrpc":"2.0","id":"a","method":"x/y"}"#, &Limits::default()).unwrap_err();
        assert_eq!(refusal.id.map(RequestId::raw), Some("\"a\""));
    }
}
