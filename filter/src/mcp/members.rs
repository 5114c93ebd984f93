//! Finds members of a message's objects by exact key, and rejects keys that a reader could take for a known
//! one.

use super::error::MessageError;
use policy_wasm::json::{Kind, Object, Str, Value};
use std::borrow::Cow;

/// The maximum length of a method, a name and a string id, in bytes.
pub(super) const MAX_NAME: usize = 256;

/// The maximum length of a URI and a task id, in bytes.
pub(super) const MAX_URI: usize = 2048;

/// A key and its value.
pub(super) type Member<'a> = (Str<'a>, Value<'a>);

pub(super) fn find<'a>(members: &[Member<'a>], name: &str) -> Option<Value<'a>> {
    members.iter().find(|(key, _)| key.is(name)).map(|(_, value)| *value)
}

/// Whether a key differs from all of `known` but could be taken for one of them.
pub(super) fn lookalike(key: Str<'_>, known: &[&str]) -> bool {
    let folded = key.fold();
    known.iter().any(|name| folded.is(name)) && !known.iter().any(|name| key.is(name))
}

pub(super) fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}

/// The object, if no key of it is a lookalike of a known key.
pub(super) fn object<'a>(value: Value<'a>, known: &[&str]) -> Result<Object<'a>, MessageError> {
    let object = value.as_object().ok_or(MessageError::ParamsInvalid)?;
    if object.members().any(|(key, _)| lookalike(key, known)) {
        return Err(MessageError::Ambiguous);
    }
    Ok(object)
}

/// A string that is a name of at most `most` bytes.
pub(super) fn word(value: Option<Value<'_>>, most: usize) -> Result<Cow<'_, str>, MessageError> {
    let word = value.and_then(Value::as_str).ok_or(MessageError::ParamsInvalid)?.decode();
    if word.is_empty() || word.len() > most || has_control(&word) {
        return Err(MessageError::ParamsInvalid);
    }
    Ok(word)
}

/// Succeeds if the value is absent or of this kind.
pub(super) fn kind(value: Option<Value<'_>>, kind: Kind) -> Result<(), MessageError> {
    match value {
        Some(value) if value.kind() != kind => Err(MessageError::ParamsInvalid),
        _ => Ok(()),
    }
}

pub(super) fn optional_object(value: Option<Value<'_>>) -> Result<Option<Object<'_>>, MessageError> {
    value.map(|value| value.as_object().ok_or(MessageError::ParamsInvalid)).transpose()
}
