//! The response that a client awaits.

use crate::mcp::Method;
use crate::mcp::list::{self, List};
use crate::mcp::revision::Revision;

/// The kind of response that a client awaits.
pub(in crate::pep) enum Awaited {
    /// No answer (DELETE).
    Nothing,
    /// The answer to a request; in a stream, other messages too.
    Answer(AwaitedAnswer),
    /// Messages of the server's own: streams of GET, and responses to notifications.
    Messages,
    /// No answer, since only notifications and responses were posted; messages of the server's own may come.
    NoAnswer,
    /// An acknowledgement only: the answer comes on the stream of a GET (2024-11-05).
    Acknowledgement,
}

impl Awaited {
    /// The answer to the request with this id (JSON text).
    pub(in crate::pep) fn answer(id: &str, method: Method, revision: Revision) -> Awaited {
        let asked = Asked { method, list: list::asked_by(method) };
        Awaited::Answer(AwaitedAnswer { id: id.to_owned(), asked, revision })
    }
}

/// The answer that a client awaits.
pub(in crate::pep) struct AwaitedAnswer {
    /// The request's id as JSON text.
    pub(in crate::pep) id: String,
    pub(in crate::pep) asked: Asked,
    /// The request's revision.
    pub(in crate::pep) revision: Revision,
}

/// The question of a request.
#[derive(Clone, Copy)]
pub(in crate::pep) struct Asked {
    pub(in crate::pep) method: Method,
    /// The list that the request asks for, if it does.
    pub(in crate::pep) list: Option<&'static List>,
}
