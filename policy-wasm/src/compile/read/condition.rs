//! `when`: conditions, compiled where they stand.

use super::names::Names;
use crate::policy::Condition;
use crate::source::{Node, Place};

/// What a condition may speak of.
#[derive(Clone, Copy)]
pub(super) struct Scope<'s> {
    _tiers: &'s [&'s str],
}

impl<'s> Scope<'s> {
    /// A condition of a rule.
    pub(super) fn new(tiers: &'s [&'s str]) -> Scope<'s> {
        Scope { _tiers: tiers }
    }

    /// A condition of a tool whose arguments have a schema.
    pub(super) fn with_arguments(self, _schema: &Node<'_>) -> Scope<'s> {
        self
    }
}

/// Reads and compiles a condition.
pub(super) fn when<'n>(place: &Place<'n>, scope: &Scope<'_>, names: &Names<'n>) -> Option<Condition> {
    let text = place.text()?;
    compile(text, place, scope, names)
}

/// Compiles a condition that the compiler itself wrote for what stands at `place`.
pub(super) fn compile<'n>(
    _text: &str,
    place: &Place<'n>,
    _scope: &Scope<'_>,
    _names: &Names<'n>,
) -> Option<Condition> {
    place.refuse("conditions are not part of this version yet");
    None
}
