//! Toolward's engine in wasmtime: load, evaluate, explain, compile. `make bench-engines` runs it beside V8 and native.

#![allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::time::Instant;
use wasmtime::error::{Context, Result, ensure};
use wasmtime::{Engine, Instance, Module, Store, TypedFunc};

struct Guest {
    store: Store<()>,
    prepare: TypedFunc<u32, u32>,
    compile: TypedFunc<(), u32>,
    open: TypedFunc<u32, u32>,
    evaluate: TypedFunc<(u32, u32), u32>,
    explain: TypedFunc<(u32, u32), u32>,
}

impl Guest {
    fn load(path: &str) -> Result<Guest> {
        let engine = Engine::default();
        let module = Module::from_file(&engine, path)?;
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[])?;
        Ok(Guest {
            prepare: instance.get_typed_func(&mut store, "prepare")?,
            compile: instance.get_typed_func(&mut store, "compile")?,
            open: instance.get_typed_func(&mut store, "open")?,
            evaluate: instance.get_typed_func(&mut store, "evaluate")?,
            explain: instance.get_typed_func(&mut store, "explain")?,
            store,
        })
    }
}

/// Seconds for one of `times`: the best of several rounds, since disturbances only slow down.
fn best(rounds: u32, times: u32, mut work: impl FnMut() -> Result<u32>) -> Result<f64> {
    let mut least = f64::MAX;
    for _ in 0..rounds {
        let begun = Instant::now();
        ensure!(work()? != 0, "the engine failed");
        least = least.min(begun.elapsed().as_secs_f64() / f64::from(times));
    }
    Ok(least)
}

fn main() -> Result<()> {
    let path = std::env::args().nth(1).context("name the module: --bench engines -- guest.wasm")?;
    let Guest { mut store, prepare, compile, open, evaluate, explain } = Guest::load(&path)?;
    println!("{:<10}{:>14}{:>12}{:>14}{:>14}", "rules", "compile ms", "load ms", "evaluate us", "explain us");
    for n in [10, 1_000, 100_000] {
        prepare.call(&mut store, n)?;
        let compiled = best(if n > 10_000 { 2 } else { 20 }, 1, || compile.call(&mut store, ()))?;
        let opened = best(10, 10, || open.call(&mut store, 10))?;
        let evaluated = best(40, 2_000, || evaluate.call(&mut store, (n, 2_000)))?;
        let explained = best(20, 500, || explain.call(&mut store, (n, 500)))?;
        println!(
            "{n:<10}{:>14.3}{:>12.3}{:>14.2}{:>14.2}",
            compiled * 1e3,
            opened * 1e3,
            evaluated * 1e6,
            explained * 1e6
        );
    }
    Ok(())
}
