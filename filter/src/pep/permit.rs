//! The proof that a request may go on.

/// Proof that a request was permitted. It cannot be cloned and has no public constructor.
///
/// INVARIANT (no forwarding without a permit): only this module makes one, from evidence.
///
/// ```compile_fail
/// // Outside this module there is no way to make one.
/// let permit = filter::pep::Permit { evidence: () };
/// ```
#[derive(Debug)]
pub struct Permit {
    evidence: Evidence,
}

#[derive(Debug)]
enum Evidence {
    /// A verified delegation and a decision that permits, all its obligations met.
    Decision,
}

impl Permit {
    /// From a verified delegation and a decision that permits and leaves no obligation open.
    pub(super) fn from_decision(
        _delegation: &crate::delegation::VerifiedDelegation,
        decision: &policy_wasm::decision::Decision,
        open_obligations: usize,
    ) -> Option<Permit> {
        (decision.effect() == policy_wasm::decision::Effect::Permit && open_obligations == 0)
            .then_some(Permit { evidence: Evidence::Decision })
    }

    /// What the permit rests on, for logs.
    pub fn basis(&self) -> &'static str {
        match self.evidence {
            Evidence::Decision => "decision",
        }
    }
}
