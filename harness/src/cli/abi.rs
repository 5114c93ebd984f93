//! `toolward abi`: compares the imports and exports of a filter with the allow-list.

use super::visible::plain;
use crate::host::wasm;
use anyhow::Context as _;
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Args)]
pub(super) struct Abi {
    /// The filter
    #[arg(default_value = "dist/toolward.wasm", value_name = "WASM")]
    wasm: PathBuf,
    /// List the exports too
    #[arg(long)]
    exports: bool,
}

impl Abi {
    pub(super) fn execute(&self) -> anyhow::Result<ExitCode> {
        let bytes = std::fs::read(&self.wasm).with_context(|| format!("`{}`", self.wasm.display()))?;
        let abi = wasm::abi(&bytes).with_context(|| format!("`{}`", self.wasm.display()))?;
        for import in &abi.imports {
            let allowed = if import.allowed { "" } else { "  NOT ALLOWED" };
            println!("import {} {}{allowed}", plain(&import.name), import.kind);
        }
        if self.exports {
            for export in &abi.exports {
                let allowed = if export.allowed { "" } else { "  NOT ALLOWED" };
                println!("export {} {}{allowed}", plain(&export.name), export.kind);
            }
        }
        let problems = abi.problems();
        for problem in &problems {
            eprintln!("toolward: {}", plain(problem));
        }
        println!(
            "{} bytes, {} imports, {} exports, {} problems",
            bytes.len(),
            abi.imports.len(),
            abi.exports.len(),
            problems.len()
        );
        Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
