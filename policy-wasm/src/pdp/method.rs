//! Methods that are permitted where the policy says nothing of them.

/// Methods that every server may be used by: what clients need, what is judged by the catalogue, and notifications that
/// carry nothing but what follows from a request that was permitted. Whatever a server asks of the client or the human
/// (sampling, elicitation, roots), and its log messages, is not among them.
///
/// Source: MCP 2024-11-05 to 2026-07-28; `http/get` and `http/delete` stand for requests without a message, `response`
/// for the answer to a request of the server, which is judged on its way to the client.
pub const PERMITTED: [&str; 26] = [
    "completion/complete",
    "http/delete",
    "http/get",
    "initialize",
    "notifications/cancelled",
    "notifications/elicitation/complete",
    "notifications/initialized",
    "notifications/progress",
    "notifications/prompts/list_changed",
    "notifications/resources/list_changed",
    "notifications/resources/updated",
    "notifications/roots/list_changed",
    "notifications/subscriptions/acknowledged",
    "notifications/tasks",
    "notifications/tasks/status",
    "notifications/tools/list_changed",
    "ping",
    "prompts/get",
    "prompts/list",
    "resources/list",
    "resources/read",
    "resources/templates/list",
    "response",
    "server/discover",
    "tools/call",
    "tools/list",
];

/// Whether the method is permitted where the policy says nothing of it.
pub(super) fn is_permitted(method: &str) -> bool {
    PERMITTED.contains(&method)
}
