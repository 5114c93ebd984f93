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

#[cfg(feature = "tools")]
mod explain;
mod facts;
mod limits;
mod template;
mod trace;
mod walk;
mod who;

#[cfg(feature = "tools")]
pub use explain::{Explanation, Fact, Layer, LayerName, RuleRef, explain};
#[cfg(feature = "tools")]
pub use trace::Outcome;

use crate::bundle::{Bundle, Server};
use crate::decision::{Decision, DenyReason, Reasons, Visibility};
use crate::model::{ItemKind, Mode, Request};
use std::cell::Cell;
use std::rc::Rc;
use trace::{Silent, Trace};
use walk::{Aim, DECISION_WORK, Walk};
use who::Who;

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
    who: Who,
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
        let mut walk = Walk::new(bundle, server, request, &work.0, &mut silent);
        walk.aim = Aim::Prepare;
        walk.caller();
        let (reasons, who) = (walk.reasons, walk.who);
        Authority { bundle, server, request, reasons, who, work: work.clone() }
    }

    /// Whether no entry of any list can be shown: work is spent on nobody who is denied everything.
    fn is_hopeless(&self) -> bool {
        let granted = self.who.subject.is_some() || self.who.trial.is_some() || self.who.depends;
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
        let mut walk = Walk::new(self.bundle, self.server, self.request, &self.work.0, &mut silent);
        walk.aim = Aim::List;
        walk.method = match kind {
            ItemKind::Tool => "tools/call",
            ItemKind::Prompt => "prompts/get",
            ItemKind::Resource | ItemKind::Template => "resources/read",
        };
        walk.seen_definition = definition;
        walk.reasons = self.reasons;
        walk.who = self.who.clone();
        walk.guard(|walk| walk.want(kind, name));
        if walk.item().is_none() && self.server.mode() == Ok(Mode::Enforce) {
            return Visibility::Deny;
        }
        if self.who.depends {
            walk.guard(Walk::subject);
        }
        walk.granted();
        walk.layers();
        walk.settle();
        match (walk.reasons.is_empty(), walk.conditional) {
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
    walk(bundle, server, request, &Cell::new(DECISION_WORK), &mut Silent)
}

/// As [`evaluate`], with the work that is left: all messages of a batch share it.
pub fn evaluate_within(bundle: &Bundle, server: Server<'_>, request: &Request<'_>, work: &Work) -> Decision {
    walk(bundle, server, request, &work.0, &mut Silent)
}

fn walk<T: Trace>(
    bundle: &Bundle,
    server: Server<'_>,
    request: &Request<'_>,
    work: &Cell<u32>,
    trace: &mut T,
) -> Decision {
    let mut walk = Walk::new(bundle, server, request, work, trace);
    if walk.reasons.contains(DenyReason::PolicyUnreadable) {
        return walk.decision();
    }
    walk.guard(Walk::find);
    walk.caller();
    walk.granted();
    walk.layers();
    walk.decision()
}
