//! The decision record (STUB, being written).

/// One decision, as it is logged: one line of JSON, written by [`DecisionRecord::to_json`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionRecord {
    /// The JSON line.
    pub json: String,
    /// `permit` or `deny`: the metric's `result` label.
    pub result: &'static str,
    /// Reason code, `allowed` for a permit: the metric's `reason` label.
    pub reason: &'static str,
}
