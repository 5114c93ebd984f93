//! `toolward fmt` and `toolward schema`, for editors and reviewers of policies.

use super::policy::paint_problems;
use super::visible::plain;
use super::{files, policy_files};
use clap::Args;
use policy_wasm::compile::{format, schema};
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `toolward fmt`.
#[derive(Args)]
#[command(after_help = "Examples:
  toolward fmt policy/
  toolward fmt --check policy/

Exit status: 0 all files are formatted, 1 some are not or cannot be read.")]
pub struct Fmt {
    /// Policy files, or directories with `*.yaml` and `*.yml` files
    #[arg(required = true, value_name = "POLICY")]
    files: Vec<PathBuf>,
    /// Write nothing, and name the files that would change
    #[arg(long)]
    check: bool,
}

impl Fmt {
    /// Formats the given files. A file that cannot be formatted stays as it is.
    pub fn execute(&self) -> anyhow::Result<ExitCode> {
        let mut clean = true;
        for path in policy_files::named(&self.files)? {
            let file = policy_files::read_file(&path)?;
            match format(&file) {
                Ok(text) if text == file.text => {}
                Ok(_) if self.check => {
                    println!("{}", plain(&file.name));
                    clean = false;
                }
                Ok(text) => files::replace(&path, text.as_bytes())?,
                Err(problems) => {
                    eprint!("{}", problems.render(paint_problems()));
                    clean = false;
                }
            }
        }
        Ok(if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Writes the JSON Schema of policy files.
pub fn write_schema() -> ExitCode {
    print!("{}", schema());
    ExitCode::SUCCESS
}
