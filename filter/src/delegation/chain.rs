//! The chain of actors (RFC 8693 §4.1): the outermost `act` calls now, deeper ones acted earlier.

use super::claims::name;
use super::{ActorClaim, TokenError, bounds};
use policy_wasm::json::{Object, Value};
use policy_wasm::model::ActorKind;

/// Reads `act` and what is nested in it.
///
/// `issuer` and `subject` are the token's; an actor without `iss` is of the token's issuer. Other members of `act`
/// mean nothing here (RFC 8693 §4.1: non-identity claims are not used within it), `may_act` least of all.
///
/// # Errors
/// [`TokenError::ChainInvalid`]: a level that is no object with a `sub`, more than [`bounds::CHAIN`] levels, an actor
/// twice, an actor that is the subject.
pub(super) fn read(act: Value<'_>, issuer: &str, subject: &str) -> Result<Vec<ActorClaim>, TokenError> {
    let invalid = TokenError::ChainInvalid;
    let mut actors: Vec<ActorClaim> = Vec::new();
    let mut next = Some(act);
    while let Some(level) = next {
        if actors.len() >= bounds::CHAIN {
            return Err(invalid);
        }
        let level = level.as_object().ok_or(invalid)?;
        let actor = actor(level, issuer).ok_or(invalid)?;
        let is_subject = actor.issuer == issuer && actor.id == subject;
        if is_subject || actors.contains(&actor) {
            return Err(invalid);
        }
        actors.push(actor);
        next = level.get("act");
    }
    Ok(actors)
}

fn actor(level: Object<'_>, token_issuer: &str) -> Option<ActorClaim> {
    let id = name(level.get("sub")?, bounds::NAME_BYTES)?;
    let issuer = match level.get("iss") {
        Some(issuer) => name(issuer, bounds::URL_BYTES)?,
        None => token_issuer.to_owned(),
    };
    Some(ActorClaim { kind: ActorKind::Subject, issuer, id })
}
