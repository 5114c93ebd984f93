//! The client's view of a denial: one exhaustive table from reason to wire.
//!
//! Identity problems are HTTP statuses with a challenge (RFC 6750 §3, RFC 9728 §5.1). A policy denial of one
//! call is a JSON-RPC error under HTTP 200, since real clients end their whole session on other statuses. A
//! client learns the reason code, but no rule names.

use crate::mcp::Era;
use crate::reason::Reason;
use crate::token::TokenError;
use policy_wasm::decision::DenyReason;
use policy_wasm::json::writer::Object;

/// A local reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Header fields, `content-type` among them where there is a body.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// For the proxy's access log (`%RESPONSE_CODE_DETAILS%`): `toolward_denied_<reason>` or `toolward_metadata`.
    pub details: String,
}

/// The form in which the client gets a denial of one call; a choice of the configuration for each server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DenialForm {
    /// HTTP 200 with a JSON-RPC error: every client survives it and can distinguish it from a result.
    #[default]
    JsonRpcError,
    /// HTTP 200 with a tool result that has `isError`: the model sees the text.
    ToolError,
    /// HTTP 403 with a JSON-RPC error, for operators whose monitors count statuses. Some clients end their
    /// session.
    Http403,
}

/// JSON-RPC code of a policy denial. Positive, since MCP 2026-07-28 keeps −32768..−32000 for itself and JSON-RPC.
pub const DENIED: i32 = 403;
/// JSON-RPC code where the authorization cluster gave no answer to go by.
pub const UNDECIDED: i32 = 503;
/// JSON-RPC codes of JSON-RPC 2.0 §5.1 and MCP 2026-07-28.
mod code {
    pub const PARSE: i32 = -32700;
    pub const INVALID: i32 = -32600;
    pub const METHOD: i32 = -32601;
    pub const PARAMS: i32 = -32602;
    pub const INTERNAL: i32 = -32603;
    pub const HEADER_MISMATCH: i32 = -32020;
    pub const REVISION: i32 = -32022;
}

/// The content of `WWW-Authenticate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Challenge {
    /// No such header.
    None,
    /// No credentials came: no `error` attribute (RFC 6750 §3.1).
    Bare,
    /// `error="invalid_token"`.
    InvalidToken,
    /// `error="invalid_request"`.
    InvalidRequest,
    /// `error="insufficient_scope"`.
    InsufficientScope,
}

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// HTTP status.
    pub status: u16,
    /// JSON-RPC code.
    pub code: i32,
    /// The challenge.
    pub challenge: Challenge,
    /// The text for the client: the problem, and the way to mend it.
    pub text: &'static str,
    /// Whether this denies one judged call, so that [`DenialForm`] applies.
    pub of_call: bool,
}

const fn http(status: u16, code: i32, text: &'static str) -> Row {
    Row { status, code, challenge: Challenge::None, text, of_call: false }
}

const fn identity(status: u16, challenge: Challenge, text: &'static str) -> Row {
    Row { status, code: DENIED, challenge, text, of_call: false }
}

const fn call(code: i32, text: &'static str) -> Row {
    Row { status: 200, code, challenge: Challenge::None, text, of_call: true }
}

/// The table.
pub const fn row(reason: Reason) -> Row {
    match reason {
        Reason::ConfigurationMissing => {
            http(503, UNDECIDED, "the gateway has no valid configuration; contact its operator")
        }
        Reason::HostFailure => {
            http(503, UNDECIDED, "the gateway and its proxy could not work together; try again")
        }
        Reason::ServerUnknown => {
            http(404, DENIED, "no MCP server is known at this address; check host and path")
        }
        Reason::HttpMethodUnsupported => http(405, DENIED, "use POST, GET or DELETE"),
        Reason::HeaderRepeated => http(
            400,
            code::INVALID,
            "a security-relevant header was sent more than once; send it exactly once",
        ),
        Reason::HeaderInvalid => http(
            400,
            code::INVALID,
            "a security-relevant header is not plain ASCII, or was sent as a trailer",
        ),
        Reason::OriginRefused => http(403, DENIED, "this origin is not allowed"),
        Reason::ContentTypeUnsupported => {
            http(415, code::INVALID, "send Content-Type: application/json in UTF-8")
        }
        Reason::ContentEncodingUnsupported => {
            http(415, code::INVALID, "send the body without Content-Encoding")
        }
        Reason::BodyTooLarge => http(413, code::INVALID, "the body is longer than the gateway's limit"),
        Reason::BodyMissing => http(400, code::INVALID, "a POST needs one JSON-RPC message as its body"),
        Reason::BodyUnexpected => http(400, code::INVALID, "GET and DELETE must not carry a body"),
        Reason::TokenMissing => identity(401, Challenge::Bare, "an access token is required"),
        Reason::AuthorizationMalformed => identity(
            400,
            Challenge::InvalidRequest,
            "send exactly one bearer token, in the Authorization header only",
        ),
        Reason::MessageMalformed => http(400, code::PARSE, "the body is not strict JSON in UTF-8"),
        Reason::MessageAmbiguous => http(
            400,
            code::INVALID,
            "the body is ambiguous: duplicate or lookalike keys, or an unpaired surrogate",
        ),
        Reason::MessageTooComplex => http(
            400,
            code::INVALID,
            "the body is nested too deeply, or a number is beyond the range of a double",
        ),
        Reason::MessageBatch => http(400, code::INVALID, "batches are not accepted; send one message"),
        Reason::BatchDenied => call(DENIED, "another message of the batch was denied; send this one alone"),
        Reason::MessageInvalid => {
            http(400, code::INVALID, "the body is not one JSON-RPC 2.0 request or notification")
        }
        Reason::MessageIdUnusable => {
            http(400, code::INVALID, "a request needs an id that is a string or an integer")
        }
        Reason::MessageResponse => http(400, code::INVALID, "responses are not accepted"),
        Reason::ParamsInvalid => {
            http(400, code::PARAMS, "a parameter that the method needs is missing or malformed")
        }
        Reason::RevisionUnsupported => {
            http(400, code::REVISION, "this protocol revision is not accepted here")
        }
        Reason::HeaderMismatch => {
            http(400, code::HEADER_MISMATCH, "the MCP headers and the body do not agree")
        }
        Reason::MethodUnknown => http(200, code::METHOD, "this method is not permitted here"),
        Reason::NotificationUnknown => http(400, code::INVALID, "this notification is not permitted here"),
        // A legacy client starts anew on 404 (MCP 2025-11-25, session management).
        Reason::SessionUnknown | Reason::SessionForeign => {
            http(404, DENIED, "this session is not known here; start a new one with initialize")
        }
        Reason::SessionExpired => http(404, DENIED, "this session is over; start a new one with initialize"),
        Reason::EndpointRefused => {
            http(502, code::INTERNAL, "the server named a message endpoint that is not its own")
        }
        Reason::RedirectRefused => {
            http(502, code::INTERNAL, "the server redirects its client away from this gateway")
        }
        // Only recorded: the response itself goes on.
        Reason::ChallengeRemoved => {
            http(502, code::INTERNAL, "the server sent a challenge of its own, which was removed")
        }
        // As servers say it of a task that they do not have (MCP 2025-11-25, tasks, error handling).
        Reason::TaskUnknown | Reason::TaskForeign => {
            http(200, code::PARAMS, "unknown task; use an id that this gateway gave you")
        }
        Reason::TaskListRefused => http(
            200,
            code::METHOD,
            "tasks cannot be listed here; ask for each task by the id that this gateway gave you",
        ),
        Reason::CheckDenied => {
            call(DENIED, "the authorization service does not grant the relation that this call needs")
        }
        Reason::CheckConditional => {
            call(DENIED, "the authorization service grants this only under conditions")
        }
        Reason::CheckUnaskable => {
            call(DENIED, "the object of this call has no valid name at the authorization service")
        }
        Reason::CheckUnreachable => {
            call(UNDECIDED, "the authorization service could not be reached; try again later")
        }
        Reason::CheckTimeout => {
            call(UNDECIDED, "the authorization service did not answer in time; try again later")
        }
        Reason::CheckFailed => {
            call(UNDECIDED, "the authorization service answered with an error; try again later")
        }
        Reason::CheckMalformed => {
            call(UNDECIDED, "the authorization service's answer could not be read; try again later")
        }
        Reason::ObligationUnknown => {
            call(DENIED, "the policy requires something that this gateway does not support")
        }
        Reason::ListUnreadable => {
            http(502, code::INTERNAL, "the server's list could not be read, so it was withheld")
        }
        Reason::ListTooLarge => {
            http(502, code::INTERNAL, "the server's list is longer than the gateway's limit")
        }
        Reason::AnswerUnreadable => {
            http(502, code::INTERNAL, "the server's response could not be read, so it was withheld")
        }
        Reason::AnswerTooLarge => {
            http(502, code::INTERNAL, "the server's response is longer than the gateway's limit")
        }
        Reason::Token(error) => token_row(error),
        Reason::Policy(reason) => policy_row(reason),
    }
}

const fn token_row(error: TokenError) -> Row {
    let text = match error {
        TokenError::Malformed => "the access token is malformed",
        TokenError::TypeWrong => "this kind of token is not accepted",
        TokenError::AlgorithmRefused => "the access token's algorithm is not accepted",
        TokenError::CriticalHeader => "the access token requires an extension that is not supported",
        TokenError::IssuerUnknown => "the access token's issuer is not trusted here",
        TokenError::KeyUnknown => "no key of the issuer matches the access token",
        TokenError::SignatureInvalid => "the access token's signature is invalid",
        TokenError::VerifierUnavailable => {
            return http(503, UNDECIDED, "the access token could not be verified; try again");
        }
        TokenError::ClaimsInvalid => "a claim of the access token is missing or malformed",
        TokenError::ChainInvalid => "the access token names no user, or its chain of agents is malformed",
        TokenError::BindingUnsupported => "the access token is bound to a key, which is not supported here",
        TokenError::AudienceWrong => "the access token is for another resource",
        TokenError::Expired => "the access token has expired",
        TokenError::Revoked => "the access token was revoked",
        TokenError::NotYetValid => "the access token is not valid yet",
        TokenError::LifetimeTooLong => "the access token's lifetime is too long",
    };
    identity(401, Challenge::InvalidToken, text)
}

const fn policy_row(reason: DenyReason) -> Row {
    let text = match reason {
        DenyReason::ScopeInsufficient => {
            let text = "the access token lacks the scope for this tool";
            return identity(403, Challenge::InsufficientScope, text);
        }
        DenyReason::PolicyUnreadable => {
            "the policy could not be read for this call; contact the gateway's operator"
        }
        DenyReason::PolicyExpired => "the gateway's policy is out of date; contact its operator",
        DenyReason::ActorMissing => "the access token names no agent",
        DenyReason::ChainTooLong => "the chain of agents between the user and this call is too long",
        DenyReason::ActorUntrusted => "the issuer of an agent in this delegation is not trusted here",
        DenyReason::SubjectNotGranted => "the user has no grant for this server",
        DenyReason::ActorUnknown => "an agent of this delegation has no grant for this server",
        DenyReason::AgentTypeNotAdmitted => "agents of this type may not use this kind of server",
        DenyReason::MethodNotPermitted => "the policy does not permit this method at this server",
        DenyReason::ToolUnknown => "this tool is not in the catalogue",
        DenyReason::PromptUnknown => "this prompt is not in the catalogue",
        DenyReason::ResourceUnknown => "this resource is not in the catalogue",
        DenyReason::UrlNotListed => "the server asked the user to open a page that the policy does not list",
        DenyReason::DefinitionUnaccepted => {
            "this tool's definition has changed and has not been reviewed yet"
        }
        DenyReason::DefinitionExpired => "this version of the tool is no longer accepted",
        DenyReason::Forbidden => "the policy forbids this call",
        DenyReason::ConsentMissing => "the user has not consented to this yet",
        DenyReason::ConsentExpired => "the user's consent has ended; ask for it again",
        DenyReason::ConsentReasonMissing => "the user's consent needs a reason; ask for it again",
        DenyReason::ConsentExceeded => "the user's consent does not cover this",
        DenyReason::TierAboveSubject => "this tool is above the user's ceiling",
        DenyReason::TierAboveActor => "this tool is above the ceiling of an agent of this delegation",
        DenyReason::TierAboveConsent => "this tool is above the tier that the user consented to",
        DenyReason::ArgumentRefused => "an argument is outside what the policy allows",
        DenyReason::ConditionUnmet => "a condition of the policy does not hold for this call",
        DenyReason::ConditionFailed => "a condition of the policy could not be evaluated for this call",
        DenyReason::WorkExceeded => "the policy's conditions need more work for this call than is admitted",
        DenyReason::ArgumentMissing => "an argument that the policy needs is missing",
        DenyReason::ArgumentUnusable => "an argument that the policy needs has an unsupported form",
    };
    call(DENIED, text)
}

/// The known facts when a client gets a denial.
#[derive(Debug, Clone, Copy, Default)]
pub struct Context<'a> {
    /// The request's id as JSON text, where it is usable.
    pub id: Option<&'a str>,
    /// Whether the client speaks a modern revision.
    pub modern: bool,
    /// Whether the message is a `tools/call`.
    pub tool_call: bool,
    /// Whether the message is `initialize`.
    pub initialize: bool,
    /// The server's form for denials of one call.
    pub form: DenialForm,
    /// URL of the server's metadata (RFC 9728), where the server is known.
    pub metadata_url: Option<&'a str>,
    /// Scope for the challenge.
    pub scope: Option<&'a str>,
    /// Decision id, for support.
    pub decision_id: &'a str,
    /// Names of the admitted revisions.
    pub revisions: crate::mcp::revision::Revisions,
    /// The revision that was asked for.
    pub requested: Option<&'a str>,
}

/// The reply for a denial.
pub fn denial(reason: Reason, context: &Context<'_>) -> Reply {
    let row = row(reason);
    let (mut status, mut rpc_code) = (row.status, row.code);
    match reason {
        // MCP 2026-07-28 answers an unknown method with 404; a legacy client would take that for a lost session.
        Reason::MethodUnknown if context.modern => status = 404,
        // A legacy client does not know −32022: the revision's own example for `initialize` is −32602.
        Reason::RevisionUnsupported if context.initialize => (status, rpc_code) = (200, code::PARAMS),
        // A legacy client survives an error for one call, but not a status. A modern client expects 400.
        Reason::ParamsInvalid if !context.modern && context.id.is_some() => status = 200,
        _ if row.of_call && context.form == DenialForm::Http403 => status = 403,
        // Without an id no client awaits a JSON-RPC answer: GET, DELETE, notifications.
        _ if status == 200 && context.id.is_none() => status = 403,
        _ => {}
    }
    let mut headers =
        vec![("content-type", "application/json".to_owned()), ("cache-control", "no-store".to_owned())];
    match reason {
        Reason::HttpMethodUnsupported => headers.push(("allow", "GET, POST, DELETE".to_owned())),
        // RFC 9110 §15.5.16: the coding that would be accepted.
        Reason::ContentEncodingUnsupported => headers.push(("accept-encoding", "identity".to_owned())),
        _ => {}
    }
    if let Some(challenge) = challenge(row, context) {
        headers.push(("www-authenticate", challenge));
    }
    let body = if row.of_call && context.form == DenialForm::ToolError && context.tool_call {
        tool_error(reason, row.text, context)
    } else {
        rpc_error(reason, rpc_code, row.text, context)
    };
    Reply { status, headers, body: body.into_bytes(), details: format!("toolward_denied_{}", reason.code()) }
}

/// `WWW-Authenticate`; every part is from the configuration, the policy or the table, never from the client.
fn challenge(row: Row, context: &Context<'_>) -> Option<String> {
    let mut out = String::from("Bearer");
    let mut part = |name: &str, value: &str| {
        out.push_str(if out.len() == "Bearer".len() { " " } else { ", " });
        for piece in [name, "=\"", value, "\""] {
            out.push_str(piece);
        }
    };
    let error = match row.challenge {
        Challenge::None => return None,
        Challenge::Bare => None,
        Challenge::InvalidToken => Some("invalid_token"),
        Challenge::InvalidRequest => Some("invalid_request"),
        Challenge::InsufficientScope => Some("insufficient_scope"),
    };
    if let Some(error) = error {
        part("error", error);
        part("error_description", row.text);
    }
    if let Some(scope) = context.scope.filter(|scope| !scope.is_empty()) {
        part("scope", scope);
    }
    if let Some(url) = context.metadata_url {
        part("resource_metadata", url);
    }
    Some(out)
}

/// The reason that the client learns. It does not reveal that a task of another caller exists.
pub const fn told(reason: Reason) -> Reason {
    match reason {
        Reason::TaskForeign => Reason::TaskUnknown,
        reason => reason,
    }
}

/// A JSON-RPC error; also the data of the event that stands in for a list.
pub fn rpc_error(reason: Reason, rpc_code: i32, text: &str, context: &Context<'_>) -> String {
    let mut out = String::with_capacity(256);
    let mut message = Object::open(&mut out);
    message.text("jsonrpc", "2.0");
    message.raw("id", context.id.unwrap_or("null"));
    let mut error = message.object("error");
    error.scalar("code", rpc_code);
    error.text("message", text);
    let mut data = error.object("data");
    data.text("reason", told(reason).code());
    data.text("decision_id", context.decision_id);
    if reason == Reason::RevisionUnsupported {
        data.texts("supported", context.revisions.iter().map(|revision| revision.name()));
        data.text_or_null("requested", context.requested);
    }
    data.close();
    error.close();
    message.close();
    out
}

fn tool_error(reason: Reason, text: &str, context: &Context<'_>) -> String {
    let mut out = String::with_capacity(256);
    let mut message = Object::open(&mut out);
    message.text("jsonrpc", "2.0");
    message.raw("id", context.id.unwrap_or("null"));
    let mut result = message.object("result");
    if context.modern {
        result.text("resultType", "complete");
    }
    let text = format!("denied: {text} ({}, decision {})", reason.code(), context.decision_id);
    result.list("content", [text], |out, text| {
        let mut content = Object::open(out);
        content.text("type", "text");
        content.text("text", &text);
        content.close();
    });
    result.scalar("isError", true);
    result.close();
    message.close();
    out
}

/// Whether an era is the modern one.
pub fn is_modern(era: Era) -> bool {
    era == Era::Modern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_stable_words_and_no_two_are_the_same() {
        let codes: Vec<_> = Reason::all().map(Reason::code).collect();
        let mut unique = codes.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), codes.len());
        let word = |code: &&str| code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        assert!(codes.iter().all(word));
    }

    #[test]
    fn every_text_fits_into_a_quoted_challenge() {
        for reason in Reason::all() {
            let quotable = |byte: u8| matches!(byte, 0x20 | 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
            assert!(row(reason).text.bytes().all(quotable), "{}", reason.code());
        }
    }

    #[test]
    fn every_denial_of_a_message_is_a_json_rpc_reply_that_names_its_reason() {
        for reason in Reason::all() {
            for (form, modern) in [
                (DenialForm::JsonRpcError, false),
                (DenialForm::JsonRpcError, true),
                (DenialForm::ToolError, true),
                (DenialForm::Http403, false),
            ] {
                let context = Context {
                    id: Some("\"a\\u0062\""),
                    form,
                    modern,
                    tool_call: true,
                    decision_id: "d",
                    ..Context::default()
                };
                let reply = denial(reason, &context);
                let body: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
                assert_eq!(body["jsonrpc"], "2.0");
                assert_eq!(body["id"], "ab");
                let told = match body.get("error") {
                    Some(error) => error["data"]["reason"].as_str().unwrap().to_owned(),
                    None => body["result"]["content"][0]["text"].as_str().unwrap().to_owned(),
                };
                assert!(told.contains(super::told(reason).code()), "{told}");
            }
        }
    }

    #[test]
    fn an_id_of_null_never_goes_out_under_200() {
        for reason in Reason::all() {
            for form in [DenialForm::JsonRpcError, DenialForm::ToolError, DenialForm::Http403] {
                let context = Context { form, ..Context::default() };
                let reply = denial(reason, &context);
                assert!(reply.status >= 400, "{}", reason.code());
            }
        }
    }

    #[test]
    fn challenges_are_as_rfc_6750_and_9728_want_them() {
        let context = Context {
            metadata_url: Some("https://t.test/.well-known/x"),
            scope: Some("a b"),
            ..Context::default()
        };
        let header = |reason| {
            let reply = denial(reason, &context);
            reply.headers.into_iter().find(|(name, _)| *name == "www-authenticate").map(|(_, value)| value)
        };
        assert_eq!(
            header(Reason::TokenMissing).unwrap(),
            r#"Bearer scope="a b", resource_metadata="https://t.test/.well-known/x""#
        );
        assert_eq!(
            header(Reason::Policy(DenyReason::ScopeInsufficient)).unwrap(),
            r#"Bearer error="insufficient_scope", error_description="the access token lacks the scope for this tool", scope="a b", resource_metadata="https://t.test/.well-known/x""#
        );
        assert_eq!(header(Reason::BodyTooLarge), None);
    }
}
