//! Compares our verdicts on tokens with those of jwt-simple, a library that shares no code with the verifier. A table
//! explains each difference. A difference that is missing from the table fails the test, and so does one that is gone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::arithmetic_side_effects, reason = "tests")]
#![allow(clippy::indexing_slicing, reason = "tests")]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use filter::config::Config;
use filter::token::TokenError::{self, *};
use harness::crypto::RustSignatures;
use harness::test_token::{SigningKey, jwks, mint, mint_text};
use jwt_simple::prelude::{
    Duration, ECDSAP256PublicKeyLike as _, ES256PublicKey, Ed25519PublicKey, EdDSAPublicKeyLike as _,
    HS256Key, MACLike as _, RS256PublicKey, RSAPublicKeyLike as _, VerificationOptions,
};
use policy_wasm::compile::{Options, SourceFile, compile};
use serde_json::{Map, Value, json};
use std::collections::HashSet;
use std::path::Path;
use std::rc::Rc;

const NOW: u64 = 1_795_213_260;
const LEEWAY: u64 = 30;
const ISSUER: &str = "https://id.acme.test";
const RESOURCE: &str = "https://tools.acme.test/mcp/github";

fn key(name: &str) -> SigningKey {
    let path = format!("{}/../tests/keys/{name}.pem", env!("CARGO_MANIFEST_DIR"));
    SigningKey::from_file(Path::new(&path)).unwrap()
}

/// Both verifiers, with the same three keys, issuer, audience, type, leeway and clock.
struct Verifiers {
    config: Config,
    rsa: RS256PublicKey,
    p256: ES256PublicKey,
    ed25519: Ed25519PublicKey,
}

impl Verifiers {
    fn new() -> Verifiers {
        let keys = ["acme-rs256", "acme-es256", "acme-ed25519"].map(key);
        let [rsa, p256, ed25519] = &keys;
        let policy = SourceFile {
            name: "policy.yaml".into(),
            text: format!(
                "policy: toolward/v1\nservers: {{github: {{resource: {RESOURCE}, tools: {{}}}}}}\n"
            ),
        };
        let bundle = compile(&[policy], &Options::default()).unwrap();
        let text = json!({
            "issuers": [{"issuer": ISSUER, "algorithms": ["RS256", "ES256", "EdDSA"], "jwks": jwks(&keys)}],
            "bundle": {"base64": base64::engine::general_purpose::STANDARD.encode(bundle)},
            "clock_leeway_seconds": LEEWAY,
            "limits": {"token_cache_entries": 0},
        })
        .to_string();
        Verifiers {
            config: Config::parse("c.json", text.as_bytes(), Rc::new(RustSignatures)).unwrap(),
            rsa: RS256PublicKey::from_jwk(&rsa.public_jwk().to_string()).unwrap(),
            p256: ES256PublicKey::from_jwk(&p256.public_jwk().to_string()).unwrap(),
            ed25519: Ed25519PublicKey::from_jwk(&ed25519.public_jwk().to_string()).unwrap(),
        }
    }

    fn ours(&self, token: &str) -> Result<(), TokenError> {
        self.config.verifier.verify(token, NOW, RESOURCE).map(drop)
    }

    /// Whether jwt-simple accepts the token with any of the keys, its options set as strictly as they go.
    fn theirs(&self, token: &str) -> bool {
        type Claims = Map<String, Value>;
        let options = || {
            Some(VerificationOptions {
                time_tolerance: Some(Duration::from_secs(LEEWAY)),
                artificial_time: Some(Duration::from_secs(NOW)),
                allowed_issuers: Some(HashSet::from([ISSUER.to_owned()])),
                allowed_audiences: Some(HashSet::from([RESOURCE.to_owned()])),
                required_signature_type: Some("at+jwt".to_owned()),
                ..VerificationOptions::default()
            })
        };
        self.rsa.verify_token::<Claims>(token, options()).is_ok()
            || self.p256.verify_token::<Claims>(token, options()).is_ok()
            || self.ed25519.verify_token::<Claims>(token, options()).is_ok()
    }
}

struct Case {
    name: &'static str,
    token: String,
    ours: Result<(), TokenError>,
    theirs: bool,
    /// The reason why the verdicts differ; empty if they agree.
    why: &'static str,
}

/// Both reject, or both accept.
fn same(name: &'static str, token: String, ours: Result<(), TokenError>) -> Case {
    Case { name, token, theirs: ours.is_ok(), ours, why: "" }
}

/// We reject tokens that jwt-simple accepts.
fn stricter(name: &'static str, token: String, ours: TokenError, why: &'static str) -> Case {
    Case { name, token, ours: Err(ours), theirs: true, why }
}

/// We accept tokens that jwt-simple rejects.
fn broader(name: &'static str, token: String, why: &'static str) -> Case {
    Case { name, token, ours: Ok(()), theirs: false, why }
}

/// The claims with changes; `null` takes one away.
fn claims(changes: &Value) -> Map<String, Value> {
    let mut claims = json!({
        "iss": ISSUER, "sub": "u-alice", "aud": RESOURCE, "client_id": "planner", "jti": "t-1",
        "iat": NOW - 60, "exp": NOW + 300, "scope": "code:read",
    });
    let claims = claims.as_object_mut().unwrap();
    claims.extend(changes.as_object().unwrap().clone());
    claims.retain(|_, value| !value.is_null());
    claims.clone()
}

fn token(key: &SigningKey, header: Value, changes: Value) -> String {
    mint(key, header.as_object().unwrap(), &claims(&changes))
}

/// With ES256, the key of most cases.
fn with(header: Value, changes: Value) -> String {
    token(&key("acme-es256"), header, changes)
}

fn with_header(header: Value) -> String {
    with(header, json!({}))
}

fn with_claims(changes: Value) -> String {
    with(json!({}), changes)
}

const HEADER: &str = r#"{"alg":"ES256","typ":"at+jwt","kid":"acme-es256"}"#;

fn with_text(header: &str, payload: &str) -> String {
    mint_text(&key("acme-es256"), header, payload)
}

/// The claims as text with one more member behind, which may be there already.
fn with_member(member: &str) -> String {
    let text = Value::Object(claims(&json!({}))).to_string();
    with_text(HEADER, &format!("{},{member}}}", text.strip_suffix('}').unwrap()))
}

fn segments(token: &str) -> [String; 3] {
    token.split('.').map(str::to_owned).collect::<Vec<_>>().try_into().unwrap()
}

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// `alg` HS256 with the RSA key's public PEM as the secret: genuine for a verifier that goes by the token's `alg`.
fn confused() -> String {
    let rsa = key("acme-rs256").public_jwk().to_string();
    let secret = RS256PublicKey::from_jwk(&rsa).unwrap().to_pem().unwrap();
    let options = jwt_simple::prelude::HeaderOptions {
        signature_type: Some("at+jwt".into()),
        ..jwt_simple::prelude::HeaderOptions::default()
    };
    let whole = jwt_simple::prelude::Claims::with_custom_claims(claims(&json!({})), Duration::from_secs(0));
    let whole =
        jwt_simple::prelude::JWTClaims { issued_at: None, expires_at: None, invalid_before: None, ..whole };
    HS256Key::from_bytes(secret.as_bytes())
        .with_key_id("acme-rs256")
        .authenticate_with_options(whole, &options)
        .unwrap()
}

fn genuine() -> Vec<Case> {
    vec![
        same("RS256", token(&key("acme-rs256"), json!({}), json!({})), Ok(())),
        same("ES256", with_claims(json!({})), Ok(())),
        same("EdDSA", token(&key("acme-ed25519"), json!({}), json!({})), Ok(())),
        same("audience in a list", with_claims(json!({"aud": ["https://other.test", RESOURCE]})), Ok(())),
        same("typ in capitals", with_header(json!({"typ": "AT+JWT"})), Ok(())),
        same("a chain of actors", with_claims(json!({"act": {"sub": "a", "act": {"sub": "b"}}})), Ok(())),
        same("expires within the leeway", with_claims(json!({"exp": NOW - LEEWAY + 1})), Ok(())),
        same("not before, within the leeway", with_claims(json!({"nbf": NOW + LEEWAY})), Ok(())),
        same("exp with a fraction", with_claims(json!({"exp": NOW as f64 + 300.5})), Ok(())),
        same("no kid, and one key of the algorithm", with_header(json!({"kid": null})), Ok(())),
        same(
            "jku and x5u",
            with_header(json!({"jku": "https://evil.test/k", "x5u": "https://evil.test/x"})),
            Ok(()),
        ),
        broader(
            "typ with its prefix",
            with_header(json!({"typ": "application/at+jwt"})),
            "RFC 9068 §4 admits both forms; jwt-simple compares the text",
        ),
        broader(
            "a key of its own in jwk",
            with_header(json!({"jwk": key("stranger-es256").public_jwk()})),
            "jwt-simple reads `jwk` as a string and fails; we do not look at it, and the signature is by our key",
        ),
    ]
}

fn keys_and_algorithms() -> Vec<Case> {
    let stranger = key("stranger-es256");
    let [_, payload, signature] = segments(&with_claims(json!({})));
    let unsigned = format!("{}.{payload}.", encoded(r#"{"alg":"none","typ":"at+jwt"}"#));
    let signed_none = format!("{}.{payload}.{signature}", encoded(r#"{"alg":"none","typ":"at+jwt"}"#));
    let own_key = json!({"kid": "acme-es256", "jwk": stranger.public_jwk()});
    let by_kid = "jwt-simple compares `kid` only where it is told which one; we choose the key by it";
    vec![
        same("alg none", unsigned, Err(AlgorithmRefused)),
        same("alg none with a signature", signed_none, Err(AlgorithmRefused)),
        same("alg None", with_header(json!({"alg": "None"})), Err(AlgorithmRefused)),
        same("alg missing", with_header(json!({"alg": null})), Err(AlgorithmRefused)),
        same("HS256 with the public key", confused(), Err(AlgorithmRefused)),
        same("alg of another key", with_header(json!({"alg": "RS256"})), Err(AlgorithmRefused)),
        same("alg in lower case", with_header(json!({"alg": "es256"})), Err(AlgorithmRefused)),
        same("PS256", with_header(json!({"alg": "PS256", "kid": "acme-rs256"})), Err(AlgorithmRefused)),
        same("a stranger's key", token(&stranger, json!({}), json!({})), Err(KeyUnknown)),
        same(
            "a stranger's key under our kid",
            token(&stranger, json!({"kid": "acme-es256"}), json!({})),
            Err(SignatureInvalid),
        ),
        same("signed with the key in jwk", token(&stranger, own_key, json!({})), Err(SignatureInvalid)),
        stricter("an unknown kid", with_header(json!({"kid": "acme-es256-2"})), KeyUnknown, by_kid),
        stricter(
            "the kid of another key",
            with_header(json!({"kid": "acme-rs256"})),
            AlgorithmRefused,
            by_kid,
        ),
    ]
}

fn tampered() -> Vec<Case> {
    let [head, payload, signature] = segments(&with_claims(json!({})));
    let root = segments(&with_claims(json!({"sub": "u-root"})))[1].clone();
    let bytes = URL_SAFE_NO_PAD.decode(&signature).unwrap();
    let signed_by = |bytes: &[u8]| format!("{head}.{payload}.{}", encoded(bytes));
    let mut flipped = bytes.clone();
    flipped[40] ^= 1;
    let der = p256::ecdsa::Signature::from_slice(&bytes).unwrap().to_der();
    let header = encoded(r#"{"alg":"ES256","typ":"at+jwt","kid":"acme-es256","a":1}"#);
    let rs256 = segments(&token(&key("acme-rs256"), json!({}), json!({})));
    let longer = [vec![0], URL_SAFE_NO_PAD.decode(&rs256[2]).unwrap()].concat();
    let refused = Err(SignatureInvalid);
    vec![
        same("another payload", format!("{head}.{root}.{signature}"), refused),
        same("another header", format!("{header}.{payload}.{signature}"), refused),
        same("a bit of the signature turned", signed_by(&flipped), refused),
        same("no signature", format!("{head}.{payload}."), refused),
        same("a signature of zeros", signed_by(&[0; 64]), refused),
        same("a signature in DER", signed_by(der.as_bytes()), refused),
        same("a signature cut short", signed_by(&bytes[..63]), refused),
        same(
            "RS256 signature with a zero in front",
            format!("{}.{}.{}", rs256[0], rs256[1], encoded(longer)),
            refused,
        ),
    ]
}

fn malformed() -> Vec<Case> {
    let plain = with_claims(json!({}));
    let [head, payload, signature] = segments(&plain);
    let good = Value::Object(claims(&json!({}))).to_string();
    let mut stray = plain.clone();
    let last = stray.pop().unwrap();
    // 64 bytes leave four unused bits in the last character.
    stray.push(match last {
        'A' => 'B',
        'Q' => 'R',
        'g' => 'h',
        _ => 'x',
    });
    let deep = format!("\"x\":{}{}", "[".repeat(200), "]".repeat(200));
    let last_wins = "with claims as a map jwt-simple takes the last; two readers could differ, so we refuse";
    let refused = Err(Malformed);
    vec![
        same("nothing", String::new(), refused),
        same("four segments", format!("{plain}.{signature}"), refused),
        same("two segments", format!("{head}.{payload}"), refused),
        same("padding", format!("{plain}=="), refused),
        same("white space behind", format!("{plain} "), refused),
        same("a line end within", format!("{head}.{payload}\n.{signature}"), refused),
        same("stray bits at the end of the signature", stray, refused),
        same("the standard alphabet", format!("{head}.{payload}.+/+/{}", signature.split_at(4).1), refused),
        same("alg twice", with_text(&HEADER.replace("{", r#"{"alg":"ES256","#), &good), refused),
        same("exp twice", with_member(r#""exp":9999999999"#), refused),
        same("payload that is no object", with_text(HEADER, "[]"), refused),
        same("header that is no JSON", with_text("alg=ES256", &good), refused),
        same("nested 200 deep", with_member(&deep), refused),
        stricter(
            "an unknown header twice",
            with_text(&HEADER.replace("{", r#"{"x":1,"x":2,"#), &good),
            Malformed,
            "jwt-simple does not look at header members that it does not know",
        ),
        stricter("groups twice", with_member(r#""groups":["a"],"groups":["admin"]"#), Malformed, last_wins),
        stricter("sub twice within act", with_member(r#""act":{"sub":"a","sub":"b"}"#), Malformed, last_wins),
        stricter(
            "a token of 20 KB",
            with_claims(json!({"x": "y".repeat(15_000)})),
            Malformed,
            "our limit is 16 KiB, more than servers take in a header; jwt-simple's is 1 MB",
        ),
        same("crit", with_header(json!({"crit": ["exp"]})), Err(CriticalHeader)),
        same("b64 false", with_header(json!({"b64": false, "crit": ["b64"]})), Err(CriticalHeader)),
        stricter(
            "crit, empty",
            with_header(json!({"crit": []})),
            CriticalHeader,
            "RFC 7515 §4.1.11 forbids an empty list; jwt-simple takes it for none",
        ),
    ]
}

fn of_another_kind() -> Vec<Case> {
    let of = |kind: &str| with_header(json!({"typ": kind}));
    vec![
        same("typ JWT", of("JWT"), Err(TypeWrong)),
        same("typ missing", with_header(json!({"typ": null})), Err(TypeWrong)),
        same("a logout token", of("logout+jwt"), Err(TypeWrong)),
        same("an ID-JAG", of("oauth-id-jag+jwt"), Err(TypeWrong)),
        same("a transaction token", of("txntoken+jwt"), Err(TypeWrong)),
        same("a DPoP proof", of("dpop+jwt"), Err(TypeWrong)),
        stricter(
            "an id token that says at+jwt",
            with_claims(json!({"nonce": "n"})),
            TypeWrong,
            "only id tokens carry `nonce`; jwt-simple asks nothing of it unless told to",
        ),
    ]
}

fn claims_and_times() -> Vec<Case> {
    vec![
        same("another issuer", with_claims(json!({"iss": "https://evil.test"})), Err(IssuerUnknown)),
        same("issuer with a slash", with_claims(json!({"iss": "https://id.acme.test/"})), Err(IssuerUnknown)),
        same("no issuer", with_claims(json!({"iss": null})), Err(IssuerUnknown)),
        same(
            "another audience",
            with_claims(json!({"aud": "https://tools.acme.test/mcp"})),
            Err(AudienceWrong),
        ),
        same("no audience", with_claims(json!({"aud": null})), Err(AudienceWrong)),
        same("subject that is a number", with_claims(json!({"sub": 7})), Err(ClaimsInvalid)),
        same("exp as text", with_claims(json!({"exp": "1795213560"})), Err(ClaimsInvalid)),
        same("expired", with_claims(json!({"exp": NOW - 3600, "iat": NOW - 7200})), Err(Expired)),
        same("expired a second past the leeway", with_claims(json!({"exp": NOW - LEEWAY - 1})), Err(Expired)),
        same("not yet valid", with_claims(json!({"nbf": NOW + LEEWAY + 1})), Err(NotYetValid)),
        same("issued in the future", with_claims(json!({"iat": NOW + LEEWAY + 1})), Err(NotYetValid)),
        stricter(
            "no subject",
            with_claims(json!({"sub": null})),
            ClaimsInvalid,
            "RFC 9068 §2.2 requires `sub`; jwt-simple asks for it only where it is told whose",
        ),
        stricter(
            "subject that is empty",
            with_claims(json!({"sub": ""})),
            ClaimsInvalid,
            "an empty name is nobody's",
        ),
        stricter(
            "no exp",
            with_claims(json!({"exp": null})),
            ClaimsInvalid,
            "jwt-simple takes a token without `exp` for one that never expires",
        ),
        stricter(
            "no iat",
            with_claims(json!({"iat": null})),
            ClaimsInvalid,
            "RFC 9068 §2.2 requires `iat`, and without it the lifetime cannot be bounded",
        ),
        stricter(
            "expired by exactly the leeway",
            with_claims(json!({"exp": NOW - LEEWAY})),
            Expired,
            "RFC 7519 §4.1.4: the time must be before `exp`; jwt-simple lets that very second pass",
        ),
        stricter(
            "lives for a year",
            with_claims(json!({"exp": NOW + 31_536_000})),
            LifetimeTooLong,
            "jwt-simple bounds the lifetime only where it is told to",
        ),
        stricter(
            "bound to a key",
            with_claims(json!({"cnf": {"jkt": "x"}})),
            BindingUnsupported,
            "jwt-simple knows no `cnf`; a bound token without its proof may be a stolen one",
        ),
        stricter(
            "an actor twice",
            with_claims(json!({"act": {"sub": "a", "act": {"sub": "a"}}})),
            ChainInvalid,
            "jwt-simple knows no `act`",
        ),
        stricter(
            "groups as a map",
            with_claims(json!({"groups": {"admin": true}})),
            ClaimsInvalid,
            "jwt-simple knows no groups",
        ),
    ]
}

fn cases() -> Vec<Case> {
    [genuine(), keys_and_algorithms(), tampered(), malformed(), of_another_kind(), claims_and_times()]
        .into_iter()
        .flatten()
        .collect()
}

#[test]
fn verdicts_are_those_of_jwt_simple_but_for_the_differences_that_are_explained() {
    let verifiers = Verifiers::new();
    let cases = cases();
    assert!(cases.len() >= 70, "{}", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let (ours, theirs) = (verifiers.ours(&case.token), verifiers.theirs(&case.token));
        if (ours, theirs) != (case.ours, case.theirs) {
            wrong.push(format!(
                "{}: ours {ours:?}, expected {:?}; jwt-simple accepts: {theirs}, expected {}",
                case.name, case.ours, case.theirs
            ));
        }
        let differ = case.ours.is_ok() != case.theirs;
        assert_eq!(differ, !case.why.is_empty(), "{}: explain a difference, and only one", case.name);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_error_that_a_token_can_cause_is_in_the_table() {
    let seen: HashSet<TokenError> = cases().iter().filter_map(|case| case.ours.err()).collect();
    for error in TokenError::ALL {
        // The provider of this test can check everything, and revocations are not part of any token.
        let elsewhere = [VerifierUnavailable, TokenError::Revoked].contains(&error);
        assert!(seen.contains(&error) != elsewhere, "{}", error.code());
    }
}
