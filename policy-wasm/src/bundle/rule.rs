//! Rules of the policy: their selectors and their effects.

use super::Bundle;
use super::layout::{self, RuleKind, Section};
use super::list::List;
use super::principal::AgentType;
use super::read::{Record, Unreadable};
use crate::decision::BudgetKey;
use crate::model::Mode;

impl Mode {
    /// The mode with this number.
    pub(super) fn read(stored: u32) -> Result<Mode, Unreadable> {
        Mode::ALL.into_iter().find(|mode| *mode as u32 == stored).ok_or(Unreadable)
    }
}

/// A rule of the policy.
#[derive(Debug, Clone, Copy)]
pub struct Rule<'b> {
    bundle: &'b Bundle,
    number: u32,
    record: Record<'b>,
    extra: Option<Record<'b>>,
    /// The kind of the rule.
    pub kind: RuleKind,
}

/// A condition: its source and its compiled form.
#[derive(Debug, Clone, Copy)]
pub struct Condition<'b> {
    bundle: &'b Bundle,
    record: Record<'b>,
    /// The compiled form, as [`crate::condition`] reads it.
    pub code: &'b [u8],
}

/// The approvers, and the validity of an approval.
#[derive(Debug, Clone, Copy)]
pub struct ApprovalTerms<'b> {
    /// Groups, roles or ids as the policy names them; `None` leaves the choice to the approval service.
    pub approvers: Option<List<'b>>,
    /// How long a yes holds, in seconds.
    pub valid_for: u64,
}

/// How often something may be called.
#[derive(Debug, Clone, Copy)]
pub struct BudgetTerms {
    per: u32,
    /// Most calls in a window.
    pub limit: u64,
    /// Length of the window in seconds.
    pub window: u64,
}

impl BudgetTerms {
    /// The keys by which calls are counted separately.
    pub fn per(self) -> impl Iterator<Item = BudgetKey> {
        let keys = [BudgetKey::Subject, BudgetKey::Actor, BudgetKey::Item];
        keys.into_iter().filter(move |key| self.per & 1u32.wrapping_shl(*key as u32) != 0)
    }
}

impl<'b> Rule<'b> {
    fn read(bundle: &'b Bundle, number: u32) -> Result<Rule<'b>, Unreadable> {
        let record = bundle.sections.record(Section::Rules, number)?;
        let stored = record.field(layout::rule::KIND)?;
        let kind = RuleKind::ALL.into_iter().find(|kind| *kind as u32 == stored).ok_or(Unreadable)?;
        let extra = match record.later(layout::rule::EXTRA).checked_sub(1) {
            Some(extra) => Some(bundle.sections.record(Section::RuleExtras, extra)?),
            None => None,
        };
        Ok(Rule { bundle, number, record, extra, kind })
    }

    /// The bundle's number for it: rules are in order of kind and id.
    pub fn number(self) -> u32 {
        self.number
    }

    /// Its id, unique within its kind; empty only in a malformed bundle.
    pub fn id(self) -> &'b str {
        self.bundle.sections.string(self.record, layout::rule::ID).unwrap_or_default()
    }

    /// Whether it is a grant or actor rule that gives plain ceilings alone; these are stored with the principals.
    pub fn is_plain(self) -> bool {
        self.extra.is_none()
    }

    /// Whether the rule is enforced.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn mode(self) -> Result<Mode, Unreadable> {
        Mode::read(self.field(layout::rule_extra::MODE)?)
    }

    /// The ceiling of a grant or actor rule that is not plain.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn ceiling(self) -> Result<u32, Unreadable> {
        self.bundle.known_tier(self.field(layout::rule_extra::CEILING)?)
    }

    /// The subjects that it selects, or the agent that an actor is (numbers of principals); `None` is any.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn subjects(self) -> Result<Option<List<'b>>, Unreadable> {
        self.list(layout::rule_extra::SUBJECTS)
    }

    /// The agents that it selects (numbers of principals); `None` is any.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn actors(self) -> Result<Option<List<'b>>, Unreadable> {
        self.list(layout::rule_extra::ACTORS)
    }

    /// The servers that it selects (indices); `None` is any.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn servers(self) -> Result<Option<List<'b>>, Unreadable> {
        self.list(layout::rule_extra::SERVERS)
    }

    /// Whether the rule is about items only.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn is_about_items(self) -> Result<bool, Unreadable> {
        Ok(self.field(layout::rule_extra::ITEMS)? != 0)
    }

    /// Names or URIs of the items that it selects; `None` is any.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn names(self) -> Result<Option<List<'b>>, Unreadable> {
        self.list(layout::rule_extra::NAMES)
    }

    /// Labels of the items that it selects; `None` is any.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn labels(self) -> Result<Option<List<'b>>, Unreadable> {
        self.list(layout::rule_extra::LABELS)
    }

    /// The lowest tier of the items that it selects.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn tier_from(self) -> Result<u32, Unreadable> {
        self.field(layout::rule_extra::TIER_FROM)
    }

    /// The methods that it selects; `None` is any.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn methods(self) -> Result<Option<List<'b>>, Unreadable> {
        self.list(layout::rule_extra::METHODS)
    }

    /// From when on and until before when it holds, in Unix seconds.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn window(self) -> Result<(u64, Option<u64>), Unreadable> {
        let Some(extra) = self.extra else { return Ok((0, None)) };
        let until = extra.long(layout::rule_extra::UNTIL)?.checked_sub(1);
        let from = extra.long(layout::rule_extra::FROM)?;
        // A forbid whose window is empty would forbid nothing. No compiler writes one, so it is malformed.
        if until.is_some_and(|until| until <= from) {
            return Err(Unreadable);
        }
        Ok((from, until))
    }

    /// Applies only if this holds.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn condition(self) -> Result<Option<Condition<'b>>, Unreadable> {
        Condition::read(self.bundle, self.field(layout::rule_extra::CONDITION)?)
    }

    /// The terms of an approval rule.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn approval(self) -> Result<Option<ApprovalTerms<'b>>, Unreadable> {
        let detail =
            if self.kind == RuleKind::Approval { self.field(layout::rule_extra::DETAIL)? } else { 0 };
        ApprovalTerms::read(self.bundle, detail)
    }

    /// The terms of a budget.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn budget(self) -> Result<Option<BudgetTerms>, Unreadable> {
        let detail = if self.kind == RuleKind::Budget { self.field(layout::rule_extra::DETAIL)? } else { 0 };
        let Some(number) = detail.checked_sub(1) else { return Ok(None) };
        let record = self.bundle.sections.record(Section::Budgets, number)?;
        Ok(Some(BudgetTerms { per: record.field(0)?, limit: record.long(1)?, window: record.long(3)? }))
    }

    /// The type of an actor.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn agent_type(self) -> Result<Option<AgentType<'b>>, Unreadable> {
        let detail = if self.kind == RuleKind::Actor { self.field(layout::rule_extra::DETAIL)? } else { 0 };
        detail.checked_sub(1).map(|number| self.bundle.agent_type(number)).transpose()
    }

    fn field(self, field: usize) -> Result<u32, Unreadable> {
        self.extra.map_or(Ok(0), |extra| extra.field(field))
    }

    fn list(self, field: usize) -> Result<Option<List<'b>>, Unreadable> {
        self.bundle.sections.list(self.field(field)?)
    }
}

impl<'b> Condition<'b> {
    /// The condition with this number, counted from 1; `None` for 0.
    pub(super) fn read(bundle: &'b Bundle, field: u32) -> Result<Option<Condition<'b>>, Unreadable> {
        let Some(number) = field.checked_sub(1) else { return Ok(None) };
        let record = bundle.sections.record(Section::Conditions, number)?;
        let code = bundle.sections.bytes(Section::Code, record.field(2)?, record.field(3)?)?;
        Ok(Some(Condition { bundle, record, code }))
    }

    /// The source.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn text(self) -> Result<&'b str, Unreadable> {
        self.bundle.sections.string(self.record, 0)
    }
}

impl<'b> ApprovalTerms<'b> {
    /// The terms with this number, counted from 1; `None` for 0.
    pub(super) fn read(bundle: &'b Bundle, field: u32) -> Result<Option<ApprovalTerms<'b>>, Unreadable> {
        let Some(number) = field.checked_sub(1) else { return Ok(None) };
        let record = bundle.sections.record(Section::Approvals, number)?;
        let approvers = bundle.sections.list(record.field(0)?)?;
        Ok(Some(ApprovalTerms { approvers, valid_for: record.long(1)? }))
    }
}

impl Bundle {
    /// A rule by its number.
    ///
    /// # Errors
    /// [`Unreadable`] if the rule does not exist.
    pub fn rule(&self, number: u32) -> Result<Rule<'_>, Unreadable> {
        Rule::read(self, number)
    }

    /// All rules, in order of kind and id.
    pub fn rules(&self) -> impl Iterator<Item = Rule<'_>> {
        (0..self.sections.count(Section::Rules)).filter_map(|number| Rule::read(self, number).ok())
    }
}
