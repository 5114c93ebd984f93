//! Bounds on conditions, expressions that are built, and damaged code.

use super::cases::HOLDS;
use super::{FACTS, scope};
use policy_wasm::condition::{
    Expr, Fault, JsonFacts, MAX_DEPTH, MAX_EXPRESSIONS, MAX_LISTED, Reads, TypeName, compile, compile_expr,
    evaluate, print, reads,
};
use proptest::prelude::*;

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
fn stated_reads_are_complete_and_binding() {
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
