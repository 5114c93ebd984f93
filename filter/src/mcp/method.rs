//! The methods that the filter knows. Whatever is not listed is denied.

use super::revision::Era;

/// A method with an answer, as far as this release judges them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `initialize`, legacy.
    Initialize,
    /// `server/discover`, modern.
    Discover,
    /// `ping`, legacy.
    Ping,
    /// `tools/list`.
    ListTools,
    /// `tools/call`.
    CallTool,
}

impl Method {
    /// Every method, for tests and docs.
    pub const ALL: [Method; 5] =
        [Method::Initialize, Method::Discover, Method::Ping, Method::ListTools, Method::CallTool];

    /// The method with this exact name.
    pub fn named(name: &str) -> Option<Method> {
        Method::ALL.into_iter().find(|method| method.name() == name)
    }

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Method::Initialize => "initialize",
            Method::Discover => "server/discover",
            Method::Ping => "ping",
            Method::ListTools => "tools/list",
            Method::CallTool => "tools/call",
        }
    }

    /// Whether revisions of this era have the method.
    pub const fn in_era(self, era: Era) -> bool {
        match self {
            Method::Initialize | Method::Ping => matches!(era, Era::Legacy),
            Method::Discover => matches!(era, Era::Modern),
            Method::ListTools | Method::CallTool => true,
        }
    }
}

/// Notifications that a client may send; all legacy (2026-07-28 defines none from the client over HTTP).
pub const CLIENT_NOTIFICATIONS: [&str; 4] = [
    "notifications/initialized",
    "notifications/cancelled",
    "notifications/progress",
    "notifications/roots/list_changed",
];

/// What names a notification: such a message must not carry an id.
pub const NOTIFICATION_PREFIX: &str = "notifications/";
