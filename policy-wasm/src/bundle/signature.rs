//! Signatures of a bundle: keys, signatures, and the keys that a reader trusts.

use super::error::{BundleError, ErrorKind};
use super::header::Header;
use super::key_id::KeyId;
use super::layout::{HEADER, KEY_ID, MAX_SIGNATURES, SIGNATURE, SIGNATURE_DOMAIN};
use super::le::u32_at;
use ed25519_dalek::VerifyingKey;
use std::fmt;

/// The error of bytes that are not a usable public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyError {
    /// There are this many bytes; an Ed25519 public key has 32 (RFC 8032 §5.1.5).
    Length(usize),
    /// The bytes are not a point of the curve.
    NotAPoint,
    /// The point has small order: anybody can sign for it.
    Weak,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyError::Length(bytes) => write!(f, "the key has {bytes} bytes, an Ed25519 public key has 32"),
            KeyError::NotAPoint => f.write_str("the key is not a point of Ed25519's curve"),
            KeyError::Weak => f.write_str("the key is a point of small order, so anybody can sign for it"),
        }
    }
}

impl std::error::Error for KeyError {}

/// An Ed25519 public key that bundles are signed for.
#[derive(Clone)]
pub struct PublicKey {
    id: KeyId,
    key: Box<VerifyingKey>,
}

impl PublicKey {
    /// From its 32 bytes (RFC 8032 §5.1.5).
    ///
    /// # Errors
    /// [`KeyError`] if the bytes are not a key that can prove anything.
    pub fn from_bytes(bytes: &[u8]) -> Result<PublicKey, KeyError> {
        let array: &[u8; 32] = bytes.try_into().map_err(|_| KeyError::Length(bytes.len()))?;
        let key = VerifyingKey::from_bytes(array).map_err(|_| KeyError::NotAPoint)?;
        if key.is_weak() {
            return Err(KeyError::Weak);
        }
        Ok(PublicKey { id: KeyId::of(array), key: Box::new(key) })
    }

    /// Its 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// Its name.
    pub fn id(&self) -> KeyId {
        self.id
    }

    fn verifies(&self, message: &[u8], signature: &[u8; SIGNATURE]) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(signature);
        self.key.verify_strict(message, &signature).is_ok()
    }
}

/// The name suffices to distinguish keys.
impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.id)
    }
}

/// Why a [`Trust`] makes no sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrustError {
    /// There are no keys, or more than a reader accepts: 1 to 16.
    Keys(usize),
    /// The list has this key twice, or another key with the same name.
    Twice(KeyId),
    /// So many signatures cannot come from the keys that there are.
    Threshold {
        /// The number that was requested.
        threshold: usize,
        /// How many keys there are.
        keys: usize,
    },
}

impl fmt::Display for TrustError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TrustError::Keys(found) => write!(f, "expected 1 to {MAX_SIGNATURES} keys, found {found}"),
            TrustError::Twice(key) => write!(f, "duplicate key {key}"),
            TrustError::Threshold { threshold, keys } => {
                write!(f, "expected a threshold of 1 to {keys}, the number of keys, found {threshold}")
            }
        }
    }
}

impl std::error::Error for TrustError {}

/// Whose bundles a reader accepts.
#[derive(Debug, Clone)]
pub struct Trust {
    keys: Vec<PublicKey>,
    threshold: usize,
    min_serial: u64,
}

impl Trust {
    /// No signature is required: the digest detects damage, and the source of the bytes is trusted.
    pub fn digest_only() -> Trust {
        Trust { keys: Vec::new(), threshold: 0, min_serial: 0 }
    }

    /// At least `threshold` different keys of `keys` must have signed.
    ///
    /// # Errors
    /// [`TrustError`] if no bundle could pass, or every bundle would.
    pub fn new(keys: Vec<PublicKey>, threshold: usize) -> Result<Trust, TrustError> {
        if keys.is_empty() || keys.len() > MAX_SIGNATURES {
            return Err(TrustError::Keys(keys.len()));
        }
        let mut seen = Vec::new();
        for key in &keys {
            if seen.contains(&key.id) {
                return Err(TrustError::Twice(key.id));
            }
            seen.push(key.id);
        }
        if threshold == 0 || threshold > keys.len() {
            return Err(TrustError::Threshold { threshold, keys: keys.len() });
        }
        Ok(Trust { keys, threshold, min_serial: 0 })
    }

    /// The same, and the serial number must be at least this.
    #[must_use]
    pub fn with_min_serial(self, min_serial: u64) -> Trust {
        Trust { min_serial, ..self }
    }

    /// The keys; none if the digest alone is looked at.
    pub fn keys(&self) -> &[PublicKey] {
        &self.keys
    }

    /// Checks signatures and serial, and returns the trusted keys that signed. The digest is checked separately.
    pub(super) fn admits(&self, header: &Header, signatures: &Signatures) -> Result<Vec<KeyId>, BundleError> {
        let message = message(header);
        let (mut trusted, mut strangers) = (Vec::new(), Vec::new());
        // Each name occurs once on either side, and there are at most 16 keys, so comparing all pairs is cheap.
        for (id, signature) in &signatures.0 {
            match self.keys.iter().find(|key| key.id == *id) {
                // A wrong signature of a trusted key is never an accident, so the others do not outweigh it.
                Some(key) if !key.verifies(&message, signature) => {
                    return Err(ErrorKind::SignatureWrong { key: *id }.into());
                }
                Some(_) => trusted.push(*id),
                None => strangers.push(*id),
            }
        }
        if trusted.len() < self.threshold {
            let missing = self.keys.iter().map(PublicKey::id).filter(|id| !trusted.contains(id)).collect();
            return Err(ErrorKind::Signatures { needed: self.threshold, trusted, missing, strangers }.into());
        }
        if header.serial < self.min_serial {
            return Err(ErrorKind::Serial { found: header.serial, least: self.min_serial }.into());
        }
        Ok(trusted)
    }
}

/// The signed message: a domain that no other protocol uses, then the header, whose digest covers all other bytes.
pub(super) fn message(header: &Header) -> [u8; SIGNATURE_DOMAIN.len() + HEADER] {
    let mut message = [0; SIGNATURE_DOMAIN.len() + HEADER];
    let header = header.to_bytes();
    let written = SIGNATURE_DOMAIN.iter().chain(&header);
    message.iter_mut().zip(written).for_each(|(place, byte)| *place = *byte);
    message
}

/// The signatures of a bundle, in ascending order of the names of their keys, each once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Signatures(Vec<(KeyId, [u8; SIGNATURE])>);

impl Signatures {
    /// Reads the signature block after the sections: nothing, or a count and that many signatures. The key names
    /// ascend, and no byte may follow. Each set of signatures thus has one encoding.
    pub(super) fn read(block: &[u8]) -> Result<Signatures, BundleError> {
        if block.is_empty() {
            return Ok(Signatures::default());
        }
        Signatures::entries(block).ok_or(ErrorKind::SignatureBlock.into())
    }

    fn entries(block: &[u8]) -> Option<Signatures> {
        let count = usize::try_from(u32_at(block, 0)?).ok()?;
        let entries = block.get(4..)?;
        let length = count.checked_mul(KEY_ID.checked_add(SIGNATURE)?)?;
        if count == 0 || count > MAX_SIGNATURES || entries.len() != length {
            return None;
        }
        let mut found: Vec<(KeyId, [u8; SIGNATURE])> = Vec::with_capacity(count);
        for entry in entries.chunks_exact(KEY_ID.checked_add(SIGNATURE)?) {
            let (id, signature) = entry.split_at_checked(KEY_ID)?;
            let id = KeyId::from_bytes(id.try_into().ok()?);
            if found.last().is_some_and(|(last, _)| *last >= id) {
                return None;
            }
            found.push((id, signature.try_into().ok()?));
        }
        Some(Signatures(found))
    }

    /// The bytes of the block.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let count = u32::try_from(self.0.len()).unwrap_or(0);
        if count != 0 {
            bytes.extend(count.to_le_bytes());
            for (id, signature) in &self.0 {
                bytes.extend(id.as_bytes());
                bytes.extend(signature);
            }
        }
        bytes
    }

    /// Whether there is a valid signature of this key.
    pub(super) fn is_right(&self, header: &Header, key: &PublicKey) -> bool {
        let of_key = self.0.iter().find(|(id, _)| *id == key.id);
        of_key.is_some_and(|(_, signature)| key.verifies(&message(header), signature))
    }

    /// These signatures with one more.
    pub(super) fn with(
        &self,
        header: &Header,
        key: &PublicKey,
        signature: &[u8; SIGNATURE],
    ) -> Result<Signatures, BundleError> {
        let mut all = self.clone();
        match all.0.binary_search_by_key(&key.id, |(id, _)| *id) {
            Ok(place) => all.0.get_mut(place).into_iter().for_each(|entry| entry.1 = *signature),
            Err(place) => all.0.insert(place, (key.id, *signature)),
        }
        if !all.is_right(header, key) {
            return Err(ErrorKind::SignatureWrong { key: key.id }.into());
        }
        if all.0.len() > MAX_SIGNATURES {
            return Err(ErrorKind::TooManySignatures.into());
        }
        Ok(all)
    }

    /// The names of the keys, in ascending order.
    pub(super) fn keys(&self) -> impl Iterator<Item = KeyId> {
        self.0.iter().map(|(id, _)| *id)
    }
}
