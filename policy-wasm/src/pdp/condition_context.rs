//! The facts that conditions read during an evaluation.

use super::evaluation::Evaluation;
use super::trace::Trace;
use crate::bundle::layout::PrincipalKind;
use crate::bundle::{List, Principal, Unreadable};
use crate::condition::{Fact, Facts, Fault, Given};
use crate::model::{Actor, Consent, ItemKind};

impl From<Unreadable> for Fault {
    fn from(Unreadable: Unreadable) -> Fault {
        Fault::Broken
    }
}

fn number(count: usize) -> Result<u32, Fault> {
    u32::try_from(count).map_err(|_| Fault::Broken)
}

fn texts<'a>(list: Option<List<'_>>) -> Given<'a> {
    Given::Texts(list.map_or(0, List::len))
}

fn at(index: u32) -> Result<usize, Fault> {
    usize::try_from(index).map_err(|_| Fault::Missing)
}

fn nth<'a>(list: Option<List<'a>>, index: u32) -> Result<&'a str, Fault> {
    let name = list.ok_or(Fault::Missing)?.names().nth(at(index)?).ok_or(Fault::Missing)?;
    Ok(name?)
}

impl<'w, T: Trace> Evaluation<'w, T> {
    fn actor(&self, actor: u32) -> Result<&'w Actor<'w>, Fault> {
        self.request.delegation.actors.get(at(actor)?).ok_or(Fault::Missing)
    }

    fn stated_consent(&self) -> Result<&'w Consent<'w>, Fault> {
        self.request.delegation.consent.as_ref().ok_or(Fault::Missing)
    }

    /// The labels or types of an actor: its own before those of all agents of its issuer.
    fn groups(&self, actor: u32, kind: PrincipalKind) -> Result<Vec<Principal<'w>>, Fault> {
        let mut found: Vec<Principal<'w>> = Vec::new();
        for principal in self.principals_of(self.actor(actor)?)?.into_iter().flatten() {
            for group in principal.groups()? {
                let group = group?;
                if group.kind()? == kind && !found.iter().any(|known| known.number() == group.number()) {
                    found.push(group);
                }
            }
        }
        Ok(found)
    }

    /// The version of the definition that the server showed.
    fn version(&self) -> Result<&'w str, Fault> {
        let item = self.item().ok_or(Fault::Missing)?;
        let seen = self.seen_definition.ok_or(Fault::Missing)?;
        for definition in item.definitions()? {
            let definition = definition?;
            if definition.digest()? == *seen {
                return Some(definition.version()?).filter(|name| !name.is_empty()).ok_or(Fault::Missing);
            }
        }
        Err(Fault::Missing)
    }
}

impl<T: Trace> Facts for Evaluation<'_, T> {
    fn fact(&self, fact: Fact, actor: u32) -> Result<Given<'_>, Fault> {
        let delegation = self.request.delegation;
        let (subject, connection) = (&delegation.subject, &self.request.connection);
        Ok(match fact {
            Fact::SubjectId => Given::Text(subject.identity.id),
            Fact::SubjectIssuer => Given::Text(subject.identity.issuer),
            Fact::SubjectGroups => Given::Texts(number(subject.groups.len())?),
            Fact::SubjectRoles => Given::Texts(number(subject.roles.len())?),
            Fact::SubjectClaims => Given::Object(subject.claims.ok_or(Fault::Missing)?),
            Fact::ActorId => Given::Text(self.actor(actor)?.identity.id),
            Fact::ActorIssuer => Given::Text(self.actor(actor)?.identity.issuer),
            Fact::ActorType => match self.groups(actor, PrincipalKind::AgentType)?.first() {
                Some(group) => Given::Text(group.name()?),
                None => Given::Text(""),
            },
            Fact::ActorLabels => Given::Texts(number(self.groups(actor, PrincipalKind::Label)?.len())?),
            Fact::Actors => Given::Actors(number(delegation.actors.len())?),
            Fact::Scopes => Given::Texts(number(delegation.scopes.len())?),
            Fact::ConsentId => Given::Text(self.stated_consent()?.id),
            Fact::ConsentLevel => {
                let level = self.stated_consent()?.level.ok_or(Fault::Missing)?;
                Given::Tier(self.bundle.tier_named(level).ok_or(Fault::Missing)?)
            }
            Fact::ConsentReason => Given::Text(self.stated_consent()?.reason.ok_or(Fault::Missing)?),
            Fact::ConsentGivenAt => Given::Time(self.stated_consent()?.given_at),
            Fact::ConsentExpiresAt => Given::Time(self.stated_consent()?.expires_at.ok_or(Fault::Missing)?),
            Fact::ServerId => Given::Text(self.server.id()),
            Fact::ServerKind => Given::Text(self.server.kind()),
            Fact::ServerOwner => Given::Text(self.server.owner()),
            Fact::ServerEnvironment => Given::Text(self.server.environment()),
            Fact::ServerLabels => texts(self.server.labels()?),
            // For a URI under a template, the requested URI.
            Fact::ItemName => Given::Text(self.target.ok_or(Fault::Missing)?.name),
            Fact::ItemKind => Given::Text(match self.target.ok_or(Fault::Missing)?.kind {
                ItemKind::Tool => "tool",
                ItemKind::Prompt => "prompt",
                ItemKind::Resource => "resource",
                ItemKind::Template => "template",
            }),
            Fact::ItemTier => Given::Tier(self.item().ok_or(Fault::Missing)?.tier()),
            Fact::ItemLabels => texts(self.item().ok_or(Fault::Missing)?.labels()?),
            Fact::ItemVersion => Given::Text(self.version()?),
            Fact::Args => self.arguments().map_or(Given::Empty, Given::Object),
            Fact::Method => Given::Text(self.method),
            Fact::Now => Given::Time(self.request.now),
            Fact::SourceAddress => Given::Text(connection.source_address),
            Fact::Tls => Given::Bool(connection.tls),
            Fact::Peer => Given::Text(connection.peer),
        })
    }

    fn text(&self, fact: Fact, actor: u32, index: u32) -> Result<&str, Fault> {
        let delegation = self.request.delegation;
        let own = match fact {
            Fact::SubjectGroups => delegation.subject.groups,
            Fact::SubjectRoles => delegation.subject.roles,
            Fact::Scopes => delegation.scopes,
            Fact::ServerLabels => return nth(self.server.labels()?, index),
            Fact::ItemLabels => return nth(self.item().ok_or(Fault::Missing)?.labels()?, index),
            Fact::ActorLabels => {
                let labels = self.groups(actor, PrincipalKind::Label)?;
                return Ok(labels.get(at(index)?).ok_or(Fault::Missing)?.name()?);
            }
            _ => return Err(Fault::Broken),
        };
        own.get(at(index)?).map(String::as_str).ok_or(Fault::Missing)
    }
}
