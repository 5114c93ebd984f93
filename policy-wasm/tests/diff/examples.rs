//! Every value of the example policies, changed in turn.

use crate::{is_told, settings_alone};
use policy_wasm::bundle::{Bundle, Trust};
use policy_wasm::compile::{Options, SourceFile, compile, read_yaml};
use policy_wasm::source::{Node, Problems, Value};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

fn as_json(node: &Node<'_>) -> serde_json::Value {
    match &node.value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(value) => json!(value),
        Value::Number(text) => serde_json::from_str(text).unwrap_or_else(|_| json!(text)),
        Value::String(text) => json!(text),
        Value::List(list) => list.iter().map(as_json).collect(),
        Value::Map(map) => map.iter().map(|entry| (entry.key.to_string(), as_json(&entry.value))).collect(),
    }
}

fn places(value: &serde_json::Value, path: &str, out: &mut Vec<String>) {
    out.push(path.to_owned());
    let step = |key: &str| format!("{path}/{}", key.replace('~', "~0").replace('/', "~1"));
    match value {
        serde_json::Value::Array(list) => {
            list.iter().enumerate().for_each(|(at, value)| places(value, &step(&at.to_string()), out));
        }
        serde_json::Value::Object(map) => map.iter().for_each(|(key, value)| places(value, &step(key), out)),
        _ => {}
    }
}

/// Everything that one place can be changed to: another value, and nothing.
fn mutations(whole: &serde_json::Value, place: &str) -> Vec<serde_json::Value> {
    let mut values = Vec::new();
    match whole.pointer(place).unwrap() {
        serde_json::Value::String(text) => {
            for other in ["read", "destructive", "monitor", "48h", "deny"] {
                values.push(json!(other));
            }
            values.push(json!(format!("{text}x")));
        }
        serde_json::Value::Number(number) => {
            let number = number.as_i64().unwrap_or(5);
            values.extend([json!(number + 1), json!(number - 1), json!(1), json!(1_000_000)]);
        }
        serde_json::Value::Bool(value) => values.push(json!(!value)),
        serde_json::Value::Array(list) => {
            values.push(json!([]));
            values.push(list.iter().rev().skip(1).cloned().collect());
        }
        _ => {}
    }
    let put = |value: serde_json::Value| {
        let mut changed = whole.clone();
        *changed.pointer_mut(place).unwrap() = value;
        changed
    };
    let mut out: Vec<serde_json::Value> = values.into_iter().map(put).collect();
    if let Some((parent, key)) = place.rsplit_once('/') {
        let mut changed = whole.clone();
        match changed.pointer_mut(parent).unwrap() {
            serde_json::Value::Array(list) => drop(list.remove(key.parse().unwrap())),
            serde_json::Value::Object(map) => drop(map.remove(&key.replace("~1", "/").replace("~0", "~"))),
            _ => panic!("{parent}"),
        }
        out.push(changed);
    }
    out
}

/// Each scalar, list and key of the example policies in turn.
#[test]
fn every_change_of_the_examples_is_reported_by_name() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/policies");
    let (mut tried, mut differ) = (0, 0);
    for example in ["bank", "enterprise", "team"] {
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(folder.join(example)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if name.ends_with(".yaml") && !name.ends_with(".test.yaml") {
                let text = fs::read_to_string(&path).unwrap();
                files.insert(name.clone(), as_json(&read_yaml(&name, &text, &Problems::new()).unwrap()));
            }
        }
        let open = |files: &BTreeMap<String, serde_json::Value>| {
            let options = Options { revision: Some("r".to_owned()), ..Options::default() };
            let source = |(name, value): (&String, &serde_json::Value)| SourceFile {
                name: name.clone(),
                text: value.to_string(),
            };
            let bytes = compile(&files.iter().map(source).collect::<Vec<_>>(), &options).ok()?;
            Some(Bundle::open(bytes, &Trust::digest_only()).unwrap())
        };
        let old = open(&files).unwrap_or_else(|| panic!("{example} does not compile as JSON"));
        for (file, whole) in files.clone() {
            let mut all = Vec::new();
            places(&whole, "", &mut all);
            for place in all {
                for changed in mutations(&whole, &place) {
                    tried += 1;
                    files.insert(file.clone(), changed);
                    if let Some(new) = open(&files).filter(|new| !old.differs_from(new).is_empty()) {
                        differ += 1;
                        let found = settings_alone(&old, &new);
                        let parts = old.differs_from(&new);
                        assert!(
                            is_told(&found),
                            "{example}, {file}{place} = {:?}: {parts:?}",
                            files[&file].pointer(&place)
                        );
                    }
                }
            }
            files.insert(file, whole);
        }
    }
    assert!(tried > 2000 && differ > 500, "{tried} tried, {differ} bundles differ");
}
