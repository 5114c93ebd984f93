//! `when`: conditions, compiled where they stand.

use super::names::Names;
use crate::condition::{self, Fact, Mistake, Shape};
use crate::policy::Condition;
use crate::source::{Node, Place};

/// What a condition may speak of.
#[derive(Clone)]
pub(super) struct Scope(condition::Scope);

impl Scope {
    /// A condition of a rule or an entry.
    pub(super) fn new(names: &Names<'_>) -> Scope {
        let mut scope = condition::Scope {
            tiers: names.tiers.iter().map(|name| (*name).to_owned()).collect(),
            issuers: names
                .issuers
                .iter()
                .map(|(&name, &issuer)| (name.to_owned(), issuer.to_owned()))
                .collect(),
            ..condition::Scope::default()
        };
        if !names.environments.is_empty() {
            // A server need not be in one.
            let known = names.environments.iter().copied().chain([""]).map(str::to_owned).collect();
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
        self.0.args = Shape::of_schema(schema);
        self
    }
}

/// Reads and compiles a condition.
pub(super) fn when<'n>(place: &Place<'n>, scope: &Scope, names: &Names<'n>) -> Option<Condition> {
    let text = place.text()?;
    compile(text, place, scope, names)
}

/// Compiles a condition that stands at `place`, or that the compiler itself wrote for what stands there.
pub(super) fn compile<'n>(
    text: &str,
    place: &Place<'n>,
    scope: &Scope,
    names: &Names<'n>,
) -> Option<Condition> {
    match condition::compile(text, &scope.0) {
        Ok(code) => Some(Condition { text: text.to_owned(), code, origin: names.origin(place) }),
        Err(mistakes) => {
            mistakes.into_iter().for_each(|mistake| refuse(text, mistake, place));
            None
        }
    }
}

/// Tells a mistake with the part of the condition that it is in: where the text stands in the file depends on how it
/// is quoted and folded.
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
