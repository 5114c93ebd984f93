//! Numbers, compared exactly: `0.1` is a tenth and 9007199254740993 is not 9007199254740992.
//!
//! Numbers are compared as texts: by sign, by the weight of their first digit, then digit by digit. They have at most
//! 64 characters (the reader's bound), so a comparison takes a few dozen steps.
//!
//! A server may read a number of a request into a double, which keeps 15 digits and rounds the others. A comparison
//! that such a server could answer differently has no answer. Otherwise 9007199254740993 would be one account here and
//! another one there.

use std::cmp::Ordering;

/// A number: as written in JSON or in a condition, or counted here.
#[derive(Debug, Clone, Copy)]
pub(super) enum Decimal<'a> {
    /// A number of a condition (RFC 8259 §6).
    Text(&'a str),
    /// A number of a request or a claim.
    Given(&'a str),
    /// Of `size()`, `getHours()` and the like.
    Int(i64),
}

/// The parts of a number.
struct Parts<'a> {
    negative: bool,
    /// Digits and at most one point, from the first nonzero digit; empty for zero.
    digits: &'a [u8],
    /// The power of ten that the first of `digits` counts.
    top: i64,
}

fn parts(text: &[u8]) -> Parts<'_> {
    let (negative, text) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        _ => (false, text),
    };
    let end = text.iter().position(|byte| matches!(byte, b'e' | b'E')).unwrap_or(text.len());
    let (mantissa, exponent) = text.split_at_checked(end).unwrap_or((text, &[]));
    let mut power = 0i64;
    for byte in exponent.iter().filter(|byte| byte.is_ascii_digit()) {
        power = power.saturating_mul(10).saturating_add(i64::from(byte.wrapping_sub(b'0'))).min(1 << 40);
    }
    if exponent.contains(&b'-') {
        power = power.wrapping_neg();
    }
    let point = mantissa.iter().position(|byte| *byte == b'.').unwrap_or(mantissa.len());
    let first = mantissa.iter().position(|byte| matches!(byte, b'1'..=b'9'));
    let Some(first) = first else { return Parts { negative: false, digits: &[], top: 0 } };
    // Before the point the weight falls from `point - 1` to 0; the point itself takes no place.
    let behind = i64::from(first < point);
    let weight = (point as i64).wrapping_sub(first as i64).wrapping_sub(behind);
    Parts { negative, digits: mantissa.get(first..).unwrap_or_default(), top: weight.saturating_add(power) }
}

fn magnitude(a: &Parts<'_>, b: &Parts<'_>) -> Ordering {
    match (a.digits.is_empty(), b.digits.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Less,
        (false, true) => return Ordering::Greater,
        (false, false) => {}
    }
    if a.top != b.top {
        return a.top.cmp(&b.top);
    }
    let mut left = a.digits.iter().filter(|byte| **byte != b'.');
    let mut right = b.digits.iter().filter(|byte| **byte != b'.');
    loop {
        let (x, y) = (left.next(), right.next());
        if x.is_none() && y.is_none() {
            return Ordering::Equal;
        }
        let order = x.unwrap_or(&b'0').cmp(y.unwrap_or(&b'0'));
        if order.is_ne() {
            return order;
        }
    }
}

/// Writes a number into the buffer, and returns the used part.
fn written(number: i64, buffer: &mut [u8; 20]) -> &[u8] {
    let mut rest = number.unsigned_abs();
    let mut start = buffer.len();
    for place in buffer.iter_mut().rev() {
        *place = b'0'.wrapping_add((rest % 10) as u8);
        start = start.wrapping_sub(1);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if number < 0
        && let Some(place) = start.checked_sub(1).and_then(|at| buffer.get_mut(at))
    {
        *place = b'-';
        start = start.wrapping_sub(1);
    }
    buffer.get(start..).unwrap_or_default()
}

/// Digits that a double keeps of any number (C's `DBL_DIG`).
const KEPT: usize = 15;
/// [`KEPT`] nines: one more and there is a digit more.
const ALL_NINES: u64 = 999_999_999_999_999;
/// The largest integer up to which doubles hold every one.
const LARGEST_SAFE: u64 = (1 << 53) - 1;

impl Parts<'_> {
    /// The first digits as a number of `count` digits, and whether any that follows is not 0.
    fn first(&self, count: usize) -> (u64, bool) {
        let mut digits = self.digits.iter().filter(|byte| **byte != b'.');
        let mut number = 0u64;
        for _ in 0..count {
            let digit = digits.next().map_or(0, |byte| byte.wrapping_sub(b'0'));
            number = number.wrapping_mul(10).wrapping_add(u64::from(digit));
        }
        (number, digits.any(|byte| *byte != b'0'))
    }

    /// Whether a double for this number could also stand for another number.
    fn rounds(&self) -> bool {
        let (_, more) = self.first(KEPT);
        let (integer, fraction) = self.first(KEPT.wrapping_add(1));
        more && (self.top != KEPT as i64 || fraction || integer > LARGEST_SAFE)
    }

    /// Whether rounding one of them to a double may change their order or make them equal: the kept digits differ by
    /// one at most.
    fn near(&self, other: &Parts<'_>) -> bool {
        if self.negative != other.negative || self.digits.is_empty() || other.digits.is_empty() {
            return false;
        }
        let (ours, theirs) = (self.first(KEPT).0, other.first(KEPT).0);
        match self.top.wrapping_sub(other.top) {
            0 => ours.abs_diff(theirs) <= 1,
            1 => theirs == ALL_NINES,
            -1 => ours == ALL_NINES,
            _ => false,
        }
    }
}

impl Decimal<'_> {
    /// The exact order; `None` if a reader that rounds [given](Decimal::Given) numbers to doubles could find another
    /// one.
    pub(super) fn compare(self, other: Decimal<'_>) -> Option<Ordering> {
        let (mut left, mut right) = ([0u8; 20], [0u8; 20]);
        let a = self.parts(&mut left);
        let b = other.parts(&mut right);
        let rounds =
            |number: Decimal<'_>, parts: &Parts<'_>| matches!(number, Decimal::Given(_)) && parts.rounds();
        if (rounds(self, &a) || rounds(other, &b)) && a.near(&b) {
            return None;
        }
        Some(match (a.negative, b.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => magnitude(&a, &b),
            (true, true) => magnitude(&b, &a),
        })
    }

    fn parts<'s>(&'s self, buffer: &'s mut [u8; 20]) -> Parts<'s> {
        match self {
            Decimal::Text(text) | Decimal::Given(text) => parts(text.as_bytes()),
            Decimal::Int(number) => parts(written(*number, buffer)),
        }
    }

    /// Whether it is written as an integer: without fraction or exponent.
    pub(super) fn is_integer(self) -> bool {
        match self {
            Decimal::Text(text) | Decimal::Given(text) => {
                !text.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E'))
            }
            Decimal::Int(_) => true,
        }
    }

    /// As an index into a list.
    pub(super) fn index(self) -> Option<u32> {
        match self {
            Decimal::Text(text) | Decimal::Given(text) => text.parse().ok(),
            Decimal::Int(number) => u32::try_from(number).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn compare(a: &str, b: &str) -> Ordering {
        let order = Decimal::Text(a).compare(Decimal::Text(b)).unwrap();
        assert_eq!(Decimal::Text(b).compare(Decimal::Text(a)), Some(order.reverse()), "{a} {b}");
        order
    }

    #[test]
    fn numbers_with_the_same_double_differ() {
        for (smaller, greater) in [
            ("9007199254740992", "9007199254740993"),
            ("0.1", "0.10000000000000000555"),
            ("1e307", "1.0000000000000000000001e307"),
            ("-1e-300", "0"),
            ("-2", "-1.5"),
            ("99", "1e2"),
            ("0.009", "0.01"),
            ("9.99", "10"),
        ] {
            assert_eq!(compare(smaller, greater), Ordering::Less, "{smaller} {greater}");
        }
        for (one, same) in [
            ("1", "1.0"),
            ("1", "1e0"),
            ("100", "1e2"),
            ("0", "-0.0e9"),
            ("0.5", "5e-1"),
            ("12.50", "1.25E+1"),
            ("0.00012", "12e-5"),
        ] {
            assert_eq!(compare(one, same), Ordering::Equal, "{one} {same}");
        }
    }

    #[test]
    fn numbers_that_a_server_could_round_are_not_compared() {
        for (given, said) in [
            ("9007199254740993", "9007199254740992"),
            ("9007199254740993", "9007199254740993"),
            ("99.99999999999999999999", "100"),
            ("-99.99999999999999999999", "-100"),
            ("100.0000000000000000001", "100"),
            ("0.30000000000000004", "0.3"),
            ("1e22", "1.0000000000000000000001e22"),
        ] {
            let answer = Decimal::Given(given).compare(Decimal::Text(said));
            let exact = given == "1e22";
            assert_eq!(answer.is_some(), exact, "{given} {said}");
        }
        for (given, said, order) in [
            ("9007199254740991", "9007199254740992", Ordering::Less),
            ("9007199254740993", "9007199254740900", Ordering::Greater),
            ("0.30000000000000004", "0.4", Ordering::Less),
            ("99.99999999999999999999", "-100", Ordering::Greater),
            ("99.99999999999999999999", "0", Ordering::Greater),
            ("250000.10", "250000.1", Ordering::Equal),
            ("1.50000000000000000000000", "1.5", Ordering::Equal),
        ] {
            assert_eq!(Decimal::Given(given).compare(Decimal::Text(said)), Some(order), "{given} {said}");
        }
    }

    proptest! {
        #[test]
        fn an_answer_holds_for_the_number_that_a_double_prints(
            given in "-?(0|[1-9][0-9]{0,18})(\\.[0-9]{1,18})?(e-?[0-9])?",
            said in "-?(0|[1-9][0-9]{0,5})(\\.[0-9]{1,4})?",
            digits in 0usize..20,
        ) {
            let rounded = format!("{}", given.parse::<f64>().unwrap());
            let near: String = given.chars().take(digits.max(3)).filter(|c| *c != 'e').collect();
            let near = near.trim_end_matches(['.', '-']);
            for said in [said.as_str(), near] {
                if let Some(order) = Decimal::Given(&given).compare(Decimal::Text(said)) {
                    prop_assert_eq!(compare(&given, said), order);
                    prop_assert_eq!(compare(&rounded, said), order, "{} {} {}", given, rounded, said);
                }
            }
        }

        #[test]
        fn integers_and_scaled_integers_compare_as_integers(a in any::<i64>(), b in any::<i64>(), scale in 0u32..6) {
            let expected = a.cmp(&b);
            let text = |n: i64| format!("{n}{}e-{scale}", "0".repeat(scale as usize));
            prop_assert_eq!(compare(&a.to_string(), &text(b)), expected);
            prop_assert_eq!(Decimal::Int(a).compare(Decimal::Int(b)), Some(expected));
            prop_assert_eq!(Decimal::Int(a).compare(Decimal::Text(&text(b))), Some(expected));
        }

        #[test]
        fn any_text_compares_without_panic(a in ".{0,40}", b in "[-0-9.eE+]{0,40}") {
            compare(&a, &b);
        }
    }
}
