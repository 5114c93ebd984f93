//! A bundle with a valid header and valid bounds, before verification.

use super::Bundle;
use super::error::{BundleError, ErrorKind};
use super::header::Header;
use super::key_id::KeyId;
use super::layout::{HEADER, SIGNATURE, SIGNATURE_DOMAIN, Section};
use super::read::{Sections, Unreadable, digest, index};
use super::signature::{PublicKey, Signatures, Trust, message};
use std::fmt;

/// A bundle before it is verified: only its header and its signature block can be read.
pub struct Unverified {
    sections: Sections,
    header: Header,
    signatures: Signatures,
}

impl Unverified {
    /// Checks the header, the bounds of the sections and the form of the signature block. The cost does not depend on
    /// the size of the policy.
    ///
    /// # Errors
    /// [`BundleError`] names the damage.
    pub fn open(bytes: Vec<u8>) -> Result<Unverified, BundleError> {
        let header = Header::read(&bytes)?;
        let signatures = Signatures::read(bytes.get(index(header.length)..).unwrap_or_default())?;
        let sections = Sections::open(bytes, &header)?;
        Ok(Unverified { sections, header, signatures })
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The names of the keys of all signatures, valid or not, in ascending order.
    pub fn signatures(&self) -> impl Iterator<Item = KeyId> {
        self.signatures.keys()
    }

    /// Whether there is a valid signature of this key.
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        self.signatures.is_right(&self.header, key)
    }

    /// Every known section, with the number of its records and of its bytes, in the order of their kinds. Heaps and
    /// tables count bytes instead of records.
    pub fn sections(&self) -> impl Iterator<Item = (Section, u32, usize)> {
        Section::ALL
            .into_iter()
            .map(|section| (section, self.sections.count(section), self.sections.length(section)))
    }

    /// The bytes, signatures included.
    pub fn as_bytes(&self) -> &[u8] {
        self.sections.whole()
    }

    /// Checks signatures, serial and digest, in that order, and that manifest, tiers and servers can be read. The
    /// cost is that of the digest: it grows with the file.
    ///
    /// # Errors
    /// [`BundleError`] names the damage, or the signatures that this `trust` misses.
    pub fn verify(self, trust: &Trust) -> Result<Bundle, BundleError> {
        let signers = trust.admits(&self.header, &self.signatures)?;
        self.check_digest()?;
        Bundle::check(self.sections, self.header, signers).map_err(|Unreadable| ErrorKind::Contents.into())
    }

    /// The message that a signer signs with Ed25519: a domain that no other protocol uses, then the header. The
    /// header's digest covers all bytes but the signatures. The message of a damaged bundle is meaningless: call
    /// [`Unverified::verify`] first.
    pub fn message(&self) -> [u8; SIGNATURE_DOMAIN.len() + HEADER] {
        message(&self.header)
    }

    /// The bundle's bytes with this signature of [`Unverified::message`] added, in the place of an earlier one of the
    /// same key.
    ///
    /// # Errors
    /// An error if the bundle is damaged, if it has format 1 (without signatures), if the signature is wrong, or if
    /// there are 16 already.
    pub fn signed(&self, key: &PublicKey, signature: &[u8; SIGNATURE]) -> Result<Vec<u8>, BundleError> {
        if self.header.format == 1 {
            return Err(ErrorKind::Unsignable.into());
        }
        self.check_digest()?;
        let signatures = self.signatures.with(&self.header, key, signature)?;
        let mut bytes = self.contents().to_vec();
        bytes.extend(signatures.to_bytes());
        Ok(bytes)
    }

    fn contents(&self) -> &[u8] {
        self.sections.whole().get(..index(self.header.length)).unwrap_or_default()
    }

    fn check_digest(&self) -> Result<(), BundleError> {
        if digest(self.contents()) == self.header.digest { Ok(()) } else { Err(ErrorKind::Digest.into()) }
    }
}

impl fmt::Debug for Unverified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unverified").field("header", &self.header).finish_non_exhaustive()
    }
}
