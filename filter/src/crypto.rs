//! The signature check, as a provider: the host's `verify_signature` in a proxy, a Rust library elsewhere.

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
