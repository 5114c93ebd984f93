//! From a decision to the proof that it permits and that everything it asks for was met.
//!
//! ```text
//! Decision ─> PendingGrant { obligations } ─> settle(answer) ─> … ─> Grant ─> Permit
//! ```

use crate::callout::CheckAnswer;
use crate::reason::Reason;
use policy_wasm::decision::{Decision, DenyReason, Effect, Obligation, RelationCheck};
use std::collections::VecDeque;

/// A decision that permits, with the obligations that are not met yet.
#[derive(Debug)]
pub(super) struct PendingGrant {
    obligations: VecDeque<RelationCheck>,
}

/// Proof of a decision that permits, with every obligation met.
///
/// INVARIANT (obligations): only [`PendingGrant::progress`] makes one.
#[derive(Debug)]
pub(super) struct Grant {
    _met: Met,
}

/// The next step of a [`PendingGrant`].
pub(super) enum Progress {
    /// Everything is met.
    Granted(Grant),
    /// The grant itself, and the check that it waits for.
    Waits(PendingGrant, RelationCheck),
}

/// Nothing outside this module can name a value of this type.
#[derive(Debug)]
struct Met;

impl PendingGrant {
    /// The grant of a decision.
    ///
    /// # Errors
    /// Why the decision does not permit: its own reason, or an obligation of a kind that cannot be met here.
    pub(super) fn of(decision: &Decision) -> Result<PendingGrant, Reason> {
        if decision.effect() == Effect::Deny {
            let reason = decision.reasons.first().unwrap_or(DenyReason::PolicyUnreadable);
            return Err(Reason::Policy(reason));
        }
        let mut obligations = VecDeque::new();
        for obligation in &decision.obligations {
            // INVARIANT (obligations): each kind is met here or denies; a new kind breaks this match.
            match obligation {
                Obligation::Check(check) => obligations.push_back(check.clone()),
                Obligation::Approval(_) | Obligation::Budget(_) => return Err(Reason::ObligationUnknown),
            }
        }
        Ok(PendingGrant { obligations })
    }

    /// The proof, or the next open check.
    pub(super) fn progress(self) -> Progress {
        match self.obligations.front().cloned() {
            None => Progress::Granted(Grant { _met: Met }),
            Some(check) => Progress::Waits(self, check),
        }
    }

    /// Meets the check that [`PendingGrant::progress`] named.
    ///
    /// # Errors
    /// Why the check was not passed.
    pub(super) fn settle(mut self, answer: CheckAnswer) -> Result<PendingGrant, Reason> {
        match answer {
            CheckAnswer::Allowed => {
                self.obligations.pop_front();
                Ok(self)
            }
            CheckAnswer::Refused(reason) => Err(reason),
        }
    }
}

/// The grants of all evaluations of a request.
#[derive(Debug, Default)]
pub(super) struct Grants {
    /// By the number of the evaluation, in order.
    pending: VecDeque<(usize, PendingGrant)>,
    granted: Vec<Grant>,
}

/// The check that the grant of one evaluation waits for.
#[derive(Debug)]
pub(super) struct PendingCheck {
    /// The number of the evaluation.
    pub(super) evaluation: usize,
    pub(super) check: RelationCheck,
    grant: PendingGrant,
}

impl Grants {
    /// Adds the grant of an evaluation.
    pub(super) fn add(&mut self, evaluation: usize, grant: PendingGrant) {
        self.pending.push_back((evaluation, grant));
    }

    /// The next check, or `None` once every grant is met.
    pub(super) fn next_check(&mut self) -> Option<PendingCheck> {
        while let Some((evaluation, grant)) = self.pending.pop_front() {
            match grant.progress() {
                Progress::Granted(grant) => self.granted.push(grant),
                Progress::Waits(grant, check) => return Some(PendingCheck { evaluation, check, grant }),
            }
        }
        None
    }

    /// Takes the answer to a check.
    ///
    /// # Errors
    /// The reason where the cluster did not allow it.
    pub(super) fn settle(&mut self, pending: PendingCheck, answer: CheckAnswer) -> Result<(), Reason> {
        let grant = pending.grant.settle(answer)?;
        self.pending.push_front((pending.evaluation, grant));
        Ok(())
    }

    /// The grants, where every one is met.
    pub(super) fn into_granted(self) -> Option<Vec<Grant>> {
        self.pending.is_empty().then_some(self.granted)
    }
}
