//! A host that rejects a reply, a change of an answer, or a request on its way: nothing passes, and no record says it did.

use super::*;

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
fn an_answer_that_the_host_does_not_let_the_filter_change_is_not_shown() {
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

/// A request that the host does not forward is not permitted, neither in the log nor in the counters.
#[test]
fn a_request_that_the_host_stops_is_not_recorded_as_permitted() {
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
