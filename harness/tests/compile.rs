//! `toolward compile` and `toolward check` as a shell sees them.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may stop at the first surprise"
)]

mod common;

use common::{directory, said, toolward};
use policy_wasm::bundle::{Bundle, Trust};
use std::fs;

const HEAD: &str = "policy: toolward/v1\nissuers: {acme: \"https://id.acme.test\"}\n";
const SERVER: &str = "policy: toolward/v1\nservers: {git: {resource: \"https://tools.acme.test/git\", tools: {a: {tier: read}}}}\n";

#[test]
fn a_directory_compiles_to_one_bundle() {
    let directory = directory("a_directory");
    fs::create_dir(directory.join("policy")).unwrap();
    fs::write(directory.join("policy/b.yaml"), SERVER).unwrap();
    fs::write(directory.join("policy/a.yml"), HEAD).unwrap();
    fs::write(directory.join("policy/notes.txt"), "not a policy").unwrap();
    let output = toolward(&directory, &["compile", "policy", "-o", "out.bundle", "--revision", "r7"]);
    assert!(output.status.success(), "{}", said(&output.stderr));
    let bytes = fs::read(directory.join("out.bundle")).unwrap();
    let told = format!("out.bundle: revision r7, servers 1, tools 1, rules 0, bytes {}\n", bytes.len());
    assert_eq!(said(&output.stderr), told);
    let bundle = Bundle::open(bytes, &Trust::digest_only()).unwrap();
    assert_eq!(bundle.server_at("tools.acme.test", "/git").unwrap().id(), "git");
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 2, "nothing else is left behind");
}

#[test]
fn a_policy_that_is_wrong_leaves_the_old_bundle_alone() {
    let directory = directory("wrong");
    fs::write(directory.join("p.yaml"), "policy: toolward/v1\nserver: {}\nissuers: []\n").unwrap();
    fs::write(directory.join("out.bundle"), "old").unwrap();
    let output = toolward(&directory, &["compile", "p.yaml", "-o", "out.bundle"]);
    assert_eq!(output.status.code(), Some(1));
    let told = said(&output.stderr);
    let lines: Vec<&str> = told.lines().collect();
    assert!(lines[0].starts_with("p.yaml:2:1: /server: unknown key, "), "{told}");
    assert_eq!(lines[1..3], [" 2 | server: {}", "   | ^^^^^^ did you mean `servers`?"]);
    assert_eq!(lines[3], "p.yaml:3:10: /issuers: expected a map, found a list");
    assert_eq!(lines[4..6], [" 3 | issuers: []", "   |          ^^"]);
    assert_eq!(lines[6], "2 problems, nothing was compiled");
    assert!(!told.contains('\u{1b}'), "colours where nobody sees them: {told}");
    assert_eq!(fs::read_to_string(directory.join("out.bundle")).unwrap(), "old");
}

#[test]
fn check_writes_nothing_and_tells_problems_as_json() {
    let directory = directory("check");
    fs::write(directory.join("good.yaml"), SERVER).unwrap();
    fs::write(directory.join("bad.yaml"), "policy: toolward/v1\nchian: {}\n").unwrap();
    assert!(toolward(&directory, &["check", "good.yaml"]).status.success());
    let output = toolward(&directory, &["check", "--json-errors", "bad.yaml"]);
    assert_eq!(output.status.code(), Some(1));
    let problem: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&problem["file"], &problem["line"], &problem["column"]),
        (&"bad.yaml".into(), &2.into(), &1.into())
    );
    assert_eq!((&problem["end_line"], &problem["end_column"]), (&2.into(), &6.into()));
    assert_eq!(problem["excerpt"], " 2 | chian: {}\n   | ^^^^^");
    assert_eq!(
        (&problem["path"], &problem["suggestion"]),
        (&"/chian".into(), &"did you mean `chain`?".into())
    );
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 2);
}

#[test]
fn unreadable_files_are_reported_by_name() {
    let directory = directory("unreadable");
    fs::create_dir(directory.join("empty")).unwrap();
    fs::write(directory.join("latin.yaml"), b"policy: \xe9\n").unwrap();
    for (argument, expected) in [
        ("missing.yaml", "toolward: cannot read `missing.yaml`: "),
        ("empty", "toolward: no `*.yaml` or `*.yml` file in `empty`"),
        ("latin.yaml", "toolward: `latin.yaml` is not UTF-8: byte 8 begins no character"),
    ] {
        let output = toolward(&directory, &["check", argument]);
        assert_eq!(output.status.code(), Some(1));
        assert!(said(&output.stderr).starts_with(expected), "{}", said(&output.stderr));
    }
}
