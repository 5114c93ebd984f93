//! The evaluation: one walk over the layers, each of which can only deny.
//!
//! ```text
//! chain ─> subject's ceiling ─> actors' ceilings ─> tool ─> tiers ─> scopes ─> checks' arguments
//!   └──────────── Authority::of ────────────────┘   └── Authority::tool ───┘   └── evaluate ──┘
//! ```
//!
//! Every layer is looked at, whatever the ones before it found, so that all reasons are known. [`explain`] is the
//! same walk with a recorder. The cost depends on the token (groups, roles, actors, scopes) and on the tool's checks,
//! not on the size of the policy.
//!
//! INVARIANT (laws, each held by a property test in `tests`): nothing is permitted that no rule permits; the order of
//! rules and files is irrelevant; a lower ceiling or a longer chain never permits more; lists and calls agree;
//! explaining and evaluating agree.

mod explain;
mod template;
mod trace;

pub use explain::{Explanation, Fact, Layer, LayerName, explain};

use crate::bundle::layout::PrincipalKind;
use crate::bundle::{Bundle, HeldCeiling, Server, Tool, Unreadable};
use crate::decision::{Decision, DenyReason, Obligation, Reasons, Visibility};
use crate::json;
use crate::model::{Action, ActorKind, Delegation, ItemKind, Request};
use trace::{Seen, Silent, Trace};

/// What one caller may reach at one server: worked out once, asked for every tool of a list.
#[derive(Debug, Clone)]
pub struct Authority<'b> {
    server: Server<'b>,
    /// What already denies every action at this server.
    reasons: Reasons,
    subject: Option<u32>,
    /// The lowest ceiling of the actors; `None` where one of them has none.
    actors: Option<u32>,
    /// The highest tier for which the token has a scope that the server lists.
    scope: Option<u32>,
}

/// What is known of a tool for one caller, before arguments are looked at.
struct Reach<'b> {
    tool: Option<Tool<'b>>,
    reasons: Reasons,
    scope_needed: Option<&'b str>,
}

impl<'b> Authority<'b> {
    /// Works out what this caller may reach at this server; what the request asks for ([`Request::action`]) is ignored.
    ///
    /// `server` must be of this bundle; one of another bundle is denied as `PolicyUnreadable`.
    pub fn of(bundle: &'b Bundle, server: Server<'b>, request: &'b Request<'b>) -> Authority<'b> {
        Authority::traced(bundle, server, request.delegation, &mut Silent)
    }

    /// Whether a list shows the entry with this name (resources: URI; templates: URI template) to this caller.
    pub fn visibility(&self, kind: ItemKind, name: &str) -> Visibility {
        if kind != ItemKind::Tool {
            return Visibility::Deny;
        }
        let reach = self.reach(name, &mut Silent);
        match reach.tool {
            Some(tool) if reach.reasons.is_empty() && tool.has_checks() => Visibility::Conditional,
            Some(_) if reach.reasons.is_empty() => Visibility::Permit,
            _ => Visibility::Deny,
        }
    }

    fn traced<T: Trace>(
        bundle: &'b Bundle,
        server: Server<'b>,
        delegation: &Delegation<'_>,
        trace: &mut T,
    ) -> Authority<'b> {
        let mut authority =
            Authority { server, reasons: Reasons::NONE, subject: None, actors: None, scope: None };
        if !std::ptr::eq(bundle, server.bundle()) {
            authority.reasons.add(DenyReason::PolicyUnreadable);
            return authority;
        }
        authority.see_chain(bundle, delegation, trace);
        authority.subject =
            authority.subject_ceiling(bundle, delegation, trace).unwrap_or_else(|Unreadable| {
                authority.reasons.add(DenyReason::PolicyUnreadable);
                None
            });
        authority.actors = authority.actors_ceiling(bundle, delegation, trace).unwrap_or_else(|Unreadable| {
            authority.reasons.add(DenyReason::PolicyUnreadable);
            None
        });
        if authority.subject.is_none() {
            authority.reasons.add(DenyReason::SubjectNotGranted);
        }
        if authority.actors.is_none() && !delegation.actors.is_empty() {
            authority.reasons.add(DenyReason::ActorUnknown);
        }
        authority.scope = authority.scope_reach(delegation).unwrap_or_else(|Unreadable| {
            authority.reasons.add(DenyReason::PolicyUnreadable);
            None
        });
        authority
    }

    fn see_chain<T: Trace>(&mut self, bundle: &Bundle, delegation: &Delegation<'_>, trace: &mut T) {
        let (length, most) = (delegation.actors.len(), bundle.max_chain());
        if length == 0 {
            self.reasons.add(DenyReason::ActorMissing);
        }
        if u32::try_from(length).is_ok_and(|length| length <= most) {
            trace.saw(Seen::Chain { length, most });
        } else {
            self.reasons.add(DenyReason::ChainTooLong);
            trace.saw(Seen::Chain { length, most });
        }
    }

    /// The highest ceiling of all grants that match the human: by id, by group, by role.
    fn subject_ceiling<T: Trace>(
        &self,
        bundle: &Bundle,
        delegation: &Delegation<'_>,
        trace: &mut T,
    ) -> Result<Option<u32>, Unreadable> {
        let subject = &delegation.subject;
        let id = std::iter::once((PrincipalKind::SubjectId, subject.identity.id));
        let groups = subject.groups.iter().map(|name| (PrincipalKind::Group, name.as_str()));
        let roles = subject.roles.iter().map(|name| (PrincipalKind::Role, name.as_str()));
        let mut highest: Option<HeldCeiling> = None;
        for (kind, name) in id.chain(groups).chain(roles) {
            let held = bundle.ceiling(kind, subject.identity.issuer, name, self.server)?;
            trace.saw(Seen::Principal { kind, name, held });
            highest = held.map(|held| held.higher(highest)).or(highest);
        }
        trace.saw(Seen::SubjectCeiling { held: highest });
        Ok(highest.map(|held| held.tier))
    }

    /// The lowest of the ceilings of all actors of the chain; none where one of them has none.
    fn actors_ceiling<T: Trace>(
        &self,
        bundle: &Bundle,
        delegation: &Delegation<'_>,
        trace: &mut T,
    ) -> Result<Option<u32>, Unreadable> {
        let mut lowest: Option<u32> = None;
        let mut all = !delegation.actors.is_empty();
        for actor in delegation.actors {
            let kind = match actor.kind {
                ActorKind::Subject => PrincipalKind::ActorSubject,
                ActorKind::Client => PrincipalKind::ActorClient,
            };
            let held = bundle.ceiling(kind, actor.identity.issuer, actor.identity.id, self.server)?;
            trace.saw(Seen::Principal { kind, name: actor.identity.id, held });
            match held {
                Some(held) => lowest = Some(lowest.map_or(held.tier, |tier| tier.min(held.tier))),
                None => all = false,
            }
        }
        Ok(lowest.filter(|_| all))
    }

    /// The highest tier among the server's scopes that the token has.
    fn scope_reach(&self, delegation: &Delegation<'_>) -> Result<Option<u32>, Unreadable> {
        let mut reach = None;
        for entry in self.server.scope_entries()? {
            let (tier, scope) = entry?;
            if delegation.scopes.iter().any(|held| held == scope) {
                reach = reach.max(Some(tier));
            }
        }
        Ok(reach)
    }

    fn refuse(&self, reason: DenyReason) -> Reach<'b> {
        let mut reasons = self.reasons;
        reasons.add(reason);
        Reach { tool: None, reasons, scope_needed: None }
    }

    /// What a call of this tool would meet before its arguments are looked at.
    fn reach<T: Trace>(&self, name: &str, trace: &mut T) -> Reach<'b> {
        let mut reach = Reach { tool: None, reasons: self.reasons, scope_needed: None };
        if self.reach_tool(name, &mut reach, trace) == Err(Unreadable) {
            reach.reasons.add(DenyReason::PolicyUnreadable);
        }
        reach
    }

    fn reach_tool<T: Trace>(
        &self,
        name: &str,
        reach: &mut Reach<'b>,
        trace: &mut T,
    ) -> Result<(), Unreadable> {
        let Some(tool) = self.server.tool(name)? else {
            trace.saw(Seen::Tool { name, tier: None });
            reach.reasons.add(DenyReason::ToolUnknown);
            return Ok(());
        };
        trace.saw(Seen::Tool { name, tier: Some(tool.tier()) });
        reach.tool = Some(tool);
        // Where there is no ceiling at all, that is already a reason of its own.
        if self.subject.is_some_and(|ceiling| tool.tier() > ceiling) {
            reach.reasons.add(DenyReason::TierAboveSubject);
        }
        if self.actors.is_some_and(|ceiling| tool.tier() > ceiling) {
            reach.reasons.add(DenyReason::TierAboveActor);
        }
        let mut needed = None;
        for entry in self.server.scope_entries()? {
            let (tier, scope) = entry?;
            if tier <= tool.tier() {
                needed = Some((tier, scope));
            }
        }
        trace.saw(Seen::Scope { needed, reach: self.scope });
        if let Some((tier, scope)) = needed
            && self.scope.is_none_or(|reach| reach < tier)
        {
            reach.reasons.add(DenyReason::ScopeInsufficient);
            reach.scope_needed = Some(scope);
        }
        Ok(())
    }

    /// The lowest ceiling of subject and actors, where all have one.
    fn ceiling(&self) -> Option<u32> {
        Some(self.subject?.min(self.actors?))
    }
}

/// Decides. Total: every input has an answer, and what cannot be decided is denied.
///
/// `server` must be of this bundle; one of another bundle is denied as `PolicyUnreadable`.
pub fn evaluate(bundle: &Bundle, server: Server<'_>, request: &Request<'_>) -> Decision {
    walk(bundle, server, request, &mut Silent)
}

fn walk<'b, T: Trace>(
    bundle: &'b Bundle,
    server: Server<'b>,
    request: &Request<'_>,
    trace: &mut T,
) -> Decision {
    let Request { delegation, action, .. } = request;
    let authority = Authority::traced(bundle, server, delegation, trace);
    let mut obligations = Vec::new();
    let mut reach = match action {
        Action::UseServer => Reach { tool: None, reasons: authority.reasons, scope_needed: None },
        Action::CallTool { name, .. } => authority.reach(name, trace),
        // Not in the language yet, and so not permitted.
        Action::GetPrompt { .. } => authority.refuse(DenyReason::PromptUnknown),
        Action::ReadResource { .. } => authority.refuse(DenyReason::ResourceUnknown),
        Action::Elicit { .. } => authority.refuse(DenyReason::MethodNotPermitted),
    };
    if let (Action::CallTool { arguments, .. }, Some(tool)) = (action, reach.tool)
        && checks(tool, delegation, *arguments, &mut reach.reasons, &mut obligations, trace)
            == Err(Unreadable)
    {
        reach.reasons.add(DenyReason::PolicyUnreadable);
    }
    let mut name = |tier: u32| match bundle.tier_name(tier) {
        Ok(name) => Some(name.to_owned()),
        Err(Unreadable) => {
            reach.reasons.add(DenyReason::PolicyUnreadable);
            None
        }
    };
    let tier = reach.tool.and_then(|tool| name(tool.tier()));
    let ceiling = authority.ceiling().and_then(&mut name);
    if !reach.reasons.is_empty() {
        obligations.clear();
    }
    let scope_needed = reach.scope_needed.map(str::to_owned);
    Decision { reasons: reach.reasons, monitored: Reasons::NONE, tier, ceiling, scope_needed, obligations }
}

/// Fills the templates of the tool's checks in.
fn checks<T: Trace>(
    tool: Tool<'_>,
    delegation: &Delegation<'_>,
    arguments: Option<json::Object<'_>>,
    reasons: &mut Reasons,
    obligations: &mut Vec<Obligation>,
    trace: &mut T,
) -> Result<(), Unreadable> {
    for check in tool.checks()? {
        let check = check?;
        let filled = template::relation(check, delegation.subject.identity.id, arguments)?;
        trace.saw(Seen::Check { check, filled: filled.as_ref().map(drop).map_err(|missing| *missing) });
        match filled {
            Ok(relation) => obligations.push(Obligation::Check(relation)),
            Err(unfilled) => unfilled.iter().for_each(|reason| reasons.add(reason)),
        }
    }
    Ok(())
}
