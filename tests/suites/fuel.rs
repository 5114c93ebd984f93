//! Work: fuel for each byte that others choose, held against a bound and against itself at four times the size.
//!
//! wasmtime counts the module's instructions, so a figure is the same on every machine.

use harness::host::proxy::{Callback, Guest, Proxy};
use harness::host::stream::{Side, Stream};
use harness::host::wasm::{Filter, WasmGuest};
use harness::host::world::World;
use harness::scenario::{Fixtures, Request};
use serde_json::{Value, json};
use std::fmt::Write as _;
use toolward_tests::exchange::{Corpus, Point, answer, call, corpus, head, open, start};
use toolward_tests::families::{Family, Frame, UNITS, everywhere, members};
use toolward_tests::{folder, fuel_guest, wasm};

/// Fuel that a text costs whatever its length: a callback, an exchange, a record.
const FIXED: u64 = 150_000;
/// The smaller of the two sizes that are compared, in bytes; the other is four times as large.
const SMALL: usize = 4 * 1024;
const MIB: usize = 1024 * 1024;

/// What a text of a family costs, in fuel.
type Cost<'c> = &'c mut dyn FnMut(&str) -> u64;

/// A reader, and what it may cost.
struct Reader {
    name: &'static str,
    /// Fuel for each byte.
    bound: u64,
    small: usize,
    /// The longest text that it reads, in bytes.
    most: usize,
}

impl Reader {
    const fn new(name: &'static str, bound: u64, most: usize) -> Reader {
        Reader { name, bound, small: SMALL, most }
    }

    /// Holds every family at two sizes against the bound and against each other, and the worst at the largest size.
    fn hold(&self, families: &[Family], cost: Cost<'_>) {
        let mut report = String::new();
        let mut worst: Vec<(u64, &Family)> = Vec::new();
        for family in families {
            let (small, large) = (family.text(self.small), family.text(4 * self.small));
            let (low, high) = (cost(&small), cost(&large));
            let per_byte = high.saturating_sub(FIXED) / large.len() as u64;
            // A pass over the rest for each byte costs sixteen times as much, and sorting a little more than four times.
            let grown = high.saturating_sub(FIXED) as f64 / low.max(FIXED) as f64;
            let times = large.len() as f64 / small.len() as f64;
            if per_byte > self.bound || grown > 1.5 * times {
                writeln!(report, "{per_byte} a byte, {grown:.1} times for {times:.1}: {}", family.name)
                    .unwrap();
            }
            worst.push((per_byte, family));
        }
        worst.sort_by_key(|(per_byte, _)| std::cmp::Reverse(*per_byte));
        let (name, bound) = (self.name, self.bound);
        for (per_byte, family) in worst.iter().take(3) {
            println!("{name}: {per_byte} of {bound} a byte: {:.160}", family.name);
        }
        assert!(report.is_empty(), "{name}, at most {bound} a byte:\n{report}");
        if let Some((_, family)) = worst.first().filter(|_| self.most > 4 * self.small) {
            let text = family.text(self.most);
            let per_byte = cost(&text).saturating_sub(FIXED) / text.len() as u64;
            println!("{name}: {per_byte} of {bound} a byte at {} bytes: {:.160}", text.len(), family.name);
            assert!(per_byte <= bound, "{name}: {per_byte} a byte at {} bytes: {}", text.len(), family.name);
        }
    }
}

/// A proxy with the filter.
struct Bench {
    proxy: Proxy<WasmGuest>,
    request: Request,
    next: u32,
    corpus: Corpus,
    /// Bytes of the log, and to the client, of the last exchange.
    log: usize,
    out: usize,
}

impl Bench {
    fn new(name: &str, policy: &str, config: &Value, request: &Value) -> Bench {
        let corpus = corpus(name, policy, config, request);
        let (proxy, request) = start(&corpus);
        Bench { proxy, request, next: 2, corpus, log: 0, out: 0 }
    }

    /// The same in a VM of its own: memory never shrinks.
    fn afresh(&mut self) {
        let (proxy, request) = start(&self.corpus);
        (self.proxy, self.request, self.next) = (proxy, request, 2);
    }

    fn stream(&mut self) -> u32 {
        self.next += 2;
        self.proxy.guest().world().log.clear();
        self.out = 0;
        self.next
    }

    fn spent(&mut self, callback: &str) -> u64 {
        let spent = self.proxy.guest().take_fuel();
        spent.iter().filter(|(name, _)| *name == callback).map(|(_, fuel)| fuel).sum()
    }

    /// What a body of a request costs.
    fn body(&mut self, body: &str) -> u64 {
        let id = self.stream();
        let mut request = self.request.clone();
        request.body = Some(body.as_bytes().to_vec());
        let guest = self.proxy.guest();
        open(guest, id, &request, Point::Head);
        guest.take_fuel();
        let side = &mut guest.world().streams.get_mut(&id).unwrap().request;
        (side.buffer, side.buffer_open) = (body.as_bytes().to_vec(), true);
        guest.call(id, Callback::RequestBody { bytes: body.len(), end: true }).unwrap();
        let spent = self.spent("proxy_on_request_body");
        self.end(id);
        spent
    }

    /// What an answer costs that comes in pieces of so many bytes.
    fn answer(&mut self, kind: &str, body: &str, piece: usize) -> u64 {
        let id = self.stream();
        let request = self.request.clone();
        let guest = self.proxy.guest();
        open(guest, id, &request, if request.body.is_some() { Point::Body } else { Point::Head });
        answer(guest, id, kind);
        guest.take_fuel();
        let held = kind == "application/json";
        let mut rest = body.as_bytes();
        while let Some((next, after)) =
            rest.split_at_checked(piece.min(rest.len())).filter(|_| !rest.is_empty())
        {
            let side = &mut guest.world().streams.get_mut(&id).unwrap().response;
            if !held {
                side.buffer.clear();
            }
            side.buffer.extend_from_slice(next);
            side.buffer_open = true;
            let bytes = side.buffer.len();
            guest.call(id, Callback::ResponseBody { bytes, end: after.is_empty() }).unwrap();
            let stream = guest.world().streams.get_mut(&id).unwrap();
            let sent =
                stream.response.buffer.len() + stream.reply.as_ref().map_or(0, |reply| reply.body.len());
            self.out = if held { sent } else { self.out + sent };
            rest = after;
        }
        let spent = self.spent("proxy_on_response_body");
        self.end(id);
        spent
    }

    /// What a head costs.
    fn head(&mut self, fields: Vec<(String, Vec<u8>)>) -> u64 {
        let id = self.stream();
        let mut request = self.request.clone();
        request.headers.extend(fields);
        let side = Side { headers: head(&request), headers_open: true, ..Side::default() };
        let guest = self.proxy.guest();
        let fields = side.headers.len();
        guest.world().streams.insert(id, Stream { request: side, ..Stream::default() });
        guest.create(id).unwrap();
        guest.take_fuel();
        guest.call(id, Callback::RequestHeaders { fields, end: false }).unwrap();
        let spent = self.spent("proxy_on_request_headers");
        self.end(id);
        spent
    }

    fn end(&mut self, id: u32) {
        let guest = self.proxy.guest();
        self.log = guest.world().log.iter().map(|line| line.message.len()).sum();
        guest.end(id).unwrap();
        guest.world().streams.remove(&id);
        guest.take_fuel();
    }
}

/// Every kind of message is admitted, and ids are sealed.
fn wide() -> Value {
    json!({
        "revisions": ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"],
        "batches": "judge",
        "sessions": {"keys": ["UjPMWzKiy9BA69ZOlw9roSK8UsMUaqo5CovhAYKMrmI="]},
        "servers": {"github": {"tasks": "listed"}}
    })
}

#[test]
fn reading_a_message_costs_the_same_for_each_byte() {
    let mut bench = Bench::new("message", "asking.yaml", &wide(), &call("free", json!({})));
    const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"free","#;
    let _ = CALL;
    let frames: [Frame; 11] = [
        ("", ""),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"free","arguments":{"a":""#,
            r#""}}}"#,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"free","arguments":{""#,
            r#"":1}}}"#,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"free","arguments":{"a":["#,
            r#"1]}}}"#,
        ),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"free",""#, r#"":1}}"#),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"free","_meta":{""#, r#"":1}}}"#),
        (r#"{""#, r#"":1,"jsonrpc":"2.0","id":1,"method":"ping"}"#),
        (r#"{"jsonrpc":"2.0","method":"ping","id":""#, r#""}"#),
        (r#"{"jsonrpc":"2.0","id":1,"method":""#, r#""}"#),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":""#, r#""}}"#),
        ("[", r#"{"jsonrpc":"2.0","id":1,"method":"ping"}]"#),
    ];
    let mut families = everywhere(&frames);
    for object in [
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"free","arguments":{"#, "}}}"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"free","_meta":{"#, "}}}"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"free","#, "}}"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","#, "}"),
    ] {
        families.extend(members(object, (r#"{"jsonrpc":"2.0","id":1,"result":{"a":["#, "]}}")));
    }
    let id = "i".repeat(230);
    for unit in [
        r##"{"jsonrpc":"2.0","id":#,"method":"ping"}"##.to_owned(),
        format!(r##"{{"jsonrpc":"2.0","id":"{id}#","method":"ping"}}"##),
        r##"{"jsonrpc":"2.0","id":#,"method":"tools/call","params":{"name":"wipe"}}"##.to_owned(),
        r##"{"jsonrpc":"2.0","method":"notifications/initialized"}"##.to_owned(),
    ] {
        families.push(Family::numbered(("[", "]"), &unit, ","));
    }
    Reader::new("messages", 650, MIB).hold(&families, &mut |text| bench.body(text));
}

#[test]
fn reading_an_answer_costs_the_same_for_each_byte() {
    for (name, asked, frames) in [
        (
            "list",
            json!({"body": {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}}),
            vec![
                ("", ""),
                (r#"{"jsonrpc":"2.0","id":1,"result":{"tools":["#, "]}}"),
                (r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":""#, r#""}]}}"#),
                (r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"look",""#, r#"":1}]}}"#),
                (r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[],""#, r#"":1}}"#),
            ],
        ),
        (
            "call",
            call("free", json!({})),
            vec![
                (r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":""#, r#""}]}}"#),
                (r#"{"jsonrpc":"2.0","id":1,"result":{""#, r#"":1}}"#),
                (r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"","data":{""#, r#"":1}}}"#),
                (r#"{"jsonrpc":"2.0","id":""#, r#"","result":{}}"#),
                (r#"{""#, r#"":1,"jsonrpc":"2.0","id":1,"result":{}}"#),
            ],
        ),
    ] {
        let mut bench = Bench::new(name, "asking.yaml", &wide(), &asked);
        let mut families = everywhere(&frames);
        let object = (r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[],"#, "}}");
        families.extend(members(object, (r#"{"jsonrpc":"2.0","id":1,"result":{"tools":["#, "]}}")));
        let definition =
            (r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"look","inputSchema":{"#, "}}]}}");
        let schema =
            (r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"look","inputSchema":["#, "]}]}}");
        families.extend(members(definition, schema));
        let errors = (
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32042,"message":"","data":{"elicitations":["#,
            "]}}}",
        );
        for (frame, unit) in [
            (errors, r##"{"mode":"url","url":"https://ask.acme.test/consent"}"##),
            (errors, r##"{"mode":"url","url":"https://evil.test/#"}"##),
            (errors, "{}"),
            (object, r##""inputRequests":{"#":{"method":"elicitation/create","params":{}}}"##),
            (
                (r#"{"jsonrpc":"2.0","id":1,"result":{"inputRequests":{"#, "}}}"),
                r##""#":{"method":"roots/list"}"##,
            ),
        ] {
            families.push(Family::numbered(frame, unit, ","));
        }
        Reader::new(name, 900, 4 * MIB)
            .hold(&families, &mut |text| bench.answer("application/json", text, usize::MAX));
    }
}

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

#[test]
fn reading_a_head_costs_the_same_for_each_byte() {
    let mut bench = Bench::new("head", "asking.yaml", &wide(), &call("free", json!({})));
    let names =
        ["x-#", "mcp-#", "mcp_#", "mcp-param-#", "mcp-param-a_#", "x_toolward-#", "content-type-#", "accept"];
    let families: Vec<Family> = names.iter().map(|name| Family::numbered(("", ""), name, "\n")).collect();
    Reader::new("header fields", 500, 64 * 1024).hold(&families, &mut |text| {
        bench.head(text.lines().map(|name| (name.to_owned(), b"1".to_vec())).collect())
    });
    let names: [Frame; 5] = [
        ("x-a\n", ""),
        ("mcp-name\n", ""),
        ("mcp-param-a\n", ""),
        ("origin\n", ""),
        (":path\n/mcp/github?", ""),
    ];
    Reader::new("values of header fields", 60, 64 * 1024).hold(&everywhere(&names), &mut |text| {
        let (name, value) = text.split_once('\n').unwrap();
        bench.head(vec![(name.to_owned(), value.as_bytes().to_vec())])
    });
}

#[test]
fn reading_a_token_costs_the_same_for_each_byte() {
    let mut bench = Bench::new("token", "asking.yaml", &wide(), &call("free", json!({})));
    let fixtures = Fixtures::new(&folder()).unwrap();
    let scenario = &bench.corpus.scenario;
    let claims: Value = json!({
        "iss": "https://id.acme.test", "sub": "u-alice", "aud": "https://tools.acme.test/mcp/github",
        "act": {"sub": "agent:planner"}, "iat": scenario.now - 60, "exp": scenario.now + 300
    });
    let claims = claims.to_string();
    // A claim in front of those that a token must have.
    let whole = |member: &str| format!("{{{member},{}", &claims[1..]);
    let frames: [Frame; 4] =
        [("\"groups\":[\"", "\"]"), ("\"", "\":1"), ("\"scope\":\"", "\""), ("\"act\":{\"sub\":\"", "\"}")];
    let mut families = everywhere(&frames);
    families.extend(members(("\"x\":{", "}"), ("\"groups\":[", "]")));
    families.push(Family::numbered(("\"aud\":[", "]"), "\"#\"", ","));
    families.push(Family::numbered(("\"scope\":\"", "\""), "#", " "));
    // The host checks signatures: 2 KB and 8 KB of claims fit into a token.
    let reader = Reader { name: "tokens", bound: 400, small: 2 * 1024, most: 10 * 1024 };
    reader.hold(&families, &mut |text| {
        let claims = serde_json::from_str(&whole(text)).unwrap_or_default();
        let header = json!({"typ": "at+jwt"});
        let token = fixtures.mint("acme-es256", header.as_object().unwrap(), &claims, None).unwrap();
        bench.request.headers.retain(|(name, _)| name != "authorization");
        bench.request.headers.push(("authorization".to_owned(), format!("Bearer {token}").into_bytes()));
        bench.head(Vec::new())
    });
    let bearer: [Frame; 3] = [("Bearer ", ""), ("Bearer e30.", ".e30"), ("", " x")];
    let reader = Reader { name: "credentials", bound: 400, small: 2 * 1024, most: 16 * 1024 };
    reader.hold(&everywhere(&bearer), &mut |text| {
        bench.request.headers.retain(|(name, _)| name != "authorization");
        bench.request.headers.push(("authorization".to_owned(), text.as_bytes().to_vec()));
        bench.head(Vec::new())
    });
}

#[test]
fn reading_a_configuration_costs_the_same_for_each_byte() {
    let bench = Bench::new("configuration", "asking.yaml", &json!({}), &call("free", json!({})));
    let fixtures = Fixtures::new(&folder()).unwrap();
    let whole = fixtures.plugin_configuration(&bench.corpus.scenario).unwrap();
    let filter = Filter::from_file(&wasm()).unwrap();
    let frames: [Frame; 5] =
        [("", ""), ("\"x\":\"", "\""), ("\"", "\":1"), ("\"limits\":{\"", "\":1}"), ("\"x\":[", "]")];
    let mut families = everywhere(&frames);
    families.extend(members(("", ""), ("\"allowed_origins\":[", "]")));
    families.extend(members(("\"servers\":{", "}"), ("\"revisions\":[", "]")));
    let start = |configuration: &str| {
        let mut world = World::new(bench.corpus.scenario.now * 1_000_000_000, [], fixtures.signatures());
        world.configuration = configuration.as_bytes().to_vec();
        let mut guest = filter.guest(world).unwrap();
        // Whether it is refused does not matter.
        guest.start().unwrap();
        guest
            .take_fuel()
            .iter()
            .filter(|(name, _)| *name == "proxy_on_configure")
            .map(|(_, fuel)| fuel)
            .sum::<u64>()
    };
    // The first thousand problems are told, each with what may have been meant.
    let reader = Reader { name: "configurations", bound: 3000, small: 32 * 1024, most: 512 * 1024 };
    let some: Vec<Family> = families.iter().rev().step_by(4).cloned().collect();
    reader.hold(&some, &mut |text| start(&format!("{{{text},{}", &whole[1..])));
}

#[test]
fn reading_a_policy_costs_the_same_for_each_byte() {
    let mut guest = PolicyReader::new();
    let frames: [Frame; 8] = [
        ("", ""),
        ("policy: toolward/v1\nservers: {", "}\n"),
        ("policy: toolward/v1\ntiers: [", "]\n# c\n"),
        ("policy: toolward/v1\nx: \"", "\"\n"),
        ("policy: toolward/v1\nx: ", "\n"),
        ("policy: toolward/v1\n", ": 1\n"),
        ("policy: toolward/v1\nx: |\n  ", "\n"),
        ("policy: toolward/v1\ntiers: [read]\nforbids: [{id: a, when: \"", "\"}]\n"),
    ];
    let mut families = everywhere(&frames);
    let flow = ("policy: toolward/v1\nservers: {# c\n a: {", "}}\n");
    families.extend(members(flow, ("policy: toolward/v1\ntiers: [# c\n ", "]\n")));
    for (frame, unit, between) in [
        (("policy: toolward/v1\n", "\n"), "k#: 1", "\n"),
        (("policy: toolward/v1\n", "\n"), "# #", "\n"),
        (("policy: toolward/v1\ntiers: [a, ", "]\n"), "t#", ", "),
        (("policy: toolward/v1\ntiers:\n", "\n"), "- t# # c", "\n"),
        (("policy: toolward/v1\nlabels: [", "]\n"), "t#", ", "),
        (("policy: toolward/v1\nservers:\n", "\n"), " s#: {resource: \"https://a.test/#\", tools: {}}", "\n"),
        (
            ("policy: toolward/v1\nservers: {s: {resource: \"https://a.test/\", tools: {", "}}}\n"),
            "t#: {}",
            ", ",
        ),
        (
            ("policy: toolward/v1\nservers: {s: {resource: \"https://a.test/\", tools: {", "}}}\n"),
            "t#: {tier: x}",
            ", ",
        ),
        (("policy: toolward/v1\nforbids:\n", "\n"), " - {id: f#, reason: x}", "\n"),
    ] {
        families.push(Family::numbered(frame, unit, between));
    }
    // The first thousand problems are told, each with its line and what may have been meant.
    let some: Vec<Family> = families
        .iter()
        .rev()
        .enumerate()
        .filter(|(at, _)| *at < 30 || at % 6 == 0)
        .map(|(_, family)| family.clone())
        .collect();
    for (name, reader) in [("policies", 0), ("layouts of policies", 1)] {
        let reader_of = Reader { name, bound: 12_000, small: 16 * 1024, most: 256 * 1024 };
        reader_of.hold(&some, &mut |text| guest.read(reader, text));
    }
}

/// The readers of policies, compiled for wasm as for the playground.
struct PolicyReader {
    store: wasmtime::Store<()>,
    instance: wasmtime::Instance,
}

impl PolicyReader {
    fn new() -> PolicyReader {
        let mut config = wasmtime::Config::new();
        config.consume_fuel(true);
        let engine = wasmtime::Engine::new(&config).unwrap();
        let module = wasmtime::Module::from_file(&engine, fuel_guest()).unwrap();
        let mut store = wasmtime::Store::new(&engine, ());
        store.set_fuel(u64::MAX / 2).unwrap();
        let instance = wasmtime::Instance::new(&mut store, &module, &[]).unwrap();
        PolicyReader { store, instance }
    }

    fn read(&mut self, reader: u32, text: &str) -> u64 {
        let input = self.instance.get_typed_func::<u32, u32>(&mut self.store, "input").unwrap();
        let at = input.call(&mut self.store, u32::try_from(text.len()).unwrap()).unwrap();
        let memory = self.instance.get_memory(&mut self.store, "memory").unwrap();
        memory.write(&mut self.store, at as usize, text.as_bytes()).unwrap();
        let before = self.store.get_fuel().unwrap();
        let read = self.instance.get_typed_func::<u32, u32>(&mut self.store, "read_text").unwrap();
        read.call(&mut self.store, reader).unwrap();
        before - self.store.get_fuel().unwrap()
    }
}

#[test]
fn what_a_server_sends_is_not_multiplied_in_log_memory_or_answer() {
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
fn what_a_client_sends_is_not_multiplied_in_log_or_memory() {
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

/// Xorshift (Marsaglia 2003): the same changes in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % (end.max(1) as u64)).unwrap()
    }
}

/// The files of a fuzz target's corpus.
fn fuzz_corpus(target: &str) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(folder().join("fuzz/corpus").join(target)).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// A text with a part of it, or of another one, repeated up to a size.
fn repeated(numbers: &mut Numbers, texts: &[String], size: usize) -> String {
    let part = |numbers: &mut Numbers, text: &str| -> String {
        let from = numbers.below(text.len());
        let length = 1 + numbers.below(40);
        text.chars().skip(from).take(length).collect()
    };
    let text = &texts[numbers.below(texts.len())];
    let at = numbers.below(text.chars().count());
    let (before, after): (String, String) =
        (text.chars().take(at).collect(), text.chars().skip(at).collect());
    let other = numbers.below(texts.len());
    let mut unit = part(numbers, &texts[other]);
    if numbers.below(3) == 0 {
        unit.push_str(UNITS[numbers.below(UNITS.len())]);
    }
    let times = size.saturating_sub(text.len()) / unit.len().max(1);
    format!("{before}{}{after}", unit.repeat(times))
}

#[test]
fn a_search_finds_nothing_that_costs_more_for_each_byte() {
    let rounds = std::env::var_os("TOOLWARD_FUEL_ROUNDS")
        .and_then(|rounds| rounds.to_str().and_then(|rounds| rounds.parse().ok()))
        .unwrap_or(300);
    let get =
        json!({"method": "GET", "add_headers": {"accept": "text/event-stream"}, "drop_headers": ["accept"]});
    for (target, asked, bound) in [("message", call("free", json!({})), 650), ("sse", get, 1000)] {
        let mut bench = Bench::new(&format!("search-{target}"), "asking.yaml", &wide(), &asked);
        let corpus = fuzz_corpus(target);
        let mut texts: Vec<String> =
            corpus.iter().map(|file| String::from_utf8_lossy(file).into_owned()).collect();
        let (mut numbers, mut worst) = (Numbers(0x9E37_79B9_7F4A_7C15), 0);
        for _ in 0..rounds {
            let text = repeated(&mut numbers, &texts, 4 * SMALL);
            let fuel = match target {
                "message" => bench.body(&text),
                _ => bench.answer("text/event-stream", &text, usize::MAX),
            };
            let per_byte = fuel.saturating_sub(FIXED) / text.len() as u64;
            assert!(per_byte <= bound, "{target}: {per_byte} a byte: {text:.400}");
            // What costs more than anything before is changed further.
            if per_byte > worst {
                worst = per_byte;
                texts.push(text.chars().take(500).collect());
            }
        }
        println!("{target}: {worst} of {bound} a byte");
    }
}
