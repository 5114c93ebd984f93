//! The Gregorian calendar, in days since 1970-01-01, and nothing of time zones.

/// Days from 0001-01-01 to 1970-01-01.
const BEFORE_1970: i64 = 719_162;

/// A day of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Date {
    /// The year.
    pub year: i64,
    /// The month, 1 to 12.
    pub month: i64,
    /// The day of the month, from 1.
    pub day: i64,
}

impl Date {
    /// The day with these numbers; `None` if the calendar has no such day. Years before 1 are not supported.
    pub fn new(year: i64, month: i64, day: i64) -> Option<Date> {
        let exists = year >= 1 && (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
        exists.then_some(Date { year, month, day })
    }

    /// The day that is this many days after 1970-01-01, and its number in the year, from 0.
    pub fn from_days(days: i64) -> (Date, i64) {
        let mut rest = days.saturating_add(BEFORE_1970);
        let mut year = 1i64;
        // Cycles of 400, 100, 4 and 1 years. The last part of a cycle may be a day longer.
        for (length, years, most) in
            [(146_097i64, 400i64, i64::MAX), (36_524, 100, 3), (1_461, 4, i64::MAX), (365, 1, 3)]
        {
            let count = rest.div_euclid(length).min(most);
            year = year.saturating_add(count.saturating_mul(years));
            rest = rest.saturating_sub(count.saturating_mul(length));
        }
        let of_year = rest;
        let mut month = 1;
        while month < 12 && rest >= days_in(year, month) {
            rest = rest.saturating_sub(days_in(year, month));
            month = month.saturating_add(1);
        }
        (Date { year, month, day: rest.saturating_add(1) }, of_year)
    }

    /// Days since 1970-01-01.
    pub fn days(self) -> i64 {
        let before = self.year.saturating_sub(1);
        let leap_days = (before / 4).saturating_sub(before / 100).saturating_add(before / 400);
        let months: i64 = (1..self.month).map(|month| days_in(self.year, month)).sum();
        let years = before.saturating_mul(365).saturating_add(leap_days);
        years.saturating_add(months).saturating_add(self.day).saturating_sub(BEFORE_1970.saturating_add(1))
    }
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::arithmetic_side_effects, reason = "tests")]
    use super::*;
    use jiff::civil;

    #[test]
    fn every_day_of_ten_thousand_years_is_another_librarys_day() {
        let epoch = civil::date(1970, 1, 1);
        let mut expected = civil::date(1, 1, 1);
        let first = (expected - epoch).get_days().into();
        for days in first..=2_932_896_i64 {
            let (date, of_year) = Date::from_days(days);
            let of = (i64::from(expected.year()), i64::from(expected.month()), i64::from(expected.day()));
            assert_eq!((date.year, date.month, date.day), of, "{days}");
            assert_eq!(of_year + 1, i64::from(expected.day_of_year()), "{days}");
            assert_eq!((date.days(), Date::new(date.year, date.month, date.day)), (days, Some(date)));
            expected = expected.tomorrow().unwrap_or(expected);
        }
        assert_eq!(expected, civil::date(9999, 12, 31));
    }

    #[test]
    fn impossible_days_are_none() {
        for (year, month, day) in [
            (0, 1, 1),
            (2026, 0, 1),
            (2026, 13, 1),
            (2026, 2, 29),
            (1900, 2, 29),
            (2026, 4, 31),
            (2026, 1, 0),
        ] {
            assert_eq!(Date::new(year, month, day), None, "{year}-{month}-{day}");
        }
        assert!(Date::new(2000, 2, 29).is_some());
    }
}
