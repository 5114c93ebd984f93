//! Evaluations: each thing that the policy decides about by itself.

use crate::mcp::Method;
use crate::pep::tool_definitions::Digest;
use crate::reason::Reason;
use crate::record::{CheckTrace, SeenDefinition};
use policy_wasm::decision::Decision;

/// The evaluation of a client's message, or of one of the objects that the message names.
#[derive(Default)]
pub(super) struct Evaluation {
    /// The id of the message as JSON text, where the client awaits an answer.
    pub(super) id: Option<String>,
    /// The method; none for a request without a message.
    pub(super) method: Option<&'static str>,
    /// The object: its kind, and its name as the client wrote it.
    pub(super) object: Option<(&'static str, String)>,
    pub(super) decision: Option<Decision>,
    /// The definition that the server last showed for the tool.
    pub(super) definition: Option<SeenDefinition>,
    /// Arguments that the policy lets a record show, as a JSON object.
    pub(super) recorded_arguments: Option<String>,
    pub(super) checks: Vec<CheckTrace>,
    /// The reason of its denial.
    pub(super) denied: Option<Reason>,
}

/// The evaluation of a server's message.
#[derive(Clone)]
pub(super) struct ServerEvaluation {
    /// The server's method, or the method that it answers.
    pub(super) method: Option<Method>,
    pub(super) tool: Option<String>,
    pub(super) definition: Option<Digest>,
    pub(super) decision: Option<Decision>,
    /// `None` for a permit.
    pub(super) reason: Option<Reason>,
    /// The number of further decisions of this method, reason and tool that the record counts; 0 in the
    /// record of the first.
    pub(super) repeated: u64,
}
