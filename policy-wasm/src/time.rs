//! Moments as text: RFC 3339, as in policies, tests and queries.

use crate::calendar::Date;

/// Seconds of a day.
const DAY: u64 = 86_400;

/// Reads a moment as Unix seconds: `2026-11-20T12:00:00Z`, or a date alone for its first second in UTC. An offset may
/// replace `Z`; fractions of a second are dropped. Moments before 1970 and leap seconds are rejected.
///
/// Source: RFC 3339 §5.6.
pub fn read(text: &str) -> Option<u64> {
    let bytes = text.as_bytes();
    let (year, month, day) = (number(bytes, 0, 4)?, number(bytes, 5, 2)?, number(bytes, 8, 2)?);
    let dashes = bytes.get(4) == Some(&b'-') && bytes.get(7) == Some(&b'-');
    let signed = |number: u64| i64::try_from(number).ok();
    let date = Date::new(signed(year)?, signed(month)?, signed(day)?).filter(|_| dashes)?;
    let date = u64::try_from(date.days()).ok()?.checked_mul(DAY)?;
    if bytes.len() == 10 {
        return Some(date);
    }
    let (hour, minute, second) = (number(bytes, 11, 2)?, number(bytes, 14, 2)?, number(bytes, 17, 2)?);
    let separators = bytes.get(10).is_some_and(|byte| byte.eq_ignore_ascii_case(&b't'))
        && bytes.get(13) == Some(&b':')
        && bytes.get(16) == Some(&b':');
    if !separators || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let clock = seconds(hour, minute)?.checked_add(second)?;
    let rest = fraction(text.get(19..)?)?;
    let local = date.checked_add(clock)?;
    match rest.as_bytes() {
        [b'Z' | b'z'] => Some(local),
        [sign @ (b'+' | b'-'), offset @ ..] if offset.len() == 5 && offset.get(2) == Some(&b':') => {
            let (hours, minutes) = (number(offset, 0, 2)?, number(offset, 3, 2)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let offset = seconds(hours, minutes)?;
            if *sign == b'+' { local.checked_sub(offset) } else { local.checked_add(offset) }
        }
        _ => None,
    }
}

/// Writes Unix seconds as `2026-11-20T12:00:00Z`; years beyond 9999 are written with all their digits.
pub fn write(moment: u64) -> String {
    let clock = moment % DAY;
    let (Date { year, month, day }, _) = Date::from_days(i64::try_from(moment / DAY).unwrap_or(i64::MAX));
    let (hour, minute, second) = (clock / 3600, clock / 60 % 60, clock % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Drops `.` and the digits that follow it; a dot without digits is nothing that RFC 3339 knows.
fn fraction(text: &str) -> Option<&str> {
    match text.strip_prefix('.') {
        None => Some(text),
        Some(rest) => {
            let zone = rest.trim_start_matches(|character: char| character.is_ascii_digit());
            (zone.len() < rest.len()).then_some(zone)
        }
    }
}

fn seconds(hours: u64, minutes: u64) -> Option<u64> {
    hours.checked_mul(3600)?.checked_add(minutes.checked_mul(60)?)
}

fn number(bytes: &[u8], start: usize, length: usize) -> Option<u64> {
    let digits = bytes.get(start..start.checked_add(length)?)?;
    digits.iter().try_fold(0_u64, |value, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte & 0x0F))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn moments_are_read_as_rfc_3339_writes_them() {
        for (text, moment) in [
            ("1970-01-01", 0),
            ("1970-01-01T00:00:01Z", 1),
            ("2000-02-29T23:59:59Z", 951_868_799),
            ("2026-11-21T12:00:00Z", 1_795_262_400),
            ("2026-11-21t12:00:00z", 1_795_262_400),
            ("2026-11-21T12:00:00.999Z", 1_795_262_400),
            ("2026-11-21T13:30:00+01:30", 1_795_262_400),
            ("2026-11-21T10:00:00-02:00", 1_795_262_400),
            ("9999-12-31T23:59:59Z", 253_402_300_799),
        ] {
            assert_eq!(read(text), Some(moment), "{text}");
        }
    }

    #[test]
    fn texts_that_are_not_moments_are_rejected() {
        for text in [
            "",
            "2026",
            "2026-11",
            "2026-13-01",
            "2026-02-29",
            "2026-11-00",
            "2026/11/21",
            "2026-11-21 12:00:00Z",
            "2026-11-21T12:00:00",
            "2026-11-21T24:00:00Z",
            "2026-11-21T12:60:00Z",
            "2026-11-21T12:00:60Z",
            "2026-11-21T12:00Z",
            "2026-11-21T12:00:00.Z",
            "2026-11-21T12:00:00+0100",
            "2026-11-21T12:00:00+24:00",
            "1969-12-31",
            "1970-01-01T00:00:00+00:01",
            "+026-11-21",
            "2026-11-21T12:00:00ZZ",
            "2026-11-21Z",
            "é026-11-21",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_written_moment_reads_back(moment in 0..253_402_300_800_u64) {
            prop_assert_eq!(read(&write(moment)), Some(moment));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,30}", moment: u64) {
            let _ = read(&text);
            let _ = write(moment);
        }
    }
}
