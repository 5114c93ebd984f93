//! The signature provider of the native target and of the wasmtime host, in place of the proxy's `verify_signature`.

use filter::crypto::{Algorithm, SignatureFailure, SignatureProvider};
use p256::ecdsa::signature::Verifier as _;
use p256::pkcs8::DecodePublicKey as _;
use rsa::pkcs8::SubjectPublicKeyInfoRef;
use rsa::signature::Verifier as _;

/// Largest RSA modulus in bits, as in `filter::crypto::PublicKey`; the library's own bound is 4096.
const MAX_RSA_BITS: usize = 8192;

/// Checks RSA and ECDSA signatures with the `rsa` and `p256` crates.
///
/// A key that cannot be read makes every signature invalid, as in Envoy, whose host function answers `false`.
#[derive(Debug, Clone, Copy, Default)]
pub struct RustSignatures;

impl SignatureProvider for RustSignatures {
    fn verify(
        &self,
        algorithm: Algorithm,
        spki: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureFailure> {
        let genuine = match algorithm {
            Algorithm::Rs256 => rs256(spki, message, signature),
            Algorithm::Es256 => es256(spki, message, signature),
            // The filter checks Ed25519 itself and never asks.
            Algorithm::EdDsa => return Err(SignatureFailure::Unavailable),
        };
        genuine.ok_or(SignatureFailure::Invalid)
    }
}

fn rs256(spki: &[u8], message: &[u8], signature: &[u8]) -> Option<()> {
    let spki = SubjectPublicKeyInfoRef::try_from(spki).ok()?;
    let key = rsa::pkcs1::RsaPublicKey::try_from(spki.subject_public_key.as_bytes()?).ok()?;
    let number = |uint: rsa::pkcs1::UintRef<'_>| rsa::BigUint::from_bytes_be(uint.as_bytes());
    let (modulus, exponent) = (number(key.modulus), number(key.public_exponent));
    let key = rsa::RsaPublicKey::new_with_max_size(modulus, exponent, MAX_RSA_BITS).ok()?;
    let signature = rsa::pkcs1v15::Signature::try_from(signature).ok()?;
    rsa::pkcs1v15::VerifyingKey::<rsa::sha2::Sha256>::new(key).verify(message, &signature).ok()
}

fn es256(spki: &[u8], message: &[u8], signature: &[u8]) -> Option<()> {
    let key = p256::ecdsa::VerifyingKey::from_public_key_der(spki).ok()?;
    let signature = p256::ecdsa::Signature::from_der(signature).ok()?;
    key.verify(message, &signature).ok()
}
