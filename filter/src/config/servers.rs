//! `servers`: the settings that differ at one server.

use super::{defaults, messages, settings};
use crate::reply::DenialForm;
use policy_wasm::bundle::{Bundle, Server};
use policy_wasm::source::{Place, suggest};

/// Whose word it is that a task is the caller's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskIds {
    /// The gateway's: ids are sealed for the caller that creates a task; tasks are not listed.
    Sealed,
    /// The same, and the server lists to each caller only the caller's own tasks.
    Listed,
    /// The server's: ids pass as they are.
    Server,
}

/// Settings of one server.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// The form of a denied call for the client.
    pub denial_form: DenialForm,
    /// Whether batches (2025-03-26) are judged, message by message, and not refused.
    pub judges_batches: bool,
    /// Longest request body in bytes.
    pub max_body_bytes: usize,
    /// Path to which an HTTP+SSE server (2024-11-05) has messages posted; without, it speaks Streamable HTTP only.
    pub messages: Option<String>,
    /// Whether ids of tasks are sealed.
    pub tasks: TaskIds,
}

/// The settings of every server of the bundle, in its order; `None` where any is wrong.
pub(super) fn read(
    place: Option<&Place<'_>>,
    bundle: &Bundle,
    elsewhere: &ServerSettings,
) -> Option<Vec<ServerSettings>> {
    let mut all: Vec<ServerSettings> = bundle.servers().map(|_| elsewhere.clone()).collect();
    let Some(place) = place else { return Some(all) };
    let mut sound = true;
    let mut posted = Vec::new();
    for named in place.named()? {
        let position = bundle.servers().position(|server| server.id() == named.name);
        let Some(slot) = position.and_then(|index| all.get_mut(index)) else {
            let near = suggest(named.name, bundle.servers().map(Server::id));
            named.refuse_unknown(place, "the policy has no such server", near);
            sound = false;
            continue;
        };
        let mut messages = None;
        let settings = read_one(&named.value, elsewhere, &mut messages);
        posted.extend(messages.zip(bundle.servers().find(|server| server.id() == named.name)));
        match settings {
            Some(settings) => *slot = settings,
            None => sound = false,
        }
    }
    for (place, server) in &posted {
        messages::check(place, bundle, *server, &all);
    }
    sound.then_some(all)
}

/// One server; `posted` becomes the place of `messages`.
fn read_one<'n>(
    place: &Place<'n>,
    elsewhere: &ServerSettings,
    posted: &mut Option<Place<'n>>,
) -> Option<ServerSettings> {
    let mut map = place.map()?;
    let denial_form = match map.optional("denial_form") {
        Some(place) => settings::denial_form(Some(place)),
        None => Some(elsewhere.denial_form),
    };
    let judges_batches = match map.optional("batches") {
        Some(place) => settings::batches(Some(place)),
        None => Some(elsewhere.judges_batches),
    };
    let max_body_bytes = match map.optional("max_body_bytes") {
        Some(place) => settings::bytes(defaults::SERVER_MAX_BODY.value(Some(place))),
        None => Some(elsewhere.max_body_bytes),
    };
    let messages = match map.optional("messages") {
        Some(place) => messages::read(posted.insert(place)).map(Some),
        None => Some(None),
    };
    let tasks = match map.optional("tasks") {
        Some(place) => task_ids(&place, elsewhere),
        None => Some(elsewhere.tasks),
    };
    map.finish();
    Some(ServerSettings {
        denial_form: denial_form?,
        judges_batches: judges_batches?,
        max_body_bytes: max_body_bytes?,
        messages: messages?,
        tasks: tasks?,
    })
}

fn task_ids(place: &Place<'_>, elsewhere: &ServerSettings) -> Option<TaskIds> {
    const ALL: [(&str, TaskIds); 3] =
        [("sealed", TaskIds::Sealed), ("listed", TaskIds::Listed), ("server", TaskIds::Server)];
    let (_, tasks) = ALL.get(place.public().one_of(&ALL.map(|(name, _)| name))?).copied()?;
    if tasks != TaskIds::Server && elsewhere.tasks == TaskIds::Server {
        place.refuse("there are no keys to seal with; add `sessions`");
        return None;
    }
    Some(tasks)
}
