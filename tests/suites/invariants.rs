//! Invariants of the tree itself (DESIGN: the core is free of I/O; nothing can panic on data).

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

fn sources(below: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(below).expect("a source folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn core_sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    sources(&root().join("policy-wasm/src"), &mut found);
    sources(&root().join("filter/src"), &mut found);
    found.retain(|path| !path.starts_with(root().join("filter/src/host")));
    found.retain(|path| path.file_stem().is_some_and(|stem| stem != "tests"));
    assert!(found.len() > 30, "the sources have moved: {} files found", found.len());
    found
}

/// Invariant 1: `policy-wasm`, and `filter` outside `host`, name no clock, environment, file, randomness or host.
#[test]
fn the_core_names_neither_clock_nor_host() {
    let outside = [
        "SystemTime",
        "Instant",
        "std::env",
        "std::fs",
        "std::io",
        "std::net",
        "std::process",
        "std::thread",
        "RandomState",
        "HashMap",
        "HashSet",
        "getrandom",
        "thread_rng",
        "proxy_wasm::",
        "extern \"C\"",
        "static mut",
        "thread_local!",
    ];
    let mut named = Vec::new();
    for path in core_sources() {
        let text = fs::read_to_string(&path).expect("a readable source");
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for word in outside {
                if code.contains(word) {
                    named.push(format!("{}:{}: {word}", path.display(), number + 1));
                }
            }
        }
    }
    assert!(named.is_empty(), "the core must not know these:\n{}", named.join("\n"));
}

/// The engine runs in every host: only the filter's glue for proxies stands on the proxy-wasm SDK (docs/decisions/0002).
#[test]
fn the_proxy_wasm_sdk_is_a_dependency_of_the_glue_alone() {
    let manifest =
        |package: &str| fs::read_to_string(root().join(package).join("Cargo.toml")).expect("Cargo.toml");
    let names_it = |text: &str| text.lines().any(|line| line.starts_with("proxy-wasm"));
    for package in ["policy-wasm", "harness", "tests"] {
        assert!(!names_it(&manifest(package)), "{package}");
    }
    let filter = manifest("filter");
    let (everywhere, wasm) =
        filter.split_once("[target.'cfg(target_arch = \"wasm32\")'.dependencies]").expect("a section");
    assert!(!names_it(everywhere) && names_it(wasm), "{filter}");
}

/// What could panic on data is refused by the compiler, everywhere but in tests.
#[test]
fn the_lints_that_forbid_panics_are_on() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("Cargo.toml");
    for lint in [
        "unwrap_used",
        "expect_used",
        "panic",
        "indexing_slicing",
        "string_slice",
        "arithmetic_side_effects",
        "missing_docs",
        "unsafe_code",
    ] {
        assert!(manifest.contains(&format!("{lint} = \"deny\"")), "{lint} is not denied");
    }
    for member in ["policy-wasm", "filter", "harness"] {
        let manifest = fs::read_to_string(root().join(member).join("Cargo.toml")).expect("a manifest");
        assert!(
            manifest.contains("[lints]\nworkspace = true"),
            "{member} does not take the workspace's lints"
        );
    }
}

/// A lint is switched off only with a reason, outside the glue only in tests.
#[test]
fn the_core_switches_no_lint_off_outside_its_tests() {
    let mut found = Vec::new();
    for path in core_sources() {
        let text = fs::read_to_string(&path).expect("a readable source");
        let own = text.split("#[cfg(test)]").next().unwrap_or_default();
        if own.contains("allow(clippy::") || own.contains("allow(unsafe_code") {
            found.push(path.display().to_string());
        }
    }
    assert!(found.is_empty(), "lints switched off in: {}", found.join(", "));
}

fn lock_files(below: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(below).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && !path.is_symlink() && !name.starts_with('.') && name != "target" {
            lock_files(&path, found);
        } else if name == "Cargo.lock" {
            found.push(path);
        }
    }
}

/// Packages outside the workspace have lock files of their own, and are built with `--locked`: a dependency that one of
/// ours gained must stand in them too.
#[test]
fn every_lock_file_knows_the_dependencies_of_our_packages() {
    let mut locks = Vec::new();
    lock_files(&root(), &mut locks);
    assert!(locks.len() > 5, "the lock files have moved: {locks:?}");
    let mut missing = Vec::new();
    for package in ["filter", "policy-wasm"] {
        let manifest = fs::read_to_string(root().join(package).join("Cargo.toml")).expect("a manifest");
        let own = manifest.split("\n[dependencies]").nth(1).expect("dependencies");
        let own = own.split("\n[").next().unwrap_or_default();
        let always = own.lines().filter(|line| !line.contains("optional = true"));
        let names: Vec<&str> = always.filter_map(|line| Some(line.split_once(" = ")?.0)).collect();
        assert!(!names.is_empty(), "{package} has no dependencies?");
        for path in &locks {
            let text = fs::read_to_string(path).expect("a lock file");
            let entry = text.split("[[package]]").find(|entry| {
                entry.contains(&format!("\nname = \"{package}\"\n")) && !entry.contains("\nsource = ")
            });
            let Some(entry) = entry else { continue };
            for name in &names {
                if !entry.contains(&format!("\n \"{name}\"")) && !entry.contains(&format!("\n \"{name} ")) {
                    missing.push(format!("{}: `{package}` without `{name}`", path.display()));
                }
            }
        }
    }
    assert!(missing.is_empty(), "run `cargo update --workspace` there:\n{}", missing.join("\n"));
}
