//! INVARIANT (hot path): a token that passed before is accepted again without one allocation.
#![allow(unsafe_code, reason = "counting allocations takes a global allocator, which is an unsafe trait")]
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "tests")]

use base64::Engine as _;
use filter::config::Config;
use harness::crypto::RustSignatures;
use harness::mint::{SigningKey, jwks, mint};
use policy_wasm::compile::{Options, SourceFile, compile};
use serde_json::{Map, json};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;

struct Counting;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call is passed on unchanged; the counter allocates nothing and has no destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
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

#[test]
fn a_token_that_passed_before_costs_no_allocation() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/keys/acme-es256.pem");
    let key = SigningKey::from_file(Path::new(path)).unwrap();
    let resource = "https://tools.acme.test/mcp/github";
    let policy = SourceFile {
        name: "policy.yaml".into(),
        text: format!("policy: toolward/v1\nservers: {{github: {{resource: {resource}, tools: {{}}}}}}\n"),
    };
    let bundle = compile(&[policy], &Options::default()).unwrap();
    let text = json!({
        "issuers": [{"issuer": "https://id.acme.test", "algorithms": ["ES256"], "jwks": jwks([&key])}],
        "bundle": {"base64": base64::engine::general_purpose::STANDARD.encode(bundle)},
    });
    let config = Config::parse("c.json", text.to_string().as_bytes(), Rc::new(RustSignatures)).unwrap();
    let claims = json!({
        "iss": "https://id.acme.test", "sub": "u-alice", "aud": [resource], "iat": 1000, "exp": 2000,
        "groups": ["engineering"], "act": {"sub": "agent:buyer", "act": {"sub": "agent:planner"}},
    });
    let token = mint(&key, &Map::new(), claims.as_object().unwrap());

    let allocations = |work: &mut dyn FnMut()| {
        let before = COUNT.get();
        work();
        COUNT.get() - before
    };
    let mut verify = || drop(config.verifier.verify(&token, 1500, resource).unwrap());
    assert!(allocations(&mut verify) > 0, "the first time is no hit, so the counter must move");
    assert_eq!(allocations(&mut verify), 0);
    let delegation = config.verifier.verify(&token, 1500, resource).unwrap();
    let mut lend = || delegation.with_delegation(false, |delegation| assert_eq!(delegation.actors.len(), 2));
    assert_eq!(allocations(&mut lend), 0, "the PDP's view is lent, not copied");
}
