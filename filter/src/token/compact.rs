//! The token as it came: its segments, its header, and the parts that choose a key. No part of it is trusted
//! yet.

use super::issuer::{Issuer, Key, TokenTypes};
use super::{TokenError, bounds};
use crate::crypto::{Algorithm, SignatureFailure, SignatureProvider};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use policy_wasm::json::{self, Limits, Object, Str, Value};
use std::borrow::Cow;

const LIMITS: Limits = Limits { depth: bounds::DEPTH };

/// Claims that mark another kind of JWT, whatever its `typ` says (RFC 8725 §3.12): id tokens, security and
/// logout events, DPoP proofs, transaction tokens, status lists.
const FOREIGN_CLAIMS: [&str; 6] = ["at_hash", "c_hash", "events", "htm", "req_wl", "status_list"];

/// The decoded segments of a compact JWS (RFC 7515 §7.1).
pub(super) struct Segments<'t> {
    signed: &'t str,
    header: Vec<u8>,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

impl<'t> Segments<'t> {
    /// Exactly three segments of unpadded base64url, without white space or stray bits, within the size limits.
    pub(super) fn split(token: &'t str) -> Result<Segments<'t>, TokenError> {
        if token.len() > bounds::TOKEN_BYTES {
            return Err(TokenError::Malformed);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(TokenError::Malformed)?;
        // A fourth segment would leave a dot in `payload`, which base64url has not.
        let decode = |segment: &str| URL_SAFE_NO_PAD.decode(segment).map_err(|_| TokenError::Malformed);
        let header = decode(header)?;
        if header.len() > bounds::HEADER_BYTES {
            return Err(TokenError::Malformed);
        }
        Ok(Segments { signed, header, payload: decode(payload)?, signature: decode(signature)? })
    }
}

/// A token that can be read. Its claims are out of reach until the signature was checked.
pub(super) struct UnverifiedToken<'s> {
    segments: &'s Segments<'s>,
    kind: Option<Str<'s>>,
    algorithm: Option<Algorithm>,
    key_id: Option<Cow<'s, str>>,
    issuer: Option<Cow<'s, str>>,
    /// The claims show another kind of JWT.
    foreign: bool,
    /// The claim `nonce` is there: an id token's (OpenID Connect Core 1.0 §2).
    nonce: bool,
    /// The claims `typ` and `token_use`, by which Keycloak and Cognito distinguish their tokens.
    use_claims: [Option<Value<'s>>; 2],
    claims: Object<'s>,
}

impl<'s> UnverifiedToken<'s> {
    /// Reads header and claims strictly.
    ///
    /// # Errors
    /// [`TokenError::Malformed`], [`TokenError::CriticalHeader`].
    pub(super) fn read(segments: &'s Segments<'s>) -> Result<UnverifiedToken<'s>, TokenError> {
        let object = |bytes: &'s [u8]| {
            json::parse(bytes, &LIMITS).ok().and_then(Value::as_object).ok_or(TokenError::Malformed)
        };
        let header = object(&segments.header)?;
        let claims = object(&segments.payload)?;

        let (mut kind, mut algorithm, mut key_id, mut critical) = (None, None, None, false);
        for (name, value) in header.members() {
            let text = || value.as_str().ok_or(TokenError::Malformed);
            if name.is("typ") {
                kind = Some(text()?);
            } else if name.is("alg") {
                algorithm = Algorithm::named(&text()?.decode());
            } else if name.is("kid") {
                key_id = Some(text()?.decode());
            } else if name.is("crit") || name.is("b64") {
                critical = true;
            }
        }
        if critical {
            return Err(TokenError::CriticalHeader);
        }
        let (mut issuer, mut foreign, mut nonce, mut use_claims) = (None, false, false, [None; 2]);
        for (name, value) in claims.members() {
            if name.is("iss") {
                issuer = value.as_str().map(Str::decode);
            }
            nonce |= name.is("nonce");
            foreign |= FOREIGN_CLAIMS.iter().any(|claim| name.is(claim));
            for (slot, claim) in use_claims.iter_mut().zip(["typ", "token_use"]) {
                if name.is(claim) {
                    *slot = Some(value);
                }
            }
        }
        Ok(UnverifiedToken { segments, kind, algorithm, key_id, issuer, foreign, nonce, use_claims, claims })
    }

    /// The issuer that the token names, if it is configured.
    pub(super) fn issuer<'i>(&self, issuers: &'i [Issuer]) -> Result<&'i Issuer, TokenError> {
        let named = self.issuer.as_deref().ok_or(TokenError::IssuerUnknown)?;
        issuers.iter().find(|issuer| issuer.id == named).ok_or(TokenError::IssuerUnknown)
    }

    /// Checks type, algorithm and signature against the issuer; gives the claims only then.
    ///
    /// # Errors
    /// [`TokenError::TypeWrong`], [`TokenError::AlgorithmRefused`], [`TokenError::KeyUnknown`],
    /// [`TokenError::SignatureInvalid`], [`TokenError::VerifierUnavailable`].
    pub(super) fn check(
        &self,
        issuer: &Issuer,
        provider: &dyn SignatureProvider,
    ) -> Result<Object<'s>, TokenError> {
        if !self.is_access_token(&issuer.token_types) {
            return Err(TokenError::TypeWrong);
        }
        let algorithm = self
            .algorithm
            .filter(|algorithm| issuer.algorithms.contains(algorithm))
            .ok_or(TokenError::AlgorithmRefused)?;
        let key = self.key(issuer, algorithm)?;
        match key.public.verify(provider, self.segments.signed.as_bytes(), &self.segments.signature) {
            Ok(()) => Ok(self.claims),
            Err(SignatureFailure::Invalid) => Err(TokenError::SignatureInvalid),
            Err(SignatureFailure::Unavailable) => Err(TokenError::VerifierUnavailable),
        }
    }

    /// Whether this is a token of an accepted kind. `JWT` and an absent `typ` name no kind, so the claims must not name
    /// another one.
    fn is_access_token(&self, accepted: &TokenTypes) -> bool {
        let kind = self.kind.map(Str::decode);
        let is_accepted = match &kind {
            Some(kind) => accepted.named.iter().any(|accepted| same_type(accepted, kind)),
            None => accepted.untyped,
        };
        let [typ, token_use] = self.use_claims;
        let is = |value: Value<'_>, name: &str| {
            value.as_str().is_some_and(|text| text.decode().eq_ignore_ascii_case(name))
        };
        let is_bearer = typ.is_some_and(|typ| is(typ, "Bearer"));
        let nonce = self.nonce && !(accepted.nonce_with_bearer && is_bearer);
        let names_no_kind = kind.is_none_or(|kind| same_type(&kind, "JWT"));
        let names_another = names_no_kind
            && (typ.is_some() && !is_bearer || token_use.is_some_and(|value| !is(value, "access")));
        is_accepted && !self.foreign && !nonce && !names_another
    }

    /// The claims without a check, for [`super::DelegationVerifier::warm_up`], which discards its result.
    pub(super) fn claims_unchecked(&self) -> Object<'s> {
        self.claims
    }

    /// The key by `kid`, or without one the only key of the algorithm.
    fn key<'i>(&self, issuer: &'i Issuer, algorithm: Algorithm) -> Result<&'i Key, TokenError> {
        let fits = |key: &&Key| key.public.algorithm() == algorithm;
        let Some(id) = self.key_id.as_deref() else {
            let mut fitting = issuer.keys.iter().filter(fits);
            return match (fitting.next(), fitting.next()) {
                (Some(key), None) => Ok(key),
                _ => Err(TokenError::KeyUnknown),
            };
        };
        let mut named = issuer.keys.iter().filter(|key| key.id.as_deref() == Some(id)).peekable();
        if named.peek().is_none() {
            return Err(TokenError::KeyUnknown);
        }
        named.find(fits).ok_or(TokenError::AlgorithmRefused)
    }
}

/// Compares media types as RFC 7515 §4.1.9 wants: without case, `application/` left out where nothing else has a `/`.
pub(crate) fn same_type(left: &str, right: &str) -> bool {
    fn short(kind: &str) -> &str {
        const PREFIX: &str = "application/";
        match kind.split_at_checked(PREFIX.len()) {
            Some((prefix, rest)) if prefix.eq_ignore_ascii_case(PREFIX) && !rest.contains('/') => rest,
            _ => kind,
        }
    }
    short(left).eq_ignore_ascii_case(short(right))
}
