//! Tokens that passed: a table of fixed size, so that no flood of tokens can make it grow.
//!
//! Set-associative: a digest chooses a set of up to eight places, and only that set is looked through, so that a
//! look-up, an insertion and an eviction each cost at most eight steps.

use super::VerifiedDelegation;
use std::rc::Rc;

/// Places of one set.
const WAYS: usize = 8;

/// SHA-256 of the whole token, signature included.
pub(super) type Digest = [u8; 32];

struct Entry {
    digest: Digest,
    delegation: Rc<VerifiedDelegation>,
    used: u64,
}

/// The cache of one VM. What it gives was verified, but its time is the caller's to check on every hit.
pub(super) struct Cache {
    sets: Vec<Vec<Entry>>,
    ways: usize,
    clock: u64,
}

impl Cache {
    /// A cache of at most `entries` tokens (rounded down to whole sets of eight); 0 keeps none.
    pub(super) fn new(entries: usize) -> Cache {
        let ways = entries.min(WAYS);
        let sets = entries.checked_div(ways).unwrap_or(0);
        Cache { sets: (0..sets).map(|_| Vec::new()).collect(), ways, clock: 0 }
    }

    /// The set of a digest. Digests of SHA-256 are spread evenly, and only tokens of an issuer get in, so nobody can
    /// aim at a set for more than the price of verifying somewhat more often.
    fn set(&mut self, digest: &Digest) -> Option<&mut Vec<Entry>> {
        let number = digest.first_chunk().map_or(0, |head| u64::from_le_bytes(*head));
        let index = number.checked_rem(self.sets.len() as u64)?;
        self.sets.get_mut(usize::try_from(index).ok()?)
    }

    /// The delegation of a token that passed before. Allocates nothing.
    pub(super) fn get(&mut self, digest: &Digest) -> Option<Rc<VerifiedDelegation>> {
        self.clock = self.clock.wrapping_add(1);
        let clock = self.clock;
        let entry = self.set(digest)?.iter_mut().find(|entry| entry.digest == *digest)?;
        entry.used = clock;
        Some(Rc::clone(&entry.delegation))
    }

    /// Keeps a delegation; where its set is full, in place of an expired one, or else of the longest unused.
    pub(super) fn insert(&mut self, digest: Digest, delegation: Rc<VerifiedDelegation>, now: u64) {
        let (ways, clock) = (self.ways, self.clock);
        let Some(set) = self.set(&digest) else { return };
        let entry = Entry { digest, delegation, used: clock };
        if let Some(same) = set.iter_mut().find(|entry| entry.digest == digest) {
            *same = entry;
        } else if set.len() < ways {
            set.push(entry);
        } else {
            // Expired entries sort before live ones, then the longest unused.
            let worst = set.iter_mut().min_by_key(|entry| (now < entry.delegation.expires_at, entry.used));
            if let Some(worst) = worst {
                *worst = entry;
            }
        }
    }

    /// Drops a token.
    pub(super) fn remove(&mut self, digest: &Digest) {
        if let Some(set) = self.set(digest) {
            set.retain(|entry| entry.digest != *digest);
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.sets.iter().map(Vec::len).sum()
    }
}
