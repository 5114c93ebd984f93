//! Denials over HTTP with SSE (MCP 2024-11-05). Such a client reads answers on its stream, and only the
//! status of the response to its POST. After a success there it would wait for ever. After any other status
//! the Python SDK gives up the whole session.
//!
//! The stream may belong to another worker or another proxy, and only the server writes to it. So a `ping`
//! goes on in place of the denied message, and its id holds the denial. The stream's own filter puts the
//! denial in place of the server's answer to the ping. The server learns that a message was denied, and the
//! reason.
//!
//! INVARIANT (nothing but a denial): a server chooses the ids of its answers. So the filter looks at an id
//! only on a stream that was opened as one of HTTP with SSE. It takes out of an id only a text that a gateway
//! writes, compared byte by byte.

use crate::mcp::client_message::RequestId;
use crate::mcp::revision::Revision;
use crate::pep::caller::Caller;
use crate::reason::Reason;
use crate::reply::{self, Context, DenialForm};
use crate::sealed_id::{Binding, KeyRing, Purpose};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use policy_wasm::json::{self, Limits, Object, Value, writer};
use sha2::{Digest as _, Sha256};

/// The beginning of the id of such a ping.
const MARK: &str = "toolward-denied.";
/// Separates the denial from its seal, where there are keys.
const SEAL: char = '.';
/// Longest denial that is sent so, in bytes; ids of requests are as long as their clients want.
const MAX: usize = 4096;
/// Longest id of a decision, in bytes.
const MAX_DECISION_ID: usize = 64;
/// How long a sealed denial may be on its way, in seconds.
const SECONDS: u64 = 300;

/// Puts denials into the ids of pings and takes them out again, for one caller at one server.
pub(super) struct DenialPings<'r> {
    /// Only a gateway with these keys can make such an id.
    keys: Option<(&'r KeyRing, Binding)>,
    /// Unix seconds.
    now: u64,
}

impl<'r> DenialPings<'r> {
    /// For this caller at its server, at this time (Unix seconds).
    pub(super) fn of(caller: &'r Caller, now: u64) -> Self {
        DenialPings { keys: caller.keys().map(|keys| (keys, caller.binding())), now }
    }

    /// The ping that carries this answer; `None` where it is too long.
    pub(super) fn ping(&self, answer: &[u8]) -> Option<String> {
        if answer.len() > MAX {
            return None;
        }
        let mut out = String::new();
        let mut message = writer::Object::open(&mut out);
        message.text("jsonrpc", "2.0");
        let id = message.key("id");
        id.push('"');
        id.push_str(MARK);
        URL_SAFE_NO_PAD.encode_string(answer, id);
        if let Some((keys, owner)) = self.keys {
            let end = self.now.saturating_add(SECONDS);
            id.push(SEAL);
            id.push_str(&keys.seal(Purpose::Denial, &digest(answer), owner, end)?);
        }
        id.push('"');
        message.text("method", "ping");
        message.close();
        Some(out)
    }

    /// The denial that the id of an answer carries. A server can write any id. Where there are keys, the id
    /// must be sealed with them for this caller at this server. In any case the text must be one that a
    /// gateway writes, compared byte by byte.
    pub(super) fn open(&self, id: &str) -> Option<String> {
        let carried = id.strip_prefix(MARK)?;
        let encoded = match self.keys {
            Some((keys, owner)) => {
                let (encoded, sealed) = carried.split_once(SEAL)?;
                let opened = keys.open(Purpose::Denial, sealed, owner, self.now).ok()?;
                (opened == digest(&URL_SAFE_NO_PAD.decode(encoded).ok()?)).then_some(encoded)?
            }
            None => carried,
        };
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(encoded).ok()?).ok()?;
        is_denial(&text).then_some(text)
    }
}

/// Whether an id has the form of one that carries a denial, by whichever maker.
pub(super) fn is_marked(id: Value<'_>) -> bool {
    id.as_str().is_some_and(|id| id.decode().starts_with(MARK))
}

fn digest(answer: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(answer))
}

/// Whether a text is a denial as a gateway writes it. The filter writes the denial again from its parts and
/// compares the bytes.
fn is_denial(text: &str) -> bool {
    is_written(text).unwrap_or(false)
}

fn is_written(text: &str) -> Option<bool> {
    if text.len() > MAX {
        return None;
    }
    let message = json::parse(text.as_bytes(), &Limits::default()).ok()?.as_object()?;
    let id = RequestId::of(message.get("id")?)?;
    let error = message.get("error").and_then(Value::as_object);
    let said = match error {
        Some(error) => Said::of_error(error)?,
        None => Said::of_tool(message.get("result")?.as_object()?)?,
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if said.decision_id.len() > MAX_DECISION_ID || !said.decision_id.bytes().all(plain) {
        return None;
    }
    let same = |reason: Reason, other: bool| {
        let context = Context {
            id: Some(id.raw()),
            modern: other,
            initialize: other,
            tool_call: error.is_none(),
            form: if error.is_none() { DenialForm::ToolError } else { DenialForm::JsonRpcError },
            decision_id: &said.decision_id,
            revisions: said.supported.iter().copied().collect(),
            requested: said.requested.as_deref(),
            ..Context::default()
        };
        reply::denial(reason, &context).body == text.as_bytes()
    };
    let mut reasons = Reason::all().filter(|reason| reply::told(*reason).code() == said.reason);
    Some(reasons.any(|reason| same(reason, false) || same(reason, true)))
}

/// The parts of a denial.
struct Said {
    reason: String,
    decision_id: String,
    supported: Vec<Revision>,
    requested: Option<String>,
}

impl Said {
    fn of_error(error: Object<'_>) -> Option<Said> {
        let data = error.get("data")?.as_object()?;
        let word = |name| Some(data.get(name)?.as_str()?.decode().into_owned());
        let mut supported = Vec::new();
        for name in
            data.get("supported").and_then(Value::as_array).into_iter().flat_map(|names| names.elements())
        {
            supported.push(Revision::named(&name.as_str()?.decode())?);
        }
        Some(Said {
            reason: word("reason")?,
            decision_id: word("decision_id")?,
            supported,
            requested: word("requested"),
        })
    }

    /// The text ends in `(REASON, decision ID)`.
    fn of_tool(result: Object<'_>) -> Option<Said> {
        let content = result.get("content")?.as_array()?.elements().next()?.as_object()?;
        let text = content.get("text")?.as_str()?.decode();
        let (_, named) = text.strip_suffix(')')?.rsplit_once('(')?;
        let (reason, decision_id) = named.split_once(", decision ")?;
        Some(Said {
            reason: reason.to_owned(),
            decision_id: decision_id.to_owned(),
            supported: Vec::new(),
            requested: None,
        })
    }
}

#[cfg(test)]
mod tests;
