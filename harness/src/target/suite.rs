//! Runs a corpus on several targets and compares each transcript with its scenario and with the other targets, except for
//! the deviations that are known.

use super::Target;
use crate::scenario::{Fixtures, Scenario, TargetName};
use crate::transcript::{self, Transcript};
use anyhow::Context as _;
use serde::Deserialize;
use std::path::Path;

/// An entry of `deviations.json`: a target that may differ in a scenario. An entry that is no longer needed fails the run.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deviation {
    /// The scenario's id.
    pub scenario: String,
    /// The target that differs.
    pub target: TargetName,
    /// The cause, and why it is harmless.
    pub reason: String,
}

/// Reads `deviations.json` of a `tests` folder.
///
/// # Errors
/// If it cannot be read, has unknown fields, or an entry without a reason.
pub fn deviations(tests: &Path) -> anyhow::Result<Vec<Deviation>> {
    let path = tests.join("deviations.json");
    let text = std::fs::read_to_string(&path).with_context(|| format!("`{}`", path.display()))?;
    let deviations: Vec<Deviation> =
        serde_json::from_str(&text).with_context(|| format!("`{}`", path.display()))?;
    for deviation in &deviations {
        anyhow::ensure!(
            !deviation.reason.trim().is_empty(),
            "deviation `{}` has no reason",
            deviation.scenario
        );
    }
    Ok(deviations)
}

/// The result of one scenario on one target.
#[derive(Debug)]
pub struct Outcome<'s> {
    /// The scenario.
    pub scenario: &'s Scenario,
    /// The target.
    pub target: TargetName,
    /// The reasons for failing; empty if it passed.
    pub differences: Vec<String>,
    /// The known deviation, if there is one and it still deviates.
    pub deviation: Option<String>,
    /// The transcript, if the scenario could be run.
    pub transcript: Option<Transcript>,
}

/// Runs every scenario on every target that it names.
pub fn run<'s>(
    scenarios: &'s [Scenario],
    fixtures: &Fixtures,
    targets: &mut [Box<dyn Target>],
    deviations: &[Deviation],
    tell: &mut dyn FnMut(Outcome<'s>),
) {
    for scenario in scenarios {
        let mut first: Option<(TargetName, Transcript)> = None;
        for target in targets.iter_mut().filter(|target| scenario.targets.contains(&target.name())) {
            let name = target.name();
            let (mut differences, transcript) = match target.run(scenario, fixtures) {
                Ok(transcript) => (transcript::differences(scenario, &transcript), Some(transcript)),
                Err(error) => (vec![format!("could not run: {error:#}")], None),
            };
            if let (Some((earlier, theirs)), Some(ours)) = (&first, &transcript) {
                differences.extend(transcript::compare((earlier.as_str(), theirs), (name.as_str(), ours)));
            }
            let known = deviations.iter().find(|known| known.scenario == scenario.id && known.target == name);
            let deviation = known.filter(|_| !differences.is_empty()).map(|known| known.reason.clone());
            if deviation.is_some() {
                differences.clear();
            } else if let Some(known) = known {
                differences.push(format!(
                    "no longer deviates (`{}`); take it out of `deviations.json`",
                    known.reason
                ));
            } else if first.is_none() {
                // Other targets are not compared with one that deviates.
                first = transcript.clone().map(|transcript| (name, transcript));
            }
            tell(Outcome { scenario, target: name, differences, deviation, transcript });
        }
    }
}
