//! Methods and revisions of MCP: the one list of each. The filter adds who sends a method in which revision.
//!
//! Source: the schemas of MCP 2024-11-05, 2025-03-26, 2025-06-18, 2025-11-25 and 2026-07-28, and the extension
//! `io.modelcontextprotocol/tasks`.

/// Permitted unless the policy says otherwise. These are methods that clients need, methods that name an item, and
/// notifications that follow from a permitted request.
const PERMITTED: bool = true;
/// Permitted by a rule only: requests of a server to the client or the subject (sampling, elicitation, roots), log
/// messages, subscriptions and tasks.
const BY_RULE: bool = false;

macro_rules! methods {
    ($($name:ident = $wire:literal, $permitted:ident;)+) => {
        /// A method or notification of MCP, or a request without a message.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Method {
            $(#[doc = concat!("`", $wire, "`.")] $name,)+
        }

        impl Method {
            /// Every method.
            pub const ALL: &'static [Method] = &[$(Method::$name),+];

            /// The name on the wire and in policies.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Method::$name => $wire,)+
                }
            }

            /// Whether every server admits this method if the policy has no rule for it.
            pub const fn is_permitted_by_default(self) -> bool {
                match self {
                    $(Method::$name => $permitted,)+
                }
            }
        }
    };
}

methods! {
    CallTool = "tools/call", PERMITTED;
    ListTools = "tools/list", PERMITTED;
    Initialize = "initialize", PERMITTED;
    Discover = "server/discover", PERMITTED;
    Ping = "ping", PERMITTED;
    ListPrompts = "prompts/list", PERMITTED;
    GetPrompt = "prompts/get", PERMITTED;
    ListResources = "resources/list", PERMITTED;
    ListTemplates = "resources/templates/list", PERMITTED;
    ReadResource = "resources/read", PERMITTED;
    Subscribe = "resources/subscribe", BY_RULE;
    Unsubscribe = "resources/unsubscribe", BY_RULE;
    Listen = "subscriptions/listen", BY_RULE;
    Complete = "completion/complete", PERMITTED;
    SetLevel = "logging/setLevel", BY_RULE;
    GetTask = "tasks/get", BY_RULE;
    TaskResult = "tasks/result", BY_RULE;
    CancelTask = "tasks/cancel", BY_RULE;
    ListTasks = "tasks/list", BY_RULE;
    UpdateTask = "tasks/update", BY_RULE;
    CreateMessage = "sampling/createMessage", BY_RULE;
    Elicit = "elicitation/create", BY_RULE;
    ListRoots = "roots/list", BY_RULE;
    Initialized = "notifications/initialized", PERMITTED;
    Cancelled = "notifications/cancelled", PERMITTED;
    Progress = "notifications/progress", PERMITTED;
    RootsChanged = "notifications/roots/list_changed", PERMITTED;
    Log = "notifications/message", BY_RULE;
    ToolsChanged = "notifications/tools/list_changed", PERMITTED;
    PromptsChanged = "notifications/prompts/list_changed", PERMITTED;
    ResourcesChanged = "notifications/resources/list_changed", PERMITTED;
    ResourceUpdated = "notifications/resources/updated", PERMITTED;
    TaskStatus = "notifications/tasks/status", PERMITTED;
    ElicitationComplete = "notifications/elicitation/complete", PERMITTED;
    Acknowledged = "notifications/subscriptions/acknowledged", PERMITTED;
    TaskChanged = "notifications/tasks", PERMITTED;
    // Requests without a message, and the client's answers to requests of the server.
    HttpGet = "http/get", PERMITTED;
    HttpDelete = "http/delete", PERMITTED;
    Response = "response", PERMITTED;
}

impl Method {
    /// The method with this exact name.
    pub fn named(name: &str) -> Option<Method> {
        Method::ALL.iter().copied().find(|method| method.name() == name)
    }

    /// Whether messages carry this name as their `method`. The others are names of policies alone.
    pub const fn is_of_messages(self) -> bool {
        !matches!(self, Method::HttpGet | Method::HttpDelete | Method::Response)
    }
}

/// How a revision places a message in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Era {
    /// `initialize`, then `MCP-Protocol-Version` on each request (to 2025-11-25).
    Legacy,
    /// `_meta` and mirrored headers on each request (from 2026-07-28).
    Modern,
}

/// A protocol revision that this release reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Revision {
    /// 2024-11-05: HTTP with server-sent events. Requests do not name their revision.
    R20241105,
    /// 2025-03-26: the revision that a server assumes for a request without one.
    R20250326,
    /// 2025-06-18.
    R20250618,
    /// 2025-11-25.
    R20251125,
    /// 2026-07-28.
    R20260728,
}

impl Revision {
    /// Every revision, oldest first.
    pub const ALL: [Revision; 5] = [
        Revision::R20241105,
        Revision::R20250326,
        Revision::R20250618,
        Revision::R20251125,
        Revision::R20260728,
    ];

    /// The revisions that the filter admits unless its configuration lists others: those whose every request names its
    /// revision.
    pub const DEFAULT: [Revision; 3] = [Revision::R20250618, Revision::R20251125, Revision::R20260728];

    /// The names of all revisions, oldest first.
    pub const NAMES: [&'static str; 5] = [
        Revision::R20241105.name(),
        Revision::R20250326.name(),
        Revision::R20250618.name(),
        Revision::R20251125.name(),
        Revision::R20260728.name(),
    ];

    /// The revision with this exact name.
    pub fn named(name: &str) -> Option<Revision> {
        Revision::ALL.into_iter().find(|revision| revision.name() == name)
    }

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Revision::R20241105 => "2024-11-05",
            Revision::R20250326 => "2025-03-26",
            Revision::R20250618 => "2025-06-18",
            Revision::R20251125 => "2025-11-25",
            Revision::R20260728 => "2026-07-28",
        }
    }

    /// Its era.
    pub const fn era(self) -> Era {
        match self {
            Revision::R20260728 => Era::Modern,
            _ => Era::Legacy,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        for (index, method) in Method::ALL.iter().enumerate() {
            assert_eq!(Method::named(method.name()), Some(*method));
            assert_eq!(Method::ALL.iter().position(|other| other.name() == method.name()), Some(index));
        }
        for revision in Revision::ALL {
            assert_eq!(Revision::named(revision.name()), Some(revision));
        }
    }
}
