//! The events that an evaluation records. Deciding records nothing and pays nothing.

use crate::bundle::layout::PrincipalKind;
use crate::bundle::{Ceiling, Check, Condition, Item, List, MethodRule, Rule};
use crate::decision::Reasons;
use crate::model::{Actor, ItemKind};

/// A recorder of the evaluation. Its default records nothing.
pub(super) trait Trace {
    /// Whether to evaluate conditions that can no longer change the decision.
    const THOROUGH: bool;

    /// The walk saw something.
    fn record(&mut self, _event: TraceEvent<'_>) {}
}

/// Records nothing.
pub(super) struct Silent;

impl Trace for Silent {
    const THOROUGH: bool = false;
}

/// The outcome of a rule during an evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It applies.
    Applies,
    /// It names other servers.
    OtherServer,
    /// Its time has not come, or has passed.
    OutsideWindow,
    /// It names other agents.
    OtherActors,
    /// The rule is about other items, or the request names none.
    OtherItems,
    /// It is about other methods.
    OtherMethods,
    /// Its condition does not hold.
    Unmet,
    /// Its condition could not be evaluated.
    Failed,
    /// Its condition needs more work than the decision has left.
    Exhausted,
    /// Its condition reads arguments, and the caller is denied for all arguments.
    Moot,
    /// Its condition reads arguments or items, and the request has none yet.
    Open,
    /// The agent's type is not admitted to servers of this kind.
    TypeNotAdmitted,
}

/// Something that the walk saw.
#[cfg_attr(not(feature = "tools"), allow(dead_code, reason = "what is seen is read by explanations only"))]
pub(super) enum TraceEvent<'s> {
    /// The end of the bundle's validity, if it has one.
    Validity { not_after: Option<u64>, now: u64 },
    /// The number of actors, and the maximum of the policy.
    Chain { length: usize, most: u32 },
    /// The signer of the token, and the issuer of an actor that it may not vouch for.
    Untrusted { signer: &'s str, issuer: &'s str },
    /// A name under which the subject may have a ceiling, and its plain ceiling here.
    Holder { kind: PrincipalKind, name: &'s str, value: &'s str, ceiling: Option<Ceiling> },
    /// A grant or an actor rule with conditions.
    ConditionalGrant { rule: Rule<'s>, outcome: Outcome },
    /// The highest of the subject's ceilings, without and with grants in monitor mode.
    SubjectCeiling { ceiling: Option<Ceiling>, trial: Option<Ceiling> },
    /// An actor of the chain and the highest of its ceilings; `known` if an actor rule covers the server.
    Actor { actor: &'s Actor<'s>, ceiling: Option<Ceiling>, known: bool },
    /// The method, and the policy's rule for it.
    Method { name: &'s str, rule: Option<MethodRule<'s>>, permitted: bool },
    /// The page that an elicitation sends the subject to, and whether the policy lists it.
    Url { listed: bool },
    /// The requested item, if the server has it.
    Item { kind: ItemKind, name: &'s str, item: Option<Item<'s>> },
    /// Whether the policy accepts the definition that the server showed.
    Definition { accepted: bool },
    /// A forbid, approval or budget.
    Restriction { rule: Rule<'s>, outcome: Outcome },
    /// The consent that the token states.
    Consent { id: Option<&'s str>, level: Option<&'s str>, needed: bool },
    /// A tier that is compared with the ceilings.
    Tier { tier: u32, subject: Option<u32>, actors: Option<u32> },
    /// The scope that the tier needs, with its tier, and the highest tier of the token's scopes.
    Scope { needed: Option<(u32, &'s str)>, reach: Option<u32> },
    /// The condition of the item or of the method's rule.
    Condition { condition: Condition<'s>, outcome: Outcome },
    /// A constraint on an argument.
    Argument { path: List<'s>, outcome: Outcome },
    /// A check of the item, and whether its templates could be filled.
    Check { check: Check<'s>, filled: Result<(), Reasons> },
    /// The item needs an approval of every call.
    ItemApproval,
}
