//! What is known of an exchange, for its records and its replies.

use crate::config::ServerSettings;
use crate::mcp::Method;
use crate::mcp::meta::Meta;
use crate::mcp::revision::{Revision, Revisions};
use crate::pep::Pep;
use crate::pep::connection::ConnectionFacts;
use crate::pep::response::log_once::Note;
use crate::pep::session_id::Session;
use crate::pep::sse_endpoint::Posted;
use crate::pep::task_id::Tasks;
use crate::reason::Reason;
use crate::record::{CheckTrace, DecisionRecord, Facts, SeenDefinition, record};
use crate::reply::{self, Context, Reply};
use crate::token::VerifiedDelegation;
use policy_wasm::bundle::Server;
use policy_wasm::decision::{Decision, DenyReason};
use policy_wasm::model::{self, Action, Delegation};
use policy_wasm::pdp::Work;
use std::rc::Rc;

/// Filled as it becomes known.
#[derive(Default)]
pub(super) struct Story {
    pub decision_id: String,
    pub now_ms: u64,
    pub http_method: String,
    pub path: String,
    pub request_id: Option<String>,
    pub server: Option<u32>,
    pub delegation: Option<Rc<VerifiedDelegation>>,
    pub modern: bool,
    pub requested_revision: Option<String>,
    pub connection: ConnectionFacts,
    pub session: Session,
    /// The message came by HTTP with SSE.
    pub posted: Option<Posted>,
    pub tasks: Tasks,
    /// What is judged, each by itself; empty until the message is read.
    pub matters: Vec<Matter>,
    /// The matters are messages of a batch, and not objects of one message.
    pub batch: bool,
    /// The work that is left for what this exchange makes the policy decide of its requests.
    pub work: Work,
}

/// One thing that is judged by itself: a message, or one of the objects that a message names.
#[derive(Default)]
pub(super) struct Matter {
    /// The id of the message as JSON text, where one awaits an answer.
    pub id: Option<String>,
    /// The method; none for a request without a message.
    pub method: Option<&'static str>,
    /// What it acts on: the kind, and the name as the client wrote it.
    pub object: Option<(&'static str, String)>,
    pub decision: Option<Decision>,
    /// The definition that the server last showed for the tool.
    pub definition: Option<SeenDefinition>,
    /// Arguments that the policy lets a record show, as a JSON object.
    pub shown: Option<String>,
    pub checks: Vec<CheckTrace>,
    /// Why it is denied.
    pub denied: Option<Reason>,
}

static NOTHING: Matter = Matter {
    id: None,
    method: None,
    object: None,
    decision: None,
    definition: None,
    shown: None,
    checks: Vec::new(),
    denied: None,
};

impl Story {
    /// What the PDP is asked. A request without a message is asked for by its HTTP method.
    pub fn asked<'s>(
        &'s self,
        delegation: &'s Delegation<'s>,
        method: Option<&'static str>,
        action: Action<'s>,
    ) -> model::Request<'s> {
        let method = match (method, self.http_method.as_str()) {
            (Some(method), _) => method,
            (None, "GET") => "http/get",
            (None, _) => "http/delete",
        };
        let now = self.now_ms / 1000;
        model::Request { delegation, method, action, now, connection: self.connection.lend() }
    }

    pub fn server<'p>(&self, pep: Option<&'p Pep>) -> Option<Server<'p>> {
        pep?.config.bundle.server(self.server?)
    }

    /// The settings of the server, or what holds where there is none.
    pub fn settings<'p>(&self, pep: &'p Pep) -> &'p ServerSettings {
        pep.config.server(self.server.unwrap_or(u32::MAX))
    }

    /// The revisions that are admitted at the server: its own narrow those of the configuration.
    pub fn revisions(&self, pep: &Pep) -> Result<Revisions, Reason> {
        let unreadable = |_| Reason::Policy(DenyReason::PolicyUnreadable);
        let way = |admitted: Revisions| if self.posted.is_some() { admitted.by_sse() } else { admitted };
        let admitted = pep.config.revisions;
        let own = self.server(Some(pep)).map(Server::revisions).transpose().map_err(unreadable)?.flatten();
        let Some(own) = own else { return Ok(way(admitted)) };
        let mut revisions = Vec::new();
        for name in own.names() {
            revisions.extend(Revision::named(name.map_err(unreadable)?));
        }
        Ok(way(admitted.and(revisions.into_iter().collect())))
    }

    /// Notes what a message says of its revision.
    pub fn meet(&mut self, meta: &Meta<'_>, asked: Option<&str>) {
        self.modern |= meta.revision.is_some();
        if let Some(revision) = asked.or(meta.revision.as_deref()) {
            self.requested_revision = Some(revision.to_owned());
        }
    }

    /// Notes that a matter is denied.
    pub fn blame(&mut self, matter: usize, reason: Reason) -> Reason {
        if let Some(matter) = self.matters.get_mut(matter) {
            matter.denied.get_or_insert(reason);
        }
        reason
    }

    /// The matter that decides the answer: the first that is denied, else the first.
    pub fn matter(&self) -> &Matter {
        let denied = self.matters.iter().find(|matter| matter.denied.is_some());
        denied.or(self.matters.first()).unwrap_or(&NOTHING)
    }

    /// The id of the decision about a matter: several decisions of one exchange are told apart by a number.
    fn decision_id(&self, matter: &Matter) -> String {
        let mut id = self.decision_id.clone();
        if self.matters.len() > 1
            && let Some(index) = self.matters.iter().position(|other| std::ptr::eq(other, matter))
        {
            id.push('.');
            id.push_str(&index.saturating_add(1).to_string());
        }
        id
    }

    /// The record of the matter that decides the answer.
    pub fn record(&self, pep: Option<&Pep>, denied: Option<Reason>) -> DecisionRecord {
        self.record_of(pep, self.matter(), denied)
    }

    /// The records of all matters, of a request that goes on.
    pub fn permits<'s>(&'s self, pep: &'s Pep) -> impl Iterator<Item = DecisionRecord> + 's {
        self.matters.iter().map(|matter| self.record_of(Some(pep), matter, None))
    }

    /// The record of a decision on something that the server sent.
    pub fn record_note(&self, pep: &Pep, note: &Note) -> DecisionRecord {
        let definition = note.definition.map(|digest| SeenDefinition { digest, version: None });
        let matter = self.matter();
        let decision_id = self.decision_id(matter);
        let facts = Facts {
            from_server: true,
            method: note.method.map(Method::name),
            object: note.tool.as_deref().map(|tool| ("tool", tool)),
            decision: note.decision.as_ref(),
            definition: definition.as_ref(),
            repeated: note.repeated,
            arguments: None,
            checks: &[],
            ..self.facts(Some(pep), matter, &decision_id)
        };
        record(&facts, note.reason)
    }

    fn record_of(&self, pep: Option<&Pep>, matter: &Matter, denied: Option<Reason>) -> DecisionRecord {
        record(&self.facts(pep, matter, &self.decision_id(matter)), denied)
    }

    fn facts<'f>(&'f self, pep: Option<&'f Pep>, matter: &'f Matter, decision_id: &'f str) -> Facts<'f> {
        Facts {
            decision_id,
            time_ms: self.now_ms,
            request_id: self.request_id.as_deref(),
            http_method: &self.http_method,
            path: &self.path,
            server: self.server(pep).map(Server::id),
            delegation: self.delegation.as_deref(),
            method: matter.method,
            object: matter.object.as_ref().map(|(kind, name)| (*kind, name.as_str())),
            decision: matter.decision.as_ref(),
            arguments: matter.shown.as_deref(),
            checks: &matter.checks,
            bundle_revision: pep.map(|pep| pep.config.bundle.revision()),
            definition: matter.definition.as_ref(),
            from_server: false,
            repeated: 0,
        }
    }

    /// The records and the reply of a denial. Of a batch each message has its own.
    pub fn denial(&self, pep: Option<&Pep>, reason: Reason) -> (Vec<DecisionRecord>, Reply) {
        if !self.batch || self.matters.is_empty() {
            let matter = self.matter();
            let id = self.decision_id(matter);
            let reply = reply::denial(reason, &self.context(pep, matter, &id));
            return (vec![self.record(pep, Some(reason))], reply);
        }
        let mut records = Vec::new();
        let mut answers = Vec::new();
        let mut waits = None;
        for matter in &self.matters {
            let reason = matter.denied.unwrap_or(Reason::BatchDenied);
            records.push(self.record_of(pep, matter, Some(reason)));
            if let Some(id) = &matter.id {
                waits = Some(id.as_str());
                answers.push((reason, matter));
            }
        }
        let decider = self.matter();
        let id = self.decision_id(decider);
        let mut reply = reply::denial(reason, &Context { id: waits, ..self.context(pep, decider, &id) });
        if !answers.is_empty() {
            reply.body = b"[".to_vec();
            for (index, (reason, matter)) in answers.into_iter().enumerate() {
                if index > 0 {
                    reply.body.push(b',');
                }
                let id = self.decision_id(matter);
                reply.body.extend(reply::denial(reason, &self.context(pep, matter, &id)).body);
            }
            reply.body.push(b']');
        }
        (records, reply)
    }

    /// The reply that refuses the answer with this id (JSON text), or the one that is awaited.
    pub fn refusal(&self, pep: Option<&Pep>, reason: Reason, id: Option<&str>) -> Reply {
        let matter = self.matter();
        let decision_id = self.decision_id(matter);
        let context = self.context(pep, matter, &decision_id);
        reply::denial(reason, &Context { id: id.or(context.id), ..context })
    }

    fn context<'s>(&'s self, pep: Option<&'s Pep>, matter: &'s Matter, decision_id: &'s str) -> Context<'s> {
        let server = self.server(pep);
        Context {
            id: matter.id.as_deref(),
            modern: self.modern,
            tool_call: matter.method == Some(Method::CallTool.name()),
            initialize: matter.method == Some(Method::Initialize.name()),
            form: pep.map(|pep| self.settings(pep).denial_form).unwrap_or_default(),
            metadata_url: pep.zip(self.server).and_then(|(pep, server)| pep.metadata.url(server)),
            scope: match matter.decision.as_ref().and_then(|decision| decision.scope_needed.as_deref()) {
                Some(scope) => Some(scope),
                None => server.and_then(|server| server.scopes().next()),
            },
            decision_id,
            revisions: pep.and_then(|pep| self.revisions(pep).ok()).unwrap_or_default(),
            requested: self.requested_revision.as_deref(),
        }
    }
}
