//! Calls to the authorization cluster, and its answers. Only an explicit yes allows.

pub mod spicedb;

use crate::reason::Reason;
use std::fmt;

/// The outcome of an [`HttpCall`].
#[derive(Clone, Copy)]
pub enum HttpAnswer<'a> {
    /// An HTTP response. Envoy reports its own timeout as status 504.
    Response {
        /// Status code; 0 where it could not be read.
        status: u16,
        /// The body.
        body: &'a [u8],
    },
    /// No response: reset, connection failure.
    Reset,
    /// The call could not be made at all (unknown cluster, host refusal).
    NotSent,
}

/// An HTTP call to a cluster of the proxy.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpCall {
    /// Name of the cluster.
    pub cluster: String,
    /// `:authority`.
    pub authority: String,
    /// `:path`.
    pub path: &'static str,
    /// Further header fields.
    pub headers: Vec<(&'static str, String)>,
    /// The JSON body.
    pub body: Vec<u8>,
    /// Timeout in milliseconds, never 0 (which would mean none).
    pub timeout_ms: u32,
}

impl HttpCall {
    /// The call's header fields, pseudo-headers first.
    pub fn fields(&self) -> Vec<(&str, &str)> {
        let mut fields = vec![(":method", "POST"), (":path", self.path), (":authority", &self.authority)];
        fields.extend(self.headers.iter().map(|(name, value)| (*name, value.as_str())));
        fields
    }
}

/// The cluster's answer to one check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckAnswer {
    /// An explicit yes.
    Allowed,
    /// Anything else, with its reason.
    Refused(Reason),
}

// INVARIANT (no secrets in `Debug`): a call holds the preshared key and an answer may hold arguments. Only kinds, names
// and sizes are shown.

impl fmt::Debug for HttpAnswer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HttpAnswer::Response { status, body } => write!(f, "Response({status}, {} bytes)", body.len()),
            HttpAnswer::Reset => f.write_str("Reset"),
            HttpAnswer::NotSent => f.write_str("NotSent"),
        }
    }
}

impl fmt::Debug for HttpCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpCall")
            .field("cluster", &self.cluster)
            .field("path", &self.path)
            .field("timeout_ms", &self.timeout_ms)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
