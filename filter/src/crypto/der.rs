//! The little DER (X.690) that keys and ECDSA signatures need. Written, never read.

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;

/// `AlgorithmIdentifier` of rsaEncryption, parameters NULL (RFC 3279 §2.3.1).
const RSA_ALGORITHM: [u8; 15] =
    [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
/// `AlgorithmIdentifier` of id-ecPublicKey on secp256r1 (RFC 5480 §2.1.1).
const P256_ALGORITHM: [u8; 21] = [
    0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07,
];

/// SubjectPublicKeyInfo of an RSA key: modulus and exponent as big-endian bytes.
pub(super) fn rsa_spki(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let mut numbers = Vec::new();
    integer(&mut numbers, modulus);
    integer(&mut numbers, exponent);
    let mut key = Vec::new();
    element(&mut key, SEQUENCE, &[&numbers]);
    spki(&RSA_ALGORITHM, &key)
}

/// SubjectPublicKeyInfo of a point on P-256, uncompressed (SEC 1 §2.3.3).
pub(super) fn p256_spki(x: &[u8; 32], y: &[u8; 32]) -> Vec<u8> {
    let mut point = vec![0x04];
    point.extend_from_slice(x);
    point.extend_from_slice(y);
    spki(&P256_ALGORITHM, &point)
}

/// `Ecdsa-Sig-Value` (RFC 3279 §2.2.3) from big-endian `r` and `s`.
pub(super) fn ecdsa_signature(r: &[u8], s: &[u8]) -> Vec<u8> {
    let mut numbers = Vec::with_capacity(72);
    integer(&mut numbers, r);
    integer(&mut numbers, s);
    let mut out = Vec::with_capacity(74);
    element(&mut out, SEQUENCE, &[&numbers]);
    out
}

fn spki(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    let mut bits = Vec::new();
    // No unused bits.
    element(&mut bits, BIT_STRING, &[&[0], key]);
    let mut out = Vec::new();
    element(&mut out, SEQUENCE, &[algorithm, &bits]);
    out
}

/// An unsigned number: without leading zeros, with one where the top bit would be read as a sign.
fn integer(out: &mut Vec<u8>, big_endian: &[u8]) {
    let significant = big_endian.iter().position(|&byte| byte != 0).and_then(|first| big_endian.get(first..));
    let digits = significant.unwrap_or(&[0]);
    let sign: &[u8] = if digits.first().is_some_and(|&byte| byte >= 0x80) { &[0] } else { &[] };
    element(out, INTEGER, &[sign, digits]);
}

fn element(out: &mut Vec<u8>, tag: u8, parts: &[&[u8]]) {
    let length = parts.iter().fold(0usize, |sum, part| sum.saturating_add(part.len()));
    out.push(tag);
    let bytes = length.to_be_bytes();
    let significant = bytes.iter().position(|&byte| byte != 0).and_then(|first| bytes.get(first..));
    match (length, significant) {
        (0..=0x7f, _) | (_, None) => out.push(length as u8),
        (_, Some(digits)) => {
            out.push(0x80 | digits.len() as u8);
            out.extend_from_slice(digits);
        }
    }
    for part in parts {
        out.extend_from_slice(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_minimal_and_never_negative() {
        let encoded = |bytes: &[u8]| {
            let mut out = Vec::new();
            integer(&mut out, bytes);
            out
        };
        assert_eq!(encoded(&[0, 0, 1]), [2, 1, 1]);
        assert_eq!(encoded(&[0x80]), [2, 2, 0, 0x80]);
        assert_eq!(encoded(&[0, 0]), [2, 1, 0]);
        assert_eq!(encoded(&[0x7f, 0xff]), [2, 2, 0x7f, 0xff]);
    }

    #[test]
    fn lengths_take_the_short_form_up_to_127_bytes() {
        let encoded = |length: usize| {
            let mut out = Vec::new();
            element(&mut out, 4, &[&vec![7; length]]);
            out.truncate(4);
            out
        };
        assert_eq!(encoded(127)[..2], [4, 127]);
        assert_eq!(encoded(128)[..3], [4, 0x81, 128]);
        assert_eq!(encoded(256)[..4], [4, 0x82, 1, 0]);
    }
}
