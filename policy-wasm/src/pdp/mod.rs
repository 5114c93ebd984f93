//! The evaluation: one pass over the layers, each of which can only deny.
//!
//! ```text
//! entry ─> validity ─> chain ─> subject ─> actors ─> scopes ─┐
//!                      └────────── Authority::of ────────────┤
//!   ┌─────────────────────────────────────────────────────────┘
//!   └> method ─> definition ─> forbids, approvals, budgets ─> consent ─> tiers ─> conditions ─> checks ─> Decision
//!      └──────────────────── Authority::visibility ─────────────────────────────────────┘
//! ```
//!
//! Every layer is evaluated, even after a denial, so that all reasons are known. Conditions on arguments are the
//! exception: they are skipped once the caller is denied for every request. `explain` is the same evaluation with a
//! recorder, and does not skip them. All conditions of one decision share one bound on work ([`Work`]). The cost
//! depends on the token (groups, roles, claims, actors, scopes) and on the rules that name the caller, the item or the
//! server. It does not depend on the size of the policy.
//!
//! INVARIANT (laws, each with a property test in `tests`): every permit needs a rule that permits. A forbid beats every
//! grant. The order of rules and files does not matter. A lower ceiling or a longer chain never permits more. Lists and
//! calls agree; explanation and decision agree. Monitor mode lets no unknown caller pass.

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

/// The work that is left for the conditions of one decision. A batch counts as one decision, and so does a list. Copies
/// share the rest.
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

/// The reach of one caller at one server, worked out once for all items of a list.
#[derive(Debug, Clone)]
pub struct Authority<'b> {
    bundle: &'b Bundle,
    server: Server<'b>,
    request: &'b Request<'b>,
    /// The reasons that deny every action at this server.
    reasons: Reasons,
    caller: CallerCeilings,
    work: Work,
}

impl<'b> Authority<'b> {
    /// Works out the caller's reach at this server; [`Request::action`] is ignored.
    ///
    /// `server` must be of this bundle; one of another bundle is denied as `PolicyUnreadable`.
    pub fn of(bundle: &'b Bundle, server: Server<'b>, request: &'b Request<'b>) -> Authority<'b> {
        Authority::within(bundle, server, request, &Work::default())
    }

    /// As [`Authority::of`], with a bound on work that all items of a list share.
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

    /// Whether no item of any list can be visible. Such a caller costs no further work.
    fn is_hopeless(&self) -> bool {
        let granted = self.caller.subject.is_some() || self.caller.trial.is_some() || self.caller.depends;
        !granted || self.reasons.iter().any(|reason| !reason.can_be_monitored())
    }

    /// Whether a list shows this caller the item with this name (resources: URI; templates: URI template).
    pub fn visibility(&self, kind: ItemKind, name: &str) -> Visibility {
        self.visibility_as(kind, name, None)
    }

    /// As [`Authority::visibility`], for a tool whose server shows this definition (SHA-256). A definition that the
    /// policy does not accept hides the tool.
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

/// Decides. Every input has an answer; the PDP denies a request that it cannot decide.
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
