//! The PDP's decision: an effect, every reason, and the obligations of a permit.

/// Permit or deny. There is no third answer: the PDP denies a request that it cannot decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// All layers permit; the obligations must still be met.
    Permit,
    /// At least one layer denies.
    Deny,
}

/// The reasons of a denial, in order of precedence: the client learns the first one.
///
/// INVARIANT (exhaustive reasons): no catch-all; a new reason breaks every `match` until it has a code, a reply, a
/// metric label and a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum DenyReason {
    /// A part of the bundle that the decision needed is unreadable.
    PolicyUnreadable,
    /// The bundle's end of validity has passed.
    PolicyExpired,
    /// The token names no actor: neither `act` nor `client_id`.
    ActorMissing,
    /// The chain of actors is longer than the policy admits.
    ChainTooLong,
    /// The signer of the token may not vouch for an actor of the chain.
    ActorUntrusted,
    /// The subject has no grant at this server.
    SubjectNotGranted,
    /// An actor of the chain is not in the policy.
    ActorUnknown,
    /// Agents of this type may not use servers of this kind.
    AgentTypeNotAdmitted,
    /// The policy does not permit this method at this server.
    MethodNotPermitted,
    /// The tool is not in the server's catalogue.
    ToolUnknown,
    /// The prompt is not in the server's catalogue.
    PromptUnknown,
    /// Neither a resource nor a template of the server's catalogue has this URI.
    ResourceUnknown,
    /// The page that the server asks the subject to open is not on the policy's list.
    UrlNotListed,
    /// The tool's definition is not one that the policy accepts.
    DefinitionUnaccepted,
    /// The tool's definition is one that the policy accepts no longer.
    DefinitionExpired,
    /// A forbid of the policy matches.
    Forbidden,
    /// The subject's consent is needed, and the token states none.
    ConsentMissing,
    /// The subject's consent has ended, or lasts longer than the policy admits.
    ConsentExpired,
    /// The policy requires a reason for the consent, and the consent has none.
    ConsentReasonMissing,
    /// The subject's consent does not cover this server or this tool.
    ConsentExceeded,
    /// The tier is above the subject's ceiling.
    TierAboveSubject,
    /// The tier is above the ceiling of an actor of the chain.
    TierAboveActor,
    /// The tier is above the level of the subject's consent.
    TierAboveConsent,
    /// The token's scopes do not reach the tier; a token with more scope could.
    ScopeInsufficient,
    /// An argument is outside of the bounds of the policy.
    ArgumentRefused,
    /// A condition of the policy does not hold.
    ConditionUnmet,
    /// A condition of the policy could not be evaluated for this call.
    ConditionFailed,
    /// The conditions of the policy need more work than one decision may cost.
    WorkExceeded,
    /// An argument that the policy needs is missing.
    ArgumentMissing,
    /// An argument that the policy needs has a value or spelling that two readers could take differently.
    ArgumentUnusable,
}

impl DenyReason {
    /// Every reason, in order of precedence.
    pub const ALL: [DenyReason; 30] = [
        DenyReason::PolicyUnreadable,
        DenyReason::PolicyExpired,
        DenyReason::ActorMissing,
        DenyReason::ChainTooLong,
        DenyReason::ActorUntrusted,
        DenyReason::SubjectNotGranted,
        DenyReason::ActorUnknown,
        DenyReason::AgentTypeNotAdmitted,
        DenyReason::MethodNotPermitted,
        DenyReason::ToolUnknown,
        DenyReason::PromptUnknown,
        DenyReason::ResourceUnknown,
        DenyReason::UrlNotListed,
        DenyReason::DefinitionUnaccepted,
        DenyReason::DefinitionExpired,
        DenyReason::Forbidden,
        DenyReason::ConsentMissing,
        DenyReason::ConsentExpired,
        DenyReason::ConsentReasonMissing,
        DenyReason::ConsentExceeded,
        DenyReason::TierAboveSubject,
        DenyReason::TierAboveActor,
        DenyReason::TierAboveConsent,
        DenyReason::ScopeInsufficient,
        DenyReason::ArgumentRefused,
        DenyReason::ConditionUnmet,
        DenyReason::ConditionFailed,
        DenyReason::WorkExceeded,
        DenyReason::ArgumentMissing,
        DenyReason::ArgumentUnusable,
    ];

    /// The stable code in records, metric labels, replies and docs.
    pub const fn code(self) -> &'static str {
        match self {
            DenyReason::PolicyUnreadable => "policy_unreadable",
            DenyReason::PolicyExpired => "policy_expired",
            DenyReason::ActorMissing => "actor_missing",
            DenyReason::ChainTooLong => "chain_too_long",
            DenyReason::ActorUntrusted => "actor_untrusted",
            DenyReason::SubjectNotGranted => "subject_not_granted",
            DenyReason::ActorUnknown => "actor_unknown",
            DenyReason::AgentTypeNotAdmitted => "agent_type_not_admitted",
            DenyReason::MethodNotPermitted => "method_not_permitted",
            DenyReason::ToolUnknown => "tool_unknown",
            DenyReason::PromptUnknown => "prompt_unknown",
            DenyReason::ResourceUnknown => "resource_unknown",
            DenyReason::UrlNotListed => "url_not_listed",
            DenyReason::DefinitionUnaccepted => "definition_unaccepted",
            DenyReason::DefinitionExpired => "definition_expired",
            DenyReason::Forbidden => "forbidden",
            DenyReason::ConsentMissing => "consent_missing",
            DenyReason::ConsentExpired => "consent_expired",
            DenyReason::ConsentReasonMissing => "consent_reason_missing",
            DenyReason::ConsentExceeded => "consent_exceeded",
            DenyReason::TierAboveSubject => "tier_above_subject",
            DenyReason::TierAboveActor => "tier_above_actor",
            DenyReason::TierAboveConsent => "tier_above_consent",
            DenyReason::ScopeInsufficient => "scope_insufficient",
            DenyReason::ArgumentRefused => "argument_refused",
            DenyReason::ConditionUnmet => "condition_unmet",
            DenyReason::ConditionFailed => "condition_failed",
            DenyReason::WorkExceeded => "work_exceeded",
            DenyReason::ArgumentMissing => "argument_missing",
            DenyReason::ArgumentUnusable => "argument_unusable",
        }
    }

    /// Whether `mode: monitor` of a server, an item or a rule can let a call with this reason pass. It can for reasons
    /// about the call. It cannot for reasons about the policy, the caller's identity or the subject's consent.
    ///
    /// INVARIANT (monitor mode never weakens identity): each reason is placed by hand, and `docs/policy.md` lists them.
    pub const fn can_be_monitored(self) -> bool {
        match self {
            DenyReason::PolicyUnreadable
            | DenyReason::PolicyExpired
            | DenyReason::ActorMissing
            | DenyReason::ChainTooLong
            | DenyReason::ActorUntrusted
            | DenyReason::SubjectNotGranted
            | DenyReason::ActorUnknown
            | DenyReason::AgentTypeNotAdmitted
            | DenyReason::ConsentExpired
            | DenyReason::ConsentExceeded => false,
            DenyReason::MethodNotPermitted
            | DenyReason::ToolUnknown
            | DenyReason::PromptUnknown
            | DenyReason::ResourceUnknown
            | DenyReason::UrlNotListed
            | DenyReason::DefinitionUnaccepted
            | DenyReason::DefinitionExpired
            | DenyReason::Forbidden
            | DenyReason::ConsentMissing
            | DenyReason::ConsentReasonMissing
            | DenyReason::TierAboveSubject
            | DenyReason::TierAboveActor
            | DenyReason::TierAboveConsent
            | DenyReason::ScopeInsufficient
            | DenyReason::ArgumentRefused
            | DenyReason::ConditionUnmet
            | DenyReason::ConditionFailed
            | DenyReason::WorkExceeded
            | DenyReason::ArgumentMissing
            | DenyReason::ArgumentUnusable => true,
        }
    }
}

/// The reasons that hold, as a set: the order in which rules were looked at leaves no trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reasons(u64);

impl Reasons {
    /// No reason to deny.
    pub const NONE: Reasons = Reasons(0);

    /// Adds a reason; adding it twice is adding it once.
    pub fn add(&mut self, reason: DenyReason) {
        self.0 |= 1u64.wrapping_shl(reason as u32);
    }

    /// Takes a reason away.
    pub(crate) fn remove(&mut self, reason: DenyReason) {
        self.0 &= !1u64.wrapping_shl(reason as u32);
    }

    /// Whether nothing denies.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether this reason holds.
    pub fn contains(self, reason: DenyReason) -> bool {
        self.0 & 1u64.wrapping_shl(reason as u32) != 0
    }

    /// The reasons that hold, in order of precedence.
    pub fn iter(self) -> impl Iterator<Item = DenyReason> {
        DenyReason::ALL.into_iter().filter(move |reason| self.contains(*reason))
    }

    /// The reason that the client learns.
    pub fn first(self) -> Option<DenyReason> {
        self.iter().next()
    }
}

/// A relation that the authorization cluster must confirm before the call is forwarded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelationCheck {
    /// Relation or permission, such as `writer`.
    pub relation: String,
    /// Object type, such as `repository`.
    pub object_type: String,
    /// Object id, with the arguments filled in.
    pub object_id: String,
    /// Subject type, such as `user`.
    pub subject_type: String,
    /// Subject id: the `sub` of the subject.
    pub subject_id: String,
}

/// A person's yes that the call needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Id of the rule or tool that needs it.
    pub rule: String,
    /// The approvers: groups, roles or ids as the policy names them (`group:finance-leads`).
    pub approvers: Vec<String>,
    /// How long a yes holds, in seconds.
    pub valid_for: u64,
}

/// A key by which a budget counts separately.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum BudgetKey {
    /// One count for each subject.
    Subject,
    /// One count for each calling agent.
    Actor,
    /// One count for each tool, prompt or resource of the catalogue.
    Item,
}

/// Calls that may be made in a window of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// Id of the rule.
    pub rule: String,
    /// The keys by which calls are counted separately; several keys count each combination.
    pub per: Vec<BudgetKey>,
    /// Most calls in a window.
    pub limit: u64,
    /// Length of the window in seconds.
    pub window: u64,
}

/// A duty of the PEP before a permit counts. A PEP that does not understand an obligation denies.
///
/// Source: AuthZEN obligations profile (draft 1, 2026).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obligation {
    /// Ask the authorization cluster; only an explicit yes counts.
    Check(RelationCheck),
    /// Have a person approve this exact call.
    Approval(Approval),
    /// Count the call, and deny it if the budget is spent.
    Budget(Budget),
}

/// The answer of the PDP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The reasons of a denial; empty means permit.
    pub reasons: Reasons,
    /// The reasons that `mode: monitor` turned into records.
    pub monitored: Reasons,
    /// Name of the tool's tier, if the tool is known.
    pub tier: Option<String>,
    /// Name of the lowest ceiling that applies to this caller at this server, if there is one.
    pub ceiling: Option<String>,
    /// The scope that would have been enough, where `ScopeInsufficient` holds and the policy names one.
    pub scope_needed: Option<String>,
    /// The remaining duties of the PEP. Empty unless the effect is a permit.
    pub obligations: Vec<Obligation>,
}

impl Decision {
    /// Permit where nothing denies, deny otherwise.
    pub fn effect(&self) -> Effect {
        if self.reasons.is_empty() { Effect::Permit } else { Effect::Deny }
    }
}

/// The visibility of an item in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// A call would be permitted.
    Permit,
    /// A call could be permitted: it depends on its arguments or on a check. It stays visible.
    Conditional,
    /// No call of this caller could be permitted: the list hides it.
    Deny,
}
