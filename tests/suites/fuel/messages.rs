//! Requests, notifications, batches and responses in JSON.

use super::*;

#[test]
fn reading_a_message_costs_the_same_for_each_byte() {
    let mut bench = Bench::new("message", "asking.yaml", &wide(), &call("free", json!({})));
    let frames: [Frame; 11] = [
        ("", ""),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"free","arguments":{"a":""#,
            r#""}}}"#,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"free","arguments":{""#,
            r#"":1}}}"#,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"free","arguments":{"a":["#,
            r#"1]}}}"#,
        ),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"free",""#, r#"":1}}"#),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"free","_meta":{""#, r#"":1}}}"#),
        (r#"{""#, r#"":1,"jsonrpc":"2.0","id":1,"method":"ping"}"#),
        (r#"{"jsonrpc":"2.0","method":"ping","id":""#, r#""}"#),
        (r#"{"jsonrpc":"2.0","id":1,"method":""#, r#""}"#),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":""#, r#""}}"#),
        ("[", r#"{"jsonrpc":"2.0","id":1,"method":"ping"}]"#),
    ];
    let mut families = everywhere(&frames);
    for object in [
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"free","arguments":{"#, "}}}"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"free","_meta":{"#, "}}}"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"free","#, "}}"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","#, "}"),
    ] {
        families.extend(members(object, (r#"{"jsonrpc":"2.0","id":1,"result":{"a":["#, "]}}")));
    }
    let id = "i".repeat(230);
    for unit in [
        r##"{"jsonrpc":"2.0","id":#,"method":"ping"}"##.to_owned(),
        format!(r##"{{"jsonrpc":"2.0","id":"{id}#","method":"ping"}}"##),
        r##"{"jsonrpc":"2.0","id":#,"method":"tools/call","params":{"name":"wipe"}}"##.to_owned(),
        r##"{"jsonrpc":"2.0","method":"notifications/initialized"}"##.to_owned(),
    ] {
        families.push(Family::numbered(("[", "]"), &unit, ","));
    }
    Reader::new("messages", 650, MIB).hold(&families, &mut |text| bench.body(text));
}

#[test]
fn reading_an_answer_costs_the_same_for_each_byte() {
    for (name, asked, frames) in [
        (
            "list",
            json!({"body": {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}}),
            vec![
                ("", ""),
                (r#"{"jsonrpc":"2.0","id":1,"result":{"tools":["#, "]}}"),
                (r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":""#, r#""}]}}"#),
                (r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"look",""#, r#"":1}]}}"#),
                (r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[],""#, r#"":1}}"#),
            ],
        ),
        (
            "call",
            call("free", json!({})),
            vec![
                (r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":""#, r#""}]}}"#),
                (r#"{"jsonrpc":"2.0","id":1,"result":{""#, r#"":1}}"#),
                (r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"","data":{""#, r#"":1}}}"#),
                (r#"{"jsonrpc":"2.0","id":""#, r#"","result":{}}"#),
                (r#"{""#, r#"":1,"jsonrpc":"2.0","id":1,"result":{}}"#),
            ],
        ),
    ] {
        let mut bench = Bench::new(name, "asking.yaml", &wide(), &asked);
        let mut families = everywhere(&frames);
        let object = (r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[],"#, "}}");
        families.extend(members(object, (r#"{"jsonrpc":"2.0","id":1,"result":{"tools":["#, "]}}")));
        let definition =
            (r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"look","inputSchema":{"#, "}}]}}");
        let schema =
            (r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"look","inputSchema":["#, "]}]}}");
        families.extend(members(definition, schema));
        let errors = (
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32042,"message":"","data":{"elicitations":["#,
            "]}}}",
        );
        for (frame, unit) in [
            (errors, r##"{"mode":"url","url":"https://ask.acme.test/consent"}"##),
            (errors, r##"{"mode":"url","url":"https://evil.test/#"}"##),
            (errors, "{}"),
            (object, r##""inputRequests":{"#":{"method":"elicitation/create","params":{}}}"##),
            (
                (r#"{"jsonrpc":"2.0","id":1,"result":{"inputRequests":{"#, "}}}"),
                r##""#":{"method":"roots/list"}"##,
            ),
        ] {
            families.push(Family::numbered(frame, unit, ","));
        }
        Reader::new(name, 900, 4 * MIB)
            .hold(&families, &mut |text| bench.answer("application/json", text, usize::MAX));
    }
}
