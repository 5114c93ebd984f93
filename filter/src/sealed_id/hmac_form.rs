//! Ids that release 0.1 sealed. This release opens them and seals none. After the form and the key hint they
//! hold
//!
//! ```text
//! 32 bytes  tag: HMAC-SHA-256 over form and contents
//! the rest  contents, masked with HMAC-SHA-256 in counter mode from the tag
//! ```
//!
//! Sessions and tasks outlive an update of the filter by at most `sessions.lifetime_seconds`. The next
//! release drops this file.

use super::key_ring::{OpenError, keyed, mac};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

const TAG: usize = 32;

/// The two keys of the old form.
pub(super) struct HmacKey {
    tag: Hmac<Sha256>,
    mask: Hmac<Sha256>,
}

impl HmacKey {
    /// Derives both from the configured key.
    pub(super) fn derive(secret: &Hmac<Sha256>) -> HmacKey {
        let derived = |label: &[u8]| keyed(&mac(secret, &[label]));
        HmacKey { tag: derived(b"toolward session tag"), mask: derived(b"toolward session mask") }
    }

    /// Returns the contents, and the tag that the idle table knows the id by.
    ///
    /// # Errors
    /// [`OpenError::Unknown`].
    pub(super) fn open<'s>(&self, form: u8, sealed: &'s [u8]) -> Result<(Vec<u8>, &'s [u8]), OpenError> {
        let (tag, masked) = sealed.split_at_checked(TAG).ok_or(OpenError::Unknown)?;
        let mut plain = masked.to_vec();
        for (number, block) in plain.chunks_mut(TAG).enumerate() {
            let number = u64::try_from(number).unwrap_or(u64::MAX).to_be_bytes();
            for (byte, mask) in block.iter_mut().zip(mac(&self.mask, &[tag, &number])) {
                *byte ^= mask;
            }
        }
        let mut expected = self.tag.clone();
        expected.update(&[form]);
        expected.update(&plain);
        // Compares in constant time.
        expected.verify_slice(tag).map_err(|_| OpenError::Unknown)?;
        Ok((plain, tag))
    }
}
