//! `make bench-envoy`: the cost of a decision in a real Envoy, beside a bare router, a filter that does nothing, and
//! Envoy's own filters for the same job.
//!
//! ```text
//! load (n threads, one connection each) ─> Envoy (one worker, one core) ─> upstream (threads of this process)
//! ```
//!
//! Variants take turns, each in a process of its own and a new one each round, so that a busy neighbour, or an unlucky
//! place in memory, hits all of them. The cost is the
//! CPU time of the Envoy process over the requests of the window. Everything is on 127.0.0.1.

#![allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

mod load;
mod machine;
mod options;
mod proxy;
mod report;
mod traffic;
mod upstream;
mod variants;

use machine::Usage;
use options::Options;
use proxy::Proxy;
use report::{Measured, Report};
use std::error::Error;
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};
use traffic::Traffic;
use upstream::Upstream;

/// An error ends the run with a text for a person.
type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let Some(options) = Options::from_arguments()? else { return Ok(()) };
    let traffic = Traffic::new()?;
    let folder = machine::temporary_folder()?;
    let core = machine::core_for_the_proxy();
    let upstream = Upstream::start(traffic.answer.clone())?;
    let variants = variants::all(&options, &traffic)?;

    let mut report = Report::new(&options, core, &traffic);
    for variant in &variants {
        let mut times = Vec::new();
        for _ in 0..options.starts {
            let begun = Instant::now();
            let proxy = Proxy::start(&options.envoy, variant, upstream.port(), &folder, None)?;
            times.push(begun.elapsed());
            drop(proxy);
        }
        report.ready(variant, &times);
    }
    if let Some(core) = core {
        machine::stay_off(core);
    }

    for round in 0..options.rounds {
        for variant in &variants {
            // A new process each time: where its code comes to lie in memory is worth several percent.
            let proxy = Proxy::start(&options.envoy, variant, upstream.port(), &folder, core)?;
            for connections in &options.connections {
                if std::io::stderr().is_terminal() {
                    let name = &variant.name;
                    eprint!(
                        "\rround {} of {}: {name}, {connections} connections {:30}",
                        round + 1,
                        options.rounds,
                        ""
                    );
                }
                let measured = measure(&proxy, &traffic, *connections, &options)
                    .map_err(|error| format!("{}: {error}", variant.name))?;
                report.round(variant, *connections, measured);
            }
            report.memory(variant, proxy.resident_kib());
        }
    }
    if std::io::stderr().is_terminal() {
        eprint!("\r{:90}\r", "");
    }
    std::fs::remove_dir_all(&folder)?;
    print!("{}", report.table());
    if let Some(path) = &options.out {
        std::fs::write(path, report.json())?;
    }
    Ok(())
}

/// One window of load on one proxy, after a short one that does not count.
fn measure(proxy: &Proxy, traffic: &Traffic, connections: usize, options: &Options) -> Outcome<Measured> {
    let usage = || Usage::now(proxy.id());
    load::run(proxy.port(), traffic, connections, Duration::from_millis(200), usage)?;
    Ok(Measured::new(load::run(proxy.port(), traffic, connections, options.window, usage)?))
}
