//! `issuers[].*_claim`: where tokens carry subject, client, scopes, groups, roles and tenant.

use super::provider::Provider;
use crate::token::{ClaimPath, IdentityClaims};
use policy_wasm::source::{MapReader, Place, Value};

/// Deepest path to a claim.
const MAX_NAMES: usize = 8;

/// Claims with a meaning of their own that no setting changes.
const RESERVED: [&str; 10] =
    ["iss", "aud", "exp", "nbf", "iat", "jti", "act", "may_act", "cnf", "toolward_consent"];

/// The claims of an issuer.
pub(super) struct Claims {
    pub(super) identity: IdentityClaims,
    pub(super) tenant: Option<ClaimPath>,
}

/// Reads the settings; `None` where any of them is wrong.
pub(super) fn read(map: &mut MapReader<'_>, provider: Provider) -> Option<Claims> {
    let preset = provider.claims();
    let mut taken: Vec<(ClaimPath, Option<Place<'_>>)> = Vec::new();
    let mut one = |key: &'static str, default: Vec<ClaimPath>| {
        let place = map.optional(key);
        let paths = match &place {
            Some(place) => path(place).map(|path| vec![path]),
            None => Some(default),
        }?;
        let other = taken.iter().find(|(path, _)| paths.contains(path));
        if let Some((_, other)) = other {
            // Where one of the two is a default, the mistake is in the other.
            if let Some(place) = place.as_ref().or(other.as_ref()) {
                place.refuse("another setting of this issuer, or its default, names this claim already");
            }
            return None;
        }
        taken.extend(paths.iter().map(|path| (path.clone(), place.clone())));
        Some(paths)
    };
    let first = |paths: Option<Vec<ClaimPath>>| paths.and_then(|paths| paths.into_iter().next());
    let subject = first(one("subject_claim", vec![preset.subject]));
    let clients = one("client_claim", preset.clients);
    let scope = first(one("scope_claim", vec![preset.scope]));
    let groups = first(one("groups_claim", vec![preset.groups]));
    let roles = first(one("roles_claim", vec![preset.roles]));
    let tenant = one("tenant_claim", Vec::new());
    Some(Claims {
        identity: IdentityClaims {
            subject: subject?,
            clients: clients?,
            scope: scope?,
            groups: groups?,
            roles: roles?,
        },
        tenant: tenant?.into_iter().next(),
    })
}

/// A path to a claim: a name at the top, a JSON Pointer (RFC 6901), or a list of names.
fn path(place: &Place<'_>) -> Option<ClaimPath> {
    let names: Vec<String> = match &place.node().value {
        Value::List(_) => place.texts()?.into_iter().map(str::to_owned).collect(),
        _ => {
            let text = place.text()?;
            match text.strip_prefix('/') {
                Some(pointer) => pointer.split('/').map(unescaped).collect(),
                // A URL is one name; issuers make claims of their own so.
                None if text.contains('.') && !text.contains("://") => {
                    place.refuse(
                        "a name with a dot: write a path as a list, such as `[\"realm_access\", \"roles\"]`, \
                         and a name that has a dot as a list of one",
                    );
                    return None;
                }
                None => vec![text.to_owned()],
            }
        }
    };
    let is_reserved = |name: &String| names.len() == 1 && RESERVED.contains(&name.as_str());
    if let Some(name) = names.first().filter(|name| is_reserved(name)) {
        place.refuse(format!("the claim `{name}` has a meaning of its own; name another"));
        return None;
    }
    if names.len() > MAX_NAMES {
        place.refuse(format!("expected at most {MAX_NAMES} names"));
        return None;
    }
    let path = ClaimPath::new(names);
    if path.is_none() {
        place.refuse("expected at least one name");
    }
    path
}

/// RFC 6901 §4.
fn unescaped(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}
