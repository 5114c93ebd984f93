//! Questions and answers as text, held against files that every target gives byte for byte (`tests/queries`).
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may stop at the first surprise"
)]

mod common;

use common::{NOW, bundle};
use policy_wasm::bundle::Bundle;
use policy_wasm::query::{Query, decision_json, explanation_json};
use std::fs;
use std::path::{Path, PathBuf};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/queries");

fn policy() -> Bundle {
    bundle(&fs::read_to_string(Path::new(FOLDER).join("policy.yaml")).unwrap())
}

/// Name and text of every query, in order.
fn queries() -> Vec<(String, String)> {
    let mut files: Vec<PathBuf> = fs::read_dir(FOLDER).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let name = |path: &Path| path.file_name()?.to_str()?.strip_suffix(".query.json").map(str::to_owned);
    let found = files.iter().filter_map(|path| Some((name(path)?, fs::read_to_string(path).unwrap())));
    found.collect()
}

#[test]
fn explanations_are_what_the_files_say() {
    let (bundle, mut different) = (policy(), Vec::new());
    for (name, text) in queries() {
        let query = Query::read(&text).unwrap_or_else(|problems| panic!("{name}: {problems}"));
        let explanation = query.explain(&bundle, NOW).unwrap();
        let found = explanation_json(&bundle, &query, &explanation) + "\n";
        let file = format!("{name}.explanation.json");
        if fs::read_to_string(Path::new(FOLDER).join(&file)).unwrap_or_default() != found {
            fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join(&file), &found).unwrap();
            different.push(file);
        }
    }
    assert!(
        different.is_empty(),
        "not as tests/queries says: {different:?}; what was found is in {}",
        env!("CARGO_TARGET_TMPDIR")
    );
}

#[test]
fn the_folder_has_queries_and_no_answer_without_one() {
    let names: Vec<String> = queries().into_iter().map(|(name, _)| name).collect();
    assert!(names.len() >= 7, "{names:?}");
    for entry in fs::read_dir(FOLDER).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        if let Some(name) = file.strip_suffix(".explanation.json") {
            assert!(names.iter().any(|known| known == name), "{file} answers nothing");
        }
    }
}

#[test]
fn an_explanation_begins_with_the_decision() {
    let bundle = policy();
    for (name, text) in queries() {
        let query = Query::read(&text).unwrap();
        let decision = decision_json(&bundle, &query.evaluate(&bundle, NOW).unwrap());
        let explanation = explanation_json(&bundle, &query, &query.explain(&bundle, NOW).unwrap());
        let members = decision.strip_suffix('}').unwrap();
        assert!(explanation.starts_with(members), "{name}: {explanation}");
        let parsed: serde_json::Value = serde_json::from_str(&explanation).unwrap();
        let reasons = parsed["reasons"].as_array().unwrap();
        assert_eq!(parsed["would_change"].as_array().unwrap().len(), reasons.len(), "{name}");
        assert_eq!(parsed["effect"] == "permit", reasons.is_empty(), "{name}");
    }
}

#[test]
fn what_the_policy_does_not_have_is_told_with_a_guess() {
    let bundle = policy();
    let told = |text: &str| Query::read(text).unwrap().evaluate(&bundle, NOW).unwrap_err().to_string();
    assert_eq!(
        told(
            r#"{"server": "githab", "tool": "a", "subject": {"id": "a", "issuer": "https://id.acme.test"}}"#
        ),
        "/server: the policy has no server `githab`; did you mean `github`?"
    );
    assert_eq!(
        told(
            r#"{"server": {"authority": "a", "path": "/"}, "tool": "a", "subject": {"id": "a", "issuer": "https://i"}}"#
        ),
        "/server: the policy has no server at `a`, `/`"
    );
}
