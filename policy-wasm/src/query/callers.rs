//! Who there is to ask about: the holders and the agents that a policy names.
//!
//! A holder that is not one human (a group, a role, a claim, everybody of an issuer) is asked about as somebody with
//! nothing else: the id [`ANYBODY`], which no rule names.

use super::ask::{Unanswerable, issuer};
use super::json::Object;
use super::read::{ActorQuery, SubjectQuery};
use crate::bundle::layout::{PrincipalKind, RuleKind};
use crate::bundle::{Bundle, Principal, Unreadable};
use crate::model::ActorKind;
use crate::source::suggest;

/// The id of somebody who is only known to be in a group, to have a role, a claim or an issuer.
pub const ANYBODY: &str = "anybody-toolward-invalid";

/// Somebody to ask about, with a name for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named<T> {
    /// What to call them, such as "group engineering"; unique in a list of them.
    pub label: String,
    /// Who it is.
    pub value: T,
}

/// Everybody whom the rules of the policy name as subjects, in order of kind, issuer and name.
pub fn subjects(bundle: &Bundle) -> Vec<Named<SubjectQuery>> {
    let found = bundle.principals().filter_map(|principal| subject(principal).ok().flatten());
    labelled(bundle, found.collect(), |subject: &SubjectQuery| subject.issuer.as_deref())
}

/// Every agent that an entry of `actors` names, in order of kind, issuer and name.
pub fn agents(bundle: &Bundle) -> Vec<Named<ActorQuery>> {
    let found = bundle.principals().filter_map(|principal| agent(principal).ok().flatten());
    labelled(bundle, found.collect(), |actor: &ActorQuery| actor.issuer.as_deref())
}

/// The agent that somebody means: `subject:ID`, `client:ID`, or the id of an entry of `actors`.
///
/// # Errors
/// [`Unanswerable`] where the policy has no entry of that id that names one agent.
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
        principal.held()?.map_or(Ok(false), |held| held.contains(number))
    };
    let found = entry.and_then(|entry| {
        let mut principals =
            bundle.principals().filter(|principal| holds(principal, entry.number()) == Ok(true));
        principals.find_map(|principal| agent(principal).ok().flatten())
    });
    if let Some((_, actor)) = found {
        return Ok(actor);
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

/// A name for people; `None` where it is not a human.
fn subject(principal: Principal<'_>) -> Result<Option<(String, SubjectQuery)>, Unreadable> {
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
            object.text(name, value);
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
    Ok(Some((label, subject)))
}

fn agent(principal: Principal<'_>) -> Result<Option<(String, ActorQuery)>, Unreadable> {
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
    Ok(Some(found))
}

/// Names the issuer too, wherever the policy has more than one.
fn labelled<T>(
    bundle: &Bundle,
    found: Vec<(String, T)>,
    issuer_of: impl Fn(&T) -> Option<&str>,
) -> Vec<Named<T>> {
    let several = bundle.issuers().nth(1).is_some();
    let label = |(label, value): (String, T)| {
        let label = match issuer_of(&value) {
            Some(issuer) if several => format!("{label} ({})", short(bundle, issuer)),
            _ => label,
        };
        Named { label, value }
    };
    found.into_iter().map(label).collect()
}

/// The short name of an issuer, or its identifier where the policy has none for it.
pub(super) fn short<'q>(bundle: &'q Bundle, identifier: &'q str) -> &'q str {
    bundle.issuers().find(|issuer| issuer.identifier == identifier).map_or(identifier, |issuer| issuer.short)
}

/// A name for somebody who was written out.
pub(super) fn subject_label(bundle: &Bundle, subject: &SubjectQuery) -> String {
    let mut label = if subject.id == ANYBODY { String::new() } else { subject.id.clone() };
    let names = subject.groups.iter().map(|name| ("group", name));
    for (kind, name) in names.chain(subject.roles.iter().map(|name| ("role", name))) {
        if !label.is_empty() {
            label.push_str(", ");
        }
        label.push_str(&format!("{kind} {name}"));
    }
    if label.is_empty() {
        label.push_str("anyone");
    }
    of_issuer(bundle, label, subject.issuer.as_deref())
}

/// A name for an agent that was written out.
pub(super) fn agent_label(bundle: &Bundle, actor: &ActorQuery) -> String {
    let label = match actor.kind {
        ActorKind::Subject => actor.id.clone(),
        ActorKind::Client => format!("client {}", actor.id),
    };
    of_issuer(bundle, label, actor.issuer.as_deref())
}

fn of_issuer(bundle: &Bundle, label: String, name: Option<&str>) -> String {
    let several = bundle.issuers().nth(1).is_some();
    match name.and_then(|name| issuer(bundle, Some(name), "").ok()) {
        Some(identifier) if several => format!("{label} ({})", short(bundle, identifier)),
        _ => label,
    }
}
