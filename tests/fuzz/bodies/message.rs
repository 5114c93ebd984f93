//! Any bytes as a message: serde_json reads the same value from every text that the strict reader accepts, and sees the
//! same request.

use filter::mcp::client_message::{self, Message};
use policy_wasm::json::{self, Kind, Limits, Value};
use serde_json::Value as Other;

/// The body.
pub fn run(data: &[u8]) {
    let limits = Limits::default();
    let ours = json::parse(data, &limits);
    let read = client_message::read(data, &limits);
    let Ok(ours) = ours else {
        assert!(read.is_err(), "a message that is no strict JSON");
        return;
    };
    let theirs: Other = serde_json::from_slice(data).expect("strict JSON is JSON to serde_json");
    same(ours, &theirs);
    if let Ok(Message::Request(request)) = read {
        assert_eq!(theirs["method"].as_str(), Some(request.method.name()));
        let id = request.id.map(|id| serde_json::from_str::<Other>(id.raw()).expect("an id is JSON"));
        assert_eq!(theirs.get("id"), id.as_ref());
        assert!(theirs["result"].is_null() && theirs["error"].is_null(), "a request that is a response too");
    }
}

fn same(ours: Value<'_>, theirs: &Other) {
    match (ours.kind(), theirs) {
        (Kind::Null, Other::Null) => {}
        (Kind::Bool, Other::Bool(theirs)) => assert_eq!(ours.raw(), theirs.to_string()),
        (Kind::String, Other::String(theirs)) => {
            assert_eq!(ours.as_str().expect("a string").decode(), theirs.as_str());
        }
        (Kind::Number, Other::Number(theirs)) => {
            let (ours, theirs) =
                (ours.raw().parse::<f64>().expect("a number"), theirs.as_f64().expect("a double"));
            // serde_json is off by one in the last place at times.
            assert!((ours - theirs).abs() <= ours.abs() * 1e-15, "{ours} {theirs}");
        }
        (Kind::Array, Other::Array(theirs)) => {
            let ours: Vec<Value<'_>> = ours.as_array().expect("an array").elements().collect();
            assert_eq!(ours.len(), theirs.len());
            ours.into_iter().zip(theirs).for_each(|(ours, theirs)| same(ours, theirs));
        }
        (Kind::Object, Other::Object(theirs)) => {
            let ours = ours.as_object().expect("an object");
            assert_eq!(ours.members().count(), theirs.len(), "a repeated key");
            for (key, value) in ours.members() {
                same(value, theirs.get(key.decode().as_ref()).expect("the same keys"));
            }
        }
        (kind, theirs) => panic!("{kind:?} is {theirs}"),
    }
}
