//! Helpers shared by the test suites.

use std::path::{Path, PathBuf};

/// This folder.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

/// The filter that proxies load: what `TOOLWARD_WASM` names, else `dist/toolward.wasm`.
///
/// # Panics
/// Where it is not there: a suite that needs it does not pass without it.
#[allow(clippy::panic, reason = "a test without its subject must fail")]
pub fn wasm() -> PathBuf {
    let path = std::env::var_os("TOOLWARD_WASM")
        .map_or_else(|| folder().join("../dist/toolward.wasm"), PathBuf::from);
    if !path.exists() {
        panic!("`{}` is not there: `make wasm` builds it", path.display());
    }
    path
}
