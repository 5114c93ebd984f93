//! Answers that are compared with files in `tests/queries`.

use crate::common::bundle;
use policy_wasm::bundle::Bundle;
use std::fs;
use std::path::Path;

/// Where questions and answers lie.
pub const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/queries");

/// The policy that is asked.
pub fn policy() -> Bundle {
    bundle(&fs::read_to_string(Path::new(FOLDER).join("policy.yaml")).unwrap())
}

/// A text and its file, equal byte for byte. Differing texts are written beside the test's other output.
pub fn held(answers: Vec<(String, String)>) {
    let mut different = Vec::new();
    for (file, found) in answers {
        if fs::read_to_string(Path::new(FOLDER).join(&file)).unwrap_or_default() != found {
            fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join(&file), &found).unwrap();
            different.push(file);
        }
    }
    let found = env!("CARGO_TARGET_TMPDIR");
    assert!(different.is_empty(), "not as tests/queries says: {different:?}; what was found is in {found}");
}
