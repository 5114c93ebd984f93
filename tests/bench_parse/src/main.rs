//! How fast `tools/call` bodies are read: the strict reader, and `serde_json` for comparison, which checks less.

use policy_wasm::json::{Limits, Str, Value, Visitor, parse, parse_with};
use std::hint::black_box;
use std::time::{Duration, Instant};

#[path = "../../benches/bodies.rs"]
mod bodies;

/// Gathers the members of the two outer levels, as the reader of messages does.
#[derive(Default)]
struct Outline<'a>(Vec<(Str<'a>, Value<'a>)>);

impl<'a> Visitor<'a> for Outline<'a> {
    const DEPTH: u32 = 2;

    fn member(&mut self, _: u32, key: Str<'a>, value: Value<'a>) {
        self.0.push((key, value));
    }
}

/// Megabytes a second, best of many short windows: what disturbs only ever slows down.
fn speed(body: &[u8], mut read: impl FnMut(&[u8]) -> bool) -> f64 {
    let mut best = f64::MAX;
    for _ in 0..80 {
        let begun = Instant::now();
        let mut count = 0u32;
        while begun.elapsed() < Duration::from_millis(6) {
            for _ in 0..(50_000 / body.len()).max(1) {
                assert!(read(black_box(body)));
                count += 1;
            }
        }
        best = best.min(begun.elapsed().as_secs_f64() / f64::from(count));
    }
    body.len() as f64 / best / 1e6
}

fn main() {
    let limits = Limits::default();
    println!("{:<34}{:>10}{:>14}{:>14}", "MB/s", "strict", "IgnoredAny", "Value");
    for (name, body) in bodies::all() {
        let strict = speed(&body, |body| {
            let mut outline = Outline::default();
            parse_with(body, &limits, &mut outline).is_ok() && !outline.0.is_empty()
        });
        let ignored = speed(&body, |body| serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok());
        let value = speed(&body, |body| serde_json::from_slice::<serde_json::Value>(body).is_ok());
        println!("{name:<34}{strict:>10.0}{ignored:>14.0}{value:>14.0}");
        assert!(parse(&body, &limits).is_ok());
    }
}
