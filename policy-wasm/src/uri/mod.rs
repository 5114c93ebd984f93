//! URIs as readers resolve them: matches of templates and prefixes, and spellings that some reader takes for one URI.
//!
//! This module has two readings. The *plain* one ([`plain`]) is the strictest: a URI that any reader could resolve to
//! another URI is not plain. The *loosest* one ([`loose`]) unites all spellings that some reader unites (RFC 3986 §6,
//! the WHATWG URL standard, file systems without case). The rules for a listed URI thus apply to each of its spellings.

mod character;
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
