//! Conditions that do not compile, with the messages.

use super::scope;
use policy_wasm::condition::{Fact, Scope, ValueType, compile};
use policy_wasm::json::Limits;
use policy_wasm::source::{Problems, read_json};

/// Condition, the text that is marked, message, suggestion.
const MISTAKES: &[(&str, &str, &str, Option<&str>)] = &[
    (
        "sever.kind == \"x\"",
        "sever.kind",
        "`sever` is not known: expected one of `subject`",
        Some("did you mean `server`?"),
    ),
    (
        "server.knd == \"personal\"",
        "server.knd",
        "`server.knd` is not known: expected one of `server.id`",
        Some("did you mean `server.kind`?"),
    ),
    (
        "subject == \"alice\"",
        "subject",
        "`subject` is not a value by itself: expected one of `subject.id`",
        None,
    ),
    ("subject.id.x == 1", "subject.id.x", "a string has no members", None),
    (
        "server.kind == \"corprate\"",
        "\"corprate\"",
        "this is never `corprate`: it is one of `personal`",
        Some("did you mean `corporate`?"),
    ),
    (
        "tool.tier >= \"write\"",
        "tool.tier >= \"write\"",
        "`>=` never compares a tier with a string",
        Some("write tier(\"write\")"),
    ),
    (
        "tool.tier >= tier(\"wirte\")",
        "\"wirte\"",
        "there is no tier `wirte`: expected one of `read`",
        Some("did you mean `write`?"),
    ),
    (
        "subject.issuer == issuer(\"acne\")",
        "\"acne\"",
        "there is no issuer `acne`",
        Some("did you mean `acme`?"),
    ),
    (
        "now > \"2026-01-01\"",
        "now > \"2026-01-01\"",
        "`>` never compares a time with a string",
        Some("write timestamp(\"2026-01-01\")"),
    ),
    ("now > timestamp(\"2026-01-01\")", "\"2026-01-01\"", "expected a time such as", None),
    ("duration(\"1 h\") < duration(\"2h\")", "\"1 h\"", "expected a duration such as", None),
    ("subject.id == 5", "subject.id == 5", "`==` never compares a string with a number", None),
    (
        "size(args.x) == \"5\"",
        "size(args.x) == \"5\"",
        "`==` never compares a number with a string",
        Some("write 5"),
    ),
    ("subject.groups == \"x\"", "subject.groups == \"x\"", "`==` never compares a list with a string", None),
    (
        "\"a\" in subject.id",
        "\"a\" in subject.id",
        "`in` looks into lists and maps, not into strings",
        Some("write text.contains(part)"),
    ),
    (
        "5 in subject.groups",
        "5 in subject.groups",
        "a list whose elements are a string never holds a number",
        None,
    ),
    (
        "connection.tls && subject.id",
        "subject.id",
        "each side of `&&` must be a boolean, and this is a string",
        None,
    ),
    ("subject.id", "subject.id", "the condition must be a boolean, and this is a string", None),
    ("!subject.id", "subject.id", "what follows `!` must be a boolean", None),
    ("args.a + 1 > 2", "args.a + 1", "`+` takes times and durations", None),
    (
        "args.a * 2 > 2",
        "*",
        "expected an operator such as && or ==, or the end of the condition, found `*`",
        Some("conditions do not calculate with numbers"),
    ),
    ("args.a = 2", "=", "expected an operator", Some("did you mean `==`?")),
    ("args.a and args.b", "and", "expected an operator", Some("did you mean `&&`?")),
    (
        "args.a.startWith(\"x\")",
        "args.a.startWith(\"x\")",
        "there is no function `startWith` here",
        Some("did you mean `startsWith`?"),
    ),
    (
        "startsWith(args.a, \"x\")",
        "startsWith(args.a, \"x\")",
        "`startsWith` is written value.startsWith(…)",
        None,
    ),
    ("args.a.matches(\".*\")", "args.a.matches(\".*\")", "there are no regular expressions", None),
    ("args.a.filter(x, x > 1).size() > 0", "args.a.filter(x, x > 1)", "`filter` makes lists", None),
    ("args.a.contains()", "args.a.contains()", "`contains` does not take 0 arguments here", None),
    ("subject.groups[0.5] == \"x\"", "0.5", "the index of a list is a whole number from 0", None),
    ("args.a.all(now, true)", "now", "`now` has a meaning already", None),
    (
        "type(args.a) == strin",
        "type(args.a) == strin",
        "expected type(value) == with one of `bool`",
        Some("did you mean `string`?"),
    ),
    ("type(args.a)", "type(args.a)", "`type(…)` only in a comparison", None),
    ("args.a < [1]", "args.a < [1]", "`<` does not order a list", None),
    ("[args.a] == [1]", "args.a", "a list holds only literals", None),
    (
        "now.getHours(\"Europe/Berlin\") > 1",
        "now.getHours(\"Europe/Berlin\")",
        "expected getHours() for UTC, or a fixed offset",
        None,
    ),
    ("args.a == 0x1F", "0x1F", "expected a decimal number", None),
    ("args.a == 5u", "5u", "expected a decimal number", None),
    ("args.a == 1e999", "1e999", "this number is too large", None),
    ("args.a == \"x", "\"x", "this string does not end", None),
    ("args.a == \"\\q\"", "\\q", "unknown escape", None),
    ("args.a == b\"x\"", "b", "conditions know no bytes", None),
    ("args.a == \"\"\"x\"\"\"", "\"\"\"", "strings in triple quotes", None),
    ("args.a # 1", "#", "this character means nothing here", None),
    ("(args.a", "", "expected `)`, found the end", None),
    ("", "", "expected a value", None),
    ("1 < args.a < 5", "<", "expected `&&`, `||` or a closing bracket: comparisons cannot be chained", None),
    ("args.a ? 1 : \"x\"", "args.a ? 1 : \"x\"", "both sides of `:` must be of one type", None),
    ("has(args)", "args", "`has` takes a path to a member", None),
];

#[test]
fn mistakes_teach() {
    for (text, marked, message, suggestion) in MISTAKES {
        let mistakes = compile(text, &scope()).expect_err(text);
        let first = &mistakes[0];
        assert!(first.message.contains(message), "{text}: {first:?}");
        assert_eq!(first.suggestion.as_deref(), *suggestion, "{text}: {first:?}");
        assert_eq!(&text[first.offset..first.offset + first.length], *marked, "{text}: {first:?}");
    }
}

#[test]
fn all_mistakes_are_reported_together() {
    let mistakes =
        compile("sever.id == \"a\" && subjet.id == \"b\" && tier(\"x\") < item.tier", &scope()).unwrap_err();
    assert_eq!(mistakes.iter().map(|mistake| mistake.offset).collect::<Vec<_>>(), [0, 19, 44]);
}

fn schema(text: &str) -> ValueType {
    let problems = Problems::new();
    ValueType::of_schema(&read_json("schema.json", text.as_bytes(), &Limits::default(), &problems).unwrap())
}

#[test]
fn a_pinned_schema_types_the_arguments() {
    let args = schema(
        r#"{"type": "object", "properties": {"owner": {"type": "string"}, "limit": {"type": "integer"},
            "mode": {"enum": ["fast", "safe"], "type": "string"}, "tags": {"type": "array", "items": {"type": "string"}},
            "either": {"anyOf": [{"type": "string"}]}, "open": {"type": "object"},
            "nested": {"type": "object", "properties": {"a": {"type": "boolean"}}, "additionalProperties": {"type": "number"}}}}"#,
    );
    let scope = Scope { args, ..scope() };
    for text in [
        "args.owner == \"x\" && args.limit < 5.5 && args.mode in [\"fast\"] && args.tags.exists(t, t.size() > 1)",
        "args.either == 5 && args.open.anything.at.all == 1 && args.nested.a && args.nested.b > 1 && has(args.owner)",
    ] {
        assert!(compile(text, &scope).is_ok(), "{text}: {:?}", compile(text, &scope));
    }
    for (text, message) in [
        ("args.ownr == \"x\"", "the input schema has no `ownr` here"),
        ("has(args.ownr)", "the input schema has no `ownr` here"),
        ("args.owner > 5", "`>` never compares a string with a number"),
        ("args.limit == null", "`==` never compares a number with null"),
        ("args.mode == \"quick\"", "this is never `quick`"),
        ("args.mode in [\"quick\"]", "this is never `quick`"),
        ("args.tags == \"x\"", "`==` never compares a list"),
        ("5 in args.tags", "never holds a number"),
        ("args.owner.x == 1", "a string has no members"),
        ("args.nested.a > 1", "never compares a boolean with a number"),
    ] {
        let mistakes = compile(text, &scope).expect_err(text);
        assert!(mistakes[0].message.contains(message), "{text}: {mistakes:?}");
    }
}

#[test]
fn rules_without_an_item_have_no_arguments() {
    let scope = Scope { item: false, ..scope() };
    for text in ["args.a == 1", "item.name == \"x\"", "has(tool.version)"] {
        assert!(
            compile(text, &scope).unwrap_err()[0].message.contains("not about a tool, prompt or resource"),
            "{text}"
        );
    }
    assert!(compile("method == \"logging/setLevel\"", &scope).is_ok());
}

#[test]
fn known_values_are_checked() {
    let mut scope = scope();
    scope.known.insert(Fact::ServerEnvironment, ["dev".to_owned(), "prod".to_owned()].into());
    assert!(compile("server.environment in [\"dev\"] || server.environment != \"prod\"", &scope).is_ok());
    let mistakes = compile("server.environment == \"pord\"", &scope).unwrap_err();
    assert_eq!(mistakes[0].suggestion.as_deref(), Some("did you mean `prod`?"));
}
