//! Assigns a message to a protocol revision.
//!
//! Source: MCP 2026-07-28, basic/transports/streamable-http (mirrored headers, −32020, −32022); 2025-11-25,
//! the same page (`MCP-Protocol-Version`). Every known server ignores `Mcp-*` headers on legacy requests. So
//! headers and body must agree on the era, and the filter compares mirrored headers with the body wherever
//! they appear.

use super::client_message::Request;
use super::error::MessageError;
use super::headers::{Mirrored, mirrors};
use super::meta::Meta;
use super::method::{Direction, Method, MethodKind, Schema, TargetKind};
use super::revision::{Era, Revision, Revisions};

/// Which revision a message belongs to, if headers and body agree. `method` is the message's method, `name` what
/// `Mcp-Name` mirrors of it; a response has neither.
fn place(
    mirrored: &Mirrored,
    meta: &Meta<'_>,
    method: Option<&str>,
    name: Option<&str>,
    revisions: Revisions,
) -> Result<Revision, MessageError> {
    let admitted = |name: &str| revisions.named(name).ok_or(MessageError::RevisionUnsupported);
    let (header, body) = (mirrored.revision.as_deref(), meta.revision.as_deref());
    if header.is_some_and(|header| body.is_some_and(|body| header != body)) {
        return Err(MessageError::HeaderMismatch);
    }
    let header = header.map(admitted).transpose()?;
    let body = body.map(admitted).transpose()?;
    let revision = match (header, body) {
        (None, None) if mirrored.by_sse => admitted(Revision::R20241105.name())?,
        (None, None) => revisions.assumed().ok_or(MessageError::RevisionUnsupported)?,
        (Some(header), None) if header.era() == Era::Legacy => header,
        // From 2026-07-28 on, a body without `_meta` is incomplete, whatever the headers contain.
        (Some(_), None) => return Err(MessageError::ParamsInvalid),
        (Some(_), Some(body)) if body.era() == Era::Modern => body,
        _ => return Err(MessageError::HeaderMismatch),
    };
    if mirrored.malformed || !mirrors(&mirrored.method, method) || !mirrors(&mirrored.name, name) {
        return Err(MessageError::HeaderMismatch);
    }
    Ok(revision)
}

/// Places a request or notification in a revision.
///
/// # Errors
/// [`MessageError::RevisionUnsupported`], [`MessageError::HeaderMismatch`], [`MessageError::ParamsInvalid`] (modern `_meta` incomplete),
/// or [`MessageError::MethodUnknown`] and [`MessageError::NotificationUnknown`] where the revision does not have it.
pub fn place_request(
    mirrored: &Mirrored,
    request: &Request<'_>,
    revisions: Revisions,
) -> Result<Revision, MessageError> {
    if request.method == Method::Initialize {
        return place_initialize(mirrored, request, revisions);
    }
    // A completion has no name that `Mcp-Name` could mirror.
    let named = matches!(
        request.method.target_kind(),
        TargetKind::Tool | TargetKind::Prompt | TargetKind::Resource | TargetKind::Task
    );
    let name = if named { request.target.name() } else { None };
    let method = request.method.name();
    let revision = place(mirrored, &request.meta, Some(method), name, revisions)?;
    if !request.method.exists_in(Direction::ClientToServer, revision) {
        return Err(match request.method.kind() {
            MethodKind::Request => MessageError::MethodUnknown,
            MethodKind::Notification => MessageError::NotificationUnknown,
        });
    }
    if revision.era() == Era::Modern {
        if mirrored.method.is_none() || (name.is_some() && mirrored.name.is_none()) {
            return Err(MessageError::HeaderMismatch);
        }
        if !request.meta.capabilities {
            return Err(MessageError::ParamsInvalid);
        }
    }
    Ok(revision)
}

/// `initialize` comes before the header era begins: what counts is the revision it asks for, which must be one we read.
fn place_initialize(
    mirrored: &Mirrored,
    request: &Request<'_>,
    revisions: Revisions,
) -> Result<Revision, MessageError> {
    if request.meta.revision.is_some() || mirrored.malformed || mirrored.name.is_some() {
        return Err(MessageError::HeaderMismatch);
    }
    if !mirrors(&mirrored.method, Some(request.method.name())) {
        return Err(MessageError::HeaderMismatch);
    }
    let newest = revisions.iter().rfind(|revision| revision.era() == Era::Legacy);
    let newest = newest.ok_or(MessageError::RevisionUnsupported)?;
    // Clients ask for the newest revision that they know, even for one without `initialize` (rmcp 3.9). The
    // server answers with a revision that it has, and this answer decides. So a later or unknown revision
    // goes on.
    let place = |name: &str| match Revision::named(name) {
        Some(revision) if revisions.contains(revision) && revision.era() == Era::Legacy => Ok(revision),
        Some(revision) if revision < newest => Err(MessageError::RevisionUnsupported),
        // Over HTTP with SSE the answer comes on another stream, where the filter cannot match it to this
        // request.
        None if mirrored.by_sse => Err(MessageError::RevisionUnsupported),
        Some(revision) if mirrored.by_sse && revision.era() == Era::Legacy => {
            Err(MessageError::RevisionUnsupported)
        }
        _ => Ok(newest),
    };
    let asked = request.requested_revision.as_deref().unwrap_or_default();
    if let Some(header) = &mirrored.revision {
        let named = Revision::named(header);
        if named.is_some_and(|revision| revision.era() == Era::Modern) {
            return Err(MessageError::HeaderMismatch);
        }
        let admitted = named.is_some_and(|revision| revisions.contains(revision));
        if !admitted && header != asked {
            return Err(MessageError::RevisionUnsupported);
        }
    }
    place(asked)
}

/// Places a method that the table does not list, so that a client of a revision that is not admitted learns that first.
///
/// # Errors
/// As [`place_request`].
pub fn place_unlisted(
    mirrored: &Mirrored,
    method: &str,
    meta: &Meta<'_>,
    revisions: Revisions,
) -> Result<Revision, MessageError> {
    // The value that `Mcp-Name` would mirror is unknown.
    let mirrored = Mirrored { name: None, ..mirrored.clone() };
    place(&mirrored, meta, Some(method), None, revisions)
}

/// Places the response to a request of the server. Only legacy revisions have such requests.
///
/// # Errors
/// As [`place_request`]; [`MessageError::Response`] in the modern era.
pub fn place_response(mirrored: &Mirrored, revisions: Revisions) -> Result<Revision, MessageError> {
    if mirrored.is_modern() {
        return Err(MessageError::Response);
    }
    if !mirrored.params.is_empty() {
        return Err(MessageError::HeaderMismatch);
    }
    place(mirrored, &Meta::default(), None, None, revisions)
}

/// Whether a body may be a batch; only 2025-03-26 has batches.
pub fn admits_batches(mirrored: &Mirrored, revisions: Revisions) -> bool {
    let header = mirrored.revision.as_deref();
    !mirrored.by_sse
        && revisions.contains(Revision::R20250326)
        && header.is_none_or(|name| name == Revision::R20250326.name())
}
