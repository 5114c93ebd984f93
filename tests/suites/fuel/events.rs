//! Event streams, whole and in single bytes.

use super::*;

/// Frames of events, by the code that they lead to.
fn events() -> Vec<Family> {
    let frames: [Frame; 10] = [
        ("", "\n\n"),
        (":", "\n\n"),
        ("data:", "\n\n"),
        ("event:", "\n\n"),
        ("id:", "\n\n"),
        ("data: {\"a\":\"", "\"}\n\n"),
        ("data: {\"jsonrpc\":\"2.0\",\"method\":\"", "\"}\n\n"),
        ("event: endpoint\ndata: /", "\n\n"),
        ("\u{feff}", "\n\n"),
        ("data: {}\n", "\n\n"),
    ];
    let mut families = everywhere(&frames);
    let none = ("", "");
    for unit in [
        "data\n",
        "data:\n",
        "data: {}\n\n",
        "data: x\r\r",
        ":\n",
        ":\n\n",
        "id\n",
        "id: #\n\n",
        "event: x\n\n",
        "event: x\n",
        "retry: #\n\n",
        "x\n\n",
        "data\u{b}",
        ": \u{b}dat\u{b}:",
        "\u{b}\u{feff}",
        "\u{c}data",
        "data : \n",
        "\n\r\n",
        "\r\n\n",
        "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}\n\n",
        "data: {\"jsonrpc\":\"2.0\",\"id\":#,\"method\":\"x\"}\n\n",
        "data: {\"jsonrpc\":\"2.0\",\"method\":\"x\"}\n\n",
        "data: {\"jsonrpc\":\"2.0\",\"id\":#,\"method\":\"sampling/createMessage\"}\n\n",
        "data: {\"jsonrpc\":\"2.0\",\"id\":#,\"method\":\"roots/list\"}\n\n",
        "data: {\"jsonrpc\":\"2.0\",\"id\":#,\"result\":{\"tools\":[]}}\n\n",
    ] {
        families.push(Family::numbered(none, unit, ""));
    }
    let array = ("data: [", "]\n\n");
    for unit in [
        r##"{"jsonrpc":"2.0","id":#,"method":"x"}"##,
        r##"{"jsonrpc":"2.0","method":"notifications/message"}"##,
        r##"{"jsonrpc":"2.0","id":#,"result":{"tools":[{"name":"look"}]}}"##,
        "1",
    ] {
        families.push(Family::numbered(array, unit, ","));
    }
    families
}

#[test]
fn reading_an_event_stream_costs_the_same_for_each_byte() {
    let get =
        json!({"method": "GET", "add_headers": {"accept": "text/event-stream"}, "drop_headers": ["accept"]});
    let mut stream = Bench::new("stream", "asking.yaml", &wide(), &get);
    let kind = "text/event-stream";
    let all = events();
    Reader::new("streams", 1000, 4 * MIB).hold(&all, &mut |text| stream.answer(kind, text, usize::MAX));
    // Each callback has a price of its own, which pieces of one byte pay for each byte.
    let some: Vec<Family> = all.iter().rev().step_by(9).cloned().collect();
    // Each byte is a callback of its own, and most of the cost is the callback.
    let pieces = |name| Reader { name, bound: 11_000, small: 1024, most: 0 };
    pieces("streams in single bytes").hold(&some, &mut |text| stream.answer(kind, text, 1));
    let sse = json!({
        "revisions": ["2024-11-05", "2025-03-26"],
        "servers": {"github": {"messages": "/mcp/github/messages/"}}
    });
    let drop = ["mcp-protocol-version", "accept"];
    let plain =
        json!({"method": "GET", "add_headers": {"accept": "text/event-stream"}, "drop_headers": drop});
    let mut opening = Bench::new("opening", "acme.yaml", &sse, &plain);
    pieces("openings in single bytes").hold(&some, &mut |text| opening.answer(kind, text, 1));
}
