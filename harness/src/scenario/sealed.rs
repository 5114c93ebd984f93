//! Sealed ids by name: a file describes them under `sealed`, and `${NAME}` in any of its texts stands for the sealed id. The
//! id is inserted before the file is read as JSON, which is safe since JSON does not escape base64url.

use super::file::{RawBase, RawSealed};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use filter::sealed_id::{Binding, Key, KeyRing, Purpose};
use policy_wasm::model::{Actor, ActorKind, Delegation, Identity, Subject};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// The parts of a file that its sealed ids need.
#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    config: Value,
    #[serde(default)]
    sealed: BTreeMap<String, RawSealed>,
}

/// The text of a file with its sealed ids in it.
///
/// # Errors
/// If a sealed id cannot be made, is not used, or is used without being there.
pub(super) fn fill(text: String, base: &RawBase) -> Result<String, String> {
    // Other mistakes of the file are found, with their place, when all of it is read.
    let Ok(head) = serde_json::from_str::<Head>(&text) else { return Ok(text) };
    if head.sealed.is_empty() {
        return Ok(text);
    }
    let mut filled = text;
    for (name, wanted) in &head.sealed {
        let id =
            seal(wanted, &head.config, base).map_err(|problem| format!("sealed: `{name}`: {problem}"))?;
        let place = format!("${{{name}}}");
        if !filled.contains(&place) {
            return Err(format!("sealed: `{name}` is never used as `{place}`"));
        }
        filled = filled.replace(&place, &id);
    }
    if let Some((_, rest)) = filled.split_once("${") {
        let name = rest.split('}').next().unwrap_or_default();
        return Err(format!("`${{{name}}}`: `sealed` has no such name"));
    }
    Ok(filled)
}

fn seal(wanted: &RawSealed, config: &Value, base: &RawBase) -> Result<String, String> {
    let (purpose, text) = match (&wanted.session, &wanted.task, &wanted.endpoint) {
        (Some(text), None, None) => (Purpose::Session, text),
        (None, Some(text), None) => (Purpose::Task, text),
        (None, None, Some(text)) => (Purpose::Endpoint, text),
        _ => return Err("expected one of `session`, `task` and `endpoint`".to_owned()),
    };
    let key = match &wanted.key {
        Some(key) => key,
        None => config
            .pointer("/sessions/keys/0")
            .and_then(Value::as_str)
            .ok_or("the file's `config` has no `sessions.keys`, so `key` is needed")?,
    };
    let key = STANDARD.decode(key).map_err(|error| format!("key: {error}"))?;
    let key =
        <[u8; 32]>::try_from(key).map_err(|key| format!("key: expected 32 bytes, found {}", key.len()))?;
    let ring = KeyRing::new(vec![Key::new(key)]).ok_or("no key")?;

    let claims = Value::Object(base.token.claims.clone());
    let or = |given: &Option<String>, pointer: &str| -> Result<String, String> {
        let default = || claims.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        given.clone().or_else(default).ok_or_else(|| format!("the default token has no `{pointer}`"))
    };
    let issuer = or(&wanted.issuer, "/iss")?;
    let subject = or(&wanted.subject, "/sub")?;
    let (kind, actor) = match (&wanted.client, &wanted.actor) {
        (Some(_), Some(_)) => return Err("`client` and `actor`".to_owned()),
        (Some(client), None) => (ActorKind::Client, client.clone()),
        (None, actor) => (ActorKind::Subject, or(actor, "/act/sub")?),
    };
    let resource = or(&wanted.resource, "/aud")?;
    let identity = |id| Identity { issuer: &issuer, id };
    let actors = [Actor { kind, identity: identity(&actor) }];
    let subject = Subject { identity: identity(&subject), groups: &[], roles: &[], claims: None };
    let delegation =
        Delegation { subject, actors: &actors, clients: &[], scopes: &[], consent: None, leeway: 0 };
    let binding = Binding::over(&delegation, wanted.tenant.as_deref(), &resource);
    ring.seal_between(purpose, text, binding, wanted.begins, wanted.ends.unwrap_or(u64::MAX))
        .ok_or_else(|| "this text cannot be sealed".to_owned())
}
