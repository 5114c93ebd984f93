//! How fast `tools/call` bodies are read: the strict reader, and `serde_json` for comparison, which checks less.
//!
//! One filter for every host: it measures when it is configured, by the host's clock, and writes a table to the host's
//! log. Envoy, wasmtime and Node run the same bytes.
#![allow(unsafe_code, reason = "the ABI wants exported names and memory by pointer")]

use policy_wasm::json::{Limits, Str, Value, Visitor, parse, parse_with};
use std::hint::black_box;

#[path = "../../benches/bodies.rs"]
mod bodies;

unsafe extern "C" {
    fn proxy_log(level: u32, text: *const u8, length: usize) -> u32;
    fn proxy_get_current_time_nanoseconds(time: *mut u64) -> u32;
}

const INFO: u32 = 2;

fn log(line: &str) {
    // SAFETY: the host reads within the text.
    unsafe { proxy_log(INFO, line.as_ptr(), line.len()) };
}

fn now() -> u64 {
    let mut time = 0;
    // SAFETY: the host writes one number.
    unsafe { proxy_get_current_time_nanoseconds(&raw mut time) };
    time
}

/// Gathers the members of the two outer levels, as the reader of messages does.
#[derive(Default)]
struct Outline<'a>(Vec<(Str<'a>, Value<'a>)>);

impl<'a> Visitor<'a> for Outline<'a> {
    const DEPTH: u32 = 2;

    fn member(&mut self, _: u32, key: Str<'a>, value: Value<'a>) {
        self.0.push((key, value));
    }
}

/// Nanoseconds for one body, best of many short windows, since disturbances only slow down.
fn time(body: &[u8], mut read: impl FnMut(&[u8]) -> bool) -> f64 {
    let mut best = f64::MAX;
    for _ in 0..80 {
        let (begun, mut count) = (now(), 0u32);
        while now().saturating_sub(begun) < 6_000_000 {
            for _ in 0..(50_000 / body.len()).max(1) {
                assert!(read(black_box(body)));
                count += 1;
            }
        }
        best = best.min(now().saturating_sub(begun) as f64 / f64::from(count));
    }
    best
}

fn measure() {
    let limits = Limits::default();
    log(&format!(
        "{:<30}{:>14}{:>14}{:>18}{:>14}",
        "", "strict, us", "strict, MB/s", "IgnoredAny, MB/s", "Value, MB/s"
    ));
    for (name, body) in bodies::all() {
        assert!(parse(&body, &limits).is_ok());
        let strict = time(&body, |body| {
            let mut outline = Outline::default();
            parse_with(body, &limits, &mut outline).is_ok() && !outline.0.is_empty()
        });
        let ignored = time(&body, |body| serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok());
        let value = time(&body, |body| serde_json::from_slice::<serde_json::Value>(body).is_ok());
        let speed = |time: f64| body.len() as f64 * 1e3 / time;
        log(&format!(
            "{name:<30}{:>14.2}{:>14.0}{:>18.0}{:>14.0}",
            strict / 1e3,
            speed(strict),
            speed(ignored),
            speed(value)
        ));
    }
}

#[unsafe(no_mangle)]
extern "C" fn proxy_abi_version_0_2_1() {}

/// Nothing is asked of the host that it would need memory for.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_memory_allocate(_: usize) -> *mut u8 {
    std::ptr::null_mut()
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_context_create(_: u32, _: u32) {}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_vm_start(_: u32, _: usize) -> u32 {
    1
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_configure(_: u32, _: usize) -> u32 {
    measure();
    1
}
