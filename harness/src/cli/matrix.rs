//! `toolward matrix`: who can use what.

use super::policy::{PolicySource, judged, paint, paint_problems, tell, tell_people};
use super::{clock, policy_files};
use anyhow::{Context as _, bail};
use clap::Args;
use policy_wasm::bundle::Bundle;
use policy_wasm::query::{
    MAX_PAGE_CELLS, MatrixSpec, matrix, matrix_csv, matrix_html, matrix_json, matrix_text, principals,
};
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `toolward matrix`.
#[derive(Args)]
#[command(after_help = "Examples:
  toolward matrix --policy policy/ --agent planner
  toolward matrix --bundle acme.bundle --html > matrix.html
  toolward matrix --bundle acme.bundle --csv | grep ,permit,

Exit status: 0 the matrix was written, 2 error.")]
pub(super) struct Matrix {
    #[command(flatten)]
    policy: PolicySource,
    /// A JSON file with subjects, agents, servers and circumstances; without it, all that the policy names
    #[arg(long, value_name = "FILE")]
    spec: Option<PathBuf>,
    /// Only this agent: the id of an entry of `actors`, `subject:ID` or `client:ID`; may be repeated
    #[arg(long, value_name = "AGENT")]
    agent: Vec<String>,
    /// Only this server; may be repeated
    #[arg(long, value_name = "ID")]
    server: Vec<String>,
    /// Time of the call, such as 2026-11-21T12:00:00Z [default: now]
    #[arg(long, value_name = "TIME", value_parser = policy_files::moment)]
    now: Option<u64>,
    #[command(flatten)]
    form: Form,
    /// Characters in a line of the table
    #[arg(long, default_value_t = 120, value_name = "COLUMNS")]
    width: usize,
}

#[derive(Args)]
#[group(multiple = false)]
struct Form {
    /// Write JSON
    #[arg(long)]
    json: bool,
    /// Write CSV, a line for each cell
    #[arg(long)]
    csv: bool,
    /// Write a self-contained HTML page
    #[arg(long)]
    html: bool,
}

impl Matrix {
    pub(super) fn execute(&self) -> anyhow::Result<ExitCode> {
        Ok(judged(self.matrix().map(|()| true)))
    }

    fn matrix(&self) -> anyhow::Result<()> {
        let bundle = self.policy.open()?;
        let spec = self.spec(&bundle)?;
        let matrix = matrix(&bundle, &spec, clock::seconds()?).map_err(|error| anyhow::anyhow!("{error}"))?;
        if matrix.cells.is_empty() {
            eprintln!(
                "the matrix is empty: {} subjects, {} agents, {} entries",
                matrix.subjects.len(),
                matrix.agents.len(),
                matrix.items.len()
            );
        }
        let form = &self.form;
        if form.json {
            tell(&(matrix_json(&matrix) + "\n"))
        } else if form.csv {
            tell(&matrix_csv(&matrix))
        } else if form.html {
            match matrix_html(&matrix) {
                Some(page) => tell(&page),
                None => bail!(
                    "the page would have {} cells, more than {MAX_PAGE_CELLS}; name fewer agents, servers or subjects, \
                     or write `--csv`",
                    matrix.cells.len()
                ),
            }
        } else {
            tell_people(&matrix_text(&matrix, self.width, paint()))
        }
    }

    fn spec(&self, bundle: &Bundle) -> anyhow::Result<MatrixSpec> {
        let mut spec = match &self.spec {
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .with_context(|| format!("cannot read `{}`", path.display()))?;
                MatrixSpec::read(&text).map_err(|problems| {
                    anyhow::anyhow!(
                        "`{}` is no matrix\n{}",
                        path.display(),
                        problems.render(paint_problems())
                    )
                })?
            }
            None => MatrixSpec::default(),
        };
        if !self.agent.is_empty() {
            let agent = |name: &String| {
                let chain =
                    vec![principals::agent_called(bundle, name).map_err(|error| anyhow::anyhow!("{error}"))?];
                Ok(principals::Named { label: principals::chain_label(&chain), value: chain })
            };
            spec.agents = Some(self.agent.iter().map(agent).collect::<anyhow::Result<_>>()?);
        }
        if !self.server.is_empty() {
            spec.servers = Some(self.server.clone());
        }
        if self.now.is_some() {
            spec.circumstances.now = self.now;
        }
        Ok(spec)
    }
}
