//! Protocol revisions, their eras, and the headers that mirror the body.
//!
//! Source: MCP 2026-07-28, basic/transports/streamable-http (mirrored headers, −32020, −32022); 2025-11-25 the same
//! page (`MCP-Protocol-Version`). Every server we know ignores `Mcp-*` headers on legacy requests, so the era of the
//! header and of the body must agree, and mirrored headers are held against the body wherever they appear.

use super::arguments::Said;
use super::message::Request;
use super::method::{Direction, Form, Method, Object};
use super::params::Meta;
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

    const fn bit(self) -> u8 {
        match self {
            Revision::R20241105 => 1,
            Revision::R20250326 => 2,
            Revision::R20250618 => 4,
            Revision::R20251125 => 8,
            Revision::R20260728 => 16,
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

/// A set of revisions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Revisions(u8);

impl Revisions {
    /// Whether this one is admitted.
    pub fn contains(self, revision: Revision) -> bool {
        self.0 & revision.bit() != 0
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Oldest first.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = Revision> {
        Revision::ALL.into_iter().filter(move |revision| self.contains(*revision))
    }

    /// Those that are in both.
    pub fn and(self, other: Revisions) -> Revisions {
        Revisions(self.0 & other.0)
    }

    /// Those that HTTP with SSE can carry, where the revision that has it is admitted: from 2026-07-28 on there are no
    /// sessions.
    pub fn by_sse(self) -> Revisions {
        let has = self.contains(Revision::R20241105);
        self.iter().filter(|revision| has && revision.era() == Era::Legacy).collect()
    }

    /// The admitted revision with this name.
    fn named(self, name: &str) -> Option<Revision> {
        Revision::named(name).filter(|revision| self.contains(*revision))
    }

    /// The revision of a request that does not say: 2025-03-26 (MCP 2025-06-18, transports), or 2024-11-05.
    fn assumed(self) -> Option<Revision> {
        [Revision::R20250326, Revision::R20241105].into_iter().find(|revision| self.contains(*revision))
    }
}

impl FromIterator<Revision> for Revisions {
    fn from_iter<I: IntoIterator<Item = Revision>>(revisions: I) -> Self {
        Revisions(revisions.into_iter().fold(0, |all, revision| all | revision.bit()))
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
    /// `Mcp-Param-*`; held against the arguments by [`super::arguments::hold`].
    pub arguments: Vec<Said>,
    /// An `Mcp-Param-*` is not encoded as it must be.
    pub malformed: bool,
    /// The message came by HTTP with SSE, the transport of 2024-11-05. What does not say its revision is of that one;
    /// sessions there may have agreed on a later one.
    pub by_sse: bool,
}

impl Mirrored {
    /// Whether the headers name a modern revision.
    pub fn is_modern(&self) -> bool {
        let named = self.revision.as_deref().and_then(Revision::named);
        named.is_some_and(|revision| revision.era() == Era::Modern)
    }
}

/// Undoes the encoding of header values that are not plain ASCII: `=?base64?…?=`. A value that is nearly so encoded is
/// one that readers could take differently: `None`.
pub fn decode_value(value: &str) -> Option<Cow<'_, str>> {
    const MARK: &str = "=?base64?";
    const END: &str = "?=";
    // Without its end it is a literal (MCP 2026-07-28, transports, value encoding).
    if !value.get(..MARK.len()).is_some_and(|mark| mark.eq_ignore_ascii_case(MARK)) || !value.ends_with(END) {
        return Some(Cow::Borrowed(value));
    }
    let encoded = value.strip_prefix(MARK)?.strip_suffix(END)?;
    let bytes = base64::engine::general_purpose::STANDARD.decode(encoded).ok()?;
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

/// A value as it is written in a header, for visible ASCII: encoded where it looks like something encoded.
pub fn encode_value(value: &str) -> String {
    if decode_value(value).as_deref() == Some(value) {
        return value.to_owned();
    }
    let mut out = String::from("=?base64?");
    base64::engine::general_purpose::STANDARD.encode_string(value, &mut out);
    out.push_str("?=");
    out
}

fn mirrors(header: &Option<String>, body: Option<&str>) -> bool {
    match header {
        None => true,
        Some(value) => decode_value(value).is_some_and(|value| body == Some(value.as_ref())),
    }
}

/// Which revision a message belongs to, if headers and body agree. `method` is the message's method, `name` what
/// `Mcp-Name` mirrors of it; a response has neither.
fn place(
    mirrored: &Mirrored,
    meta: &Meta<'_>,
    method: Option<&str>,
    name: Option<&str>,
    revisions: Revisions,
) -> Result<Revision, Reason> {
    let admitted = |name: &str| revisions.named(name).ok_or(Reason::RevisionUnsupported);
    let (header, body) = (mirrored.revision.as_deref(), meta.revision.as_deref());
    if header.is_some_and(|header| body.is_some_and(|body| header != body)) {
        return Err(Reason::HeaderMismatch);
    }
    let header = header.map(admitted).transpose()?;
    let body = body.map(admitted).transpose()?;
    let revision = match (header, body) {
        (None, None) if mirrored.by_sse => admitted(Revision::R20241105.name())?,
        (None, None) => revisions.assumed().ok_or(Reason::RevisionUnsupported)?,
        (Some(header), None) if header.era() == Era::Legacy => header,
        // From 2026-07-28 on a body without `_meta` is incomplete, whatever the headers say.
        (Some(_), None) => return Err(Reason::ParamsInvalid),
        (Some(_), Some(body)) if body.era() == Era::Modern => body,
        _ => return Err(Reason::HeaderMismatch),
    };
    if mirrored.malformed || !mirrors(&mirrored.method, method) || !mirrors(&mirrored.name, name) {
        return Err(Reason::HeaderMismatch);
    }
    Ok(revision)
}

/// Places a request or notification in a revision.
///
/// # Errors
/// [`Reason::RevisionUnsupported`], [`Reason::HeaderMismatch`], [`Reason::ParamsInvalid`] (modern `_meta` incomplete),
/// or [`Reason::MethodUnknown`] and [`Reason::NotificationUnknown`] where the revision does not have it.
pub fn place_request(
    mirrored: &Mirrored,
    request: &Request<'_>,
    revisions: Revisions,
) -> Result<Revision, Reason> {
    if request.method == Method::Initialize {
        return place_initialize(mirrored, request, revisions);
    }
    // A completion has no name of its own: `Mcp-Name` is not for it.
    let named =
        matches!(request.method.object(), Object::Tool | Object::Prompt | Object::Resource | Object::Task);
    let name = if named { request.target.name() } else { None };
    let method = request.method.name();
    let revision = place(mirrored, &request.meta, Some(method), name, revisions)?;
    if !request.method.is_of(Direction::ClientToServer, revision) {
        return Err(match request.method.form() {
            Form::Request => Reason::MethodUnknown,
            Form::Notification => Reason::NotificationUnknown,
        });
    }
    if revision.era() == Era::Modern {
        if mirrored.method.is_none() || (name.is_some() && mirrored.name.is_none()) {
            return Err(Reason::HeaderMismatch);
        }
        if !request.meta.capabilities {
            return Err(Reason::ParamsInvalid);
        }
    }
    Ok(revision)
}

/// `initialize` comes before the header era begins: what counts is the revision it asks for, which must be one we read.
fn place_initialize(
    mirrored: &Mirrored,
    request: &Request<'_>,
    revisions: Revisions,
) -> Result<Revision, Reason> {
    if request.meta.revision.is_some() || mirrored.malformed || mirrored.name.is_some() {
        return Err(Reason::HeaderMismatch);
    }
    if !mirrors(&mirrored.method, Some(request.method.name())) {
        return Err(Reason::HeaderMismatch);
    }
    let admitted = |name: &str| revisions.named(name).ok_or(Reason::RevisionUnsupported);
    if let Some(header) = &mirrored.revision
        && admitted(header)?.era() != Era::Legacy
    {
        return Err(Reason::HeaderMismatch);
    }
    let asked = admitted(request.requested_revision.as_deref().unwrap_or_default())?;
    if asked.era() == Era::Legacy {
        return Ok(asked);
    }
    // rmcp 3.9 asks for the newest revision that it knows, as if it could be had by `initialize`; every server answers
    // with its newest legacy one, and that is what the session then has.
    let newest = revisions.iter().rfind(|revision| revision.era() == Era::Legacy);
    newest.ok_or(Reason::RevisionUnsupported)
}

/// Places what the table does not list, so that a client of a revision that is not admitted learns that first.
///
/// # Errors
/// As [`place_request`].
pub fn place_unlisted(
    mirrored: &Mirrored,
    method: &str,
    meta: &Meta<'_>,
    revisions: Revisions,
) -> Result<Revision, Reason> {
    // What `Mcp-Name` would mirror is not known.
    let mirrored = Mirrored { name: None, ..mirrored.clone() };
    place(&mirrored, meta, Some(method), None, revisions)
}

/// Places an answer to a request of the server; there are such requests in legacy revisions only.
///
/// # Errors
/// As [`place_request`]; [`Reason::MessageResponse`] in the modern era.
pub fn place_response(mirrored: &Mirrored, revisions: Revisions) -> Result<Revision, Reason> {
    if mirrored.is_modern() {
        return Err(Reason::MessageResponse);
    }
    if !mirrored.arguments.is_empty() {
        return Err(Reason::HeaderMismatch);
    }
    place(mirrored, &Meta::default(), None, None, revisions)
}

/// Whether a body may be a batch: only 2025-03-26 has them.
pub fn admits_batches(mirrored: &Mirrored, revisions: Revisions) -> bool {
    let header = mirrored.revision.as_deref();
    !mirrored.by_sse
        && revisions.contains(Revision::R20250326)
        && header.is_none_or(|name| name == Revision::R20250326.name())
}
