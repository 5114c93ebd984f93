//! The `toolward` command line: one file for each subcommand.

mod run;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "toolward", version, about = "Authorization for AI agents' MCP tool calls")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs scenarios and compares what is seen with what they expect.
    Run(run::Run),
}

/// Runs the command line. An error is told on standard error, with its causes.
pub fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Run(run) => run.execute(),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("toolward: {error:#}");
        ExitCode::FAILURE
    })
}
