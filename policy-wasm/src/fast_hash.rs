//! A quick fingerprint of bytes. It avoids most exact comparisons and never replaces one.
//!
//! Attackers can make bytes with equal fingerprints. Users of this module bound the cost of that (sorting, a set of
//! eight), and their answers do not depend on it.

/// A fingerprint of 64 bits: equal for equal bytes, and for few others. Eight bytes a step.
pub fn of(bytes: &[u8]) -> u64 {
    // An odd number with its bits well spread.
    let mix = |mark: u64, word: &[u8; 8]| {
        (mark ^ u64::from_le_bytes(*word)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
    };
    let (words, rest) = bytes.as_chunks::<8>();
    let mark = words.iter().fold(mix(0, &(bytes.len() as u64).to_le_bytes()), mix);
    match bytes.last_chunk::<8>() {
        Some(last) if !rest.is_empty() => mix(mark, last),
        Some(_) => mark,
        None => rest.iter().fold(mark, |mark, byte| mix(mark, &[*byte; 8])),
    }
}

/// Whether two texts are the same bytes. Eight bytes a step: on wasm `==` takes one.
pub fn same(a: &[u8], b: &[u8]) -> bool {
    let ((words_a, rest_a), (words_b, rest_b)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let equal = |(a, b): (&[u8; 8], &[u8; 8])| u64::from_le_bytes(*a) == u64::from_le_bytes(*b);
    a.len() == b.len() && words_a.iter().zip(words_b).all(equal) && rest_a == rest_b
}

#[cfg(test)]
mod tests {
    use super::{of, same};
    use std::collections::BTreeSet;

    #[test]
    fn every_byte_and_the_length_count() {
        let mut seen = BTreeSet::new();
        for length in 0..70usize {
            let base = vec![b'a'; length];
            assert_eq!(of(&base), of(&base.clone()));
            assert!(seen.insert(of(&base)), "{length} bytes");
            assert!(!same(&base, &[base.as_slice(), b"a"].concat()), "{length} bytes and one more");
            for place in 0..length {
                let mut other = base.clone();
                other[place] = b'b';
                assert!(seen.insert(of(&other)), "{length} bytes, byte {place}");
                assert!(same(&base, &base.clone()) && !same(&base, &other), "{length} bytes, byte {place}");
            }
        }
    }
}
