//! One view of the rules of all kinds: their selectors and their ceilings.

use crate::bundle::layout::{PrincipalKind, RuleKind};
use crate::policy::{
    Actor, Agent, ApprovalRule, BudgetRule, Condition, Forbid, Grant, Holder, Items, Mode, Policy,
    ServerKind, Window,
};
use std::collections::BTreeSet;

/// A principal: kind, issuer, name, value.
pub(super) type Key<'p> = (PrincipalKind, &'p str, &'p str, &'p str);

/// A rule of the policy.
#[derive(Clone, Copy)]
pub(super) enum Rule<'p> {
    Grant(&'p Grant),
    Actor(&'p Actor),
    Forbid(&'p Forbid),
    Approval(&'p ApprovalRule),
    Budget(&'p BudgetRule),
}

/// The selectors of a rule; `None` matches everything.
#[derive(Default)]
pub(super) struct Selectors<'p> {
    pub(super) subjects: Option<BTreeSet<Key<'p>>>,
    pub(super) actors: Option<BTreeSet<Key<'p>>>,
    pub(super) servers: Option<&'p BTreeSet<String>>,
    pub(super) items: Option<&'p Items>,
    pub(super) methods: Option<&'p BTreeSet<String>>,
    pub(super) window: Window,
    pub(super) when: Option<&'p Condition>,
    pub(super) mode: Mode,
}

impl<'p> Rule<'p> {
    /// All rules, in order of kind and id.
    pub(super) fn all(policy: &'p Policy) -> Vec<Rule<'p>> {
        let grants = policy.grants.iter().map(Rule::Grant);
        let rules = grants
            .chain(policy.actors.iter().map(Rule::Actor))
            .chain(policy.forbids.iter().map(Rule::Forbid))
            .chain(policy.approvals.iter().map(Rule::Approval))
            .chain(policy.budgets.iter().map(Rule::Budget));
        let mut rules: Vec<Rule<'p>> = rules.collect();
        rules.sort_by(|a, b| a.name().cmp(&b.name()));
        rules
    }

    /// Its kind and id.
    pub(super) fn name(self) -> (RuleKind, &'p str) {
        match self {
            Rule::Grant(rule) => (RuleKind::Grant, &rule.id),
            Rule::Actor(rule) => (RuleKind::Actor, &rule.id),
            Rule::Forbid(rule) => (RuleKind::Forbid, &rule.id),
            Rule::Approval(rule) => (RuleKind::Approval, &rule.id),
            Rule::Budget(rule) => (RuleKind::Budget, &rule.id),
        }
    }

    /// The ceiling of a grant or actor rule; an actor's is at most that of its type.
    pub(super) fn ceiling(self, policy: &Policy) -> Option<u32> {
        match self {
            Rule::Grant(rule) => Some(rule.ceiling),
            Rule::Actor(rule) => {
                let limit = policy.agent_types.get(&rule.agent_type).and_then(|found| found.ceiling);
                Some(limit.map_or(rule.ceiling, |limit| limit.min(rule.ceiling)))
            }
            Rule::Forbid(_) | Rule::Approval(_) | Rule::Budget(_) => None,
        }
    }

    /// Whether the rule is unconditional: no actors, window, condition or monitor mode, and no excluded kind of server.
    pub(super) fn is_plain(self, policy: &Policy) -> bool {
        match self {
            Rule::Grant(rule) => {
                rule.actors.is_none()
                    && rule.window == Window::default()
                    && rule.when.is_none()
                    && rule.mode == Mode::Enforce
            }
            Rule::Actor(rule) => {
                let agent_type = policy.agent_types.get(&rule.agent_type);
                rule.window == Window::default()
                    && agent_type.is_none_or(|found| {
                        ServerKind::ALL.iter().all(|kind| found.server_kinds.contains(kind))
                    })
            }
            Rule::Forbid(_) | Rule::Approval(_) | Rule::Budget(_) => false,
        }
    }

    /// The selectors.
    pub(super) fn selectors(self) -> Selectors<'p> {
        let nothing = Selectors::default();
        match self {
            Rule::Grant(rule) => Selectors {
                subjects: Some(rule.subjects.iter().map(holder).collect()),
                actors: rule.actors.as_ref().map(|actors| actors.iter().map(agent).collect()),
                servers: rule.servers.as_ref(),
                window: rule.window,
                when: rule.when.as_ref(),
                mode: rule.mode,
                ..nothing
            },
            Rule::Actor(rule) => Selectors {
                subjects: Some(BTreeSet::from([agent(&rule.agent)])),
                servers: rule.servers.as_ref(),
                window: rule.window,
                ..nothing
            },
            Rule::Forbid(rule) => Selectors {
                subjects: rule.subjects.as_ref().map(|subjects| subjects.iter().map(holder).collect()),
                actors: rule.actors.as_ref().map(|actors| actors.iter().map(agent).collect()),
                servers: rule.servers.as_ref(),
                items: rule.items.as_ref(),
                methods: rule.methods.as_ref(),
                window: rule.window,
                when: rule.when.as_ref(),
                mode: rule.mode,
            },
            Rule::Approval(rule) => Selectors {
                subjects: rule.subjects.as_ref().map(|subjects| subjects.iter().map(holder).collect()),
                actors: rule.actors.as_ref().map(|actors| actors.iter().map(agent).collect()),
                servers: rule.servers.as_ref(),
                items: Some(&rule.items),
                when: rule.when.as_ref(),
                mode: rule.mode,
                ..nothing
            },
            Rule::Budget(rule) => Selectors {
                subjects: rule.subjects.as_ref().map(|subjects| subjects.iter().map(holder).collect()),
                actors: rule.actors.as_ref().map(|actors| actors.iter().map(agent).collect()),
                servers: rule.servers.as_ref(),
                items: Some(&rule.items),
                mode: rule.mode,
                ..nothing
            },
        }
    }
}

/// The principal of a holder.
fn holder(holder: &Holder) -> Key<'_> {
    match holder {
        Holder::Id(issuer, name) => (PrincipalKind::SubjectId, issuer, name, ""),
        Holder::Group(issuer, name) => (PrincipalKind::Group, issuer, name, ""),
        Holder::Role(issuer, name) => (PrincipalKind::Role, issuer, name, ""),
        Holder::Claim(issuer, name, value) => (PrincipalKind::Claim, issuer, name, value),
        Holder::Anyone(issuer) => (PrincipalKind::Anyone, issuer, "", ""),
    }
}

/// The principal of an agent.
pub(super) fn agent(agent: &Agent) -> Key<'_> {
    match agent {
        Agent::Subject(issuer, name) => (PrincipalKind::ActorSubject, issuer, name, ""),
        Agent::Client(issuer, name) => (PrincipalKind::ActorClient, issuer, name, ""),
        Agent::Issuer(issuer) => (PrincipalKind::ActorIssuer, issuer, "", ""),
        Agent::Label(label) => (PrincipalKind::Label, "", label, ""),
        Agent::Type(name) => (PrincipalKind::AgentType, "", name, ""),
    }
}
