//! Conditions: compiling one, and evaluating it over arguments that are read in place.
//!
//! `cargo bench -p policy-wasm --features compile --bench conditions`
#![allow(missing_docs, reason = "criterion's macros write public items")]
#![allow(clippy::unwrap_used, reason = "a benchmark may stop at the first surprise")]

use criterion::{Criterion, criterion_group, criterion_main};
use policy_wasm::condition::{Fact, Facts, Fault, Given, Scope, compile, evaluate};
use policy_wasm::json;
use std::hint::black_box;

struct Call<'a> {
    groups: &'a [&'a str],
    args: json::Object<'a>,
}

impl Facts for Call<'_> {
    fn fact(&self, fact: Fact, _: u32) -> Result<Given<'_>, Fault> {
        match fact {
            Fact::Args => Ok(Given::Object(self.args)),
            Fact::SubjectGroups => Ok(Given::Texts(self.groups.len() as u32)),
            Fact::ServerEnvironment => Ok(Given::Text("prod")),
            Fact::Now => Ok(Given::Time(1_795_262_400)),
            Fact::ItemTier => Ok(Given::Tier(1)),
            _ => Err(Fault::Missing),
        }
    }

    fn text(&self, _: Fact, _: u32, index: u32) -> Result<&str, Fault> {
        self.groups.get(index as usize).copied().ok_or(Fault::Missing)
    }
}

const CONDITIONS: [(&str, &str); 5] = [
    ("one comparison", r#"server.environment == "prod""#),
    ("a decimal", "args.amount.value <= 250000.00"),
    ("group and argument", r#""engineering" in subject.groups && args.path.startsWith("/srv/")"#),
    (
        "eight comparisons",
        r#"server.environment != "dev" && tool.tier < tier("destructive") && now.getHours() < 20 &&
           args.amount.value > 0 && args.amount.value <= 250000 && args.amount.currency in ["EUR", "USD", "GBP"] &&
           args.owner == "acme" && !args.path.contains("..")"#,
    ),
    ("all of 10 elements", r#"args.tags.all(t, t.startsWith("team-") && t.size() < 20)"#),
];

fn measure(criterion: &mut Criterion) {
    let text = br#"{"owner": "acme", "path": "/srv/web/app", "amount": {"value": 9999.99, "currency": "EUR"},
        "tags": ["team-a", "team-b", "team-c", "team-d", "team-e", "team-f", "team-g", "team-h", "team-i", "team-j"]}"#;
    let args = json::parse(text, &json::Limits::default()).unwrap().as_object().unwrap();
    let groups = ["staff", "berlin", "web", "engineering"];
    let call = Call { groups: &groups, args };
    for (name, text) in CONDITIONS {
        let code = compile(text, &Scope::default()).unwrap();
        assert_eq!(evaluate(&code, &call), Ok(true), "{name}");
        criterion.bench_function(&format!("condition/evaluate/{name}"), |bencher| {
            bencher.iter(|| evaluate(black_box(&code), black_box(&call)));
        });
        criterion.bench_function(&format!("condition/compile/{name}"), |bencher| {
            bencher.iter(|| compile(black_box(text), &Scope::default()));
        });
    }
}

criterion_group!(benches, measure);
criterion_main!(benches);
