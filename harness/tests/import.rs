//! `toolward import` against hostile servers and names: the catalogue and the terminal stay safe.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may stop at the first surprise"
)]

mod common;

use common::{directory, said, toolward};
use serde_json::json;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;

/// Names that a reviewer cannot see, or takes for another.
const UNSEEN: [&str; 32] = [
    "\u{3164}",
    "a\u{3164}",
    "\u{ffa0}a",
    "\u{115f}a",
    "\u{1160}",
    "a\u{2800}",
    "\u{2800}",
    "a\u{a0}b",
    "a\u{2003}",
    "\u{202f}a",
    "a\u{3000}b",
    "a\u{1680}b",
    " a",
    "a ",
    "a  b",
    "\u{200b}a",
    "a\u{200d}",
    "\u{202e}a",
    "\u{2066}a\u{2069}",
    "a\u{ad}b",
    "a\u{34f}b",
    "a\u{fe0f}",
    "a\u{e0100}",
    "a\u{e0041}",
    "a\u{61c}",
    "\u{301}",
    " \u{301}a",
    "a\u{378}",
    "a\u{e000}",
    "a\u{1b}[2J",
    "a\u{2028}b",
    "a\u{180e}b",
];
/// Names that every reviewer sees.
const SEEN: [&str; 10] =
    ["a", "get_issue", "a b", "Größe", "e\u{301}te", "検索", "검색", "поиск", "क्षमा", "files/read.all-1"];

#[test]
fn invisible_names_are_left_out_and_reported_as_escapes() {
    let at = directory("import_names");
    for name in UNSEEN {
        for list in ["tools", "prompts"] {
            let listed = json!({ list: [{"name": name, "inputSchema": {"type": "object"}}] });
            fs::write(at.join("l.json"), listed.to_string()).unwrap();
            let output = toolward(&at, &["import", "--from", "l.json", "--name", "c"]);
            let (catalogue, told) = (said(&output.stdout), said(&output.stderr));
            assert_eq!(output.status.code(), Some(1), "{name:?}: {catalogue}{told}");
            assert!(told.contains("left out: ") && told.contains("0 entries"), "{name:?}: {told}");
            assert!(!catalogue.contains("tier:"), "{name:?}: {catalogue}");
            let shows = |text: &str| {
                text.chars()
                    .any(|c| c != '\n' && (c.is_control() || "\u{3164}\u{2800}\u{202e}\u{a0}".contains(c)))
            };
            assert!(!shows(&told) && !shows(&catalogue), "{name:?}: {told:?}");
        }
    }
    for uri in ["f:///a\u{3164}", "f:///a ", "f:///\u{2800}"] {
        fs::write(at.join("l.json"), json!({"resources": [{"uri": uri, "name": "n"}]}).to_string()).unwrap();
        let output = toolward(&at, &["import", "--from", "l.json", "--name", "c"]);
        assert_eq!(output.status.code(), Some(1), "{uri:?}");
    }
}

#[test]
fn names_that_can_be_seen_are_taken_as_they_are() {
    let at = directory("import_seen");
    let tools: Vec<_> =
        SEEN.iter().map(|name| json!({"name": name, "inputSchema": {"type": "object"}})).collect();
    fs::write(at.join("l.json"), json!({ "tools": tools }).to_string()).unwrap();
    let output = toolward(&at, &["import", "--from", "l.json", "--name", "c"]);
    let (catalogue, told) = (said(&output.stdout), said(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{told}");
    for name in SEEN {
        assert!(catalogue.contains(name), "{name}: {catalogue}");
    }
}

/// Answers every request in the same way. Returns its address.
fn server(answer: &str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, answer) = (listener.local_addr().unwrap().port(), answer.to_owned());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 65536];
            let _read = stream.read(&mut request);
            let _written = stream.write_all(answer.as_bytes());
        }
    });
    port
}

#[test]
fn no_error_repeats_parts_of_a_url_that_may_be_secret() {
    const SECRET: &str = "c4nary";
    let at = directory("import_urls");
    let whole = |kind: &str, body: &str| {
        format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        )
    };
    let redirect = |to: &str| {
        format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
    };
    let mut answers = vec![
        String::new(),
        "no HTTP at all\r\n\r\n".to_owned(),
        "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned(),
        "HTTP/1.1 500 Oh\r\ncontent-length: 5\r\nconnection: close\r\n\r\nx".to_owned(),
        whole("application/json", "{"),
        whole("text/html", "<p>"),
        whole("text/event-stream", "data: {\n\n"),
        format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx: {}\r\n\r\n", "y".repeat(200_000)),
    ];
    for to in [
        "https://u:c4nary@h.test/a?x=c4nary#c4nary",
        "/a?code=c4nary",
        "//c4nary:c4nary@h.test/a",
        "https://h.test/a;jsessionid=c4nary",
        "https://h.test\\@x/?c4nary",
        "https://h.test/a#c4nary",
        "c4nary@h",
    ] {
        answers.push(redirect(to));
    }
    for answer in answers {
        let url = format!("http://127.0.0.1:{}/mcp?key={SECRET}#{SECRET}", server(&answer));
        let header = format!("x-api-key: {SECRET}");
        let output = toolward(&at, &["import", &url, "--name", "c", "--header", &header, "--timeout", "5"]);
        let told = said(&output.stdout) + &said(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{answer}: {told}");
        assert!(told.len() > 20 && !told.contains(SECRET), "{answer}: {told}");
    }
    for url in [
        "http://127.0.0.1:1/mcp?key=c4nary",
        "https://127.0.0.1:1/mcp?key=c4nary",
        "https://nowhere.invalid/mcp?key=c4nary",
        "https://u:c4nary@h.test/",
        "https://h.test:99999999/?c4nary",
        "https://h .test/?c4nary",
        "https://[::1/?c4nary",
        "https://h.test/%zz?c4nary\u{7f}",
        "https://?c4nary",
        "https:///?c4nary",
        "ftp://h.test/?c4nary",
        "c4nary",
    ] {
        let output = toolward(&at, &["import", url, "--name", "c", "--timeout", "5"]);
        let told = said(&output.stdout) + &said(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{url}: {told}");
        assert!(told.len() > 20 && !told.contains(SECRET), "{url}: {told}");
    }
    let (code, told) = {
        let output = toolward(&at, &["import", "https://h.test/", "--name", "c", "--header", SECRET]);
        (output.status.code(), said(&output.stderr))
    };
    assert!(code == Some(2) && !told.contains(SECRET), "{told}");
}
