//! HTTP with SSE (MCP 2024-11-05): a stream begins with an `endpoint` event, which names the address for
//! the client's messages. A server could name any address there, so the filter passes only the server's own.
//! A client with that address is in the session, so the address is sealed like a session's id where the
//! configuration has keys.

use crate::config::Config;
use crate::pep::caller::Caller;
use crate::reason::Reason;
use crate::sealed_id::{ActiveSession, Purpose};
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

/// The endpoint that the client sees for the server's path and query, and the session that begins so. With keys the path
/// and query are sealed, else they stay. `None` where they cannot be sealed.
pub(super) fn seal(caller: &Caller, target: String, now: u64) -> Option<(String, Option<ActiveSession>)> {
    let Some(sessions) = &caller.pep.config.sessions else { return Some((target, None)) };
    let (sealed, active) = sessions.begin(Purpose::Endpoint, &target, caller.binding(), now)?;
    let path = target.split_once('?').map_or(target.as_str(), |(path, _)| path);
    let mut shown = path.to_owned();
    for part in ["?", PARAMETER, "=", &sealed] {
        shown.push_str(part);
    }
    Some((shown, Some(active)))
}

/// A message that a client posted to an endpoint.
#[derive(Debug, Default)]
pub(super) struct LegacyPost {
    /// Path and query that the server gave, where the client's are sealed.
    upstream: Option<String>,
}

impl LegacyPost {
    /// Opens the path and query that the client posts to, and notes that the session is used.
    ///
    /// # Errors
    /// The reason where they are not sealed, or not for this caller at this server, or the session is over.
    pub(super) fn open(
        caller: &Caller,
        (path, query): (&str, Option<&str>),
        now: u64,
    ) -> Result<LegacyPost, Reason> {
        let Some(sessions) = &caller.pep.config.sessions else { return Ok(LegacyPost::default()) };
        let sealed = query.and_then(|query| query.strip_prefix(PARAMETER)?.strip_prefix('='));
        let sealed = sealed.ok_or(Reason::SessionUnknown)?;
        let store = caller.pep.store.as_ref();
        let (opened, _) = sessions.resume(Purpose::Endpoint, sealed, caller.binding(), now, store)?;
        // The server may have had another path when this was sealed.
        if opened.split_once('?').map_or(opened.as_str(), |(path, _)| path) != path {
            return Err(Reason::SessionUnknown);
        }
        Ok(LegacyPost { upstream: Some(opened) })
    }

    /// The header field that the server gets in place of the client's.
    pub(super) fn upstream(&self) -> Option<(&'static str, String)> {
        self.upstream.as_ref().map(|target| (":path", target.clone()))
    }
}
