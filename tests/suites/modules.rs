//! Modules import each other in one direction.
//!
//! The modules of a folder, and those at the top of a crate, form a graph. An arrow leads from a module to each neighbour
//! whose path it names, or a module below it. The graph has no circles but those of [`CIRCLES`]. A name that the parent
//! exports again counts as a name of the module that defines it. The test ignores names that the parent defines itself, and
//! test modules.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use syn::{Item, UseTree};

/// A module's path from the crate's root: its name is the last, the root's is empty.
type Name = Vec<String>;

/// A circle inside a folder that may stay.
struct Circle {
    krate: &'static str,
    /// The folder, as a path of modules.
    folder: &'static str,
    /// The modules that need each other, in order.
    members: &'static [&'static str],
    /// Why it may stay.
    reason: &'static str,
}

const CIRCLES: &[Circle] = &[
    Circle {
        krate: "filter",
        folder: "config",
        members: &["messages", "servers"],
        reason: "a server's settings may name its own path for messages, and that path is checked against all servers",
    },
    Circle {
        krate: "filter",
        folder: "sealed_id",
        members: &["active_session", "session_policy"],
        reason: "the policy opens sessions, and an active session is kept as the policy says",
    },
    Circle {
        krate: "filter",
        folder: "sealed_id",
        members: &["hmac_form", "key_ring"],
        reason: "the key ring opens ids of the old form too",
    },
    Circle {
        krate: "policy-wasm",
        folder: "bundle",
        members: &["item", "principal", "rule", "server"],
        reason: "views of one bundle that lead to each other: a server's items, an item's rules, a rule's principals",
    },
    Circle {
        krate: "policy-wasm",
        folder: "condition::compile",
        members: &["call", "check"],
        reason: "recursive descent: a call checks its arguments, which may be calls",
    },
    Circle {
        krate: "policy-wasm",
        folder: "pdp",
        members: &["caller", "evaluation"],
        reason: "one evaluation, whose methods are in two files",
    },
];

/// One module of a crate.
#[derive(Default)]
struct Module {
    /// Paths that the module names, from the crate's root.
    named: BTreeSet<Name>,
    /// Names that `use` declarations import, with their paths from the crate's root.
    imported: BTreeMap<String, Name>,
}

/// All modules of a crate outside tests.
#[derive(Default)]
struct Tree(BTreeMap<Name, Module>);

/// Whether an item is there in tests only.
fn is_test(attributes: &[syn::Attribute]) -> bool {
    fn test_only(meta: &syn::Meta) -> bool {
        if meta.path().is_ident("test") {
            return true;
        }
        let syn::Meta::List(list) = meta else { return false };
        let parts = syn::punctuated::Punctuated::<syn::Meta, syn::Token![,]>::parse_terminated;
        list.path.is_ident("all")
            && list.parse_args_with(parts).is_ok_and(|parts| parts.iter().any(test_only))
    }
    let conditions = attributes.iter().filter(|attribute| attribute.path().is_ident("cfg"));
    conditions.filter_map(|cfg| cfg.parse_args::<syn::Meta>().ok()).any(|meta| test_only(&meta))
}

fn attributes(item: &Item) -> &[syn::Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// The path from the crate's root, of a path that module `at` names; `None` for one of another crate or of a local name.
fn from_root(at: &[String], path: &[String]) -> Option<Name> {
    let (first, mut rest) = path.split_first()?;
    let mut name = at.to_vec();
    match first.as_str() {
        "crate" => name.clear(),
        "self" => {}
        "super" => {
            name.pop()?;
        }
        _ => return None,
    }
    while let Some((_, more)) = rest.split_first().filter(|(next, _)| *next == "super") {
        name.pop()?;
        rest = more;
    }
    name.extend(rest.iter().cloned());
    Some(name)
}

/// The paths of a `use` declaration, each with the name that it gets here; `*` for a glob.
fn use_paths(tree: &UseTree, before: &[String], found: &mut Vec<(Vec<String>, String)>) {
    let with = |name: &syn::Ident| before.iter().cloned().chain([name.to_string()]).collect::<Vec<_>>();
    match tree {
        UseTree::Path(path) => use_paths(&path.tree, &with(&path.ident), found),
        UseTree::Name(name) if name.ident == "self" => {
            found.push((before.to_vec(), before.last().cloned().unwrap_or_default()));
        }
        UseTree::Name(name) => found.push((with(&name.ident), name.ident.to_string())),
        UseTree::Rename(name) => found.push((with(&name.ident), name.rename.to_string())),
        UseTree::Glob(_) => found.push((before.to_vec(), "*".to_owned())),
        UseTree::Group(group) => group.items.iter().for_each(|tree| use_paths(tree, before, found)),
    }
}

/// The paths in code, macros' arguments among it, that begin with `crate`, `self` or `super`.
fn code_paths(tokens: TokenStream, found: &mut Vec<Vec<String>>) {
    let mut path: Vec<String> = Vec::new();
    let mut colons = 0;
    let mut end = |path: &mut Vec<String>| {
        if path.len() > 1 {
            found.push(std::mem::take(path));
        }
        path.clear();
    };
    let mut inner = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Ident(name) => {
                let name = name.to_string();
                if colons == 2 && !path.is_empty() {
                    path.push(name);
                } else {
                    end(&mut path);
                    if ["crate", "self", "super"].contains(&name.as_str()) {
                        path.push(name);
                    }
                }
                colons = 0;
            }
            TokenTree::Punct(mark) if mark.as_char() == ':' => colons += 1,
            TokenTree::Group(group) => {
                end(&mut path);
                colons = 0;
                inner.push(group.stream());
            }
            _ => {
                end(&mut path);
                colons = 0;
            }
        }
    }
    end(&mut path);
    for group in inner {
        code_paths(group, found);
    }
}

impl Tree {
    fn of(source: &Path) -> Tree {
        let mut tree = Tree::default();
        tree.file(&source.join("lib.rs"), source, Vec::new());
        tree
    }

    /// Reads a file, whose submodules lie in `folder`.
    fn file(&mut self, file: &Path, folder: &Path, at: Name) {
        let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        self.items(parsed.items, folder, at);
    }

    fn items(&mut self, items: Vec<Item>, folder: &Path, at: Name) {
        let mut module = Module::default();
        for item in items.into_iter().filter(|item| !is_test(attributes(item))) {
            match item {
                Item::Mod(inner) => {
                    let child: Name = at.iter().cloned().chain([inner.ident.to_string()]).collect();
                    let below = folder.join(inner.ident.to_string());
                    match inner.content {
                        Some((_, items)) => self.items(items, &below, child),
                        None => {
                            let file = below.with_extension("rs");
                            let file = if file.exists() { file } else { below.join("mod.rs") };
                            self.file(&file, &below, child);
                        }
                    }
                }
                Item::Use(item) => {
                    let mut paths = Vec::new();
                    use_paths(&item.tree, &[], &mut paths);
                    for (path, name) in paths {
                        // In `use`, the first name is a submodule's unless it is a crate's.
                        let target = from_root(&at, &path)
                            .unwrap_or_else(|| at.iter().chain(&path).cloned().collect::<Name>());
                        module.named.insert(target.clone());
                        module.imported.insert(name, target);
                    }
                }
                item => {
                    let mut paths = Vec::new();
                    code_paths(item.into_token_stream(), &mut paths);
                    module.named.extend(paths.iter().filter_map(|path| from_root(&at, path)));
                }
            }
        }
        self.0.insert(at, module);
    }

    /// The module that defines the item of a path.
    fn owner(&self, path: &[String], steps: usize) -> Option<Name> {
        let mut at = Name::new();
        for (index, part) in path.iter().enumerate() {
            let mut below = at.clone();
            below.push(part.clone());
            if self.0.contains_key(&below) {
                at = below;
                continue;
            }
            let imported = self.0.get(&at)?.imported.get(part);
            let Some(target) = imported.filter(|_| steps > 0) else { break };
            let through: Name = target.iter().chain(&path[index + 1..]).cloned().collect();
            return self.owner(&through, steps - 1).filter(|owner| !owner.is_empty()).or(Some(at));
        }
        Some(at)
    }

    /// For each folder: which of its modules needs which neighbour, with an example of a place.
    fn arrows(&self) -> BTreeMap<Name, BTreeMap<(String, String), String>> {
        let mut arrows: BTreeMap<Name, BTreeMap<(String, String), String>> = BTreeMap::new();
        for (from, module) in &self.0 {
            for path in &module.named {
                let Some(to) = self.owner(path, 8) else { continue };
                let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
                if let (Some(a), Some(b)) = (from.get(shared), to.get(shared)) {
                    let example = format!("{} names {}", from.join("::"), path.join("::"));
                    let folder = arrows.entry(from[..shared].to_vec()).or_default();
                    folder.entry((a.clone(), b.clone())).or_insert(example);
                }
            }
        }
        arrows
    }
}

/// Groups of modules in which each reaches each other.
fn circles(arrows: &BTreeMap<(String, String), String>) -> BTreeSet<Vec<String>> {
    let reach = |from: &String| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
        while let Some(at) = open.pop() {
            for (_, to) in arrows.keys().filter(|(from, _)| from == at) {
                if seen.insert(to) {
                    open.push(to);
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&String, BTreeSet<&String>> =
        arrows.keys().map(|(from, _)| (from, reach(from))).collect();
    let mutual =
        |a: &String, b: &String| reached[a].contains(b) && reached.get(b).is_some_and(|b| b.contains(a));
    reached
        .iter()
        .filter(|(from, reached)| reached.contains(**from))
        .map(|(from, reached)| reached.iter().filter(|to| mutual(from, to)).map(|to| (*to).clone()).collect())
        .collect()
}

/// The problems of a crate's modules.
fn problems(krate: &str, source: &Path) -> Vec<String> {
    let tree = Tree::of(source);
    let arrows = tree.arrows();
    let listed = |folder: &str, members: &[String]| {
        let mut circles = CIRCLES.iter().filter(|circle| circle.krate == krate && circle.folder == folder);
        circles.any(|circle| circle.members == members && !circle.reason.is_empty())
    };
    let mut problems = Vec::new();
    let mut found = BTreeSet::new();
    for (folder, arrows) in &arrows {
        let folder = folder.join("::");
        for members in circles(arrows) {
            found.insert((folder.clone(), members.clone()));
            if listed(&folder, &members) {
                continue;
            }
            let inside = arrows.iter().filter(|((a, b), _)| members.contains(a) && members.contains(b));
            let examples: Vec<String> =
                inside.map(|((a, b), at)| format!("\n    {a} -> {b}: {at}")).collect();
            problems.push(format!("{krate}::{folder}: {} {}", members.join(", "), examples.concat()));
        }
    }
    for circle in CIRCLES.iter().filter(|circle| circle.krate == krate) {
        let members: Vec<String> = circle.members.iter().map(|name| (*name).to_owned()).collect();
        if !found.contains(&(circle.folder.to_owned(), members)) {
            problems.push(format!("{krate}::{}: listed, but not there: {:?}", circle.folder, circle.members));
        }
    }
    problems
}

fn source(krate: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").join(krate).join("src")
}

#[test]
fn modules_import_each_other_in_one_direction() {
    let crates = ["policy-wasm", "filter", "harness"];
    let problems: Vec<String> = crates.iter().flat_map(|krate| problems(krate, &source(krate))).collect();
    assert!(problems.is_empty(), "{} circles:\n{}", problems.len(), problems.join("\n"));
}

#[test]
fn a_circle_at_the_top_is_never_listed() {
    assert!(CIRCLES.iter().all(|circle| !circle.folder.is_empty()));
}
