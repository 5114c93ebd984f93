//! Conditions against an independent implementation of CEL: the same expressions over the same facts, the same answer.
//!
//! Generated expressions must have the same result, or fail, in both. Intended differences are listed by hand,
//! with why; a difference that vanishes fails. Times and tiers are left out: the ones need the other library's clock
//! features, and the others are not CEL.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "tests may stop at a surprise"
)]
#![allow(clippy::indexing_slicing, reason = "tests may stop at a surprise")]

use cel::{Context, Program, Value};
use policy_wasm::condition::{Fault, JsonFacts, Scope, compile, evaluate};

/// A small generator of random numbers (splitmix64): the same expressions in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }

    fn of<'t>(&mut self, choices: &[&'t str]) -> &'t str {
        choices[self.below(choices.len())]
    }

    /// A value of an argument, as JSON. Numbers are such that a double holds them.
    fn value(&mut self, depth: usize) -> String {
        match self.below(if depth == 0 { 8 } else { 11 }) {
            0 => "null".to_owned(),
            1 => self.of(&["true", "false"]).to_owned(),
            2..=4 => self
                .of(&["0", "1", "2", "-1", "7", "100", "0.5", "2.5", "-3.25", "1e3", "4503599627370497"])
                .to_owned(),
            5..=7 => format!("{:?}", self.of(STRINGS)),
            8 | 9 => {
                let elements: Vec<_> = (0..self.below(4)).map(|_| self.value(depth - 1)).collect();
                format!("[{}]", elements.join(", "))
            }
            _ => self.members(depth - 1),
        }
    }

    fn members(&mut self, depth: usize) -> String {
        let mut members = Vec::new();
        for key in KEYS {
            if self.below(8) > 0 {
                members.push(format!("{key:?}: {}", self.value(depth)));
            }
        }
        format!("{{{}}}", members.join(", "))
    }

    fn literal(&mut self) -> String {
        match self.below(6) {
            0 => "null".to_owned(),
            1 => self.of(&["true", "false"]).to_owned(),
            2 | 3 => self.of(&["0", "1", "2", "-1", "7", "100", "0.5", "2.5", "-3.25", "1000.0"]).to_owned(),
            _ => format!("{:?}", self.of(STRINGS)),
        }
    }

    fn list(&mut self) -> String {
        let elements: Vec<_> = (0..self.below(4)).map(|_| self.literal()).collect();
        format!("[{}]", elements.join(", "))
    }

    fn path(&mut self) -> String {
        let mut path = self.of(&["args", "args", "args", "subject.claims"]).to_owned();
        for _ in 0..=self.below(2) {
            let key = self.of(KEYS);
            path += &if self.below(4) == 0 { format!("[{key:?}]") } else { format!(".{key}") };
        }
        path
    }

    /// A value; `variables` are those of the `all` and `exists` around.
    fn operand(&mut self, variables: &[&str]) -> String {
        match self.below(14) {
            0..=5 => self.path(),
            6 if !variables.is_empty() => variables[variables.len() - 1].to_owned(),
            7 if !variables.is_empty() => format!("{}.{}", variables[0], self.of(KEYS)),
            8 => format!("{}[{}]", self.path(), self.below(3)),
            9 => format!("size({})", self.path()),
            10 => {
                self.of(&["subject.id", "server.kind", "actor.id", "method", "subject.groups[0]"]).to_owned()
            }
            11 => "actors[1].id".to_owned(),
            12 => self.list(),
            _ => self.literal(),
        }
    }

    fn condition(&mut self, depth: usize, variables: &[&str]) -> String {
        if depth == 0 {
            return match self.below(10) {
                0 => format!("has({}.{})", self.path(), self.of(KEYS)),
                1 => self.path(),
                2 => format!("{} in {}", self.operand(variables), self.path()),
                3 => format!("{} in {}", self.operand(variables), self.list()),
                4 => {
                    let method = self.of(&["startsWith", "endsWith", "contains"]);
                    format!("{}.{method}({:?})", self.path(), self.of(STRINGS))
                }
                5 => self
                    .of(&[
                        "connection.tls",
                        "has(subject.claims.a)",
                        "\"x\" in subject.groups",
                        "has(args.a)",
                    ])
                    .to_owned(),
                _ => {
                    let operator = self.of(&["==", "!=", "<", "<=", ">", ">="]);
                    format!("{} {operator} {}", self.operand(variables), self.operand(variables))
                }
            };
        }
        let mut inner = |variables: &[&str]| self.condition(depth - 1, variables);
        let (one, other) = (inner(variables), inner(variables));
        let third = inner(variables);
        match self.below(8) {
            0 | 1 => format!("({one}) && ({other})"),
            2 | 3 => format!("({one}) || ({other})"),
            4 => format!("!({one})"),
            5 => format!("({one}) ? ({other}) : ({third})"),
            _ => {
                let variable = ["x", "y", "z"][variables.len()];
                let inside = [variables, &[variable]].concat();
                let body = if inside.len() < 3 { self.condition(depth - 1, &inside) } else { one };
                let range = match self.below(6) {
                    0 => self.list(),
                    1 => "subject.groups".to_owned(),
                    2 => "actors".to_owned(),
                    _ => self.path(),
                };
                format!("{range}.{}({variable}, {body})", self.of(&["all", "exists", "exists_one"]))
            }
        }
    }
}

const KEYS: &[&str] = &["a", "b", "c", "d"];
const STRINGS: &[&str] = &["", "a", "x", "alice", "abc", "é✓", "a b", "corporate"];

fn facts(random: &mut Random) -> String {
    format!(
        r#"{{"args": {}, "subject": {{"id": "alice", "groups": ["x", "staff"], "claims": {}}},
            "server": {{"kind": "corporate"}}, "method": "tools/call", "connection": {{"tls": true}},
            "actors": [{{"id": "planner", "issuer": "i", "type": "t", "labels": []}}, {{"id": "x", "issuer": "i", "type": "t", "labels": []}}]}}"#,
        random.members(2),
        random.members(1)
    )
}

/// The result of the other implementation.
fn other(text: &str, facts: &str) -> Result<bool, String> {
    let mut document: serde_json::Value = serde_json::from_str(facts).unwrap();
    document["actor"] = document["actors"][0].clone();
    let mut context = Context::default();
    for (name, value) in document.as_object().unwrap() {
        context.add_variable(name.as_str(), value).map_err(|error| error.to_string())?;
    }
    let program = Program::compile(text).map_err(|error| format!("does not compile: {error}"))?;
    match program.execute(&context) {
        Ok(Value::Bool(answer)) => Ok(answer),
        Ok(value) => Err(format!("not a boolean: {value:?}")),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn conditions_have_the_same_meaning_as_in_cel() {
    let mut random = Random(20_261_121);
    let (mut compared, mut answered, mut refused) = (0usize, 0usize, 0usize);
    let mut wrong = Vec::new();
    while answered < 3000 && compared < 40_000 {
        let document = facts(&mut random);
        let own = JsonFacts::read(&document).unwrap();
        for _ in 0..10 {
            let depth = random.below(4);
            let text = random.condition(depth, &[]);
            // Expressions that the type checker rejects have no counterpart: CEL's own checker is optional and not in the library.
            let Ok(code) = compile(&text, &Scope::default()) else {
                refused += 1;
                continue;
            };
            compared += 1;
            let (ours, theirs) = (evaluate(&code, &own), other(&text, &document));
            match (&ours, &theirs) {
                (Ok(a), Ok(b)) if a == b => answered += 1,
                (Err(_), Err(why)) if !why.starts_with("does not compile") => {}
                _ => wrong.push(format!("{text}\n  {document}\n  ours {ours:?}, CEL {theirs:?}")),
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {compared} differ:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(12)].join("\n")
    );
    assert!(
        answered > 2000 && refused < compared * 2,
        "{answered} answered of {compared}, {refused} refused"
    );
    println!("{compared} compared, {answered} answered alike, {refused} refused by the type checker");
}

/// Why, arguments, condition, our answer, CEL's.
type Difference = (&'static str, &'static str, &'static str, Result<bool, Fault>, Result<bool, ()>);

const DIFFERENCES: &[Difference] = &[
    (
        "a key that another could be taken for is an error",
        r#"{"Owner": "eve", "owner": "acme"}"#,
        r#"args.owner == "acme""#,
        Err(Fault::Ambiguous),
        Ok(true),
    ),
    (
        "a decimal that a double rounds to the one beside it is not compared with that",
        r#"{"n": 0.1000000000000000055511151231257827}"#,
        "args.n == 0.1",
        Err(Fault::Ambiguous),
        Ok(true),
    ),
    (
        "and so for integers that no double holds",
        r#"{"n": 123456789012345678901234567891}"#,
        "args.n > 123456789012345678901234567890.0",
        Err(Fault::Ambiguous),
        Ok(false),
    ),
    (
        "integers beyond 64 bits can be written",
        r#"{"n": 5}"#,
        "args.n < 123456789012345678901234567890",
        Ok(true),
        Err(()),
    ),
    ("what an agent lacks is empty", "{}", r#"actor.type == """#, Ok(true), Err(())),
];

#[test]
fn listed_differences_still_differ() {
    for (why, arguments, text, ours, theirs) in DIFFERENCES {
        let document = format!(r#"{{"args": {arguments}, "actors": [{{"id": "planner"}}]}}"#);
        let code = compile(text, &Scope::default()).unwrap();
        assert_eq!(evaluate(&code, &JsonFacts::read(&document).unwrap()), *ours, "{why}");
        assert_eq!(other(text, &document).map_err(|_| ()), *theirs, "{why}");
        assert!(ours.ok() != theirs.ok(), "no difference: {why}");
    }
}
