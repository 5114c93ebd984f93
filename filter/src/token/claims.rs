//! The claims of a token whose signature was checked.

use super::chain::{self, Chain};
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

/// A claim that may be left out, but not be something else.
fn optional<'a, T>(
    value: Option<Value<'a>>,
    read: impl FnOnce(Value<'a>) -> Option<T>,
) -> Result<Option<T>, TokenError> {
    value.map(|value| read(value).ok_or(TokenError::ClaimsInvalid)).transpose()
}

/// A string that is not empty, has no control characters and at most `longest` bytes.
pub(super) fn name(value: Value<'_>, longest: usize) -> Option<String> {
    let text = value.as_str()?.decode();
    let usable = !text.is_empty() && text.len() <= longest && !text.chars().any(char::is_control);
    usable.then(|| text.into_owned())
}

/// A list of names.
fn names(value: Value<'_>) -> Option<Vec<String>> {
    list(value, bounds::LIST_ENTRIES, bounds::NAME_BYTES)
}

pub(super) fn list(value: Value<'_>, most: usize, longest: usize) -> Option<Vec<String>> {
    let mut out = Vec::new();
    for element in value.as_array()?.elements() {
        if out.len() >= most {
            return None;
        }
        out.push(name(element, longest)?);
    }
    Some(out)
}

/// `aud`: a string, or an array of strings with at least one (RFC 7519 §4.1.3).
fn audiences(value: Value<'_>) -> Option<Vec<String>> {
    if value.as_str().is_some() {
        return Some(vec![name(value, bounds::URL_BYTES)?]);
    }
    list(value, bounds::AUDIENCES, bounds::URL_BYTES).filter(|audiences| !audiences.is_empty())
}

/// `scope`: scope tokens with single spaces between them, or nothing at all (RFC 6749 §3.3).
fn scopes(value: Value<'_>) -> Option<Vec<String>> {
    let text = value.as_str()?.decode();
    if text.is_empty() {
        return Some(Vec::new());
    }
    let mut out = Vec::new();
    for scope in text.split(' ') {
        let usable = !scope.is_empty()
            && scope.len() <= bounds::NAME_BYTES
            && scope.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e));
        if !usable || out.len() >= bounds::LIST_ENTRIES {
            return None;
        }
        out.push(scope.to_owned());
    }
    Some(out)
}

#[derive(Clone, Copy, PartialEq)]
enum Round {
    Up,
    Down,
}

/// A NumericDate in whole seconds; fractions are dropped.
pub(super) fn seconds_down(value: Value<'_>) -> Option<u64> {
    seconds(value, Round::Down)
}

/// A NumericDate (RFC 7519 §2): an integer or a fraction, from 1970 to 9999.
fn seconds(value: Value<'_>, round: Round) -> Option<u64> {
    let whole = match value.as_integer() {
        Some(integer) => u64::try_from(integer).ok()?,
        None => rounded(value.as_number()?, round)?,
    };
    (whole <= bounds::LATEST_SECONDS).then_some(whole)
}

/// A JSON number as a whole one that is not negative, digit by digit: the standard library's reader of doubles is
/// 17 KB of code and tables.
fn rounded(number: &str, round: Round) -> Option<u64> {
    let (negative, number) = match number.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, number),
    };
    let (mantissa, exponent) = match number.find(['e', 'E']) {
        Some(at) => (number.get(..at)?, number.get(at.checked_add(1)?..)?.parse::<i32>().ok()?),
        None => (number, 0),
    };
    let digits = || mantissa.bytes().filter(|byte| *byte != b'.').map(|byte| byte.wrapping_sub(b'0'));
    let integer_digits = mantissa.bytes().take_while(|byte| *byte != b'.').count();
    // Of the digits, so many stand before the point; the reader of JSON bounds the exponent, and so this.
    let point = i32::try_from(integer_digits).ok()?.checked_add(exponent)?.max(0);
    let point = usize::try_from(point).ok()?;
    let mut whole = 0u64;
    for digit in digits().chain(std::iter::repeat(0)).take(point) {
        whole = whole.checked_mul(10)?.checked_add(u64::from(digit))?;
    }
    let fraction = digits().skip(point).any(|digit| digit != 0);
    let outwards = fraction && (round == Round::Up) != negative;
    let whole = if outwards { whole.checked_add(1)? } else { whole };
    (!negative || whole == 0).then_some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_and_exponents_are_rounded_as_asked() {
        for (number, down, up) in [
            ("1.5", Some(1), Some(2)),
            ("1795213500.0", Some(1_795_213_500), Some(1_795_213_500)),
            ("1795213500.9999999999999", Some(1_795_213_500), Some(1_795_213_501)),
            ("1.7952135005e9", Some(1_795_213_500), Some(1_795_213_501)),
            ("17952135005E-1", Some(1_795_213_500), Some(1_795_213_501)),
            ("1e+3", Some(1000), Some(1000)),
            ("5e-300", Some(0), Some(1)),
            ("0e300", Some(0), Some(0)),
            ("0.000", Some(0), Some(0)),
            ("-0", Some(0), Some(0)),
            ("-0.0e5", Some(0), Some(0)),
            ("-0.5", None, Some(0)),
            ("-1.5", None, None),
            ("1e300", None, None),
            ("18446744073709551615.5", Some(u64::MAX), None),
            ("18446744073709551616", None, None),
        ] {
            assert_eq!(rounded(number, Round::Down), down, "{number}");
            assert_eq!(rounded(number, Round::Up), up, "{number}");
        }
    }
}
