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
    /// From a verified delegation and the decisions about all that is asked for: at least one, every one of them
    /// permits, and no obligation is left open.
    pub(super) fn from_decisions<'d>(
        _delegation: &crate::delegation::VerifiedDelegation,
        decisions: impl IntoIterator<Item = Option<&'d policy_wasm::decision::Decision>>,
        open_obligations: usize,
    ) -> Option<Permit> {
        let mut any = false;
        for decision in decisions {
            if decision?.effect() != policy_wasm::decision::Effect::Permit {
                return None;
            }
            any = true;
        }
        (any && open_obligations == 0).then_some(Permit { evidence: Evidence::Decision })
    }

    /// What the permit rests on, for logs.
    pub fn basis(&self) -> &'static str {
        match self.evidence {
            Evidence::Decision => "decision",
        }
    }
}
