//! `revocations`: tokens, subjects, agents and consents that were revoked before they expired.

use super::issuers;
use crate::token::{Revocable, Revocation, RevocationList, bounds};
use policy_wasm::source::Place;

/// Most entries: each takes some hundred bytes in each worker, and comes with each configuration.
const MAX_REVOCATIONS: usize = 10_000;

const KINDS: [(&str, Revocable); 4] = [
    ("token", Revocable::Token),
    ("subject", Revocable::Subject),
    ("actor", Revocable::Actor),
    ("consent", Revocable::Consent),
];

/// Reads the list; `None` where any of it is wrong.
pub(super) fn read(place: Option<&Place<'_>>) -> Option<RevocationList> {
    let Some(place) = place else { return Some(RevocationList::default()) };
    let list = place.list()?;
    if list.len() > MAX_REVOCATIONS {
        place.refuse(format!("expected at most {MAX_REVOCATIONS} revocations, found {}", list.len()));
        return None;
    }
    // Every mistake is reported, not only the first.
    let read: Vec<Option<Revocation>> = list.iter().map(read_one).collect();
    read.into_iter().collect::<Option<Vec<_>>>().map(RevocationList::new)
}

fn read_one(place: &Place<'_>) -> Option<Revocation> {
    let mut map = place.map()?;
    let issuer = map.required("issuer").and_then(|place| issuers::identifier(&place));
    let mut named = Vec::new();
    for (key, kind) in KINDS {
        if let Some(place) = map.optional(key) {
            named.push((kind, name(&place)));
        }
    }
    let issued_before = match map.optional("issued_before") {
        Some(place) => place.integer(1..=bounds::LATEST_SECONDS, "seconds"),
        None => Some(u64::MAX),
    };
    map.finish();
    let Ok([(kind, id)]) = <[_; 1]>::try_from(named) else {
        place.refuse("expected one of `token`, `subject`, `actor` and `consent`: what is revoked");
        return None;
    };
    Some(Revocation { kind, issuer: issuer?.to_owned(), id: id?.to_owned(), issued_before: issued_before? })
}

/// A name as tokens can have it; any other would revoke nothing.
fn name<'n>(place: &Place<'n>) -> Option<&'n str> {
    let text = place.text()?;
    if text.len() > bounds::NAME_BYTES {
        place.refuse(format!("expected at most {} bytes: no token has a longer name", bounds::NAME_BYTES));
        return None;
    }
    Some(text)
}
