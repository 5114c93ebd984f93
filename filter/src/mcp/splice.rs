//! Edits of a text that leave all its other bytes as they are.

use policy_wasm::json;

/// Replacements of parts of one text; the parts must not overlap.
#[derive(Debug, Default)]
pub struct Splices {
    edits: Vec<(usize, usize, String)>,
}

impl Splices {
    /// Replaces `part`, which is a slice of `whole`, by `with`.
    pub fn replace(&mut self, whole: &str, part: &str, with: String) {
        let start = json::offset_in(whole.as_bytes(), part);
        let place = self.edits.partition_point(|(at, ..)| *at < start);
        self.edits.insert(place, (start, start.saturating_add(part.len()), with));
    }

    /// Whether there are no edits.
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }

    /// The text with all edits; `None` if a part does not lie in `whole`.
    pub fn apply(self, whole: &str) -> Option<String> {
        let mut out = String::with_capacity(whole.len());
        let mut at = 0usize;
        for (start, end, with) in self.edits {
            out.push_str(whole.get(at..start)?);
            out.push_str(&with);
            at = end;
        }
        out.push_str(whole.get(at..)?);
        Some(out)
    }
}
