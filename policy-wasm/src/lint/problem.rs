//! Lints as problems, with the line that each is about.

use super::Lint;
use crate::compile::Quotes;
use crate::source::Problem;

/// Each lint as `told` puts it, with its excerpt where the file has its line; in the same order. `text_of` gives the
/// text of a file by its name. It is asked, and the text read, once for all lints of a file that stand together, as
/// [`super::lint`] gives them.
pub fn quoted<'l, 't>(
    lints: &'l [Lint],
    text_of: impl Fn(&str) -> Option<&'t str>,
    told: impl Fn(&Lint) -> Problem,
) -> Vec<(&'l Lint, Problem)> {
    let mut all = Vec::with_capacity(lints.len());
    for of_file in lints.chunk_by(|one, other| one.file == other.file) {
        let text = of_file.first().and_then(|lint| text_of(&lint.file));
        let quotes = text.map(Quotes::of);
        all.extend(of_file.iter().map(|lint| {
            let mut problem = told(lint).bounded();
            if let Some(quotes) = &quotes {
                quotes.quote(&mut problem);
            }
            (lint, problem)
        }));
    }
    all
}
