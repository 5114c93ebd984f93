//! `bundle`: the compiled policy, and the signatures that it needs.

use super::defaults;
use super::jwks::{self, Refused};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use policy_wasm::bundle::layout::MAX_SIGNATURES;
use policy_wasm::bundle::{Bundle, PublicKey, Trust, TrustError};
use policy_wasm::source::{Place, Value};

/// Reads and verifies the bundle; `None` where anything about it or its keys is wrong.
pub(super) fn read(place: &Place<'_>) -> Option<Bundle> {
    let mut map = place.map()?;
    let base64 = map.required("base64");
    let (keys, threshold) = (map.optional("keys"), map.optional("threshold"));
    let min_serial = defaults::MIN_SERIAL.read(&mut map);
    map.finish();
    let trust = trust(keys.as_ref(), threshold.as_ref());
    let place = base64?;
    let text = place.string()?;
    let Ok(bytes) = STANDARD.decode(text) else {
        place.refuse("expected standard base64 with its padding (RFC 4648 §4); `toolward compile` writes it");
        return None;
    };
    let trust = trust?.with_min_serial(min_serial?);
    Bundle::open(bytes, &trust).map_err(|error| place.refuse(error.to_string())).ok()
}

/// No keys: the digest alone is checked. No threshold: every key must have signed.
fn trust(keys: Option<&Place<'_>>, threshold: Option<&Place<'_>>) -> Option<Trust> {
    let Some(place) = keys else {
        if let Some(threshold) = threshold {
            threshold.refuse("a threshold needs `keys`: without them no signature is checked");
            return None;
        }
        return Some(Trust::digest_only());
    };
    let list = place.list()?;
    if list.is_empty() || list.len() > MAX_SIGNATURES {
        let found = TrustError::Keys(list.len());
        place.refuse(format!("{found}; leave `keys` out to check no signature"));
        return None;
    }
    let keys: Vec<PublicKey> = list.iter().filter_map(|place| key(place).ok()).collect();
    let threshold = match threshold {
        Some(threshold) => {
            let number = threshold.integer(1..=list.len() as u64, "")?;
            usize::try_from(number).ok()?
        }
        None => list.len(),
    };
    if keys.len() != list.len() {
        return None;
    }
    Trust::new(keys, threshold).map_err(|error| place.refuse(error.to_string())).ok()
}

/// An Ed25519 public key: a JWK (RFC 8037 §2), or its 32 bytes in standard base64.
fn key(place: &Place<'_>) -> Result<PublicKey, Refused> {
    let bytes = match &place.node().value {
        Value::Map(_) => jwk(place)?,
        Value::String(text) => STANDARD.decode(text.as_ref()).map_err(|_| refused(place, FORMS))?,
        _ => return Err(refused(place, FORMS)),
    };
    PublicKey::from_bytes(&bytes).map_err(|error| refused(place, &error.to_string()))
}

const FORMS: &str = "expected an Ed25519 public key: a JWK, or its 32 bytes in standard base64 with padding";

fn refused(place: &Place<'_>, message: &str) -> Refused {
    place.refuse(message);
    Refused
}

fn jwk(place: &Place<'_>) -> Result<Vec<u8>, Refused> {
    let members = place.named().ok_or(Refused)?;
    jwks::refuse_private(&members)?;
    // RFC 9864 names the curve in `alg`, where RFC 8037 names the family.
    let wanted: [(&str, &[&str], bool); 4] = [
        ("kty", &["OKP"], true),
        ("crv", &["Ed25519"], true),
        ("use", &["sig"], false),
        ("alg", &["EdDSA", "Ed25519"], false),
    ];
    for (name, values, needed) in wanted {
        match jwks::member(&members, name) {
            Some(value) => drop(value.one_of(values).ok_or(Refused)?),
            None if needed => return Err(refused(place, &format!("the key has no `{name}`"))),
            None => {}
        }
    }
    jwks::bytes(place, &members, "x")
}
