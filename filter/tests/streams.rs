//! What the filter writes to a stream is what it judged, to a reader by the standard and to one that splits lines as
//! Unicode does, whatever the server sends. The readers share nothing with the filter's own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests may stop at the first surprise"
)]

#[path = "../../tests/fuzz/bodies/mod.rs"]
mod bodies;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bodies::readers::{Event as Heard, by_splitlines, by_standard, written};
use filter::mcp::sse::{EventAction, EventFilter, has_foreign_line_end};
use filter::pep::{Flow, Pep};
use filter::testing::{Deed, Proxied, claims, fields, head, signed};
use proptest::prelude::*;
use serde_json::Value;
use std::rc::Rc;

/// Line ends of some reader, and nothing at all.
const ENDS: [&str; 12] =
    ["", " ", "\n", "\r", "\r\n", "\r\r", "\n\r", "\u{b}", "\u{c}", "\u{1e}", "\u{85}", "\u{2028}\u{2028}"];
const ENDPOINT: &str = "event: endpoint\ndata: /messages?s=1\n\n";

fn end() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&ENDS[..])
}

/// Text of pieces that mean something to a reader of streams or of JSON.
fn text() -> impl Strategy<Value = String> {
    let pieces = [
        "data: ",
        "data:",
        "event: endpoint",
        "event: x",
        "id: 1",
        ":",
        "{",
        "}",
        "\"",
        "a",
        "é",
        "\u{feff}",
    ];
    prop::collection::vec((prop::sample::select(pieces.to_vec()), end()), 0..8)
        .prop_map(|pieces| pieces.into_iter().flat_map(|(piece, end)| [piece, end]).collect())
}

/// Three parts of a message that hides another one from a reader who misses the second, joined by line ends.
fn message() -> impl Strategy<Value = String> {
    let split = [
        [r#"{"jsonrpc":"2.0","id":5,"result":{"tools":["#, r#"],"x":["#, r#"{"name":"wipe"}]}}"#],
        [
            r#"{"jsonrpc":"2.0","id":5,"#,
            r#""result":{},"x":{"#,
            r#""method":"sampling/createMessage","params":{}}"#,
        ],
        [r#"{"jsonrpc":"2.0","id":5,"result":{"x":""#, r#"","y":""#, r#""}}"#],
        [r#"{"jsonrpc":"2.0","method":"notifications/"#, "tools/list_changed", r#""}"#],
        [
            r#"{"jsonrpc":"2.0","id":6,"result":{}}"#,
            "data: ",
            r#"{"jsonrpc":"2.0","id":7,"method":"roots/list"}"#,
        ],
        [
            r#"{"jsonrpc":"2.0","id":4,"error":{"code":403,"message":"this tool is above the user's ceiling","data""#,
            ":",
            r#"{"reason":"tier_above_subject","decision_id":"0a"}}}"#,
        ],
        [
            r#"{"jsonrpc":"2.0","id":5,"error":{"code":-32042,"message":"m","data":{"#,
            r#""x":{"#,
            r#""elicitations":[{"mode":"url","elicitationId":"e","url":"https://evil.test/","message":"?"}]}}}"#,
        ],
    ];
    (prop::sample::select(split.to_vec()), end(), end(), "[a-z]{0,3}").prop_map(
        |([a, b, c], one, two, word)| {
            // What closes the object that was opened in the part that may be missed.
            let close = if b.ends_with(":{") { "}" } else { "" };
            format!("{a}{one}{b}{two}{c}{close}{word}")
                .trim_end_matches(|c: char| c.is_ascii_lowercase())
                .to_owned()
        },
    )
}

/// An event as a server may send it: a message in clear, in the id of an answer, or other text.
fn event() -> impl Strategy<Value = String> {
    let carried = message().prop_map(|message| {
        let id = URL_SAFE_NO_PAD.encode(message);
        format!("event: message\ndata: {{\"jsonrpc\":\"2.0\",\"id\":\"toolward-denied.{id}\",\"result\":{{}}}}\n\n")
    });
    let clear = (message(), end()).prop_map(|(message, end)| format!("data: {message}{end}\n\n"));
    prop_oneof![4 => carried, 3 => clear, 2 => text().prop_map(|text| format!("{text}\n\n"))]
}

/// The part of a stream of GET that reaches the client.
fn goes_on(pep: &Rc<Pep>, stream: &[u8], piece: usize) -> Vec<u8> {
    let mut exchange = Proxied::new(Some(Rc::clone(pep)));
    let token = signed(&claims("alice", "planner"));
    let answered = exchange.request_headers(head("GET", "/mcp", &token), true);
    assert_eq!(answered.flow, Flow::Pass, "{answered:?}");
    exchange.response_headers(fields([(":status", "200"), ("content-type", "text/event-stream")]), false);
    let (mut out, mut from) = (Vec::new(), 0);
    for at in (piece..stream.len()).step_by(piece).chain([stream.len()]) {
        let (answered, sent) = exchange.response_body(&stream[from..at], at == stream.len());
        if answered.deeds.iter().any(|deed| matches!(deed, Deed::Reply(_))) {
            return out;
        }
        out.extend(sent);
        from = at;
    }
    out
}

/// Whether the policy lets a client hear this event.
fn permitted(by_sse: bool, (name, data): &Heard) -> bool {
    if name == b"endpoint" {
        return by_sse && data == b"/messages?s=1";
    }
    // What is no JSON says nothing to a client.
    let Ok(message) = serde_json::from_slice::<Value>(data) else { return true };
    let messages = match message {
        Value::Array(messages) => messages,
        one => vec![one],
    };
    messages.iter().all(|message| {
        let method =
            message["method"].as_str().is_none_or(|method| method == "notifications/tools/list_changed");
        let tools = message["result"]["tools"].as_array();
        method && tools.is_none_or(Vec::is_empty) && message["error"]["data"]["elicitations"].is_null()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    /// Whatever is put in the place of an event's data, both readers hear exactly that.
    #[test]
    fn data_that_is_written_is_heard_as_it_was_judged(all in prop::collection::vec(text(), 1..4)) {
        let stream: String = (0..all.len()).map(|number| format!("event: e\ndata: {number}\n\n")).collect();
        let mut out = Vec::new();
        let mut with = all.iter();
        let pushed = EventFilter::new(1000).push(stream.as_bytes(), &mut out, &mut |_| {
            EventAction::Replace(with.next().unwrap().clone().into_bytes())
        });
        pushed.unwrap();
        let heard: Vec<Heard> = all
            .iter()
            .map(|data| (b"e".to_vec(), written(data.as_bytes())))
            .filter(|(_, data)| !data.is_empty())
            .collect();
        prop_assert_eq!(by_standard(&out), heard.clone());
        prop_assert_eq!(by_splitlines(std::str::from_utf8(&out).unwrap()), heard);
        prop_assert!(!has_foreign_line_end(&out));
    }

    /// No reader of a stream hears what the policy denies, in whichever id or behind whichever line end it comes.
    #[test]
    fn no_reader_of_a_stream_hears_what_is_denied(
        events in prop::collection::vec(event(), 1..5), by_sse: bool, piece in 1usize..200,
    ) {
        let pep = bodies::exchange::pep();
        let stream = if by_sse { ENDPOINT.to_owned() + &events.concat() } else { events.concat() };
        let out = goes_on(&pep, stream.as_bytes(), piece);
        let by_lines = by_splitlines(std::str::from_utf8(&out).unwrap());
        for heard in by_standard(&out).iter().chain(&by_lines) {
            let shown = String::from_utf8_lossy(&heard.1);
            prop_assert!(permitted(by_sse, heard), "{shown} of {stream:?}");
        }
    }
}
