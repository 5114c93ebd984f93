//! A stream that lives for hours, and clients that leave at every point: the VM's memory grows with neither.

use harness::host::proxy::{Callback, Guest};
use harness::host::stream::{Side, Stream};
use harness::host::wasm::{Filter, WasmGuest};
use harness::host::world::CallResponse;
use harness::host::{Proxy, abi::Action};
use harness::scenario::{self, Fields, Fixtures, Request, Scenario};
use harness::target;
use serde_json::{Value, json};
use std::path::PathBuf;
use toolward_tests::{folder, wasm};

/// As long as the stream of these tests is open.
const HOURS: u64 = 6;
const EVENTS: u64 = 200_000;

/// A corpus of its own in a folder of its own.
struct Corpus {
    root: PathBuf,
    scenario: Scenario,
}

impl Drop for Corpus {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

/// A scenario of this request, whose token outlives the stream.
fn corpus(name: &str, policy: &str, request: &Value) -> Corpus {
    let root = std::env::temp_dir().join(format!("toolward-memory-{}-{name}", std::process::id()));
    std::fs::create_dir_all(root.join("scenarios/memory")).unwrap();
    std::fs::create_dir_all(root.join("policies")).unwrap();
    std::fs::copy(folder().join("policies").join(policy), root.join("policies").join(policy)).unwrap();
    let base = std::fs::read_to_string(folder().join("scenarios/base.json")).unwrap();
    let mut base: Value = serde_json::from_str(&base).unwrap();
    base["config"]["issuers"][0]["max_lifetime_seconds"] = json!(86_400);
    base["token"]["claims"]["exp"] = json!({"now": HOURS * 3600 + 600});
    std::fs::write(root.join("scenarios/base.json"), base.to_string()).unwrap();
    let exchange = json!({"request": request, "expect": {"decision": "permit"}});
    let file = json!({"about": "x", "policy": policy, "cases": [{"name": "c", "exchanges": [exchange]}]});
    std::fs::write(root.join("scenarios/memory/file.json"), file.to_string()).unwrap();
    let mut loaded = scenario::load(&[root.join("scenarios")], None).unwrap();
    Corpus { root, scenario: loaded.scenarios.remove(0) }
}

fn call(tool: &str, arguments: Value) -> Value {
    let params = json!({"name": tool, "arguments": arguments});
    json!({"body": {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}})
}

/// A proxy with the filter, configured as the scenario has it, and the scenario's request.
fn start(corpus: &Corpus) -> (Proxy<WasmGuest>, Request) {
    let scenario = &corpus.scenario;
    let filter = Filter::from_file(&wasm()).unwrap();
    let fixtures = Fixtures::new(&folder()).unwrap();
    let request = scenario.request(0, scenario.now, &fixtures).unwrap();
    (target::start(scenario, &fixtures, |world| filter.guest(world)).unwrap(), request)
}

fn head(request: &Request) -> Fields {
    let mut fields: Fields = vec![
        (":authority".to_owned(), request.authority.clone().into_bytes()),
        (":path".to_owned(), request.path.clone()),
        (":method".to_owned(), request.method.clone().into_bytes()),
    ];
    fields.extend(request.headers.iter().cloned());
    fields
}

/// How far a stream comes before its client leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Point {
    Head,
    HalfBody,
    Body,
    AnswerHead,
    HalfAnswer,
}

/// Takes a stream up to a point of the request; gives what the last callback returned.
fn open(guest: &mut WasmGuest, id: u32, request: &Request, until: Point) -> Action {
    let side = Side { headers: head(request), headers_open: true, ..Side::default() };
    let fields = side.headers.len();
    guest.world().streams.insert(id, Stream { request: side, ..Stream::default() });
    guest.create(id).unwrap();
    let mut action = guest.call(id, Callback::RequestHeaders { fields, end: false }).unwrap();
    let body = request.body.clone().unwrap();
    for (point, piece) in [(Point::HalfBody, &body[..body.len() / 2]), (Point::Body, &body)] {
        if until >= point {
            let side = &mut guest.world().streams.get_mut(&id).unwrap().request;
            (side.buffer, side.buffer_open) = (piece.to_vec(), true);
            let callback = Callback::RequestBody { bytes: piece.len(), end: point == Point::Body };
            action = guest.call(id, callback).unwrap();
        }
    }
    action
}

/// The head of the answer.
fn answer(guest: &mut WasmGuest, id: u32, kind: &str) -> Action {
    let side = &mut guest.world().streams.get_mut(&id).unwrap().response;
    side.headers =
        vec![(":status".to_owned(), b"200".to_vec()), ("content-type".to_owned(), kind.as_bytes().to_vec())];
    side.headers_open = true;
    guest.call(id, Callback::ResponseHeaders { fields: 2, end: false }).unwrap()
}

/// Bytes of a stream that is not held; what of them goes on.
fn push(guest: &mut WasmGuest, id: u32, bytes: &[u8]) -> Vec<u8> {
    let side = &mut guest.world().streams.get_mut(&id).unwrap().response;
    (side.buffer, side.buffer_open) = (bytes.to_vec(), true);
    let callback = Callback::ResponseBody { bytes: bytes.len(), end: false };
    assert_eq!(guest.call(id, callback).unwrap(), Action::Continue);
    let side = &mut guest.world().streams.get_mut(&id).unwrap().response;
    side.buffer_open = false;
    std::mem::take(&mut side.buffer)
}

/// The kinds of events that come again and again: what passes, what says nothing, what is dropped.
fn event(number: u64) -> (Vec<u8>, bool) {
    let progress = format!(
        "id: {number}\ndata: {{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{{\"progressToken\":1,\
         \"progress\":{number}}}}}\n\n"
    );
    match number % 5 {
        0 => (b": still here\n\n".to_vec(), true),
        1 => (
            format!(
                "data: {{\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/updated\",\"params\":{{\"uri\":\
                 \"vault://{number}\"}}}}\n\n"
            )
            .into_bytes(),
            false,
        ),
        2 => (progress.replace('\n', "\r\n").into_bytes(), true),
        _ => (progress.into_bytes(), true),
    }
}

#[test]
fn a_stream_of_six_hours_needs_no_more_memory_than_one_of_a_minute_and_holds_no_event_back() {
    let (mut proxy, request) = start(&corpus("hours", "asking.yaml", &call("free", json!({}))));
    let guest = proxy.guest();
    assert_eq!(open(guest, 2, &request, Point::Body), Action::Continue);
    assert_eq!(answer(guest, 2, "text/event-stream"), Action::Continue);
    let step_ns = HOURS * 3_600_000_000_000 / EVENTS;
    let mut next_tick = guest.world().now_ns;
    let mut after_warm_up = 0;
    for number in 0..EVENTS {
        let (event, passes) = event(number);
        // Cut anywhere; nothing of an event leaves before its end is there, and all of it leaves then.
        let cut = usize::try_from(number).unwrap() % (event.len() - 1);
        assert_eq!(push(guest, 2, &event[..cut]), b"", "event {number}");
        let expected = if passes { event.as_slice() } else { b"" };
        assert_eq!(push(guest, 2, &event[cut..]), expected, "event {number}");
        guest.world().now_ns += step_ns;
        while next_tick < guest.world().now_ns {
            next_tick += u64::from(guest.world().tick_period_ms) * 1_000_000;
            guest.tick().unwrap();
        }
        assert!(!guest.world().streams[&2].closed, "event {number}");
        if number % 1000 == 999 {
            guest.take_fuel();
            after_warm_up = if number == 999 { guest.memory_bytes() } else { after_warm_up };
        }
    }
    assert!(after_warm_up > 0);
    assert_eq!(guest.memory_bytes(), after_warm_up);
    // A server that repeats itself does not fill the log either: the permit, and what was dropped, once.
    assert!(guest.world().log.len() < 10, "{}", guest.world().log.len());
    // The token's end is still seen, after all that.
    guest.world().now_ns += 1_200_000_000_000;
    guest.tick().unwrap();
    assert!(guest.world().streams[&2].closed);
}

#[test]
fn clients_that_leave_leave_nothing_behind() {
    let asked = json!({"owner": "acme", "repo": "web"});
    let free = corpus("free", "asking.yaml", &call("free", json!({})));
    let checked = corpus("checked", "acme.yaml", &call("merge_pull_request", asked));
    let kinds = ["application/json", "text/event-stream"];
    for (corpus, kinds, rounds) in [(free, &kinds[..], 5_000), (checked, &[""], 60_000)] {
        let (mut proxy, request) = start(&corpus);
        let guest = proxy.guest();
        let points = [Point::Head, Point::HalfBody, Point::Body, Point::AnswerHead, Point::HalfAnswer];
        let mut id = 2;
        let mut after_warm_up = 0;
        for round in 0..rounds {
            for kind in kinds {
                let last = if kind.is_empty() { Point::Body } else { Point::HalfAnswer };
                // What a stream holds longest is left most often: even a few bytes of each would be seen.
                let some = |until: &Point| *until == last || (*until < last && round < 500);
                for until in points.into_iter().filter(some) {
                    let action = open(guest, id, &request, until);
                    let goes_on = until >= Point::Body && !kind.is_empty();
                    assert_eq!(action == Action::Continue, goes_on, "{until:?} {kind}");
                    if until >= Point::AnswerHead {
                        answer(guest, id, kind);
                    }
                    if until == Point::HalfAnswer && *kind == "text/event-stream" {
                        assert_eq!(push(guest, id, &[b'x'; 2000]), b"");
                    }
                    guest.end(id).unwrap();
                    guest.world().streams.remove(&id);
                    // The answer to what a client asked that has gone: late, to nobody, or never.
                    for call in
                        std::mem::take(&mut guest.world().calls).into_iter().filter(|_| round % 2 == 0)
                    {
                        let body = br#"{"permissionship":"PERMISSIONSHIP_HAS_PERMISSION"}"#.to_vec();
                        let headers = vec![(":status".to_owned(), b"200".to_vec())];
                        let yes = CallResponse { headers, body, ..CallResponse::default() };
                        guest.world().call_response = Some(yes);
                        guest.answer(call.context, call.token).unwrap();
                        assert!(guest.world().streams.is_empty());
                    }
                    id += 1;
                }
            }
            guest.take_fuel();
            guest.world().log.clear();
            after_warm_up = if round == 499 { guest.memory_bytes() } else { after_warm_up };
        }
        assert!(after_warm_up > 0);
        assert_eq!(guest.memory_bytes(), after_warm_up);
    }
}
