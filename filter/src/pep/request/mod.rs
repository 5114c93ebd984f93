//! The request side: a head and a body become evaluations, and a permitted request goes on.

pub(super) mod authenticate;
pub(super) mod authorize;
pub(super) mod deny;
mod evaluation_request;
pub(super) mod forward;
pub(super) mod head;
mod param_headers;
