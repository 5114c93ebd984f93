//! The claims of a token whose signature was checked.

use super::chain::{self, Chain};
use super::claim_values::{Round, audiences, name, names, optional, scopes, seconds};
use super::consent::ConsentClaim;
use super::issuer::{IdentityClaims, Issuer};
use super::{ActorClaim, ClaimPath, TokenError, VerifiedDelegation, bounds};
use policy_wasm::json::{Kind, Object, OwnedObject, Value};
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
    let invalid = TokenError::ClaimsInvalid;
    let paths = &issuer.claims;
    let claims = Claims::collect(claims, issuer);
    let identity = |path: &ClaimPath| optional(claims.at(path)?, |value| name(value, bounds::NAME_BYTES));
    let subject = identity(&paths.subject)?.ok_or(invalid)?;
    let mut named = Vec::new();
    for path in &paths.clients {
        named.extend(identity(path)?);
    }
    let scopes = optional(claims.at(&paths.scope)?, scopes)?.unwrap_or_default();
    let groups = optional(claims.at(&paths.groups)?, names)?;
    let roles = optional(claims.at(&paths.roles)?, names)?;
    // INVARIANT (unknown is not empty): a rule that denies a group must not miss a list that the issuer left out.
    if claims.leaves_out(&paths.groups, groups.is_none()) || claims.leaves_out(&paths.roles, false) {
        return Err(invalid);
    }

    // A token without `aud` is for no resource (RFC 9068 §2.2 requires the claim).
    let audiences = optional(claims.audience, audiences)?.unwrap_or_default();
    let client_id = optional(claims.client_id, |value| name(value, bounds::NAME_BYTES))?;
    let party = optional(claims.authorized_party, |value| name(value, bounds::NAME_BYTES))?;
    let token_id = optional(claims.token_id, |value| name(value, bounds::NAME_BYTES))?;
    let consent = optional(claims.consent, ConsentClaim::read)?;
    let expires_at = claims.expires.and_then(|value| seconds(value, Round::Down)).ok_or(invalid)?;
    // RFC 9068 §2.2 requires `iat`; without it the lifetime could not be bounded.
    let issued_at = claims.issued.and_then(|value| seconds(value, Round::Down)).ok_or(invalid)?;
    let not_before = optional(claims.not_before, |value| seconds(value, Round::Up))?.unwrap_or(0);

    let client =
        |id: &String| ActorClaim { kind: ActorKind::Client, issuer: issuer.id.clone(), id: id.clone() };
    if claims.of_application || named.contains(&subject) && claims.act.is_none() {
        // A token of a client on its own behalf names no subject (RFC 9068 §5: `sub` may be the client).
        return Err(TokenError::ChainInvalid);
    }
    let Chain { actors, mut clients } = match (claims.act, named.first()) {
        (Some(act), _) => chain::read(act, &issuer.id, &subject)?,
        (None, Some(id)) => Chain { actors: vec![client(id)], clients: Vec::new() },
        (None, None) => Chain { actors: Vec::new(), clients: Vec::new() },
    };
    // INVARIANT (rules that deny see everyone): every client that the token names outside the chain is in
    // this list.
    for named in named.iter().chain(&client_id).chain(&party).map(client) {
        if !clients.contains(&named) {
            clients.push(named);
        }
    }
    clients.retain(|client| !actors.contains(client));
    if claims.bound {
        return Err(TokenError::BindingUnsupported);
    }
    if expires_at.saturating_sub(issued_at) > issuer.max_lifetime_seconds {
        return Err(TokenError::LifetimeTooLong);
    }
    // INVARIANT (tenants): where the issuer has a tenant claim, every token carries a tenant.
    let tenant = match &issuer.tenant_claim {
        Some(path) => Some(identity(path)?.ok_or(invalid)?),
        None => None,
    };
    Ok(VerifiedDelegation {
        issuer: issuer.id.clone(),
        subject,
        tenant,
        groups: groups.unwrap_or_default(),
        roles: roles.unwrap_or_default(),
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
struct Claims<'a, 'i> {
    /// The claim at the top of each path that the issuer is configured with.
    tops: Vec<(&'i ClaimPath, Option<Value<'a>>)>,
    audience: Option<Value<'a>>,
    expires: Option<Value<'a>>,
    not_before: Option<Value<'a>>,
    issued: Option<Value<'a>>,
    token_id: Option<Value<'a>>,
    client_id: Option<Value<'a>>,
    authorized_party: Option<Value<'a>>,
    act: Option<Value<'a>>,
    bound: bool,
    /// `idtyp` is `app`: Entra's mark of a token without a subject.
    of_application: bool,
    /// `_claim_names`: claims that the issuer gives elsewhere (OpenID Connect Core 1.0 §5.6.2).
    elsewhere: Option<Value<'a>>,
    /// `hasgroups`: Entra's mark of groups that did not fit.
    has_groups: bool,
    consent: Option<Value<'a>>,
}

impl<'a, 'i> Claims<'a, 'i> {
    fn collect(object: Object<'a>, issuer: &'i Issuer) -> Claims<'a, 'i> {
        let mut claims = Claims::default();
        let IdentityClaims { subject, clients, scope, groups, roles } = &issuer.claims;
        let paths = [subject, scope, groups, roles].into_iter().chain(clients).chain(&issuer.tenant_claim);
        claims.tops.extend(paths.map(|path| (path, None)));
        for (key, value) in object.members() {
            for (path, top) in &mut claims.tops {
                if key.is(path.first()) {
                    *top = Some(value);
                }
            }
            let slot = match key.decode().as_ref() {
                "aud" => &mut claims.audience,
                "exp" => &mut claims.expires,
                "nbf" => &mut claims.not_before,
                "iat" => &mut claims.issued,
                "jti" => &mut claims.token_id,
                "client_id" => &mut claims.client_id,
                "azp" => &mut claims.authorized_party,
                "act" => &mut claims.act,
                "toolward_consent" => &mut claims.consent,
                "cnf" => {
                    claims.bound = true;
                    continue;
                }
                "_claim_names" => &mut claims.elsewhere,
                "idtyp" => {
                    claims.of_application = value.as_str().is_some_and(|kind| kind.is("app"));
                    continue;
                }
                "hasgroups" => {
                    claims.has_groups = value.as_bool() != Some(false) && value.kind() != Kind::Null;
                    continue;
                }
                _ => continue,
            };
            *slot = Some(value);
        }
        claims
    }

    /// The claim at one of the issuer's paths; `None` where it is absent or `null`.
    fn at(&self, path: &ClaimPath) -> Result<Option<Value<'a>>, TokenError> {
        let top = self.tops.iter().find(|(other, _)| std::ptr::eq(*other, path));
        path.follow(top.and_then(|(_, value)| *value))
    }

    /// Whether the issuer says that it left this list out. `absent`: the token does not have the list of groups.
    fn leaves_out(&self, list: &ClaimPath, absent: bool) -> bool {
        let elsewhere = self.elsewhere.filter(|value| value.kind() != Kind::Null);
        let named = elsewhere.is_some_and(|names| match names.as_object() {
            Some(names) => names.get(list.first()).is_some(),
            None => true,
        });
        named || (absent && self.has_groups)
    }
}
