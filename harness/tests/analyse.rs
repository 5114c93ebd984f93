//! `toolward explain`, `matrix`, `diff` and `test` as a shell sees them, on the questions of `tests/queries`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may stop at the first surprise"
)]

mod common;

use common::{directory, said, toolward};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn queries() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/queries")
}

fn held(file: &str) -> String {
    fs::read_to_string(queries().join(file)).unwrap()
}

/// Runs in the folder of questions.
fn asked(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = toolward(&queries(), arguments);
    (output.status.code(), said(&output.stdout), said(&output.stderr))
}

const AT: &str = "2026-11-21T12:00:00Z";

#[test]
fn explain_answers_a_question_in_a_file_as_the_library_does() {
    for (name, code) in [("merge", 0), ("delete-by-a-chain", 1), ("stranger", 1), ("list", 0)] {
        let query = format!("{name}.query.json");
        let found = asked(&["explain", "--policy", "policy.yaml", "--query", &query, "--json"]);
        assert_eq!(found, (Some(code), held(&format!("{name}.explanation.json")), String::new()));
    }
}

#[test]
fn explain_answers_the_same_question_in_options() {
    let found = asked(&[
        "explain",
        "--policy",
        "policy.yaml",
        "--subject",
        "alice",
        "--group",
        "engineering",
        "--group",
        "staff",
        "--agent",
        "planner",
        "--server",
        "github",
        "--tool",
        "merge_pull_request",
        "--arg",
        "owner=acme",
        "--arg",
        "repo=web",
        "--json",
    ]);
    assert_eq!(found, (Some(0), held("merge.explanation.json"), String::new()));
    let found = asked(&[
        "explain",
        "--policy",
        "policy.yaml",
        "--subject",
        "alice",
        "--agent",
        "planner",
        "--agent",
        "subject:agent:reader",
        "--server",
        "github",
        "--tool",
        "delete_repository",
        "--args",
        "{}",
        "--json",
    ]);
    assert_eq!(found, (Some(1), held("delete-by-a-chain.explanation.json"), String::new()));
}

#[test]
fn explain_reads_standard_input_and_writes_a_plain_tree() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_toolward"))
        .current_dir(queries())
        .args(["explain", "--policy", "policy.yaml", "--query", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(held("delete-by-a-chain.query.json").as_bytes()).unwrap();
    let Output { status, stdout, .. } = child.wait_with_output().unwrap();
    let text = said(&stdout);
    assert_eq!(status.code(), Some(1));
    assert!(text.starts_with("deny  tier_above_subject, tier_above_actor\n"), "{text}");
    assert!(text.contains("├─ ✗ tiers  tier_above_subject, tier_above_actor\n"), "{text}");
    assert!(
        text.contains("it would be permitted by all of\n  • give `alice` a grant of `destructive`"),
        "{text}"
    );
    assert!(!text.contains('\u{1b}'), "no colours where nobody sees them");
}

#[test]
fn questions_that_cannot_be_asked_are_errors_and_no_denials() {
    let policy = ["explain", "--policy", "policy.yaml"];
    let merge = ["--subject", "alice", "--server", "github", "--tool", "merge_pull_request"];
    for (arguments, expected) in [
        (&["--subject", "a", "--server", "githab", "--tool", "t"][..], "did you mean `github`?"),
        (
            &["--subject", "a", "--server", "github", "--tool", "t", "--agent", "planer"],
            "did you mean `planner`?",
        ),
        (&["--subject", "a", "--server", "github"], "asked for nothing"),
        (
            &[merge[0], merge[1], merge[2], merge[3], merge[4], merge[5], "--args", "[]"],
            "expected a JSON object",
        ),
        (&[merge[0], merge[1], merge[2], merge[3], merge[4], merge[5], "--arg", "x"], "expected NAME=VALUE"),
        (
            &[merge[0], merge[1], merge[2], merge[3], merge[4], merge[5], "--consent", "{}"],
            "/consent/id: required",
        ),
        (
            &[merge[0], merge[1], merge[2], merge[3], merge[4], merge[5], "--definition", "md5:0"],
            "expected `sha256:`",
        ),
        (&["--query", "missing.json"], "cannot read `missing.json`"),
        (&["--query", "policy.yaml"], "query:1:1: not JSON"),
    ] {
        let (code, stdout, stderr) = asked(&[&policy[..], arguments].concat());
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{arguments:?}: {stderr}");
        assert!(stderr.starts_with("toolward: ") && stderr.contains(expected), "{arguments:?}: {stderr}");
    }
    let (code, _, stderr) = asked(&["explain", "--policy", "README.md", "--query", "merge.query.json"]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("the policy does not compile"), "{stderr}");
    assert_eq!(asked(&["explain", "--query", "merge.query.json"]).0, Some(2), "without a policy");
}

#[test]
fn a_bundle_answers_as_its_policy_does() {
    let directory = directory("analyse_bundle");
    let policy = queries().join("policy.yaml");
    let compiled = toolward(&directory, &["compile", policy.to_str().unwrap(), "-o", "p.bundle"]);
    assert!(compiled.status.success());
    let query = queries().join("merge.query.json");
    let output = toolward(
        &directory,
        &["explain", "--bundle", "p.bundle", "--query", query.to_str().unwrap(), "--json"],
    );
    assert_eq!(said(&output.stdout), held("merge.explanation.json"));
    fs::write(directory.join("no.bundle"), "nothing").unwrap();
    let output = toolward(&directory, &["matrix", "--bundle", "no.bundle"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output.stderr).contains("not a policy bundle"), "{}", said(&output.stderr));
}

#[test]
fn matrix_writes_every_form() {
    let matrix = |more: &[&str]| asked(&[&["matrix", "--policy", "policy.yaml"], more].concat());
    let ok = |text: String| (Some(0), text, String::new());
    assert_eq!(matrix(&["--now", AT, "--json"]), ok(held("everybody.matrix.json")));
    assert_eq!(matrix(&["--now", AT, "--csv"]), ok(held("everybody.matrix.csv")));
    assert_eq!(matrix(&["--now", AT, "--width", "100"]), ok(held("everybody.matrix.txt")));
    assert_eq!(matrix(&["--spec", "some.matrix-spec.json", "--html"]), ok(held("some.matrix.html")));
    let (code, text, _) = matrix(&["--agent", "planner", "--server", "payroll", "--csv"]);
    assert_eq!(code, Some(0));
    let lines: Vec<&str> = text.lines().skip(1).collect();
    assert_eq!(lines.len(), 6, "three subjects, two entries");
    assert!(
        lines.iter().all(|line| line.starts_with("agent:planner,") && line.contains(",payroll,")),
        "{text}"
    );
    assert_eq!(matrix(&["--json", "--csv"]).0, Some(2));
    assert!(matrix(&["--server", "payrol"]).2.contains("did you mean `payroll`?"));
}

#[test]
fn diff_tells_whether_anything_changes() {
    let diff = |arguments: &[&str]| asked(&[&["diff"], arguments, &["--now", AT]].concat());
    assert_eq!(diff(&["policy.yaml", "new-policy.yaml"]), (Some(1), held("policy.diff.txt"), String::new()));
    assert_eq!(diff(&["policy.yaml", "new-policy.yaml", "--json"]).1, held("policy.diff.json"));
    let (code, text, _) = diff(&["policy.yaml", "policy.yaml"]);
    assert_eq!((code, text.as_str()), (Some(0), "queries-1 → queries-1: 0 of 63 decisions change\n"));
    assert_eq!(diff(&["policy.yaml", "missing.bundle"]).0, Some(2));
}

#[test]
fn tests_beside_the_policy_run_and_report_their_coverage() {
    let directory = directory("analyse_test");
    for file in ["policy.yaml", "policy.test.yaml"] {
        fs::copy(queries().join(file), directory.join(file)).unwrap();
    }
    let run = |arguments: &[&str]| {
        let output = toolward(&directory, &[&["test", "."], arguments].concat());
        (output.status.code(), said(&output.stdout), said(&output.stderr))
    };
    let (code, stdout, stderr) = run(&["--coverage", "--junit", "report.xml"]);
    assert_eq!((code, stderr.as_str()), (Some(0), "6 tests, 0 failed\n"));
    assert!(
        stdout.starts_with("TAP version 14\n1..6\n# ./policy.test.yaml\nok 1 - engineers merge"),
        "{stdout}"
    );
    assert!(stdout.contains("# coverage 81 %: 9 of 11 rules reached\n"), "{stdout}");
    let report = fs::read_to_string(directory.join("report.xml")).unwrap();
    assert!(
        report.contains("<testsuites name=\"toolward\" tests=\"6\" skipped=\"0\" failures=\"0\""),
        "{report}"
    );
    let (code, _, stderr) = run(&["--min-coverage", "82"]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("coverage is 81 %, expected at least 82 %"), "{stderr}");
    assert_eq!(run(&["--min-coverage", "81"]).0, Some(0));
    let (code, _, stderr) = run(&["--filter", "payslips"]);
    assert_eq!((code, stderr.as_str()), (Some(0), "2 tests, 0 failed\n"));
    assert_eq!(run(&["--filter", "no such test"]).0, Some(2), "no test is no success");

    fs::copy(queries().join("failing.test.yaml"), directory.join("z.test.yaml")).unwrap();
    let (code, stdout, stderr) = run(&[]);
    assert_eq!((code, stderr.as_str()), (Some(1), "11 tests, 4 failed\n"));
    assert!(stdout.contains("\nnot ok 8 - a permit that was not expected"), "{stdout}");
    let (_, stdout, _) = run(&["--json"]);
    let json: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(json["files"][1]["tests"][1]["passed"], false);

    fs::copy(queries().join("broken.test.yaml"), directory.join("broken.test.yaml")).unwrap();
    let (code, stdout, stderr) = run(&[]);
    assert_eq!((code, stdout.as_str()), (Some(2), ""));
    assert!(
        stderr.contains("broken.test.yaml:7:14: /tests/0/subject: no subject is called `alise`"),
        "{stderr}"
    );
}

#[test]
fn tests_are_no_part_of_the_policy() {
    let directory = directory("analyse_no_part");
    for file in ["policy.yaml", "broken.test.yaml"] {
        fs::copy(queries().join(file), directory.join(file)).unwrap();
    }
    assert!(toolward(&directory, &["check", "."]).status.success());
    fs::remove_file(directory.join("broken.test.yaml")).unwrap();
    let output = toolward(&directory, &["test", "."]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output.stderr).contains("no test was run"), "{}", said(&output.stderr));
}
