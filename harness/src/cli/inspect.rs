//! `toolward inspect`: prints the metadata of a bundle.

use super::visible::plain;
use super::{clock, files};
use anyhow::anyhow;
use clap::Args;
use policy_wasm::bundle::{Bundle, Header, Trust, Unverified};
use policy_wasm::time;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `toolward inspect`.
#[derive(Args)]
#[command(after_help = "Examples:
  toolward inspect acme.bundle
  toolward inspect acme.bundle --json | jq .serial

Signatures are listed, not checked: `toolward verify` checks them.
Exit status: 0 the bundle can be read, 1 it is damaged or not a bundle.")]
pub struct Inspect {
    /// The bundle
    #[arg(value_name = "BUNDLE")]
    bundle: PathBuf,
    /// Write JSON to standard output
    #[arg(long)]
    json: bool,
}

/// The metadata.
struct Report {
    header: Header,
    signatures: Vec<String>,
    /// Name, records, bytes.
    sections: Vec<(String, u32, usize)>,
    bytes: usize,
    /// The contents, or the reason why they cannot be read.
    inside: Result<Inside, String>,
}

struct Inside {
    revision: String,
    organisation: String,
    tiers: Vec<String>,
    /// Id, kind, resource.
    servers: Vec<[String; 3]>,
}

impl Inspect {
    /// Prints the report.
    pub fn execute(self) -> anyhow::Result<ExitCode> {
        let report = Report::of(files::open_bundle(&self.bundle)?);
        if self.json {
            println!("{}", serde_json::to_string_pretty(&report.json())?);
        } else {
            let text = report.text(&self.bundle.display().to_string(), clock::seconds()?)?;
            print!("{}", plain(&text));
        }
        Ok(if report.inside.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

impl Report {
    fn of(bundle: Unverified) -> Report {
        Report {
            header: bundle.header().clone(),
            signatures: bundle.signatures().map(|key| key.to_string()).collect(),
            sections: bundle
                .sections()
                .map(|(section, records, bytes)| (format!("{section:?}"), records, bytes))
                .collect(),
            bytes: bundle.as_bytes().len(),
            inside: bundle
                .verify(&Trust::digest_only())
                .map_err(|error| error.to_string())
                .and_then(|bundle| inside(&bundle).map_err(|error| error.to_string())),
        }
    }

    fn json(&self) -> Value {
        let header = &self.header;
        let section = |(name, records, bytes): &(String, u32, usize)| json!({"name": name, "records": records, "bytes": bytes});
        let mut value = json!({
            "format": header.format,
            "lowest_reader": header.lowest_reader,
            "serial": header.serial,
            "not_after": header.not_after.map(time::write),
            "digest": format!("sha256:{}", hex(&header.digest)),
            "signatures": self.signatures,
            "bytes": self.bytes,
            "sections": self.sections.iter().map(section).collect::<Vec<_>>(),
        });
        let inside = match &self.inside {
            Err(error) => json!({"error": error}),
            Ok(inside) => json!({
                "revision": inside.revision,
                "organisation": inside.organisation,
                "tiers": inside.tiers,
                "servers": inside.servers.iter().map(|[id, kind, resource]| json!({"id": id, "kind": kind, "resource": resource})).collect::<Vec<_>>(),
            }),
        };
        if let (Some(value), Value::Object(inside)) = (value.as_object_mut(), inside) {
            value.extend(inside);
        }
        value
    }

    fn text(&self, name: &str, now: u64) -> Result<String, std::fmt::Error> {
        let header = &self.header;
        let mut out = String::new();
        writeln!(out, "{name}: policy bundle of format {}, {} bytes", header.format, self.bytes)?;
        if let Ok(inside) = &self.inside {
            writeln!(out, "revision      {}", inside.revision)?;
            let organisation = Some(inside.organisation.as_str()).filter(|name| !name.is_empty());
            writeln!(out, "organisation  {}", organisation.unwrap_or("not named"))?;
        }
        writeln!(out, "serial        {}", header.serial)?;
        match header.not_after {
            None => writeln!(out, "valid         without end")?,
            Some(end) if end <= now => writeln!(out, "valid         until {}: past", time::write(end))?,
            Some(end) => writeln!(out, "valid         until {}", time::write(end))?,
        }
        writeln!(out, "digest        sha256:{}", hex(&header.digest))?;
        match self.signatures.as_slice() {
            [] => writeln!(out, "signatures    none")?,
            keys => writeln!(out, "signatures    {}, not checked here", keys.join(", "))?,
        }
        match &self.inside {
            Err(error) => writeln!(out, "contents      {error}")?,
            Ok(inside) => {
                writeln!(out, "tiers         {}", inside.tiers.join(" < "))?;
                let mut column = "servers       ";
                for [id, kind, resource] in &inside.servers {
                    writeln!(out, "{column}{id} ({kind}) {resource}")?;
                    column = "              ";
                }
            }
        }
        writeln!(out, "sections      {:<18}{:>10}{:>12}", "", "records", "bytes")?;
        for (section, records, bytes) in &self.sections {
            writeln!(out, "              {section:<18}{records:>10}{bytes:>12}")?;
        }
        Ok(out)
    }
}

fn inside(bundle: &Bundle) -> anyhow::Result<Inside> {
    let unreadable = |_| anyhow!("the contents are unreadable");
    let tiers = (0..bundle.tiers()).map(|tier| bundle.tier_name(tier).map(str::to_owned));
    Ok(Inside {
        revision: bundle.revision().to_owned(),
        organisation: bundle.organisation().map_err(unreadable)?.to_owned(),
        tiers: tiers.collect::<Result<_, _>>().map_err(unreadable)?,
        servers: bundle
            .servers()
            .map(|server| [server.id(), server.kind(), server.resource()].map(str::to_owned))
            .collect(),
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
