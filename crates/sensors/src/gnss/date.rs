// SPDX-License-Identifier: MIT OR Apache-2.0
//! Days of the calendar, and what receivers get wrong about them.
//!
//! **Two digits of the year** (RMC) are read against a reference, the day on which the program was built: a receiver that this
//! program listens to cannot be at an earlier one, so a date before it is wrong. It may be far before: one whose count of weeks,
//! ten bits long, has rolled over is 1024 weeks early, or twice or three times that. So the hundred years among which a year is
//! sought begin 60 before the reference, but not before 1980, when GPS time does.
//!
//! **Weeks rolled over**: a date before the reference is flagged with how many weeks must be added to lie behind it. It is not
//! corrected. A receiver that has not learnt the time yet also says an early date (many begin at 1980-01-06), and only who
//! has another clock can tell the one from the other.

use std::cmp::Ordering;

const SECONDS_PER_DAY: i64 = 86_400;
pub(super) const NS_PER_SECOND: i64 = 1_000_000_000;
pub(super) const NS_PER_DAY: i64 = SECONDS_PER_DAY * NS_PER_SECOND;

/// No receiver of satellites was there before.
const FIRST_YEAR: u16 = 1980;
/// Up to here every time of a day is an `i64` of nanoseconds since 1970.
const LAST_YEAR: u16 = 2199;
/// How far a year of two digits lies before the reference at most: three times 1024 weeks and a little.
const YEARS_BACK: u16 = 60;
/// The count of weeks of GPS has ten bits.
const ROLLOVER_WEEKS: u16 = 1024;
const ROLLOVER_DAYS: i64 = ROLLOVER_WEEKS as i64 * 7;

/// A day of the Gregorian calendar, 1980 to 2199.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// The day, if there is one and it lies within the bounds.
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let is_valid = (FIRST_YEAR..=LAST_YEAR).contains(&year) && (1..=days_in(year, month)).contains(&day);
        is_valid.then_some(Self { year, month, day })
    }

    /// The day of which the year is known by its last two digits only, read against `reference`.
    pub(super) fn of_two_digits(year: u8, month: u8, day: u8, reference: Self) -> Option<Self> {
        let first = reference.year.saturating_sub(YEARS_BACK).max(FIRST_YEAR);
        let behind = (u16::from(year) + 100 - first % 100) % 100;
        Self::new(first + behind, month, day).filter(|_| year < 100)
    }

    /// The year, all four digits.
    pub fn year(self) -> u16 {
        self.year
    }

    /// The month, 1 to 12.
    pub fn month(self) -> u8 {
        self.month
    }

    /// The day of the month, 1 to 31.
    pub fn day(self) -> u8 {
        self.day
    }

    /// Days since 1970-01-01.
    pub(super) fn days(self) -> i64 {
        // A year that begins in March has its leap day at the end: so all its months begin at days that do not depend on it.
        let shift = i64::from(self.month < 3);
        let year = i64::from(self.year) - shift;
        let month = i64::from(self.month) + 12 * shift - 3;
        let leap_days = year / 4 - year / 100 + year / 400;
        365 * year + leap_days + (153 * month + 2) / 5 + i64::from(self.day) - DAYS_TO_1970
    }

    /// How many weeks too early the day is if the count of weeks has rolled over: what must be added for it not to lie before
    /// the reference. None if it does not.
    pub(super) fn weeks_early(self, reference: Self) -> Option<u16> {
        let before = reference.days() - self.days();
        (self.cmp(&reference) == Ordering::Less)
            .then(|| (before as u64).div_ceil(ROLLOVER_DAYS as u64) as u16 * ROLLOVER_WEEKS)
    }
}

/// From the 1st of March of the year 0 to 1970-01-01.
const DAYS_TO_1970: i64 = 719_469;

fn days_in(year: u16, month: u8) -> u8 {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 => 28 + u8::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    }
}

/// A time of the day as a receiver says it: UTC, to the nanosecond. 23:59:60, which ends a day with a leap second, is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeOfDay {
    ns: u64,
}

impl TimeOfDay {
    /// The time, if there is one. Second 60 is there at 23:59 only.
    pub(super) fn new(hour: u8, minute: u8, second: u8, fraction_ns: u32) -> Option<Self> {
        let is_leap_second = (hour, minute, second) == (23, 59, 60);
        let is_valid = hour < 24 && minute < 60 && (second < 60 || is_leap_second);
        let seconds = (u64::from(hour) * 60 + u64::from(minute)) * 60 + u64::from(second);
        let ns = seconds * NS_PER_SECOND as u64 + u64::from(fraction_ns);
        (is_valid && fraction_ns < NS_PER_SECOND as u32).then_some(Self { ns })
    }

    /// Nanoseconds since midnight; 86,400 s and more in a leap second.
    pub fn ns(self) -> u64 {
        self.ns
    }

    /// Whether it lies in a second that was inserted.
    pub fn is_leap_second(self) -> bool {
        self.ns >= NS_PER_DAY as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn date(year: u16, month: u8, day: u8) -> Date {
        Date::new(year, month, day).unwrap()
    }

    const REFERENCE: (u16, u8, u8) = (2026, 3, 1);

    fn reference() -> Date {
        date(REFERENCE.0, REFERENCE.1, REFERENCE.2)
    }

    proptest! {
        #[test]
        fn the_calendar_is_that_of_a_library(year in 1970u16..2210, month in 0u8..15, day in 0u8..34) {
            let theirs = jiff::civil::Date::new(year as i16, month as i8, day as i8).ok();
            let theirs = theirs.filter(|_| (FIRST_YEAR..=LAST_YEAR).contains(&year));
            let days = theirs.map(|date| i64::from((date - jiff::civil::date(1970, 1, 1)).get_days()));
            prop_assert_eq!(Date::new(year, month, day).map(Date::days), days);
        }
    }

    #[test]
    fn two_digits_are_read_against_the_reference() {
        let year = |digits| Date::of_two_digits(digits, 6, 15, reference()).map(Date::year);
        assert_eq!([year(26), year(65), year(66), year(79)], [Some(2026), Some(2065), Some(2066), Some(2079)]);
        assert_eq!([year(80), year(83), year(99), year(0)], [Some(1980), Some(1983), Some(1999), Some(2000)]);
        assert_eq!(year(100), None);
        let later = |digits| Date::of_two_digits(digits, 6, 15, date(2050, 1, 1)).map(Date::year);
        assert_eq!([later(89), later(90), later(49), later(50)], [Some(2089), Some(1990), Some(2049), Some(2050)]);
    }

    #[test]
    fn days_that_are_not_there_are_none() {
        assert_eq!(Date::of_two_digits(25, 2, 29, reference()), None);
        assert!(Date::of_two_digits(28, 2, 29, reference()).is_some());
    }

    #[test]
    fn weeks_that_rolled_over_are_told() {
        let early = |year, month, day| date(year, month, day).weeks_early(reference());
        assert_eq!(early(2026, 3, 1), None);
        assert_eq!(early(2026, 2, 28), Some(1024));
        // 2026-10-10 is 1024 weeks after 2007-02-24, and 2048 after 1987-07-11.
        assert_eq!(early(2007, 2, 24), Some(1024));
        assert_eq!(early(1987, 7, 11), Some(2048));
        assert_eq!(early(1980, 1, 6), Some(3072));
        assert_eq!(date(2026, 10, 10).days() - date(2007, 2, 24).days(), ROLLOVER_DAYS);
        assert_eq!(date(2026, 10, 10).days() - date(1987, 7, 11).days(), 2 * ROLLOVER_DAYS);
    }

    #[test]
    fn second_60_ends_a_day_and_is_nowhere_else() {
        let leap = TimeOfDay::new(23, 59, 60, 500_000_000).unwrap();
        assert!(leap.is_leap_second());
        assert_eq!(leap.ns(), 86_400_500_000_000);
        assert!(!TimeOfDay::new(23, 59, 59, 999_999_999).unwrap().is_leap_second());
        for (hour, minute, second) in [(23, 59, 61), (12, 59, 60), (23, 58, 60), (24, 0, 0), (0, 60, 0)] {
            assert_eq!(TimeOfDay::new(hour, minute, second, 0), None);
        }
    }
}
