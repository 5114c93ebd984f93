//! Bounds-checked reads of the bytes. A failed read is [`Unreadable`], which the PDP turns into a denial.

use super::error::{BundleError, ErrorKind};
use super::header::Header;
use super::layout::{
    DIGEST, HEADER, KeyHash, MAX_PROBE, MAX_SECTIONS, SECTION_ENTRY, SLOT, Section, TABLE_HEADER,
};
use super::le::{u32_at, u64_at};
use sha2::{Digest, Sha256};

/// A read outside of the bundle's sections, or a value without a meaning there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreadable;

/// The extent of a section; offsets are within the bundle.
#[derive(Debug, Clone, Copy, Default)]
struct Extent {
    start: usize,
    end: usize,
    stride: usize,
}

/// The bytes with their section table.
pub(super) struct Sections {
    bytes: Vec<u8>,
    extents: [Extent; Section::ALL.len()],
}

/// One record of a section.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'b>(&'b [u8]);

impl<'b> Record<'b> {
    /// The field with this number, counted from 0.
    pub(super) fn field(self, number: usize) -> Result<u32, Unreadable> {
        u32_at(self.0, number.saturating_mul(4)).ok_or(Unreadable)
    }

    /// Two fields.
    pub(super) fn pair(self, number: usize) -> Result<(u32, u32), Unreadable> {
        Ok((self.field(number)?, self.field(number.saturating_add(1))?))
    }

    /// Two fields as one number.
    pub(super) fn long(self, number: usize) -> Result<u64, Unreadable> {
        u64_at(self.0, number.saturating_mul(4)).ok_or(Unreadable)
    }

    /// Eight fields as 32 bytes.
    pub(super) fn bytes32(self, number: usize) -> Result<[u8; 32], Unreadable> {
        let start = number.saturating_mul(4);
        let bytes = self.0.get(start..start.saturating_add(32)).ok_or(Unreadable)?;
        bytes.try_into().map_err(|_| Unreadable)
    }

    /// A field that format 1 lacks and reads as 0. In later formats the section table guarantees it.
    pub(super) fn later(self, number: usize) -> u32 {
        self.field(number).unwrap_or(0)
    }

    /// Two fields that format 1 lacks.
    pub(super) fn later_pair(self, number: usize) -> (u32, u32) {
        self.pair(number).unwrap_or((0, 0))
    }

    /// Two fields that format 1 lacks, as one number.
    pub(super) fn later_long(self, number: usize) -> u64 {
        self.long(number).unwrap_or(0)
    }
}

pub(super) fn index(number: u32) -> usize {
    // `usize` has 32 or 64 bits on every target. A larger number would be out of bounds anyway.
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// SHA-256 of a bundle's bytes without the digest itself and without signatures.
pub fn digest(bytes: &[u8]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(bytes.get(..DIGEST).unwrap_or(bytes));
    hasher.update(bytes.get(HEADER..).unwrap_or_default());
    hasher.finalize().into()
}

impl Sections {
    /// Checks the bounds of the sections.
    pub(super) fn open(bytes: Vec<u8>, header: &Header) -> Result<Sections, BundleError> {
        let contents = bytes.get(..index(header.length)).unwrap_or_default();
        let extents = Self::extents(contents, header).ok_or(ErrorKind::Sections)?;
        Ok(Sections { bytes, extents })
    }

    /// All bytes, signatures included.
    pub(super) fn whole(&self) -> &[u8] {
        &self.bytes
    }

    fn extents(bytes: &[u8], header: &Header) -> Option<[Extent; Section::ALL.len()]> {
        let count = Some(header.sections).filter(|count| *count <= MAX_SECTIONS)?;
        let table = index(count).checked_mul(SECTION_ENTRY)?;
        let mut free = HEADER.checked_add(table)?;
        let entries = bytes.get(HEADER..free)?.chunks_exact(SECTION_ENTRY);
        let mut extents = [Extent::default(); Section::ALL.len()];
        let mut seen = 0u64;
        for entry in entries {
            let (kind, start) = (u32_at(entry, 0)?, index(u32_at(entry, 4)?));
            let (length, stride) = (index(u32_at(entry, 8)?), u32_at(entry, 12)?);
            let end = start.checked_add(length)?;
            // Sections follow each other without overlap, each kind once.
            let bit = 1u64.checked_shl(kind)?;
            if start < free || end > bytes.len() || seen & bit != 0 {
                return None;
            }
            free = end;
            seen |= bit;
            // A kind that this reader does not know may be ignored: a writer that needs it understood raises the
            // minimum reader version.
            let Some(section) = Section::ALL.into_iter().find(|section| *section as u32 == kind) else {
                continue;
            };
            // Nor does a format have sections of a later one: they would be read as if it had.
            let Some(least) = section.stride_in(header.format) else { continue };
            if stride < least || length.checked_rem(index(stride))? != 0 {
                return None;
            }
            let place = extents.get_mut(index(kind).checked_sub(1)?)?;
            *place = Extent { start, end, stride: index(stride) };
        }
        let complete = Section::ALL.into_iter().all(|section| {
            section.stride_in(header.format).is_none() || seen & 1u64.wrapping_shl(section as u32) != 0
        });
        complete.then_some(extents)
    }

    fn extent(&self, section: Section) -> Extent {
        let place = index(section as u32).saturating_sub(1);
        self.extents.get(place).copied().unwrap_or_default()
    }

    pub(super) fn section(&self, section: Section) -> Result<&[u8], Unreadable> {
        let extent = self.extent(section);
        self.bytes.get(extent.start..extent.end).ok_or(Unreadable)
    }

    /// How many records a section has.
    pub(super) fn count(&self, section: Section) -> u32 {
        let extent = self.extent(section);
        let length = extent.end.saturating_sub(extent.start);
        u32::try_from(length.checked_div(extent.stride).unwrap_or(0)).unwrap_or(0)
    }

    /// Length of a record in bytes, from the section table.
    #[cfg(feature = "tools")]
    pub(super) fn stride(&self, section: Section) -> usize {
        self.extent(section).stride
    }

    /// How many bytes a section has.
    pub(super) fn length(&self, section: Section) -> usize {
        let extent = self.extent(section);
        extent.end.saturating_sub(extent.start)
    }

    pub(super) fn record(&self, section: Section, number: u32) -> Result<Record<'_>, Unreadable> {
        let extent = self.extent(section);
        let start = index(number).checked_mul(extent.stride).ok_or(Unreadable)?;
        let end = start.checked_add(extent.stride).ok_or(Unreadable)?;
        self.section(section)?.get(start..end).map(Record).ok_or(Unreadable)
    }

    /// The string whose offset and length are the fields `field` and `field + 1`.
    pub(super) fn string(&self, record: Record<'_>, field: usize) -> Result<&str, Unreadable> {
        let bytes = self.string_bytes(record, field)?;
        std::str::from_utf8(bytes).map_err(|_| Unreadable)
    }

    /// The same of two fields that format 1 lacks.
    pub(super) fn later_string(&self, record: Record<'_>, field: usize) -> Result<&str, Unreadable> {
        let (start, length) = record.later_pair(field);
        std::str::from_utf8(self.bytes(Section::Strings, start, length)?).map_err(|_| Unreadable)
    }

    fn string_bytes(&self, record: Record<'_>, field: usize) -> Result<&[u8], Unreadable> {
        let (start, length) = record.pair(field)?;
        self.bytes(Section::Strings, start, length)
    }

    /// Bytes of a heap.
    pub(super) fn bytes(&self, heap: Section, start: u32, length: u32) -> Result<&[u8], Unreadable> {
        let start = index(start);
        let end = start.checked_add(index(length)).ok_or(Unreadable)?;
        self.section(heap)?.get(start..end).ok_or(Unreadable)
    }

    /// Whether that string is exactly `text`.
    pub(super) fn string_is(&self, record: Record<'_>, field: usize, text: &str) -> Result<bool, Unreadable> {
        Ok(self.string_bytes(record, field)? == text.as_bytes())
    }

    /// Whether that string, which is stored in lower case, is `text` in lower case.
    pub(super) fn lowercase_is(
        &self,
        record: Record<'_>,
        field: usize,
        text: &str,
    ) -> Result<bool, Unreadable> {
        let stored = self.string_bytes(record, field)?;
        let lower = |byte: u8| byte.to_ascii_lowercase();
        Ok(stored.len() == text.len() && stored.iter().copied().eq(text.bytes().map(lower)))
    }

    /// The record numbers `start..start + count`, if the section has them all.
    pub(super) fn range(
        &self,
        section: Section,
        start: u32,
        count: u32,
    ) -> Result<std::ops::Range<u32>, Unreadable> {
        let end = start.checked_add(count).ok_or(Unreadable)?;
        if end > self.count(section) { Err(Unreadable) } else { Ok(start..end) }
    }

    /// Looks a key up: the number of the record in `records` that `matches`.
    pub(super) fn find(
        &self,
        table: Section,
        records: Section,
        hash: impl Fn(KeyHash) -> KeyHash,
        matches: impl Fn(u32, Record<'_>) -> Result<bool, Unreadable>,
    ) -> Result<Option<u32>, Unreadable> {
        let bytes = self.section(table)?;
        let seed = u64_at(bytes, 0).ok_or(Unreadable)?;
        let slots = u32_at(bytes, 8).ok_or(Unreadable)?;
        let probe = u32_at(bytes, 12).filter(|probe| *probe <= MAX_PROBE).ok_or(Unreadable)?;
        let (tag, mut slot) = hash(KeyHash::new(seed)).tag_and_home(slots);
        for _ in 0..probe {
            let offset = index(slot).checked_mul(SLOT).and_then(|offset| offset.checked_add(TABLE_HEADER));
            let offset = offset.ok_or(Unreadable)?;
            let stored = u32_at(bytes, offset).ok_or(Unreadable)?;
            let Some(number) = u32_at(bytes, offset.saturating_add(4)).ok_or(Unreadable)?.checked_sub(1)
            else {
                return Ok(None);
            };
            if stored == tag && matches(number, self.record(records, number)?)? {
                return Ok(Some(number));
            }
            slot = slot.saturating_add(1);
            if slot >= slots {
                slot = 0;
            }
        }
        Ok(None)
    }
}
