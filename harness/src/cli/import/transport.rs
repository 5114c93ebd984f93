//! Posts to an MCP endpoint (Streamable HTTP), and takes what comes back for untrusted: bounded in size and time.

use super::super::clock;
use super::quote::{place, shown};
use anyhow::{Context as _, bail};
use policy_wasm::json::{self, Limits, Value};
use std::io::Read as _;
use std::sync::Arc;
use std::time::{Duration, Instant};
use ureq::http::{HeaderMap, HeaderName, HeaderValue, Response};
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};
use ureq::{Agent, Body};

/// Most bytes of all answers together: no catalogue in a policy file can be longer.
pub(super) const MAX_ANSWERS: u64 = policy_wasm::compile::MAX_FILE as u64;

/// An endpoint, and what may still be spent on it.
pub(super) struct Endpoint<'e> {
    agent: Agent,
    url: &'e str,
    /// Of every request.
    headers: Vec<(HeaderName, HeaderValue)>,
    /// When everything must be over.
    end: Instant,
    timeout: Duration,
    /// Bytes of answers that may still come.
    left: u64,
}

/// What came back.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) session: Option<String>,
    /// JSON texts, up to the one that has a result or an error; none where the server sent no JSON.
    pub(super) messages: Vec<String>,
    /// For messages: the media type, and where a redirect leads to.
    pub(super) about: String,
}

impl<'e> Endpoint<'e> {
    pub(super) fn new(url: &'e str, headers: &[(String, String)], timeout: Duration) -> anyhow::Result<Self> {
        let (scheme, rest) = url.split_once("://").unwrap_or_default();
        let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
        if authority.contains('@') {
            bail!("expected a URL without user and password: give `--token-file` or `--header`");
        }
        let local = ["127.0.0.1", "localhost", "[::1]"].iter().any(|host| {
            authority.strip_prefix(host).is_some_and(|port| port.is_empty() || port.starts_with(':'))
        });
        if scheme != "https" && !(scheme == "http" && local) {
            bail!("expected an `https://` URL (`http://` only for this machine)");
        }
        let field = |(name, value): &(String, String)| {
            let value = HeaderValue::from_str(value);
            // The value may be a secret, so that it is not shown.
            let value = value.with_context(|| format!("the value of header `{name}` is none for HTTP"))?;
            let name = HeaderName::from_bytes(name.as_bytes());
            anyhow::Ok((name.context("`--header`: expected the name of an HTTP header before `:`")?, value))
        };
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .root_certs(RootCerts::PlatformVerifier)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        // A redirect could carry the token to somebody else, so none is followed.
        let config =
            Agent::config_builder().max_redirects(0).http_status_as_error(false).tls_config(tls).build();
        Ok(Endpoint {
            agent: Agent::new_with_config(config),
            url,
            headers: headers.iter().map(field).collect::<anyhow::Result<_>>()?,
            end: clock::monotonic().checked_add(timeout).context("`--timeout` is too long")?,
            timeout,
            left: MAX_ANSWERS,
        })
    }

    /// Posts a message with these headers beside those of every request.
    pub(super) fn post(&mut self, body: &str, headers: &[(&str, &str)]) -> anyhow::Result<Reply> {
        let mut request = self
            .agent
            .post(self.url)
            .config()
            .timeout_global(Some(self.remaining()?))
            .build()
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let response = request.send(body).map_err(|error| self.failed(error, "does not answer"))?;
        self.reply(response)
    }

    /// Ends a session; a server need not let it.
    pub(super) fn delete(&self, headers: &[(&str, &str)]) {
        let Ok(remaining) = self.remaining() else { return };
        let request = self.agent.delete(self.url).config();
        let mut request = request.timeout_global(Some(remaining.min(Duration::from_secs(5)))).build();
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let _either_way = request.call();
    }

    fn remaining(&self) -> anyhow::Result<Duration> {
        let left = self.end.saturating_duration_since(clock::monotonic());
        if left.is_zero() {
            bail!("{}", self.late());
        }
        Ok(left)
    }

    /// The URL without what may be a secret.
    fn shown(&self) -> String {
        shown(&place(self.url), 200)
    }

    fn late(&self) -> String {
        let seconds = self.timeout.as_secs();
        format!("`{}` takes longer than {seconds} s for its lists (`--timeout`)", self.shown())
    }

    fn failed(&self, error: ureq::Error, what: &str) -> anyhow::Error {
        match error {
            ureq::Error::Timeout(_) => anyhow::anyhow!(self.late()),
            ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => {
                anyhow::anyhow!(self.late())
            }
            error => anyhow::anyhow!("`{}` {what}: {}", self.shown(), cause(&error)),
        }
    }

    fn reply(&mut self, mut response: Response<Body>) -> anyhow::Result<Reply> {
        let status = response.status().as_u16();
        let kind = header(response.headers(), "content-type");
        let session = Some(header(response.headers(), "mcp-session-id")).filter(|id| !id.is_empty());
        let location = header(response.headers(), "location");
        let is = |name: &str| {
            let essence = kind.split(';').next().unwrap_or_default().trim();
            essence.eq_ignore_ascii_case(name)
        };
        let mut about = format!("content type `{}`", shown(&kind, 100));
        if (300..400).contains(&status) && !location.is_empty() {
            about = format!("a redirect to `{}`, which is not followed", shown(&place(&location), 200));
        }
        let messages = if is("text/event-stream") {
            self.events(&mut response)?
        } else if is("application/json") {
            let mut bytes = Vec::new();
            self.read(&mut response, &mut |part| {
                bytes.extend_from_slice(part);
                true
            })?;
            if bytes.is_empty() {
                Vec::new()
            } else {
                vec![String::from_utf8(bytes).context("the answer is not UTF-8")?]
            }
        } else {
            Vec::new()
        };
        Ok(Reply { status, session, messages, about })
    }

    /// The `data` of server-sent events, up to the first that answers something.
    fn events(&mut self, response: &mut Response<Body>) -> anyhow::Result<Vec<String>> {
        let mut events = Events::default();
        let mut outcome = Ok(());
        self.read(response, &mut |part| {
            for byte in part {
                match events.take(*byte) {
                    Ok(false) => {}
                    Ok(true) => return false,
                    Err(error) => {
                        outcome = Err(error);
                        return false;
                    }
                }
            }
            true
        })?;
        outcome.map(|()| events.messages)
    }

    /// Gives the body to `take` as it comes, until that has enough.
    fn read(
        &mut self,
        response: &mut Response<Body>,
        take: &mut dyn FnMut(&[u8]) -> bool,
    ) -> anyhow::Result<()> {
        let mut reader = response.body_mut().as_reader();
        let mut buffer = vec![0; 64 << 10];
        loop {
            self.remaining()?;
            let count = match reader.read(&mut buffer) {
                Ok(count) => count,
                Err(error) => return Err(self.failed(ureq::Error::from(error), "breaks its answer off")),
            };
            let part = buffer.get(..count).unwrap_or_default();
            self.left = self
                .left
                .checked_sub(count as u64)
                .with_context(|| format!("`{}` lists more than {} MiB", self.shown(), MAX_ANSWERS >> 20))?;
            if count == 0 || !take(part) {
                return Ok(());
            }
        }
    }
}

/// The same of an error that the system or a library below gives.
fn cause_of_io(error: &std::io::Error) -> String {
    let inner = error.get_ref();
    if let Some(error) = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return shown(&format!("TLS: {error}"), 200);
    }
    if let Some(error) = inner.and_then(|inner| inner.downcast_ref::<ureq::Error>()) {
        return cause(error);
    }
    // A look-up of a name has no kind of its own.
    if error.to_string().starts_with("failed to lookup address") {
        return "there is no such host".to_owned();
    }
    error.kind().to_string()
}

/// What went wrong, in words that repeat nothing of the request: its URL and its headers may hold secrets.
fn cause(error: &ureq::Error) -> String {
    match error {
        ureq::Error::HostNotFound => "there is no such host".to_owned(),
        ureq::Error::ConnectionFailed => "no connection".to_owned(),
        ureq::Error::BadUri(_) | ureq::Error::Http(_) | ureq::Error::RequireHttpsOnly(_) => {
            "the URL is none for HTTP".to_owned()
        }
        ureq::Error::Tls(why) => format!("TLS: {why}"),
        ureq::Error::Rustls(error) => shown(&format!("TLS: {error}"), 200),
        ureq::Error::Io(error) => cause_of_io(error),
        ureq::Error::Protocol(_) => "what came is no HTTP".to_owned(),
        ureq::Error::BodyExceedsLimit(_) | ureq::Error::LargeResponseHeader(..) => {
            "the answer is too long".to_owned()
        }
        _ => "the request failed".to_owned(),
    }
}

fn header(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

/// Server-sent events, byte by byte (HTML standard, section 9.2.6: lines end with LF, CR or CRLF).
#[derive(Default)]
struct Events {
    messages: Vec<String>,
    line: Vec<u8>,
    data: String,
    after_cr: bool,
    /// Not the first line, in front of which a byte order mark is passed over.
    begun: bool,
}

impl Events {
    /// Whether that was the end of an event which has a result or an error.
    fn take(&mut self, byte: u8) -> anyhow::Result<bool> {
        let after_cr = std::mem::replace(&mut self.after_cr, byte == b'\r');
        match byte {
            b'\n' if after_cr => Ok(false),
            b'\n' | b'\r' => self.end_of_line(),
            byte => {
                self.line.push(byte);
                Ok(false)
            }
        }
    }

    fn end_of_line(&mut self) -> anyhow::Result<bool> {
        let line = String::from_utf8(std::mem::take(&mut self.line));
        let line = line.context("the stream of events is not UTF-8")?;
        let mut line = line.as_str();
        if !std::mem::replace(&mut self.begun, true) {
            line = line.strip_prefix('\u{feff}').unwrap_or(line);
        }
        if let Some(rest) = line.strip_prefix("data:") {
            if !self.data.is_empty() {
                self.data.push('\n');
            }
            self.data.push_str(rest.strip_prefix(' ').unwrap_or(rest));
        } else if line.is_empty() && !self.data.is_empty() {
            let message = std::mem::take(&mut self.data);
            let read = json::parse(message.as_bytes(), &Limits::default());
            // What is no JSON cannot be passed over: it may be the answer.
            let answers = read.map_or(true, |value| {
                let object = Value::as_object(value);
                object.is_some_and(|object| object.get("result").is_some() || object.get("error").is_some())
            });
            self.messages.push(message);
            return Ok(answers);
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_end_with_the_answer_however_lines_end() {
        let stream = "\u{feff}: hi\nevent: message\ndata: {\"method\":\"notifications/message\"}\n\ndata: {\"id\":1,\ndata: \"result\":{}}\n\ndata: never\n\n";
        for end in ["\n", "\r", "\r\n"] {
            let mut events = Events::default();
            let stream = stream.replace('\n', end);
            let enough = stream.bytes().position(|byte| events.take(byte).unwrap()).unwrap();
            assert_eq!(
                events.messages,
                ["{\"method\":\"notifications/message\"}", "{\"id\":1,\n\"result\":{}}"]
            );
            assert!(stream.get(enough..).unwrap().contains("never"));
        }
    }

    #[test]
    fn an_event_that_is_no_json_ends_the_stream() {
        let mut events = Events::default();
        assert!("data: {\"id\":1,\"id\":2}\n\n".bytes().any(|byte| events.take(byte).unwrap()));
        let mut events = Events::default();
        assert!(!events.take(0xff).unwrap());
        assert!(events.take(b'\n').is_err());
    }

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for url in [
            "http://tools.acme.test/mcp",
            "http://127.0.0.1.evil.test/",
            "http://localhost@evil.test/",
            "http://localhost:x@evil.test/",
            "ftp://x",
            "tools.acme.test",
        ] {
            let error = Endpoint::new(url, &[], Duration::from_secs(1)).err().unwrap().to_string();
            assert!(error.starts_with("expected a"), "{url}: {error}");
        }
    }

    #[test]
    fn a_header_that_is_none_is_told_without_its_value() {
        for (name, value) in [("a b", "x"), ("x", "secret\nx")] {
            let header = (name.to_owned(), value.to_owned());
            let error = Endpoint::new("https://x", &[header], Duration::from_secs(1)).err().unwrap();
            assert!(!format!("{error:#}").contains("secret"), "{error:#}");
        }
    }
}
