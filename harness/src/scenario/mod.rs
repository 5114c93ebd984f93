//! Scenarios describe Toolward's visible behaviour as data, for every target. The format is described in
//! `tests/README.md`.
//!
//! ```text
//! *.json ─file─> raw ─load─> Scenario ─request(now)─> Request   (token minted, body, headers)
//!                                └────plugin_configuration()──> the JSON that the filter gets
//! ```
//! After [`load`], only the keys of tokens can still be wrong in a scenario.

mod configuration;
mod file;
mod http;
mod load;
mod request;
mod sealed;

pub use configuration::Fixtures;
pub use file::{ExpectedDecision, ExpectedUpstream, HttpVersion, Tamper, TargetName};
pub use http::{Answer, Fields};
pub use load::{Loaded, load};
pub use request::Request;

use filter::reason::Reason;
use serde_json::{Map, Value};
use std::path::PathBuf;

/// The default of a case's `now`, in Unix seconds: 2026-11-20T22:21:00Z.
pub const DEFAULT_NOW: u64 = 1_795_213_260;

/// One case of a scenario file.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// `<area>/<file>/<name>`, unique in the corpus.
    pub id: String,
    /// The file's subject.
    pub about: String,
    /// The file that contains it.
    pub file: PathBuf,
    /// The policy file.
    pub policy: PathBuf,
    /// The plugin configuration, with the placeholder `"$bundle"` still in it.
    pub configuration: Value,
    /// An attacker made the request, the token or an answer.
    pub hostile: bool,
    /// Unix seconds at the start; targets with a clock of their own use that.
    pub now: u64,
    /// The targets that run it.
    pub targets: Vec<TargetName>,
    /// Its exchanges, in order, in one VM.
    pub exchanges: Vec<Exchange>,
}

/// One HTTP exchange and its expected outcome.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// Time since the case's `now`.
    pub after_seconds: u64,
    /// The client's request; [`Exchange::request`] makes it concrete.
    pub(crate) request: RequestPlan,
    /// The questions to the authorization cluster and its answers, in order.
    pub checks: Vec<Check>,
    /// The response of the MCP server. `None` means the default response, see [`Exchange::answer_to`].
    pub upstream: Option<Answer>,
    /// The expected outcome.
    pub expect: Expect,
}

/// A request without its token.
#[derive(Debug, Clone)]
pub(crate) struct RequestPlan {
    pub method: String,
    pub path: Vec<u8>,
    pub authority: String,
    pub http: HttpVersion,
    /// All header fields; `None` marks the position of `authorization`, if there is a token.
    pub fields: Vec<Option<(String, Vec<u8>)>>,
    pub token: Option<TokenPlan>,
    /// The body, cut at the offsets of the chunks; `None` for no body at all.
    pub body: Option<Vec<u8>>,
    pub chunks: Vec<usize>,
    pub trailers: Vec<(String, Vec<u8>)>,
}

/// A token to mint.
#[derive(Debug, Clone)]
pub(crate) enum TokenPlan {
    /// As it is.
    Raw(String),
    /// Signed when the request is made.
    Mint {
        /// Name of a key in `tests/keys`.
        key: String,
        /// The JOSE header, without the members that the key sets.
        header: Map<String, Value>,
        /// The claims; `{"now": n}` is `n` seconds after the exchange's time.
        claims: Map<String, Value>,
        /// Changed after signing.
        tamper: Option<Tamper>,
    },
}

/// A question to the authorization cluster, and its outcome.
#[derive(Debug, Clone)]
pub struct Check {
    /// The question.
    pub question: Question,
    /// The outcome.
    pub answer: CheckAnswer,
}

/// A relationship question in short form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, serde::Serialize)]
pub struct Question {
    /// `type:id`.
    pub object: String,
    /// Relation or permission.
    pub relation: String,
    /// `type:id`.
    pub subject: String,
}

impl Question {
    /// Reads the body of a SpiceDB `POST /v1/permissions/check`.
    ///
    /// # Errors
    /// A text that names the missing part.
    pub fn from_spicedb(body: &[u8]) -> Result<Question, String> {
        let value: Value =
            serde_json::from_slice(body).map_err(|error| format!("the question is not JSON: {error}"))?;
        let text = |pointer: &str| {
            value
                .pointer(pointer)
                .and_then(Value::as_str)
                .map(str::to_owned)
                .ok_or_else(|| format!("the question has no text at `{pointer}`"))
        };
        Ok(Question {
            object: format!("{}:{}", text("/resource/objectType")?, text("/resource/objectId")?),
            relation: text("/permission")?,
            subject: format!("{}:{}", text("/subject/object/objectType")?, text("/subject/object/objectId")?),
        })
    }
}

impl std::fmt::Display for Question {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {}", self.object, self.relation, self.subject)
    }
}

/// The outcome of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckAnswer {
    /// An HTTP response.
    Http(Answer),
    /// No answer until the caller's own timeout.
    Timeout,
    /// The connection is reset.
    Reset,
}

/// Whether the filter denies a response for this reason, after it permitted the request.
pub(crate) fn denies_response(reason: &str) -> bool {
    let reasons = [
        Reason::ListUnreadable,
        Reason::ListTooLarge,
        Reason::AnswerUnreadable,
        Reason::AnswerTooLarge,
        Reason::EndpointRefused,
        Reason::RedirectRefused,
    ];
    reasons.iter().any(|denied| denied.code() == reason)
}

/// The expected outcome of an exchange.
#[derive(Debug, Clone)]
pub struct Expect {
    /// The decision of the one record.
    pub decision: ExpectedDecision,
    /// The record's reason; `allowed` for a permit.
    pub reason: Option<String>,
    /// HTTP status.
    pub status: Option<u16>,
    /// Response fields that must be there, exactly: all values of each name, in order.
    pub headers: Fields,
    /// Response fields that must not be there.
    pub absent_headers: Vec<String>,
    /// The response is ended by the filter in its middle.
    pub cut: bool,
    /// The records about the server's messages, after that of the request: `permit` or `deny`, and the reason.
    pub from_server: Vec<(String, String)>,
    /// The response's body as JSON.
    pub body: Option<Value>,
    /// The response's body as bytes.
    pub body_text: Option<String>,
    /// Texts in the response's body.
    pub body_includes: Vec<String>,
    /// The request that the upstream saw.
    pub upstream: ExpectedUpstream,
    /// The path and query that reached the upstream, where they are not the client's.
    pub upstream_path: Option<String>,
    /// The body that reached the upstream, if it is not the client's.
    pub upstream_body: Option<String>,
    /// The denial that a ping carries to the upstream in the place of the request (HTTP with SSE).
    pub upstream_denial: Option<Value>,
    /// Request fields that reached the upstream.
    pub upstream_headers: Fields,
    /// Request fields that did not.
    pub upstream_absent_headers: Vec<String>,
    /// Fields of the decision record: path with dots, value.
    pub record: Map<String, Value>,
    /// The same of each record, in order, where one request has several decisions: `result` and `reason` are needed.
    pub records: Vec<Map<String, Value>>,
}
