//! The figures, for people and for programs.

use crate::load::Window;
use crate::machine::{self, Usage};
use crate::options::Options;
use crate::traffic::{BODY, Traffic};
use crate::variants::Variant;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::time::Duration;

/// One window of one variant.
pub struct Measured {
    requests_per_second: f64,
    cpu_us: f64,
    p50_us: f64,
    p99_us: f64,
    /// The part of the machine that others used meanwhile.
    foreign: f64,
}

impl Measured {
    /// From the figures of clients, proxy and machine.
    pub fn new(window: Window<Usage>) -> Measured {
        let Window { seconds, mut latencies, before, after } = window;
        latencies.sort_unstable();
        let at = |part: f64| {
            let index = (latencies.len() as f64 * part) as usize;
            latencies
                .get(index.min(latencies.len().saturating_sub(1)))
                .map_or(0.0, |ns| f64::from(*ns) / 1000.0)
        };
        let cpu = after.proxy.saturating_sub(before.proxy);
        let foreign = after.foreign_since(&before);
        let requests = latencies.len() as f64;
        Measured {
            requests_per_second: requests / seconds,
            cpu_us: cpu.as_secs_f64() * 1e6 / requests,
            p50_us: at(0.5),
            p99_us: at(0.99),
            foreign,
        }
    }

    fn json(&self) -> Value {
        json!({
            "requests_per_second": self.requests_per_second.round(),
            "cpu_us_per_request": hundredths(self.cpu_us),
            "p50_us": hundredths(self.p50_us),
            "p99_us": hundredths(self.p99_us),
            "foreign_load": hundredths(self.foreign),
        })
    }
}

fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        length if length % 2 == 1 => values[length / 2],
        length => f64::midpoint(values[length / 2 - 1], values[length / 2]),
    }
}

#[derive(Default)]
struct Row {
    name: String,
    wasm_bytes: Option<u64>,
    ready: Vec<Duration>,
    resident_kib: u64,
    rounds: Vec<(usize, Measured)>,
}

impl Row {
    fn median(&self, connections: usize, of: impl Fn(&Measured) -> f64) -> f64 {
        median(self.rounds.iter().filter(|(at, _)| *at == connections).map(|(_, measured)| of(measured)))
    }
}

/// All figures of a run.
pub struct Report {
    rows: Vec<Row>,
    connections: Vec<usize>,
    setting: String,
}

impl Report {
    /// No figures yet.
    pub fn new(options: &Options, core: Option<usize>, traffic: &Traffic) -> Report {
        let pinned = match core {
            Some(core) => format!("Envoy pinned to core {core}, clients and upstream to the others"),
            None => "nothing pinned".to_owned(),
        };
        let setting = format!(
            "{}; {pinned}; {BODY}-byte tools/call, RS256 token of {} bytes, HTTP/1.1 keep-alive; \
             medians of {} rounds of {} s, variants in turn",
            machine::processor(),
            traffic.token_bytes,
            options.rounds,
            options.window.as_secs_f64(),
        );
        Report { rows: Vec::new(), connections: options.connections.clone(), setting }
    }

    fn row(&mut self, variant: &Variant) -> &mut Row {
        let index = self.rows.iter().position(|row| row.name == variant.name).unwrap_or_else(|| {
            let row = Row { name: variant.name.clone(), wasm_bytes: variant.wasm_bytes, ..Row::default() };
            self.rows.push(row);
            self.rows.len() - 1
        });
        &mut self.rows[index]
    }

    /// Adds times from the start of the process to the first `/ready`.
    pub fn ready(&mut self, variant: &Variant, times: &[Duration]) {
        self.row(variant).ready.extend_from_slice(times);
    }

    /// Adds a window.
    pub fn round(&mut self, variant: &Variant, connections: usize, measured: Measured) {
        self.row(variant).rounds.push((connections, measured));
    }

    /// Notes the memory after the load.
    pub fn memory(&mut self, variant: &Variant, resident_kib: u64) {
        self.row(variant).resident_kib = resident_kib;
    }

    /// For people: Markdown.
    pub fn table(&self) -> String {
        let mut out = format!("{}\n\n", self.setting);
        let _ = write!(out, "| variant |");
        for connections in &self.connections {
            let _ = write!(out, " {connections} conn: CPU µs | req/s | p50 µs | p99 µs |");
        }
        out.push_str(" ready ms | RSS MB | wasm KB |\n|---|");
        out.push_str(&"---:|".repeat(self.connections.len() * 4 + 3));
        out.push('\n');
        for row in &self.rows {
            let _ = write!(out, "| {} |", row.name);
            for at in &self.connections {
                let _ = write!(
                    out,
                    " **{:.1}** | {:.0} | {:.0} | {:.0} |",
                    row.median(*at, |measured| measured.cpu_us),
                    row.median(*at, |measured| measured.requests_per_second),
                    row.median(*at, |measured| measured.p50_us),
                    row.median(*at, |measured| measured.p99_us),
                );
            }
            let ready = median(row.ready.iter().map(|time| time.as_secs_f64() * 1000.0));
            let wasm = row.wasm_bytes.map_or(String::new(), |bytes| format!("{:.1}", bytes as f64 / 1000.0));
            let _ = writeln!(out, " {ready:.0} | {:.0} | {wasm} |", row.resident_kib as f64 / 1024.0);
        }
        let foreign =
            median(self.rows.iter().flat_map(|row| &row.rounds).map(|(_, measured)| measured.foreign));
        let _ = writeln!(out, "\nOthers used {:.0} % of the machine meanwhile (median).", foreign * 100.0);
        out
    }

    /// For programs.
    pub fn json(&self) -> String {
        let rows: Vec<Value> = self
            .rows
            .iter()
            .map(|row| {
                let rounds: Vec<Value> = row
                    .rounds
                    .iter()
                    .map(|(connections, measured)| {
                        let mut round = measured.json();
                        round["connections"] = (*connections).into();
                        round
                    })
                    .collect();
                json!({
                    "name": row.name,
                    "wasm_bytes": row.wasm_bytes,
                    "ready_ms": row.ready.iter().map(|time| hundredths(time.as_secs_f64() * 1e3)).collect::<Vec<_>>(),
                    "resident_kib": row.resident_kib,
                    "rounds": rounds,
                })
            })
            .collect();
        format!("{:#}\n", json!({"setting": self.setting, "variants": rows}))
    }
}
