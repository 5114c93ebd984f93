//! `toolward.wasm` in a real Envoy: the bootstrap that is shipped, a scripted MCP server and authorization cluster, and
//! clients that send exactly the bytes of the scenario.
//!
//! Scenarios with equal configurations share one Envoy, and so its VM; time is the machine's. What lives longer than an
//! exchange in the filter is its cache of tokens, and each scenario mints its own.

mod hpack;
mod http1;
mod http2;
mod process;
mod servers;
mod wire;

use super::Target;
use crate::scenario::{Fixtures, HttpVersion, Scenario, TargetName};
use crate::transcript::{ObservedExchange, Transcript};
use process::{Decisions, Process};
use serde_json::Value;
use servers::{Script, Servers};
use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long a client waits for the next byte.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two pieces of a body, so that they do not arrive as one.
const BETWEEN_PIECES: Duration = Duration::from_millis(5);
/// How many Envoys are kept running; neighbouring scenarios mostly have the same configuration.
const KEPT: usize = 3;

/// Runs scenarios in Envoy.
pub struct Envoy {
    envoy: PathBuf,
    bootstrap: PathBuf,
    wasm: PathBuf,
    running: VecDeque<Running>,
}

struct Running {
    configuration: String,
    process: Process,
    servers: Servers,
    decisions: Decisions,
}

impl Envoy {
    /// From Envoy's binary, a bootstrap with the placeholders of `envoy/bootstrap.yaml`, and the filter.
    pub fn new(envoy: PathBuf, bootstrap: PathBuf, wasm: PathBuf) -> Envoy {
        Envoy { envoy, bootstrap, wasm, running: VecDeque::new() }
    }

    /// The Envoy with this configuration, started if there is none; it is the last of those running.
    fn with(&mut self, configuration: String) -> anyhow::Result<&mut Running> {
        let index = self.running.iter().position(|running| running.configuration == configuration);
        let running = match index.and_then(|index| self.running.remove(index)) {
            Some(running) => running,
            None => {
                while self.running.len() >= KEPT {
                    self.running.pop_front();
                }
                let servers = Servers::start()?;
                let process =
                    Process::start(&self.envoy, &self.bootstrap, &self.wasm, &configuration, &servers)?;
                Running { configuration, process, servers, decisions: Decisions::new() }
            }
        };
        self.running.push_back(running);
        self.running.back_mut().ok_or_else(|| anyhow::anyhow!("no Envoy"))
    }
}

impl Target for Envoy {
    fn name(&self) -> TargetName {
        TargetName::Envoy
    }

    fn run(&mut self, scenario: &Scenario, fixtures: &Fixtures) -> anyhow::Result<Transcript> {
        let configuration = fixtures.plugin_configuration(scenario)?;
        let running = self.with(configuration)?;
        let mut transcript = Transcript::default();
        for index in 0..scenario.exchanges.len() {
            transcript.exchanges.push(running.exchange(scenario, index, fixtures)?);
        }
        if transcript
            .exchanges
            .iter()
            .any(|seen| seen.problems.iter().any(|problem| problem.starts_with("log: ")))
        {
            // The next scenario must not start with a VM that trapped.
            self.running.pop_back();
        }
        Ok(transcript)
    }
}

impl Running {
    fn exchange(
        &mut self,
        scenario: &Scenario,
        index: usize,
        fixtures: &Fixtures,
    ) -> anyhow::Result<ObservedExchange> {
        #[allow(clippy::disallowed_methods, reason = "Envoy has the machine's time")]
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let request = scenario.request(index, now, fixtures)?;
        let exchange = scenario.exchanges.get(index).ok_or_else(|| anyhow::anyhow!("no such exchange"))?;
        self.servers.replace(Script::new(exchange.answer_to(&request), &exchange.checks));
        self.process.log_lines();

        let got = match request.http {
            HttpVersion::Http11 => http1::exchange(self.process.listener, &request)?,
            HttpVersion::Http2 => http2::exchange(self.process.listener, &request)?,
        };
        // Envoy writes this line when the exchange is over. No part of the exchange is delivered later.
        let access = self.process.access(got.client)?;
        let mut script = self.servers.replace(Script::default());
        let decision = access.as_ref().and_then(|entry| entry.get("decision")).and_then(Value::as_str);
        let log = self.process.log_lines_with(decision.unwrap_or_default());
        let decisions = self.process.decisions()?;

        let mut seen = ObservedExchange {
            request: Some(request),
            response: got.response,
            problems: got.problems,
            ..ObservedExchange::default()
        };
        seen.problems.append(&mut script.problems);
        if script.upstream.len() > 1 {
            seen.problems.push(format!("{} requests reached the upstream", script.upstream.len()));
        }
        seen.upstream = script.upstream.into_iter().next();
        seen.checks = script.questions;
        for line in &log {
            if let Some(record) = record(line) {
                seen.records.push(record);
            } else if line.contains("[error]") || line.contains("[critical]") {
                seen.problems.push(format!("log: {line}"));
            }
        }
        check_access(access.as_ref(), &mut seen);
        seen.decisions = difference(&self.decisions, &decisions);
        self.decisions = decisions;
        Ok(seen)
    }
}

/// The decision record that the filter wrote to Envoy's log in this line.
fn record(line: &str) -> Option<Value> {
    let text = line.split_once("wasm log toolward")?.1;
    let record: Value = serde_json::from_str(text.get(text.find('{')?..)?).ok()?;
    record.get("decision_id").is_some().then_some(record)
}

/// The access log must agree with the filter's own log.
fn check_access(access: Option<&Value>, seen: &mut ObservedExchange) {
    let Some(access) = access else {
        seen.problems.push("no line in the access log".to_owned());
        return;
    };
    let decision: Option<Value> =
        access.get("decision").and_then(Value::as_str).and_then(|text| serde_json::from_str(text).ok());
    if decision.as_ref() != seen.records.last() {
        seen.problems.push(format!(
            "the access log has the decision {}",
            access.get("decision").unwrap_or(&Value::Null)
        ));
    }
    let status = access.get("status").and_then(Value::as_u64);
    if let Some(response) = &seen.response
        && status != Some(u64::from(response.status))
    {
        seen.problems
            .push(format!("the access log has status {status:?}, the client got {}", response.status));
    }
}

fn difference(before: &Decisions, after: &Decisions) -> Decisions {
    let earlier = |labels| before.get(labels).copied().unwrap_or(0);
    after
        .iter()
        .map(|(labels, count)| (labels.clone(), count.saturating_sub(earlier(labels))))
        .filter(|(_, count)| *count > 0)
        .collect()
}
