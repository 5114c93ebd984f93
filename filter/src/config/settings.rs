//! The single settings: limits, forms, header treatment, origins, the authorization cluster.

use super::defaults;
use crate::callout::spicedb::{Identifiers, SpiceDb};
use crate::mcp::revision::{Revision, Revisions};
use crate::reply::DenialForm;
use policy_wasm::source::{Place, Value};

/// Most origins: they are compared one by one.
const MAX_ORIGINS: usize = 64;

/// `limits`, defaults put in. A limit that is wrong has its default here, and its problem in the list.
pub(super) struct Bounds {
    pub(super) max_body_bytes: usize,
    pub(super) max_depth: u32,
    pub(super) max_response_bytes: usize,
    pub(super) token_cache_entries: usize,
}

/// Reads `limits`.
pub(super) fn limits(place: Option<Place<'_>>) -> Bounds {
    let mut map = place.and_then(|place| place.map());
    let mut number = |number: defaults::Number| {
        let written = match &mut map {
            Some(map) => number.read(map),
            None => None,
        };
        written.unwrap_or(number.default)
    };
    let size = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
    let bounds = Bounds {
        max_body_bytes: size(number(defaults::MAX_BODY)),
        max_depth: u32::try_from(number(defaults::MAX_DEPTH)).unwrap_or(u32::MAX),
        max_response_bytes: size(number(defaults::MAX_RESPONSE)),
        token_cache_entries: size(number(defaults::TOKEN_CACHE)),
    };
    if let Some(map) = map {
        map.finish();
    }
    bounds
}

/// A number of bytes as a size of this machine.
pub(super) fn bytes(value: Option<u64>) -> Option<usize> {
    usize::try_from(value?).ok()
}

/// Reads `revisions`.
pub(super) fn revisions(place: Option<Place<'_>>) -> Option<Revisions> {
    let Some(place) = place else { return Some(Revision::DEFAULT.into_iter().collect()) };
    let items = place.list()?;
    if items.is_empty() {
        place.refuse("expected at least one MCP revision");
        return None;
    }
    let names = Revision::ALL.map(Revision::name);
    let mut chosen = Vec::new();
    for item in &items {
        let revision = Revision::ALL.get(item.public().one_of(&names)?).copied()?;
        if chosen.contains(&revision) {
            item.refuse(format!("duplicate entry `{}`", revision.name()));
        }
        chosen.push(revision);
    }
    Some(chosen.into_iter().collect())
}

/// Reads `batches`: whether they are judged.
pub(super) fn batches(place: Option<Place<'_>>) -> Option<bool> {
    let Some(place) = place else { return Some(false) };
    place.public().one_of(&["refuse", "judge"]).map(|index| index == 1)
}

/// Reads a `denial_form`.
pub(super) fn denial_form(place: Option<Place<'_>>) -> Option<DenialForm> {
    const FORMS: [(&str, DenialForm); 3] = [
        ("jsonrpc_error", DenialForm::JsonRpcError),
        ("tool_error", DenialForm::ToolError),
        ("http_403", DenialForm::Http403),
    ];
    let Some(place) = place else { return Some(DenialForm::JsonRpcError) };
    let index = place.public().one_of(&FORMS.map(|(name, _)| name))?;
    FORMS.get(index).map(|(_, form)| *form)
}

/// Reads `authorization_header`: whether it is kept.
pub(super) fn authorization_header(place: Option<Place<'_>>) -> Option<bool> {
    let Some(place) = place else { return Some(false) };
    place.public().one_of(&["strip", "keep"]).map(|index| index == 1)
}

/// Reads `allowed_origins`: serialised origins (RFC 6454 §6.1), compared as exact strings.
pub(super) fn allowed_origins(place: Option<Place<'_>>) -> Option<Vec<String>> {
    let Some(place) = place else { return Some(Vec::new()) };
    let items = place.list()?;
    if items.len() > MAX_ORIGINS {
        place.refuse(format!("expected at most {MAX_ORIGINS} origins, found {}", items.len()));
        return None;
    }
    let mut origins = Vec::new();
    for item in &items {
        let Some(text) = item.text() else { continue };
        if is_origin(text) {
            origins.push(text.to_owned());
        } else {
            let bare = text.trim_end_matches('/').to_ascii_lowercase();
            let suggestion = is_origin(&bare).then(|| format!("did you mean `{bare}`?"));
            item.refuse_with(
                "expected an origin: scheme, `://`, host in lower case, port if any",
                suggestion,
            );
        }
    }
    (origins.len() == items.len()).then_some(origins)
}

fn is_origin(text: &str) -> bool {
    let Some((scheme, authority)) = text.split_once("://") else { return false };
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    !scheme.is_empty()
        && scheme.bytes().all(|byte| plain(byte) || b"+-.".contains(&byte))
        && !authority.is_empty()
        && authority.bytes().all(|byte| plain(byte) || b"-._:[]".contains(&byte))
}

/// Reads `checks`: where the authorization cluster is.
pub(super) fn spicedb(place: &Place<'_>) -> Option<SpiceDb> {
    let mut map = place.map()?;
    let spicedb = map.required("spicedb");
    map.finish();
    let mut map = spicedb?.map()?;
    let cluster = map.required("cluster").and_then(|place| visible(&place));
    let authority = match map.optional("authority") {
        Some(place) => visible(&place),
        None => cluster.clone(),
    };
    let timeout_ms = defaults::CHECK_TIMEOUT.read(&mut map);
    let bearer_token = match map.optional("bearer_token") {
        Some(place) => secret(&place).map(Some),
        None => Some(None),
    };
    let identifiers = match map.optional("identifiers") {
        Some(place) => place
            .one_of(&["plain", "base64url"])
            .map(|index| if index == 1 { Identifiers::Base64Url } else { Identifiers::Plain }),
        None => Some(Identifiers::Plain),
    };
    map.finish();
    Some(SpiceDb {
        cluster: cluster?,
        authority: authority?,
        timeout_ms: u32::try_from(timeout_ms?).ok()?,
        bearer_token: bearer_token?,
        identifiers: identifiers?,
    })
}

/// Text that a header can hold: visible ASCII.
fn visible(place: &Place<'_>) -> Option<String> {
    let text = place.text()?;
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        place.refuse("expected visible ASCII characters without blanks");
        return None;
    }
    Some(text.to_owned())
}

/// A secret for a header. No message repeats it.
fn secret(place: &Place<'_>) -> Option<String> {
    match &place.node().value {
        Value::String(text) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Some(text.clone().into_owned())
        }
        _ => {
            place.refuse("expected a string of visible ASCII characters without blanks");
            None
        }
    }
}
