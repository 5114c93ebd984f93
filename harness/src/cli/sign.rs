//! `toolward sign`: adds signatures to a bundle.

use super::files;
use super::visible::plain;
use crate::keys::BundleKey;
use anyhow::Context as _;
use clap::Args;
use policy_wasm::bundle::{Bundle, Trust, Unverified};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Arguments of `toolward sign`.
#[derive(Args)]
#[command(after_help = "Examples:
  toolward sign acme.bundle --key release.pem
  toolward sign acme.bundle --key alice.pem --key bob.pem --output acme.signed.bundle

A second person signs the file that the first one signed; the order does not matter.
Look at what you sign: `toolward inspect acme.bundle`.")]
pub struct Sign {
    /// The bundle
    #[arg(value_name = "BUNDLE")]
    bundle: PathBuf,
    /// A private key, Ed25519 in PKCS#8 PEM; may be repeated
    #[arg(short, long, value_name = "FILE", required = true)]
    key: Vec<PathBuf>,
    /// File for the signed bundle [default: the bundle itself, replaced in one step]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Sign {
    /// Signs with every key, and writes nothing unless all could.
    pub fn execute(self) -> anyhow::Result<ExitCode> {
        let bytes = files::read_bundle(&self.bundle)?;
        // A signer vouches for readable content, so an unreadable bundle is not signed.
        let place = || format!("`{}`", self.bundle.display());
        let read = Bundle::open(bytes.clone(), &Trust::digest_only()).with_context(place)?;
        let bytes = with_keys(bytes, &self.key).with_context(place)?;
        let output = self.output.as_ref().unwrap_or(&self.bundle);
        files::replace(output, &bytes)?;
        let signatures: Vec<String> =
            Unverified::open(bytes)?.signatures().map(|key| key.to_string()).collect();
        let (revision, serial, signatures) = (read.revision(), read.serial(), signatures.join(", "));
        let told =
            format!("{}: revision {revision}, serial {serial}, signed by {signatures}", output.display());
        eprintln!("{}", plain(&told));
        Ok(ExitCode::SUCCESS)
    }
}

/// The bundle with a signature of every key.
pub(super) fn with_keys(bytes: Vec<u8>, keys: &[PathBuf]) -> anyhow::Result<Vec<u8>> {
    keys.iter().try_fold(bytes, |bytes, path| {
        warn_if_shared(path);
        BundleKey::from_file(path)?.sign(bytes)
    })
}

/// A key that others can read is used all the same: in some machines the files' modes are not theirs to choose.
fn warn_if_shared(path: &Path) {
    let shared =
        std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o077 != 0);
    if shared {
        let told = format!("toolward: others can read the private key `{}`; `chmod 600` it", path.display());
        eprintln!("{}", plain(&told));
    }
}
