//! A checked policy: the files merged, with every name resolved.
//!
//! The compiler reads files into a [`Policy`] and writes a [`Policy`] as a bundle. Lints and the importer use it too. A
//! [`Policy`] exists only after all mistakes are reported. Lists without a meaningful order are sorted by id. The same
//! policy thus gives the same bundle, however its files are arranged.

pub use crate::bundle::layout::ParamType;
use crate::decision::BudgetKey;
pub use crate::model::{ItemKind, Mode, ServerKind};
use crate::source::Position;
use std::collections::{BTreeMap, BTreeSet};

/// A risk class, as an index into [`Policy::tiers`]; 0 is the lowest.
pub type Tier = u32;
/// A time in Unix seconds.
pub type Time = u64;
/// A length of time in seconds.
pub type Seconds = u64;

/// A whole policy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    /// Names of the files, for messages; [`Origin::file`] counts them.
    pub files: Vec<String>,
    /// The revision; empty if neither the policy nor the caller names one.
    pub revision: String,
    /// The serial number; 0 without one.
    pub serial: u64,
    /// When the bundle ceases to be valid.
    pub not_after: Option<Time>,
    /// The organisation; empty if none is named.
    pub organisation: String,
    /// Environments, in the order of the file.
    pub environments: Vec<String>,
    /// Short names of issuers to their identifiers.
    pub issuers: BTreeMap<String, String>,
    /// Names of the risk classes, lowest first; 1 to 16.
    pub tiers: Vec<String>,
    /// Rules for chains of actors.
    pub chain: ChainRules,
    /// Rules for consent.
    pub consent: ConsentRules,
    /// Groups and roles that the policy declares, so that misspelt names are found; empty if it declares none.
    pub declared: Vec<Declared>,
    /// Types of agents. If there are any, every actor has one.
    pub agent_types: BTreeMap<String, AgentType>,
    /// Rules for methods. They apply at every server without a rule of its own for the method.
    pub methods: BTreeMap<String, MethodRule>,
    /// Catalogues that servers share, by name, for lints: their items are those of the servers.
    pub catalogues: BTreeMap<String, Catalogue>,
    /// Servers in order of their ids.
    pub servers: Vec<Server>,
    /// Grants in order of their ids.
    pub grants: Vec<Grant>,
    /// Actors in order of their ids.
    pub actors: Vec<Actor>,
    /// Forbids in order of their ids.
    pub forbids: Vec<Forbid>,
    /// Approval rules in order of their ids.
    pub approvals: Vec<ApprovalRule>,
    /// Budgets in order of their ids.
    pub budgets: Vec<BudgetRule>,
}

/// A place in the policy files, for lints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Origin {
    /// Index into [`Policy::files`].
    pub file: u32,
    /// Line and column.
    pub position: Position,
}

/// When something holds: from `from` on, until before `until`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Window {
    /// The first second.
    pub from: Option<Time>,
    /// The first second after.
    pub until: Option<Time>,
}

/// A condition: type-checked, in the form that the bundle holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The source, for explanations.
    pub text: String,
    /// The compiled form (`crate::condition`).
    pub code: Vec<u8>,
    /// Where the source begins.
    pub origin: Origin,
}

/// Rules for chains of actors.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChainRules {
    /// Most actors, the calling one included: 1 to 8.
    pub max_length: u32,
    /// Identifiers of the issuers that may vouch for actors, each with the other issuers whose actors it may vouch for.
    /// `None` means every issuer of the policy, each for its own actors.
    pub trusted_issuers: Option<BTreeMap<String, BTreeSet<String>>>,
}

impl ChainRules {
    /// Whether a token that this issuer signed can name an actor of that one.
    pub fn may_vouch(&self, signer: &str, issuer: &str) -> bool {
        match &self.trusted_issuers {
            None => signer == issuer,
            Some(trusted) => {
                trusted.get(signer).is_some_and(|others| signer == issuer || others.contains(issuer))
            }
        }
    }

    /// Whether some issuer vouches for actors of others.
    pub fn has_vouchers(&self) -> bool {
        self.trusted_issuers.iter().flatten().any(|(_, others)| !others.is_empty())
    }
}

/// Rules for consent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConsentRules {
    /// The lowest tier that needs consent; `None` if no tier does.
    pub required_from: Option<Tier>,
    /// The longest life of a consent.
    pub longest_life: Option<Seconds>,
    /// The lowest tier for which the consent must state a reason.
    pub reason_from: Option<Tier>,
}

/// A group or role that the policy declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// The group or role.
    pub holder: Holder,
    /// Its place in the policy files.
    pub origin: Origin,
}

/// A type of agents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentType {
    /// The kinds of servers that agents of this type may use.
    pub server_kinds: BTreeSet<ServerKind>,
    /// The highest tier for agents of this type, even if their own ceiling is higher.
    pub ceiling: Option<Tier>,
    /// Its place in the policy files.
    pub origin: Origin,
}

/// A catalogue that servers share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogue {
    /// Whether a server has it.
    pub used: bool,
    /// Its place in the policy files.
    pub origin: Origin,
}

/// An MCP server behind the proxy. A server in several environments becomes one [`Server`] for each, `id.environment`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// The id.
    pub id: String,
    /// The resource identifier (RFC 8707, RFC 9728).
    pub resource: String,
    /// Authorities of the server, in lower case.
    pub authorities: BTreeSet<String>,
    /// The path of the server.
    pub path: String,
    /// The kind.
    pub kind: ServerKind,
    /// The owner; empty if the policy names none.
    pub owner: String,
    /// The environment; empty if it has none.
    pub environment: String,
    /// Labels.
    pub labels: BTreeSet<String>,
    /// Protocol revisions that this server admits; `None` admits the revisions of the configuration.
    pub revisions: Option<BTreeSet<String>>,
    /// OAuth scopes by tier.
    pub scopes: BTreeMap<Tier, String>,
    /// The catalogue, in order of kind and name.
    pub items: Vec<Item>,
    /// Rules for methods.
    pub methods: BTreeMap<String, MethodRule>,
    /// Whether its denials are enforced.
    pub mode: Mode,
    /// Its place in the policy files.
    pub origin: Origin,
}

/// An item of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The kind of the item.
    pub kind: ItemKind,
    /// Its name or URI, exact.
    pub name: String,
    /// Its risk class.
    pub tier: Tier,
    /// Labels.
    pub labels: BTreeSet<String>,
    /// Accepted definitions; empty if the item is not pinned.
    pub definitions: Vec<Definition>,
    /// The approval that every call needs.
    pub approval: Option<Approval>,
    /// Relations that the authorization cluster must confirm.
    pub checks: Vec<Check>,
    /// A condition for every call.
    pub when: Option<Condition>,
    /// Headers that repeat arguments.
    pub param_headers: BTreeSet<ParamHeader>,
    /// Constraints on arguments, compiled to one condition each.
    pub arguments: Vec<ArgumentRule>,
    /// Arguments that a record may show, by the keys that lead to them.
    pub shown: BTreeSet<Vec<String>>,
    /// Whether its denials are enforced.
    pub mode: Mode,
    /// Its place in the policy files.
    pub origin: Origin,
}

/// An accepted definition of a tool.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Definition {
    /// Name of the version, such as `v2`; empty if there is just one.
    pub version: String,
    /// SHA-256 of the canonical definition (see `docs/policy.md`).
    pub digest: [u8; 32],
    /// When it ceases to be accepted.
    pub until: Option<Time>,
}

/// A header that repeats an argument of a tool (`x-mcp-header` of its input schema).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ParamHeader {
    /// The version whose definition has this header; `None` if all accepted definitions have it. Either all headers of
    /// a tool name a version, or none do.
    pub version: Option<String>,
    /// The header name after `Mcp-Param-`, in lower case.
    pub name: String,
    /// The keys that lead to the argument; at least one.
    pub path: Vec<String>,
    /// The argument's type.
    pub value_type: ParamType,
}

/// A relation that the authorization cluster must confirm.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Check {
    /// Relation or permission.
    pub relation: String,
    /// Type of the object.
    pub object_type: String,
    /// Id of the object.
    pub object_id: Vec<TemplatePart>,
    /// Type of the subject.
    pub subject_type: String,
    /// Id of the subject.
    pub subject_id: Vec<TemplatePart>,
}

/// Part of a template.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum TemplatePart {
    /// Literal text.
    Literal(String),
    /// An argument, by the keys that lead to it; at least one.
    Argument(Vec<String>),
    /// The subject's `sub`.
    SubjectId,
}

/// A constraint on one argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArgumentRule {
    /// The keys that lead to it.
    pub path: Vec<String>,
    /// A condition that holds if the argument satisfies the constraint.
    pub condition: Condition,
}

/// A person, or subjects with something in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holder {
    /// One person: issuer identifier, `sub`.
    Id(String, String),
    /// A group: issuer identifier, name.
    Group(String, String),
    /// A role: issuer identifier, name.
    Role(String, String),
    /// Everyone whose token has this claim: issuer identifier, name of a top-level claim, value. The value is a string,
    /// or a boolean or integer as text. In a claim that is a list, one element must match.
    Claim(String, String, String),
    /// Everyone with a token of an issuer: issuer identifier.
    Anyone(String),
}

impl Holder {
    /// The issuer that vouches for them.
    pub fn issuer(&self) -> &str {
        match self {
            Holder::Id(issuer, _)
            | Holder::Group(issuer, _)
            | Holder::Role(issuer, _)
            | Holder::Claim(issuer, ..)
            | Holder::Anyone(issuer) => issuer,
        }
    }
}

/// An agent, or agents with something in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Agent {
    /// Issuer identifier, `act.sub`.
    Subject(String, String),
    /// Issuer identifier, `client_id`.
    Client(String, String),
    /// Every agent of an issuer: issuer identifier.
    Issuer(String),
    /// Every agent of the policy with this label.
    Label(String),
    /// Every agent of the policy of this type.
    Type(String),
}

/// Items.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Items {
    /// Only these names or URIs; `None` is any.
    pub names: Option<BTreeSet<String>>,
    /// Only those with one of these labels; `None` is any.
    pub labels: Option<BTreeSet<String>>,
    /// Only this tier and those above.
    pub tier_from: Option<Tier>,
}

/// A rule that gives subjects a ceiling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The id.
    pub id: String,
    /// The subjects; any one of them matches.
    pub subjects: Vec<Holder>,
    /// Only where every actor of the chain is one of these; `None` is any.
    pub actors: Option<Vec<Agent>>,
    /// Ids of the servers; `None` is all.
    pub servers: Option<BTreeSet<String>>,
    /// The highest tier.
    pub ceiling: Tier,
    /// When it holds.
    pub window: Window,
    /// Applies only if this holds.
    pub when: Option<Condition>,
    /// In monitor mode a call that only this grant permits is recorded as denied, and passes.
    pub mode: Mode,
    /// Its place in the policy files.
    pub origin: Origin,
}

/// Gives an agent a ceiling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The id.
    pub id: String,
    /// Which agent: never a label or a type.
    pub agent: Agent,
    /// Its type; empty if the policy has no types.
    pub agent_type: String,
    /// Labels.
    pub labels: BTreeSet<String>,
    /// Ids of the servers; `None` is all.
    pub servers: Option<BTreeSet<String>>,
    /// The highest tier.
    pub ceiling: Tier,
    /// When it holds.
    pub window: Window,
    /// Its place in the policy files.
    pub origin: Origin,
}

/// A rule that denies every request that matches all of its selectors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forbid {
    /// The id.
    pub id: String,
    /// The subject is any one of these; `None` is anybody.
    pub subjects: Option<Vec<Holder>>,
    /// Some actor of the chain is any one of these; `None` is any.
    pub actors: Option<Vec<Agent>>,
    /// Ids of the servers; `None` is all.
    pub servers: Option<BTreeSet<String>>,
    /// Items; `None` means every request, also one without an item.
    pub items: Option<Items>,
    /// Names of methods; `None` is any.
    pub methods: Option<BTreeSet<String>>,
    /// When it holds.
    pub window: Window,
    /// Applies only if this holds; an evaluation error denies the call.
    pub when: Option<Condition>,
    /// Whether the rule is enforced.
    pub mode: Mode,
    /// Its place in the policy files.
    pub origin: Origin,
}

/// An approval that a call needs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Approval {
    /// The approvers: `group:…`, `role:…` or `id:…`; empty leaves the choice to the approval service.
    pub approvers: BTreeSet<String>,
    /// How long a yes holds.
    pub valid_for: Seconds,
}

/// A rule that asks for an approval of every request that it matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalRule {
    /// The id.
    pub id: String,
    /// The subject is any one of these; `None` is anybody.
    pub subjects: Option<Vec<Holder>>,
    /// Some actor of the chain is any one of these; `None` is any.
    pub actors: Option<Vec<Agent>>,
    /// Ids of the servers; `None` is all.
    pub servers: Option<BTreeSet<String>>,
    /// Items.
    pub items: Items,
    /// Applies only if this holds; an evaluation error denies the call.
    pub when: Option<Condition>,
    /// The approval.
    pub approval: Approval,
    /// Whether the rule is enforced.
    pub mode: Mode,
    /// Its place in the policy files.
    pub origin: Origin,
}

/// Bounds how often something is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetRule {
    /// The id.
    pub id: String,
    /// The subject is any one of these; `None` is anybody.
    pub subjects: Option<Vec<Holder>>,
    /// Some actor of the chain is any one of these; `None` is any.
    pub actors: Option<Vec<Agent>>,
    /// Ids of the servers; `None` is all.
    pub servers: Option<BTreeSet<String>>,
    /// Items.
    pub items: Items,
    /// The keys by which calls are counted separately.
    pub per: BTreeSet<BudgetKey>,
    /// Most calls in a window.
    pub limit: u64,
    /// Length of the window.
    pub window: Seconds,
    /// Whether the rule is enforced.
    pub mode: Mode,
    /// Its place in the policy files.
    pub origin: Origin,
}

/// A rule for a method that names no item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MethodRule {
    /// Whether the method is permitted.
    pub permit: bool,
    /// The tier that it counts as, against all ceilings.
    pub tier: Option<Tier>,
    /// Applies only if this holds.
    pub when: Option<Condition>,
    /// `elicitation/create`: pages to which the server may send a person, as URL prefixes that end at a path segment.
    /// `None` admits no page.
    pub urls: Option<BTreeSet<String>>,
    /// Whether the rule is enforced.
    pub mode: Mode,
    /// Its place in the policy files.
    pub origin: Origin,
}
