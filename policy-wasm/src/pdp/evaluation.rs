//! One evaluation over all layers: its inputs and its findings.

use super::caller::CallerCeilings;
use super::template;
use super::trace::{Outcome, Trace, TraceEvent};
use crate::bundle::{Acceptance, Bundle, Condition, Item, Server, Unreadable};
use crate::condition::{self, Fault, Reads};
use crate::decision::{Approval, Budget, Decision, DenyReason, Obligation, Reasons};
use crate::json;
use crate::model::{Action, ItemKind, Method, Mode, Request};
use std::cell::Cell;

/// Most work of all conditions of one decision, in the steps of [`condition::MAX_WORK`].
pub(super) const DECISION_WORK: u32 = 1 << 22;

/// The purpose of the evaluation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A decision.
    Decide,
    /// Find the caller's reach before the request is known; layers that depend on the request are deferred.
    Prepare,
    /// Find whether some call of an item could be permitted; layers that depend on arguments stay open.
    List,
}

/// The requested item.
#[derive(Clone, Copy)]
pub(super) struct Target<'w> {
    pub(super) kind: ItemKind,
    /// The requested name or URI. For a resource under a template it differs from the item's.
    pub(super) name: &'w str,
    /// The item, if the server has it.
    pub(super) item: Option<Item<'w>>,
}

/// The walk.
pub(super) struct Evaluation<'w, T> {
    pub(super) bundle: &'w Bundle,
    pub(super) server: Server<'w>,
    pub(super) request: &'w Request<'w>,
    /// The method that is judged: of a list, that of the call.
    pub(super) method: &'w str,
    pub(super) target: Option<Target<'w>>,
    pub(super) purpose: Purpose,
    pub(super) reasons: Reasons,
    pub(super) monitored: Reasons,
    /// The permit depends on arguments, on a check, an approval or a budget.
    pub(super) conditional: bool,
    /// The highest tier that was compared with the ceilings.
    pub(super) needed: Option<u32>,
    /// The definition that the server last showed for the tool.
    pub(super) seen_definition: Option<&'w [u8; 32]>,
    pub(super) scope_needed: Option<&'w str>,
    /// Approval rules and budgets that apply, in order of their numbers.
    pub(super) demands: Vec<u32>,
    pub(super) caller: CallerCeilings,
    /// Whether the caller is denied for every request.
    pub(super) denied_anyway: bool,
    /// The work that is left for conditions.
    work: &'w Cell<u32>,
    /// The work that is left for conditions that only an explanation evaluates.
    spare: Cell<u32>,
    pub(super) trace: &'w mut T,
}

impl<'w, T: Trace> Evaluation<'w, T> {
    pub(super) fn new(
        bundle: &'w Bundle,
        server: Server<'w>,
        request: &'w Request<'w>,
        work: &'w Cell<u32>,
        trace: &'w mut T,
    ) -> Self {
        let mut reasons = Reasons::NONE;
        if !std::ptr::eq(bundle, server.bundle()) {
            reasons.add(DenyReason::PolicyUnreadable);
        }
        Evaluation {
            bundle,
            server,
            request,
            method: request.method,
            target: None,
            purpose: Purpose::Decide,
            reasons,
            monitored: Reasons::NONE,
            conditional: false,
            needed: None,
            seen_definition: match request.action {
                Action::CallTool { definition, .. } => definition,
                _ => None,
            },
            scope_needed: None,
            demands: Vec::new(),
            caller: CallerCeilings::default(),
            denied_anyway: false,
            work,
            spare: Cell::new(DECISION_WORK),
            trace,
        }
    }

    /// The layers that a decision has besides the caller's own.
    pub(super) fn layers(&mut self) {
        for layer in [
            Self::method_layer,
            Self::definition,
            Self::restrictions,
            Self::consent,
            Self::tiers,
            Self::conditions,
        ] {
            self.guard(layer);
        }
    }

    /// Runs a layer; a policy that it cannot read denies.
    pub(super) fn guard(&mut self, layer: impl FnOnce(&mut Self) -> Result<(), Unreadable>) {
        if layer(self) == Err(Unreadable) {
            self.reasons.add(DenyReason::PolicyUnreadable);
        }
    }

    /// Adds a reason of a rule.
    pub(super) fn deny(&mut self, reason: DenyReason, mode: Mode) {
        match mode {
            Mode::Monitor if reason.can_be_monitored() => self.monitored.add(reason),
            Mode::Enforce | Mode::Monitor => self.reasons.add(reason),
        }
    }

    /// Finds the item of the request.
    pub(super) fn resolve_target(&mut self) -> Result<(), Unreadable> {
        let (kind, name) = match self.request.action {
            Action::UseServer | Action::Elicit { .. } => return Ok(()),
            Action::CallTool { name, .. } => (ItemKind::Tool, name),
            Action::GetPrompt { name, .. } => (ItemKind::Prompt, name),
            Action::ReadResource { uri } => (ItemKind::Resource, uri),
        };
        self.resolve_item(kind, name)
    }

    /// Looks an item up. A resource that is not listed itself takes the first template that matches.
    pub(super) fn resolve_item(&mut self, kind: ItemKind, name: &'w str) -> Result<(), Unreadable> {
        self.target = Some(Target { kind, name, item: None });
        let mut item = self.server.item(kind, name)?;
        if item.is_none() && kind == ItemKind::Resource {
            // A completion refers to a template by its own text.
            if self.method == "completion/complete" {
                item = self.server.item(ItemKind::Template, name)?;
            }
            if item.is_none() {
                item = self.server.template_for(name)?;
            }
        }
        self.trace.record(TraceEvent::Item { kind, name, item });
        self.target = Some(Target { kind, name, item });
        if item.is_none() {
            self.reasons.add(match kind {
                ItemKind::Tool => DenyReason::ToolUnknown,
                ItemKind::Prompt => DenyReason::PromptUnknown,
                ItemKind::Resource | ItemKind::Template => DenyReason::ResourceUnknown,
            });
        }
        Ok(())
    }

    pub(super) fn item(&self) -> Option<Item<'w>> {
        self.target.and_then(|target| target.item)
    }

    pub(super) fn arguments(&self) -> Option<json::Object<'w>> {
        match self.request.action {
            Action::CallTool { arguments, .. } | Action::GetPrompt { arguments, .. } => arguments,
            Action::UseServer | Action::ReadResource { .. } | Action::Elicit { .. } => None,
        }
    }

    /// The outcome of a condition. A condition on items or arguments stays open if the request names no item. A
    /// condition on arguments stays open for lists.
    pub(super) fn condition_outcome(&mut self, condition: Option<Condition<'w>>) -> Outcome {
        let Some(condition) = condition else { return Outcome::Applies };
        let Some(reads) = condition::reads(condition.code) else { return Outcome::Failed };
        let definition = reads.contains(Reads::DEFINITION);
        let arguments = reads.contains(Reads::ARGS)
            || (definition && (self.purpose != Purpose::List || self.seen_definition.is_none()));
        let open = match self.purpose {
            Purpose::Prepare => true,
            Purpose::List if arguments => true,
            // The URI under a template is not known either.
            Purpose::List if reads.contains(Reads::ITEM) => {
                self.target.is_none_or(|target| target.item.is_none() || target.kind == ItemKind::Template)
            }
            _ => self.item().is_none() && (arguments || reads.contains(Reads::ITEM)),
        };
        if open {
            self.conditional |= self.purpose == Purpose::List;
            return Outcome::Open;
        }
        let moot = self.denied_anyway && reads.contains(Reads::ARGS);
        if moot && !T::THOROUGH {
            return Outcome::Moot;
        }
        let left = if moot { &self.spare } else { self.work };
        match condition::evaluate_within(condition.code, self, left) {
            Ok(true) => Outcome::Applies,
            Ok(false) => Outcome::Unmet,
            Err(Fault::Exhausted) => Outcome::Exhausted,
            Err(_) => Outcome::Failed,
        }
    }

    /// Whether the policy permits the method here, on these terms.
    fn method_layer(&mut self) -> Result<(), Unreadable> {
        let rule = self.server.method_rule(self.method)?;
        let permitted = rule.map_or_else(
            || Method::named(self.method).is_some_and(Method::is_permitted_by_default),
            |rule| rule.permit,
        );
        self.trace.record(TraceEvent::Method { name: self.method, rule, permitted });
        let mode = rule.map_or(Mode::Enforce, |rule| rule.mode);
        if !permitted {
            self.deny(DenyReason::MethodNotPermitted, mode);
        }
        let Some(rule) = rule.filter(|rule| rule.permit) else { return Ok(()) };
        if let Some(condition) = rule.condition()? {
            let outcome = self.condition_outcome(Some(condition));
            self.trace.record(TraceEvent::Condition { condition, outcome });
            match outcome {
                Outcome::Applies | Outcome::Moot => {}
                Outcome::Open if self.purpose == Purpose::List => {}
                Outcome::Unmet => self.deny(DenyReason::ConditionUnmet, mode),
                Outcome::Exhausted => self.deny(DenyReason::WorkExceeded, mode),
                _ => self.deny(DenyReason::ConditionFailed, mode),
            }
        }
        if let Action::Elicit { url: Some(url) } = self.request.action {
            let mut listed = false;
            for prefix in rule.urls()?.into_iter().flat_map(|urls| urls.names()) {
                listed |= crate::uri::covers(prefix?, url);
            }
            self.trace.record(TraceEvent::Url { listed });
            if !listed {
                self.deny(DenyReason::UrlNotListed, mode);
            }
        }
        match rule.tier {
            Some(tier) => self.check_tier(tier, mode),
            None => Ok(()),
        }
    }

    /// Whether the definition that the server showed is one that the policy accepts.
    fn definition(&mut self) -> Result<(), Unreadable> {
        let (Some(item), Some(seen)) = (self.item(), self.seen_definition) else { return Ok(()) };
        if self.purpose == Purpose::Prepare {
            return Ok(());
        }
        let reason = match item.accepts(seen, self.request.now)? {
            Acceptance::NotPinned => return Ok(()),
            Acceptance::Accepted(_) => None,
            Acceptance::Expired(_) => Some(DenyReason::DefinitionExpired),
            Acceptance::Unknown => Some(DenyReason::DefinitionUnaccepted),
        };
        self.trace.record(TraceEvent::Definition { accepted: reason.is_none() });
        if let Some(reason) = reason {
            self.reasons.add(reason);
        }
        Ok(())
    }

    /// The conditions of the item and of its arguments.
    fn conditions(&mut self) -> Result<(), Unreadable> {
        let Some(item) = self.item() else { return Ok(()) };
        if let Some(condition) = item.condition()? {
            let outcome = self.condition_outcome(Some(condition));
            self.trace.record(TraceEvent::Condition { condition, outcome });
            match outcome {
                Outcome::Applies | Outcome::Open | Outcome::Moot => {}
                Outcome::Unmet => self.reasons.add(DenyReason::ConditionUnmet),
                Outcome::Exhausted => self.reasons.add(DenyReason::WorkExceeded),
                _ => self.reasons.add(DenyReason::ConditionFailed),
            }
        }
        if self.purpose == Purpose::List {
            self.conditional |= item.has_checks() || item.approval()?.is_some();
        }
        for rule in item.arguments()? {
            let rule = rule?;
            let outcome = self.condition_outcome(Some(rule.condition));
            self.trace.record(TraceEvent::Argument { path: rule.path, outcome });
            match outcome {
                Outcome::Applies | Outcome::Open | Outcome::Moot => {}
                Outcome::Unmet => self.reasons.add(DenyReason::ArgumentRefused),
                Outcome::Exhausted => self.reasons.add(DenyReason::WorkExceeded),
                _ => self.reasons.add(DenyReason::ConditionFailed),
            }
        }
        Ok(())
    }

    /// The relations to check, with their templates filled.
    fn checks(&mut self, obligations: &mut Vec<Obligation>) -> Result<(), Unreadable> {
        let Some(item) = self.item() else { return Ok(()) };
        for check in item.checks()? {
            let check = check?;
            let filled =
                template::relation(check, self.request.delegation.subject.identity.id, self.arguments())?;
            self.trace
                .record(TraceEvent::Check { check, filled: filled.as_ref().map(drop).map_err(|why| *why) });
            match filled {
                Ok(relation) => obligations.push(Obligation::Check(relation)),
                Err(unfilled) => unfilled.iter().for_each(|reason| self.reasons.add(reason)),
            }
        }
        Ok(())
    }

    /// Approvals and budgets, the item's own first.
    fn demands(&mut self, obligations: &mut Vec<Obligation>) -> Result<(), Unreadable> {
        if let Some(item) = self.item()
            && let Some(terms) = item.approval()?
        {
            self.trace.record(TraceEvent::ItemApproval);
            obligations.push(Obligation::Approval(approval(item.name(), terms)?));
        }
        for number in std::mem::take(&mut self.demands) {
            let rule = self.bundle.rule(number)?;
            if let Some(terms) = rule.approval()? {
                obligations.push(Obligation::Approval(approval(rule.id(), terms)?));
            } else if let Some(terms) = rule.budget()? {
                let (limit, window) = (terms.limit, terms.window);
                let rule = rule.id().to_owned();
                obligations.push(Obligation::Budget(Budget {
                    rule,
                    per: terms.per().collect(),
                    limit,
                    window,
                }));
            } else {
                return Err(Unreadable);
            }
        }
        Ok(())
    }

    /// Applies monitor mode: of grants first, then of servers and items.
    pub(super) fn apply_monitor_mode(&mut self) -> Mode {
        let ceilings = [DenyReason::SubjectNotGranted, DenyReason::TierAboveSubject];
        if let Some(trial) = self.caller.trial
            && self.caller.subject != self.caller.trial
            && self.needed.is_none_or(|needed| needed <= trial.tier)
        {
            let mut moved = false;
            for reason in ceilings {
                moved |= self.reasons.contains(reason);
                // The grant names the subject, so its monitor mode lets no other subject pass.
                self.let_pass(reason);
            }
            if moved {
                self.caller.subject = Some(trial);
            }
        }
        let mut mode = Mode::Enforce;
        self.guard(|evaluation| {
            let of_item = evaluation.item().map(Item::mode).transpose()?;
            if evaluation.server.mode()? == Mode::Monitor || of_item == Some(Mode::Monitor) {
                mode = Mode::Monitor;
            }
            Ok(())
        });
        if mode == Mode::Monitor {
            let passing = DenyReason::ALL.into_iter().filter(|reason| reason.can_be_monitored());
            passing.for_each(|reason| self.let_pass(reason));
        }
        mode
    }

    /// Records a reason that holds in place of denying for it.
    fn let_pass(&mut self, reason: DenyReason) {
        if self.reasons.contains(reason) {
            self.reasons.remove(reason);
            self.monitored.add(reason);
        }
    }

    /// The decision, once all layers were looked at.
    pub(super) fn decision(mut self) -> Decision {
        let mut obligations = Vec::new();
        if !self.denied_anyway {
            self.guard(|evaluation| evaluation.checks(&mut obligations));
        } else if T::THOROUGH {
            // The explanation shows the checks that are readable; they do not decide.
            let _ = self.checks(&mut obligations);
        }
        let mode = self.apply_monitor_mode();
        if mode == Mode::Monitor || !self.reasons.is_empty() {
            obligations.clear();
        } else {
            self.guard(|evaluation| evaluation.demands(&mut obligations));
        }
        let bundle = self.bundle;
        let mut name = |tier: Option<u32>| match tier.map(|tier| bundle.tier_name(tier)) {
            Some(Ok(name)) => Some(name.to_owned()),
            Some(Err(Unreadable)) => {
                self.reasons.add(DenyReason::PolicyUnreadable);
                None
            }
            None => None,
        };
        let tier = name(self.target.and_then(|target| target.item).map(Item::tier).or(self.needed));
        let subject = self.caller.subject.map(|ceiling| ceiling.tier);
        let ceiling = name(subject.zip(self.caller.actors).map(|(subject, actors)| subject.min(actors)));
        if !self.reasons.is_empty() {
            obligations.clear();
        }
        let scope_needed = self.scope_needed.map(str::to_owned);
        Decision {
            reasons: self.reasons,
            monitored: self.monitored,
            tier,
            ceiling,
            scope_needed,
            obligations,
        }
    }
}

fn approval(rule: &str, terms: crate::bundle::ApprovalTerms<'_>) -> Result<Approval, Unreadable> {
    let approvers = terms.approvers.into_iter().flat_map(|approvers| approvers.names());
    let approvers = approvers.map(|name| name.map(str::to_owned)).collect::<Result<_, _>>()?;
    Ok(Approval { rule: rule.to_owned(), approvers, valid_for: terms.valid_for })
}
