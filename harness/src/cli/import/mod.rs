//! `toolward import`: writes a catalogue from a server's lists, for a person to review.

mod change;
mod client;
mod quote;
mod read;
mod schema;
mod tier;
mod transport;
mod write;

use super::files;
use super::policy::{judged, tell};
use super::visible::plain;
use anyhow::{Context as _, bail};
use clap::Args;
use policy_wasm::json::{self, Limits};
use policy_wasm::model::ItemKind;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// Longest file that is read.
const MAX_FILE: u64 = 64 << 20;

/// Arguments of `toolward import`.
#[derive(Args)]
#[command(
    after_help = "Every tier in the catalogue is a proposal, marked `review: pending`. The policy compiles only after a \
person has reviewed each entry and removed the mark.

Examples:
  toolward import https://tools.acme.test/mcp/github --token-file token --name github --output policy/github.yaml
  toolward import https://tools.acme.test/mcp/github --name github --check policy/github.yaml
  toolward import --from tools.json --name github

Exit status: 0 everything was imported or nothing changed, 1 some entries were left out or `--check` found changes, \
2 error."
)]
pub(super) struct Import {
    /// The MCP endpoint of a running server
    #[arg(value_name = "URL", required_unless_present = "from")]
    url: Option<String>,
    /// Read a server's lists from a JSON file (`-`: standard input): results of its lists, or a list of tools
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
    /// Propose the lowest tier for tools with `readOnlyHint`
    #[arg(long)]
    trust_annotations: bool,
    /// New file for the catalogue [default: standard output]
    #[arg(short, long, value_name = "FILE", conflicts_with = "check")]
    output: Option<PathBuf>,
    /// Write nothing, and report how the server's lists differ from this policy file
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,
    /// Write the changes as JSON, one object a line
    #[arg(long, requires = "check")]
    json: bool,
    /// Time limit for all of the server's lists
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
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

    /// Returns whether everything was taken over, or nothing changed.
    fn import(&self) -> anyhow::Result<bool> {
        if self.tiers.is_empty() || self.tiers.len() > 16 || self.tiers.iter().any(|tier| !is_name(tier)) {
            bail!("`--tiers`: expected 1 to 16 names like `read`, lowest first");
        }
        if !is_name(&self.name) {
            bail!("`--name`: expected a name like `github` (letters in lower case, digits, `.`, `_`, `-`)");
        }
        // A target that is not a file has no decisions to lose, so it is written to.
        let special = self.output.as_ref().is_some_and(|path| files::is_special(path));
        if let Some(path) = self.output.as_ref().filter(|path| !special && path.symlink_metadata().is_ok()) {
            let shown = path.display();
            bail!("`{shown}` is there already, and may hold decisions: compare with `--check {shown}`");
        }
        let tiers = change::Tiers { names: &self.tiers, trusted: self.trust_annotations };
        let taken = write::take(self.entries()?, &tiers);
        let done = match &self.check {
            Some(path) => self.compare(path, &taken.entries, &tiers)?,
            None => {
                let text = write::write(&self.name, &self.source(), &taken.entries, &tiers)?;
                match &self.output {
                    Some(path) if special => files::replace(path, text.as_bytes())?,
                    Some(path) => files::create(path, text.as_bytes(), None)?,
                    None => tell(&text)?,
                }
                taken.left_out.is_empty()
            }
        };
        for line in &taken.left_out {
            eprintln!("left out: {}", plain(line));
        }
        for line in &taken.notes {
            eprintln!("note: {}", plain(line));
        }
        if self.check.is_none() {
            eprintln!("{} entries to review", taken.entries.len());
        }
        Ok(done)
    }

    /// Prints the changes. Returns whether there are none.
    fn compare(&self, path: &Path, entries: &[Listed], tiers: &change::Tiers<'_>) -> anyhow::Result<bool> {
        let text = read_text(path)?;
        let changes = change::changes(&path.display().to_string(), &text, &self.name, entries, tiers)?;
        let form = if self.json { change::Change::json } else { change::Change::text };
        tell(&changes.iter().map(form).collect::<String>())?;
        Ok(changes.is_empty())
    }

    /// The origin of the entries, without parts that may be secret.
    fn source(&self) -> String {
        match (&self.url, &self.from) {
            (Some(url), _) => quote::place(url),
            (None, Some(path)) if path == Path::new("-") => "standard input".to_owned(),
            (None, from) => from.as_ref().map(|path| path.display().to_string()).unwrap_or_default(),
        }
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
        let timeout = Duration::from_secs(self.timeout);
        client::ask(self.url.as_deref().unwrap_or_default(), &headers, timeout)
    }
}

fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    text.len() <= 64 && text.starts_with(|first: char| first.is_ascii_lowercase()) && text.bytes().all(fits)
}

/// A file, or standard input where it is `-`.
fn read_text(path: &Path) -> anyhow::Result<String> {
    let place = || format!("cannot read `{}`", path.display());
    let mut text = String::new();
    let source: Box<dyn std::io::Read> = if path == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(std::fs::File::open(path).with_context(place)?)
    };
    // One byte more than the limit distinguishes too long from just fitting.
    source.take(MAX_FILE.saturating_add(1)).read_to_string(&mut text).with_context(place)?;
    if text.len() as u64 > MAX_FILE {
        bail!("`{}` is longer than {MAX_FILE} bytes", path.display());
    }
    Ok(text)
}

/// As a policy writes it.
fn digest_text(digest: &[u8; 32]) -> String {
    digest.iter().fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::change::Change;
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

    /// The file, the entries left out, and the reported changes if the server lists `later`.
    fn written(text: &str, later: &str) -> (String, Vec<String>, Vec<Change>) {
        let names = ["read", "write", "destructive"].map(str::to_owned);
        let tiers = change::Tiers { names: &names, trusted: false };
        let taken = write::take(listed(text), &tiers);
        let text = write::write("c", "x\u{1b}", &taken.entries, &tiers).unwrap();
        let later = write::take(listed(later), &tiers).entries;
        let changes = change::changes("c.yaml", &text, "c", &later, &tiers).unwrap();
        (text, taken.left_out, changes)
    }

    fn compiled(text: &str) -> Result<Vec<u8>, String> {
        let file = SourceFile { name: "c.yaml".to_owned(), text: text.to_owned() };
        compile(&[file], &Options::default()).map_err(|problems| problems.to_string())
    }

    #[test]
    fn a_catalogue_compiles_once_a_person_has_confirmed_every_tier() {
        let (text, left_out, changes) = written(HOSTILE, HOSTILE);
        assert_eq!(changes.len(), 0);
        let problems = compiled(&text).unwrap_err();
        assert_eq!(problems.matches("is not confirmed").count(), 2, "{problems}");
        assert!(compiled(&text.replace("        review: pending\n", "")).is_ok(), "{text}");
        assert!(text.contains("tier: destructive") && text.contains("tier: write"), "{text}");
        assert!(!text.contains("tier: read\n"), "{text}");
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
        assert_eq!(left_out.len(), 1, "{left_out:?}");
    }

    #[test]
    fn changes_are_reported() {
        let now = HOSTILE
            .replace("Says", "Sends")
            .replace("\"string\"", "\"number\"")
            .replace("\"look\"", "\"peek\"");
        let (_, _, changes) = written(HOSTILE, &now);
        let told: String = changes.iter().map(Change::text).collect();
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
        for line in changes.iter().map(Change::json) {
            json::parse(line.trim_end().as_bytes(), &Limits::default()).unwrap();
            assert!(!line.contains('\u{1b}'));
        }
    }
}
