//! Names and paths: their facts, and the types below them.

use super::super::code::Op;
use super::Mistake;
use super::ast::{Expr, Kind, Span};
use super::check::{Checker, Typed, node};
use super::types::ValueType;
use crate::condition::{Fact, Reads};
use crate::model::ServerKind;
use crate::source::suggest;

/// A name and the keys behind it, each with its place.
struct Path<'e> {
    root: &'e str,
    keys: Vec<(&'e str, Span)>,
}

fn path_of(expr: &Expr) -> Option<Path<'_>> {
    match &expr.kind {
        Kind::Name(root) => Some(Path { root, keys: Vec::new() }),
        Kind::Member(base, key) => {
            let mut path = path_of(base)?;
            path.keys.push((key, expr.at));
            Some(path)
        }
        _ => None,
    }
}

/// Facts whose path begins so, as texts.
fn below(prefix: &str) -> Vec<&'static str> {
    let inside = |path: &str| path.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('.'));
    Fact::ALL.iter().map(|fact| fact.path()).filter(|path| inside(path)).collect()
}

impl Checker<'_> {
    /// The fact that the path begins with, and how many of its keys that takes.
    fn fact_of(&mut self, path: &Path<'_>, at: Span) -> Option<(Fact, usize)> {
        let mut so_far = if path.root == "tool" { "item".to_owned() } else { path.root.to_owned() };
        let mut keys = path.keys.iter();
        let mut taken = 0usize;
        loop {
            if let Some(fact) = Fact::ALL.iter().find(|fact| fact.path() == so_far) {
                return self.allowed(*fact, at).then_some((*fact, taken));
            }
            let inside = below(&so_far);
            if inside.is_empty() {
                let mistake = self.unknown(&so_far, at);
                self.mistakes.push(mistake);
                return None;
            }
            match keys.next() {
                Some((key, _)) => {
                    so_far.push('.');
                    so_far.push_str(key);
                    taken = taken.saturating_add(1);
                }
                None => {
                    let list = inside.iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ");
                    self.mistake(at, format!("`{so_far}` is not a value by itself: expected one of {list}"));
                    return None;
                }
            }
        }
    }

    fn unknown(&self, path: &str, at: Span) -> Mistake {
        let names = [
            "subject",
            "actor",
            "actors",
            "delegation",
            "server",
            "item",
            "tool",
            "args",
            "method",
            "now",
            "connection",
        ];
        let mistake = |message: String| Mistake::new(at.start, at.end, message);
        let candidates: Vec<String> = Fact::ALL
            .iter()
            .flat_map(|fact| [fact.path().to_owned(), fact.path().replacen("item.", "tool.", 1)])
            .chain(self.variables.iter().map(|(name, _)| name.clone()))
            .collect();
        let (root, _) = path.split_once('.').unwrap_or((path, ""));
        if names.contains(&root) {
            let parent = path.rsplit_once('.').map_or(path, |(parent, _)| parent);
            let list = below(parent).iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ");
            let message = format!("`{path}` is not known: expected one of {list}");
            return mistake(message).suggest(path, candidates.iter().map(String::as_str));
        }
        let message = format!(
            "`{path}` is not known: expected one of {}",
            names.map(|name| format!("`{name}`")).join(", ")
        );
        let near = suggest(path, candidates.iter().map(String::as_str).chain(names));
        let mut mistake = mistake(message);
        mistake.suggestion = near.or_else(|| suggest(root, names));
        mistake
    }

    fn allowed(&mut self, fact: Fact, at: Span) -> bool {
        let item = matches!(fact.reads(), Reads::ITEM | Reads::DEFINITION | Reads::ARGS);
        if item && !self.scope.item {
            let name = fact.path();
            self.mistake(
                at,
                format!("there is no `{name}` here: this rule is not about a tool, prompt or resource"),
            );
        }
        self.out.reads = self.out.reads.with(fact.reads());
        !item || self.scope.item
    }

    pub(super) fn fact_shape(&self, fact: Fact) -> ValueType {
        let text =
            |choices: &[&str]| ValueType::Text(Some(choices.iter().map(|&text| text.to_owned()).collect()));
        if let Some(known) = self.scope.known.get(&fact) {
            return ValueType::Text(Some(known.iter().cloned().collect()));
        }
        match fact {
            Fact::SubjectGroups
            | Fact::SubjectRoles
            | Fact::ActorLabels
            | Fact::Scopes
            | Fact::ServerLabels
            | Fact::ItemLabels => ValueType::List(Box::new(ValueType::Text(None))),
            Fact::SubjectClaims => ValueType::any_map(),
            Fact::Args => match &self.scope.args {
                ValueType::Any => ValueType::any_map(),
                shape => shape.clone(),
            },
            Fact::Actors => ValueType::List(Box::new(ValueType::Actor)),
            Fact::ConsentLevel | Fact::ItemTier => ValueType::Tier,
            Fact::ConsentGivenAt | Fact::ConsentExpiresAt | Fact::Now => ValueType::Time,
            Fact::Tls => ValueType::Bool,
            Fact::ServerKind => text(&ServerKind::NAMES),
            Fact::ItemKind => text(&["tool", "prompt", "resource", "template"]),
            _ => ValueType::Text(None),
        }
    }

    /// The type of a member of such a value.
    pub(super) fn member_shape(&mut self, base: &ValueType, key: &str, at: Span) -> ValueType {
        match base {
            ValueType::Any => ValueType::Any,
            ValueType::Map { members, others } => match (members.get(key), others) {
                (Some(shape), _) => shape.clone(),
                (None, Some(others)) => (**others).clone(),
                (None, None) => {
                    let list = members.keys().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
                    let message = format!("the input schema has no `{key}` here: expected one of {list}");
                    let mistake = Mistake::new(at.start, at.end, message);
                    self.mistakes.push(mistake.suggest(key, members.keys().map(String::as_str)));
                    ValueType::Any
                }
            },
            ValueType::Actor => match key {
                "id" | "issuer" | "type" => ValueType::Text(None),
                "labels" => ValueType::List(Box::new(ValueType::Text(None))),
                _ => {
                    let names = ["id", "issuer", "type", "labels"];
                    let message =
                        format!("an agent has no `{key}`: expected one of `id`, `issuer`, `type`, `labels`");
                    self.mistakes.push(Mistake::new(at.start, at.end, message).suggest(key, names));
                    ValueType::Any
                }
            },
            other => {
                self.mistake(at, format!("{} has no members", other.name()));
                ValueType::Any
            }
        }
    }

    /// A name, or a member of something.
    pub(super) fn path(&mut self, expr: &Expr, depth: u32) -> Typed {
        self.count(expr.at, depth);
        let number = self.out.reserve();
        if let Some((slot, shape)) = self.variable(expr) {
            self.out.set(number, node(Op::Variable, slot, 0, 0, 0));
            return (number, shape);
        }
        if let Some(path) = path_of(expr)
            && !self.variables.iter().any(|(name, _)| name == path.root)
        {
            let Some((fact, taken)) = self.fact_of(&path, expr.at) else { return (number, ValueType::Any) };
            if taken == path.keys.len() {
                self.out.set(number, node(Op::Fact, fact as u8, 0, 0, 0));
                return (number, self.fact_shape(fact));
            }
        }
        let Kind::Member(base, key) = &expr.kind else { return (number, ValueType::Any) };
        let (base, shape) = self.expr(base, depth);
        let shape = self.member_shape(&shape, key, expr.at);
        let (at, length) = self.out.bytes(key.as_bytes());
        self.out.set(number, node(Op::Field, 0, base, at, length));
        (number, shape)
    }

    fn variable(&self, expr: &Expr) -> Option<(u8, ValueType)> {
        let Kind::Name(name) = &expr.kind else { return None };
        let slot = self.variables.iter().rposition(|(known, _)| known == name)?;
        let shape = self.variables.get(slot)?.1.clone();
        Some((u8::try_from(slot).ok()?, shape))
    }

    /// `has(…)`
    pub(super) fn has(&mut self, at: Span, arguments: &[Expr], depth: u32) -> Typed {
        self.count(at, depth);
        let number = self.out.reserve();
        let [argument] = arguments else {
            self.mistake(at, "`has` takes one path, such as has(args.reason)".to_owned());
            return (number, ValueType::Bool);
        };
        let Kind::Member(base, key) = &argument.kind else {
            self.mistake(argument.at, "`has` takes a path to a member, such as args.reason".to_owned());
            return (number, ValueType::Bool);
        };
        if let Some(mut path) = path_of(argument)
            && !self.variables.iter().any(|(name, _)| name == path.root)
        {
            // A consent exists if it has an id.
            if path.root == "delegation" && matches!(path.keys.as_slice(), [("consent", _)]) {
                path.keys.push(("id", argument.at));
            }
            let Some((fact, taken)) = self.fact_of(&path, argument.at) else {
                return (number, ValueType::Bool);
            };
            if taken == path.keys.len() {
                self.out.set(number, node(Op::HasFact, fact as u8, 0, 0, 0));
                return (number, ValueType::Bool);
            }
        }
        let (base, shape) = self.expr(base, depth);
        self.member_shape(&shape, key, argument.at);
        let (at, length) = self.out.bytes(key.as_bytes());
        self.out.set(number, node(Op::HasField, 0, base, at, length));
        (number, ValueType::Bool)
    }
}
