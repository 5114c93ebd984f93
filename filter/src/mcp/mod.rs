//! The Model Context Protocol as the filter reads it: more strictly than any server behind it. Nothing here knows the
//! gateway.
//!
//! | module | subject |
//! |---|---|
//! | [`revision`] | protocol revisions and eras |
//! | [`method`] | the methods, and what each acts on |
//! | [`meta`] | `_meta` |
//! | [`target`] | the target of a message |
//! | [`client_message`] | one JSON-RPC message from a client |
//! | [`server_message`] | one JSON-RPC message from a server |
//! | [`headers`] | headers that mirror the body |
//! | [`placement`] | places a message in a revision |
//! | [`list`] | lists of a server's catalogue, cut down to the entries that the caller may use |
//! | [`task_refs`] | where a server's message names tasks |
//! | [`splice`] | changes to a text that leave its other bytes alone |
//! | [`sse`] | event streams, cut anywhere |
//! | [`error`] | the readers' errors |

pub mod client_message;
pub mod error;
pub mod headers;
pub mod list;
mod members;
pub mod meta;
pub mod method;
pub mod placement;
pub mod revision;
pub mod server_message;
pub mod splice;
pub mod sse;
pub mod target;
pub mod task_refs;

pub use client_message::{Message, Refusal, RequestId};
pub use error::{MessageError, ServerMessageError};
pub use method::Method;
pub use revision::{Era, Revision};
