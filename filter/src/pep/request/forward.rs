//! The edits with which a permitted request goes on to the server.

use crate::mcp::headers::Mirrored;
use crate::pep::Permit;
use crate::pep::event::Effect;
use crate::pep::request::head::{Head, PARAM_PREFIX};
use crate::pep::task_id::BodyRewrite;
use crate::record::DecisionRecord;
use policy_wasm::sort::in_order;

/// Fields that vouch for the bytes of the body, which change where it names tasks.
const VOUCHING: [&[u8]; 4] = [b"content-md5", b"digest", b"content-digest", b"repr-digest"];

/// The edits that follow from the head.
#[derive(Debug, Clone, Default)]
pub(in crate::pep) struct UpstreamEdits {
    remove: Vec<Vec<u8>>,
    /// Whether the head says how long the body is.
    measured: bool,
}

impl UpstreamEdits {
    /// Removes forgeries of the filter's own fields, the token unless the configuration keeps it, and
    /// `accept-encoding`, which would bring a compressed answer.
    pub(in crate::pep) fn of(
        head: &Head<'_>,
        keep_authorization: bool,
        sealed_sessions: bool,
    ) -> UpstreamEdits {
        let mut remove: Vec<Vec<u8>> = Vec::new();
        for name in in_order(&head.spoofed) {
            if remove.last().is_none_or(|last| last != name) {
                remove.push(name.to_vec());
            }
        }
        if !keep_authorization {
            remove.push(b"authorization".to_vec());
        }
        if sealed_sessions && head.session.is_some() {
            remove.push(b"mcp-session-id".to_vec());
        }
        if head.has_accept_encoding {
            remove.push(b"accept-encoding".to_vec());
        }
        UpstreamEdits { remove, measured: head.has_content_length }
    }

    /// The same edits without the fields that mirror the body, for another message. `None` where the filter
    /// did not read some of those fields.
    pub(in crate::pep) fn unmirrored(&self, mirrored: &Mirrored) -> Option<UpstreamEdits> {
        let mut edits = self.clone();
        edits.remove.extend([b"mcp-method".to_vec(), b"mcp-name".to_vec()]);
        edits.remove.extend(mirrored.params.iter().map(|said| [PARAM_PREFIX, said.name.as_bytes()].concat()));
        (!mirrored.malformed).then_some(edits)
    }

    /// The request goes on, with these fields and the server's own names for tasks.
    pub(in crate::pep) fn forward(
        self,
        permit: Permit,
        mut set: Vec<(&'static str, String)>,
        rewrite: BodyRewrite,
        records: Vec<DecisionRecord>,
    ) -> Effect {
        let mut remove = self.remove;
        set.extend(rewrite.name.map(|name| ("mcp-name", name)));
        if let Some(body) = &rewrite.body {
            if self.measured {
                set.push(("content-length", body.len().to_string()));
            }
            remove.extend(VOUCHING.map(<[u8]>::to_vec));
        }
        Effect::Forward { permit, remove, set, body: rewrite.body.map(String::into_bytes), records }
    }
}
