//! Times and durations: RFC 3339 and CEL's duration strings, in seconds and nanoseconds.

use crate::calendar::Date;

/// A time since 1970-01-01T00:00:00Z, or a duration. Nanoseconds count forwards, so that the order of the fields is
/// the order of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment {
    pub(super) seconds: i64,
    /// 0 to 999,999,999.
    pub(super) nanos: u32,
}

const SECOND: u32 = 1_000_000_000;
const DAY: i64 = 86_400;
const NANOS: i64 = 1_000_000_000;
/// 0001-01-01T00:00:00Z and the second before 10000-01-01T00:00:00Z: CEL's range.
const TIMES: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;
/// CEL's range of durations: about 10,000 years.
const DURATIONS: std::ops::RangeInclusive<i64> = -315_576_000_000..=315_576_000_000;

impl Moment {
    /// This time, if it is in CEL's range.
    pub(super) fn as_time(self) -> Option<Moment> {
        TIMES.contains(&self.seconds).then_some(self)
    }

    /// This duration, if it is in CEL's range.
    pub(super) fn as_duration(self) -> Option<Moment> {
        DURATIONS.contains(&self.seconds).then_some(self)
    }

    pub(super) fn plus(self, other: Moment) -> Option<Moment> {
        let nanos = self.nanos.checked_add(other.nanos)?;
        let seconds = self.seconds.checked_add(other.seconds)?.checked_add(i64::from(nanos / SECOND))?;
        Some(Moment { seconds, nanos: nanos % SECOND })
    }

    pub(super) fn negated(self) -> Option<Moment> {
        let seconds = self.seconds.checked_neg()?;
        match SECOND.checked_sub(self.nanos) {
            Some(nanos) if nanos < SECOND => Some(Moment { seconds: seconds.checked_sub(1)?, nanos }),
            _ => Some(Moment { seconds, nanos: 0 }),
        }
    }

    /// A part of a time, as CEL's `get…` functions return it.
    pub(super) fn part(self, part: Part, offset_minutes: i16) -> i64 {
        let shifted = Moment {
            seconds: self.seconds.saturating_add(i64::from(offset_minutes).wrapping_mul(60)),
            ..self
        };
        let of_day = shifted.seconds.rem_euclid(DAY);
        let (Date { year, month, day }, of_year) = Date::from_days(shifted.seconds.div_euclid(DAY));
        match part {
            Part::FullYear => year,
            Part::Month => month.wrapping_sub(1),
            Part::Date => day,
            Part::DayOfMonth => day.wrapping_sub(1),
            Part::DayOfYear => of_year,
            // 1970-01-01 was a Thursday.
            Part::DayOfWeek => shifted.seconds.div_euclid(DAY).wrapping_add(4).rem_euclid(7),
            Part::Hours => of_day / 3600,
            Part::Minutes => of_day / 60 % 60,
            Part::Seconds => of_day % 60,
            Part::Milliseconds => i64::from(self.nanos / 1_000_000),
        }
    }

    /// A duration in whole hours, minutes or seconds, towards zero.
    pub(super) fn whole(self, part: Part) -> Option<i64> {
        let up = i64::from(self.seconds < 0 && self.nanos > 0);
        let seconds = self.seconds.wrapping_add(up);
        match part {
            Part::Hours => Some(seconds / 3600),
            Part::Minutes => Some(seconds / 60),
            Part::Seconds => Some(seconds),
            _ => None,
        }
    }
}

/// Parts of a time. The number is part of the compiled form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Part {
    FullYear,
    Month,
    Date,
    DayOfMonth,
    DayOfYear,
    DayOfWeek,
    Hours,
    Minutes,
    Seconds,
    Milliseconds,
}

impl Part {
    pub(super) const ALL: [(Part, &'static str); 10] = [
        (Part::FullYear, "getFullYear"),
        (Part::Month, "getMonth"),
        (Part::Date, "getDate"),
        (Part::DayOfMonth, "getDayOfMonth"),
        (Part::DayOfYear, "getDayOfYear"),
        (Part::DayOfWeek, "getDayOfWeek"),
        (Part::Hours, "getHours"),
        (Part::Minutes, "getMinutes"),
        (Part::Seconds, "getSeconds"),
        (Part::Milliseconds, "getMilliseconds"),
    ];
}

/// Reads characters of a text one after the other.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn take(&mut self, wanted: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        wanted.contains(first).then(|| {
            self.0 = rest;
            *first
        })
    }

    /// Exactly this many digits.
    fn digits(&mut self, count: usize) -> Option<i64> {
        let (digits, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        let mut value = 0i64;
        for digit in digits {
            if !digit.is_ascii_digit() {
                return None;
            }
            value = value.checked_mul(10)?.checked_add(i64::from(digit.wrapping_sub(b'0')))?;
        }
        Some(value)
    }

    fn count(&self) -> usize {
        self.0.iter().take_while(|byte| byte.is_ascii_digit()).count()
    }

    /// A fraction behind the point, up to nanoseconds.
    fn fraction(&mut self) -> Option<u32> {
        let count = self.count();
        if !(1..=9).contains(&count) {
            return None;
        }
        let value = u32::try_from(self.digits(count)?).ok()?;
        value.checked_mul(10u32.checked_pow(u32::try_from(9usize.saturating_sub(count)).ok()?)?)
    }
}

/// Reads a time (RFC 3339): `2026-11-20T12:00:00Z`, with up to nine digits of a fraction, `Z` or an offset. Leap
/// seconds are refused: no decision may depend on which clock knows them.
pub(super) fn time(text: &str) -> Option<Moment> {
    let mut cursor = Cursor(text.as_bytes());
    let year = cursor.digits(4)?;
    cursor.take(b"-")?;
    let month = cursor.digits(2)?;
    cursor.take(b"-")?;
    let day = cursor.digits(2)?;
    cursor.take(b"Tt")?;
    let hour = cursor.digits(2)?;
    cursor.take(b":")?;
    let minute = cursor.digits(2)?;
    cursor.take(b":")?;
    let second = cursor.digits(2)?;
    let nanos = match cursor.take(b".") {
        Some(_) => cursor.fraction()?,
        None => 0,
    };
    let offset = match cursor.take(b"Zz+-")? {
        sign @ (b'+' | b'-') => offset_minutes(&mut cursor, sign)?,
        _ => 0,
    };
    let days = Date::new(year, month, day)?.days();
    if hour >= 24 || minute >= 60 || second >= 60 || !cursor.0.is_empty() {
        return None;
    }
    let of_day = hour.wrapping_mul(3600).wrapping_add(minute.wrapping_mul(60)).wrapping_add(second);
    let seconds =
        days.wrapping_mul(DAY).wrapping_add(of_day).wrapping_sub(i64::from(offset).wrapping_mul(60));
    Moment { seconds, nanos }.as_time()
}

fn offset_minutes(cursor: &mut Cursor<'_>, sign: u8) -> Option<i16> {
    let hours = cursor.digits(2)?;
    cursor.take(b":")?;
    let minutes = cursor.digits(2)?;
    if hours > 23 || minutes > 59 {
        return None;
    }
    let total = i16::try_from(hours.wrapping_mul(60).wrapping_add(minutes)).ok()?;
    Some(if sign == b'-' { total.wrapping_neg() } else { total })
}

/// Reads a time zone of a fixed offset: `UTC`, `+02:00`, `-05:30`, `02:00`.
#[cfg(feature = "compile")]
pub(super) fn zone(text: &str) -> Option<i16> {
    if text == "UTC" {
        return Some(0);
    }
    let mut cursor = Cursor(text.as_bytes());
    let sign = cursor.take(b"+-").unwrap_or(b'+');
    offset_minutes(&mut cursor, sign).filter(|_| cursor.0.is_empty())
}

/// Reads a duration such as `90s`, `1h30m`, `1.5h`, `-2m` or `0`. Units are `d` (24 hours), `h`, `m`, `s`, `ms`, `us`
/// and `ns`.
pub(super) fn duration(text: &str) -> Option<Moment> {
    const ZERO: Moment = Moment { seconds: 0, nanos: 0 };
    let mut cursor = Cursor(text.as_bytes());
    let sign = cursor.take(b"+-");
    if cursor.0 == b"0" {
        return Some(ZERO);
    }
    let mut total = ZERO;
    loop {
        let count = cursor.count();
        let whole = if count == 0 { None } else { Some(cursor.digits(count)?) };
        let fraction = match cursor.take(b".") {
            Some(_) => Some(cursor.fraction()?),
            None => None,
        };
        if whole.is_none() && fraction.is_none() {
            return None;
        }
        // The unit in seconds, or for small ones in nanoseconds.
        let (seconds, nanos): (i64, i64) = match cursor.take(b"dhmsun")? {
            b'd' => (86_400, 0),
            b'h' => (3_600, 0),
            b'm' if cursor.take(b"s").is_some() => (0, 1_000_000),
            b'm' => (60, 0),
            b's' => (1, 0),
            b'u' => cursor.take(b"s").map(|_| (0, 1_000))?,
            _ => cursor.take(b"s").map(|_| (0, 1))?,
        };
        let (whole, fraction) = (whole.unwrap_or(0), i64::from(fraction.unwrap_or(0)));
        let part = fraction.checked_mul(nanos)? / NANOS;
        let nanos =
            whole.checked_mul(nanos)?.checked_add(part)?.checked_add(fraction.checked_mul(seconds)?)?;
        let seconds = whole.checked_mul(seconds)?.checked_add(nanos / NANOS)?;
        total = total.plus(Moment { seconds, nanos: u32::try_from(nanos % NANOS).ok()? })?;
        if cursor.0.is_empty() {
            let signed = if sign == Some(b'-') { total.negated()? } else { total };
            return signed.as_duration();
        }
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_are_read_and_taken_apart() {
        let at = time("2026-11-21T08:27:40.5+02:00").unwrap();
        assert_eq!(at, Moment { seconds: 1_795_242_460, nanos: 500_000_000 });
        let part = |part| at.part(part, 0);
        assert_eq!(
            [Part::FullYear, Part::Month, Part::Date, Part::DayOfMonth, Part::DayOfYear].map(part),
            [2026, 10, 21, 20, 324]
        );
        assert_eq!([Part::DayOfWeek, Part::Hours, Part::Minutes].map(part), [6, 6, 27]);
        assert_eq!([Part::Seconds, Part::Milliseconds].map(part), [40, 500]);
        assert_eq!((at.part(Part::Hours, 120), at.part(Part::Date, -400)), (8, 20));
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("0001-01-01T00:00:00Z", -62_135_596_800),
            ("9999-12-31T23:59:59Z", 253_402_300_799),
            ("2000-02-29T00:00:00Z", 951_782_400),
        ] {
            assert_eq!(time(text).map(|at| at.seconds), Some(seconds), "{text}");
        }
    }

    #[test]
    fn texts_that_are_not_times_are_rejected() {
        for text in [
            "",
            "2026-11-21",
            "2026-11-21T08:27:40",
            "2026-13-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-11-21T24:00:00Z",
            "2026-11-21T23:59:60Z",
            "2026-11-21T08:27:40Z ",
            "0000-01-01T00:00:00Z",
            "2026-11-21T08:27:40.Z",
            "2026-11-21T08:27:40.1234567890Z",
            "2026-11-21T08:27:40+2:00",
            "0001-01-01T00:00:00+01:00",
            "+026-11-21T08:27:40Z",
            "2026-11-21 08:27:40Z",
        ] {
            assert_eq!(time(text), None, "{text}");
        }
    }

    #[test]
    fn durations_are_read() {
        for (text, seconds, nanos) in [
            ("0", 0, 0),
            ("90s", 90, 0),
            ("1h30m", 5400, 0),
            ("1.5h", 5400, 0),
            ("-2m", -120, 0),
            ("30d", 2_592_000, 0),
            ("1ms", 0, 1_000_000),
            ("-1ms", -1, 999_000_000),
            (".5s", 0, 500_000_000),
            ("2us", 0, 2_000),
            ("3ns", 0, 3),
            ("+1s", 1, 0),
        ] {
            assert_eq!(duration(text), Some(Moment { seconds, nanos }), "{text}");
        }
        for text in ["", "s", "1", "1x", "-", "1h 2m", "99999999999999h", "1.s", "400000000000s", "1y"] {
            assert_eq!(duration(text), None, "{text}");
        }
        assert_eq!(duration("-90.5s").unwrap().whole(Part::Minutes), Some(-1));
    }

    proptest! {
        #[test]
        fn a_time_that_is_written_is_read_as_the_same(seconds in -62_135_596_800i64..=253_402_300_799) {
            let at = Moment { seconds, nanos: 0 };
            let part = |part| at.part(part, 0);
            let text = format!(
                "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", part(Part::FullYear), part(Part::Month) + 1, part(Part::Date),
                part(Part::Hours), part(Part::Minutes), part(Part::Seconds)
            );
            prop_assert_eq!(time(&text), Some(at));
        }

        #[test]
        fn any_text_is_read_without_panic(text in ".{0,30}", like in "[-0-9:TZ.+hmsd]{0,30}") {
            for text in [text, like] {
                let _ = (time(&text), duration(&text));
            }
        }
    }
}
