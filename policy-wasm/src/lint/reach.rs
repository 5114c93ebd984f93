//! Reach: grants, actors and tiers that contradict each other.

use super::Finder;
use crate::policy::{Actor, Agent, Grant, Holder, Policy, Server, ServerKind, Tier};
use std::collections::BTreeSet;

pub(super) fn find(finder: &mut Finder<'_>) {
    let policy = finder.policy;
    for server in &policy.servers {
        reachable(finder, server);
    }
    for grant in &policy.grants {
        usable(finder, grant);
    }
    for actor in &policy.actors {
        let granted = policy.servers.iter().any(|server| {
            covers(actor.servers.as_ref(), server)
                && policy.grants.iter().any(|grant| together(policy, grant, actor, server).is_some())
        });
        if !granted {
            let message = format!("no grant lets actor `{}` do anything", actor.id);
            let help = "grant people something at its servers, or take the actor away";
            finder.add("actor-without-grant", Some(actor.origin), message, help);
        }
    }
    consent(finder);
}

fn covers(servers: Option<&BTreeSet<String>>, server: &Server) -> bool {
    servers.is_none_or(|ids| ids.contains(&server.id))
}

/// Whether a selector matches an actor.
pub(super) fn fits(agent: &Agent, actor: &Actor) -> bool {
    match agent {
        Agent::Label(label) => actor.labels.contains(label),
        Agent::Type(name) => actor.agent_type == *name,
        Agent::Issuer(issuer) => issuer_of(&actor.agent) == Some(issuer),
        // An actor rule for all agents of an issuer covers each of them.
        Agent::Subject(issuer, _) | Agent::Client(issuer, _) => {
            actor.agent == *agent || actor.agent == Agent::Issuer(issuer.clone())
        }
    }
}

/// The issuer of an agent; `None` for those that labels and types select.
fn issuer_of(agent: &Agent) -> Option<&String> {
    match agent {
        Agent::Subject(issuer, _) | Agent::Client(issuer, _) | Agent::Issuer(issuer) => Some(issuer),
        Agent::Label(_) | Agent::Type(_) => None,
    }
}

/// The highest tier of an actor at a server, its type considered; `None` is nothing.
fn reach(policy: &Policy, actor: &Actor, server: &Server) -> Option<Tier> {
    if !covers(actor.servers.as_ref(), server) {
        return None;
    }
    match policy.agent_types.get(&actor.agent_type) {
        Some(kind) if !kind.server_kinds.contains(&server.kind) => None,
        Some(kind) => Some(kind.ceiling.map_or(actor.ceiling, |most| most.min(actor.ceiling))),
        None => Some(actor.ceiling),
    }
}

/// The highest tier that a grant and an actor reach together; `None` is nothing.
fn together(policy: &Policy, grant: &Grant, actor: &Actor, server: &Server) -> Option<Tier> {
    let named = grant.actors.as_ref().is_none_or(|agents| agents.iter().any(|agent| fits(agent, actor)));
    // The subjects' issuer signs the token, so it must be one that vouches for the agent.
    let vouched = |holder: &Holder| {
        issuer_of(&actor.agent).is_none_or(|issuer| policy.chain.may_vouch(holder.issuer(), issuer))
    };
    if !covers(grant.servers.as_ref(), server) || !named || !grant.subjects.iter().any(vouched) {
        return None;
    }
    reach(policy, actor, server).map(|tier| tier.min(grant.ceiling))
}

/// The highest tier that anybody reaches at a server.
fn highest(policy: &Policy, server: &Server) -> Option<Tier> {
    let pairs = policy.grants.iter().flat_map(|grant| policy.actors.iter().map(move |actor| (grant, actor)));
    let top = u32::try_from(policy.tiers.len()).unwrap_or(u32::MAX).saturating_sub(1);
    let mut most = None;
    for (grant, actor) in pairs {
        most = most.max(together(policy, grant, actor, server));
        if most == Some(top) {
            break;
        }
    }
    most
}

fn reachable(finder: &mut Finder<'_>, server: &Server) {
    let Some(most) = highest(finder.policy, server) else {
        let message = format!("no subject can use server `{}`: no grant and actor meet there", server.id);
        let help = "add a grant and an actor that cover it, or take the server away";
        return finder.add("server-unreachable", Some(server.origin), message, help);
    };
    for item in server.items.iter().filter(|item| item.tier > most) {
        let message = format!(
            "no subject reaches `{}` of server `{}`: its tier is `{}`, the highest that a grant and an actor reach there `{}`",
            item.name,
            server.id,
            finder.tier(item.tier),
            finder.tier(most)
        );
        let help = "raise a ceiling, or remove the item if no subject should reach it";
        finder.add("item-unreachable", Some(item.origin), message, help);
    }
}

fn usable(finder: &mut Finder<'_>, grant: &Grant) {
    let policy = finder.policy;
    let pairs =
        policy.servers.iter().flat_map(|server| policy.actors.iter().map(move |actor| (server, actor)));
    let mut most = None;
    for (server, actor) in pairs {
        most = most.max(together(policy, grant, actor, server));
        if most == Some(grant.ceiling) {
            return;
        }
    }
    match most {
        None => {
            let message = format!("no agent can use grant `{}`: no actor covers its servers", grant.id);
            let help = "add an actor there, or take the grant away";
            finder.add("grant-without-actor", Some(grant.origin), message, help);
        }
        Some(most) => {
            let message = format!(
                "grant `{}` reaches `{}`, the agents at its servers only `{}`",
                grant.id,
                finder.tier(grant.ceiling),
                finder.tier(most)
            );
            let help = "lower the grant's ceiling, so that a new agent does not widen it unseen";
            finder.add("grant-above-actors", Some(grant.origin), message, help);
        }
    }
}

fn consent(finder: &mut Finder<'_>) {
    let policy = finder.policy;
    let rules = &policy.consent;
    if let Some(reason) = rules.reason_from
        && rules.required_from.is_none_or(|required| required > reason)
    {
        let message = format!(
            "from tier `{}` on a consent must state a reason, and calls without any consent pass",
            finder.tier(reason)
        );
        let help = "set `consent.required_from` to the same tier or a lower one";
        finder.add("consent-reason-alone", None, message, help);
    }
    let top = u32::try_from(policy.tiers.len()).unwrap_or(u32::MAX).saturating_sub(1);
    let sensitive = |server: &&Server| {
        server.kind == ServerKind::Sensitive && server.items.iter().any(|item| item.tier == top)
    };
    if rules.required_from.is_some() || top == 0 {
        return;
    }
    for grant in policy.grants.iter().filter(|grant| grant.ceiling == top) {
        let at =
            policy.servers.iter().filter(sensitive).find(|server| covers(grant.servers.as_ref(), server));
        if let Some(server) = at {
            let message = format!(
                "grant `{}` reaches `{}` at the sensitive server `{}`, and no tier needs consent",
                grant.id,
                finder.tier(top),
                server.id
            );
            let help = "set `consent.required_from`, or lower the ceiling";
            finder.add("grant-without-consent", Some(grant.origin), message, help);
        }
    }
}
