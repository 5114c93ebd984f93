//! The compiled policy, read in place (STUB).
use crate::model::Identity;

/// A compiled policy.
#[derive(Debug)]
pub struct Bundle {
    bytes: Box<[u8]>,
}

/// Why a bundle is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleError;

/// A server of the bundle.
#[derive(Debug, Clone, Copy)]
pub struct Server<'b> {
    bundle: &'b Bundle,
    index: u32,
}

impl Bundle {
    /// Opens a bundle: header, sections and digest are checked; nothing is unpacked.
    pub fn open(_bytes: Vec<u8>) -> Result<Bundle, BundleError> {
        Err(BundleError)
    }
    /// The revision: the name that the publisher gave, or the first 16 hex digits of the digest.
    pub fn revision(&self) -> &str {
        ""
    }
    /// The server that a request is for: exact path (or below it, where the policy says so), and authority compared
    /// without case; `None` is a denial.
    pub fn server_at(&self, _authority: &str, _path: &str) -> Option<Server<'_>> {
        None
    }
    /// The server with this index, from [`Server::index`].
    pub fn server(&self, _index: u32) -> Option<Server<'_>> {
        None
    }
    /// All servers, in order of their ids.
    pub fn servers(&self) -> impl Iterator<Item = Server<'_>> {
        std::iter::empty()
    }
}

impl<'b> Server<'b> {
    /// Stable within one bundle: what an exchange keeps between two callbacks.
    pub fn index(self) -> u32 {
        self.index
    }
    /// The id, such as `github`.
    pub fn id(self) -> &'b str {
        let _ = &self.bundle.bytes;
        ""
    }
    /// The resource identifier (RFC 8707, RFC 9728 `resource`): the URL that clients use and tokens name in `aud`.
    pub fn resource(self) -> &'b str {
        ""
    }
    /// The path at which requests come, such as `/mcp/github`.
    pub fn path(self) -> &'b str {
        ""
    }
    /// `personal`, `corporate` or `sensitive`.
    pub fn kind(self) -> &'b str {
        ""
    }
    /// Scopes that the policy asks for at this server, for `scopes_supported` (RFC 9728) and challenges.
    pub fn scopes(self) -> impl Iterator<Item = &'b str> {
        std::iter::empty()
    }
}

#[allow(unused, reason = "stub")]
fn stub(_: Identity<'_>) {}
