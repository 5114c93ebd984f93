//! Where scenarios run. Each target plays the client, the MCP server and the authorization cluster, and tells what an
//! outsider sees.

use crate::scenario::{Fixtures, Scenario, TargetName};
use crate::transcript::Transcript;

/// A place where scenarios run.
pub trait Target {
    /// Its name.
    fn name(&self) -> TargetName;

    /// Runs one scenario, all its exchanges in order, in one fresh VM.
    ///
    /// # Errors
    /// Where the scenario could not be run at all: the target is broken, the policy does not compile, no such key.
    /// Whatever the filter does, a trap included, is part of the transcript.
    fn run(&mut self, scenario: &Scenario, fixtures: &Fixtures) -> anyhow::Result<Transcript>;
}
