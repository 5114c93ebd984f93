//! Where scenarios run. Each target plays the client, the MCP server and the authorization cluster, and tells what an
//! outsider sees.

mod envoy;
mod native;
pub mod suite;
mod wasm;

pub use envoy::Envoy;
pub use native::{Native, NativeGuest};
pub use wasm::Wasm;

use crate::host::{Guest, HostState, Proxy};
use crate::scenario::{Fixtures, Scenario, TargetName};
use crate::transcript::Transcript;

/// The one cluster that the plugin can call; `base.json` names it. Any other one is unknown to the proxy.
pub const AUTHORIZATION_CLUSTER: &str = "spicedb";

/// A system that runs scenarios.
pub trait Target {
    /// Its name.
    fn name(&self) -> TargetName;

    /// Runs one scenario, all its exchanges in order, in one fresh VM.
    ///
    /// # Errors
    /// If the scenario could not be run at all: the target is broken, the policy does not compile, no such key.
    /// Anything that the filter does, including a trap, is part of the transcript.
    fn run(&mut self, scenario: &Scenario, fixtures: &Fixtures) -> anyhow::Result<Transcript>;
}

/// Starts a plugin as a scenario has it, in a proxy of its own.
///
/// # Errors
/// If the policy does not compile or the plugin does not start.
pub fn start<G: Guest>(
    scenario: &Scenario,
    fixtures: &Fixtures,
    guest: impl FnOnce(HostState) -> anyhow::Result<G>,
) -> anyhow::Result<Proxy<G>> {
    let now_ns = scenario.now.saturating_mul(1_000_000_000);
    let mut host = HostState::new(now_ns, [AUTHORIZATION_CLUSTER.to_owned()], fixtures.signatures());
    host.configuration = fixtures.plugin_configuration(scenario)?.into_bytes();
    Proxy::start(guest(host)?).map_err(|trap| anyhow::anyhow!("the plugin does not start: {}", trap.message))
}

/// Runs a scenario in a proxy in memory.
fn run_in_memory<G: Guest>(
    scenario: &Scenario,
    fixtures: &Fixtures,
    guest: impl FnOnce(HostState) -> anyhow::Result<G>,
) -> anyhow::Result<Transcript> {
    let mut proxy = start(scenario, fixtures, guest)?;
    let mut transcript = Transcript::default();
    for (index, exchange) in scenario.exchanges.iter().enumerate() {
        let now = scenario.now.saturating_add(exchange.after_seconds);
        let host = proxy.guest().host();
        host.now_ns = host.now_ns.max(now.saturating_mul(1_000_000_000));
        let request = scenario.request(index, now, fixtures)?;
        let seen = proxy.exchange(&request, &exchange.checks, &mut |_| exchange.answer_to(&request));
        transcript.exchanges.push(seen);
    }
    Ok(transcript)
}
