//! Conditions before they are checked: the result of the parser and of other front ends.

/// The place of an expression in the text of a condition, in bytes. Expressions that were not parsed are at 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
}

/// An expression, not yet checked.
///
/// Built without text, so that nothing has to be quoted:
///
/// ```
/// use policy_wasm::condition::{Expr, Scope, compile_expr, print};
///
/// let amount = Expr::argument(["amount", "value"]);
/// let within = Expr::has(["amount"]).negated().or(amount.less_or_equal(Expr::number("250000")));
/// assert_eq!(print(&within), "!has(args.amount) || args.amount.value <= 250000");
/// assert!(compile_expr(&within, &Scope::default()).is_ok());
/// ```
#[derive(Debug, Clone)]
pub struct Expr {
    pub(super) kind: Kind,
    pub(super) at: Span,
}

/// Expressions are equal if their meaning is, whatever their places are.
impl PartialEq for Expr {
    fn eq(&self, other: &Expr) -> bool {
        self.kind == other.kind
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    /// As written, with its sign.
    Number(String),
    Text(String),
    List(Vec<Expr>),
    Name(String),
    Member(Box<Expr>, String),
    Index(Box<Expr>, Box<Expr>),
    /// Functions, methods and macros alike: `target.name(arguments)`.
    Call(Option<Box<Expr>>, String, Vec<Expr>),
    Not(Box<Expr>),
    Binary(Binary, Box<Expr>, Box<Expr>),
    If(Box<Expr>, Box<Expr>, Box<Expr>),
}

/// Operators with two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Binary {
    Or,
    And,
    Equal,
    Unequal,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
    Add,
    Subtract,
}

impl Binary {
    pub(super) fn symbol(self) -> &'static str {
        match self {
            Binary::Or => "||",
            Binary::And => "&&",
            Binary::Equal => "==",
            Binary::Unequal => "!=",
            Binary::Less => "<",
            Binary::LessEqual => "<=",
            Binary::Greater => ">",
            Binary::GreaterEqual => ">=",
            Binary::In => "in",
            Binary::Add => "+",
            Binary::Subtract => "-",
        }
    }

    /// How tightly it binds; `?:` is 0, unary operators are 5.
    pub(super) fn rank(self) -> u8 {
        match self {
            Binary::Or => 1,
            Binary::And => 2,
            Binary::Add | Binary::Subtract => 4,
            _ => 3,
        }
    }
}

impl Kind {
    pub(super) fn at(self, start: usize, end: usize) -> Expr {
        Expr { kind: self, at: Span { start, end } }
    }

    fn built(self) -> Expr {
        self.at(0, 0)
    }
}

impl Expr {
    fn joined(self, operator: Binary, other: Expr) -> Expr {
        Kind::Binary(operator, Box::new(self), Box::new(other)).built()
    }

    fn method(self, name: &str, arguments: Vec<Expr>) -> Expr {
        Kind::Call(Some(Box::new(self)), name.to_owned(), arguments).built()
    }

    /// `null`
    pub fn null() -> Expr {
        Kind::Null.built()
    }

    /// `true` or `false`
    pub fn bool(value: bool) -> Expr {
        Kind::Bool(value).built()
    }

    /// A number as JSON writes it (RFC 8259 §6).
    pub fn number(text: &str) -> Expr {
        Kind::Number(text.to_owned()).built()
    }

    /// A string.
    pub fn text(text: &str) -> Expr {
        Kind::Text(text.to_owned()).built()
    }

    /// A list of literals.
    pub fn list(elements: Vec<Expr>) -> Expr {
        Kind::List(elements).built()
    }

    /// `args`, then a key for each member; any keys at all.
    pub fn argument<K: AsRef<str>>(path: impl IntoIterator<Item = K>) -> Expr {
        let args = Kind::Name("args".to_owned()).built();
        path.into_iter().fold(args, |base, key| Kind::Member(Box::new(base), key.as_ref().to_owned()).built())
    }

    /// `has(args.a.b)`: whether the last key exists. A missing parent is an error.
    pub fn has<K: AsRef<str>>(path: impl IntoIterator<Item = K>) -> Expr {
        Kind::Call(None, "has".to_owned(), vec![Expr::argument(path)]).built()
    }

    /// `!self`
    #[must_use]
    pub fn negated(self) -> Expr {
        Kind::Not(Box::new(self)).built()
    }

    /// `self && other`
    #[must_use]
    pub fn and(self, other: Expr) -> Expr {
        self.joined(Binary::And, other)
    }

    /// `self || other`
    #[must_use]
    pub fn or(self, other: Expr) -> Expr {
        self.joined(Binary::Or, other)
    }

    /// `self == other`
    #[must_use]
    pub fn equal(self, other: Expr) -> Expr {
        self.joined(Binary::Equal, other)
    }

    /// `self != other`
    #[must_use]
    pub fn unequal(self, other: Expr) -> Expr {
        self.joined(Binary::Unequal, other)
    }

    /// `self <= other`
    #[must_use]
    pub fn less_or_equal(self, other: Expr) -> Expr {
        self.joined(Binary::LessEqual, other)
    }

    /// `self >= other`
    #[must_use]
    pub fn greater_or_equal(self, other: Expr) -> Expr {
        self.joined(Binary::GreaterEqual, other)
    }

    /// `self in other`
    #[must_use]
    pub fn is_in(self, other: Expr) -> Expr {
        self.joined(Binary::In, other)
    }

    /// `self.startsWith(prefix)`
    #[must_use]
    pub fn starts_with(self, prefix: Expr) -> Expr {
        self.method("startsWith", vec![prefix])
    }

    /// `self.endsWith(suffix)`
    #[must_use]
    pub fn ends_with(self, suffix: Expr) -> Expr {
        self.method("endsWith", vec![suffix])
    }

    /// `self.contains(part)`
    #[must_use]
    pub fn contains(self, part: Expr) -> Expr {
        self.method("contains", vec![part])
    }

    /// `size(self)`
    #[must_use]
    pub fn size(self) -> Expr {
        Kind::Call(None, "size".to_owned(), vec![self]).built()
    }

    /// `type(self) == name`
    #[must_use]
    pub fn is_type(self, name: super::super::TypeName) -> Expr {
        let named =
            super::super::TypeName::ALL.iter().find(|(kind, _)| *kind == name).map_or("", |(_, text)| text);
        let of = Kind::Call(None, "type".to_owned(), vec![self]).built();
        of.equal(Kind::Name(named.to_owned()).built())
    }

    /// Joins expressions with `&&` (`all`) or `||`, as a balanced tree of small depth. An empty list gives `true` for
    /// `&&` and `false` for `||`.
    pub fn join(all: bool, mut parts: Vec<Expr>) -> Expr {
        let operator = if all { Binary::And } else { Binary::Or };
        while parts.len() > 1 {
            let mut halved = Vec::with_capacity(parts.len().div_ceil(2));
            let mut rest = parts.into_iter();
            while let Some(left) = rest.next() {
                halved.push(match rest.next() {
                    Some(right) => {
                        let (start, end) = (left.at.start, right.at.end);
                        Kind::Binary(operator, Box::new(left), Box::new(right)).at(start, end)
                    }
                    None => left,
                });
            }
            parts = halved;
        }
        parts.pop().unwrap_or_else(|| Expr::bool(all))
    }
}
