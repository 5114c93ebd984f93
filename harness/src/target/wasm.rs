//! `toolward.wasm` in the wasmtime host.

use super::{Target, run_in_memory, start};
use crate::host::wasm::Filter;
use crate::scenario::{ExpectedDecision, Fixtures, Scenario, TargetName};
use crate::transcript::Transcript;
use std::path::Path;

/// Runs scenarios on the wasm module.
pub struct Wasm {
    filter: Filter,
}

impl Wasm {
    /// From the file that proxies load.
    ///
    /// # Errors
    /// If the file is missing or is not a filter.
    pub fn from_file(path: &Path) -> anyhow::Result<Wasm> {
        let filter = Filter::from_file(path)?;
        let problems = filter.abi().problems();
        anyhow::ensure!(problems.is_empty(), "`{}`: {}", path.display(), problems.join("; "));
        Ok(Wasm { filter })
    }

    /// The cost of a scenario's first exchange in a VM that has just run the same exchange, so that every cache is
    /// warm: fuel by callback, or `None` if it is not permitted.
    ///
    /// # Errors
    /// If the scenario could not be run.
    pub fn warm_fuel(
        &self,
        scenario: &Scenario,
        fixtures: &Fixtures,
    ) -> anyhow::Result<Option<Vec<(&'static str, u64)>>> {
        let mut proxy = start(scenario, fixtures, |host| self.filter.guest(host))?;
        let Some(exchange) = scenario.exchanges.first() else { return Ok(None) };
        let request = scenario.request(0, scenario.now, fixtures)?;
        let mut run = || proxy.exchange(&request, &exchange.checks, &mut |_| exchange.answer_to(&request));
        run();
        let seen = run();
        let permitted = exchange.expect.decision == ExpectedDecision::Permit && seen.upstream.is_some();
        Ok(permitted.then_some(seen.fuel))
    }

    /// The compiled module.
    pub fn filter(&self) -> &Filter {
        &self.filter
    }
}

impl Target for Wasm {
    fn name(&self) -> TargetName {
        TargetName::Wasm
    }

    fn run(&mut self, scenario: &Scenario, fixtures: &Fixtures) -> anyhow::Result<Transcript> {
        run_in_memory(scenario, fixtures, |host| self.filter.guest(host))
    }
}
