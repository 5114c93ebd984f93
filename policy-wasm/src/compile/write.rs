//! The bundle's bytes, from a policy that makes sense.

use super::policy::Policy;
use super::server::Server;
use super::table;
use super::template::{Check, Template};
use crate::bundle::layout::{
    ALL_SERVERS, DIGEST, FORMAT, HEADER, PartKind, PrincipalKind, SECTION_ENTRY, Section,
};
use crate::bundle::{Header, Part, digest};
use std::collections::BTreeMap;

/// The policy does not fit into a bundle; says why.
pub(super) struct TooLarge(pub(super) &'static str);

const TOO_LONG: TooLarge = TooLarge("the policy is too large: its bundle would exceed 4 GiB");
/// Most pairs of a holder and a server in a bundle; 12 bytes each.
const MAX_CEILINGS: usize = 4_000_000;

/// Ceilings of a holder: server to tier and rule.
type Ceilings = BTreeMap<u32, (u32, u32)>;

/// Writes the bundle.
pub(super) fn bundle(policy: &Policy<'_>) -> Result<Vec<u8>, TooLarge> {
    let mut writer = Writer::default();
    let revision = writer.string(policy.revision)?;
    let organisation = writer.string(policy.organisation)?;
    writer.record(Section::Manifest, &[&revision, &organisation, &[policy.max_chain]]);
    for tier in &policy.tiers {
        let name = writer.string(tier)?;
        writer.record(Section::Tiers, &[&name]);
    }
    writer.servers(policy)?;
    writer.principals(policy)?;
    for rule in &policy.rules {
        let id = writer.string(rule.id)?;
        writer.record(Section::Rules, &[&[rule.kind as u32], &id]);
    }
    writer.finish(policy)
}

#[derive(Default)]
struct Writer {
    sections: BTreeMap<Section, Vec<u8>>,
    strings: BTreeMap<String, [u32; 2]>,
}

fn number(count: usize) -> Result<u32, TooLarge> {
    u32::try_from(count).map_err(|_| TOO_LONG)
}

impl Writer {
    /// Offset and length of a string in the heap; equal strings are stored once.
    fn string(&mut self, text: &str) -> Result<[u32; 2], TooLarge> {
        if let Some(place) = self.strings.get(text) {
            return Ok(*place);
        }
        let heap = self.sections.entry(Section::Strings).or_default();
        let place = [number(heap.len())?, number(text.len())?];
        heap.extend(text.as_bytes());
        self.strings.insert(text.to_owned(), place);
        Ok(place)
    }

    fn record(&mut self, section: Section, fields: &[&[u32]]) {
        let bytes = self.sections.entry(section).or_default();
        bytes.extend(fields.iter().copied().flatten().flat_map(|field| field.to_le_bytes()));
    }

    /// The number that the next record of a section gets.
    fn next(&self, section: Section) -> Result<u32, TooLarge> {
        let length = number(self.sections.get(&section).map_or(0, Vec::len))?;
        Ok(length.checked_div(section.stride()).unwrap_or(0))
    }

    fn servers(&mut self, policy: &Policy<'_>) -> Result<(), TooLarge> {
        let (mut addresses, mut tools) = (Vec::new(), Vec::new());
        for (index, (id, server)) in (0u32..).zip(&policy.servers) {
            self.server(id, server)?;
            for authority in &server.authorities {
                let (host, path) = (self.string(authority)?, self.string(server.path)?);
                self.record(Section::Addresses, &[&host, &path, &[index]]);
                addresses.push((authority.as_str(), server.path));
            }
            for (name, tool) in &server.tools {
                let start = self.next(Section::Checks)?;
                // A check's record is written after the records it points to, and all of one tool's lie together.
                for check in &tool.checks {
                    self.check(check)?;
                }
                let text = self.string(name)?;
                let checks = [start, number(tool.checks.len())?];
                self.record(Section::Tools, &[&[index], &text, &[tool.tier], &checks]);
                tools.push((index, *name));
            }
        }
        let table = table::build(&addresses, |hash, (host, path)| hash.lowercase(host).string(path))?;
        self.sections.insert(Section::AddressTable, table);
        let table = table::build(&tools, |hash, (server, name)| hash.number(*server).string(name))?;
        self.sections.insert(Section::ToolTable, table);
        Ok(())
    }

    fn server(&mut self, id: &str, server: &Server<'_>) -> Result<(), TooLarge> {
        let scopes = [self.next(Section::Scopes)?, number(server.scopes.len())?];
        for (tier, scope) in &server.scopes {
            let scope = self.string(scope)?;
            self.record(Section::Scopes, &[&[*tier], &scope]);
        }
        let (id, resource) = (self.string(id)?, self.string(server.resource)?);
        let (path, owner) = (self.string(server.path)?, self.string(server.owner)?);
        self.record(Section::Servers, &[&id, &resource, &path, &[server.kind], &owner, &scopes]);
        Ok(())
    }

    fn check(&mut self, check: &Check<'_>) -> Result<(), TooLarge> {
        let object = self.parts(&check.object)?;
        let subject = self.parts(&check.subject)?;
        let relation = self.string(check.relation)?;
        let (object_type, subject_type) = (self.string(check.object.kind)?, self.string(check.subject.kind)?);
        self.record(Section::Checks, &[&relation, &object_type, &object, &subject_type, &subject]);
        Ok(())
    }

    fn parts(&mut self, template: &Template<'_>) -> Result<[u32; 2], TooLarge> {
        let place = [self.next(Section::Parts)?, number(template.parts.len())?];
        for part in &template.parts {
            let (kind, rest) = match part {
                Part::Literal(text) => (PartKind::Literal, self.string(text)?),
                Part::SubjectId => (PartKind::SubjectId, [0, 0]),
                Part::Argument(keys) => {
                    let path = [self.next(Section::Segments)?, number(keys.len())?];
                    for key in keys {
                        let key = self.string(key)?;
                        self.record(Section::Segments, &[&key]);
                    }
                    (PartKind::Argument, path)
                }
            };
            self.record(Section::Parts, &[&[kind as u32], &rest]);
        }
        Ok(place)
    }

    fn principals(&mut self, policy: &Policy<'_>) -> Result<(), TooLarge> {
        let principals = ceilings(policy)?;
        for ((kind, issuer, name), ceilings) in &principals {
            let place = [self.next(Section::Ceilings)?, number(ceilings.len())?];
            for (server, (tier, rule)) in ceilings {
                self.record(Section::Ceilings, &[&[*server, *tier, *rule]]);
            }
            let (issuer, name) = (self.string(issuer)?, self.string(name)?);
            self.record(Section::Principals, &[&[*kind as u32], &issuer, &name, &place]);
        }
        let keys: Vec<_> = principals.into_keys().collect();
        let table = table::build(&keys, |hash, (kind, issuer, name)| {
            hash.number(*kind as u32).string(issuer).string(name)
        })?;
        self.sections.insert(Section::PrincipalTable, table);
        Ok(())
    }

    fn finish(mut self, policy: &Policy<'_>) -> Result<Vec<u8>, TooLarge> {
        let table = Section::ALL.len().saturating_mul(SECTION_ENTRY);
        let mut offset = HEADER.saturating_add(table);
        let (mut entries, mut contents) = (Vec::new(), Vec::new());
        for section in Section::ALL {
            let bytes = self.sections.remove(&section).unwrap_or_default();
            let fields = [section as u32, number(offset)?, number(bytes.len())?, section.stride()];
            entries.extend(fields.into_iter().flat_map(u32::to_le_bytes));
            offset = offset.saturating_add(bytes.len());
            contents.push(bytes);
        }
        let mut out = Vec::with_capacity(offset);
        let header = Header {
            format: FORMAT,
            lowest_reader: FORMAT,
            length: number(offset)?,
            sections: number(Section::ALL.len())?,
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
}

/// Writes the digest of a bundle's bytes into its header.
pub(crate) fn seal(bytes: &mut [u8]) {
    let digest = digest(bytes);
    for (byte, value) in bytes.iter_mut().skip(DIGEST).zip(digest) {
        *byte = value;
    }
}

/// The highest ceiling of every holder at every server that its rules name, and at all servers. Of two rules that
/// give the same, the one that comes first in order of ids is remembered.
fn ceilings<'n>(
    policy: &Policy<'n>,
) -> Result<BTreeMap<(PrincipalKind, &'n str, &'n str), Ceilings>, TooLarge> {
    let indices: BTreeMap<&str, u32> = policy.servers.keys().copied().zip(0u32..).collect();
    let mut principals: BTreeMap<_, Ceilings> = BTreeMap::new();
    let mut total = 0usize;
    for (rule, number) in policy.rules.iter().zip(0u32..) {
        let servers: Vec<u32> = match &rule.servers {
            None => vec![ALL_SERVERS],
            Some(names) => names.iter().filter_map(|name| indices.get(name).copied()).collect(),
        };
        total = total.saturating_add(servers.len().saturating_mul(rule.holders.len()));
        if total > MAX_CEILINGS {
            return Err(TooLarge(
                "the policy is too large: its grants give more than 4,000,000 ceilings (subjects times servers)",
            ));
        }
        for holder in &rule.holders {
            let held = principals.entry(*holder).or_default();
            for server in &servers {
                let highest = held.entry(*server).or_insert((rule.ceiling, number));
                if rule.ceiling > highest.0 {
                    *highest = (rule.ceiling, number);
                }
            }
        }
    }
    Ok(principals)
}
