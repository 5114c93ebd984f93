//! The chain of actors (RFC 8693 §4.1): the outermost `act` calls now, deeper ones acted earlier.

use super::claim_values::name;
use super::{ActorClaim, TokenError, bounds};
use policy_wasm::json::{Object, Value};
use policy_wasm::model::ActorKind;

/// The claims that name a client: RFC 9068 §2.2; OpenID Connect Core 1.0 §2.
pub(super) const CLIENT_CLAIMS: [&str; 2] = ["client_id", "azp"];

/// Who acts, by `act`.
pub(super) struct Chain {
    /// The agent that calls now first.
    pub(super) actors: Vec<ActorClaim>,
    /// At most two for each actor.
    pub(super) clients: Vec<ActorClaim>,
}

/// Reads `act` and its nested levels: the actors, and the clients that a level names beside its actor.
///
/// `issuer` and `subject` are the token's; an actor without `iss` is of the token's issuer. Members of `act`
/// that name no identity mean nothing here (RFC 8693 §4.1: non-identity claims are not used within it), and
/// neither does `may_act`.
///
/// # Errors
/// [`TokenError::ChainInvalid`]: a level that is not an object with a `sub`, a client that is not a name,
/// more than [`bounds::CHAIN`] levels, a duplicate actor, an actor that is the subject.
pub(super) fn read(act: Value<'_>, issuer: &str, subject: &str) -> Result<Chain, TokenError> {
    let invalid = TokenError::ChainInvalid;
    let (mut actors, mut clients): (Vec<ActorClaim>, Vec<ActorClaim>) = (Vec::new(), Vec::new());
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
        for id in CLIENT_CLAIMS.iter().filter_map(|claim| level.get(claim)) {
            let id = name(id, bounds::NAME_BYTES).ok_or(invalid)?;
            clients.push(ActorClaim { kind: ActorKind::Client, issuer: actor.issuer.clone(), id });
        }
        actors.push(actor);
        next = level.get("act");
    }
    Ok(Chain { actors, clients })
}

fn actor(level: Object<'_>, token_issuer: &str) -> Option<ActorClaim> {
    let id = name(level.get("sub")?, bounds::NAME_BYTES)?;
    let issuer = match level.get("iss") {
        Some(issuer) => name(issuer, bounds::URL_BYTES)?,
        None => token_issuer.to_owned(),
    };
    Some(ActorClaim { kind: ActorKind::Subject, issuer, id })
}
