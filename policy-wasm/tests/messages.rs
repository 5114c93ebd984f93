//! Messages for invalid policies: `tests/policy/invalid/*.yaml`, each beside its exact messages.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may stop at the first surprise"
)]

#[path = "../../tests/bless.rs"]
mod bless;

use bless::bless;
use policy_wasm::compile::{Options, SourceFile, compile};
use policy_wasm::source::Paint;
use std::fs;
use std::path::{Path, PathBuf};

fn cases() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/policy/invalid");
    let mut files: Vec<PathBuf> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    files
}

#[test]
fn every_invalid_policy_gets_its_exact_messages() {
    let mut failures = Vec::new();
    let cases = cases();
    assert!(cases.len() >= 20, "found only {} cases", cases.len());
    for path in cases {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let file = SourceFile { name: name.clone(), text: fs::read_to_string(&path).unwrap() };
        let said = match compile(&[file], &Options::default()) {
            Ok(_) => {
                failures.push(format!("{name}: compiles, but it stands among the invalid ones"));
                continue;
            }
            Err(problems) => problems.render(Paint::Plain),
        };
        let expected = path.with_extension("txt");
        if bless() {
            fs::write(&expected, &said).unwrap();
        } else if fs::read_to_string(&expected).ok().as_deref() != Some(said.as_str()) {
            let wanted = fs::read_to_string(&expected).unwrap_or_else(|_| "(no message file)\n".to_owned());
            failures.push(format!("{name}: expected\n{wanted}found\n{said}"));
        }
    }
    assert!(
        failures.is_empty(),
        "{}\nif the new messages are right: BLESS=1 cargo test -p policy-wasm --features compile --test messages",
        failures.join("\n")
    );
}

#[test]
fn an_id_in_two_files_is_a_problem_that_names_both() {
    let text = "policy: toolward/v1\nissuers: {acme: \"https://id.acme.test\"}\nrevision: r1\n";
    let grant = "grants:\n  - {id: g, subjects: [{id: a}], ceiling: read}\n";
    let one = SourceFile { name: "one.yaml".to_owned(), text: format!("{text}{grant}") };
    let two = SourceFile { name: "two.yaml".to_owned(), text: format!("{text}{grant}") };
    let problems = compile(&[one, two], &Options::default()).unwrap_err().to_string();
    assert_eq!(
        problems,
        "two.yaml:2:11: /issuers/acme: issuer `acme` is already defined in one.yaml:2\n\
         two.yaml:3:11: /revision: `revision` is already set in one.yaml:3\n\
         two.yaml:5:10: /grants/0/id: id `g` is already defined in one.yaml:5\n"
    );
}

#[test]
fn no_file_and_a_bad_revision_are_problems() {
    let options = Options { revision: Some("a b".to_owned()), ..Options::default() };
    let problems = compile(&[], &options).unwrap_err().to_string();
    assert_eq!(
        problems,
        "--revision:1:1: expected a revision of at most 64 letters, digits and `.`, `_`, `:`, `+`, `/`, `-`\n\
         policy:1:1: expected at least one policy file, found none\n"
    );
}

#[test]
fn the_revision_of_the_policy_comes_before_the_option() {
    use policy_wasm::bundle::{Bundle, Trust};
    let file = |text: &str| SourceFile { name: "p.yaml".to_owned(), text: text.to_owned() };
    let options = Options { revision: Some("from-option".to_owned()), ..Options::default() };
    let revision = |text: &str| {
        let bytes = compile(&[file(text)], &options).unwrap();
        Bundle::open(bytes, &Trust::digest_only()).unwrap().revision().to_owned()
    };
    assert_eq!(revision("policy: toolward/v1\nrevision: from-policy\n"), "from-policy");
    assert_eq!(revision("policy: toolward/v1\n"), "from-option");
}

#[test]
fn the_documented_example_compiles() {
    let page = include_str!("../../docs/policy.md");
    let example = page.split_once("```yaml\n").and_then(|(_, rest)| rest.split_once("```")).unwrap().0;
    let file = SourceFile { name: "docs/policy.md".to_owned(), text: example.to_owned() };
    if let Err(problems) = compile(&[file], &Options::default()) {
        panic!("{problems}");
    }
}

#[test]
fn the_documentation_names_every_reason() {
    let page = include_str!("../../docs/policy.md");
    for reason in policy_wasm::decision::DenyReason::ALL {
        assert!(page.contains(&format!("`{}`", reason.code())), "{}", reason.code());
    }
}

#[test]
fn the_committed_schema_is_that_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/policy.schema.json");
    let schema = policy_wasm::compile::schema();
    if bless() {
        fs::write(&path, &schema).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == schema, "run `toolward schema > docs/policy.schema.json`");
}

#[test]
fn the_examples_are_laid_out_as_fmt_does_it() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/policies");
    let mut count = 0u32;
    for directory in fs::read_dir(examples).unwrap().map(|entry| entry.unwrap().path()).filter(|p| p.is_dir())
    {
        for path in fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
            let name = path.display().to_string();
            if !name.ends_with(".yaml") || name.ends_with(".test.yaml") {
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            assert!(text.starts_with("# yaml-language-server: $schema="), "{name} names no schema");
            let formatted = policy_wasm::compile::format(&SourceFile { name, text: text.clone() }).unwrap();
            assert!(formatted == text, "run `toolward fmt {}`", path.display());
            count = count.saturating_add(1);
        }
    }
    assert!(count >= 9, "only {count} policies");
}
