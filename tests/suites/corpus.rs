//! The corpus of scenarios as a whole is large and hostile, and covers every reason. The targets check the single scenarios.

use filter::reason::Reason;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Reasons that no request can cause, each with an explanation. A reason that a scenario causes must leave this list.
const UNREACHABLE: [(&str, &str); 4] = [
    (
        "configuration_missing",
        "a proxy without a valid configuration has no server to ask; the filter's unit tests hold it",
    ),
    ("host_failure", "the host gives what it should in every target; the filter's unit tests hold it"),
    (
        "policy_unreadable",
        "a bundle that is damaged is refused when it is loaded; the PDP's unit tests hold it",
    ),
    (
        "token_verifier_unavailable",
        "a proxy that cannot check an algorithm is found when the plugin starts; the filter's unit tests hold it",
    ),
];

/// The files of the corpus, `base.json` apart.
fn files() -> Vec<PathBuf> {
    fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, files);
            } else {
                files.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.retain(|path| *path != root.join("base.json"));
    files.sort();
    files
}

/// Every case with its id.
fn cases() -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for file in files() {
        let text = std::fs::read_to_string(&file).unwrap();
        let document: Value =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let area = file.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned();
        let subject = file.file_stem().unwrap().to_string_lossy().into_owned();
        for case in document["cases"].as_array().unwrap_or_else(|| panic!("{}: no `cases`", file.display())) {
            all.push((
                format!("{area}/{subject}/{}", case["name"].as_str().unwrap_or_default()),
                case.clone(),
            ));
        }
    }
    all
}

fn expected_reasons() -> BTreeMap<String, Vec<String>> {
    let mut reasons: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (id, case) in cases() {
        for exchange in case["exchanges"].as_array().unwrap() {
            let expect = &exchange["expect"];
            let from_server = expect["from_server"].as_array().into_iter().flatten();
            let records = expect["records"].as_array().into_iter().flatten();
            let told =
                from_server.map(|decision| &decision[1]).chain(records.map(|record| &record["reason"]));
            for reason in told.chain([&expect["reason"]]) {
                if let Some(reason) = reason.as_str() {
                    reasons.entry(reason.to_owned()).or_default().push(id.clone());
                }
            }
        }
    }
    reasons
}

#[test]
fn the_corpus_has_at_least_120_scenarios_and_a_third_of_them_are_hostile() {
    let cases = cases();
    let hostile = cases.iter().filter(|(_, case)| case["hostile"] == Value::Bool(true)).count();
    assert!(cases.len() >= 120, "{} scenarios", cases.len());
    assert!(hostile * 3 >= cases.len(), "{hostile} of {} are hostile", cases.len());
}

#[test]
fn every_area_has_permits_and_denials() {
    let mut areas: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (id, case) in cases() {
        let area = id.split('/').next().unwrap().to_owned();
        for exchange in case["exchanges"].as_array().unwrap() {
            areas
                .entry(area.clone())
                .or_default()
                .insert(exchange["expect"]["decision"].as_str().unwrap().to_owned());
        }
    }
    for (area, decisions) in &areas {
        let both = decisions.contains("deny") && (decisions.contains("permit") || decisions.contains("none"));
        assert!(both, "{area} has only {decisions:?}: a filter that always says the same would pass it");
    }
}

#[test]
fn every_reason_has_a_scenario() {
    let expected = expected_reasons();
    let missing: Vec<&str> = Reason::all()
        .map(Reason::code)
        .filter(|code| !expected.contains_key(*code) && !UNREACHABLE.iter().any(|(reason, _)| reason == code))
        .collect();
    assert!(missing.is_empty(), "no scenario expects {missing:?}");
}

#[test]
fn no_scenario_expects_a_reason_that_there_is_not_or_that_cannot_be_reached() {
    let known: BTreeSet<&str> = Reason::all().map(Reason::code).collect();
    for (reason, ids) in expected_reasons() {
        assert!(reason == "allowed" || known.contains(reason.as_str()), "{ids:?} expect `{reason}`");
        let unreachable = UNREACHABLE.iter().find(|(code, _)| *code == reason);
        assert!(unreachable.is_none(), "{ids:?} expect {unreachable:?}: take it off the list");
    }
    for (code, _) in UNREACHABLE {
        assert!(known.contains(code), "`{code}` is no reason any more");
    }
}

#[test]
fn scenarios_have_unique_names_and_files_state_their_subject() {
    let mut seen = BTreeSet::new();
    for (id, case) in cases() {
        assert!(case["name"].as_str().is_some_and(|name| !name.is_empty()), "{id}: no name");
        assert!(seen.insert(id.clone()), "{id}: there twice");
    }
    for file in files() {
        let document: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        assert!(
            document["about"].as_str().is_some_and(|about| about.len() > 10),
            "{}: no `about`",
            file.display()
        );
        assert!(!document["cases"].as_array().unwrap().is_empty(), "{}: no cases", file.display());
    }
}

/// A scenario that every target may leave out proves nothing; and the reason to leave one out is written down.
#[test]
fn only_the_clock_keeps_a_scenario_from_a_target() {
    for (id, case) in cases() {
        let Some(targets) = case["targets"].as_array() else { continue };
        let late = case["exchanges"]
            .as_array()
            .unwrap()
            .iter()
            .any(|e| e["after_seconds"].as_u64().unwrap_or(0) > 0);
        let fixed = case["now"].as_u64().is_some();
        assert!(late || fixed, "{id} leaves out a target although no time passes in it and none is fixed");
        assert!(
            targets.contains(&"native".into()) && targets.contains(&"wasm".into()),
            "{id} runs on {targets:?} only"
        );
    }
}

#[test]
fn the_differential_corpus_has_at_least_400_hostile_inputs_and_says_where_each_comes_from() {
    let cases: Vec<_> = cases().into_iter().filter(|(id, _)| id.starts_with("differential/")).collect();
    let hostile = cases.iter().filter(|(_, case)| case["hostile"] == Value::Bool(true)).count();
    assert!(hostile >= 400, "{hostile} hostile inputs");
    for (id, case) in &cases {
        assert!(case["source"].as_str().is_some(), "{id}: no `source`");
        assert_eq!(case["exchanges"].as_array().unwrap().len(), 1, "{id}: one request, for real readers");
    }
}

#[test]
fn the_corpus_of_answers_has_at_least_400_and_its_page_a_row_for_each() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/differential-answers.md");
    let page = std::fs::read_to_string(&path).unwrap().replace('\\', "");
    let mut count = 0;
    for (id, case) in cases() {
        let Some((_, name)) = id.strip_prefix("differential-answers/").and_then(|rest| rest.split_once('/'))
        else {
            continue;
        };
        count += 1;
        assert!(case["source"].as_str().is_some(), "{id}: no `source`");
        let exchanges = case["exchanges"].as_array().unwrap();
        assert!(
            exchanges.len() == 1 && exchanges[0]["upstream"].is_object(),
            "{id}: one answer, for real clients"
        );
        let row = format!("| {} | ", name.replace('\\', ""));
        assert!(page.contains(&row), "{row:?} is not in {}: `BLESS=1 make differential`", path.display());
    }
    assert!(count >= 400, "{count} answers");
}

/// `make differential` writes the table of real readers, where all of them run. This test requires a row for each input,
/// with the verdict that the input expects.
#[test]
fn the_page_of_the_differential_corpus_has_each_input_with_its_verdict() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/differential.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let mut expected = 0;
    let mut file = String::new();
    let mut found: BTreeSet<(String, String, String)> = BTreeSet::new();
    for line in page.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            file = heading.to_owned();
        } else if let Some((name, rest)) = line.strip_prefix("| ").and_then(|row| row.split_once(" | ")) {
            let verdict = rest.split(" | ").next().unwrap_or_default().trim_matches('`').to_owned();
            found.insert((file.clone(), name.replace('\\', ""), verdict));
        }
    }
    for (id, case) in cases() {
        let Some((file, name)) = id.strip_prefix("differential/").and_then(|rest| rest.split_once('/'))
        else {
            continue;
        };
        expected += 1;
        let expect = &case["exchanges"][0]["expect"];
        let verdict = expect["reason"].as_str().unwrap_or("passes").to_owned();
        let row = (file.to_owned(), name.replace('\\', ""), verdict);
        assert!(found.contains(&row), "{row:?} is not in {}: `BLESS=1 make differential`", path.display());
    }
    assert!(expected >= 400);
}
