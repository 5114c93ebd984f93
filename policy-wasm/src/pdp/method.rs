//! The methods that a policy can speak of, and which of them are permitted where it says nothing.

/// Permitted where the policy says nothing: what clients need, what is judged by the catalogue, and notifications that
/// carry nothing but what follows from a request that was permitted.
const PERMITTED: bool = true;
/// Permitted by a rule only: whatever a server asks of the client or the human (sampling, elicitation, roots), its log
/// messages, subscriptions and tasks.
const BY_RULE: bool = false;

/// Every method, in order, and whether every server may be used by it where the policy says nothing of it.
///
/// Source: MCP 2024-11-05 to 2026-07-28; `http/get` and `http/delete` stand for requests without a message, `response`
/// for the answer to a request of the server, which is judged on its way to the client.
pub const METHODS: [(&str, bool); 39] = [
    ("completion/complete", PERMITTED),
    ("elicitation/create", BY_RULE),
    ("http/delete", PERMITTED),
    ("http/get", PERMITTED),
    ("initialize", PERMITTED),
    ("logging/setLevel", BY_RULE),
    ("notifications/cancelled", PERMITTED),
    ("notifications/elicitation/complete", PERMITTED),
    ("notifications/initialized", PERMITTED),
    ("notifications/message", BY_RULE),
    ("notifications/progress", PERMITTED),
    ("notifications/prompts/list_changed", PERMITTED),
    ("notifications/resources/list_changed", PERMITTED),
    ("notifications/resources/updated", PERMITTED),
    ("notifications/roots/list_changed", PERMITTED),
    ("notifications/subscriptions/acknowledged", PERMITTED),
    ("notifications/tasks", PERMITTED),
    ("notifications/tasks/status", PERMITTED),
    ("notifications/tools/list_changed", PERMITTED),
    ("ping", PERMITTED),
    ("prompts/get", PERMITTED),
    ("prompts/list", PERMITTED),
    ("resources/list", PERMITTED),
    ("resources/read", PERMITTED),
    ("resources/subscribe", BY_RULE),
    ("resources/templates/list", PERMITTED),
    ("resources/unsubscribe", BY_RULE),
    ("response", PERMITTED),
    ("roots/list", BY_RULE),
    ("sampling/createMessage", BY_RULE),
    ("server/discover", PERMITTED),
    ("subscriptions/listen", BY_RULE),
    ("tasks/cancel", BY_RULE),
    ("tasks/get", BY_RULE),
    ("tasks/list", BY_RULE),
    ("tasks/result", BY_RULE),
    ("tasks/update", BY_RULE),
    ("tools/call", PERMITTED),
    ("tools/list", PERMITTED),
];

/// Whether the method is permitted where the policy says nothing of it.
pub(super) fn is_permitted(method: &str) -> bool {
    METHODS.iter().any(|(name, permitted)| *permitted && *name == method)
}
