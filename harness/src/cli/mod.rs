//! The `toolward` command line: one file for each subcommand.

#[cfg(feature = "test-runner")]
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
mod policy_files;
#[cfg(feature = "test-runner")]
mod run;
mod sign;
mod test;
mod token;
mod verify;
mod visible;

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
    /// Reports all problems of policy files, and likely mistakes.
    Check(compile::Check),
    /// Formats policy files, and keeps every comment.
    Fmt(fmt::Fmt),
    /// Writes the JSON Schema of policy files, for editors.
    Schema,
    /// Makes a catalogue for review from a server's lists, or reports what changed.
    Import(import::Import),
    /// Prints a bundle's metadata.
    Inspect(inspect::Inspect),
    /// Makes a key for signing bundles, or prints its public half.
    Keygen(keygen::Keygen),
    /// Adds signatures to a bundle.
    Sign(sign::Sign),
    /// Verifies a bundle's signatures.
    Verify(verify::Verify),
    /// Decides one call and explains the decision: exit code 0 permit, 1 deny, 2 error.
    Explain(Box<explain::Explain>),
    /// Shows who can use which tool, through which agent.
    Matrix(matrix::Matrix),
    /// Shows which decisions differ between two policies, and for whom.
    Diff(diff::Diff),
    /// Runs the tests beside a policy.
    Test(test::Test),
    /// Lists what a filter imports, and compares it with the allow-list.
    #[cfg(feature = "test-runner")]
    Abi(abi::Abi),
    /// Runs scenarios and compares the results with what they expect.
    #[cfg(feature = "test-runner")]
    Run(run::Run),
    /// Makes keys and tokens for development.
    Token(token::Token),
}

/// The command line as data; a test compares `docs/cli.md` with it.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs the command line. An error goes to standard error, with its causes.
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
        #[cfg(feature = "test-runner")]
        Command::Abi(abi) => abi.execute(),
        #[cfg(feature = "test-runner")]
        Command::Run(run) => run.execute(),
        Command::Token(token) => token.execute(),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("toolward: {}", visible::plain(&format!("{error:#}")));
        ExitCode::FAILURE
    })
}
