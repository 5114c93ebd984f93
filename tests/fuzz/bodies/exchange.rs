//! Any events of one exchange, in any order and cut anywhere: no panic, nothing goes on without the record of a permit,
//! and in the right order the outcome does not depend on how bodies were cut.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ed25519_dalek::{Signer as _, SigningKey};
use filter::callout::HttpAnswer;
use filter::config::Config;
use filter::crypto::{Algorithm, SignatureFailure, SignatureProvider};
use filter::pep::{Effect, Event, Exchange, Flow, Pep};
use policy_wasm::compile::{Options, SourceFile, compile};
use std::rc::Rc;

const NOW: u64 = 1_795_213_260;

const POLICY: &str = r#"
policy: toolward/v1
issuers: {acme: "https://id.test"}
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

/// Ed25519 is checked by the filter itself.
struct Nobody;

impl SignatureProvider for Nobody {
    fn verify(&self, _: Algorithm, _: &[u8], _: &[u8], _: &[u8]) -> Result<(), SignatureFailure> {
        Err(SignatureFailure::Unavailable)
    }
}

thread_local! {
    static FIXTURE: (Rc<Pep>, String) = fixture();
}

/// Lends a PEP and the credentials of a caller.
pub fn with_fixture<T>(run: impl FnOnce(&Rc<Pep>, &str) -> T) -> T {
    FIXTURE.with(|(pep, token)| run(pep, token))
}

fn fixture() -> (Rc<Pep>, String) {
    let key = SigningKey::from_bytes(&[7; 32]);
    let file = SourceFile { name: "policy.yaml".into(), text: POLICY.into() };
    let bundle = compile(&[file], &Options::default()).expect("the policy compiles");
    let config = format!(
        r#"{{"issuers":[{{"issuer":"https://id.test","algorithms":["EdDSA"],"jwks":{{"keys":[{{"kty":"OKP","crv":"Ed25519","kid":"k","alg":"EdDSA","x":"{}"}}]}}}}],"bundle":{{"base64":"{}"}},"revisions":["2024-11-05","2025-11-25","2026-07-28"],"servers":{{"code":{{"messages":"/messages"}}}},"limits":{{"max_body_bytes":4096,"max_response_bytes":2048}},"checks":{{"spicedb":{{"cluster":"spicedb","authority":"spicedb","timeout_ms":100}}}}}}"#,
        URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes()),
        STANDARD.encode(bundle)
    );
    let config = Config::parse("fuzz", config.as_bytes(), Rc::new(Nobody));
    let config = config.unwrap_or_else(|problems| panic!("{problems}"));
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(r#"{"alg":"EdDSA","typ":"at+jwt","kid":"k"}"#),
        URL_SAFE_NO_PAD.encode(format!(
            r#"{{"iss":"https://id.test","sub":"alice","aud":"https://tools.test/mcp","exp":{},"iat":{NOW},"client_id":"app","act":{{"sub":"planner"}}}}"#,
            NOW + 300
        ))
    );
    let signature = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()).to_bytes());
    (Rc::new(Pep::new(config)), format!("Bearer {signed}.{signature}"))
}

/// The body: two bytes of choices, then the request's body and, after a byte FF, the response's.
pub fn run(data: &[u8]) {
    let [choices, order, rest @ ..] = data else { return };
    let mut bodies = rest.splitn(2, |byte| *byte == 0xff);
    let (request, response) = (bodies.next().unwrap_or_default(), bodies.next().unwrap_or_default());
    FIXTURE.with(|(pep, token)| {
        let run = |piece| in_order(pep, token, *choices, piece, request, response);
        let whole = run(usize::MAX);
        assert_eq!(run(1), whole, "cut into bytes");
        assert_eq!(run(usize::from(*choices % 61) + 2), whole, "cut into pieces");
        in_any_order(pep, token, *choices, *order, request, response);
    });
}

/// The visible outcome.
#[derive(Debug, PartialEq, Default)]
struct Seen {
    records: Vec<(&'static str, &'static str)>,
    counted: Vec<(&'static str, &'static str)>,
    forwarded: usize,
    replies: Vec<(u32, Vec<u8>)>,
    calls: usize,
    response: Vec<u8>,
}

impl Seen {
    /// Applies effects. Returns the bytes that replace those of the event.
    fn take(&mut self, effects: Vec<Effect>) -> Option<Vec<u8>> {
        let mut replaced = None;
        for effect in effects {
            match effect {
                // The second record of a kind says how many more there were.
                Effect::Record(record) if record.json.contains("\"repeated\":") => {
                    self.counted.push((record.result, record.reason));
                }
                Effect::Record(record) => self.records.push((record.result, record.reason)),
                Effect::Forward { body, records, .. } => {
                    self.records.extend(records.iter().map(|record| (record.result, record.reason)));
                    // Over HTTP with SSE a ping carries the denial.
                    let ping = body.is_some_and(|body| body.ends_with(b"\",\"method\":\"ping\"}"));
                    match self.records.as_slice() {
                        [("permit", "allowed")] => {
                            assert!(!ping, "a ping in the place of what was permitted")
                        }
                        [("deny", _)] => assert!(ping, "what was denied goes on"),
                        records => panic!("forwarded without a record: {records:?}"),
                    }
                    assert!(self.replies.is_empty(), "forwarded after a reply");
                    self.forwarded += 1;
                }
                Effect::Reply(reply) => self.replies.push((u32::from(reply.status), reply.body)),
                Effect::Call(_) => {
                    assert_eq!(self.forwarded, 0, "asked after it was forwarded");
                    self.calls += 1;
                }
                Effect::ReplaceResponseBody(bytes) => replaced = Some(bytes),
                _ => {}
            }
        }
        assert!(self.forwarded <= 1, "forwarded twice");
        assert!(self.replies.len() <= 1, "replied twice");
        // Each fault of a server, and each end of its stream, is reported once.
        for told in ["list_unreadable", "answer_unreadable", "list_too_large", "answer_too_large"] {
            for records in [&self.records, &self.counted] {
                let times = records.iter().filter(|(_, reason)| *reason == told).count();
                assert!(times <= 1, "{records:?}");
            }
        }
        replaced
    }
}

fn head(exchange: &mut Exchange, token: &str, choices: u8, end_of_stream: bool) -> Vec<Effect> {
    let method: &[u8] = match choices & 0b11 {
        3 => b"GET",
        _ => b"POST",
    };
    let revision: &[u8] = if choices & 0b100 == 0 { b"2025-11-25" } else { b"2026-07-28" };
    let path: &[u8] = if choices & 0b1011 == 0b1000 { b"/messages?s=1" } else { b"/mcp" };
    let mut fields: Vec<(&[u8], &[u8])> = vec![
        (b":method", method),
        (b":path", path),
        (b":authority", b"tools.test"),
        (b"authorization", token.as_bytes()),
        (b"content-type", b"application/json"),
        (b"mcp-protocol-version", revision),
    ];
    if choices & 0b100 != 0 {
        fields.push((b"mcp-method", b"tools/list"));
    }
    exchange.handle(Event::RequestHeaders { now_ms: NOW * 1000, fields: &fields, end_of_stream })
}

fn response_head(exchange: &mut Exchange, choices: u8) -> Vec<Effect> {
    let media: &[u8] = if choices & 0b1_0000 == 0 { b"application/json" } else { b"text/event-stream" };
    let status: &[u8] = if choices & 0b10_0000 == 0 { b"200" } else { b"404" };
    let fields: [(&[u8], &[u8]); 2] = [(b":status", status), (b"content-type", media)];
    exchange.handle(Event::ResponseHeaders { fields: &fields, end_of_stream: false })
}

fn answered(exchange: &mut Exchange, choices: u8) -> Vec<Effect> {
    let yes: &[u8] = br#"{"permissionship":"PERMISSIONSHIP_HAS_PERMISSION"}"#;
    let answer = match choices & 0b1100_0000 {
        0 => HttpAnswer::Response { status: 200, body: yes },
        0b0100_0000 => HttpAnswer::Reset,
        0b1000_0000 => HttpAnswer::NotSent,
        _ => HttpAnswer::Response { status: 200, body: b"{}" },
    };
    exchange.handle(Event::CallAnswered { now_ms: NOW * 1000, answer })
}

/// One exchange as a proxy drives it, bodies in pieces of so many bytes.
fn in_order(pep: &Rc<Pep>, token: &str, choices: u8, piece: usize, request: &[u8], response: &[u8]) -> Seen {
    let now_ms = NOW * 1000;
    let mut exchange = Exchange::new(Some(Rc::clone(pep)), "fuzz".into());
    let mut seen = Seen::default();
    seen.take(head(&mut exchange, token, choices, request.is_empty()));
    let mut bytes = 0;
    for part in request.chunks(piece) {
        bytes += part.len();
        if seen.replies.is_empty() && bytes < request.len() {
            seen.take(exchange.handle(Event::RequestBuffered { bytes }));
        }
    }
    if seen.replies.is_empty() && !request.is_empty() {
        seen.take(exchange.handle(Event::RequestBody { now_ms, body: request }));
    }
    while seen.calls > 0 && seen.replies.is_empty() && seen.forwarded == 0 {
        seen.take(answered(&mut exchange, choices));
    }
    assert_eq!(
        exchange.request_flow() == Flow::Pass,
        seen.forwarded == 1,
        "the flow is not what was decided"
    );
    if seen.forwarded == 0 {
        return seen;
    }
    seen.take(response_head(&mut exchange, choices));
    let mut held = 0;
    let mut at = 0;
    while at < response.len() && seen.replies.is_empty() {
        let end = at.saturating_add(piece).min(response.len());
        let end_of_stream = end == response.len();
        if exchange.response_flow() == Flow::Hold {
            let body = &response[held..end];
            // Of a stream that is held its first event must be seen.
            if end_of_stream || exchange.streams() {
                let out = seen.take(exchange.handle(Event::ResponseBody { now_ms, body, end_of_stream }));
                if end_of_stream || exchange.response_flow() == Flow::Pass {
                    seen.response.extend(out.unwrap_or_else(|| body.to_vec()));
                    held = end;
                }
            } else {
                seen.take(exchange.handle(Event::ResponseBuffered { bytes: end - held }));
            }
        } else {
            let body = &response[at..end];
            let out = seen.take(exchange.handle(Event::ResponseBody { now_ms, body, end_of_stream }));
            seen.response.extend(out.unwrap_or_else(|| body.to_vec()));
            held = end;
        }
        at = end;
    }
    if !seen.replies.is_empty() {
        seen.response.clear();
    }
    seen
}

/// The same events in an order that no proxy has.
fn in_any_order(pep: &Rc<Pep>, token: &str, choices: u8, order: u8, request: &[u8], response: &[u8]) {
    let now_ms = NOW * 1000;
    let mut exchange = Exchange::new(Some(Rc::clone(pep)), "fuzz".into());
    let mut seen = Seen::default();
    let mut state = u32::from(order) + 1;
    for _ in 0..12 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let effects = match (state >> 16) % 9 {
            0 | 1 => head(&mut exchange, token, choices, state & 0x8000_0000 != 0),
            2 => exchange.handle(Event::RequestBuffered { bytes: request.len() }),
            3 => exchange.handle(Event::RequestBody { now_ms, body: request }),
            4 => answered(&mut exchange, choices),
            5 => response_head(&mut exchange, choices),
            6 => exchange.handle(Event::ResponseBuffered { bytes: response.len() }),
            7 => {
                exchange.handle(Event::ResponseBody { now_ms, body: response, end_of_stream: order & 1 == 0 })
            }
            _ if order & 2 == 0 => {
                exchange.fail();
                assert!(exchange.request_flow() == Flow::Hold, "goes on although the host failed");
                return;
            }
            _ => exchange.handle(Event::RequestTrailers { fields: &[] }),
        };
        seen.take(effects);
        assert_eq!(exchange.request_flow() == Flow::Pass, seen.forwarded == 1, "passes without a permit");
    }
}
