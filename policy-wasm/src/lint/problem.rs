//! Lints as problems, with the line that each is about.

use super::Lint;
use crate::compile::Quotes;
use crate::source::Problem;

/// Each lint rendered by `render`, in the same order, with the excerpt of its line. `text_of` gives the text of a file by
/// its name. It is called once for all consecutive lints of a file, as [`super::lint`] orders them.
pub fn quoted<'l, 't>(
    lints: &'l [Lint],
    text_of: impl Fn(&str) -> Option<&'t str>,
    render: impl Fn(&Lint) -> Problem,
) -> Vec<(&'l Lint, Problem)> {
    let mut all = Vec::with_capacity(lints.len());
    for of_file in lints.chunk_by(|one, other| one.file == other.file) {
        let text = of_file.first().and_then(|lint| text_of(&lint.file));
        let quotes = text.map(Quotes::of);
        all.extend(of_file.iter().map(|lint| {
            let mut problem = render(lint).bounded();
            if let Some(quotes) = &quotes {
                quotes.quote(&mut problem);
            }
            (lint, problem)
        }));
    }
    all
}
