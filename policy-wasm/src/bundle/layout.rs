//! The bundle's layout in numbers: what the writer writes and the reader reads. Prose: `docs/bundle.md`.
//!
//! Every integer is little-endian. A field is a `u32`; a string is two fields, offset and length in the string heap.

/// First bytes of every bundle.
pub const MAGIC: &[u8; 16] = b"toolward-bundle\0";
/// The format that this crate writes, and the highest that it reads.
pub const FORMAT: u16 = 2;
/// Length of the header in bytes; the section table follows.
pub const HEADER: usize = 80;
/// Offset of the SHA-256 digest in the header. It covers every byte of the bundle but its own 32.
pub const DIGEST: usize = 48;
/// Offset of the serial number in the header, a `u64`; since format 2, zero before.
pub const SERIAL: usize = 28;
/// Offset of the end of validity in the header: Unix seconds as a `u64`, 0 for none; since format 2, zero before.
pub const NOT_AFTER: usize = 36;
/// What a signer signs in front of the header, so that the signature counts for nothing else.
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

/// The sections, by their number in the section table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum Section {
    /// One record: revision, organisation (strings), longest chain.
    Manifest = 1,
    /// All strings, UTF-8, one after the other.
    Strings = 2,
    /// Names of the tiers, lowest first: string.
    Tiers = 3,
    /// Servers in order of their ids: id, resource, path (strings), kind, owner (string), scopes (start, count).
    Servers = 4,
    /// Scopes of servers, lowest tier first: tier, scope (string).
    Scopes = 5,
    /// Where servers are reached: authority in lower case, path (strings), server.
    Addresses = 6,
    /// Hash table over `Addresses`.
    AddressTable = 7,
    /// Tools: server, name (string), tier, checks (start, count).
    Tools = 8,
    /// Hash table over `Tools`.
    ToolTable = 9,
    /// Checks: relation, object type (strings), object id (parts: start, count), subject type (string), subject id
    /// (parts: start, count).
    Checks = 10,
    /// Parts of templates: kind, and two fields that depend on it.
    Parts = 11,
    /// Keys on the way to an argument: string.
    Segments = 12,
    /// Who holds ceilings: kind, issuer, name (strings), ceilings (start, count).
    Principals = 13,
    /// Hash table over `Principals`.
    PrincipalTable = 14,
    /// Ceilings of one principal, in order of servers, all servers last: server, tier, rule.
    Ceilings = 15,
    /// Rules of the policy: kind, id (string).
    Rules = 16,
}

impl Section {
    /// All sections in the order of their numbers.
    pub const ALL: [Section; 16] = [
        Section::Manifest,
        Section::Strings,
        Section::Tiers,
        Section::Servers,
        Section::Scopes,
        Section::Addresses,
        Section::AddressTable,
        Section::Tools,
        Section::ToolTable,
        Section::Checks,
        Section::Parts,
        Section::Segments,
        Section::Principals,
        Section::PrincipalTable,
        Section::Ceilings,
        Section::Rules,
    ];

    /// Length of one record in bytes in this format. Later formats may append fields: a reader goes by the stride
    /// that the section table names, which is never less. Heaps and tables count in single bytes.
    pub const fn stride(self) -> u32 {
        match self {
            Section::Manifest => 20,
            Section::Strings | Section::AddressTable | Section::ToolTable | Section::PrincipalTable => 1,
            Section::Tiers | Section::Segments => 8,
            Section::Servers => 44,
            Section::Scopes | Section::Parts | Section::Ceilings | Section::Rules => 12,
            Section::Addresses => 20,
            Section::Tools => 24,
            Section::Checks => 40,
            Section::Principals => 28,
        }
    }
}

/// What kind of server it is, as stored.
pub const SERVER_KINDS: [&str; 3] = ["personal", "corporate", "sensitive"];

/// Who holds a ceiling, as stored in `Principals`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum PrincipalKind {
    /// A human, by `sub`.
    SubjectId = 0,
    /// Humans in a group.
    Group = 1,
    /// Humans with a role.
    Role = 2,
    /// An agent, by `act.sub`.
    ActorSubject = 3,
    /// An agent, by `client_id`.
    ActorClient = 4,
}

/// Part of a template, as stored in `Parts`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum PartKind {
    /// Text that stands as it is: a string.
    Literal = 0,
    /// An argument: its path in `Segments` (start, count).
    Argument = 1,
    /// The human's `sub`.
    SubjectId = 2,
}

/// Kind of a rule, as stored in `Rules`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum RuleKind {
    /// An entry of `grants`.
    Grant = 0,
    /// An entry of `actors`.
    Actor = 1,
}

/// The hash of a key in a table: FNV-1a (64 bits) from the table's seed, then the finaliser of MurmurHash3.
///
/// Fields of a key are fed in order; each string is followed by the byte `FF`, which no UTF-8 text has, so that
/// (`ab`, `c`) and (`a`, `bc`) differ.
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

    /// The tag that a slot holds, and the slot where the search begins in a table of `slots`.
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
