//! Conditions with their results and errors, and the printed form of each.

use super::{asked, scope};
use policy_wasm::condition::{Fault, compile, parse, print};

pub const HOLDS: &[&str] = &[
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
fn a_printed_condition_reads_back() {
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
