//! One stream of the filter in wasmtime, taken from callback to callback: for tests that look at memory, log and fuel.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::missing_panics_doc,
    reason = "tests may stop at the first surprise"
)]

use crate::{folder, wasm};
use harness::host::stream::{Side, Stream};
use harness::host::wasm::{Filter, WasmGuest};
use harness::host::{Callback, Guest};
use harness::host::{Proxy, abi::Action};
use harness::scenario::{self, Fields, Fixtures, Request, Scenario};
use harness::target;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Hours that the token of these streams lasts.
pub const HOURS: u64 = 6;

/// A corpus of its own in a folder of its own.
pub struct Corpus {
    root: PathBuf,
    /// The scenario.
    pub scenario: Scenario,
}

impl Drop for Corpus {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

/// A scenario of this request, whose token outlives the stream. `config` is merged over that of `base.json`; `name` is
/// the corpus's alone in its process.
pub fn corpus(name: &str, policy: &str, config: &Value, request: &Value) -> Corpus {
    let root = std::env::temp_dir().join(format!("toolward-tests-{}-{name}", std::process::id()));
    std::fs::create_dir_all(root.join("scenarios/streams")).unwrap();
    std::fs::create_dir_all(root.join("policies")).unwrap();
    std::fs::copy(folder().join("policies").join(policy), root.join("policies").join(policy)).unwrap();
    let base = std::fs::read_to_string(folder().join("scenarios/base.json")).unwrap();
    let mut base: Value = serde_json::from_str(&base).unwrap();
    base["config"]["issuers"][0]["max_lifetime_seconds"] = json!(86_400);
    base["token"]["claims"]["exp"] = json!({"now": HOURS * 3600 + 600});
    std::fs::write(root.join("scenarios/base.json"), base.to_string()).unwrap();
    let exchange = json!({"request": request, "expect": {"decision": "permit"}});
    let file = json!({"about": "x", "policy": policy, "config": config, "cases": [{"name": "c", "exchanges": [exchange]}]});
    std::fs::write(root.join("scenarios/streams/file.json"), file.to_string()).unwrap();
    let mut loaded = scenario::load(&[root.join("scenarios")], None).unwrap();
    Corpus { root, scenario: loaded.scenarios.remove(0) }
}

/// A request that calls a tool.
pub fn call(tool: &str, arguments: Value) -> Value {
    let params = json!({"name": tool, "arguments": arguments});
    json!({"body": {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}})
}

/// A proxy with the filter, configured as the scenario has it, and the scenario's request.
pub fn start(corpus: &Corpus) -> (Proxy<WasmGuest>, Request) {
    let scenario = &corpus.scenario;
    let filter = Filter::from_file(&wasm()).unwrap();
    let fixtures = Fixtures::new(&folder()).unwrap();
    let request = scenario.request(0, scenario.now, &fixtures).unwrap();
    (target::start(scenario, &fixtures, |host| filter.guest(host)).unwrap(), request)
}

/// The head as a proxy passes it.
pub fn head(request: &Request) -> Fields {
    let mut fields: Fields = vec![
        (":authority".to_owned(), request.authority.clone().into_bytes()),
        (":path".to_owned(), request.path.clone()),
        (":method".to_owned(), request.method.clone().into_bytes()),
    ];
    fields.extend(request.headers.iter().cloned());
    fields
}

/// How far a stream comes before its client leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Point {
    /// Its head.
    Head,
    /// Half of its body.
    HalfBody,
    /// All of it.
    Body,
    /// The head of the answer.
    AnswerHead,
    /// A part of the answer.
    HalfAnswer,
}

/// Takes a stream up to a point of the request. Returns the action of the last callback.
pub fn open(guest: &mut WasmGuest, id: u32, request: &Request, until: Point) -> Action {
    let side = Side { headers: head(request), headers_open: true, ..Side::default() };
    let fields = side.headers.len();
    guest.host().streams.insert(id, Stream { request: side, ..Stream::default() });
    guest.create(id).unwrap();
    let end = request.body.is_none();
    let mut action = guest.call(id, Callback::RequestHeaders { fields, end }).unwrap();
    let Some(body) = request.body.clone() else { return action };
    for (point, piece) in [(Point::HalfBody, &body[..body.len() / 2]), (Point::Body, &body)] {
        if until >= point {
            let side = &mut guest.host().streams.get_mut(&id).unwrap().request;
            (side.buffer, side.buffer_open) = (piece.to_vec(), true);
            let callback = Callback::RequestBody { bytes: piece.len(), end: point == Point::Body };
            action = guest.call(id, callback).unwrap();
        }
    }
    action
}

/// The head of the answer.
pub fn answer(guest: &mut WasmGuest, id: u32, kind: &str) -> Action {
    let side = &mut guest.host().streams.get_mut(&id).unwrap().response;
    side.headers =
        vec![(":status".to_owned(), b"200".to_vec()), ("content-type".to_owned(), kind.as_bytes().to_vec())];
    side.headers_open = true;
    guest.call(id, Callback::ResponseHeaders { fields: 2, end: false }).unwrap()
}

/// Passes bytes of a stream that is not held. Returns the bytes that go on.
pub fn push(guest: &mut WasmGuest, id: u32, bytes: &[u8]) -> Vec<u8> {
    let side = &mut guest.host().streams.get_mut(&id).unwrap().response;
    (side.buffer, side.buffer_open) = (bytes.to_vec(), true);
    let callback = Callback::ResponseBody { bytes: bytes.len(), end: false };
    assert_eq!(guest.call(id, callback).unwrap(), Action::Continue);
    let side = &mut guest.host().streams.get_mut(&id).unwrap().response;
    side.buffer_open = false;
    std::mem::take(&mut side.buffer)
}
