//! Logs, memory and answers do not multiply what clients and servers send.

use super::*;

#[test]
fn server_data_is_not_multiplied_in_log_memory_or_answer() {
    let get =
        json!({"method": "GET", "add_headers": {"accept": "text/event-stream"}, "drop_headers": ["accept"]});
    let list = json!({"body": {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}});
    let array = ("data: [", "]\n\n");
    let streams: Vec<Family> = [
        (array, r##"{"jsonrpc":"2.0","id":#,"method":"x"}"##, ","),
        (array, r##"{"id":#,"method":"sampling/createMessage"}"##, ","),
        (array, "1", ","),
        (("", ""), "data: {\"id\":#,\"method\":\"x\"}\n\n", ""),
        (("", ""), "data: {\"id\":#,\"method\":\"roots/list\"}\n\n", ""),
        (("", ""), "data: {\"id\":#,\"method\":\"sampling/createMessage\"}\n\n", ""),
        (("", ""), "data: {\"id\":#,\"error\":{\"data\":{\"elicitations\":[{\"url\":\"\"}]}}}\n\n", ""),
        (("", ""), "data: {\"result\":{\"tools\":[{\"name\":\"look\",\"x\":#}]}}\n\n", ""),
        (("", ""), "data: {\"result\":{\"tasks\":[{\"taskId\":\"#\"}]}}\n\n", ""),
        (("", ""), "event: endpoint\ndata: #\n\n", ""),
        (("", ""), "data: #\n\n", ""),
        (("", ""), "data:\n", ""),
        (("data: ", "\n\n"), "\u{b}", ""),
        (("data: {\"result\":{\"tasks\":[", "]}}\n\n"), "{\"taskId\":\"#\"}", ","),
        (("data: {\"result\":{", "}}\n\n"), "\"#\":1", ","),
        (("data: ", "\n\n"), "[", ""),
    ]
    .map(|(frame, unit, between)| Family::numbered(frame, unit, between))
    .into();
    let tools = (r#"{"jsonrpc":"2.0","id":1,"result":{"tools":["#, "]}}");
    let lists: Vec<Family> = [
        (tools, r##"{"name":"look"}"##, ","),
        (tools, r##"{"name":"look","x":#}"##, ","),
        (tools, r##"{"name":"#"}"##, ","),
        ((r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[],"#, "}}"), r##""#":{}"##, ","),
        ((r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"look","x":{"#, "}}]}}"), r##""#":{}"##, ","),
        ((r#"{"jsonrpc":"2.0","id":1,"error":{"data":{"elicitations":["#, "]}}}"), r##"{"url":"#"}"##, ","),
    ]
    .map(|(frame, unit, between)| Family::numbered(frame, unit, between))
    .into();
    for (name, asked, kind, families) in
        [("stream", get, "text/event-stream", streams), ("list", list, "application/json", lists)]
    {
        let mut bench = Bench::new(&format!("multiplied-{name}"), "asking.yaml", &wide(), &asked);
        for family in families {
            bench.afresh();
            let before = bench.proxy.guest().memory_bytes();
            let text = family.text(MIB);
            bench.answer(kind, &text, usize::MAX);
            let grown = bench.proxy.guest().memory_bytes() - before;
            let (log, out, name) = (bench.log, bench.out, &family.name);
            println!(
                "{name:.100}: log {log}, out {out}, memory {:.1} times",
                grown as f64 / text.len() as f64
            );
            assert!(log <= 32 * 1024, "{name}: {log} bytes of log");
            assert!(out <= 8 * text.len(), "{name}: {out} bytes to the client");
            assert!(grown <= 32 * text.len(), "{name}: {grown} bytes of memory");
        }
    }
}

#[test]
fn client_data_is_not_multiplied_in_log_or_memory() {
    let mut bench = Bench::new("multiplied-request", "asking.yaml", &wide(), &call("free", json!({})));
    for (frame, unit) in [
        (("[", "]"), r##"{"jsonrpc":"2.0","id":#,"method":"ping"}"##),
        (("[", "]"), r##"{"jsonrpc":"2.0","id":#,"method":"tools/call","params":{"name":"wipe"}}"##),
        (("[", "]"), r##"{"jsonrpc":"2.0","id":#,"method":"x"}"##),
        (
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}},"notifications":{"resourceSubscriptions":["#,
                "]}}}",
            ),
            "\"file:///#\"",
        ),
    ] {
        // As many as pass, and as many as fit.
        for size in [1024, 4 * 1024, MIB - 64] {
            bench.afresh();
            for (name, value) in
                [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "subscriptions/listen")]
            {
                if frame.0 != "[" {
                    bench.request.headers.retain(|(field, _)| field != name);
                    bench.request.headers.push((name.to_owned(), value.as_bytes().to_vec()));
                }
            }
            let before = bench.proxy.guest().memory_bytes();
            let text = Family::numbered(frame, unit, ",").text(size);
            bench.body(&text);
            let grown = bench.proxy.guest().memory_bytes() - before;
            println!("{unit} {size}: log {}, memory {grown}", bench.log);
            assert!(bench.log <= 64 * 1536, "{unit}: {} bytes of log", bench.log);
            assert!(grown <= 32 * text.len() + MIB, "{unit}: {grown} bytes of memory");
        }
    }
}
