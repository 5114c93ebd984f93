//! Headers that repeat arguments, held against what the policy knows of the tool.

use crate::mcp::headers::Mirrored;
use crate::mcp::revision::Revision;
use crate::mcp::target::Target;
use crate::pep::Pep;
use crate::pep::audit::Story;
use crate::pep::request::param_headers;
use crate::reason::Reason;
use policy_wasm::bundle::{Item, Unreadable};
use policy_wasm::decision::DenyReason;
use policy_wasm::model::ItemKind;

/// Holds `Mcp-Param-*` against one target of a message that the policy has judged, and notes a denial with its matter.
pub(in crate::pep) fn hold(
    pep: &Pep,
    story: &mut Story,
    mirrored: &Mirrored,
    target: &Target<'_>,
    revision: Revision,
) -> Result<(), Reason> {
    let now = story.now_ms / 1000;
    let held = known_tool(pep, story, target).and_then(|tool| {
        param_headers::hold(&mirrored.params, tool, target.arguments(), revision.era(), now)
    });
    held.map_err(|reason| story.blame(story.matters.len().saturating_sub(1), reason))
}

/// The tool that is called, where the policy may know of such headers.
fn known_tool<'p>(pep: &'p Pep, story: &Story, target: &Target<'_>) -> Result<Option<Item<'p>>, Reason> {
    match (story.server(Some(pep)), target) {
        (Some(server), Target::Tool { name, .. }) if pep.config.bundle.has_param_headers() => server
            .item(ItemKind::Tool, name)
            .map_err(|_: Unreadable| Reason::Policy(DenyReason::PolicyUnreadable)),
        _ => Ok(None),
    }
}
