//! The bundle's bytes, from a policy that makes sense.
//!
//! ```text
//! Policy ─PolicyIndex: numbers for servers, items, rules, principals; where each rule hangs─> sections ─> bytes
//! ```
//!
//! The contents of a policy decide the bytes: lists without a meaningful order are sorted here.

mod catalogue;
mod error;
mod hash_table;
mod index;
mod principals;
mod rule;
mod rules;
mod sections;

use crate::bundle::Header;
use crate::bundle::digest;
use crate::bundle::layout::{
    DIGEST, FORMAT, FORMAT_2, FORMAT_3, HEADER, PrincipalKind, SECTION_ENTRY, Section,
};
use crate::policy::Policy;
pub use error::TooLarge;
use index::PolicyIndex;
use sections::{SectionBuffers, above, long, number};

/// Writes a policy as the bytes of one bundle, not signed yet.
///
/// # Errors
/// [`TooLarge`] if one decision could need too much work, or if the bundle would exceed 4 GiB.
pub fn write(policy: &Policy) -> Result<Vec<u8>, TooLarge> {
    let policy_index = PolicyIndex::of(policy)?;
    let mut buffers = SectionBuffers::default();
    for tier in &policy.tiers {
        let name = buffers.string(tier)?;
        buffers.record(Section::Tiers, &[&name]);
    }
    buffers.issuers(policy)?;
    buffers.agent_types(policy)?;
    buffers.catalogue(&policy_index)?;
    let methods = buffers.methods(None, &policy.methods)?;
    buffers.rules(&policy_index, policy)?;
    buffers.principals(&policy_index)?;
    buffers.manifest(policy, &policy_index, methods)?;
    finish(buffers, policy)
}

impl SectionBuffers {
    fn manifest(
        &mut self,
        policy: &Policy,
        policy_index: &PolicyIndex<'_>,
        methods: [u32; 2],
    ) -> Result<(), TooLarge> {
        let (revision, organisation) = (self.string(&policy.revision)?, self.string(&policy.organisation)?);
        let consent = [above(policy.consent.required_from), above(policy.consent.reason_from)];
        let life = long(policy.consent.longest_life.map_or(0, |life| life.saturating_add(1)));
        let environments: Vec<u32> =
            policy.environments.iter().map(|name| self.name(name)).collect::<Result<_, _>>()?;
        let lists = [self.list_or_none(&environments)?, self.list_or_none(&policy_index.global)?];
        // The highest bit distinguishes a policy without principals from format 1, which lacks this field.
        let kinds = policy_index
            .principals
            .keys()
            .fold(1u32 << 31, |kinds, (kind, ..)| kinds | PrincipalKind::bit(*kind));
        let fields: [&[u32]; 8] = [
            &revision,
            &organisation,
            &[policy.chain.max_length],
            &consent,
            &life,
            &lists,
            &methods,
            &[kinds, 1],
        ];
        self.record(Section::Manifest, &fields);
        Ok(())
    }

    fn issuers(&mut self, policy: &Policy) -> Result<(), TooLarge> {
        let trusted = policy.chain.trusted_issuers.as_ref();
        let trusts = |identifier: &str| trusted.is_none_or(|trusted| trusted.contains_key(identifier));
        let wide = policy.chain.has_vouchers();
        let mut issuers: Vec<(&str, &str)> = Vec::new();
        for (short, identifier) in &policy.issuers {
            issuers.push((identifier, short));
        }
        for identifier in trusted.into_iter().flatten().map(|(identifier, _)| identifier) {
            if !policy.issuers.values().any(|known| known == identifier) {
                issuers.push((identifier, ""));
            }
        }
        issuers.sort_unstable();
        for (identifier, short) in issuers {
            let others =
                trusted.and_then(|trusted| trusted.get(identifier)).filter(|others| !others.is_empty());
            let others = others.map(|others| self.names(others)).transpose()?;
            let trusted = u32::from(trusts(identifier));
            let (short, identifier) = (self.string(short)?, self.string(identifier)?);
            let vouches_for = [others.unwrap_or(0)];
            let last: &[u32] = if wide { &vouches_for } else { &[] };
            self.record(Section::Issuers, &[&short, &identifier, &[trusted], last]);
        }
        Ok(())
    }

    fn agent_types(&mut self, policy: &Policy) -> Result<(), TooLarge> {
        for (name, agent_type) in &policy.agent_types {
            let name = self.string(name)?;
            let kinds = agent_type.server_kinds.iter().fold(0, |kinds, kind| kinds | kind.bit());
            self.record(Section::AgentTypes, &[&name, &[kinds, above(agent_type.ceiling)]]);
        }
        Ok(())
    }
}

fn finish(mut buffers: SectionBuffers, policy: &Policy) -> Result<Vec<u8>, TooLarge> {
    // A reader that ignored vouchers or these headers would decide otherwise, so it must be one that knows them.
    let format = if policy.chain.has_vouchers() {
        FORMAT
    } else if buffers.has(Section::ParamHeaders) {
        FORMAT_3
    } else {
        FORMAT_2
    };
    let sections: Vec<Section> =
        Section::ALL.into_iter().filter(|section| section.stride_in(format).is_some()).collect();
    let table = sections.len().saturating_mul(SECTION_ENTRY);
    let mut offset = HEADER.saturating_add(table);
    let (mut entries, mut contents) = (Vec::new(), Vec::new());
    for section in &sections {
        let section = *section;
        let bytes = buffers.take(section);
        let stride = section.stride_in(format).unwrap_or(section.stride());
        let fields = [section as u32, number(offset)?, number(bytes.len())?, stride];
        entries.extend(fields.into_iter().flat_map(u32::to_le_bytes));
        offset = offset.saturating_add(bytes.len());
        contents.push(bytes);
    }
    let mut out = Vec::with_capacity(offset);
    let header = Header {
        format,
        lowest_reader: format,
        length: number(offset)?,
        sections: number(sections.len())?,
        serial: policy.serial,
        not_after: policy.not_after,
        digest: [0; 32],
    };
    out.extend(header.to_bytes());
    out.extend(entries);
    contents.iter().for_each(|bytes| out.extend(bytes));
    seal(&mut out);
    Ok(out)
}

/// Writes the digest of a bundle's bytes into its header.
fn seal(bytes: &mut [u8]) {
    let digest = digest(bytes);
    for (byte, value) in bytes.iter_mut().skip(DIGEST).zip(digest) {
        *byte = value;
    }
}
