//! What a client sees of a denial (STUB, being written: one exhaustive table).

/// A local reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Header fields, `content-type` among them where there is a body.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// For the proxy's access log (`%RESPONSE_CODE_DETAILS%`): `toolward_denied_<reason>` or `toolward_metadata`.
    pub details: String,
}
