//! `toolward run`: scenarios on targets.

use crate::scenario::{self, Fixtures, Scenario, TargetName};
use crate::target::{Native, Target};
use crate::transcript::{self, Transcript};
use clap::{Args, ValueEnum};
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Args)]
pub(super) struct Run {
    /// Scenario files, or folders of them.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Where they run.
    #[arg(long, value_enum, default_value_t = TargetChoice::All)]
    target: TargetChoice,
    /// The filter that the targets `wasm` and `envoy` run.
    #[arg(long, default_value = "dist/toolward.wasm")]
    wasm: PathBuf,
    /// Runs only scenarios whose id contains this text.
    #[arg(long)]
    filter: Option<String>,
    /// Writes one JSON object for each run instead of text.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TargetChoice {
    /// The core of the filter, called directly.
    Native,
    /// The filter in the wasmtime host.
    Wasm,
    /// The filter in Envoy.
    Envoy,
    /// All of them, their transcripts compared.
    All,
}

impl Run {
    pub(super) fn execute(&self) -> anyhow::Result<ExitCode> {
        let loaded = scenario::load(&self.paths, self.filter.as_deref())?;
        let fixtures = Fixtures::new(&loaded.tests)?;
        let mut targets = self.targets()?;
        let (mut passed, mut failed) = (0_usize, 0_usize);
        for scenario in &loaded.scenarios {
            let mut transcripts: Vec<(TargetName, Transcript)> = Vec::new();
            for target in &mut targets {
                if !scenario.targets.contains(&target.name()) {
                    continue;
                }
                let mut report = Vec::new();
                match target.run(scenario, &fixtures) {
                    Err(error) => report.push(format!("could not run: {error:#}")),
                    Ok(transcript) => {
                        report.extend(transcript::differences(scenario, &transcript));
                        if let Some((first, earlier)) = transcripts.first() {
                            let pair = (target.name().as_str(), &transcript);
                            report.extend(transcript::compare((first.as_str(), earlier), pair));
                        }
                        transcripts.push((target.name(), transcript));
                    }
                }
                self.tell(scenario, target.name(), &report);
                let counter = if report.is_empty() { &mut passed } else { &mut failed };
                *counter = counter.saturating_add(1);
            }
        }
        println!("{passed} passed, {failed} failed");
        let something_ran = passed > 0;
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
            anyhow::bail!("the target `envoy` is not built in yet");
        }
        Ok(targets)
    }

    fn tell(&self, scenario: &Scenario, target: TargetName, report: &[String]) {
        if self.json {
            let passed = report.is_empty();
            println!(
                "{}",
                json!({"id": scenario.id, "target": target, "passed": passed, "differences": report})
            );
        } else if !report.is_empty() {
            println!("FAILED {target} {}\n    {}", scenario.id, report.join("\n    "));
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
