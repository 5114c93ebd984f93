//! Asks a running MCP server for its lists, in both eras of the protocol (revisions 2026-07-28, and 2025-03-26 to
//! 2025-11-25).

use super::Listed;
use super::quote::shown;
use super::transport::{Endpoint, Reply};
use anyhow::bail;
use policy_wasm::json::{self, Kind, Limits, Value};
use policy_wasm::model::ItemKind;
use std::collections::BTreeSet;
use std::time::Duration;

/// Most pages of one list.
const MAX_PAGES: usize = 1000;
/// Most entries of one list.
const MAX_ENTRIES: usize = 20_000;
/// Asked for first; in it there is no session.
const MODERN: &str = "2026-07-28";
/// Asked for where the server does not know the former.
const LEGACY: &str = "2025-11-25";
/// JSON-RPC: the server does not know the method.
const UNKNOWN_METHOD: i64 = -32601;

/// Method, key of its result, kind of the entries.
const LISTS: [(&str, &str, ItemKind); 4] = [
    ("tools/list", "tools", ItemKind::Tool),
    ("prompts/list", "prompts", ItemKind::Prompt),
    ("resources/list", "resources", ItemKind::Resource),
    ("resources/templates/list", "resourceTemplates", ItemKind::Template),
];

struct Client<'c> {
    endpoint: Endpoint<'c>,
    /// Of the era that the server speaks.
    version: String,
    session: Option<String>,
    id: u64,
}

/// A JSON-RPC answer.
enum Answer {
    Result(String),
    /// The code and the message of the server.
    Error(i64, String),
    /// There was no response; the text describes what came instead.
    Other(String),
}

impl Answer {
    /// The result of a request that the server must answer.
    fn expected(self, method: &str) -> anyhow::Result<String> {
        match self {
            Answer::Result(result) => Ok(result),
            Answer::Error(code, said) => bail!("the server refuses `{method}` ({code}): {said}"),
            Answer::Other(what) => bail!("no answer to `{method}`: {what}"),
        }
    }
}

/// All lists of a server. All of them together may take as long as `timeout`.
pub(super) fn ask(url: &str, headers: &[(String, String)], timeout: Duration) -> anyhow::Result<Vec<Listed>> {
    let endpoint = Endpoint::new(url, headers, timeout)?;
    let mut client = Client { endpoint, version: MODERN.to_owned(), session: None, id: 0 };
    let listed = client.everything();
    client.end();
    listed
}

impl Client<'_> {
    fn everything(&mut self) -> anyhow::Result<Vec<Listed>> {
        self.begin()?;
        let mut listed = Vec::new();
        for (method, key, kind) in LISTS {
            self.list(method, key, kind, &mut listed)?;
        }
        Ok(listed)
    }

    /// Finds out which era the server speaks.
    fn begin(&mut self) -> anyhow::Result<()> {
        if let Answer::Result(_) = self.call("server/discover", "")? {
            return Ok(());
        }
        LEGACY.clone_into(&mut self.version);
        let parameters = format!(
            "\"protocolVersion\":\"{LEGACY}\",\"capabilities\":{{}},\"clientInfo\":{{\"name\":\"toolward\",\"version\":\"{}\"}}",
            env!("CARGO_PKG_VERSION")
        );
        let result = self.call("initialize", &parameters)?.expected("initialize")?;
        let result = json::parse(result.as_bytes(), &Limits::default());
        let version = result.ok().and_then(|value| text(&value, "protocolVersion")).unwrap_or_default();
        let plain = |byte: u8| byte.is_ascii_digit() || byte == b'-';
        if version.len() != 10 || !version.bytes().all(plain) {
            bail!("the server names no revision of the protocol");
        }
        self.version = version;
        let _accepted = self.post("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}", "")?;
        Ok(())
    }

    fn list(
        &mut self,
        method: &str,
        key: &str,
        kind: ItemKind,
        listed: &mut Vec<Listed>,
    ) -> anyhow::Result<()> {
        let (mut cursor, mut seen) = (String::new(), BTreeSet::new());
        let before = listed.len();
        for _ in 0..MAX_PAGES {
            let result = match self.call(method, &cursor)? {
                // Servers that have no prompts or resources do not know the method.
                Answer::Error(UNKNOWN_METHOD, _) if cursor.is_empty() => return Ok(()),
                answer => answer.expected(method)?,
            };
            let Ok(value) = json::parse(result.as_bytes(), &Limits::default()) else {
                bail!("no answer to `{method}`: its result cannot be read");
            };
            super::read::entries(&value, key, kind, listed)?;
            if listed.len().saturating_sub(before) > MAX_ENTRIES {
                bail!("`{method}`: more than {MAX_ENTRIES} entries");
            }
            let next = match value.as_object().and_then(|object| object.get("nextCursor")) {
                None => return Ok(()),
                Some(next) if next.kind() == Kind::Null => return Ok(()),
                Some(next) => next,
            };
            // A list whose next page cannot be requested does not count as complete.
            let Some(next) = next.as_str().map(|next| next.decode().into_owned()) else {
                bail!("`{method}`: expected a text as `nextCursor`, found something else");
            };
            cursor = "\"cursor\":".to_owned();
            json::write_str(&mut cursor, &next);
            if !seen.insert(next) {
                bail!("`{method}`: the server gives the same page again and again");
            }
        }
        bail!("`{method}`: more than {MAX_PAGES} pages")
    }

    fn call(&mut self, method: &str, parameters: &str) -> anyhow::Result<Answer> {
        self.id = self.id.saturating_add(1);
        let mut members = parameters.to_owned();
        if self.version == MODERN {
            let comma = if members.is_empty() { "" } else { "," };
            members.push_str(&format!(
                "{comma}\"_meta\":{{\"io.modelcontextprotocol/protocolVersion\":\"{MODERN}\",\"io.modelcontextprotocol/clientCapabilities\":{{}},\"io.modelcontextprotocol/clientInfo\":{{\"name\":\"toolward\",\"version\":\"{}\"}}}}",
                env!("CARGO_PKG_VERSION")
            ));
        }
        let id = self.id;
        let body =
            format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"{method}\",\"params\":{{{members}}}}}");
        let reply = self.post(&body, method)?;
        if reply.status == 401 || reply.status == 403 {
            bail!("the server wants a token (HTTP {}): give `--token-file` or `--header`", reply.status);
        }
        for message in &reply.messages {
            let value = match json::parse(message.as_bytes(), &Limits::default()) {
                Ok(value) => value,
                Err(error) => {
                    let (kind, offset) = (error.kind, error.offset);
                    let what = format!("what came is no strict JSON, at byte {offset} ({kind:?})");
                    return Ok(Answer::Other(format!("{what}, HTTP {}", reply.status)));
                }
            };
            let Some(object) = value.as_object() else { continue };
            if let Some(error) = object.get("error").and_then(Value::as_object) {
                let code = error.get("code").and_then(Value::as_integer).unwrap_or(0);
                let said = error.get("message").and_then(Value::as_str);
                let said = said.map(|said| said.decode().into_owned()).unwrap_or_default();
                return Ok(Answer::Error(code, shown(&said, 200)));
            }
            let ours = object.get("id").and_then(Value::as_integer) == i64::try_from(id).ok();
            if let Some(result) = object.get("result").filter(|_| ours) {
                return Ok(Answer::Result(result.raw().to_owned()));
            }
        }
        Ok(Answer::Other(format!("HTTP {} without a JSON-RPC answer, {}", reply.status, reply.about)))
    }

    /// Sends a message; `method` is empty for a notification.
    fn post(&mut self, body: &str, method: &str) -> anyhow::Result<Reply> {
        let mut headers = Vec::new();
        if method != "initialize" {
            headers.push(("mcp-protocol-version", self.version.as_str()));
        }
        if self.version == MODERN && !method.is_empty() {
            headers.push(("mcp-method", method));
        }
        if let Some(session) = &self.session {
            headers.push(("mcp-session-id", session));
        }
        let reply = self.endpoint.post(body, &headers)?;
        if method == "initialize" {
            self.session.clone_from(&reply.session);
        }
        Ok(reply)
    }

    fn end(&self) {
        if let Some(session) = &self.session {
            self.endpoint.delete(&[("mcp-session-id", session), ("mcp-protocol-version", &self.version)]);
        }
    }
}

fn text(value: &Value<'_>, key: &str) -> Option<String> {
    Some(value.as_object()?.get(key)?.as_str()?.decode().into_owned())
}
