//! Posts to an MCP endpoint (Streamable HTTP). Responses are untrusted: their size and time are bounded.

use super::super::clock;
use super::quote::{place, shown};
use anyhow::{Context as _, bail};
use filter::mcp::sse::{EventAction, EventFilter, TooLong};
use policy_wasm::json::{self, Limits, Value};
use std::io::Read as _;
use std::sync::Arc;
use std::time::{Duration, Instant};
use ureq::http::{HeaderMap, HeaderName, HeaderValue, Response};
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};
use ureq::{Agent, Body};

/// Most bytes of all answers together. No catalogue in a policy file can be longer.
pub(super) const MAX_ANSWERS: u64 = policy_wasm::compile::MAX_FILE as u64;

/// An endpoint, with the time and bytes that are left for it.
pub(super) struct Endpoint<'e> {
    agent: Agent,
    url: &'e str,
    /// Sent with every request.
    headers: Vec<(HeaderName, HeaderValue)>,
    /// When everything must be over.
    end: Instant,
    timeout: Duration,
    /// Bytes of answers that may still come.
    left: u64,
}

/// The response to a message.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) session: Option<String>,
    /// JSON texts, up to the one with a result or an error; empty if the server sent no JSON.
    pub(super) messages: Vec<String>,
    /// The media type, or the target of a redirect; for error messages.
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
            // The value may be a secret, so errors do not show it.
            let value = value.with_context(|| format!("the value of header `{name}` is none for HTTP"))?;
            let name = HeaderName::from_bytes(name.as_bytes());
            anyhow::Ok((name.context("`--header`: expected the name of an HTTP header before `:`")?, value))
        };
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .root_certs(RootCerts::PlatformVerifier)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        // A redirect could carry the token to another server, so none is followed.
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

    /// Posts a message with these headers and those of every request.
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

    /// Ends a session. A server may reject this.
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

    /// The URL without parts that may be secret.
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

    /// The data of the events of a stream, up to the first response.
    fn events(&mut self, response: &mut Response<Body>) -> anyhow::Result<Vec<String>> {
        let mut events = Events::new();
        let mut outcome = Ok(());
        self.read(response, &mut |part| match events.push(part) {
            Ok(answered) => !answered,
            Err(error) => {
                outcome = Err(error);
                false
            }
        })?;
        outcome.map(|()| events.messages)
    }

    /// Passes the body to `take` piece by piece until that returns `false`.
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

/// The same as [`cause`] for an error of the system or of a library.
fn cause_of_io(error: &std::io::Error) -> String {
    let inner = error.get_ref();
    if let Some(error) = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return shown(&format!("TLS: {error}"), 200);
    }
    if let Some(error) = inner.and_then(|inner| inner.downcast_ref::<ureq::Error>()) {
        return cause(error);
    }
    // A failed look-up has no kind of its own.
    if error.to_string().starts_with("failed to lookup address") {
        return "there is no such host".to_owned();
    }
    error.kind().to_string()
}

/// The cause of an error, without any part of the request: its URL and headers may hold secrets.
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

/// The messages of an event stream, read as the filter reads it.
struct Events {
    reader: EventFilter,
    messages: Vec<String>,
}

impl Events {
    fn new() -> Self {
        // All answers together have the same limit, so that no event is longer.
        let limit = usize::try_from(MAX_ANSWERS).unwrap_or(usize::MAX);
        Events { reader: EventFilter::new(limit), messages: Vec::new() }
    }

    /// Takes the next bytes of the stream. Returns whether the last message has a result or an error; later events are
    /// not read.
    ///
    /// # Errors
    /// Data that is not UTF-8.
    fn push(&mut self, bytes: &[u8]) -> anyhow::Result<bool> {
        let (messages, mut answered, mut invalid) = (&mut self.messages, false, false);
        let read = self.reader.push(bytes, &mut Vec::new(), &mut |event| {
            if !event.data.is_empty() && !answered && !invalid {
                match std::str::from_utf8(event.data) {
                    Ok(message) => {
                        answered = is_response(message);
                        messages.push(message.to_owned());
                    }
                    Err(_) => invalid = true,
                }
            }
            EventAction::Vanish
        });
        if invalid {
            bail!("the stream of events is not UTF-8");
        }
        read.map(|()| answered).map_err(|TooLong| anyhow::anyhow!("an event is too long"))
    }
}

/// Whether a message has a result or an error. Text that is not JSON counts too: it may be the response.
fn is_response(message: &str) -> bool {
    json::parse(message.as_bytes(), &Limits::default()).map_or(true, |value| {
        let object = Value::as_object(value);
        object.is_some_and(|object| object.get("result").is_some() || object.get("error").is_some())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_read_up_to_the_response_wherever_it_is_cut() {
        let stream = "\u{feff}: hi\nevent: message\ndata: {\"method\":\"notifications/message\"}\n\ndata: {\"id\":1,\ndata: \"result\":{}}\n\ndata: never\n\n";
        for end in ["\n", "\r", "\r\n"] {
            let stream = stream.replace('\n', end);
            for size in [1, 2, 7, stream.len()] {
                let mut events = Events::new();
                assert!(stream.as_bytes().chunks(size).any(|part| events.push(part).unwrap()));
                let expected = ["{\"method\":\"notifications/message\"}", "{\"id\":1,\n\"result\":{}}"];
                assert_eq!(events.messages, expected, "{end:?}, {size} bytes at a time");
            }
        }
    }

    #[test]
    fn an_event_that_is_not_json_ends_the_stream() {
        assert!(Events::new().push(b"data: {\"id\":1,\"id\":2}\n\n").unwrap());
        assert!(Events::new().push(b"data: \xff\n\n").is_err());
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
    fn an_invalid_header_is_reported_without_its_value() {
        for (name, value) in [("a b", "x"), ("x", "secret\nx")] {
            let header = (name.to_owned(), value.to_owned());
            let error = Endpoint::new("https://x", &[header], Duration::from_secs(1)).err().unwrap();
            assert!(!format!("{error:#}").contains("secret"), "{error:#}");
        }
    }
}
