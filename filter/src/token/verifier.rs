//! Verification of a token for one call, and its warm-up.

use super::cache::Cache;
use super::compact::{Segments, UnverifiedToken};
use super::issuer::{Issuer, Key, Settings};
use super::{TokenError, VerifiedDelegation, claims};
use crate::crypto::{Algorithm, SignatureProvider};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use policy_wasm::json;
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

/// Checks tokens against the configured issuers; keeps a bounded cache of the ones that passed.
///
/// The cache lives and dies with the verifier, and so with the key set: a new configuration starts with none.
pub struct DelegationVerifier {
    settings: Settings,
    provider: Rc<dyn SignatureProvider>,
    cache: RefCell<Cache>,
}

impl DelegationVerifier {
    /// A verifier for these issuers, with an empty cache.
    pub fn new(settings: Settings, provider: Rc<dyn SignatureProvider>) -> DelegationVerifier {
        let cache = RefCell::new(Cache::new(settings.cache_entries));
        DelegationVerifier { settings, provider, cache }
    }

    /// Verifies a token for one server.
    ///
    /// `now` is in Unix seconds; `audience` is the server's resource identifier. A token that passed before costs a
    /// look-up and the checks of time and audience, and allocates nothing.
    ///
    /// # Errors
    /// The first check that fails, in the order of [`TokenError::ALL`].
    pub fn verify(
        &self,
        token: &str,
        now: u64,
        audience: &str,
    ) -> Result<Rc<VerifiedDelegation>, TokenError> {
        let known = self.cache.try_borrow_mut().ok().and_then(|mut cache| cache.get(token));
        let delegation = match known {
            Some(delegation) => self.check_time(delegation, token, now)?,
            None => self.verify_anew(token, now)?,
        };
        delegation.check_audience(audience)?;
        Ok(delegation)
    }

    /// Runs one verification per algorithm that a configured key is for, with a signature that is thrown away, and
    /// reads one set of claims: proxies compile functions at their first use, and that use should not be a request.
    ///
    /// Gives the algorithms that the provider could not check at all: tokens signed so will be refused.
    pub fn warm_up(&self) -> Vec<Algorithm> {
        let mut done: Vec<Algorithm> = Vec::new();
        let mut unavailable = Vec::new();
        for issuer in self.settings.issuers() {
            for key in &issuer.keys {
                let algorithm = key.public.algorithm();
                if done.contains(&algorithm) {
                    continue;
                }
                done.push(algorithm);
                let token = throw_away_token(issuer, key);
                if matches!(self.verify(&token, 1, &issuer.id), Err(TokenError::VerifierUnavailable)) {
                    unavailable.push(algorithm);
                }
                let segments = Segments::split(&token);
                if let Ok(unverified) = segments.as_ref().map_err(|e| *e).and_then(UnverifiedToken::read) {
                    // The reading only makes the host compile the code. Its result is dropped.
                    drop(claims::read(unverified.claims_unchecked(), issuer, 0));
                }
            }
        }
        unavailable
    }

    /// Whether a token that was verified may be used no longer.
    pub fn has_expired(&self, delegation: &VerifiedDelegation, now: u64) -> bool {
        delegation.check_time(now, self.settings.leeway_seconds) == Err(TokenError::Expired)
    }

    fn verify_anew(&self, token: &str, now: u64) -> Result<Rc<VerifiedDelegation>, TokenError> {
        let segments = Segments::split(token)?;
        let unverified = UnverifiedToken::read(&segments)?;
        let issuer = unverified.issuer(self.settings.issuers())?;
        let claims = unverified.check(issuer, self.provider.as_ref())?;
        let delegation = Rc::new(claims::read(claims, issuer, self.settings.leeway_seconds)?);
        delegation.check_time(now, self.settings.leeway_seconds)?;
        if let Ok(mut cache) = self.cache.try_borrow_mut() {
            cache.insert(token, Rc::clone(&delegation), now);
        }
        Ok(delegation)
    }

    /// A hit counts only while the token is valid; an expired token makes room.
    fn check_time(
        &self,
        delegation: Rc<VerifiedDelegation>,
        token: &str,
        now: u64,
    ) -> Result<Rc<VerifiedDelegation>, TokenError> {
        if let Err(error) = delegation.check_time(now, self.settings.leeway_seconds) {
            if let Ok(mut cache) = self.cache.try_borrow_mut() {
                cache.remove(token);
            }
            return Err(error);
        }
        Ok(delegation)
    }

    #[cfg(test)]
    pub(super) fn cached(&self) -> usize {
        self.cache.borrow().len()
    }
}

impl fmt::Debug for DelegationVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DelegationVerifier").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// A token of this issuer and key with a wrong signature and every claim that is read.
fn throw_away_token(issuer: &Issuer, key: &Key) -> String {
    let mut header = String::from("{\"alg\":");
    json::write_str(&mut header, key.public.algorithm().name());
    if let Some(kind) = issuer.token_types.named.first() {
        header.push_str(",\"typ\":");
        json::write_str(&mut header, kind);
    }
    if let Some(id) = &key.id {
        header.push_str(",\"kid\":");
        json::write_str(&mut header, id);
    }
    header.push('}');
    let mut payload = String::from("{\"iss\":");
    json::write_str(&mut payload, &issuer.id);
    payload.push_str(
        ",\"sub\":\"-\",\"aud\":[\"-\"],\"exp\":1.5,\"iat\":0,\"nbf\":0,\"jti\":\"-\",\"client_id\":\"-\",\
         \"scope\":\"a b\",\"groups\":[\"-\"],\"roles\":[\"-\"],\
         \"act\":{\"iss\":\"-\",\"sub\":\"a\",\"act\":{\"sub\":\"b\"}}}",
    );
    let mut token = String::new();
    URL_SAFE_NO_PAD.encode_string(header, &mut token);
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(payload, &mut token);
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(key.public.throw_away_signature(), &mut token);
    token
}
