//! The proxy shows the faults of careless plugins. Otherwise no test of the filter would prove anything.
#![allow(clippy::arithmetic_side_effects, reason = "tests")]

use super::*;
use crate::crypto::RustSignatures;
use crate::host::abi::{BufferType, MapType, StreamType};
use crate::scenario::Answer;
use std::rc::Rc;

/// A plugin made of one function.
struct Scripted<F> {
    host: HostState,
    script: F,
    log: Vec<Callback>,
}

impl<F: FnMut(&mut HostState, Option<Callback>) -> Result<Action, Trap>> Guest for Scripted<F> {
    fn host(&mut self) -> &mut HostState {
        &mut self.host
    }
    fn start(&mut self) -> Result<bool, Trap> {
        Ok(true)
    }
    fn create(&mut self, _: u32) -> Result<(), Trap> {
        Ok(())
    }
    fn call(&mut self, _: u32, callback: Callback) -> Result<Action, Trap> {
        self.log.push(callback);
        (self.script)(&mut self.host, Some(callback))
    }
    fn answer(&mut self, _: u32, _: u32) -> Result<(), Trap> {
        (self.script)(&mut self.host, None).map(|_| ())
    }
    fn tick(&mut self) -> Result<(), Trap> {
        Ok(())
    }
    fn end(&mut self, _: u32) -> Result<(), Trap> {
        Ok(())
    }
}

fn request() -> Request {
    Request {
        method: "POST".to_owned(),
        path: b"/".to_vec(),
        authority: "a".to_owned(),
        http: HttpVersion::Http11,
        headers: vec![("accept".to_owned(), b"x".to_vec())],
        body: Some(b"hello world".to_vec()),
        chunks: vec![5],
        trailers: Vec::new(),
    }
}

fn exchange(
    request: &Request,
    checks: &[Check],
    script: impl FnMut(&mut HostState, Option<Callback>) -> Result<Action, Trap>,
) -> (ObservedExchange, Vec<Callback>) {
    let host = HostState::new(0, ["spicedb".to_owned()], Rc::new(RustSignatures));
    let mut proxy = Proxy::start(Scripted { host, script, log: Vec::new() }).unwrap();
    let answer = Answer { status: 200, body: b"{}".to_vec(), ..Answer::default() };
    let seen = proxy.exchange(request, checks, &mut |_| answer.clone());
    (seen, std::mem::take(&mut proxy.guest.log))
}

const QUESTION: &[u8] = br#"{"resource":{"objectType":"t","objectId":"1"},"permission":"p","subject":{"object":{"objectType":"u","objectId":"2"}}}"#;

fn ask(host: &mut HostState) -> Result<u32, Status> {
    let head = [(":method", "POST"), (":path", "/v1/permissions/check"), (":authority", "s")];
    let head = head.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
    host.http_call(b"spicedb", head.to_vec(), QUESTION.to_vec(), 100)
}

use crate::host::abi::Status;

fn check(answer: CheckAnswer) -> Check {
    let question = Question { object: "t:1".to_owned(), relation: "p".to_owned(), subject: "u:2".to_owned() };
    Check { question, answer }
}

#[test]
fn a_paused_body_is_cumulative_and_an_unpaused_one_is_not() {
    use Callback::{RequestBody, RequestHeaders};
    let sizes = |log: Vec<Callback>| -> Vec<usize> {
        log.into_iter()
            .filter_map(|callback| match callback {
                RequestBody { bytes, .. } => Some(bytes),
                _ => None,
            })
            .collect()
    };
    let (seen, log) = exchange(&request(), &[], |_, callback| {
        let end = matches!(callback, Some(RequestBody { end: true, .. } | Callback::ResponseBody { .. }));
        let response = matches!(callback, Some(Callback::ResponseHeaders { .. }));
        Ok(if end || response { Action::Continue } else { Action::Pause })
    });
    assert_eq!(sizes(log), [5, 11, 11]);
    assert_eq!(seen.upstream.unwrap().body, b"hello world");
    let (_, log) = exchange(&request(), &[], |_, _| Ok(Action::Continue));
    assert!(matches!(log[0], RequestHeaders { end: false, .. }));
    assert_eq!(sizes(log), [5, 6, 0]);
}

#[test]
fn a_head_that_is_let_through_early_is_seen_by_the_upstream_though_a_denial_follows() {
    let (seen, _) = exchange(&request(), &[], |host, callback| {
        if let Some(Callback::RequestBody { end: true, .. }) = callback {
            let reply =
                LocalReply { status: 403, details: String::new(), headers: vec![], body: b"no".to_vec() };
            host.send_local_reply(reply).unwrap();
            return Ok(Action::Pause);
        }
        Ok(Action::Continue)
    });
    let upstream = seen.upstream.unwrap();
    assert!(!upstream.complete && upstream.body == b"hello world");
    assert_eq!(seen.response.unwrap().status, 403);
}

#[test]
fn a_body_that_continues_takes_a_paused_head_with_it_and_the_answer_comes_too_late() {
    let mut asked = false;
    let (seen, _) = exchange(&request(), &[check(CheckAnswer::Reset)], |host, callback| {
        if !std::mem::replace(&mut asked, true) {
            ask(host).unwrap();
            return Ok(Action::Pause);
        }
        assert!(callback.is_some(), "the answer was delivered");
        Ok(Action::Continue)
    });
    assert!(seen.upstream.unwrap().complete);
    assert_eq!(seen.checks.len(), 1);
}

#[test]
fn with_trailers_no_body_callback_has_the_end() {
    let request = Request { trailers: vec![("x".to_owned(), b"y".to_vec())], ..request() };
    let (seen, log) = exchange(&request, &[], |_, _| Ok(Action::Continue));
    let body_ends = log.iter().filter(|callback| matches!(callback, Callback::RequestBody { end: true, .. }));
    assert_eq!(body_ends.count(), 0);
    assert!(log.contains(&Callback::RequestTrailers { fields: 1 }));
    assert_eq!(seen.upstream.unwrap().trailers, request.trailers);
}

#[test]
fn a_changed_body_under_its_old_length_is_a_problem() {
    let (seen, _) = exchange(&request(), &[], |host, callback| match callback {
        Some(Callback::RequestBody { end: true, .. }) => {
            host.set_buffer(BufferType::RequestBody, 0, usize::MAX, b"short").unwrap();
            Ok(Action::Continue)
        }
        Some(Callback::RequestHeaders { .. } | Callback::RequestBody { .. }) => Ok(Action::Pause),
        _ => Ok(Action::Continue),
    });
    assert!(
        seen.problems.iter().any(|problem| problem.contains("content-length 11, body 5")),
        "{:?}",
        seen.problems
    );
}

#[test]
fn headers_are_out_of_reach_once_they_went_on() {
    let (_, _) = exchange(&request(), &[], |host, callback| {
        if let Some(Callback::RequestBody { .. }) = callback {
            assert_eq!(host.map(MapType::RequestHeaders), Err(Status::BadArgument));
        }
        Ok(Action::Continue)
    });
}

#[test]
fn answers_come_in_time_and_a_timeout_is_a_504_after_its_time() {
    for (answer, status, after_ms) in [
        (CheckAnswer::Http(Answer { status: 418, ..Answer::default() }), Some("418"), 1),
        (CheckAnswer::Timeout, Some("504"), 100),
        (CheckAnswer::Reset, None, 1),
    ] {
        let (seen, _) = exchange(&request(), &[check(answer)], |host, callback| match callback {
            Some(Callback::RequestBody { end: true, .. }) => {
                ask(host).map(|_| Action::Pause).map_err(|_| panic!())
            }
            None => {
                let found = host.map_value(MapType::CallResponseHeaders, b":status").ok();
                assert_eq!(found.as_deref(), status.map(str::as_bytes));
                assert_eq!(host.now_ns, after_ms * 1_000_000);
                host.continue_stream(StreamType::Request).unwrap();
                Ok(Action::Pause)
            }
            Some(Callback::RequestHeaders { .. } | Callback::RequestBody { .. }) => Ok(Action::Pause),
            _ => Ok(Action::Continue),
        });
        assert!(seen.upstream.unwrap().complete && seen.problems.is_empty());
    }
}

#[test]
fn an_unknown_cluster_or_a_head_without_a_path_is_a_bad_argument() {
    let mut host = HostState::new(0, ["spicedb".to_owned()], Rc::new(RustSignatures));
    let head =
        |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), b"x".to_vec())).collect::<Fields>();
    let whole = head(&[":method", ":path", ":authority"]);
    assert_eq!(host.http_call(b"other", whole.clone(), vec![], 1), Err(Status::BadArgument));
    assert_eq!(host.http_call(b"spicedb", head(&[":method", ":path"]), vec![], 1), Err(Status::BadArgument));
    assert!(host.http_call(b"spicedb", whole, vec![], 1).is_ok());
}

#[test]
fn a_request_that_is_never_released_is_a_problem() {
    let (seen, _) = exchange(&request(), &[], |_, _| Ok(Action::Pause));
    assert!(seen.response.is_none() && seen.upstream.is_none());
    assert!(seen.problems.iter().any(|problem| problem.contains("held")), "{:?}", seen.problems);
}

#[test]
fn a_trap_is_reported_and_ends_the_vm() {
    let host = HostState::new(0, [], Rc::new(RustSignatures));
    let script = |_: &mut HostState, _: Option<Callback>| Err(Trap { message: "boom".to_owned() });
    let mut proxy = Proxy::start(Scripted { host, script, log: Vec::new() }).unwrap();
    for expected in ["trap: boom", "trap: the VM is dead: boom"] {
        let seen = proxy.exchange(&request(), &[], &mut |_| Answer::default());
        assert_eq!(seen.problems, [expected]);
        assert_eq!(seen.response.unwrap().status, 503);
        assert!(seen.upstream.is_none());
    }
}

#[test]
fn a_reply_passes_the_plugins_own_response_callbacks() {
    let (seen, log) = exchange(&request(), &[], |host, callback| {
        if let Some(Callback::RequestHeaders { .. }) = callback {
            let reply =
                LocalReply { status: 401, details: String::new(), headers: vec![], body: b"no".to_vec() };
            host.send_local_reply(reply).unwrap();
        }
        Ok(Action::Continue)
    });
    assert!(log.contains(&Callback::ResponseBody { bytes: 2, end: true }));
    assert!(!log.iter().any(|callback| matches!(callback, Callback::RequestBody { .. })), "{log:?}");
    let response = seen.response.unwrap();
    assert!(response.status == 401 && response.complete);
    assert_eq!(response.headers, [("content-type".to_owned(), b"text/plain".to_vec())]);
    assert!(seen.upstream.is_none());
}

#[test]
fn fields_that_envoy_joins_are_joined_and_others_stay_apart() {
    let pair = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
    let headers = vec![
        pair("authorization", "A"),
        pair("mcp-name", "x"),
        pair("authorization", "B"),
        pair("mcp-name", "y"),
    ];
    let (seen, _) = exchange(&Request { headers, ..request() }, &[], |_, _| Ok(Action::Continue));
    let upstream = seen.upstream.unwrap();
    assert_eq!(
        upstream.headers,
        [pair("authorization", "A,B"), pair("mcp-name", "x"), pair("mcp-name", "y")]
    );
}
