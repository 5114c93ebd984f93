//! The harness itself reports every transcript that differs and every problem of a scenario file, and ignores no
//! expectation.

use harness::scenario::{self, Fixtures, Loaded};
use harness::target::{Native, Target};
use harness::transcript::{self, ObservedExchange, Transcript};
use serde_json::json;
use std::path::PathBuf;
use toolward_tests::folder;

fn loaded() -> Loaded {
    scenario::load(&[folder().join("scenarios")], None).unwrap()
}

type Change = (&'static str, fn(&mut ObservedExchange));

/// Changes that no expectation and no comparison may overlook.
const CHANGES: [Change; 13] = [
    ("no response", |seen| seen.response = None),
    ("another status", |seen| seen.response.as_mut().unwrap().status = 299),
    ("a response that is cut off", |seen| seen.response.as_mut().unwrap().complete = false),
    ("no record", |seen| seen.records.clear()),
    ("a second record", |seen| seen.records.push(seen.records[0].clone())),
    ("another reason", |seen| seen.records[0]["reason"] = json!("some_other")),
    ("another result", |seen| seen.records[0]["result"] = json!("maybe")),
    ("nothing counted", |seen| seen.decisions.clear()),
    ("counted twice", |seen| seen.decisions.values_mut().for_each(|count| *count += 1)),
    ("a problem", |seen| seen.problems.push("trap".to_owned())),
    ("a question too many", |seen| seen.checks.push(scenario::Question::default())),
    ("the upstream saw the other thing", |seen| {
        seen.upstream = match seen.upstream.take() {
            None => Some(transcript::Upstream::default()),
            Some(_) => None,
        };
    }),
    ("another body at the upstream, or one at all", |seen| {
        seen.upstream.get_or_insert_default().body.push(b' ');
    }),
];

#[test]
fn every_difference_is_reported() {
    let loaded = loaded();
    let fixtures = Fixtures::new(&loaded.tests).unwrap();
    let mut tried = (0, 0);
    for scenario in loaded.scenarios.iter().filter(|scenario| scenario.exchanges.len() == 1).step_by(40) {
        let honest = Native.run(scenario, &fixtures).unwrap();
        assert!(transcript::differences(scenario, &honest).is_empty(), "{}", scenario.id);
        if honest.exchanges[0].records.is_empty() {
            continue;
        }
        let counter = if honest.exchanges[0].upstream.is_some() { &mut tried.0 } else { &mut tried.1 };
        *counter += 1;
        for (what, change) in CHANGES {
            let mut other = honest.clone();
            change(&mut other.exchanges[0]);
            // A denial need not say its status.
            let unsaid = what == "another status" && scenario.exchanges[0].expect.status.is_none();
            let reported = !transcript::differences(scenario, &other).is_empty();
            assert!(
                reported || (unsaid && honest.exchanges[0].upstream.is_none()),
                "{}: {what}",
                scenario.id
            );
            let between = transcript::compare(("a", &honest), ("b", &other));
            assert!(!between.is_empty(), "{}: {what}, between targets", scenario.id);
        }
        let nothing = Transcript::default();
        assert!(!transcript::differences(scenario, &nothing).is_empty());
        assert!(!transcript::compare(("a", &honest), ("b", &nothing)).is_empty());
    }
    assert!(tried.0 >= 3 && tried.1 >= 3, "permitted and denied ones are both among them: {tried:?}");
}

#[test]
fn transcripts_that_differ_in_ids_times_and_tokens_alone_are_equal() {
    let loaded = loaded();
    let fixtures = Fixtures::new(&loaded.tests).unwrap();
    for scenario in loaded.scenarios.iter().filter(|scenario| scenario.targets.len() == 3).step_by(60) {
        let first = Native.run(scenario, &fixtures).unwrap();
        let mut later = scenario.clone();
        later.now += 86_400;
        let second = Native.run(&later, &fixtures).unwrap();
        let between = transcript::compare(("now", &first), ("tomorrow", &second));
        assert!(between.is_empty(), "{}:\n{}", scenario.id, between.join("\n"));
    }
}

/// A corpus of one file, in a folder of its own.
fn load_text(name: &str, text: &str) -> Result<Loaded, String> {
    let root: PathBuf = std::env::temp_dir().join(format!("toolward-harness-{}-{name}", std::process::id()));
    let scenarios = root.join("scenarios");
    std::fs::create_dir_all(scenarios.join("area")).unwrap();
    std::fs::create_dir_all(root.join("policies")).unwrap();
    std::fs::copy(folder().join("scenarios/base.json"), scenarios.join("base.json")).unwrap();
    std::fs::copy(folder().join("policies/acme.yaml"), root.join("policies/acme.yaml")).unwrap();
    std::fs::write(scenarios.join("area/file.json"), text).unwrap();
    let loaded = scenario::load(&[scenarios], None).map_err(|error| format!("{error:#}"));
    std::fs::remove_dir_all(root).unwrap();
    loaded
}

fn file(request: &str, expect: &str) -> String {
    format!(
        r#"{{"about": "x", "policy": "acme.yaml", "cases": [{{"name": "c", "exchanges": [{{"request": {request}, "expect": {expect}}}]}}]}}"#
    )
}

const KEY: &str = "UjPMWzKiy9BA69ZOlw9roSK8UsMUaqo5CovhAYKMrmI=";

/// A file with one sealed id, and a header.
fn sealed(id: &str, header: &str) -> String {
    let request = format!(r#"{{"add_headers": {{"mcp-session-id": "{header}"}}}}"#);
    let sealed = format!(r#""sealed": {{"mine": {id}}}, "cases""#);
    file(&request, r#"{"decision": "permit"}"#).replace(r#""cases""#, &sealed)
}

#[test]
fn bad_scenario_files_are_reported_with_their_place() {
    let permit = r#"{"decision": "permit"}"#;
    let deny = r#"{"decision": "deny", "reason": "token_missing"}"#;
    assert!(load_text("good", &file("{}", permit)).is_ok(), "the frame of this test is good");
    let cases = [
        ("unknown", file(r#"{"methd": "GET"}"#, permit), "unknown field `methd`"),
        ("repeated", file(r#"{"method": "GET", "method": "PUT"}"#, permit), "not strict JSON"),
        ("no-reason", file("{}", r#"{"decision": "deny"}"#), "a denial needs its `reason`"),
        ("reason", file("{}", r#"{"decision": "permit", "reason": "x"}"#), "a permit's reason is `allowed`"),
        ("bodies", file(r#"{"body": {}, "body_text": ""}"#, permit), "more than one of `body`"),
        ("base64", file(r#"{"body_base64": "?"}"#, permit), "`body_base64`"),
        ("cut", file(r#"{"body_text": "abc", "chunks": [3]}"#, permit), "`chunks`: 3"),
        ("order", file(r#"{"body_text": "abc", "chunks": [2, 1]}"#, permit), "`chunks`: 1"),
        ("case", file(r#"{"add_headers": {"Accept": "x"}}"#, permit), "write it in lower case"),
        ("drop", file(r#"{"drop_headers": ["x-none"]}"#, permit), "there is no header `x-none`"),
        ("claim", file(r#"{"token": {"remove": ["none"]}}"#, permit), "there is no claim `none`"),
        ("raw", file(r#"{"token": {"raw": "x", "key": "k"}}"#, permit), "`raw` stands alone"),
        ("modern", file(r#"{"modern": true}"#, permit), "`modern` needs a JSON object"),
        (
            "headers",
            file("{}", &deny.replace('}', r#", "upstream_headers": {"a": "b"}}"#)),
            "a request that never arrives",
        ),
        ("policy", file("{}", permit).replace("acme.yaml", "none.yaml"), "policy `none.yaml` is not in"),
        (
            "targets",
            file("{}", permit).replace(r#""name""#, r#""targets": ["wasm"], "name""#),
            "`targets_reason`",
        ),
        ("no-key", sealed(r#"{"task": "t"}"#, "${mine}"), "`key` is needed"),
        ("unused", sealed(&format!(r#"{{"task": "t", "key": "{KEY}"}}"#), "x"), "never used as `${mine}`"),
        ("nameless", sealed(&format!(r#"{{"task": "t", "key": "{KEY}"}}"#), "${mine}${x}"), "no such name"),
        ("two", sealed(r#"{"task": "t", "session": "s"}"#, "${mine}"), "one of `session`, `task` and"),
        ("short", sealed(r#"{"task": "t", "key": "AAAA"}"#, "${mine}"), "expected 32 bytes, found 3"),
        ("empty", r#"{"about": "x", "policy": "acme.yaml", "cases": []}"#.to_owned(), "no cases"),
    ];
    for (name, text, message) in cases {
        let error = load_text(name, &text).map(|_| ()).unwrap_err();
        assert!(error.contains(message), "{name}: {error}");
        assert!(error.contains("area/file"), "{name} does not say where: {error}");
    }
}

#[test]
fn all_problems_of_a_file_are_reported_at_once() {
    let two = r#"{"about": "x", "policy": "acme.yaml", "cases": [
        {"name": "a", "exchanges": []},
        {"name": "b", "exchanges": [{"expect": {"decision": "deny"}}]},
        {"name": "b", "exchanges": [{"expect": {"decision": "permit"}}]}]}"#;
    let error = load_text("several", two).map(|_| ()).unwrap_err();
    for part in
        ["3 problems", "area/file/a: no exchanges", "area/file/b: exchange 0: expect", "is there twice"]
    {
        assert!(error.contains(part), "`{part}` is not in {error}");
    }
}
