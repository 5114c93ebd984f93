//! The command line.

use crate::Outcome;
use std::path::PathBuf;
use std::time::Duration;

const HELP: &str = "\
usage: cargo bench -p toolward-tests --bench envoy -- --envoy FILE --wasm FILE --noop FILE [options]
  --envoy FILE         the Envoy binary
  --wasm [NAME=]FILE   a filter to measure; may be repeated, to compare builds
  --noop FILE          the filter that does nothing
  --connections LIST   default 1,4,16
  --rounds N           default 5
  --seconds S          of one window, default 2
  --starts N           how often each variant is started for the ready time, default 5
  --only LIST          variants whose names contain one of these
  --out FILE           write the figures as JSON";

/// The options of a run.
pub struct Options {
    /// The Envoy binary.
    pub envoy: PathBuf,
    /// Builds of the filter, with their names.
    pub filters: Vec<(String, PathBuf)>,
    /// The filter that does nothing.
    pub noop: PathBuf,
    /// Numbers of connections, each measured.
    pub connections: Vec<usize>,
    /// Windows of each variant and number of connections.
    pub rounds: usize,
    /// Length of a window.
    pub window: Duration,
    /// Starts of each variant for the ready time.
    pub starts: usize,
    /// Parts of names of variants; empty for all.
    pub only: Vec<String>,
    /// The file for the figures, as JSON.
    pub out: Option<PathBuf>,
}

impl Options {
    /// Reads the command line; `None` where only the help was asked for.
    pub fn from_arguments() -> Outcome<Option<Options>> {
        let (mut envoy, mut noop, mut out) = (None, None, None);
        let mut filters = Vec::new();
        let mut connections = vec![1, 4, 16];
        let (mut rounds, mut seconds, mut starts) = (5, 2.0, 5);
        let mut only = Vec::new();
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            // `cargo bench` adds this one to every benchmark.
            if name == "--bench" {
                continue;
            }
            if name == "--help" {
                println!("{HELP}");
                return Ok(None);
            }
            let value = arguments.next().ok_or_else(|| format!("{name} needs a value\n{HELP}"))?;
            match name.as_str() {
                "--envoy" => envoy = Some(PathBuf::from(value)),
                "--noop" => noop = Some(PathBuf::from(value)),
                "--out" => out = Some(PathBuf::from(value)),
                "--wasm" => filters.push(match value.split_once('=') {
                    Some((name, file)) => (name.to_owned(), file.into()),
                    None => ("Toolward".to_owned(), value.into()),
                }),
                "--connections" => {
                    connections = value.split(',').map(str::parse).collect::<Result<_, _>>()?;
                }
                "--rounds" => rounds = value.parse()?,
                "--seconds" => seconds = value.parse()?,
                "--starts" => starts = value.parse()?,
                "--only" => only = value.split(',').map(str::to_owned).collect(),
                _ => return Err(format!("unknown option `{name}`\n{HELP}").into()),
            }
        }
        if filters.is_empty() {
            return Err(format!("--wasm is missing\n{HELP}").into());
        }
        Ok(Some(Options {
            envoy: envoy.ok_or_else(|| format!("--envoy is missing\n{HELP}"))?,
            noop: noop.ok_or_else(|| format!("--noop is missing\n{HELP}"))?,
            filters,
            connections,
            rounds,
            window: Duration::from_secs_f64(seconds),
            starts,
            only,
            out,
        }))
    }
}
