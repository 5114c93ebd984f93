//! Compiles text: lexer, parser, type checker, and messages about mistakes.

mod ast;
mod call;
mod check;
mod json_facts;
mod lex;
mod parse;
mod path;
mod print;
mod types;
mod write;

pub use ast::Expr;
pub use json_facts::JsonFacts;
pub use parse::parse;
pub use print::print;
pub use types::ValueType;

use super::facts::Fact;
use crate::source::suggest;
use std::collections::{BTreeMap, BTreeSet};

/// Longest text of a condition, in bytes.
pub const MAX_LENGTH: usize = 16_384;
/// Most operations and names of a condition; the values of literal lists do not count.
pub const MAX_EXPRESSIONS: u32 = 256;
/// Most values in all literal lists of a condition together.
pub const MAX_LISTED: u32 = 1024;

/// Something that is wrong with a condition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// Where it begins in the text, in bytes.
    pub offset: usize,
    /// The length in bytes; 0 at the end of the text.
    pub length: usize,
    /// The mistake and the expected text: lower case, one line, no full stop.
    pub message: String,
    /// The likely correction: "did you mean `args`?".
    pub suggestion: Option<String>,
}

impl Mistake {
    fn new(start: usize, end: usize, message: String) -> Mistake {
        Mistake { offset: start, length: end.saturating_sub(start), message, suggestion: None }
    }

    fn hint(mut self, suggestion: &str) -> Mistake {
        self.suggestion = Some(suggestion.to_owned());
        self
    }

    fn suggest<'c>(mut self, found: &str, candidates: impl IntoIterator<Item = &'c str>) -> Mistake {
        self.suggestion = suggest(found, candidates);
        self
    }
}

/// The facts that a condition may read, and their types.
#[derive(Debug, Clone)]
pub struct Scope {
    /// Names of the tiers, lowest first: for `tier("…")`.
    pub tiers: Vec<String>,
    /// Short names of issuers to their identifiers: for `issuer("…")`.
    pub issuers: BTreeMap<String, String>,
    /// Whether the rule is about an item, so that there are `item` and `args`.
    pub item: bool,
    /// The type of `args`; [`ValueType::Any`] without a pinned schema.
    pub args: ValueType,
    /// The values of facts, if they are known: comparing such a fact with another literal is a mistake. The kinds of
    /// servers and items are always known.
    pub known: BTreeMap<Fact, BTreeSet<String>>,
}

impl Default for Scope {
    /// The scope of a rule about unknown items, with the default tiers.
    fn default() -> Self {
        Scope {
            tiers: ["read", "write", "destructive"].map(str::to_owned).to_vec(),
            issuers: BTreeMap::new(),
            item: true,
            args: ValueType::Any,
            known: BTreeMap::new(),
        }
    }
}

/// Compiles a condition.
///
/// ```
/// use policy_wasm::condition::{JsonFacts, Scope, compile, evaluate};
///
/// let code = compile(r#"args.percent <= 25 || "release-manager" in subject.roles"#, &Scope::default()).unwrap();
/// let facts = JsonFacts::read(r#"{"args": {"percent": 30}, "subject": {"roles": ["release-manager"]}}"#).unwrap();
/// assert_eq!(evaluate(&code, &facts), Ok(true));
///
/// let mistakes = compile("args.percent <= 25 && sever.kind == \"sensitive\"", &Scope::default()).unwrap_err();
/// assert_eq!(mistakes[0].offset, 22);
/// assert_eq!(mistakes[0].suggestion.as_deref(), Some("did you mean `server`?"));
/// ```
///
/// # Errors
/// All mistakes in order of the text; of a text that is not an expression, the first one.
pub fn compile(text: &str, scope: &Scope) -> Result<Vec<u8>, Vec<Mistake>> {
    let expr = parse(text).map_err(|mistake| vec![mistake])?;
    compile_expr(&expr, scope)
}

/// Compiles an expression that was read by [`parse`] or built.
///
/// # Errors
/// As [`compile`]; mistakes in built expressions are at offset 0.
pub fn compile_expr(expr: &Expr, scope: &Scope) -> Result<Vec<u8>, Vec<Mistake>> {
    check::check(expr, scope)
}
