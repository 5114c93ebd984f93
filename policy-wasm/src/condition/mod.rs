//! Conditions: a documented subset of CEL (`docs/conditions.md`), compiled offline, evaluated in place.
//!
//! ```text
//! text ──compile──> code (bytes in the bundle) ──evaluate(code, facts)──> holds, does not hold, or a Fault
//! ```
//!
//! The parser and the type checker exist only with feature `compile`; what is always linked reads the compiled form,
//! asks [`Facts`] for what it comes to, and compares in place: arguments are never copied or converted. Numbers
//! compare exactly. Anything that cannot be answered is a [`Fault`], and whoever asked must deny.

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

/// What the condition reads; `None` where the bytes are no condition.
///
/// It can be relied on: whatever a condition reads beyond it is a [`Fault::Broken`].
pub fn reads(code: &[u8]) -> Option<Reads> {
    code::Code::open(code).map(|code| code.reads)
}
