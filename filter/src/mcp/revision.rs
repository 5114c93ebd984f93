//! Protocol revisions and their eras.

/// How a revision places a message in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Era {
    /// `initialize`, then `MCP-Protocol-Version` on each request (to 2025-11-25).
    Legacy,
    /// `_meta` and mirrored headers on each request (from 2026-07-28).
    Modern,
}

/// A revision that this release reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Revision {
    /// 2024-11-05: HTTP with server-sent events. Requests do not say their revision.
    R20241105,
    /// 2025-03-26: what a server assumes of a request that does not say its revision.
    R20250326,
    /// 2025-06-18.
    R20250618,
    /// 2025-11-25.
    R20251125,
    /// 2026-07-28.
    R20260728,
}

impl Revision {
    /// Every revision, oldest first.
    pub const ALL: [Revision; 5] = [
        Revision::R20241105,
        Revision::R20250326,
        Revision::R20250618,
        Revision::R20251125,
        Revision::R20260728,
    ];

    /// What is admitted where the configuration does not say: the revisions whose every request says which one it is.
    pub const DEFAULT: [Revision; 3] = [Revision::R20250618, Revision::R20251125, Revision::R20260728];

    /// The revision with this exact name.
    pub fn named(name: &str) -> Option<Revision> {
        Revision::ALL.into_iter().find(|revision| revision.name() == name)
    }

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Revision::R20241105 => "2024-11-05",
            Revision::R20250326 => "2025-03-26",
            Revision::R20250618 => "2025-06-18",
            Revision::R20251125 => "2025-11-25",
            Revision::R20260728 => "2026-07-28",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Revision::R20241105 => 1,
            Revision::R20250326 => 2,
            Revision::R20250618 => 4,
            Revision::R20251125 => 8,
            Revision::R20260728 => 16,
        }
    }

    /// Its era.
    pub const fn era(self) -> Era {
        match self {
            Revision::R20260728 => Era::Modern,
            _ => Era::Legacy,
        }
    }
}

/// A set of revisions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Revisions(u8);

impl Revisions {
    /// Whether this one is admitted.
    pub fn contains(self, revision: Revision) -> bool {
        self.0 & revision.bit() != 0
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
        Revisions(revisions.into_iter().fold(0, |all, revision| all | revision.bit()))
    }
}
