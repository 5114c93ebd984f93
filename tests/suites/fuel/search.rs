//! A search for texts that cost more than the families do, from the corpus of the fuzz targets.

use super::*;

/// Xorshift (Marsaglia 2003): the same changes in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % (end.max(1) as u64)).unwrap()
    }
}

/// The files of a fuzz target's corpus.
fn fuzz_corpus(target: &str) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(folder().join("fuzz/corpus").join(target)).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// A text with a part of it, or of another one, repeated up to a size.
fn repeated(numbers: &mut Numbers, texts: &[String], size: usize) -> String {
    let part = |numbers: &mut Numbers, text: &str| -> String {
        let from = numbers.below(text.len());
        let length = 1 + numbers.below(40);
        text.chars().skip(from).take(length).collect()
    };
    let text = &texts[numbers.below(texts.len())];
    let at = numbers.below(text.chars().count());
    let (before, after): (String, String) =
        (text.chars().take(at).collect(), text.chars().skip(at).collect());
    let other = numbers.below(texts.len());
    let mut unit = part(numbers, &texts[other]);
    if numbers.below(3) == 0 {
        unit.push_str(UNITS[numbers.below(UNITS.len())]);
    }
    let times = size.saturating_sub(text.len()) / unit.len().max(1);
    format!("{before}{}{after}", unit.repeat(times))
}

#[test]
fn a_search_finds_nothing_that_costs_more_for_each_byte() {
    let rounds = std::env::var_os("TOOLWARD_FUEL_ROUNDS")
        .and_then(|rounds| rounds.to_str().and_then(|rounds| rounds.parse().ok()))
        .unwrap_or(300);
    let get =
        json!({"method": "GET", "add_headers": {"accept": "text/event-stream"}, "drop_headers": ["accept"]});
    for (target, asked, bound) in [("message", call("free", json!({})), 650), ("sse", get, 1000)] {
        let mut bench = Bench::new(&format!("search-{target}"), "asking.yaml", &wide(), &asked);
        let corpus = fuzz_corpus(target);
        let mut texts: Vec<String> =
            corpus.iter().map(|file| String::from_utf8_lossy(file).into_owned()).collect();
        let (mut numbers, mut worst) = (Numbers(0x9E37_79B9_7F4A_7C15), 0);
        for _ in 0..rounds {
            let text = repeated(&mut numbers, &texts, 4 * SMALL);
            let fuel = match target {
                "message" => bench.body(&text),
                _ => bench.answer("text/event-stream", &text, usize::MAX),
            };
            let per_byte = fuel.saturating_sub(FIXED) / text.len() as u64;
            assert!(per_byte <= bound, "{target}: {per_byte} a byte: {text:.400}");
            // A text that costs more than all before it is varied further.
            if per_byte > worst {
                worst = per_byte;
                texts.push(text.chars().take(500).collect());
            }
        }
        println!("{target}: {worst} of {bound} a byte");
    }
}
