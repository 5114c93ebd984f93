//! A request for a decision: subject, actors, delegation, action, connection.

use crate::json;

/// An identity: the issuer that vouches, and the name that it gave.
///
/// Source: RFC 9068 §5 (`sub` is unique within `iss` only).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity<'a> {
    /// The issuer identifier (`iss`), an exact string.
    pub issuer: &'a str,
    /// The name within the issuer, an exact string, never empty.
    pub id: &'a str,
}

/// The subject on whose behalf the call is made, as the verified token names them.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The (`iss`, `sub`) pair. Its issuer signed the token and vouches for all of its claims.
    pub identity: Identity<'a>,
    /// Groups the issuer vouches for; they belong to `identity.issuer`.
    pub groups: &'a [String],
    /// Roles the issuer vouches for; they belong to `identity.issuer`.
    pub roles: &'a [String],
    /// All claims of the token, for selectors and conditions. With `None`, selectors by claim do not match and
    /// conditions on claims fail.
    pub claims: Option<json::Object<'a>>,
}

/// The claim that named an actor. Each claim is a name space of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActorKind {
    /// `act.sub` (RFC 8693 §4.1).
    Subject,
    /// `client_id` (RFC 9068 §2.2), used if the token has no `act`.
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

/// The subject's consent, as the verified token states it.
#[derive(Debug, Clone, Copy)]
pub struct Consent<'a> {
    /// Its id, for records and revocation.
    pub id: &'a str,
    /// Ids or resource identifiers of the servers that it covers; `None` is all.
    pub servers: Option<&'a [String]>,
    /// Names of the tools, prompts and resources that it covers; `None` is all.
    pub tools: Option<&'a [String]>,
    /// The highest tier that it covers, by name; a name that the policy does not have covers nothing.
    pub level: Option<&'a str>,
    /// Why the subject gave it, in their words.
    pub reason: Option<&'a str>,
    /// The time of the consent in Unix seconds.
    pub given_at: u64,
    /// The end in Unix seconds; `None` without an end.
    pub expires_at: Option<u64>,
}

/// The grants of the verified token, as the PDP needs them.
#[derive(Debug, Clone, Copy)]
pub struct Delegation<'a> {
    /// The subject.
    pub subject: Subject<'a>,
    /// The agent that calls now first, then earlier actors. Earlier actors can only narrow (RFC 8693 §4.1).
    /// An empty chain is denied.
    pub actors: &'a [Actor<'a>],
    /// The clients that the token names beside its actors (`client_id`, `azp`). They grant nothing; rules that deny or
    /// restrict match them as they match actors.
    pub clients: &'a [Actor<'a>],
    /// The scopes of the token (RFC 6749 §3.3), each one token of the `scope` claim.
    pub scopes: &'a [String],
    /// The subject's consent, if the token states one.
    pub consent: Option<Consent<'a>>,
    /// How many seconds the clock of the issuer may be ahead.
    pub leeway: u64,
}

/// The action that the caller requests at a server.
#[derive(Debug, Clone, Copy)]
pub enum Action<'a> {
    /// Use the server without naming an item: `initialize`, lists, notifications, GET, DELETE and other methods of
    /// [`Request::method`].
    UseServer,
    /// `tools/call`.
    CallTool {
        /// `params.name`, unescaped, exact.
        name: &'a str,
        /// `params.arguments`; `None` if the call carries none.
        arguments: Option<json::Object<'a>>,
        /// SHA-256 of the definition that the server last showed for this tool, if it showed one.
        definition: Option<&'a [u8; 32]>,
    },
    /// `prompts/get`, or another method that refers to a prompt (`completion/complete`).
    GetPrompt {
        /// `params.name`, unescaped, exact.
        name: &'a str,
        /// `params.arguments`; `None` if the request carries none.
        arguments: Option<json::Object<'a>>,
    },
    /// `resources/read`, or another method that refers to a resource (`resources/subscribe`, `completion/complete`).
    ReadResource {
        /// `params.uri`, unescaped, exact.
        uri: &'a str,
    },
    /// `elicitation/create` of the server, on its way to the client.
    Elicit {
        /// The page that the subject is sent to; `None` for a form.
        url: Option<&'a str>,
    },
}

/// The caller's connection, as the proxy reports it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Connection<'a> {
    /// IP address of the caller, without port; empty if it is not known.
    pub source_address: &'a str,
    /// Whether the connection to the proxy is encrypted.
    pub tls: bool,
    /// The name in the caller's certificate (URI SAN, else subject), where mutual TLS verified one; else empty.
    pub peer: &'a str,
}

/// Everything that one decision depends on besides the bundle and the server.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The subject and the actors.
    pub delegation: &'a Delegation<'a>,
    /// The MCP method, such as `tools/call`; `http/get` and `http/delete` for requests without a message.
    pub method: &'a str,
    /// The requested action.
    pub action: Action<'a>,
    /// The time of the decision in Unix seconds.
    pub now: u64,
    /// The connection that it came on.
    pub connection: Connection<'a>,
}
