//! Items, read in place.

use super::layout::{self, PartKind, Section};
use super::list::List;
use super::read::{Record, Sections, Unreadable};
use super::rule::{ApprovalTerms, Condition};
use super::{Bundle, Server};
use crate::model::{ItemKind, Mode};

/// An item of a server.
#[derive(Debug, Clone, Copy)]
pub struct Item<'b> {
    pub(super) bundle: &'b Bundle,
    number: u32,
    record: Record<'b>,
    pub(super) extra: Option<Record<'b>>,
    kind: ItemKind,
    tier: u32,
}

/// A definition of a tool that the policy accepts.
#[derive(Debug, Clone, Copy)]
pub struct Definition<'b> {
    bundle: &'b Bundle,
    pub(super) number: u32,
    record: Record<'b>,
    /// When it ceases to be accepted, in Unix seconds.
    pub until: Option<u64>,
}

/// The policy's answer to a definition that a server shows for a tool.
#[derive(Debug, Clone, Copy)]
pub enum Acceptance<'b> {
    /// The tool's definition is not pinned.
    NotPinned,
    /// It is one that is accepted.
    Accepted(Definition<'b>),
    /// It was accepted until some time that has passed.
    Expired(Definition<'b>),
    /// The policy never accepted this definition.
    Unknown,
}

/// A constraint on an argument.
#[derive(Debug, Clone, Copy)]
pub struct ArgumentRule<'b> {
    /// The keys that lead to the argument (list of names).
    pub path: List<'b>,
    /// A condition that holds if the argument satisfies the constraint.
    pub condition: Condition<'b>,
}

impl<'b> Item<'b> {
    pub(super) fn read(bundle: &'b Bundle, number: u32) -> Result<Item<'b>, Unreadable> {
        let record = bundle.sections.record(Section::Items, number)?;
        let extra = match record.later(layout::item::EXTRA).checked_sub(1) {
            Some(extra) => Some(bundle.sections.record(Section::ItemExtras, extra)?),
            None => None,
        };
        let kind = match extra {
            Some(extra) => kind(extra.field(layout::item_extra::KIND)?)?,
            None => ItemKind::Tool,
        };
        Ok(Item {
            bundle,
            number,
            record,
            extra,
            kind,
            tier: bundle.known_tier(record.field(layout::item::TIER)?)?,
        })
    }

    pub(super) fn find(
        server: Server<'b>,
        kind: ItemKind,
        name: &str,
    ) -> Result<Option<Item<'b>>, Unreadable> {
        let (bundle, index) = (server.bundle, server.index);
        let sections = &bundle.sections;
        let found = sections.find(
            Section::ItemTable,
            Section::Items,
            |hash| {
                let hash = hash.number(index).string(name);
                if kind == ItemKind::Tool { hash } else { hash.number(kind as u32) }
            },
            |number, record| {
                Ok(record.field(layout::item::SERVER)? == index
                    && sections.string_is(record, layout::item::NAME, name)?
                    && Item::read(bundle, number)?.kind == kind)
            },
        )?;
        found.map(|number| Item::read(bundle, number)).transpose()
    }

    /// The bundle's number for it.
    pub fn number(self) -> u32 {
        self.number
    }

    /// The kind of the item.
    pub fn kind(self) -> ItemKind {
        self.kind
    }

    /// Its name, URI or URI template; empty only in a malformed bundle.
    pub fn name(self) -> &'b str {
        self.bundle.sections.string(self.record, layout::item::NAME).unwrap_or_default()
    }

    /// Its tier; 0 is the lowest.
    pub fn tier(self) -> u32 {
        self.tier
    }

    /// Labels, in order.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn labels(self) -> Result<Option<List<'b>>, Unreadable> {
        self.list(layout::item_extra::LABELS)
    }

    /// Whether its denials are enforced.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn mode(self) -> Result<Mode, Unreadable> {
        Mode::read(self.field(layout::item_extra::MODE)?)
    }

    /// Rules that name the item, and neither subjects nor actors (numbers of rules).
    pub(crate) fn restrictions(self) -> Result<Option<List<'b>>, Unreadable> {
        self.list(layout::item_extra::RESTRICTIONS)
    }

    /// Whether its definition is pinned.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn is_pinned(self) -> Result<bool, Unreadable> {
        Ok(self.field(layout::item_extra::DEFINITIONS)? != 0)
    }

    /// Whether the policy accepts a definition with this digest at this time (Unix seconds).
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn accepts(self, digest: &[u8; 32], now: u64) -> Result<Acceptance<'b>, Unreadable> {
        if !self.is_pinned()? {
            return Ok(Acceptance::NotPinned);
        }
        let mut found = Acceptance::Unknown;
        for definition in self.definitions()? {
            let definition = definition?;
            if definition.digest()? == *digest {
                if definition.until.is_none_or(|until| now < until) {
                    return Ok(Acceptance::Accepted(definition));
                }
                found = Acceptance::Expired(definition);
            }
        }
        Ok(found)
    }

    /// Accepted definitions; none if the item is not pinned.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn definitions(self) -> Result<impl Iterator<Item = Result<Definition<'b>, Unreadable>>, Unreadable> {
        let bundle = self.bundle;
        let list = self.list(layout::item_extra::DEFINITIONS)?;
        Ok(list.into_iter().flat_map(List::numbers).map(move |number| Definition::read(bundle, number?)))
    }

    /// The approval that every call needs.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn approval(self) -> Result<Option<ApprovalTerms<'b>>, Unreadable> {
        ApprovalTerms::read(self.bundle, self.field(layout::item_extra::APPROVAL)?)
    }

    /// A condition for every call.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn condition(self) -> Result<Option<Condition<'b>>, Unreadable> {
        Condition::read(self.bundle, self.field(layout::item_extra::CONDITION)?)
    }

    /// The constraints on its arguments.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn arguments(self) -> Result<impl Iterator<Item = Result<ArgumentRule<'b>, Unreadable>>, Unreadable> {
        let bundle = self.bundle;
        let list = self.list(layout::item_extra::ARGUMENTS)?;
        Ok(list.into_iter().flat_map(List::numbers).map(move |number| {
            let record = bundle.sections.record(Section::ArgumentRules, number?)?;
            let path = bundle.sections.list(record.field(0)?)?.ok_or(Unreadable)?;
            let condition = Condition::read(bundle, record.field(1)?)?.ok_or(Unreadable)?;
            Ok(ArgumentRule { path, condition })
        }))
    }

    /// Arguments that a record may show, each by the keys that lead to it (lists of names).
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn shown_arguments(self) -> Result<impl Iterator<Item = Result<List<'b>, Unreadable>>, Unreadable> {
        let list = self.list(layout::item_extra::SHOWN)?;
        Ok(list.into_iter().flat_map(List::lists))
    }

    /// Whether a call needs relations confirmed.
    pub fn has_checks(self) -> bool {
        self.record.pair(layout::item::CHECKS).is_ok_and(|(_, count)| count != 0)
    }

    /// The relations that a call needs, all of them.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn checks(self) -> Result<impl Iterator<Item = Result<Check<'b>, Unreadable>>, Unreadable> {
        let (start, count) = self.record.pair(layout::item::CHECKS)?;
        let range = self.bundle.sections.range(Section::Checks, start, count)?;
        Ok(range.map(move |number| Check::read(&self.bundle.sections, number)))
    }

    /// A field that few items have; 0 if this item has none.
    fn field(self, field: usize) -> Result<u32, Unreadable> {
        self.extra.map_or(Ok(0), |extra| extra.field(field))
    }

    fn list(self, field: usize) -> Result<Option<List<'b>>, Unreadable> {
        self.bundle.sections.list(self.field(field)?)
    }
}

fn kind(stored: u32) -> Result<ItemKind, Unreadable> {
    ItemKind::ALL.into_iter().find(|kind| *kind as u32 == stored).ok_or(Unreadable)
}

impl Bundle {
    /// All items, in order of server, kind and name.
    pub fn items(&self) -> impl Iterator<Item = Item<'_>> {
        (0..self.sections.count(Section::Items)).filter_map(|number| Item::read(self, number).ok())
    }

    /// The items of one server, which are stored together.
    pub(super) fn items_of(&self, server: u32) -> impl Iterator<Item = Item<'_>> {
        let owner = |number| self.sections.record(Section::Items, number)?.field(layout::item::SERVER);
        let (mut low, mut high) = (0, self.sections.count(Section::Items));
        while low < high {
            let middle = low.midpoint(high);
            if owner(middle).is_ok_and(|found| found < server) {
                low = middle.saturating_add(1);
            } else {
                high = middle;
            }
        }
        (low..self.sections.count(Section::Items))
            .take_while(move |number| owner(*number) == Ok(server))
            .filter_map(|number| Item::read(self, number).ok())
    }
}

impl<'b> Definition<'b> {
    fn read(bundle: &'b Bundle, number: u32) -> Result<Definition<'b>, Unreadable> {
        let record = bundle.sections.record(Section::Definitions, number)?;
        let until = record.long(layout::definition::UNTIL)?.checked_sub(1);
        Ok(Definition { bundle, number, record, until })
    }

    /// The version's name; empty if there is just one.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn version(self) -> Result<&'b str, Unreadable> {
        self.bundle.sections.string(self.record, layout::definition::VERSION)
    }

    /// SHA-256 of the canonical definition.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn digest(self) -> Result<[u8; 32], Unreadable> {
        self.record.bytes32(layout::definition::DIGEST)
    }
}

/// A relation that calls of an item need, with templates for the object and the subject.
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
    /// [`Unreadable`] if the bundle is malformed.
    pub fn object(self) -> Result<Vec<Part<'b>>, Unreadable> {
        self.parts(self.object)
    }

    /// Parts of the subject id.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
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
    /// Literal text.
    Literal(&'b str),
    /// An argument, by the keys that lead to it; at least one.
    Argument(Vec<&'b str>),
    /// The subject's `sub`.
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
