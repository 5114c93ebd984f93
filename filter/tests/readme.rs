//! The README's table of reasons is the table of the code. `BLESS=1` writes it anew.

use filter::reason::Reason;
use filter::reply::{Row, row};

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
const BEGIN: &str = "<!-- reasons:begin (written by `BLESS=1 cargo test -p filter --test readme`) -->\n";
const END: &str = "<!-- reasons:end -->";

fn table() -> String {
    let mut out =
        String::from("| code | HTTP status | JSON-RPC code | what the client is told |\n|---|---|---|---|\n");
    for reason in Reason::all() {
        let Row { status, code, text, .. } = row(reason);
        out.push_str(&format!("| `{}` | {status} | {code} | {text} |\n", reason.code()));
    }
    out
}

#[test]
fn the_readme_lists_every_reason_with_its_reply() {
    let readme = std::fs::read_to_string(README).unwrap();
    let (head, rest) = readme.split_once(BEGIN).expect("the README marks where the table begins");
    let (found, tail) = rest.split_once(END).expect("the README marks where the table ends");
    let wanted = table();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(README, format!("{head}{BEGIN}{wanted}{END}{tail}")).unwrap();
    } else {
        assert!(
            found == wanted,
            "the README's table of reasons is old; write it anew with BLESS=1 and look at it"
        );
    }
}
