//! `servers.<id>.messages`: the path at which a server of MCP 2024-11-05 (HTTP with SSE) takes messages.
//!
//! Such a server has two addresses. A GET at the policy's address opens the stream. The stream's first event
//! names this one. Each address belongs to one server only.

use super::ServerSettings;
use policy_wasm::bundle::{Bundle, Server};
use policy_wasm::canonical_path::plain_path;
use policy_wasm::source::Place;

/// Reads the path.
pub(super) fn read(place: &Place<'_>) -> Option<String> {
    let text = place.text()?;
    if let Err(why) = plain_path(text) {
        place.refuse(format!("expected a path such as `/messages/`: {why}"));
        return None;
    }
    Some(text.to_owned())
}

/// Refuses a path of messages at which another server is reached.
pub(super) fn check(place: &Place<'_>, bundle: &Bundle, server: Server<'_>, settings: &[ServerSettings]) {
    let Some(path) = of(settings, server) else { return };
    for authority in server.authorities() {
        let other = bundle.servers().find(|other| {
            let own = other.index() == server.index();
            let paths = [Some(other.path()), of(settings, *other)];
            !own && paths.contains(&Some(path)) && other.authorities().any(|other| other == authority)
        });
        if let Some(other) = other {
            place.refuse(format!("this path at `{authority}` is an address of the server `{}`", other.id()));
            return;
        }
    }
}

fn of<'s>(settings: &'s [ServerSettings], server: Server<'_>) -> Option<&'s str> {
    settings.get(usize::try_from(server.index()).ok()?)?.messages.as_deref()
}

/// The server that takes messages at this address; `those`: the servers that have such a path.
pub(super) fn server_at<'b>(
    bundle: &'b Bundle,
    settings: &[ServerSettings],
    those: &[u32],
    authority: &str,
    path: &str,
) -> Option<Server<'b>> {
    those.iter().filter_map(|index| bundle.server(*index)).find(|server| {
        of(settings, *server) == Some(path)
            && bundle.server_at(authority, server.path()).is_some_and(|at| at.index() == server.index())
    })
}
