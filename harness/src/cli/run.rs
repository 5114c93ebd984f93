//! `toolward run`: scenarios on targets.

use crate::scenario::{self, Answer, Fields, Fixtures, Scenario};
use crate::target::suite::{self, Outcome};
use crate::target::{Envoy, Native, Target};
use crate::transcript::ObservedExchange;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
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
    /// Module for the targets `wasm` and `envoy`
    #[arg(long, default_value = "dist/toolward.wasm")]
    wasm: PathBuf,
    /// Envoy's binary, for the target `envoy`
    #[arg(long, default_value = ".tools/envoy/envoy")]
    envoy: PathBuf,
    /// Bootstrap file for Envoy; its `@NAMES@` are filled in
    #[arg(long, default_value = "envoy/bootstrap.yaml")]
    bootstrap: PathBuf,
    /// Run only scenarios whose id contains this text
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Write one JSON object for each run instead of text
    #[arg(long)]
    json: bool,
    /// With `--json`: include each exchange: request, server's response, client's response (bytes in base64), and decision records
    #[arg(long, requires = "json")]
    exchanges: bool,
    /// Report the fuel of permitted exchanges in wasmtime, about one unit for each instruction, with warm caches
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
    /// All of them, with equal transcripts
    All,
}

impl Run {
    pub(super) fn execute(&self) -> anyhow::Result<ExitCode> {
        let loaded = scenario::load(&self.paths, self.filter.as_deref())?;
        let fixtures = Fixtures::new(&loaded.tests)?;
        let deviations = suite::deviations(&loaded.tests)?;
        let mut targets = self.targets()?;
        let (mut passed, mut failed, mut deviating) = (0_usize, 0_usize, 0_usize);
        suite::run(&loaded.scenarios, &fixtures, &mut targets, &deviations, &mut |outcome| {
            self.tell(&outcome);
            let counter = match (outcome.differences.is_empty(), outcome.deviation.is_some()) {
                (false, _) => &mut failed,
                (true, true) => &mut deviating,
                (true, false) => &mut passed,
            };
            *counter = counter.saturating_add(1);
        });
        if self.fuel {
            tell_fuel(&self.wasm, &loaded.scenarios, &fixtures)?;
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
            let mut line = json!({"id": id, "target": target, "result": result,
                "differences": outcome.differences, "deviation": outcome.deviation});
            if let (Some(line), true) = (line.as_object_mut(), self.exchanges) {
                let seen = outcome.transcript.iter().flat_map(|transcript| &transcript.exchanges);
                let both = outcome.scenario.exchanges.iter().zip(seen);
                let told = both.map(|(sent, seen)| exchange(sent.upstream.as_ref(), seen)).collect();
                line.insert("exchanges".to_owned(), told);
            }
            println!("{line}");
        } else if !outcome.differences.is_empty() {
            println!("FAILED {target} {id}\n    {}", outcome.differences.join("\n    "));
        } else if let Some(reason) = &outcome.deviation {
            println!("deviates {target} {id}: {reason}");
        }
    }
}

/// One exchange for other programs: the exact bytes that were sent, the client's response, and the decisions.
fn exchange(answer: Option<&Answer>, seen: &ObservedExchange) -> Value {
    let text = |bytes: &[u8]| STANDARD.encode(bytes);
    let fields = |fields: &Fields| -> Vec<Value> {
        fields.iter().map(|(name, value)| json!([name, text(value)])).collect()
    };
    let request = seen.request.as_ref().map(|request| {
        json!({"method": request.method, "path": text(&request.path), "headers": fields(&request.headers),
            "body": request.body.as_deref().map(text), "trailers": fields(&request.trailers)})
    });
    let answer = answer.map(|answer| {
        json!({"status": answer.status, "headers": fields(&answer.headers), "body": text(&answer.body),
            "chunks": answer.chunks})
    });
    let response = seen.response.as_ref().map(|response| {
        json!({"status": response.status, "headers": fields(&response.headers), "body": text(&response.body)})
    });
    json!({"request": request, "answer": answer, "response": response, "records": seen.records})
}

/// Prints the cost of permitted exchanges in a warm VM.
fn tell_fuel(path: &std::path::Path, scenarios: &[Scenario], fixtures: &Fixtures) -> anyhow::Result<()> {
    let target = crate::target::Wasm::from_file(path)?;
    let mut exchanges: Vec<(u64, &str)> = Vec::new();
    let mut callbacks: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for scenario in scenarios {
        let Some(fuel) = target.warm_fuel(scenario, fixtures)? else { continue };
        exchanges.push((fuel.iter().fold(0, |sum, (_, fuel)| sum.saturating_add(*fuel)), &scenario.id));
        for (callback, fuel) in fuel {
            let entry = callbacks.entry(callback).or_default();
            *entry = (entry.0.saturating_add(fuel), entry.1.saturating_add(1));
        }
    }
    exchanges.sort_unstable();
    for (name, (fuel, calls)) in callbacks {
        println!("fuel {:>10} on average in {name} ({calls} calls)", fuel.checked_div(calls).unwrap_or(0));
    }
    let count = exchanges.len();
    for (what, at) in [("least", 0), ("median", count / 2), ("most", count.saturating_sub(1))] {
        if let Some((fuel, id)) = exchanges.get(at) {
            println!("fuel {fuel:>10} per permitted exchange with a cached token, {what} of {count} ({id})");
        }
    }
    Ok(())
}

fn wasm(path: &std::path::Path) -> anyhow::Result<Box<dyn Target>> {
    Ok(Box::new(crate::target::Wasm::from_file(path)?))
}
