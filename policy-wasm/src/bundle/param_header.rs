//! Headers that repeat arguments of tools (`x-mcp-header`), read in place.
//!
//! Source: MCP 2026-07-28, basic/transports/streamable-http (custom headers from tool parameters).

use super::layout::{ParamType, Section, param_header as fields};
use super::list::List;
use super::read::Unreadable;
use super::{Bundle, Definition, Item};

/// A header that repeats an argument.
#[derive(Debug, Clone, Copy)]
pub struct ParamHeader<'b> {
    /// The header name after `Mcp-Param-`, in lower case.
    pub name: &'b str,
    /// The keys that lead to the argument (list of names).
    pub path: List<'b>,
    /// The argument's type.
    pub value_type: ParamType,
    definition: Option<u32>,
}

impl ParamHeader<'_> {
    /// Whether the header belongs to one definition of the tool, and others may differ.
    pub fn is_of_one_definition(self) -> bool {
        self.definition.is_some()
    }

    /// Whether a client that was shown this definition sends it.
    pub fn is_of(self, definition: Definition<'_>) -> bool {
        self.definition.is_none_or(|number| number == definition.number)
    }
}

impl Bundle {
    /// Whether the policy knows of any tool that headers repeat arguments of.
    pub fn has_param_headers(&self) -> bool {
        self.sections.count(Section::ParamHeaders) > 0
    }
}

impl<'b> Item<'b> {
    /// The headers that repeat arguments of the tool, by definition and name. If there are any, the policy has all
    /// headers of every accepted definition.
    pub fn param_headers(self) -> impl Iterator<Item = Result<ParamHeader<'b>, Unreadable>> {
        let sections = &self.bundle.sections;
        let owner = move |number| sections.record(Section::ParamHeaders, number)?.field(fields::ITEM);
        let count = sections.count(Section::ParamHeaders);
        let (mut low, mut high) = (0, count);
        while low < high {
            let middle = low.midpoint(high);
            if owner(middle).is_ok_and(|found| found < self.number()) {
                low = middle.saturating_add(1);
            } else {
                high = middle;
            }
        }
        let item = self.number();
        (low..count).take_while(move |number| owner(*number) == Ok(item)).map(move |number| {
            let record = sections.record(Section::ParamHeaders, number)?;
            let stored = record.field(fields::TYPE)?;
            Ok(ParamHeader {
                name: sections.string(record, fields::NAME)?,
                path: sections.list(record.field(fields::PATH)?)?.ok_or(Unreadable)?,
                value_type: ParamType::ALL
                    .into_iter()
                    .find(|known| *known as u32 == stored)
                    .ok_or(Unreadable)?,
                definition: record.field(fields::DEFINITION)?.checked_sub(1),
            })
        })
    }
}
