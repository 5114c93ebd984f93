//! Errors as the text that JavaScript turns into an `Error`.

use policy_wasm::bundle::BundleError;
use policy_wasm::compile::SourceFile;
use policy_wasm::lint::{Lint, quoted};
use policy_wasm::query::{Unanswerable, problem_json, problems_json};
use policy_wasm::source::{Position, Problem, Problems};
use std::collections::BTreeMap;
use wasm_bindgen::JsValue;

/// The text of a JSON list of problems.
pub struct Failure(String);

impl Failure {
    /// One problem that has no place in a text.
    pub fn of(file: &str, path: String, message: String, suggestion: Option<String>) -> Failure {
        let problems = Problems::new();
        let position = Position { line: 1, column: 1 };
        problems.push(Problem::new(file, position, path, message, suggestion));
        problems.into()
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Failure {
        Failure(problems_json(&problems))
    }
}

impl From<Unanswerable> for Failure {
    fn from(error: Unanswerable) -> Failure {
        Failure::of("query", error.path, error.message, error.suggestion)
    }
}

impl From<BundleError> for Failure {
    fn from(error: BundleError) -> Failure {
        Failure::of("bundle", String::new(), error.to_string(), None)
    }
}

impl From<Failure> for JsValue {
    fn from(failure: Failure) -> JsValue {
        JsValue::from_str(&failure.0)
    }
}

/// A JSON list of warnings: problems with a `code`, and the advice as suggestion.
pub fn warnings_json(lints: &[Lint], files: &[SourceFile]) -> String {
    let render = |lint: &Lint| {
        let help = Some(lint.help.clone());
        Problem::new(&lint.file, lint.position, String::new(), lint.message.clone(), help)
    };
    let mut out = String::from("[");
    let texts: BTreeMap<&str, &str> =
        files.iter().map(|file| (file.name.as_str(), file.text.as_str())).collect();
    for (lint, problem) in quoted(lints, |name| texts.get(name).copied(), render) {
        if out.len() > 1 {
            out.push(',');
        }
        // Codes are of the letters a to z and hyphens.
        out.push_str("{\"code\":\"");
        out.push_str(lint.code);
        out.push_str("\",");
        out.push_str(problem_json(&problem).trim_start_matches('{'));
    }
    out.push(']');
    out
}
