//! The bundle's layout in numbers, for the writer and the reader. Prose: `docs/bundle.md`.
//!
//! Every integer is little-endian. A field is a `u32`; a string is two fields, offset and length in the string heap.

/// First bytes of every bundle.
pub const MAGIC: &[u8; 16] = b"toolward-bundle\0";
/// The highest format that this crate reads. The writer uses the lowest format that can hold the policy, so that older
/// readers can read the bundle.
pub const FORMAT: u16 = 4;
/// The format of bundles whose issuers vouch for their own actors alone, with [`Section::ParamHeaders`].
pub const FORMAT_3: u16 = 3;
/// The format of bundles without [`Section::ParamHeaders`].
pub const FORMAT_2: u16 = 2;
/// Length of the header in bytes; the section table follows.
pub const HEADER: usize = 80;
/// Offset of the SHA-256 digest in the header. It covers every byte of the bundle but its own 32.
pub const DIGEST: usize = 48;
/// Offset of the serial number in the header, a `u64`; since format 2, zero before.
pub const SERIAL: usize = 28;
/// Offset of the end of validity in the header: Unix seconds as a `u64`, 0 for none; since format 2, zero before.
pub const NOT_AFTER: usize = 36;
/// The bytes in front of the header that a signer signs too, so that the signature is of no use elsewhere.
pub const SIGNATURE_DOMAIN: &[u8; 30] = b"toolward bundle signature, v1\n";
/// Length of a key's name in a signature in bytes.
pub const KEY_ID: usize = 8;
/// Length of an Ed25519 signature in bytes.
pub const SIGNATURE: usize = 64;
/// Most signatures of a bundle, and most keys that a reader trusts.
pub const MAX_SIGNATURES: usize = 16;
/// Length of one entry of the section table in bytes: kind, offset, length, stride.
pub const SECTION_ENTRY: usize = 16;
/// Most sections a reader accepts; it knows fewer.
pub const MAX_SECTIONS: u32 = 64;
/// Length of a hash table's own header in bytes: seed (`u64`), number of slots, longest probe.
pub const TABLE_HEADER: usize = 16;
/// Length of a slot in bytes: tag, index + 1 (0 is an empty slot).
pub const SLOT: usize = 8;
/// Most slots that a look-up reads. Look-ups take names that a caller chose, so this bounds their cost.
pub const MAX_PROBE: u32 = 16;
/// Where a ceiling holds at all servers.
pub const ALL_SERVERS: u32 = u32::MAX;
/// Most tiers of a policy.
pub const MAX_TIERS: u32 = 16;
/// Most actors in a chain that a policy can admit.
pub const MAX_CHAIN: u32 = 8;
/// Most rules under one principal, item or server: the work of one decision there.
pub const MAX_RULES_PER_KEY: u32 = 1024;
/// Most rules without a subject, actor, item or server: every decision evaluates all of them.
pub const MAX_GLOBAL: u32 = 256;
/// Most resource templates of one server: each URI is compared with all of them.
pub const MAX_TEMPLATES: u32 = 256;
/// Most claims that rules select subjects by.
pub const MAX_CLAIMS: u32 = 64;
/// Most headers that repeat arguments, of one definition of a tool and of one request.
pub const MAX_PARAM_HEADERS: usize = 64;

/// The sections, by their number in the section table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum Section {
    /// One record: the policy as a whole.
    Manifest = 1,
    /// All strings, UTF-8, one after the other.
    Strings = 2,
    /// Names of the tiers, lowest first.
    Tiers = 3,
    /// Servers in order of their ids.
    Servers = 4,
    /// Scopes of servers, lowest tier first.
    Scopes = 5,
    /// Where servers are reached.
    Addresses = 6,
    /// Hash table over `Addresses`.
    AddressTable = 7,
    /// Items, in order of server, kind and name.
    Items = 8,
    /// Hash table over `Items`.
    ItemTable = 9,
    /// Relations of items.
    Checks = 10,
    /// Parts of templates.
    Parts = 11,
    /// Keys on the way to an argument.
    Segments = 12,
    /// Principals: holders of ceilings, and the subjects and agents that rules select.
    Principals = 13,
    /// Hash table over `Principals`.
    PrincipalTable = 14,
    /// Ceilings of one principal, in order of servers, all servers last.
    Ceilings = 15,
    /// Rules of the policy.
    Rules = 16,
    /// Lists of numbers: each a count and that many numbers. A field refers to a list by the position of its count; 0
    /// is no list.
    Lists = 17,
    /// Strings that lists name by their number.
    Names = 18,
    /// Compiled conditions, one after the other.
    Code = 19,
    /// Conditions.
    Conditions = 20,
    /// Fields of an item beyond name and tier.
    ItemExtras = 21,
    /// Accepted definitions of items.
    Definitions = 22,
    /// Approvals.
    Approvals = 23,
    /// Constraints on arguments.
    ArgumentRules = 24,
    /// Rules for methods: those of a server together, in order of names; those of the policy last.
    MethodRules = 25,
    /// Fields of a principal beyond its ceilings.
    PrincipalExtras = 26,
    /// Fields of a rule beyond its id.
    RuleExtras = 27,
    /// Budgets.
    Budgets = 28,
    /// Issuers in order of their identifiers.
    Issuers = 29,
    /// Types of agents in order of their names.
    AgentTypes = 30,
    /// Claims by which rules select subjects, in order of issuer and name.
    Claims = 31,
    /// Headers that repeat arguments of tools, in order of tool, definition and name; since format 3, and only in
    /// bundles that have any.
    ParamHeaders = 32,
}

impl Section {
    /// All sections in the order of their numbers.
    pub const ALL: [Section; 32] = [
        Section::Manifest,
        Section::Strings,
        Section::Tiers,
        Section::Servers,
        Section::Scopes,
        Section::Addresses,
        Section::AddressTable,
        Section::Items,
        Section::ItemTable,
        Section::Checks,
        Section::Parts,
        Section::Segments,
        Section::Principals,
        Section::PrincipalTable,
        Section::Ceilings,
        Section::Rules,
        Section::Lists,
        Section::Names,
        Section::Code,
        Section::Conditions,
        Section::ItemExtras,
        Section::Definitions,
        Section::Approvals,
        Section::ArgumentRules,
        Section::MethodRules,
        Section::PrincipalExtras,
        Section::RuleExtras,
        Section::Budgets,
        Section::Issuers,
        Section::AgentTypes,
        Section::Claims,
        Section::ParamHeaders,
    ];

    /// How many sections format 1 has: the first ones.
    const FORMAT_1: u32 = 16;

    /// Length of one record in bytes in the format that this crate writes. Heaps and tables count in single bytes.
    pub const fn stride(self) -> u32 {
        match self {
            Section::Strings
            | Section::Code
            | Section::AddressTable
            | Section::ItemTable
            | Section::PrincipalTable => 1,
            Section::Lists => 4,
            Section::Tiers | Section::Segments | Section::Names | Section::ArgumentRules => 8,
            Section::Scopes | Section::Parts | Section::Ceilings | Section::Approvals => 12,
            Section::Rules | Section::Conditions | Section::AgentTypes | Section::Claims => 16,
            Section::ParamHeaders | Section::Issuers => 24,
            Section::Addresses | Section::PrincipalExtras | Section::Budgets => 20,
            Section::Items => 28,
            Section::Principals | Section::MethodRules => 32,
            Section::ItemExtras => 36,
            Section::Checks => 40,
            Section::Definitions => 48,
            Section::RuleExtras => 64,
            Section::Manifest => 60,
            Section::Servers => 80,
        }
    }

    /// Length of one record in the format `format`, or `None` if that format lacks the section. Later formats may
    /// append fields: a reader goes by the stride that the section table names, which is never less. A field that a
    /// record of an earlier format lacks is read as 0.
    pub const fn stride_in(self, format: u16) -> Option<u32> {
        match self {
            Section::ParamHeaders if format < 3 => None,
            Section::Issuers if format > 1 && format < 4 => Some(20),
            _ if format > 1 => Some(self.stride()),
            Section::Manifest => Some(20),
            Section::Servers => Some(44),
            Section::Items => Some(24),
            Section::Principals => Some(28),
            Section::Rules => Some(12),
            _ if (self as u32) <= Section::FORMAT_1 => Some(self.stride()),
            _ => None,
        }
    }
}

/// The kind of a principal, as stored in `Principals`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum PrincipalKind {
    /// A subject, by `sub`.
    SubjectId = 0,
    /// Subjects in a group.
    Group = 1,
    /// Subjects with a role.
    Role = 2,
    /// An agent, by `act.sub`.
    ActorSubject = 3,
    /// An agent, by `client_id`.
    ActorClient = 4,
    /// Subjects with a claim: its name, and its value in `PrincipalExtras`.
    Claim = 5,
    /// Every person of an issuer; the name is empty.
    Anyone = 6,
    /// Every agent of an issuer; the name is empty.
    ActorIssuer = 7,
    /// Agents with a label; the issuer is empty.
    Label = 8,
    /// Agents of a type; the issuer is empty.
    AgentType = 9,
}

impl PrincipalKind {
    /// All kinds in the order of their numbers.
    pub const ALL: [PrincipalKind; 10] = [
        PrincipalKind::SubjectId,
        PrincipalKind::Group,
        PrincipalKind::Role,
        PrincipalKind::ActorSubject,
        PrincipalKind::ActorClient,
        PrincipalKind::Claim,
        PrincipalKind::Anyone,
        PrincipalKind::ActorIssuer,
        PrincipalKind::Label,
        PrincipalKind::AgentType,
    ];

    /// The kind's bit in the manifest: kinds that the policy does not use are not looked up.
    pub const fn bit(self) -> u32 {
        1u32.wrapping_shl(self as u32)
    }
}

/// Part of a template, as stored in `Parts`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum PartKind {
    /// Literal text: a string.
    Literal = 0,
    /// An argument: its path in `Segments` (start, count).
    Argument = 1,
    /// The subject's `sub`.
    SubjectId = 2,
}

/// Type of an argument that a header repeats, as stored in `ParamHeaders`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum ParamType {
    /// A string.
    String = 0,
    /// An integer.
    Integer = 1,
    /// A boolean.
    Boolean = 2,
}

impl ParamType {
    /// All types in the order of their numbers.
    pub const ALL: [ParamType; 3] = [ParamType::String, ParamType::Integer, ParamType::Boolean];

    /// The type's name in JSON Schema.
    pub const fn name(self) -> &'static str {
        match self {
            ParamType::String => "string",
            ParamType::Integer => "integer",
            ParamType::Boolean => "boolean",
        }
    }
}

/// Kind of a rule, as stored in `Rules`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum RuleKind {
    /// An entry of `grants`.
    Grant = 0,
    /// An entry of `actors`.
    Actor = 1,
    /// An entry of `forbids`.
    Forbid = 2,
    /// An entry of `approvals`.
    Approval = 3,
    /// An entry of `budgets`.
    Budget = 4,
}

impl RuleKind {
    /// All kinds in the order of their numbers.
    pub const ALL: [RuleKind; 5] =
        [RuleKind::Grant, RuleKind::Actor, RuleKind::Forbid, RuleKind::Approval, RuleKind::Budget];

    /// The name of such a rule in messages.
    pub const fn word(self) -> &'static str {
        match self {
            RuleKind::Grant => "grant",
            RuleKind::Actor => "actor",
            RuleKind::Forbid => "forbid",
            RuleKind::Approval => "approval",
            RuleKind::Budget => "budget",
        }
    }
}

/// Fields of a record of `Manifest`. Fields that count from 1 have 0 for none.
pub mod manifest {
    /// Revision (string).
    pub const REVISION: usize = 0;
    /// Organisation (string).
    pub const ORGANISATION: usize = 2;
    /// Most actors of a chain.
    pub const CHAIN: usize = 4;
    /// Lowest tier that needs consent, plus 1.
    pub const CONSENT_FROM: usize = 5;
    /// Lowest tier whose consent needs a reason, plus 1.
    pub const REASON_FROM: usize = 6;
    /// Longest life of a consent in seconds, plus 1 (`u64`).
    pub const CONSENT_LIFE: usize = 7;
    /// Environments (list of names, in the order of the policy).
    pub const ENVIRONMENTS: usize = 9;
    /// Rules without a subject, agent, item or server (list).
    pub const GLOBAL: usize = 10;
    /// Rules for methods at servers without rules of their own (range of `MethodRules`).
    pub const METHODS: usize = 11;
    /// Bits of the kinds of principals that there are.
    pub const KINDS: usize = 13;
    /// 1 if `Issuers` says which issuer vouches for which actors.
    pub const TRUST: usize = 14;
}

/// Fields of a record of `Servers`.
pub mod server {
    /// Id (string).
    pub const ID: usize = 0;
    /// Resource identifier (string).
    pub const RESOURCE: usize = 2;
    /// Path (string).
    pub const PATH: usize = 4;
    /// Kind.
    pub const KIND: usize = 6;
    /// Owner (string).
    pub const OWNER: usize = 7;
    /// Range of `Scopes`.
    pub const SCOPES: usize = 9;
    /// Environment (string).
    pub const ENVIRONMENT: usize = 11;
    /// Labels (list of names).
    pub const LABELS: usize = 13;
    /// Revisions of the protocol (list of names); none is any.
    pub const REVISIONS: usize = 14;
    /// Range of `MethodRules`.
    pub const METHODS: usize = 15;
    /// 1 for monitor mode.
    pub const MODE: usize = 17;
    /// Restrictions of the server (list of rules).
    pub const RESTRICTIONS: usize = 18;
    /// Its resource templates, the one to be preferred first (list of items).
    pub const TEMPLATES: usize = 19;
}

/// Fields of a record of `Items`.
pub mod item {
    /// Server.
    pub const SERVER: usize = 0;
    /// Name or URI (string).
    pub const NAME: usize = 1;
    /// Tier.
    pub const TIER: usize = 3;
    /// Range of `Checks`.
    pub const CHECKS: usize = 4;
    /// `ItemExtras`, plus 1; a tool without any has 0.
    pub const EXTRA: usize = 6;
}

/// Fields of a record of `ItemExtras`.
pub mod item_extra {
    /// Kind.
    pub const KIND: usize = 0;
    /// 1 for monitor mode.
    pub const MODE: usize = 1;
    /// Labels (list of names).
    pub const LABELS: usize = 2;
    /// Restrictions of the item (list of rules).
    pub const RESTRICTIONS: usize = 3;
    /// `Definitions` (list).
    pub const DEFINITIONS: usize = 4;
    /// `Approvals`, plus 1.
    pub const APPROVAL: usize = 5;
    /// `Conditions`, plus 1.
    pub const CONDITION: usize = 6;
    /// `ArgumentRules` (list).
    pub const ARGUMENTS: usize = 7;
    /// Arguments that records may show (list of lists of names).
    pub const SHOWN: usize = 8;
}

/// Fields of a record of `Definitions`.
pub mod definition {
    /// Version (string).
    pub const VERSION: usize = 0;
    /// SHA-256, 8 fields.
    pub const DIGEST: usize = 2;
    /// Until when, plus 1 (`u64`).
    pub const UNTIL: usize = 10;
}

/// Fields of a record of `ParamHeaders`.
pub mod param_header {
    /// Tool: number of its record in `Items`.
    pub const ITEM: usize = 0;
    /// `Definitions`, plus 1; 0 for whichever definition the tool has.
    pub const DEFINITION: usize = 1;
    /// The header name after `Mcp-Param-`, in lower case (string).
    pub const NAME: usize = 2;
    /// Keys that lead to the argument (list of names in their order).
    pub const PATH: usize = 4;
    /// Type of the argument.
    pub const TYPE: usize = 5;
}

/// Fields of a record of `MethodRules`.
pub mod method {
    /// Name (string).
    pub const NAME: usize = 0;
    /// 1 if it permits.
    pub const PERMIT: usize = 2;
    /// Tier, plus 1.
    pub const TIER: usize = 3;
    /// `Conditions`, plus 1.
    pub const CONDITION: usize = 4;
    /// URLs (list of names).
    pub const URLS: usize = 5;
    /// 1 for monitor mode.
    pub const MODE: usize = 6;
    /// Server, or all.
    pub const SERVER: usize = 7;
}

/// Fields of a record of `Issuers`.
pub mod issuer {
    /// Issuers whose actors it may vouch for besides its own (list of names); since format 4.
    pub const VOUCHES_FOR: usize = 5;
}

/// Fields of a record of `Principals`.
pub mod principal {
    /// Kind.
    pub const KIND: usize = 0;
    /// Issuer (string).
    pub const ISSUER: usize = 1;
    /// Name (string).
    pub const NAME: usize = 3;
    /// Range of `Ceilings`.
    pub const CEILINGS: usize = 5;
    /// `PrincipalExtras`, plus 1.
    pub const EXTRA: usize = 7;
}

/// Fields of a record of `PrincipalExtras`.
pub mod principal_extra {
    /// Value of a claim (string).
    pub const VALUE: usize = 0;
    /// Grants and actor rules that give more than a plain ceiling (list of rules).
    pub const CONDITIONAL_GRANTS: usize = 2;
    /// Forbids, approvals and budgets for this principal (list of rules).
    pub const RESTRICTIONS: usize = 3;
    /// Labels and types of an agent (list of principals).
    pub const GROUPS: usize = 4;
}

/// Fields of a record of `Rules`.
pub mod rule {
    /// Kind.
    pub const KIND: usize = 0;
    /// Id (string).
    pub const ID: usize = 1;
    /// `RuleExtras`, plus 1; a grant or actor whose ceilings are plain has 0.
    pub const EXTRA: usize = 3;
}

/// Fields of a record of `RuleExtras`. An absent list matches everything.
pub mod rule_extra {
    /// 1 for monitor mode.
    pub const MODE: usize = 0;
    /// Ceiling of a grant or actor.
    pub const CEILING: usize = 1;
    /// Subjects (list of principals).
    pub const SUBJECTS: usize = 2;
    /// Actors (list of principals).
    pub const ACTORS: usize = 3;
    /// Servers (list).
    pub const SERVERS: usize = 4;
    /// 1 if the rule is about items only.
    pub const ITEMS: usize = 5;
    /// Names or URIs of items (list of names).
    pub const NAMES: usize = 6;
    /// Labels of items (list of names).
    pub const LABELS: usize = 7;
    /// Lowest tier.
    pub const TIER_FROM: usize = 8;
    /// Methods (list of names).
    pub const METHODS: usize = 9;
    /// From when (`u64`).
    pub const FROM: usize = 10;
    /// Until when, plus 1 (`u64`).
    pub const UNTIL: usize = 12;
    /// `Conditions`, plus 1.
    pub const CONDITION: usize = 14;
    /// `Approvals`, `Budgets` or `AgentTypes`, plus 1.
    pub const DETAIL: usize = 15;
}

/// The hash of a key in a table: FNV-1a (64 bits) from the table's seed, then the finaliser of MurmurHash3.
///
/// The hash takes the fields of a key in order. Each string ends with the byte `FF`, which UTF-8 never contains, so
/// that (`ab`, `c`) and (`a`, `bc`) differ.
#[derive(Debug, Clone, Copy)]
pub struct KeyHash(u64);

impl KeyHash {
    /// The hash of an empty key in a table with this seed.
    pub fn new(seed: u64) -> KeyHash {
        KeyHash(0xcbf2_9ce4_8422_2325 ^ seed)
    }

    /// Feeds a field.
    #[must_use]
    pub fn number(self, number: u32) -> KeyHash {
        number.to_le_bytes().into_iter().fold(self, KeyHash::byte)
    }

    /// Feeds a string.
    #[must_use]
    pub fn string(self, text: &str) -> KeyHash {
        text.bytes().fold(self, KeyHash::byte).byte(0xFF)
    }

    /// Feeds a string in ASCII lower case.
    #[must_use]
    pub fn lowercase(self, text: &str) -> KeyHash {
        text.bytes().map(|byte| byte.to_ascii_lowercase()).fold(self, KeyHash::byte).byte(0xFF)
    }

    fn byte(self, byte: u8) -> KeyHash {
        KeyHash((self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
    }

    /// The tag of a slot, and the slot at which the search begins in a table of `slots`.
    pub fn tag_and_home(self, slots: u32) -> (u32, u32) {
        let mut hash = self.0;
        hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        hash ^= hash >> 33;
        // The upper half picks the slot by multiplication, so that a table can have any number of slots.
        let home = (hash >> 32).wrapping_mul(u64::from(slots)) >> 32;
        (low32(hash), low32(home))
    }
}

/// The lower half.
fn low32(value: u64) -> u32 {
    (value & u64::from(u32::MAX)) as u32
}
