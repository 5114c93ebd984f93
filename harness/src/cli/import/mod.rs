//! `toolward import`: a catalogue from what a server lists, for a person to review.

mod change;
mod client;
mod quote;
mod read;
mod schema;
mod tier;
mod write;

use super::files;
use super::policy::{judged, tell};
use anyhow::{Context as _, bail};
use clap::Args;
use policy_wasm::json::{self, Limits};
use policy_wasm::model::ItemKind;
use std::path::PathBuf;
use std::process::ExitCode;

/// Longest file that is read.
const MAX_FILE: u64 = 64 << 20;

/// Arguments of `toolward import`.
#[derive(Args)]
#[command(
    after_help = "Every tier in the catalogue is a proposal, marked `review: pending`: the policy does not compile \
before a person has looked at each entry and taken the mark away.

Examples:
  toolward import https://tools.acme.test/mcp/github --token-file token --name github --output policy/github.yaml
  toolward import https://tools.acme.test/mcp/github --name github --check policy/github.yaml
  toolward import --from tools.json --name github

Exit status: 0 done, or nothing changed; 1 `--check` found changes; 2 error."
)]
pub(super) struct Import {
    /// The MCP endpoint of a running server
    #[arg(value_name = "URL", required_unless_present = "from")]
    url: Option<String>,
    /// Read what a server listed from a JSON file: the result of `tools/list`, or a list of tools
    #[arg(long, value_name = "FILE", conflicts_with = "url")]
    from: Option<PathBuf>,
    /// A header of the requests, such as `X-Api-Key: …`; may be repeated
    #[arg(long, value_name = "NAME: VALUE")]
    header: Vec<String>,
    /// A file with the bearer token for the server
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Name of the catalogue
    #[arg(long, value_name = "NAME")]
    name: String,
    /// Tiers of the policy, lowest first
    #[arg(long, value_name = "TIER,…", value_delimiter = ',', default_value = "read,write,destructive")]
    tiers: Vec<String>,
    /// Propose the lowest tier for tools of which the server says that they only read
    #[arg(long)]
    trust_annotations: bool,
    /// Where the catalogue goes, which must not exist yet; standard output, where none is named
    #[arg(short, long, value_name = "FILE", conflicts_with = "check")]
    output: Option<PathBuf>,
    /// Write nothing, and tell what the server lists otherwise than this policy file
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,
}

/// An entry of a server's list.
struct Listed {
    kind: ItemKind,
    name: String,
    /// The description, shortened.
    note: String,
    read_only: Option<bool>,
    destructive: Option<bool>,
    /// The input schema as JSON.
    schema: Option<String>,
    /// Of tools.
    digest: Option<[u8; 32]>,
}

impl Import {
    pub(super) fn execute(&self) -> anyhow::Result<ExitCode> {
        Ok(judged(self.import()))
    }

    /// Whether nothing changed, or there was nothing to compare with.
    fn import(&self) -> anyhow::Result<bool> {
        if self.tiers.is_empty() || self.tiers.len() > 16 || self.tiers.iter().any(|tier| !is_name(tier)) {
            bail!("`--tiers`: expected 1 to 16 names like `read`, lowest first");
        }
        if !is_name(&self.name) {
            bail!("`--name`: expected a name like `github` (letters in lower case, digits, `.`, `_`, `-`)");
        }
        let entries = self.entries()?;
        if let Some(path) = &self.check {
            let name = path.display().to_string();
            let text = read_text(path)?;
            let changes = change::changes(&name, &text, &self.name, &entries)?;
            tell(&changes.iter().map(|line| format!("{line}\n")).collect::<String>())?;
            return Ok(changes.is_empty());
        }
        let source = match (&self.url, &self.from) {
            (Some(url), _) => url.clone(),
            (None, from) => from.as_ref().map(|path| path.display().to_string()).unwrap_or_default(),
        };
        let catalogue = write::Catalogue {
            name: &self.name,
            source: &source,
            tiers: &self.tiers,
            trusted: self.trust_annotations,
            entries: &entries,
        };
        let (text, left_out) = write::write(&catalogue);
        match &self.output {
            Some(path) if path.exists() => {
                let shown = path.display();
                bail!("`{shown}` is there already, and may hold decisions: compare with `--check {shown}`");
            }
            Some(path) => files::replace(path, text.as_bytes())?,
            None => tell(&text)?,
        }
        for line in &left_out {
            eprintln!("left out: {line}");
        }
        eprintln!("{} entries to review", entries.len());
        Ok(true)
    }

    fn entries(&self) -> anyhow::Result<Vec<Listed>> {
        let mut entries = Vec::new();
        if let Some(path) = &self.from {
            let text = read_text(path)?;
            let value = json::parse(text.as_bytes(), &Limits::default()).map_err(|error| {
                anyhow::anyhow!(
                    "`{}` is not strict JSON at byte {} ({:?})",
                    path.display(),
                    error.offset,
                    error.kind
                )
            })?;
            read::file(value, &mut entries).with_context(|| format!("`{}`", path.display()))?;
            return Ok(entries);
        }
        let mut headers = Vec::new();
        for header in &self.header {
            let (name, value) =
                header.split_once(':').context("`--header`: expected `NAME: VALUE`, found no `:`")?;
            headers.push((name.trim().to_owned(), value.trim().to_owned()));
        }
        if let Some(path) = &self.token_file {
            headers.push(("authorization".to_owned(), format!("Bearer {}", read_text(path)?.trim())));
        }
        client::ask(self.url.as_deref().unwrap_or_default(), &headers)
    }
}

fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    text.len() <= 64 && text.starts_with(|first: char| first.is_ascii_lowercase()) && text.bytes().all(fits)
}

fn read_text(path: &PathBuf) -> anyhow::Result<String> {
    let place = || format!("cannot read `{}`", path.display());
    let length = std::fs::metadata(path).with_context(place)?.len();
    if length > MAX_FILE {
        bail!("`{}` is {length} bytes long, expected at most {MAX_FILE}", path.display());
    }
    std::fs::read_to_string(path).with_context(place)
}

/// As a policy writes it.
fn digest_text(digest: &[u8; 32]) -> String {
    digest.iter().fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use policy_wasm::compile::{Options, SourceFile, compile};

    const HOSTILE: &str = r#"{"tools": [
        {"name": "echo", "description": "Says \u001b[31m it\n# again: \"}", "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}}},
        {"name": "x\ntier: read", "inputSchema": {}},
        {"name": "look", "annotations": {"readOnlyHint": true}, "inputSchema": {"type": "object"}}]}"#;

    fn listed(text: &str) -> Vec<Listed> {
        let mut entries = Vec::new();
        read::file(json::parse(text.as_bytes(), &Limits::default()).unwrap(), &mut entries).unwrap();
        entries
    }

    fn written(entries: &[Listed]) -> (String, Vec<String>) {
        let tiers = ["read", "write", "destructive"].map(str::to_owned);
        write::write(&write::Catalogue {
            name: "c",
            source: "x\u{1b}",
            tiers: &tiers,
            trusted: false,
            entries,
        })
    }

    fn compiled(text: &str) -> Result<Vec<u8>, String> {
        let file = SourceFile { name: "c.yaml".to_owned(), text: text.to_owned() };
        compile(&[file], &Options::default()).map_err(|problems| problems.to_string())
    }

    #[test]
    fn a_catalogue_compiles_once_a_person_has_confirmed_every_tier() {
        let (text, left_out) = written(&listed(HOSTILE));
        let problems = compiled(&text).unwrap_err();
        assert_eq!(problems.matches("nobody has confirmed").count(), 2, "{problems}");
        assert!(compiled(&text.replace("        review: pending\n", "")).is_ok(), "{text}");
        assert!(text.contains("tier: destructive") && text.contains("tier: write"), "{text}");
        assert!(!text.contains("tier: read\n"), "{text}");
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
        assert_eq!(left_out.len(), 1, "{left_out:?}");
    }

    #[test]
    fn what_changed_is_told() {
        let entries = listed(HOSTILE);
        let kept: Vec<Listed> = entries.into_iter().filter(|entry| !entry.name.contains('\n')).collect();
        let (text, _) = written(&kept);
        assert_eq!(change::changes("c.yaml", &text, "c", &kept).unwrap(), Vec::<String>::new());
        let now = HOSTILE
            .replace("Says", "Sends")
            .replace("\"string\"", "\"number\"")
            .replace("\"look\"", "\"peek\"");
        let now: Vec<Listed> = listed(&now).into_iter().filter(|entry| !entry.name.contains('\n')).collect();
        let told = change::changes("c.yaml", &text, "c", &now).unwrap().join("\n");
        for part in [
            "changed  tools `echo`",
            "+ description \"Sends",
            "+ input_schema",
            "added    tools `peek`",
            "removed  tools `look`",
        ] {
            assert!(told.contains(part), "{part}\n{told}");
        }
        assert!(!told.contains('\u{1b}'));
    }
}
