#![allow(clippy::arithmetic_side_effects, reason = "tests")]
use super::*;
use crate::crypto::{Algorithm, PublicKey, SignatureFailure, SignatureProvider};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};
use std::rc::Rc;

mod cache;

pub(super) const NOW: u64 = 1_795_213_260;
pub(super) const RESOURCE: &str = "https://tools.acme.test/mcp/github";

/// Answers every RSA and ECDSA check with the outcome that it was made with.
struct Says(Result<(), SignatureFailure>);

impl SignatureProvider for Says {
    fn verify(&self, _: Algorithm, _: &[u8], _: &[u8], _: &[u8]) -> Result<(), SignatureFailure> {
        self.0
    }
}

fn signer() -> SigningKey {
    SigningKey::from_bytes(&[42; 32])
}

fn key(id: Option<&str>, public: PublicKey) -> Key {
    Key { id: id.map(str::to_owned), public }
}

fn ed25519(id: Option<&str>) -> Key {
    key(id, PublicKey::ed25519(signer().verifying_key().as_bytes()).unwrap())
}

fn issuer(keys: Vec<Key>) -> Issuer {
    Issuer {
        id: "https://id.acme.test".into(),
        keys,
        algorithms: Algorithm::ALL.to_vec(),
        token_types: TokenTypes { named: vec!["at+jwt".into()], untyped: false, nonce_with_bearer: false },
        claims: IdentityClaims::default(),
        tenant_claim: None,
        max_lifetime_seconds: 3600,
    }
}

fn verifier_with(issuers: Vec<Issuer>, cache_entries: usize, says: Says) -> DelegationVerifier {
    let settings = Settings { issuers: issuers.into(), leeway_seconds: 30, cache_entries };
    DelegationVerifier::new(settings, Rc::new(says))
}

pub(super) fn verifier() -> DelegationVerifier {
    verifier_with(vec![issuer(vec![ed25519(Some("k"))])], 64, Says(Err(SignatureFailure::Unavailable)))
}

pub(super) fn sign(header: &str, payload: &str) -> String {
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = signer().sign(signed.as_bytes()).to_bytes();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

pub(super) fn header() -> Value {
    json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "k"})
}

pub(super) fn claims() -> Value {
    json!({
        "iss": "https://id.acme.test", "sub": "u-alice", "aud": RESOURCE, "exp": NOW + 300, "iat": NOW - 60,
        "client_id": "https://agents.acme.test/planner.json", "scope": "mcp:read mcp:write", "jti": "t-1",
        "groups": ["engineering"], "roles": ["admin"],
        "act": {"sub": "agent:buyer", "act": {"iss": "https://other.test", "sub": "agent:planner"}},
    })
}

/// `base` with the members of `changes` put in; `null` takes one away.
fn changed(mut base: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            base.as_object_mut().unwrap().remove(name);
        } else {
            base[name] = value.clone();
        }
    }
    base
}

pub(super) fn with_claims(changes: Value) -> String {
    sign(&header().to_string(), &changed(claims(), changes).to_string())
}

fn with_header(changes: Value) -> String {
    sign(&changed(header(), changes).to_string(), &claims().to_string())
}

fn verdict(token: &str) -> Result<(), TokenError> {
    verifier().verify(token, NOW, RESOURCE).map(drop)
}

#[test]
fn a_good_token_gives_subject_chain_and_scopes() {
    let delegation = verifier().verify(&with_claims(json!({})), NOW, RESOURCE).unwrap();
    assert_eq!(delegation.subject(), "u-alice");
    assert_eq!(delegation.token_id(), Some("t-1"));
    assert_eq!(delegation.expires_at(), NOW + 300);
    delegation.with_delegation(false, |delegation| {
        assert_eq!(delegation.subject.identity, Identity { issuer: "https://id.acme.test", id: "u-alice" });
        assert_eq!(delegation.subject.groups, ["engineering"]);
        assert_eq!(delegation.subject.roles, ["admin"]);
        assert_eq!(delegation.scopes, ["mcp:read", "mcp:write"]);
        let actors: Vec<_> =
            delegation.actors.iter().map(|a| (a.kind, a.identity.issuer, a.identity.id)).collect();
        let (first, second) = ("https://id.acme.test", "https://other.test");
        let kind = ActorKind::Subject;
        assert_eq!(actors, [(kind, first, "agent:buyer"), (kind, second, "agent:planner")]);
    });
}

#[test]
fn without_act_the_client_is_the_actor_and_without_both_nobody_is() {
    let verified = |changes| verifier().verify(&with_claims(changes), NOW, RESOURCE).unwrap();
    let client = verified(json!({"act": null}));
    assert_eq!(client.actors().len(), 1);
    assert_eq!(client.actors()[0].kind, ActorKind::Client);
    assert_eq!(client.actors()[0].id, "https://agents.acme.test/planner.json");
    let nobody = verified(json!({"act": null, "client_id": null, "may_act": {"sub": "agent:evil"}}));
    assert_eq!(nobody.actors(), []);
    nobody.with_delegation(false, |delegation| assert!(delegation.actors.is_empty()));
}

#[test]
fn a_token_of_a_client_on_its_own_behalf_names_no_human() {
    let own = json!({"act": null, "client_id": "svc", "sub": "svc"});
    assert_eq!(verdict(&with_claims(own)), Err(TokenError::ChainInvalid));
}

#[test]
fn chains_that_are_malformed_too_deep_or_circular_are_refused() {
    let chain = |names: &[&str]| {
        names.iter().rev().fold(Value::Null, |inner, name| match inner {
            Value::Null => json!({"sub": name}),
            inner => json!({"sub": name, "act": inner}),
        })
    };
    let act = |act: Value| verdict(&with_claims(json!({"act": act})));
    assert_eq!(act(chain(&["1", "2", "3", "4", "5", "6", "7", "8"])), Ok(()));
    let refused = Err(TokenError::ChainInvalid);
    assert_eq!(act(chain(&["1", "2", "3", "4", "5", "6", "7", "8", "9"])), refused);
    assert_eq!(act(chain(&["a", "b", "a"])), refused);
    assert_eq!(act(chain(&["u-alice"])), refused);
    assert_eq!(act(chain(&["a", "u-alice"])), refused);
    assert_eq!(act(json!({"sub": "a", "act": {"iss": "https://id.acme.test", "sub": "a"}})), refused);
    assert_eq!(act(json!({"sub": "a", "act": {"iss": "https://other.test", "sub": "a"}})), Ok(()));
    assert_eq!(act(json!({"iss": "https://other.test", "sub": "u-alice"})), Ok(()));
    for malformed in [
        json!("agent:planner"),
        json!(["agent:planner"]),
        json!([{"sub": "agent:planner"}]),
        json!({}),
        json!({"sub": ""}),
        json!({"sub": 7}),
        json!({"sub": "a\u{0}b"}),
        json!({"sub": "a", "iss": ""}),
        json!({"sub": "a", "iss": ["x"]}),
        json!({"sub": "a", "act": "b"}),
        json!({"sub": "a", "act": null}),
        json!({"sub": "a", "act": {"act": {"sub": "c"}}}),
        json!({"sub": "a".repeat(257)}),
    ] {
        assert_eq!(act(malformed.clone()), refused, "{malformed}");
    }
    let null = sign(
        &header().to_string(),
        &changed(claims(), json!({"act": "@"})).to_string().replace("\"@\"", "null"),
    );
    assert_eq!(verdict(&null), refused);
}

#[test]
fn types_are_compared_without_case_and_prefix_and_nothing_else_passes() {
    for accepted in ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"] {
        assert_eq!(verdict(&with_header(json!({"typ": accepted}))), Ok(()), "{accepted}");
    }
    for refused in [
        "JWT",
        "",
        "at+jwt ",
        "id+jwt",
        "oauth-id-jag+jwt",
        "logout+jwt",
        "txntoken+jwt",
        "dpop+jwt",
        "secevent+jwt",
        "application/application/at+jwt",
        "text/at+jwt",
        "application/x/at+jwt",
        "at+jwt\u{0}",
    ] {
        assert_eq!(verdict(&with_header(json!({"typ": refused}))), Err(TokenError::TypeWrong), "{refused}");
    }
    assert_eq!(verdict(&with_header(json!({"typ": null}))), Err(TokenError::TypeWrong));
    for claim in ["nonce", "at_hash", "c_hash", "events", "htm"] {
        assert_eq!(verdict(&with_claims(json!({claim: "x"}))), Err(TokenError::TypeWrong), "{claim}");
    }
}

#[test]
fn algorithms_are_exact_and_belong_to_the_key() {
    for refused in ["none", "None", "NONE", "nOnE", "HS256", "eddsa", "EDDSA", "RS512", "PS256", "ES384", ""]
    {
        let token = with_header(json!({"alg": refused}));
        assert_eq!(verdict(&token), Err(TokenError::AlgorithmRefused), "{refused}");
    }
    assert_eq!(verdict(&with_header(json!({"alg": null}))), Err(TokenError::AlgorithmRefused));
    // Accepted for the issuer, but not this key's.
    assert_eq!(verdict(&with_header(json!({"alg": "ES256"}))), Err(TokenError::AlgorithmRefused));
    let mut only_rsa = issuer(vec![ed25519(Some("k"))]);
    only_rsa.algorithms = vec![Algorithm::Rs256];
    let verifier = verifier_with(vec![only_rsa], 0, Says(Ok(())));
    let refused = verifier.verify(&with_header(json!({})), NOW, RESOURCE).map(drop);
    assert_eq!(refused, Err(TokenError::AlgorithmRefused));
}

#[test]
fn any_critical_header_is_refused_even_an_empty_one() {
    for changes in [
        json!({"crit": []}),
        json!({"crit": ["exp"]}),
        json!({"crit": "b64"}),
        json!({"b64": true}),
        json!({"b64": false}),
        json!({"b64": false, "crit": ["b64"]}),
    ] {
        assert_eq!(verdict(&with_header(changes.clone())), Err(TokenError::CriticalHeader), "{changes}");
    }
}

#[test]
fn keys_that_the_token_brings_along_are_not_looked_at() {
    let changes = json!({
        "jwk": {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}, "jku": "https://evil.test/jwks",
        "x5u": "https://evil.test/x5u", "x5c": ["AAAA"], "x5t": "AAAA", "zip": "DEF"
    });
    assert_eq!(verdict(&with_header(changes)), Ok(()));
}

#[test]
fn keys_are_chosen_by_issuer_name_and_algorithm() {
    let other = SigningKey::from_bytes(&[7; 32]).verifying_key();
    let other = |id| key(id, PublicKey::ed25519(other.as_bytes()).unwrap());
    let p256 = key(Some("p"), PublicKey::p256(&[1; 32], &[2; 32]).unwrap());
    let with = |keys: Vec<Key>, token: &str| {
        verifier_with(vec![issuer(keys)], 0, Says(Ok(()))).verify(token, NOW, RESOURCE).map(drop)
    };
    let named = with_header(json!({}));
    let nameless = with_header(json!({"kid": null}));
    assert_eq!(with(vec![other(Some("x")), ed25519(Some("k"))], &named), Ok(()));
    assert_eq!(with(vec![other(Some("k")), ed25519(Some("x"))], &named), Err(TokenError::SignatureInvalid));
    assert_eq!(with(vec![ed25519(Some("K"))], &named), Err(TokenError::KeyUnknown));
    assert_eq!(with(vec![ed25519(None)], &named), Err(TokenError::KeyUnknown));
    assert_eq!(with(vec![ed25519(None)], &nameless), Ok(()));
    assert_eq!(with(vec![ed25519(Some("k")), p256], &nameless), Ok(()));
    assert_eq!(with(vec![ed25519(Some("k")), other(Some("x"))], &nameless), Err(TokenError::KeyUnknown));
    assert_eq!(verdict(&with_header(json!({"kid": 7}))), Err(TokenError::Malformed));

    // The same name at another issuer is another key.
    let mut second = issuer(vec![other(Some("k"))]);
    second.id = "https://second.test".into();
    let both = verifier_with(vec![issuer(vec![ed25519(Some("k"))]), second], 0, Says(Ok(())));
    let forged = with_claims(json!({"iss": "https://second.test"}));
    assert_eq!(both.verify(&forged, NOW, RESOURCE).map(drop), Err(TokenError::SignatureInvalid));
    for unknown in
        [json!("https://id.acme.test/"), json!("HTTPS://id.acme.test"), json!(["https://id.acme.test"])]
    {
        assert_eq!(verdict(&with_claims(json!({"iss": unknown}))), Err(TokenError::IssuerUnknown));
    }
    assert_eq!(verdict(&with_claims(json!({"iss": null}))), Err(TokenError::IssuerUnknown));
}

#[test]
fn the_provider_is_asked_for_rsa_and_ecdsa_and_its_failures_deny() {
    let keys = || {
        vec![
            key(Some("r"), PublicKey::rsa(&[0xff; 256], &[1, 0, 1]).unwrap()),
            key(Some("p"), PublicKey::p256(&[1; 32], &[2; 32]).unwrap()),
        ]
    };
    let token = |alg: &str, kid: &str, signature: Vec<u8>| {
        let unsigned = with_header(json!({"alg": alg, "kid": kid}));
        let (signed, _) = unsigned.rsplit_once('.').unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    };
    let rs256 = token("RS256", "r", vec![1; 256]);
    let es256 = token("ES256", "p", vec![1; 64]);
    for (says, expected) in [
        (Ok(()), Ok(())),
        (Err(SignatureFailure::Invalid), Err(TokenError::SignatureInvalid)),
        (Err(SignatureFailure::Unavailable), Err(TokenError::VerifierUnavailable)),
    ] {
        let verifier = verifier_with(vec![issuer(keys())], 0, Says(says));
        assert_eq!(verifier.verify(&rs256, NOW, RESOURCE).map(drop), expected);
        assert_eq!(verifier.verify(&es256, NOW, RESOURCE).map(drop), expected);
    }
}

#[test]
fn anything_but_three_strict_segments_is_malformed() {
    let good = with_claims(json!({}));
    let (head, rest) = good.split_once('.').unwrap();
    let (payload, signature) = rest.split_once('.').unwrap();
    let stray = {
        // 64 bytes of signature end in a character with four unused bits.
        let mut text = signature.to_owned();
        let last = text.pop().unwrap();
        text.push(match last {
            'A' => 'B',
            'Q' => 'R',
            'g' => 'h',
            _ => 'x',
        });
        text
    };
    for bad in [
        String::new(),
        ".".into(),
        "..".into(),
        "...".into(),
        head.into(),
        format!("{head}.{payload}"),
        format!("{good}."),
        format!("{good}.x"),
        format!(".{good}"),
        format!("{good}="),
        format!(" {good}"),
        format!("{good}\n"),
        format!("{head}..{signature}"),
        format!("{head}.{payload}.{stray}"),
        format!("{head}=.{payload}.{signature}"),
        format!("{head}.{payload}.{signature}+"),
        format!("{{\"payload\":\"{payload}\",\"protected\":\"{head}\",\"signature\":\"{signature}\"}}"),
        format!("{good}.{payload}.{signature}"),
        "x".repeat(bounds::TOKEN_BYTES + 1),
    ] {
        assert_eq!(verdict(&bad), Err(TokenError::Malformed), "{bad}");
    }
    assert_eq!(verdict(&format!("{head}.{payload}.")), Err(TokenError::SignatureInvalid));
    let claims = claims().to_string();
    for (header, payload) in [
        ("", claims.as_str()),
        ("[]", &claims),
        (r#"{"alg":"EdDSA","typ":"at+jwt","kid":"k"} x"#, &claims),
        (r#"{"alg":"EdDSA","alg":"EdDSA","typ":"at+jwt","kid":"k"}"#, &claims),
        (r#"{"alg":"none","\u0061lg":"EdDSA","typ":"at+jwt","kid":"k"}"#, &claims),
        ("\u{feff}{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":\"k\"}", &claims),
        (r#"{"alg":"EdDSA","typ":"at+jwt","kid":"k"}"#, "\"claims\""),
        (r#"{"alg":"EdDSA","typ":"at+jwt","kid":"k"}"#, "{\"sub\":\"a\",\"sub\":\"b\"}"),
        (r#"{"alg":"EdDSA","typ":"at+jwt","kid":"k"}"#, "{\"act\":{\"sub\":\"a\",\"sub\":\"b\"}}"),
        (r#"{"alg":"EdDSA","typ":"at+jwt","kid":"k"}"#, "{\"exp\":NaN}"),
    ] {
        assert_eq!(verdict(&sign(header, payload)), Err(TokenError::Malformed), "{header} {payload}");
    }
    let long = with_header(json!({"x5c": "A".repeat(bounds::HEADER_BYTES)}));
    assert_eq!(verdict(&long), Err(TokenError::Malformed));
}

#[test]
fn tampering_with_any_segment_is_noticed() {
    let good = with_claims(json!({}));
    let forged = sign(&header().to_string(), &changed(claims(), json!({"sub": "u-root"})).to_string());
    let parts = |token: &str| token.split('.').map(str::to_owned).collect::<Vec<_>>();
    let (good, forged) = (parts(&good), parts(&forged));
    let mixed = format!("{}.{}.{}", good[0], forged[1], good[2]);
    assert_eq!(verdict(&mixed), Err(TokenError::SignatureInvalid));
    let mut signature = URL_SAFE_NO_PAD.decode(&good[2]).unwrap();
    signature[10] ^= 1;
    let flipped = format!("{}.{}.{}", good[0], good[1], URL_SAFE_NO_PAD.encode(&signature));
    assert_eq!(verdict(&flipped), Err(TokenError::SignatureInvalid));
    // S + L verifies in lax implementations.
    let mut scalar = URL_SAFE_NO_PAD.decode(&good[2]).unwrap();
    let order: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut carry = 0u16;
    for (byte, add) in scalar[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        *byte = sum as u8;
        carry = sum >> 8;
    }
    let malleable = format!("{}.{}.{}", good[0], good[1], URL_SAFE_NO_PAD.encode(&scalar));
    assert_eq!(verdict(&malleable), Err(TokenError::SignatureInvalid));
}

#[test]
fn claims_of_the_wrong_shape_are_refused() {
    let refused = Err(TokenError::ClaimsInvalid);
    for missing in ["sub", "exp", "iat"] {
        assert_eq!(verdict(&with_claims(json!({missing: null}))), refused, "{missing}");
    }
    for changes in [
        json!({"sub": ""}),
        json!({"sub": 7}),
        json!({"sub": "a\nb"}),
        json!({"sub": "x".repeat(257)}),
        json!({"aud": []}),
        json!({"aud": ""}),
        json!({"aud": [RESOURCE, 7]}),
        json!({"aud": {"x": 1}}),
        json!({"aud": vec![RESOURCE; 65]}),
        json!({"exp": "1795213500"}),
        json!({"exp": -1}),
        json!({"exp": 1e300}),
        json!({"exp": true}),
        json!({"exp": 1_795_213_500_000u64 * 1000}),
        json!({"iat": "x"}),
        json!({"nbf": [1]}),
        json!({"jti": 7}),
        json!({"client_id": ""}),
        json!({"client_id": ["a"]}),
        json!({"scope": ["a b"]}),
        json!({"scope": ["a", ""]}),
        json!({"scope": [null]}),
        json!({"scope": 7}),
        json!({"scope": "a\tb"}),
        json!({"scope": "é"}),
        json!({"scope": "a\"b"}),
        json!({"groups": {"a": 1}}),
        json!({"groups": [7]}),
        json!({"groups": [""]}),
        json!({"_claim_names": {"groups": "src1"}}),
        json!({"_claim_names": {"roles": "src1"}}),
        json!({"_claim_names": "src1"}),
        json!({"groups": null, "hasgroups": true}),
        json!({"groups": null, "hasgroups": "true"}),
        json!({"roles": ["a\u{7f}"]}),
    ] {
        assert_eq!(verdict(&with_claims(changes.clone())), refused, "{changes}");
    }
    assert_eq!(verdict(&with_claims(json!({"aud": null}))), Err(TokenError::AudienceWrong));
    for changes in [
        json!({"aud": ["https://x.test", RESOURCE]}),
        json!({"scope": ""}),
        json!({"scope": null}),
        json!({"groups": null, "roles": null, "jti": null}),
        json!({"exp": (NOW + 300) as f64 + 0.5}),
        json!({"groups": vec!["g"; 1000], "roles": vec!["r"; 257]}),
        json!({"groups": "engineering", "roles": ""}),
        json!({"scope": ["a", "b"]}),
        json!({"scope": " a  b "}),
        json!({"scope": vec!["s"; 257].join(" ")}),
        json!({"_claim_names": {"address": "src1"}, "hasgroups": true}),
        json!({"groups": null, "hasgroups": false}),
        json!({"sub": "x".repeat(256)}),
    ] {
        assert_eq!(verdict(&with_claims(changes.clone())), Ok(()), "{changes}");
    }
}

#[test]
fn tokens_bound_to_a_key_are_refused_while_the_binding_cannot_be_checked() {
    for cnf in [json!({"jkt": "x"}), json!({"x5t#S256": "x"}), json!({}), json!(7)] {
        assert_eq!(verdict(&with_claims(json!({"cnf": cnf}))), Err(TokenError::BindingUnsupported));
    }
}

#[test]
fn times_are_checked_to_the_second_with_leeway() {
    let at = |changes: Value, now: u64| {
        let token = with_claims(changes);
        verifier().verify(&token, now, RESOURCE).map(drop)
    };
    assert_eq!(at(json!({}), NOW + 300 + 29), Ok(()));
    assert_eq!(at(json!({}), NOW + 300 + 30), Err(TokenError::Expired));
    assert_eq!(at(json!({"nbf": NOW + 30}), NOW), Ok(()));
    assert_eq!(at(json!({"nbf": NOW + 31}), NOW), Err(TokenError::NotYetValid));
    assert_eq!(at(json!({"nbf": NOW as f64 + 30.5}), NOW), Err(TokenError::NotYetValid));
    assert_eq!(at(json!({"iat": NOW + 31}), NOW), Err(TokenError::NotYetValid));
    assert_eq!(at(json!({"exp": NOW as f64 - 29.5}), NOW), Err(TokenError::Expired));
    assert_eq!(at(json!({"iat": NOW, "exp": NOW + 3600}), NOW), Ok(()));
    assert_eq!(at(json!({"iat": NOW, "exp": NOW + 3601}), NOW), Err(TokenError::LifetimeTooLong));
    assert_eq!(at(json!({"exp": 0, "iat": 0}), NOW), Err(TokenError::Expired));
}

#[test]
fn the_audience_is_checked_on_every_call_cached_or_not() {
    let verifier = verifier();
    let token = with_claims(json!({}));
    for _ in 0..2 {
        assert!(verifier.verify(&token, NOW, RESOURCE).is_ok());
        let elsewhere = verifier.verify(&token, NOW, "https://tools.acme.test/mcp/payroll").map(drop);
        assert_eq!(elsewhere, Err(TokenError::AudienceWrong));
    }
    for near in ["https://tools.acme.test/mcp/github/", "https://TOOLS.acme.test/mcp/github", ""] {
        assert_eq!(verifier.verify(&token, NOW, near).map(drop), Err(TokenError::AudienceWrong));
    }
}

#[test]
fn warm_up_asks_for_every_algorithm_once_and_tells_what_cannot_be_checked() {
    let keys = || {
        vec![
            key(Some("r"), PublicKey::rsa(&[0xff; 256], &[1, 0, 1]).unwrap()),
            key(None, PublicKey::p256(&[1; 32], &[2; 32]).unwrap()),
            ed25519(Some("k\"\\")),
        ]
    };
    let with = |says| verifier_with(vec![issuer(keys())], 8, Says(says));
    let unavailable = with(Err(SignatureFailure::Unavailable));
    assert_eq!(unavailable.warm_up(), [Algorithm::Rs256, Algorithm::Es256]);
    let working = with(Err(SignatureFailure::Invalid));
    assert_eq!(working.warm_up(), []);
    assert_eq!(working.cached(), 0);
}

#[test]
fn debug_and_display_show_nothing_of_the_token() {
    let token =
        with_claims(json!({"scope": "secret-scope", "groups": ["secret-group"], "jti": "secret-jti"}));
    let delegation = verifier().verify(&token, NOW, RESOURCE).unwrap();
    let shown = format!("{delegation:?} {:?}", verifier());
    assert!(!shown.contains("secret"), "{shown}");
    for error in TokenError::ALL {
        assert!(!error.to_string().contains('`'));
    }
}

#[test]
fn where_tenants_are_told_apart_nobody_is_without_one() {
    let own = Issuer { tenant_claim: Some(ClaimPath::top("tid")), ..issuer(vec![ed25519(Some("k"))]) };
    let verifier = verifier_with(vec![own], 64, Says(Err(SignatureFailure::Unavailable)));
    let tenant = |claims: Value| {
        let delegation = verifier.verify(&with_claims(claims), NOW, RESOURCE)?;
        Ok(delegation.tenant().map(str::to_owned))
    };
    assert_eq!(tenant(json!({"tid": "acme"})), Ok(Some("acme".to_owned())));
    assert_eq!(tenant(json!({"tid": "x".repeat(bounds::NAME_BYTES)})).map(|_| ()), Ok(()));
    for other in [
        json!({}),
        json!({"tid": ""}),
        json!({"tid": 7}),
        json!({"tid": ["acme"]}),
        json!({"tid": {"id": "acme"}}),
        json!({"tid": "a\nb"}),
        json!({"tid": "x".repeat(bounds::NAME_BYTES + 1)}),
        json!({"TID": "acme"}),
    ] {
        assert_eq!(tenant(other.clone()), Err(TokenError::ClaimsInvalid), "{other}");
    }
    // Without the setting, the claim has no meaning.
    let delegation = self::verifier().verify(&with_claims(json!({"tid": 7})), NOW, RESOURCE).unwrap();
    assert_eq!(delegation.tenant(), None);
}

#[test]
fn whoever_a_token_names_beside_its_chain_is_a_client_and_grants_nothing() {
    let token = with_claims(json!({
        "azp": "app",
        "act": {"sub": "a", "client_id": "b", "act": {"iss": "https://other.test", "sub": "c", "azp": "d"}},
    }));
    let delegation = verifier().verify(&token, NOW, RESOURCE).unwrap();
    let (own, other) = ("https://id.acme.test", "https://other.test");
    delegation.with_delegation(false, |lent| {
        let pairs = |actors: &[policy_wasm::model::Actor<'_>]| -> Vec<(ActorKind, String, String)> {
            let pair = |actor: &policy_wasm::model::Actor<'_>| {
                (actor.kind, actor.identity.issuer.to_owned(), actor.identity.id.to_owned())
            };
            actors.iter().map(pair).collect()
        };
        let actor = |kind, issuer: &str, id: &str| (kind, issuer.to_owned(), id.to_owned());
        let (subject, client) = (ActorKind::Subject, ActorKind::Client);
        assert_eq!(pairs(lent.actors), [actor(subject, own, "a"), actor(subject, other, "c")]);
        assert_eq!(
            pairs(lent.clients),
            [
                actor(client, own, "b"),
                actor(client, other, "d"),
                actor(client, own, "https://agents.acme.test/planner.json"),
                actor(client, own, "app"),
            ]
        );
    });
    for (id, issuer) in [("app", own), ("b", own), ("d", other)] {
        let revocation = Revocation {
            kind: Revocable::Actor,
            issuer: issuer.into(),
            id: id.into(),
            issued_before: u64::MAX,
        };
        assert!(RevocationList::new(vec![revocation]).revokes(&delegation), "{id}");
    }
}

#[test]
fn no_token_ends_before_it_begins() {
    let refused = Err(TokenError::ClaimsInvalid);
    assert_eq!(verdict(&with_claims(json!({"iat": NOW + 3, "exp": NOW + 2}))), refused);
    assert_eq!(verdict(&with_claims(json!({"nbf": NOW + 3, "exp": NOW + 2}))), refused);
    assert_eq!(verdict(&with_claims(json!({"nbf": NOW + 3, "exp": NOW + 3}))), Ok(()));
}
