//! `_meta`: the members that place a message in a revision and tie it to a task.
//!
//! Source: the schemas of MCP 2025-11-25 and 2026-07-28.

use super::error::MessageError;
use super::members::{MAX_URI, object, word};
use policy_wasm::json::{Kind, Value};
use std::borrow::Cow;

/// The `_meta` key that names the revision; every request of revision 2026-07-28 carries it.
pub const META_REVISION: &str = "io.modelcontextprotocol/protocolVersion";
/// The `_meta` key of the client's capabilities; every request of revision 2026-07-28 carries it.
pub const META_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
/// The member of `_meta` that names the task a message belongs to (2025-11-25).
pub const RELATED_TASK: &str = "io.modelcontextprotocol/related-task";

/// The members of `params._meta` that the filter reads.
#[derive(Debug, Default)]
pub struct Meta<'a> {
    /// `io.modelcontextprotocol/protocolVersion`.
    pub revision: Option<Cow<'a, str>>,
    /// Whether `io.modelcontextprotocol/clientCapabilities` is present.
    pub capabilities: bool,
    /// `taskId` of `io.modelcontextprotocol/related-task`, a string.
    pub task: Option<Value<'a>>,
}

pub(super) fn read_meta(meta: Option<Value<'_>>) -> Result<Meta<'_>, MessageError> {
    let Some(meta) = meta else { return Ok(Meta::default()) };
    let mut read = Meta::default();
    for (key, value) in object(meta, &[META_REVISION, META_CAPABILITIES, RELATED_TASK])?.members() {
        if key.is(META_REVISION) {
            read.revision = Some(value.as_str().ok_or(MessageError::ParamsInvalid)?.decode());
        } else if key.is(META_CAPABILITIES) {
            read.capabilities = value.kind() == Kind::Object;
        } else if key.is(RELATED_TASK) {
            read.task = Some(read_related(value)?);
        }
    }
    Ok(read)
}

/// The task that the value of `io.modelcontextprotocol/related-task` names.
fn read_related(value: Value<'_>) -> Result<Value<'_>, MessageError> {
    let id = object(value, &["taskId"])?.get("taskId");
    word(id, MAX_URI)?;
    id.ok_or(MessageError::ParamsInvalid)
}

/// The task that a client's result belongs to.
pub(super) fn read_result_task(result: Value<'_>) -> Result<Option<Value<'_>>, MessageError> {
    let Some(meta) = object(result, &["_meta"])?.get("_meta") else { return Ok(None) };
    object(meta, &[RELATED_TASK])?.get(RELATED_TASK).map(read_related).transpose()
}
