//! The fuzz targets' bodies, run over their corpus and over so many changes of it: the part of fuzzing that needs no
//! nightly compiler. Not a search: `tests/fuzz/README.md` says how to search.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests may stop at the first surprise"
)]

#[path = "../../tests/fuzz/bodies/mod.rs"]
mod bodies;

use std::fs;
use std::path::{Path, PathBuf};

/// Changes of each file of a corpus; fewer where the code is not optimised.
const CHANGES: u64 = if cfg!(debug_assertions) { 50 } else { 400 };
/// Values that are near an end of what a field holds.
const EDGES: [u32; 8] = [0, 1, 2, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFE, 0xFFFF_FFFF, 0x0100];

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz")
}

/// The files of a folder, in the order of their names.
fn files(folder: &Path) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Xorshift (Marsaglia 2003): the same changes in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % (end.max(1) as u64)).unwrap()
    }
}

/// One to four changes: a bit, a byte, an aligned field, a cut, bytes of another file.
fn changed(numbers: &mut Numbers, corpus: &[Vec<u8>], original: &[u8]) -> Vec<u8> {
    let mut bytes = original.to_vec();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(bytes.len());
        match numbers.below(8) {
            0 | 1 if at < bytes.len() => bytes[at] ^= 1 << numbers.below(8),
            2 if at < bytes.len() => bytes[at] = numbers.next().to_le_bytes()[0],
            3..=5 if bytes.len() >= 4 => {
                let at = numbers.below(bytes.len() / 4) * 4;
                let value = match numbers.below(3) {
                    0 => EDGES[numbers.below(EDGES.len())],
                    1 => u32::try_from(numbers.below(64)).unwrap(),
                    _ => u32::try_from(numbers.below(bytes.len())).unwrap(),
                };
                bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
            }
            6 => bytes.truncate(at),
            _ => {
                let other = &corpus[numbers.below(corpus.len())];
                let from = numbers.below(other.len());
                let end = (from + numbers.below(64)).min(other.len());
                let room = bytes.len().min(at + (end - from));
                bytes.splice(at.min(room)..room, other[from..end].iter().copied());
            }
        }
    }
    bytes
}

#[test]
fn every_target_has_a_corpus_a_binary_and_an_entry() {
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    for (name, _) in bodies::TARGETS {
        assert!(!files(&fuzz().join("corpus").join(name)).is_empty(), "{name} has no corpus");
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} is not in tests/fuzz/Cargo.toml");
        let target = fs::read_to_string(fuzz().join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(target.contains(&format!("bodies::{name}::run(")), "{name} runs another body");
    }
}

#[test]
fn the_corpus_and_so_many_changes_of_it_are_survived() {
    for (name, body) in bodies::TARGETS {
        let corpus = files(&fuzz().join("corpus").join(name));
        for original in &corpus {
            body(original);
        }
        let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15);
        for original in &corpus {
            for _ in 0..CHANGES {
                body(&changed(&mut numbers, &corpus, original));
            }
        }
    }
}
