#![allow(clippy::arithmetic_side_effects, reason = "tests")]
use super::*;
use crate::callout::HttpAnswer;
use crate::crypto::{Algorithm, SignatureFailure, SignatureProvider};
use crate::reason::Reason;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ed25519_dalek::{Signer, SigningKey};
use policy_wasm::compile::{Options, SourceFile, compile};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::rc::Rc;

pub(super) const NOW: u64 = 1_795_213_260;

const POLICY: &str = r#"
policy: toolward/v1
issuers: {acme: https://id.test}
servers:
  code:
    resource: https://tools.test/mcp
    tools:
      look: {tier: read}
      edit: {tier: write, checks: [{relation: writer, object: "repo:{args.repo}"}]}
      wipe: {tier: destructive}
grants:
  - {id: alice, subjects: [{id: alice}], ceiling: write}
actors:
  - {id: planner, subject: planner, ceiling: write}
"#;

pub(super) struct NoProvider;

impl SignatureProvider for NoProvider {
    fn verify(&self, _: Algorithm, _: &[u8], _: &[u8], _: &[u8]) -> Result<(), SignatureFailure> {
        Err(SignatureFailure::Unavailable)
    }
}

pub(super) fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

thread_local! {
    static PEP: Rc<Pep> = build();
    static TOKEN: String = sign();
}

pub(super) fn pep() -> Rc<Pep> {
    PEP.with(Rc::clone)
}

fn token() -> String {
    TOKEN.with(String::clone)
}

fn build() -> Rc<Pep> {
    Rc::new(Pep::new(config(json!([]))))
}

fn config(revocations: Value) -> Config {
    let file = SourceFile { name: "policy.yaml".into(), text: POLICY.into() };
    let bundle = compile(&[file], &Options::default()).expect("the policy compiles");
    let x = URL_SAFE_NO_PAD.encode(key().verifying_key().as_bytes());
    let config = json!({
        "issuers": [{
            "issuer": "https://id.test",
            "algorithms": ["EdDSA"],
            "jwks": {"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "k", "alg": "EdDSA", "x": x}]}
        }],
        "bundle": {"base64": STANDARD.encode(bundle)},
        "limits": {"max_body_bytes": 4096},
        "revocations": revocations,
        "checks": {"spicedb": {"cluster": "spicedb", "authority": "spicedb", "timeout_ms": 100}}
    });
    let text = config.to_string();
    let config = crate::config::Config::parse("test", text.as_bytes(), Rc::new(NoProvider));
    config.unwrap_or_else(|problems| panic!("{problems}"))
}

fn sign() -> String {
    signed(claims("alice", "planner"))
}

pub(super) fn claims(subject: &str, actor: &str) -> Value {
    json!({
        "iss": "https://id.test", "sub": subject, "aud": "https://tools.test/mcp",
        "exp": NOW + 300, "iat": NOW, "client_id": "app", "act": {"sub": actor}
    })
}

/// A token with these claims.
pub(super) fn signed(claims: Value) -> String {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "k"})), part(claims));
    let signature = key().sign(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
}

fn call(tool: &str, arguments: Value) -> Vec<u8> {
    let message = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}
    });
    message.to_string().into_bytes()
}

/// A head as the proxy gives it.
fn head(method: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
    head_of(method, &token())
}

pub(super) fn head_of(method: &str, token: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
    [
        (":method", method),
        (":path", "/mcp"),
        (":authority", "tools.test"),
        ("authorization", &format!("Bearer {token}")),
        ("content-type", "application/json"),
        ("mcp-protocol-version", "2025-11-25"),
        ("x-toolward-decision", "permit"),
    ]
    .map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()))
    .to_vec()
}

/// An event that owns its bytes.
#[derive(Debug, Clone)]
enum Step {
    Head { fields: Vec<(Vec<u8>, Vec<u8>)>, end: bool },
    Buffered(usize),
    Body(Vec<u8>),
    Yes,
    No,
    Answer { status: u16, body: Vec<u8> },
    Reset,
    ResponseHead { content_type: &'static str, status: &'static str, end: bool },
    ResponseBuffered(usize),
    ResponseBody(Vec<u8>, bool),
    Trailers(Vec<(Vec<u8>, Vec<u8>)>),
    Failure,
}

fn run(exchange: &mut Exchange, step: &Step) -> Vec<Effect> {
    let now_ms = NOW * 1000;
    let response =
        |status, body| Event::CallAnswered { now_ms, answer: HttpAnswer::Response { status, body } };
    match step {
        Step::Head { fields, end } => {
            let fields: Vec<(&[u8], &[u8])> =
                fields.iter().map(|(n, v)| (n.as_slice(), v.as_slice())).collect();
            exchange.handle(Event::RequestHeaders { now_ms, fields: &fields, end_of_stream: *end })
        }
        Step::Buffered(bytes) => exchange.handle(Event::RequestBuffered { bytes: *bytes }),
        Step::Body(body) => exchange.handle(Event::RequestBody { now_ms, body }),
        Step::Yes => exchange.handle(response(200, br#"{"permissionship":"PERMISSIONSHIP_HAS_PERMISSION"}"#)),
        Step::No => exchange.handle(response(200, br#"{"permissionship":"PERMISSIONSHIP_NO_PERMISSION"}"#)),
        Step::Answer { status, body } => exchange.handle(response(*status, body)),
        Step::Reset => exchange.handle(Event::CallAnswered { now_ms, answer: HttpAnswer::Reset }),
        Step::ResponseHead { content_type, status, end } => {
            let fields: [(&[u8], &[u8]); 2] =
                [(b":status", status.as_bytes()), (b"content-type", content_type.as_bytes())];
            exchange.handle(Event::ResponseHeaders { fields: &fields, end_of_stream: *end })
        }
        Step::ResponseBuffered(bytes) => exchange.handle(Event::ResponseBuffered { bytes: *bytes }),
        Step::ResponseBody(body, end_of_stream) => {
            exchange.handle(Event::ResponseBody { now_ms, body, end_of_stream: *end_of_stream })
        }
        Step::Trailers(fields) => {
            let fields: Vec<(&[u8], &[u8])> =
                fields.iter().map(|(name, value)| (name.as_slice(), value.as_slice())).collect();
            exchange.handle(Event::RequestTrailers { fields: &fields })
        }
        Step::Failure => {
            let (record, reply) = exchange.fail();
            vec![Effect::Record(record), Effect::Reply(reply)]
        }
    }
}

fn exchange() -> Exchange {
    Exchange::new(Some(pep()), "d-1".into())
}

fn denied(effects: &[Effect]) -> Option<&str> {
    effects.iter().find_map(|effect| match effect {
        Effect::Reply(reply) => reply.details.strip_prefix("toolward_denied_"),
        _ => None,
    })
}

fn forwards(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::Forward { .. }))
}

#[test]
fn a_permitted_call_goes_on_and_forged_fields_do_not() {
    let mut exchange = exchange();
    assert!(run(&mut exchange, &Step::Head { fields: head("POST"), end: false }).is_empty());
    assert_eq!(exchange.request_flow(), Flow::Hold);
    let effects = run(&mut exchange, &Step::Body(call("look", json!({}))));
    let removed = effects.iter().find_map(|effect| match effect {
        Effect::Forward { remove, .. } => Some(remove.clone()),
        _ => None,
    });
    assert_eq!(removed.unwrap(), [b"x-toolward-decision".to_vec(), b"authorization".to_vec()]);
    assert_eq!(exchange.request_flow(), Flow::Pass);
}

#[test]
fn without_a_configuration_everything_is_denied() {
    let mut exchange = Exchange::new(None, "d-1".into());
    let effects = run(&mut exchange, &Step::Head { fields: head("POST"), end: false });
    assert_eq!(denied(&effects), Some(Reason::ConfigurationMissing.code()));
    assert!(run(&mut exchange, &Step::Body(call("look", json!({})))).is_empty());
    assert_eq!(exchange.request_flow(), Flow::Hold);
}

#[test]
fn a_host_that_fails_before_the_permit_denies_at_every_point() {
    let edit = Step::Body(call("edit", json!({"repo": "web"})));
    let before: [&[Step]; 3] = [
        &[],
        &[Step::Head { fields: head("POST"), end: false }],
        &[Step::Head { fields: head("POST"), end: false }, edit],
    ];
    for steps in before {
        let mut exchange = exchange();
        for step in steps {
            run(&mut exchange, step);
        }
        let effects = run(&mut exchange, &Step::Failure);
        assert_eq!(denied(&effects), Some(Reason::HostFailure.code()));
        assert!(!forwards(&run(&mut exchange, &Step::Yes)));
        assert_eq!(exchange.request_flow(), Flow::Hold);
    }
}

#[test]
fn a_call_that_waits_for_a_check_is_held_until_an_explicit_yes() {
    let body = Step::Body(call("edit", json!({"repo": "web"})));
    let start = || {
        let mut exchange = exchange();
        run(&mut exchange, &Step::Head { fields: head("POST"), end: false });
        let effects = run(&mut exchange, &body);
        assert!(matches!(effects.as_slice(), [Effect::Call(_)]));
        // More callbacks of the request, as a proxy may give them while the answer is awaited.
        assert!(run(&mut exchange, &Step::Buffered(1)).is_empty());
        assert!(run(&mut exchange, &body).is_empty());
        assert_eq!(exchange.request_flow(), Flow::Hold);
        exchange
    };
    assert!(forwards(&run(&mut start(), &Step::Yes)));
    assert_eq!(denied(&run(&mut start(), &Step::No)), Some("check_denied"));
    assert_eq!(denied(&run(&mut start(), &Step::Reset)), Some("check_unreachable"));
}

#[test]
fn a_body_over_the_limit_is_denied_before_it_is_complete() {
    let mut exchange = exchange();
    run(&mut exchange, &Step::Head { fields: head("POST"), end: false });
    assert!(run(&mut exchange, &Step::Buffered(4096)).is_empty());
    assert_eq!(denied(&run(&mut exchange, &Step::Buffered(4097))), Some("body_too_large"));
}

/// A stream of answers to a permitted call, whose second event cannot be read.
fn refused_stream(ended: bool) -> Exchange {
    let mut exchange = exchange();
    run(&mut exchange, &Step::Head { fields: head("POST"), end: false });
    run(&mut exchange, &Step::Body(br#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#.to_vec()));
    run(&mut exchange, &Step::ResponseHead { content_type: "text/event-stream", status: "200", end: false });
    let body = b"data: {\"id\":2,\"id\":3}\n\n".to_vec();
    let effects = run(&mut exchange, &Step::ResponseBody(body, ended));
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Record(_))), "{effects:?}");
    exchange
}

fn ends(exchange: &mut Exchange) -> bool {
    let effects = exchange.handle(Event::Tick { now_ms: NOW * 1000 });
    effects.iter().any(|effect| matches!(effect, Effect::EndResponse))
}

#[test]
fn a_refused_stream_that_its_server_ended_is_not_cut_off() {
    let mut exchange = refused_stream(true);
    assert!(!exchange.wants_ticks());
    assert!(!ends(&mut exchange) && !ends(&mut exchange));
}

#[test]
fn a_refused_stream_that_its_server_keeps_open_is_ended_after_the_next_tick() {
    let mut exchange = refused_stream(false);
    assert!(exchange.wants_ticks());
    assert!(!ends(&mut exchange), "the server may be about to end it");
    assert!(ends(&mut exchange));
}

/// A stream of GET, and the effects of opening it.
fn listening(pep: &Rc<Pep>) -> (Exchange, Vec<Effect>) {
    let mut exchange = Exchange::new(Some(Rc::clone(pep)), "d-1".into());
    let effects = run(&mut exchange, &Step::Head { fields: head("GET"), end: true });
    run(&mut exchange, &Step::ResponseHead { content_type: "text/event-stream", status: "200", end: false });
    (exchange, effects)
}

#[test]
fn what_a_new_configuration_revokes_ends_streams_and_is_denied_under_the_old_one() {
    let revocations = Rc::default();
    let old = Rc::new(Pep::beside(config(json!([])), Rc::clone(&revocations)));
    let ((mut silent, effects), (mut busy, _)) = (listening(&old), listening(&old));
    assert!(forwards(&effects) && !ends(&mut silent));
    let new = Pep::beside(config(json!([{"issuer": "https://id.test", "actor": "planner"}])), revocations);
    assert_eq!(denied(&listening(&old).1), Some("token_revoked"));
    let event = b"data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\n\n";
    let effects = run(&mut busy, &Step::ResponseBody(event.to_vec(), false));
    let said = effects.iter().find_map(|effect| match effect {
        Effect::ReplaceResponseBody(body) => Some(body.as_slice()),
        _ => None,
    });
    assert_eq!(said, Some(&b""[..]));
    assert!(effects.iter().any(|effect| matches!(effect, Effect::EndResponse)), "{effects:?}");
    assert!(ends(&mut silent));
    drop(new);
}

fn trailer(name: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
    vec![(b"x-first".to_vec(), b"1".to_vec()), (name.as_bytes().to_vec(), b"x".to_vec())]
}

#[test]
fn a_trailer_that_a_server_could_merge_into_the_judged_head_is_denied() {
    let sent = |name: &str| {
        let mut exchange = exchange();
        run(&mut exchange, &Step::Head { fields: head("POST"), end: false });
        let effects = run(&mut exchange, &Step::Trailers(trailer(name)));
        let after = run(&mut exchange, &Step::Body(call("look", json!({}))));
        (denied(&effects).map(str::to_owned), forwards(&after))
    };
    for name in ["x-checksum", "x-toolwardish", "mcp"] {
        assert_eq!(sent(name), (None, true), "{name}");
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
        assert_eq!(sent(name), (Some("header_invalid".to_owned()), false), "{name}");
    }
}

fn step() -> impl Strategy<Value = Step> {
    let body = prop_oneof![
        Just(call("look", json!({}))),
        Just(call("edit", json!({"repo": "web"}))),
        Just(call("wipe", json!({}))),
        Just(br#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#.to_vec()),
        Just(Vec::new()),
        prop::collection::vec(any::<u8>(), 0..64),
    ];
    let content_type = prop_oneof![Just("application/json"), Just("text/event-stream"), Just("text/plain")];
    let answer = prop_oneof![
        Just(br#"{"jsonrpc":"2.0","id":2,"result":{"tools":[{"name":"wipe"},{"name":"look"}]}}"#.to_vec()),
        Just(
            b"data: {\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"tools\":[{\"name\":\"wipe\"}]}}\n\n".to_vec()
        ),
        prop::collection::vec(any::<u8>(), 0..64),
    ];
    prop_oneof![
        4 => (prop_oneof![3 => Just("POST"), 1 => Just("GET"), 1 => Just("DELETE"), 1 => Just("PUT")], prop::bool::weighted(0.2))
            .prop_map(|(method, end)| Step::Head { fields: head(method), end }),
        1 => prop::collection::vec((prop::collection::vec(any::<u8>(), 0..12), prop::collection::vec(any::<u8>(), 0..12)), 0..6)
            .prop_map(|fields| Step::Head { fields, end: false }),
        1 => (0usize..10_000).prop_map(Step::Buffered),
        1 => prop_oneof![Just("x-checksum"), Just("mcp-name")].prop_map(|name| Step::Trailers(trailer(name))),
        6 => body.prop_map(Step::Body),
        2 => Just(Step::Yes),
        1 => Just(Step::No),
        1 => (any::<u16>(), prop::collection::vec(any::<u8>(), 0..64)).prop_map(|(status, body)| Step::Answer { status, body }),
        1 => Just(Step::Reset),
        3 => (content_type, prop_oneof![Just("200"), Just("404")], any::<bool>())
            .prop_map(|(content_type, status, end)| Step::ResponseHead { content_type, status, end }),
        1 => (0usize..10_000_000).prop_map(Step::ResponseBuffered),
        3 => (answer, any::<bool>()).prop_map(|(body, end)| Step::ResponseBody(body, end)),
        1 => Just(Step::Failure),
    ]
}

proptest! {
    /// Invariants 2 and 4: whatever happens in whatever order, nothing goes on without a permit, a denied exchange
    /// stays denied, every decision is recorded before it takes effect, and nothing panics.
    #[test]
    fn nothing_goes_on_without_a_permit(steps in prop::collection::vec(step(), 0..12)) {
        let mut exchange = exchange();
        let (mut forwarded, mut replied) = (false, false);
        for step in &steps {
            if matches!(step, Step::Failure) {
                run(&mut exchange, step);
                (forwarded, replied) = (false, true);
                prop_assert_eq!(exchange.request_flow(), Flow::Hold);
                continue;
            }
            let effects = run(&mut exchange, step);
            let recorded = effects.iter().position(|effect| matches!(effect, Effect::Record(_)));
            for (index, effect) in effects.iter().enumerate() {
                match effect {
                    Effect::Forward { records, .. } => {
                        prop_assert!(!replied, "forwarded after a denial");
                        prop_assert!(!forwarded, "forwarded twice");
                        prop_assert!(!records.is_empty() || recorded.is_some_and(|at| at < index), "forwarded without a record");
                        forwarded = true;
                    }
                    Effect::Reply(reply) => {
                        prop_assert!(!replied, "replied twice");
                        prop_assert!(recorded.is_some() || reply.details == "toolward_metadata");
                        replied = true;
                    }
                    _ => {}
                }
            }
            let passes = exchange.request_flow() == Flow::Pass;
            prop_assert!(passes == forwarded, "the request side passes exactly once it was permitted");
        }
    }

    /// A tool that may not be called is in no list that goes on, whatever the server sends and however it is cut.
    #[test]
    fn no_list_that_goes_on_names_what_may_not_be_called(cuts in prop::collection::vec(0usize..400, 0..6), json: bool) {
        let list = r#"{"jsonrpc":"2.0","id":2,"result":{"tools":[{"name":"wiped","description":"x"},{"name":"look"},{"name":"\u0077ipe"}]}}"#;
        let (content_type, text) = if json {
            ("application/json", list.to_owned())
        } else {
            ("text/event-stream", format!("id: 1\r\ndata: {list}\r\n\r\n: bye\n\n"))
        };
        let mut exchange = exchange();
        run(&mut exchange, &Step::Head { fields: head("POST"), end: false });
        run(&mut exchange, &Step::Body(br#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#.to_vec()));
        run(&mut exchange, &Step::ResponseHead { content_type, status: "200", end: false });
        let mut out = Vec::new();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
        cuts.push(text.len());
        cuts.sort_unstable();
        let mut from = 0;
        for cut in cuts {
            let end = cut == text.len();
            let held = exchange.response_flow() == Flow::Hold;
            let step = match (held, end) {
                (true, false) => Step::ResponseBuffered(cut),
                (true, true) => Step::ResponseBody(text.as_bytes().to_vec(), true),
                (false, _) => Step::ResponseBody(text.as_bytes()[from..cut].to_vec(), end),
            };
            for effect in run(&mut exchange, &step) {
                if let Effect::ReplaceResponseBody(bytes) = effect {
                    out.extend_from_slice(&bytes);
                }
            }
            from = cut;
            if end {
                break;
            }
        }
        let out = String::from_utf8(out).unwrap();
        prop_assert!(out.contains("look"), "{out}");
        prop_assert!(!out.contains("wipe") && !out.contains("0077ipe"), "{out}");
    }
}
