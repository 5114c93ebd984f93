//! The request side: from a head and a body to the questions for the policy.

pub(in crate::pep) mod evaluation_request;
pub(in crate::pep) mod forward;
pub(in crate::pep) mod head;
pub(in crate::pep) mod param_agreement;
pub(in crate::pep) mod param_headers;
