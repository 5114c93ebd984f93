//! The policy of a question, from a bundle or from files, and the common parts of commands that ask.

use super::visible::plain;
use super::{files, policy_files};
use anyhow::{Context as _, bail};
use clap::Args;
use policy_wasm::bundle::{Bundle, Trust};
use policy_wasm::compile::{Options, compile};
use policy_wasm::query::Paint;
use std::io::{IsTerminal, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The source of the policy: a bundle, or files that are compiled first.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub(super) struct PolicySource {
    /// A compiled bundle
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
    /// A policy file, or a directory of them; may be repeated
    #[arg(long, value_name = "POLICY")]
    policy: Vec<PathBuf>,
}

impl PolicySource {
    /// The bundle; where files do not compile, every problem is in the error.
    pub(super) fn open(&self) -> anyhow::Result<Bundle> {
        match &self.bundle {
            Some(path) => open_bundle(path),
            None => compiled(&self.policy),
        }
    }
}

/// The bundle at a path, or the compiled policy at a path.
pub(super) fn open_any(path: &Path) -> anyhow::Result<Bundle> {
    let is_source = path.is_dir() || path.extension().is_some_and(|name| name == "yaml" || name == "yml");
    if is_source { compiled(&[path.to_owned()]) } else { open_bundle(path) }
}

fn open_bundle(path: &Path) -> anyhow::Result<Bundle> {
    let bytes = files::read_bundle(path)?;
    Bundle::open(bytes, &Trust::digest_only()).with_context(|| format!("`{}`", path.display()))
}

/// The bundle of policy files.
pub(super) fn compiled(paths: &[PathBuf]) -> anyhow::Result<Bundle> {
    let files = policy_files::read(paths)?;
    match compile(&files, &Options::default()) {
        Ok(bytes) => Bundle::open(bytes, &Trust::digest_only()).context("the compiled bundle does not open"),
        Err(problems) => bail!("the policy does not compile\n{}", problems.render(paint_problems())),
    }
}

/// The exit code of a command that judges: 0 or 1, and 2 if it failed.
pub(super) fn judged(outcome: anyhow::Result<bool>) -> ExitCode {
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("toolward: {}", plain(format!("{error:#}").trim_end()));
            ExitCode::from(2)
        }
    }
}

/// Colours on a terminal, unless `NO_COLOR` is set (<https://no-color.org>).
pub(super) fn paint() -> Paint {
    paint_for(&std::io::stdout())
}

/// The same for standard error.
pub(super) fn paint_problems() -> Paint {
    paint_for(&std::io::stderr())
}

#[allow(clippy::disallowed_methods, reason = "the command line asks its terminal")]
fn paint_for(stream: &impl IsTerminal) -> Paint {
    let wanted = std::env::var("NO_COLOR").unwrap_or_default().is_empty();
    if wanted && stream.is_terminal() { Paint::Colour } else { Paint::Plain }
}

/// The same for people: foreign names and texts have no effect on a terminal.
pub(super) fn tell_people(text: &str) -> anyhow::Result<()> {
    tell(&plain(text))
}

/// Writes a result. A reader that closes early (`head`) is not an error.
pub(super) fn tell(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("cannot write to standard output"),
    }
}
