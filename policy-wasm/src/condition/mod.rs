//! Conditions: a documented subset of CEL (`docs/conditions.md`), compiled offline, evaluated in place.
//!
//! ```text
//! text ──compile──> code (bytes in the bundle) ──evaluate(code, facts)──> holds, does not hold, or a Fault
//! ```
//!
//! The parser and the type checker exist only with feature `compile`. The rest reads the compiled form, requests the
//! facts that it reaches from [`Facts`], and compares in place: it never copies or converts arguments. Numbers compare
//! exactly. An unanswerable condition is a [`Fault`], and the caller must deny.

mod code;
#[cfg(feature = "compile")]
mod compile;
mod decimal;
mod evaluate;
mod facts;
mod time;
mod value;

pub use code::MAX_DEPTH;
#[cfg(feature = "compile")]
pub use compile::{
    Expr, JsonFacts, MAX_EXPRESSIONS, MAX_LENGTH, MAX_LISTED, Mistake, Scope, ValueType, compile,
    compile_expr, parse, print,
};
pub use evaluate::{MAX_WORK, evaluate, evaluate_within};
pub use facts::{Fact, Facts, Fault, Given, Reads};
pub use value::TypeName;

/// The facts that the condition reads; `None` if the bytes are not a condition.
///
/// The answer is reliable: reading any other fact is a [`Fault::Broken`].
pub fn reads(code: &[u8]) -> Option<Reads> {
    code::Code::open(code).map(|code| code.reads)
}
