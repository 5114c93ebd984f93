//! The sections as they grow: records, and strings, lists and conditions that are stored once.

use super::error::TooLarge;
use crate::bundle::layout::Section;
use crate::policy::Condition;
use std::collections::BTreeMap;

pub(super) const TOO_LONG: TooLarge = TooLarge("the policy is too large: its bundle would exceed 4 GiB");

/// The sections so far.
#[derive(Default)]
pub(super) struct SectionBuffers {
    sections: BTreeMap<Section, Vec<u8>>,
    strings: BTreeMap<String, [u32; 2]>,
    names: BTreeMap<String, u32>,
    code: BTreeMap<Vec<u8>, [u32; 2]>,
    records: BTreeMap<(Section, Vec<u32>), u32>,
}

pub(super) fn number(count: usize) -> Result<u32, TooLarge> {
    u32::try_from(count).map_err(|_| TOO_LONG)
}

/// A number that counts from 1, with 0 for none.
pub(super) fn above(number: Option<u32>) -> u32 {
    number.map_or(0, |number| number.saturating_add(1))
}

/// The low and the high half of a number.
pub(super) fn long(number: u64) -> [u32; 2] {
    [(number & u64::from(u32::MAX)) as u32, (number >> 32) as u32]
}

impl SectionBuffers {
    /// Offset and length of a string in the heap of strings.
    pub(super) fn string(&mut self, text: &str) -> Result<[u32; 2], TooLarge> {
        if let Some(place) = self.strings.get(text) {
            return Ok(*place);
        }
        let place = self.bytes(Section::Strings, text.as_bytes())?;
        self.strings.insert(text.to_owned(), place);
        Ok(place)
    }

    fn bytes(&mut self, section: Section, bytes: &[u8]) -> Result<[u32; 2], TooLarge> {
        let buffers = self.sections.entry(section).or_default();
        let place = [number(buffers.len())?, number(bytes.len())?];
        buffers.extend(bytes);
        Ok(place)
    }

    pub(super) fn record(&mut self, section: Section, fields: &[&[u32]]) {
        let bytes = self.sections.entry(section).or_default();
        bytes.extend(fields.iter().copied().flatten().flat_map(|field| field.to_le_bytes()));
    }

    /// The number of the next record of a section.
    pub(super) fn next(&self, section: Section) -> Result<u32, TooLarge> {
        let length = number(self.sections.get(&section).map_or(0, Vec::len))?;
        Ok(length.checked_div(section.stride()).unwrap_or(0))
    }

    /// The number of a record, counted from 1; equal records are stored once.
    pub(super) fn shared(&mut self, section: Section, fields: &[u32]) -> Result<u32, TooLarge> {
        let key = (section, fields.to_vec());
        if let Some(number) = self.records.get(&key) {
            return Ok(*number);
        }
        let number = self.next(section)?.saturating_add(1);
        self.record(section, &[fields]);
        self.records.insert(key, number);
        Ok(number)
    }

    /// The field that names this list.
    pub(super) fn list(&mut self, numbers: &[u32]) -> Result<u32, TooLarge> {
        let key = (Section::Lists, numbers.to_vec());
        if let Some(place) = self.records.get(&key) {
            return Ok(*place);
        }
        if self.next(Section::Lists)? == 0 {
            // No list is at 0, which means none.
            self.record(Section::Lists, &[&[0]]);
        }
        let place = self.next(Section::Lists)?;
        self.record(Section::Lists, &[&[number(numbers.len())?], numbers]);
        self.records.insert(key, place);
        Ok(place)
    }

    /// The same, with 0 for an empty list.
    pub(super) fn list_or_none(&mut self, numbers: &[u32]) -> Result<u32, TooLarge> {
        if numbers.is_empty() { Ok(0) } else { self.list(numbers) }
    }

    /// The number of a string that lists can name.
    pub(super) fn name(&mut self, text: &str) -> Result<u32, TooLarge> {
        if let Some(number) = self.names.get(text) {
            return Ok(*number);
        }
        let (number, place) = (self.next(Section::Names)?, self.string(text)?);
        self.record(Section::Names, &[&place]);
        self.names.insert(text.to_owned(), number);
        Ok(number)
    }

    /// The field that names the list of these strings, which must come in order.
    pub(super) fn names<'t>(&mut self, texts: impl IntoIterator<Item = &'t String>) -> Result<u32, TooLarge> {
        let numbers: Vec<u32> = texts.into_iter().map(|text| self.name(text)).collect::<Result<_, _>>()?;
        self.list(&numbers)
    }

    /// The field that names a condition.
    pub(super) fn condition(&mut self, condition: Option<&Condition>) -> Result<u32, TooLarge> {
        let Some(condition) = condition else { return Ok(0) };
        let text = self.string(&condition.text)?;
        let code = match self.code.get(&condition.code) {
            Some(place) => *place,
            None => {
                let place = self.bytes(Section::Code, &condition.code)?;
                self.code.insert(condition.code.clone(), place);
                place
            }
        };
        let [text, text_length] = text;
        let [code, code_length] = code;
        self.shared(Section::Conditions, &[text, text_length, code, code_length])
    }

    /// Puts a hash table in its section.
    pub(super) fn table(&mut self, section: Section, table: Vec<u8>) {
        self.sections.insert(section, table);
    }

    /// Whether a section has anything.
    pub(super) fn has(&self, section: Section) -> bool {
        self.sections.get(&section).is_some_and(|bytes| !bytes.is_empty())
    }

    pub(super) fn take(&mut self, section: Section) -> Vec<u8> {
        self.sections.remove(&section).unwrap_or_default()
    }
}
