//! What the PDP answers: an effect, every reason that holds, the obligations that a permit carries.

/// Permit or deny. There is no third answer: whatever cannot be decided is denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// All layers permit; the obligations must still be met.
    Permit,
    /// At least one layer denies.
    Deny,
}

/// Why the PDP denies. The order is the order of precedence: the first that holds is the one told to the client.
///
/// INVARIANT (exhaustive reasons): no catch-all; a new reason breaks every `match` until it has a code, a reply, a
/// metric label and a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum DenyReason {
    /// The bundle could not be read where the decision needed it.
    PolicyUnreadable,
    /// The token names no actor: neither `act` nor `client_id`.
    ActorMissing,
    /// The chain of actors is longer than the policy admits.
    ChainTooLong,
    /// No grant gives the subject anything at this server.
    SubjectNotGranted,
    /// An actor of the chain is not in the policy.
    ActorUnknown,
    /// The tool is not in the server's catalogue.
    ToolUnknown,
    /// The tool's tier is above the subject's ceiling.
    TierAboveSubject,
    /// The tool's tier is above the ceiling of an actor of the chain.
    TierAboveActor,
    /// The token's scopes do not reach the tool's tier; a token with more scope could.
    ScopeInsufficient,
    /// An argument that the policy needs is missing.
    ArgumentMissing,
    /// An argument that the policy needs has a value or spelling that two readers could take differently.
    ArgumentUnusable,
}

impl DenyReason {
    /// Every reason, in order of precedence.
    pub const ALL: [DenyReason; 11] = [
        DenyReason::PolicyUnreadable,
        DenyReason::ActorMissing,
        DenyReason::ChainTooLong,
        DenyReason::SubjectNotGranted,
        DenyReason::ActorUnknown,
        DenyReason::ToolUnknown,
        DenyReason::TierAboveSubject,
        DenyReason::TierAboveActor,
        DenyReason::ScopeInsufficient,
        DenyReason::ArgumentMissing,
        DenyReason::ArgumentUnusable,
    ];

    /// The stable code in records, metric labels, replies and docs.
    pub const fn code(self) -> &'static str {
        match self {
            DenyReason::PolicyUnreadable => "policy_unreadable",
            DenyReason::ActorMissing => "actor_missing",
            DenyReason::ChainTooLong => "chain_too_long",
            DenyReason::SubjectNotGranted => "subject_not_granted",
            DenyReason::ActorUnknown => "actor_unknown",
            DenyReason::ToolUnknown => "tool_unknown",
            DenyReason::TierAboveSubject => "tier_above_subject",
            DenyReason::TierAboveActor => "tier_above_actor",
            DenyReason::ScopeInsufficient => "scope_insufficient",
            DenyReason::ArgumentMissing => "argument_missing",
            DenyReason::ArgumentUnusable => "argument_unusable",
        }
    }
}

/// The reasons that hold, as a set: the order in which rules were looked at leaves no trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reasons(u32);

impl Reasons {
    /// No reason to deny.
    pub const NONE: Reasons = Reasons(0);

    /// Adds a reason; adding it twice is adding it once.
    pub fn add(&mut self, reason: DenyReason) {
        self.0 |= 1u32.wrapping_shl(reason as u32);
    }

    /// Whether nothing denies.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether this reason holds.
    pub fn contains(self, reason: DenyReason) -> bool {
        self.0 & 1u32.wrapping_shl(reason as u32) != 0
    }

    /// The reasons that hold, in order of precedence.
    pub fn iter(self) -> impl Iterator<Item = DenyReason> {
        DenyReason::ALL.into_iter().filter(move |reason| self.contains(*reason))
    }

    /// The reason that is told to the client.
    pub fn first(self) -> Option<DenyReason> {
        self.iter().next()
    }
}

/// A relation that the authorization cluster must confirm before the call may go on.
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
    /// Subject id: the `sub` of the human.
    pub subject_id: String,
}

/// What the PEP must do before a permit counts. One that it does not understand makes the permit a deny.
///
/// Source: AuthZEN obligations profile (draft 1, 2026).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obligation {
    /// Ask the authorization cluster; only an explicit yes counts.
    Check(RelationCheck),
}

/// The answer of the PDP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Why it is denied; empty means permit.
    pub reasons: Reasons,
    /// Name of the tool's tier, where the tool is known.
    pub tier: Option<String>,
    /// Name of the lowest ceiling that applies to this caller at this server, where there is one.
    pub ceiling: Option<String>,
    /// The scope that would have been enough, where `ScopeInsufficient` holds and the policy names one.
    pub scope_needed: Option<String>,
    /// What the PEP must still do. Empty unless the effect is a permit.
    pub obligations: Vec<Obligation>,
}

impl Decision {
    /// Permit where nothing denies, deny otherwise.
    pub fn effect(&self) -> Effect {
        if self.reasons.is_empty() { Effect::Permit } else { Effect::Deny }
    }
}

/// What a list shows of a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// A call would be permitted.
    Permit,
    /// A call could be permitted: it depends on its arguments or on a check. It stays visible.
    Conditional,
    /// No call of this caller could be permitted: it is not shown.
    Deny,
}
