//! Lints as problems, with the line that each is about.

use super::Lint;
use crate::compile::{SourceFile, quote};
use crate::source::{MAX_PROBLEMS, Problem, Problems};
use std::collections::BTreeMap;

/// Each lint as `told` puts it, with its excerpt where the file has its line; in the same order.
pub fn quoted<'l>(
    lints: &'l [Lint],
    files: &[SourceFile],
    told: impl Fn(&Lint) -> Problem,
) -> Vec<(&'l Lint, Problem)> {
    let mut all = Vec::new();
    // A list of problems has a limit, lints have none.
    for lints in lints.chunks(MAX_PROBLEMS) {
        let problems = Problems::new();
        lints.iter().for_each(|lint| problems.push(told(lint)));
        files.iter().for_each(|file| quote(&problems, &file.name, &file.text));
        let known: BTreeMap<_, _> = problems
            .to_vec()
            .into_iter()
            .map(|p| ((p.file.clone(), p.position, p.message.clone()), p))
            .collect();
        all.extend(lints.iter().map(|lint| {
            let plain = told(lint);
            let key = (plain.file.clone(), plain.position, plain.message.clone());
            (lint, known.get(&key).cloned().unwrap_or(plain))
        }));
    }
    all
}
