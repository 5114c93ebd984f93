//! `toolward fmt`: one layout for policy files, with every comment kept.
//!
//! ```text
//! text ─yaml─> Node (refuses what a policy cannot hold)
//!   └──tree──> Tree ─comments─> Notes ─write─> text ─yaml─> Node: the same, with the same comments, or refused
//! ```
//!
//! Keys come in the order of the documentation, and maps and lists are indented by two. Simple words lose their quotes;
//! other quoted strings get double quotes. A value on one line stays there if it fits in 100 characters. Maps with keys
//! of the author's choice, lists and blank lines keep their order.

mod comments;
mod tree;
mod write;

#[cfg(test)]
mod tests;

use super::{SourceFile, whole, yaml};
use crate::source::{Node, Problems, Value};

/// Formats one policy file. The result means the same, and has the same comments.
///
/// # Errors
/// The file has parts that policies cannot have, or a comment or value would be lost.
///
/// ```
/// use policy_wasm::compile::{SourceFile, format};
///
/// let text = "tiers: [ read,'write' ] # two\npolicy:   toolward/v1\n".to_owned();
/// let formatted = format(&SourceFile { name: "p.yaml".to_owned(), text }).unwrap();
/// assert_eq!(formatted, "policy: toolward/v1\ntiers: [read, write] # two\n");
/// ```
pub fn format(file: &SourceFile) -> Result<String, Problems> {
    let problems = Problems::new();
    let before = yaml::read(&file.name, &file.text, &problems);
    let refuse = |why: &str| {
        let problems = Problems::new();
        problems.push(whole(&file.name, &format!("not formatted, because {why}")));
        problems
    };
    let Some(before) = before.filter(|_| problems.is_empty()) else {
        super::quote(&problems, &file.name, &file.text);
        return Err(problems);
    };
    if !matches!(before.value, Value::Map(_)) {
        return Err(refuse("it is not a map"));
    }
    let source: Vec<char> = file.text.chars().collect();
    let mut tree = tree::read(&file.text, &source).ok_or_else(|| refuse("it was not understood"))?;
    let comments = comments::find(&source, &tree).map_err(|why| refuse(&why))?;
    let notes = comments::attach(&comments, &mut tree, &source);
    let text = write::policy(&tree, &notes);
    let after = yaml::read(&file.name, &text, &problems);
    if !problems.is_empty() || !after.is_some_and(|after| same(&before, &after)) {
        return Err(refuse("its values could not be kept as they are; write long texts on one line"));
    }
    let written: Vec<char> = text.chars().collect();
    let again = tree::read(&text, &written).and_then(|tree| comments::find(&written, &tree).ok());
    let sorted = |comments: Vec<comments::Comment>| {
        let mut texts: Vec<String> = comments.into_iter().map(|comment| comment.text).collect();
        texts.sort();
        texts
    };
    if again.map(sorted) != Some(sorted(comments)) {
        return Err(refuse("a comment could not be kept; move it to a line of its own"));
    }
    Ok(text)
}

/// Whether two trees have the same contents, in any order of keys.
fn same(left: &Node<'_>, right: &Node<'_>) -> bool {
    match (&left.value, &right.value) {
        (Value::List(left), Value::List(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Value::Map(left), Value::Map(right)) => {
            let right: std::collections::BTreeMap<_, _> =
                right.iter().map(|entry| (&entry.key, &entry.value)).collect();
            left.len() == right.len()
                && left
                    .iter()
                    .all(|entry| right.get(&entry.key).is_some_and(|value| same(&entry.value, value)))
        }
        (left, right) => left == right,
    }
}
