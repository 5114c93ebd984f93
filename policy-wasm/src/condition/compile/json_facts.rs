//! Facts from a JSON document, for tests and for trying a condition by hand.

use super::super::facts::{Fact, Facts, Fault, Given};
use super::super::time;
use crate::json;

/// Facts read from a JSON document whose keys are the names that conditions use:
/// `{"subject": {"id": "alice", "groups": []}, "actors": [{"id": "planner"}], "args": {}, "now": "2026-11-20T12:00:00Z"}`.
///
/// Times are RFC 3339 strings, tiers are their numbers from 0. Facts that the document lacks are missing. Texts and
/// lists of agents and servers, and `args`, are empty instead.
#[derive(Debug, Clone)]
pub struct JsonFacts {
    text: String,
}

impl JsonFacts {
    /// Reads the document; `None` if it is not an object.
    pub fn read(text: &str) -> Option<JsonFacts> {
        let value = json::parse(text.as_bytes(), &json::Limits::default()).ok()?;
        value.as_object().map(|_| JsonFacts { text: text.to_owned() })
    }

    fn value(&self, fact: Fact, actor: u32) -> Option<json::Value<'_>> {
        let mut value = json::parse(self.text.as_bytes(), &json::Limits::default()).ok()?;
        let mut path = fact.path();
        if let Some(rest) = path.strip_prefix("actor.") {
            value = value.as_object()?.get("actors")?.as_array()?.elements().nth(actor as usize)?;
            path = rest;
        }
        path.split('.').try_fold(value, |value, key| value.as_object()?.get(key))
    }
}

/// The text of a value without escapes.
fn plain(value: json::Value<'_>) -> Result<&str, Fault> {
    let text = value.as_str().ok_or(Fault::Broken)?;
    if text.raw().contains('\\') { Err(Fault::Broken) } else { Ok(text.raw()) }
}

impl Facts for JsonFacts {
    fn fact(&self, fact: Fact, actor: u32) -> Result<Given<'_>, Fault> {
        let value = self.value(fact, actor);
        match (fact, value) {
            (Fact::Args, None) => Ok(Given::Empty),
            (Fact::Tls, None) => Ok(Given::Bool(false)),
            (Fact::SubjectClaims | Fact::Args, Some(value)) => {
                value.as_object().map(Given::Object).ok_or(Fault::Broken)
            }
            (Fact::Tls, Some(value)) => value.as_bool().map(Given::Bool).ok_or(Fault::Broken),
            (Fact::Now | Fact::ConsentGivenAt | Fact::ConsentExpiresAt, Some(value)) => {
                let moment = time::time(plain(value)?).ok_or(Fault::Broken)?;
                u64::try_from(moment.seconds).map(Given::Time).map_err(|_| Fault::Broken)
            }
            (Fact::ItemTier | Fact::ConsentLevel, Some(value)) => {
                let tier = value.as_integer().and_then(|tier| u32::try_from(tier).ok());
                tier.map(Given::Tier).ok_or(Fault::Broken)
            }
            (
                Fact::SubjectGroups
                | Fact::SubjectRoles
                | Fact::ActorLabels
                | Fact::Scopes
                | Fact::ServerLabels
                | Fact::ItemLabels
                | Fact::Actors,
                value,
            ) => {
                let elements =
                    value.and_then(json::Value::as_array).map_or(0, |array| array.elements().count());
                let count = u32::try_from(elements).map_err(|_| Fault::Broken)?;
                Ok(if fact == Fact::Actors { Given::Actors(count) } else { Given::Texts(count) })
            }
            (
                Fact::ActorType
                | Fact::ServerOwner
                | Fact::ServerEnvironment
                | Fact::SourceAddress
                | Fact::Peer,
                None,
            ) => Ok(Given::Text("")),
            (_, None) => Err(Fault::Missing),
            (_, Some(value)) => plain(value).map(Given::Text),
        }
    }

    fn text(&self, fact: Fact, actor: u32, index: u32) -> Result<&str, Fault> {
        let list = self.value(fact, actor).and_then(json::Value::as_array).ok_or(Fault::Missing)?;
        list.elements().nth(index as usize).map_or(Err(Fault::Missing), plain)
    }
}
