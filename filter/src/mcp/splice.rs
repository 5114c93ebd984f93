//! Changes to a text that leave all its other bytes as they are.

use policy_wasm::json;

/// Replacements of parts of one text; parts do not overlap.
#[derive(Debug, Default)]
pub struct Splices {
    edits: Vec<(usize, usize, String)>,
}

impl Splices {
    /// Puts `with` in place of `part`, which is a slice of `whole`.
    pub fn replace(&mut self, whole: &str, part: &str, with: String) {
        let start = json::offset_in(whole.as_bytes(), part);
        let place = self.edits.partition_point(|(at, ..)| *at < start);
        self.edits.insert(place, (start, start.saturating_add(part.len()), with));
    }

    /// Whether there is nothing to change.
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }

    /// The text with all changes; `None` where a part does not lie in it.
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
