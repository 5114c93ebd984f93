//! One HTTP stream as the plugin sees it.

use super::abi::Status;
use crate::scenario::Fields;
use std::collections::BTreeMap;

/// One direction of a stream.
#[derive(Debug, Default)]
pub struct Side {
    /// The head, pseudo-headers included.
    pub headers: Fields,
    /// Whether the plugin can reach the head: from its callback on until the head goes on.
    pub headers_open: bool,
    /// The part of the body that the plugin can reach: everything held, or the chunk of the callback.
    pub buffer: Vec<u8>,
    /// Whether the plugin can reach it.
    pub buffer_open: bool,
    /// Trailers.
    pub trailers: Fields,
    /// Whether the plugin can reach them.
    pub trailers_open: bool,
    /// The plugin called `continue_stream`.
    pub continued: bool,
}

impl Side {
    /// Releases everything that was held.
    pub(super) fn close(&mut self) {
        self.headers_open = false;
        self.buffer_open = false;
        self.trailers_open = false;
    }

    /// `set_buffer_bytes`: replaces everything, prepends, or appends. Other edits are errors.
    ///
    /// # Errors
    /// [`Status::BadArgument`].
    pub fn edit_buffer(&mut self, start: usize, length: usize, value: &[u8]) -> Result<(), Status> {
        if !self.buffer_open {
            return Err(Status::BadArgument);
        }
        if start == 0 && length == 0 {
            self.buffer.splice(0..0, value.iter().copied());
        } else if start == 0 && length >= self.buffer.len() {
            self.buffer = value.to_vec();
        } else if start >= self.buffer.len() {
            self.buffer.extend_from_slice(value);
        } else {
            return Err(Status::BadArgument);
        }
        Ok(())
    }
}

/// `send_local_response`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalReply {
    /// HTTP status.
    pub status: u16,
    /// For the access log.
    pub details: String,
    /// Header fields.
    pub headers: Fields,
    /// The body.
    pub body: Vec<u8>,
}

/// One HTTP stream.
#[derive(Debug, Default)]
pub struct Stream {
    /// Client to server.
    pub request: Side,
    /// Server to client.
    pub response: Side,
    /// The plugin's reply, until the proxy sends it.
    pub reply: Option<LocalReply>,
    /// The plugin called `close_stream`.
    pub closed: bool,
    /// `set_property` of the plugin: filter state `wasm.<name>`.
    pub filter_state: BTreeMap<String, Vec<u8>>,
    /// Actions that no proxy would accept, such as a second reply.
    pub problems: Vec<String>,
}
