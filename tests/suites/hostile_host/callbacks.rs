//! A host that calls back in orders, for streams and with answers that it should not.

use super::*;

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
    guest.host().streams.insert(9, stream);
    guest.create(9).unwrap();
    let mut actions = Vec::new();
    for callback in order {
        actions.push(guest.call(9, *callback).unwrap());
    }
    let stream = guest.host().streams.get_mut(&9).unwrap();
    let continued = stream.request.continued;
    let replied = stream.reply.take().is_some();
    guest.end(9).unwrap();
    let log = guest.host().log.iter().map(|line| line.message.clone()).collect();
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

/// Envoy cancels calls when their stream ends, and answers each call once. Another host may act differently.
#[test]
fn an_unexpected_answer_changes_nothing() {
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
        guest.host().call_response = Some(yes.clone());
        guest.answer(2, token).unwrap();
        assert!(guest.host().streams.is_empty(), "a stream went on");
        // And the VM serves the next one.
        let seen = run(&mut proxy, scenario);
        assert!(seen.upstream.is_some() && seen.problems.is_empty(), "{token}: {:?}", seen.problems);
    }
}

/// An answer with the token of another question has no effect. The expected answer still counts.
#[test]
fn an_answer_to_another_question_is_ignored() {
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
    guest.host().streams.insert(9, stream);
    guest.create(9).unwrap();
    assert_eq!(guest.call(9, Callback::RequestHeaders { fields, end: false }).unwrap(), Action::Pause);
    let side = &mut guest.host().streams.get_mut(&9).unwrap().request;
    side.buffer = request.body.clone().unwrap();
    side.buffer_open = true;
    let bytes = side.buffer.len();
    assert_eq!(guest.call(9, Callback::RequestBody { bytes, end: true }).unwrap(), Action::Pause);
    let asked = guest.host().calls.first().expect("a question").token;
    guest.host().call_response = Some(CallResponse {
        headers: vec![(":status".to_owned(), b"200".to_vec())],
        body: yes.body.clone(),
        ..CallResponse::default()
    });
    for (token, continued) in
        [(asked ^ 1, false), (asked.wrapping_add(1), false), (u32::MAX, false), (asked, true)]
    {
        guest.answer(9, token).unwrap();
        assert_eq!(guest.host().streams[&9].request.continued, continued, "{token}");
    }
}

/// The filter holds every callback of a stream that the host never created, or has deleted.
#[test]
fn callbacks_of_an_unknown_stream_are_held() {
    let mut proxy = proxy(permitted());
    let guest = proxy.guest();
    guest.host().streams.insert(9, Stream::default());
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
        assert!(!guest.host().streams[&9].request.continued);
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
