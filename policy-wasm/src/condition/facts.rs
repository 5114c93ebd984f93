//! The facts that a condition may read. They are requested one by one and borrowed, never collected beforehand.

use crate::json;

macro_rules! facts {
    ($($(#[$doc:meta])* $name:ident = $path:literal, $reads:ident;)*) => {
        /// Something that a condition can read. The number is part of the compiled form and never changes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Fact { $($(#[$doc])* $name,)* }

        impl Fact {
            /// Every fact, in order of the numbers.
            pub const ALL: &'static [Fact] = &[$(Fact::$name,)*];

            /// How a condition writes it.
            pub const fn path(self) -> &'static str {
                match self { $(Fact::$name => $path,)* }
            }

            /// The group that it belongs to.
            pub const fn reads(self) -> Reads {
                match self { $(Fact::$name => Reads::$reads,)* }
            }
        }
    };
}

facts! {
    /// The subject's `sub`: [`Given::Text`].
    SubjectId = "subject.id", SUBJECT;
    /// The identifier of the subject's issuer: [`Given::Text`].
    SubjectIssuer = "subject.issuer", SUBJECT;
    /// The subject's groups: [`Given::Texts`].
    SubjectGroups = "subject.groups", SUBJECT;
    /// The subject's roles: [`Given::Texts`].
    SubjectRoles = "subject.roles", SUBJECT;
    /// All claims of the token: [`Given::Object`]; [`Fault::Missing`] if the caller lends none.
    SubjectClaims = "subject.claims", CLAIMS;
    /// An agent's name: [`Given::Text`].
    ActorId = "actor.id", ACTORS;
    /// The identifier of an agent's issuer: [`Given::Text`].
    ActorIssuer = "actor.issuer", ACTORS;
    /// The type of an agent by the policy, empty if it has none: [`Given::Text`].
    ActorType = "actor.type", ACTORS;
    /// The labels of an agent by the policy: [`Given::Texts`].
    ActorLabels = "actor.labels", ACTORS;
    /// The chain of agents, the calling one first: [`Given::Actors`].
    Actors = "actors", ACTORS;
    /// The scopes of the token: [`Given::Texts`].
    Scopes = "delegation.scopes", DELEGATION;
    /// The id of the consent: [`Given::Text`]; [`Fault::Missing`] without a consent.
    ConsentId = "delegation.consent.id", DELEGATION;
    /// The highest tier that the consent covers: [`Given::Tier`]; [`Fault::Missing`] if it names no tier of the policy.
    ConsentLevel = "delegation.consent.level", DELEGATION;
    /// The reason of the consent: [`Given::Text`]; [`Fault::Missing`] without a reason.
    ConsentReason = "delegation.consent.reason", DELEGATION;
    /// The time of the consent: [`Given::Time`].
    ConsentGivenAt = "delegation.consent.given_at", DELEGATION;
    /// The end of the consent: [`Given::Time`]; [`Fault::Missing`] without an end.
    ConsentExpiresAt = "delegation.consent.expires_at", DELEGATION;
    /// The server's id: [`Given::Text`].
    ServerId = "server.id", SERVER;
    /// `personal`, `corporate` or `sensitive`: [`Given::Text`].
    ServerKind = "server.kind", SERVER;
    /// The owner of the server, empty if the policy names none: [`Given::Text`].
    ServerOwner = "server.owner", SERVER;
    /// The server's environment, empty if it has none: [`Given::Text`].
    ServerEnvironment = "server.environment", SERVER;
    /// The server's labels: [`Given::Texts`].
    ServerLabels = "server.labels", SERVER;
    /// The name or URI of the tool, prompt or resource: [`Given::Text`]. All of `item` is [`Fault::Missing`] if the
    /// request names no item.
    ItemName = "item.name", ITEM;
    /// `tool`, `prompt`, `resource` or `template`: [`Given::Text`].
    ItemKind = "item.kind", ITEM;
    /// The risk class: [`Given::Tier`].
    ItemTier = "item.tier", ITEM;
    /// The labels of the item: [`Given::Texts`].
    ItemLabels = "item.labels", ITEM;
    /// The version of the definition that the server showed: [`Given::Text`]; [`Fault::Missing`] without a definition
    /// or a name.
    ItemVersion = "item.version", DEFINITION;
    /// The arguments of the call: [`Given::Object`], or [`Given::Empty`] without arguments.
    Args = "args", ARGS;
    /// The MCP method: [`Given::Text`].
    Method = "method", METHOD;
    /// The time of the decision: [`Given::Time`].
    Now = "now", TIME;
    /// The IP address of the caller, empty if it is not known: [`Given::Text`].
    SourceAddress = "connection.source_address", CONNECTION;
    /// Whether the connection is encrypted: [`Given::Bool`].
    Tls = "connection.tls", CONNECTION;
    /// The name in the caller's certificate, empty without one: [`Given::Text`].
    Peer = "connection.peer", CONNECTION;
}

impl Fact {
    /// The fact with this number.
    pub(super) fn numbered(number: u8) -> Option<Fact> {
        Fact::ALL.get(usize::from(number)).copied()
    }
}

/// The facts that a condition reads, in groups. Lists need this, as they have no arguments, and so do callers that must
/// fetch a fact first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reads(pub(super) u16);

impl Reads {
    /// Nothing.
    pub const NONE: Reads = Reads(0);
    /// `subject` without its claims.
    pub const SUBJECT: Reads = Reads(1);
    /// `subject.claims`.
    pub const CLAIMS: Reads = Reads(2);
    /// `actor` and `actors`.
    pub const ACTORS: Reads = Reads(4);
    /// `delegation`.
    pub const DELEGATION: Reads = Reads(8);
    /// `server`.
    pub const SERVER: Reads = Reads(16);
    /// `item` without its version.
    pub const ITEM: Reads = Reads(32);
    /// `item.version`.
    pub const DEFINITION: Reads = Reads(64);
    /// `args`.
    pub const ARGS: Reads = Reads(128);
    /// `method`.
    pub const METHOD: Reads = Reads(256);
    /// `now`.
    pub const TIME: Reads = Reads(512);
    /// `connection`.
    pub const CONNECTION: Reads = Reads(1024);

    /// Whether it reads all of these.
    pub const fn contains(self, other: Reads) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both.
    #[must_use]
    pub const fn with(self, other: Reads) -> Reads {
        Reads(self.0 | other.0)
    }
}

/// A fact, as the caller has it.
#[derive(Debug, Clone, Copy)]
pub enum Given<'a> {
    /// A boolean.
    Bool(bool),
    /// A string.
    Text(&'a str),
    /// Unix seconds.
    Time(u64),
    /// A tier, as an index into the policy's.
    Tier(u32),
    /// This many strings; [`Facts::text`] lends each of them.
    Texts(u32),
    /// This many actors; their facts are requested by number.
    Actors(u32),
    /// An object of an accepted JSON text.
    Object(json::Object<'a>),
    /// An object without members.
    Empty,
}

/// The reason why a condition has no answer. The caller must deny, in permits and in denials alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It reads something that is not there.
    Missing,
    /// A value is of a type that the operation does not take.
    Type,
    /// A lenient reader could take a key of an argument or claim for another key, or a reader that rounds could take a
    /// number for another number.
    Ambiguous,
    /// A time or duration that cannot be read, an index that no list has, a time out of range.
    Value,
    /// The values are so large that the bound of work was reached.
    Exhausted,
    /// The compiled form makes no sense, or a fact could not be read.
    Broken,
}

impl Fault {
    /// Whether the other operand of `&&` or `||` can never make up for it.
    pub(super) fn is_final(self) -> bool {
        matches!(self, Fault::Exhausted | Fault::Broken)
    }
}

/// Lends the facts of a condition. The evaluation requests only the facts that it reaches, and may request one twice;
/// both answers must be equal.
pub trait Facts {
    /// The fact. `actor` numbers the chain from 0, the calling agent, and counts only for facts of agents.
    ///
    /// # Errors
    /// [`Fault::Missing`] without such a fact (`has()` is then false), [`Fault::Broken`] if it cannot be read.
    fn fact(&self, fact: Fact, actor: u32) -> Result<Given<'_>, Fault>;

    /// The string with this number, from 0, of a fact that is [`Given::Texts`].
    ///
    /// # Errors
    /// [`Fault::Missing`] without such a text, [`Fault::Broken`] if it cannot be read.
    fn text(&self, fact: Fact, actor: u32, index: u32) -> Result<&str, Fault>;
}
