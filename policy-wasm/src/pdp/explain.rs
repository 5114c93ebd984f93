//! Explanations: a decision with the findings of each layer, for operators and not for the request path.

use super::evaluate_with;
use super::evaluation::DECISION_WORK;
use super::trace::{Outcome, Trace, TraceEvent};
use crate::bundle::layout::{PrincipalKind, RuleKind};
use crate::bundle::{Bundle, Ceiling, Rule, Server};
use crate::decision::{Decision, DenyReason, Reasons};
use crate::model::{ActorKind, Mode, Request};
use std::cell::Cell;
use std::collections::BTreeMap;

/// A decision with the findings of each layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The decision of [`super::evaluate`], perhaps with more reasons after the first: see [`explain`].
    pub decision: Decision,
    /// The layers in the order of [`LayerName`], without layers that found nothing.
    pub layers: Vec<Layer>,
}

/// The findings of one layer, and its reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Which layer.
    pub name: LayerName,
    /// The findings, in order.
    pub facts: Vec<Fact>,
    /// The decision's reasons from this layer; empty if it does not deny.
    pub reasons: Reasons,
}

/// One thing that a layer saw. No argument values: they reach no log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fact {
    /// The finding, such as "group `engineering`".
    pub what: String,
    /// The rule behind it.
    pub rule: Option<RuleRef>,
    /// The tier that it allows or needs.
    pub tier: Option<String>,
    /// Whether the rule applies, or the object exists.
    pub matched: bool,
    /// Whether the layer decided by this fact.
    pub decided: bool,
}

/// A rule of the policy, by kind and id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleRef {
    /// Its kind.
    pub kind: RuleKind,
    /// Its id.
    pub id: String,
}

impl std::fmt::Display for RuleRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} `{}`", self.kind.word(), self.id)
    }
}

/// The layers of the walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LayerName {
    /// Whether the policy is still valid.
    Policy,
    /// Length of the chain of actors, and who vouches for them.
    Chain,
    /// The subject's ceiling.
    Subject,
    /// The ceilings of the actors.
    Actors,
    /// Whether the method is admitted.
    Method,
    /// The item's place in the catalogue, and its definition.
    Item,
    /// Forbids.
    Forbids,
    /// The subject's consent.
    Consent,
    /// The tier against the ceilings.
    Tiers,
    /// The token's scopes.
    Scopes,
    /// Conditions and arguments.
    Conditions,
    /// The relations that the item needs.
    Checks,
    /// Approvals and budgets.
    Demands,
}

impl LayerName {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            LayerName::Policy => "policy",
            LayerName::Chain => "chain",
            LayerName::Subject => "subject",
            LayerName::Actors => "actors",
            LayerName::Method => "method",
            LayerName::Item => "item",
            LayerName::Forbids => "forbids",
            LayerName::Consent => "consent",
            LayerName::Tiers => "tiers",
            LayerName::Scopes => "scopes",
            LayerName::Conditions => "conditions",
            LayerName::Checks => "checks",
            LayerName::Demands => "demands",
        }
    }

    /// The layer of a reason. An unreadable policy concerns all layers and is reported with the first. So is a failed
    /// condition; the facts of its own layer name it.
    const fn of(reason: DenyReason) -> LayerName {
        match reason {
            DenyReason::PolicyUnreadable | DenyReason::PolicyExpired => LayerName::Policy,
            DenyReason::ActorMissing | DenyReason::ActorUntrusted | DenyReason::ChainTooLong => {
                LayerName::Chain
            }
            DenyReason::SubjectNotGranted => LayerName::Subject,
            DenyReason::ActorUnknown | DenyReason::AgentTypeNotAdmitted => LayerName::Actors,
            DenyReason::MethodNotPermitted | DenyReason::UrlNotListed => LayerName::Method,
            DenyReason::ToolUnknown
            | DenyReason::PromptUnknown
            | DenyReason::ResourceUnknown
            | DenyReason::DefinitionUnaccepted
            | DenyReason::DefinitionExpired => LayerName::Item,
            DenyReason::Forbidden => LayerName::Forbids,
            DenyReason::ConsentMissing
            | DenyReason::ConsentExpired
            | DenyReason::ConsentReasonMissing
            | DenyReason::ConsentExceeded
            | DenyReason::TierAboveConsent => LayerName::Consent,
            DenyReason::TierAboveSubject | DenyReason::TierAboveActor => LayerName::Tiers,
            DenyReason::ScopeInsufficient => LayerName::Scopes,
            DenyReason::ArgumentRefused
            | DenyReason::ConditionUnmet
            | DenyReason::ConditionFailed
            | DenyReason::WorkExceeded => LayerName::Conditions,
            DenyReason::ArgumentMissing | DenyReason::ArgumentUnusable => LayerName::Checks,
        }
    }
}

/// Decides as [`super::evaluate`] does, by the same evaluation, and records the findings of each layer.
///
/// An explanation also evaluates conditions on arguments if the caller is denied for every request. The decision can
/// thus have more reasons than that of [`super::evaluate`], after the first one. Nothing else differs.
pub fn explain(bundle: &Bundle, server: Server<'_>, request: &Request<'_>) -> Explanation {
    let mut recorder = Recorder { bundle, layers: BTreeMap::new() };
    let decision = evaluate_with(bundle, server, request, &Cell::new(DECISION_WORK), &mut recorder);
    recorder.mark_lowest_actor();
    for reason in decision.reasons.iter() {
        recorder.layer(LayerName::of(reason)).1.add(reason);
    }
    let layers = recorder.layers.into_iter();
    Explanation {
        decision,
        layers: layers.map(|(name, (facts, reasons))| Layer { name, facts, reasons }).collect(),
    }
}

struct Recorder<'b> {
    bundle: &'b Bundle,
    layers: BTreeMap<LayerName, (Vec<Fact>, Reasons)>,
}

fn words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Applies => "applies",
        Outcome::OtherServer => "names other servers",
        Outcome::OutsideWindow => "is outside its window",
        Outcome::OtherActors => "names other agents",
        Outcome::OtherItems => "is about other entries",
        Outcome::OtherMethods => "is about other methods",
        Outcome::Unmet => "has a condition that does not hold",
        Outcome::Failed => "has a condition that cannot be evaluated",
        Outcome::Exhausted => "has a condition that needs more work than a decision may cost",
        Outcome::Moot => "has a condition that was not asked",
        Outcome::Open => "has a condition about entries or arguments, and the request names none",
        Outcome::TypeNotAdmitted => "gives a type that is not admitted to servers of this kind",
    }
}

/// A condition's outcome in words.
fn holds(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Applies => "holds",
        Outcome::Unmet => "does not hold",
        Outcome::Exhausted => "needs more work than a decision may cost",
        _ => "cannot be evaluated",
    }
}

impl Recorder<'_> {
    fn layer(&mut self, name: LayerName) -> &mut (Vec<Fact>, Reasons) {
        self.layers.entry(name).or_insert((Vec::new(), Reasons::NONE))
    }

    fn fact(&mut self, name: LayerName, fact: Fact) {
        self.layer(name).0.push(fact);
    }

    /// A fact by which the layer decides.
    fn decides(&mut self, name: LayerName, what: String, matched: bool) {
        self.fact(name, Fact { what, matched, decided: true, ..Fact::default() });
    }

    fn tier(&self, tier: Option<u32>) -> Option<String> {
        self.bundle.tier_name(tier?).ok().map(str::to_owned)
    }

    fn tier_word(&self, tier: Option<u32>) -> String {
        self.tier(tier).map_or_else(|| "none".to_owned(), |tier| format!("`{tier}`"))
    }

    fn rule(&self, ceiling: Ceiling) -> Option<RuleRef> {
        self.bundle.rule(ceiling.rule).ok().map(named)
    }

    fn rule_fact(
        &mut self,
        layer: LayerName,
        rule: Rule<'_>,
        outcome: Outcome,
        tier: Option<u32>,
        decided: bool,
    ) {
        let on_trial = if rule.mode() == Ok(Mode::Monitor) { ", on trial" } else { "" };
        let what = format!("{}{on_trial}", words(outcome));
        let (rule, tier) = (Some(named(rule)), self.tier(tier));
        self.fact(layer, Fact { what, rule, tier, matched: outcome == Outcome::Applies, decided });
    }

    fn holder(&mut self, kind: PrincipalKind, name: &str, value: &str, ceiling: Option<Ceiling>) {
        let what = match kind {
            PrincipalKind::SubjectId => format!("id `{name}`"),
            PrincipalKind::Group => format!("group `{name}`"),
            PrincipalKind::Role => format!("role `{name}`"),
            PrincipalKind::Claim => format!("claim `{name}` is `{value}`"),
            _ => "everybody of the issuer".to_owned(),
        };
        // The ceiling of everyone is shown only if it exists.
        if kind == PrincipalKind::Anyone && ceiling.is_none() {
            return;
        }
        let (rule, tier) =
            (ceiling.and_then(|ceiling| self.rule(ceiling)), self.tier(ceiling.map(|ceiling| ceiling.tier)));
        self.fact(LayerName::Subject, Fact { what, rule, tier, matched: ceiling.is_some(), decided: false });
    }

    /// The subject's facts are in by now: marks the one with the highest ceiling.
    fn mark_subject(&mut self, ceiling: Option<Ceiling>) {
        let Some(rule) = ceiling.and_then(|ceiling| self.rule(ceiling)) else { return };
        let facts = &mut self.layer(LayerName::Subject).0;
        if let Some(fact) = facts.iter_mut().find(|fact| fact.matched && fact.rule.as_ref() == Some(&rule)) {
            fact.decided = true;
        }
    }

    /// Where every actor has a ceiling, the first with the lowest is the one that counts.
    fn mark_lowest_actor(&mut self) {
        let order: Vec<String> = (0..).map_while(|tier| self.tier(Some(tier))).collect();
        let Some((facts, _)) = self.layers.get_mut(&LayerName::Actors) else { return };
        if !facts.iter().any(|fact| fact.decided) {
            let rank = |fact: &&mut Fact| order.iter().position(|name| Some(name) == fact.tier.as_ref());
            if let Some(fact) = facts.iter_mut().filter(|fact| fact.matched).min_by_key(rank) {
                fact.decided = true;
            }
        }
    }

    fn consent(&mut self, id: Option<&str>, level: Option<&str>, needed: bool) {
        let what = match (id, level) {
            (Some(id), Some(level)) => format!("consent `{id}` up to `{level}`"),
            (Some(id), None) => format!("consent `{id}`"),
            (None, _) if needed => "needed, and the token states none".to_owned(),
            (None, _) => "not needed".to_owned(),
        };
        self.decides(LayerName::Consent, what, id.is_some());
    }

    fn scope(&mut self, needed: Option<(u32, &str)>, reach: Option<u32>) {
        let what = match needed {
            Some((_, scope)) => format!("scope `{scope}` or one of a higher tier"),
            None => "no scope needed".to_owned(),
        };
        let tier = self.tier(needed.map(|(tier, _)| tier));
        let matched = needed.is_none_or(|(tier, _)| reach.is_some_and(|reach| reach >= tier));
        self.fact(LayerName::Scopes, Fact { what, tier, matched, decided: true, rule: None });
        if reach.is_some() {
            let (what, tier) = ("highest scope of the token".to_owned(), self.tier(reach));
            self.fact(LayerName::Scopes, Fact { what, tier, matched: true, ..Fact::default() });
        }
    }
}

fn named(rule: Rule<'_>) -> RuleRef {
    RuleRef { kind: rule.kind, id: rule.id().to_owned() }
}

impl Trace for Recorder<'_> {
    const THOROUGH: bool = true;

    fn record(&mut self, seen: TraceEvent<'_>) {
        match seen {
            TraceEvent::Validity { not_after, now } => {
                let what = match not_after {
                    Some(end) => format!("valid until {end}, and it is {now}"),
                    None => "valid without end".to_owned(),
                };
                self.decides(LayerName::Policy, what, not_after.is_none_or(|end| now < end));
            }
            TraceEvent::Chain { length, most } => {
                let fits = length > 0 && u32::try_from(length).is_ok_and(|length| length <= most);
                self.decides(LayerName::Chain, format!("{length} actors of at most {most}"), fits);
            }
            TraceEvent::Untrusted { signer, issuer } => {
                let what = if signer == issuer {
                    format!("issuer `{issuer}` is not trusted with actors")
                } else {
                    format!("issuer `{signer}`, which signed, may not vouch for actors of `{issuer}`")
                };
                self.decides(LayerName::Chain, what, false);
            }
            TraceEvent::Holder { kind, name, value, ceiling } => self.holder(kind, name, value, ceiling),
            TraceEvent::ConditionalGrant { rule, outcome } => {
                let layer = if rule.kind == RuleKind::Actor { LayerName::Actors } else { LayerName::Subject };
                let tier = rule.ceiling().ok();
                let decided = matches!(outcome, Outcome::Failed | Outcome::Exhausted);
                self.rule_fact(layer, rule, outcome, tier, decided);
            }
            TraceEvent::SubjectCeiling { ceiling, trial } => self.mark_subject(ceiling.or(trial)),
            TraceEvent::Actor { actor, ceiling, known } => {
                let word = match actor.kind {
                    ActorKind::Subject => "actor",
                    ActorKind::Client => "client",
                };
                let rest = match (ceiling, known) {
                    (Some(_), _) => "",
                    (None, true) => ", whose type is not admitted to servers of this kind",
                    (None, false) => ", without an entry for this server",
                };
                let what = format!("{word} `{}`{rest}", actor.identity.id);
                let (rule, tier) = (
                    ceiling.and_then(|ceiling| self.rule(ceiling)),
                    self.tier(ceiling.map(|ceiling| ceiling.tier)),
                );
                let matched = ceiling.is_some();
                self.fact(LayerName::Actors, Fact { what, rule, tier, matched, decided: !matched });
            }
            TraceEvent::Method { name, rule, permitted } => {
                let whose = match rule.map(|rule| rule.is_of_server()) {
                    Some(Ok(true)) => "by the server's own rule",
                    Some(_) => "by the policy's rule",
                    None => "where the policy says nothing of it",
                };
                let verb = if permitted { "permitted" } else { "denied" };
                self.decides(LayerName::Method, format!("`{name}` is {verb} {whose}"), permitted);
            }
            TraceEvent::Url { listed } => {
                let what = if listed { "the page is on the list" } else { "the page is not on the list" };
                self.decides(LayerName::Method, what.to_owned(), listed);
            }
            TraceEvent::Item { kind, name, item } => {
                let what = match item {
                    Some(item) if item.name() == name => format!("{} `{name}`", kind.word()),
                    Some(item) => format!("{} `{name}`, under `{}`", kind.word(), item.name()),
                    None => format!("{} `{name}`, not in the catalogue", kind.word()),
                };
                let tier = self.tier(item.map(|item| item.tier()));
                let matched = item.is_some();
                self.fact(LayerName::Item, Fact { what, tier, matched, decided: true, rule: None });
            }
            TraceEvent::Definition { accepted } => {
                let what = if accepted { "definition is accepted" } else { "definition is not accepted" };
                self.decides(LayerName::Item, what.to_owned(), accepted);
            }
            TraceEvent::Restriction { rule, outcome } => {
                let layer =
                    if rule.kind == RuleKind::Forbid { LayerName::Forbids } else { LayerName::Demands };
                let decided = matches!(outcome, Outcome::Applies | Outcome::Failed | Outcome::Exhausted);
                self.rule_fact(layer, rule, outcome, None, decided);
            }
            TraceEvent::Consent { id, level, needed } => self.consent(id, level, needed),
            TraceEvent::Tier { tier, subject, actors } => {
                let (human, agents) = (self.tier_word(subject), self.tier_word(actors));
                let what = format!("against the human's ceiling {human} and the agents' {agents}");
                let fits = |ceiling: Option<u32>| ceiling.is_some_and(|ceiling| tier <= ceiling);
                let matched = fits(subject) && fits(actors);
                let tier = self.tier(Some(tier));
                self.fact(LayerName::Tiers, Fact { what, tier, matched, decided: true, rule: None });
            }
            TraceEvent::Scope { needed, reach } => self.scope(needed, reach),
            TraceEvent::Condition { condition, outcome } => {
                let text = condition.text().unwrap_or_default();
                let what = format!("`{text}` {}", holds(outcome));
                self.decides(LayerName::Conditions, what, outcome == Outcome::Applies);
            }
            TraceEvent::Argument { path, outcome } => {
                let keys: Vec<&str> = path.names().filter_map(Result::ok).collect();
                let what = format!("the rule for `args.{}` {}", keys.join("."), holds(outcome));
                self.decides(LayerName::Conditions, what, outcome == Outcome::Applies);
            }
            TraceEvent::Check { check, filled } => {
                let (relation, object, subject) = (check.relation, check.object_type, check.subject_type);
                let what = format!("`{relation}` of `{object}` for `{subject}`");
                let (matched, decided) = (filled.is_ok(), filled.is_err());
                self.fact(LayerName::Checks, Fact { what, matched, decided, ..Fact::default() });
            }
            TraceEvent::ItemApproval => {
                self.decides(
                    LayerName::Demands,
                    "every call of the entry needs an approval".to_owned(),
                    true,
                );
            }
        }
    }
}
