//! Reads queries: one JSON object each, shaped like an AuthZEN request.

use crate::json::{self, Limits};
use crate::model::ActorKind;
use crate::source::{MapReader, Named, Node, Place, Position, Problem, Problems, Value, read_json, suggest};
use crate::time;

/// Longest query in bytes.
pub const MAX_QUERY: usize = 1024 * 1024;

/// One query to the policy: subject, agents, action, server, time and connection. The query owns its texts, so that
/// callers can keep and vary it.
///
/// Issuers are short names of the policy or identifiers. A subject without an issuer takes the only issuer of the
/// policy, and actors take the issuer of the subject.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// The server.
    pub server: ServerName,
    /// The MCP method; without one, the method of [`Query::target`].
    pub method: Option<String>,
    /// The subject.
    pub subject: SubjectQuery,
    /// The agent that calls now first, then earlier ones.
    pub actors: Vec<ActorQuery>,
    /// The token's scopes.
    pub scopes: Vec<String>,
    /// The subject's consent, if any.
    pub consent: Option<ConsentQuery>,
    /// The target.
    pub target: Target,
    /// Arguments of a tool or prompt: the text of a JSON object.
    pub arguments: Option<String>,
    /// SHA-256 of the tool's definition that the server last showed.
    pub definition: Option<[u8; 32]>,
    /// The time in Unix seconds; without one, the caller's time applies.
    pub now: Option<u64>,
    /// IP address of the caller; empty if it is not known.
    pub source_address: String,
    /// Whether the connection is encrypted.
    pub tls: bool,
    /// The name in the caller's certificate; empty without one.
    pub peer: String,
}

/// How a query names a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerName {
    /// By its id in the policy.
    Id(String),
    /// By its address.
    At {
        /// Host, with the port if there is one.
        authority: String,
        /// Path.
        path: String,
    },
}

impl Default for ServerName {
    fn default() -> Self {
        ServerName::Id(String::new())
    }
}

/// The subject of a query.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct SubjectQuery {
    /// `sub`.
    pub id: String,
    /// Short name or identifier of the issuer; `None` is the policy's only one.
    pub issuer: Option<String>,
    /// Groups that the issuer vouches for.
    pub groups: Vec<String>,
    /// Roles that the issuer vouches for.
    pub roles: Vec<String>,
    /// Claims of the token: the text of a JSON object.
    pub claims: Option<String>,
}

/// An agent of a query.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ActorQuery {
    /// The claim that names it.
    pub kind: ActorKind,
    /// `act.sub` or `client_id`.
    pub id: String,
    /// Short name or identifier of the issuer; `None` is the subject's.
    pub issuer: Option<String>,
}

/// The consent of a query.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConsentQuery {
    /// Its id.
    pub id: String,
    /// The servers that it covers; `None` is all.
    pub servers: Option<Vec<String>>,
    /// The tools, prompts and resources that it covers; `None` is all.
    pub tools: Option<Vec<String>>,
    /// The highest tier that it covers.
    pub level: Option<String>,
    /// The reason.
    pub reason: Option<String>,
    /// The time of the consent in Unix seconds.
    pub given_at: u64,
    /// When it ends, in Unix seconds.
    pub expires_at: Option<u64>,
}

/// The target of a query.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Target {
    /// No item: [`Query::method`] is the whole query.
    #[default]
    Server,
    /// A tool, by name.
    Tool(String),
    /// A prompt, by name.
    Prompt(String),
    /// A resource, by URI.
    Resource(String),
    /// A page that the server would send the subject to.
    Url(String),
}

impl Target {
    /// The method of a query that names none.
    pub(super) fn method(&self) -> Option<&'static str> {
        match self {
            Target::Server => None,
            Target::Tool(_) => Some("tools/call"),
            Target::Prompt(_) => Some("prompts/get"),
            Target::Resource(_) => Some("resources/read"),
            Target::Url(_) => Some("elicitation/create"),
        }
    }
}

/// Subjects, actors and consents that a query may name instead of writing them out.
#[derive(Default)]
pub(super) struct Cast<'n> {
    pub(super) subjects: Vec<Named<'n>>,
    pub(super) actors: Vec<Named<'n>>,
    pub(super) consents: Vec<Named<'n>>,
}

impl Query {
    /// Reads one query as JSON. Ambiguous texts are rejected, as in a request.
    ///
    /// # Errors
    /// Everything that is wrong with it, with positions; the file is called `query`.
    ///
    /// # Examples
    /// ```
    /// use policy_wasm::query::Query;
    ///
    /// let text = r#"{"server": "github", "tool": "merge", "subject": {"id": "alice"}, "actors": [{"client": "ide"}]}"#;
    /// assert_eq!(Query::read(text).unwrap().subject.id, "alice");
    ///
    /// let problems = Query::read(r#"{"server": "github", "tol": "merge", "subject": {"id": "alice"}}"#).unwrap_err();
    /// assert!(problems.to_string().contains("did you mean `tool`?"));
    /// ```
    pub fn read(text: &str) -> Result<Query, Problems> {
        let problems = Problems::new();
        if text.len() > MAX_QUERY {
            let message = format!("the query is {} bytes long, expected at most {MAX_QUERY}", text.len());
            let start = Position { line: 1, column: 1 };
            problems.push(Problem::new(FILE, start, String::new(), message, None));
            return Err(problems);
        }
        let query = read_json(FILE, text.as_bytes(), &Limits::default(), &problems)
            .and_then(|node| Query::from_place(&Place::root(FILE, &node, &problems)));
        match query {
            Some(mut query) if problems.is_empty() => {
                query.keep_spelling(text);
                Ok(query)
            }
            _ => {
                problems.quote(FILE, text, |_| None);
                Err(problems)
            }
        }
    }

    /// Reads a query that is part of a larger document; `None` after a problem was added.
    pub fn from_place(place: &Place<'_>) -> Option<Query> {
        let mut map = place.map()?;
        let query = Query::fields(&mut map, &Cast::default());
        map.finish();
        query
    }

    /// Arguments and claims stay as they were spelt: the spelling of a value can decide.
    fn keep_spelling(&mut self, text: &str) {
        let Ok(root) = json::parse(text.as_bytes(), &Limits::default()) else { return };
        let Some(root) = root.as_object() else { return };
        let raw = |object: json::Object<'_>, key: &str| {
            object.get(key).filter(|value| value.as_object().is_some()).map(|value| value.raw().to_owned())
        };
        self.arguments = raw(root, "arguments");
        let subject = root.get("subject").and_then(json::Value::as_object);
        self.subject.claims = subject.and_then(|subject| raw(subject, "claims"));
    }

    /// Reads the keys of a query out of a map that may have others.
    pub(super) fn fields<'n>(map: &mut MapReader<'n>, cast: &Cast<'n>) -> Option<Query> {
        let server = map.required("server").and_then(|place| server(&place));
        let method = optional(map, "method", |place| place.text().map(str::to_owned));
        let subject =
            map.required("subject").and_then(|place| subject(&cast_in(&place, &cast.subjects, "subject")?));
        let actors = optional(map, "actors", |place| actors(place, cast));
        let scopes = optional(map, "scopes", strings);
        let consent = optional(map, "consent", |place| consent(&cast_in(place, &cast.consents, "consent")?));
        let target = target(map);
        let arguments = optional(map, "arguments", object);
        let definition = optional(map, "definition", digest);
        let now = optional(map, "now", moment);
        let connection = optional(map, "connection", connection);
        let (method, target) = (method?, target?);
        if method.is_none() && target == Target::Server {
            map.place().refuse(
                "the query asks for nothing: expected `tool`, `prompt`, `resource`, `url` or `method`",
            );
            return None;
        }
        let (source_address, tls, peer) = connection?.unwrap_or_default();
        Some(Query {
            server: server?,
            method,
            subject: subject?,
            actors: actors?.unwrap_or_default(),
            scopes: scopes?.unwrap_or_default(),
            consent: consent?,
            target,
            arguments: arguments?,
            definition: definition?,
            now: now?,
            source_address,
            tls,
            peer,
        })
    }
}

/// The name of a query in messages.
const FILE: &str = "query";

/// `Some(None)` if the key is missing, `None` after a problem.
pub(super) fn optional<'n, T>(
    map: &mut MapReader<'n>,
    key: &'static str,
    read: impl FnOnce(&Place<'n>) -> Option<T>,
) -> Option<Option<T>> {
    match map.optional(key) {
        None => Some(None),
        Some(place) => read(&place).map(Some),
    }
}

/// The definition that a string names, or the place itself.
fn cast_in<'n>(place: &Place<'n>, cast: &[Named<'n>], what: &str) -> Option<Place<'n>> {
    let Value::String(name) = &place.node().value else { return Some(place.clone()) };
    if let Some(named) = cast.iter().find(|named| named.name == name.as_ref()) {
        return Some(named.value.clone());
    }
    if cast.is_empty() {
        place.named()?;
    }
    let suggestion = suggest(name, cast.iter().map(|named| named.name));
    place.refuse_with(format!("no {what} is called `{name}` here"), suggestion);
    None
}

fn server(place: &Place<'_>) -> Option<ServerName> {
    if matches!(place.node().value, Value::String(_)) {
        return place.text().map(|id| ServerName::Id(id.to_owned()));
    }
    let mut map = place.map()?;
    let authority = map.required("authority").and_then(|place| place.text());
    let path = map.required("path").and_then(|place| place.text());
    map.finish();
    Some(ServerName::At { authority: authority?.to_owned(), path: path?.to_owned() })
}

/// The subject. Groups, roles and claims may be left out.
pub(super) fn subject(place: &Place<'_>) -> Option<SubjectQuery> {
    let mut map = place.map()?;
    let id = map.required("id").and_then(|place| place.text());
    let issuer = optional(&mut map, "issuer", |place| place.text().map(str::to_owned));
    let groups = optional(&mut map, "groups", strings);
    let roles = optional(&mut map, "roles", strings);
    let claims = optional(&mut map, "claims", object);
    map.finish();
    Some(SubjectQuery {
        id: id?.to_owned(),
        issuer: issuer?,
        groups: groups?.unwrap_or_default(),
        roles: roles?.unwrap_or_default(),
        claims: claims?,
    })
}

fn actors<'n>(place: &Place<'n>, cast: &Cast<'n>) -> Option<Vec<ActorQuery>> {
    let places = place.list()?;
    let actors: Vec<ActorQuery> =
        places.iter().filter_map(|place| actor(&cast_in(place, &cast.actors, "actor")?)).collect();
    (actors.len() == places.len()).then_some(actors)
}

/// An agent: `{subject: …}`, `{client: …}`, or `{id: …, kind: subject | client}`.
pub(super) fn actor(place: &Place<'_>) -> Option<ActorQuery> {
    const KINDS: [&str; 2] = ["subject", "client"];
    let mut map = place.map()?;
    let named = [("subject", ActorKind::Subject), ("client", ActorKind::Client)]
        .map(|(key, kind)| map.optional(key).map(|place| (kind, place)));
    let id = map.optional("id");
    let kind = optional(&mut map, "kind", |place| place.one_of(&KINDS));
    let issuer = optional(&mut map, "issuer", |place| place.text().map(str::to_owned));
    let whole = map.place().clone();
    map.finish();
    let (kind, place) = match (named, id, kind?) {
        ([Some((kind, place)), None] | [None, Some((kind, place))], None, None) => (kind, place),
        ([None, None], Some(place), Some(1)) => (ActorKind::Client, place),
        ([None, None], Some(place), _) => (ActorKind::Subject, place),
        _ => {
            whole.refuse("expected one of `subject`, `client` or `id` (with `kind`)");
            return None;
        }
    };
    Some(ActorQuery { kind, id: place.text()?.to_owned(), issuer: issuer? })
}

/// A consent. Nothing but its id must be there.
pub(super) fn consent(place: &Place<'_>) -> Option<ConsentQuery> {
    let mut map = place.map()?;
    let text = |place: &Place<'_>| place.text().map(str::to_owned);
    let id = map.required("id").and_then(|place| text(&place));
    let servers = optional(&mut map, "servers", strings);
    let tools = optional(&mut map, "tools", strings);
    let level = optional(&mut map, "level", text);
    let reason = optional(&mut map, "reason", |place| place.string().map(str::to_owned));
    let given_at = optional(&mut map, "given_at", moment);
    let expires_at = optional(&mut map, "expires_at", moment);
    map.finish();
    Some(ConsentQuery {
        id: id?,
        servers: servers?,
        tools: tools?,
        level: level?,
        reason: reason?,
        given_at: given_at?.unwrap_or_default(),
        expires_at: expires_at?,
    })
}

fn target(map: &mut MapReader<'_>) -> Option<Target> {
    type Make = fn(String) -> Target;
    let kinds: [(&'static str, Make); 4] = [
        ("tool", Target::Tool),
        ("prompt", Target::Prompt),
        ("resource", Target::Resource),
        ("url", Target::Url),
    ];
    let named: Vec<(Place<'_>, Make)> =
        kinds.into_iter().filter_map(|(key, make)| Some((map.optional(key)?, make))).collect();
    match named.as_slice() {
        [] => Some(Target::Server),
        // Any string is a valid tool name; the answer says whether the tool exists.
        [(place, make)] => place.string().map(|name| make(name.to_owned())),
        [_, (second, _), ..] => {
            second.refuse("expected only one of `tool`, `prompt`, `resource` and `url`");
            None
        }
    }
}

pub(super) fn connection(place: &Place<'_>) -> Option<(String, bool, String)> {
    let mut map = place.map()?;
    let text = |place: &Place<'_>| place.string().map(str::to_owned);
    let source_address = optional(&mut map, "source_address", text);
    let tls = optional(&mut map, "tls", Place::bool);
    let peer = optional(&mut map, "peer", text);
    map.finish();
    Some((source_address?.unwrap_or_default(), tls?.unwrap_or_default(), peer?.unwrap_or_default()))
}

pub(super) fn strings(place: &Place<'_>) -> Option<Vec<String>> {
    place.texts().map(|texts| texts.into_iter().map(str::to_owned).collect())
}

/// A moment as RFC 3339 or as Unix seconds.
pub(super) fn moment(place: &Place<'_>) -> Option<u64> {
    match &place.node().value {
        Value::Number(_) => place.integer(0..=u64::from(u32::MAX).saturating_mul(64), "Unix seconds"),
        _ => {
            let moment = time::read(place.string()?);
            if moment.is_none() {
                place.refuse("expected a moment such as `2026-11-21T12:00:00Z`");
            }
            moment
        }
    }
}

/// `sha256:` and 64 hexadecimal digits.
fn digest(place: &Place<'_>) -> Option<[u8; 32]> {
    let read = |text: &str| {
        let digits = text.strip_prefix("sha256:")?.as_bytes();
        let mut out = [0; 32];
        if digits.len() != 64 {
            return None;
        }
        for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = pair.iter().try_fold(0_u8, |value, digit| {
                let digit = char::from(*digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())?;
                Some(value << 4 | digit)
            })?;
        }
        Some(out)
    };
    let digest = read(place.string()?);
    if digest.is_none() {
        place.refuse("expected `sha256:` and 64 hexadecimal digits");
    }
    digest
}

/// A map as the text of a JSON object.
fn object(place: &Place<'_>) -> Option<String> {
    place.named()?;
    let mut text = String::new();
    write_node(&mut text, place.node());
    if let Err(error) = json::parse(text.as_bytes(), &Limits::default()) {
        place.refuse(format!("this cannot be written as strict JSON ({:?})", error.kind));
        return None;
    }
    Some(text)
}

/// Recursion is bounded by the depth that the front ends admit.
fn write_node(out: &mut String, node: &Node<'_>) {
    match &node.value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(text) => out.push_str(text),
        Value::String(text) => json::write_str(out, text),
        Value::List(nodes) => {
            json::writer::list(out, nodes, write_node);
        }
        Value::Map(entries) => {
            out.push('{');
            for (index, entry) in entries.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                json::write_str(out, &entry.key);
                out.push(':');
                write_node(out, &entry.value);
            }
            out.push('}');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> String {
        Query::read(text).unwrap_err().to_string()
    }

    #[test]
    fn every_member_of_a_query_is_read() {
        let query = Query::read(
            r#"{"server": {"authority": "tools.acme.test", "path": "/mcp"}, "method": "tools/call",
                "subject": {"id": "alice", "issuer": "acme", "groups": ["a"], "roles": ["b"], "claims": {"c": [1.50]}},
                "actors": [{"id": "x", "kind": "client", "issuer": "i"}, {"subject": "y"}, {"client": "z"}, {"id": "w"}],
                "scopes": ["s"], "tool": "merge", "arguments": {"a": "\u0041", "n": 1.50},
                "consent": {"id": "c1", "servers": [], "tools": ["merge"], "level": "write", "reason": "",
                            "given_at": "2026-11-21T12:00:00Z", "expires_at": 1795262401},
                "definition": "sha256:00ff00000000000000000000000000000000000000000000000000000000000F",
                "now": "2026-11-21", "connection": {"source_address": "::1", "tls": true, "peer": "p"}}"#,
        )
        .unwrap();
        assert_eq!(query.server, ServerName::At { authority: "tools.acme.test".into(), path: "/mcp".into() });
        assert_eq!(query.subject.claims.as_deref(), Some(r#"{"c": [1.50]}"#));
        let actors: Vec<_> = query.actors.iter().map(|actor| (actor.kind, actor.id.as_str())).collect();
        assert_eq!(
            actors,
            [
                (ActorKind::Client, "x"),
                (ActorKind::Subject, "y"),
                (ActorKind::Client, "z"),
                (ActorKind::Subject, "w")
            ]
        );
        assert_eq!(query.actors[0].issuer.as_deref(), Some("i"));
        assert_eq!(query.arguments.as_deref(), Some(r#"{"a": "\u0041", "n": 1.50}"#), "the spelling is kept");
        let consent = query.consent.unwrap();
        assert_eq!((consent.given_at, consent.expires_at), (1_795_262_400, Some(1_795_262_401)));
        assert_eq!((consent.servers, consent.tools), (Some(vec![]), Some(vec!["merge".to_owned()])));
        let definition = query.definition.unwrap();
        assert_eq!((definition[0], definition[1], definition[31]), (0, 255, 15));
        assert_eq!((query.now, query.tls), (Some(1_795_219_200), true));
        assert_eq!((query.source_address.as_str(), query.peer.as_str()), ("::1", "p"));
    }

    #[test]
    fn every_mistake_is_reported_with_its_place() {
        let told = problems(
            "{\"server\": \"\", \"subject\": {\"id\": \"a\", \"group\": []},\n \"tool\": \"t\", \"prompt\": \"p\",\n \
             \"actors\": [{\"subject\": \"a\", \"client\": \"b\"}, \"planner\"], \"consent\": {\"id\": \"c\", \
             \"given_at\": \"now\"},\n \"definition\": \"sha256:00\", \"now\": \"2026\", \"arguments\": []}",
        );
        let expected = "\
query:1:12: /server: expected a string that is not empty
query:1:39: /subject/group: unknown key, expected one of `claims`, `groups`, `id`, `issuer`, `roles`; did you mean `groups`?
query:2:25: /prompt: expected only one of `tool`, `prompt`, `resource` and `url`
query:3:13: /actors/0: expected one of `subject`, `client` or `id` (with `kind`)
query:3:46: /actors/1: expected a map, found `planner`
query:3:93: /consent/given_at: expected a moment such as `2026-11-21T12:00:00Z`
query:4:16: /definition: expected `sha256:` and 64 hexadecimal digits
query:4:36: /now: expected a moment such as `2026-11-21T12:00:00Z`
query:4:57: /arguments: expected a map, found a list
";
        assert_eq!(told, expected);
    }

    #[test]
    fn a_query_that_asks_for_nothing_is_refused() {
        assert_eq!(
            problems(r#"{"server": "a", "subject": {"id": "b"}}"#),
            "query:1:1: the query asks for nothing: expected `tool`, `prompt`, `resource`, `url` or `method`\n"
        );
    }

    #[test]
    fn ambiguous_queries_are_rejected() {
        assert!(problems(r#"{"server": "a", "server": "b"}"#).contains("duplicate key"));
        assert!(problems(r#"{"arguments": {"a": 1, "\u0061": 2}}"#).contains("duplicate key"));
        assert!(problems(&" ".repeat(MAX_QUERY + 1)).contains("at most"));
    }
}
