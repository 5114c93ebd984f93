//! Golden files: the one place that reads `BLESS`. The tests of each crate include this file by its path.

/// Whether `BLESS=1` asks for golden files to be rewritten. Any other value compares them.
#[allow(clippy::disallowed_methods, reason = "the environment asks for golden files to be rewritten")]
pub fn bless() -> bool {
    std::env::var("BLESS").is_ok_and(|value| value == "1")
}
