//! The decision with everything that led to it: for people, not for the request path.

use super::trace::{Seen, Trace};
use super::walk;
use crate::bundle::layout::PrincipalKind;
use crate::bundle::{Bundle, HeldCeiling, Server};
use crate::decision::{Decision, DenyReason, Reasons};
use crate::model::Request;

/// A decision and what each layer saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The same decision that [`super::evaluate`] gives.
    pub decision: Decision,
    /// The layers in the order of the walk; those that the action does not reach are left out.
    pub layers: Vec<Layer>,
}

/// What one layer saw and why it denies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Which layer.
    pub name: LayerName,
    /// What it saw, in order.
    pub facts: Vec<Fact>,
    /// Those of the decision's reasons that this layer gives; none means that it does not deny.
    pub reasons: Reasons,
}

/// One thing that a layer saw. No argument values: they reach no log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fact {
    /// What was seen, such as "group `engineering`".
    pub what: String,
    /// The rule behind it, such as "grant `engineers`".
    pub rule: Option<String>,
    /// The tier that it allows or needs.
    pub tier: Option<String>,
    /// Whether this is what the layer went by.
    pub decided: bool,
}

/// The layers of the walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LayerName {
    /// Length of the chain of actors.
    Chain,
    /// The human's ceiling.
    Subject,
    /// The ceilings of the actors.
    Actors,
    /// The tool's place in the catalogue, and its tier against the ceilings.
    Tool,
    /// The token's scopes.
    Scopes,
    /// The relations that the tool's policy asks for.
    Checks,
}

impl LayerName {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            LayerName::Chain => "chain",
            LayerName::Subject => "subject",
            LayerName::Actors => "actors",
            LayerName::Tool => "tool",
            LayerName::Scopes => "scopes",
            LayerName::Checks => "checks",
        }
    }

    /// The layer that gives a reason; an unreadable policy belongs to all of them and is told with the first.
    const fn of(reason: DenyReason) -> LayerName {
        match reason {
            DenyReason::PolicyUnreadable
            | DenyReason::PolicyExpired
            | DenyReason::ActorMissing
            | DenyReason::ActorUntrusted
            | DenyReason::ChainTooLong => LayerName::Chain,
            DenyReason::SubjectNotGranted => LayerName::Subject,
            DenyReason::ActorUnknown | DenyReason::AgentTypeNotAdmitted => LayerName::Actors,
            DenyReason::ToolUnknown
            | DenyReason::PromptUnknown
            | DenyReason::ResourceUnknown
            | DenyReason::MethodNotPermitted
            | DenyReason::UrlNotListed
            | DenyReason::DefinitionUnaccepted
            | DenyReason::DefinitionExpired
            | DenyReason::Forbidden
            | DenyReason::ConsentMissing
            | DenyReason::ConsentExpired
            | DenyReason::ConsentReasonMissing
            | DenyReason::ConsentExceeded
            | DenyReason::TierAboveConsent
            | DenyReason::ConditionUnmet
            | DenyReason::ConditionFailed
            | DenyReason::TierAboveSubject
            | DenyReason::TierAboveActor => LayerName::Tool,
            DenyReason::ScopeInsufficient => LayerName::Scopes,
            DenyReason::ArgumentRefused | DenyReason::ArgumentMissing | DenyReason::ArgumentUnusable => {
                LayerName::Checks
            }
        }
    }
}

/// Decides as [`super::evaluate`] does, by the same walk, and tells what each layer saw.
pub fn explain(bundle: &Bundle, server: Server<'_>, request: &Request<'_>) -> Explanation {
    let mut recorder = Recorder { bundle, layers: Vec::new() };
    recorder.layer(LayerName::Chain);
    let decision = walk(bundle, server, request, &mut recorder);
    recorder.mark_lowest_actor();
    let mut layers = recorder.layers;
    for reason in decision.reasons.iter() {
        if let Some(layer) = layers.iter_mut().find(|layer| layer.name == LayerName::of(reason)) {
            layer.reasons.add(reason);
        }
    }
    Explanation { decision, layers }
}

struct Recorder<'b> {
    bundle: &'b Bundle,
    layers: Vec<Layer>,
}

impl Recorder<'_> {
    fn layer(&mut self, name: LayerName) -> Option<&mut Layer> {
        if !self.layers.iter().any(|layer| layer.name == name) {
            self.layers.push(Layer { name, facts: Vec::new(), reasons: Reasons::NONE });
        }
        self.layers.iter_mut().find(|layer| layer.name == name)
    }

    fn fact(&mut self, name: LayerName, fact: Fact) {
        if let Some(layer) = self.layer(name) {
            layer.facts.push(fact);
        }
    }

    fn tier(&self, tier: u32) -> Option<String> {
        self.bundle.tier_name(tier).ok().map(str::to_owned)
    }

    fn rule(&self, held: HeldCeiling) -> Option<String> {
        use crate::bundle::layout::RuleKind;
        let rule = self.bundle.rule(held.rule).ok()?;
        let kind = match rule.kind {
            RuleKind::Grant => "grant",
            RuleKind::Actor => "actor",
        };
        Some(format!("{kind} `{}`", rule.id))
    }

    fn principal(&mut self, kind: PrincipalKind, name: &str, held: Option<HeldCeiling>) {
        let (layer, word) = match kind {
            PrincipalKind::SubjectId => (LayerName::Subject, "id"),
            PrincipalKind::Group => (LayerName::Subject, "group"),
            PrincipalKind::Role => (LayerName::Subject, "role"),
            PrincipalKind::ActorSubject => (LayerName::Actors, "actor"),
            PrincipalKind::ActorClient => (LayerName::Actors, "client"),
        };
        let fact = Fact {
            what: format!("{word} `{name}`"),
            rule: held.and_then(|held| self.rule(held)),
            tier: held.and_then(|held| self.tier(held.tier)),
            decided: layer == LayerName::Actors && held.is_none(),
        };
        self.fact(layer, fact);
    }

    /// The human's facts are in by now: marks the one with the highest ceiling.
    fn mark_subject(&mut self, held: Option<HeldCeiling>) {
        let wanted = held.and_then(|held| self.rule(held).zip(self.tier(held.tier)));
        if let Some(layer) = self.layer(LayerName::Subject)
            && let Some((rule, tier)) = wanted
            && let Some(fact) = layer
                .facts
                .iter_mut()
                .find(|f| f.rule.as_ref() == Some(&rule) && f.tier.as_ref() == Some(&tier))
        {
            fact.decided = true;
        }
    }

    /// Where every actor has a ceiling, the first with the lowest is the one that counts.
    fn mark_lowest_actor(&mut self) {
        let order: Vec<String> =
            (0..).map_while(|tier| self.bundle.tier_name(tier).ok().map(str::to_owned)).collect();
        let Some(layer) = self.layers.iter_mut().find(|layer| layer.name == LayerName::Actors) else {
            return;
        };
        if layer.facts.iter().any(|fact| fact.decided) {
            return;
        }
        let rank = |fact: &&mut Fact| order.iter().position(|name| Some(name) == fact.tier.as_ref());
        if let Some(fact) = layer.facts.iter_mut().min_by_key(rank) {
            fact.decided = true;
        }
    }
}

impl Trace for Recorder<'_> {
    fn saw(&mut self, seen: Seen<'_>) {
        match seen {
            Seen::Chain { length, most } => {
                let what = format!("{length} actors of at most {most}");
                self.fact(LayerName::Chain, Fact { what, decided: true, ..Fact::default() });
            }
            Seen::Principal { kind, name, held } => self.principal(kind, name, held),
            Seen::SubjectCeiling { held } => self.mark_subject(held),
            Seen::Tool { name, tier } => {
                let what = match tier {
                    Some(_) => format!("tool `{name}`"),
                    None => format!("tool `{name}`, not in the catalogue"),
                };
                let tier = tier.and_then(|tier| self.tier(tier));
                self.fact(LayerName::Tool, Fact { what, tier, decided: true, ..Fact::default() });
            }
            Seen::Scope { needed, reach } => {
                let what = match needed {
                    Some((_, scope)) => format!("scope `{scope}` or one of a higher tier"),
                    None => "no scope needed".to_owned(),
                };
                let tier = needed.and_then(|(tier, _)| self.tier(tier));
                self.fact(LayerName::Scopes, Fact { what, tier, decided: true, ..Fact::default() });
                if let Some(tier) = reach {
                    let tier = self.tier(tier);
                    let what = "highest scope of the token".to_owned();
                    self.fact(LayerName::Scopes, Fact { what, tier, ..Fact::default() });
                }
            }
            Seen::Check { check, filled } => {
                let (relation, object, subject) = (check.relation, check.object_type, check.subject_type);
                let what = format!("`{relation}` of `{object}` for `{subject}`");
                self.fact(LayerName::Checks, Fact { what, decided: filled.is_err(), ..Fact::default() });
            }
        }
    }
}
