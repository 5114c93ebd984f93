//! `toolward.wasm` in the wasmtime host.

use super::{Target, run_in_memory};
use crate::host::wasm::Filter;
use crate::scenario::{Fixtures, Scenario, TargetName};
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
    /// Where the file is not there, or is no filter.
    pub fn from_file(path: &Path) -> anyhow::Result<Wasm> {
        let filter = Filter::from_file(path)?;
        let problems = filter.abi().problems();
        anyhow::ensure!(problems.is_empty(), "`{}`: {}", path.display(), problems.join("; "));
        Ok(Wasm { filter })
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
        run_in_memory(scenario, fixtures, |world| self.filter.guest(world))
    }
}
