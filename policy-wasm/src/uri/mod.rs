//! URIs as readers resolve them: what comes under a template or a prefix, and which spellings some reader takes alike.
//!
//! Two readings stand here. The *plain* one ([`plain`]) is the strictest: a URI that any reader could resolve to another
//! is not plain. The *loosest* one ([`loose`]) takes everything alike that some reader does (RFC 3986 §6, the WHATWG
//! URL standard, file systems without case), so that no spelling of a listed URI escapes what is said of it.

pub(crate) mod loose;
mod page;
mod plain;
mod template;

pub(crate) use page::covers;
pub(crate) use template::{Plain, matches, resembles};
#[cfg(feature = "compile")]
pub(crate) use template::{instance, literal};

/// Longest URI that comes under a template or a prefix, in bytes.
pub(crate) const MAX_URI: usize = 2048;

#[cfg(test)]
mod tests;
