//! An expression as text: the one way of writing it.

use super::ast::{Binary, Expr, Kind};
use super::parse::is_name;
use crate::json;

/// The expression as text; reading it gives the same expression, up to the grouping of `&&` and `||` chains.
pub fn print(expr: &Expr) -> String {
    let mut out = String::new();
    write(expr, 0, &mut out);
    out
}

/// Writes an expression, in brackets if it binds less tightly than `rank`.
fn write(expr: &Expr, rank: u8, out: &mut String) {
    let own = match &expr.kind {
        Kind::If(..) => 0,
        Kind::Binary(operator, ..) => operator.rank(),
        Kind::Not(_) => 5,
        Kind::Number(text) if text.starts_with('-') => 5,
        _ => 6,
    };
    if own < rank {
        out.push('(');
        write(expr, 0, out);
        out.push(')');
        return;
    }
    match &expr.kind {
        Kind::Null => out.push_str("null"),
        Kind::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Kind::Number(text) | Kind::Name(text) => out.push_str(text),
        Kind::Text(text) => quoted(text, out),
        Kind::List(elements) => {
            out.push('[');
            listed(elements, out);
            out.push(']');
        }
        Kind::Member(base, key) => {
            write(base, 6, out);
            if is_name(key) {
                out.push('.');
                out.push_str(key);
            } else {
                out.push('[');
                quoted(key, out);
                out.push(']');
            }
        }
        Kind::Index(base, index) => {
            write(base, 6, out);
            out.push('[');
            write(index, 0, out);
            out.push(']');
        }
        Kind::Call(target, name, arguments) => {
            if let Some(target) = target {
                write(target, 6, out);
                out.push('.');
            }
            out.push_str(name);
            out.push('(');
            listed(arguments, out);
            out.push(')');
        }
        Kind::Not(inner) => {
            out.push('!');
            write(inner, 6, out);
        }
        Kind::Binary(operator, left, right) => {
            // Chains of && and || need no brackets; sums associate to the left; comparisons do not chain.
            let (before, after) = match operator {
                Binary::Or | Binary::And => (own, own),
                Binary::Add | Binary::Subtract => (own, own.saturating_add(1)),
                _ => (own.saturating_add(1), own.saturating_add(1)),
            };
            write(left, before, out);
            out.push(' ');
            out.push_str(operator.symbol());
            out.push(' ');
            write(right, after, out);
        }
        Kind::If(condition, yes, no) => {
            write(condition, 1, out);
            out.push_str(" ? ");
            write(yes, 1, out);
            out.push_str(" : ");
            write(no, 0, out);
        }
    }
}

fn listed(elements: &[Expr], out: &mut String) {
    for (number, element) in elements.iter().enumerate() {
        if number > 0 {
            out.push_str(", ");
        }
        write(element, 0, out);
    }
}

/// A JSON string is a CEL string: the same escapes.
fn quoted(text: &str, out: &mut String) {
    json::write_str(out, text);
}
