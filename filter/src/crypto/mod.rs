//! Public keys and the signature check. A provider checks RSA and ECDSA: the host's `verify_signature` in a
//! proxy, a Rust library elsewhere.
//!
//! INVARIANT (the key decides): an algorithm belongs to a [`PublicKey`] by its type. The algorithm that a
//! token names only selects among keys. It never changes how a key is used (RFC 8725 §3.1).

mod der;
mod key;

pub use key::{KeyError, PublicKey};

use std::fmt;

/// Signature algorithms of delegation tokens (RFC 7518 §3, RFC 8037). Nothing else is ever accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256, keys of 2048 bits or more.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519; checked in Rust (`verify_strict`), never by a provider.
    EdDsa,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Algorithm; 3] = [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa];

    /// The name in `alg` (RFC 7518 §3.1, RFC 8037 §3.1).
    pub const fn name(self) -> &'static str {
        match self {
            Algorithm::Rs256 => "RS256",
            Algorithm::Es256 => "ES256",
            Algorithm::EdDsa => "EdDSA",
        }
    }

    /// The algorithm with exactly this name; case counts (RFC 7515 §4.1.1).
    pub fn named(name: &str) -> Option<Algorithm> {
        Algorithm::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a signature does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureFailure {
    /// It is not this key's signature of this message.
    Invalid,
    /// The provider could not check; the request is denied.
    Unavailable,
}

/// Checks RSA and ECDSA signatures. A pure function of its arguments.
pub trait SignatureProvider {
    /// Checks one signature.
    ///
    /// `spki` is the public key as DER SubjectPublicKeyInfo (RFC 5280 §4.1.2.7); `signature` is PKCS#1 v1.5 for
    /// RS256 and an ASN.1 DER `Ecdsa-Sig-Value` for ES256. [`Algorithm::EdDsa`] never gets here.
    ///
    /// # Errors
    /// [`SignatureFailure::Invalid`] where the signature is wrong, [`SignatureFailure::Unavailable`] where it could
    /// not be checked.
    fn verify(
        &self,
        algorithm: Algorithm,
        spki: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureFailure>;
}
