//! `sessions`: the keys that session ids are sealed with, how long a session lasts, and how long it may be unused.

use super::defaults;
use crate::sealed_id::{Key, KeyRing, SessionPolicy};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use policy_wasm::source::Place;

/// Most keys: the one that seals, and the one before it.
const MAX_KEYS: usize = 2;

/// Accepted idle limits in seconds: open streams are looked at once a second, so one second could be over between two
/// looks.
const IDLE: std::ops::RangeInclusive<u64> = 2..=2_591_999;

/// Reads `sessions`; `None` where anything about it is wrong.
pub(super) fn read(place: &Place<'_>) -> Option<SessionPolicy> {
    let mut map = place.map()?;
    let keys = map.required("keys");
    let lifetime_seconds = defaults::SESSION_LIFETIME.read(&mut map);
    let idle = map.optional("idle_seconds");
    let idle_seconds = match &idle {
        Some(place) => place.integer(IDLE, "seconds").map(Some),
        None => Some(None),
    };
    if let (Some(Some(seconds)), Some(lifetime), Some(place)) = (idle_seconds, lifetime_seconds, &idle)
        && seconds >= lifetime
    {
        place.refuse("expected less than `lifetime_seconds`, or it would never end a session");
    }
    map.finish();
    let place = keys?;
    let list = place.list()?;
    if list.is_empty() || list.len() > MAX_KEYS {
        place.refuse(format!("expected one key, or two while one replaces the other, found {}", list.len()));
        return None;
    }
    let mut keys: Vec<[u8; 32]> = Vec::new();
    for item in &list {
        let bytes = STANDARD.decode(item.string()?).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        match bytes {
            None => item.refuse("expected 32 random bytes in standard base64: `openssl rand -base64 32`"),
            Some(bytes) if keys.contains(&bytes) => item.refuse("duplicate key"),
            Some(bytes) if bytes.iter().all(|byte| Some(byte) == bytes.first()) => {
                item.refuse("a key of one repeated byte can be guessed; take `openssl rand -base64 32`");
            }
            Some(bytes) => keys.push(bytes),
        }
    }
    if keys.len() != list.len() {
        return None;
    }
    let keys = KeyRing::new(keys.into_iter().map(Key::new).collect())?;
    Some(SessionPolicy { keys, lifetime_seconds: lifetime_seconds?, idle_seconds: idle_seconds? })
}
