//! Compares the contents of two bundles, without the fields that each release changes.
//!
//! Records name their strings by offset, and the revision is one of the strings. The heap of strings therefore cannot
//! be compared byte for byte. Strings are compared through the records that name them; all other sections byte for
//! byte. Unread bytes count too: gaps between sections, sections of later formats, strings without a record.

use super::Bundle;
use super::header::Header;
use super::layout::{HEADER, PartKind, SECTION_ENTRY, Section, manifest};
use super::le::u32_at;
use super::read::{Record, Sections, Unreadable, index};
use sha2::{Digest as _, Sha256};

/// Fields of strings in a record: the first of the two.
const fn strings(section: Section) -> &'static [usize] {
    match section {
        // The revision is not among them.
        Section::Manifest => &[manifest::ORGANISATION],
        Section::Tiers
        | Section::Segments
        | Section::Names
        | Section::Conditions
        | Section::Definitions
        | Section::MethodRules
        | Section::PrincipalExtras
        | Section::AgentTypes => &[0],
        Section::Scopes | Section::Items | Section::Rules | Section::Parts => &[1],
        Section::ParamHeaders => &[2],
        Section::Addresses | Section::Issuers | Section::Claims => &[0, 2],
        Section::Principals => &[1, 3],
        Section::Checks => &[0, 2, 6],
        Section::Servers => &[0, 2, 4, 7, 11],
        Section::Strings
        | Section::AddressTable
        | Section::ItemTable
        | Section::PrincipalTable
        | Section::Ceilings
        | Section::Lists
        | Section::Code
        | Section::ItemExtras
        | Section::Approvals
        | Section::ArgumentRules
        | Section::RuleExtras
        | Section::Budgets => &[],
    }
}

impl Bundle {
    /// The sections that differ from another bundle's, by name. Revision, serial number, end of validity, digest and
    /// signatures do not count.
    pub fn differs_from(&self, other: &Bundle) -> Vec<String> {
        let mut out = Vec::new();
        let header = |header: &Header| (header.format, header.lowest_reader, header.sections);
        if header(&self.header) != header(&other.header) {
            out.push("header".to_owned());
        }
        for section in Section::ALL {
            if print(&self.sections, section) != print(&other.sections, section) {
                out.push(format!("{section:?}"));
            }
        }
        if rest(&self.sections, &self.header) != rest(&other.sections, &other.header) {
            out.push("bytes outside of the known sections".to_owned());
        }
        out
    }
}

/// A digest of the meaning of a section; of its bytes if it cannot be read.
fn print(sections: &Sections, section: Section) -> [u8; 32] {
    read(sections, section)
        .unwrap_or_else(|| Sha256::digest(sections.section(section).unwrap_or_default()).into())
}

fn read(sections: &Sections, section: Section) -> Option<[u8; 32]> {
    let mut hasher = Sha256::new();
    let stride = sections.stride(section);
    hasher.update((stride as u64).to_le_bytes());
    match section {
        Section::Strings => unnamed(sections, &mut hasher).ok()?,
        _ if stride <= 4 => hasher.update(sections.section(section).ok()?),
        _ => {
            for number in 0..sections.count(section) {
                record(sections, section, number, &mut hasher).ok()?;
            }
        }
    }
    Some(hasher.finalize().into())
}

/// Whether a record of `section` has a string at this field: a part of a template has one only if it is a literal.
fn has_string(section: Section, record: Record<'_>, field: usize, stride: usize) -> bool {
    let is_there = field.saturating_add(2).saturating_mul(4) <= stride;
    is_there && (section != Section::Parts || record.field(0) == Ok(PartKind::Literal as u32))
}

fn record(sections: &Sections, section: Section, number: u32, hasher: &mut Sha256) -> Result<(), Unreadable> {
    let (record, stride) = (sections.record(section, number)?, sections.stride(section));
    let mut field = 0_usize;
    while field.saturating_mul(4) < stride {
        if section == Section::Manifest && field == manifest::REVISION {
            field = field.saturating_add(2);
        } else if strings(section).contains(&field) && has_string(section, record, field, stride) {
            let (start, length) = record.pair(field)?;
            // A longer revision moves the strings after it: the organisation, and names of environments.
            if !matches!(section, Section::Manifest | Section::Names) {
                hasher.update(start.to_le_bytes());
            }
            hasher.update(length.to_le_bytes());
            hasher.update(sections.string(record, field)?);
            field = field.saturating_add(2);
        } else {
            hasher.update(record.field(field)?.to_le_bytes());
            field = field.saturating_add(1);
        }
    }
    Ok(())
}

/// The bytes of the heap of strings that no record names.
fn unnamed(sections: &Sections, hasher: &mut Sha256) -> Result<(), Unreadable> {
    let mut named = Vec::new();
    for section in Section::ALL {
        let stride = sections.stride(section);
        let revision: &[usize] = if section == Section::Manifest { &[manifest::REVISION] } else { &[] };
        let fields = || strings(section).iter().chain(revision);
        if fields().next().is_none() {
            continue;
        }
        for number in 0..sections.count(section) {
            let record = sections.record(section, number)?;
            for field in fields().filter(|field| has_string(section, record, **field, stride)) {
                named.push(record.pair(*field)?);
            }
        }
    }
    named.sort_unstable();
    let mut free = 0_u32;
    for (start, length) in named {
        if let Some(between) = start.checked_sub(free) {
            hasher.update(sections.bytes(Section::Strings, free, between)?);
        }
        free = free.max(start.checked_add(length).ok_or(Unreadable)?);
    }
    let end = u32::try_from(sections.length(Section::Strings)).map_err(|_| Unreadable)?;
    hasher.update(sections.bytes(Section::Strings, free.min(end), end.saturating_sub(free))?);
    Ok(())
}

/// The bytes between and behind the sections that this reader knows, and the sections that it does not know.
fn rest(sections: &Sections, header: &Header) -> Option<[u8; 32]> {
    let bytes = sections.whole().get(..index(header.length))?;
    let mut hasher = Sha256::new();
    let mut free = HEADER.checked_add(index(header.sections).checked_mul(SECTION_ENTRY)?)?;
    // The table is in order of offsets: that was checked when the bundle was opened.
    for entry in bytes.get(HEADER..free)?.chunks_exact(SECTION_ENTRY) {
        let (kind, start) = (u32_at(entry, 0)?, index(u32_at(entry, 4)?));
        let end = start.checked_add(index(u32_at(entry, 8)?))?;
        hasher.update(bytes.get(free..start)?);
        if !Section::ALL.into_iter().any(|section| section as u32 == kind) {
            hasher.update(kind.to_le_bytes());
            hasher.update(entry.get(12..)?);
            hasher.update(bytes.get(start..end)?);
        }
        free = end;
    }
    hasher.update(bytes.get(free..)?);
    Some(hasher.finalize().into())
}
