//! `toolward verify`: holds a bundle against the keys that are trusted.

use super::visible::plain;
use super::{clock, files};
use crate::keys;
use anyhow::{Context as _, bail};
use clap::Args;
use policy_wasm::bundle::{Bundle, PublicKey, Trust};
use policy_wasm::time;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Arguments of `toolward verify`.
#[derive(Args)]
#[command(after_help = "Examples:
  toolward verify acme.bundle --key release.jwk
  toolward verify acme.bundle --key alice.pub.pem --key bob.pub.pem --key carol.pub.pem --threshold 2 --min-serial 41
  toolward verify acme.bundle --key iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w=
  toolward verify acme.bundle --digest-only

Exit status: 0 the bundle is trusted, 1 it is not, 2 error.")]
pub struct Verify {
    /// The bundle
    #[arg(value_name = "BUNDLE")]
    bundle: PathBuf,
    /// A trusted public key: a file (PEM, JWK, key set, base64), or the key itself in base64; may be repeated
    #[arg(short, long, value_name = "KEY", required_unless_present = "digest_only")]
    key: Vec<String>,
    /// Number of different keys that must have signed [default: all given keys]
    #[arg(long, value_name = "NUMBER", requires = "key")]
    threshold: Option<usize>,
    /// Lowest serial number to accept
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    min_serial: u64,
    /// Verify no signature, only that the file is undamaged
    #[arg(long, conflicts_with_all = ["key", "threshold"])]
    digest_only: bool,
    /// Write the result as JSON to standard output
    #[arg(long)]
    json: bool,
}

impl Verify {
    /// Verifies the bundle and prints the result.
    pub fn execute(self) -> anyhow::Result<ExitCode> {
        self.verify().or_else(|error| {
            eprintln!("toolward: {}", plain(&format!("{error:#}")));
            Ok(ExitCode::from(2))
        })
    }

    fn verify(&self) -> anyhow::Result<ExitCode> {
        let trust = self.trust()?;
        let outcome = Bundle::open(files::read_bundle(&self.bundle)?, &trust);
        let now = clock::seconds()?;
        let outcome = match outcome {
            Err(error) => Err(error.to_string()),
            Ok(bundle) => match bundle.not_after() {
                Some(end) if end <= now => Err(format!(
                    "bundle is valid until {}, which is past; compile a new one",
                    time::write(end)
                )),
                _ => Ok(bundle),
            },
        };
        match &outcome {
            _ if self.json => println!("{}", report(&outcome)),
            Ok(bundle) => println!("{}", plain(&format!("{}: {}", self.bundle.display(), told(bundle)))),
            Err(error) => {
                eprintln!("{}", plain(&format!("{}: refused: {error}", self.bundle.display())));
            }
        }
        Ok(if outcome.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn trust(&self) -> anyhow::Result<Trust> {
        if self.digest_only {
            return Ok(Trust::digest_only().with_min_serial(self.min_serial));
        }
        let mut trusted = Vec::new();
        for key in &self.key {
            trusted.extend(read_key(key)?);
        }
        let threshold = self.threshold.unwrap_or(trusted.len());
        Ok(Trust::new(trusted, threshold)?.with_min_serial(self.min_serial))
    }
}

/// The keys of a file, or the key that the argument itself is.
fn read_key(argument: &str) -> anyhow::Result<Vec<PublicKey>> {
    let path = Path::new(argument);
    if path.exists() {
        let place = || format!("key `{argument}`");
        let text = String::from_utf8(files::read(path, keys::MAX_FILE)?).with_context(place)?;
        return keys::public_keys(&text).with_context(place);
    }
    match keys::public_keys(argument) {
        Ok(found) => Ok(found),
        Err(_) => bail!("`--key`: neither a file nor an Ed25519 public key in base64"),
    }
}

fn told(bundle: &Bundle) -> String {
    let signers: Vec<String> = bundle.signers().iter().map(ToString::to_string).collect();
    let by = if signers.is_empty() {
        "whole, but no signature was checked".to_owned()
    } else {
        format!("verified, signed by {}", signers.join(", "))
    };
    let end = bundle.not_after().map_or(String::new(), |end| format!(", valid until {}", time::write(end)));
    format!("{by}; revision {}, serial {}{end}", bundle.revision(), bundle.serial())
}

fn report(outcome: &Result<Bundle, String>) -> Value {
    match outcome {
        Ok(bundle) => json!({
            "result": "verified",
            "revision": bundle.revision(),
            "serial": bundle.serial(),
            "not_after": bundle.not_after().map(time::write),
            "signers": bundle.signers().iter().map(ToString::to_string).collect::<Vec<_>>(),
        }),
        Err(error) => json!({"result": "refused", "error": error}),
    }
}
