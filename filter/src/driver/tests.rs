#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]
use super::*;
use crate::testing::{
    Answer, Answered, Deed, METHODS, OwnedFields, POLICY, Proxied, call, claims, config, fields, head,
    signed, with_checks, with_sessions,
};
use proptest::prelude::*;
use serde_json::{Value, json};

const LIST_TOOLS: &[u8] = br#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#;
const LIST: &str = r#"{"jsonrpc":"2.0","id":2,"result":{"tools":[{"name":"wipe"},{"name":"look"}]}}"#;

fn merged(parts: &[Value]) -> Value {
    let members = parts.iter().flat_map(|part| part.as_object().unwrap().clone());
    Value::Object(members.collect())
}

fn build(more: &[Value]) -> Rc<Pep> {
    Rc::new(Pep::new(config(POLICY, merged(more)).unwrap()))
}

thread_local! {
    static PEP: Rc<Pep> = build(&[with_checks()]);
    /// With sealed ids and HTTP with SSE.
    static FULL: Rc<Pep> = build(&[
        with_checks(),
        with_sessions(),
        json!({
            "revisions": ["2024-11-05", "2025-11-25", "2026-07-28"],
            "servers": {"code": {"messages": "/messages"}},
        }),
    ]);
    static TOKEN: String = signed(&claims("alice", "planner"));
}

fn request(method: &str, path: &str) -> OwnedFields {
    TOKEN.with(|token| head(method, path, token))
}

fn post() -> OwnedFields {
    request("POST", "/mcp")
}

fn proxied() -> Proxied {
    Proxied::new(Some(PEP.with(Rc::clone)))
}

fn response(status: &str, content_type: &str) -> OwnedFields {
    fields([(":status", status), ("content-type", content_type)])
}

fn look() -> Vec<u8> {
    call("look", &json!({}))
}

fn edit() -> Vec<u8> {
    call("edit", &json!({"repo": "web"}))
}

#[test]
fn a_permitted_call_goes_on_without_forged_fields_and_token() {
    let mut exchange = proxied();
    let answered = exchange.request_headers(post(), false);
    assert!(answered.flow == Flow::Hold && answered.deeds.is_empty());
    assert_eq!(exchange.request_body(&look()).flow, Flow::Pass);
    let names: Vec<&[u8]> = exchange.host.request.iter().map(|(name, _)| name.as_slice()).collect();
    assert!(
        !names.contains(&b"x-toolward-decision".as_slice()) && !names.contains(&b"authorization".as_slice())
    );
}

#[test]
fn without_a_configuration_everything_is_denied() {
    let mut exchange = Proxied::new(None);
    assert_eq!(exchange.request_headers(post(), false).denied(), Some("configuration_missing"));
    let answered = exchange.request_body(&look());
    assert!(answered.flow == Flow::Hold && answered.deeds.is_empty());
}

#[test]
fn a_host_that_fails_before_the_permit_denies_at_every_point() {
    let failed = |answered: Answered| {
        assert_eq!((answered.denied(), answered.flow), (Some("host_failure"), Flow::Hold));
    };
    let mut exchange = proxied();
    exchange.host.refuses = vec!["read_fields"];
    failed(exchange.request_headers(post(), false));
    let mut exchange = proxied();
    exchange.request_headers(post(), false);
    exchange.host.refuses = vec!["body"];
    failed(exchange.request_body(&look()));
    let mut exchange = proxied();
    exchange.request_headers(post(), false);
    exchange.request_body(&edit());
    exchange.host.refuses = vec!["now_ms"];
    failed(exchange.check_answered(&Answer::Yes));
    exchange.host.refuses.clear();
    assert!(!exchange.check_answered(&Answer::Yes).resumed());
}

#[test]
fn a_call_that_waits_for_a_check_is_held_until_an_explicit_yes() {
    let start = || {
        let mut exchange = proxied();
        exchange.request_headers(post(), false);
        let answered = exchange.request_body(&edit());
        assert!(answered.flow == Flow::Hold && matches!(answered.deeds.as_slice(), [Deed::Call(_)]));
        // More callbacks of the request, as a proxy may give them while the check is open.
        for answered in [exchange.request_buffered(1), exchange.request_body(&edit())] {
            assert!(answered.flow == Flow::Hold && answered.deeds.is_empty());
        }
        exchange
    };
    let mut permitted = start();
    assert!(permitted.check_answered(&Answer::Yes).resumed());
    assert_eq!(permitted.request_body(b"").flow, Flow::Pass);
    assert_eq!(start().check_answered(&Answer::No).denied(), Some("check_denied"));
    assert_eq!(start().check_answered(&Answer::Reset).denied(), Some("check_unreachable"));
}

#[test]
fn a_body_over_the_limit_is_denied_before_it_is_complete() {
    let mut exchange = proxied();
    exchange.request_headers(post(), false);
    assert!(exchange.request_buffered(4096).deeds.is_empty());
    assert_eq!(exchange.request_buffered(4097).denied(), Some("body_too_large"));
}

/// A stream of answers to a permitted list, whose event cannot be read.
fn refused_stream(ended: bool) -> Proxied {
    let mut exchange = proxied();
    exchange.request_headers(post(), false);
    exchange.request_body(LIST_TOOLS);
    exchange.response_headers(response("200", "text/event-stream"), false);
    let (answered, _) = exchange.response_body(b"data: {\"id\":2,\"id\":3}\n\n", ended);
    assert_eq!(answered.records().count(), 1, "{answered:?}");
    exchange
}

#[test]
fn a_refused_stream_that_its_server_ended_is_not_cut_off() {
    let mut exchange = refused_stream(true);
    assert!(!exchange.wants_ticks());
    assert!(!exchange.tick().closed() && !exchange.tick().closed());
}

#[test]
fn a_refused_stream_that_its_server_keeps_open_is_ended_after_the_next_tick() {
    let mut exchange = refused_stream(false);
    assert!(exchange.wants_ticks());
    assert!(!exchange.tick().closed(), "the server may be about to end it");
    assert!(exchange.tick().closed());
}

/// A stream of GET, and the flow of its request.
fn listening(pep: &Rc<Pep>) -> (Proxied, Answered) {
    let mut exchange = Proxied::new(Some(Rc::clone(pep)));
    let answered = exchange.request_headers(request("GET", "/mcp"), true);
    exchange.response_headers(response("200", "text/event-stream"), false);
    (exchange, answered)
}

#[test]
fn a_revocation_of_a_new_configuration_ends_streams_and_denies_under_the_old_one() {
    let revoked = json!({"revocations": [{"issuer": "https://id.test", "actor": "planner"}]});
    let revocations = Rc::default();
    let pep =
        |more: &[Value]| Rc::new(Pep::beside(config(POLICY, merged(more)).unwrap(), Rc::clone(&revocations)));
    let old = pep(&[with_checks()]);
    let ((mut silent, answered), (mut busy, _)) = (listening(&old), listening(&old));
    assert!(answered.flow == Flow::Pass && !silent.tick().closed());
    let new = pep(&[with_checks(), revoked]);
    assert_eq!(listening(&old).1.denied(), Some("token_revoked"));
    let event = b"data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\n\n";
    let (answered, sent) = busy.response_body(event, false);
    assert!(sent.is_empty() && answered.closed(), "{answered:?}");
    assert!(silent.tick().closed());
    drop(new);
}

#[test]
fn a_trailer_that_a_server_could_merge_into_the_judged_head_is_denied() {
    let sent = |name: &str| {
        let mut exchange = proxied();
        exchange.request_headers(post(), false);
        exchange.host.request_body = look();
        let answered = exchange.request_trailers(fields([("x-first", "1"), (name, "x")]));
        (answered.denied().map(str::to_owned), answered.flow)
    };
    for name in ["x-checksum", "x-toolwardish", "mcp"] {
        assert_eq!(sent(name), (None, Flow::Pass), "{name}");
    }
    for name in [
        "authorization",
        "content-length",
        "content-type",
        "host",
        "last-event-id",
        "mcp-method",
        "mcp-name",
        "mcp-param-repo",
        "mcp-session-id",
        "mcp_name",
        "x-toolward-subject",
        "x_toolward_subject",
    ] {
        assert_eq!(sent(name), (Some("header_invalid".to_owned()), Flow::Hold), "{name}");
    }
}

/// A callback, in any order.
#[derive(Debug, Clone)]
enum Step {
    Head {
        fields: OwnedFields,
        end: bool,
    },
    Buffered(usize),
    Body(Vec<u8>),
    Trailers(OwnedFields),
    Check(Answer),
    ResponseHead {
        status: &'static str,
        content_type: &'static str,
        end: bool,
    },
    ResponseBody(Vec<u8>, bool),
    Tick,
    /// From now on the host refuses these calls.
    Refuse(Vec<&'static str>),
}

fn step() -> impl Strategy<Value = Step> {
    let body = prop_oneof![
        Just(look()),
        Just(edit()),
        Just(call("wipe", &json!({}))),
        Just(LIST_TOOLS.to_vec()),
        Just(Vec::new()),
        prop::collection::vec(any::<u8>(), 0..64),
    ];
    let bytes = || prop::collection::vec(any::<u8>(), 0..12);
    let content_type = prop_oneof![Just("application/json"), Just("text/event-stream"), Just("text/plain")];
    let answer = prop_oneof![
        Just(LIST.as_bytes().to_vec()),
        Just(format!("data: {LIST}\n\n").into_bytes()),
        prop::collection::vec(any::<u8>(), 0..64),
    ];
    let check = prop_oneof![
        Just(Answer::Yes),
        Just(Answer::Yes),
        Just(Answer::No),
        Just(Answer::Reset),
        (any::<u16>(), prop::collection::vec(any::<u8>(), 0..64))
            .prop_map(|(status, body)| Answer::Response { status, body }),
    ];
    let method = prop_oneof![3 => Just("POST"), 1 => Just("GET"), 1 => Just("DELETE"), 1 => Just("PUT")];
    let path = prop_oneof![3 => Just("/mcp"), 1 => Just("/messages?s=1")];
    prop_oneof![
        4 => (method, path, prop::bool::weighted(0.2))
            .prop_map(|(method, path, end)| Step::Head { fields: request(method, path), end }),
        1 => prop::collection::vec((bytes(), bytes()), 0..6).prop_map(|fields| Step::Head { fields, end: false }),
        1 => (0usize..10_000).prop_map(Step::Buffered),
        1 => prop_oneof![Just("x-checksum"), Just("mcp-name")].prop_map(|name| Step::Trailers(fields([(name, "x")]))),
        6 => body.prop_map(Step::Body),
        4 => check.prop_map(Step::Check),
        3 => (content_type, prop_oneof![3 => Just("200"), 1 => Just("404")], prop::bool::weighted(0.2))
            .prop_map(|(content_type, status, end)| Step::ResponseHead { status, content_type, end }),
        4 => (answer, any::<bool>()).prop_map(|(body, end)| Step::ResponseBody(body, end)),
        1 => Just(Step::Tick),
        1 => prop::sample::subsequence(METHODS.to_vec(), 0..3).prop_map(Step::Refuse),
    ]
}

/// One exchange in any order, and everything that an outsider may conclude.
struct Watched {
    exchange: Proxied,
    forwarded: bool,
    replied: bool,
    /// The host refused to write a record at some time.
    unrecorded: bool,
    permits: usize,
    asked_list: bool,
    /// The response's head is there. Bytes before it, which no proxy gives, must be held.
    head: bool,
    /// The response is an event stream.
    events: bool,
    /// Everything of the response that reached the client.
    sent: Vec<u8>,
    /// The response came to its end. No host gives bytes after it.
    ended: bool,
}

impl Watched {
    fn new(pep: Rc<Pep>) -> Watched {
        let exchange = Proxied::new(Some(pep));
        Watched {
            exchange,
            forwarded: false,
            replied: false,
            unrecorded: false,
            permits: 0,
            asked_list: false,
            head: false,
            events: false,
            sent: Vec::new(),
            ended: false,
        }
    }

    fn take(&mut self, step: &Step) -> Result<(), TestCaseError> {
        let (mut request_side, mut shown) = (false, Vec::new());
        let list = self.exchange.host.request_body == LIST_TOOLS;
        let answered = match step {
            Step::Head { fields, end } => {
                request_side = true;
                self.exchange.request_headers(fields.clone(), *end)
            }
            Step::Buffered(size) => {
                request_side = true;
                self.exchange.request_buffered(*size)
            }
            Step::Body(body) => {
                request_side = true;
                let answered = self.exchange.request_body(body);
                self.asked_list |= !self.forwarded && answered.flow == Flow::Pass && body == LIST_TOOLS;
                answered
            }
            Step::Trailers(trailers) => {
                request_side = true;
                let answered = self.exchange.request_trailers(trailers.clone());
                self.asked_list |= !self.forwarded && answered.flow == Flow::Pass && list;
                answered
            }
            Step::Check(answer) => self.exchange.check_answered(answer),
            // A proxy gives one head.
            Step::ResponseHead { .. } if self.head => return Ok(()),
            Step::ResponseHead { status, content_type, end } => {
                self.ended |= *end;
                self.head = true;
                self.events = *content_type == "text/event-stream";
                self.exchange.response_headers(response(status, content_type), *end)
            }
            Step::ResponseBody(bytes, end) => {
                let (answered, bytes) = self.exchange.response_body(bytes, *end);
                if !self.head && self.forwarded && !self.replied {
                    prop_assert_eq!(answered.flow, Flow::Hold, "bytes before a head");
                    self.exchange.host.response_body.clear();
                } else if !self.ended {
                    shown = bytes;
                }
                self.ended |= *end;
                answered
            }
            Step::Tick => self.exchange.tick(),
            Step::Refuse(methods) => {
                self.unrecorded |= methods.contains(&"log_record");
                self.exchange.host.refuses.clone_from(methods);
                return Ok(());
            }
        };
        self.permits += answered.records().filter(|json| json.contains("\"result\":\"permit\"")).count();
        let passes = answered.resumed() || request_side && answered.flow == Flow::Pass;
        if passes && !self.forwarded {
            self.forwarded = true;
            prop_assert!(!self.replied, "a request goes on after a reply");
            // Over HTTP with SSE a ping carries a denial to the server.
            let ping = self.exchange.host.request_body.ends_with(b"\",\"method\":\"ping\"}");
            prop_assert!(ping || self.unrecorded || self.permits > 0, "a request goes on without a permit");
        }
        for deed in &answered.deeds {
            if let Deed::Reply(reply) = deed {
                prop_assert!(!self.replied, "replied twice");
                self.replied = true;
                let recorded = answered.records().next().is_some() || self.unrecorded;
                prop_assert!(recorded || reply.details == "toolward_metadata", "a denial without a record");
            }
        }
        if self.forwarded && self.head {
            self.sent.extend(shown);
        }
        // After a reply the response callbacks are the reply's own.
        if self.asked_list && !self.replied {
            let text = String::from_utf8_lossy(&self.sent).into_owned();
            let denied = |text: &str| text.contains("\"wipe\"");
            let shows = if self.events {
                text.lines().any(|line| line.starts_with("data:") && denied(line))
            } else {
                text.starts_with('{') && denied(&text)
            };
            prop_assert!(!shows, "a list shows a denied tool: {text}");
        }
        Ok(())
    }
}

proptest! {
    /// Whatever happens in whatever order, and whatever the host refuses: no request goes on without a permit, no list
    /// shows a denied tool, each denial is recorded, and nothing panics.
    #[test]
    fn nothing_goes_on_without_a_permit(full: bool, steps in prop::collection::vec(step(), 0..14)) {
        let mut watched = Watched::new(if full { FULL.with(Rc::clone) } else { PEP.with(Rc::clone) });
        for step in &steps {
            watched.take(step)?;
        }
    }

    /// The same in the order of a proxy, so that more exchanges reach their ends, with refusals anywhere.
    #[test]
    fn nothing_goes_on_where_the_host_refuses_calls(
        full: bool,
        at in 0usize..6,
        refused in prop::sample::subsequence(METHODS.to_vec(), 1..4),
        body in prop_oneof![Just(look()), Just(edit()), Just(LIST_TOOLS.to_vec())],
        stream: bool,
    ) {
        let (content_type, text) = if stream {
            ("text/event-stream", format!("data: {LIST}\n\n"))
        } else {
            ("application/json", LIST.to_owned())
        };
        let mut steps = vec![
            Step::Head { fields: post(), end: false },
            Step::Body(body),
            Step::Check(Answer::Yes),
            Step::ResponseHead { status: "200", content_type, end: false },
            Step::ResponseBody(text.into_bytes(), true),
        ];
        steps.insert(at.min(steps.len()), Step::Refuse(refused));
        let mut watched = Watched::new(if full { FULL.with(Rc::clone) } else { PEP.with(Rc::clone) });
        for step in &steps {
            watched.take(step)?;
        }
    }

    /// A tool that the caller may not call is in no list that goes on, however the bytes are cut.
    #[test]
    fn no_list_that_goes_on_names_a_denied_tool(cuts in prop::collection::vec(0usize..400, 0..6), json: bool) {
        let list = r#"{"jsonrpc":"2.0","id":2,"result":{"tools":[{"name":"wiped","description":"x"},{"name":"look"},{"name":"\u0077ipe"}]}}"#;
        let (content_type, text) = if json {
            ("application/json", list.to_owned())
        } else {
            ("text/event-stream", format!("id: 1\r\ndata: {list}\r\n\r\n: bye\n\n"))
        };
        let mut exchange = proxied();
        exchange.request_headers(post(), false);
        exchange.request_body(LIST_TOOLS);
        exchange.response_headers(response("200", content_type), false);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
        cuts.push(text.len());
        cuts.sort_unstable();
        cuts.dedup();
        let (mut out, mut from) = (Vec::new(), 0);
        for cut in cuts {
            let (_, sent) = exchange.response_body(&text.as_bytes()[from..cut], cut == text.len());
            out.extend(sent);
            from = cut;
        }
        let out = String::from_utf8(out).unwrap();
        prop_assert!(out.contains("look"), "{out}");
        prop_assert!(!out.contains("wipe") && !out.contains("0077ipe"), "{out}");
    }
}
