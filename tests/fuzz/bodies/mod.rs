//! The fuzz targets as plain functions: cargo-fuzz runs them with its engine, `filter/tests/fuzz.rs` runs them
//! over the corpus with every `make test`. A body takes any bytes, and panics where something does not hold.
#![allow(dead_code, reason = "each fuzz target runs one of them")]

pub mod bundle_open;
pub mod exchange;
pub mod message;
pub mod readers;
pub mod sse;

/// The function of a target.
pub type Body = fn(&[u8]);

/// Every target: its name, which is that of its folder in `corpus/`, and its body.
pub const TARGETS: [(&str, Body); 4] = [
    ("bundle_open", bundle_open::run),
    ("exchange", exchange::run),
    ("message", message::run),
    ("sse", sse::run),
];
