//! What conditions can ask of a walk. No condition can be evaluated yet, so that every rule with one denies.

use super::trace::Trace;
use super::walk::Walk;

pub(super) struct Reads;

impl Reads {
    pub(super) fn args(&self) -> bool {
        true
    }
    pub(super) fn item(&self) -> bool {
        true
    }
}

pub(super) fn reads(_code: &[u8]) -> Reads {
    Reads
}

pub(super) fn evaluate<T: Trace>(_code: &[u8], _walk: &Walk<'_, T>) -> Result<bool, ()> {
    Err(())
}
