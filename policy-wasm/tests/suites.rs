//! Policy tests: their files, their results, and the rules that they reach.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may stop at the first surprise"
)]

mod common;
mod golden;

use common::NOW;
use golden::{FOLDER, held, policy};
use policy_wasm::query::{
    Coverage, MatrixSpec, Paint, Query, Suite, TestResult, coverage_text, results_json, results_text, run,
};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn suite(name: &str) -> Result<Suite, String> {
    let text = fs::read_to_string(Path::new(FOLDER).join(name)).unwrap();
    Suite::read(name, &text).map_err(|problems| problems.to_string())
}

fn results(name: &str) -> (Vec<TestResult>, Coverage) {
    let bundle = policy();
    let mut coverage = Coverage::of(&bundle);
    let suite = suite(name).unwrap_or_else(|problems| panic!("{problems}"));
    let results = run(&bundle, &suite, NOW, &mut coverage).unwrap();
    (results, coverage)
}

#[test]
fn tests_that_expect_the_policys_decision_pass() {
    let (results, _) = results("policy.test.yaml");
    assert_eq!(results.len(), 6);
    for result in results {
        assert_eq!(result.differences, [""; 0], "{}", result.name);
        assert_eq!(result.explanation, None);
    }
}

#[test]
fn failed_tests_report_differences_and_reasons() {
    let name = "failing.test.yaml";
    let (results, coverage) = results(name);
    let failed: Vec<bool> = results.iter().map(|result| !result.differences.is_empty()).collect();
    assert_eq!(failed, [false, true, true, true, true]);
    let files = [(name.to_owned(), results)];
    held(vec![
        ("failing.results.txt".into(), results_text(name, &files[0].1, 1, Paint::Plain)),
        ("failing.results.json".into(), results_json(&files, &coverage) + "\n"),
    ]);
}

#[test]
fn all_mistakes_in_a_test_file_are_reported_together() {
    held(vec![("broken.results.txt".into(), suite("broken.test.yaml").unwrap_err())]);
}

#[test]
fn tests_that_cannot_run_are_reported_with_their_places() {
    let bundle = policy();
    let suite = suite("unanswerable.test.yaml").unwrap();
    let problems = run(&bundle, &suite, NOW, &mut Coverage::of(&bundle)).unwrap_err();
    let expected = "\
unanswerable.test.yaml:5:13: the policy has no server `githab`; did you mean `github`?
unanswerable.test.yaml:9:14: the policy has no issuer `acne`; name one of its issuers or an identifier; did you mean `acme`?
unanswerable.test.yaml:15:13: the policy has no issuer `acne`; name one of its issuers or an identifier; did you mean `acme`?
";
    assert_eq!(problems.to_string(), expected);
}

#[test]
fn coverage_names_the_rules_that_no_test_reached() {
    let (_, coverage) = results("policy.test.yaml");
    let missing: Vec<_> = coverage.missing().collect();
    assert_eq!(missing, [("tool", "github/search_code"), ("tool", "payroll/set_salary")]);
    assert_eq!((coverage.reached(), coverage.total(), coverage.percent()), (9, 11, 81));
    let text = coverage_text(&coverage, Paint::Plain);
    assert!(
        text.starts_with(
            "# coverage 81 %: 9 of 11 rules reached\n#   not reached: tool github/search_code\n"
        )
    );
}

#[test]
fn a_rule_that_applies_to_no_tested_caller_is_not_reached() {
    let bundle = policy();
    let mut coverage = Coverage::of(&bundle);
    let text = r#"{policy_tests: toolward/v1, tests: [{name: a, subject: {id: bob}, actors: [{client: desk}],
        server: payroll, tool: get_payslip, expect: {visibility: deny}}]}"#;
    let results = run(&bundle, &Suite::read("t", text).unwrap(), NOW, &mut coverage).unwrap();
    assert!(results[0].differences.is_empty());
    let missing: Vec<_> = coverage.missing().map(|(kind, id)| format!("{kind} {id}")).collect();
    assert!(missing.contains(&"grant finance".to_owned()), "{missing:?}");
    assert!(!missing.contains(&"actor desk".to_owned()), "{missing:?}");
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,80}") {
        let _ = Suite::read("t", &text);
        let _ = Query::read(&text);
        let _ = MatrixSpec::read(&text);
    }

    #[test]
    fn no_document_of_the_right_keys_panics(
        keys in proptest::collection::vec(0..KEYS.len(), 0..8),
        values in proptest::collection::vec(0..VALUES.len(), 8),
    ) {
        let members: Vec<String> = keys
            .iter()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .zip(&values)
            .map(|(key, value)| format!("\"{}\": {}", KEYS[*key], VALUES[*value]))
            .collect();
        let text = format!("{{{}}}", members.join(", "));
        if let Ok(query) = Query::read(&text) {
            // Every query that can be read can be evaluated, or is rejected by name.
            let _ = query.explain(&policy(), NOW);
        }
        let _ = MatrixSpec::read(&text);
        let _ = Suite::read("t", &format!("{{policy_tests: toolward/v1, tests: [{text}]}}"));
    }
}

const KEYS: [&str; 14] = [
    "server",
    "subject",
    "tool",
    "prompt",
    "resource",
    "url",
    "method",
    "actors",
    "arguments",
    "consent",
    "now",
    "definition",
    "expect",
    "name",
];

const VALUES: [&str; 12] = [
    r#""github""#,
    r#"{"id": "alice"}"#,
    r#"{"id": "alice", "issuer": "acme", "groups": ["engineering"], "claims": {"a": [1e3]}}"#,
    r#"[{"client": "desk"}]"#,
    r#"{"authority": "a", "path": "/"}"#,
    r#""merge_pull_request""#,
    r#""permit""#,
    r#""2026-11-21""#,
    "{}",
    "[]",
    "null",
    "99999999999999999999",
];
