//! A stream that lives for hours, and clients that leave at every point: the VM's memory grows with neither.

use harness::host::Guest;
use harness::host::abi::Action;
use harness::host::host_state::CallResponse;
use serde_json::json;
use toolward_tests::exchange::{HOURS, Point, answer, call, corpus, open, push, start};

const EVENTS: u64 = 200_000;

/// The kinds of events that repeat: events that pass, events without data, events that are dropped.
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
fn a_stream_of_six_hours_needs_as_much_memory_as_one_of_a_minute_and_delays_no_event() {
    let (mut proxy, request) = start(&corpus("hours", "asking.yaml", &json!({}), &call("free", json!({}))));
    let guest = proxy.guest();
    assert_eq!(open(guest, 2, &request, Point::Body), Action::Continue);
    assert_eq!(answer(guest, 2, "text/event-stream"), Action::Continue);
    let step_ns = HOURS * 3_600_000_000_000 / EVENTS;
    let mut next_tick = guest.host().now_ns;
    let mut after_warm_up = 0;
    for number in 0..EVENTS {
        let (event, passes) = event(number);
        // Cut anywhere; nothing of an event leaves before its end is there, and all of it leaves then.
        let cut = usize::try_from(number).unwrap() % (event.len() - 1);
        assert_eq!(push(guest, 2, &event[..cut]), b"", "event {number}");
        let expected = if passes { event.as_slice() } else { b"" };
        assert_eq!(push(guest, 2, &event[cut..]), expected, "event {number}");
        guest.host().now_ns += step_ns;
        while next_tick < guest.host().now_ns {
            next_tick += u64::from(guest.host().tick_period_ms) * 1_000_000;
            guest.tick().unwrap();
        }
        assert!(!guest.host().streams[&2].closed, "event {number}");
        if number % 1000 == 999 {
            guest.take_fuel();
            after_warm_up = if number == 999 { guest.memory_bytes() } else { after_warm_up };
        }
    }
    assert!(after_warm_up > 0);
    assert_eq!(guest.memory_bytes(), after_warm_up);
    // A server that repeats itself does not fill the log either: one line for the permit, one for the dropped events.
    assert!(guest.host().log.len() < 10, "{}", guest.host().log.len());
    // The token's end is still seen, after all that.
    guest.host().now_ns += 1_200_000_000_000;
    guest.tick().unwrap();
    assert!(guest.host().streams[&2].closed);
}

#[test]
fn clients_that_leave_leave_nothing_behind() {
    let asked = json!({"owner": "acme", "repo": "web"});
    let free = corpus("free", "asking.yaml", &json!({}), &call("free", json!({})));
    let checked = corpus("checked", "acme.yaml", &json!({}), &call("merge_pull_request", asked));
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
                // Streams end most often in their last state, so that a leak of even a few bytes shows.
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
                    guest.host().streams.remove(&id);
                    // The client has gone: the answer to its check comes late or never.
                    for call in std::mem::take(&mut guest.host().calls).into_iter().filter(|_| round % 2 == 0)
                    {
                        let body = br#"{"permissionship":"PERMISSIONSHIP_HAS_PERMISSION"}"#.to_vec();
                        let headers = vec![(":status".to_owned(), b"200".to_vec())];
                        let yes = CallResponse { headers, body, ..CallResponse::default() };
                        guest.host().call_response = Some(yes);
                        guest.answer(call.context, call.token).unwrap();
                        assert!(guest.host().streams.is_empty());
                    }
                    id += 1;
                }
            }
            guest.take_fuel();
            guest.host().log.clear();
            after_warm_up = if round == 499 { guest.memory_bytes() } else { after_warm_up };
        }
        assert!(after_warm_up > 0);
        assert_eq!(guest.memory_bytes(), after_warm_up);
    }
}
