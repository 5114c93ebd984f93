//! Reads the Model Context Protocol more strictly than any server behind the filter. This folder does not
//! know the gateway.
//!
//! | module | subject |
//! |---|---|
//! | [`revision`] | protocol revisions and eras |
//! | [`method`] | the methods, and the target of each |
//! | [`meta`] | `_meta` |
//! | [`target`] | the target of a message |
//! | [`client_message`] | one JSON-RPC message from a client |
//! | [`server_message`] | one JSON-RPC message from a server |
//! | [`headers`] | headers that mirror the body |
//! | [`placement`] | assigns a message to a revision |
//! | [`list`] | lists of a server's catalogue, reduced to the entries that the caller may use |
//! | [`task_refs`] | the places where a server's message names tasks |
//! | [`splice`] | edits of a text that leave its other bytes alone |
//! | [`sse`] | event streams, in pieces of any size |
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
