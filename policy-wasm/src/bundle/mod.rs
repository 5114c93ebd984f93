//! The compiled policy, read in place.
//!
//! A [`Bundle`] is a container with its own format (`docs/bundle.md`). It has a header with label, versions, serial and
//! SHA-256 digest, a section table, fixed-size records, a string heap, hash tables and signatures. [`Unverified::open`]
//! checks the header and the bounds of the sections; [`Unverified::verify`] checks digest, signatures and serial. Only
//! a [`Bundle`] answers questions, and verification is the only way to one. Every look-up reads the bytes in place,
//! with each access checked. Only the URIs of the policy are unpacked, in their loosest reading (`listed`). A malformed
//! bundle from a trusted signer opens and denies.
//!
//! ```text
//! bytes ─Unverified::open─> Unverified ─verify(Trust)─> Bundle
//!
//! server     (authority, path)      ─AddressTable──> Servers ─> Scopes, MethodRules
//! entry      (server, name, kind)   ─ItemTable─────> Items ─> Checks ─> Parts ─> Segments
//!                                                      └───> ItemExtras ─> Definitions, Conditions, Rules …
//! principal  (kind, issuer, name)   ─PrincipalTable> Principals ─> Ceilings ─> Rules
//!                                                      └───> PrincipalExtras ─> Rules ─> RuleExtras
//! ```

#[cfg(feature = "tools")]
mod compare;
mod error;
mod header;
mod item;
mod key_id;
pub mod layout;
mod le;
mod list;
mod listed;
mod param_header;
mod principal;
mod read;
mod rule;
mod server;
mod signature;
mod unverified;

pub use error::BundleError;
pub use header::Header;
pub use item::{Acceptance, ArgumentRule, Check, Definition, Item, Part};
pub use key_id::KeyId;
pub use list::List;
pub use param_header::ParamHeader;
pub use principal::{AgentType, Ceiling, Issuer, Principal};
pub use read::{Unreadable, digest};
pub use rule::{ApprovalTerms, BudgetTerms, Condition, Rule};
pub use server::{MethodRule, OwnedServer, Server};
pub use signature::{KeyError, PublicKey, Trust, TrustError};
pub use unverified::Unverified;

use layout::{MAX_CHAIN, MAX_TIERS, Section};
use read::{Record, Sections};
use std::fmt;

/// A compiled policy with verified digest, signatures and serial. Only a verified bundle answers questions.
pub struct Bundle {
    sections: Sections,
    header: Header,
    signers: Vec<KeyId>,
    revision: String,
    manifest: Manifest,
    listed: listed::Listed,
}

/// The policy as a whole, without its strings.
#[derive(Debug, Clone, Copy)]
struct Manifest {
    max_chain: u32,
    consent_from: Option<u32>,
    reason_from: Option<u32>,
    consent_life: Option<u64>,
    environments: u32,
    global: u32,
    methods: (u32, u32),
    kinds: u32,
    trust: bool,
}

impl Manifest {
    fn read(record: Record<'_>) -> Result<Manifest, Unreadable> {
        use layout::manifest as fields;
        // Format 1 does not list its kinds of principals.
        let kinds = record.later(fields::KINDS);
        Ok(Manifest {
            max_chain: record.field(fields::CHAIN)?,
            consent_from: record.later(fields::CONSENT_FROM).checked_sub(1),
            reason_from: record.later(fields::REASON_FROM).checked_sub(1),
            consent_life: record.later_long(fields::CONSENT_LIFE).checked_sub(1),
            environments: record.later(fields::ENVIRONMENTS),
            global: record.later(fields::GLOBAL),
            methods: record.later_pair(fields::METHODS),
            kinds: if kinds == 0 { u32::MAX } else { kinds },
            trust: record.later(fields::TRUST) == 1,
        })
    }
}

impl fmt::Debug for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bundle")
            .field("revision", &self.revision)
            .field("bytes", &self.sections.whole().len())
            .finish()
    }
}

impl Bundle {
    /// Opens and verifies a bundle: [`Unverified::open`], then [`Unverified::verify`].
    ///
    /// # Errors
    /// [`BundleError`] names the damage or the missing signature. Any bytes give an error or a bundle, never a panic.
    pub fn open(bytes: Vec<u8>, trust: &Trust) -> Result<Bundle, BundleError> {
        Unverified::open(bytes)?.verify(trust)
    }

    /// The readers below rely on a readable manifest, readable tiers and readable servers.
    fn check(sections: Sections, header: Header, signers: Vec<KeyId>) -> Result<Bundle, Unreadable> {
        let manifest = sections.record(Section::Manifest, 0)?;
        let named = sections.string(manifest, 0)?;
        let revision = if named.is_empty() {
            header.digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
        } else {
            named.to_owned()
        };
        let manifest = Manifest::read(manifest)?;
        let listed = listed::Listed::default();
        let mut bundle = Bundle { revision, manifest, sections, header, signers, listed };
        bundle.organisation()?;
        let tiers = bundle.sections.count(Section::Tiers);
        let bounded = (1..=MAX_TIERS).contains(&tiers) && (1..=MAX_CHAIN).contains(&manifest.max_chain);
        if !bounded || bundle.sections.count(Section::Manifest) != 1 {
            return Err(Unreadable);
        }
        for tier in 0..tiers {
            bundle.tier_name(tier)?;
        }
        bundle.servers().try_for_each(Server::check)?;
        bundle.listed = listed::Listed::of(&bundle);
        Ok(bundle)
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The serial number; 0 without one.
    pub fn serial(&self) -> u64 {
        self.header.serial
    }

    /// The Unix second from which on the bundle permits nothing.
    pub fn not_after(&self) -> Option<u64> {
        self.header.not_after
    }

    /// The trusted keys whose signatures were checked; none if the digest alone was.
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

    /// The organisation; empty if the policy names none.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed; [`Unverified::verify`] has checked this.
    pub fn organisation(&self) -> Result<&str, Unreadable> {
        self.sections.string(self.sections.record(Section::Manifest, 0)?, 2)
    }

    /// Most actors in a chain, the calling one included: 1 to 8.
    pub fn max_chain(&self) -> u32 {
        self.manifest.max_chain
    }

    /// The environments that the policy names, in its order.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn environments(&self) -> Result<Option<List<'_>>, Unreadable> {
        self.sections.list(self.manifest.environments)
    }

    /// The lowest tier that needs consent; `None` if no tier does.
    pub fn consent_from(&self) -> Option<u32> {
        self.manifest.consent_from
    }

    /// The lowest tier for which the consent must state a reason.
    pub fn reason_from(&self) -> Option<u32> {
        self.manifest.reason_from
    }

    /// The longest life of a consent in seconds.
    pub fn longest_consent(&self) -> Option<u64> {
        self.manifest.consent_life
    }

    /// Forbids, approvals and budgets that name neither subjects, actors, items nor servers (numbers of rules).
    pub(crate) fn restrictions(&self) -> Result<Option<List<'_>>, Unreadable> {
        self.sections.list(self.manifest.global)
    }

    /// How many tiers there are: 1 to 16.
    pub fn tiers(&self) -> u32 {
        self.sections.count(Section::Tiers)
    }

    /// The name of a tier; 0 is the lowest.
    ///
    /// # Errors
    /// [`Unreadable`] if the tier does not exist.
    pub fn tier_name(&self, tier: u32) -> Result<&str, Unreadable> {
        self.sections.string(self.sections.record(Section::Tiers, tier)?, 0)
    }

    /// The number of the tier with this name.
    pub fn tier_named(&self, name: &str) -> Option<u32> {
        (0..self.sections.count(Section::Tiers)).find(|tier| self.tier_name(*tier) == Ok(name))
    }

    /// The tier, if the policy has it.
    fn known_tier(&self, tier: u32) -> Result<u32, Unreadable> {
        if tier < self.sections.count(Section::Tiers) { Ok(tier) } else { Err(Unreadable) }
    }

    /// The numbers of servers, items and rules.
    pub fn counts(&self) -> (u32, u32, u32) {
        let count = |section| self.sections.count(section);
        (count(Section::Servers), count(Section::Items), count(Section::Rules))
    }

    /// Whether the policy has conditions, which may read any part of a request.
    pub fn has_conditions(&self) -> bool {
        self.sections.count(Section::Conditions) > 0
    }

    /// Whether rules or conditions may read claims of the token that have no field in a delegation.
    pub fn reads_claims(&self) -> bool {
        self.sections.count(Section::Claims) > 0 || self.has_conditions()
    }

    /// Whether any tool needs a check by the authorization cluster.
    pub fn has_checks(&self) -> bool {
        self.sections.count(Section::Checks) > 0
    }

    /// The server for a request. The path must match exactly, without its query. Authorities are compared without case,
    /// port included. `None` is a denial.
    pub fn server_at(&self, authority: &str, path: &str) -> Option<Server<'_>> {
        let path = path.split_once('?').map_or(path, |(before, _)| before);
        let found = self.sections.find(
            Section::AddressTable,
            Section::Addresses,
            |hash| hash.lowercase(authority).string(path),
            |_, record| {
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
}
