//! Functions, methods and macros.

use super::super::code::Op;
use super::super::time::{self, Part};
use super::Mistake;
use super::ast::{Expr, Kind, Span};
use super::check::{Checker, Typed, node};
use super::types::ValueType;

const FUNCTIONS: [&str; 7] = ["has", "size", "type", "timestamp", "duration", "tier", "issuer"];
const METHODS: [&str; 8] =
    ["startsWith", "endsWith", "contains", "lowerAscii", "size", "all", "exists", "exists_one"];

/// Whether the value of the call is known at compile time.
pub(super) fn is_constant(name: &str, arguments: &[Expr]) -> bool {
    let text = matches!(arguments, [Expr { kind: Kind::Text(_), .. }]);
    text && matches!(name, "timestamp" | "duration" | "tier" | "issuer")
}

impl Checker<'_> {
    /// `name(…)` or `target.name(…)`
    pub(super) fn call(
        &mut self,
        at: Span,
        target: Option<&Expr>,
        name: &str,
        arguments: &[Expr],
        depth: u32,
    ) -> Typed {
        match (target, name, arguments) {
            (None, "has", _) => self.has(at, arguments, depth),
            (None, "timestamp" | "duration" | "tier" | "issuer", [argument]) => {
                self.made(at, name, argument, depth)
            }
            (None, "size", [of]) | (Some(of), "size", []) => self.size(at, of, depth),
            (Some(text), "startsWith" | "endsWith" | "contains", [part]) => {
                let op = match name {
                    "startsWith" => Op::StartsWith,
                    "endsWith" => Op::EndsWith,
                    _ => Op::Contains,
                };
                self.count(at, depth);
                let number = self.out.reserve();
                let a = self.text(text, name, depth);
                let b = self.text(part, name, depth);
                self.out.set(number, node(op, 0, a, b, 0));
                (number, ValueType::Bool)
            }
            (Some(text), "lowerAscii", []) => {
                self.count(at, depth);
                let number = self.out.reserve();
                let a = self.text(text, name, depth);
                self.out.set(number, node(Op::Lower, 0, a, 0, 0));
                (number, ValueType::Text(None))
            }
            (Some(range), "all" | "exists" | "exists_one", [variable, body]) => {
                self.quantified(at, name, range, variable, body, depth)
            }
            (Some(of), _, _) if Part::ALL.iter().any(|(_, known)| *known == name) => {
                self.part(at, of, name, arguments, depth)
            }
            _ => self.unknown_call(at, target, name, arguments, depth),
        }
    }

    fn unknown_call(
        &mut self,
        at: Span,
        target: Option<&Expr>,
        name: &str,
        arguments: &[Expr],
        depth: u32,
    ) -> Typed {
        let parts = Part::ALL.map(|(_, name)| name);
        let known: Vec<&str> = match target {
            Some(_) => METHODS.into_iter().chain(parts).collect(),
            None => FUNCTIONS.to_vec(),
        };
        let other = match target {
            Some(_) => FUNCTIONS.contains(&name),
            None => METHODS.contains(&name) || parts.contains(&name),
        };
        let mut mistake = Mistake::new(at.start, at.end, String::new());
        mistake.message = if known.contains(&name) && name == "type" {
            "use `type(…)` only in a comparison with a type, such as type(args.x) == string".to_owned()
        } else if known.contains(&name) {
            format!("`{name}` does not take {} arguments here", arguments.len())
        } else if name == "matches" {
            "there are no regular expressions: expected startsWith, endsWith, contains, == or in".to_owned()
        } else if matches!(name, "map" | "filter") {
            format!("`{name}` makes lists, which conditions do not: expected all, exists or exists_one")
        } else if other {
            let form = if target.is_some() { format!("{name}(value)") } else { format!("value.{name}(…)") };
            format!("`{name}` is written {form}")
        } else {
            let list: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
            format!("there is no function `{name}` here: expected one of {}", list.join(", "))
        };
        self.mistakes.push(if other {
            mistake
        } else {
            mistake.suggest(name, known.into_iter().filter(|known| *known != name))
        });
        self.count(at, depth);
        (self.out.reserve(), ValueType::Any)
    }

    /// A string that a function takes.
    fn text(&mut self, expr: &Expr, name: &str, depth: u32) -> u16 {
        let (number, shape) = self.expr(expr, depth);
        self.want(&shape, &ValueType::Text(None), expr.at, &format!("what `{name}` takes"));
        number
    }

    fn size(&mut self, at: Span, of: &Expr, depth: u32) -> Typed {
        self.count(at, depth);
        let number = self.out.reserve();
        let (a, shape) = self.expr(of, depth);
        if !matches!(shape, ValueType::Any | ValueType::Text(_) | ValueType::List(_) | ValueType::Map { .. })
        {
            self.mistake(
                of.at,
                format!("only strings, lists and maps have a size, and this is {}", shape.name()),
            );
        }
        self.out.set(number, node(Op::Size, 0, a, 0, 0));
        (number, ValueType::Number)
    }

    /// `timestamp`, `duration`, `tier`, `issuer`
    fn made(&mut self, at: Span, name: &str, argument: &Expr, depth: u32) -> Typed {
        self.count(at, depth);
        let number = self.out.reserve();
        let Kind::Text(text) = &argument.kind else { return self.made_later(number, name, argument, depth) };
        let (written, shape) = match name {
            "timestamp" => {
                let moment = time::time(text);
                if moment.is_none() {
                    let message = "expected a time such as \"2026-11-20T12:00:00Z\" (RFC 3339)".to_owned();
                    self.mistake(argument.at, message);
                }
                let a = moment.map_or(0, |moment| self.out.moment(moment));
                (node(Op::Time, 0, a, 0, 0), ValueType::Time)
            }
            "duration" => {
                let moment = time::duration(text);
                if moment.is_none() {
                    let message = "expected a duration such as \"90s\", \"1h30m\" or \"30d\"".to_owned();
                    self.mistake(argument.at, message);
                }
                let a = moment.map_or(0, |moment| self.out.moment(moment));
                (node(Op::Duration, 0, a, 0, 0), ValueType::Duration)
            }
            "tier" => {
                let tiers = &self.scope.tiers;
                let found =
                    tiers.iter().position(|tier| tier == text).and_then(|index| u16::try_from(index).ok());
                if found.is_none() {
                    let list: Vec<_> = tiers.iter().map(|tier| format!("`{tier}`")).collect();
                    let message = format!("there is no tier `{text}`: expected one of {}", list.join(", "));
                    let mistake = Mistake::new(argument.at.start, argument.at.end, message);
                    self.mistakes.push(mistake.suggest(text, tiers.iter().map(String::as_str)));
                }
                (node(Op::Tier, 0, found.unwrap_or(0), 0, 0), ValueType::Tier)
            }
            _ => {
                let identifier = self.scope.issuers.get(text);
                if identifier.is_none() {
                    let names = self.scope.issuers.keys().map(String::as_str);
                    let message = format!("there is no issuer `{text}` in the policy");
                    let mistake = Mistake::new(argument.at.start, argument.at.end, message);
                    self.mistakes.push(mistake.suggest(text, names));
                }
                let (a, length) = self.out.bytes(identifier.map_or("", String::as_str).as_bytes());
                (node(Op::Text, 0, a, length, 0), ValueType::Text(None))
            }
        };
        self.out.set(number, written);
        (number, shape)
    }

    /// A value that is known only at evaluation.
    fn made_later(&mut self, number: u16, name: &str, argument: &Expr, depth: u32) -> Typed {
        let (op, shape) = match name {
            "timestamp" => (Op::ToTime, ValueType::Time),
            "duration" => (Op::ToDuration, ValueType::Duration),
            _ => {
                self.mistake(
                    argument.at,
                    format!("`{name}` takes a name in quotes, such as {name}(\"write\")"),
                );
                return (number, if name == "tier" { ValueType::Tier } else { ValueType::Text(None) });
            }
        };
        let (a, found) = self.expr(argument, depth);
        if found != shape {
            self.want(&found, &ValueType::Text(None), argument.at, &format!("what `{name}` takes"));
        }
        self.out.set(number, node(op, 0, a, 0, 0));
        (number, shape)
    }

    fn part(&mut self, at: Span, of: &Expr, name: &str, arguments: &[Expr], depth: u32) -> Typed {
        self.count(at, depth);
        let number = self.out.reserve();
        let (a, shape) = self.expr(of, depth);
        let part = Part::ALL.iter().find(|(_, known)| *known == name).map_or(Part::Hours, |(part, _)| *part);
        let whole = matches!(part, Part::Hours | Part::Minutes | Part::Seconds);
        match shape {
            ValueType::Time | ValueType::Any => {}
            ValueType::Duration if whole && arguments.is_empty() => {}
            ValueType::Duration => self.mistake(at, format!("a duration has no `{name}`")),
            other => self.mistake(of.at, format!("`{name}` takes a time, and this is {}", other.name())),
        }
        let offset = match arguments {
            [] => Some(0),
            [Expr { kind: Kind::Text(text), .. }] => time::zone(text),
            _ => None,
        };
        if offset.is_none() {
            let message = format!(
                "expected {name}() for UTC, or a fixed offset such as {name}(\"+02:00\"); time zones by name are not known"
            );
            self.mistake(at, message);
        }
        let bits = u16::from_le_bytes(offset.unwrap_or(0).to_le_bytes());
        self.out.set(number, node(Op::Part, part as u8, a, bits, 0));
        (number, ValueType::Number)
    }

    fn quantified(
        &mut self,
        at: Span,
        name: &str,
        range: &Expr,
        variable: &Expr,
        body: &Expr,
        depth: u32,
    ) -> Typed {
        self.count(at, depth);
        let number = self.out.reserve();
        let (a, shape) = self.expr(range, depth);
        let element = match shape {
            ValueType::List(element) => *element,
            ValueType::Map { .. } => ValueType::Text(None),
            ValueType::Any => ValueType::Any,
            other => {
                self.mistake(
                    range.at,
                    format!("`{name}` takes a list or a map, and this is {}", other.name()),
                );
                ValueType::Any
            }
        };
        let Some(slot) = self.bind(variable, element) else { return (number, ValueType::Bool) };
        let (b, shape) = self.expr(body, depth);
        self.variables.pop();
        self.want(&shape, &ValueType::Bool, body.at, &format!("what `{name}` asks of each element"));
        let op = match name {
            "all" => Op::All,
            "exists" => Op::Exists,
            _ => Op::ExistsOne,
        };
        self.out.set(number, node(op, slot, a, b, 0));
        (number, ValueType::Bool)
    }
}
