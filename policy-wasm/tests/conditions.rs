//! The condition language as a table of cases: what holds, what does not, what errs, what is refused.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "tests may stop at the first surprise"
)]

use policy_wasm::condition::{
    Expr, Fact, Fault, JsonFacts, MAX_DEPTH, MAX_EXPRESSIONS, MAX_LISTED, Reads, Scope, TypeName, ValueType,
    compile, compile_expr, evaluate, parse, print, reads,
};
use policy_wasm::json::Limits;
use policy_wasm::source::{Problems, read_json};
use proptest::prelude::*;

const FACTS: &str = r#"{
  "subject": {"id": "alice", "issuer": "https://id.acme.test", "groups": ["engineering", "on-call"], "roles": [],
    "claims": {"email": "alice@acme.test", "level": 3, "amr": ["pwd", "mfa"], "address": {"country": "DE"}}},
  "actors": [
    {"id": "agent:planner", "issuer": "https://id.acme.test", "type": "assistant", "labels": ["internal"]},
    {"id": "agent:search", "issuer": "https://agents.example", "labels": []}],
  "delegation": {"scopes": ["mcp:write"],
    "consent": {"id": "c1", "level": 1, "given_at": "2026-11-20T12:00:00Z", "expires_at": "2026-11-22T12:00:00Z"}},
  "server": {"id": "github.prod", "kind": "corporate", "environment": "prod", "labels": ["pci"]},
  "item": {"name": "merge", "kind": "tool", "tier": 1, "labels": ["vcs"]},
  "method": "tools/call", "now": "2026-11-21T14:30:15Z",
  "connection": {"tls": true, "source_address": "10.1.2.3"},
  "args": {"owner": "acme", "repo": "Web-\u0041pp", "percent": 25, "tenth": 0.1, "big": 9007199254740993,
    "exp": 1e3, "huge": 123456789012345678901234567890, "negative": -4, "on": true, "off": false, "nothing": null,
    "list": [1, 2.0, 3], "names": ["a", "b"], "empty": [], "mixed": [1, "x", null],
    "amount": {"value": 9999.99, "currency": "EUR"}, "when": "2026-11-21T14:00:00+01:00", "for": "90m",
    "strange key": 1, "Owner2": 1, "owner2": 2, "text": "naïve ✓ \"quoted\"", "items": [{"n": 1}, {"n": 2}]}
}"#;

fn scope() -> Scope {
    let mut scope = Scope::default();
    scope.issuers.insert("acme".to_owned(), "https://id.acme.test".to_owned());
    scope
}

fn asked(text: &str) -> Result<bool, Fault> {
    let code = compile(text, &scope()).unwrap_or_else(|mistakes| panic!("{text}: {mistakes:?}"));
    evaluate(&code, &JsonFacts::read(FACTS).unwrap())
}

const HOLDS: &[&str] = &[
    // names
    r#"subject.id == "alice" && subject.issuer == issuer("acme") && "engineering" in subject.groups"#,
    "subject.roles.size() == 0 && !has(subject.roles) && has(subject.groups)",
    r#"subject.claims.email.endsWith("@acme.test") && subject.claims.address.country in ["DE", "FR"]"#,
    r#"actor.id == "agent:planner" && actor.type == "assistant" && "internal" in actor.labels"#,
    r#"actors.size() == 2 && actors[1].issuer == "https://agents.example" && actors[1].type == """#,
    r#"actors.all(a, a.id.startsWith("agent:")) && actors.exists(a, a.issuer != subject.issuer)"#,
    "!actors.all(a, has(a.labels)) && actors.exists_one(a, has(a.type))",
    r#""mcp:write" in delegation.scopes && has(delegation.consent) && delegation.consent.id == "c1""#,
    "!has(delegation.consent.reason) && has(delegation.consent.expires_at)",
    r#"delegation.consent.level >= item.tier && tool.tier < tier("destructive") && item.tier == tier("write")"#,
    r#"server.id == "github.prod" && server.kind == "corporate" && "pci" in server.labels && server.owner == """#,
    r#"!has(server.owner) && has(server.environment) && server.environment != "dev""#,
    r#"item.name == "merge" && tool.kind == "tool" && "vcs" in tool.labels && !has(item.version)"#,
    r#"method == "tools/call" && connection.tls && connection.source_address.startsWith("10.") && connection.peer == """#,
    // paths
    r#"args["strange key"] == 1 && args["owner"] == "acme" && args.amount["currency"] == "EUR""#,
    "has(args.amount.value) && !has(args.amount.other) && has(args.nothing) && args.nothing == null",
    r#""owner" in args && !("nobody" in args) && args.list[0] == 1 && args.items[1].n == 2"#,
    // numbers are exact
    "args.percent == 25.0 && args.percent <= 25 && 2.5e1 == args.percent && args.percent > -1",
    "args.tenth == 0.1 && args.tenth != 0.1000000000000000055511151231257827",
    "args.big > 9007199254740900 && args.big != 9007199254742000 && args.tenth == 0.1",
    "args.exp == 1000 && args.huge > 123456789012300000000000000000 && args.huge < 1.3e29",
    "args.negative == -4 && -4.5 < args.negative && args.amount.value < 10000 && .5 == 0.5",
    // strings
    r#"args.repo == "Web-App" && args.repo.lowerAscii() == "web-app" && args.repo.contains("-A")"#,
    r#"args.repo.startsWith("Web") && args.repo.endsWith("App") && !args.repo.endsWith("app") && args.repo != 'x'"#,
    r#"size(args.text) == 16 && args.text.contains("\"quoted\"") && args.text.contains('\u2713') && args.text.size() > 2"#,
    r#""a" < "b" && "Z" < "a" && "ab" > "a" && r"\d" == "\\d" && "\x41\101\U00000041" == 'AAA'"#,
    // booleans
    "args.on && !args.off && !!args.on && (args.off || args.on) && args.on != args.off && args.on == true",
    "args.on ? args.percent == 25 : args.missing == 1",
    // an operand that settles it makes up for an error of the other, on either side
    "args.missing == 1 || args.on",
    "args.on || args.missing == 1",
    "!(args.missing == 1 && args.off)",
    "!(args.off && args.missing == 1)",
    // values of two types are not equal
    r#"args.percent != "25" && !(args.owner == 1) && args.nothing != 0 && args.list != args.owner"#,
    r#"!("1" in args.list) && null in args.mixed && "x" in args.mixed && !(true in args.mixed)"#,
    // lists and maps
    r#"args.list == [1.0, 2, 3] && args.list != [1, 2] && args.names == ["a", "b"] && args.empty == []"#,
    "args.amount == args.amount && args.amount != args.items[0] && args.items == args.items",
    "args.list.all(x, x > 0) && args.list.exists(x, x == 2) && args.list.exists_one(x, x >= 3) && args.empty.all(x, x)",
    "!args.empty.exists(x, x) && args.items.exists(i, args.list.all(x, x >= i.n))",
    "args.amount.all(k, k.size() > 4) && size(args.amount) == 2 && [1, 2].exists(x, x in args.list)",
    // an error of an element is absorbed as by || and &&
    r#"args.mixed.exists(x, x == "x" && x.size() == 1) && !args.mixed.all(x, x > 1)"#,
    // types
    "type(args.percent) == int && type(args.tenth) == double && type(args.owner) == string && type(args.on) == bool",
    "type(args.list) == list && type(args.amount) == map && type(args.nothing) == null_type && type(args.on) != int",
    // time
    r#"now < timestamp("2027-01-01T00:00:00Z") && now >= timestamp(args.when) && now == timestamp("2026-11-21T15:30:15+01:00")"#,
    r#"now - delegation.consent.given_at > duration("24h") && now + duration("1d") <= timestamp("2026-11-22T14:30:15Z")"#,
    r#"now - duration("1h") < now && duration(args.for) == duration("1h30m") && duration("1h") + duration("30m") >= duration("90m")"#,
    "now.getFullYear() == 2026 && now.getMonth() == 10 && now.getDate() == 21 && now.getDayOfMonth() == 20",
    "now.getDayOfWeek() == 6 && now.getHours() == 14 && now.getMinutes() == 30 && now.getSeconds() == 15",
    r#"now.getHours("+02:00") == 16 && now.getHours("-15:00") == 23 && now.getDayOfYear() == 324"#,
    r#"duration("90m").getHours() == 1 && duration("90m").getMinutes() == 90 && now.getMilliseconds() == 0"#,
    "true // and a comment\n && !false",
];

const FAULTS: &[(&str, Fault)] = &[
    ("args.missing == 1", Fault::Missing),
    ("args.amount.missing == 1", Fault::Missing),
    ("has(args.missing.deeper)", Fault::Missing),
    ("subject.claims.missing == 1", Fault::Missing),
    ("delegation.consent.reason == \"x\"", Fault::Missing),
    ("item.version == \"v1\"", Fault::Missing),
    ("args.owner < 1", Fault::Type),
    ("args.nothing > 0", Fault::Type),
    ("args.percent.startsWith(\"2\")", Fault::Type),
    ("args.owner", Fault::Type),
    ("args.owner && args.on", Fault::Type),
    ("!args.percent", Fault::Type),
    ("args.owner.x == 1", Fault::Type),
    ("has(args.owner.x)", Fault::Type),
    ("args.percent ? true : false", Fault::Type),
    ("size(args.percent) == 1", Fault::Type),
    ("1 in args.owner", Fault::Type),
    ("args.nothing in args.amount", Fault::Type),
    ("args.owner.all(x, true)", Fault::Type),
    ("args.mixed.all(x, x == 1 || x == null || x < 2)", Fault::Type),
    ("args.mixed.exists_one(x, x > 0)", Fault::Type),
    ("args.list[3] == 1", Fault::Value),
    ("args.list[args.negative] == 1", Fault::Value),
    ("timestamp(args.owner) < now", Fault::Value),
    ("duration(args.owner) < duration(\"1s\")", Fault::Value),
    ("now + duration(\"315576000000s\") > now", Fault::Value),
    // another key could be taken for it
    ("args.owner2 == 2", Fault::Ambiguous),
    ("args.big == 9007199254740992", Fault::Ambiguous),
    ("args.big != 9007199254740993", Fault::Ambiguous),
    ("args.big > 9007199254740992.5", Fault::Ambiguous),
    ("args.big in [1, 9007199254740992]", Fault::Ambiguous),
    ("has(args.owner2)", Fault::Ambiguous),
    ("has(args.OWNER)", Fault::Ambiguous),
    ("\"OWNER\" in args", Fault::Ambiguous),
    ("args.missing == 1 || args.off", Fault::Missing),
    ("args.on && args.missing == 1", Fault::Missing),
];

#[test]
fn conditions_that_hold() {
    for text in HOLDS {
        assert_eq!(asked(text), Ok(true), "{text}");
        assert_eq!(asked(&format!("!({text}\n)")), Ok(false), "{text}");
    }
}

#[test]
fn conditions_that_err() {
    for (text, fault) in FAULTS {
        assert_eq!(asked(text), Err(*fault), "{text}");
    }
}

#[test]
fn what_is_printed_is_read_as_the_same() {
    for text in HOLDS.iter().chain(FAULTS.iter().map(|(text, _)| text)) {
        let expr = parse(text).unwrap();
        let printed = print(&expr);
        assert_eq!(print(&parse(&printed).unwrap()), printed, "{text}");
        assert_eq!(compile(&printed, &scope()), compile(text, &scope()), "{text}\n{printed}");
    }
    for (text, printed) in [
        ("( a||b )&&c", "(a || b) && c"),
        ("a - (b - c) == d", "a - (b - c) == d"),
        ("(a ? b : c) ? d : (e ? f : g)", "(a ? b : c) ? d : e ? f : g"),
        ("!(a == 'it''s')", ""),
        ("a['x'].b[\"y z\"] in [ 1,-2.50 , 'q\"' ]", r#"a.x.b["y z"] in [1, -2.50, "q\""]"#),
        ("!(a.b) // why", "!a.b"),
    ] {
        assert_eq!(parse(text).map(|expr| print(&expr)).unwrap_or_default(), printed);
    }
}

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
        "`subject` is no value by itself: expected one of `subject.id`",
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
    ("type(args.a)", "type(args.a)", "`type(…)` only stands in a comparison", None),
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
fn all_mistakes_are_told_at_once() {
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

#[test]
fn bounds_are_refused_when_compiling() {
    let refused = |text: &str, message: &str| {
        let mistakes = compile(text, &scope()).expect_err(message);
        assert!(mistakes[0].message.contains(message), "{:?}", mistakes[0]);
    };
    let brackets = |depth: usize| format!("{}true{}", "(".repeat(depth), ")".repeat(depth));
    assert!(compile(&brackets(MAX_DEPTH as usize - 1), &scope()).is_ok());
    refused(&brackets(MAX_DEPTH as usize), "nested deeper than 32");
    refused(&brackets(5000), "nested deeper than 32");
    refused(&format!("args{} == 1", ".a".repeat(40)), "nested deeper than 32");
    // Long chains are not deep.
    assert!(compile(&vec!["args.on"; MAX_EXPRESSIONS as usize / 3].join(" && "), &scope()).is_ok());
    refused(&vec!["args.on"; MAX_EXPRESSIONS as usize].join(" || "), "more than 256 operations");
    let listed = |count: u32| {
        format!("args.a in [{}]", (0..count).map(|n| n.to_string()).collect::<Vec<_>>().join(","))
    };
    assert!(compile(&listed(MAX_LISTED), &scope()).is_ok());
    refused(&listed(MAX_LISTED + 1), "more than 1024 values");
    refused(&format!("args.a == \"{}\"", "x".repeat(20_000)), "at most 16384 bytes");
    let nested = "args.l.all(a, a.all(b, b.all(c, c.all(d, d.all(e, e)))))";
    refused(nested, "nested deeper than 4");
    // Built, not read: any depth.
    let deep = (0..10_000).fold(Expr::bool(true), |expr, _| expr.negated());
    assert!(compile_expr(&deep, &scope()).unwrap_err()[0].message.contains("nested deeper"));
    std::mem::forget(deep); // dropping it would take as many stack frames
    let long = Expr::argument(["a"]).equal(Expr::text(&"x".repeat(70_000)));
    assert!(compile_expr(&long, &scope()).unwrap_err()[0].message.contains("65,535"));
}

#[test]
fn hostile_arguments_reach_the_bound_and_are_denied() {
    let numbers = (0..60_000).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    let facts = JsonFacts::read(&format!("{{\"args\": {{\"a\": [{numbers}]}}}}")).unwrap();
    let pairs = compile("args.a.all(x, args.a.all(y, x != y || x == y))", &scope()).unwrap();
    assert_eq!(evaluate(&pairs, &facts), Err(Fault::Exhausted));
    // Not even an operand that settles it makes up for that.
    let or = compile("args.a.all(x, args.a.all(y, x == y || x != y)) || true", &scope()).unwrap();
    assert_eq!(evaluate(&or, &facts), Err(Fault::Exhausted));
    let one = compile("args.a.all(x, x >= 0) && size(args.a) == 60000", &scope()).unwrap();
    assert_eq!(evaluate(&one, &facts), Ok(true));
}

#[test]
fn what_is_read_is_stated_and_binding() {
    let of = |text: &str| reads(&compile(text, &scope()).unwrap()).unwrap();
    let read = of("args.a == 1 && now < timestamp(\"2027-01-01T00:00:00Z\") || connection.tls");
    assert!(read == Reads::ARGS.with(Reads::TIME).with(Reads::CONNECTION));
    assert!(
        of("has(item.version)").contains(Reads::DEFINITION)
            && !of("item.name == \"x\"").contains(Reads::DEFINITION)
    );
    assert!(
        of("actors.exists(a, a.type == \"x\")") == Reads::ACTORS
            && of("subject.claims.x == 1") == Reads::CLAIMS
    );
    assert_eq!(reads(b""), None);
    let mut code = compile("args.a == 1", &scope()).unwrap();
    code[2] = 0;
    code[3] = 0;
    assert_eq!(evaluate(&code, &JsonFacts::read("{\"args\": {\"a\": 1}}").unwrap()), Err(Fault::Broken));
}

#[test]
fn expressions_can_be_built() {
    let path = ["weird \"key\"", "b"];
    let built = Expr::join(
        true,
        vec![
            Expr::has(path),
            Expr::argument(path).is_in(Expr::list(vec![
                Expr::text("it's"),
                Expr::number("-1"),
                Expr::null(),
            ])),
            Expr::argument(path)
                .is_type(TypeName::String)
                .or(Expr::argument(path).size().less_or_equal(Expr::number("5"))),
            Expr::argument(path).starts_with(Expr::text("i")).negated().negated(),
        ],
    );
    let code = compile_expr(&built, &scope()).unwrap();
    let facts = JsonFacts::read(r#"{"args": {"weird \"key\"": {"b": "it's"}}}"#).unwrap();
    assert_eq!(evaluate(&code, &facts), Ok(true), "{}", print(&built));
    assert_eq!(compile(&print(&built), &scope()).unwrap(), code);
    assert!(compile_expr(&Expr::argument(["a"]).equal(Expr::number("1; drop")), &scope()).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_bytes_as_code_are_an_answer(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), count in 0u16..24) {
        let facts = JsonFacts::read(FACTS).unwrap();
        let _ = (evaluate(&bytes, &facts), reads(&bytes));
        // Made likelier to be come to: a right head, operations that exist, small numbers.
        if bytes.len() > 6 {
            bytes[0] = 1;
            bytes[2..4].copy_from_slice(&[0xff, 0xff]);
            bytes[4..6].copy_from_slice(&count.to_le_bytes());
            for node in bytes[6..].chunks_mut(8) {
                node.iter_mut().for_each(|byte| *byte %= 40);
                for high in [3, 5, 7] {
                    if let Some(byte) = node.get_mut(high) { *byte = 0; }
                }
            }
            let _ = (evaluate(&bytes, &facts), reads(&bytes));
        }
    }

    #[test]
    fn damaged_code_is_an_answer(which in 0..HOLDS.len(), damage in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..4)) {
        let mut code = compile(HOLDS[which], &scope()).unwrap();
        for (at, byte) in damage {
            let at = at % code.len();
            code[at] = byte;
        }
        let _ = evaluate(&code, &JsonFacts::read(FACTS).unwrap());
    }

    #[test]
    fn any_text_is_compiled_or_refused(text in ".{0,60}", like in "[a-c.()\\[\\]!&|=<>'\"0-9 ?:+-]{0,40}") {
        for text in [text, like] {
            if let Err(mistakes) = compile(&text, &scope()) {
                for mistake in mistakes {
                    prop_assert!(text.get(mistake.offset..mistake.offset + mistake.length).is_some(), "{mistake:?}");
                }
            }
        }
    }
}

/// A number as JSON has it, near the edges of doubles as often as not.
fn edgy_number() -> impl Strategy<Value = String> {
    let edge = "-?0\\.0{0,40}[0-9]{0,17}(e-?(30[0-9]|29[0-9]|2[0-9]|[0-9]))?";
    let large = "-?[1-9][0-9]{0,30}(\\.[0-9]{1,10})?(e-?(3[0-9]{2}|[0-9]))?";
    prop_oneof![edge, large, "-?0(\\.0{1,5})?(e-?[0-9]{1,3})?"]
}

proptest! {
    #[test]
    fn an_answer_about_a_number_holds_for_a_reader_of_doubles(given in edgy_number(), said in "-?(0|[1-9][0-9]{0,3})(\\.[0-9]{1,3})?") {
        agrees_with_doubles(&given, &said)?;
    }
}

/// What was found once stays.
#[test]
fn numbers_that_doubles_take_for_others_get_no_answer() {
    for given in [
        "0.00000000000000000000000001e-307",
        "-0.00000000000000000000000001e-307",
        "0.1e-307",
        "0.0000001e-305",
        "0.000000000000000001e-300",
        "1e-307",
        "9.9e-307",
        "0.9e-306",
        "0e-307",
        "0.000e-300",
        "-0.0e5",
        "1e307",
        "9007199254740993",
        "0.30000000000000004",
    ] {
        for said in ["0", "1", "-1", "0.3", "9007199254740992"] {
            agrees_with_doubles(given, said).unwrap();
        }
    }
    // They are no numbers of a message at all.
    for given in [
        "0.00000000000000000000000001e-307",
        "0.1e-307",
        "0.01e-306",
        "-0.0000000001e-300",
        "1e-308",
        "1e308",
    ] {
        assert!(policy_wasm::json::parse(given.as_bytes(), &Limits::default()).is_err(), "{given}");
    }
    for given in
        ["0", "-0.0", "0e-307", "0.00000000000000000000000001e-281", "0.1e-306", "1e-307", "0.05", "1e307"]
    {
        assert!(policy_wasm::json::parse(given.as_bytes(), &Limits::default()).is_ok(), "{given}");
    }
}

/// Every kind of comparison of a given number: where there is an answer, a reader of doubles has the same.
fn agrees_with_doubles(given: &str, said: &str) -> Result<(), TestCaseError> {
    let Some(facts) = JsonFacts::read(&format!("{{\"args\": {{\"n\": {given}}}}}")) else { return Ok(()) };
    let (double, limit): (f64, f64) = (given.parse().unwrap(), said.parse().unwrap());
    prop_assert!(double == 0.0 || double.is_normal(), "{given} is {double}");
    for (text, expected) in [
        (format!("args.n == {said}"), double == limit),
        (format!("args.n != {said}"), double != limit),
        (format!("args.n < {said}"), double < limit),
        (format!("args.n <= {said}"), double <= limit),
        (format!("args.n > {said}"), double > limit),
        (format!("args.n >= {said}"), double >= limit),
        (format!("args.n in [{said}]"), double == limit),
        (format!("!(args.n in [{said}])"), double != limit),
    ] {
        let code = compile(&text, &scope()).unwrap();
        if let Ok(answer) = evaluate(&code, &facts) {
            prop_assert_eq!(answer, expected, "{} where n is {}", text, given);
        }
    }
    Ok(())
}
