//! What was read, as the policy that is written.

use super::{policy, rule, server, template};
use crate::bundle::Part;
use crate::bundle::layout::{PrincipalKind, RuleKind};
use crate::model::ItemKind;
use crate::policy::{
    Actor, Agent, ChainRules, Check, Grant, Holder, Item, Mode, Origin, Policy, Server, ServerKind,
    TemplatePart, Window,
};
use std::collections::BTreeSet;

/// The policy.
pub(super) fn policy(read: &policy::Policy<'_>) -> Policy {
    let rules = |kind| read.rules.iter().filter(move |rule| rule.kind == kind);
    Policy {
        revision: read.revision.to_owned(),
        serial: read.serial,
        not_after: read.not_after,
        organisation: read.organisation.to_owned(),
        issuers: read.issuers.iter().map(|(short, url)| ((*short).to_owned(), (*url).to_owned())).collect(),
        tiers: read.tiers.iter().map(|tier| (*tier).to_owned()).collect(),
        chain: ChainRules { max_length: read.max_chain, trusted_issuers: None },
        servers: read.servers.iter().map(|(id, server)| whole_server(id, server)).collect(),
        grants: rules(RuleKind::Grant).map(grant).collect(),
        actors: rules(RuleKind::Actor).filter_map(actor).collect(),
        ..Policy::default()
    }
}

fn whole_server(id: &str, server: &server::Server<'_>) -> Server {
    let kinds = [ServerKind::Personal, ServerKind::Corporate];
    let kind = usize::try_from(server.kind).ok().and_then(|kind| kinds.get(kind).copied());
    Server {
        id: id.to_owned(),
        resource: server.resource.to_owned(),
        authorities: server.authorities.iter().cloned().collect(),
        path: server.path.to_owned(),
        kind: kind.unwrap_or(ServerKind::Sensitive),
        owner: server.owner.to_owned(),
        environment: String::new(),
        labels: BTreeSet::new(),
        revisions: None,
        scopes: server.scopes.iter().map(|(tier, scope)| (*tier, (*scope).to_owned())).collect(),
        items: server.tools.iter().map(|(name, tool)| item(name, tool)).collect(),
        methods: Default::default(),
        mode: Mode::Enforce,
        origin: Origin::default(),
    }
}

fn item(name: &str, tool: &server::Tool<'_>) -> Item {
    Item {
        kind: ItemKind::Tool,
        name: name.to_owned(),
        tier: tool.tier,
        labels: BTreeSet::new(),
        definitions: Vec::new(),
        approval: None,
        checks: tool.checks.iter().map(check).collect(),
        when: None,
        arguments: Vec::new(),
        shown: BTreeSet::new(),
        mode: Mode::Enforce,
        origin: Origin::default(),
    }
}

fn check(check: &template::Check<'_>) -> Check {
    Check {
        relation: check.relation.to_owned(),
        object_type: check.object.kind.to_owned(),
        object_id: check.object.parts.iter().map(part).collect(),
        subject_type: check.subject.kind.to_owned(),
        subject_id: check.subject.parts.iter().map(part).collect(),
    }
}

fn part(part: &Part<'_>) -> TemplatePart {
    match part {
        Part::Literal(text) => TemplatePart::Literal((*text).to_owned()),
        Part::Argument(keys) => TemplatePart::Argument(keys.iter().map(|key| (*key).to_owned()).collect()),
        Part::SubjectId => TemplatePart::SubjectId,
    }
}

fn servers(rule: &rule::Rule<'_>) -> Option<BTreeSet<String>> {
    Some(rule.servers.as_ref()?.iter().map(|id| (*id).to_owned()).collect())
}

fn grant(rule: &rule::Rule<'_>) -> Grant {
    let holder = |(kind, issuer, name): &(PrincipalKind, &str, &str)| {
        let (issuer, name) = ((*issuer).to_owned(), (*name).to_owned());
        match kind {
            PrincipalKind::Group => Holder::Group(issuer, name),
            PrincipalKind::Role => Holder::Role(issuer, name),
            _ => Holder::Id(issuer, name),
        }
    };
    Grant {
        id: rule.id.to_owned(),
        subjects: rule.holders.iter().map(holder).collect(),
        actors: None,
        servers: servers(rule),
        ceiling: rule.ceiling,
        window: Window::default(),
        when: None,
        mode: Mode::Enforce,
        origin: Origin::default(),
    }
}

fn actor(rule: &rule::Rule<'_>) -> Option<Actor> {
    let (kind, issuer, name) = rule.holders.first()?;
    let (issuer, name) = ((*issuer).to_owned(), (*name).to_owned());
    let agent = match kind {
        PrincipalKind::ActorClient => Agent::Client(issuer, name),
        _ => Agent::Subject(issuer, name),
    };
    Some(Actor {
        id: rule.id.to_owned(),
        agent,
        agent_type: String::new(),
        labels: BTreeSet::new(),
        servers: servers(rule),
        ceiling: rule.ceiling,
        window: Window::default(),
        origin: Origin::default(),
    })
}
