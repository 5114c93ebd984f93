#![allow(clippy::indexing_slicing, reason = "tests")]
use super::*;
use crate::json::{self, Limits};
use proptest::prelude::*;

/// The digest of a definition that is still text; `None` if it is not strict JSON.
fn digest_text(text: &str) -> Result<[u8; 32], Option<DefinitionError>> {
    digest(json::parse(text.as_bytes(), &Limits { depth: MAX_DEPTH }).map_err(|_| None)?).map_err(Some)
}

fn canonical(text: &str) -> String {
    let value = json::parse(text.as_bytes(), &Limits::default()).expect("JSON");
    let mut out = Vec::new();
    let writer = Writer { ends: &Ends::of(value) };
    writer.write(value, MAX_DEPTH, &mut |bytes| out.extend_from_slice(bytes)).expect("shallow");
    String::from_utf8(out).expect("UTF-8")
}

#[test]
fn the_canonical_form_is_as_documented() {
    let cases = [
        (r#"{ "b" : 1, "a" : [ true, null ] }"#, r#"{"a":[true,null],"b":1}"#),
        // U+FB33 comes before U+1F600 here, after it in the order of UTF-16.
        (r#"{"\ud83d\ude00":1,"\ufb33":2,"\u20ac":3}"#, "{\"\u{20ac}\":3,\"\u{fb33}\":2,\"\u{1f600}\":1}"),
        (r#""\u0041\/\u000a\u001F\"\\\u007f\b\f\r\t""#, "\"A/\\n\\u001f\\\"\\\\\u{7f}\\b\\f\\r\\t\""),
        ("[0,-0,0.0,-0e5,1,100,1.50,-10,1e2,1E+2,12e-1]", "[0,0,0,0,1,1e2,15e-1,-1e1,1e2,1e2,12e-1]"),
        ("[10000000000000000000001,0.00100,1000e-3]", "[10000000000000000000001,1e-3,1]"),
        ("[[],{},\"\"]", "[[],{},\"\"]"),
    ];
    for (text, expected) in cases {
        assert_eq!(canonical(text), expected, "{text}");
    }
}

#[test]
fn known_digests() {
    // Made by Python's hashlib over the documented form: docs/definitions.md shows how.
    let cases = [
        (r#"{"name":"echo"}"#, include_str!("known-1.txt")),
        (
            r#"{"name":"search","description":"Finds \u00fc","inputSchema":{"type":"object","properties":{"limit":{"maximum":100.0}}},"annotations":{"readOnlyHint":true},"_meta":{"x":null}}"#,
            include_str!("known-2.txt"),
        ),
    ];
    for (text, expected) in cases {
        let hex: String =
            digest_text(text).expect("a digest").iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, expected.trim(), "{text}");
    }
}

#[test]
fn ambiguous_definitions_have_no_digest() {
    use DefinitionError::*;
    let cases = [
        ("[]", Some(NotAnObject)),
        ("null", Some(NotAnObject)),
        (r#"{"name":"a","Description":"b"}"#, Some(ResemblingKey)),
        (r#"{"name":"a","inputschema":{}}"#, Some(ResemblingKey)),
        (r#"{"name":"a","annotations":{"readonlyHint":true}}"#, Some(ResemblingKey)),
        (r#"{"name":"a","name":"b"}"#, None),
        (r#"{"name":"a","inputSchema":{"x":1,"\u0078":2}}"#, None),
        (r#"{"name""#, None),
    ];
    for (text, expected) in cases {
        assert_eq!(digest_text(text), Err(expected), "{text}");
    }
    let long = format!(r#"{{"name":"{}"}}"#, "x".repeat(MAX_DEFINITION));
    assert_eq!(digest_text(&long), Err(Some(TooLarge)));
    let properties = r#"{"name":"a","inputSchema":{"properties":{"Name":{},"name":{},"DESCRIPTION":{}}}}"#;
    assert!(digest_text(properties).is_ok(), "a schema may name arguments as it likes");
}

/// A JSON tree of a test.
#[derive(Debug, Clone)]
enum Tree {
    Leaf(String),
    Text(String),
    List(Vec<Tree>),
    Map(Vec<(String, Tree)>),
}

fn trees() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        Just(Tree::Leaf("true".into())),
        Just(Tree::Leaf("null".into())),
        (-1000i64..1000).prop_map(|n| Tree::Leaf(n.to_string())),
        (any::<i32>(), -20i32..20).prop_map(|(n, e)| Tree::Leaf(format!("{n}e{e}"))),
        any::<String>().prop_map(Tree::Text),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Tree::List),
            prop::collection::btree_map("[a-c\u{e9}\u{1f600}\"]{0,3}", inner, 0..5)
                .prop_map(|map| Tree::Map(map.into_iter().collect())),
        ]
    })
}

/// Writes a tree in one of many spellings.
fn spell(tree: &Tree, seed: u64, out: &mut String) {
    let space = if seed.is_multiple_of(2) { " \n" } else { "" };
    let next = |index: usize| seed.rotate_left(7) ^ (index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    out.push_str(space);
    match tree {
        Tree::Leaf(text) => {
            out.push_str(text);
            if seed.is_multiple_of(3) && text.parse::<i64>().is_ok() {
                out.push_str(".000e-0");
            }
        }
        Tree::Text(text) => spell_text(text, seed, out),
        Tree::List(list) => {
            out.push('[');
            for (index, item) in list.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                spell(item, next(index), out);
            }
            out.push(']');
        }
        Tree::Map(map) => {
            out.push('{');
            let mut members: Vec<_> = map.iter().enumerate().collect();
            if seed.is_multiple_of(5) {
                members.reverse();
            }
            for (place, (index, (key, value))) in members.into_iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                spell_text(key, next(index), out);
                out.push_str(space);
                out.push(':');
                spell(value, next(index), out);
            }
            out.push('}');
        }
    }
    out.push_str(space);
}

fn spell_text(text: &str, seed: u64, out: &mut String) {
    if seed.is_multiple_of(2) {
        return json::write_str(out, text);
    }
    out.push('"');
    for unit in text.encode_utf16() {
        out.push_str(&format!("\\u{unit:04x}"));
    }
    out.push('"');
}

/// Changes the leaf or container at a place counted from the front; whether there was one.
fn change(tree: &mut Tree, place: &mut usize) -> bool {
    if *place == 0 {
        *tree = match tree {
            Tree::Leaf(text) if text == "true" => Tree::Leaf("false".into()),
            Tree::Leaf(text) if text == "null" => Tree::Leaf("0".into()),
            Tree::Leaf(_) => Tree::Leaf("null".into()),
            Tree::Text(text) => Tree::Text(format!("{text}.")),
            Tree::List(list) => Tree::List([list.clone(), vec![Tree::Leaf("1".into())]].concat()),
            Tree::Map(map) => {
                Tree::Map([map.clone(), vec![("not there yet".into(), Tree::Leaf("1".into()))]].concat())
            }
        };
        return true;
    }
    *place = place.saturating_sub(1);
    match tree {
        Tree::List(list) => list.iter_mut().any(|tree| change(tree, place)),
        Tree::Map(map) => map.iter_mut().any(|(_, tree)| change(tree, place)),
        _ => false,
    }
}

proptest! {
    #[test]
    fn any_spelling_has_the_same_digest(tree in trees(), seed in any::<u64>()) {
        let whole = Tree::Map(vec![("name".into(), Tree::Text("t".into())), ("inputSchema".into(), tree)]);
        let (mut one, mut other) = (String::new(), String::new());
        spell(&whole, 1, &mut one);
        spell(&whole, seed, &mut other);
        prop_assert_eq!(digest_text(&one).expect("one"), digest_text(&other).expect("other"));
    }

    #[test]
    fn any_change_changes_the_digest(tree in trees(), place in 0usize..12, member in 0usize..6) {
        let member = ["inputSchema", "outputSchema", "annotations", "_meta", "icons", "unknown"][member];
        let mut changed = tree.clone();
        prop_assume!(change(&mut changed, &mut place.clone()));
        let spelt = |tree: Tree| {
            let mut out = String::new();
            spell(&Tree::Map(vec![("name".into(), Tree::Text("t".into())), (member.into(), tree)]), 1, &mut out);
            out
        };
        prop_assert_ne!(digest_text(&spelt(tree)).expect("one"), digest_text(&spelt(changed)).expect("other"));
    }
}
