//! The head of a request: which server it is for, and who calls.

use crate::config::Config;
use crate::http::reference::ExpectedEndpoint;
use crate::http::{Fields, media};
use crate::mcp::headers::Mirrored;
use crate::mcp::revision::Revisions;
use crate::pep::audit::Audit;
use crate::pep::caller::Caller;
use crate::pep::cross_origin;
use crate::pep::request::forward::UpstreamEdits;
use crate::pep::request::head::{self, Credentials, Head};
use crate::pep::session_id::Session;
use crate::pep::sse_endpoint::{self, LegacyPost};
use crate::pep::{ConnectionFacts, Pep};
use crate::reason::Reason;
use crate::reply::Reply;
use crate::token::TokenError;
use policy_wasm::bundle::{OwnedServer, Server};
use policy_wasm::pdp::Work;
use std::rc::Rc;

/// The HTTP method of a request that is admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::pep) enum Verb {
    /// Carries a message.
    Post,
    /// Opens a stream of the server's messages.
    Get,
    /// Ends a session.
    Delete,
}

impl Verb {
    /// The method that policies name for a request without a message.
    pub(in crate::pep) const fn policy_method(self) -> &'static str {
        match self {
            Verb::Get => "http/get",
            Verb::Post | Verb::Delete => "http/delete",
        }
    }
}

/// A request whose head passed: the caller, and everything that the body phase needs of the head.
pub(in crate::pep) struct Admitted {
    pub(in crate::pep) caller: Caller,
    pub(in crate::pep) verb: Verb,
    pub(in crate::pep) mirrored: Mirrored,
    pub(in crate::pep) edits: UpstreamEdits,
    pub(in crate::pep) session: Session,
    /// The message came by HTTP with SSE.
    pub(in crate::pep) legacy_post: Option<LegacyPost>,
    /// The endpoint that the stream may begin with.
    pub(in crate::pep) endpoint: Option<ExpectedEndpoint>,
    /// The work that is left for the decisions about this request.
    pub(in crate::pep) work: Work,
}

impl Admitted {
    /// The revisions that are admitted for this request.
    ///
    /// # Errors
    /// `policy_unreadable`.
    pub(in crate::pep) fn revisions(&self) -> Result<Revisions, Reason> {
        let admitted = self.caller.revisions()?;
        Ok(if self.legacy_post.is_some() { admitted.by_sse() } else { admitted })
    }

    /// The header fields that the server gets in place of the client's sealed ids.
    pub(in crate::pep) fn upstream_fields(&self) -> Vec<(&'static str, String)> {
        let target = self.legacy_post.as_ref().and_then(LegacyPost::upstream);
        self.session.upstream().into_iter().chain(target).collect()
    }
}

/// The end of a request at its head.
pub(in crate::pep) enum Refused {
    Denied(Reason),
    /// The filter's own metadata.
    Answered(Reply),
}

impl<R: Into<Reason>> From<R> for Refused {
    fn from(reason: R) -> Self {
        Refused::Denied(reason.into())
    }
}

/// Reads a head, and notes every fact for the audit as it becomes known.
///
/// # Errors
/// A denial with its reason, or the filter's own answer.
pub(in crate::pep) fn authenticate(
    pep: &Rc<Pep>,
    connection: ConnectionFacts,
    fields: &Fields<'_>,
    audit: &mut Audit,
) -> Result<Admitted, Refused> {
    let mut head = head::read(fields);
    audit.http_method = head.method.to_owned();
    audit.path = head.path.to_owned();
    audit.request_id = head.request_id.map(str::to_owned);
    let config = &pep.config;

    let belongs = |index: u32| {
        let server = config.bundle.server(index);
        server.is_some_and(|server| {
            config.bundle.server_at(head.authority, server.path()).is_some_and(|at| at.index() == index)
        })
    };
    if let Some(reply) = pep.metadata.answer(head.method, head.path, belongs) {
        return Err(Refused::Answered(reply));
    }
    if head.is_preflight() {
        head.fault.map_or(Ok(()), Err)?;
        config.server_at(head.authority, head.path).ok_or(Reason::ServerUnknown)?;
        let origin =
            head.origin.filter(|origin| config.allowed_origins.iter().any(|allowed| allowed == origin));
        let origin = origin.ok_or(Reason::OriginRefused)?;
        return Err(Refused::Answered(cross_origin::preflight(origin, head.requested_fields)));
    }
    let verb = match head.method {
        "POST" => Verb::Post,
        "GET" => Verb::Get,
        "DELETE" => Verb::Delete,
        _ => return Err(Reason::HttpMethodUnsupported.into()),
    };
    let server = config.server_at(head.authority, head.path).ok_or(Reason::ServerUnknown)?;
    let by_sse = verb == Verb::Post && sse_endpoint::is_posted(config, server, head.path, head.query);
    if !by_sse && head.path != server.path() {
        return Err(Reason::ServerUnknown.into());
    }
    let owned = OwnedServer::at(&config.bundle, server.index()).ok_or(Reason::ServerUnknown)?;
    audit.server = Some(owned.clone());
    if let Some(fault) = head.fault {
        return Err(fault.into());
    }
    if head.origin.is_some_and(|origin| !config.allowed_origins.iter().any(|allowed| allowed == origin)) {
        return Err(Reason::OriginRefused.into());
    }
    audit.origin = head.origin.map(str::to_owned);
    let token = match head::credentials(head.authorization) {
        _ if head::credential_in_query(head.query) => return Err(Reason::AuthorizationMalformed.into()),
        Credentials::Bearer(token) => token,
        Credentials::None => return Err(Reason::TokenMissing.into()),
        Credentials::Malformed => return Err(Reason::AuthorizationMalformed.into()),
    };
    let now = audit.now();
    let delegation = config.verifier.verify(token, now, server.resource()).map_err(Reason::Token)?;
    audit.delegation = Some(Rc::clone(&delegation));
    if pep.revocations.revoke(&delegation) {
        return Err(Reason::Token(TokenError::Revoked).into());
    }
    let caller = Caller::new(Rc::clone(pep), delegation, connection, owned);

    let session = Session::open(&caller, head.session, now)?;
    let legacy_post = match by_sse {
        true => Some(LegacyPost::open(&caller, (head.path, head.query), now)?),
        false => None,
    };
    head.mirrored.by_sse = by_sse;
    let identity = |encoding: &str| encoding.eq_ignore_ascii_case("identity");
    if head.content_encoding.is_some_and(|encoding| !identity(encoding)) {
        return Err(Reason::ContentEncodingUnsupported.into());
    }
    if verb == Verb::Post && !head.content_type.is_some_and(media::is_json) {
        return Err(Reason::ContentTypeUnsupported.into());
    }
    let edits = UpstreamEdits::of(&head, config.keep_authorization, config.sessions.is_some());
    let legacy = || caller.revisions().is_ok_and(|admitted| !admitted.by_sse().is_empty());
    let endpoint = expected_endpoint(config, server, &head).filter(|_| legacy());
    let (mirrored, work) = (head.mirrored, Work::default());
    Ok(Admitted { caller, verb, mirrored, edits, session, legacy_post, endpoint, work })
}

/// The endpoint that the stream of a GET may begin with. A session of a later transport has none.
fn expected_endpoint(config: &Config, server: Server<'_>, head: &Head<'_>) -> Option<ExpectedEndpoint> {
    let messages = config.server(server.index()).messages.as_ref()?;
    (head.method == "GET" && head.session.is_none()).then(|| ExpectedEndpoint {
        authority: head.authority.to_owned(),
        stream_path: head.path.to_owned(),
        messages_path: messages.clone(),
    })
}
