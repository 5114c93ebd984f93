//! The `toolward` command line: one file for each subcommand.

#[cfg(feature = "wasm-runner")]
mod abi;
mod clock;
mod compile;
mod diff;
mod explain;
mod files;
mod fmt;
mod import;
mod inspect;
mod keygen;
mod matrix;
mod policy;
mod run;
mod sign;
mod test;
mod token;
mod verify;

use clap::{CommandFactory as _, Parser, Subcommand};
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "toolward", version, about = "Authorization for AI agents' MCP tool calls")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Compiles policy files to a bundle.
    Compile(compile::Compile),
    /// Tells everything that is wrong with policy files.
    Check(compile::Check),
    /// Gives policy files their one layout, and keeps every comment.
    Fmt(fmt::Fmt),
    /// Writes the JSON Schema of policy files, for editors.
    Schema,
    /// Makes a catalogue for review from what a server lists, or tells what changed there.
    Import(import::Import),
    /// Says what a bundle says about itself.
    Inspect(inspect::Inspect),
    /// Makes a key that bundles are signed with, or prints the public half of one.
    Keygen(keygen::Keygen),
    /// Adds signatures to a bundle.
    Sign(sign::Sign),
    /// Holds a bundle against the keys that are trusted.
    Verify(verify::Verify),
    /// Decides one call and tells everything that led to it: exit code 0 permit, 1 deny, 2 error.
    Explain(Box<explain::Explain>),
    /// Tells who can use what, by which agent.
    Matrix(matrix::Matrix),
    /// Tells which decisions two policies make differently, for whom.
    Diff(diff::Diff),
    /// Runs the tests beside a policy.
    Test(test::Test),
    /// Lists what a filter imports, held against the allow-list.
    #[cfg(feature = "wasm-runner")]
    Abi(abi::Abi),
    /// Runs scenarios and compares what is seen with what they expect.
    Run(run::Run),
    /// Makes keys and tokens for development.
    Token(token::Token),
}

/// The command line as data: what `docs/cli.md` is held against.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs the command line. An error is told on standard error, with its causes.
pub fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Compile(compile) => compile.execute(),
        Command::Check(check) => check.execute(),
        Command::Fmt(fmt) => fmt.execute(),
        Command::Schema => Ok(fmt::write_schema()),
        Command::Import(import) => import.execute(),
        Command::Inspect(inspect) => inspect.execute(),
        Command::Keygen(keygen) => keygen.execute(),
        Command::Sign(sign) => sign.execute(),
        Command::Verify(verify) => verify.execute(),
        Command::Explain(explain) => explain.execute(),
        Command::Matrix(matrix) => matrix.execute(),
        Command::Diff(diff) => diff.execute(),
        Command::Test(test) => test.execute(),
        #[cfg(feature = "wasm-runner")]
        Command::Abi(abi) => abi.execute(),
        Command::Run(run) => run.execute(),
        Command::Token(token) => token.execute(),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("toolward: {error:#}");
        ExitCode::FAILURE
    })
}
