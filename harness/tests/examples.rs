//! The example policies compile, and their tests pass and reach every rule.
#![allow(clippy::unwrap_used, reason = "tests may stop at the first surprise")]

mod common;

use common::{said, toolward};
use std::fs;
use std::path::Path;

#[test]
fn the_tests_of_every_example_pass_and_reach_every_rule() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/policies");
    let mut names: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(names, ["bank", "enterprise", "team"]);
    for name in &names {
        let output = toolward(&folder, &["test", name, "--min-coverage", "100"]);
        assert!(output.status.success(), "{name}\n{}{}", said(&output.stdout), said(&output.stderr));
    }
}

#[test]
fn every_example_has_a_matrix_and_does_not_differ_from_itself() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/policies");
    for name in ["bank", "enterprise", "team"] {
        let output =
            toolward(&folder, &["matrix", "--policy", name, "--now", "2026-11-20T12:00:00Z", "--csv"]);
        let text = said(&output.stdout);
        for outcome in [",permit,", ",conditional,", ",deny,"] {
            assert!(text.contains(outcome), "{name} lacks {outcome}");
        }
        let output = toolward(&folder, &["diff", name, name, "--now", "2026-11-20T12:00:00Z"]);
        assert_eq!(output.status.code(), Some(0), "{name}\n{}", said(&output.stdout));
    }
}
