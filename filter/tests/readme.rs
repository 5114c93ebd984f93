//! The pages say what the code does: their tables are generated from it (`BLESS=1` writes them), the README's policy
//! compiles, and the documented configuration is accepted with that policy.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test program"
)]

#[path = "../../tests/bless.rs"]
mod bless;

use base64::Engine as _;
use bless::bless;
use filter::config::Config;
use filter::crypto::{Algorithm, SignatureFailure, SignatureProvider};
use filter::mcp::Revision;
use filter::mcp::method::{Direction, Method, Schema, Span};
use filter::reason::Reason;
use filter::reply::{Row, row};
use policy_wasm::compile::{Options, SourceFile, compile};
use serde_json::Value;
use std::fmt::Write as _;
use std::rc::Rc;

const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/");

fn reasons() -> String {
    let mut out =
        String::from("| code | HTTP status | JSON-RPC code | what the client is told |\n|---|---|---|---|\n");
    for reason in Reason::all() {
        let Row { status, code, text, .. } = row(reason);
        let code = code.to_string().replace('-', "−");
        writeln!(out, "| `{}` | {status} | {code} | {text} |", reason.code()).unwrap();
    }
    out
}

/// The table of methods, with revisions by their months or years as the page explains.
fn methods() -> String {
    const SHORT: [&str; 5] = ["11", "03", "06", "25", "26"];
    let short = |revision: Revision| SHORT[revision as usize];
    let span = |span: Option<Span>| match span {
        None => "–".to_owned(),
        Some((first, None)) => format!("{}–", short(first)),
        Some((first, Some(last))) if first == last => short(first).to_owned(),
        Some((first, Some(last))) => format!("{}–{}", short(first), short(last)),
    };
    let mut out =
        String::from("| name | clients send it | servers send it | what it acts on |\n|---|---|---|---|\n");
    for method in Method::ALL.iter().filter(|method| method.is_of_messages()) {
        writeln!(
            out,
            "| `{}` | {} | {} | {} |",
            method.name(),
            span(method.revisions(Direction::ClientToServer)),
            span(method.revisions(Direction::ServerToClient)),
            method.target_kind().words()
        )
        .unwrap();
    }
    out
}

/// Compares the text between two marks of a page with the table, or writes it.
fn hold(page: &str, mark: &str, wanted: &str) {
    let page = &format!("{DOCS}{page}");
    let text = std::fs::read_to_string(page).unwrap();
    let (begin, end) = (format!("<!-- {mark}:begin -->\n"), format!("<!-- {mark}:end -->"));
    let (head, rest) = text.split_once(&begin).expect("the page marks where the table begins");
    let (found, tail) = rest.split_once(&end).expect("the page marks where the table ends");
    if bless() {
        std::fs::write(page, format!("{head}{begin}{wanted}{end}{tail}")).unwrap();
    } else {
        assert!(
            found == wanted,
            "the table `{mark}` of {page} is old: run this test with BLESS=1, and look at it"
        );
    }
}

#[test]
fn the_page_of_reasons_has_the_table_of_the_code() {
    hold("reasons.md", "reasons", &reasons());
}

#[test]
fn the_page_of_methods_has_the_table_of_the_code() {
    hold("mcp.md", "methods", &methods());
}

/// The first block of a page in this language.
fn block(page: &str, language: &str) -> String {
    let (_, rest) = page.split_once(&format!("```{language}\n")).unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

struct NoProvider;

impl SignatureProvider for NoProvider {
    fn verify(&self, _: Algorithm, _: &[u8], _: &[u8], _: &[u8]) -> Result<(), SignatureFailure> {
        Err(SignatureFailure::Unavailable)
    }
}

#[test]
fn the_documented_policy_and_configuration_work_together() {
    let source =
        SourceFile { name: "README.md".to_owned(), text: block(include_str!("../../README.md"), "yaml") };
    let bundle = match compile(&[source], &Options::default()) {
        Ok(bundle) => bundle,
        Err(problems) => panic!("the README's policy does not compile:\n{problems}"),
    };
    let mut configuration: Value =
        serde_json::from_str(&block(include_str!("../../docs/configuration.md"), "json")).unwrap();
    // The page leaves out the key itself and the bundle's bytes.
    let base = include_str!("../../tests/scenarios/base.json");
    let base: Value = serde_json::from_str(base).unwrap();
    *configuration.pointer_mut("/issuers/0/jwks").unwrap() =
        base.pointer("/config/issuers/0/jwks").unwrap().clone();
    let bundle = base64::engine::general_purpose::STANDARD.encode(bundle);
    *configuration.pointer_mut("/bundle/base64").unwrap() = bundle.into();
    *configuration.pointer_mut("/checks/spicedb/bearer_token").unwrap() = "secret".into();
    let accepted =
        Config::parse("configuration.md", configuration.to_string().as_bytes(), Rc::new(NoProvider));
    assert!(accepted.is_ok(), "the documented configuration is refused:\n{}", accepted.err().unwrap());
}

/// All Rust sources, scenario data apart.
fn sources(folder: &std::path::Path, out: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let built = path.ends_with("target") || path.ends_with("node_modules") || path.ends_with("dist");
        if path.is_dir() && !hidden && !built {
            sources(&path, out);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("readme.rs")
        {
            out.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn what_the_pages_point_to_is_there() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut code = String::new();
    sources(&root, &mut code);
    let readme = include_str!("../../README.md");
    let mut found = 0;
    for (folder, page) in [("", readme), ("docs", include_str!("../../docs/failures.md"))] {
        for link in page.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            assert!(root.join(folder).join(link).exists(), "a page links to `{link}`, which is not there");
        }
        for quoted in page.split('`').skip(1).step_by(2) {
            let word = !quoted.contains(|c: char| !(c.is_ascii_lowercase() || c == '_'));
            if quoted.starts_with("tests/") || quoted.starts_with("policy-wasm/") {
                found += 1;
                assert!(root.join(quoted).exists(), "a page names `{quoted}`, which is not there");
            } else if word && quoted.matches('_').count() >= 3 {
                let test = code.contains(&format!("fn {quoted}("));
                let setting = quoted == "allow_on_headers_stop_iteration";
                let reason = Reason::all().any(|reason| reason.code() == quoted);
                found += usize::from(test);
                assert!(test || setting || reason, "a page names the test `{quoted}`, which is not there");
            }
        }
    }
    assert!(found >= 20, "the pages name {found} tests and files; are they read rightly?");
    assert!(readme.lines().count() <= 130, "the README has more than 130 lines: move something to docs/");
}
