//! Kinds of items and servers, and modes of rules, as the policy names them and the bundle stores them.

/// The kind of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum ItemKind {
    /// A tool, by name.
    Tool = 0,
    /// A prompt, by name.
    Prompt = 1,
    /// A resource, by URI.
    Resource = 2,
    /// A resource template: a URI with `{name}` for one path segment or `{+name}` for any number of them.
    Template = 3,
}

impl ItemKind {
    /// All kinds in the order of their numbers.
    pub const ALL: [ItemKind; 4] = [ItemKind::Tool, ItemKind::Prompt, ItemKind::Resource, ItemKind::Template];

    /// The name of the kind in messages.
    pub const fn word(self) -> &'static str {
        match self {
            ItemKind::Tool => "tool",
            ItemKind::Prompt => "prompt",
            ItemKind::Resource => "resource",
            ItemKind::Template => "resource template",
        }
    }
}

/// The kind of a server: an agent type lists the kinds that its agents may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum ServerKind {
    /// One person's own.
    Personal = 0,
    /// The organisation's.
    Corporate = 1,
    /// The organisation's, with high damage from mistakes.
    Sensitive = 2,
}

impl ServerKind {
    /// All kinds in the order of their numbers.
    pub const ALL: [ServerKind; 3] = [ServerKind::Personal, ServerKind::Corporate, ServerKind::Sensitive];
    /// The names of all kinds in the order of their numbers.
    pub const NAMES: [&'static str; 3] =
        [ServerKind::Personal.name(), ServerKind::Corporate.name(), ServerKind::Sensitive.name()];

    /// The name in policies and conditions.
    pub const fn name(self) -> &'static str {
        match self {
            ServerKind::Personal => "personal",
            ServerKind::Corporate => "corporate",
            ServerKind::Sensitive => "sensitive",
        }
    }

    /// The bit of this kind in a set of kinds, as the bundle stores it.
    pub(crate) const fn bit(self) -> u32 {
        1u32.wrapping_shl(self as u32)
    }
}

/// Whether a rule is enforced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
#[repr(u32)]
pub enum Mode {
    /// The rule decides.
    #[default]
    Enforce = 0,
    /// The decision records a denial by this rule and lets the call pass.
    Monitor = 1,
}

impl Mode {
    /// All modes in the order of their numbers.
    pub const ALL: [Mode; 2] = [Mode::Enforce, Mode::Monitor];
    /// The names of all modes in the order of their numbers.
    pub const NAMES: [&'static str; 2] = [Mode::Enforce.name(), Mode::Monitor.name()];

    /// The name in policies.
    pub const fn name(self) -> &'static str {
        match self {
            Mode::Enforce => "enforce",
            Mode::Monitor => "monitor",
        }
    }
}
