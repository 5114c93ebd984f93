//! The filter in a proxy that does not keep its side of the ABI, or that a client sends impossible things through: no
//! trap, and nothing goes on that was not permitted.

mod bytes;
mod callbacks;
mod refusals;
mod statuses;

use harness::host::host_state::{CallResponse, Fault};
use harness::host::stream::Stream;
use harness::host::wasm::{Filter, WasmGuest};
use harness::host::{Callback, Guest};
use harness::host::{Proxy, abi::Action};
use harness::scenario::{self, CheckAnswer, Fixtures, Scenario};
use harness::target;
use harness::transcript::ObservedExchange;
use std::sync::OnceLock;
use toolward_tests::{folder, wasm};

/// Statuses of the ABI, and numbers that mean nothing in it.
const STATUSES: [u32; 15] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 255, u32::MAX];

/// The hostcalls that the filter uses while it decides about a request and its response.
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

/// A call that is denied.
fn denied() -> &'static Scenario {
    scenario(|scenario| {
        scenario.id.starts_with("tools/")
            && scenario.exchanges[0].expect.reason.as_deref() == Some("tool_unknown")
    })
}

/// A list whose answer is rejected.
fn refused_list() -> &'static Scenario {
    scenario(|scenario| {
        scenario.id.starts_with("lists/unreadable/")
            && scenario.exchanges[0].expect.reason.as_deref() == Some("list_unreadable")
    })
}

fn proxy(scenario: &Scenario) -> Proxy<WasmGuest> {
    target::start(scenario, &fixtures(), |host| filter().guest(host)).unwrap()
}

fn run(proxy: &mut Proxy<WasmGuest>, scenario: &Scenario) -> ObservedExchange {
    let exchange = &scenario.exchanges[0];
    let request = scenario.request(0, scenario.now, &fixtures()).unwrap();
    proxy.exchange(&request, &exchange.checks, &mut |_| exchange.answer_to(&request))
}

fn fault(proxy: &mut Proxy<WasmGuest>, hostcall: &'static str, fault: Fault) {
    proxy.guest().host().faults.insert(hostcall, fault);
}

fn no_trap(seen: &ObservedExchange, what: &str) {
    let traps: Vec<_> = seen.problems.iter().filter(|problem| problem.starts_with("trap")).collect();
    assert!(traps.is_empty(), "{what}: {traps:?}");
}

/// Whether the records or the counters of an exchange have this result and reason.
fn says(seen: &ObservedExchange, result: &str, reason: &str) -> bool {
    let counted = seen.decisions.contains_key(&(result.to_owned(), reason.to_owned()));
    let recorded = |record: &serde_json::Value| record["result"] == result && record["reason"] == reason;
    counted || seen.records.iter().any(recorded)
}

#[test]
fn a_loop_would_end_in_a_trap() {
    // The tests rely on the limits of the host. This module has two functions: one returns memory, the other never ends.
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
    let host = harness::host::HostState::new(0, [], fixtures().signatures());
    let mut guest = Filter::new(&wasm).unwrap().guest_with_fuel(host, 10_000_000).unwrap();
    let trap = guest.create(2).unwrap_err();
    assert!(trap.message.contains("fuel"), "{}", trap.message);
}
