//! The access matrix: each subject's access to each item through each agent, as far as the policy alone decides.
//!
//! A cell shows the outcome of a call under the best circumstances that the spec leaves open. These are admitted
//! arguments, a token with every scope, a fresh consent of the highest level, and an encrypted connection.
//! [`Access::needs`] lists the circumstances that the permit depends on.

use super::access::{Access, Probe};
use super::evaluate::Unanswerable;
use super::principals::{self, Named};
use super::read::{
    ActorQuery, ConsentQuery, Query, ServerName, SubjectQuery, actor, consent, moment, subject,
};
use super::read::{connection, optional, strings};
use crate::bundle::{Bundle, Server};
use crate::json::Limits;
use crate::model::ItemKind;
use crate::source::{Place, Problems, read_json};

/// Most cells of a matrix.
pub const MAX_CELLS: usize = 1_000_000;

/// The contents of a matrix. The default is every subject, agent and item of the policy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MatrixSpec {
    /// The subjects; `None` means all that the rules name ([`principals::subjects`]).
    pub subjects: Option<Vec<Named<SubjectQuery>>>,
    /// Chains of actors, the calling one first; `None` is each agent of the policy by itself.
    pub agents: Option<Vec<Named<Vec<ActorQuery>>>>,
    /// Ids of the servers; `None` is all.
    pub servers: Option<Vec<String>>,
    /// The circumstances of every call.
    pub circumstances: Circumstances,
}

/// Under which circumstances calls are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Circumstances {
    /// The token's scopes; `None` means every scope of the server.
    pub scopes: Option<Vec<String>>,
    /// The consent; `None` means a fresh consent for everything, with a reason.
    pub consent: Option<ConsentQuery>,
    /// The time in Unix seconds; `None` means the caller's time.
    pub now: Option<u64>,
    /// IP address of the caller.
    pub source_address: String,
    /// Whether the connection is encrypted.
    pub tls: bool,
    /// The name in the caller's certificate.
    pub peer: String,
}

impl Default for Circumstances {
    fn default() -> Self {
        Circumstances {
            scopes: None,
            consent: None,
            now: None,
            source_address: String::new(),
            tls: true,
            peer: String::new(),
        }
    }
}

/// An item of a catalogue, as a matrix names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct MatrixItem {
    /// Id of the server.
    pub server: String,
    /// The kind of the row.
    pub kind: ItemKind,
    /// Name, URI or template.
    pub name: String,
    /// Name of its tier.
    pub tier: String,
}

/// The access of every subject through every agent to every item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matrix {
    /// Revision of the bundle.
    pub revision: String,
    /// The time in Unix seconds that it holds for.
    pub now: u64,
    /// The subjects.
    pub subjects: Vec<String>,
    /// The chains of actors.
    pub agents: Vec<String>,
    /// The items, by server, in order of kind and name.
    pub items: Vec<MatrixItem>,
    /// Cells: all items of the first subject through the first agent, then of the next subject, then of the next agent.
    pub cells: Vec<Access>,
}

impl Matrix {
    /// The cell of an agent, a person and an item, by their places in the lists.
    pub fn cell(&self, agent: usize, subject: usize, item: usize) -> Option<Access> {
        let row = agent.checked_mul(self.subjects.len())?.checked_add(subject)?;
        if subject >= self.subjects.len() || item >= self.items.len() {
            return None;
        }
        self.cells.get(row.checked_mul(self.items.len())?.checked_add(item)?).copied()
    }
}

impl MatrixSpec {
    /// Reads a spec as JSON: `{"subjects": […], "agents": […], "servers": […], "scopes": […], "consent": {…}, "now": …,
    /// "connection": {…}}`. Every member is optional. Subjects and agents are as in a query; an agent may be a list,
    /// which is a chain; either may have a `label`.
    ///
    /// # Errors
    /// Everything that is wrong with it, with positions; the file is called `matrix`.
    pub fn read(text: &str) -> Result<MatrixSpec, Problems> {
        const FILE: &str = "matrix";
        let problems = Problems::new();
        let spec = read_json(FILE, text.as_bytes(), &Limits::default(), &problems)
            .and_then(|node| MatrixSpec::from_place(&Place::root(FILE, &node, &problems)));
        match spec {
            Some(spec) if problems.is_empty() => Ok(spec),
            _ => {
                problems.quote(FILE, text, |_| None);
                Err(problems)
            }
        }
    }

    fn from_place(place: &Place<'_>) -> Option<MatrixSpec> {
        let mut map = place.map()?;
        let subjects = optional(&mut map, "subjects", |place| list(place, labelled_subject));
        let agents = optional(&mut map, "agents", |place| list(place, chain));
        let servers = optional(&mut map, "servers", strings);
        let scopes = optional(&mut map, "scopes", strings);
        let consent = optional(&mut map, "consent", consent);
        let now = optional(&mut map, "now", moment);
        let connection = optional(&mut map, "connection", connection);
        map.finish();
        let (source_address, tls, peer) = connection?.unwrap_or((String::new(), true, String::new()));
        Some(MatrixSpec {
            subjects: subjects?,
            agents: agents?,
            servers: servers?,
            circumstances: Circumstances {
                scopes: scopes?,
                consent: consent?,
                now: now?,
                source_address,
                tls,
                peer,
            },
        })
    }
}

fn list<T>(place: &Place<'_>, read: impl Fn(&Place<'_>) -> Option<T>) -> Option<Vec<T>> {
    let places = place.list()?;
    let items: Vec<T> = places.iter().filter_map(read).collect();
    (items.len() == places.len()).then_some(items)
}

fn labelled_subject(place: &Place<'_>) -> Option<Named<SubjectQuery>> {
    let value = subject(place)?;
    Some(Named { label: principals::subject_label(&value), value })
}

fn chain(place: &Place<'_>) -> Option<Named<Vec<ActorQuery>>> {
    let value = match place.node().value {
        crate::source::Value::List(_) => list(place, actor)?,
        _ => vec![actor(place)?],
    };
    Some(Named { label: principals::chain_label(&value), value })
}

/// Computes a matrix. `now` is the time in Unix seconds for a spec without one.
///
/// # Errors
/// [`Unanswerable`] if the spec names an unknown server or issuer, or needs more than [`MAX_CELLS`] cells.
pub fn matrix(bundle: &Bundle, spec: &MatrixSpec, now: u64) -> Result<Matrix, Unanswerable> {
    let subjects = spec.subjects.clone().unwrap_or_else(|| principals::subjects(bundle));
    let agents = spec.agents.clone().unwrap_or_else(|| each(principals::agents(bundle)));
    let servers = servers(bundle, spec)?;
    let items: Vec<MatrixItem> = servers.iter().flat_map(|server| items(*server)).collect();
    bounded(subjects.len(), agents.len(), items.len())?;
    let now = spec.circumstances.now.unwrap_or(now);
    let mut cells = Vec::new();
    for agent in &agents {
        for subject in &subjects {
            for server in &servers {
                let query =
                    case(&subject.value, &agent.value, server.id(), &spec.circumstances, *server, now);
                query.ask(bundle, now, |server, request| {
                    let probe = Probe::new(server, request, spec.circumstances.consent.is_none());
                    cells.extend(server.items().map(|item| probe.item(item)));
                })?;
            }
        }
    }
    Ok(Matrix {
        revision: bundle.revision().to_owned(),
        now,
        subjects: subjects.into_iter().map(|subject| subject.label).collect(),
        agents: agents.into_iter().map(|agent| agent.label).collect(),
        items,
        cells,
    })
}

/// Every agent as a chain of one.
pub(super) fn each(agents: Vec<Named<ActorQuery>>) -> Vec<Named<Vec<ActorQuery>>> {
    agents.into_iter().map(|agent| Named { label: agent.label, value: vec![agent.value] }).collect()
}

/// A query under the given circumstances; circumstances that they leave open are the best possible.
pub(super) fn case(
    subject: &SubjectQuery,
    actors: &[ActorQuery],
    server_id: &str,
    circumstances: &Circumstances,
    server: Server<'_>,
    now: u64,
) -> Query {
    let scopes = circumstances.scopes.clone().unwrap_or_else(|| server.scopes().map(str::to_owned).collect());
    let bundle = server.bundle();
    let highest = (0..).map_while(|tier| bundle.tier_name(tier).ok()).last();
    let consent = circumstances.consent.clone().unwrap_or_else(|| ConsentQuery {
        id: "assumed".to_owned(),
        level: highest.map(str::to_owned),
        reason: Some("assumed".to_owned()),
        given_at: now,
        expires_at: Some(now.saturating_add(1)),
        ..ConsentQuery::default()
    });
    Query {
        server: ServerName::Id(server_id.to_owned()),
        method: Some("tools/list".to_owned()),
        subject: subject.clone(),
        actors: actors.to_vec(),
        scopes,
        consent: Some(consent),
        now: Some(now),
        source_address: circumstances.source_address.clone(),
        tls: circumstances.tls,
        peer: circumstances.peer.clone(),
        ..Query::default()
    }
}

fn servers<'b>(bundle: &'b Bundle, spec: &MatrixSpec) -> Result<Vec<Server<'b>>, Unanswerable> {
    match &spec.servers {
        None => Ok(bundle.servers().collect()),
        Some(ids) => ids.iter().map(|id| super::evaluate::server_named(bundle, id, "/servers")).collect(),
    }
}

/// The items of a server's catalogue.
pub(super) fn items(server: Server<'_>) -> impl Iterator<Item = MatrixItem> {
    server.items().map(move |item| MatrixItem {
        server: server.id().to_owned(),
        kind: item.kind(),
        name: item.name().to_owned(),
        tier: server.bundle().tier_name(item.tier()).unwrap_or_default().to_owned(),
    })
}

/// Rejects a matrix with more than [`MAX_CELLS`] cells.
pub(super) fn bounded(subjects: usize, agents: usize, items: usize) -> Result<(), Unanswerable> {
    let cells = subjects.checked_mul(agents).and_then(|rows| rows.checked_mul(items));
    if cells.is_some_and(|cells| cells <= MAX_CELLS) {
        return Ok(());
    }
    Err(Unanswerable {
        path: String::new(),
        message: format!(
            "{subjects} subjects by {agents} agents by {items} entries are more than {MAX_CELLS} cells; name fewer \
             subjects, agents or servers"
        ),
        suggestion: None,
    })
}
