//! Paths to claims, as the configuration names them.

use super::TokenError;
use policy_wasm::json::{Kind, Value};
use std::fmt;

/// The path to one claim: its name at the top, or the names that lead to it through objects. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimPath {
    names: Vec<String>,
}

impl ClaimPath {
    /// The path through these names; `None` for an empty list.
    pub fn new(names: Vec<String>) -> Option<ClaimPath> {
        (!names.is_empty()).then_some(ClaimPath { names })
    }

    /// The claim with this name at the top.
    pub fn top(name: &str) -> ClaimPath {
        ClaimPath { names: vec![name.to_owned()] }
    }

    /// The claim with this name in the object with that name at the top.
    pub fn below(object: &str, name: &str) -> ClaimPath {
        ClaimPath { names: vec![object.to_owned(), name.to_owned()] }
    }

    /// The name at the top.
    pub fn first(&self) -> &str {
        self.names.first().map_or("", String::as_str)
    }

    /// The claim, from the claim at the top that the path begins with. `None` where it is absent or `null`.
    ///
    /// # Errors
    /// [`TokenError::ClaimsInvalid`] where a value on the way is not an object.
    pub fn follow<'a>(&self, top: Option<Value<'a>>) -> Result<Option<Value<'a>>, TokenError> {
        let mut found = top;
        for name in self.names.iter().skip(1) {
            let Some(value) = found.filter(|value| value.kind() != Kind::Null) else { return Ok(None) };
            found = value.as_object().ok_or(TokenError::ClaimsInvalid)?.get(name);
        }
        Ok(found.filter(|value| value.kind() != Kind::Null))
    }
}

/// As a JSON Pointer below the top, where the path is longer than a name.
impl fmt::Display for ClaimPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [name] = self.names.as_slice() {
            return f.write_str(name);
        }
        self.names.iter().try_for_each(|name| write!(f, "/{}", name.replace('~', "~0").replace('/', "~1")))
    }
}
