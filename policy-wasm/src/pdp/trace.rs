//! What the walk tells a recorder. Evaluation records nothing and pays nothing.

use crate::bundle::layout::PrincipalKind;
use crate::bundle::{Check, HeldCeiling};
use crate::decision::Reasons;

/// A recorder of the walk. Its default records nothing.
pub(super) trait Trace {
    /// The walk saw something.
    fn saw(&mut self, _seen: Seen<'_>) {}
}

/// Records nothing.
pub(super) struct Silent;

impl Trace for Silent {}

/// Something that the walk saw.
pub(super) enum Seen<'s> {
    /// The number of actors, and the most that the policy admits.
    Chain { length: usize, most: u32 },
    /// A name under which the human or an actor may hold a ceiling, and what it holds here.
    Principal { kind: PrincipalKind, name: &'s str, held: Option<HeldCeiling> },
    /// The highest of the human's ceilings.
    SubjectCeiling { held: Option<HeldCeiling> },
    /// The tool that is asked for, and its tier where the server has it.
    Tool { name: &'s str, tier: Option<u32> },
    /// The scope that the tool's tier needs with the tier it is listed at, and the highest tier that the token's
    /// scopes are listed at.
    Scope { needed: Option<(u32, &'s str)>, reach: Option<u32> },
    /// A check of the tool, and whether its templates could be filled.
    Check { check: Check<'s>, filled: Result<(), Reasons> },
}
