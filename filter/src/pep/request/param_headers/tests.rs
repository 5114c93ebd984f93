#![allow(clippy::arithmetic_side_effects, reason = "tests")]
use super::*;
use policy_wasm::bundle::{Bundle, Trust};
use policy_wasm::compile::{Options, SourceFile, compile};
use policy_wasm::json::{Limits, parse};
use policy_wasm::model::ItemKind;
use proptest::prelude::*;
use serde_json::{Map, json};

const NOW: u64 = 1_795_213_260; // 2026-11-21

const POLICY: &str = r#"
policy: toolward/v1
issuers: {acme: https://id.test}
servers:
  s:
    resource: https://tools.test/mcp
    tools:
      deploy:
        tier: read
        input_schema: &
      open: {tier: read}
      moved:
        tier: read
        versions:
          v1:
            digest: sha256:1111111111111111111111111111111111111111111111111111111111111111
            input_schema: {type: object, properties: {region: {type: string, x-mcp-header: Region}}}
          v2:
            digest: sha256:2222222222222222222222222222222222222222222222222222222222222222
            input_schema: {type: object, properties: {zone: {type: string, x-mcp-header: Region}, size: {type: integer, x-mcp-header: Size}}}
          v3:
            digest: sha256:3333333333333333333333333333333333333333333333333333333333333333
            input_schema: {type: object, properties: {region: {type: string}}}
          v0:
            digest: sha256:4444444444444444444444444444444444444444444444444444444444444444
            deprecated_until: "2026-01-01"
            input_schema: {type: object, properties: {old: {type: string, x-mcp-header: Region}}}
"#;

const SCHEMA: &str = r#"{"type":"object","properties":{
    "region":{"type":"string","x-mcp-header":"Region"},
    "size":{"type":"integer","x-mcp-header":"Size"},
    "dry":{"type":"boolean","x-mcp-header":"Dry_Run"},
    "at":{"type":"object","properties":{"zone":{"type":"string","x-mcp-header":"Zone"}}},
    "other":{"type":"string"}}}"#;

thread_local! {
    static BUNDLE: &'static Bundle = Box::leak(Box::new(bundle()));
}

fn bundle() -> Bundle {
    let text = POLICY.replace("input_schema: &", &format!("input_schema: {}", SCHEMA.replace('\n', " ")));
    let bytes = compile(&[SourceFile { name: "p.yaml".into(), text }], &Options::default());
    Bundle::open(bytes.unwrap_or_else(|problems| panic!("{problems}")), &Trust::digest_only()).expect("opens")
}

fn held(tool: &str, said: &[(&str, &str)], arguments: &str, era: Era) -> bool {
    let said: Vec<ParamHeader> = said
        .iter()
        .map(|(name, value)| ParamHeader { name: (*name).into(), value: (*value).into() })
        .collect();
    let value = parse(arguments.as_bytes(), &Limits::default()).expect("strict JSON");
    let server = BUNDLE.with(|bundle| *bundle).server(0).expect("one server");
    let item = server.item(ItemKind::Tool, tool).expect("readable");
    match compare(&said, item, value.as_object(), era, NOW) {
        Ok(()) => true,
        Err(reason) => {
            assert_eq!(reason, Reason::HeaderMismatch);
            false
        }
    }
}

#[test]
fn a_header_that_the_schema_names_has_the_arguments_value() {
    for (said, arguments, expected) in [
        (&[("region", "eu")][..], r#"{"region":"eu"}"#, true),
        (&[("region", "eu")], r#"{"region":"\u0065u"}"#, true),
        (&[("region", "é 北")], r#"{"region":"é 北"}"#, true),
        (&[("region", "")], r#"{"region":""}"#, true),
        (&[("region", "us")], r#"{"region":"eu"}"#, false),
        (&[("region", "EU")], r#"{"region":"eu"}"#, false),
        (&[("region", "e\u{301}")], r#"{"region":"é"}"#, false),
        (&[("region", "eu%20")], r#"{"region":"eu "}"#, false),
        // The header's value is in the body, and in another argument.
        (&[("region", "eu")], r#"{"region":"us","other":"eu"}"#, false),
        (&[("region", "eu")], r#"{"other":"eu"}"#, false),
        (&[("region", "eu")], r#"{"region":null,"other":"eu"}"#, false),
        (&[("region", "null")], r#"{"region":null}"#, false),
        (&[("region", "eu")], r#"{"region":["eu"]}"#, false),
        (&[("region", "1")], r#"{"region":1}"#, false),
        (&[("region", "eu")], r#"{"region":"eu","Region":"us"}"#, false),
        (&[("size", "42")], r#"{"size":42}"#, true),
        (&[("size", "42")], r#"{"size":42.0}"#, true),
        (&[("size", "42.0")], r#"{"size":42}"#, true),
        (&[("size", "-7")], r#"{"size":-7}"#, true),
        (&[("size", "9007199254740991")], r#"{"size":9007199254740991}"#, true),
        (&[("size", "9007199254740992")], r#"{"size":9007199254740992}"#, false),
        (&[("size", "01")], r#"{"size":1}"#, false),
        (&[("size", "1e0")], r#"{"size":1}"#, false),
        (&[("size", "1")], r#"{"size":1e0}"#, false),
        (&[("size", "1.")], r#"{"size":1}"#, false),
        (&[("size", "1.5")], r#"{"size":1.5}"#, false),
        (&[("size", "+1")], r#"{"size":1}"#, false),
        (&[("size", " 1")], r#"{"size":1}"#, false),
        (&[("size", "0x1")], r#"{"size":1}"#, false),
        (&[("size", "-0")], r#"{"size":0}"#, false),
        (&[("size", "")], r#"{"size":0}"#, false),
        (&[("size", "1")], r#"{"size":"1"}"#, false),
        (&[("size", "1")], r#"{"size":true}"#, false),
        (&[("dry_run", "true")], r#"{"dry":true}"#, true),
        (&[("dry_run", "TRUE")], r#"{"dry":true}"#, false),
        (&[("dry_run", "1")], r#"{"dry":true}"#, false),
        (&[("dry_run", "true")], r#"{"dry":"true"}"#, false),
        (&[("dry_run", "false")], r#"{"dry":true}"#, false),
        // Some servers see one variable.
        (&[("dry-run", "true")], r#"{"dry":true}"#, false),
        (&[("zone", "a")], r#"{"at":{"zone":"a"}}"#, true),
        (&[("zone", "a")], r#"{"zone":"a"}"#, false),
        (&[("zone", "a")], r#"{"at":"a"}"#, false),
        (&[("zone", "a")], r#"{"at":{"zone":"a"},"AT":{"zone":"b"}}"#, false),
        (&[("region", "eu"), ("size", "1")], r#"{"size":1,"region":"eu"}"#, true),
        (&[("region", "eu"), ("size", "2")], r#"{"size":1,"region":"eu"}"#, false),
    ] {
        for era in [Era::Legacy, Era::Modern] {
            assert_eq!(held("deploy", said, arguments, era), expected, "{said:?} {arguments}");
        }
    }
}

#[test]
fn only_the_modern_era_demands_a_header() {
    for (arguments, expected) in [
        (r#"{"region":"eu"}"#, false),
        (r#"{"region":null,"other":"eu"}"#, true),
        ("{}", true),
        (r#"{"at":{"zone":"a"}}"#, false),
        (r#"{"at":{"zone":["a"]}}"#, false),
        (r#"{"REGION":"eu"}"#, false),
    ] {
        assert_eq!(held("deploy", &[], arguments, Era::Modern), expected, "{arguments}");
        assert!(held("deploy", &[], arguments, Era::Legacy), "{arguments}");
    }
}

#[test]
fn a_header_that_no_schema_names_says_what_some_argument_says() {
    for (said, arguments, expected) in [
        (&[("any", "eu")][..], r#"{"a":[{"b":"eu"}]}"#, true),
        (&[("any", "eu"), ("one", "eu"), ("size", "3")], r#"{"a":"eu","b":3}"#, true),
        (&[("any", "é\n")], r#"{"a":"\u00e9\n"}"#, true),
        (&[("any", "42")], r#"{"a":42.0}"#, true),
        (&[("any", "1e+22")], r#"{"a":1e+22}"#, true),
        (&[("any", "true")], r#"{"a":{"b":[true]}}"#, true),
        (&[("any", "eu")], "{}", false),
        (&[("any", "eu")], r#"{"eu":"us"}"#, false),
        (&[("any", "eu")], r#"{"a":{"eu" : ["us"]}}"#, false),
        (&[("any", "eu"), ("one", "us")], r#"{"a":"eu"}"#, false),
        (&[("any", "e")], r#"{"a":"eu"}"#, false),
        (&[("any", "null")], r#"{"a":null}"#, false),
        (&[("any", "")], r#"{"a":null}"#, false),
        (&[("any", "{}")], r#"{"a":{}}"#, false),
        (&[("any", "\"eu\"")], r#"{"a":"eu"}"#, false),
        (&[("any", "01")], r#"{"a":1}"#, false),
    ] {
        for tool in ["open", "nobody knows"] {
            for era in [Era::Legacy, Era::Modern] {
                assert_eq!(held(tool, said, arguments, era), expected, "{said:?} {arguments}");
            }
        }
    }
    // Beside headers that are known it is the same.
    assert!(held("deploy", &[("region", "eu"), ("any", "b")], r#"{"region":"eu","other":"b"}"#, Era::Modern));
    assert!(!held(
        "deploy",
        &[("region", "eu"), ("any", "c")],
        r#"{"region":"eu","other":"b"}"#,
        Era::Modern
    ));
}

#[test]
fn a_client_of_each_accepted_definition_passes_and_no_other() {
    for (said, arguments, expected) in [
        (&[("region", "eu")][..], r#"{"region":"eu"}"#, true),
        (&[("region", "b")], r#"{"region":"eu","zone":"b"}"#, true),
        (&[("region", "b"), ("size", "1")], r#"{"zone":"b","size":1}"#, true),
        (&[], r#"{"region":"eu"}"#, true),
        // Of the first definition and the second at once.
        (&[("region", "eu"), ("size", "1")], r#"{"region":"eu","size":1}"#, false),
        (&[("region", "b")], r#"{"zone":"b","size":1}"#, false),
        // A header of a definition that has ended.
        (&[("region", "x")], r#"{"old":"x"}"#, false),
        (&[("region", "x")], r#"{"other":"x"}"#, false),
    ] {
        assert_eq!(held("moved", said, arguments, Era::Modern), expected, "{said:?} {arguments}");
    }
}

fn arguments() -> impl Strategy<Value = Map<String, serde_json::Value>> {
    let text =
        prop_oneof!["[a-c]{0,2}", "\\PC{0,4}", Just("=?base64?YQ==?=".to_owned()), Just("1".to_owned())];
    let maybe = |value: BoxedStrategy<serde_json::Value>| prop_oneof![1 => Just(None), 1 => Just(Some(json!(null))), 4 => value.prop_map(Some)];
    let text = move || text.clone().prop_map(|text| json!(text)).boxed();
    let size = prop_oneof![-3..3i64, Just((1 << 53) - 1), any::<i32>().prop_map(i64::from)];
    (
        maybe(text()),
        maybe(size.prop_map(|n| json!(n)).boxed()),
        maybe(any::<bool>().prop_map(|b| json!(b)).boxed()),
        maybe(text()),
        maybe(text()),
    )
        .prop_map(|(region, size, dry, zone, other)| {
            let mut map = Map::new();
            for (key, value) in [("region", region), ("size", size), ("dry", dry), ("other", other)] {
                map.extend(value.map(|value| (key.to_owned(), value)));
            }
            map.extend(
                zone.map(|zone| ("at".to_owned(), json!({"zone": zone, "n": [1, {"region": "deep"}]}))),
            );
            map
        })
}

/// The headers of a client that was shown `SCHEMA`.
fn client(arguments: &Map<String, serde_json::Value>) -> Vec<(&'static str, String)> {
    let zone = arguments.get("at").and_then(|at| at.get("zone"));
    let at = |key: &str| arguments.get(key);
    [("region", at("region")), ("size", at("size")), ("dry_run", at("dry")), ("zone", zone)]
        .into_iter()
        .filter_map(|(name, value)| match value? {
            serde_json::Value::Null => None,
            serde_json::Value::String(text) => Some((name, text.clone())),
            other => Some((name, other.to_string())),
        })
        .collect()
}

proptest! {
    #[test]
    fn a_client_that_keeps_to_the_schema_passes(arguments in arguments(), modern: bool) {
        let said = client(&arguments);
        let said: Vec<_> = said.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let body = serde_json::to_string(&arguments).expect("JSON");
        let era = if modern { Era::Modern } else { Era::Legacy };
        for tool in ["deploy", "open"] {
            prop_assert!(held(tool, &said, &body, era), "{} {:?} {}", tool, said, body);
        }
    }

    #[test]
    fn one_that_says_something_else_does_not(
        arguments in arguments(), which: prop::sample::Index, value in "[a-c]{0,2}|[0-9]|true|false", drop: bool,
    ) {
        let right = client(&arguments);
        let mut said = right.clone();
        let name = ["region", "size", "dry_run", "zone"][which.index(4)];
        said.retain(|(other, _)| *other != name);
        if !drop {
            said.push((name, value));
        }
        let same = |said: &[(&str, String)]| said.iter().map(|(n, v)| (n.to_string(), v.clone())).collect::<std::collections::BTreeSet<_>>();
        let expected = same(&said) == same(&right);
        let dropped = said.len() < right.len();
        let said: Vec<_> = said.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let body = serde_json::to_string(&arguments).expect("JSON");
        prop_assert_eq!(held("deploy", &said, &body, Era::Modern), expected, "{:?} {}", said, body);
        prop_assert_eq!(held("deploy", &said, &body, Era::Legacy), expected || dropped, "{:?} {}", said, body);
    }
}
