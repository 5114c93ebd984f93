//! The definitions that servers last showed for tools whose definitions the policy pins.
//!
//! A definition reaches the filter only in lists. Each VM remembers it until a configuration replaces this
//! one, so never beyond the bundle. A call of a tool whose definition differs is then denied. The filter
//! remembers at most one definition for each pinned tool of the bundle.

use policy_wasm::bundle::{Item, Server};
use policy_wasm::model::ItemKind;
use std::cell::RefCell;

/// SHA-256 of a definition. Zeros mean a definition without a digest, which no policy accepts.
pub(super) type Digest = [u8; 32];

/// Digests by the bundle's numbers of tools.
#[derive(Default)]
pub(super) struct Definitions {
    seen: RefCell<Vec<(u32, Digest)>>,
}

impl Definitions {
    /// Remembers the definition that a server showed. Returns whether it is a new one.
    pub(super) fn note(&self, item: Item<'_>, digest: Digest) -> bool {
        let Ok(mut seen) = self.seen.try_borrow_mut() else { return false };
        match seen.binary_search_by_key(&item.number(), |(number, _)| *number) {
            Ok(at) => seen.get_mut(at).is_some_and(|(_, known)| std::mem::replace(known, digest) != digest),
            Err(at) => {
                seen.insert(at, (item.number(), digest));
                true
            }
        }
    }

    /// The tool, and the definition that the server last showed for it.
    pub(super) fn of<'b>(&self, server: Server<'b>, tool: &str) -> Option<(Item<'b>, Digest)> {
        let seen = self.seen.try_borrow().ok()?;
        if seen.is_empty() {
            return None;
        }
        let item = server.item(ItemKind::Tool, tool).ok()??;
        let at = seen.binary_search_by_key(&item.number(), |(number, _)| *number).ok()?;
        seen.get(at).map(|(_, digest)| (item, *digest))
    }
}
