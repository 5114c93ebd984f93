//! `toolward run`: scenarios on targets.

use crate::scenario::{self, Fixtures, TargetName};
use crate::target::suite::{self, Outcome};
use crate::target::{Envoy, Native, Target};
use clap::{Args, ValueEnum};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Args)]
pub(super) struct Run {
    /// Scenario files, or folders of them
    #[arg(required = true, value_name = "SCENARIOS")]
    paths: Vec<PathBuf>,
    /// Where they run
    #[arg(long, value_enum, default_value_t = TargetChoice::All)]
    target: TargetChoice,
    /// The filter that the targets `wasm` and `envoy` run
    #[arg(long, default_value = "dist/toolward.wasm")]
    wasm: PathBuf,
    /// Envoy's binary, for the target `envoy`
    #[arg(long, default_value = ".tools/envoy/envoy")]
    envoy: PathBuf,
    /// The bootstrap that Envoy starts with; its `@NAMES@` are filled in
    #[arg(long, default_value = "envoy/bootstrap.yaml")]
    bootstrap: PathBuf,
    /// Run only scenarios whose id contains this text
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Write one JSON object for each run instead of text
    #[arg(long)]
    json: bool,
    /// Tell what permitted exchanges cost on the target `wasm`, in wasmtime's fuel: one unit for about one instruction
    #[arg(long)]
    fuel: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TargetChoice {
    /// The core of the filter, called directly
    Native,
    /// The filter in the wasmtime host
    Wasm,
    /// The filter in Envoy
    Envoy,
    /// All of them, their transcripts compared
    All,
}

impl Run {
    pub(super) fn execute(&self) -> anyhow::Result<ExitCode> {
        let loaded = scenario::load(&self.paths, self.filter.as_deref())?;
        let fixtures = Fixtures::new(&loaded.tests)?;
        let deviations = suite::deviations(&loaded.tests)?;
        let mut targets = self.targets()?;
        let (mut passed, mut failed, mut deviating) = (0_usize, 0_usize, 0_usize);
        let mut fuel = Fuel::default();
        suite::run(&loaded.scenarios, &fixtures, &mut targets, &deviations, &mut |outcome| {
            self.tell(&outcome);
            let counter = match (outcome.differences.is_empty(), outcome.deviation.is_some()) {
                (false, _) => &mut failed,
                (true, true) => &mut deviating,
                (true, false) => &mut passed,
            };
            *counter = counter.saturating_add(1);
            if self.fuel {
                fuel.add(&outcome);
            }
        });
        if self.fuel {
            fuel.tell();
        }
        let known = if deviating > 0 { format!(", {deviating} known deviations") } else { String::new() };
        println!("{passed} passed, {failed} failed{known}");
        let something_ran = passed.saturating_add(deviating) > 0;
        Ok(if failed == 0 && something_ran { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn targets(&self) -> anyhow::Result<Vec<Box<dyn Target>>> {
        let wanted = |choice| self.target == choice || self.target == TargetChoice::All;
        let mut targets: Vec<Box<dyn Target>> = Vec::new();
        if wanted(TargetChoice::Native) {
            targets.push(Box::new(Native));
        }
        if wanted(TargetChoice::Wasm) {
            targets.push(wasm(&self.wasm)?);
        }
        if wanted(TargetChoice::Envoy) {
            let [envoy, bootstrap, wasm] = [&self.envoy, &self.bootstrap, &self.wasm].map(PathBuf::clone);
            targets.push(Box::new(Envoy::new(envoy, bootstrap, wasm)));
        }
        Ok(targets)
    }

    fn tell(&self, outcome: &Outcome<'_>) {
        let (id, target) = (&outcome.scenario.id, outcome.target);
        if self.json {
            let result = match (outcome.differences.is_empty(), &outcome.deviation) {
                (false, _) => "failed",
                (true, Some(_)) => "deviates",
                (true, None) => "passed",
            };
            println!(
                "{}",
                json!({"id": id, "target": target, "result": result, "differences": outcome.differences,
                    "deviation": outcome.deviation})
            );
        } else if !outcome.differences.is_empty() {
            println!("FAILED {target} {id}\n    {}", outcome.differences.join("\n    "));
        } else if let Some(reason) = &outcome.deviation {
            println!("deviates {target} {id}: {reason}");
        }
    }
}

/// What permitted exchanges cost.
#[derive(Default)]
struct Fuel {
    /// Total of each exchange, with its scenario.
    exchanges: Vec<(u64, String)>,
    /// All that was spent in each callback, and how often it was called.
    callbacks: BTreeMap<&'static str, (u64, u64)>,
}

impl Fuel {
    fn add(&mut self, outcome: &Outcome<'_>) {
        let seen = outcome.transcript.iter().flat_map(|transcript| &transcript.exchanges);
        // The first exchange of a VM finds every cache cold and still initialises; it counts like any other.
        for exchange in seen.filter(|seen| seen.upstream.is_some() && outcome.target == TargetName::Wasm) {
            let total = exchange.fuel.iter().fold(0_u64, |sum, (_, fuel)| sum.saturating_add(*fuel));
            self.exchanges.push((total, outcome.scenario.id.clone()));
            for (callback, fuel) in &exchange.fuel {
                let entry = self.callbacks.entry(callback).or_default();
                *entry = (entry.0.saturating_add(*fuel), entry.1.saturating_add(1));
            }
        }
    }

    fn tell(&mut self) {
        self.exchanges.sort();
        for (name, (fuel, calls)) in &self.callbacks {
            println!("fuel {:>12} per call of {name} ({calls} calls)", fuel.checked_div(*calls).unwrap_or(0));
        }
        let count = self.exchanges.len();
        for (what, at) in [("least", 0), ("median", count / 2), ("most", count.saturating_sub(1))] {
            if let Some((fuel, id)) = self.exchanges.get(at) {
                println!("fuel {fuel:>12} per permitted exchange, {what} of {count} ({id})");
            }
        }
    }
}

#[cfg(feature = "wasm-runner")]
fn wasm(path: &std::path::Path) -> anyhow::Result<Box<dyn Target>> {
    Ok(Box::new(crate::target::Wasm::from_file(path)?))
}

#[cfg(not(feature = "wasm-runner"))]
fn wasm(_: &std::path::Path) -> anyhow::Result<Box<dyn Target>> {
    anyhow::bail!("this build has no wasm runner; build with the feature `wasm-runner`")
}
