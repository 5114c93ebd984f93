//! Results of policy tests as text, as JSON and as JUnit's XML.

use super::coverage::Coverage;
use super::json::Object;
use super::paint::Paint;
use super::run::TestResult;
use super::text::one_line;

/// Results as text in the manner of TAP: a line for each test, and below a failing one what differs and why. `first`
/// is the number of the first test.
pub fn results_text(file: &str, results: &[TestResult], first: usize, paint: Paint) -> String {
    let mut out = format!("# {}\n", one_line(file));
    for (index, result) in results.iter().enumerate() {
        let number = first.saturating_add(index);
        let name = one_line(&result.name);
        if result.differences.is_empty() {
            out.push_str(&format!("{} {number} - {name}\n", paint.good("ok")));
            continue;
        }
        let at = result.position;
        out.push_str(&format!("{} {number} - {name}\n", paint.bad("not ok")));
        out.push_str(&format!("  # {}:{}:{}\n", one_line(file), at.line, at.column));
        for difference in &result.differences {
            out.push_str(&format!("  # {}\n", paint.bad(&one_line(difference))));
        }
        for line in result.explanation.iter().flat_map(|text| text.lines()) {
            out.push_str(format!("  # {line}").trim_end());
            out.push('\n');
        }
    }
    out
}

/// Coverage as text: the sum, and what no test reached.
pub fn coverage_text(coverage: &Coverage, paint: Paint) -> String {
    let mut out = format!(
        "# coverage {} %: {} of {} rules reached\n",
        coverage.percent(),
        coverage.reached(),
        coverage.total()
    );
    for (kind, id) in coverage.missing() {
        out.push_str(&format!("#   {} {kind} {}\n", paint.open("not reached:"), one_line(id)));
    }
    out
}

/// Results and coverage as JSON: `{"files":[{"file":…,"tests":[{"name":…,"line":…,"passed":…,"differences":[…]}]}],
/// "coverage":{"percent":…,"reached":…,"total":…,"missing":[{"kind":…,"id":…}]}}`.
pub fn results_json(files: &[(String, Vec<TestResult>)], coverage: &Coverage) -> String {
    let mut out = String::new();
    let mut object = Object::open(&mut out);
    object.list("files", files, |out, (file, results)| {
        let mut object = Object::open(out);
        object.text("file", file);
        object.list("tests", results, |out, result| {
            let mut object = Object::open(out);
            object.text("name", &result.name);
            object.plain("line", result.position.line);
            object.plain("passed", result.differences.is_empty());
            object.texts("differences", &result.differences);
            object.close();
        });
        object.close();
    });
    let mut inner = Object::open(object.key("coverage"));
    inner.plain("percent", coverage.percent());
    inner.plain("reached", coverage.reached());
    inner.plain("total", coverage.total());
    inner.list("missing", coverage.missing(), |out, (kind, id)| {
        let mut object = Object::open(out);
        object.text("kind", kind);
        object.text("id", id);
        object.close();
    });
    inner.close();
    object.close();
    out
}

/// Results as the XML that CI systems read as JUnit's. No times: they would make every report differ.
pub fn junit(files: &[(String, Vec<TestResult>)]) -> String {
    let all = || files.iter().flat_map(|(_, results)| results);
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    out.push_str(&format!("<testsuites name=\"toolward\" {}>\n", counts(all())));
    for (file, results) in files {
        let name = escaped(file);
        out.push_str(&format!("  <testsuite name=\"{name}\" {}>\n", counts(results.iter())));
        for result in results {
            out.push_str(&format!(
                "    <testcase classname=\"{name}\" name=\"{}\" file=\"{name}\" line=\"{}\"",
                escaped(&result.name),
                result.position.line
            ));
            if result.differences.is_empty() {
                out.push_str("/>\n");
                continue;
            }
            out.push_str(&format!(
                ">\n      <failure message=\"{}\" type=\"difference\">{}</failure>\n    </testcase>\n",
                escaped(&result.differences.join("; ")),
                escaped(result.explanation.as_deref().unwrap_or_default())
            ));
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn counts<'r>(results: impl Iterator<Item = &'r TestResult>) -> String {
    let (mut tests, mut failures) = (0_usize, 0_usize);
    for result in results {
        tests = tests.saturating_add(1);
        failures = failures.saturating_add(usize::from(!result.differences.is_empty()));
    }
    format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" skipped=\"0\"")
}

/// Text for attributes and elements. Characters that XML 1.0 (§2.2) does not have are replaced.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push('\n'),
            '\t' => out.push('\t'),
            other if other.is_control() || matches!(other, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
    out
}
