//! Tokens that passed: a table of fixed size, so that no flood of tokens can make it grow.
//!
//! Set-associative: a fingerprint chooses a set of up to eight places, and only that set is searched. So a
//! look-up, an insertion and an eviction each cost at most eight steps. A token is found by its exact bytes.
//! SHA-256 in their place was a quarter of all instructions of a call.

use super::VerifiedDelegation;
use policy_wasm::fast_hash;
use std::rc::Rc;

/// Places of one set.
const WAYS: usize = 8;

struct Entry {
    fingerprint: u64,
    /// The whole token, signature included. Nothing shows it.
    token: Box<str>,
    delegation: Rc<VerifiedDelegation>,
    used: u64,
}

impl Entry {
    /// The fingerprint comes first. So bytes are only compared where they are almost certainly equal, and the
    /// time reveals nothing about tokens of others.
    fn is(&self, fingerprint: u64, token: &str) -> bool {
        self.fingerprint == fingerprint && fast_hash::same(self.token.as_bytes(), token.as_bytes())
    }
}

/// The cache of one VM. Its tokens were verified, but the caller checks their time on every hit.
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

    /// The set of a fingerprint. Only tokens of an issuer get in. So an attack on a set gains no more than
    /// some further verifications.
    fn set(&mut self, fingerprint: u64) -> Option<&mut Vec<Entry>> {
        let index = fingerprint.checked_rem(self.sets.len() as u64)?;
        self.sets.get_mut(usize::try_from(index).ok()?)
    }

    /// The delegation of a token that passed before. Allocates nothing.
    pub(super) fn get(&mut self, token: &str) -> Option<Rc<VerifiedDelegation>> {
        self.clock = self.clock.wrapping_add(1);
        let clock = self.clock;
        let fingerprint = fast_hash::of(token.as_bytes());
        let entry = self.set(fingerprint)?.iter_mut().find(|entry| entry.is(fingerprint, token))?;
        entry.used = clock;
        Some(Rc::clone(&entry.delegation))
    }

    /// Keeps a delegation; where its set is full, in place of an expired one, or else of the longest unused.
    pub(super) fn insert(&mut self, token: &str, delegation: Rc<VerifiedDelegation>, now: u64) {
        let (ways, clock) = (self.ways, self.clock);
        let fingerprint = fast_hash::of(token.as_bytes());
        let Some(set) = self.set(fingerprint) else { return };
        let entry = Entry { fingerprint, token: token.into(), delegation, used: clock };
        if let Some(same) = set.iter_mut().find(|entry| entry.is(fingerprint, token)) {
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
    pub(super) fn remove(&mut self, token: &str) {
        let fingerprint = fast_hash::of(token.as_bytes());
        if let Some(set) = self.set(fingerprint) {
            set.retain(|entry| !entry.is(fingerprint, token));
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.sets.iter().map(Vec::len).sum()
    }
}
