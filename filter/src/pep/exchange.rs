//! One HTTP exchange, request side: from the head to a permit or a denial.

use crate::callout::{CheckAnswer, HttpAnswer, HttpCall, spicedb};
use crate::http::Fields;
use crate::http::{media, reference::ExpectedEndpoint};
use crate::mcp::client_message::{self, Message, Request};
use crate::mcp::headers::Mirrored;
use crate::mcp::placement;
use crate::mcp::revision::Revision;
use crate::mcp::target::Target;
use crate::mcp::{Era, MessageError, Method};
use crate::pep::audit::{Matter, Story};
use crate::pep::connection::ConnectionFacts;
use crate::pep::denial_ping::Relay;
use crate::pep::event::{Effect, Event, Flow};
use crate::pep::grant::{Grant, PendingGrant, Progress};
use crate::pep::request::forward::Onward;
use crate::pep::request::head::{self, Credentials};
use crate::pep::request::{evaluation_request, param_agreement};
use crate::pep::response::{self, Response};
use crate::pep::session_id::Session;
use crate::pep::sse_endpoint::{self, Posted};
use crate::pep::tool_definitions::Digest;
use crate::pep::{Pep, Permit, recorded_arguments};
use crate::reason::Reason;
use crate::record::{CheckTrace, DecisionRecord, SeenDefinition};
use crate::reply::Reply;
use crate::token::{TokenError, VerifiedDelegation};
use policy_wasm::bundle::Acceptance;
use policy_wasm::decision::{DenyReason, RelationCheck};
use policy_wasm::model::Action;
use policy_wasm::pdp;
use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;

/// One HTTP exchange.
pub struct Exchange {
    pep: Option<Rc<Pep>>,
    story: Story,
    state: State,
}

enum State {
    ExpectHeaders,
    ExpectBody(Accepted),
    ExpectCheck(Box<Pending>),
    ExpectResponse(Permitted),
    Denied,
}

/// A head that passed: what the body phase needs of it.
struct Accepted {
    delegation: Rc<VerifiedDelegation>,
    mirrored: Mirrored,
    onward: Onward,
    /// Whether the HTTP method carries a message (POST) or must not (GET, DELETE).
    message: bool,
    /// What the stream that is asked for may begin with.
    opening: Option<ExpectedEndpoint>,
}

/// Decisions that permit, with questions still open.
struct Pending {
    accepted: Accepted,
    asked: Question,
    grants: Grants,
    response: Response,
}

/// The check that one matter's grant waits for.
struct Question {
    matter: usize,
    check: RelationCheck,
    grant: PendingGrant,
}

/// The grants of all matters.
#[derive(Default)]
struct Grants {
    /// Of matters by number, in order.
    pending: VecDeque<(usize, PendingGrant)>,
    granted: Vec<Grant>,
}

/// The request went on.
struct Permitted {
    response: Response,
}

/// A denial, or a reply that is none.
enum Outcome {
    Deny(Reason),
    Answer(Reply),
}

impl From<Reason> for Outcome {
    fn from(reason: Reason) -> Self {
        Outcome::Deny(reason)
    }
}

impl Exchange {
    /// A new exchange. `decision_id` is unique, made by the host. With `None` for the PEP everything is denied.
    pub fn new(pep: Option<Rc<Pep>>, decision_id: String) -> Exchange {
        Exchange { pep, story: Story { decision_id, ..Story::default() }, state: State::ExpectHeaders }
    }

    /// Whether the policy may look at the connection: then the host tells of it before the first event.
    pub fn reads_connection(&self) -> bool {
        self.pep.as_ref().is_some_and(|pep| pep.config.bundle.has_conditions())
    }

    /// How the caller is connected.
    pub fn set_connection(&mut self, connection: ConnectionFacts) {
        self.story.connection = connection;
    }

    /// Handles one event. The effects are to be carried out in order.
    pub fn handle(&mut self, event: Event<'_>) -> Vec<Effect> {
        let Some(pep) = self.pep.clone() else {
            return match event {
                Event::RequestHeaders { now_ms, .. } if !matches!(self.state, State::Denied) => {
                    self.story.now_ms = now_ms;
                    self.deny(None, Reason::ConfigurationMissing)
                }
                _ => Vec::new(),
            };
        };
        let state = std::mem::replace(&mut self.state, State::Denied);
        let result = match (state, event) {
            (State::ExpectHeaders, Event::RequestHeaders { now_ms, fields, end_of_stream }) => {
                self.story.now_ms = now_ms;
                self.on_head(&pep, fields, end_of_stream)
            }
            (State::ExpectBody(accepted), Event::RequestBuffered { bytes }) => {
                if bytes > self.story.settings(&pep).max_body_bytes {
                    Err(Reason::BodyTooLarge.into())
                } else {
                    self.state = State::ExpectBody(accepted);
                    Ok(Vec::new())
                }
            }
            (State::ExpectBody(accepted), Event::RequestTrailers { fields }) => {
                if head::decides_in_trailers(fields) {
                    Err(Reason::HeaderInvalid.into())
                } else {
                    self.state = State::ExpectBody(accepted);
                    Ok(Vec::new())
                }
            }
            (State::ExpectBody(accepted), Event::RequestBody { now_ms, body }) => {
                self.story.now_ms = now_ms;
                self.on_body(&pep, accepted, body)
            }
            (State::ExpectCheck(pending), Event::CallAnswered { now_ms, answer }) => {
                self.story.now_ms = now_ms;
                self.on_answer(&pep, *pending, answer)
            }
            (
                State::ExpectResponse(mut permitted),
                event @ (Event::ResponseHeaders { .. }
                | Event::ResponseBuffered { .. }
                | Event::ResponseBody { .. }
                | Event::Tick { .. }),
            ) => {
                let effects = self.on_response(&pep, &mut permitted.response, event);
                self.state = State::ExpectResponse(permitted);
                Ok(effects)
            }
            // A reply of the proxy's own, or a callback out of order: nothing changes, and a held request stays held.
            (state, _) => {
                self.state = state;
                Ok(Vec::new())
            }
        };
        match result {
            Ok(effects) => effects,
            Err(Outcome::Deny(reason)) => self.deny(Some(&pep), reason),
            Err(Outcome::Answer(reply)) => {
                self.state = State::Denied;
                vec![Effect::Reply(reply)]
            }
        }
    }

    /// The host could not give what an event needs, or did not carry out an effect: the exchange is over, whatever was
    /// decided. Returns its record, and the reply where one can still be sent.
    pub fn fail(&mut self) -> (DecisionRecord, Reply) {
        self.state = State::Denied;
        let pep = self.pep.as_deref();
        let reply = self.story.refusal(pep, Reason::HostFailure, None);
        (self.story.record(pep, Some(Reason::HostFailure)), reply)
    }

    /// Whether the request side may go on; [`Flow::Pass`] only once a permit was issued.
    pub fn request_flow(&self) -> Flow {
        match self.state {
            State::ExpectResponse(_) => Flow::Pass,
            State::ExpectHeaders | State::ExpectBody(_) | State::ExpectCheck(_) | State::Denied => Flow::Hold,
        }
    }

    /// Whether the response side may go on. Replies of the filter and of the proxy always may.
    pub fn response_flow(&self) -> Flow {
        match &self.state {
            State::ExpectResponse(permitted) => permitted.response.flow(),
            _ => Flow::Pass,
        }
    }

    /// Whether the response needs judging at all; where not, the host need not read it.
    pub fn judges_response(&self) -> bool {
        let sessions = self.pep.as_ref().is_some_and(|pep| pep.config.sessions.is_some());
        matches!(&self.state, State::ExpectResponse(permitted) if sessions || permitted.response.judges())
    }

    /// Whether it wants [`Event::Tick`]: the response is a stream that may be open for long, or the request takes long
    /// and is a use of its session all the while.
    pub fn wants_ticks(&self) -> bool {
        let session = self.story.session.wants_ticks();
        self.streams() || session && matches!(self.state, State::ExpectResponse(_))
    }

    /// Whether the response is a stream.
    pub fn streams(&self) -> bool {
        matches!(&self.state, State::ExpectResponse(permitted) if permitted.response.streams())
    }

    fn deny(&mut self, pep: Option<&Pep>, reason: Reason) -> Vec<Effect> {
        self.state = State::Denied;
        let (records, reply) = self.story.denial(pep, reason);
        let mut effects: Vec<Effect> = records.into_iter().map(Effect::Record).collect();
        let told = self.story.told_by_sse(pep, reason, reply);
        if matches!(told, Effect::Forward { .. }) {
            self.state = State::ExpectResponse(Permitted { response: Response::word() });
        }
        effects.push(told);
        effects
    }

    fn on_head(
        &mut self,
        pep: &Pep,
        fields: &Fields<'_>,
        end_of_stream: bool,
    ) -> Result<Vec<Effect>, Outcome> {
        let mut head = head::read(fields);
        self.story.http_method = head.method.to_owned();
        self.story.path = head.path.to_owned();
        self.story.request_id = head.request_id.map(str::to_owned);
        let config = &pep.config;

        let belongs = |index: u32| {
            let server = config.bundle.server(index);
            server.is_some_and(|server| {
                config.bundle.server_at(head.authority, server.path()).is_some_and(|at| at.index() == index)
            })
        };
        if let Some(reply) = pep.metadata.answer(head.method, head.path, belongs) {
            return Err(Outcome::Answer(reply));
        }
        if !matches!(head.method, "POST" | "GET" | "DELETE") {
            return Err(Reason::HttpMethodUnsupported.into());
        }
        let message = head.method == "POST";
        let server = config.server_at(head.authority, head.path).ok_or(Reason::ServerUnknown)?;
        let by_sse = message && sse_endpoint::is_posted(config, server, head.path, head.query);
        if !by_sse && head.path != server.path() {
            return Err(Reason::ServerUnknown.into());
        }
        self.story.server = Some(server.index());
        if let Some(fault) = head.fault {
            return Err(fault.into());
        }
        if head.origin.is_some_and(|origin| !config.allowed_origins.iter().any(|allowed| allowed == origin)) {
            return Err(Reason::OriginRefused.into());
        }
        let token = match head::credentials(head.authorization) {
            _ if head::credential_in_query(head.query) => return Err(Reason::AuthorizationMalformed.into()),
            Credentials::Bearer(token) => token,
            Credentials::None => return Err(Reason::TokenMissing.into()),
            Credentials::Malformed => return Err(Reason::AuthorizationMalformed.into()),
        };
        let now = self.story.now_ms / 1000;
        let delegation = config.verifier.verify(token, now, server.resource()).map_err(Reason::Token)?;
        self.story.delegation = Some(Rc::clone(&delegation));
        if pep.revocations.revoke(&delegation) {
            return Err(Reason::Token(TokenError::Revoked).into());
        }

        self.story.session = Session::open(pep, &delegation, server.resource(), head.session, now)?;
        if by_sse {
            let sent = (head.path, head.query);
            self.story.posted = Some(Posted::open(pep, &delegation, server.resource(), sent, now)?);
            head.mirrored.by_sse = true;
        }
        let identity = |encoding: &str| encoding.eq_ignore_ascii_case("identity");
        if head.content_encoding.is_some_and(|encoding| !identity(encoding)) {
            return Err(Reason::ContentEncodingUnsupported.into());
        }
        if message && !head.content_type.is_some_and(media::is_json) {
            return Err(Reason::ContentTypeUnsupported.into());
        }
        let onward = Onward::of(&head, config.keep_authorization, config.sessions.is_some());
        let posted = self.story.posted.as_mut();
        posted.into_iter().for_each(|posted| posted.onward = onward.unmirrored(&head.mirrored));
        let admitted = || self.story.revisions(pep).is_ok_and(|admitted| !admitted.by_sse().is_empty());
        let opening = sse_endpoint::expected(config, server, &head).filter(|_| admitted());
        let accepted = Accepted { delegation, mirrored: head.mirrored, onward, message, opening };
        if end_of_stream {
            return self.on_body(pep, accepted, b"");
        }
        self.state = State::ExpectBody(accepted);
        Ok(Vec::new())
    }

    fn on_body(&mut self, pep: &Pep, accepted: Accepted, body: &[u8]) -> Result<Vec<Effect>, Outcome> {
        if body.len() > self.story.settings(pep).max_body_bytes {
            return Err(Reason::BodyTooLarge.into());
        }
        if !accepted.message {
            if !body.is_empty() {
                return Err(Reason::BodyUnexpected.into());
            }
            let stream = || Response::stream(accepted.opening.clone());
            let response = if self.story.http_method == "GET" { stream() } else { Response::pass() };
            let mut grants = Grants::default();
            self.judge(pep, &accepted, Matter::default(), &Action::UseServer, &mut grants)?;
            return self.proceed(pep, accepted, grants, response);
        }
        if body.is_empty() {
            return Err(Reason::BodyMissing.into());
        }
        self.story.modern = accepted.mirrored.is_modern();
        self.story.requested_revision = accepted.mirrored.revision.clone();
        match client_message::read(body, &pep.limits) {
            Ok(message) => self.on_message(pep, accepted, &message, body),
            Err(refusal) if refusal.error == MessageError::Batch => self.on_batch(pep, accepted, body),
            Err(refusal) => {
                self.story.modern |= refusal.modern;
                let id = refusal.id.map(|id| id.raw().to_owned());
                self.story.matters.push(Matter { id, ..Matter::default() });
                Err(Reason::from(refusal.error).into())
            }
        }
    }

    fn on_message(
        &mut self,
        pep: &Pep,
        accepted: Accepted,
        message: &Message<'_>,
        body: &[u8],
    ) -> Result<Vec<Effect>, Outcome> {
        let mut grants = Grants::default();
        let revision = self.judge_message(pep, &accepted, message, body, &mut grants)?;
        self.story.edit_body(body)?;
        let response = match message {
            _ if self.story.posted.is_some() => Response::word(),
            Message::Request(Request { id: Some(id), method, .. }) => {
                Response::answer(id.raw(), *method, revision)
            }
            _ => Response::messages(),
        };
        self.proceed(pep, accepted, grants, response)
    }

    /// Judges each message of a batch by itself; one that is denied denies all.
    fn on_batch(&mut self, pep: &Pep, accepted: Accepted, body: &[u8]) -> Result<Vec<Effect>, Outcome> {
        let judged = self.story.settings(pep).judges_batches;
        if !judged || !placement::admits_batches(&accepted.mirrored, self.story.revisions(pep)?) {
            return Err(Reason::MessageBatch.into());
        }
        let messages = client_message::read_batch(body, &pep.limits).map_err(Reason::from)?;
        self.story.batch = true;
        let mut grants = Grants::default();
        for message in &messages {
            let before = self.story.matters.len();
            if let Err(reason) = self.judge_message(pep, &accepted, message, body, &mut grants) {
                // A message that is denied before it has matters of its own is one all the same.
                if self.story.matters.len() == before {
                    self.story.matters.push(evaluation_request::matter_of(message));
                }
                self.story.blame(self.story.matters.len().saturating_sub(1), reason);
            }
        }
        if let Some(reason) = self.story.matters.iter().find_map(|matter| matter.denied) {
            return Err(reason.into());
        }
        self.story.edit_body(body)?;
        self.proceed(pep, accepted, grants, Response::messages())
    }

    /// TaskRefs a message in a revision and judges what it asks for, up to the first denial.
    fn judge_message(
        &mut self,
        pep: &Pep,
        accepted: &Accepted,
        message: &Message<'_>,
        body: &[u8],
        grants: &mut Grants,
    ) -> Result<Revision, Reason> {
        let mirrored = &accepted.mirrored;
        let placed = match message {
            Message::Request(request) => {
                self.story.meet(&request.meta, request.requested_revision.as_deref());
                self.story
                    .revisions(pep)
                    .and_then(|admitted| Ok(placement::place_request(mirrored, request, admitted)?))
            }
            Message::Response { .. } => self
                .story
                .revisions(pep)
                .and_then(|admitted| Ok(placement::place_response(mirrored, admitted)?)),
            Message::Unlisted { id, method, meta } => {
                self.story.meet(meta, None);
                let placed = self
                    .story
                    .revisions(pep)
                    .and_then(|admitted| Ok(placement::place_unlisted(mirrored, method, meta, admitted)?));
                placed.and(Err(if id.is_some() {
                    Reason::MethodUnknown
                } else {
                    Reason::NotificationUnknown
                }))
            }
        };
        let opened =
            placed.and_then(|revision| self.story.open_related(pep, message, body).map(|()| revision));
        let revision = match opened {
            Ok(revision) => revision,
            Err(reason) => {
                self.story
                    .matters
                    .push(Matter { denied: Some(reason), ..evaluation_request::matter_of(message) });
                return Err(reason);
            }
        };
        match (revision.era(), message) {
            (Era::Modern, _) => self.story.session.none(),
            (Era::Legacy, Message::Request(Request { method: Method::Initialize, .. })) => {
                self.story.session.begin();
            }
            (Era::Legacy, _) => {}
        }
        match message {
            Message::Request(request) => {
                for (mut matter, target) in evaluation_request::matters(request) {
                    let name = matter.object.as_mut().map(|(_, name)| name);
                    if let Err(reason) = self.story.open_target(pep, request, target, mirrored, body, name) {
                        self.story.matters.push(Matter { denied: Some(reason), ..matter });
                        return Err(reason);
                    }
                    let definition = self.seen_definition(pep, target, &mut matter);
                    let action = evaluation_request::action(target, definition.as_ref());
                    self.judge(pep, accepted, matter, &action, grants)?;
                    // After the policy, so that nobody learns of tools that are not theirs.
                    param_agreement::hold(pep, &mut self.story, mirrored, target, revision)?;
                }
            }
            _ => {
                self.judge(pep, accepted, evaluation_request::matter_of(message), &Action::UseServer, grants)?
            }
        }
        Ok(revision)
    }

    /// The definition that the server last showed for the tool that is called, where the policy pins it.
    fn seen_definition(&self, pep: &Pep, target: &Target<'_>, matter: &mut Matter) -> Option<Digest> {
        let Target::Tool { name, .. } = target else { return None };
        let (item, digest) = pep.definitions.of(self.story.server(Some(pep))?, name)?;
        let version = match item.accepts(&digest, self.story.now_ms / 1000) {
            Ok(Acceptance::Accepted(known) | Acceptance::Expired(known)) => known.version().ok(),
            _ => None,
        };
        let version = version.filter(|version| !version.is_empty()).map(str::to_owned);
        matter.definition = Some(SeenDefinition { digest, version });
        Some(digest)
    }

    /// Asks the PDP about one matter and gathers what the answer leaves to be asked.
    fn judge(
        &mut self,
        pep: &Pep,
        accepted: &Accepted,
        mut matter: Matter,
        action: &Action<'_>,
        grants: &mut Grants,
    ) -> Result<(), Reason> {
        let bundle = &pep.config.bundle;
        let server = self.story.server(Some(pep)).ok_or(Reason::ServerUnknown)?;
        let decision = accepted.delegation.with_delegation(bundle.reads_claims(), |delegation| {
            let request = self.story.asked(delegation, matter.method, *action);
            pdp::evaluate_within(bundle, server, &request, &self.story.work)
        });
        matter.shown = recorded_arguments::recorded(server, action);
        let grant = PendingGrant::of(&decision);
        matter.denied = grant.as_ref().err().copied();
        matter.decision = Some(decision);
        let number = self.story.matters.len();
        self.story.matters.push(matter);
        grants.pending.push_back((number, grant?));
        Ok(())
    }

    /// Asks the next open question, or lets the request go on.
    fn proceed(
        &mut self,
        pep: &Pep,
        accepted: Accepted,
        mut grants: Grants,
        response: Response,
    ) -> Result<Vec<Effect>, Outcome> {
        while let Some((matter, grant)) = grants.pending.pop_front() {
            let (grant, check) = match grant.progress() {
                Progress::Granted(grant) => {
                    grants.granted.push(grant);
                    continue;
                }
                Progress::Waits(grant, check) => (grant, check),
            };
            let call = match &pep.config.spicedb {
                Some(settings) => spicedb::question(settings, &check).ok_or(Reason::CheckUnaskable),
                None => Err(Reason::ObligationUnknown),
            };
            let call: HttpCall = call.map_err(|reason| self.story.blame(matter, reason))?;
            let asked = Question { matter, check, grant };
            self.state = State::ExpectCheck(Box::new(Pending { accepted, asked, grants, response }));
            return Ok(vec![Effect::Call(call)]);
        }
        let permit = Permit::new(&accepted.delegation, grants.granted)
            .ok_or(Reason::Policy(DenyReason::PolicyUnreadable))?;
        let records = self.story.permits(pep).collect();
        let target = self.story.posted.as_ref().and_then(Posted::upstream);
        let set = self.story.session.upstream().into_iter().chain(target).collect();
        let forward = accepted.onward.forward(permit, set, self.story.take_opened(), records);
        self.state = State::ExpectResponse(Permitted { response });
        Ok(vec![forward])
    }

    fn on_answer(
        &mut self,
        pep: &Pep,
        mut pending: Pending,
        answer: HttpAnswer<'_>,
    ) -> Result<Vec<Effect>, Outcome> {
        let verdict = spicedb::read_answer(answer);
        let Question { matter: number, check, grant } = pending.asked;
        if let Some(matter) = self.story.matters.get_mut(number) {
            matter.checks.push(CheckTrace {
                relation: check.relation,
                object_type: check.object_type,
                result: match verdict {
                    CheckAnswer::Allowed => "yes",
                    CheckAnswer::Refused(reason) => reason.code(),
                },
            });
        }
        let grant = grant.settle(verdict).map_err(|reason| self.story.blame(number, reason))?;
        pending.grants.pending.push_front((number, grant));
        self.proceed(pep, pending.accepted, pending.grants, pending.response)
    }

    fn on_response(&mut self, pep: &Pep, response: &mut Response, event: Event<'_>) -> Vec<Effect> {
        let (Some(server), Some(delegation)) = (self.story.server(Some(pep)), self.story.delegation.clone())
        else {
            return Vec::new();
        };
        if let Event::ResponseBody { now_ms, .. } | Event::Tick { now_ms } = event {
            self.story.now_ms = now_ms;
        }
        let now = self.story.now_ms / 1000;
        let sealed = match &event {
            Event::ResponseHeaders { fields, .. } => {
                self.story.session.answer(pep, &delegation, server.resource(), fields, now)
            }
            _ => None,
        };
        let over = self.story.session.over(pep, &delegation, now);
        let refusal = |reason: Reason, id: Option<&str>| self.story.refusal(Some(pep), reason, id);
        let (sessions, resource) = (pep.config.sessions.as_ref(), server.resource());
        let begun = Cell::new(None);
        let seal = |target| {
            let (shown, active) = sse_endpoint::seal(sessions, &delegation, resource, target, now)?;
            begun.set(active);
            Some(shown)
        };
        let method = self.story.matters.first().and_then(|matter| matter.method);
        let tasks = self.story.sealing(pep);
        let relay = Relay::of(pep, &delegation, resource, now);
        let outcome = delegation.with_delegation(pep.config.bundle.reads_claims(), |delegation| {
            let request = self.story.asked(delegation, method, Action::UseServer);
            let (request, refusal, seal, tasks) = (&request, &refusal, &seal, tasks.as_ref());
            let relay = &relay;
            let context = response::Context { pep, server, request, tasks, relay, refusal, seal, over };
            response.handle(&context, event)
        });
        self.story.session.hold(begun.take());
        // Records stand before what they are about.
        let mut effects: Vec<Effect> =
            outcome.notes.iter().map(|note| Effect::Record(self.story.record_note(pep, note))).collect();
        if let Some(reason) = outcome.refused {
            effects.push(Effect::Record(self.story.record(Some(pep), Some(reason))));
        }
        effects.extend(sealed);
        effects.extend(outcome.effects);
        effects
    }
}
