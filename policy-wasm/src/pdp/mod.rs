//! The evaluation: one walk over the layers, each of which can only deny.
//!
//! ```text
//! entry ─> validity ─> chain ─> subject ─> actors ─> scopes ─┐
//!                      └────────── Authority::of ────────────┤
//!   ┌─────────────────────────────────────────────────────────┘
//!   └> method ─> definition ─> forbids, approvals, budgets ─> consent ─> tiers ─> conditions ─> checks ─> Decision
//!      └──────────────────── Authority::visibility ─────────────────────────────────────┘
//! ```
//!
//! Every layer is looked at, whatever the ones before it found, so that all reasons are known. Conditions on arguments
//! are the exception: they are not asked once the caller is denied whatever it asks for. `explain` is the same walk with
//! a recorder, and asks them. All conditions of one decision share one bound on work ([`Work`]). The cost depends on the token (groups, roles, claims, actors, scopes) and on the rules that
//! name the caller, the entry or the server, not on the size of the policy.
//!
//! INVARIANT (laws, each held by a property test in `tests`): nothing is permitted that no rule permits; a forbid is
//! never outweighed; the order of rules and files is irrelevant; a lower ceiling or a longer chain never permits more;
//! lists and calls agree; explaining and evaluating agree; monitor mode lets nobody pass who is not known.

mod caller;
mod condition_context;
mod evaluation;
#[cfg(feature = "tools")]
mod explain;
mod restrictions;
mod template;
mod trace;

#[cfg(feature = "tools")]
pub use explain::{Explanation, Fact, Layer, LayerName, RuleRef, explain};
#[cfg(feature = "tools")]
pub use trace::Outcome;

use crate::bundle::{Bundle, Server};
use crate::decision::{Decision, DenyReason, Reasons, Visibility};
use crate::model::{ItemKind, Mode, Request};
use caller::CallerCeilings;
use evaluation::{DECISION_WORK, Evaluation, Purpose};
use std::cell::Cell;
use std::rc::Rc;
use trace::{Silent, Trace};

/// The work that is left for the conditions of one decision; a batch is one decision, and so is a list. A copy shares
/// what is left.
#[derive(Debug, Clone)]
pub struct Work(Rc<Cell<u32>>);

impl Work {
    /// The steps that one decision may cost, as [`crate::condition::MAX_WORK`] counts them.
    pub const MOST: u32 = DECISION_WORK;

    /// The steps that are left.
    pub fn left(&self) -> u32 {
        self.0.get()
    }
}

impl Default for Work {
    /// All of it.
    fn default() -> Work {
        Work(Rc::new(Cell::new(Work::MOST)))
    }
}

/// What one caller may reach at one server: worked out once, asked for every entry of a list.
#[derive(Debug, Clone)]
pub struct Authority<'b> {
    bundle: &'b Bundle,
    server: Server<'b>,
    request: &'b Request<'b>,
    /// What already denies every action at this server.
    reasons: Reasons,
    caller: CallerCeilings,
    work: Work,
}

impl<'b> Authority<'b> {
    /// Works out what this caller may reach at this server; what the request asks for ([`Request::action`]) is ignored.
    ///
    /// `server` must be of this bundle; one of another bundle is denied as `PolicyUnreadable`.
    pub fn of(bundle: &'b Bundle, server: Server<'b>, request: &'b Request<'b>) -> Authority<'b> {
        Authority::within(bundle, server, request, &Work::default())
    }

    /// As [`Authority::of`], with the work that is left: all entries of a list share it.
    pub fn within(
        bundle: &'b Bundle,
        server: Server<'b>,
        request: &'b Request<'b>,
        work: &Work,
    ) -> Authority<'b> {
        let mut silent = Silent;
        let mut evaluation = Evaluation::new(bundle, server, request, &work.0, &mut silent);
        evaluation.purpose = Purpose::Prepare;
        evaluation.evaluate_caller();
        let (reasons, caller) = (evaluation.reasons, evaluation.caller);
        Authority { bundle, server, request, reasons, caller, work: work.clone() }
    }

    /// Whether no entry of any list can be shown: work is spent on nobody who is denied everything.
    fn is_hopeless(&self) -> bool {
        let granted = self.caller.subject.is_some() || self.caller.trial.is_some() || self.caller.depends;
        !granted || self.reasons.iter().any(|reason| !reason.can_be_monitored())
    }

    /// Whether a list shows the entry with this name (resources: URI; templates: URI template) to this caller.
    pub fn visibility(&self, kind: ItemKind, name: &str) -> Visibility {
        self.visibility_as(kind, name, None)
    }

    /// As [`Authority::visibility`], of a tool whose definition the server shows like this (SHA-256): one that the policy
    /// does not accept is not shown.
    pub fn visibility_as(&self, kind: ItemKind, name: &str, definition: Option<&[u8; 32]>) -> Visibility {
        if self.is_hopeless() {
            return Visibility::Deny;
        }
        let mut silent = Silent;
        let mut evaluation =
            Evaluation::new(self.bundle, self.server, self.request, &self.work.0, &mut silent);
        evaluation.purpose = Purpose::List;
        evaluation.method = match kind {
            ItemKind::Tool => "tools/call",
            ItemKind::Prompt => "prompts/get",
            ItemKind::Resource | ItemKind::Template => "resources/read",
        };
        evaluation.seen_definition = definition;
        evaluation.reasons = self.reasons;
        evaluation.caller = self.caller.clone();
        evaluation.guard(|evaluation| evaluation.resolve_item(kind, name));
        if evaluation.item().is_none() && self.server.mode() == Ok(Mode::Enforce) {
            return Visibility::Deny;
        }
        if self.caller.depends {
            evaluation.guard(Evaluation::subject);
        }
        evaluation.check_grant();
        evaluation.layers();
        evaluation.apply_monitor_mode();
        match (evaluation.reasons.is_empty(), evaluation.conditional) {
            (false, _) => Visibility::Deny,
            (true, true) => Visibility::Conditional,
            (true, false) => Visibility::Permit,
        }
    }
}

/// Decides. Total: every input has an answer, and what cannot be decided is denied.
///
/// `server` must be of this bundle; one of another bundle is denied as `PolicyUnreadable`.
pub fn evaluate(bundle: &Bundle, server: Server<'_>, request: &Request<'_>) -> Decision {
    evaluate_with(bundle, server, request, &Cell::new(DECISION_WORK), &mut Silent)
}

/// As [`evaluate`], with the work that is left: all messages of a batch share it.
pub fn evaluate_within(bundle: &Bundle, server: Server<'_>, request: &Request<'_>, work: &Work) -> Decision {
    evaluate_with(bundle, server, request, &work.0, &mut Silent)
}

fn evaluate_with<T: Trace>(
    bundle: &Bundle,
    server: Server<'_>,
    request: &Request<'_>,
    work: &Cell<u32>,
    trace: &mut T,
) -> Decision {
    let mut evaluation = Evaluation::new(bundle, server, request, work, trace);
    if evaluation.reasons.contains(DenyReason::PolicyUnreadable) {
        return evaluation.decision();
    }
    evaluation.guard(Evaluation::resolve_target);
    evaluation.evaluate_caller();
    evaluation.check_grant();
    evaluation.layers();
    evaluation.decision()
}
