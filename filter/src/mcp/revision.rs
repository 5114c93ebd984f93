//! Sets of protocol revisions.

pub use policy_wasm::model::{Era, Revision};

const fn bit(revision: Revision) -> u8 {
    1u8.wrapping_shl(revision as u32)
}

/// A set of revisions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Revisions(u8);

impl Revisions {
    /// Whether this one is admitted.
    pub fn contains(self, revision: Revision) -> bool {
        self.0 & bit(revision) != 0
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Oldest first.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = Revision> {
        Revision::ALL.into_iter().filter(move |revision| self.contains(*revision))
    }

    /// Those that are in both.
    pub fn and(self, other: Revisions) -> Revisions {
        Revisions(self.0 & other.0)
    }

    /// Those that HTTP with SSE can carry, where the revision that has it is admitted: from 2026-07-28 on there are no
    /// sessions.
    pub fn by_sse(self) -> Revisions {
        let has = self.contains(Revision::R20241105);
        self.iter().filter(|revision| has && revision.era() == Era::Legacy).collect()
    }

    /// The admitted revision with this name.
    pub(super) fn named(self, name: &str) -> Option<Revision> {
        Revision::named(name).filter(|revision| self.contains(*revision))
    }

    /// The revision of a request that does not say: 2025-03-26 (MCP 2025-06-18, transports), or 2024-11-05.
    pub(super) fn assumed(self) -> Option<Revision> {
        [Revision::R20250326, Revision::R20241105].into_iter().find(|revision| self.contains(*revision))
    }
}

impl FromIterator<Revision> for Revisions {
    fn from_iter<I: IntoIterator<Item = Revision>>(revisions: I) -> Self {
        Revisions(revisions.into_iter().fold(0, |all, revision| all | bit(revision)))
    }
}
