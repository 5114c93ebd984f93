//! Helpers shared by the test suites.

pub mod exchange;
pub mod families;

use std::path::{Path, PathBuf};

/// This folder.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

/// The filter that proxies load: the file of `TOOLWARD_WASM`, else `dist/toolward.wasm`.
///
/// # Panics
/// Where it is not there: a suite that needs it does not pass without it.
pub fn wasm() -> PathBuf {
    built("TOOLWARD_WASM", "toolward.wasm", "make wasm")
}

/// The readers of policies for wasm: the file of `TOOLWARD_FUEL_GUEST`, else `dist/fuel_guest.wasm`.
///
/// # Panics
/// As [`wasm`].
pub fn fuel_guest() -> PathBuf {
    built("TOOLWARD_FUEL_GUEST", "fuel_guest.wasm", "make fuel-guest")
}

#[allow(clippy::panic, reason = "a test without its subject must fail")]
fn built(variable: &str, file: &str, how: &str) -> PathBuf {
    let path = std::env::var_os(variable).map_or_else(|| folder().join("../dist").join(file), PathBuf::from);
    if !path.exists() {
        panic!("`{}` is not there: `{how}` builds it", path.display());
    }
    path
}
