//! `toolward compile` and `toolward check`: policy files to a bundle, and every problem at once.

use super::policy::{paint_problems, tell};
use super::policy_files::{moment, read};
use super::visible::plain;
use super::{clock, files, sign};
use anyhow::{Context, bail};
use clap::Args;
use policy_wasm::bundle::{Bundle, Trust, Unverified};
use policy_wasm::compile::{Options, TooLarge, compile};
use policy_wasm::lint::{LINTS, Lint, lint, quoted};
use policy_wasm::query::problem_json;
use policy_wasm::source::{Problem, Problems, suggest};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `toolward compile`.
#[derive(Args)]
#[command(after_help = "Examples:
  toolward compile policy/ --output acme.bundle
  toolward compile policy/ --output acme.bundle --serial 42 --not-after 2027-01-01 --sign release.pem")]
pub struct Compile {
    #[command(flatten)]
    source: Source,
    /// File for the bundle; it is replaced in one step, and only if the policy compiles
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Serial number of the bundle, if the policy names none; readers can reject older ones
    #[arg(long, value_name = "NUMBER")]
    serial: Option<u64>,
    /// Time from which the bundle permits nothing, if the policy names none: `2027-01-01T00:00:00Z` or a date
    #[arg(long, value_name = "TIME", value_parser = moment)]
    not_after: Option<u64>,
    /// Sign the bundle with this private key (Ed25519 in PKCS#8 PEM); may be repeated
    #[arg(long, value_name = "FILE")]
    sign: Vec<PathBuf>,
}

/// Arguments of `toolward check`.
#[derive(Args)]
#[command(after_help = "Warnings are described in docs/lints.md.
Exit status: 0 the policy compiles, 1 it does not, or there are warnings and `--deny-warnings` is given.")]
pub struct Check {
    #[command(flatten)]
    source: Source,
    /// Write problems and warnings as JSON, one object a line, to standard output
    #[arg(long)]
    json: bool,
    /// Fail if there are warnings
    #[arg(long)]
    deny_warnings: bool,
    /// Suppress this warning; may be repeated
    #[arg(long, value_name = "CODE", value_parser = lint_code)]
    allow: Vec<String>,
    /// Time at which to judge what has expired, such as 2026-11-21T12:00:00Z [default: now]
    #[arg(long, value_name = "TIME", value_parser = moment)]
    now: Option<u64>,
}

#[derive(Args)]
struct Source {
    /// Policy files, or directories with `*.yaml` and `*.yml` files
    #[arg(required = true, value_name = "POLICY")]
    files: Vec<PathBuf>,
    /// Revision of the bundle, if the policy names none
    #[arg(long, value_name = "NAME")]
    revision: Option<String>,
    /// Write the problems as JSON, one object a line, to standard output
    #[arg(long)]
    json_errors: bool,
}

impl Compile {
    /// Compiles, and writes the bundle.
    pub fn execute(self) -> anyhow::Result<ExitCode> {
        let options = Options {
            revision: self.source.revision.clone(),
            serial: self.serial,
            not_after: self.not_after,
        };
        let Some(bytes) = self.source.compile(&options)? else { return Ok(ExitCode::FAILURE) };
        self.holds(&bytes)?;
        let bytes = sign::with_keys(bytes, &self.sign)?;
        let size = bytes.len();
        files::replace(&self.output, &bytes)?;
        summary(&self.output.display().to_string(), size, bytes)
    }
}

impl Compile {
    /// Rejects options that contradict the policy: a release number must not get lost silently.
    fn holds(&self, bytes: &[u8]) -> anyhow::Result<()> {
        let unverified = Unverified::open(bytes.to_vec()).context("the compiled bundle does not open")?;
        let header = unverified.header();
        if let Some(serial) = self.serial.filter(|serial| *serial != header.serial) {
            bail!(
                "the policy names serial {}, `--serial` says {serial}; leave one of them out",
                header.serial
            );
        }
        if self.not_after.is_some() && self.not_after != header.not_after {
            bail!("the policy names another `not_after` than `--not-after`; leave one of them out");
        }
        Ok(())
    }
}

impl Check {
    /// Compiles, warns about likely mistakes, and writes nothing.
    pub fn execute(mut self) -> anyhow::Result<ExitCode> {
        self.source.json_errors |= self.json;
        let options = Options { revision: self.source.revision.clone(), ..Options::default() };
        let files = read(&self.source.files)?;
        let policy = match policy_wasm::compile::read(&files, &options) {
            Ok(policy) => policy,
            Err(problems) => {
                self.source.report(&problems)?;
                return Ok(ExitCode::FAILURE);
            }
        };
        let now = match self.now {
            Some(now) => now,
            None => clock::seconds()?,
        };
        let mut lints = lint(&policy, now);
        lints.retain(|lint| !self.allow.iter().any(|code| code == lint.code));
        let texts: BTreeMap<&str, &str> =
            files.iter().map(|file| (file.name.as_str(), file.text.as_str())).collect();
        for (lint, problem) in quoted(&lints, |name| texts.get(name).copied(), told) {
            if self.source.json_errors {
                println!("{}", as_json(lint, &problem)?);
            } else if problem.excerpt.is_some() {
                eprint!("{}", problem.render(paint_problems()));
            } else {
                eprintln!("{}", plain(&lint.to_string()));
            }
        }
        let bytes =
            policy_wasm::compile::write(&policy).map_err(|TooLarge(what)| anyhow::anyhow!("{what}"))?;
        let told = summary("policy", bytes.len(), bytes)?;
        if lints.is_empty() {
            return Ok(told);
        }
        eprintln!("{} {}", lints.len(), if lints.len() == 1 { "warning" } else { "warnings" });
        Ok(if self.deny_warnings { ExitCode::FAILURE } else { told })
    }
}

fn told(lint: &Lint) -> Problem {
    let (message, help) = (format!("warning[{}]: {}", lint.code, lint.message), Some(lint.help.clone()));
    Problem::new(&lint.file, lint.position, String::new(), message, help)
}

fn as_json(lint: &Lint, problem: &Problem) -> anyhow::Result<String> {
    let mut value: serde_json::Value = serde_json::from_str(&problem_json(problem))?;
    if let Some(members) = value.as_object_mut() {
        members.insert("code".to_owned(), lint.code.into());
        members.insert("message".to_owned(), lint.message.clone().into());
        members.insert("help".to_owned(), lint.help.clone().into());
        members.remove("suggestion");
        members.remove("path");
    }
    Ok(serde_json::to_string(&value)?)
}

fn lint_code(text: &str) -> Result<String, String> {
    if LINTS.iter().any(|(code, _)| *code == text) {
        return Ok(text.to_owned());
    }
    let guess = suggest(text, LINTS.iter().map(|(code, _)| *code));
    let guess = guess.map_or_else(String::new, |guess| format!("; did you mean `{guess}`?"));
    Err(format!("no warning has this code, docs/lints.md lists them{guess}"))
}

impl Source {
    /// The bundle; `None` if the policy has problems, which are printed.
    fn compile(&self, options: &Options) -> anyhow::Result<Option<Vec<u8>>> {
        let files = read(&self.files)?;
        match compile(&files, options) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(problems) => {
                self.report(&problems)?;
                Ok(None)
            }
        }
    }

    fn report(&self, problems: &Problems) -> anyhow::Result<()> {
        let list = problems.to_vec();
        if self.json_errors {
            let lines: String = list.iter().map(|problem| problem_json(problem) + "\n").collect();
            tell(&lines)?;
        } else {
            eprint!("{}", problems.render(paint_problems()));
        }
        let (count, word) = (list.len(), if list.len() == 1 { "problem" } else { "problems" });
        eprintln!("{count} {word}, nothing was compiled");
        Ok(())
    }
}

/// Opens the compiled bundle as a proxy does, and prints a summary.
fn summary(what: &str, size: usize, bytes: Vec<u8>) -> anyhow::Result<ExitCode> {
    let bundle = Bundle::open(bytes, &Trust::digest_only()).context("the compiled bundle does not open")?;
    let (servers, tools, rules) = bundle.counts();
    let (revision, serial) = (bundle.revision(), bundle.serial());
    let serial = if serial == 0 { String::new() } else { format!(", serial {serial}") };
    let told = format!(
        "{what}: revision {revision}{serial}, servers {servers}, tools {tools}, rules {rules}, bytes {size}"
    );
    eprintln!("{}", plain(&told));
    Ok(ExitCode::SUCCESS)
}
