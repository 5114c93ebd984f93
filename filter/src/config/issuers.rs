//! `issuers`: the issuers whose tokens are accepted, and their settings.

use super::provider::Provider;
use super::{claims, defaults, jwks, token_types};
use crate::crypto::Algorithm;
use crate::token::{Issuer, bounds};
use policy_wasm::source::Place;

/// Most issuers: each token is looked up among them one by one.
const MAX_ISSUERS: usize = 64;

/// The outcome of `issuers`.
pub(super) struct Issuers {
    pub(super) issuers: Vec<Issuer>,
    pub(super) authorization_servers: Vec<String>,
}

/// Reads the list; `None` where any of it is wrong.
pub(super) fn read(place: &Place<'_>) -> Option<Issuers> {
    let list = place.list()?;
    if list.is_empty() || list.len() > MAX_ISSUERS {
        place.refuse(format!("expected 1 to {MAX_ISSUERS} issuers, found {}", list.len()));
        return None;
    }
    let mut all = Issuers { issuers: Vec::new(), authorization_servers: Vec::new() };
    let mut complete = true;
    for place in &list {
        let Some((issuer, server)) = read_one(place) else {
            complete = false;
            continue;
        };
        if all.issuers.iter().any(|other| other.id() == issuer.id()) {
            place.refuse("duplicate issuer");
        }
        all.issuers.push(issuer);
        if !all.authorization_servers.contains(&server) {
            all.authorization_servers.push(server);
        }
    }
    complete.then_some(all)
}

fn read_one(place: &Place<'_>) -> Option<(Issuer, String)> {
    let mut map = place.map()?;
    let id = map.required("issuer").and_then(|place| Some((place.clone(), identifier(&place)?)));
    let algorithms = map.required("algorithms").and_then(|place| algorithms(&place));
    let keys = map.required("jwks").and_then(|place| jwks::read(&place.secret(), algorithms.as_deref()?));
    let provider = match map.optional("provider") {
        Some(place) => place.public().one_of(&Provider::ALL.map(|(name, _)| name)).and_then(Provider::at),
        None => Some(Provider::Rfc9068),
    };
    let preset = provider.unwrap_or(Provider::Rfc9068);
    let token_types = token_types::read(map.optional("token_types"), map.optional("nonce"), preset);
    let claims = claims::read(&mut map, preset);
    let max_lifetime_seconds = defaults::MAX_LIFETIME.read(&mut map);
    let named_server = map.optional("authorization_server");
    map.finish();

    let (id_place, id) = id?;
    provider?;
    let claims = claims?;
    let server = match named_server {
        Some(place) => url(&place, place.text()?)?,
        None if is_url(id) => id.to_owned(),
        None => {
            id_place.refuse("issuer is not a URL; set `authorization_server` to where clients get tokens");
            return None;
        }
    };
    let issuer = Issuer {
        id: id.to_owned(),
        keys: keys?,
        algorithms: algorithms?,
        token_types: token_types?,
        claims: claims.identity,
        tenant_claim: claims.tenant,
        max_lifetime_seconds: max_lifetime_seconds?,
    };
    Some((issuer, server))
}

/// An issuer as tokens name it.
pub(super) fn identifier<'n>(place: &Place<'n>) -> Option<&'n str> {
    let text = place.text()?;
    if text.len() > bounds::URL_BYTES {
        place.refuse(format!("expected at most {} bytes", bounds::URL_BYTES));
        return None;
    }
    Some(text)
}

fn algorithms(place: &Place<'_>) -> Option<Vec<Algorithm>> {
    let items = place.list()?;
    if items.is_empty() {
        place.refuse("expected at least one of `RS256`, `ES256`, `EdDSA`");
        return None;
    }
    let names = Algorithm::ALL.map(Algorithm::name);
    let mut out = Vec::new();
    for item in &items {
        let algorithm = item.public().one_of(&names).and_then(|index| Algorithm::ALL.get(index).copied());
        match algorithm {
            Some(algorithm) if out.contains(&algorithm) => {
                item.refuse(format!("duplicate entry `{algorithm}`"));
            }
            Some(algorithm) => out.push(algorithm),
            None => {}
        }
    }
    (out.len() == items.len()).then_some(out)
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
}

fn url(place: &Place<'_>, text: &str) -> Option<String> {
    if !is_url(text) {
        place.refuse("expected a URL that begins with `https://` or `http://`");
        return None;
    }
    Some(text.to_owned())
}
