//! Any callbacks of one exchange, in any order and cut anywhere. Nothing panics, and nothing goes on without the record of
//! a permit. In the order of a proxy the outcome does not depend on the cuts of the bodies.

use filter::pep::{Flow, Pep};
use filter::testing::{
    Answer, Answered, Deed, OwnedFields, POLICY, Proxied, claims, config, fields, head, signed,
};
use std::rc::Rc;

/// Longest request body, in bytes.
const MAX_BODY: usize = 4096;

thread_local! {
    static PEP: Rc<Pep> = Rc::new(Pep::new(config(POLICY, settings()).expect("a valid configuration")));
    static TOKEN: String = signed(&claims("alice", "planner"));
}

/// The PEP of all inputs: checks, HTTP with SSE, small bounds.
pub fn pep() -> Rc<Pep> {
    PEP.with(Rc::clone)
}

fn settings() -> serde_json::Value {
    serde_json::json!({
        "revisions": ["2024-11-05", "2025-11-25", "2026-07-28"],
        "servers": {"code": {"messages": "/messages"}},
        "limits": {"max_body_bytes": MAX_BODY, "max_response_bytes": 2048},
        "checks": {"spicedb": {"cluster": "spicedb", "authority": "spicedb", "timeout_ms": 100}}
    })
}

/// The body: two bytes of choices, then the request's body and, after a byte FF, the response's.
pub fn run(data: &[u8]) {
    let [choices, order, rest @ ..] = data else { return };
    let mut bodies = rest.splitn(2, |byte| *byte == 0xff);
    let (request, response) = (bodies.next().unwrap_or_default(), bodies.next().unwrap_or_default());
    let run = |piece| in_order(*choices, piece, request, response);
    let whole = run(usize::MAX);
    assert_eq!(run(1), whole, "cut into bytes");
    assert_eq!(run(usize::from(*choices % 61) + 2), whole, "cut into pieces");
    in_any_order(*choices, *order, request, response);
}

/// Everything that an outsider sees.
#[derive(Debug, PartialEq, Default)]
struct Seen {
    records: Vec<(&'static str, &'static str)>,
    /// Records of further decisions of a kind.
    repeated: usize,
    forwarded: bool,
    replies: Vec<(u16, Vec<u8>)>,
    response: Vec<u8>,
}

impl Seen {
    fn take(&mut self, exchange: &Proxied, answered: &Answered, request_side: bool) {
        self.repeated += answered.records().filter(|json| json.contains("\"repeated\":")).count();
        for deed in &answered.deeds {
            match deed {
                Deed::Count(result, reason) => self.records.push((result, reason)),
                Deed::Reply(reply) => self.replies.push((reply.status, reply.body.clone())),
                Deed::Call(_) => assert!(!self.forwarded, "asked after it was forwarded"),
                _ => {}
            }
        }
        assert!(self.replies.len() <= 1, "replied twice");
        let passes = answered.resumed() || request_side && answered.flow == Flow::Pass;
        if passes && !self.forwarded {
            self.forwarded = true;
            assert!(self.replies.is_empty(), "forwarded after a reply");
            // Over HTTP with SSE a ping carries the denial.
            let ping = exchange.host.request_body.ends_with(b"\",\"method\":\"ping\"}");
            match self.records.as_slice() {
                [("permit", "allowed")] => assert!(!ping, "a ping in the place of a permitted message"),
                [("deny", _)] => assert!(ping, "a denied message goes on"),
                records => panic!("forwarded without a record: {records:?}"),
            }
        }
        assert!(self.forwarded || !passes, "passes without a permit");
        // Whatever a server sends, the filter records once that a response cannot be read, and once the rest of them.
        for reason in ["list_unreadable", "answer_unreadable", "list_too_large", "answer_too_large"] {
            let times = self.records.iter().filter(|(_, recorded)| *recorded == reason).count();
            assert!(times <= 2, "{:?}", self.records);
        }
    }
}

fn request_head(choices: u8) -> OwnedFields {
    let method = if choices & 0b11 == 3 { "GET" } else { "POST" };
    let path = if choices & 0b1011 == 0b1000 { "/messages?s=1" } else { "/mcp" };
    let mut fields = TOKEN.with(|token| head(method, path, token));
    fields.retain(|(name, _)| name != b"mcp-protocol-version");
    let revision: &[u8] = if choices & 0b100 == 0 { b"2025-11-25" } else { b"2026-07-28" };
    fields.push((b"mcp-protocol-version".to_vec(), revision.to_vec()));
    if choices & 0b100 != 0 {
        fields.push((b"mcp-method".to_vec(), b"tools/list".to_vec()));
    }
    fields
}

fn response_head(choices: u8) -> OwnedFields {
    let media = if choices & 0b1_0000 == 0 { "application/json" } else { "text/event-stream" };
    let status = if choices & 0b10_0000 == 0 { "200" } else { "404" };
    fields([(":status", status), ("content-type", media)])
}

fn answer(choices: u8) -> Answer {
    match choices & 0b1100_0000 {
        0 => Answer::Yes,
        0b0100_0000 => Answer::Reset,
        0b1000_0000 => Answer::No,
        _ => Answer::Response { status: 200, body: b"{}".to_vec() },
    }
}

/// One exchange as a proxy drives it, bodies in pieces of so many bytes.
fn in_order(choices: u8, piece: usize, request: &[u8], response: &[u8]) -> Seen {
    let mut exchange = Proxied::new(Some(pep()));
    let mut seen = Seen::default();
    let answered = exchange.request_headers(request_head(choices), request.is_empty());
    seen.take(&exchange, &answered, true);
    let mut bytes = 0;
    for part in request.chunks(piece) {
        bytes += part.len();
        if seen.replies.is_empty() && bytes < request.len() {
            let answered = exchange.request_buffered(bytes);
            seen.take(&exchange, &answered, true);
        }
    }
    let mut waits = false;
    if seen.replies.is_empty() && !request.is_empty() {
        let answered = exchange.request_body(request);
        waits = answered.deeds.iter().any(|deed| matches!(deed, Deed::Call(_)));
        seen.take(&exchange, &answered, true);
    }
    while waits && seen.replies.is_empty() && !seen.forwarded {
        let answered = exchange.check_answered(&answer(choices));
        seen.take(&exchange, &answered, false);
    }
    if !seen.forwarded {
        return seen;
    }
    let answered = exchange.response_headers(response_head(choices), false);
    seen.take(&exchange, &answered, false);
    let mut at = 0;
    while at < response.len() && seen.replies.is_empty() {
        let end = at.saturating_add(piece).min(response.len());
        let (answered, sent) = exchange.response_body(&response[at..end], end == response.len());
        seen.take(&exchange, &answered, false);
        seen.response.extend(sent);
        at = end;
    }
    if !seen.replies.is_empty() {
        seen.response.clear();
    }
    seen
}

/// The same callbacks in an order that no proxy has.
fn in_any_order(choices: u8, order: u8, request: &[u8], response: &[u8]) {
    let mut exchange = Proxied::new(Some(pep()));
    let mut seen = Seen::default();
    let mut state = u32::from(order) + 1;
    for _ in 0..12 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let (answered, request_side) = match (state >> 16) % 9 {
            0 | 1 => (exchange.request_headers(request_head(choices), state & 0x8000_0000 != 0), true),
            2 => (exchange.request_buffered(request.len()), true),
            3 => (exchange.request_body(request), true),
            4 => (exchange.check_answered(&answer(choices)), false),
            5 => (exchange.response_headers(response_head(choices), false), false),
            6 => (exchange.tick(), false),
            7 => (exchange.response_body(response, order & 1 == 0).0, false),
            _ if order & 2 == 0 => {
                exchange.host.refuses = vec!["read_fields", "body", "now_ms"];
                let answered = exchange.request_headers(request_head(choices), false);
                assert!(seen.forwarded || answered.flow == Flow::Hold, "goes on although the host failed");
                return;
            }
            _ => (exchange.request_trailers(Vec::new()), true),
        };
        seen.take(&exchange, &answered, request_side);
    }
}
