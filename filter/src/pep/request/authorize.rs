//! The body of a request: read strictly, placed in a revision, and put to the policy.

use crate::mcp::client_message::{self, Message, Request};
use crate::mcp::placement;
use crate::mcp::revision::{Revision, Revisions};
use crate::mcp::target::Target;
use crate::mcp::{Era, MessageError, Method};
use crate::pep::audit::Audit;
use crate::pep::evaluation::Evaluation;
use crate::pep::grant::{Grants, PendingGrant};
use crate::pep::recorded_arguments;
use crate::pep::request::authenticate::{Admitted, Verb};
use crate::pep::request::{evaluation_request, param_headers};
use crate::pep::response::Awaited;
use crate::pep::task_id::{BodyRewrite, OpenedTasks};
use crate::pep::tool_definitions::Digest;
use crate::reason::Reason;
use crate::record::SeenDefinition;
use policy_wasm::bundle::Acceptance;
use policy_wasm::model::Action;

/// A request that the policy permits, with checks that may still be open.
pub(in crate::pep) struct Authorized {
    pub(in crate::pep) grants: Grants,
    pub(in crate::pep) rewrite: BodyRewrite,
    pub(in crate::pep) tasks: OpenedTasks,
    pub(in crate::pep) awaited: Awaited,
}

/// Puts a request to the policy, each evaluation by itself. Every evaluation is noted for the audit.
///
/// # Errors
/// The reason of the denial that decides the answer.
pub(in crate::pep) fn authorize(
    admitted: &mut Admitted,
    audit: &mut Audit,
    body: &[u8],
) -> Result<Authorized, Reason> {
    if body.len() > admitted.caller.settings().max_body_bytes {
        return Err(Reason::BodyTooLarge);
    }
    let revisions = admitted.revisions();
    audit.revisions = revisions.unwrap_or_default();
    let (grants, tasks) = (Grants::default(), OpenedTasks::default());
    Authorization { admitted, audit, body, revisions, grants, tasks }.run()
}

struct Authorization<'a> {
    admitted: &'a mut Admitted,
    audit: &'a mut Audit,
    body: &'a [u8],
    revisions: Result<Revisions, Reason>,
    grants: Grants,
    tasks: OpenedTasks,
}

impl Authorization<'_> {
    fn run(mut self) -> Result<Authorized, Reason> {
        if self.admitted.verb != Verb::Post {
            if !self.body.is_empty() {
                return Err(Reason::BodyUnexpected);
            }
            self.evaluate(Evaluation::default(), &Action::UseServer)?;
            let awaited = if self.admitted.verb == Verb::Get { Awaited::Messages } else { Awaited::Nothing };
            return self.finish(awaited);
        }
        if self.body.is_empty() {
            return Err(Reason::BodyMissing);
        }
        self.audit.modern = self.admitted.mirrored.is_modern();
        self.audit.requested_revision.clone_from(&self.admitted.mirrored.revision);
        let body = self.body;
        match client_message::read(body, &self.admitted.caller.pep.limits) {
            Ok(message) => self.message(&message),
            Err(refusal) if refusal.error == MessageError::Batch => self.batch(),
            Err(refusal) => {
                self.audit.modern |= refusal.modern;
                let id = refusal.id.map(|id| id.raw().to_owned());
                self.audit.evaluations.push(Evaluation { id, ..Evaluation::default() });
                Err(refusal.error.into())
            }
        }
    }

    fn finish(mut self, awaited: Awaited) -> Result<Authorized, Reason> {
        let rewrite = self.tasks.rewrite(self.body)?;
        Ok(Authorized { grants: self.grants, rewrite, tasks: self.tasks, awaited })
    }

    fn message(mut self, message: &Message<'_>) -> Result<Authorized, Reason> {
        let revision = self.evaluate_message(message)?;
        let awaited = match message {
            _ if self.admitted.legacy_post.is_some() => Awaited::Acknowledgement,
            Message::Request(Request { id: Some(id), method, .. }) => {
                Awaited::answer(id.raw(), *method, revision)
            }
            _ => Awaited::NoAnswer,
        };
        self.finish(awaited)
    }

    /// Evaluates each message of a batch by itself. One denial denies the whole batch.
    fn batch(mut self) -> Result<Authorized, Reason> {
        let judged = self.admitted.caller.settings().judges_batches;
        if !judged || !placement::admits_batches(&self.admitted.mirrored, self.revisions?) {
            return Err(Reason::MessageBatch);
        }
        let body = self.body;
        let messages = client_message::read_batch(body, &self.admitted.caller.pep.limits)?;
        self.audit.batch = true;
        for message in &messages {
            let before = self.audit.evaluations.len();
            if let Err(reason) = self.evaluate_message(message) {
                // A message that is denied before it has an evaluation gets one.
                if self.audit.evaluations.len() == before {
                    self.audit.evaluations.push(evaluation_request::whole(message));
                }
                self.audit.deny(self.audit.evaluations.len().saturating_sub(1), reason);
            }
        }
        match self.audit.evaluations.iter().find_map(|evaluation| evaluation.denied) {
            Some(reason) => Err(reason),
            None if messages.iter().any(Message::is_request) => self.finish(Awaited::Messages),
            None => self.finish(Awaited::NoAnswer),
        }
    }

    /// Places a message in a revision and evaluates everything that it asks for, up to the first denial.
    fn evaluate_message(&mut self, message: &Message<'_>) -> Result<Revision, Reason> {
        let placed = self.place(message).and_then(|revision| {
            let (caller, now) = (&self.admitted.caller, self.audit.now());
            self.tasks.open_related(caller, message, self.body, now).map(|()| revision)
        });
        let revision = match placed {
            Ok(revision) => revision,
            Err(reason) => return Err(self.audit.deny_unasked(evaluation_request::whole(message), reason)),
        };
        match (revision.era(), message) {
            (Era::Modern, _) => self.admitted.session.none(),
            (Era::Legacy, Message::Request(Request { method: Method::Initialize, .. })) => {
                self.admitted.session.begin();
            }
            (Era::Legacy, _) => {}
        }
        match message {
            Message::Request(request) => {
                for (evaluation, target) in evaluation_request::each(request) {
                    self.evaluate_target(request, evaluation, target, revision)?;
                }
            }
            _ => self.evaluate(evaluation_request::whole(message), &Action::UseServer)?,
        }
        Ok(revision)
    }

    fn place(&mut self, message: &Message<'_>) -> Result<Revision, Reason> {
        let mirrored = &self.admitted.mirrored;
        match message {
            Message::Request(request) => {
                self.audit.note_revision(&request.meta, request.requested_revision.as_deref());
                Ok(placement::place_request(mirrored, request, self.revisions?)?)
            }
            Message::Response { .. } => Ok(placement::place_response(mirrored, self.revisions?)?),
            Message::Unlisted { id, method, meta } => {
                self.audit.note_revision(meta, None);
                placement::place_unlisted(mirrored, method, meta, self.revisions?)?;
                Err(if id.is_some() { Reason::MethodUnknown } else { Reason::NotificationUnknown })
            }
        }
    }

    fn evaluate_target(
        &mut self,
        request: &Request<'_>,
        mut evaluation: Evaluation,
        target: &Target<'_>,
        revision: Revision,
    ) -> Result<(), Reason> {
        let (caller, mirrored, now) = (&self.admitted.caller, &self.admitted.mirrored, self.audit.now());
        let name = evaluation.object.as_mut().map(|(_, name)| name);
        let opened = self.tasks.open_target(caller, request, target, mirrored, self.body, now, name);
        if let Err(reason) = opened {
            return Err(self.audit.deny_unasked(evaluation, reason));
        }
        let definition = self.seen_definition(target, &mut evaluation);
        self.evaluate(evaluation, &evaluation_request::action(target, definition.as_ref()))?;
        // After the policy, so that a caller learns nothing of tools that the policy denies.
        let verified =
            param_headers::verify(&self.admitted.caller, &self.admitted.mirrored, target, revision, now);
        verified.map_err(|reason| self.audit.deny(self.audit.evaluations.len().saturating_sub(1), reason))
    }

    /// The definition that the server last showed for the tool that is called, where the policy pins it.
    fn seen_definition(&self, target: &Target<'_>, evaluation: &mut Evaluation) -> Option<Digest> {
        let Target::Tool { name, .. } = target else { return None };
        let caller = &self.admitted.caller;
        let (item, digest) = caller.pep.definitions.of(caller.server(), name)?;
        let version = match item.accepts(&digest, self.audit.now()) {
            Ok(Acceptance::Accepted(known) | Acceptance::Expired(known)) => known.version().ok(),
            _ => None,
        };
        let version = version.filter(|version| !version.is_empty()).map(str::to_owned);
        evaluation.definition = Some(SeenDefinition { digest, version });
        Some(digest)
    }

    /// Asks the PDP, and adds the grant with its open checks.
    fn evaluate(&mut self, mut evaluation: Evaluation, action: &Action<'_>) -> Result<(), Reason> {
        let Admitted { caller, verb, work, .. } = &*self.admitted;
        let method = evaluation.method.unwrap_or(verb.policy_method());
        let decision = caller.decide(method, *action, self.audit.now(), work);
        evaluation.recorded_arguments = recorded_arguments::recorded(caller.server(), action);
        let grant = PendingGrant::of(&decision);
        evaluation.denied = grant.as_ref().err().copied();
        evaluation.decision = Some(decision);
        let number = self.audit.evaluations.len();
        self.audit.evaluations.push(evaluation);
        self.grants.add(number, grant?);
        Ok(())
    }
}
