//! The README's tables of reasons and of defaults are those of the code. `BLESS=1` writes them anew.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test program")]

use filter::config::defaults::{CHOICES, NUMBERS};
use filter::reason::Reason;
use filter::reply::{Row, row};
use std::fmt::Write as _;

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");

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

/// `issuers` is a list, `servers` has the policy's names as keys.
fn field(path: &str) -> String {
    path.replace("/servers/*/", "/servers/<id>/")
        .replace("/*/", "[].")
        .trim_start_matches('/')
        .replace('/', ".")
}

fn defaults() -> String {
    let mut out = String::from("| field | default | may be | why |\n|---|---|---|---|\n");
    for choice in CHOICES {
        let field = field(choice.path);
        writeln!(out, "| `{field}` | {} | {} | {} |", choice.default, choice.values, choice.reason).unwrap();
    }
    for number in NUMBERS {
        let field = field(number.path);
        let bounds = format!("{} to {} {}", number.least, number.most, number.unit);
        writeln!(out, "| `{field}` | {} | {} | {} |", number.default, bounds.trim_end(), number.reason)
            .unwrap();
    }
    out
}

/// Compares what stands between two marks of the README, or writes it.
fn hold(mark: &str, wanted: &str) {
    let readme = std::fs::read_to_string(README).unwrap();
    let (begin, end) = (format!("<!-- {mark}:begin -->\n"), format!("<!-- {mark}:end -->"));
    let (head, rest) = readme.split_once(&begin).expect("the README marks where the table begins");
    let (found, tail) = rest.split_once(&end).expect("the README marks where the table ends");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(README, format!("{head}{begin}{wanted}{end}{tail}")).unwrap();
    } else {
        assert!(
            found == wanted,
            "the table `{mark}` of the README is old: run this test with BLESS=1, and look at it"
        );
    }
}

#[test]
fn the_readme_has_the_tables_of_the_code() {
    hold("reasons", &reasons());
    hold("configuration", &defaults());
}
