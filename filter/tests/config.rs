//! Configuration files: the valid ones are read, the invalid ones give exactly their message files, and the table of
//! defaults in the docs is the table of the code. `BLESS=1` writes messages and table anew.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "../../tests/bless.rs"]
mod bless;

use base64::Engine as _;
use bless::bless;
use filter::config::{Config, defaults};
use filter::crypto::{Algorithm, SignatureFailure, SignatureProvider};
use filter::mcp::Revision;
use filter::reply::DenialForm;
use policy_wasm::bundle::{PublicKey, Unverified};
use policy_wasm::compile::{Options, SourceFile, compile};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

const TESTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests");
const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration.md");

struct NoProvider;

impl SignatureProvider for NoProvider {
    fn verify(&self, _: Algorithm, _: &[u8], _: &[u8], _: &[u8]) -> Result<(), SignatureFailure> {
        Err(SignatureFailure::Unavailable)
    }
}

fn bundle(policy: &str) -> Vec<u8> {
    let text = fs::read_to_string(Path::new(TESTS).join("policies").join(policy)).unwrap();
    compile(&[SourceFile { name: policy.to_owned(), text }], &Options::default()).unwrap()
}

/// Signs with the key whose 32 secret bytes are all `number`.
fn signed(bundle: Vec<u8>, number: u8) -> Vec<u8> {
    use ed25519_dalek::{Signer as _, SigningKey};
    let unverified = Unverified::open(bundle).unwrap();
    let key = SigningKey::from_bytes(&[number; 32]);
    let public = PublicKey::from_bytes(key.verifying_key().as_bytes()).unwrap();
    unverified.signed(&public, &key.sign(&unverified.message()).to_bytes()).unwrap()
}

/// The files of `tests/config/<folder>` with their placeholders filled in.
fn files(folder: &str) -> Vec<(PathBuf, String)> {
    let base = fs::read_to_string(Path::new(TESTS).join("scenarios/base.json")).unwrap();
    let base: serde_json::Value = serde_json::from_str(&base).unwrap();
    let jwks = base.pointer("/config/issuers/0/jwks").unwrap().to_string();
    let encoded = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let (acme, plain) = (encoded(&bundle("acme.yaml")), encoded(&bundle("own-words.yaml")));
    let by_two = encoded(&signed(signed(bundle("acme.yaml"), 1), 2));
    let mut paths: Vec<PathBuf> = fs::read_dir(Path::new(TESTS).join("config").join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    paths.sort();
    let filled = |path: &PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        let text = text.replace("\"$jwks\"", &jwks);
        text.replace("$bundle", &acme).replace("$plain_bundle", &plain).replace("$signed_bundle", &by_two)
    };
    paths.iter().map(|path| (path.clone(), filled(path))).collect()
}

fn name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap()
}

fn parse(path: &Path, text: &str) -> Result<Config, policy_wasm::source::Problems> {
    Config::parse(name(path), text.as_bytes(), Rc::new(NoProvider))
}

#[test]
fn valid_configurations_are_read_without_a_problem() {
    let files = files("valid");
    assert!(files.len() >= 3);
    for (path, text) in files {
        let config = parse(&path, &text);
        assert!(config.is_ok(), "{}:\n{:?}", path.display(), config.err());
    }
}

#[test]
fn invalid_configurations_give_exactly_their_messages() {
    let files = files("invalid");
    assert!(files.len() >= 25);
    let mut old = Vec::new();
    for (path, text) in files {
        let messages = match parse(&path, &text) {
            Ok(_) => panic!("{} was accepted", path.display()),
            Err(problems) => problems.to_string(),
        };
        assert!(!messages.is_empty(), "{}: a refusal without a reason", path.display());
        for secret in ["secret", "c2VjcmV0", "5353353"] {
            assert!(!messages.contains(secret), "{} tells a secret:\n{messages}", path.display());
        }
        let expected = path.with_extension("txt");
        if bless() {
            fs::write(&expected, messages).unwrap();
        } else if fs::read_to_string(&expected).unwrap_or_default() != messages {
            old.push(format!("{}:\n{messages}", expected.display()));
        }
    }
    assert!(
        old.is_empty(),
        "message files are old; write them anew with BLESS=1 and look at them\n{}",
        old.join("\n")
    );
}

#[test]
fn what_is_left_out_has_its_default_and_what_is_written_holds() {
    let files = files("valid");
    let read = |wanted: &str| {
        let (path, text) = files.iter().find(|(path, _)| name(path) == wanted).unwrap();
        parse(path, text).unwrap()
    };
    let minimal = read("minimal.json");
    assert_eq!(minimal.max_body_bytes as u64, defaults::MAX_BODY.default);
    assert_eq!(u64::from(minimal.max_depth), defaults::MAX_DEPTH.default);
    assert_eq!(minimal.max_response_bytes as u64, defaults::MAX_RESPONSE.default);
    assert_eq!(minimal.revisions, Revision::DEFAULT.into_iter().collect());
    assert_eq!(minimal.server(0).denial_form, DenialForm::JsonRpcError);
    assert_eq!(minimal.authorization_servers, ["https://id.acme.test"]);
    assert!(!minimal.keep_authorization);
    assert!(minimal.allowed_origins.is_empty());
    assert!(minimal.spicedb.is_none());

    let full = read("full.json");
    assert_eq!(full.max_body_bytes, 1024);
    assert_eq!(full.longest_body_bytes(), 67_108_864);
    assert_eq!(full.revisions, [Revision::R20260728].into_iter().collect());
    assert!(full.keep_authorization);
    assert_eq!(
        full.authorization_servers,
        ["https://login.acme.test", "http://127.0.0.1:9000/realms/partner"]
    );
    let spicedb = full.spicedb.as_ref().unwrap();
    assert_eq!((spicedb.authority.as_str(), spicedb.timeout_ms), ("spicedb.internal:8443", 10_000));
    for server in full.bundle.servers() {
        let settings = full.server(server.index());
        let expected = match server.id() {
            "github" => (DenialForm::Http403, 67_108_864),
            _ => (DenialForm::ToolError, 1024),
        };
        assert_eq!((settings.denial_form, settings.max_body_bytes), expected, "{}", server.id());
    }
    let shown = format!("{full:?}");
    assert!(!shown.contains("preshared"), "a secret in `Debug`: {shown}");
}

/// Every place of a tree, as a JSON pointer, in the tree's order.
fn places(value: &Value, path: &str, out: &mut Vec<String>) {
    out.push(path.to_owned());
    match value {
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(at, value)| places(value, &format!("{path}/{at}"), out));
        }
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| places(value, &format!("{path}/{key}"), out));
        }
        _ => {}
    }
}

/// Whether a place is, or lies within, a field of a list of fields.
fn is_in(fields: &[&str], place: &str) -> bool {
    let of = |field: &str| {
        let (field, place): (Vec<&str>, Vec<&str>) = (field.split('/').collect(), place.split('/').collect());
        place.len() >= field.len()
            && field.iter().zip(&place).all(|(want, found)| *want == "*" || want == found)
    };
    fields.iter().any(|field| of(field))
}

/// What a person can make of one field by a slip of the hand, with a secret in it.
fn slips(whole: &Value, place: &str) -> Vec<Value> {
    let canaries = [
        json!(CANARY),
        json!(CANARY_NUMBER),
        json!([CANARY]),
        json!([[CANARY_NUMBER]]),
        json!({ "a": CANARY }),
        json!({ "keys": CANARY }),
        json!({ "keys": [{ "k": CANARY, "kty": CANARY, "crv": CANARY, "x": CANARY, "kid": CANARY_NUMBER }] }),
        json!({ "spicedb": { "cluster": CANARY_NUMBER, "bearer_token": [CANARY], "timeout_ms": CANARY } }),
        json!({ CANARY: true }),
        json!({ CANARY: { CANARY: [CANARY] } }),
        json!([{ CANARY: CANARY }]),
        json!(true),
        json!(null),
    ];
    let mut out = Vec::new();
    for canary in &canaries {
        // In the place of what stands there.
        let mut changed = whole.clone();
        *changed.pointer_mut(place).unwrap() = canary.clone();
        out.push(changed);
        let Some((parent, key)) = place.rsplit_once('/') else { continue };
        let mut changed = whole.clone();
        match changed.pointer_mut(parent).unwrap() {
            // In another list, as its first and its last.
            Value::Array(list) => {
                list.insert(0, canary.clone());
                list.push(canary.clone());
            }
            // Under the key misspelt in several ways, and under others beside it.
            Value::Object(map) => {
                let cut: String = key.chars().skip(1).collect();
                for slip in [
                    cut.as_str(),
                    &format!("{key}s"),
                    &key.to_uppercase(),
                    &format!("{key}_secret"),
                    "x",
                    " ",
                ] {
                    let mut map = map.clone();
                    map.insert(slip.to_owned(), canary.clone());
                    let mut beside = whole.clone();
                    *beside.pointer_mut(parent).unwrap() = Value::Object(map.clone());
                    out.push(beside);
                    map.remove(key);
                    let mut instead = whole.clone();
                    *instead.pointer_mut(parent).unwrap() = Value::Object(map);
                    out.push(instead);
                }
            }
            _ => panic!("{parent} holds nothing"),
        }
        out.push(changed);
    }
    out
}

const CANARY: &str = "cAnary+0123456789/abcdefABCDEF0123456789abcd=";
const CANARY_NUMBER: u64 = 7_316_055_829;

/// The kinds of slips at every field that there is; no problem repeats what is there, but of the fields that are public.
#[test]
fn no_problem_repeats_what_may_be_a_secret() {
    let mut fields = BTreeSet::new();
    let (mut tried, mut refused, mut repeated) = (0, 0, BTreeSet::new());
    for (path, text) in files("valid") {
        let whole: Value = serde_json::from_str(&text).unwrap();
        let mut all = Vec::new();
        places(&whole, "", &mut all);
        // The first of a list stands for all.
        all.retain(|place| !place.split('/').any(|step| step.parse::<u32>().is_ok_and(|at| at > 0)));
        for place in all {
            let general: Vec<&str> =
                place.split('/').map(|step| if step == "0" { "*" } else { step }).collect();
            fields.insert(general.join("/"));
            for slip in slips(&whole, &place) {
                tried += 1;
                let Err(problems) =
                    Config::parse(name(&path), slip.to_string().as_bytes(), Rc::new(NoProvider))
                else {
                    continue;
                };
                refused += 1;
                for problem in problems.to_vec() {
                    let told = problem.to_string();
                    if !told.contains(CANARY) && !told.contains(&CANARY_NUMBER.to_string()) {
                        continue;
                    }
                    // A bundle that is too old is told with the serial number that was asked for.
                    let is_serial = |told: &str| place == "/bundle/min_serial" && !told.contains(CANARY);
                    assert!(
                        (is_in(&defaults::PUBLIC, &problem.path) && !problem.path.contains(CANARY))
                            || is_serial(&told),
                        "{place} in {}: {told}",
                        path.display()
                    );
                    repeated.insert(problem.path.clone());
                }
            }
        }
    }
    assert!(tried > 10_000 && refused > tried / 2, "{tried} tried, {refused} refused");
    let tabled =
        defaults::NUMBERS.iter().map(|number| number.path).chain(defaults::CHOICES.iter().map(|c| c.path));
    for field in tabled.chain([
        "/sessions/keys/*",
        "/checks/spicedb/bearer_token",
        "/bundle/base64",
        "/issuers/*/jwks",
    ]) {
        assert!(fields.iter().any(|place| is_in(&[field], place)), "no file has {field}, so it is not tried");
    }
    for field in defaults::PUBLIC {
        let is_told = repeated.iter().any(|place| is_in(&[field], place));
        // Of an origin none is repeated that is not one.
        assert!(is_told || field == "/allowed_origins/*", "{field} is public for nothing");
    }
}

fn table() -> String {
    let mut out = String::from("| field | default | accepted | why |\n|---|---|---|---|\n");
    for number in defaults::NUMBERS {
        let unit = if number.unit.is_empty() { String::new() } else { format!(" {}", number.unit) };
        writeln!(
            out,
            "| `{}` | {}{unit} | {} to {} | {} |",
            number.path, number.default, number.least, number.most, number.reason
        )
        .unwrap();
    }
    for choice in defaults::CHOICES {
        let default = match choice.default.starts_with(['"', '[']) {
            true => format!("`{}`", choice.default),
            false => choice.default.to_owned(),
        };
        writeln!(out, "| `{}` | {default} | {} | {} |", choice.path, choice.values, choice.reason).unwrap();
    }
    out
}

#[test]
fn the_docs_list_every_default_with_its_reason() {
    const BEGIN: &str = "<!-- defaults:begin (written by `BLESS=1 cargo test -p filter --test config`) -->\n";
    const END: &str = "<!-- defaults:end -->";
    let docs = fs::read_to_string(DOCS).unwrap();
    let (head, rest) = docs.split_once(BEGIN).expect("the docs mark where the table begins");
    let (found, tail) = rest.split_once(END).expect("the docs mark where the table ends");
    let wanted = table();
    if bless() {
        fs::write(DOCS, format!("{head}{BEGIN}{wanted}{END}{tail}")).unwrap();
    } else {
        assert!(found == wanted, "the table of defaults is old; write it anew with BLESS=1 and look at it");
    }
}

#[test]
fn the_docs_name_every_field() {
    let docs = fs::read_to_string(DOCS).unwrap();
    for field in defaults::PUBLIC {
        assert!(docs.contains(&format!("`{field}`")), "{field}");
    }
    for field in [
        "issuer",
        "jwks",
        "algorithms",
        "bundle",
        "base64",
        "keys",
        "threshold",
        "cluster",
        "bearer_token",
        "servers",
        "checks",
        "messages",
    ] {
        assert!(docs.contains(&format!("`{field}`")), "{field}");
    }
}
