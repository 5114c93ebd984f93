//! INVARIANT (hot path): a token that passed before is accepted again without one allocation, and of arguments that the
//! policy does not ask about nothing is copied.
#![allow(unsafe_code, reason = "counting allocations takes a global allocator, which is an unsafe trait")]
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "tests")]

use base64::Engine as _;
use filter::config::Config;
use filter::pep::{Effect, Event, Exchange, Pep};
use harness::crypto::RustSignatures;
use harness::test_token::{SigningKey, jwks, mint};
use policy_wasm::compile::{Options, SourceFile, compile};
use serde_json::{Map, json};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;

struct Counting;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
    static BYTES: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call is passed on unchanged; the counters allocate nothing and have no destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        BYTES.with(|bytes| bytes.set(bytes.get() + layout.size()));
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const RESOURCE: &str = "https://tools.acme.test/mcp/github";
const NOW: u64 = 1500;

/// The configuration, and a token for it.
fn prepared() -> (Config, String) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/keys/acme-es256.pem");
    let key = SigningKey::from_file(Path::new(path)).unwrap();
    let policy = SourceFile {
        name: "policy.yaml".into(),
        text: format!(
            "policy: toolward/v1\nissuers: {{acme: https://id.acme.test}}\n\
             servers: {{github: {{resource: {RESOURCE}, tools: {{write_file: {{tier: write}}}}}}}}\n\
             grants: [{{id: all, subjects: [{{group: engineering}}], ceiling: write, when: \"args.path != '/etc'\"}}]\n\
             actors: [{{id: buyer, subject: 'agent:buyer', ceiling: write}}, {{id: planner, subject: 'agent:planner', ceiling: write}}]\n"
        ),
    };
    let bundle = compile(&[policy], &Options::default()).unwrap();
    let text = json!({
        "issuers": [{"issuer": "https://id.acme.test", "algorithms": ["ES256"], "jwks": jwks([&key])}],
        "bundle": {"base64": base64::engine::general_purpose::STANDARD.encode(bundle)},
    });
    let config = Config::parse("c.json", text.to_string().as_bytes(), Rc::new(RustSignatures)).unwrap();
    let claims = json!({
        "iss": "https://id.acme.test", "sub": "u-alice", "aud": [RESOURCE], "iat": 1000, "exp": 2000,
        "groups": ["engineering"], "act": {"sub": "agent:buyer", "act": {"sub": "agent:planner"}},
    });
    (config, mint(&key, &Map::new(), claims.as_object().unwrap()))
}

#[test]
fn a_token_that_passed_before_costs_no_allocation() {
    let (config, token) = prepared();
    let allocations = |work: &mut dyn FnMut()| {
        let before = COUNT.get();
        work();
        COUNT.get() - before
    };
    let mut verify = || drop(config.verifier.verify(&token, NOW, RESOURCE).unwrap());
    assert!(allocations(&mut verify) > 0, "the first time is no hit, so the counter must move");
    assert_eq!(allocations(&mut verify), 0);
    let delegation = config.verifier.verify(&token, NOW, RESOURCE).unwrap();
    let mut lend = || delegation.with_delegation(false, |delegation| assert_eq!(delegation.actors.len(), 2));
    assert_eq!(allocations(&mut lend), 0, "the PDP's view is lent, not copied");
}

#[test]
fn arguments_that_the_policy_does_not_ask_about_are_not_copied() {
    let (config, token) = prepared();
    let pep = Rc::new(Pep::new(config));
    let bearer = format!("Bearer {token}");
    let fields: [(&[u8], &[u8]); 6] = [
        (b":method", b"POST"),
        (b":path", b"/mcp/github"),
        (b":authority", b"tools.acme.test"),
        (b"authorization", bearer.as_bytes()),
        (b"content-type", b"application/json"),
        (b"mcp-protocol-version", b"2025-11-25"),
    ];
    // The allocations of a call, in bytes. The policy asks about the path, before the content and after it.
    let allocated = |content: &str| {
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"write_file","arguments":{{"path":"/tmp","content":{content},"mode":[6,4,4]}}}}}}"#
        );
        let before = BYTES.get();
        let mut exchange = Exchange::new(Some(Rc::clone(&pep)), "0123456789abcdef00000001".to_owned());
        let now_ms = NOW * 1000;
        exchange.handle(Event::RequestHeaders { now_ms, fields: &fields, end_of_stream: false });
        let effects = exchange.handle(Event::RequestBody { now_ms, body: body.as_bytes() });
        let after = BYTES.get();
        assert!(matches!(effects.last(), Some(Effect::Forward { .. })), "{effects:?}");
        after - before
    };
    allocated("0");
    let small = allocated("0");
    for content in [
        format!("\"{}\"", "line with an escaped end\\n".repeat(36_000)),
        format!("[{}0]", r#"{"name":"a","size":1.5,"tags":["x","y"],"of":{"deep":null}},"#.repeat(15_000)),
        format!("[{}0]", "12345.75,".repeat(100_000)),
    ] {
        assert!(content.len() > 800_000, "{}", content.len());
        assert_eq!(allocated(&content), small, "of {} bytes", content.len());
    }
}
