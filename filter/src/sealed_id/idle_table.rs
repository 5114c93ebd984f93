//! When sessions were last used: a table in what the workers of one proxy share, of fixed size, so that no number of
//! sessions can make it grow.
//!
//! ```text
//! the slot key of a session: 2 bytes ─> one of 2,048 slots, each a key of the store
//!                        8 bytes ─> one of up to 32 entries of the slot: 8 bytes of slot key, 8 bytes time of the last use
//!                                   (Unix seconds, big-endian), the last written first
//! ```
//!
//! A slot that is full loses the entry that was written longest ago. A session whose entry is lost counts as used at its
//! beginning only, so it ends earlier than it should and never later. Marks are bytes of a tag that only a key of ours
//! makes: nobody can aim at a slot.

use std::fmt;

/// Slots of the table.
const SLOTS: u16 = 2048;
/// Most entries of a slot.
const WAYS: usize = 32;
/// Bytes of an entry, half of them the time.
const ENTRY: usize = 16;
const TIME: usize = 8;
/// Most attempts to write, where other workers write the same slot.
const ATTEMPTS: u32 = 4;
const PREFIX: &[u8] = b"toolward.session_uses.1.";

/// The workers' shared values by key, each with a number that changes whenever it is set. In Envoy these are
/// the shared data of the VMs with the same `vm_id` (proxy-wasm ABI 0.2.1, `proxy_get_shared_data`).
pub trait SharedStore {
    /// The value of a key and its number; `None` where it was never set.
    ///
    /// # Errors
    /// [`StoreFault::Unavailable`].
    fn get(&self, key: &[u8]) -> Result<Option<(Vec<u8>, u32)>, StoreFault>;

    /// Sets a key whose value still has this number; `None`: a key that is still not set.
    ///
    /// # Errors
    /// See [`StoreFault`].
    fn set(&self, key: &[u8], value: &[u8], number: Option<u32>) -> Result<(), StoreFault>;
}

/// Why the store did not do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreFault {
    /// Another worker set the key meanwhile.
    Changed,
    /// The host has no such store, or it failed.
    Unavailable,
}

/// No store: nothing is remembered, and sessions with an idle limit end that long after their beginning.
#[derive(Debug, Clone, Copy)]
pub struct NoStore;

impl SharedStore for NoStore {
    fn get(&self, _: &[u8]) -> Result<Option<(Vec<u8>, u32)>, StoreFault> {
        Err(StoreFault::Unavailable)
    }

    fn set(&self, _: &[u8], _: &[u8], _: Option<u32>) -> Result<(), StoreFault> {
        Err(StoreFault::Unavailable)
    }
}

/// Whether the host keeps anything at all.
pub fn is_available(store: &dyn SharedStore) -> bool {
    store.get(PREFIX).is_ok()
}

/// The key by which the table finds a session.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SlotKey {
    slot: [u8; 2],
    entry: [u8; ENTRY - TIME],
}

impl SlotKey {
    /// Of the tag of a sealed text.
    pub(super) fn of(tag: &[u8]) -> SlotKey {
        let mut slot_key = SlotKey { slot: [0; 2], entry: [0; ENTRY - TIME] };
        let places = slot_key.slot.iter_mut().chain(slot_key.entry.iter_mut());
        places.zip(tag).for_each(|(to, from)| *to = *from);
        slot_key
    }

    fn key(&self) -> Vec<u8> {
        let slot = u16::from_be_bytes(self.slot).checked_rem(SLOTS).unwrap_or(0);
        [PREFIX, &slot.to_be_bytes()].concat()
    }

    fn is_of(&self, entry: &[u8]) -> bool {
        entry.starts_with(&self.entry)
    }

    /// The last use that a slot has of this session.
    fn found(&self, slot: &[u8]) -> Option<u64> {
        let entry = slot.chunks_exact(ENTRY).take(WAYS).find(|entry| self.is_of(entry))?;
        Some(u64::from_be_bytes(*entry.last_chunk::<TIME>()?))
    }

    /// The slot with this use in front, in place of the session's earlier entry.
    fn put(&self, slot: &[u8], now: u64) -> Vec<u8> {
        let others = slot.chunks_exact(ENTRY).take(WAYS).filter(|entry| !self.is_of(entry));
        let mut out = Vec::with_capacity(slot.len().saturating_add(ENTRY));
        out.extend_from_slice(&self.entry);
        out.extend_from_slice(&now.to_be_bytes());
        others.take(WAYS.saturating_sub(1)).for_each(|entry| out.extend_from_slice(entry));
        out
    }
}

impl fmt::Debug for SlotKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SlotKey(..)")
    }
}

/// Notes that a session is used now, unless it was unused for `idle` seconds. Returns whether it goes on.
/// `last` is the latest use that the caller knows of, and becomes the latest known use.
///
/// A use is noted only after an eighth of the limit (at least a second) since the known one, so most requests
/// of a busy session cost one reading. The session ends at most that much earlier, and never later than
/// `idle` seconds after its last use.
pub(super) fn renew(store: &dyn SharedStore, slot_key: SlotKey, idle: u64, last: &mut u64, now: u64) -> bool {
    let step = (idle / 8).max(1);
    let key = slot_key.key();
    for _ in 0..ATTEMPTS {
        if now.saturating_sub(*last) < step {
            return true;
        }
        let Ok(held) = store.get(&key) else { break };
        let (slot, number) = held.map_or((Vec::new(), None), |(slot, number)| (slot, Some(number)));
        *last = slot_key.found(&slot).unwrap_or(0).max(*last);
        let unused = now.saturating_sub(*last);
        // INVARIANT (idle sessions stay ended): a session that was unused for so long is not written again.
        if unused < step || unused >= idle {
            break;
        }
        match store.set(&key, &slot_key.put(&slot, now), number) {
            Ok(()) => {
                *last = now;
                return true;
            }
            Err(StoreFault::Changed) => {}
            Err(StoreFault::Unavailable) => break,
        }
    }
    // Where it could not be noted, the session ends earlier.
    now.saturating_sub(*last) < idle
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use proptest::prelude::*;
    use std::cell::{Cell, RefCell};
    use std::collections::BTreeMap;
    use std::rc::Rc;

    const NOW: u64 = 1_795_213_260;

    type Values = BTreeMap<Vec<u8>, (Vec<u8>, u32)>;
    type Doing = Box<dyn FnOnce(&Memory)>;

    /// A store of a test, which can fail.
    #[derive(Default)]
    pub(in super::super) struct Memory {
        values: RefCell<Values>,
        numbers: Cell<u32>,
        pub(in super::super) broken: Cell<bool>,
        /// Runs once, before the next value is set, as another worker would.
        meanwhile: RefCell<Option<Doing>>,
    }

    impl SharedStore for Memory {
        fn get(&self, key: &[u8]) -> Result<Option<(Vec<u8>, u32)>, StoreFault> {
            if self.broken.get() {
                return Err(StoreFault::Unavailable);
            }
            Ok(self.values.borrow().get(key).cloned())
        }

        fn set(&self, key: &[u8], value: &[u8], number: Option<u32>) -> Result<(), StoreFault> {
            if self.broken.get() {
                return Err(StoreFault::Unavailable);
            }
            if let Some(meanwhile) = self.meanwhile.take() {
                meanwhile(self);
            }
            if self.values.borrow().get(key).map(|(_, number)| *number) != number {
                return Err(StoreFault::Changed);
            }
            self.numbers.set(self.numbers.get() + 1);
            self.values.borrow_mut().insert(key.to_vec(), (value.to_vec(), self.numbers.get()));
            Ok(())
        }
    }

    /// Marks of one slot.
    fn slot_key(number: u8) -> SlotKey {
        let mut tag = [7; 32];
        tag[9] = number;
        SlotKey::of(&tag)
    }

    /// A use by a request, which knows of none but the beginning.
    fn used(store: &Memory, slot_key: SlotKey, idle: u64, now: u64) -> bool {
        renew(store, slot_key, idle, &mut NOW.clone(), now)
    }

    #[test]
    fn a_use_counts_and_its_absence_does() {
        let store = Memory::default();
        assert!(used(&store, slot_key(1), 80, NOW + 79));
        assert!(used(&store, slot_key(1), 80, NOW + 158));
        assert!(!used(&store, slot_key(1), 80, NOW + 238));
        assert!(!used(&store, slot_key(1), 80, NOW + 239), "what has ended stays ended");
        assert!(!used(&store, slot_key(2), 80, NOW + 80), "the use of another is none");
    }

    #[test]
    fn a_busy_session_is_written_once_in_an_eighth_of_the_limit() {
        let store = Memory::default();
        for second in 0..=800 {
            assert!(used(&store, slot_key(1), 80, NOW + second));
        }
        assert_eq!(store.numbers.get(), 80);
    }

    #[test]
    fn two_workers_that_write_one_slot_lose_no_use() {
        let store = Memory::default();
        let other: Doing = Box::new(|store| assert!(used(store, slot_key(2), 80, NOW + 60)));
        *store.meanwhile.borrow_mut() = Some(other);
        assert!(used(&store, slot_key(1), 80, NOW + 60));
        assert!(used(&store, slot_key(1), 80, NOW + 120) && used(&store, slot_key(2), 80, NOW + 120));
    }

    #[test]
    fn a_full_slot_loses_what_was_written_longest_ago() {
        let store = Memory::default();
        for number in 0..=WAYS as u8 {
            assert!(used(&store, slot_key(number), 80, NOW + 40 + u64::from(number / 8)));
        }
        assert_eq!(store.values.borrow().values().next().unwrap().0.len(), WAYS * ENTRY);
        assert!(!used(&store, slot_key(0), 80, NOW + 90));
        assert!(used(&store, slot_key(1), 80, NOW + 90) && used(&store, slot_key(WAYS as u8), 80, NOW + 90));
    }

    #[test]
    fn an_exchange_that_is_going_on_brings_back_what_a_full_slot_lost() {
        let store = Memory::default();
        let mut last = NOW;
        assert!(renew(&store, slot_key(0), 80, &mut last, NOW + 40));
        for number in 1..=WAYS as u8 {
            assert!(used(&store, slot_key(number), 80, NOW + 41));
        }
        assert!(renew(&store, slot_key(0), 80, &mut last, NOW + 82));
        assert!(used(&store, slot_key(0), 80, NOW + 161));
    }

    #[test]
    fn without_a_store_a_session_lasts_as_long_as_it_may_be_idle() {
        for store in [&NoStore as &dyn SharedStore, &Memory { broken: Cell::new(true), ..Memory::default() }]
        {
            assert!(!is_available(store));
            assert!(renew(store, slot_key(1), 80, &mut NOW.clone(), NOW + 79));
            assert!(!renew(store, slot_key(1), 80, &mut NOW.clone(), NOW + 80));
        }
        assert!(is_available(&Memory::default()));
    }

    #[test]
    fn what_others_wrote_into_a_slot_is_no_use_and_no_harm() {
        for garbage in [vec![0; 5], vec![0xff; 7 * ENTRY + 3], vec![1; 4096]] {
            let store = Memory::default();
            store.values.borrow_mut().insert(slot_key(1).key(), (garbage, 3));
            assert!(used(&store, slot_key(1), 80, NOW + 60));
            assert!(used(&store, slot_key(1), 80, NOW + 120));
            assert!(store.values.borrow()[&slot_key(1).key()].0.len() <= WAYS * ENTRY);
            assert!(!used(&store, slot_key(1), 80, NOW + 200));
        }
    }

    proptest! {
        #[test]
        fn a_session_that_is_used_each_half_of_the_limit_goes_on(
            idle in 2u64..4000,
            gaps in prop::collection::vec((0u8..8, 0.0f64..=0.5), 1..200),
        ) {
            let store = Rc::new(Memory::default());
            // Time passes in milliseconds, and the table counts seconds.
            let mut last = [NOW * 1000; 8];
            for (session, part) in gaps {
                let at = &mut last[usize::from(session)];
                *at += (idle as f64 * 1000.0 * part) as u64;
                prop_assert!(used(&store, slot_key(session), idle, *at / 1000));
            }
        }

        #[test]
        fn a_session_that_was_idle_for_the_limit_is_over_whatever_else_happens(
            idle in 2u64..100,
            steps in prop::collection::vec((0u8..60, 0u64..40, any::<bool>(), any::<bool>()), 1..300),
        ) {
            // More sessions than a slot has room for, a store that fails, other exchanges of the same session.
            let store = Memory::default();
            let mut now = NOW;
            let mut really: Vec<(u64, bool, u64)> = vec![(NOW, true, NOW); 60];
            for (session, passed, broken, stream) in steps {
                now += passed;
                store.broken.set(broken && passed % 3 == 0);
                let (used_at, alive, held) = &mut really[usize::from(session)];
                let mut last = if stream { *held } else { NOW };
                let goes_on = renew(&store, slot_key(session), idle, &mut last, now);
                if now - *used_at >= idle {
                    *alive = false;
                }
                prop_assert!(*alive || !goes_on, "it was used at {}, and goes on at {now}", *used_at);
                if goes_on {
                    *used_at = now;
                    *held = last;
                }
            }
        }
    }
}
