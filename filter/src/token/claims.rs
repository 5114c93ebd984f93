//! The claims of a token whose signature was checked.

use super::chain::{self, Chain};
use super::claim_values::{Round, audiences, name, names, optional, scopes, seconds};
use super::consent::ConsentClaim;
use super::issuer::Issuer;
use super::{ActorClaim, TokenError, VerifiedDelegation, bounds};
use policy_wasm::json::{Object, OwnedObject, Value};
use policy_wasm::model::ActorKind;

/// Reads the claims (RFC 7519 §4.1, RFC 9068 §2.2, RFC 8693 §4).
///
/// # Errors
/// [`TokenError::ClaimsInvalid`], [`TokenError::ChainInvalid`], [`TokenError::BindingUnsupported`],
/// [`TokenError::LifetimeTooLong`]. Time and audience are the caller's to check, on every call.
pub(super) fn read(
    claims: Object<'_>,
    issuer: &Issuer,
    leeway: u64,
) -> Result<VerifiedDelegation, TokenError> {
    let payload = OwnedObject::from(claims);
    let claims = Claims::collect(claims, issuer);
    let invalid = TokenError::ClaimsInvalid;

    let subject = claims.subject.and_then(|value| name(value, bounds::NAME_BYTES)).ok_or(invalid)?;
    let audiences = audiences(claims.audience.ok_or(invalid)?).ok_or(invalid)?;
    let client_id = optional(claims.client_id, |value| name(value, bounds::NAME_BYTES))?;
    let party = optional(claims.authorized_party, |value| name(value, bounds::NAME_BYTES))?;
    let token_id = optional(claims.token_id, |value| name(value, bounds::NAME_BYTES))?;
    let scopes = optional(claims.scope, scopes)?.unwrap_or_default();
    let groups = optional(claims.groups, names)?.unwrap_or_default();
    let roles = optional(claims.roles, names)?.unwrap_or_default();
    let consent = optional(claims.consent, ConsentClaim::read)?;
    let expires_at = claims.expires.and_then(|value| seconds(value, Round::Down)).ok_or(invalid)?;
    // RFC 9068 §2.2 requires `iat`; without it the lifetime could not be bounded.
    let issued_at = claims.issued.and_then(|value| seconds(value, Round::Down)).ok_or(invalid)?;
    let not_before = optional(claims.not_before, |value| seconds(value, Round::Up))?.unwrap_or(0);

    let client =
        |id: &String| ActorClaim { kind: ActorKind::Client, issuer: issuer.id.clone(), id: id.clone() };
    let Chain { actors, mut clients } = match (claims.act, &client_id) {
        (Some(act), _) => chain::read(act, &issuer.id, &subject)?,
        // A token of a client on its own behalf names no human (RFC 9068 §5: `sub` may be the client).
        (None, Some(id)) if *id == subject => return Err(TokenError::ChainInvalid),
        (None, Some(id)) => Chain { actors: vec![client(id)], clients: Vec::new() },
        (None, None) => Chain { actors: Vec::new(), clients: Vec::new() },
    };
    // INVARIANT (rules that deny see everybody): whoever the token names as acting, and is not in the chain, stands here.
    clients.extend(client_id.iter().chain(&party).map(client));
    clients.retain(|client| !actors.contains(client));
    if claims.bound {
        return Err(TokenError::BindingUnsupported);
    }
    if expires_at.saturating_sub(issued_at) > issuer.max_lifetime_seconds {
        return Err(TokenError::LifetimeTooLong);
    }
    // INVARIANT (tenants): where tenants are told apart, nobody is without one.
    let tenant = match issuer.tenant_claim {
        Some(_) => Some(claims.tenant.and_then(|value| name(value, bounds::NAME_BYTES)).ok_or(invalid)?),
        None => None,
    };
    Ok(VerifiedDelegation {
        issuer: issuer.id.clone(),
        subject,
        tenant,
        groups,
        roles,
        actors,
        clients,
        client_id,
        scopes,
        audiences,
        token_id,
        expires_at,
        issued_at,
        not_before: not_before.max(issued_at),
        leeway,
        consent,
        payload,
    })
}

/// The claims that mean something here, found in one walk.
#[derive(Default)]
struct Claims<'a> {
    subject: Option<Value<'a>>,
    audience: Option<Value<'a>>,
    expires: Option<Value<'a>>,
    not_before: Option<Value<'a>>,
    issued: Option<Value<'a>>,
    token_id: Option<Value<'a>>,
    client_id: Option<Value<'a>>,
    authorized_party: Option<Value<'a>>,
    scope: Option<Value<'a>>,
    act: Option<Value<'a>>,
    bound: bool,
    groups: Option<Value<'a>>,
    roles: Option<Value<'a>>,
    tenant: Option<Value<'a>>,
    consent: Option<Value<'a>>,
}

impl<'a> Claims<'a> {
    fn collect(object: Object<'a>, issuer: &Issuer) -> Claims<'a> {
        let mut claims = Claims::default();
        for (key, value) in object.members() {
            let slot = match key.decode().as_ref() {
                "sub" => &mut claims.subject,
                "aud" => &mut claims.audience,
                "exp" => &mut claims.expires,
                "nbf" => &mut claims.not_before,
                "iat" => &mut claims.issued,
                "jti" => &mut claims.token_id,
                "client_id" => &mut claims.client_id,
                "azp" => &mut claims.authorized_party,
                "scope" => &mut claims.scope,
                "act" => &mut claims.act,
                "toolward_consent" => &mut claims.consent,
                "cnf" => {
                    claims.bound = true;
                    continue;
                }
                name if name == issuer.groups_claim => &mut claims.groups,
                name if name == issuer.roles_claim => &mut claims.roles,
                name if Some(name) == issuer.tenant_claim.as_deref() => &mut claims.tenant,
                _ => continue,
            };
            *slot = Some(value);
        }
        claims
    }
}
