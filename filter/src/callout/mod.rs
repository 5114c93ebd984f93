//! Questions to the authorization cluster. Only an explicit yes counts.

pub mod spicedb;

use crate::reason::Reason;

/// What the cluster said to one question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// An explicit yes.
    Yes,
    /// Anything else, with its reason.
    No(Reason),
}
