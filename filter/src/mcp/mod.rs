//! The Model Context Protocol as the filter reads it: more strictly than any server behind it.
//!
//! | module | subject |
//! |---|---|
//! | [`message`] | one JSON-RPC message from the client |
//! | [`method`] | which methods there are, and what they act on |
//! | [`params`] | what a message acts on, and what places it in a revision |
//! | [`revision`] | protocol revisions, eras, mirrored headers |
//! | [`arguments`] | headers that repeat arguments |
//! | [`answer`] | one JSON-RPC message from a server |
//! | [`list`] | lists of a server's catalogue, cut down to what the caller could ask for |
//! | [`task`] | where a server's message names tasks |
//! | [`edit`] | changes to a text that leave its other bytes alone |
//! | [`sse`] | event streams, cut anywhere |

pub mod answer;
pub mod arguments;
pub mod edit;
pub mod list;
pub mod message;
pub mod method;
pub mod params;
pub mod revision;
pub mod sse;
pub mod task;

pub use message::{Message, Refusal, RequestId};
pub use method::Method;
pub use revision::{Era, Revision};
