//! Trust in bundles: signatures, threshold, serial; and that only the trusted bytes become a bundle.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests may stop at the first surprise"
)]

mod common;

use common::compiled;
use ed25519_dalek::{Signer as _, SigningKey};
use policy_wasm::bundle::layout::{DIGEST, HEADER, KEY_ID, SERIAL, SIGNATURE, SIGNATURE_DOMAIN};
use policy_wasm::bundle::{Bundle, BundleError, KeyError, PublicKey, Trust, TrustError, Unverified, digest};
use proptest::prelude::*;
use std::sync::LazyLock;

const POLICY: &str = include_str!("../../tests/bundles/v1/policy.yaml");
const FORMAT_1: &[u8] = include_bytes!("../../tests/bundles/v1/policy.bundle");
const FORMAT_2: &[u8] = include_bytes!("../../tests/bundles/v2/signed.bundle");
/// The public half of `tests/keys/publisher-ed25519.pem`.
const PUBLISHER: [u8; 32] = [
    0xd0, 0xba, 0x9b, 0x5c, 0xea, 0x76, 0x4e, 0x05, 0xbc, 0x8b, 0x5d, 0x00, 0x8b, 0xcd, 0x05, 0x50, 0x34,
    0xd4, 0x4b, 0x2c, 0xd7, 0x8c, 0x7c, 0x25, 0xe0, 0x91, 0xc4, 0x4e, 0x5e, 0x09, 0x94, 0x8a,
];
const ENTRY: usize = KEY_ID + SIGNATURE;

fn unsigned() -> Vec<u8> {
    static BYTES: LazyLock<Vec<u8>> = LazyLock::new(|| compiled(&[POLICY]));
    BYTES.clone()
}

fn key(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

fn public(number: u8) -> PublicKey {
    PublicKey::from_bytes(key(number).verifying_key().as_bytes()).unwrap()
}

/// Signs as any other implementation would: the documented message with a plain Ed25519 signer.
fn signed(bytes: &[u8], numbers: &[u8]) -> Vec<u8> {
    numbers.iter().fold(bytes.to_vec(), |bytes, number| {
        let signature = key(*number).sign(&[SIGNATURE_DOMAIN.as_slice(), &bytes[..HEADER]].concat());
        let unverified = Unverified::open(bytes).unwrap();
        unverified.signed(&public(*number), &signature.to_bytes()).unwrap()
    })
}

fn trust(numbers: &[u8], threshold: usize) -> Trust {
    Trust::new(numbers.iter().copied().map(public).collect(), threshold).unwrap()
}

fn refusal(bytes: Vec<u8>, trust: &Trust) -> String {
    Bundle::open(bytes, trust).unwrap_err().to_string()
}

/// A bundle with another serial and the digest that goes with it.
fn with_serial(mut bytes: Vec<u8>, serial: u64) -> Vec<u8> {
    bytes[SERIAL..SERIAL + 8].copy_from_slice(&serial.to_le_bytes());
    let right = digest(&bytes);
    bytes[DIGEST..HEADER].copy_from_slice(&right);
    bytes
}

#[test]
fn signatures_are_asked_for_only_where_keys_are_trusted() {
    let bundle = Bundle::open(unsigned(), &Trust::digest_only()).unwrap();
    assert!(bundle.signers().is_empty());
    let bundle = Bundle::open(signed(&unsigned(), &[1]), &trust(&[1], 1)).unwrap();
    assert_eq!(bundle.signers(), [public(1).id()]);
    assert_eq!(bundle.revision(), "stored-v1");
}

#[test]
fn the_stored_signatures_of_format_2_stay_good() {
    let publisher = PublicKey::from_bytes(&PUBLISHER).unwrap();
    let both = Trust::new(vec![publisher.clone(), public(1)], 2).unwrap().with_min_serial(7);
    let bundle = Bundle::open(FORMAT_2.to_vec(), &both).unwrap();
    assert_eq!(publisher.id().to_string(), "79475c3b47165b49");
    assert!(bundle.signers().contains(&publisher.id()) && bundle.signers().len() == 2);
    assert!(Bundle::open(FORMAT_2.to_vec(), &both.with_min_serial(8)).is_err());
}

#[test]
fn a_threshold_counts_different_trusted_keys() {
    let bytes = unsigned();
    let two_of_three = trust(&[1, 2, 3], 2);
    for good in [&[1, 2][..], &[3, 1], &[1, 2, 3], &[9, 2, 8, 3]] {
        assert!(Bundle::open(signed(&bytes, good), &two_of_three).is_ok(), "{good:?}");
    }
    for bad in [&[][..], &[1], &[1, 1, 1], &[1, 8, 9], &[7, 8, 9]] {
        assert!(Bundle::open(signed(&bytes, bad), &two_of_three).is_err(), "{bad:?}");
    }
}

#[test]
fn errors_name_the_missing_signatures() {
    let (bytes, two) = (unsigned(), trust(&[1, 2], 2));
    let (one, other, stranger) = (public(1).id(), public(2).id(), public(9).id());
    assert_eq!(
        refusal(bytes.clone(), &two),
        format!(
            "bundle is not signed: 2 signatures of trusted keys needed; missing: {}, {}; sign it with \
             `toolward sign`, or trust the key that signed it",
            one, other
        )
    );
    assert_eq!(
        refusal(signed(&bytes, &[1, 9]), &two),
        format!(
            "bundle has 1 of 2 signatures that are needed: 2 signatures of trusted keys needed; signed by: \
             {one}; missing: {other}; there and not trusted: {stranger}; sign it with `toolward sign`, \
             or trust the key that signed it"
        )
    );
    let old = trust(&[1], 1).with_min_serial(7);
    assert_eq!(
        refusal(signed(&with_serial(bytes, 6), &[1]), &old),
        "bundle has serial 6, expected 7 or more: it is older than what is accepted here; compile it with a higher \
         `serial`"
    );
}

#[test]
fn a_serial_below_the_least_is_refused_with_and_without_keys() {
    for trust in [trust(&[1], 1), Trust::digest_only()] {
        let least = trust.with_min_serial(7);
        for (serial, good) in [(0, false), (6, false), (7, true), (u64::MAX, true)] {
            let bytes = signed(&with_serial(unsigned(), serial), &[1]);
            assert_eq!(
                Bundle::open(bytes, &least).map(|bundle| bundle.serial()).ok(),
                good.then_some(serial)
            );
        }
    }
}

#[test]
fn a_wrong_signature_of_a_trusted_key_is_not_outweighed() {
    let mut bytes = signed(&unsigned(), &[1, 2, 3]);
    let end = bytes.len() - 1;
    bytes[end] ^= 1;
    let refusal = refusal(bytes, &trust(&[1, 2, 3], 1));
    assert!(refusal.starts_with("the signature of key ") && refusal.contains(" is wrong"), "{refusal}");
}

#[test]
fn a_signature_is_for_one_bundle_and_for_nothing_else() {
    let (one, other) = (unsigned(), compiled(&[&POLICY.replace("stored-v1", "stored-v2")]));
    let block = &signed(&one, &[1])[one.len()..];
    assert!(Bundle::open([&other, block].concat(), &trust(&[1], 1)).is_err(), "of another bundle");
    let header_alone = key(1).sign(&one[..HEADER]).to_bytes();
    let unverified = Unverified::open(one).unwrap();
    assert!(unverified.signed(&public(1), &header_alone).is_err(), "without the domain");
    let digest_alone = key(1).sign(&unverified.header().digest).to_bytes();
    assert!(unverified.signed(&public(1), &digest_alone).is_err(), "of the digest");
}

#[test]
fn the_same_signatures_have_one_form() {
    let bytes = unsigned();
    let all = signed(&bytes, &[1, 2, 3]);
    assert_eq!(all, signed(&bytes, &[3, 1, 2]));
    assert_eq!(all, signed(&all, &[2]), "signing again changes nothing");
    let names: Vec<_> = Unverified::open(all.clone()).unwrap().signatures().collect();
    assert!(names.is_sorted() && names.len() == 3);
}

#[test]
fn any_other_form_of_the_signature_block_is_refused() {
    let bytes = unsigned();
    let all = signed(&bytes, &[1, 2]);
    let (contents, block) = all.split_at(bytes.len());
    let entries: Vec<&[u8]> = block[4..].chunks(ENTRY).collect();
    let with = |count: u32, entries: &[&[u8]]| [contents, &count.to_le_bytes(), &entries.concat()].concat();
    let many: Vec<Vec<u8>> = (0..17).map(|number| vec![number; ENTRY]).collect();
    let many: Vec<&[u8]> = many.iter().map(Vec::as_slice).collect();
    assert!(Unverified::open(with(2, &entries)).is_ok());
    assert!(Unverified::open(with(16, &many[..16])).is_ok());
    for (what, bytes) in [
        ("none, counted", with(0, &[])),
        ("out of order", with(2, &[entries[1], entries[0]])),
        ("twice", with(2, &[entries[0], entries[0]])),
        ("fewer than counted", with(2, &entries[..1])),
        ("more than counted", with(1, &entries)),
        ("a byte more", [&all[..], &[0]].concat()),
        ("too many", with(17, &many)),
        ("uncountably many", with(u32::MAX, &entries)),
    ] {
        let error = Unverified::open(bytes).unwrap_err().to_string();
        assert!(error.contains("not a signature block"), "{what}: {error}");
    }
    for cut in 1..block.len() {
        assert!(Unverified::open(all[..all.len() - cut].to_vec()).is_err(), "cut by {cut}");
    }
}

#[test]
fn no_more_than_16_signatures_are_written() {
    let full = signed(&unsigned(), &(1..=16).collect::<Vec<u8>>());
    let unverified = Unverified::open(full).unwrap();
    let signature = key(17).sign(&unverified.message()).to_bytes();
    assert!(unverified.signed(&public(17), &signature).is_err());
    let again = key(3).sign(&unverified.message()).to_bytes();
    assert!(unverified.signed(&public(3), &again).is_ok(), "one that is there already");
}

#[test]
fn damaged_bundles_and_bundles_of_format_1_are_not_signed() {
    let mut damaged = unsigned();
    let end = damaged.len() - 1;
    damaged[end] ^= 1;
    for (bytes, why) in [(damaged, "damaged"), (FORMAT_1.to_vec(), "format 1")] {
        let unverified = Unverified::open(bytes).unwrap();
        let signature = key(1).sign(&unverified.message()).to_bytes();
        let error: BundleError = unverified.signed(&public(1), &signature).unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }
}

#[test]
fn bundles_of_format_1_end_at_the_length_of_their_header() {
    let block = signed(&unsigned(), &[1]).split_off(unsigned().len());
    let error = Unverified::open([FORMAT_1, &block].concat()).unwrap_err().to_string();
    assert!(error.starts_with("bundle is cut off or padded"), "{error}");
    let error = Unverified::open(with_serial(FORMAT_1.to_vec(), 1)).unwrap_err().to_string();
    assert!(error.starts_with("bundle uses header fields"), "{error}");
}

#[test]
fn keys_that_prove_nothing_are_refused() {
    let mut identity = [0; 32];
    identity[0] = 1;
    assert_eq!(PublicKey::from_bytes(&identity).err(), Some(KeyError::Weak));
    assert_eq!(PublicKey::from_bytes(&[0; 32]).err(), Some(KeyError::Weak));
    assert_eq!(PublicKey::from_bytes(&[2; 32]).err(), Some(KeyError::NotAPoint));
    assert_eq!(PublicKey::from_bytes(&[1; 31]).err(), Some(KeyError::Length(31)));
}

#[test]
fn a_trust_that_means_nothing_is_refused() {
    let keys = |numbers: &[u8]| numbers.iter().copied().map(public).collect::<Vec<_>>();
    let seventeen: Vec<u8> = (1..=17).collect();
    assert_eq!(Trust::new(keys(&[]), 0).err(), Some(TrustError::Keys(0)));
    assert_eq!(Trust::new(keys(&seventeen), 1).err(), Some(TrustError::Keys(17)));
    assert_eq!(Trust::new(keys(&[1, 2, 1]), 1).err(), Some(TrustError::Twice(public(1).id())));
    for threshold in [0, 3, usize::MAX] {
        let error = Some(TrustError::Threshold { threshold, keys: 2 });
        assert_eq!(Trust::new(keys(&[1, 2]), threshold).err(), error);
    }
}

#[test]
fn no_bit_of_a_signed_bundle_can_change_unnoticed() {
    let bytes = signed(&unsigned(), &[1, 2]);
    let both = trust(&[1, 2], 2);
    for offset in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[offset] ^= 1 << (offset % 8);
        assert!(Bundle::open(changed, &both).is_err(), "byte {offset}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: common::regressions(), ..ProptestConfig::default() })]

    #[test]
    fn bytes_after_the_sections_never_panic_and_never_pass(
        block in prop::collection::vec(prop_oneof![any::<u8>(), 0..4u8], 0..300),
    ) {
        let result = Bundle::open([unsigned(), block].concat(), &trust(&[1], 1));
        prop_assert!(result.is_err());
    }

    #[test]
    fn a_threshold_is_met_by_enough_trusted_signers_and_by_nothing_else(
        signers in prop::collection::btree_set(1..7u8, 0..6),
        trusted in prop::collection::btree_set(1..7u8, 1..6),
        threshold in any::<prop::sample::Index>(),
    ) {
        let threshold = threshold.index(trusted.len()) + 1;
        let numbers: Vec<u8> = signers.iter().copied().collect();
        let trust = trust(&trusted.iter().copied().collect::<Vec<u8>>(), threshold);
        let result = Bundle::open(signed(&unsigned(), &numbers), &trust);
        prop_assert_eq!(result.is_ok(), signers.intersection(&trusted).count() >= threshold);
    }
}
