//! The strict reader in Envoy's V8 and in wasmtime (`make bench-parse`): loads the filter that measures, and shows what
//! it logs.

#![allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use serde_json::json;
use std::process::Command;
use std::time::Instant;
use wasmtime::error::{Context, Result, ensure};
use wasmtime::{Caller, Engine, Extern, Linker, Memory, Module, Store};

fn memory(caller: &mut Caller<'_, ()>) -> Result<Memory> {
    caller.get_export("memory").and_then(Extern::into_memory).context("the module exports its memory")
}

fn in_wasmtime(module: &str) -> Result<()> {
    println!("wasmtime");
    let engine = Engine::default();
    let mut linker: Linker<()> = Linker::new(&engine);
    linker.func_wrap(
        "env",
        "proxy_log",
        |mut caller: Caller<'_, ()>, _level: u32, text: u32, length: u32| -> Result<u32> {
            let mut line = vec![0; length as usize];
            memory(&mut caller)?.read(&caller, text as usize, &mut line)?;
            println!("{}", String::from_utf8_lossy(&line));
            Ok(0)
        },
    )?;
    let begun = Instant::now();
    linker.func_wrap(
        "env",
        "proxy_get_current_time_nanoseconds",
        move |mut caller: Caller<'_, ()>, time: u32| -> Result<u32> {
            let now = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX).to_le_bytes();
            memory(&mut caller)?.write(&mut caller, time as usize, &now)?;
            Ok(0)
        },
    )?;
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &Module::from_file(&engine, module)?)?;
    let configure = instance.get_typed_func::<(u32, u32), u32>(&mut store, "proxy_on_configure")?;
    ensure!(configure.call(&mut store, (1, 0))? == 1, "the module failed");
    Ok(())
}

/// A configuration that does nothing but load the filter.
fn in_envoy(envoy: &str, module: &str) -> Result<()> {
    println!("Envoy");
    let filter = json!({
        "name": "bench",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "config": {
                "name": "bench",
                "vm_config": {"runtime": "envoy.wasm.runtime.v8", "code": {"local": {"filename": module}}},
            },
        },
    });
    let router = json!({
        "name": "router",
        "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
    });
    let manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "bench",
        "route_config": {},
        "http_filters": [filter, router],
    });
    let listener = json!({
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    });
    let config = json!({"static_resources": {"listeners": [listener]}}).to_string();
    let run = Command::new(envoy)
        .args(["--mode", "validate", "--config-yaml", &config])
        .args(["--log-level", "info", "--log-format", "%v"])
        .output()
        .with_context(|| format!("could not run {envoy}"))?;
    let (said, log) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    ensure!(run.status.success(), "Envoy did not load the module:\n{said}{log}");
    // Envoy loads each filter twice, to see whether it can be copied.
    let lines: Vec<&str> = log.lines().filter_map(|line| line.strip_prefix("wasm log: ")).collect();
    ensure!(!lines.is_empty(), "the module logged nothing:\n{log}");
    lines.iter().take(lines.len() / 2).for_each(|line| println!("{line}"));
    Ok(())
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name);
        at.and_then(|at| arguments.get(at + 1)).with_context(|| format!("{name} is missing"))
    };
    let module = value("--module")?;
    in_envoy(value("--envoy")?, module)?;
    in_wasmtime(module)
}
