//! Public keys, checked once when the configuration is read.

use super::{Algorithm, SignatureFailure, SignatureProvider, der};
use std::fmt;

/// Order of the P-256 group, big-endian (FIPS 186-5, SP 800-186 §3.2.1.3).
const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
    0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];
/// Prime of the P-256 field, big-endian (ibid.).
const P256_PRIME: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
];
/// 65537, the only exponent in use; others are refused rather than reasoned about.
const RSA_EXPONENT: [u8; 3] = [1, 0, 1];
/// Smallest modulus (RFC 7518 §3.3); the largest bounds the cost of one check.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// Why key material is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// The RSA modulus has this many bits; 2048 to 8192 are accepted.
    RsaSize {
        /// Bits of the modulus.
        bits: usize,
    },
    /// The RSA modulus is even: not a product of two odd primes.
    RsaModulus,
    /// The RSA exponent is not 65537.
    RsaExponent,
    /// A coordinate has this many bytes; 32 are wanted (RFC 7518 §6.2.1.2, RFC 8037 §2).
    CoordinateSize {
        /// Bytes of the coordinate.
        bytes: usize,
    },
    /// The coordinates name no point of the curve.
    NotAPoint,
    /// An Ed25519 point of small order: signatures by it prove nothing.
    Weak,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyError::RsaSize { bits } => {
                write!(
                    f,
                    "the RSA modulus has {bits} bits, expected {} to {}",
                    RSA_BITS.start(),
                    RSA_BITS.end()
                )
            }
            KeyError::RsaModulus => f.write_str("the RSA modulus is even"),
            KeyError::RsaExponent => f.write_str("the RSA exponent is not 65537 (`AQAB`)"),
            KeyError::CoordinateSize { bytes } => {
                write!(f, "a coordinate is {bytes} bytes long, expected exactly 32")
            }
            KeyError::NotAPoint => f.write_str("the coordinates are not a point of the curve"),
            KeyError::Weak => f.write_str("the key is a point of small order, so anybody can sign for it"),
        }
    }
}

impl std::error::Error for KeyError {}

/// A public key that may be used, with its algorithm.
#[derive(Clone)]
pub struct PublicKey {
    material: Material,
}

#[derive(Clone)]
enum Material {
    Rsa { spki: Box<[u8]>, modulus_bytes: usize },
    P256 { spki: Box<[u8]> },
    Ed25519(Box<ed25519_dalek::VerifyingKey>),
}

impl PublicKey {
    /// An RSA key for RS256, from big-endian modulus and exponent; leading zeros do not count.
    ///
    /// # Errors
    /// [`KeyError::RsaSize`], [`KeyError::RsaModulus`], [`KeyError::RsaExponent`].
    pub fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<PublicKey, KeyError> {
        let (modulus, exponent) = (without_leading_zeros(modulus), without_leading_zeros(exponent));
        let unused = modulus.first().map_or(0, |byte| byte.leading_zeros() as usize);
        let bits = modulus.len().saturating_mul(8).saturating_sub(unused);
        if !RSA_BITS.contains(&bits) {
            return Err(KeyError::RsaSize { bits });
        }
        if modulus.last().is_none_or(|byte| byte & 1 == 0) {
            return Err(KeyError::RsaModulus);
        }
        if exponent != RSA_EXPONENT {
            return Err(KeyError::RsaExponent);
        }
        let spki = der::rsa_spki(modulus, exponent).into();
        Ok(PublicKey { material: Material::Rsa { spki, modulus_bytes: modulus.len() } })
    }

    /// A P-256 key for ES256, from big-endian coordinates of exactly 32 bytes.
    ///
    /// The provider checks that the point lies on the curve. For any other point its check fails for every
    /// signature.
    ///
    /// # Errors
    /// [`KeyError::CoordinateSize`]; [`KeyError::NotAPoint`] for a coordinate outside the field.
    pub fn p256(x: &[u8], y: &[u8]) -> Result<PublicKey, KeyError> {
        let coordinate = |bytes: &[u8]| {
            let bytes: [u8; 32] =
                bytes.try_into().map_err(|_| KeyError::CoordinateSize { bytes: bytes.len() })?;
            if bytes < P256_PRIME { Ok(bytes) } else { Err(KeyError::NotAPoint) }
        };
        let (x, y) = (coordinate(x)?, coordinate(y)?);
        Ok(PublicKey { material: Material::P256 { spki: der::p256_spki(&x, &y).into() } })
    }

    /// An Ed25519 key for EdDSA, from its 32 bytes (RFC 8032 §5.1.5).
    ///
    /// # Errors
    /// [`KeyError::CoordinateSize`], [`KeyError::NotAPoint`], [`KeyError::Weak`].
    pub fn ed25519(bytes: &[u8]) -> Result<PublicKey, KeyError> {
        let array: &[u8; 32] =
            bytes.try_into().map_err(|_| KeyError::CoordinateSize { bytes: bytes.len() })?;
        let key = ed25519_dalek::VerifyingKey::from_bytes(array).map_err(|_| KeyError::NotAPoint)?;
        if key.is_weak() {
            return Err(KeyError::Weak);
        }
        Ok(PublicKey { material: Material::Ed25519(Box::new(key)) })
    }

    /// The one algorithm that this key is for.
    pub fn algorithm(&self) -> Algorithm {
        match self.material {
            Material::Rsa { .. } => Algorithm::Rs256,
            Material::P256 { .. } => Algorithm::Es256,
            Material::Ed25519(_) => Algorithm::EdDsa,
        }
    }

    /// Checks a signature in the form of a JWS: PKCS#1 v1.5, `r ‖ s` (RFC 7518 §3.4) or Ed25519.
    ///
    /// # Errors
    /// As [`SignatureProvider::verify`]. A signature of the wrong length, or with `r` or `s` outside 1..n, is
    /// [`SignatureFailure::Invalid`] without asking the provider.
    pub fn verify(
        &self,
        provider: &dyn SignatureProvider,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureFailure> {
        match &self.material {
            Material::Rsa { spki, modulus_bytes } => {
                if signature.len() != *modulus_bytes {
                    return Err(SignatureFailure::Invalid);
                }
                provider.verify(Algorithm::Rs256, spki, message, signature)
            }
            Material::P256 { spki } => {
                let signature = jose_to_der(signature).ok_or(SignatureFailure::Invalid)?;
                provider.verify(Algorithm::Es256, spki, message, &signature)
            }
            Material::Ed25519(key) => {
                let signature =
                    ed25519_dalek::Signature::from_slice(signature).map_err(|_| SignatureFailure::Invalid)?;
                key.verify_strict(message, &signature).map_err(|_| SignatureFailure::Invalid)
            }
        }
    }

    /// A signature of the right form that is wrong, so that a check runs all its code.
    pub(crate) fn throw_away_signature(&self) -> Vec<u8> {
        match &self.material {
            Material::Rsa { modulus_bytes, .. } => {
                let mut signature = vec![1; *modulus_bytes];
                // Below the modulus, or the check would end before the arithmetic.
                if let Some(first) = signature.first_mut() {
                    *first = 0;
                }
                signature
            }
            Material::P256 { .. } => {
                let mut signature = vec![1; 64];
                signature.rotate_left(1);
                signature
            }
            Material::Ed25519(_) => {
                // R is the base point and S is one: both canonical, neither of small order.
                let mut signature = vec![0x66; 64];
                for (byte, at) in signature.iter_mut().zip(0usize..) {
                    match at {
                        0 => *byte = 0x58,
                        32 => *byte = 1,
                        33.. => *byte = 0,
                        _ => {}
                    }
                }
                signature
            }
        }
    }
}

/// Only the algorithm: keys reach no log, not even public ones.
impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey").field("algorithm", &self.algorithm()).finish_non_exhaustive()
    }
}

fn without_leading_zeros(bytes: &[u8]) -> &[u8] {
    bytes.iter().position(|&byte| byte != 0).and_then(|first| bytes.get(first..)).unwrap_or(&[])
}

/// The DER form of a JOSE signature; `None` unless it is 64 bytes with both numbers in 1..n.
fn jose_to_der(signature: &[u8]) -> Option<Vec<u8>> {
    let signature: &[u8; 64] = signature.try_into().ok()?;
    let (r, s) = signature.split_at(32);
    // Some implementations took zero for a signature by everybody (CVE-2022-21449).
    let in_range = |number: &[u8]| number < P256_ORDER.as_slice() && number.iter().any(|&byte| byte != 0);
    (in_range(r) && in_range(s)).then(|| der::ecdsa_signature(r, s))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Panics;
    impl SignatureProvider for Panics {
        fn verify(&self, _: Algorithm, _: &[u8], _: &[u8], _: &[u8]) -> Result<(), SignatureFailure> {
            panic!("the provider must not be asked")
        }
    }

    #[test]
    fn rsa_keys_below_2048_bits_even_ones_and_other_exponents_are_refused() {
        let modulus = |bits: usize| {
            let mut bytes = vec![0xff; bits / 8];
            bytes[0] = 0x80;
            bytes
        };
        let refused = |modulus: &[u8], exponent: &[u8]| PublicKey::rsa(modulus, exponent).err();
        assert_eq!(refused(&modulus(2048), &[1, 0, 1]), None);
        assert_eq!(refused(&modulus(8192), &[0, 1, 0, 1]), None);
        assert_eq!(refused(&modulus(2040), &[1, 0, 1]), Some(KeyError::RsaSize { bits: 2040 }));
        assert_eq!(refused(&modulus(8200), &[1, 0, 1]), Some(KeyError::RsaSize { bits: 8200 }));
        let mut padded = vec![0; 8];
        padded.extend(modulus(1984));
        assert_eq!(refused(&padded, &[1, 0, 1]), Some(KeyError::RsaSize { bits: 1984 }));
        let mut small_top = modulus(2048);
        small_top[0] = 0x7f;
        assert_eq!(refused(&small_top, &[1, 0, 1]), Some(KeyError::RsaSize { bits: 2047 }));
        let mut even = modulus(2048);
        even[255] = 2;
        assert_eq!(refused(&even, &[1, 0, 1]), Some(KeyError::RsaModulus));
        for exponent in [&[1u8][..], &[3], &[], &[1, 0, 0], &[1, 0, 1, 0]] {
            assert_eq!(refused(&modulus(2048), exponent), Some(KeyError::RsaExponent));
        }
    }

    #[test]
    fn weak_ed25519_keys_are_refused() {
        let mut identity = [0u8; 32];
        identity[0] = 1;
        assert_eq!(PublicKey::ed25519(&identity).err(), Some(KeyError::Weak));
        assert_eq!(PublicKey::ed25519(&[0; 32]).err(), Some(KeyError::Weak));
        assert_eq!(PublicKey::ed25519(&[1; 31]).err(), Some(KeyError::CoordinateSize { bytes: 31 }));
    }

    #[test]
    fn p256_coordinates_are_32_bytes_within_the_field() {
        assert!(PublicKey::p256(&[1; 32], &[2; 32]).is_ok());
        assert_eq!(PublicKey::p256(&P256_PRIME, &[2; 32]).err(), Some(KeyError::NotAPoint));
        assert_eq!(PublicKey::p256(&[1; 33], &[2; 32]).err(), Some(KeyError::CoordinateSize { bytes: 33 }));
    }

    #[test]
    fn ecdsa_numbers_outside_the_group_never_reach_the_provider() {
        let key = PublicKey::p256(&[1; 32], &[2; 32]).unwrap();
        let signature = |r: [u8; 32], s: [u8; 32]| [r, s].concat();
        for bad in [
            signature([0; 32], [1; 32]),
            signature([1; 32], [0; 32]),
            signature(P256_ORDER, [1; 32]),
            signature([1; 32], [0xff; 32]),
            vec![1; 63],
            vec![1; 65],
            Vec::new(),
        ] {
            assert_eq!(key.verify(&Panics, b"m", &bad), Err(SignatureFailure::Invalid));
        }
    }

    #[test]
    fn rsa_signatures_of_another_length_never_reach_the_provider() {
        let key = PublicKey::rsa(&[0xff; 256], &[1, 0, 1]).unwrap();
        for length in [0, 255, 257] {
            assert_eq!(key.verify(&Panics, b"m", &vec![1; length]), Err(SignatureFailure::Invalid));
        }
    }

    #[test]
    fn throw_away_signatures_have_the_right_form_and_are_wrong() {
        struct Counts(std::cell::Cell<u32>);
        impl SignatureProvider for Counts {
            fn verify(&self, _: Algorithm, _: &[u8], _: &[u8], _: &[u8]) -> Result<(), SignatureFailure> {
                self.0.set(self.0.get().saturating_add(1));
                Err(SignatureFailure::Invalid)
            }
        }
        let counts = Counts(std::cell::Cell::new(0));
        let ed25519 = ed25519_dalek::SigningKey::from_bytes(&[7; 32]).verifying_key();
        for key in [
            PublicKey::rsa(&[0xff; 256], &[1, 0, 1]).unwrap(),
            PublicKey::p256(&[1; 32], &[2; 32]).unwrap(),
            PublicKey::ed25519(ed25519.as_bytes()).unwrap(),
        ] {
            let signature = key.throw_away_signature();
            assert_eq!(key.verify(&counts, b"m", &signature), Err(SignatureFailure::Invalid));
        }
        assert_eq!(counts.0.get(), 2, "both provider algorithms ran");
    }

    #[test]
    fn debug_shows_no_key_material() {
        let key = PublicKey::p256(&[0xab; 32], &[0xcd; 32]).unwrap();
        assert_eq!(format!("{key:?}"), "PublicKey { algorithm: Es256, .. }");
    }
}
