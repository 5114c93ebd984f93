//! A host whose hostcalls fail, one at a time, two at once, and for a while.

use super::*;

/// Hostcalls that the filter needs to identify the caller and the request.
const DECIDING: [&str; 4] = [
    "proxy_get_header_map_pairs",
    "proxy_call_foreign_function",
    "proxy_get_current_time_nanoseconds",
    "proxy_remove_header_map_value",
];

/// Only judged bytes reach the client: the response of an honest proxy, a beginning of
/// that, or a reply of the filter's own.
fn nothing_unjudged(honest: &ObservedExchange, seen: &ObservedExchange, what: &str) {
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
    // A request that never reached the server is not recorded as permitted.
    if seen.upstream.is_none() {
        assert!(!says(seen, "permit", "allowed"), "{what}: told as permitted: {:?}", seen.records);
    }
}

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

#[test]
fn two_hostcalls_that_fail_at_once_open_nothing() {
    for scenario in [permitted(), checked(), filtered_list(), streamed_list(), denied(), refused_list()] {
        let honest = run(&mut proxy(scenario), scenario);
        let mut proxy = proxy(scenario);
        for (index, first) in HOSTCALLS.iter().enumerate() {
            for second in &HOSTCALLS[index..] {
                let what = format!("{}: {first} and {second} fail", scenario.id);
                let host = proxy.guest().host();
                host.faults = [first, second].map(|hostcall| (*hostcall, Fault::Status(10))).into();
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
        proxy.guest().host().faults.clear();
        let seen = run(&mut proxy, scenario);
        assert!(seen.upstream.is_some() && seen.problems.is_empty(), "{hostcall}: {:?}", seen.problems);
    }
}
