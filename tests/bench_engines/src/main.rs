//! Toolward, Cedar and Rego (regorus) on the same decision: compile, load, decide.

mod workload;

use cedar_policy::{
    Authorizer, Context, Decision, Entities, EntityUid, PolicySet, Request as CedarRequest, Schema,
};
use policy_wasm::bundle::{Bundle, Trust, Unverified};
use regorus::{Engine, Value};
use std::fmt::Write;
use std::hint::black_box;
use std::str::FromStr;
use std::time::{Duration, Instant};

/// Seconds for one run: the best of several windows, since disturbances only slow down.
fn best<R>(mut work: impl FnMut() -> R) -> f64 {
    let begun = Instant::now();
    let (mut least, mut windows) = (f64::MAX, 0);
    while windows < 3 || (begun.elapsed() < Duration::from_secs(2) && windows < 200) {
        let (window, mut count) = (Instant::now(), 0u32);
        while count == 0 || window.elapsed() < Duration::from_millis(8) {
            black_box(work());
            count += 1;
        }
        least = least.min(window.elapsed().as_secs_f64() / f64::from(count));
        windows += 1;
    }
    least
}

fn row(engine: &str, n: u32, compile: Option<f64>, load: f64, decide: f64, explain: Option<f64>) {
    let ms = |time: Option<f64>| time.map_or("-".to_owned(), |time| format!("{:.3}", time * 1e3));
    let us = |time: Option<f64>| time.map_or("-".to_owned(), |time| format!("{:.2}", time * 1e6));
    println!(
        "{engine:<28}{n:>8}{:>14}{:>12}{:>16}{:>14}",
        ms(compile),
        ms(Some(load)),
        us(Some(decide)),
        us(explain)
    );
}

fn toolward(n: u32) {
    let file = workload::policy(n);
    let compile = best(|| workload::compiled(&file));
    let bytes = workload::compiled(&file);
    let load = best(|| Bundle::open(bytes.clone(), &Trust::digest_only()).expect("the bundle opens"));
    // Without the copy and the digest: what loading costs beside them.
    let mut copies: Vec<_> = (0..64.min(200_000 / n)).map(|_| bytes.clone()).collect();
    let mut open = f64::MAX;
    while let Some(copy) = copies.pop() {
        let begun = Instant::now();
        black_box(Unverified::open(black_box(copy)).expect("the bundle opens"));
        open = open.min(begun.elapsed().as_secs_f64());
    }
    println!("Toolward: bundle of {} bytes opens in {:.1} us, before its digest", bytes.len(), open * 1e6);
    let bundle = Bundle::open(bytes, &Trust::digest_only()).expect("the bundle opens");
    workload::with_request(n, |request| {
        let decide = best(|| workload::evaluate(&bundle, black_box(request)));
        let explain = best(|| workload::explain(&bundle, black_box(request)));
        row("Toolward", n, Some(compile), load, decide, Some(explain));
    });
}

/// A policy for each grant; tools, with their tiers, and people are entities. Only the entities of the call are
/// given, as Cedar's users do.
fn cedar(n: u32) {
    let (user, tool) = workload::names(n);
    let mut text = String::new();
    for i in 0..n {
        let _ = writeln!(
            text,
            "permit(principal == User::\"user_{i}\", action == Action::\"call\", resource in Server::\"pay\") when \
             {{ resource.tier <= 1 && resource.tier <= context.actor_ceiling && context.amount <= 1000 }};"
        );
    }
    let load = best(|| PolicySet::from_str(&text).expect("the policies parse"));
    let policies = PolicySet::from_str(&text).expect("the policies parse");
    let entities = serde_json::json!([
        {"uid": {"type": "User", "id": user}, "attrs": {}, "parents": []},
        {"uid": {"type": "Server", "id": "pay"}, "attrs": {}, "parents": []},
        {"uid": {"type": "Tool", "id": tool}, "attrs": {"tier": 1}, "parents": [{"type": "Server", "id": "pay"}]},
    ]);
    let entities = Entities::from_json_value(entities, None::<&Schema>).expect("entities");
    let id = |kind: &str, name: &str| EntityUid::from_str(&format!("{kind}::\"{name}\"")).expect("an id");
    let authorizer = Authorizer::new();
    let decide = best(|| {
        // The context comes with each call; the rest stands.
        let context = serde_json::json!({"amount": 250, "actor_ceiling": 1});
        let context = Context::from_json_value(context, None).expect("a context");
        let request =
            CedarRequest::new(id("User", &user), id("Action", "call"), id("Tool", &tool), context, None)
                .expect("a request");
        let response = authorizer.is_authorized(&request, &policies, &entities);
        assert_eq!(response.decision(), Decision::Allow);
    });
    row("Cedar (cedar-policy)", n, None, load, decide, None);
}

/// One rule over tables, which is how Rego scales best.
fn rego(n: u32) {
    const RULE: &str = "package toolward\n\nimport rego.v1\n\ndefault allow := false\n\nallow if {\n\
        \ttier := data.tools[input.tool]\n\ttier <= data.grants[input.subject]\n\
        \ttier <= data.actors[input.actor]\n\tinput.args.amount <= 1000\n}\n";
    let table = |name: &str| -> serde_json::Map<_, _> {
        (0..n).map(|i| (format!("{name}_{i}"), serde_json::json!(1))).collect()
    };
    let data = serde_json::json!({"tools": table("tool"), "grants": table("user"), "actors": {"planner": 1}});
    let data = data.to_string();
    let engine = || {
        let mut engine = Engine::new();
        engine.add_policy("toolward.rego".to_owned(), RULE.to_owned()).expect("the rule parses");
        engine.add_data(Value::from_json_str(&data).expect("data")).expect("data");
        engine
    };
    let load = best(engine);
    let (user, tool) = workload::names(n);
    let input = serde_json::json!({"tool": tool, "subject": user, "actor": "planner", "args": {"amount": 250}});
    let input = input.to_string();
    let mut engine = engine();
    let decide = best(|| {
        engine.set_input(Value::from_json_str(&input).expect("input"));
        let allowed = engine.eval_rule("data.toolward.allow".to_owned()).expect("a decision");
        assert_eq!(allowed, Value::from(true));
    });
    row("Rego (regorus)", n, None, load, decide, None);
}

fn main() {
    println!(
        "{:<28}{:>8}{:>14}{:>12}{:>16}{:>14}",
        "engine", "rules", "compile ms", "load ms", "decide us", "explain us"
    );
    for n in [10, 1_000, 100_000] {
        toolward(n);
        cedar(n);
        rego(n);
    }
}
