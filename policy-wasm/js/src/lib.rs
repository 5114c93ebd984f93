//! The policy engine for JavaScript. This is the thin side: texts, bytes and numbers; `npm/policy.js` adds types and
//! convenient forms.
//!
//! ```text
//! npm/policy.js ──strings, bytes──> this crate ──> policy_wasm::{compile, bundle, query}
//!       ↑ objects                        └── an error is the text of a JSON list of problems ──> PolicyError
//! ```
//!
//! Returned texts equal those of the command line, byte for byte.

mod engine;
mod problems;

pub use engine::Engine;

use policy_wasm::compile::{Options, SourceFile};
use policy_wasm::lint::lint;
use problems::{Failure, warnings_json};
use wasm_bindgen::prelude::wasm_bindgen;

/// Compiles policy files; `names` and `texts` belong together by their places.
///
/// # Errors
/// Everything that is wrong with the files.
#[wasm_bindgen]
pub fn compile(
    names: Vec<String>,
    texts: Vec<String>,
    revision: Option<String>,
    serial: Option<u64>,
    not_after: Option<u64>,
) -> Result<Vec<u8>, Failure> {
    let options = Options { revision, serial, not_after };
    Ok(policy_wasm::compile::compile(&files(names, texts), &options)?)
}

/// Reads policy files as [`compile`] does, without writing a bundle. Returns a JSON list of problems or, if there are
/// none, of warnings (`docs/lints.md`). `now` is in Unix seconds.
#[wasm_bindgen]
pub fn check(names: Vec<String>, texts: Vec<String>, now: u64) -> String {
    let files = files(names, texts);
    match policy_wasm::compile::read(&files, &Options::default()) {
        Ok(policy) => warnings_json(&lint(&policy, now), &files),
        Err(problems) => policy_wasm::query::problems_json(&problems),
    }
}

fn files(names: Vec<String>, texts: Vec<String>) -> Vec<SourceFile> {
    names.into_iter().zip(texts).map(|(name, text)| SourceFile { name, text }).collect()
}
