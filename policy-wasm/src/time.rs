//! Moments as text: RFC 3339, as people write them in policies, tests and questions.

/// Seconds of a day.
const DAY: u64 = 86_400;

/// Reads a moment: `2026-11-20T12:00:00Z`, with an offset instead of `Z`, with fractions of a second (which are
/// dropped), or a date alone, which is its first second in UTC. Gives Unix seconds; moments before 1970 and leap
/// seconds are not read.
///
/// Source: RFC 3339 §5.6.
pub fn read(text: &str) -> Option<u64> {
    let bytes = text.as_bytes();
    let year = number(bytes, 0, 4)?;
    let month = number(bytes, 5, 2)?;
    let day = number(bytes, 8, 2)?;
    let dashes = bytes.get(4) == Some(&b'-') && bytes.get(7) == Some(&b'-');
    if !dashes || !(1..=12).contains(&month) || !(1..=days_in(year, month)).contains(&day) {
        return None;
    }
    let date = days_before(year, month)?.checked_add(day.checked_sub(1)?)?.checked_mul(DAY)?;
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
    let (mut days, clock) = (moment / DAY, moment % DAY);
    // 400 years repeat; what is left is short enough to walk.
    const ERA: u64 = 146_097;
    let mut year = 1970_u64.saturating_add((days / ERA).saturating_mul(400));
    days %= ERA;
    while days >= days_of(year) {
        days = days.saturating_sub(days_of(year));
        year = year.saturating_add(1);
    }
    let mut month = 1;
    while month < 12 && days >= days_in(year, month) {
        days = days.saturating_sub(days_in(year, month));
        month = month.saturating_add(1);
    }
    let day = days.saturating_add(1);
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

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_of(year: u64) -> u64 {
    if is_leap(year) { 366 } else { 365 }
}

fn days_in(year: u64, month: u64) -> u64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to the first of the month.
fn days_before(year: u64, month: u64) -> Option<u64> {
    let leaps = |year: u64| {
        let year = year.checked_sub(1)?;
        (year / 4).checked_sub(year / 100)?.checked_add(year / 400)
    };
    let years = year.checked_sub(1970)?;
    let leap_days = leaps(year)?.checked_sub(leaps(1970)?)?;
    let months: u64 = (1..month).map(|month| days_in(year, month)).sum();
    years.checked_mul(365)?.checked_add(leap_days)?.checked_add(months)
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
    fn what_is_no_moment_is_not_read() {
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
        fn what_is_written_is_read_again(moment in 0..253_402_300_800_u64) {
            prop_assert_eq!(read(&write(moment)), Some(moment));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,30}", moment: u64) {
            let _ = read(&text);
            let _ = write(moment);
        }
    }
}
