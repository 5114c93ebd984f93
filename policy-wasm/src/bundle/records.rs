//! The bundle's records, as values that read their fields where they lie.

use super::layout::{ALL_SERVERS, PartKind, RuleKind, SERVER_KINDS, Section};
use super::read::{Record, Sections, Unreadable};
use super::{Bundle, layout};

/// A server of the bundle.
#[derive(Debug, Clone, Copy)]
pub struct Server<'b> {
    pub(super) bundle: &'b Bundle,
    pub(super) index: u32,
}

impl<'b> Server<'b> {
    /// Stable within one bundle: what an exchange keeps between two callbacks.
    pub fn index(self) -> u32 {
        self.index
    }

    /// The bundle that it belongs to.
    pub fn bundle(self) -> &'b Bundle {
        self.bundle
    }

    /// The id, such as `github`.
    pub fn id(self) -> &'b str {
        self.string(0)
    }

    /// The resource identifier (RFC 8707, RFC 9728 `resource`): the URL that clients use and tokens name in `aud`.
    pub fn resource(self) -> &'b str {
        self.string(2)
    }

    /// The path at which requests come, such as `/mcp/github`.
    pub fn path(self) -> &'b str {
        self.string(4)
    }

    /// `personal`, `corporate` or `sensitive`.
    pub fn kind(self) -> &'b str {
        self.try_kind().unwrap_or("sensitive")
    }

    /// Who answers for the server; empty where the policy does not say.
    pub fn owner(self) -> &'b str {
        self.string(7)
    }

    /// Scopes that the policy asks for at this server, for `scopes_supported` (RFC 9728) and challenges; lowest tier
    /// first.
    pub fn scopes(self) -> impl Iterator<Item = &'b str> {
        self.scope_entries().ok().into_iter().flatten().filter_map(|entry| entry.ok()).map(|(_, scope)| scope)
    }

    /// Tier and scope of every entry of the server's `scopes`, lowest tier first.
    ///
    /// # Errors
    /// [`Unreadable`] where the bundle is nonsense; `Unverified::verify` made sure that it is not.
    pub fn scope_entries(
        self,
    ) -> Result<impl Iterator<Item = Result<(u32, &'b str), Unreadable>>, Unreadable> {
        let sections = &self.bundle.sections;
        let record = self.record()?;
        let range = sections.range(Section::Scopes, record.field(9)?, record.field(10)?)?;
        Ok(range.map(move |number| {
            let record = sections.record(Section::Scopes, number)?;
            Ok((self.bundle.known_tier(record.field(0)?)?, sections.string(record, 1)?))
        }))
    }

    /// The tool with this name in the server's catalogue.
    ///
    /// # Errors
    /// [`Unreadable`] where the bundle is nonsense.
    pub fn tool(self, name: &str) -> Result<Option<Tool<'b>>, Unreadable> {
        let sections = &self.bundle.sections;
        let found = sections.find(
            Section::ToolTable,
            Section::Tools,
            |hash| hash.number(self.index).string(name),
            |record| Ok(record.field(0)? == self.index && sections.string_is(record, 1, name)?),
        )?;
        found.map(|number| Tool::read(self.bundle, number)).transpose()
    }

    /// What `Unverified::verify` makes sure of, so that the readers above cannot miss.
    pub(super) fn check(self) -> Result<(), Unreadable> {
        let (sections, record) = (&self.bundle.sections, self.record()?);
        for field in [0, 2, 4] {
            if sections.string(record, field)?.is_empty() {
                return Err(Unreadable);
            }
        }
        sections.string(record, 7)?;
        self.try_kind()?;
        self.scope_entries()?.try_for_each(|entry| entry.map(drop))
    }

    fn try_kind(self) -> Result<&'static str, Unreadable> {
        let kind = usize::try_from(self.record()?.field(6)?).map_err(|_| Unreadable)?;
        SERVER_KINDS.get(kind).copied().ok_or(Unreadable)
    }

    fn record(self) -> Result<Record<'b>, Unreadable> {
        self.bundle.sections.record(Section::Servers, self.index)
    }

    /// Empty only for bytes that `verify` refuses.
    fn string(self, field: usize) -> &'b str {
        self.record().and_then(|record| self.bundle.sections.string(record, field)).unwrap_or_default()
    }
}

impl Bundle {
    /// The tier, if the policy has it.
    fn known_tier(&self, tier: u32) -> Result<u32, Unreadable> {
        if tier < self.sections.count(Section::Tiers) { Ok(tier) } else { Err(Unreadable) }
    }
}

/// A tool of a server's catalogue.
#[derive(Debug, Clone, Copy)]
pub struct Tool<'b> {
    bundle: &'b Bundle,
    tier: u32,
    checks: (u32, u32),
}

impl<'b> Tool<'b> {
    fn read(bundle: &'b Bundle, number: u32) -> Result<Tool<'b>, Unreadable> {
        let record = bundle.sections.record(Section::Tools, number)?;
        let checks = (record.field(4)?, record.field(5)?);
        Ok(Tool { bundle, tier: bundle.known_tier(record.field(3)?)?, checks })
    }

    /// Its tier; 0 is the lowest.
    pub fn tier(self) -> u32 {
        self.tier
    }

    /// Whether a call needs relations confirmed.
    pub fn has_checks(self) -> bool {
        self.checks.1 != 0
    }

    /// The relations that a call needs, all of them.
    ///
    /// # Errors
    /// [`Unreadable`] where the bundle is nonsense.
    pub fn checks(self) -> Result<impl Iterator<Item = Result<Check<'b>, Unreadable>>, Unreadable> {
        let range = self.bundle.sections.range(Section::Checks, self.checks.0, self.checks.1)?;
        Ok(range.map(move |number| Check::read(&self.bundle.sections, number)))
    }
}

/// A relation that a tool's policy asks for, with templates for the object and the subject.
#[derive(Clone, Copy)]
pub struct Check<'b> {
    sections: &'b Sections,
    /// Relation or permission, such as `writer`.
    pub relation: &'b str,
    /// Object type, such as `repository`.
    pub object_type: &'b str,
    /// Subject type, such as `user`.
    pub subject_type: &'b str,
    object: (u32, u32),
    subject: (u32, u32),
}

impl<'b> Check<'b> {
    fn read(sections: &'b Sections, number: u32) -> Result<Check<'b>, Unreadable> {
        let record = sections.record(Section::Checks, number)?;
        Ok(Check {
            sections,
            relation: sections.string(record, 0)?,
            object_type: sections.string(record, 2)?,
            object: (record.field(4)?, record.field(5)?),
            subject_type: sections.string(record, 6)?,
            subject: (record.field(8)?, record.field(9)?),
        })
    }

    /// Parts of the object id.
    ///
    /// # Errors
    /// [`Unreadable`] where the bundle is nonsense.
    pub fn object(self) -> Result<Vec<Part<'b>>, Unreadable> {
        self.parts(self.object)
    }

    /// Parts of the subject id.
    ///
    /// # Errors
    /// [`Unreadable`] where the bundle is nonsense.
    pub fn subject(self) -> Result<Vec<Part<'b>>, Unreadable> {
        self.parts(self.subject)
    }

    fn parts(self, (start, count): (u32, u32)) -> Result<Vec<Part<'b>>, Unreadable> {
        let range = self.sections.range(Section::Parts, start, count)?;
        range.map(|number| Part::read(self.sections, number)).collect()
    }
}

/// Part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part<'b> {
    /// Text that stands as it is.
    Literal(&'b str),
    /// An argument, by the keys that lead to it; at least one.
    Argument(Vec<&'b str>),
    /// The human's `sub`.
    SubjectId,
}

impl<'b> Part<'b> {
    fn read(sections: &'b Sections, number: u32) -> Result<Part<'b>, Unreadable> {
        let record = sections.record(Section::Parts, number)?;
        let kind = record.field(0)?;
        if kind == PartKind::Literal as u32 {
            return Ok(Part::Literal(sections.string(record, 1)?));
        }
        if kind == PartKind::SubjectId as u32 {
            return Ok(Part::SubjectId);
        }
        let range = sections.range(Section::Segments, record.field(1)?, record.field(2)?)?;
        if kind != PartKind::Argument as u32 || range.is_empty() {
            return Err(Unreadable);
        }
        let key = |number| sections.string(sections.record(Section::Segments, number)?, 0);
        Ok(Part::Argument(range.map(key).collect::<Result<_, _>>()?))
    }
}

/// A ceiling that a rule gives to a holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldCeiling {
    /// Index of the server, or `u32::MAX` for all servers.
    pub server: u32,
    /// The highest tier that it reaches.
    pub tier: u32,
    /// Number of the rule that gives it; see [`Bundle::rule`].
    pub rule: u32,
}

impl HeldCeiling {
    pub(super) fn read(bundle: &Bundle, record: Record<'_>) -> Result<HeldCeiling, Unreadable> {
        let (server, tier, rule) = (record.field(0)?, record.field(1)?, record.field(2)?);
        Ok(HeldCeiling { server, tier: bundle.known_tier(tier)?, rule })
    }

    pub(super) fn filter_server(self, server: u32) -> Option<HeldCeiling> {
        (self.server == server).then_some(self)
    }

    /// The one with the higher tier; of two that are level, the one whose rule comes first.
    pub(crate) fn higher(self, other: Option<HeldCeiling>) -> HeldCeiling {
        match other {
            Some(other) if (other.tier, self.rule) > (self.tier, other.rule) => other,
            _ => self,
        }
    }

    /// Whether it holds at all servers rather than at one that its rule names.
    pub fn is_everywhere(self) -> bool {
        self.server == ALL_SERVERS
    }
}

/// A rule of the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule<'b> {
    /// Where it stands in the policy.
    pub kind: RuleKind,
    /// Its id, unique within its kind.
    pub id: &'b str,
}

impl<'b> Rule<'b> {
    pub(super) fn read(sections: &'b Sections, number: u32) -> Result<Rule<'b>, Unreadable> {
        let record = sections.record(Section::Rules, number)?;
        let kinds = [layout::RuleKind::Grant, layout::RuleKind::Actor];
        let stored = record.field(0)?;
        let kind = kinds.into_iter().find(|kind| *kind as u32 == stored).ok_or(Unreadable)?;
        Ok(Rule { kind, id: sections.string(record, 1)? })
    }
}
