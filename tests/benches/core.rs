//! The filter's core, natively: reading, tokens, a whole decision, lists. Evaluation and bundles: the benchmark of
//! `policy-wasm`. `make bench-envoy` measures the cost of all of it inside Envoy.

#![allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use filter::config::Config;
use filter::mcp::client_message;
use filter::mcp::list;
use filter::mcp::splice::Splices;
use filter::pep::{Effect, Event, Exchange, Flow, Pep};
use harness::crypto::RustSignatures;
use harness::test_token::{SigningKey, mint};
use policy_wasm::json::{self, Limits, Value};
use serde_json::{Map, json};
use std::error::Error;
use std::hint::black_box;
use std::path::Path;
use std::rc::Rc;
use traffic::{RESOURCE, Traffic};

#[allow(dead_code, reason = "other benchmarks use the rest")]
mod bodies;
#[allow(dead_code, reason = "other benchmarks use the rest")]
#[path = "../bench_envoy/traffic.rs"]
mod traffic;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn parse(criterion: &mut Criterion) {
    let limits = Limits::default();
    for (name, body) in bodies::all() {
        let mut group = criterion.benchmark_group(format!("read {name}"));
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function("message", |b| {
            b.iter(|| client_message::read(black_box(&body), &limits).is_ok())
        });
        group.bench_function("json", |b| b.iter(|| json::parse(black_box(&body), &limits).is_ok()));
        group.bench_function("serde_json Value, for comparison", |b| {
            b.iter(|| serde_json::from_slice::<serde_json::Value>(black_box(&body)).is_ok());
        });
        group.bench_function("serde_json IgnoredAny, for comparison", |b| {
            b.iter(|| serde_json::from_slice::<serde::de::IgnoredAny>(black_box(&body)).is_ok());
        });
        group.finish();
    }
}

fn token(criterion: &mut Criterion) {
    let now = 1_795_213_260;
    let claims = json!({
        "iss": traffic::ISSUER, "sub": "u-alice", "aud": RESOURCE, "groups": [traffic::GROUP], "scope": "openid",
        "act": {"sub": "agent:planner"}, "iat": now - 60, "exp": now + 300,
    });
    let claims = claims.as_object().cloned().unwrap();
    let mut group = criterion.benchmark_group("token");
    for name in ["acme-rs256", "acme-es256", "acme-ed25519"] {
        let keys = Path::new(env!("CARGO_MANIFEST_DIR")).join("keys");
        let key = SigningKey::from_file(&keys.join(format!("{name}.pem"))).unwrap();
        let token = mint(&key, &Map::new(), &claims);
        for (what, entries) in [("cached", 1024), ("not cached", 0)] {
            let mut configuration: serde_json::Value =
                serde_json::from_str(&Traffic::new().unwrap().configuration).unwrap();
            configuration["issuers"][0]["algorithms"] = json!([key.algorithm().name()]);
            configuration["issuers"][0]["jwks"] = json!({"keys": [key.public_jwk()]});
            configuration["limits"] = json!({"token_cache_entries": entries});
            let text = configuration.to_string();
            let config = Config::parse("bench", text.as_bytes(), Rc::new(RustSignatures)).unwrap();
            let name = format!("{}, {what}", key.algorithm().name());
            group.bench_function(name, |b| {
                b.iter(|| config.verifier.verify(black_box(&token), now, RESOURCE).unwrap());
            });
        }
    }
    group.finish();
}

type OwnedFields = Vec<(Vec<u8>, Vec<u8>)>;

/// The head as Envoy hands it over, and the body.
fn head(traffic: &Traffic) -> (OwnedFields, Vec<u8>) {
    let text = String::from_utf8(traffic.request.clone()).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let mut fields = vec![
        (b":method".to_vec(), b"POST".to_vec()),
        (b":path".to_vec(), b"/mcp/github".to_vec()),
        (b":scheme".to_vec(), b"http".to_vec()),
    ];
    for line in head.lines().skip(1) {
        let (name, value) = line.split_once(": ").unwrap();
        let name = if name == "host" { ":authority" } else { name };
        fields.push((name.as_bytes().to_vec(), value.as_bytes().to_vec()));
    }
    fields.push((b"x-request-id".to_vec(), b"0b8c6f3e-5a50-9c1c-8a3e-0d4f8f6f6a3e".to_vec()));
    (fields, body.as_bytes().to_vec())
}

fn decision(criterion: &mut Criterion) {
    let traffic = Traffic::new().unwrap();
    let now_ms = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis() as u64;
    let config = Config::parse("bench", traffic.configuration.as_bytes(), Rc::new(RustSignatures)).unwrap();
    let pep = Rc::new(Pep::new(config));
    let (fields, body) = head(&traffic);
    let fields: Vec<(&[u8], &[u8])> =
        fields.iter().map(|(name, value)| (name.as_slice(), value.as_slice())).collect();
    criterion.bench_function("permitted call of 500 B, head to record, token cached", |b| {
        b.iter_batched(
            || Exchange::new(Some(Rc::clone(&pep)), "0123456789abcdef00000001".to_owned()),
            |mut exchange| {
                exchange.handle(Event::RequestHeaders { now_ms, fields: &fields, end_of_stream: false });
                let effects = exchange.handle(Event::RequestBody { now_ms, body: &body });
                assert_eq!(exchange.request_flow(), Flow::Pass);
                assert!(matches!(effects.last(), Some(Effect::Forward { .. })));
                (exchange, effects)
            },
            BatchSize::SmallInput,
        );
    });
}

fn lists(criterion: &mut Criterion) {
    let tools: Vec<_> = (0..1000)
        .map(|number| {
            json!({
                "name": format!("tool_{number}"), "description": "Searches what is there and tells what it found.",
                "inputSchema": {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
            })
        })
        .collect();
    let answer = json!({"jsonrpc": "2.0", "id": 1, "result": {"tools": tools}}).to_string();
    let mut group = criterion.benchmark_group(format!("list of 1000 tools, {} KB", answer.len() / 1000));
    group.throughput(Throughput::Bytes(answer.len() as u64));
    for (name, every) in [("all kept", 1), ("every other kept", 2)] {
        group.bench_function(name, |b| {
            b.iter(|| {
                let mut number = 0;
                let mut keep = |_: &str, _: Value<'_>| {
                    number += 1;
                    number % every == 0
                };
                let whole = black_box(answer.as_str());
                let message = json::parse(whole.as_bytes(), &Limits::default()).unwrap();
                let result = message.as_object().unwrap().get("result").and_then(Value::as_object).unwrap();
                let tools = result.get("tools").and_then(Value::as_array).unwrap();
                let mut edits = Splices::default();
                list::cut(&list::LISTS[0], tools, whole, &mut edits, &mut keep).unwrap();
                edits.apply(whole).unwrap()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, parse, token, decision, lists);
criterion_main!(benches);
