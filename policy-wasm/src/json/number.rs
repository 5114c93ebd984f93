//! Numbers: the grammar of RFC 8259 §6, and the range in which every reader agrees.

use super::JsonErrorKind;

/// Longest number in characters; a double never needs more than 25.
const MAX_LENGTH: usize = 64;
/// Decimal exponents outside −307..=307 overflow, become 0 or lose digits in a double (its smallest normal number is
/// 2.2e−308).
const MAX_EXPONENT: i32 = 307;

/// Reads the number that starts at `start`, and returns the offset after it.
pub(super) fn scan(bytes: &[u8], start: usize) -> Result<usize, (JsonErrorKind, usize)> {
    let digits = |mut at: usize| {
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at = at.wrapping_add(1);
        }
        at
    };
    let syntax = |at: usize| (JsonErrorKind::Syntax, at);

    let first = if bytes.get(start) == Some(&b'-') { start.wrapping_add(1) } else { start };
    let integer_end = digits(first);
    let integer_digits = integer_end.saturating_sub(first);
    if integer_digits == 0 || (integer_digits > 1 && bytes.get(first) == Some(&b'0')) {
        return Err(syntax(first));
    }
    let mut end = integer_end;
    if bytes.get(end) == Some(&b'.') {
        let fraction = end.wrapping_add(1);
        end = digits(fraction);
        if end == fraction {
            return Err(syntax(end));
        }
    }
    let mut exponent: i32 = 0;
    if let Some(b'e' | b'E') = bytes.get(end) {
        let mut at = end.wrapping_add(1);
        let negative = bytes.get(at) == Some(&b'-');
        if let Some(b'+' | b'-') = bytes.get(at) {
            at = at.wrapping_add(1);
        }
        end = digits(at);
        if end == at {
            return Err(syntax(end));
        }
        for digit in bytes.get(at..end).unwrap_or_default() {
            exponent = exponent.saturating_mul(10).saturating_add(i32::from(digit.wrapping_sub(b'0')));
        }
        if negative {
            exponent = exponent.wrapping_neg();
        }
    }
    let too_long = end.saturating_sub(start) > MAX_LENGTH;
    let weight = |places: usize| exponent.saturating_add(i32::try_from(places).unwrap_or(i32::MAX));
    let magnitude = weight(integer_digits.saturating_sub(1));
    // Zeros before the first digit of a fraction below 1 make it smaller, whatever its exponent is.
    let underflows = bytes.get(first) == Some(&b'0')
        && fraction_zeros(bytes.get(integer_end..end).unwrap_or_default())
            .is_some_and(|zeros| exponent.saturating_sub_unsigned(zeros.saturating_add(1)) < -MAX_EXPONENT);
    if too_long || underflows || magnitude.abs() > MAX_EXPONENT {
        return Err((JsonErrorKind::NumberOutOfRange, start));
    }
    Ok(end)
}

/// The zeros between the point and the first other digit; `None` if all digits are zeros.
fn fraction_zeros(rest: &[u8]) -> Option<u32> {
    let digits = rest.strip_prefix(b".")?.iter().take_while(|byte| byte.is_ascii_digit());
    let mut zeros = 0u32;
    for digit in digits {
        if *digit != b'0' {
            return Some(zeros);
        }
        zeros = zeros.saturating_add(1);
    }
    None
}
