//! The layers that restrict a request: forbids, approvals, budgets, consent, tiers and scopes.

use super::caller::{bounded, insert_sorted};
use super::evaluation::{Evaluation, Purpose};
use super::trace::{Outcome, Trace, TraceEvent};
use crate::bundle::layout::RuleKind;
use crate::bundle::{Rule, Unreadable};
use crate::decision::DenyReason;
use crate::model::{Consent, ItemKind, Mode};
use crate::uri;

impl<'w, T: Trace> Evaluation<'w, T> {
    /// Forbids deny; approvals and budgets are noted.
    pub(super) fn restrictions(&mut self) -> Result<(), Unreadable> {
        for number in std::mem::take(&mut self.caller.restrictions) {
            self.restriction(number)?;
        }
        let of_item = match self.item() {
            Some(item) => item.restrictions()?,
            None => None,
        };
        for list in [of_item, self.server.restrictions()?, self.bundle.restrictions()?] {
            for number in bounded(list)? {
                self.restriction(number?)?;
            }
        }
        Ok(())
    }

    fn restriction(&mut self, number: u32) -> Result<(), Unreadable> {
        let rule = self.bundle.rule(number)?;
        let outcome = match self.mismatch(rule)? {
            Some(other) => other,
            None => self.condition_outcome(rule.condition()?),
        };
        self.trace.record(TraceEvent::Restriction { rule, outcome });
        let mode = rule.mode()?;
        match (outcome, rule.kind) {
            (Outcome::Failed, _) => self.deny(DenyReason::ConditionFailed, mode),
            (Outcome::Exhausted, _) => self.deny(DenyReason::WorkExceeded, mode),
            (Outcome::Applies, RuleKind::Forbid) => self.deny(DenyReason::Forbidden, mode),
            (Outcome::Applies, RuleKind::Approval | RuleKind::Budget) if mode == Mode::Enforce => {
                self.conditional = true;
                insert_sorted(&mut self.demands, number);
            }
            (Outcome::Applies, RuleKind::Grant | RuleKind::Actor) => return Err(Unreadable),
            _ => {}
        }
        Ok(())
    }

    /// The selector that excludes a forbid, approval or budget. The key under which the rule is stored has matched
    /// already.
    fn mismatch(&mut self, rule: Rule<'w>) -> Result<Option<Outcome>, Unreadable> {
        if let Some(other) = self.scope_mismatch(rule)? {
            return Ok(Some(other));
        }
        if let Some(methods) = rule.methods()?
            && !methods.has_name(self.method)?
        {
            return Ok(Some(Outcome::OtherMethods));
        }
        if rule.is_about_items()? && !self.is_about(rule)? {
            return Ok(Some(Outcome::OtherItems));
        }
        if let Some(agents) = rule.actors()?
            && !self.names_some(agents)?
        {
            return Ok(Some(Outcome::OtherActors));
        }
        Ok(None)
    }

    /// Whether a rule selects the requested item.
    fn is_about(&mut self, rule: Rule<'_>) -> Result<bool, Unreadable> {
        let (Some(target), Some(item)) = (self.target, self.item()) else { return Ok(false) };
        if item.tier() < rule.tier_from()? {
            return Ok(false);
        }
        if let Some(labels) = rule.labels()? {
            match item.labels()? {
                Some(own) if own.meets(labels)? => {}
                _ => return Ok(false),
            }
        }
        let Some(names) = rule.names()? else { return Ok(true) };
        if names.has_name(target.name)? || names.has_name(item.name())? {
            return Ok(true);
        }
        // The rule names URIs under the template: it selects some calls of the listed item, not all.
        self.conditional |= self.purpose == Purpose::List && target.kind == ItemKind::Template;
        Ok(false)
    }

    /// Compares the request with the consent of the token, if it has one.
    pub(super) fn consent(&mut self) -> Result<(), Unreadable> {
        let Some(consent) = self.request.delegation.consent else { return Ok(()) };
        let too_long = match (self.bundle.longest_consent(), consent.expires_at) {
            (Some(longest), Some(end)) => end.saturating_sub(consent.given_at) > longest,
            (Some(_), None) => true,
            (None, _) => false,
        };
        let (now, leeway) = (self.request.now, self.request.delegation.leeway);
        // A consent that begins later would outlive any bound that counts from its beginning.
        let not_yet = consent.given_at > now.saturating_add(leeway);
        let over = consent.expires_at.is_some_and(|end| end <= now || end < consent.given_at);
        if too_long || not_yet || over {
            self.reasons.add(DenyReason::ConsentExpired);
        }
        let (id, resource) = (self.server.id(), self.server.resource());
        let here = consent
            .servers
            .is_none_or(|servers| servers.iter().any(|server| server == id || server == resource));
        if !here || !self.covers(&consent) {
            self.reasons.add(DenyReason::ConsentExceeded);
        }
        Ok(())
    }

    /// Whether the consent covers the requested item.
    fn covers(&mut self, consent: &Consent<'_>) -> bool {
        let (Some(target), Some(tools)) = (self.target, consent.tools) else { return true };
        let entry = target.item.map_or(target.name, |item| item.name());
        if tools.iter().any(|tool| tool == target.name || tool == entry) {
            return true;
        }
        // The consent may cover some URIs under a template.
        let some = target.kind == ItemKind::Template && tools.iter().any(|tool| uri::matches(entry, tool));
        self.conditional |= some;
        some
    }

    /// Compares the item's tier with all limits.
    pub(super) fn tiers(&mut self) -> Result<(), Unreadable> {
        match self.item() {
            Some(item) => self.check_tier(item.tier(), Mode::Enforce),
            None => {
                let (id, level) =
                    self.request.delegation.consent.map(|consent| (consent.id, consent.level)).unzip();
                self.trace.record(TraceEvent::Consent { id, level: level.flatten(), needed: false });
                Ok(())
            }
        }
    }

    /// Compares a tier with consent, ceilings and scopes.
    pub(super) fn check_tier(&mut self, tier: u32, mode: Mode) -> Result<(), Unreadable> {
        let from = |lowest: Option<u32>| lowest.is_some_and(|lowest| tier >= lowest);
        let needed = from(self.bundle.consent_from());
        let consent = self.request.delegation.consent;
        let (id, level) = consent.map(|consent| (consent.id, consent.level)).unzip();
        self.trace.record(TraceEvent::Consent { id, level: level.flatten(), needed });
        match consent {
            None if needed => self.deny(DenyReason::ConsentMissing, mode),
            None => {}
            Some(consent) => {
                if from(self.bundle.reason_from())
                    && consent.reason.is_none_or(|reason| reason.trim().is_empty())
                {
                    self.deny(DenyReason::ConsentReasonMissing, mode);
                }
                let reaches = |level| self.bundle.tier_named(level).is_some_and(|level| level >= tier);
                if !consent.level.is_none_or(reaches) {
                    self.deny(DenyReason::TierAboveConsent, mode);
                }
            }
        }
        if mode == Mode::Enforce {
            self.needed = self.needed.max(Some(tier));
        }
        // A missing ceiling has a reason of its own already.
        let (subject, actors) = (self.caller.subject.map(|ceiling| ceiling.tier), self.caller.actors);
        self.trace.record(TraceEvent::Tier { tier, subject, actors });
        if subject.is_some_and(|ceiling| tier > ceiling) {
            self.deny(DenyReason::TierAboveSubject, mode);
        }
        if actors.is_some_and(|ceiling| tier > ceiling) {
            self.deny(DenyReason::TierAboveActor, mode);
        }
        let mut needed = None;
        for entry in self.server.scope_entries()? {
            let (listed, scope) = entry?;
            if listed <= tier {
                needed = Some((listed, scope));
            }
        }
        let reach = self.caller.scope;
        self.trace.record(TraceEvent::Scope { needed, reach });
        if let Some((listed, scope)) = needed
            && reach.is_none_or(|reach| reach < listed)
        {
            self.deny(DenyReason::ScopeInsufficient, mode);
            self.scope_needed = Some(scope);
        }
        Ok(())
    }
}
