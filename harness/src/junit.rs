//! Results of policy tests as the XML that CI systems read as JUnit's.

use anyhow::Context as _;
use policy_wasm::query::TestResult;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

/// The report of all files. It holds no times, so the same results give the same bytes.
///
/// # Errors
/// The library cannot write the report.
pub fn junit(files: &[(String, Vec<TestResult>)]) -> anyhow::Result<String> {
    let mut report = Report::new("toolward");
    for (file, results) in files {
        let file = printable(file);
        let mut suite = TestSuite::new(&file);
        for result in results {
            let mut case = TestCase::new(printable(&result.name), status(result));
            case.set_classname(&file);
            case.extra.insert("file".into(), file.as_str().into());
            case.extra.insert("line".into(), result.position.line.to_string().into());
            suite.add_test_case(case);
        }
        report.add_test_suite(suite);
    }
    report.to_string().context("the JUnit report cannot be written")
}

fn status(result: &TestResult) -> TestCaseStatus {
    if result.differences.is_empty() {
        return TestCaseStatus::success();
    }
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_type("difference");
    status.set_message(printable(&result.differences.join("; ")));
    status.set_description(printable(result.explanation.as_deref().unwrap_or_default()));
    status
}

/// Text in which characters that XML 1.0 (§2.2) does not have are replaced. The library drops some of them and lets
/// others pass.
fn printable(text: &str) -> String {
    let replaced = |character: char| match character {
        '\n' | '\t' => character,
        other if other.is_control() || matches!(other, '\u{fffe}' | '\u{ffff}') => '\u{fffd}',
        other => other,
    };
    text.chars().map(replaced).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may stop at the first surprise")]
    use super::*;
    use policy_wasm::source::Position;

    fn result(name: &str, line: u32, differences: &[&str], explanation: Option<&str>) -> TestResult {
        TestResult {
            name: name.to_owned(),
            position: Position { line, column: 5 },
            differences: differences.iter().map(|text| (*text).to_owned()).collect(),
            explanation: explanation.map(str::to_owned),
        }
    }

    #[test]
    fn each_test_is_a_case_and_each_difference_a_failure() {
        let files = vec![(
            "a.test.yaml".to_owned(),
            vec![
                result("passes", 3, &[], None),
                result(
                    "fails",
                    9,
                    &["expected permit, found deny", "no <reason>"],
                    Some("layer\n  rule \"x\""),
                ),
            ],
        )];
        let expected = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="toolward" tests="2" skipped="0" failures="1" errors="0">
    <testsuite name="a.test.yaml" tests="2" skipped="0" errors="0" failures="1">
        <testcase name="passes" classname="a.test.yaml" file="a.test.yaml" line="3"/>
        <testcase name="fails" classname="a.test.yaml" file="a.test.yaml" line="9">
            <failure message="expected permit, found deny; no &lt;reason&gt;" type="difference">layer
  rule &quot;x&quot;</failure>
        </testcase>
    </testsuite>
</testsuites>
"#;
        assert_eq!(junit(&files).unwrap(), expected);
    }

    #[test]
    fn no_text_breaks_the_xml() {
        let text = "a\u{0}b\u{1b}[31m\u{7f}\u{fffe}\u{ffff}]]>&\"'<";
        let files = vec![(text.to_owned(), vec![result(text, 1, &[text], Some(text))])];
        let report = Report::deserialize_from_str(&junit(&files).unwrap()).unwrap();
        let name = "a\u{fffd}b\u{fffd}[31m\u{fffd}\u{fffd}\u{fffd}]]>&\"'<";
        let suite = report.test_suites.first().unwrap();
        let case = suite.test_cases.first().unwrap();
        assert_eq!((suite.name.as_str(), case.name.as_str()), (name, name));
    }
}
