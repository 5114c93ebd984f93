//! The evaluation (STUB).
use crate::bundle::{Bundle, Server};
use crate::decision::{Decision, Reasons, Visibility};
use crate::model::{Action, Delegation};

/// What one caller may reach at one server: worked out once, asked for every tool of a list.
#[derive(Debug, Clone)]
pub struct Authority {}

impl Authority {
    /// Works out the ceilings of the subject, of every actor and of the scopes at this server.
    pub fn of(_bundle: &Bundle, _server: Server<'_>, _delegation: &Delegation<'_>) -> Authority {
        Authority {}
    }
    /// Whether a list shows the tool to this caller.
    pub fn visibility(&self, _tool: &str) -> Visibility {
        Visibility::Deny
    }
}

/// Decides. Total: every input has an answer, and what cannot be decided is denied.
pub fn evaluate(
    _bundle: &Bundle,
    _server: Server<'_>,
    _delegation: &Delegation<'_>,
    _action: &Action<'_>,
) -> Decision {
    Decision {
        reasons: Reasons::NONE,
        tier: None,
        ceiling: None,
        scope_needed: None,
        obligations: Vec::new(),
    }
}
