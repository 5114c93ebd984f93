//! The changes that would permit a denied call.

use super::read::{Query, ServerName, Target};
use crate::decision::{Decision, DenyReason};
use crate::pdp::{Explanation, Fact, Layer, LayerName};

/// One reason with the change that would remove it. All changes together would permit the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remedy {
    /// The reason that would be gone.
    pub reason: DenyReason,
    /// The change, as one sentence without full stop.
    pub text: String,
}

/// One change for each reason of a denial, in order of precedence; none for a permit.
pub fn remedies(query: &Query, explanation: &Explanation) -> Vec<Remedy> {
    let Explanation { decision, layers } = explanation;
    let case = Case { query, decision, layers };
    decision.reasons.iter().map(|reason| Remedy { reason, text: case.change(reason) }).collect()
}

struct Case<'c> {
    query: &'c Query,
    decision: &'c Decision,
    layers: &'c [Layer],
}

impl Case<'_> {
    fn change(&self, reason: DenyReason) -> String {
        let (server, item) = (self.server(), self.item());
        let tier = self.decision.tier.as_deref().unwrap_or("its tier");
        match reason {
            DenyReason::PolicyUnreadable => {
                "compile the policy again: the bundle is unreadable where this call needs it".to_owned()
            }
            DenyReason::PolicyExpired => "publish a bundle that is still valid (`not_after`)".to_owned(),
            DenyReason::ActorMissing => "name the agent: `act` or `client_id` in the token".to_owned(),
            DenyReason::ChainTooLong => {
                "call through fewer agents, or admit longer chains (`chain.max_length`)".to_owned()
            }
            DenyReason::ActorUntrusted => {
                "let the issuer that signs vouch for the agent's issuer (`chain.trusted_issuers`)".to_owned()
            }
            DenyReason::SubjectNotGranted => {
                format!("give {} a grant that holds at {server}", self.people())
            }
            DenyReason::ActorUnknown => {
                format!(
                    "give every agent of the chain ({}) an entry in `actors` that holds at {server}",
                    self.agents()
                )
            }
            DenyReason::AgentTypeNotAdmitted => {
                format!("admit the agent's type to servers of the kind of {server} (`agent_types`)")
            }
            DenyReason::MethodNotPermitted => {
                format!("permit the method `{}` at {server} (`methods`)", self.query.method())
            }
            DenyReason::ToolUnknown | DenyReason::PromptUnknown | DenyReason::ResourceUnknown => {
                format!("put {item} into the catalogue of {server}")
            }
            DenyReason::UrlNotListed => {
                "list the page under `urls` of the rule for `elicitation/create`".to_owned()
            }
            DenyReason::DefinitionUnaccepted => {
                format!("review the definition of {item} and pin its digest")
            }
            DenyReason::DefinitionExpired => {
                format!("have {server} show a newer version of {item}, or accept this one for longer")
            }
            DenyReason::Forbidden => {
                let forbids = self.facts_of(LayerName::Forbids, |fact| fact.matched);
                format!("change what it is that {forbids} matches, or the policy")
            }
            DenyReason::ConsentMissing => "have the human consent, and the token say so".to_owned(),
            DenyReason::ConsentExpired => {
                "have the human consent again, for no longer than the policy admits".to_owned()
            }
            DenyReason::ConsentReasonMissing => "have the human consent again, with a reason".to_owned(),
            DenyReason::ConsentExceeded => {
                format!("have the human consent to {item} at {server}")
            }
            DenyReason::TierAboveSubject => {
                format!("give {} a grant of `{tier}` or above at {server}", self.people())
            }
            DenyReason::TierAboveActor => {
                format!(
                    "give every agent of the chain ({}) a ceiling of `{tier}` or above at {server}",
                    self.agents()
                )
            }
            DenyReason::TierAboveConsent => format!("have the human consent to `{tier}` or above"),
            DenyReason::ScopeInsufficient => match &self.decision.scope_needed {
                Some(scope) => format!("call with a token that has the scope `{scope}`"),
                None => "call with a token of more scope".to_owned(),
            },
            DenyReason::ArgumentRefused => {
                let rules = self.facts_of(LayerName::Conditions, |fact| !fact.matched);
                format!("call {item} with arguments that the policy admits: {rules}")
            }
            DenyReason::ConditionUnmet => {
                let conditions = self.facts_of(LayerName::Conditions, |fact| !fact.matched);
                format!("meet the condition: {conditions}")
            }
            DenyReason::WorkExceeded => {
                "send smaller arguments, or have fewer conditions look into them".to_owned()
            }
            DenyReason::ConditionFailed => {
                "provide all facts that the condition reads: a condition that cannot be evaluated denies"
                    .to_owned()
            }
            DenyReason::ArgumentMissing => format!("call {item} with every argument that its checks need"),
            DenyReason::ArgumentUnusable => {
                "spell the argument so that no two readers can take it differently".to_owned()
            }
        }
    }

    /// The facts of a layer that it went by, in words.
    fn facts_of(&self, name: LayerName, wanted: impl Fn(&Fact) -> bool) -> String {
        let facts = self.layers.iter().filter(|layer| layer.name == name).flat_map(|layer| &layer.facts);
        let texts: Vec<String> = facts
            .filter(|fact| fact.decided && wanted(fact))
            .map(|fact| fact.rule.as_ref().map_or_else(|| fact.what.clone(), ToString::to_string))
            .collect();
        texts.join(", ")
    }

    fn server(&self) -> String {
        match &self.query.server {
            ServerName::Id(id) => format!("`{id}`"),
            ServerName::At { authority, path } => format!("`{authority}{path}`"),
        }
    }

    fn item(&self) -> String {
        match &self.query.target {
            Target::Tool(name) => format!("the tool `{name}`"),
            Target::Prompt(name) => format!("the prompt `{name}`"),
            Target::Resource(uri) => format!("the resource `{uri}`"),
            Target::Url(_) | Target::Server => format!("the method `{}`", self.query.method()),
        }
    }

    fn people(&self) -> String {
        let subject = &self.query.subject;
        let mut out = format!("`{}`", subject.id);
        let names = subject.groups.iter().map(|name| ("group", name));
        for (kind, name) in names.chain(subject.roles.iter().map(|name| ("role", name))) {
            out.push_str(&format!(", {kind} `{name}`"));
        }
        out
    }

    fn agents(&self) -> String {
        let names: Vec<String> = self.query.actors.iter().map(|actor| format!("`{}`", actor.id)).collect();
        names.join(", ")
    }
}
