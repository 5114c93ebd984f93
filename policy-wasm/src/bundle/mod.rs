//! The compiled policy, read in place.
//!
//! A [`Bundle`] is a container of our own: header with label, versions, serial and SHA-256 digest, section table,
//! fixed-size records, a string heap and open-addressing hash tables, signatures (`docs/bundle.md`).
//! [`Unverified::open`] checks the header and the bounds of the sections, [`Unverified::verify`] the digest, the
//! signatures and the serial; only a [`Bundle`] can be asked, and there is no other way to one. Nothing is unpacked:
//! every look-up reads the bytes where they are, each access checked. A bundle that was made to be nonsense inside, by
//! somebody who may sign, opens and gives denials.
//!
//! ```text
//! bytes ─Unverified::open─> Unverified ─verify(Trust)─> Bundle
//!
//! server  (authority, path)        ─AddressTable──> Servers ─> Scopes
//! tool    (server, name)           ─ToolTable─────> Tools ─> Checks ─> Parts ─> Segments
//! holder  (kind, issuer, name)     ─PrincipalTable> Principals ─> Ceilings ─> Rules
//! ```

mod error;
mod header;
pub mod layout;
mod read;
mod records;
mod signature;
mod unverified;

pub use error::BundleError;
pub use header::Header;
pub use read::{Unreadable, digest};
pub use records::{Check, HeldCeiling, Part, Rule, Server, Tool};
pub use signature::{KeyError, KeyId, PublicKey, Trust, TrustError};
pub use unverified::Unverified;

use layout::{MAX_CHAIN, MAX_TIERS, PrincipalKind, Section};
use read::Sections;
use std::fmt;

/// A compiled policy whose digest, signatures and serial were checked: the only thing that can be asked.
pub struct Bundle {
    sections: Sections,
    header: Header,
    signers: Vec<KeyId>,
    revision: String,
    max_chain: u32,
}

impl fmt::Debug for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bundle")
            .field("revision", &self.revision)
            .field("bytes", &self.sections.bytes().len())
            .finish()
    }
}

impl Bundle {
    /// Opens and verifies a bundle: [`Unverified::open`], then [`Unverified::verify`].
    ///
    /// # Errors
    /// [`BundleError`] says what is wrong with the bytes, or whose signature is missing. Any bytes at all give an
    /// error or a bundle, never a panic.
    pub fn open(bytes: Vec<u8>, trust: &Trust) -> Result<Bundle, BundleError> {
        Unverified::open(bytes)?.verify(trust)
    }

    /// What the readers below rely on: the manifest, the tiers and every server can be read.
    fn check(sections: Sections, header: Header, signers: Vec<KeyId>) -> Result<Bundle, Unreadable> {
        let manifest = sections.record(Section::Manifest, 0)?;
        let named = sections.string(manifest, 0)?;
        let revision = if named.is_empty() {
            header.digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
        } else {
            named.to_owned()
        };
        let max_chain = manifest.field(4)?;
        let bundle = Bundle { revision, max_chain, sections, header, signers };
        bundle.organisation()?;
        let tiers = bundle.sections.count(Section::Tiers);
        let bounded = (1..=MAX_TIERS).contains(&tiers) && (1..=MAX_CHAIN).contains(&max_chain);
        if !bounded || bundle.sections.count(Section::Manifest) != 1 {
            return Err(Unreadable);
        }
        for tier in 0..tiers {
            bundle.tier_name(tier)?;
        }
        bundle.servers().try_for_each(Server::check)?;
        Ok(bundle)
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The serial number; 0 where the publisher gave none.
    pub fn serial(&self) -> u64 {
        self.header.serial
    }

    /// The Unix second from which on the bundle permits nothing.
    pub fn not_after(&self) -> Option<u64> {
        self.header.not_after
    }

    /// The trusted keys whose signatures were checked; none where the digest alone was.
    pub fn signers(&self) -> &[KeyId] {
        &self.signers
    }

    /// The revision: the name that the publisher gave, or the first 16 hex digits of the digest.
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// SHA-256 of the contents, 32 bytes.
    pub fn digest(&self) -> &[u8] {
        &self.header.digest
    }

    /// The organisation that the policy names; empty where it names none.
    ///
    /// # Errors
    /// [`Unreadable`] where the bundle is nonsense; [`Unverified::verify`] made sure that it is not.
    pub fn organisation(&self) -> Result<&str, Unreadable> {
        self.sections.string(self.sections.record(Section::Manifest, 0)?, 2)
    }

    /// Most actors in a chain, the calling one included: 1 to 8.
    pub fn max_chain(&self) -> u32 {
        self.max_chain
    }

    /// How many tiers there are: 1 to 16.
    pub fn tiers(&self) -> u32 {
        self.sections.count(Section::Tiers)
    }

    /// The name of a tier; 0 is the lowest.
    ///
    /// # Errors
    /// [`Unreadable`] where there is no such tier.
    pub fn tier_name(&self, tier: u32) -> Result<&str, Unreadable> {
        self.sections.string(self.sections.record(Section::Tiers, tier)?, 0)
    }

    /// How many servers, tools and rules the policy has.
    pub fn counts(&self) -> (u32, u32, u32) {
        let count = |section| self.sections.count(section);
        (count(Section::Servers), count(Section::Tools), count(Section::Rules))
    }

    /// Whether any tool asks the authorization cluster.
    pub fn has_checks(&self) -> bool {
        self.sections.count(Section::Checks) > 0
    }

    /// The server that a request is for: exact path (what follows a `?` does not count), and authority compared
    /// without case, port included; `None` is a denial.
    pub fn server_at(&self, authority: &str, path: &str) -> Option<Server<'_>> {
        let path = path.split_once('?').map_or(path, |(before, _)| before);
        let found = self.sections.find(
            Section::AddressTable,
            Section::Addresses,
            |hash| hash.lowercase(authority).string(path),
            |record| {
                Ok(self.sections.lowercase_is(record, 0, authority)?
                    && self.sections.string_is(record, 2, path)?)
            },
        );
        let address = self.sections.record(Section::Addresses, found.ok()??).ok()?;
        self.server(address.field(4).ok()?)
    }

    /// The server with this index, from [`Server::index`].
    pub fn server(&self, index: u32) -> Option<Server<'_>> {
        (index < self.sections.count(Section::Servers)).then_some(Server { bundle: self, index })
    }

    /// All servers, in order of their ids.
    pub fn servers(&self) -> impl Iterator<Item = Server<'_>> {
        (0..self.sections.count(Section::Servers)).filter_map(|index| self.server(index))
    }

    /// The highest ceiling that the policy's rules give this holder at this server.
    ///
    /// # Errors
    /// [`Unreadable`] where the bundle is nonsense.
    pub fn ceiling(
        &self,
        kind: PrincipalKind,
        issuer: &str,
        name: &str,
        server: Server<'_>,
    ) -> Result<Option<HeldCeiling>, Unreadable> {
        let sections = &self.sections;
        let found = sections.find(
            Section::PrincipalTable,
            Section::Principals,
            |hash| hash.number(kind as u32).string(issuer).string(name),
            |record| {
                Ok(record.field(0)? == kind as u32
                    && sections.string_is(record, 1, issuer)?
                    && sections.string_is(record, 3, name)?)
            },
        )?;
        match found {
            Some(number) => {
                let record = sections.record(Section::Principals, number)?;
                self.ceiling_in(
                    sections.range(Section::Ceilings, record.field(5)?, record.field(6)?)?,
                    server,
                )
            }
            None => Ok(None),
        }
    }

    /// Ceilings are sorted by server, with the one for all servers last: at most 33 reads, whatever the policy's size.
    fn ceiling_in(
        &self,
        range: std::ops::Range<u32>,
        server: Server<'_>,
    ) -> Result<Option<HeldCeiling>, Unreadable> {
        let at = |number| HeldCeiling::read(self, self.sections.record(Section::Ceilings, number)?);
        let everywhere = match range.end.checked_sub(1) {
            Some(last) if last >= range.start => at(last)?.filter_server(layout::ALL_SERVERS),
            _ => None,
        };
        let (mut low, mut high) = (range.start, range.end);
        while low < high {
            let middle = low.midpoint(high);
            match at(middle)?.server.cmp(&server.index) {
                std::cmp::Ordering::Less => low = middle.saturating_add(1),
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Ok(Some(at(middle)?.higher(everywhere))),
            }
        }
        Ok(everywhere)
    }

    /// A rule by the number that a [`HeldCeiling`] names.
    ///
    /// # Errors
    /// [`Unreadable`] where there is no such rule.
    pub fn rule(&self, number: u32) -> Result<Rule<'_>, Unreadable> {
        Rule::read(&self.sections, number)
    }
}
