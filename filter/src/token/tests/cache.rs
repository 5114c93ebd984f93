//! The cache of verified tokens.
use super::*;

#[test]
fn a_cached_token_is_the_same_object_and_failures_are_not_kept() {
    let verifier = verifier();
    let token = with_claims(json!({}));
    let first = verifier.verify(&token, NOW, RESOURCE).unwrap();
    let second = verifier.verify(&token, NOW, RESOURCE).unwrap();
    assert!(Rc::ptr_eq(&first, &second));
    assert_eq!(verifier.cached(), 1);
    for bad in
        [with_claims(json!({"exp": NOW - 100})), with_header(json!({"typ": "JWT"})), format!("{token}x")]
    {
        assert!(verifier.verify(&bad, NOW, RESOURCE).is_err());
    }
    assert_eq!(verifier.cached(), 1);
}

#[test]
fn a_cached_entry_expires_exactly_with_its_token() {
    let verifier = verifier();
    let token = with_claims(json!({}));
    assert!(verifier.verify(&token, NOW, RESOURCE).is_ok());
    let last = NOW + 300 + 30 - 1;
    assert!(verifier.verify(&token, last, RESOURCE).is_ok());
    assert_eq!(verifier.cached(), 1);
    assert_eq!(verifier.verify(&token, last + 1, RESOURCE).map(drop), Err(TokenError::Expired));
    assert_eq!(verifier.cached(), 0, "an expired entry makes room");
    // A clock that goes back does not bring it to life before its time either.
    assert!(verifier.verify(&token, NOW, RESOURCE).is_ok());
    assert_eq!(verifier.verify(&token, NOW - 91, RESOURCE).map(drop), Err(TokenError::NotYetValid));
}

#[test]
fn a_flood_of_tokens_does_not_grow_the_cache() {
    let claims = claims().to_string();
    let signature = URL_SAFE_NO_PAD.encode([1; 256]);
    for entries in [0, 1, 7, 8, 20] {
        let rsa = key(Some("r"), PublicKey::rsa(&[0xff; 256], &[1, 0, 1]).unwrap());
        let verifier = verifier_with(vec![issuer(vec![rsa])], entries, Says(Ok(())));
        for number in 0..500 {
            let header = format!(r#"{{"alg":"RS256","typ":"at+jwt","kid":"r","n":{number}}}"#);
            let token =
                format!("{}.{}.{signature}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(&claims));
            assert!(verifier.verify(&token, NOW, RESOURCE).is_ok());
            assert!(verifier.cached() <= entries, "{} of {entries}", verifier.cached());
        }
        // Whole sets of eight are kept, so 20 becomes 16.
        assert_eq!(verifier.cached(), if entries > 8 { 16 } else { entries });
    }
}

#[test]
fn eviction_takes_expired_entries_first_and_then_the_longest_unused() {
    let verifier = verifier_with(vec![issuer(vec![ed25519(Some("k"))])], 2, Says(Ok(())));
    let long = with_claims(json!({"jti": "long"}));
    let short = with_claims(json!({"jti": "short", "exp": NOW + 10}));
    let third = with_claims(json!({"jti": "third"}));
    let held = |token: &str, now: u64| verifier.verify(token, now, RESOURCE).unwrap();
    let first_long = held(&long, NOW);
    held(&short, NOW);
    // `short` was used last but has expired, so it goes and `long` stays.
    let first_third = held(&third, NOW + 20);
    assert!(Rc::ptr_eq(&held(&long, NOW + 20), &first_long));
    assert!(Rc::ptr_eq(&held(&third, NOW + 20), &first_third));
    // Now `long` is the longest unused.
    held(&with_claims(json!({"jti": "fourth"})), NOW + 20);
    assert!(Rc::ptr_eq(&held(&third, NOW + 20), &first_third));
    assert!(!Rc::ptr_eq(&held(&long, NOW + 20), &first_long));
}
