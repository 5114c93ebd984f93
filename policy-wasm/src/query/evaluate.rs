//! Putting a query to a bundle: short names become identifiers, and everything is lent to the PDP.

use super::read::{ActorQuery, Query, ServerName, Target};
use crate::bundle::{Bundle, Server};
use crate::decision::Decision;
use crate::json::{self, Limits};
use crate::model::{Action, Actor, Connection, Consent, Delegation, Identity, Request, Subject};
use crate::pdp::{self, Explanation};
use crate::source::suggest;
use std::fmt;

/// The error of a query that names something that no request could name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unanswerable {
    /// Where in the query, as a JSON pointer.
    pub path: String,
    /// The mistake, and the expected value.
    pub message: String,
    /// The likely correction: "did you mean …?".
    pub suggestion: Option<String>,
}

impl fmt::Display for Unanswerable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)?;
        match &self.suggestion {
            Some(suggestion) => write!(f, "; {suggestion}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Unanswerable {}

impl Query {
    /// Decides as the filter would. `now` is the time in Unix seconds for a query without one.
    ///
    /// # Errors
    /// [`Unanswerable`] if the bundle has no such server or issuer.
    pub fn evaluate(&self, bundle: &Bundle, now: u64) -> Result<Decision, Unanswerable> {
        self.ask(bundle, now, |server, request| pdp::evaluate(server.bundle(), server, request))
    }

    /// As [`Query::evaluate`], with everything that led to the decision.
    ///
    /// # Errors
    /// As [`Query::evaluate`].
    pub fn explain(&self, bundle: &Bundle, now: u64) -> Result<Explanation, Unanswerable> {
        self.ask(bundle, now, |server, request| pdp::explain(server.bundle(), server, request))
    }

    /// Lends the query as a request of the PDP.
    ///
    /// # Errors
    /// As [`Query::evaluate`].
    pub fn ask<T>(
        &self,
        bundle: &Bundle,
        now: u64,
        then: impl FnOnce(Server<'_>, &Request<'_>) -> T,
    ) -> Result<T, Unanswerable> {
        let server = self.server_in(bundle)?;
        let issuer = issuer(bundle, self.subject.issuer.as_deref(), "/subject/issuer")?;
        let actors: Vec<Actor<'_>> = self
            .actors
            .iter()
            .enumerate()
            .map(|(index, actor)| actor_of(bundle, actor, index, issuer))
            .collect::<Result<_, _>>()?;
        let delegation = Delegation {
            subject: Subject {
                identity: Identity { issuer, id: &self.subject.id },
                groups: &self.subject.groups,
                roles: &self.subject.roles,
                claims: object(self.subject.claims.as_deref(), "/subject/claims")?,
            },
            actors: &actors,
            clients: &[],
            scopes: &self.scopes,
            consent: self.consent.as_ref().map(|consent| Consent {
                id: &consent.id,
                servers: consent.servers.as_deref(),
                tools: consent.tools.as_deref(),
                level: consent.level.as_deref(),
                reason: consent.reason.as_deref(),
                given_at: consent.given_at,
                expires_at: consent.expires_at,
            }),
            leeway: 0,
        };
        let request = Request {
            delegation: &delegation,
            method: self.method(),
            action: self.action(object(self.arguments.as_deref(), "/arguments")?),
            now: self.now.unwrap_or(now),
            connection: Connection { source_address: &self.source_address, tls: self.tls, peer: &self.peer },
        };
        Ok(then(server, &request))
    }

    /// The method of the query; empty if it names neither a method nor a target.
    pub fn method(&self) -> &str {
        self.method.as_deref().or_else(|| self.target.method()).unwrap_or_default()
    }

    fn action<'q>(&'q self, arguments: Option<json::Object<'q>>) -> Action<'q> {
        match &self.target {
            Target::Tool(name) => Action::CallTool { name, arguments, definition: self.definition.as_ref() },
            Target::Prompt(name) => Action::GetPrompt { name, arguments },
            Target::Resource(uri) => Action::ReadResource { uri },
            Target::Url(url) => Action::Elicit { url: Some(url) },
            Target::Server if self.method() == "elicitation/create" => Action::Elicit { url: None },
            Target::Server => Action::UseServer,
        }
    }

    /// The server that is meant.
    ///
    /// # Errors
    /// [`Unanswerable`] if the bundle has no server with that name or address.
    pub fn server_in<'b>(&self, bundle: &'b Bundle) -> Result<Server<'b>, Unanswerable> {
        match &self.server {
            ServerName::Id(id) => server_named(bundle, id, "/server"),
            ServerName::At { authority, path } => {
                bundle.server_at(authority, path).ok_or_else(|| Unanswerable {
                    path: "/server".to_owned(),
                    message: format!("the policy has no server at `{authority}`, `{path}`"),
                    suggestion: None,
                })
            }
        }
    }
}

/// The server with this id.
pub(super) fn server_named<'b>(bundle: &'b Bundle, id: &str, path: &str) -> Result<Server<'b>, Unanswerable> {
    if let Some(server) = bundle.servers().find(|server| server.id() == id) {
        return Ok(server);
    }
    let environments: Vec<&str> = bundle
        .servers()
        .map(Server::id)
        .filter(|other| other.strip_prefix(id).is_some_and(|rest| rest.starts_with('.')))
        .collect();
    let suggestion = if environments.is_empty() {
        suggest(id, bundle.servers().map(Server::id))
    } else {
        Some(format!("it is in several environments, name one: `{}`", environments.join("`, `")))
    };
    Err(Unanswerable {
        path: path.to_owned(),
        message: format!("the policy has no server `{id}`"),
        suggestion,
    })
}

fn actor_of<'q>(
    bundle: &'q Bundle,
    actor: &'q ActorQuery,
    index: usize,
    of_subject: &'q str,
) -> Result<Actor<'q>, Unanswerable> {
    let issuer = match &actor.issuer {
        Some(name) => issuer(bundle, Some(name), &format!("/actors/{index}/issuer"))?,
        None => of_subject,
    };
    Ok(Actor { kind: actor.kind, identity: Identity { issuer, id: &actor.id } })
}

/// The identifier behind a short name. A name with a `:` is an identifier itself, even if the policy does not know it.
pub(super) fn issuer<'q>(
    bundle: &'q Bundle,
    name: Option<&'q str>,
    path: &str,
) -> Result<&'q str, Unanswerable> {
    let wrong = |message: String, suggestion| Unanswerable { path: path.to_owned(), message, suggestion };
    let known: Vec<_> = bundle.issuers().collect();
    match (name, known.as_slice()) {
        (Some(name), _) if name.contains(':') => Ok(name),
        (Some(name), _) => match known.iter().find(|issuer| issuer.short == name) {
            Some(issuer) => Ok(issuer.identifier),
            None => Err(wrong(
                format!("the policy has no issuer `{name}`; name one of its issuers or an identifier"),
                suggest(name, known.iter().map(|issuer| issuer.short)),
            )),
        },
        (None, [only]) => Ok(only.identifier),
        (None, []) => Err(wrong("the policy names no issuer; write its identifier".to_owned(), None)),
        (None, [..]) => {
            let names: Vec<&str> = known.iter().map(|issuer| issuer.short).collect();
            Err(wrong(format!("the policy has several issuers, name one of `{}`", names.join("`, `")), None))
        }
    }
}

/// The object that a text of a query holds.
fn object<'q>(text: Option<&'q str>, path: &str) -> Result<Option<json::Object<'q>>, Unanswerable> {
    let Some(text) = text else { return Ok(None) };
    let object = json::parse(text.as_bytes(), &Limits::default()).ok().and_then(json::Value::as_object);
    match object {
        Some(object) => Ok(Some(object)),
        None => Err(Unanswerable {
            path: path.to_owned(),
            message: "expected the text of a strict JSON object".to_owned(),
            suggestion: None,
        }),
    }
}
