//! Runs policy tests: compares expectations with decisions.

use super::answer::effect_code;
use super::coverage::Coverage;
use super::read::{Query, Target};
use super::style::Paint;
use super::suite::{Expect, ExpectedObligation, PolicyTest, Suite};
use super::text::explanation_text;
use crate::bundle::Bundle;
use crate::decision::{Decision, DenyReason, Obligation, Reasons, Visibility};
use crate::model::ItemKind;
use crate::pdp::Authority;
use crate::source::{Position, Problem, Problems};
use std::collections::BTreeSet;

/// The result of one test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestResult {
    /// The test's name.
    pub name: String,
    /// Its place in the policy files.
    pub position: Position,
    /// The differences; empty means that the test passed.
    pub differences: Vec<String>,
    /// The whole explanation of a test that failed, as text.
    pub explanation: Option<String>,
}

/// Runs the tests of a file. `now` is the time, in Unix seconds, of tests that name none.
///
/// # Errors
/// An error for tests that name a server or issuer that the bundle lacks.
pub fn run(
    bundle: &Bundle,
    suite: &Suite,
    now: u64,
    coverage: &mut Coverage,
) -> Result<Vec<TestResult>, Problems> {
    let problems = Problems::new();
    let results = suite.tests.iter().filter_map(|test| {
        let result = run_one(bundle, test, now, coverage);
        if let Err(problem) = &result {
            problems.push(Problem { file: suite.file.clone(), ..problem.clone() });
        }
        result.ok()
    });
    let results = results.collect();
    if problems.is_empty() { Ok(results) } else { Err(problems) }
}

fn run_one(
    bundle: &Bundle,
    test: &PolicyTest,
    now: u64,
    coverage: &mut Coverage,
) -> Result<TestResult, Problem> {
    let refused = |error: super::Unanswerable| {
        let part = |(key, position): &(&str, Position)| {
            error.path.split('/').nth(1).filter(|p| p == key).map(|_| *position)
        };
        let position = test.parts.iter().find_map(part).unwrap_or(test.position);
        Problem::new("", position, String::new(), error.message, error.suggestion)
    };
    let explanation = test.query.explain(bundle, now).map_err(refused)?;
    let visibility = visibility(bundle, &test.query, now).map_err(refused)?;
    coverage.note(bundle, &test.query, &explanation);
    let differences = differences(&test.expect, &explanation.decision, visibility);
    let explanation =
        (!differences.is_empty()).then(|| explanation_text(bundle, &test.query, &explanation, Paint::Plain));
    Ok(TestResult { name: test.name.clone(), position: test.position, differences, explanation })
}

/// The visibility of the requested item in lists.
fn visibility(bundle: &Bundle, query: &Query, now: u64) -> Result<Option<Visibility>, super::Unanswerable> {
    let (kind, name) = match &query.target {
        Target::Tool(name) => (ItemKind::Tool, name),
        Target::Prompt(name) => (ItemKind::Prompt, name),
        Target::Resource(uri) => (ItemKind::Resource, uri),
        Target::Url(_) | Target::Server => return Ok(None),
    };
    query.ask(bundle, now, |server, request| {
        Some(Authority::of(server.bundle(), server, request).visibility(kind, name))
    })
}

fn differences(expect: &Expect, decision: &Decision, visibility: Option<Visibility>) -> Vec<String> {
    let mut out = Vec::new();
    let mut differ = |what: &str, expected: String, found: String| {
        if expected != found {
            out.push(format!("{what}: expected {expected}, found {found}"));
        }
    };
    if let Some(effect) = expect.effect {
        let found = effect_code(decision.effect());
        let why = if effect == decision.effect() { String::new() } else { first_code(decision.reasons) };
        differ("effect", effect_code(effect).to_owned(), format!("{found}{why}"));
    }
    if let Some(reason) = expect.first_reason
        && !decision.reasons.is_empty()
    {
        let found = decision.reasons.first().map_or("none", DenyReason::code);
        differ("reason for the client", reason.code().to_owned(), found.to_owned());
    }
    for (what, expected, found) in
        [("reasons", &expect.reasons, decision.reasons), ("monitored", &expect.monitored, decision.monitored)]
    {
        if let Some(expected) = expected {
            let mut wanted = Reasons::NONE;
            expected.iter().for_each(|reason| wanted.add(*reason));
            differ(what, codes(wanted), codes(found));
        }
    }
    if let Some(expected) = &expect.obligations {
        let found: BTreeSet<ExpectedObligation> = decision.obligations.iter().map(obligation).collect();
        differ("obligations", listed(expected), listed(&found));
    }
    if let Some(expected) = expect.visibility {
        let found = visibility.map_or("nothing that lists show", visibility_code);
        differ("visibility", visibility_code(expected).to_owned(), found.to_owned());
    }
    for (what, expected, found) in
        [("tier", &expect.tier, &decision.tier), ("ceiling", &expect.ceiling, &decision.ceiling)]
    {
        if let Some(expected) = expected {
            differ(what, expected.clone(), found.clone().unwrap_or_else(|| "none".to_owned()));
        }
    }
    out
}

fn first_code(reasons: Reasons) -> String {
    reasons.first().map_or(String::new(), |reason| format!(" ({})", reason.code()))
}

fn codes(reasons: Reasons) -> String {
    let codes: Vec<&str> = reasons.iter().map(DenyReason::code).collect();
    if codes.is_empty() { "none".to_owned() } else { codes.join(", ") }
}

fn listed(obligations: &BTreeSet<ExpectedObligation>) -> String {
    let texts: Vec<String> = obligations.iter().map(ExpectedObligation::to_string).collect();
    if texts.is_empty() { "none".to_owned() } else { texts.join(", ") }
}

fn obligation(obligation: &Obligation) -> ExpectedObligation {
    match obligation {
        Obligation::Check(check) => ExpectedObligation::Check(format!(
            "{}:{} {} {}:{}",
            check.subject_type, check.subject_id, check.relation, check.object_type, check.object_id
        )),
        Obligation::Approval(approval) => ExpectedObligation::Approval(approval.rule.clone()),
        Obligation::Budget(budget) => ExpectedObligation::Budget(budget.rule.clone()),
    }
}

fn visibility_code(visibility: Visibility) -> &'static str {
    match visibility {
        Visibility::Permit => "permit",
        Visibility::Conditional => "conditional",
        Visibility::Deny => "deny",
    }
}
