//! `toolward keygen`: keys that bundles are signed with.

use super::files;
use crate::keys;
use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use policy_wasm::bundle::PublicKey;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Arguments of `toolward keygen`.
#[derive(Args)]
#[command(after_help = "Examples:
  toolward keygen --out release.pem              a new key; its public half goes into `bundle.keys`
  toolward keygen --public release.pem           the public half of a key that is there
  openssl genpkey -algorithm ed25519 | toolward keygen --public /dev/stdin --format pem")]
pub struct Keygen {
    /// File for the new private key: PKCS#8 PEM, mode 0600; never overwrites
    #[arg(short, long, value_name = "FILE", required_unless_present = "public")]
    out: Option<PathBuf>,
    /// Make no key: print the public half of this private or public key
    #[arg(long, value_name = "FILE", conflicts_with = "out")]
    public: Option<PathBuf>,
    /// Form of the public half on standard output
    #[arg(long, value_enum, default_value_t = Form::Jwk)]
    format: Form,
}

#[derive(Clone, Copy, ValueEnum)]
enum Form {
    /// A JWK, for `bundle.keys` and for `verify --key`.
    Jwk,
    /// 32 bytes in standard base64, for the same.
    Base64,
    /// SubjectPublicKeyInfo in PEM, for other tools.
    Pem,
}

impl Keygen {
    /// Makes the key, or reads it, and prints its public half.
    pub fn execute(self) -> anyhow::Result<ExitCode> {
        let key = match (&self.out, &self.public) {
            (_, Some(path)) => public_half(path)?,
            (Some(path), None) => {
                let pem = keys::generate();
                files::create(path, pem.as_bytes(), Some(0o600)).context("keys are not overwritten")?;
                let key = keys::BundleKey::from_pem(&pem)?.public().clone();
                eprintln!(
                    "key {}: the private half is in `{}`, who reads it can sign policies",
                    key.id(),
                    path.display()
                );
                key
            }
            (None, None) => bail!("give `--out FILE`, or `--public FILE`"),
        };
        match self.format {
            Form::Jwk => println!("{}", keys::jwk(&key)),
            Form::Base64 => println!("{}", keys::base64(&key)),
            Form::Pem => print!("{}", keys::pem(&key)?),
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn public_half(path: &Path) -> anyhow::Result<PublicKey> {
    let place = || format!("key `{}`", path.display());
    let text = String::from_utf8(files::read(path, keys::MAX_FILE)?).with_context(place)?;
    if text.contains("PRIVATE KEY-----") {
        return Ok(keys::BundleKey::from_pem(&text).with_context(place)?.public().clone());
    }
    match keys::public_keys(&text).with_context(place)?.as_slice() {
        [key] => Ok(key.clone()),
        several => bail!("`{}` holds {} keys, expected one", path.display(), several.len()),
    }
}
