//! The type checker, which also writes the compiled form.

use super::super::code::{MAX_VARIABLES, Node, Op};
use super::super::facts::Fact;
use super::ast::{Binary, Expr, Kind, Span};
use super::types::ValueType;
use super::write::Writer;
use super::{MAX_EXPRESSIONS, MAX_LISTED, Mistake, Scope};
use crate::condition::MAX_DEPTH;

/// The written node, and the type of its value.
pub(super) type Typed = (u16, ValueType);

/// Most mistakes that are reported for one condition.
const MAX_MISTAKES: usize = 20;

pub(super) struct Checker<'s> {
    pub(super) scope: &'s Scope,
    pub(super) out: Writer,
    pub(super) mistakes: Vec<Mistake>,
    /// Variables of `all` and `exists`, outermost first.
    pub(super) variables: Vec<(String, ValueType)>,
    count: u32,
    listed: u32,
}

pub(super) fn check(expr: &Expr, scope: &Scope) -> Result<Vec<u8>, Vec<Mistake>> {
    let out = Writer::default();
    let mut checker =
        Checker { scope, out, mistakes: Vec::new(), variables: Vec::new(), count: 0, listed: 0 };
    let (_, shape) = checker.expr(expr, 0);
    checker.want(&shape, &ValueType::Bool, expr.at, "the condition");
    let mut mistakes = checker.mistakes;
    if !mistakes.is_empty() {
        mistakes.sort();
        mistakes.dedup();
        mistakes.truncate(MAX_MISTAKES);
        return Err(mistakes);
    }
    checker.out.finish().ok_or_else(|| {
        vec![Mistake::new(
            expr.at.start,
            expr.at.end,
            "the condition holds more than 65,535 bytes of text".to_owned(),
        )]
    })
}

pub(super) fn node(op: Op, x: u8, a: u16, b: u16, c: u16) -> Node {
    Node { op, x, a, b, c }
}

impl Checker<'_> {
    pub(super) fn mistake(&mut self, at: Span, message: String) {
        self.mistakes.push(Mistake::new(at.start, at.end, message));
    }

    /// Counts an expression, and reports once if there are too many or it is too deep.
    pub(super) fn count(&mut self, at: Span, depth: u32) {
        self.count = self.count.saturating_add(1);
        if self.count == MAX_EXPRESSIONS.saturating_add(1) {
            let message =
                format!("more than {MAX_EXPRESSIONS} operations and names: split it into several rules");
            self.mistake(at, message);
        }
        if depth == MAX_DEPTH.saturating_add(1) {
            self.mistake(at, format!("nested deeper than {MAX_DEPTH} operations"));
        }
    }

    /// Whether a value can have the expected type; reports a mistake if not.
    pub(super) fn want(&mut self, found: &ValueType, wanted: &ValueType, at: Span, what: &str) {
        if !found.meets(wanted) {
            self.mistake(at, format!("{what} must be {}, and this is {}", wanted.name(), found.name()));
        }
    }

    /// Writes an expression. `depth` is the number of expressions around it.
    pub(super) fn expr(&mut self, expr: &Expr, depth: u32) -> Typed {
        let depth = depth.saturating_add(1);
        if depth > MAX_DEPTH {
            // An expression beyond the depth counts once, and its parts are skipped: built expressions have any depth.
            if depth == MAX_DEPTH.saturating_add(1) {
                self.mistake(expr.at, format!("nested deeper than {MAX_DEPTH} operations"));
            }
            return (0, ValueType::Any);
        }
        match &expr.kind {
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) => {
                self.count(expr.at, depth);
                self.literal(expr)
            }
            Kind::List(elements) => self.list(expr.at, elements, depth),
            Kind::Name(_) | Kind::Member(..) => self.path(expr, depth),
            Kind::Index(base, index) => self.index(expr, base, index, depth),
            Kind::Call(target, name, arguments) => {
                self.call(expr.at, target.as_deref(), name, arguments, depth)
            }
            Kind::Not(inner) => {
                self.count(expr.at, depth);
                let number = self.out.reserve();
                let (a, shape) = self.expr(inner, depth);
                self.want(&shape, &ValueType::Bool, inner.at, "what follows `!`");
                self.out.set(number, node(Op::Not, 0, a, 0, 0));
                (number, ValueType::Bool)
            }
            Kind::Binary(operator, left, right) => self.binary(expr.at, *operator, left, right, depth),
            Kind::If(condition, yes, no) => {
                self.count(expr.at, depth);
                let number = self.out.reserve();
                let (a, shape) = self.expr(condition, depth);
                self.want(&shape, &ValueType::Bool, condition.at, "the operand before `?`");
                let (b, yes_shape) = self.expr(yes, depth);
                let (c, no_shape) = self.expr(no, depth);
                if !yes_shape.meets(&no_shape) {
                    let (one, other) = (yes_shape.name(), no_shape.name());
                    self.mistake(
                        expr.at,
                        format!("both sides of `:` must be of one type, not {one} and {other}"),
                    );
                }
                self.out.set(number, node(Op::If, 0, a, b, c));
                let shape = match yes_shape {
                    ValueType::Text(_) => ValueType::Text(None),
                    shape if shape == no_shape => shape,
                    _ => ValueType::Any,
                };
                (number, shape)
            }
        }
    }

    fn literal(&mut self, expr: &Expr) -> Typed {
        let number = self.out.reserve();
        let (written, shape) = match &expr.kind {
            Kind::Bool(value) => (node(Op::Bool, u8::from(*value), 0, 0, 0), ValueType::Bool),
            Kind::Number(text) => {
                let json = crate::json::parse(text.as_bytes(), &crate::json::Limits::default());
                if json.ok().and_then(crate::json::Value::as_number).is_none() {
                    self.mistake(expr.at, "this is not a number, or it is too large".to_owned());
                }
                let (at, length) = self.out.bytes(text.as_bytes());
                (node(Op::Number, 0, at, length, 0), ValueType::Number)
            }
            Kind::Text(text) => {
                let (at, length) = self.out.bytes(text.as_bytes());
                (node(Op::Text, 0, at, length, 0), ValueType::Text(None))
            }
            _ => (node(Op::Null, 0, 0, 0, 0), ValueType::Null),
        };
        self.out.set(number, written);
        (number, shape)
    }

    fn list(&mut self, at: Span, elements: &[Expr], depth: u32) -> Typed {
        self.count(at, depth);
        let number = self.out.reserve();
        let before = self.listed;
        self.listed = self.listed.saturating_add(u32::try_from(elements.len()).unwrap_or(u32::MAX));
        if before <= MAX_LISTED && self.listed > MAX_LISTED {
            self.mistake(at, format!("more than {MAX_LISTED} values in lists"));
        }
        let (mut numbers, mut kind) = (Vec::new(), None);
        for element in elements.iter().take(MAX_LISTED as usize) {
            let (written, shape) = match &element.kind {
                Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) => self.literal(element),
                Kind::Call(None, name, arguments) if super::call::is_constant(name, arguments) => {
                    self.call(element.at, None, name, arguments, depth)
                }
                _ => {
                    self.mistake(element.at, "a list holds only literals".to_owned());
                    continue;
                }
            };
            numbers.extend_from_slice(&written.to_le_bytes());
            kind = match kind {
                None => Some(shape),
                Some(kind) if kind == shape => Some(kind),
                Some(_) => Some(ValueType::Any),
            };
        }
        let (a, length) = self.out.bytes(&numbers);
        self.out.set(number, node(Op::List, 0, a, length / 2, 0));
        (number, ValueType::List(Box::new(kind.unwrap_or_default())))
    }

    fn index(&mut self, expr: &Expr, base: &Expr, index: &Expr, depth: u32) -> Typed {
        self.count(expr.at, depth);
        let number = self.out.reserve();
        let (a, shape) = self.expr(base, depth);
        let (b, index_shape) = self.expr(index, depth);
        let shape = match shape {
            ValueType::List(element) => {
                self.want(&index_shape, &ValueType::Number, index.at, "the index of a list");
                if let Kind::Number(text) = &index.kind
                    && text.parse::<u32>().is_err()
                {
                    self.mistake(index.at, "the index of a list is a whole number from 0".to_owned());
                }
                *element
            }
            ValueType::Map { .. } | ValueType::Actor => {
                self.want(&index_shape, &ValueType::Text(None), index.at, "the key of a map");
                ValueType::Any
            }
            ValueType::Any => ValueType::Any,
            other => {
                self.mistake(expr.at, format!("{} cannot be indexed", other.name()));
                ValueType::Any
            }
        };
        self.out.set(number, node(Op::Index, 0, a, b, 0));
        (number, shape)
    }

    fn binary(&mut self, at: Span, operator: Binary, left: &Expr, right: &Expr, depth: u32) -> Typed {
        if let Some(typed) = self.type_test(at, operator, left, right, depth) {
            return typed;
        }
        self.count(at, depth);
        let number = self.out.reserve();
        let (a, one) = self.expr(left, depth);
        let (b, other) = self.expr(right, depth);
        let op = match operator {
            Binary::Or => Op::Or,
            Binary::And => Op::And,
            Binary::Equal => Op::Equal,
            Binary::Unequal => Op::Unequal,
            Binary::Less => Op::Less,
            Binary::LessEqual => Op::LessEqual,
            Binary::Greater => Op::Greater,
            Binary::GreaterEqual => Op::GreaterEqual,
            Binary::In => Op::In,
            Binary::Add => Op::Add,
            Binary::Subtract => Op::Subtract,
        };
        self.out.set(number, node(op, 0, a, b, 0));
        let shape = match operator {
            Binary::Or | Binary::And => {
                let what = format!("each side of `{}`", operator.symbol());
                self.want(&one, &ValueType::Bool, left.at, &what);
                self.want(&other, &ValueType::Bool, right.at, &what);
                ValueType::Bool
            }
            Binary::Equal | Binary::Unequal => {
                self.comparable(at, operator, (&one, left), (&other, right));
                ValueType::Bool
            }
            Binary::In => {
                self.membership(at, (&one, left), (&other, right));
                ValueType::Bool
            }
            Binary::Add | Binary::Subtract => self.sum(at, operator, &one, &other),
            _ => {
                self.comparable(at, operator, (&one, left), (&other, right));
                if let Some(shape) = [&one, &other].into_iter().find(|shape| {
                    matches!(
                        shape,
                        ValueType::Null | ValueType::List(_) | ValueType::Map { .. } | ValueType::Actor
                    )
                }) {
                    self.mistake(at, format!("`{}` does not order {}", operator.symbol(), shape.name()));
                }
                ValueType::Bool
            }
        };
        (number, shape)
    }

    fn comparable(
        &mut self,
        at: Span,
        operator: Binary,
        left: (&ValueType, &Expr),
        right: (&ValueType, &Expr),
    ) {
        for ((shape, _), (_, other)) in [(left, right), (right, left)] {
            self.one_of(shape, other);
        }
        if left.0.meets(right.0) {
            return;
        }
        let (one, other) = (left.0.name(), right.0.name());
        let message = format!("`{}` never compares {one} with {other}", operator.symbol());
        let mut mistake = Mistake::new(at.start, at.end, message);
        for ((shape, _), (_, expr)) in [(left, right), (right, left)] {
            mistake.suggestion = match (shape, &expr.kind) {
                (ValueType::Tier, Kind::Text(name)) => Some(format!("write tier({name:?})")),
                (ValueType::Time, Kind::Text(text)) => Some(format!("write timestamp({text:?})")),
                (ValueType::Duration, Kind::Text(text)) => Some(format!("write duration({text:?})")),
                (ValueType::Number, Kind::Text(text)) if text.parse::<f64>().is_ok() => {
                    Some(format!("write {text}"))
                }
                _ => mistake.suggestion,
            };
        }
        self.mistakes.push(mistake);
    }

    /// If the values of an operand are known, a literal on the other side must be one of them.
    fn one_of(&mut self, shape: &ValueType, literal: &Expr) {
        if let (ValueType::Text(Some(known)), Kind::Text(text)) = (shape, &literal.kind)
            && !known.contains(text)
        {
            let shown: Vec<_> = known.iter().take(16).map(|name| format!("`{name}`")).collect();
            let message = format!("this is never `{text}`: it is one of {}", shown.join(", "));
            let mistake = Mistake::new(literal.at.start, literal.at.end, message);
            self.mistakes.push(mistake.suggest(text, known.iter().map(String::as_str)));
        }
    }

    fn membership(&mut self, at: Span, left: (&ValueType, &Expr), right: (&ValueType, &Expr)) {
        match right.0 {
            ValueType::Any => {}
            ValueType::Map { .. } => {
                self.want(left.0, &ValueType::Text(None), left.1.at, "a key that is looked for")
            }
            ValueType::List(element) => {
                if !left.0.meets(element) {
                    let (one, other) = (left.0.name(), element.name());
                    self.mistake(at, format!("a list whose elements are {other} never holds {one}"));
                }
                self.one_of(element, left.1);
                if let Kind::List(elements) = &right.1.kind {
                    for element in elements {
                        self.one_of(left.0, element);
                    }
                }
            }
            ValueType::Text(_) => {
                let mistake = Mistake::new(
                    at.start,
                    at.end,
                    "`in` looks into lists and maps, not into strings".to_owned(),
                );
                self.mistakes.push(mistake.hint("write text.contains(part)"));
            }
            other => {
                let message = format!("`in` looks into lists and maps, not into {}", other.name());
                self.mistake(right.1.at, message);
            }
        }
    }

    fn sum(&mut self, at: Span, operator: Binary, left: &ValueType, right: &ValueType) -> ValueType {
        match (left, operator, right) {
            (ValueType::Time, Binary::Subtract, ValueType::Time) => ValueType::Duration,
            (ValueType::Time, _, ValueType::Duration)
            | (ValueType::Duration, Binary::Add, ValueType::Time) => ValueType::Time,
            (ValueType::Duration, _, ValueType::Duration) => ValueType::Duration,
            _ => {
                let (symbol, one, other) = (operator.symbol(), left.name(), right.name());
                let message = format!(
                    "`{symbol}` takes times and durations, such as now - delegation.consent.given_at, not {one} and {other}"
                );
                self.mistake(at, message);
                ValueType::Any
            }
        }
    }

    /// `type(…) == name`, the only place for `type`.
    fn type_test(
        &mut self,
        at: Span,
        operator: Binary,
        left: &Expr,
        right: &Expr,
        depth: u32,
    ) -> Option<Typed> {
        let of = |expr: &Expr| match &expr.kind {
            Kind::Call(None, name, arguments) if name == "type" => Some(arguments.clone()),
            _ => None,
        };
        let (arguments, named) = match (of(left), of(right)) {
            (Some(arguments), None) => (arguments, right),
            (None, Some(arguments)) => (arguments, left),
            _ => return None,
        };
        self.count(at, depth);
        let negated = operator == Binary::Unequal;
        let outer = if negated { Some(self.out.reserve()) } else { None };
        let number = self.out.reserve();
        let names = super::super::TypeName::ALL;
        let name = match &named.kind {
            Kind::Name(name) => name.as_str(),
            _ => "",
        };
        let found = names.iter().find(|(_, known)| *known == name);
        let (Some((kind, _)), [argument], true) =
            (found, arguments.as_slice(), negated || operator == Binary::Equal)
        else {
            let list = names.map(|(_, name)| format!("`{name}`")).join(", ");
            let message = format!("expected type(value) == with one of {list}");
            let mistake = Mistake::new(at.start, at.end, message);
            self.mistakes.push(mistake.suggest(name, names.map(|(_, name)| name)));
            return Some((number, ValueType::Bool));
        };
        let (a, _) = self.expr(argument, depth.saturating_add(u32::from(negated)));
        self.out.set(number, node(Op::TypeIs, *kind as u8, a, 0, 0));
        if let Some(outer) = outer {
            self.out.set(outer, node(Op::Not, 0, number, 0, 0));
            return Some((outer, ValueType::Bool));
        }
        Some((number, ValueType::Bool))
    }

    /// A new variable; its slot.
    pub(super) fn bind(&mut self, variable: &Expr, shape: ValueType) -> Option<u8> {
        let Kind::Name(name) = &variable.kind else {
            self.mistake(variable.at, "expected the name of a variable, as in list.all(x, x > 0)".to_owned());
            return None;
        };
        let reserved = name == "tool"
            || Fact::ALL.iter().any(|fact| fact.path().split('.').next() == Some(name.as_str()));
        if reserved {
            self.mistake(
                variable.at,
                format!("`{name}` has a meaning already: choose another name for the variable"),
            );
            return None;
        }
        let slot = self.variables.len();
        if slot >= MAX_VARIABLES {
            self.mistake(variable.at, format!("`all` and `exists` are nested deeper than {MAX_VARIABLES}"));
            return None;
        }
        self.variables.push((name.clone(), shape));
        u8::try_from(slot).ok()
    }
}
