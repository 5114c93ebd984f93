//! From a verified token and a message to what the PDP is asked.

use crate::delegation::VerifiedDelegation;
use crate::mcp::Method;
use crate::mcp::message::Request;
use policy_wasm::model::{Action, Actor, Delegation, Identity, Subject};

/// Lends the delegation in the PDP's words; nothing but the short list of actors is allocated.
pub(super) fn with_delegation<R>(verified: &VerifiedDelegation, ask: impl FnOnce(&Delegation<'_>) -> R) -> R {
    let actors: Vec<Actor<'_>> = verified
        .actors
        .iter()
        .map(|actor| Actor { kind: actor.kind, identity: Identity { issuer: &actor.issuer, id: &actor.id } })
        .collect();
    ask(&Delegation {
        subject: Subject {
            identity: Identity { issuer: &verified.issuer, id: &verified.subject },
            groups: &verified.groups,
            roles: &verified.roles,
        },
        actors: &actors,
        scopes: &verified.scopes,
    })
}

/// What a request wants to do, in the PDP's words.
pub(super) fn action<'a>(request: &'a Request<'a>) -> Action<'a> {
    match (request.method, request.name.as_deref()) {
        (Method::CallTool, Some(name)) => Action::CallTool { name, arguments: request.arguments },
        _ => Action::UseServer,
    }
}
