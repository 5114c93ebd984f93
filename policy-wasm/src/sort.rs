//! Sorting without a copy of the standard library's sort for each type: one such copy is 4 to 12 KB of the filter,
//! which every proxy compiles before it serves.

use std::cmp::Ordering;

/// The indices `0..count` in the order of `compare`; equal ones keep their order.
///
/// A merge sort with at most `count * log2(count)` comparisons for any input. At most `u32::MAX` indices.
pub fn sorted(count: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<u32> {
    let mut order: Vec<u32> = (0..u32::try_from(count).unwrap_or(u32::MAX)).collect();
    let mut merged: Vec<u32> = Vec::with_capacity(order.len());
    let mut run = 1usize;
    while run < order.len() {
        merged.clear();
        for pair in order.chunks(run.saturating_mul(2)) {
            let (mut left, mut right) = pair.split_at(run.min(pair.len()));
            while let (Some((a, after_a)), Some((b, after_b))) = (left.split_first(), right.split_first()) {
                if compare(*b as usize, *a as usize).is_lt() {
                    merged.push(*b);
                    right = after_b;
                } else {
                    merged.push(*a);
                    left = after_a;
                }
            }
            merged.extend_from_slice(left);
            merged.extend_from_slice(right);
        }
        std::mem::swap(&mut order, &mut merged);
        run = run.saturating_mul(2);
    }
    order
}

/// The items of a slice in their order; equal items keep the order of the slice.
pub fn in_order<T: Ord>(items: &[T]) -> impl Iterator<Item = &T> {
    let order = sorted(items.len(), &|a, b| items.get(a).cmp(&items.get(b)));
    order.into_iter().filter_map(|index| items.get(index as usize))
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn items_come_in_order_and_equal_ones_keep_theirs() {
        let words = ["pear", "fig", "apple", "fig", ""];
        assert_eq!(in_order(&words).copied().collect::<Vec<_>>(), ["", "apple", "fig", "fig", "pear"]);
        assert_eq!(sorted(5, &|a, b| words[a].len().cmp(&words[b].len())), [4, 1, 3, 0, 2]);
        for count in 0..70usize {
            let mixed = |a: usize, b: usize| (a * 37 % 11).cmp(&(b * 37 % 11));
            let mut expected: Vec<u32> = (0..count as u32).collect();
            expected.sort_by(|a, b| mixed(*a as usize, *b as usize));
            assert_eq!(sorted(count, &mixed), expected);
        }
        assert!(sorted(0, &|_, _| Ordering::Equal).is_empty());
        assert_eq!(sorted(100, &|_, _| Ordering::Equal), (0..100).collect::<Vec<_>>());
    }
}
