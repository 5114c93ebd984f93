//! Reading and writing of files, with messages that name them.

use anyhow::{Context as _, bail};
use policy_wasm::bundle::{BundleError, Unverified};
use std::fs;
use std::path::{Path, PathBuf};

/// Most bytes of a bundle: its header counts them in 32 bits, and some signatures follow.
const MAX_BUNDLE: u64 = u32::MAX as u64 + 4096;

/// Writes beside the file and renames, so that nobody ever reads half of it.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    fs::write(&beside, bytes).with_context(|| format!("cannot write `{}`", beside.display()))?;
    fs::rename(&beside, path).with_context(|| format!("cannot write `{}`", path.display()))
}

/// The bytes of a bundle, which need not be one.
pub(super) fn read_bundle(path: &Path) -> anyhow::Result<Vec<u8>> {
    let place = || format!("cannot read `{}`", path.display());
    let length = fs::metadata(path).with_context(place)?.len();
    if length > MAX_BUNDLE {
        bail!("`{}` is {length} bytes long, no bundle is", path.display());
    }
    fs::read(path).with_context(place)
}

/// A bundle whose header and bounds fit.
pub(super) fn open_bundle(path: &Path) -> anyhow::Result<Unverified> {
    let place = |error: BundleError| anyhow::Error::new(error).context(format!("`{}`", path.display()));
    Unverified::open(read_bundle(path)?).map_err(place)
}
