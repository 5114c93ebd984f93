#![allow(clippy::arithmetic_side_effects, reason = "tests")]
use super::*;
use proptest::prelude::*;

fn refusal(text: &[u8]) -> JsonErrorKind {
    parse(text, &Limits::default()).expect_err("must be refused").kind
}

fn accepted(text: &str) -> Value<'_> {
    parse(text.as_bytes(), &Limits::default()).expect("must be accepted")
}

#[test]
fn ambiguous_texts_are_rejected() {
    use JsonErrorKind::*;
    let cases: &[(&[u8], JsonErrorKind)] = &[
        (b"", Empty),
        (b" \n", Empty),
        (b"\xef\xbb\xbf{}", ByteOrderMark),
        (b"{\"a\":\"\xff\"}", InvalidUtf8),
        (b"{\"a\":\"\xed\xa0\x80\"}", InvalidUtf8),
        (b"{} {}", TrailingData),
        (b"{}\0", TrailingData),
        (b"{\"a\":1,\"a\":2}", RepeatedKey),
        (b"{\"name\":1,\"\\u006eame\":2}", RepeatedKey),
        (b"{\"a long key indeed\":1,\"a long key \\u0069ndeed\":2}", RepeatedKey),
        (b"{\"x\":{\"y\":[{\"a\":1,\"b\":2,\"a\":3}]}}", RepeatedKey),
        (b"{\"__proto__\":1}", ReservedKey),
        (b"{\"\\u005f_proto__\":1}", ReservedKey),
        (b"\"\\ud800\"", LoneSurrogate),
        (b"\"\\udc00\"", LoneSurrogate),
        (b"\"\\ud800\\u0041\"", LoneSurrogate),
        (b"1e400", NumberOutOfRange),
        (b"-1e-400", NumberOutOfRange),
        (b"01", Syntax),
        (b"1.", Syntax),
        (b".5", Syntax),
        (b"+1", Syntax),
        (b"NaN", Syntax),
        (b"Infinity", Syntax),
        (b"[1,]", Syntax),
        (b"{\"a\":1,}", Syntax),
        (b"{a:1}", Syntax),
        (b"{'a':1}", Syntax),
        (b"/*x*/1", Syntax),
        (b"\"a\x01\"", Syntax),
        (b"\"a", Syntax),
        (b"\"\\x\"", Syntax),
        (b"\"\\u12\"", Syntax),
        (b"[1}", Syntax),
        (b"{\"a\" 1}", Syntax),
        (b"tru", Syntax),
        (b"[", Syntax),
        (b"{\"a\":", Syntax),
    ];
    for (text, kind) in cases {
        assert_eq!(refusal(text), *kind, "{}", String::from_utf8_lossy(text));
    }
    let digits = "1".repeat(65);
    assert_eq!(refusal(digits.as_bytes()), NumberOutOfRange);
}

#[test]
fn depth_is_bounded_exactly() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(parse(nested(64).as_bytes(), &Limits::default()).is_ok());
    assert_eq!(refusal(nested(65).as_bytes()), JsonErrorKind::TooDeep);
    assert_eq!(refusal("[".repeat(1_000_000).as_bytes()), JsonErrorKind::TooDeep);
}

#[test]
fn a_repeated_key_among_many_is_found() {
    for count in [15usize, 16, 17, 18, 200] {
        let mut members: Vec<String> = (0..count).map(|i| format!("\"key{i}\":{i}")).collect();
        let fine = format!("{{{}}}", members.join(","));
        assert!(parse(fine.as_bytes(), &Limits::default()).is_ok(), "{count}");
        members.push("\"k\\u0065y3\":0".into());
        let bad = format!("{{{}}}", members.join(","));
        assert_eq!(refusal(bad.as_bytes()), JsonErrorKind::RepeatedKey, "{count}");
    }
}

#[test]
fn navigation_gives_the_slices_of_the_text() {
    let text =
        r#" { "a" : [ 1 , "x\"y" , {"z":null} ] , "b\u0063" : true, "n": -12, "big": 9007199254740993 } "#;
    let object = accepted(text).as_object().unwrap();
    let a = object.get("a").unwrap().as_array().unwrap();
    let elements: Vec<_> = a.elements().map(Value::raw).collect();
    assert_eq!(elements, ["1", r#""x\"y""#, r#"{"z":null}"#]);
    assert_eq!(object.get("bc").unwrap().as_bool(), Some(true));
    assert_eq!(object.get("n").unwrap().as_integer(), Some(-12));
    assert_eq!(object.get("big").unwrap().as_integer(), None);
    assert!(object.get("b").is_none());
    assert_eq!(accepted("[]").as_array().unwrap().elements().count(), 0);
    assert_eq!(accepted("{}").as_object().unwrap().members().count(), 0);
}

#[test]
fn strings_unescape() {
    let text = accepted(r#""\u00e9\n\ud83d\ude00\/\\""#).as_str().unwrap();
    assert_eq!(text.decode(), "é\n😀/\\");
    assert!(text.is("é\n😀/\\"));
    assert!(!text.is("é"));
}

#[test]
fn lenient_readers_likeness() {
    for like in [
        "Params",
        "paramſ",
        "PARAMS",
        "params\\u0000",
        "\\u0070arams",
        " params",
        "par ams",
        "params\\t",
        "\\r\\nparams",
        "\u{7f}params",
        "params\u{85}",
        "params\u{a0}",
        "pa\u{ad}rams",
        "\u{feff}Params",
        "params\u{200b}",
        "p\u{200d}arams",
        "\u{202e}params",
        "params\u{2028}",
        "params\u{2060}",
        "params\u{3000}",
        "params\u{3164}",
        "params\u{fe0f}",
        "params\u{e0020}",
    ] {
        assert!(accepted(&format!("\"{like}\"")).as_str().unwrap().resembles("params"), "{like:?}");
    }
    for other in ["param", "param_s", "par-ams", "params.", "paräms", "params2", ""] {
        assert!(!accepted(&format!("\"{other}\"")).as_str().unwrap().resembles("params"), "{other:?}");
    }
    assert!(accepted("\"\u{212a}ey\"").as_str().unwrap().resembles("key"));
}

struct Outer(Vec<(u32, String, String)>);

impl<'a> Visitor<'a> for Outer {
    const DEPTH: u32 = 2;
    fn member(&mut self, depth: u32, key: Str<'a>, value: Value<'a>) {
        self.0.push((depth, key.decode().into_owned(), value.raw().into()));
    }
}

#[test]
fn the_visitor_receives_outer_members_only() {
    let mut seen = Outer(Vec::new());
    let text = br#"{"a":{"b":{"c":1},"d":[{"e":2}]},"f":[{"g":3}],"h":{}}"#;
    parse_with(text, &Limits::default(), &mut seen).unwrap();
    let keys: Vec<_> = seen.0.iter().map(|(depth, key, _)| (*depth, key.as_str())).collect();
    assert_eq!(keys, [(2, "b"), (2, "d"), (1, "a"), (1, "f"), (1, "h")]);
    assert_eq!(seen.0[2].2, r#"{"b":{"c":1},"d":[{"e":2}]}"#);
}

#[test]
fn written_strings_read_back() {
    let text = "a\"\\\n\u{1}\u{2028}é😀\u{7f}";
    let mut out = String::new();
    write_str(&mut out, text);
    assert_eq!(accepted(&out).as_str().unwrap().decode(), text);
    assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
}

fn arbitrary_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f32>().prop_map(|x| serde_json::Value::from(f64::from(x))),
        ".*".prop_map(Into::into),
    ];
    leaf.prop_recursive(6, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Into::into),
            prop::collection::hash_map(".*", inner, 0..24)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

fn rebuilt(value: Value<'_>) -> serde_json::Value {
    match value.kind() {
        Kind::Object => serde_json::Value::Object(
            value
                .as_object()
                .unwrap()
                .members()
                .map(|(key, value)| (key.decode().into_owned(), rebuilt(value)))
                .collect(),
        ),
        Kind::Array => value.as_array().unwrap().elements().map(rebuilt).collect(),
        Kind::String => value.as_str().unwrap().decode().into_owned().into(),
        _ => serde_json::from_str(value.raw()).unwrap(),
    }
}

/// Strings, numbers and booleans in order, by walking down.
fn walked(value: Value<'_>, out: &mut Vec<String>) {
    match value.kind() {
        Kind::Object => value.as_object().unwrap().members().for_each(|(_, value)| walked(value, out)),
        Kind::Array => value.as_array().unwrap().elements().for_each(|value| walked(value, out)),
        Kind::Null => {}
        _ => out.push(value.raw().to_owned()),
    }
}

proptest! {
    #[test]
    fn scalars_equal_those_of_a_recursive_walk(value in arbitrary_json(), pretty: bool, spread: bool) {
        let value = serde_json::json!({"all": value});
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        // White space on either side of colons, too; in strings it changes both.
        let text = if spread { text.replace("\":", "\" \n:\t") } else { text };
        if let Ok(read) = parse(text.as_bytes(), &Limits::default()) {
            let mut expected = Vec::new();
            walked(read, &mut expected);
            let found: Vec<String> = read.as_object().unwrap().scalars().map(|value| value.raw().to_owned()).collect();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn what_is_written_is_read(value in arbitrary_json(), pretty: bool) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        match parse(text.as_bytes(), &Limits::default()) {
            Ok(read) => prop_assert_eq!(rebuilt(read), serde_json::from_str::<serde_json::Value>(&text).unwrap()),
            Err(error) => prop_assert_eq!(error.kind, JsonErrorKind::ReservedKey, "{}", text),
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused_and_never_more_leniently_than_serde(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        if parse(&bytes, &Limits::default()).is_ok() {
            prop_assert!(serde_json::from_slice::<serde_json::Value>(&bytes).is_ok());
        }
    }

    #[test]
    fn json_like_noise_agrees_with_serde(text in r#"[\[\]{}",:0-9eE+\-. \\untrfalse]{0,24}"#) {
        let ours = parse(text.as_bytes(), &Limits::default());
        let theirs = serde_json::from_str::<serde_json::Value>(&text);
        match ours {
            Ok(_) => prop_assert!(theirs.is_ok(), "{}", text),
            Err(error) if error.kind == JsonErrorKind::Syntax || error.kind == JsonErrorKind::TrailingData =>
                prop_assert!(theirs.is_err(), "{}", text),
            Err(_) => {}
        }
    }
}
