//! The values of claims: names, lists, scopes, times.

use super::{TokenError, bounds};
use policy_wasm::json::Value;

/// A claim that may be absent, but not be something else.
pub(super) fn optional<'a, T>(
    value: Option<Value<'a>>,
    read: impl FnOnce(Value<'a>) -> Option<T>,
) -> Result<Option<T>, TokenError> {
    value.map(|value| read(value).ok_or(TokenError::ClaimsInvalid)).transpose()
}

/// A string that is not empty, has no control characters and at most `longest` bytes.
pub(super) fn name(value: Value<'_>, longest: usize) -> Option<String> {
    let text = value.as_str()?.decode();
    let usable = !text.is_empty() && text.len() <= longest && !text.chars().any(char::is_control);
    usable.then(|| text.into_owned())
}

/// Names: a list, or a string for a list of one; the empty string is an empty list. A token's size bounds the list.
pub(super) fn names(value: Value<'_>) -> Option<Vec<String>> {
    match value.as_str() {
        Some(text) if text.is("") => Some(Vec::new()),
        Some(_) => Some(vec![name(value, bounds::NAME_BYTES)?]),
        None => list(value, bounds::TOKEN_BYTES, bounds::NAME_BYTES),
    }
}

/// A list of strings as [`name`] reads them, at most `most`.
pub(super) fn list(value: Value<'_>, most: usize, longest: usize) -> Option<Vec<String>> {
    let mut out = Vec::new();
    for element in value.as_array()?.elements() {
        if out.len() >= most {
            return None;
        }
        out.push(name(element, longest)?);
    }
    Some(out)
}

/// `aud`: a string, or an array of strings with at least one (RFC 7519 §4.1.3).
pub(super) fn audiences(value: Value<'_>) -> Option<Vec<String>> {
    if value.as_str().is_some() {
        return Some(vec![name(value, bounds::URL_BYTES)?]);
    }
    list(value, bounds::AUDIENCES, bounds::URL_BYTES).filter(|audiences| !audiences.is_empty())
}

/// Scope tokens: a string with blanks between them (RFC 6749 §3.3; several blanks count as one), or a list of them.
pub(super) fn scopes(value: Value<'_>) -> Option<Vec<String>> {
    let is_scope = |scope: &str| {
        scope.len() <= bounds::NAME_BYTES
            && scope.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
    };
    let scopes: Vec<String> = match value.as_str() {
        Some(text) => text.decode().split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned).collect(),
        None => list(value, bounds::TOKEN_BYTES, bounds::NAME_BYTES)?,
    };
    scopes.iter().all(|scope| is_scope(scope)).then_some(scopes)
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Round {
    Up,
    Down,
}

/// A NumericDate in whole seconds; fractions are dropped.
pub(super) fn seconds_down(value: Value<'_>) -> Option<u64> {
    seconds(value, Round::Down)
}

/// A NumericDate (RFC 7519 §2): an integer or a fraction, from 1970 to 9999.
pub(super) fn seconds(value: Value<'_>, round: Round) -> Option<u64> {
    let whole = match value.as_integer() {
        Some(integer) => u64::try_from(integer).ok()?,
        None => rounded(value.as_number()?, round)?,
    };
    (whole <= bounds::LATEST_SECONDS).then_some(whole)
}

/// A JSON number, rounded to a whole number that is not negative, digit by digit. The standard library's
/// reader of doubles is 17 KB of code and tables.
fn rounded(number: &str, round: Round) -> Option<u64> {
    let (negative, number) = match number.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, number),
    };
    let (mantissa, exponent) = match number.find(['e', 'E']) {
        Some(at) => (number.get(..at)?, number.get(at.checked_add(1)?..)?.parse::<i32>().ok()?),
        None => (number, 0),
    };
    let digits = || mantissa.bytes().filter(|byte| *byte != b'.').map(|byte| byte.wrapping_sub(b'0'));
    let integer_digits = mantissa.bytes().take_while(|byte| *byte != b'.').count();
    // The number of digits before the point. The reader of JSON bounds the exponent, and so this number.
    let point = i32::try_from(integer_digits).ok()?.checked_add(exponent)?.max(0);
    let point = usize::try_from(point).ok()?;
    let mut whole = 0u64;
    for digit in digits().chain(std::iter::repeat(0)).take(point) {
        whole = whole.checked_mul(10)?.checked_add(u64::from(digit))?;
    }
    let fraction = digits().skip(point).any(|digit| digit != 0);
    let outwards = fraction && (round == Round::Up) != negative;
    let whole = if outwards { whole.checked_add(1)? } else { whole };
    (!negative || whole == 0).then_some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_and_exponents_are_rounded_as_asked() {
        for (number, down, up) in [
            ("1.5", Some(1), Some(2)),
            ("1795213500.0", Some(1_795_213_500), Some(1_795_213_500)),
            ("1795213500.9999999999999", Some(1_795_213_500), Some(1_795_213_501)),
            ("1.7952135005e9", Some(1_795_213_500), Some(1_795_213_501)),
            ("17952135005E-1", Some(1_795_213_500), Some(1_795_213_501)),
            ("1e+3", Some(1000), Some(1000)),
            ("5e-300", Some(0), Some(1)),
            ("0e300", Some(0), Some(0)),
            ("0.000", Some(0), Some(0)),
            ("-0", Some(0), Some(0)),
            ("-0.0e5", Some(0), Some(0)),
            ("-0.5", None, Some(0)),
            ("-1.5", None, None),
            ("1e300", None, None),
            ("18446744073709551615.5", Some(u64::MAX), None),
            ("18446744073709551616", None, None),
        ] {
            assert_eq!(rounded(number, Round::Down), down, "{number}");
            assert_eq!(rounded(number, Round::Up), up, "{number}");
        }
    }
}
