//! Every reason to deny, with its stable code. [`crate::reply`] alone says how a client sees each.

use crate::mcp::MessageError;
use crate::sealed_id::OpenError;
use crate::token::TokenError;
use policy_wasm::decision::DenyReason;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal),+ $(,)?) => {
        /// Why the PEP denies, apart from the PDP's reasons ([`Reason::Policy`]) and the token's ([`Reason::Token`]).
        ///
        /// INVARIANT (exhaustive reasons): no catch-all; a new one breaks the build until it has a reply, and the
        /// tests until it has a scenario.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason {
            $($(#[$doc])* $name,)+
            /// The token was refused.
            Token(TokenError),
            /// The policy denies.
            Policy(DenyReason),
        }

        impl Reason {
            /// The stable snake_case code in records, metric labels, replies and docs.
            pub const fn code(self) -> &'static str {
                match self {
                    $(Reason::$name => $code,)+
                    Reason::Token(error) => error.code(),
                    Reason::Policy(reason) => reason.code(),
                }
            }

            /// Every reason there is, for tests, metrics and docs.
            pub fn all() -> impl Iterator<Item = Reason> {
                [$(Reason::$name),+].into_iter()
                    .chain(TokenError::ALL.into_iter().map(Reason::Token))
                    .chain(DenyReason::ALL.into_iter().map(Reason::Policy))
            }
        }
    };
}

reasons! {
    /// The filter has no configuration it could decide with.
    ConfigurationMissing = "configuration_missing",
    /// The host gave something that cannot be: headers or a body that could not be read.
    HostFailure = "host_failure",
    /// No server of the policy has this authority and path.
    ServerUnknown = "server_unknown",
    /// Another HTTP method than POST, GET, DELETE (or OPTIONS and GET on the metadata).
    HttpMethodUnsupported = "http_method_unsupported",
    /// A header that decides something came more than once.
    HeaderRepeated = "header_repeated",
    /// A header that decides something has bytes or a form that two readers could take differently, or is a trailer.
    HeaderInvalid = "header_invalid",
    /// `Origin` is not on the list (MCP: servers must validate it).
    OriginRefused = "origin_refused",
    /// `Content-Type` is not `application/json` (charset absent or UTF-8).
    ContentTypeUnsupported = "content_type_unsupported",
    /// The request's body is encoded (`Content-Encoding`).
    ContentEncodingUnsupported = "content_encoding_unsupported",
    /// The body is longer than the limit.
    BodyTooLarge = "body_too_large",
    /// A POST without a body.
    BodyMissing = "body_missing",
    /// A GET or DELETE with a body, which some servers would read.
    BodyUnexpected = "body_unexpected",
    /// No credentials.
    TokenMissing = "token_missing",
    /// `Authorization` is not one `Bearer` token.
    AuthorizationMalformed = "authorization_malformed",
    /// The body is not strict JSON.
    MessageMalformed = "message_malformed",
    /// The body is JSON that two readers could take differently: repeated keys, case variants, lone surrogates.
    MessageAmbiguous = "message_ambiguous",
    /// Nested deeper than the limit, or a number beyond the range of every reader.
    MessageTooComplex = "message_too_complex",
    /// A batch (2025-03-26 only) where batches are not judged, or a batch that cannot be judged.
    MessageBatch = "message_batch",
    /// Another message of the batch was denied.
    BatchDenied = "batch_denied",
    /// Not one JSON-RPC 2.0 request or notification.
    MessageInvalid = "message_invalid",
    /// A request method without a usable id.
    MessageIdUnusable = "message_id_unusable",
    /// A JSON-RPC response from a client of a revision in which servers ask nothing of clients.
    MessageResponse = "message_response",
    /// `params` lacks what the method needs or has it in the wrong shape.
    ParamsInvalid = "params_invalid",
    /// A protocol revision that is not admitted.
    RevisionUnsupported = "revision_unsupported",
    /// The mirrored headers and the body disagree, or belong to different eras.
    HeaderMismatch = "header_mismatch",
    /// A method that the table does not list.
    MethodUnknown = "method_unknown",
    /// A notification that the table does not list.
    NotificationUnknown = "notification_unknown",
    /// The gateway did not give this session id, or the id was changed.
    SessionUnknown = "session_unknown",
    /// The session belongs to another subject, another tenant, another agent or another server.
    SessionForeign = "session_foreign",
    /// The session has lasted as long as it may, or was not used for too long.
    SessionExpired = "session_expired",
    /// The server named an endpoint for messages that is not its own, or named one where none is expected.
    EndpointRefused = "endpoint_refused",
    /// The server sends its client to where no server of the policy is.
    RedirectRefused = "redirect_refused",
    /// The server sent a challenge of its own (`WWW-Authenticate`), which the gateway removed.
    ChallengeRemoved = "challenge_removed",
    /// The gateway did not give this task id, or the id was changed.
    TaskUnknown = "task_unknown",
    /// The task belongs to another subject, another agent or another server, or the request did not name it.
    TaskForeign = "task_foreign",
    /// Tasks would be listed, and the gateway cannot know their owners.
    TaskListRefused = "task_list_refused",
    /// The authorization cluster said no.
    CheckDenied = "check_denied",
    /// The authorization cluster said "it depends".
    CheckConditional = "check_conditional",
    /// The object or subject cannot be named at the authorization cluster.
    CheckUnaskable = "check_unaskable",
    /// The authorization cluster could not be asked: no such cluster, reset, no answer.
    CheckUnreachable = "check_unreachable",
    /// The authorization cluster did not answer in time.
    CheckTimeout = "check_timeout",
    /// The authorization cluster answered with an error status.
    CheckFailed = "check_failed",
    /// The authorization cluster's answer could not be read.
    CheckMalformed = "check_malformed",
    /// An obligation that this PEP does not understand.
    ObligationUnknown = "obligation_unknown",
    /// The server's list could not be read, so it is not shown.
    ListUnreadable = "list_unreadable",
    /// The server's list is longer than the limit.
    ListTooLarge = "list_too_large",
    /// The server's message could not be read, or could be read in two ways, so it is not passed.
    AnswerUnreadable = "answer_unreadable",
    /// An answer, or one event of a stream, is longer than the limit.
    AnswerTooLarge = "answer_too_large",
}

impl From<MessageError> for Reason {
    fn from(error: MessageError) -> Reason {
        match error {
            MessageError::Malformed => Reason::MessageMalformed,
            MessageError::Ambiguous => Reason::MessageAmbiguous,
            MessageError::TooComplex => Reason::MessageTooComplex,
            MessageError::Batch => Reason::MessageBatch,
            MessageError::Invalid => Reason::MessageInvalid,
            MessageError::IdUnusable => Reason::MessageIdUnusable,
            MessageError::Response => Reason::MessageResponse,
            MessageError::ParamsInvalid => Reason::ParamsInvalid,
            MessageError::RevisionUnsupported => Reason::RevisionUnsupported,
            MessageError::HeaderMismatch => Reason::HeaderMismatch,
            MessageError::MethodUnknown => Reason::MethodUnknown,
            MessageError::NotificationUnknown => Reason::NotificationUnknown,
        }
    }
}

impl From<OpenError> for Reason {
    fn from(error: OpenError) -> Reason {
        match error {
            OpenError::Unknown => Reason::SessionUnknown,
            OpenError::Foreign => Reason::SessionForeign,
            OpenError::Expired => Reason::SessionExpired,
        }
    }
}
