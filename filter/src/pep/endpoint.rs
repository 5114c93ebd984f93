//! HTTP with SSE (MCP 2024-11-05): a stream begins with an `endpoint` event, and what it names is where the client posts
//! its messages. A server could name any address there, so only its own is passed; and since whoever has that address
//! is in the session, it is sealed like a session's id where the configuration has keys.

use super::head::Head;
use super::onward::Onward;
use super::{Pep, session};
use crate::config::Config;
use crate::delegation::VerifiedDelegation;
use crate::reason::Reason;
use crate::sealed_id::{ActiveSession, Binding, Purpose, SessionPolicy};
use policy_wasm::bundle::Server;

/// The event's name.
pub(super) const EVENT: &[u8] = b"endpoint";

/// The parameter that a sealed endpoint has. Clients look for a session under this name, or not at all.
const PARAMETER: &str = "session_id";

/// Whether a POST comes by HTTP with SSE: to the path for messages. Where that is the stream's own path, messages of
/// later transports come there too; only those of this one name their session in the query.
pub(super) fn is_posted(config: &Config, server: Server<'_>, path: &str, query: Option<&str>) -> bool {
    let messages = config.server(server.index()).messages.as_deref();
    messages == Some(path) && (path != server.path() || query.is_some())
}

/// What the `endpoint` event of a stream is held against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Opening {
    /// The authority that the client asked.
    pub(super) authority: String,
    /// The path of the stream.
    pub(super) path: String,
    /// The path to which the server has messages posted.
    pub(super) messages: String,
}

impl Opening {
    /// Of a GET that may open such a stream: a session of a later transport has none.
    pub(super) fn of(config: &Config, server: Server<'_>, head: &Head<'_>) -> Option<Opening> {
        let messages = config.server(server.index()).messages.as_ref()?;
        (head.method == "GET" && head.session.is_none()).then(|| Opening {
            authority: head.authority.to_owned(),
            path: head.path.to_owned(),
            messages: messages.clone(),
        })
    }

    /// Path and query that the client is to post to, where the data of the event names that path at the same origin.
    ///
    /// RFC 3986 §4.2 and §5, of which only what every reader resolves to the same: nothing that the WHATWG reader would
    /// change or drop, no `//host`, no dots to resolve, no fragment, no user information. An address with a scheme loses
    /// it: in front of this proxy there may be another one, and the client resolves a path against what it asked itself.
    pub(super) fn target(&self, data: &[u8]) -> Option<String> {
        let text = std::str::from_utf8(data).ok()?;
        let local = match text.split_once("://") {
            Some(("http" | "https", rest)) => {
                let (authority, _) = rest.split_once('/')?;
                if !authority.eq_ignore_ascii_case(&self.authority) {
                    return None;
                }
                rest.get(authority.len()..)?
            }
            _ => text,
        };
        let (path, query) = match local.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (local, None),
        };
        let folder = self.path.rsplit_once('/')?.0;
        let path = match path.chars().next() {
            Some('/') => path == self.messages,
            // A first segment with a colon would be a scheme.
            Some(_) if !path.contains(':') => {
                self.messages.strip_prefix(folder)?.strip_prefix('/') == Some(path)
            }
            Some(_) => false,
            None => query.is_some() && self.path == self.messages,
        };
        if !path || !query.is_none_or(plain_query) {
            return None;
        }
        Some(target(&self.messages, query))
    }
}

fn target(path: &str, query: Option<&str>) -> String {
    let mut target = path.to_owned();
    if let Some(query) = query {
        target.push('?');
        target.push_str(query);
    }
    target
}

/// RFC 3986 §3.4, without `'`, which some readers encode.
fn plain_query(query: &str) -> bool {
    let mut bytes = query.bytes();
    while let Some(byte) = bytes.next() {
        let fits = match byte {
            b'%' => [bytes.next(), bytes.next()]
                .iter()
                .all(|digit| digit.is_some_and(|digit| digit.is_ascii_hexdigit())),
            _ => byte.is_ascii_alphanumeric() || b"-._~!$&()*+,;=:@/?".contains(&byte),
        };
        if !fits {
            return false;
        }
    }
    true
}

/// What the client sees of path and query, and the session that so begins: with keys sealed, else as they are. `None`
/// where they cannot be sealed.
pub(super) fn seal(
    sessions: Option<&SessionPolicy>,
    delegation: &VerifiedDelegation,
    resource: &str,
    target: String,
    now: u64,
) -> Option<(String, Option<ActiveSession>)> {
    let Some(sessions) = sessions else { return Some((target, None)) };
    let binding = Binding::of(delegation, resource);
    let (sealed, active) = sessions.begin(Purpose::Endpoint, &target, binding, now)?;
    let path = target.split_once('?').map_or(target.as_str(), |(path, _)| path);
    let mut shown = path.to_owned();
    for part in ["?", PARAMETER, "=", &sealed] {
        shown.push_str(part);
    }
    Some((shown, Some(active)))
}

/// A message that was posted to an endpoint.
#[derive(Debug, Default)]
pub(super) struct Posted {
    /// Path and query that the server gave, where the client's are sealed.
    upstream: Option<String>,
    /// For the ping that carries a denial.
    pub(super) onward: Option<Onward>,
}

impl Posted {
    /// Opens what the client posts to, and notes that the session is used.
    ///
    /// # Errors
    /// The reason where it is not sealed, or not for this caller at this server, or over.
    pub(super) fn open(
        pep: &Pep,
        delegation: &VerifiedDelegation,
        resource: &str,
        (path, query): (&str, Option<&str>),
        now: u64,
    ) -> Result<Posted, Reason> {
        let Some(sessions) = &pep.config.sessions else { return Ok(Posted::default()) };
        let sealed = query.and_then(|query| query.strip_prefix(PARAMETER)?.strip_prefix('='));
        let sealed = sealed.ok_or(Reason::SessionUnknown)?;
        let binding = Binding::of(delegation, resource);
        let resumed = sessions.resume(Purpose::Endpoint, sealed, binding, now, pep.store.as_ref());
        let (opened, _) = resumed.map_err(session::reason)?;
        // The server may have had another path when this was sealed.
        if opened.split_once('?').map_or(opened.as_str(), |(path, _)| path) != path {
            return Err(Reason::SessionUnknown);
        }
        Ok(Posted { upstream: Some(opened), onward: None })
    }

    /// What goes on to the server in place of what the client sent.
    pub(super) fn upstream(&self) -> Option<(&'static str, String)> {
        self.upstream.as_ref().map(|target| (":path", target.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(data: &str) -> Option<String> {
        let text = str::to_owned;
        let opening =
            Opening { authority: text("t.test:80"), path: text("/a/sse"), messages: text("/a/messages/") };
        opening.target(data.as_bytes())
    }

    #[test]
    fn an_endpoint_at_the_path_for_messages_is_passed_as_a_path() {
        for (data, expected) in [
            ("/a/messages/?session_id=1", "/a/messages/?session_id=1"),
            ("/a/messages/", "/a/messages/"),
            ("/a/messages/?", "/a/messages/?"),
            ("/a/messages/?a=%2F%2f&b=/?:@!$()*+,;x=~", "/a/messages/?a=%2F%2f&b=/?:@!$()*+,;x=~"),
            ("/a/messages/?to=http://else.test/", "/a/messages/?to=http://else.test/"),
            ("messages/?session_id=1", "/a/messages/?session_id=1"),
            ("http://t.test:80/a/messages/?s", "/a/messages/?s"),
            ("https://T.test:80/a/messages/", "/a/messages/"),
        ] {
            assert_eq!(target(data).as_deref(), Some(expected), "{data}");
        }
        let own = Opening { authority: "t.test".into(), path: "/sse".into(), messages: "/sse".into() };
        assert_eq!(own.target(b"?s=1").as_deref(), Some("/sse?s=1"));
        assert_eq!(own.target(b"sse?s=1").as_deref(), Some("/sse?s=1"));
        assert_eq!(own.target(b""), None);
    }

    #[test]
    fn what_two_readers_could_take_differently_or_leads_elsewhere_is_refused() {
        for data in [
            "",
            "?session_id=1",
            "/",
            "/a/sse",
            "/a/messages",
            "/a/messages//",
            "/a/messages/x",
            "/A/messages/",
            "/a/messages/;x",
            "/a/./messages/",
            "/a/b/../messages/",
            "/a/%6dessages/",
            "/a%2fmessages/",
            "./messages/",
            "../a/messages/",
            "a/messages/",
            "//t.test:80/a/messages/",
            "//else.test/a/messages/",
            "\\\\else.test/a/messages/",
            "/\\else.test/a/messages/",
            "/a/messages/#x",
            "/a/messages/?x#y",
            "/a/messages/?x\\y",
            "/a/messages/?x y",
            "/a/messages/?x'y",
            "/a/messages/?x\"y",
            "/a/messages/?x[0]=y",
            "/a/messages/?%",
            "/a/messages/?%2",
            "/a/messages/?%2g",
            "/a/messages/?é",
            "/a/messages/?x\ty",
            "/a/messages/?x\ny",
            " /a/messages/",
            "/a/messages/ ",
            "http://else.test/a/messages/",
            "http://t.test/a/messages/",
            "http://t.test:81/a/messages/",
            "http://x@t.test:80/a/messages/",
            "http://t.test:80@else.test/a/messages/",
            "http://t.test:80\\@else.test/a/messages/",
            "http:/a/messages/",
            "http:a/messages/",
            "http:messages/",
            "HTTP://t.test:80/a/messages/",
            "http:///t.test:80/a/messages/",
            "ftp://t.test:80/a/messages/",
            "javascript:alert(1)",
        ] {
            assert_eq!(target(data), None, "{data:?}");
        }
    }
}
