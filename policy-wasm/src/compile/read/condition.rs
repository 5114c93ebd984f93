//! `when`: conditions, compiled with their places.

use super::locate;
use super::symbols::Symbols;
use crate::condition::{self, Fact, Mistake, ValueType};
use crate::policy::Condition;
use crate::source::{Node, Place};

/// The facts that a condition may read.
#[derive(Clone)]
pub(super) struct Scope(condition::Scope);

impl Scope {
    /// A condition of a rule or an item.
    pub(super) fn new(symbols: &Symbols<'_>) -> Scope {
        let mut scope = condition::Scope {
            tiers: symbols.tiers.iter().map(|name| (*name).to_owned()).collect(),
            issuers: symbols
                .issuers
                .iter()
                .map(|(&name, &issuer)| (name.to_owned(), issuer.to_owned()))
                .collect(),
            ..condition::Scope::default()
        };
        if !symbols.environments.is_empty() {
            // A server need not be in one.
            let known = symbols.environments.iter().copied().chain([""]).map(str::to_owned).collect();
            scope.known.insert(Fact::ServerEnvironment, known);
        }
        Scope(scope)
    }

    /// A condition of a rule for a method, which is about no entry.
    pub(super) fn without_entry(mut self) -> Scope {
        self.0.item = false;
        self
    }

    /// A condition of a tool whose arguments have a schema.
    pub(super) fn with_arguments(mut self, schema: &Node<'_>) -> Scope {
        self.0.args = ValueType::of_schema(schema);
        self
    }
}

/// Reads and compiles a condition, and joins its lines.
pub(super) fn when<'n>(place: &Place<'n>, scope: &Scope, symbols: &Symbols<'n>) -> Option<Condition> {
    let text = place.string()?;
    if text.trim().is_empty() {
        place.refuse("expected a condition, such as `args.percent <= 25`, found nothing");
        return None;
    }
    let code = condition::compile(text, &scope.0).map_err(|mistakes| {
        let lines = symbols.texts.get(place.file());
        for mistake in mistakes {
            let end = mistake.offset.saturating_add(mistake.length);
            let part =
                lines.and_then(|lines| locate::part(lines, place.node().position, text, mistake.offset..end));
            match part {
                Some(part) => place.refuse_part(part, mistake.message, mistake.suggestion),
                None => refuse(text, mistake, place),
            }
        }
    });
    let one_line = match text.contains(char::is_control) {
        true => condition::parse(text).map(|expr| condition::print(&expr)).unwrap_or_default(),
        false => text.to_owned(),
    };
    Some(Condition { text: one_line, code: code.ok()?, origin: symbols.origin(place) })
}

/// Compiles a condition that the compiler itself wrote for the value at `place`.
pub(super) fn compile<'n>(
    text: &str,
    place: &Place<'n>,
    scope: &Scope,
    symbols: &Symbols<'n>,
) -> Result<Condition, Vec<Mistake>> {
    let code = condition::compile(text, &scope.0)?;
    Ok(Condition { text: text.to_owned(), code, origin: symbols.origin(place) })
}

/// Reports a mistake by the text of its part of the condition, without a position.
fn refuse(text: &str, mistake: Mistake, place: &Place<'_>) {
    let end = mistake.offset.saturating_add(mistake.length);
    let part = text.get(mistake.offset..end).unwrap_or_default();
    let before = text.get(..mistake.offset).unwrap_or_default().chars().count().saturating_add(1);
    let at = if part.is_empty() {
        format!("at character {before}")
    } else {
        format!("`{part}` at character {before}")
    };
    place.refuse_with(format!("in the condition, {at}: {}", mistake.message), mistake.suggestion);
}
