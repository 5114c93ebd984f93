//! Hash tables of the bundle: built so that no look-up reads more than [`MAX_PROBE`] slots.

use super::error::TooLarge;
use crate::bundle::layout::{KeyHash, MAX_PROBE, SLOT, TABLE_HEADER};

/// Seeds that are tried before the table grows.
const SEEDS: u64 = 4;
/// How often the table grows, each time by a quarter: more than a hundred times its first size.
const GROWTHS: u32 = 24;

/// A table over the keys, in order of their records; `hash` feeds a key into a hash.
pub(super) fn build<K>(keys: &[K], hash: impl Fn(KeyHash, &K) -> KeyHash) -> Result<Vec<u8>, TooLarge> {
    let too_large = TooLarge("the policy is too large: a table of its names cannot be built");
    let count = u32::try_from(keys.len()).map_err(|_| TooLarge(too_large.0))?;
    let mut slots = grown(count);
    for _ in 0..GROWTHS {
        for seed in 0..SEEDS {
            if let Some((table, probe)) = place(keys, &hash, seed, slots) {
                return Ok(bytes(&table, seed, probe));
            }
        }
        slots = grown(slots);
    }
    Err(too_large)
}

fn grown(size: u32) -> u32 {
    size.saturating_add(size / 4).saturating_add(1)
}

/// Tag, and number of the record + 1; (0, 0) is empty.
type Slot = (u32, u32);

/// Robin Hood insertion: of two keys for one slot, the key further from its home gets it. This keeps the longest probe
/// short. Look-ups do not depend on it.
fn place<K>(
    keys: &[K],
    hash: &impl Fn(KeyHash, &K) -> KeyHash,
    seed: u64,
    slots: u32,
) -> Option<(Vec<Slot>, u32)> {
    let mut table: Vec<(Slot, u32)> = vec![((0, 0), 0); usize::try_from(slots).ok()?];
    let mut longest = 1;
    for (number, key) in (1u32..).zip(keys) {
        let (tag, home) = hash(KeyHash::new(seed), key).tag_and_home(slots);
        let mut carried = ((tag, number), 1u32);
        let mut slot = usize::try_from(home).ok()?;
        loop {
            if carried.1 > MAX_PROBE {
                return None;
            }
            let here = table.get_mut(slot)?;
            if here.0.1 == 0 {
                *here = carried;
                longest = longest.max(carried.1);
                break;
            }
            if here.1 < carried.1 {
                longest = longest.max(carried.1);
                std::mem::swap(here, &mut carried);
            }
            carried.1 = carried.1.saturating_add(1);
            slot = slot.saturating_add(1);
            if slot >= table.len() {
                slot = 0;
            }
        }
    }
    Some((table.into_iter().map(|(slot, _)| slot).collect(), longest))
}

fn bytes(table: &[Slot], seed: u64, probe: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(table.len().saturating_mul(SLOT).saturating_add(TABLE_HEADER));
    bytes.extend(seed.to_le_bytes());
    bytes.extend(u32::try_from(table.len()).unwrap_or(0).to_le_bytes());
    bytes.extend(probe.to_le_bytes());
    for (tag, number) in table {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(number.to_le_bytes());
    }
    bytes
}
