//! The colours of outcomes.

use super::access::Outcome;
pub use crate::source::Paint;

impl Paint {
    /// The colour of an outcome.
    pub(super) fn outcome(self, outcome: Outcome, text: &str) -> String {
        match outcome {
            Outcome::Permit => self.good(text),
            Outcome::Conditional => self.open(text),
            Outcome::Deny => self.faint(text),
        }
    }
}
