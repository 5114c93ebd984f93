//! `toolward test`: the tests beside a policy.

use super::policy::{compiled, judged, paint, paint_problems, tell, tell_people};
use super::{clock, files, policy_files};
use crate::junit::junit;
use anyhow::bail;
use clap::Args;
use policy_wasm::compile::{SourceFile, quote};
use policy_wasm::query::{Coverage, Suite, TestResult, coverage_text, results_json, results_text, run};
use policy_wasm::source::Problems;
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `toolward test`.
#[derive(Args)]
#[command(after_help = "Examples:
  toolward test policy/
  toolward test policy/ --coverage --min-coverage 90 --junit report.xml

Exit status: 0 all tests pass, 1 some fail or too few rules are reached, 2 error.")]
pub(super) struct Test {
    /// Policy files and test files (`*.test.yaml`), or directories of both
    #[arg(required = true, value_name = "POLICY")]
    paths: Vec<PathBuf>,
    /// Run only tests whose name contains this text
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Report the rules that no test reached
    #[arg(long)]
    coverage: bool,
    /// Fail if the tests reach fewer rules, in percent
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100), conflicts_with = "filter")]
    min_coverage: Option<u8>,
    /// Write the results as JUnit's XML too
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write results and coverage as JSON
    #[arg(long)]
    json: bool,
}

impl Test {
    pub(super) fn execute(&self) -> anyhow::Result<ExitCode> {
        Ok(judged(self.test()))
    }

    /// Prints the results. Returns whether all tests pass and enough rules are reached.
    fn test(&self) -> anyhow::Result<bool> {
        let (policy, tests): (Vec<PathBuf>, Vec<PathBuf>) =
            self.paths.iter().cloned().partition(|path| !policy_files::is_test(path));
        let tests = policy_files::tests(&policy, &tests)?;
        let bundle = compiled(&policy)?;
        let mut coverage = Coverage::of(&bundle);
        let (now, mut results) = (clock::seconds()?, Vec::new());
        let mut problems = String::new();
        for file in &tests {
            match self.suite(file).and_then(|suite| run(&bundle, &suite, now, &mut coverage)) {
                Ok(found) => results.push((file.name.clone(), found)),
                Err(found) => {
                    quote(&found, &file.name, &file.text);
                    problems.push_str(&found.render(paint_problems()));
                }
            }
        }
        if !problems.is_empty() {
            bail!("the tests cannot be run\n{problems}");
        }
        let count = |wanted: fn(&TestResult) -> bool| {
            results.iter().flat_map(|(_, results)| results).filter(|result| wanted(result)).count()
        };
        let (all, failed) = (count(|_| true), count(|result| !result.differences.is_empty()));
        if all == 0 {
            bail!("no test was run: expected files called `*.test.yaml` beside the policy");
        }
        if let Some(path) = &self.junit {
            files::replace(path, junit(&results)?.as_bytes())?;
        }
        if self.json {
            tell(&(results_json(&results, &coverage) + "\n"))?;
        } else {
            self.tell(&results, all, &coverage)?;
        }
        let enough = self.min_coverage.is_none_or(|least| coverage.percent() >= usize::from(least));
        if !enough {
            let least = self.min_coverage.unwrap_or_default();
            eprintln!("toolward: coverage is {} %, expected at least {least} %", coverage.percent());
        }
        eprintln!("{all} tests, {failed} failed");
        Ok(failed == 0 && enough)
    }

    fn suite(&self, file: &SourceFile) -> Result<Suite, Problems> {
        let mut suite = Suite::read(&file.name, &file.text)?;
        if let Some(text) = &self.filter {
            suite.tests.retain(|test| test.name.contains(text.as_str()));
        }
        Ok(suite)
    }

    fn tell(
        &self,
        results: &[(String, Vec<TestResult>)],
        all: usize,
        coverage: &Coverage,
    ) -> anyhow::Result<()> {
        let mut text = format!("TAP version 14\n1..{all}\n");
        let mut first = 1_usize;
        for (file, results) in results {
            text.push_str(&results_text(file, results, first, paint()));
            first = first.saturating_add(results.len());
        }
        if self.coverage || self.min_coverage.is_some() {
            text.push_str(&coverage_text(coverage, paint()));
        }
        tell_people(&text)
    }
}
