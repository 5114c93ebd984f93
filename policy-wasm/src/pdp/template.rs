//! Templates of checks, filled with arguments: only values that every reader takes the same way.

use crate::bundle::{Check, Part, Unreadable};
use crate::decision::{DenyReason, Reasons, RelationCheck};
use crate::json::{self, Kind};
use std::borrow::Cow;

/// Longest value of a placeholder in bytes.
pub const MAX_VALUE: usize = 256;

/// Characters that mean something in an object id, a relation tuple, a URL path or a wildcard, in one engine or
/// server or another.
const MEANINGFUL: [char; 8] = ['*', '#', ':', '{', '}', '%', '\\', '?'];

/// The check with its templates filled, or why they cannot be.
pub(super) fn relation(
    check: Check<'_>,
    subject: &str,
    arguments: Option<json::Object<'_>>,
) -> Result<Result<RelationCheck, Reasons>, Unreadable> {
    let object_id = fill(&check.object()?, subject, arguments);
    let subject_id = fill(&check.subject()?, subject, arguments);
    Ok(match (object_id, subject_id) {
        (Ok(object_id), Ok(subject_id)) => Ok(RelationCheck {
            relation: check.relation.to_owned(),
            object_type: check.object_type.to_owned(),
            object_id,
            subject_type: check.subject_type.to_owned(),
            subject_id,
        }),
        (object, subject) => {
            let mut reasons = Reasons::NONE;
            for why in [object.err(), subject.err()].into_iter().flatten() {
                why.iter().for_each(|reason| reasons.add(reason));
            }
            Err(reasons)
        }
    })
}

fn fill(parts: &[Part<'_>], subject: &str, arguments: Option<json::Object<'_>>) -> Result<String, Reasons> {
    let separators = separators(parts);
    let (mut out, mut reasons) = (String::new(), Reasons::NONE);
    for part in parts {
        let value = match part {
            Part::Literal(text) => {
                out.push_str(text);
                continue;
            }
            Part::SubjectId => Ok(Cow::Borrowed(subject)),
            Part::Argument(path) => argument(path, arguments),
        };
        match value.and_then(|value| usable(&value, &separators).map(|()| value)) {
            Ok(value) => out.push_str(&value),
            Err(reason) => reasons.add(reason),
        }
    }
    if reasons.is_empty() && !out.is_empty() { Ok(out) } else { Err(or_unusable(reasons)) }
}

/// A template that results in the empty string is as unusable as an empty argument.
fn or_unusable(mut reasons: Reasons) -> Reasons {
    if reasons.is_empty() {
        reasons.add(DenyReason::ArgumentUnusable);
    }
    reasons
}

/// The characters of the literals between two placeholders. A value with one of them could pass for two values (`a/b` +
/// `c` and `a` + `b/c`).
fn separators(parts: &[Part<'_>]) -> Vec<char> {
    let is_placeholder = |part: &Part<'_>| !matches!(part, Part::Literal(_));
    let first = parts.iter().position(is_placeholder).unwrap_or(0);
    let last = parts.iter().rposition(is_placeholder).unwrap_or(0);
    let between = parts.get(first..last).unwrap_or_default();
    let literals = between.iter().filter_map(|part| match part {
        Part::Literal(text) => Some(*text),
        _ => None,
    });
    literals.flat_map(str::chars).collect()
}

fn usable(value: &str, separators: &[char]) -> Result<(), DenyReason> {
    let refused = |character: char| {
        character.is_control()
            || character.is_whitespace()
            || MEANINGFUL.contains(&character)
            || separators.contains(&character)
    };
    let bounded = !value.is_empty() && value.len() <= MAX_VALUE;
    if !bounded || value.chars().any(refused) || value.split('/').any(|segment| matches!(segment, "." | ".."))
    {
        Err(DenyReason::ArgumentUnusable)
    } else {
        Ok(())
    }
}

/// The value that the keys lead to, as text.
fn argument<'a>(path: &[&str], arguments: Option<json::Object<'a>>) -> Result<Cow<'a, str>, DenyReason> {
    let mut object = arguments.ok_or(DenyReason::ArgumentMissing)?;
    let mut keys = path.iter();
    let mut key = keys.next().ok_or(DenyReason::ArgumentMissing)?;
    loop {
        let value = member(object, key)?;
        match keys.next() {
            Some(next) => {
                object = value.as_object().ok_or(DenyReason::ArgumentUnusable)?;
                key = next;
            }
            None => return text(value),
        }
    }
}

/// The member with this key, if no other key could be taken for it.
fn member<'a>(object: json::Object<'a>, key: &str) -> Result<json::Value<'a>, DenyReason> {
    let mut found = None;
    for (name, value) in object.members() {
        if name.is(key) {
            found = Some(value);
        } else if name.resembles(key) {
            return Err(DenyReason::ArgumentUnusable);
        }
    }
    match found {
        Some(value) if value.kind() != Kind::Null => Ok(value),
        _ => Err(DenyReason::ArgumentMissing),
    }
}

fn text(value: json::Value<'_>) -> Result<Cow<'_, str>, DenyReason> {
    if let Some(text) = value.as_str() {
        return Ok(text.decode());
    }
    if let Some(number) = value.as_integer() {
        return Ok(Cow::Owned(number.to_string()));
    }
    match value.as_bool() {
        Some(true) => Ok(Cow::Borrowed("true")),
        Some(false) => Ok(Cow::Borrowed("false")),
        None => Err(DenyReason::ArgumentUnusable),
    }
}
