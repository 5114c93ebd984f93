//! The command line as a shell sees it.
#![allow(dead_code, reason = "each suite uses some of them")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// An empty directory of its own for each test.
pub fn directory(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if directory.exists() {
        fs::remove_dir_all(&directory).unwrap();
    }
    fs::create_dir_all(&directory).unwrap();
    directory
}

/// Runs `toolward` in a directory.
pub fn toolward(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_toolward")).current_dir(directory).args(arguments).output().unwrap()
}

/// The output of a program.
pub fn said(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
