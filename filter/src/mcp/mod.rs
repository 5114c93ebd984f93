//! The Model Context Protocol as the filter reads it: more strictly than any server behind it.
//!
//! | module | subject |
//! |---|---|
//! | [`message`] | one JSON-RPC message from the client |
//! | [`method`] | which methods there are, and what they act on |
//! | [`revision`] | protocol revisions, eras, mirrored headers |
//! | [`list`] | answers to `tools/list`, cut down to what the caller could call |
//! | [`sse`] | event streams, cut anywhere |

pub mod list;
pub mod message;
pub mod method;
pub mod revision;
pub mod sse;

pub use message::{Message, Refusal, RequestId};
pub use method::Method;
pub use revision::{Era, Revision};
