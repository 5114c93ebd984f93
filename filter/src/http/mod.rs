//! HTTP header fields, read the way the strictest and the most lenient reader both would.
//!
//! | module | subject |
//! |---|---|
//! | [`fields`] | header fields as they came |
//! | [`mod@reference`] | URI references that every reader resolves alike |
//! | [`media`] | content types, codings, charsets |

pub mod fields;
pub mod media;
pub mod reference;

pub use fields::Fields;
