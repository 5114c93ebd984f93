//! Comparisons of numbers that a reader of doubles could answer otherwise.

use super::scope;
use policy_wasm::condition::{JsonFacts, compile, evaluate};
use policy_wasm::json::Limits;
use proptest::prelude::*;

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

/// Cases that were found once.
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
    // The strict reader rejects these numbers.
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
