//! Whatever fails, as the text that JavaScript makes an error of.

use policy_wasm::bundle::BundleError;
use policy_wasm::query::{Unanswerable, problems_json};
use policy_wasm::source::{Position, Problem, Problems};
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
