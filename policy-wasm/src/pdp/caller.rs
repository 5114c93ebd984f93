//! The layers that are about the caller: the chain, the subject's ceiling, the actors' ceilings, the scopes.

use super::evaluation::{Evaluation, Purpose};
use super::trace::{Outcome, Trace, TraceEvent};
use crate::bundle::layout::{MAX_RULES_PER_KEY, PrincipalKind};
use crate::bundle::{Ceiling, List, Principal, Rule, Unreadable};
use crate::decision::DenyReason;
use crate::json;
use crate::model::{Actor, ActorKind, Mode};
use std::borrow::Cow;

/// The caller's ceilings at this server.
#[derive(Debug, Clone, Default)]
pub(super) struct CallerCeilings {
    /// The highest ceiling of the subject's grants.
    pub(super) subject: Option<Ceiling>,
    /// The same, with grants in monitor mode.
    pub(super) trial: Option<Ceiling>,
    /// The lowest ceiling of the actors; `None` if one of them has none.
    pub(super) actors: Option<u32>,
    /// The highest tier for which the token has a scope that the server lists.
    pub(super) scope: Option<u32>,
    /// Forbids, approvals and budgets that name the subject or an actor, in order of their numbers.
    pub(super) restrictions: Vec<u32>,
    /// Whether conditions of grants depend on the request.
    pub(super) depends: bool,
}

/// A list of rules that is not longer than the format admits.
pub(super) fn bounded(
    list: Option<List<'_>>,
) -> Result<impl Iterator<Item = Result<u32, Unreadable>>, Unreadable> {
    if list.is_some_and(|list| list.len() > MAX_RULES_PER_KEY) {
        return Err(Unreadable);
    }
    Ok(list.into_iter().flat_map(List::numbers))
}

/// Puts a number into a list in order, once.
pub(super) fn insert_sorted(numbers: &mut Vec<u32>, number: u32) {
    if let Err(place) = numbers.binary_search(&number) {
        numbers.insert(place, number);
    }
}

fn agent_kind(kind: ActorKind) -> PrincipalKind {
    match kind {
        ActorKind::Subject => PrincipalKind::ActorSubject,
        ActorKind::Client => PrincipalKind::ActorClient,
    }
}

impl<'w, T: Trace> Evaluation<'w, T> {
    /// Evaluates the layers of the caller that do not depend on the request.
    pub(super) fn evaluate_caller(&mut self) {
        for layer in [Self::validity, Self::chain, Self::subject, Self::actors, Self::scopes] {
            self.guard(layer);
        }
    }

    fn validity(&mut self) -> Result<(), Unreadable> {
        let (not_after, now) = (self.bundle.not_after(), self.request.now);
        self.trace.record(TraceEvent::Validity { not_after, now });
        if not_after.is_some_and(|end| now >= end) {
            self.reasons.add(DenyReason::PolicyExpired);
        }
        Ok(())
    }

    fn chain(&mut self) -> Result<(), Unreadable> {
        let actors = self.request.delegation.actors;
        let (length, most) = (actors.len(), self.bundle.max_chain());
        self.trace.record(TraceEvent::Chain { length, most });
        if length == 0 {
            self.reasons.add(DenyReason::ActorMissing);
        }
        if !u32::try_from(length).is_ok_and(|length| length <= most) {
            self.reasons.add(DenyReason::ChainTooLong);
        }
        let signer = self.request.delegation.subject.identity.issuer;
        for actor in actors {
            let issuer = actor.identity.issuer;
            if !self.bundle.may_vouch(signer, issuer)? {
                self.trace.record(TraceEvent::Untrusted { signer, issuer });
                self.reasons.add(DenyReason::ActorUntrusted);
            }
        }
        Ok(())
    }

    /// The highest ceiling of all grants that match the subject.
    pub(super) fn subject(&mut self) -> Result<(), Unreadable> {
        (self.caller.subject, self.caller.trial) = (None, None);
        let subject = &self.request.delegation.subject;
        self.holder(PrincipalKind::SubjectId, subject.identity.id, "")?;
        for group in subject.groups {
            self.holder(PrincipalKind::Group, group, "")?;
        }
        for role in subject.roles {
            self.holder(PrincipalKind::Role, role, "")?;
        }
        self.holder(PrincipalKind::Anyone, "", "")?;
        if let Some(claims) = subject.claims {
            for entry in self.bundle.claims()? {
                let (issuer, name) = entry?;
                if issuer == subject.identity.issuer
                    && let Some(value) = claims.get(name)
                {
                    self.claim(name, value)?;
                }
            }
        }
        let (ceiling, trial) = (self.caller.subject, self.caller.trial);
        self.trace.record(TraceEvent::SubjectCeiling { ceiling, trial });
        Ok(())
    }

    /// Denies a subject without any ceiling here, and notes whether the caller is denied for every request.
    pub(super) fn check_grant(&mut self) {
        if self.caller.subject.is_none() {
            self.reasons.add(DenyReason::SubjectNotGranted);
        }
        // A grant in monitor mode may still let the subject pass.
        let open = |reason| reason == DenyReason::SubjectNotGranted && self.caller.trial.is_some();
        self.denied_anyway = self.reasons.iter().any(|reason| !reason.can_be_monitored() && !open(reason));
    }

    fn claim(&mut self, name: &'w str, value: json::Value<'_>) -> Result<(), Unreadable> {
        match value.as_array() {
            Some(values) => values.elements().try_for_each(|value| self.claim_value(name, value)),
            None => self.claim_value(name, value),
        }
    }

    fn claim_value(&mut self, name: &'w str, value: json::Value<'_>) -> Result<(), Unreadable> {
        let text = match (value.as_str(), value.as_integer(), value.as_bool()) {
            (Some(text), ..) => text.decode(),
            (_, Some(number), _) => Cow::Owned(number.to_string()),
            (.., Some(true)) => Cow::Borrowed("true"),
            (.., Some(false)) => Cow::Borrowed("false"),
            _ => return Ok(()),
        };
        self.holder(PrincipalKind::Claim, name, &text)
    }

    /// Finds the ceiling and the rules of one name of the subject.
    fn holder(&mut self, kind: PrincipalKind, name: &str, value: &str) -> Result<(), Unreadable> {
        let issuer = self.request.delegation.subject.identity.issuer;
        let found = self.bundle.principal(kind, issuer, name, value)?;
        let ceiling = match found {
            Some(principal) => principal.ceiling_at(self.server)?,
            None => None,
        };
        self.trace.record(TraceEvent::Holder { kind, name, value, ceiling });
        self.grant(ceiling, Mode::Enforce);
        if let Some(principal) = found {
            for rule in bounded(principal.conditional_grants()?)? {
                self.conditional_grant(self.bundle.rule(rule?)?)?;
            }
            self.note_restrictions(principal)?;
        }
        Ok(())
    }

    fn grant(&mut self, ceiling: Option<Ceiling>, mode: Mode) {
        let Some(ceiling) = ceiling else { return };
        if mode == Mode::Enforce {
            self.caller.subject = Some(ceiling.higher(self.caller.subject));
        }
        self.caller.trial = Some(ceiling.higher(self.caller.trial));
    }

    /// Evaluates a grant with a window, a condition, actors or monitor mode.
    fn conditional_grant(&mut self, rule: Rule<'w>) -> Result<(), Unreadable> {
        let mode = rule.mode()?;
        let outcome = self.grant_outcome(rule)?;
        self.trace.record(TraceEvent::ConditionalGrant { rule, outcome });
        match outcome {
            Outcome::Open if self.purpose == Purpose::Prepare => self.caller.depends = true,
            // Open: some call could meet the condition.
            Outcome::Applies | Outcome::Open => {
                let ceiling =
                    Ceiling { server: self.server.index(), tier: rule.ceiling()?, rule: rule.number() };
                self.grant(Some(ceiling), mode);
            }
            Outcome::Failed => self.deny(DenyReason::ConditionFailed, mode),
            Outcome::Exhausted => self.deny(DenyReason::WorkExceeded, mode),
            _ => {}
        }
        Ok(())
    }

    fn grant_outcome(&mut self, rule: Rule<'w>) -> Result<Outcome, Unreadable> {
        if let Some(other) = self.scope_mismatch(rule)? {
            return Ok(other);
        }
        if let Some(agents) = rule.actors()? {
            for actor in self.request.delegation.actors {
                if !self.is_one_of(actor, agents)? {
                    return Ok(Outcome::OtherActors);
                }
            }
        }
        Ok(self.condition_outcome(rule.condition()?))
    }

    /// Whether the rule is about other servers or another time.
    pub(super) fn scope_mismatch(&self, rule: Rule<'_>) -> Result<Option<Outcome>, Unreadable> {
        if let Some(servers) = rule.servers()?
            && !servers.contains(self.server.index())?
        {
            return Ok(Some(Outcome::OtherServer));
        }
        let (from, until) = rule.window()?;
        let now = self.request.now;
        Ok((now < from || until.is_some_and(|until| now >= until)).then_some(Outcome::OutsideWindow))
    }

    /// Whether a rule that denies or restricts names an agent that the token names anywhere: in the chain, as a client
    /// beside it, or by the issuer that vouches for the whole token.
    pub(super) fn names_some(&self, agents: List<'_>) -> Result<bool, Unreadable> {
        let delegation = self.request.delegation;
        for actor in delegation.actors.iter().chain(delegation.clients) {
            if self.is_one_of(actor, agents)? {
                return Ok(true);
            }
        }
        match self.signer()? {
            Some(signer) => agents.contains(signer.number()),
            None => Ok(false),
        }
    }

    /// All agents of the issuer that signed, where rules name them.
    fn signer(&self) -> Result<Option<Principal<'w>>, Unreadable> {
        let signer = self.request.delegation.subject.identity.issuer;
        self.bundle.principal(PrincipalKind::ActorIssuer, signer, "", "")
    }

    /// Whether an actor is one of those that a rule selects: by itself, its issuer, its labels or its type.
    pub(super) fn is_one_of(&self, actor: &Actor<'_>, agents: List<'_>) -> Result<bool, Unreadable> {
        for principal in self.principals_of(actor)?.into_iter().flatten() {
            if agents.contains(principal.number())? {
                return Ok(true);
            }
            for group in principal.groups()? {
                if agents.contains(group?.number())? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// The principals of an actor: itself, and all agents of its issuer.
    pub(super) fn principals_of(&self, actor: &Actor<'_>) -> Result<[Option<Principal<'w>>; 2], Unreadable> {
        let issuer = actor.identity.issuer;
        let own = self.bundle.principal(agent_kind(actor.kind), issuer, actor.identity.id, "")?;
        Ok([own, self.bundle.principal(PrincipalKind::ActorIssuer, issuer, "", "")?])
    }

    /// The lowest of the ceilings of all actors of the chain.
    fn actors(&mut self) -> Result<(), Unreadable> {
        let actors = self.request.delegation.actors;
        let mut lowest: Option<u32> = None;
        let mut all = !actors.is_empty();
        for actor in actors {
            let (mut highest, mut known) = (None::<Ceiling>, false);
            for principal in self.principals_of(actor)?.into_iter().flatten() {
                if let Some(ceiling) = principal.ceiling_at(self.server)? {
                    (highest, known) = (Some(ceiling.higher(highest)), true);
                }
                for rule in bounded(principal.conditional_grants()?)? {
                    let rule = self.bundle.rule(rule?)?;
                    let outcome = self.actor_outcome(rule)?;
                    self.trace.record(TraceEvent::ConditionalGrant { rule, outcome });
                    known |= matches!(outcome, Outcome::Applies | Outcome::TypeNotAdmitted);
                    if outcome == Outcome::Applies {
                        let (server, tier) = (self.server.index(), rule.ceiling()?);
                        highest = Some(Ceiling { server, tier, rule: rule.number() }.higher(highest));
                    }
                }
                self.note_restrictions(principal)?;
                for group in principal.groups()? {
                    self.note_restrictions(group?)?;
                }
            }
            self.trace.record(TraceEvent::Actor { actor, ceiling: highest, known });
            match highest {
                Some(ceiling) => lowest = Some(lowest.map_or(ceiling.tier, |tier| tier.min(ceiling.tier))),
                None => {
                    all = false;
                    self.reasons.add(if known {
                        DenyReason::AgentTypeNotAdmitted
                    } else {
                        DenyReason::ActorUnknown
                    });
                }
            }
        }
        self.caller.actors = lowest.filter(|_| all);
        self.client_restrictions()
    }

    /// Notes the restrictions of clients beside the chain, and of all agents of the token's issuer.
    fn client_restrictions(&mut self) -> Result<(), Unreadable> {
        for client in self.request.delegation.clients {
            for principal in self.principals_of(client)?.into_iter().flatten() {
                self.note_restrictions(principal)?;
                for group in principal.groups()? {
                    self.note_restrictions(group?)?;
                }
            }
        }
        match self.signer()? {
            Some(signer) => self.note_restrictions(signer),
            None => Ok(()),
        }
    }

    fn actor_outcome(&self, rule: Rule<'_>) -> Result<Outcome, Unreadable> {
        if let Some(other) = self.scope_mismatch(rule)? {
            return Ok(other);
        }
        let kind = self.server.try_kind()?;
        let admitted = rule.agent_type()?.is_none_or(|agent_type| agent_type.admits(kind));
        Ok(if admitted { Outcome::Applies } else { Outcome::TypeNotAdmitted })
    }

    /// Notes the forbids, approvals and budgets of a principal.
    fn note_restrictions(&mut self, principal: Principal<'_>) -> Result<(), Unreadable> {
        for rule in bounded(principal.restrictions()?)? {
            insert_sorted(&mut self.caller.restrictions, rule?);
        }
        Ok(())
    }

    /// The highest tier among the server's scopes that the token has.
    fn scopes(&mut self) -> Result<(), Unreadable> {
        for entry in self.server.scope_entries()? {
            let (tier, scope) = entry?;
            if self.request.delegation.scopes.iter().any(|own| own == scope) {
                self.caller.scope = self.caller.scope.max(Some(tier));
            }
        }
        Ok(())
    }
}
