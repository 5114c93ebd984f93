//! Laws of sealed tasks: what goes on is what was judged but for the ids, and an id works for whom it was made.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests"
)]
use filter::mcp::client_message::{self, Message};
use filter::pep::{Flow, Pep};
use filter::testing::{Deed, Proxied, claims, config, fields, head, signed, with_sessions};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::rc::Rc;

const POLICY: &str = r#"
policy: toolward/v1
issuers: {acme: https://id.test}
servers:
  code:
    resource: https://tools.test/mcp
    methods: {tasks/get: permit, tasks/result: permit, tasks/cancel: permit, tasks/update: permit}
    tools: {look: {tier: read}}
grants: [{id: all, subjects: [{id: alice}, {id: bob}], ceiling: write}]
actors: [{id: planner, subject: planner, ceiling: write}, {id: robot, subject: robot, ceiling: write}]
"#;

thread_local! {
    static PEP: Rc<Pep> = Rc::new(Pep::new(config(POLICY, with_sessions()).unwrap()));
    /// Alice by the planner, the same as another token, Bob, Alice by the robot.
    static TOKENS: [String; 4] = [("alice", "planner"), ("alice", "planner"), ("bob", "planner"), ("alice", "robot")]
        .map(|(subject, actor)| signed(&claims(subject, actor)));
}

/// The exchange after its request, and the body that goes on or the reason of the denial.
fn ask(token: usize, body: &str) -> (Proxied, Result<String, String>) {
    let mut exchange = Proxied::new(Some(PEP.with(Rc::clone)));
    let fields = TOKENS.with(|tokens| head("POST", "/mcp", &tokens[token]));
    exchange.request_headers(fields, false);
    let answered = exchange.request_body(body.as_bytes());
    let outcome = match answered.denied() {
        Some(reason) => Err(reason.to_owned()),
        None => Ok(String::from_utf8(exchange.host.request_body.clone()).unwrap()),
    };
    assert_eq!(answered.flow == Flow::Pass, outcome.is_ok());
    (exchange, outcome)
}

/// The part of an answer that reaches the client.
fn answered(exchange: &mut Proxied, stream: bool, answer: &str) -> String {
    let media = if stream { "text/event-stream" } else { "application/json" };
    exchange.response_headers(fields([(":status", "200"), ("content-type", media)]), false);
    let sent = if stream { format!("data: {answer}\n\n") } else { answer.to_owned() };
    let (answered, got) = exchange.response_body(sent.as_bytes(), true);
    for deed in answered.deeds {
        if let Deed::Reply(reply) = deed {
            return reply.details;
        }
    }
    let got = String::from_utf8(got).unwrap();
    if !stream {
        return got;
    }
    got.trim_start_matches("data: ").trim_end_matches('\n').to_owned()
}

/// What the client is told where the server makes a task with this id.
fn made(own: &str) -> String {
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"look","task":{}}}"#;
    let (mut exchange, _) = ask(0, call);
    let answer = json!({"jsonrpc": "2.0", "id": 1, "result": {"task": {"taskId": own}}}).to_string();
    let got: Value = serde_json::from_str(&answered(&mut exchange, false, &answer)).unwrap();
    got["result"]["task"]["taskId"].as_str().unwrap().to_owned()
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// The same string with every character escaped.
fn escaped(text: &str) -> String {
    let units: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
    format!("\"{units}\"")
}

fn any_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,6}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    });
    (value, any::<bool>()).prop_map(|(value, pretty)| {
        if pretty { serde_json::to_string_pretty(&value).unwrap() } else { value.to_string() }
    })
}

fn word(message: &Message<'_>) -> String {
    let Message::Request(request) = message else { return format!("{message:?}") };
    let id = request.id.map(client_message::RequestId::raw);
    format!("{id:?} {:?} {:?} {:?}", request.method, request.target.name(), request.meta.revision)
}

proptest! {
    #[test]
    fn what_goes_on_is_what_was_judged_but_for_the_ids(
        own in "[!-~]{1,60}", method in prop::sample::select(vec!["get", "result", "cancel"]),
        before in any_json(), after in any_json(), related in any::<bool>(), escapes in any::<bool>(),
        space in "[ \t\r\n]{0,3}",
    ) {
        let sealed = made(&own);
        let written = |id: &str| {
            let meta = if related {
                format!(r#","_meta":{{"io.modelcontextprotocol/related-task":{{"taskId":{id}}}}}"#)
            } else {
                String::new()
            };
            format!(
                r#"{space}{{"id":"1","params":{{"x":{before},{space}"taskId"{space}:{id}{meta},"y":{after}}},"jsonrpc":"2.0","method":"tasks/{method}"}}{space}"#
            )
        };
        let sent = written(&if escapes { escaped(&sealed) } else { quoted(&sealed) });
        let (_, outcome) = ask(0, &sent);
        let expected = written(&quoted(&own));
        prop_assert_eq!(outcome.as_deref(), Ok(expected.as_str()));
        // Read again, it is the same message.
        let limits = policy_wasm::json::Limits::default();
        let judged = word(&client_message::read(sent.as_bytes(), &limits).unwrap());
        let read_again = word(&client_message::read(expected.as_bytes(), &limits).unwrap());
        prop_assert_eq!(judged.replace(&format!("{sealed:?}"), &format!("{own:?}")), read_again);
    }

    #[test]
    fn an_answer_changes_in_its_ids_alone_and_they_work_for_the_caller_alone(
        own in "[!-~]{1,60}", before in any_json(), after in any_json(), stream in any::<bool>(),
    ) {
        // An event's data has no line breaks of its own.
        let (before, after) = (before.replace('\n', " "), after.replace('\n', " "));
        let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"look"}}"#;
        let (mut exchange, _) = ask(0, call);
        let written = |id: &str| format!(
            r#"{{"id":1,"result":{{"x":{before},"task":{{"taskId":{id} ,"y":{after}}}}},"jsonrpc":"2.0"}}"#
        );
        let got = answered(&mut exchange, stream, &written(&quoted(&own)));
        let sealed = made(&own);
        let mut expected = written(&quoted(&sealed));
        if stream {
            // A character that ends a line for some readers is escaped in a stream.
            for (raw, escaped) in [("\u{85}", "\\u0085"), ("\u{2028}", "\\u2028"), ("\u{2029}", "\\u2029")] {
                expected = expected.replace(raw, escaped);
            }
        }
        prop_assert_eq!(&got, &expected);
        let get = |id: &str| json!({"jsonrpc": "2.0", "id": 2, "method": "tasks/get", "params": {"taskId": id}}).to_string();
        for same in [0, 1] {
            prop_assert_eq!(ask(same, &get(&sealed)).1, Ok(get(&own)));
        }
        for other in [2, 3] {
            prop_assert_eq!(ask(other, &get(&sealed)).1, Err("task_foreign".to_owned()));
        }
        prop_assert_eq!(ask(0, &get(&own)).1, Err("task_unknown".to_owned()));
        // The answer names the task as the client does.
        let (mut exchange, _) = ask(0, &get(&sealed));
        let state = |id: &str| json!({"jsonrpc": "2.0", "id": 2, "result": {"taskId": id, "status": "working"}}).to_string();
        prop_assert_eq!(answered(&mut exchange, stream, &state(&own)), state(&sealed));
    }

    #[test]
    fn what_was_not_sealed_goes_nowhere(id in "\\PC{1,80}", method in prop::sample::select(vec!["get", "result", "cancel"])) {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": format!("tasks/{method}"), "params": {"taskId": id}});
        prop_assert_eq!(ask(0, &body.to_string()).1, Err("task_unknown".to_owned()));
    }
}
