//! Methods that are permitted where the policy says nothing of them.

/// Methods that every server may be used by: what clients need, and what is judged by the catalogue.
///
/// Source: MCP 2025-11-25 and 2026-07-28; `http/get` and `http/delete` stand for requests without a message.
pub const PERMITTED: [&str; 17] = [
    "completion/complete",
    "http/delete",
    "http/get",
    "initialize",
    "notifications/cancelled",
    "notifications/initialized",
    "notifications/progress",
    "notifications/roots/list_changed",
    "ping",
    "prompts/get",
    "prompts/list",
    "resources/list",
    "resources/read",
    "resources/templates/list",
    "server/discover",
    "tools/call",
    "tools/list",
];

/// Whether the method is permitted where the policy says nothing of it.
pub(super) fn is_permitted(method: &str) -> bool {
    PERMITTED.contains(&method)
}
