//! `toolward diff`: which decisions two policies make differently, for whom, and which settings differ.

use super::policy::{judged, open_any, paint, tell, tell_people};
use super::{clock, policy_files};
use clap::Args;
use policy_wasm::query::{diff, diff_json, diff_text};
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `toolward diff`.
#[derive(Args)]
#[command(
    after_help = "Evaluates each subject and each agent that either policy names, one at a time, for every entry and \
method of either policy. More than 1,000,000 decisions are an error. Lists every setting that differs, by its path.

Examples:
  toolward diff running.bundle policy/
  toolward diff old.bundle new.bundle --server github --json | jq '.changes[] | select(.direction == \"wider\")'

Exit status: 0 nothing changes, 1 a decision or a setting changes, 2 error."
)]
pub(super) struct Diff {
    /// The old policy: a bundle, a policy file or a directory
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The new policy
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// Only this server; may be repeated
    #[arg(long, value_name = "ID")]
    server: Vec<String>,
    /// Time to compare for, such as 2026-11-21T12:00:00Z [default: now]
    #[arg(long, value_name = "TIME", value_parser = policy_files::moment)]
    now: Option<u64>,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

impl Diff {
    pub(super) fn execute(&self) -> anyhow::Result<ExitCode> {
        Ok(judged(self.diff()))
    }

    /// Prints the differences. Returns whether there are none.
    fn diff(&self) -> anyhow::Result<bool> {
        let (old, new) = (open_any(&self.old)?, open_any(&self.new)?);
        let servers = (!self.server.is_empty()).then_some(self.server.as_slice());
        let now = match self.now {
            Some(now) => now,
            None => clock::seconds()?,
        };
        let diff = diff(&old, &new, servers, now).map_err(|error| anyhow::anyhow!("{error}"))?;
        if self.json {
            tell(&(diff_json(&diff) + "\n"))?;
        } else {
            tell_people(&diff_text(&diff, paint()))?;
        }
        Ok(diff.changes.is_empty() && diff.settings.is_empty())
    }
}
