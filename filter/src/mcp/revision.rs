//! Protocol revisions, their eras, and the headers that mirror the body.
//!
//! Source: MCP 2026-07-28, basic/transports/streamable-http (mirrored headers, −32020, −32022); 2025-11-25 the same
//! page (`MCP-Protocol-Version`). Every server we know ignores `Mcp-*` headers on legacy requests, so the era of the
//! header and of the body must agree, and mirrored headers are held against the body wherever they appear.

use super::message::{Meta, Request};
use super::method::{Direction, Method};
use crate::reason::Reason;
use base64::Engine as _;
use std::borrow::Cow;

/// How a revision places a message in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Era {
    /// `initialize`, then `MCP-Protocol-Version` on each request (to 2025-11-25).
    Legacy,
    /// `_meta` and mirrored headers on each request (from 2026-07-28).
    Modern,
}

/// A revision that this release reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Revision {
    /// 2024-11-05: HTTP with server-sent events. Requests do not say their revision.
    R20241105,
    /// 2025-03-26: what a server assumes of a request that does not say its revision.
    R20250326,
    /// 2025-06-18.
    R20250618,
    /// 2025-11-25.
    R20251125,
    /// 2026-07-28.
    R20260728,
}

impl Revision {
    /// Every revision, oldest first.
    pub const ALL: [Revision; 5] = [
        Revision::R20241105,
        Revision::R20250326,
        Revision::R20250618,
        Revision::R20251125,
        Revision::R20260728,
    ];

    /// What is admitted where the configuration does not say: the revisions whose every request says which one it is.
    pub const DEFAULT: [Revision; 3] = [Revision::R20250618, Revision::R20251125, Revision::R20260728];

    /// The revision with this exact name.
    pub fn named(name: &str) -> Option<Revision> {
        Revision::ALL.into_iter().find(|revision| revision.name() == name)
    }

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Revision::R20241105 => "2024-11-05",
            Revision::R20250326 => "2025-03-26",
            Revision::R20250618 => "2025-06-18",
            Revision::R20251125 => "2025-11-25",
            Revision::R20260728 => "2026-07-28",
        }
    }

    /// Its era.
    pub const fn era(self) -> Era {
        match self {
            Revision::R20260728 => Era::Modern,
            _ => Era::Legacy,
        }
    }
}

/// The MCP headers of a request, each at most once, visible ASCII (with inner blanks) and trimmed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mirrored {
    /// `MCP-Protocol-Version`.
    pub revision: Option<String>,
    /// `Mcp-Method`.
    pub method: Option<String>,
    /// `Mcp-Name`.
    pub name: Option<String>,
}

/// Undoes the encoding of header values that are not plain ASCII: `=?base64?…?=`.
fn decode_value(value: &str) -> Option<Cow<'_, str>> {
    let Some(encoded) = value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?=")) else {
        return Some(Cow::Borrowed(value));
    };
    let bytes = base64::engine::general_purpose::STANDARD.decode(encoded).ok()?;
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

fn admitted(name: &str, revisions: &[Revision]) -> Option<Revision> {
    Revision::named(name).filter(|revision| revisions.contains(revision))
}

fn mirrors(header: &Option<String>, body: Option<&str>) -> bool {
    match header {
        None => true,
        Some(value) => decode_value(value).is_some_and(|value| body == Some(value.as_ref())),
    }
}

/// Which revision a request or notification belongs to, if headers and body agree.
///
/// `method` is the message's method and `name` its `params.name`.
fn place(
    mirrored: &Mirrored,
    meta: &Meta<'_>,
    method: &str,
    name: Option<&str>,
    revisions: &[Revision],
) -> Result<Revision, Reason> {
    let header = match &mirrored.revision {
        None => None,
        Some(name) => Some(admitted(name, revisions).ok_or(Reason::RevisionUnsupported)?),
    };
    let body = match &meta.revision {
        None => None,
        Some(name) => Some(admitted(name, revisions).ok_or(Reason::RevisionUnsupported)?),
    };
    let revision = match (header, body) {
        // Without the header a server assumes 2025-03-26 (MCP 2025-06-18, transports); 2024-11-05 never says.
        (None, None) => [Revision::R20250326, Revision::R20241105]
            .into_iter()
            .find(|revision| revisions.contains(revision))
            .ok_or(Reason::RevisionUnsupported)?,
        (Some(header), None) if header.era() == Era::Legacy => header,
        (Some(header), Some(body)) if header == body && body.era() == Era::Modern => body,
        _ => return Err(Reason::HeaderMismatch),
    };
    if !mirrors(&mirrored.method, Some(method)) || !mirrors(&mirrored.name, name) {
        return Err(Reason::HeaderMismatch);
    }
    if revision.era() == Era::Modern {
        let needs_name = name.is_some();
        if mirrored.method.is_none() || (needs_name && mirrored.name.is_none()) {
            return Err(Reason::HeaderMismatch);
        }
        if !meta.capabilities {
            return Err(Reason::ParamsInvalid);
        }
    }
    Ok(revision)
}

/// Places a request in a revision.
///
/// # Errors
/// [`Reason::RevisionUnsupported`], [`Reason::HeaderMismatch`], [`Reason::ParamsInvalid`] (modern `_meta` incomplete)
/// or [`Reason::MethodUnknown`] (a method of the other era).
pub fn place_request(
    mirrored: &Mirrored,
    request: &Request<'_>,
    revisions: &[Revision],
) -> Result<Revision, Reason> {
    if request.method == Method::Initialize {
        return place_initialize(mirrored, request, revisions);
    }
    let name = request.name.as_deref();
    let revision = place(mirrored, &request.meta, request.method.name(), name, revisions)?;
    if request.method.is_of(Direction::ClientToServer, revision) {
        Ok(revision)
    } else {
        Err(Reason::MethodUnknown)
    }
}

/// `initialize` comes before the header era begins: what counts is the revision it asks for, which must be one we read.
fn place_initialize(
    mirrored: &Mirrored,
    request: &Request<'_>,
    revisions: &[Revision],
) -> Result<Revision, Reason> {
    if request.meta.revision.is_some() || !mirrors(&mirrored.method, Some(request.method.name())) {
        return Err(Reason::HeaderMismatch);
    }
    if mirrored.name.is_some() {
        return Err(Reason::HeaderMismatch);
    }
    if let Some(header) = &mirrored.revision
        && admitted(header, revisions).ok_or(Reason::RevisionUnsupported)?.era() != Era::Legacy
    {
        return Err(Reason::HeaderMismatch);
    }
    let asked = admitted(request.requested_revision.as_deref().unwrap_or_default(), revisions)
        .ok_or(Reason::RevisionUnsupported)?;
    if asked.era() == Era::Legacy {
        return Ok(asked);
    }
    // rmcp 3.9 asks for the newest revision that it knows, as if it could be had by `initialize`; every server answers
    // with its newest legacy one, and that is what the session then has.
    let newest = revisions.iter().copied().filter(|revision| revision.era() == Era::Legacy).max();
    newest.ok_or(Reason::RevisionUnsupported)
}

/// Places a notification in a revision.
///
/// # Errors
/// As [`place_request`]; [`Reason::NotificationUnknown`] where the revision does not have it.
pub fn place_notification(
    mirrored: &Mirrored,
    method: Method,
    meta: &Meta<'_>,
    revisions: &[Revision],
) -> Result<Revision, Reason> {
    let revision = place(mirrored, meta, method.name(), None, revisions)?;
    if method.is_of(Direction::ClientToServer, revision) {
        Ok(revision)
    } else {
        Err(Reason::NotificationUnknown)
    }
}
