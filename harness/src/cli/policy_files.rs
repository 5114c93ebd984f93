//! The files that commands read: policies, their tests, and times on the command line.

use super::files;
use anyhow::{Context as _, bail};
use policy_wasm::compile::{MAX_FILE, SourceFile};
use policy_wasm::time;
use std::fs;
use std::path::{Path, PathBuf};

pub(super) fn moment(text: &str) -> Result<u64, String> {
    time::read(text).ok_or_else(|| "expected a time such as `2027-01-01T00:00:00Z`, or a date".to_owned())
}

/// All files, as [`named`] finds them.
pub(super) fn read(paths: &[PathBuf]) -> anyhow::Result<Vec<SourceFile>> {
    named(paths)?.iter().map(|path| read_file(path)).collect()
}

/// All files, sorted by name within each directory. Given names are reported as given.
pub(super) fn named(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let inside = policies_in(path)?;
            if inside.is_empty() {
                bail!("no `*.yaml` or `*.yml` file in `{}`", path.display());
            }
            files.extend(inside);
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

/// The test files that are named, and those in directories of the policy.
pub(super) fn tests(policy: &[PathBuf], named: &[PathBuf]) -> anyhow::Result<Vec<SourceFile>> {
    let mut files = named.to_vec();
    for directory in policy.iter().filter(|path| path.is_dir()) {
        files.extend(files_in(directory)?.into_iter().filter(|path| is_test(path)));
    }
    files.iter().map(|path| read_file(path)).collect()
}

fn policies_in(directory: &Path) -> anyhow::Result<Vec<PathBuf>> {
    Ok(files_in(directory)?.into_iter().filter(|path| !is_test(path)).collect())
}

/// Every YAML file of a directory, in order.
fn files_in(directory: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(directory)
        .with_context(|| format!("cannot read directory `{}`", directory.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| format!("cannot read directory `{}`", directory.display()))?.path();
        let is_yaml = path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
        if is_yaml && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Whether the file has tests of a policy, which lie beside the policy but are not part of it.
pub(super) fn is_test(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.ends_with(".test.yaml") || name.ends_with(".test.yml")
}

/// The text of a policy or test file.
pub(super) fn read_file(path: &Path) -> anyhow::Result<SourceFile> {
    let name = path.display().to_string();
    let text = String::from_utf8(files::read(path, MAX_FILE as u64)?).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        anyhow::anyhow!("`{name}` is not UTF-8: byte {offset} begins no character")
    })?;
    Ok(SourceFile { name, text })
}
