//! Errors of opening a bundle, with messages that say what to do.

use super::key_id::KeyId;
use super::layout;
use std::fmt;

/// Why a bundle is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleError {
    pub(super) kind: ErrorKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ErrorKind {
    NotABundle,
    Version { needed: u16 },
    Length { said: u64, found: u64 },
    Digest,
    Reserved,
    Sections,
    Contents,
    SignatureBlock,
    Unsignable,
    TooManySignatures,
    SignatureWrong { key: KeyId },
    Signatures { needed: usize, trusted: Vec<KeyId>, missing: Vec<KeyId>, strangers: Vec<KeyId> },
    Serial { found: u64, least: u64 },
}

impl From<ErrorKind> for BundleError {
    fn from(kind: ErrorKind) -> BundleError {
        BundleError { kind }
    }
}

impl fmt::Display for BundleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ErrorKind::NotABundle => f.write_str(
                "not a policy bundle: the label `toolward-bundle` is missing; make one with `toolward compile`",
            ),
            ErrorKind::Version { needed } => write!(
                f,
                "bundle needs a reader of format {needed}, this one reads format {}; update the reader or compile with \
                 an older compiler",
                layout::FORMAT
            ),
            ErrorKind::Length { said, found } => {
                write!(f, "bundle is cut off or padded: its header says {said} bytes, found {found} bytes")
            }
            ErrorKind::Digest => {
                f.write_str("bundle is damaged: its SHA-256 digest is not the one in its header; compile it again")
            }
            ErrorKind::Reserved => f.write_str("bundle uses header fields that this reader does not know"),
            ErrorKind::Sections => {
                f.write_str("bundle's section table is not as its format wants it; compile it again")
            }
            ErrorKind::Contents => {
                f.write_str("bundle's manifest, tiers or servers are unreadable; compile it again")
            }
            ErrorKind::SignatureBlock => f.write_str(
                "the bytes after the bundle's last section are not a signature block; compile and sign it again",
            ),
            ErrorKind::Unsignable => {
                f.write_str("bundle has format 1, which has no place for signatures; compile it again")
            }
            ErrorKind::TooManySignatures => {
                write!(f, "bundle has {} signatures already, and more are not read", layout::MAX_SIGNATURES)
            }
            ErrorKind::SignatureWrong { key } => write!(
                f,
                "the signature of key {key} is wrong: the bundle was changed after it was signed; sign it again if you \
                 know what it says"
            ),
            ErrorKind::Signatures { needed, trusted, missing, strangers } => {
                if trusted.is_empty() && strangers.is_empty() {
                    f.write_str("bundle is not signed")?;
                } else {
                    write!(f, "bundle has {} of {needed} signatures that are needed", trusted.len())?;
                }
                let word = if *needed == 1 { "signature" } else { "signatures" };
                write!(f, ": {needed} {word} of trusted keys needed")?;
                keys(f, "; signed by: ", trusted)?;
                keys(f, "; missing: ", missing)?;
                keys(f, "; there and not trusted: ", strangers)?;
                f.write_str("; sign it with `toolward sign`, or trust the key that signed it")
            }
            ErrorKind::Serial { found, least } => write!(
                f,
                "bundle has serial {found}, expected {least} or more: it is older than what is accepted here; compile \
                 it with a higher `serial`"
            ),
        }
    }
}

fn keys(f: &mut fmt::Formatter<'_>, before: &str, keys: &[KeyId]) -> fmt::Result {
    let mut before = before;
    for key in keys {
        write!(f, "{before}{key}")?;
        before = ", ";
    }
    Ok(())
}

impl std::error::Error for BundleError {}
