//! The filter in a proxy that does not keep its side of the ABI, or that a client sends impossible things through: no
//! trap, and nothing goes on that was not permitted.

use harness::host::proxy::{Callback, Guest};
use harness::host::stream::Stream;
use harness::host::wasm::{Filter, WasmGuest};
use harness::host::world::{CallResponse, Fault};
use harness::host::{Proxy, abi::Action};
use harness::scenario::{self, CheckAnswer, Fixtures, Scenario};
use harness::target;
use harness::transcript::Seen;
use std::sync::OnceLock;
use toolward_tests::{folder, wasm};

/// Statuses of the ABI, and numbers that mean nothing in it.
const STATUSES: [u32; 15] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 255, u32::MAX];

/// What the filter calls while it decides about a request and its response.
const HOSTCALLS: [&str; 16] = [
    "proxy_close_stream",
    "proxy_get_buffer_bytes",
    "proxy_get_header_map_pairs",
    "proxy_remove_header_map_value",
    "proxy_send_local_response",
    "proxy_continue_stream",
    "proxy_set_property",
    "proxy_define_metric",
    "proxy_increment_metric",
    "proxy_call_foreign_function",
    "proxy_get_current_time_nanoseconds",
    "proxy_http_call",
    "proxy_set_effective_context",
    "proxy_set_buffer_bytes",
    "proxy_log",
    "proxy_get_property",
];

fn filter() -> &'static Filter {
    static FILTER: OnceLock<Filter> = OnceLock::new();
    FILTER.get_or_init(|| Filter::from_file(&wasm()).unwrap())
}

fn scenarios() -> &'static [Scenario] {
    static SCENARIOS: OnceLock<Vec<Scenario>> = OnceLock::new();
    SCENARIOS.get_or_init(|| scenario::load(&[folder().join("scenarios")], None).unwrap().scenarios)
}

fn fixtures() -> Fixtures {
    Fixtures::new(&folder()).unwrap()
}

fn scenario(test: impl Fn(&Scenario) -> bool) -> &'static Scenario {
    scenarios().iter().find(|scenario| test(scenario)).unwrap()
}

/// A call that is permitted without a question.
fn permitted() -> &'static Scenario {
    scenario(|scenario| {
        let exchange = &scenario.exchanges[0];
        exchange.checks.is_empty()
            && exchange.expect.reason.as_deref() == Some("allowed")
            && exchange.upstream.is_none()
            && scenario.id.starts_with("bodies/")
    })
}

/// A call that is permitted once the authorization cluster says yes.
fn checked() -> &'static Scenario {
    scenario(|scenario| {
        let exchange = &scenario.exchanges[0];
        exchange.checks.len() == 1
            && exchange.expect.reason.as_deref() == Some("allowed")
            && matches!(exchange.checks[0].answer, CheckAnswer::Http(_))
    })
}

/// A list whose answer is cut down.
fn filtered_list() -> &'static Scenario {
    scenario(|scenario| {
        scenario.id.starts_with("lists/json/")
            && scenario.exchanges[0].expect.reason.as_deref() == Some("allowed")
    })
}

/// A list in an event stream, whose answer is cut down.
fn streamed_list() -> &'static Scenario {
    scenario(|scenario| {
        scenario.id.starts_with("lists/sse/")
            && scenario.exchanges[0].expect.reason.as_deref() == Some("allowed")
    })
}

/// A call that is denied, and an answer that is refused.
fn denied() -> &'static Scenario {
    scenario(|scenario| {
        scenario.id.starts_with("tools/")
            && scenario.exchanges[0].expect.reason.as_deref() == Some("tool_unknown")
    })
}

fn refused_list() -> &'static Scenario {
    scenario(|scenario| {
        scenario.id.starts_with("lists/unreadable/")
            && scenario.exchanges[0].expect.reason.as_deref() == Some("list_unreadable")
    })
}

fn proxy(scenario: &Scenario) -> Proxy<WasmGuest> {
    target::start(scenario, &fixtures(), |world| filter().guest(world)).unwrap()
}

fn run(proxy: &mut Proxy<WasmGuest>, scenario: &Scenario) -> Seen {
    let exchange = &scenario.exchanges[0];
    let request = scenario.request(0, scenario.now, &fixtures()).unwrap();
    proxy.exchange(&request, &exchange.checks, &mut |_| exchange.answer_to(&request))
}

fn fault(proxy: &mut Proxy<WasmGuest>, hostcall: &'static str, fault: Fault) {
    proxy.guest().world().faults.insert(hostcall, fault);
}

fn no_trap(seen: &Seen, what: &str) {
    let traps: Vec<_> = seen.problems.iter().filter(|problem| problem.starts_with("trap")).collect();
    assert!(traps.is_empty(), "{what}: {traps:?}");
}

/// Without an honest answer of these there is no telling who asks for what.
const DECIDING: [&str; 4] = [
    "proxy_get_header_map_pairs",
    "proxy_call_foreign_function",
    "proxy_get_current_time_nanoseconds",
    "proxy_remove_header_map_value",
];

#[test]
fn the_chosen_scenarios_pass_in_an_honest_proxy() {
    for scenario in [permitted(), checked(), filtered_list()] {
        let seen = run(&mut proxy(scenario), scenario);
        assert!(seen.upstream.is_some_and(|upstream| upstream.complete), "{}", scenario.id);
        assert!(seen.problems.is_empty(), "{}: {:?}", scenario.id, seen.problems);
    }
}

#[test]
fn no_status_of_any_hostcall_traps_the_vm_or_opens_it() {
    for scenario in [permitted(), checked(), filtered_list()] {
        for hostcall in HOSTCALLS {
            for status in STATUSES {
                let what = format!("{}: {hostcall} gives {status}", scenario.id);
                let mut proxy = proxy(scenario);
                fault(&mut proxy, hostcall, Fault::Status(status));
                let seen = run(&mut proxy, scenario);
                no_trap(&seen, &what);
                let calls = ["proxy_http_call", "proxy_set_effective_context"].contains(&hostcall)
                    && !scenario.exchanges[0].checks.is_empty();
                if calls || DECIDING.contains(&hostcall) {
                    assert!(seen.upstream.is_none(), "{what}: {:?}", seen.upstream);
                }
                if let Some(upstream) = &seen.upstream {
                    assert!(upstream.complete, "{what}: a part of the request went on");
                    // First the permit; after it, that the host did not let the response be judged.
                    let (permit, failures) = seen.records.split_at(seen.records.len().min(1));
                    assert!(permit.iter().all(|record| record["result"] == "permit"), "{what}");
                    assert!(failures.iter().all(|record| record["reason"] == "host_failure"), "{what}");
                    assert!(
                        upstream.headers.iter().all(|(name, _)| name != "authorization"),
                        "{what}: the token went on"
                    );
                }
            }
        }
    }
}

/// Whether the records or the counters of an exchange have this result and reason.
fn says(seen: &Seen, result: &str, reason: &str) -> bool {
    let counted = seen.decisions.contains_key(&(result.to_owned(), reason.to_owned()));
    let recorded = |record: &serde_json::Value| record["result"] == result && record["reason"] == reason;
    counted || seen.records.iter().any(recorded)
}

/// Nothing that was not judged reaches the client: what it gets is what it gets in an honest proxy, a beginning of
/// that, or a reply of the filter's own.
fn nothing_unjudged(honest: &Seen, seen: &Seen, what: &str) {
    let Some(response) = &seen.response else { return };
    let judged = &honest.response.as_ref().expect("an honest response").body;
    let body: serde_json::Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let own = body["error"]["data"]["reason"].is_string() && body.get("result").is_none();
    assert!(
        own || judged.starts_with(&response.body),
        "{what}: {} {}",
        response.status,
        String::from_utf8_lossy(&response.body)
    );
    assert!(own || !response.complete || judged == &response.body, "{what}: only a part, as if it were all");
    // What never reached the server is not told as permitted.
    if seen.upstream.is_none() {
        assert!(!says(seen, "permit", "allowed"), "{what}: told as permitted: {:?}", seen.records);
    }
}

#[test]
fn a_local_reply_that_the_host_refuses_lets_nothing_pass() {
    for (scenario, reason) in [(denied(), "tool_unknown"), (refused_list(), "list_unreadable")] {
        for status in STATUSES {
            let what = format!("{}: proxy_send_local_response gives {status}", scenario.id);
            let mut proxy = proxy(scenario);
            fault(&mut proxy, "proxy_send_local_response", Fault::Status(status));
            let seen = run(&mut proxy, scenario);
            assert!(seen.problems.is_empty(), "{what}: not closed: {:?}", seen.problems);
            assert!(seen.response.is_none(), "{what}: {:?}", seen.response);
            assert!(says(&seen, "deny", reason), "{what}: {:?}", seen.records);
            let last = seen.records.last().map(|record| record["reason"].clone());
            assert_eq!(last, Some("host_failure".into()), "{what}");
            assert_eq!(
                seen.decisions.get(&("deny".to_owned(), "host_failure".to_owned())),
                Some(&1),
                "{what}"
            );
        }
    }
}

#[test]
fn an_answer_that_the_host_does_not_let_change_is_not_shown() {
    let lists = [(filtered_list(), Some(503)), (streamed_list(), None)];
    for (scenario, replied) in lists {
        for refuses_replies in [false, true] {
            for status in STATUSES {
                let what = format!("{}: proxy_set_buffer_bytes gives {status}", scenario.id);
                let mut proxy = proxy(scenario);
                fault(&mut proxy, "proxy_set_buffer_bytes", Fault::Status(status));
                if refuses_replies {
                    fault(&mut proxy, "proxy_send_local_response", Fault::Status(status));
                }
                let seen = run(&mut proxy, scenario);
                assert!(seen.problems.is_empty(), "{what}: not ended: {:?}", seen.problems);
                assert!(says(&seen, "deny", "host_failure"), "{what}: {:?}", seen.records);
                match (&seen.response, replied) {
                    // A stream's head is on its way: there is no reply any more.
                    (Some(response), None) => {
                        assert!(response.body.is_empty() && !response.complete, "{what}: {response:?}");
                    }
                    (Some(response), Some(expected)) if !refuses_replies => {
                        assert_eq!(response.status, expected, "{what}");
                        assert!(String::from_utf8_lossy(&response.body).contains("host_failure"), "{what}");
                    }
                    (response, _) => assert!(response.is_none(), "{what}: {response:?}"),
                }
            }
        }
    }
}

/// What the host refuses of the way on is no permit: neither in the log nor in the counters.
#[test]
fn a_request_that_the_host_does_not_let_go_on_is_not_told_as_permitted() {
    let faults = [
        (permitted(), "proxy_remove_header_map_value"),
        (permitted(), "proxy_set_property"),
        (checked(), "proxy_remove_header_map_value"),
        (checked(), "proxy_continue_stream"),
    ];
    for (scenario, hostcall) in faults {
        for status in STATUSES {
            let what = format!("{}: {hostcall} gives {status}", scenario.id);
            let mut proxy = proxy(scenario);
            fault(&mut proxy, hostcall, Fault::Status(status));
            let seen = run(&mut proxy, scenario);
            assert!(seen.problems.is_empty() && seen.upstream.is_none(), "{what}: {seen:?}");
            assert_eq!(seen.response.as_ref().map(|response| response.status), Some(503), "{what}");
            let reasons: Vec<_> = seen.records.iter().map(|record| record["reason"].clone()).collect();
            assert_eq!(reasons, ["host_failure"], "{what}");
            let counted: Vec<_> = seen.decisions.into_keys().collect();
            assert_eq!(counted, [("deny".to_owned(), "host_failure".to_owned())], "{what}");
        }
    }
}

#[test]
fn two_hostcalls_that_fail_at_once_open_nothing() {
    for scenario in [permitted(), checked(), filtered_list(), streamed_list(), denied(), refused_list()] {
        let honest = run(&mut proxy(scenario), scenario);
        let mut proxy = proxy(scenario);
        for (index, first) in HOSTCALLS.iter().enumerate() {
            for second in &HOSTCALLS[index..] {
                let what = format!("{}: {first} and {second} fail", scenario.id);
                let world = proxy.guest().world();
                world.faults = [first, second].map(|hostcall| (*hostcall, Fault::Status(10))).into();
                let seen = run(&mut proxy, scenario);
                no_trap(&seen, &what);
                nothing_unjudged(&honest, &seen, &what);
                assert!(
                    seen.upstream.is_none() || honest.upstream == seen.upstream,
                    "{what}: {:?}",
                    seen.upstream
                );
            }
        }
    }
}

#[test]
fn a_proxy_that_fails_at_shared_data_or_lies_brings_no_idle_session_back() {
    let of = |name: &str| scenario(|scenario| scenario.id == format!("sessions/idle/{name}"));
    let idle = of("a session that began long ago, which this proxy never saw used");
    let young = of("a session that is young, by a clock that is ahead");
    for hostcall in ["proxy_get_shared_data", "proxy_set_shared_data"] {
        let lies = [vec![], vec![0; 16], vec![0xff; 511], vec![0; 100_000]].map(Fault::Result);
        for fault_ in STATUSES.map(Fault::Status).into_iter().chain(lies) {
            for scenario in [idle, young] {
                let what = format!("{}: {hostcall} gives {fault_:?}", scenario.id)
                    .chars()
                    .take(200)
                    .collect::<String>();
                let mut proxy = proxy(scenario);
                fault(&mut proxy, hostcall, fault_.clone());
                let seen = run(&mut proxy, scenario);
                no_trap(&seen, &what);
                assert_eq!(seen.upstream.is_some(), std::ptr::eq(scenario, young), "{what}");
            }
        }
    }
}

#[test]
fn a_proxy_that_recovers_is_served_again() {
    for hostcall in DECIDING {
        let scenario = permitted();
        let mut proxy = proxy(scenario);
        fault(&mut proxy, hostcall, Fault::Status(10));
        no_trap(&run(&mut proxy, scenario), hostcall);
        proxy.guest().world().faults.clear();
        let seen = run(&mut proxy, scenario);
        assert!(seen.upstream.is_some() && seen.problems.is_empty(), "{hostcall}: {:?}", seen.problems);
    }
}

#[test]
fn garbage_from_verify_signature_is_no_signature() {
    let scenario = scenario(|scenario| {
        // ES256 and RS256 are checked by the host.
        scenario.exchanges[0].expect.reason.as_deref() == Some("allowed")
            && scenario.id.starts_with("bodies/")
    });
    let lies: [&[u8]; 14] = [
        b"",
        &[0x00],
        &[0x08],
        &[0x08, 0x00],
        &[0x08, 0x02],
        &[0x08, 0x81, 0x00],
        &[0x08, 0x01, 0x08, 0x00],
        &[0x08, 0x00, 0x08, 0x01],
        &[0x08, 0x01, 0x12, 0x01, b'x'],
        &[0x12, 0x02, 0x08, 0x01],
        &[0x10, 0x01],
        &[0x18, 0x01, 0x08, 0x01],
        &[0xff; 64],
        b"true",
    ];
    for lie in lies {
        let mut proxy = proxy(scenario);
        fault(&mut proxy, "proxy_call_foreign_function", Fault::Result(lie.to_vec()));
        let seen = run(&mut proxy, scenario);
        no_trap(&seen, &format!("{lie:?}"));
        assert!(seen.upstream.is_none(), "{lie:?} was taken for a signature");
    }
}

#[test]
fn header_maps_that_are_broken_are_no_head() {
    let scenario = permitted();
    let broken: [&[u8]; 8] = [
        b"",
        &[1],
        &[1, 0, 0, 0],
        &[0xff; 4],
        &[1, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f, 1, 0, 0, 0],
        &[1, 0, 0, 0, 5, 0, 0, 0, 5, 0, 0, 0, b'a'],
        &[0, 0, 0, 0],
        &[0xff; 4096],
    ];
    for bytes in broken {
        let mut proxy = proxy(scenario);
        fault(&mut proxy, "proxy_get_header_map_pairs", Fault::Result(bytes.to_vec()));
        let seen = run(&mut proxy, scenario);
        no_trap(&seen, &format!("{bytes:?}"));
        assert!(seen.upstream.is_none(), "{bytes:?}");
    }
}

#[test]
fn every_byte_of_a_header_value_is_survived() {
    let fixtures = fixtures();
    let scenario = permitted();
    let mut proxy = proxy(scenario);
    for byte in (0x80..=0xff_u8).chain([0x01, 0x09, 0x7f]) {
        for name in ["x-anything", "authorization", "content-type", "origin", "mcp-name", "mcp-session-id"] {
            let mut request = scenario.request(0, scenario.now, &fixtures).unwrap();
            let authorization = request.headers.iter().position(|(known, _)| known == name);
            match authorization.filter(|_| name == "authorization") {
                Some(at) => request.headers[at].1.push(byte),
                None => request.headers.push((name.to_owned(), vec![b'a', byte, b'z'])),
            }
            let exchange = &scenario.exchanges[0];
            let seen = proxy.exchange(&request, &[], &mut |_| exchange.answer_to(&request));
            no_trap(&seen, &format!("{name}: {byte:#x}"));
            if name == "authorization" {
                assert!(seen.upstream.is_none(), "{name}: {byte:#x} went on");
            }
        }
    }
}

/// Calls back by hand, in orders that no proxy should use.
fn callbacks(
    scenario: &Scenario,
    prepare: impl Fn(&mut Stream),
    order: &[Callback],
) -> (WasmOutcome, Vec<String>) {
    let mut proxy = proxy(scenario);
    let guest = proxy.guest();
    let mut stream = Stream::default();
    prepare(&mut stream);
    guest.world().streams.insert(9, stream);
    guest.create(9).unwrap();
    let mut actions = Vec::new();
    for callback in order {
        actions.push(guest.call(9, *callback).unwrap());
    }
    let stream = guest.world().streams.get_mut(&9).unwrap();
    let continued = stream.request.continued;
    let replied = stream.reply.take().is_some();
    guest.end(9).unwrap();
    let log = guest.world().log.iter().map(|line| line.message.clone()).collect();
    (WasmOutcome { actions, continued, replied }, log)
}

#[derive(Debug)]
struct WasmOutcome {
    actions: Vec<Action>,
    continued: bool,
    replied: bool,
}

impl WasmOutcome {
    fn held(&self) -> bool {
        !self.continued && self.actions.iter().all(|action| *action == Action::Pause)
    }
}

#[test]
fn callbacks_out_of_order_never_continue_a_request() {
    use Callback::{RequestBody, RequestHeaders, RequestTrailers};
    let orders: [&[Callback]; 9] = [
        &[RequestBody { bytes: 0, end: true }],
        &[RequestBody { bytes: 10, end: false }, RequestBody { bytes: 10, end: true }],
        &[RequestTrailers { fields: 0 }],
        &[RequestTrailers { fields: 3 }, RequestBody { bytes: 0, end: true }],
        &[RequestHeaders { fields: 0, end: true }],
        &[RequestHeaders { fields: 0, end: false }, RequestTrailers { fields: 0 }],
        &[RequestHeaders { fields: 5, end: false }, RequestHeaders { fields: 5, end: true }],
        &[
            RequestHeaders { fields: 5, end: true },
            RequestBody { bytes: 0, end: true },
            RequestTrailers { fields: 0 },
        ],
        &[RequestBody { bytes: usize::MAX, end: false }, RequestHeaders { fields: 0, end: true }],
    ];
    for order in orders {
        // Nothing can be reached: no head, no body.
        let (outcome, log) = callbacks(permitted(), |_| {}, order);
        assert!(outcome.held(), "{order:?}: {outcome:?}\n{}", log.join("\n"));
        // Empty maps and buffers, open.
        let open = |stream: &mut Stream| {
            stream.request.headers_open = true;
            stream.request.buffer_open = true;
            stream.request.trailers_open = true;
        };
        let (outcome, log) = callbacks(permitted(), open, order);
        assert!(outcome.held(), "{order:?}: {outcome:?}\n{}", log.join("\n"));
    }
}

#[test]
fn a_head_without_a_body_is_answered_not_continued() {
    let (outcome, _) = callbacks(
        permitted(),
        |stream| stream.request.headers_open = true,
        &[Callback::RequestHeaders { fields: 0, end: true }],
    );
    assert!(outcome.held() && outcome.replied, "{outcome:?}");
}

/// Envoy cancels calls when their stream ends and answers none twice; another host may do otherwise.
#[test]
fn an_answer_that_nobody_waits_for_changes_nothing() {
    let scenario = checked();
    let CheckAnswer::Http(yes) = &scenario.exchanges[0].checks[0].answer else {
        panic!("not an HTTP answer")
    };
    let yes = CallResponse {
        headers: vec![(":status".to_owned(), b"200".to_vec())],
        body: yes.body.clone(),
        ..CallResponse::default()
    };
    // 1 was answered before; no call had the others.
    for token in [0, 1, 2, 77, u32::MAX] {
        let mut proxy = proxy(scenario);
        assert!(run(&mut proxy, scenario).upstream.is_some());
        let guest = proxy.guest();
        guest.world().call_response = Some(yes.clone());
        guest.answer(2, token).unwrap();
        assert!(guest.world().streams.is_empty(), "a stream went on");
        // And the VM serves the next one.
        let seen = run(&mut proxy, scenario);
        assert!(seen.upstream.is_some() && seen.problems.is_empty(), "{token}: {:?}", seen.problems);
    }
}

/// A yes that carries the token of another question is no yes; the one that was waited for still counts.
#[test]
fn an_answer_to_another_question_is_no_answer() {
    let scenario = checked();
    let CheckAnswer::Http(yes) = &scenario.exchanges[0].checks[0].answer else {
        panic!("not an HTTP answer")
    };
    let mut proxy = proxy(scenario);
    let request = scenario.request(0, scenario.now, &fixtures()).unwrap();
    let guest = proxy.guest();
    let mut stream = Stream::default();
    let pseudo = [(":method", request.method.as_bytes()), (":authority", request.authority.as_bytes())];
    stream.request.headers =
        pseudo.iter().map(|(name, value)| ((*name).to_owned(), value.to_vec())).collect();
    stream.request.headers.push((":path".to_owned(), request.path.clone()));
    stream.request.headers.extend(request.headers.iter().cloned());
    stream.request.headers_open = true;
    let fields = stream.request.headers.len();
    guest.world().streams.insert(9, stream);
    guest.create(9).unwrap();
    assert_eq!(guest.call(9, Callback::RequestHeaders { fields, end: false }).unwrap(), Action::Pause);
    let side = &mut guest.world().streams.get_mut(&9).unwrap().request;
    side.buffer = request.body.clone().unwrap();
    side.buffer_open = true;
    let bytes = side.buffer.len();
    assert_eq!(guest.call(9, Callback::RequestBody { bytes, end: true }).unwrap(), Action::Pause);
    let asked = guest.world().calls.first().expect("a question").token;
    guest.world().call_response = Some(CallResponse {
        headers: vec![(":status".to_owned(), b"200".to_vec())],
        body: yes.body.clone(),
        ..CallResponse::default()
    });
    for (token, continued) in
        [(asked ^ 1, false), (asked.wrapping_add(1), false), (u32::MAX, false), (asked, true)]
    {
        guest.answer(9, token).unwrap();
        assert_eq!(guest.world().streams[&9].request.continued, continued, "{token}");
    }
}

/// A stream of which the host never told, and one that it deleted, hold whatever comes.
#[test]
fn callbacks_of_an_unknown_stream_are_held() {
    let mut proxy = proxy(permitted());
    let guest = proxy.guest();
    guest.world().streams.insert(9, Stream::default());
    for created in [false, true] {
        if created {
            guest.create(9).unwrap();
            guest.end(9).unwrap();
        }
        for callback in [
            Callback::RequestHeaders { fields: 0, end: true },
            Callback::RequestBody { bytes: 0, end: true },
            Callback::RequestTrailers { fields: 0 },
            Callback::ResponseHeaders { fields: 0, end: true },
            Callback::ResponseBody { bytes: 0, end: true },
            Callback::ResponseTrailers { fields: 0 },
        ] {
            assert_eq!(guest.call(9, callback).unwrap(), Action::Pause, "{callback:?}");
        }
        assert!(!guest.world().streams[&9].request.continued);
    }
}

#[test]
fn an_answer_that_comes_twice_is_survived() {
    let scenario = checked();
    let fixtures = fixtures();
    let mut proxy = proxy(scenario);
    let request = scenario.request(0, scenario.now, &fixtures).unwrap();
    // The first exchange uses up token 1; its answer comes again while the second one waits for its own.
    let exchange = &scenario.exchanges[0];
    proxy.exchange(&request, &exchange.checks, &mut |_| exchange.answer_to(&request));
    let mut no = exchange.checks.clone();
    no[0].answer = CheckAnswer::Reset;
    let seen = proxy.exchange(&request, &no, &mut |_| exchange.answer_to(&request));
    no_trap(&seen, "reset after yes");
    assert!(seen.upstream.is_none(), "a yes of another exchange was taken");
}

#[test]
fn a_loop_would_end_in_a_trap() {
    // What the tests above rely on: the limits of the host are real. Two functions: one gives memory, one never ends.
    let section = |id: u8, content: &[u8]| [&[id, content.len() as u8], content].concat();
    let export =
        |name: &str, kind: u8, index: u8| [&[name.len() as u8], name.as_bytes(), &[kind, index]].concat();
    let wasm = [
        b"\0asm\x01\0\0\0".to_vec(),
        section(1, &[2, 0x60, 1, 0x7f, 1, 0x7f, 0x60, 2, 0x7f, 0x7f, 0]),
        section(3, &[2, 0, 1]),
        section(5, &[1, 0, 1]),
        section(
            7,
            &[
                vec![3],
                export("memory", 2, 0),
                export("proxy_on_memory_allocate", 0, 0),
                export("proxy_on_context_create", 0, 1),
            ]
            .concat(),
        ),
        section(10, &[2, 4, 0, 0x41, 16, 0x0b, 7, 0, 0x03, 0x40, 0x0c, 0, 0x0b, 0x0b]),
    ]
    .concat();
    let world = harness::host::World::new(0, [], fixtures().signatures());
    let mut guest = Filter::new(&wasm).unwrap().guest_with_fuel(world, 10_000_000).unwrap();
    let trap = guest.create(2).unwrap_err();
    assert!(trap.message.contains("fuel"), "{}", trap.message);
}
