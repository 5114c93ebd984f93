//! The words that policies, decisions and messages share, in the terms of MCP, AuthZEN and RFC 8693.
//!
//! | module | subject |
//! |---|---|
//! | [`request`] | subject, actors, delegation, action: the inputs of a decision |
//! | [`mcp`] | methods and revisions of MCP |
//! | [`kinds`] | kinds of servers and items, modes of rules |
//!
//! Everything in [`request`] borrows from the caller. An [`Identity`] is an (`iss`, `sub`) pair: the same `sub` from
//! two issuers means two different people. A [`Subject`] is the person on whose behalf a call is made; an [`Actor`] is
//! an agent.

pub mod kinds;
pub mod mcp;
pub mod request;

pub use kinds::{ItemKind, Mode, ServerKind};
pub use mcp::{Era, Method, Revision};
pub use request::{Action, Actor, ActorKind, Connection, Consent, Delegation, Identity, Request, Subject};
