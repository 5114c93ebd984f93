//! `jwks`: an issuer's key set (RFC 7517), as the issuer publishes it.
//!
//! Published sets hold more than we can use, so a key for something else is passed over: another `kty` or `crv`, a
//! `use` that is not `sig`, `key_ops` without `verify`, another `alg`. It is a problem only if no key is left. A key
//! that is for us but broken or dangerous is a problem always: private members, RSA below 2048 bits, weak points,
//! coordinates of the wrong size. No message repeats key material.

use crate::crypto::{Algorithm, KeyError, PublicKey};
use crate::token::{Key, bounds};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use policy_wasm::source::{Named, Place};

/// Most keys of one set.
const MAX_KEYS: usize = 64;

/// Members that only private or secret keys have (RFC 7518 §6.2.2, §6.3.2, §6.4.1).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Reads the set; keeps the keys for `algorithms`. `None` where any key is wrong or none is left.
pub(super) fn read(place: &Place<'_>, algorithms: &[Algorithm]) -> Option<Vec<Key>> {
    let members = place.named()?;
    let Some(keys) = member(&members, "keys") else {
        place.refuse("expected a key set (RFC 7517 §5): an object with the list `keys`");
        return None;
    };
    let list = keys.list()?;
    if list.len() > MAX_KEYS {
        keys.refuse(format!("expected at most {MAX_KEYS} keys, found {}", list.len()));
        return None;
    }
    let mut kept: Vec<Key> = Vec::new();
    let mut sound = true;
    for place in &list {
        match read_key(place) {
            Err(Refused) => sound = false,
            Ok(None) => {}
            Ok(Some(key)) => {
                let algorithm = key.public.algorithm();
                let twice = |other: &Key| other.id == key.id && other.public.algorithm() == algorithm;
                if key.id.is_some() && kept.iter().any(twice) {
                    place.refuse(format!(
                        "a second {algorithm} key has this `kid`; tokens could not tell them apart"
                    ));
                    sound = false;
                } else if algorithms.contains(&algorithm) {
                    kept.push(key);
                }
            }
        }
    }
    if sound && kept.is_empty() {
        let mut message = String::from("no key of the set can check ");
        for (index, algorithm) in algorithms.iter().enumerate() {
            message.push_str(if index > 0 { ", " } else { "" });
            message.push_str(algorithm.name());
        }
        keys.refuse(message);
        return None;
    }
    sound.then_some(kept)
}

/// The key is wrong, and a problem says so.
pub(super) struct Refused;

/// The member of a JWK with this name.
pub(super) fn member<'n>(members: &[Named<'n>], name: &str) -> Option<Place<'n>> {
    members.iter().find(|member| member.name == name).map(|member| member.value.clone())
}

/// Refuses a private key: it would be exposed wherever the configuration is.
pub(super) fn refuse_private(members: &[Named<'_>]) -> Result<(), Refused> {
    let Some(private) = members.iter().find(|member| PRIVATE_MEMBERS.contains(&member.name)) else {
        return Ok(());
    };
    private.refuse_name(
        "this member belongs to a private key; take only public keys, and replace this one, which is exposed now",
        None,
    );
    Err(Refused)
}

/// `Ok(None)` is a key for something else.
fn read_key(place: &Place<'_>) -> Result<Option<Key>, Refused> {
    let members = place.named().ok_or(Refused)?;
    refuse_private(&members)?;
    let text = |name| match member(&members, name) {
        Some(place) => place.text().map(Some).ok_or(Refused),
        None => Ok(None),
    };
    let Some(kind) = text("kty")? else {
        place.refuse("expected a key (RFC 7517 §4) with a `kty`");
        return Err(Refused);
    };
    let (curve, usage, algorithm, id) = (text("crv")?, text("use")?, text("alg")?, text("kid")?);
    if let Some(place) =
        member(&members, "kid").filter(|_| id.is_some_and(|id| id.len() > bounds::NAME_BYTES))
    {
        place.refuse(format!("expected at most {} bytes", bounds::NAME_BYTES));
        return Err(Refused);
    }
    let operations = match member(&members, "key_ops") {
        Some(place) => Some(place.texts().ok_or(Refused)?),
        None => None,
    };
    let ours = match (kind, curve) {
        ("RSA", _) => Algorithm::Rs256,
        ("EC", Some("P-256")) => Algorithm::Es256,
        ("OKP", Some("Ed25519")) => Algorithm::EdDsa,
        _ => return Ok(None),
    };
    let for_something_else = usage.is_some_and(|usage| usage != "sig")
        || operations.is_some_and(|operations| !operations.contains(&"verify"))
        || algorithm.is_some_and(|algorithm| algorithm != ours.name());
    if for_something_else {
        return Ok(None);
    }
    let bytes = |name: &'static str| bytes(place, &members, name);
    let public = match ours {
        Algorithm::Rs256 => public(place, PublicKey::rsa(&bytes("n")?, &bytes("e")?))?,
        Algorithm::Es256 => public(place, PublicKey::p256(&bytes("x")?, &bytes("y")?))?,
        Algorithm::EdDsa => public(place, PublicKey::ed25519(&bytes("x")?))?,
    };
    Ok(Some(Key { id: id.map(str::to_owned), public }))
}

fn public(place: &Place<'_>, key: Result<PublicKey, KeyError>) -> Result<PublicKey, Refused> {
    key.map_err(|error| {
        place.refuse(error.to_string());
        Refused
    })
}

/// The bytes of a member in base64url.
pub(super) fn bytes(key: &Place<'_>, members: &[Named<'_>], name: &str) -> Result<Vec<u8>, Refused> {
    let Some(place) = member(members, name) else {
        key.refuse(format!("the key has no `{name}`"));
        return Err(Refused);
    };
    let text = place.text().ok_or(Refused)?;
    URL_SAFE_NO_PAD.decode(text).map_err(|_| {
        place.refuse("expected base64url without padding (RFC 7515 §2)");
        Refused
    })
}
