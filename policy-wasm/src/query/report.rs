//! Results of policy tests as text and as JSON.

use super::coverage::Coverage;
use super::run::TestResult;
use super::style::Paint;
use super::text::one_line;
use crate::json::writer::Object;

/// Results as text in the manner of TAP: a line for each test, and the differences and reasons below a failed one.
/// `first` is the number of the first test.
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

/// Coverage as text: the sum, and everything that no test reached.
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
            object.scalar("line", result.position.line);
            object.scalar("passed", result.differences.is_empty());
            object.texts("differences", &result.differences);
            object.close();
        });
        object.close();
    });
    let mut inner = object.object("coverage");
    inner.scalar("percent", coverage.percent());
    inner.scalar("reached", coverage.reached());
    inner.scalar("total", coverage.total());
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
