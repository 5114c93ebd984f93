//! Delegation tokens: from an untrusted string to a [`VerifiedDelegation`] (STUB).
//!
//! ```text
//! &str ─UnverifiedToken::parse─> UnverifiedToken ─issuer, alg, kid─> Key ─signature, claims─> VerifiedDelegation
//! ```
use crate::crypto::SignatureProvider;
use std::rc::Rc;

/// Why a token is refused. Each has its own reason code in `crate::reason`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TokenError {
    /// Not a compact JWS of strict base64url and strict JSON, or over the size limit.
    Malformed,
    /// `typ` is not one the issuer is configured for (default: `at+jwt` only).
    TypeWrong,
    /// `alg` is not accepted for this issuer, or is not the key's.
    AlgorithmRefused,
    /// `crit` or `b64` asks for something that is not understood.
    CriticalHeader,
    /// `iss` is not a configured issuer.
    IssuerUnknown,
    /// No key of the issuer fits `kid` and `alg`.
    KeyUnknown,
    /// The signature is wrong.
    SignatureInvalid,
    /// The signature could not be checked.
    VerifierUnavailable,
    /// A claim is missing or of the wrong shape.
    ClaimsInvalid,
    /// The chain of actors is malformed, too deep or runs in a circle.
    ChainInvalid,
    /// `cnf` binds the token to a key or certificate, which this release cannot check.
    BindingUnsupported,
    /// `aud` does not name this server's resource.
    AudienceWrong,
    /// Past `exp` (plus leeway).
    Expired,
    /// Before `nbf` or `iat` (less leeway).
    NotYetValid,
    /// `exp` − `iat` is more than the issuer is configured for.
    LifetimeTooLong,
}

impl TokenError {
    /// Every error, in the order of the checks.
    pub const ALL: [TokenError; 15] = [
        TokenError::Malformed,
        TokenError::TypeWrong,
        TokenError::AlgorithmRefused,
        TokenError::CriticalHeader,
        TokenError::IssuerUnknown,
        TokenError::KeyUnknown,
        TokenError::SignatureInvalid,
        TokenError::VerifierUnavailable,
        TokenError::ClaimsInvalid,
        TokenError::ChainInvalid,
        TokenError::BindingUnsupported,
        TokenError::AudienceWrong,
        TokenError::Expired,
        TokenError::NotYetValid,
        TokenError::LifetimeTooLong,
    ];

    /// The stable code in records, metric labels, replies and docs.
    pub const fn code(self) -> &'static str {
        match self {
            TokenError::Malformed => "token_malformed",
            TokenError::TypeWrong => "token_type_wrong",
            TokenError::AlgorithmRefused => "token_algorithm_refused",
            TokenError::CriticalHeader => "token_critical_header",
            TokenError::IssuerUnknown => "token_issuer_unknown",
            TokenError::KeyUnknown => "token_key_unknown",
            TokenError::SignatureInvalid => "token_signature_invalid",
            TokenError::VerifierUnavailable => "token_verifier_unavailable",
            TokenError::ClaimsInvalid => "token_claims_invalid",
            TokenError::ChainInvalid => "token_chain_invalid",
            TokenError::BindingUnsupported => "token_binding_unsupported",
            TokenError::AudienceWrong => "token_audience_wrong",
            TokenError::Expired => "token_expired",
            TokenError::NotYetValid => "token_not_yet_valid",
            TokenError::LifetimeTooLong => "token_lifetime_too_long",
        }
    }
}

/// An actor as the token names it; see `policy_wasm::model::Actor`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActorClaim {
    /// `act.sub` or `client_id`.
    pub kind: policy_wasm::model::ActorKind,
    /// `act.iss`, or the token's issuer.
    pub issuer: String,
    /// The name.
    pub id: String,
}

/// A token whose signature, type, issuer, times and shape were checked. Only this module builds one.
pub struct VerifiedDelegation {
    pub(crate) issuer: String,
    pub(crate) subject: String,
    pub(crate) groups: Vec<String>,
    pub(crate) roles: Vec<String>,
    pub(crate) actors: Vec<ActorClaim>,
    pub(crate) client_id: Option<String>,
    pub(crate) scopes: Vec<String>,
    pub(crate) audiences: Vec<String>,
    pub(crate) token_id: Option<String>,
    pub(crate) expires_at: u64,
}

/// Checks tokens against the configured issuers; keeps a bounded cache of the ones that passed.
pub struct DelegationVerifier {
    _stub: Rc<dyn SignatureProvider>,
}

impl std::fmt::Debug for VerifiedDelegation {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("VerifiedDelegation(…)")
    }
}

impl DelegationVerifier {
    /// Runs one verification per algorithm, so that the host compiles them before the first request.
    pub fn warm_up(&self) {}

    /// Verifies a token for one server.
    ///
    /// `now` is in Unix seconds; `audience` is the server's resource identifier.
    ///
    /// # Errors
    /// The first check that fails, in a fixed order.
    pub fn verify(
        &self,
        _token: &str,
        _now: u64,
        _audience: &str,
    ) -> Result<Rc<VerifiedDelegation>, TokenError> {
        Err(TokenError::Malformed)
    }
}
