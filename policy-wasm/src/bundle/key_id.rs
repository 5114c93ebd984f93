//! Names of keys.

use super::layout::KEY_ID;
use sha2::{Digest as _, Sha256};
use std::fmt;

/// The name of a key: the first 8 bytes of the SHA-256 of its 32 bytes, shown as 16 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyId([u8; KEY_ID]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl KeyId {
    /// The name of a public key.
    pub(super) fn of(key: &[u8; 32]) -> KeyId {
        let whole: [u8; 32] = Sha256::digest(key).into();
        let mut id = [0; KEY_ID];
        id.iter_mut().zip(whole).for_each(|(place, byte)| *place = byte);
        KeyId(id)
    }

    /// The name with these bytes.
    pub(super) fn from_bytes(bytes: [u8; KEY_ID]) -> KeyId {
        KeyId(bytes)
    }

    /// Its bytes.
    pub(super) fn as_bytes(&self) -> &[u8; KEY_ID] {
        &self.0
    }
}
