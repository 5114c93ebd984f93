//! The proof that a request may go on.

use crate::pep::grant::Grant;
use crate::token::VerifiedDelegation;

/// Proof that a request was permitted. It cannot be cloned and has no public constructor.
///
/// INVARIANT (no forwarding without a permit): only this module makes one, from a verified delegation and a [`Grant`] for
/// each thing that was asked for. A grant cannot be had while an obligation of its decision is open.
///
/// The name is public:
/// ```
/// fn forwards(_: filter::pep::Permit) {}
/// ```
/// Outside this module there is no way to make one:
/// ```compile_fail,E0451
/// let permit = filter::pep::Permit { _grants: Vec::new() };
/// ```
#[derive(Debug)]
pub struct Permit {
    _grants: Vec<Grant>,
}

impl Permit {
    /// From the grants of all that is asked for; `None` where there are none.
    pub(super) fn new(_: &VerifiedDelegation, grants: Vec<Grant>) -> Option<Permit> {
        (!grants.is_empty()).then_some(Permit { _grants: grants })
    }
}
