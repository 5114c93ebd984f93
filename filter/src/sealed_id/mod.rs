//! Session ids that only their owner can use.
//!
//! MCP's legacy revisions let a server name a session (`Mcp-Session-Id`), and any client that sends that name
//! is in the session. So the client never sees the server's id. It sees a sealed form that holds the id, is
//! bound to the subject (and its tenant), the calling actor and the server, and ends. Any worker and any
//! replica with the same key can open it, so nothing is shared or kept. The one exception is the time of a
//! session's last use, where there is an idle limit ([`SharedStore`]).
//!
//! Source: MCP 2025-11-25, basic/transports (session management) and security best practices (session
//! hijacking).

mod active_session;
mod binding;
mod hmac_form;
mod idle_table;
mod key_ring;
mod session_policy;
#[cfg(test)]
mod tests;

pub use active_session::ActiveSession;
pub use binding::Binding;
pub use idle_table::{NoStore, SharedStore, StoreFault, is_available};
pub use key_ring::{Key, KeyRing, OpenError, Purpose};
pub use session_policy::SessionPolicy;
