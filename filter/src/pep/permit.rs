//! The proof that a request may go on.

use crate::pep::caller::Caller;
use crate::pep::grant::{Grant, Grants};

/// Proof that a request was permitted. It cannot be cloned and has no public constructor.
///
/// INVARIANT (no forwarding without a permit): only this module makes a `Permit`. It takes a caller with a verified
/// token and a `Grant` for each evaluation. No grant exists while an obligation of its decision is open.
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
    /// The permit for everything that is asked for; `None` where a grant is open or nothing was asked.
    pub(super) fn new(_: &Caller, grants: Grants) -> Option<Permit> {
        let grants = grants.into_granted().filter(|grants| !grants.is_empty())?;
        Some(Permit { _grants: grants })
    }
}
