//! `toolward keygen`, `sign`, `verify` and `inspect` as a shell sees them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests may stop at the first surprise"
)]

mod common;

use common::{directory, said, toolward};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const POLICY: &str = "policy: toolward/v1\nrevision: r1\norganisation: acme\nservers: {git: {resource: \"https://tools.acme.test/git\", tools: {a: {tier: read}}}}\n";
const FORMAT_1: &[u8] = include_bytes!("../../tests/bundles/v1/policy.bundle");

/// A directory with `a.bundle` (serial 7) and the keys `one`, `two`, `three` (`.pem`, `.jwk`).
fn workshop(name: &str) -> PathBuf {
    let directory = directory(name);
    fs::write(directory.join("p.yaml"), POLICY).unwrap();
    done(&toolward(&directory, &["compile", "p.yaml", "-o", "a.bundle", "--serial", "7"]));
    for key in ["one", "two", "three"] {
        let output = toolward(&directory, &["keygen", "-o", &format!("{key}.pem")]);
        fs::write(directory.join(format!("{key}.jwk")), done(&output)).unwrap();
    }
    directory
}

/// The standard output of a command that must succeed.
fn done(output: &Output) -> String {
    assert!(output.status.success(), "{}", said(&output.stderr));
    said(&output.stdout)
}

/// The exit status and everything that a command wrote.
fn outcome(directory: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = toolward(directory, arguments);
    (output.status.code(), said(&output.stdout) + &said(&output.stderr))
}

fn key_id(directory: &Path, jwk: &str) -> String {
    let jwk: Value = serde_json::from_slice(&fs::read(directory.join(jwk)).unwrap()).unwrap();
    jwk["kid"].as_str().unwrap().to_owned()
}

#[test]
fn a_new_key_is_private_is_never_overwritten_and_prints_its_public_half() {
    let at = directory("keygen");
    let jwk: Value = serde_json::from_str(&done(&toolward(&at, &["keygen", "--out", "k.pem"]))).unwrap();
    assert_eq!(fs::metadata(at.join("k.pem")).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!((&jwk["kty"], &jwk["crv"], &jwk["d"]), (&"OKP".into(), &"Ed25519".into(), &Value::Null));
    let before = fs::read(at.join("k.pem")).unwrap();
    let (status, told) = outcome(&at, &["keygen", "--out", "k.pem"]);
    assert_eq!(status, Some(1));
    assert!(told.contains("keys are not overwritten"), "{told}");
    assert_eq!(fs::read(at.join("k.pem")).unwrap(), before);
    let again = done(&toolward(&at, &["keygen", "--public", "k.pem"]));
    assert_eq!(serde_json::from_str::<Value>(&again).unwrap(), jwk);
    let other: Value = serde_json::from_str(&done(&toolward(&at, &["keygen", "--out", "l.pem"]))).unwrap();
    assert_ne!(other["x"], jwk["x"]);
}

#[test]
fn every_form_of_a_public_key_is_trusted_alike() {
    let at = workshop("forms");
    done(&toolward(&at, &["sign", "a.bundle", "-k", "one.pem"]));
    let form = |format: &str| done(&toolward(&at, &["keygen", "--public", "one.pem", "--format", format]));
    fs::write(at.join("one.pub.pem"), form("pem")).unwrap();
    fs::write(at.join("one.base64"), form("base64")).unwrap();
    let set = format!("{{\"keys\": [{}]}}", fs::read_to_string(at.join("one.jwk")).unwrap());
    fs::write(at.join("one.jwks"), set).unwrap();
    for key in ["one.jwk", "one.jwks", "one.pub.pem", "one.base64", form("base64").trim()] {
        let told = done(&toolward(&at, &["verify", "a.bundle", "--key", key]));
        let wanted = format!("verified, signed by {}; revision r1, serial 7\n", key_id(&at, "one.jwk"));
        assert_eq!(told, format!("a.bundle: {wanted}"), "{key}");
    }
}

#[test]
fn an_invalid_trusted_key_ends_with_status_2() {
    let at = workshop("no-keys");
    done(&toolward(&at, &["sign", "a.bundle", "-k", "one.pem"]));
    fs::write(at.join("private.jwk"), r#"{"kty":"OKP","crv":"Ed25519","x":"AAAA","d":"c2VjcmV0"}"#).unwrap();
    fs::write(at.join("ec.jwk"), r#"{"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA"}"#).unwrap();
    fs::write(at.join("weak"), "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").unwrap();
    for (key, why) in [
        ("one.pem", "this is a private key; give its public half"),
        ("private.jwk", "holds a private key"),
        ("ec.jwk", "expected a JWK with `kty` `OKP`"),
        ("weak", "a point of small order"),
        ("p.yaml", "expected an Ed25519 public key"),
        ("missing.jwk", "neither a file nor an Ed25519 public key"),
    ] {
        let (status, told) = outcome(&at, &["verify", "a.bundle", "--key", key]);
        assert_eq!(status, Some(2), "{key}: {told}");
        assert!(told.contains(why) && !told.contains("c2VjcmV0"), "{key}: {told}");
    }
    for arguments in [
        &["verify", "a.bundle"][..],
        &["verify", "missing.bundle", "-k", "one.jwk"],
        &["verify", "a.bundle", "-k", "one.jwk", "-k", "one.jwk"],
        &["verify", "a.bundle", "-k", "one.jwk", "--threshold", "2"],
        &["verify", "a.bundle", "-k", "one.jwk", "--threshold", "0"],
        &["verify", "a.bundle", "--digest-only", "--threshold", "1"],
    ] {
        let (status, told) = outcome(&at, arguments);
        assert_eq!(status, Some(2), "{arguments:?}: {told}");
    }
}

#[test]
fn people_sign_one_after_the_other_in_any_order() {
    let at = workshop("order");
    let bundle = |name: &str| fs::read(at.join(name)).unwrap();
    done(&toolward(&at, &["sign", "a.bundle", "-k", "one.pem", "-o", "b.bundle"]));
    done(&toolward(&at, &["sign", "b.bundle", "-k", "two.pem"]));
    done(&toolward(&at, &["sign", "a.bundle", "-k", "two.pem", "-k", "one.pem", "-o", "c.bundle"]));
    assert_eq!(bundle("b.bundle"), bundle("c.bundle"));
    done(&toolward(&at, &["sign", "c.bundle", "-k", "one.pem"]));
    assert_eq!(bundle("b.bundle"), bundle("c.bundle"), "signing again changes nothing");
    done(&toolward(
        &at,
        &["compile", "p.yaml", "-o", "d.bundle", "--serial", "7", "--sign", "one.pem", "--sign", "two.pem"],
    ));
    assert_eq!(bundle("b.bundle"), bundle("d.bundle"), "compiling signs alike");
}

#[test]
fn a_threshold_is_met_or_the_missing_keys_are_named() {
    let at = workshop("threshold");
    let all = ["-k", "one.jwk", "-k", "two.jwk", "-k", "three.jwk"];
    let verify = |more: &[&str]| outcome(&at, &[&["verify", "a.bundle"], &all[..], more].concat());
    let (status, told) = verify(&["--threshold", "2"]);
    assert_eq!(status, Some(1));
    assert!(told.starts_with("a.bundle: refused: bundle is not signed"), "{told}");
    done(&toolward(&at, &["sign", "a.bundle", "-k", "one.pem", "-k", "three.pem"]));
    assert_eq!(verify(&["--threshold", "2"]).0, Some(0));
    let (status, told) = verify(&[]);
    assert_eq!(status, Some(1), "without a threshold every key must have signed");
    assert!(told.contains(&format!("missing: {}", key_id(&at, "two.jwk"))), "{told}");
}

#[test]
fn old_expired_and_damaged_bundles_are_refused() {
    let at = workshop("refused");
    let verify = |bundle: &str, more: &[&str]| {
        let (status, told) = outcome(&at, &[&["verify", bundle, "-k", "one.jwk", "--json"], more].concat());
        let report: Value = serde_json::from_str(&told).unwrap();
        (status, report["result"].clone(), report["error"].as_str().unwrap_or_default().to_owned())
    };
    done(&toolward(&at, &["sign", "a.bundle", "-k", "one.pem"]));
    assert_eq!(verify("a.bundle", &["--min-serial", "7"]), (Some(0), "verified".into(), String::new()));
    let (status, result, error) = verify("a.bundle", &["--min-serial", "8"]);
    assert_eq!((status, result), (Some(1), "refused".into()));
    assert!(error.starts_with("bundle has serial 7, expected 8 or more"), "{error}");
    let compile = ["compile", "p.yaml", "-o", "old.bundle", "--sign", "one.pem", "--not-after", "2020-01-01"];
    done(&toolward(&at, &compile));
    let (status, _, error) = verify("old.bundle", &[]);
    assert_eq!(status, Some(1));
    assert!(error.starts_with("bundle is valid until 2020-01-01T00:00:00Z, which is past"), "{error}");
    let whole = fs::read(at.join("a.bundle")).unwrap();
    for (offset, why) in
        [(0, "not a policy bundle"), (40, "is wrong"), (100, "section table"), (600, "damaged")]
    {
        let mut bytes = whole.clone();
        bytes[offset] ^= 0x10;
        fs::write(at.join("bad.bundle"), bytes).unwrap();
        let (status, _, error) = verify("bad.bundle", &[]);
        assert_eq!(status, Some(1));
        assert!(error.contains(why), "byte {offset}: {error}");
    }
}

#[test]
fn nothing_is_written_where_signing_fails() {
    let at = workshop("failures");
    let before = fs::read(at.join("a.bundle")).unwrap();
    let mut damaged = before.clone();
    *damaged.last_mut().unwrap() ^= 1;
    fs::write(at.join("damaged.bundle"), &damaged).unwrap();
    fs::write(at.join("v1.bundle"), FORMAT_1).unwrap();
    for (arguments, why) in [
        (&["a.bundle", "-k", "one.pem", "-k", "missing.pem"][..], "key `missing.pem`"),
        (&["a.bundle", "-k", "one.jwk"], "expected an Ed25519 private key in PKCS#8 PEM"),
        (&["damaged.bundle", "-k", "one.pem"], "bundle is damaged"),
        (&["v1.bundle", "-k", "one.pem"], "format 1, which has no place for signatures"),
        (&["p.yaml", "-k", "one.pem"], "not a policy bundle"),
        (&["missing.bundle", "-k", "one.pem"], "cannot read `missing.bundle`"),
    ] {
        let (status, told) = outcome(&at, &[&["sign"], arguments].concat());
        assert_eq!(status, Some(1), "{arguments:?}");
        assert!(told.contains(why), "{arguments:?}: {told}");
    }
    let (status, _) = outcome(&at, &["compile", "p.yaml", "-o", "new.bundle", "--sign", "missing.pem"]);
    assert_eq!(status, Some(1));
    assert!(!at.join("new.bundle").exists());
    assert_eq!(fs::read(at.join("a.bundle")).unwrap(), before);
    assert_eq!(fs::read(at.join("damaged.bundle")).unwrap(), damaged);
}

#[test]
fn a_private_key_that_others_can_read_is_reported() {
    let at = workshop("shared");
    let (_, told) = outcome(&at, &["sign", "a.bundle", "-k", "one.pem"]);
    assert!(!told.contains("others can read"), "{told}");
    fs::set_permissions(at.join("one.pem"), fs::Permissions::from_mode(0o644)).unwrap();
    let (status, told) = outcome(&at, &["sign", "a.bundle", "-k", "one.pem"]);
    assert_eq!(status, Some(0));
    assert!(told.contains("others can read the private key `one.pem`"), "{told}");
}

#[test]
fn inspect_prints_the_metadata_of_a_damaged_bundle_too() {
    let at = workshop("inspect");
    let compile =
        ["compile", "p.yaml", "-o", "b.bundle", "--serial", "9", "--not-after", "2099-12-31T23:59:59Z"];
    done(&toolward(&at, &[&compile[..], &["--sign", "one.pem"]].concat()));
    let text = done(&toolward(&at, &["inspect", "b.bundle"]));
    for line in [
        "revision      r1",
        "organisation  acme",
        "serial        9",
        "valid         until 2099-12-31T23:59:59Z",
        &format!("signatures    {}, not checked here", key_id(&at, "one.jwk")),
        "tiers         read < write < destructive",
        "servers       git (corporate) https://tools.acme.test/git",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    let json: Value =
        serde_json::from_str(&done(&toolward(&at, &["inspect", "b.bundle", "--json"]))).unwrap();
    let mut bytes = fs::read(at.join("b.bundle")).unwrap();
    assert_eq!(json["bytes"], bytes.len());
    assert_eq!((&json["serial"], &json["not_after"]), (&9.into(), &"2099-12-31T23:59:59Z".into()));
    assert_eq!(json["signatures"], serde_json::json!([key_id(&at, "one.jwk")]));
    assert_eq!(json["servers"][0]["resource"], "https://tools.acme.test/git");
    let sections: u64 =
        json["sections"].as_array().unwrap().iter().map(|s| s["bytes"].as_u64().unwrap()).sum();
    assert!(sections > 100 && sections < bytes.len() as u64);
    bytes[600] ^= 1;
    fs::write(at.join("b.bundle"), bytes).unwrap();
    let (status, told) = outcome(&at, &["inspect", "b.bundle"]);
    assert_eq!(status, Some(1));
    assert!(told.contains("serial        9") && told.contains("contents      bundle is damaged"), "{told}");
}

#[test]
fn an_invalid_time_is_reported() {
    let at = workshop("time");
    let (status, told) = outcome(&at, &["compile", "p.yaml", "-o", "b.bundle", "--not-after", "tomorrow"]);
    assert_eq!(status, Some(2));
    assert!(told.contains("expected a time such as `2027-01-01T00:00:00Z`, or a date"), "{told}");
}

#[test]
fn every_command_has_an_example_in_its_help() {
    let at = directory("help");
    for command in ["compile", "keygen", "sign", "verify", "inspect"] {
        let help = done(&toolward(&at, &[command, "--help"]));
        assert!(help.contains("Examples:\n") && help.contains(&format!("  toolward {command} ")), "{help}");
    }
}

#[test]
fn a_serial_that_the_policy_contradicts_is_not_lost() {
    let at = workshop("contradiction");
    let text = POLICY.replace("revision: r1", "revision: r1\nserial: 3\nnot_after: \"2099-01-01\"");
    fs::write(at.join("p.yaml"), text).unwrap();
    for option in [["--serial", "4"], ["--not-after", "2098-01-01"]] {
        let (status, told) = outcome(&at, &[&["compile", "p.yaml", "-o", "b.bundle"], &option[..]].concat());
        assert_eq!(status, Some(1), "{told}");
        assert!(told.contains("leave one of them out"), "{told}");
        assert!(!at.join("b.bundle").exists());
    }
    let same = ["compile", "p.yaml", "-o", "b.bundle", "--serial", "3", "--not-after", "2099-01-01"];
    assert!(outcome(&at, &same).1.contains("serial 3"));
}

/// Runs openssl; `None` where this machine has none.
fn openssl(at: &Path, arguments: &[&str]) -> Option<String> {
    let output = match Command::new("openssl").current_dir(at).args(arguments).output() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        output => output.unwrap(),
    };
    Some(done(&output))
}

#[test]
fn keys_and_signatures_are_openssls() {
    let at = workshop("openssl");
    if openssl(&at, &["genpkey", "-algorithm", "ed25519", "-out", "theirs.pem"]).is_none() {
        eprintln!("skipped: openssl is not installed");
        return;
    }
    openssl(&at, &["pkey", "-in", "theirs.pem", "-pubout", "-out", "theirs.pub.pem"]).unwrap();
    done(&toolward(&at, &["sign", "a.bundle", "-k", "theirs.pem"]));
    done(&toolward(&at, &["verify", "a.bundle", "-k", "theirs.pub.pem"]));
    // Our key, read by openssl; the documented message, verified by it.
    let public = openssl(&at, &["pkey", "-in", "one.pem", "-pubout"]).unwrap();
    assert_eq!(public, done(&toolward(&at, &["keygen", "--public", "one.pem", "--format", "pem"])));
    fs::write(at.join("one.pub.pem"), public).unwrap();
    done(&toolward(&at, &["compile", "p.yaml", "-o", "b.bundle", "--sign", "one.pem"]));
    let bytes = fs::read(at.join("b.bundle")).unwrap();
    fs::write(at.join("message"), [b"toolward bundle signature, v1\n", &bytes[..80]].concat()).unwrap();
    fs::write(at.join("signature"), &bytes[bytes.len() - 64..]).unwrap();
    let check = ["pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", "one.pub.pem", "-in", "message"];
    openssl(&at, &[&check[..], &["-sigfile", "signature"]].concat()).unwrap();
}
