//! `issuers[].token_types` and `issuers[].nonce`: the kinds of token that count as access tokens.

use super::provider::Provider;
use crate::token::{TokenTypes, same_type};
use policy_wasm::source::{Place, Value};

/// Reads both; `None` where anything about them is wrong.
pub(super) fn read(
    types: Option<Place<'_>>,
    nonce: Option<Place<'_>>,
    provider: Provider,
) -> Option<TokenTypes> {
    let preset = provider.token_types();
    let nonce_with_bearer = match &nonce {
        Some(place) => place.public().one_of(&["refuse", "with_bearer"]).map(|index| index == 1),
        None => Some(preset.nonce_with_bearer),
    };
    let types = match &types {
        Some(place) => list(place),
        None => Some(preset),
    };
    Some(TokenTypes { nonce_with_bearer: nonce_with_bearer?, ..types? })
}

fn list(place: &Place<'_>) -> Option<TokenTypes> {
    let items = place.list()?;
    if items.is_empty() {
        place.refuse("expected at least one type, such as `at+jwt`");
        return None;
    }
    let mut types = TokenTypes { named: Vec::new(), untyped: false, nonce_with_bearer: false };
    let mut sound = true;
    for item in &items {
        if matches!(item.node().value, Value::Null) {
            if std::mem::replace(&mut types.untyped, true) {
                item.refuse("duplicate `null`");
            }
            continue;
        }
        let Some(text) = item.text() else {
            sound = false;
            continue;
        };
        if types.named.iter().any(|other| same_type(other, text)) {
            item.refuse("duplicate type; case and `application/` are ignored");
            sound = false;
            continue;
        }
        types.named.push(text.to_owned());
    }
    sound.then_some(types)
}
