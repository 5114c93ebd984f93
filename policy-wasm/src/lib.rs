//! Toolward's policy decision point (PDP): values in, a decision out.
//!
//! ```text
//! readable policy files ──compile (feature)──> bundle bytes ──open, verify──> Bundle
//!                                                                              │
//! Server + Request ──────────────────────────────────────────pdp::evaluate──> Decision
//! ```
//!
//! The crate has no clock and no host: the caller passes all inputs as arguments. No data makes it panic.
//!
//! | module | purpose |
//! |---|---|
//! | [`json`] | the strict JSON reader: one pass, repeated keys refused at every level, slices handed out |
//! | [`model`] | the request: subject, actor, delegation, action; methods, revisions, kinds and modes |
//! | [`decision`] | the decision: effect, reasons, obligations |
//! | [`tool_definition`] | the digest by which a tool's definition is pinned |
//! | [`bundle`] | the compiled policy, read in place |
//! | [`pdp`] | the evaluation; explaining is the same walk with a recorder |
//! | [`condition`] | expressions of rules: a small typed form and its evaluation (parser and checker: feature `compile`) |
//! | [`source`] | trees with positions and problem lists, for every file a person writes |
//! | [`fast_hash`] | quick fingerprints of bytes |
//! | [`canonical_path`] | paths that have one spelling only |
//! | [`sort`] | sorting, once for all types |
//! | [`time`] | moments as text |
//! | `query` (feature `tools`) | questions and answers as text, for the command line, JavaScript and tests |
//! | `policy` (feature `compile`) | a checked policy, before it is written |
//! | `lint` (feature `compile`) | likely mistakes in a policy that compiles |
//! | `compile` (feature) | policy files to a bundle; never linked into the filter |

// INVARIANT (nothing panics on data): `forbid`, so that no attribute switches these off again outside tests.
#![cfg_attr(
    not(test),
    forbid(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::arithmetic_side_effects,
        clippy::todo,
        clippy::unimplemented
    )
)]
#![forbid(unsafe_code)]

pub mod bundle;
mod calendar;
pub mod canonical_path;
#[cfg(feature = "compile")]
pub mod compile;
pub mod condition;
pub mod decision;
pub mod fast_hash;
pub mod json;
#[cfg(feature = "compile")]
pub mod lint;
pub mod model;
pub mod pdp;
#[cfg(feature = "compile")]
pub mod policy;
#[cfg(feature = "tools")]
pub mod query;
pub mod sort;
pub mod source;
pub mod time;
pub mod tool_definition;
mod uri;
