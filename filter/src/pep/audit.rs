//! The facts of an exchange, as records and replies need them. Nothing is decided by them.

use crate::mcp::Method;
use crate::mcp::meta::Meta;
use crate::mcp::revision::Revisions;
use crate::pep::Pep;
use crate::pep::cross_origin;
use crate::pep::evaluation::{Evaluation, ServerEvaluation};
use crate::reason::Reason;
use crate::record::{DecisionRecord, Facts, SeenDefinition, record};
use crate::reply::{self, Context, Reply};
use crate::token::VerifiedDelegation;
use policy_wasm::bundle::{OwnedServer, Server};
use std::rc::Rc;

/// Filled as the facts become known, so that a denial at any point records those that are.
#[derive(Default)]
pub(super) struct Audit {
    pub(super) pep: Option<Rc<Pep>>,
    pub(super) decision_id: String,
    /// Milliseconds since the Unix epoch.
    pub(super) now_ms: u64,
    pub(super) http_method: String,
    pub(super) path: String,
    pub(super) request_id: Option<String>,
    /// The allowed origin of the page that asks.
    pub(super) origin: Option<String>,
    pub(super) server: Option<OwnedServer>,
    pub(super) delegation: Option<Rc<VerifiedDelegation>>,
    /// The revisions that are admitted at the server.
    pub(super) revisions: Revisions,
    /// Whether the client speaks a modern revision.
    pub(super) modern: bool,
    pub(super) requested_revision: Option<String>,
    /// Empty until the message is read.
    pub(super) evaluations: Vec<Evaluation>,
    /// The evaluations are messages of a batch, and not objects of one message.
    pub(super) batch: bool,
}

static NO_EVALUATION: Evaluation = Evaluation {
    id: None,
    method: None,
    object: None,
    decision: None,
    definition: None,
    recorded_arguments: None,
    checks: Vec::new(),
    denied: None,
};

impl Audit {
    /// The time in Unix seconds.
    pub(super) fn now(&self) -> u64 {
        self.now_ms / 1000
    }

    /// Notes the revision that a message names.
    pub(super) fn note_revision(&mut self, meta: &Meta<'_>, requested: Option<&str>) {
        self.modern |= meta.revision.is_some();
        if let Some(revision) = requested.or(meta.revision.as_deref()) {
            self.requested_revision = Some(revision.to_owned());
        }
    }

    /// Notes that an evaluation is denied. The first reason stays.
    pub(super) fn deny(&mut self, evaluation: usize, reason: Reason) -> Reason {
        if let Some(evaluation) = self.evaluations.get_mut(evaluation) {
            evaluation.denied.get_or_insert(reason);
        }
        reason
    }

    /// Adds an evaluation that is denied before the policy is asked.
    pub(super) fn deny_unasked(&mut self, evaluation: Evaluation, reason: Reason) -> Reason {
        self.evaluations.push(Evaluation { denied: Some(reason), ..evaluation });
        reason
    }

    /// The evaluation that decides the answer: the first that is denied, else the first.
    pub(super) fn deciding(&self) -> &Evaluation {
        let denied = self.evaluations.iter().find(|evaluation| evaluation.denied.is_some());
        denied.or(self.evaluations.first()).unwrap_or(&NO_EVALUATION)
    }

    /// The id of the decision about an evaluation. Several decisions of one exchange differ by a number.
    fn decision_id(&self, evaluation: &Evaluation) -> String {
        let mut id = self.decision_id.clone();
        if self.evaluations.len() > 1
            && let Some(index) = self.evaluations.iter().position(|other| std::ptr::eq(other, evaluation))
        {
            id.push('.');
            id.push_str(&index.saturating_add(1).to_string());
        }
        id
    }

    /// The record of a denial, by the evaluation that decides the answer.
    pub(super) fn denied_record(&self, reason: Reason) -> DecisionRecord {
        self.record_of(self.deciding(), Some(reason))
    }

    /// The records of all evaluations, for a request that goes on.
    pub(super) fn permits(&self) -> impl Iterator<Item = DecisionRecord> + '_ {
        self.evaluations.iter().map(|evaluation| self.record_of(evaluation, None))
    }

    /// The record of an evaluation of a server's message.
    pub(super) fn server_record(&self, evaluated: &ServerEvaluation) -> DecisionRecord {
        let definition = evaluated.definition.map(|digest| SeenDefinition { digest, version: None });
        let evaluation = self.deciding();
        let decision_id = self.decision_id(evaluation);
        let facts = Facts {
            from_server: true,
            method: evaluated.method.map(Method::name),
            object: evaluated.tool.as_deref().map(|tool| ("tool", tool)),
            decision: evaluated.decision.as_ref(),
            definition: definition.as_ref(),
            repeated: evaluated.repeated,
            arguments: None,
            checks: &[],
            ..self.facts(evaluation, &decision_id)
        };
        record(&facts, evaluated.reason)
    }

    fn record_of(&self, evaluation: &Evaluation, denied: Option<Reason>) -> DecisionRecord {
        record(&self.facts(evaluation, &self.decision_id(evaluation)), denied)
    }

    fn facts<'f>(&'f self, evaluation: &'f Evaluation, decision_id: &'f str) -> Facts<'f> {
        Facts {
            decision_id,
            time_ms: self.now_ms,
            request_id: self.request_id.as_deref(),
            http_method: &self.http_method,
            path: &self.path,
            server: self.server().map(Server::id),
            delegation: self.delegation.as_deref(),
            method: evaluation.method,
            object: evaluation.object.as_ref().map(|(kind, name)| (*kind, name.as_str())),
            decision: evaluation.decision.as_ref(),
            arguments: evaluation.recorded_arguments.as_deref(),
            checks: &evaluation.checks,
            bundle_revision: self.pep.as_ref().map(|pep| pep.config.bundle.revision()),
            definition: evaluation.definition.as_ref(),
            from_server: false,
            repeated: 0,
        }
    }

    fn server(&self) -> Option<Server<'_>> {
        self.server.as_ref().map(OwnedServer::get)
    }

    /// The records and the reply of a denial. Each message of a batch has its own record and its own error.
    pub(super) fn denial(&self, reason: Reason) -> (Vec<DecisionRecord>, Reply) {
        if !self.batch || self.evaluations.is_empty() {
            return (vec![self.denied_record(reason)], self.refusal(reason, None));
        }
        let mut records = Vec::new();
        let mut answers = Vec::new();
        let mut awaited = None;
        for evaluation in &self.evaluations {
            let reason = evaluation.denied.unwrap_or(Reason::BatchDenied);
            records.push(self.record_of(evaluation, Some(reason)));
            if let Some(id) = &evaluation.id {
                awaited = Some(id.as_str());
                answers.push((reason, evaluation));
            }
        }
        let deciding = self.deciding();
        let id = self.decision_id(deciding);
        let mut reply = reply::denial(reason, &Context { id: awaited, ..self.context(deciding, &id) });
        self.open_to_page(&mut reply);
        if !answers.is_empty() {
            reply.body = b"[".to_vec();
            for (index, (reason, evaluation)) in answers.into_iter().enumerate() {
                if index > 0 {
                    reply.body.push(b',');
                }
                let id = self.decision_id(evaluation);
                reply.body.extend(reply::denial(reason, &self.context(evaluation, &id)).body);
            }
            reply.body.push(b']');
        }
        (records, reply)
    }

    /// The reply that refuses the answer with this id (JSON text), or the answer that the client awaits.
    pub(super) fn refusal(&self, reason: Reason, id: Option<&str>) -> Reply {
        self.refusal_of(reason, id, None)
    }

    /// The same, where the refusal is of this revision and not of the client's.
    pub(super) fn refusal_of(&self, reason: Reason, id: Option<&str>, revision: Option<&str>) -> Reply {
        let evaluation = self.deciding();
        let decision_id = self.decision_id(evaluation);
        let context = self.context(evaluation, &decision_id);
        let mut reply = reply::denial(
            reason,
            &Context { id: id.or(context.id), requested: revision.or(context.requested), ..context },
        );
        self.open_to_page(&mut reply);
        reply
    }

    fn open_to_page(&self, reply: &mut Reply) {
        reply.headers.extend(self.origin.as_deref().into_iter().flat_map(cross_origin::reply_fields));
    }

    fn context<'s>(&'s self, evaluation: &'s Evaluation, decision_id: &'s str) -> Context<'s> {
        let server = self.server();
        let at_server = self.pep.as_ref().zip(server);
        Context {
            id: evaluation.id.as_deref(),
            modern: self.modern,
            tool_call: evaluation.method == Some(Method::CallTool.name()),
            initialize: evaluation.method == Some(Method::Initialize.name()),
            form: match (&self.pep, server) {
                (Some(pep), Some(server)) => pep.config.server(server.index()).denial_form,
                (Some(pep), None) => pep.config.server(u32::MAX).denial_form,
                (None, _) => reply::DenialForm::default(),
            },
            metadata_url: at_server.and_then(|(pep, server)| pep.metadata.url(server.index())),
            scope: match evaluation.decision.as_ref().and_then(|decision| decision.scope_needed.as_deref()) {
                Some(scope) => Some(scope),
                None => server.and_then(|server| server.scopes().next()),
            },
            decision_id,
            revisions: self.revisions,
            requested: self.requested_revision.as_deref(),
        }
    }
}
