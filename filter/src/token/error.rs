//! Why a token is refused.

use std::fmt;

macro_rules! token_errors {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal;)+) => {
        /// Why a token is refused. Each has its own reason code in `crate::reason`.
        ///
        /// Nothing of the token is in it, so that it can be logged and shown.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum TokenError {
            $($(#[$doc])* $name,)+
        }

        impl TokenError {
            /// Every error, in the order of the checks.
            pub const ALL: [TokenError; 16] = [$(TokenError::$name),+];

            /// The stable code in records, metric labels, replies and docs.
            pub const fn code(self) -> &'static str {
                match self {
                    $(TokenError::$name => $code,)+
                }
            }
        }

        impl fmt::Display for TokenError {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(TokenError::$name => $text,)+
                })
            }
        }
    };
}

token_errors! {
    /// Not a compact JWS of strict base64url and strict JSON, or over the size limit.
    Malformed = "token_malformed", "the token is not a compact JWS of strict base64url and strict JSON";
    /// `crit` or `b64` asks for something that is not understood.
    CriticalHeader = "token_critical_header", "the token's header asks for extensions that are not understood";
    /// `iss` is missing or not a configured issuer.
    IssuerUnknown = "token_issuer_unknown", "the token's issuer is not configured";
    /// `typ` is not one the issuer is configured for (default: `at+jwt` only), or a claim shows that the token is
    /// something else: an id token (`nonce`, `at_hash`), an event, a proof.
    TypeWrong = "token_type_wrong", "the token is not an access token of a configured type";
    /// `alg` is not accepted for this issuer, or is not the key's.
    AlgorithmRefused = "token_algorithm_refused", "the token's algorithm is not accepted";
    /// No key of the issuer fits `kid` and `alg`.
    KeyUnknown = "token_key_unknown", "no key of the issuer fits the token";
    /// The signature is wrong.
    SignatureInvalid = "token_signature_invalid", "the token's signature is wrong";
    /// The signature could not be checked.
    VerifierUnavailable = "token_verifier_unavailable", "the token's signature could not be checked";
    /// A claim is missing or of the wrong shape; the tenant too, where the issuer is configured to name one.
    ClaimsInvalid = "token_claims_invalid", "a claim of the token is missing or of the wrong shape";
    /// The chain of actors is malformed, too deep or runs in a circle, or the token is a client's own and names no subject.
    ChainInvalid = "token_chain_invalid", "the token names no subject, or its chain of actors is malformed, too deep or runs in a circle";
    /// `cnf` binds the token to a key or certificate, which this release cannot check.
    BindingUnsupported = "token_binding_unsupported", "the token is bound to a key, which cannot be checked here";
    /// `exp` − `iat` is more than the issuer is configured for.
    LifetimeTooLong = "token_lifetime_too_long", "the token lives longer than is accepted from its issuer";
    /// Past `exp` (plus leeway).
    Expired = "token_expired", "the token has expired";
    /// Before `nbf` or `iat` (less leeway).
    NotYetValid = "token_not_yet_valid", "the token is not valid yet";
    /// `aud` does not name this server's resource.
    AudienceWrong = "token_audience_wrong", "the token is for another resource";
    /// The token, its subject, an actor of its chain or its consent was revoked.
    Revoked = "token_revoked", "the token, its subject, an agent of its chain or its consent was revoked";
}

impl std::error::Error for TokenError {}
