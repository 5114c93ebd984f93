//! One HTTP exchange, request side: from the head to a permit or a denial.

use super::connection::ConnectionFacts;
use super::definitions::Digest;
use super::event::{Call, CallAnswer, Effect, Event, Fields, Flow};
use super::head::{self, Credentials, Head};
use super::judge::Note;
use super::response::{self, Response};
use super::session::Session;
use super::{Pep, Permit, mapping, shown};
use crate::callout::{Verdict, spicedb};
use crate::config::ServerSettings;
use crate::delegation::VerifiedDelegation;
use crate::mcp::message::{self, Message, Request};
use crate::mcp::revision::{self, Mirrored};
use crate::mcp::{Era, Method};
use crate::reason::Reason;
use crate::record::{CheckTrace, Facts, SeenDefinition, record};
use crate::reply::{self, Context};
use policy_wasm::bundle::{Acceptance, Server};
use policy_wasm::decision::{Decision, DenyReason, Effect as Answer, Obligation, RelationCheck};
use policy_wasm::model::{self, Action, Delegation};
use policy_wasm::order::in_order;
use policy_wasm::pdp;
use std::collections::VecDeque;
use std::rc::Rc;

/// One HTTP exchange.
pub struct Exchange {
    pep: Option<Rc<Pep>>,
    story: Story,
    state: State,
}

/// What is known of the exchange, for its record and its replies. Filled as it becomes known.
#[derive(Default)]
struct Story {
    decision_id: String,
    now_ms: u64,
    http_method: String,
    path: String,
    request_id: Option<String>,
    server: Option<u32>,
    delegation: Option<Rc<VerifiedDelegation>>,
    method: Option<&'static str>,
    tool: Option<String>,
    message_id: Option<String>,
    modern: bool,
    requested_revision: Option<String>,
    decision: Option<Decision>,
    /// Arguments that the policy lets a record show, as a JSON object.
    shown: Option<String>,
    checks: Vec<CheckTrace>,
    connection: ConnectionFacts,
    session: Session,
    /// The definition that the server last showed for the tool.
    definition: Option<SeenDefinition>,
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
    remove: Vec<Vec<u8>>,
    /// Whether the HTTP method carries a message (POST) or must not (GET, DELETE).
    message: bool,
}

/// A decision that permits, with questions still open.
struct Pending {
    accepted: Accepted,
    decision: Decision,
    asked: RelationCheck,
    open: VecDeque<RelationCheck>,
    response: Response,
}

/// The request went on.
struct Permitted {
    response: Response,
}

/// A denial, or a reply that is none.
enum Outcome {
    Deny(Reason),
    Answer(reply::Reply),
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

    /// The host could not give what an event needs; whatever was not permitted yet is denied.
    pub fn fail(&mut self) -> Vec<Effect> {
        match self.state {
            State::Denied | State::ExpectResponse(_) => Vec::new(),
            _ => {
                let pep = self.pep.clone();
                self.deny(pep.as_deref(), Reason::HostFailure)
            }
        }
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

    /// Whether the response is a stream that may be open for long, so that it wants [`Event::Tick`].
    pub fn streams(&self) -> bool {
        matches!(&self.state, State::ExpectResponse(permitted) if permitted.response.streams())
    }

    fn deny(&mut self, pep: Option<&Pep>, reason: Reason) -> Vec<Effect> {
        self.state = State::Denied;
        let record = self.record(pep, Some(reason));
        vec![Effect::Record(record), Effect::Reply(reply::denial(reason, &self.story.context(pep)))]
    }

    fn record(&self, pep: Option<&Pep>, denied: Option<Reason>) -> crate::record::DecisionRecord {
        record(&self.facts(pep), denied)
    }

    /// The record of a decision on something that the server sent.
    fn record_note(&self, pep: &Pep, note: &Note) -> crate::record::DecisionRecord {
        let definition = note.definition.map(|digest| SeenDefinition { digest, version: None });
        let facts = Facts {
            from_server: true,
            method: note.method.map(Method::name),
            tool: note.tool.as_deref(),
            decision: note.decision.as_ref(),
            definition: definition.as_ref(),
            arguments: None,
            checks: &[],
            ..self.facts(Some(pep))
        };
        record(&facts, note.reason)
    }

    fn facts<'f>(&'f self, pep: Option<&'f Pep>) -> Facts<'f> {
        let story = &self.story;
        Facts {
            decision_id: &story.decision_id,
            time_ms: story.now_ms,
            request_id: story.request_id.as_deref(),
            http_method: &story.http_method,
            path: &story.path,
            server: story.server(pep).map(Server::id),
            delegation: story.delegation.as_deref(),
            method: story.method,
            tool: story.tool.as_deref(),
            decision: story.decision.as_ref(),
            arguments: story.shown.as_deref(),
            checks: &story.checks,
            bundle_revision: pep.map(|pep| pep.config.bundle.revision()),
            definition: story.definition.as_ref(),
            from_server: false,
        }
    }

    fn on_head(
        &mut self,
        pep: &Pep,
        fields: &Fields<'_>,
        end_of_stream: bool,
    ) -> Result<Vec<Effect>, Outcome> {
        let head = head::read(fields);
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
        let server = config.bundle.server_at(head.authority, head.path).ok_or(Reason::ServerUnknown)?;
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

        let message = head.method == "POST";
        let sessions = config.sessions.as_ref();
        self.story.session = Session::open(sessions, &delegation, server.resource(), head.session, now)?;
        let identity = |encoding: &str| encoding.eq_ignore_ascii_case("identity");
        if head.content_encoding.is_some_and(|encoding| !identity(encoding)) {
            return Err(Reason::ContentEncodingUnsupported.into());
        }
        if message && !head.content_type.is_some_and(head::is_json) {
            return Err(Reason::ContentTypeUnsupported.into());
        }
        let remove = removals(&head, config.keep_authorization, sessions.is_some());
        let accepted = Accepted { delegation, mirrored: head.mirrored, remove, message };
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
            let response =
                if self.story.http_method == "GET" { Response::messages() } else { Response::pass() };
            return self.decide(pep, accepted, &Action::UseServer, response);
        }
        if body.is_empty() {
            return Err(Reason::BodyMissing.into());
        }
        let message = message::read(body, &pep.limits).map_err(|refusal| {
            self.story.message_id = refusal.id.map(|id| id.raw().to_owned());
            self.story.modern = refusal.modern;
            refusal.reason
        })?;
        match message {
            Message::Notification { method, meta } => {
                self.story.method = Some(method.name());
                self.story.modern = meta.revision.is_some();
                self.story.requested_revision = requested(&meta.revision, &accepted.mirrored);
                revision::place_notification(&accepted.mirrored, method, &meta, &pep.config.revisions)?;
                self.decide(pep, accepted, &Action::UseServer, Response::messages())
            }
            Message::Request(request) => self.on_request(pep, accepted, &request),
        }
    }

    fn on_request(
        &mut self,
        pep: &Pep,
        accepted: Accepted,
        request: &Request<'_>,
    ) -> Result<Vec<Effect>, Outcome> {
        self.story.message_id = Some(request.id.raw().to_owned());
        self.story.method = Some(request.method.name());
        self.story.tool = request.name.as_deref().map(str::to_owned);
        self.story.modern = request.meta.revision.is_some();
        let asked = request.requested_revision.as_deref().map(str::to_owned);
        self.story.requested_revision =
            asked.or_else(|| requested(&request.meta.revision, &accepted.mirrored));
        let revision = revision::place_request(&accepted.mirrored, request, &pep.config.revisions)?;
        match (revision.era(), request.method) {
            (Era::Modern, _) => self.story.session.none(),
            (Era::Legacy, Method::Initialize) => self.story.session.begin(),
            (Era::Legacy, _) => {}
        }
        let response = Response::answer(request.id.raw(), request.method, revision);
        let definition = self.seen_definition(pep, request);
        self.decide(pep, accepted, &mapping::action(request, definition.as_ref()), response)
    }

    /// The definition that the server last showed for the tool that is called, where the policy pins it.
    fn seen_definition(&mut self, pep: &Pep, request: &Request<'_>) -> Option<Digest> {
        let tool = request.name.as_deref().filter(|_| request.method == Method::CallTool)?;
        let (item, digest) = pep.definitions.of(self.story.server(Some(pep))?, tool)?;
        let version = match item.accepts(&digest, self.story.now_ms / 1000) {
            Ok(Acceptance::Accepted(known) | Acceptance::Expired(known)) => known.version().ok(),
            _ => None,
        };
        let version = version.filter(|version| !version.is_empty()).map(str::to_owned);
        self.story.definition = Some(SeenDefinition { digest, version });
        Some(digest)
    }

    fn decide(
        &mut self,
        pep: &Pep,
        accepted: Accepted,
        action: &Action<'_>,
        response: Response,
    ) -> Result<Vec<Effect>, Outcome> {
        let bundle = &pep.config.bundle;
        let server = self.story.server(Some(pep)).ok_or(Reason::ServerUnknown)?;
        let decision = accepted.delegation.with_delegation(bundle.reads_claims(), |delegation| {
            pdp::evaluate(bundle, server, &self.story.asked(delegation, *action))
        });
        self.story.shown = shown::arguments(server, action);
        self.story.decision = Some(decision.clone());
        if decision.effect() == Answer::Deny {
            let reason = decision.reasons.first().unwrap_or(DenyReason::PolicyUnreadable);
            return Err(Reason::Policy(reason).into());
        }
        let mut open = VecDeque::new();
        for obligation in &decision.obligations {
            // INVARIANT (obligations): each kind is met here or denies; a new kind breaks this match.
            match obligation {
                Obligation::Check(check) => open.push_back(check.clone()),
                Obligation::Approval(_) | Obligation::Budget(_) => {
                    return Err(Reason::ObligationUnknown.into());
                }
            }
        }
        self.proceed(pep, accepted, decision, open, response)
    }

    /// Asks the next open question, or lets the request go on.
    fn proceed(
        &mut self,
        pep: &Pep,
        accepted: Accepted,
        decision: Decision,
        mut open: VecDeque<RelationCheck>,
        response: Response,
    ) -> Result<Vec<Effect>, Outcome> {
        if let Some(asked) = open.pop_front() {
            let settings = pep.config.spicedb.as_ref().ok_or(Reason::ObligationUnknown)?;
            let call: Call = spicedb::question(settings, &asked).ok_or(Reason::CheckUnaskable)?;
            self.state = State::ExpectCheck(Box::new(Pending { accepted, decision, asked, open, response }));
            return Ok(vec![Effect::Call(call)]);
        }
        let permit = Permit::from_decision(&accepted.delegation, &decision, open.len())
            .ok_or(Reason::Policy(DenyReason::PolicyUnreadable))?;
        let record = self.record(Some(pep), None);
        let set = self.story.session.upstream().into_iter().collect();
        self.state = State::ExpectResponse(Permitted { response });
        Ok(vec![Effect::Record(record), Effect::Forward { permit, remove: accepted.remove, set }])
    }

    fn on_answer(
        &mut self,
        pep: &Pep,
        pending: Pending,
        answer: CallAnswer<'_>,
    ) -> Result<Vec<Effect>, Outcome> {
        let verdict = spicedb::verdict(answer);
        self.story.checks.push(CheckTrace {
            relation: pending.asked.relation,
            object_type: pending.asked.object_type,
            result: match verdict {
                Verdict::Yes => "yes",
                Verdict::No(reason) => reason.code(),
            },
        });
        match verdict {
            Verdict::Yes => {
                self.proceed(pep, pending.accepted, pending.decision, pending.open, pending.response)
            }
            Verdict::No(reason) => Err(reason.into()),
        }
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
        let expired = pep.config.verifier.has_expired(&delegation, now);
        let refusal = |reason: Reason, id: Option<&str>| {
            let context = self.story.context(Some(pep));
            reply::denial(reason, &Context { id: id.or(context.id), ..context })
        };
        let outcome = delegation.with_delegation(pep.config.bundle.reads_claims(), |delegation| {
            let request = self.story.asked(delegation, Action::UseServer);
            let context = response::Context { pep, server, request: &request, refusal: &refusal, expired };
            response.handle(&context, event)
        });
        // Records stand before what they are about.
        let mut effects: Vec<Effect> =
            outcome.notes.iter().map(|note| Effect::Record(self.record_note(pep, note))).collect();
        if let Some(reason) = outcome.refused {
            effects.push(Effect::Record(self.record(Some(pep), Some(reason))));
        }
        effects.extend(sealed);
        effects.extend(outcome.effects);
        effects
    }
}

/// The revision to name in a refusal.
fn requested(body: &Option<std::borrow::Cow<'_, str>>, mirrored: &Mirrored) -> Option<String> {
    body.as_deref().map(str::to_owned).or_else(|| mirrored.revision.clone())
}

/// Fields that do not go on: forgeries of ours, the token unless it is kept, and what would bring a compressed answer.
fn removals(head: &Head<'_>, keep_authorization: bool, sealed_sessions: bool) -> Vec<Vec<u8>> {
    let mut remove: Vec<Vec<u8>> = Vec::new();
    for name in in_order(&head.spoofed) {
        if remove.last().is_none_or(|last| last != name) {
            remove.push(name.to_vec());
        }
    }
    if !keep_authorization {
        remove.push(b"authorization".to_vec());
    }
    if sealed_sessions && head.session.is_some() {
        remove.push(b"mcp-session-id".to_vec());
    }
    if head.has_accept_encoding {
        remove.push(b"accept-encoding".to_vec());
    }
    remove
}

impl Story {
    /// What the PDP is asked. A request without a message is asked for by its HTTP method.
    fn asked<'s>(&'s self, delegation: &'s Delegation<'s>, action: Action<'s>) -> model::Request<'s> {
        let method = match (self.method, self.http_method.as_str()) {
            (Some(method), _) => method,
            (None, "GET") => "http/get",
            (None, _) => "http/delete",
        };
        let now = self.now_ms / 1000;
        model::Request { delegation, method, action, now, connection: self.connection.lend() }
    }

    fn server<'p>(&self, pep: Option<&'p Pep>) -> Option<Server<'p>> {
        pep?.config.bundle.server(self.server?)
    }

    /// The settings of the server, or what holds where there is none.
    fn settings<'p>(&self, pep: &'p Pep) -> &'p ServerSettings {
        pep.config.server(self.server.unwrap_or(u32::MAX))
    }

    fn context<'s>(&'s self, pep: Option<&'s Pep>) -> Context<'s> {
        let server = self.server(pep);
        Context {
            id: self.message_id.as_deref(),
            modern: self.modern,
            tool_call: self.method == Some(Method::CallTool.name()),
            initialize: self.method == Some(Method::Initialize.name()),
            form: pep.map(|pep| self.settings(pep).denial_form).unwrap_or_default(),
            metadata_url: pep.zip(self.server).and_then(|(pep, server)| pep.metadata.url(server)),
            scope: match self.decision.as_ref().and_then(|decision| decision.scope_needed.as_deref()) {
                Some(scope) => Some(scope),
                None => server.and_then(|server| server.scopes().next()),
            },
            decision_id: &self.decision_id,
            revisions: pep.map(|pep| pep.config.revisions.as_slice()).unwrap_or_default(),
            requested: self.requested_revision.as_deref(),
        }
    }
}
