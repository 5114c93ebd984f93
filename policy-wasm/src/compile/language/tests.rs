//! Compares the table with the readers: each map of the table, with an unknown key.

use super::Shape;
use super::table::ROOT;
use crate::compile::{Options, SourceFile, read};
use std::collections::{BTreeMap, BTreeSet};

/// Flow YAML that leads to each map: its name, and the text around the map.
fn paths(
    shape: Shape,
    before: &str,
    after: &str,
    found: &mut BTreeMap<&'static str, (String, String, Shape)>,
) {
    match shape {
        Shape::Map(map) => {
            if found.contains_key(map.name) {
                return;
            }
            found.insert(map.name, (before.to_owned(), after.to_owned(), shape));
            for key in map.keys {
                let version = if map.name == "policy" { "policy: toolward/v1, " } else { "" };
                let before = format!("{before}{{{version}{}: ", key.name);
                paths(key.shape, &before, &format!("}}{after}"), found);
            }
        }
        Shape::Named(inner) => {
            paths(*inner, &format!("{before}{{elicitation/create: "), &format!("}}{after}"), found);
        }
        Shape::List(inner) => paths(*inner, &format!("{before}["), &format!("]{after}"), found),
        Shape::Either(all) => all.iter().for_each(|shape| paths(*shape, before, after, found)),
        _ => {}
    }
}

/// The keys that the reader lists when it meets `zzz_unknown`.
fn keys_of_reader(text: &str) -> BTreeSet<String> {
    let file = SourceFile { name: "p.yaml".to_owned(), text: text.to_owned() };
    let problems = read(&[file], &Options::default()).unwrap_err().to_vec();
    let told = problems
        .iter()
        .find(|problem| problem.path.ends_with("/zzz_unknown"))
        .unwrap_or_else(|| panic!("{text}: nobody minds an unknown key: {problems:?}"));
    let (_, list) = told.message.split_once("expected ").unwrap();
    list.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_key_of_the_readers_is_in_the_table_and_every_key_of_the_table_is_read() {
    let mut found = BTreeMap::new();
    paths(Shape::Map(&ROOT), "", "", &mut found);
    assert!(found.len() >= 20, "{}", found.len());
    for (name, (before, after, shape)) in found {
        let Shape::Map(map) = shape else { panic!() };
        // The readers of selectors list their keys only for a selector with one of their forms.
        let form = match name {
            "subject" => "id: x, ",
            "agent" | "actor" => "client: x, ",
            "server_selector" => "kind: corporate, ",
            _ => "",
        };
        let text = format!("{before}{{{form}zzz_unknown: 1}}{after}");
        let table: BTreeSet<String> = map.keys.iter().map(|key| key.name.to_owned()).collect();
        assert_eq!(keys_of_reader(&text), table, "{name}: {text}");
    }
}

#[test]
fn names_of_maps_and_their_keys_are_unique() {
    fn walk(shape: Shape, names: &mut BTreeMap<&'static str, Vec<&'static str>>) {
        match shape {
            Shape::Map(map) => {
                let keys: Vec<_> = map.keys.iter().map(|key| key.name).collect();
                let distinct: BTreeSet<_> = keys.iter().collect();
                assert_eq!(distinct.len(), keys.len(), "{}", map.name);
                if let Some(before) = names.insert(map.name, keys.clone()) {
                    assert_eq!(before, keys, "{}", map.name);
                    return;
                }
                map.keys.iter().for_each(|key| walk(key.shape, names));
            }
            Shape::Named(inner) | Shape::List(inner) => walk(*inner, names),
            Shape::Either(all) => all.iter().for_each(|shape| walk(*shape, names)),
            _ => {}
        }
    }
    walk(Shape::Map(&ROOT), &mut BTreeMap::new());
}

/// The keys that the page has in the table behind each `<!-- keys of … -->`.
fn keys_of_page() -> BTreeMap<String, BTreeSet<String>> {
    let page = include_str!("../../../../docs/policy.md");
    let mut found = BTreeMap::new();
    for part in page.split("<!-- keys of ").skip(1) {
        let (name, rest) = part.split_once(" -->\n").unwrap();
        let rows = rest.lines().take_while(|line| line.starts_with('|')).skip(2);
        let cells = rows.map(|row| row.split('|').nth(1).unwrap());
        let keys = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).map(str::to_owned).collect();
        assert!(found.insert(name.to_owned(), keys).is_none(), "two tables for {name}");
    }
    found
}

#[test]
fn the_page_has_every_key_of_the_table_and_no_other() {
    let mut maps = BTreeMap::new();
    paths(Shape::Map(&ROOT), "", "", &mut maps);
    let table: BTreeMap<String, BTreeSet<String>> = maps
        .into_iter()
        .map(|(name, (.., shape))| {
            let Shape::Map(map) = shape else { panic!() };
            (name.to_owned(), map.keys.iter().map(|key| key.name.to_owned()).collect())
        })
        .collect();
    assert_eq!(keys_of_page(), table);
}
