//! What a decision is asked about, in the words of AuthZEN and RFC 8693.
//!
//! Everything here borrows from the caller. An [`Identity`] is an (`iss`, `sub`) pair: the same `sub` from two
//! issuers is two people. A [`Subject`] is the human on whose behalf a call is made; an [`Actor`] is an agent.

use crate::json;

/// Who somebody is: the pair of the issuer that vouches and the name it gave.
///
/// Source: RFC 9068 §5 (`sub` is unique within `iss` only).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity<'a> {
    /// The issuer identifier (`iss`), an exact string.
    pub issuer: &'a str,
    /// The name within the issuer, an exact string, never empty.
    pub id: &'a str,
}

/// The human on whose behalf the call is made, as the verified token names them.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The (`iss`, `sub`) pair.
    pub identity: Identity<'a>,
    /// Groups the issuer vouches for; they belong to `identity.issuer`.
    pub groups: &'a [String],
    /// Roles the issuer vouches for; they belong to `identity.issuer`.
    pub roles: &'a [String],
}

/// Which claim named an actor. The two name spaces are kept apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActorKind {
    /// `act.sub` (RFC 8693 §4.1).
    Subject,
    /// `client_id` (RFC 9068 §2.2), used where the token carries no `act`.
    Client,
}

/// An agent that acts for the subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Actor<'a> {
    /// The claim that named it.
    pub kind: ActorKind,
    /// Its (`iss`, name) pair; `act` without `iss` takes the token's issuer.
    pub identity: Identity<'a>,
}

/// What the verified token grants, as the PDP needs it.
#[derive(Debug, Clone, Copy)]
pub struct Delegation<'a> {
    /// The human.
    pub subject: Subject<'a>,
    /// The agent that calls now first, then earlier actors. Earlier actors can only narrow (RFC 8693 §4.1).
    /// An empty chain is denied.
    pub actors: &'a [Actor<'a>],
    /// The scopes of the token (RFC 6749 §3.3), each one token of the `scope` claim.
    pub scopes: &'a [String],
}

/// What the caller wants to do at a server.
#[derive(Debug, Clone, Copy)]
pub enum Action<'a> {
    /// Use the server at all: `initialize`, `server/discover`, `ping`, `tools/list`, notifications, GET, DELETE.
    UseServer,
    /// `tools/call`.
    CallTool {
        /// `params.name`, unescaped, exact.
        name: &'a str,
        /// `params.arguments`; `None` where the call carries none.
        arguments: Option<json::Object<'a>>,
    },
}
