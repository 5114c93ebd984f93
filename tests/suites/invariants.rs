//! Invariants of the tree itself: the core is free of I/O, and nothing in it can panic on data.

use quote::ToTokens as _;
use std::fs;
use std::path::{Path, PathBuf};
use toml_edit::{Item, TableLike};

/// Lints against panics on data. The workspace denies them; the core forbids them, so that no attribute allows them again.
const PANICS: [&str; 8] = [
    "unwrap_used",
    "expect_used",
    "panic",
    "indexing_slicing",
    "string_slice",
    "arithmetic_side_effects",
    "todo",
    "unimplemented",
];

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

fn toml(path: &Path) -> toml_edit::Document<String> {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn manifest(package: &str) -> toml_edit::Document<String> {
    toml(&root().join(package).join("Cargo.toml"))
}

/// Every table of a manifest that lists dependencies, with its path.
fn dependencies<'t>(at: &str, table: &'t dyn TableLike, found: &mut Vec<(String, &'t dyn TableLike)>) {
    for (name, item) in table.iter() {
        let Some(inner) = item.as_table_like() else { continue };
        let path = if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
        if name.ends_with("dependencies") {
            found.push((path, inner));
        } else {
            dependencies(&path, inner, found);
        }
    }
}

/// The engine runs in every host: only the filter's glue for proxies needs the proxy-wasm SDK (docs/decisions/0002).
#[test]
fn the_proxy_wasm_sdk_is_a_dependency_of_the_glue_alone() {
    let mut users = Vec::new();
    for package in ["policy-wasm", "policy-wasm/js", "filter", "harness", "tests"] {
        let manifest = manifest(package);
        let mut tables = Vec::new();
        dependencies("", manifest.as_table(), &mut tables);
        assert!(!tables.is_empty(), "{package} has no dependencies?");
        let using = tables.into_iter().filter(|(_, table)| table.contains_key("proxy-wasm"));
        users.extend(using.map(|(path, _)| format!("{package}: {path}")));
    }
    assert_eq!(users, ["filter: target.cfg(target_arch = \"wasm32\").dependencies"]);
}

#[test]
fn the_lints_that_forbid_panics_are_on() {
    let workspace = toml(&root().join("Cargo.toml"));
    let level = |tool: &str, lint: &str| {
        let lints = workspace.get("workspace")?.get("lints")?.get(tool)?;
        lints.get(lint).and_then(Item::as_str)
    };
    for lint in PANICS.iter().chain(&["allow_attributes_without_reason"]) {
        assert_eq!(level("clippy", lint), Some("deny"), "{lint}");
    }
    for lint in ["missing_docs", "unsafe_code"] {
        assert_eq!(level("rust", lint), Some("deny"), "{lint}");
    }
    for package in ["policy-wasm", "filter", "harness"] {
        let manifest = manifest(package);
        let inherited =
            manifest.get("lints").and_then(|lints| lints.get("workspace")).and_then(Item::as_bool);
        assert_eq!(inherited, Some(true), "{package} does not take the workspace's lints");
    }
}

/// The names in the crate's attribute `cfg_attr(not(test), forbid(…))`.
fn forbidden(package: &str) -> Vec<String> {
    let path = root().join(package).join("src/lib.rs");
    let text = fs::read_to_string(&path).expect("a readable source");
    let file = syn::parse_file(&text).expect("Rust");
    let comma = syn::punctuated::Punctuated::<syn::Meta, syn::Token![,]>::parse_terminated;
    let metas = |list: &syn::MetaList| list.parse_args_with(comma).expect("a list of attributes");
    let spelt = |meta: &syn::Meta| meta.to_token_stream().to_string().replace(' ', "");
    let mut names = Vec::new();
    for attribute in file.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg_attr")) {
        let parts = metas(attribute.meta.require_list().expect("a list"));
        let outside_tests = parts.first().is_some_and(|condition| spelt(condition) == "not(test)");
        let lists = parts.iter().skip(1).filter_map(|meta| meta.require_list().ok());
        for list in lists.filter(|list| outside_tests && list.path.is_ident("forbid")) {
            names.extend(metas(list).iter().map(spelt));
        }
    }
    names
}

/// `make lint` rejects every `allow` and `expect` of these lints in the core: a forbidden lint cannot be allowed again.
#[test]
fn the_core_forbids_panics_outside_its_tests() {
    for package in ["policy-wasm", "filter"] {
        let forbidden = forbidden(package);
        for lint in PANICS {
            assert!(forbidden.contains(&format!("clippy::{lint}")), "{package}: {lint} in {forbidden:?}");
        }
    }
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

/// Packages outside the workspace have lock files of their own, and are built with `--locked`. Each of them must list a
/// dependency that one of our packages gained.
#[test]
fn every_lock_file_knows_the_dependencies_of_our_packages() {
    let mut locks = Vec::new();
    lock_files(&root(), &mut locks);
    assert!(locks.len() > 5, "the lock files have moved: {locks:?}");
    let mut missing = Vec::new();
    for package in ["filter", "policy-wasm"] {
        let manifest = manifest(package);
        let own = manifest.get("dependencies").and_then(Item::as_table_like).expect("dependencies");
        let optional = |item: &Item| item.get("optional").and_then(Item::as_bool) == Some(true);
        let names: Vec<&str> = own.iter().filter(|(_, item)| !optional(item)).map(|(name, _)| name).collect();
        assert!(!names.is_empty(), "{package} has no dependencies?");
        for path in &locks {
            let lock = toml(path);
            let packages = lock.get("package").and_then(Item::as_array_of_tables).expect("packages");
            let ours = packages.iter().find(|entry| {
                entry.get("name").and_then(Item::as_str) == Some(package) && !entry.contains_key("source")
            });
            let Some(ours) = ours else { continue };
            let listed = ours.get("dependencies").and_then(Item::as_array).expect("dependencies");
            // With the version behind it, where the lock file has several.
            let listed: Vec<&str> =
                listed.iter().filter_map(|name| name.as_str()?.split(' ').next()).collect();
            let unknown = names.iter().filter(|name| !listed.contains(*name));
            missing.extend(unknown.map(|name| format!("{}: `{package}` without `{name}`", path.display())));
        }
    }
    assert!(missing.is_empty(), "run `cargo update --workspace` there:\n{}", missing.join("\n"));
}
