//! Queries and answers as text, compared with files that every target reproduces byte for byte (`tests/queries`).
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may stop at the first surprise"
)]

mod common;
mod golden;

use common::{NOW, bundle};
use golden::{FOLDER, held, policy};
use policy_wasm::query::{
    MAX_CELLS, MatrixSpec, Outcome, Paint, Query, ServerName, Target, decision_json, diff, diff_json,
    diff_text, explanation_json, matrix, matrix_csv, matrix_html, matrix_json, matrix_text, principals,
};
use std::fs;
use std::path::{Path, PathBuf};

/// Name and text of every query, in order.
fn queries() -> Vec<(String, String)> {
    let mut files: Vec<PathBuf> = fs::read_dir(FOLDER).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let name = |path: &Path| path.file_name()?.to_str()?.strip_suffix(".query.json").map(str::to_owned);
    let found = files.iter().filter_map(|path| Some((name(path)?, fs::read_to_string(path).unwrap())));
    found.collect()
}

#[test]
fn explanations_equal_their_files() {
    let bundle = policy();
    let answer = |(name, text): (String, String)| {
        let query = Query::read(&text).unwrap_or_else(|problems| panic!("{name}: {problems}"));
        let explanation = query.explain(&bundle, NOW).unwrap();
        (format!("{name}.explanation.json"), explanation_json(&bundle, &query, &explanation) + "\n")
    };
    held(queries().into_iter().map(answer).collect());
}

#[test]
fn matrices_equal_their_files() {
    let bundle = policy();
    let everybody = matrix(&bundle, &MatrixSpec::default(), NOW).unwrap();
    let text = fs::read_to_string(Path::new(FOLDER).join("some.matrix-spec.json")).unwrap();
    let some = matrix(&bundle, &MatrixSpec::read(&text).unwrap(), NOW).unwrap();
    held(vec![
        ("everybody.matrix.json".into(), matrix_json(&everybody) + "\n"),
        ("everybody.matrix.csv".into(), matrix_csv(&everybody)),
        ("everybody.matrix.txt".into(), matrix_text(&everybody, 100, Paint::Plain)),
        ("some.matrix.json".into(), matrix_json(&some) + "\n"),
        ("some.matrix.txt".into(), matrix_text(&some, 60, Paint::Plain)),
        ("some.matrix.html".into(), matrix_html(&some).unwrap()),
    ]);
}

#[test]
fn a_matrix_agrees_with_every_call() {
    let bundle = policy();
    let matrix = matrix(&bundle, &MatrixSpec::default(), NOW).unwrap();
    assert_eq!(matrix.cells.len(), matrix.agents.len() * matrix.subjects.len() * matrix.items.len());
    let (agents, subjects) = (principals::agents(&bundle), principals::subjects(&bundle));
    let mut seen = [0; 3];
    for (agent, actor) in agents.iter().enumerate() {
        for (subject, human) in subjects.iter().enumerate() {
            for (place, item) in matrix.items.iter().enumerate() {
                let query = Query {
                    server: ServerName::Id(item.server.clone()),
                    subject: human.value.clone(),
                    actors: vec![actor.value.clone()],
                    scopes: vec!["payroll:write".into()],
                    target: Target::Tool(item.name.clone()),
                    arguments: Some(r#"{"owner": "acme", "repo": "web"}"#.into()),
                    ..Query::default()
                };
                let decision = query.evaluate(&bundle, NOW).unwrap();
                let cell = matrix.cell(agent, subject, place).unwrap();
                let expected = match (decision.reasons.is_empty(), decision.obligations.is_empty()) {
                    (false, _) => Outcome::Deny,
                    (true, false) => Outcome::Conditional,
                    (true, true) => Outcome::Permit,
                };
                assert_eq!(cell.outcome, expected, "{} {} {}", actor.label, human.label, item.name);
                assert_eq!(cell.reasons, decision.reasons);
                seen[cell.outcome as usize] += 1;
            }
        }
    }
    assert!(seen.iter().all(|count| *count > 0), "{seen:?}");
}

#[test]
fn names_of_a_policy_are_text_in_every_form_of_a_matrix() {
    let text = r#"
policy: toolward/v1
issuers: {acme: "https://id.acme.test"}
servers: {git: {resource: "https://tools.acme.test/git", tools: {"=1+1": {tier: read}, "<img src=x onerror=alert(1)>": {tier: read}}}}
grants: [{id: a, subjects: [{group: "@SUM(A1)"}, {group: "\"><script>alert(1)</script>"}], ceiling: read}]
actors: [{id: b, subject: "-2+3</title>", ceiling: read}]
"#;
    let bundle = common::bundle(text);
    let matrix = matrix(&bundle, &MatrixSpec::default(), NOW).unwrap();
    let page = matrix_html(&matrix).unwrap();
    assert_eq!(page.matches("<script>").count(), 1, "only the page's own");
    assert!(!page.contains("<img") && page.contains("&lt;img src=x onerror=alert(1)&gt;"));
    assert!(!page.contains("\"><script") && !page.contains("3</title>"));
    for line in matrix_csv(&matrix).lines() {
        for field in line.split(',') {
            assert!(!field.trim_start_matches('"').starts_with(['=', '+', '-', '@']), "{line}");
        }
    }
}

#[test]
fn a_matrix_beyond_the_bound_is_refused_by_its_numbers() {
    let bundle = policy();
    let subject = principals::subjects(&bundle).remove(0);
    let spec = MatrixSpec { subjects: Some(vec![subject; MAX_CELLS]), ..MatrixSpec::default() };
    let told = matrix(&bundle, &spec, NOW).unwrap_err().to_string();
    assert!(told.contains("1000000 subjects by 3 agents by 5 entries are more than 1000000 cells"), "{told}");
}

#[test]
fn differences_equal_their_files() {
    let new = bundle(&fs::read_to_string(Path::new(FOLDER).join("new-policy.yaml")).unwrap());
    let found = diff(&policy(), &new, None, NOW).unwrap();
    held(vec![
        ("policy.diff.json".into(), diff_json(&found) + "\n"),
        ("policy.diff.txt".into(), diff_text(&found, Paint::Plain)),
    ]);
}

#[test]
fn a_policy_does_not_differ_from_itself_and_directions_turn_around() {
    let (old, new) =
        (policy(), bundle(&fs::read_to_string(Path::new(FOLDER).join("new-policy.yaml")).unwrap()));
    let same = diff(&old, &old, None, NOW).unwrap();
    assert!(same.changes.is_empty() && same.settings.is_empty() && same.compared > 0);
    let (there, back) = (diff(&old, &new, None, NOW).unwrap(), diff(&new, &old, None, NOW).unwrap());
    assert_eq!(there.changes.len(), back.changes.len());
    for change in &there.changes {
        let turned = back.changes.iter().any(|other| {
            (&other.subject, &other.agent, &other.server, &other.target, &other.old, &other.new)
                == (&change.subject, &change.agent, &change.server, &change.target, &change.new, &change.old)
        });
        assert!(turned, "{change:?}");
    }
}

#[test]
fn the_folder_has_queries_and_no_answer_without_one() {
    let names: Vec<String> = queries().into_iter().map(|(name, _)| name).collect();
    assert!(names.len() >= 7, "{names:?}");
    for entry in fs::read_dir(FOLDER).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        if let Some(name) = file.strip_suffix(".explanation.json") {
            assert!(names.iter().any(|known| known == name), "{file} answers nothing");
        }
    }
}

#[test]
fn an_explanation_begins_with_the_decision() {
    let bundle = policy();
    for (name, text) in queries() {
        let query = Query::read(&text).unwrap();
        let decision = decision_json(&bundle, &query.evaluate(&bundle, NOW).unwrap());
        let explanation = explanation_json(&bundle, &query, &query.explain(&bundle, NOW).unwrap());
        let members = decision.strip_suffix('}').unwrap();
        assert!(explanation.starts_with(members), "{name}: {explanation}");
        let parsed: serde_json::Value = serde_json::from_str(&explanation).unwrap();
        let reasons = parsed["reasons"].as_array().unwrap();
        assert_eq!(parsed["would_change"].as_array().unwrap().len(), reasons.len(), "{name}");
        assert_eq!(parsed["effect"] == "permit", reasons.is_empty(), "{name}");
    }
}

#[test]
fn unknown_names_are_reported_with_a_suggestion() {
    let bundle = policy();
    let told = |text: &str| Query::read(text).unwrap().evaluate(&bundle, NOW).unwrap_err().to_string();
    assert_eq!(
        told(
            r#"{"server": "githab", "tool": "a", "subject": {"id": "a", "issuer": "https://id.acme.test"}}"#
        ),
        "/server: the policy has no server `githab`; did you mean `github`?"
    );
    assert_eq!(
        told(
            r#"{"server": {"authority": "a", "path": "/"}, "tool": "a", "subject": {"id": "a", "issuer": "https://i"}}"#
        ),
        "/server: the policy has no server at `a`, `/`"
    );
}
