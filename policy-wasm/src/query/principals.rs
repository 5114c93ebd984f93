//! The subjects and agents that a policy names, as queries.
//!
//! A holder of many people (a group, a role, a claim, an issuer) becomes a subject with that property alone. Its id is
//! [`ANYBODY`], which no rule names.

use super::evaluate::Unanswerable;
use super::read::{ActorQuery, SubjectQuery};
use crate::bundle::layout::{PrincipalKind, RuleKind};
use crate::bundle::{Bundle, Principal, Unreadable};
use crate::json::write_str;
use crate::json::writer::Object;
use crate::model::ActorKind;
use crate::source::suggest;
use std::collections::BTreeSet;

/// The id of a subject that is known only by a group, a role, a claim or an issuer.
pub const ANYBODY: &str = "anybody-toolward-invalid";

/// A subject or agent with a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named<T> {
    /// The label, such as "group engineering"; unique in a list.
    pub label: String,
    /// The subject or agent.
    pub value: T,
}

/// All subjects that the rules of the policy name, in order of kind, issuer and name.
pub fn subjects(bundle: &Bundle) -> Vec<Named<SubjectQuery>> {
    told_apart(&[bundle], plain_subjects(bundle), |subject| subject.issuer.as_deref())
}

/// Every agent that an entry of `actors` names, in order of kind, issuer and name.
pub fn agents(bundle: &Bundle) -> Vec<Named<ActorQuery>> {
    told_apart(&[bundle], plain_agents(bundle), |actor| actor.issuer.as_deref())
}

/// All subjects that the rules of either policy name, once.
pub(super) fn subjects_of_both(new: &Bundle, old: &Bundle) -> Vec<Named<SubjectQuery>> {
    let both = once(plain_subjects(new), plain_subjects(old));
    told_apart(&[new, old], both, |subject| subject.issuer.as_deref())
}

/// Every agent that an entry of `actors` of either policy names, once.
pub(super) fn agents_of_both(new: &Bundle, old: &Bundle) -> Vec<Named<ActorQuery>> {
    let both = once(plain_agents(new), plain_agents(old));
    told_apart(&[new, old], both, |actor| actor.issuer.as_deref())
}

fn plain_subjects(bundle: &Bundle) -> Vec<Named<SubjectQuery>> {
    bundle.principals().filter_map(|principal| subject(principal).ok().flatten()).collect()
}

fn plain_agents(bundle: &Bundle) -> Vec<Named<ActorQuery>> {
    bundle.principals().filter_map(|principal| agent(principal).ok().flatten()).collect()
}

fn once<T: Ord + Clone>(first: Vec<Named<T>>, second: Vec<Named<T>>) -> Vec<Named<T>> {
    let mut known: BTreeSet<T> = BTreeSet::new();
    first.into_iter().chain(second).filter(|named| known.insert(named.value.clone())).collect()
}

/// The agent behind a name: `subject:ID`, `client:ID`, or the id of an actor rule.
///
/// # Errors
/// [`Unanswerable`] if no actor rule with that id names one agent.
pub fn agent_called(bundle: &Bundle, name: &str) -> Result<ActorQuery, Unanswerable> {
    for (prefix, kind) in [("subject:", ActorKind::Subject), ("client:", ActorKind::Client)] {
        if let Some(id) = name.strip_prefix(prefix) {
            return Ok(ActorQuery { kind, id: id.to_owned(), issuer: None });
        }
    }
    let entry = bundle.rules().find(|rule| rule.kind == RuleKind::Actor && rule.id() == name);
    let holds = |principal: &Principal<'_>, number: u32| -> Result<bool, Unreadable> {
        for ceiling in principal.ceilings()? {
            if ceiling?.rule == number {
                return Ok(true);
            }
        }
        principal.conditional_grants()?.map_or(Ok(false), |held| held.contains(number))
    };
    let found = entry.and_then(|entry| {
        let mut principals =
            bundle.principals().filter(|principal| holds(principal, entry.number()) == Ok(true));
        principals.find_map(|principal| agent(principal).ok().flatten())
    });
    if let Some(found) = found {
        return Ok(found.value);
    }
    let ids: Vec<&str> =
        bundle.rules().filter(|rule| rule.kind == RuleKind::Actor).map(|rule| rule.id()).collect();
    Err(Unanswerable {
        path: "/actors".to_owned(),
        message: format!(
            "the policy's `actors` have no entry `{name}` that gives a ceiling of its own; name the agent as \
             `subject:{name}` or `client:{name}`"
        ),
        suggestion: suggest(name, ids),
    })
}

/// The subject of a principal with its label; `None` if the principal is an agent.
fn subject(principal: Principal<'_>) -> Result<Option<Named<SubjectQuery>>, Unreadable> {
    let (kind, name) = (principal.kind()?, principal.name()?);
    let mut subject = SubjectQuery {
        id: ANYBODY.to_owned(),
        issuer: Some(principal.issuer()?.to_owned()),
        ..SubjectQuery::default()
    };
    let label = match kind {
        PrincipalKind::SubjectId => {
            subject.id = name.to_owned();
            name.to_owned()
        }
        PrincipalKind::Group => {
            subject.groups.push(name.to_owned());
            format!("group {name}")
        }
        PrincipalKind::Role => {
            subject.roles.push(name.to_owned());
            format!("role {name}")
        }
        PrincipalKind::Claim => {
            let (mut claims, value) = (String::new(), principal.value()?);
            let mut object = Object::open(&mut claims);
            write_str(object.escaped_key(name), value);
            object.close();
            subject.claims = Some(claims);
            format!("claim {name}={value}")
        }
        PrincipalKind::Anyone => "anyone".to_owned(),
        PrincipalKind::ActorSubject
        | PrincipalKind::ActorClient
        | PrincipalKind::ActorIssuer
        | PrincipalKind::Label
        | PrincipalKind::AgentType => return Ok(None),
    };
    Ok(Some(Named { label, value: subject }))
}

fn agent(principal: Principal<'_>) -> Result<Option<Named<ActorQuery>>, Unreadable> {
    let (name, issuer) = (principal.name()?, Some(principal.issuer()?.to_owned()));
    let found = match principal.kind()? {
        PrincipalKind::ActorSubject => {
            (name.to_owned(), ActorQuery { kind: ActorKind::Subject, id: name.to_owned(), issuer })
        }
        PrincipalKind::ActorClient => {
            (format!("client {name}"), ActorQuery { kind: ActorKind::Client, id: name.to_owned(), issuer })
        }
        PrincipalKind::ActorIssuer => {
            ("any agent".to_owned(), ActorQuery { kind: ActorKind::Subject, id: ANYBODY.to_owned(), issuer })
        }
        PrincipalKind::SubjectId
        | PrincipalKind::Group
        | PrincipalKind::Role
        | PrincipalKind::Claim
        | PrincipalKind::Anyone
        | PrincipalKind::Label
        | PrincipalKind::AgentType => return Ok(None),
    };
    Ok(Some(Named { label: found.0, value: found.1 }))
}

/// Names the issuers too, unless all are the same.
pub(super) fn told_apart<T>(
    bundles: &[&Bundle],
    found: Vec<Named<T>>,
    issuer_of: impl Fn(&T) -> Option<&str>,
) -> Vec<Named<T>> {
    let issuers: BTreeSet<Option<&str>> = found.iter().map(|named| issuer_of(&named.value)).collect();
    if issuers.len() < 2 {
        return found;
    }
    let label = |Named { label, value }: Named<T>| {
        let label = match issuer_of(&value) {
            Some(issuer) => format!("{label} ({})", short(bundles, issuer)),
            None => label,
        };
        Named { label, value }
    };
    found.into_iter().map(label).collect()
}

/// The short name of an issuer, or its identifier if no policy names it.
fn short<'q>(bundles: &[&'q Bundle], identifier: &'q str) -> &'q str {
    let mut issuers = bundles.iter().flat_map(|bundle| bundle.issuers());
    issuers.find(|issuer| issuer.identifier == identifier).map_or(identifier, |issuer| issuer.short)
}

/// A label for a subject that the user wrote out.
pub(super) fn subject_label(subject: &SubjectQuery) -> String {
    let mut names = Vec::new();
    if subject.id != ANYBODY {
        names.push(subject.id.clone());
    }
    names.extend(subject.groups.iter().map(|name| format!("group {name}")));
    names.extend(subject.roles.iter().map(|name| format!("role {name}")));
    if names.is_empty() { "anyone".to_owned() } else { names.join(", ") }
}

/// A name for a chain that was written out: the calling agent first.
pub fn chain_label(chain: &[ActorQuery]) -> String {
    let name = |actor: &ActorQuery| match actor.kind {
        ActorKind::Subject => actor.id.clone(),
        ActorKind::Client => format!("client {}", actor.id),
    };
    let names: Vec<String> = chain.iter().map(name).collect();
    if names.is_empty() { "no agent".to_owned() } else { names.join(" ← ") }
}
