//! Envoy's foreign functions, as far as this host has them: protobuf in, protobuf out.
//!
//! Source: envoyproxy/envoy, `source/extensions/common/wasm/{foreign.cc,declare_property.proto}` (behaviour observed on
//! 1.40).

use super::abi::Status;
use filter::crypto::{Algorithm, SignatureFailure, SignatureProvider};

/// Reads the fields of a message's top level that are bytes or text, and passes over numbers; `None` if it is
/// malformed.
fn read_message(mut bytes: &[u8]) -> Option<Vec<(u64, &[u8])>> {
    fn varint(bytes: &mut &[u8]) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = bytes.split_first()?;
            *bytes = rest;
            value |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes)?;
        match tag & 7 {
            0 => {
                varint(&mut bytes)?;
            }
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).ok()?;
                let (value, rest) = bytes.split_at_checked(length)?;
                bytes = rest;
                fields.push((tag >> 3, value));
            }
            _ => return None,
        }
    }
    Some(fields)
}

/// `verify_signature`: a wrong signature is status Ok and result false; success is `08 01`.
///
/// In: 1 hash function, 2 public key (DER SubjectPublicKeyInfo), 3 signature (ECDSA: ASN.1 DER), 4 text, 5 public key
/// (PEM). Out: 1 result, 2 error. This host has SHA-256 with RSA (PKCS#1 v1.5) and P-256, as tokens need.
///
/// # Errors
/// [`Status::BadArgument`] where the message is malformed or does not have exactly one key.
pub fn verify_signature(provider: &dyn SignatureProvider, argument: &[u8]) -> Result<Vec<u8>, Status> {
    let fields = read_message(argument).ok_or(Status::BadArgument)?;
    // The last one of a repeated field counts, as protobuf has it.
    let bytes =
        |number: u64| fields.iter().rev().find(|(field, _)| *field == number).map(|(_, value)| *value);
    let (Some(spki), None) = (bytes(2), bytes(5)) else { return Err(Status::BadArgument) };
    let hash = bytes(1).unwrap_or_default();
    let (text, signature) = (bytes(4).unwrap_or_default(), bytes(3).unwrap_or_default());
    let answer = |result: bool, error: &str| {
        let mut out = Vec::new();
        if result {
            out.extend_from_slice(&[0x08, 0x01]);
        } else {
            out.extend_from_slice(&[0x12, u8::try_from(error.len()).unwrap_or(0)]);
            out.extend_from_slice(error.as_bytes());
        }
        out
    };
    // Object identifiers of rsaEncryption and of id-ecPublicKey with prime256v1 (RFC 3279 §2.3, RFC 5480 §2.1.1).
    const RSA: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
    const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    let contains = |part: &[u8]| spki.windows(part.len()).take(40).any(|window| window == part);
    let algorithm = match (hash.eq_ignore_ascii_case(b"sha256"), contains(RSA), contains(P256)) {
        (true, true, _) => Algorithm::Rs256,
        (true, _, true) => Algorithm::Es256,
        _ => return Ok(answer(false, "no such hash function or key type in this host")),
    };
    Ok(match provider.verify(algorithm, spki, text, signature) {
        Ok(()) => answer(true, ""),
        Err(SignatureFailure::Invalid) => answer(false, "the signature is wrong"),
        Err(SignatureFailure::Unavailable) => answer(false, "the key cannot be read"),
    })
}

/// `set_envoy_filter_state`: only keys that Envoy has a factory for.
///
/// # Errors
/// [`Status::BadArgument`] where the message is malformed, [`Status::NotFound`] for other keys.
pub fn set_envoy_filter_state(argument: &[u8]) -> Result<Vec<u8>, Status> {
    let fields = read_message(argument).ok_or(Status::BadArgument)?;
    let known = fields.iter().any(|(number, key)| *number == 1 && key.starts_with(b"envoy."));
    if known { Ok(Vec::new()) } else { Err(Status::NotFound) }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Yes;
    impl SignatureProvider for Yes {
        fn verify(&self, _: Algorithm, _: &[u8], _: &[u8], _: &[u8]) -> Result<(), SignatureFailure> {
            Ok(())
        }
    }

    #[test]
    fn malformed_arguments_are_bad_arguments() {
        for bytes in [&[0x0a][..], &[0x0a, 0xff], &[0xff; 11], &[0x0d, 0, 0, 0, 0], &[]] {
            assert_eq!(verify_signature(&Yes, bytes), Err(Status::BadArgument), "{bytes:?}");
        }
    }

    #[test]
    fn an_unknown_key_type_is_a_false_result_and_no_error() {
        let out = verify_signature(&Yes, b"\x0a\x06SHA256\x12\x01k").unwrap();
        assert_ne!(out, [0x08, 0x01]);
    }
}
