//! Asks a running MCP server for its lists, over Streamable HTTP, in both eras of the protocol (revisions 2026-07-28,
//! and 2025-03-26 to 2025-11-25). What it answers is untrusted: bounded in size, time and number.

use super::Listed;
use anyhow::{Context as _, bail};
use policy_wasm::json::{self, Limits, Value};
use policy_wasm::model::ItemKind;
use std::collections::BTreeSet;
use std::io::{BufReader, Read as _};
use std::sync::Arc;
use std::time::Duration;
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};

/// Most bytes of one answer.
const MAX_ANSWER: u64 = 16 << 20;
/// Most pages of one list.
const MAX_PAGES: usize = 1000;
/// Most entries of one list.
const MAX_ENTRIES: usize = 20_000;
/// Longest that one answer may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Asked for first; in it there is no session.
const MODERN: &str = "2026-07-28";
/// Asked for where the server does not know the former.
const LEGACY: &str = "2025-11-25";

/// Method, key of its result, kind of the entries.
const LISTS: [(&str, &str, ItemKind); 4] = [
    ("tools/list", "tools", ItemKind::Tool),
    ("prompts/list", "prompts", ItemKind::Prompt),
    ("resources/list", "resources", ItemKind::Resource),
    ("resources/templates/list", "resourceTemplates", ItemKind::Template),
];

struct Client<'c> {
    agent: ureq::Agent,
    url: &'c str,
    headers: &'c [(String, String)],
    /// Of the era that the server speaks.
    version: String,
    session: Option<String>,
    id: u64,
}

/// A JSON-RPC answer.
enum Answer {
    Result(String),
    /// Code, or 0 where the server answered no JSON-RPC, and what it said.
    Error(i64, String),
}

/// Everything that a server lists.
pub(super) fn ask(url: &str, headers: &[(String, String)]) -> anyhow::Result<Vec<Listed>> {
    let local = ["http://127.0.0.1", "http://localhost", "http://[::1]"];
    let is_local = local.iter().any(|start| {
        url.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
    });
    if !url.starts_with("https://") && !is_local {
        bail!("expected an `https://` URL (`http://` only for this machine)");
    }
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .root_certs(RootCerts::PlatformVerifier)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build();
    // A redirect could carry the token to somebody else, so none is followed.
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .max_redirects(0)
        .http_status_as_error(false)
        .tls_config(tls)
        .build();
    let agent = ureq::Agent::new_with_config(config);
    let mut client = Client { agent, url, headers, version: MODERN.to_owned(), session: None, id: 0 };
    client.begin()?;
    let mut listed = Vec::new();
    for (method, key, kind) in LISTS {
        client.list(method, key, kind, &mut listed)?;
    }
    client.end();
    Ok(listed)
}

impl Client<'_> {
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
        let result = match self.call("initialize", &parameters)? {
            Answer::Result(result) => result,
            Answer::Error(code, said) => bail!("the server refuses `initialize` ({code}): {said}"),
        };
        let version = text(&parsed(&result)?, "protocolVersion").unwrap_or_default();
        let plain = |byte: u8| byte.is_ascii_digit() || byte == b'-';
        if version.len() != 10 || !version.bytes().all(plain) {
            bail!("the server names no revision of the protocol");
        }
        self.version = version;
        let _accepted = self.send("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}", "")?;
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
                Answer::Result(result) => result,
                // Servers that have no prompts or resources do not know the method.
                Answer::Error(-32601, _) => return Ok(()),
                Answer::Error(code, said) => bail!("the server refuses `{method}` ({code}): {said}"),
            };
            let value = parsed(&result)?;
            super::read::entries(&value, key, kind, listed)?;
            if listed.len().saturating_sub(before) > MAX_ENTRIES {
                bail!("`{method}`: more than {MAX_ENTRIES} entries");
            }
            let Some(next) = text(&value, "nextCursor") else { return Ok(()) };
            if !seen.insert(next.clone()) {
                bail!("`{method}`: the server gives the same page again and again");
            }
            cursor = "\"cursor\":".to_owned();
            json::write_str(&mut cursor, &next);
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
        let (status, messages) = self.send(&body, method)?;
        for message in messages {
            let Ok(value) = json::parse(message.as_bytes(), &Limits::default()) else { continue };
            let Some(object) = value.as_object() else { continue };
            if let Some(error) = object.get("error").and_then(Value::as_object) {
                let code = error.get("code").and_then(Value::as_integer).unwrap_or(0);
                let said = error.get("message").and_then(Value::as_str);
                let said = said.map(|said| said.decode().into_owned()).unwrap_or_default();
                return Ok(Answer::Error(code, super::quote::shown(&said, 200)));
            }
            let ours = object.get("id").and_then(Value::as_integer) == i64::try_from(id).ok();
            if let Some(result) = object.get("result").filter(|_| ours) {
                return Ok(Answer::Result(result.raw().to_owned()));
            }
        }
        if status == 401 || status == 403 {
            bail!("the server wants a token (HTTP {status}): give `--token-file` or `--header`");
        }
        Ok(Answer::Error(0, format!("HTTP {status} without a JSON-RPC answer")))
    }

    /// Sends a message; gives the HTTP status and the messages that came back, up to the one with a result or error.
    fn send(&mut self, body: &str, method: &str) -> anyhow::Result<(u16, Vec<String>)> {
        let mut request = self
            .agent
            .post(self.url)
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream");
        if method != "initialize" {
            request = request.header("mcp-protocol-version", &self.version);
        }
        if self.version == MODERN && !method.is_empty() {
            request = request.header("mcp-method", method);
        }
        if let Some(session) = &self.session {
            request = request.header("mcp-session-id", session);
        }
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let mut response = request.send(body).with_context(|| format!("`{}` does not answer", self.url))?;
        let status = response.status().as_u16();
        let header = |name: &str| {
            response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
        };
        let (kind, session) = (header("content-type"), header("mcp-session-id"));
        if method == "initialize" && !session.is_empty() {
            self.session = Some(session);
        }
        // One byte more than is admitted tells what is too long from what just fits.
        let reader = response.body_mut().as_reader().take(MAX_ANSWER.saturating_add(1));
        let messages = if kind.starts_with("text/event-stream") {
            events(BufReader::new(reader))?
        } else {
            let mut bytes = Vec::new();
            let mut reader = reader;
            reader.read_to_end(&mut bytes).context("the answer breaks off")?;
            if bytes.len() as u64 > MAX_ANSWER {
                bail!("the answer is longer than {MAX_ANSWER} bytes");
            }
            vec![String::from_utf8(bytes).context("the answer is not UTF-8")?]
        };
        Ok((status, messages))
    }

    /// Ends the session; a server need not let it.
    fn end(&self) {
        let Some(session) = &self.session else { return };
        let mut request = self.agent.delete(self.url).header("mcp-session-id", session);
        request = request.header("mcp-protocol-version", &self.version);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let _either_way = request.call();
    }
}

/// The `data` of server-sent events, up to the first that answers something.
fn events(reader: impl std::io::BufRead) -> anyhow::Result<Vec<String>> {
    let (mut messages, mut data, mut total) = (Vec::new(), String::new(), 0usize);
    for line in reader.lines() {
        let line = line.context("the stream of events breaks off, or is not UTF-8")?;
        total = total.saturating_add(line.len()).saturating_add(1);
        if total as u64 > MAX_ANSWER {
            bail!("the answer is longer than {MAX_ANSWER} bytes");
        }
        if let Some(rest) = line.strip_prefix("data:") {
            if !data.is_empty() {
                data.push('\n');
            }
            data.push_str(rest.strip_prefix(' ').unwrap_or(rest));
        } else if line.is_empty() && !data.is_empty() {
            let message = std::mem::take(&mut data);
            let answers = json::parse(message.as_bytes(), &Limits::default())
                .ok()
                .and_then(Value::as_object)
                .is_some_and(|object| object.get("result").is_some() || object.get("error").is_some());
            messages.push(message);
            if answers {
                break;
            }
        }
    }
    Ok(messages)
}

fn parsed(text: &str) -> anyhow::Result<Value<'_>> {
    json::parse(text.as_bytes(), &Limits::default()).map_err(|error| {
        anyhow::anyhow!("the answer is not strict JSON at byte {} ({:?})", error.offset, error.kind)
    })
}

fn text(value: &Value<'_>, key: &str) -> Option<String> {
    Some(value.as_object()?.get(key)?.as_str()?.decode().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_end_with_the_answer() {
        let stream = ": hi\nevent: message\ndata: {\"method\":\"notifications/message\"}\n\ndata: {\"id\":1,\ndata: \"result\":{}}\n\ndata: never\n\n";
        let messages = events(BufReader::new(stream.as_bytes())).unwrap();
        assert_eq!(messages, ["{\"method\":\"notifications/message\"}", "{\"id\":1,\n\"result\":{}}"]);
    }

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for url in [
            "http://tools.acme.test/mcp",
            "http://127.0.0.1.evil.test/",
            "http://localhost@evil.test/",
            "ftp://x",
        ] {
            let error = ask(url, &[]).err().unwrap().to_string();
            assert!(error.starts_with("expected an `https://` URL"), "{url}: {error}");
        }
    }
}
