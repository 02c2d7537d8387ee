//! Points in time and lengths of time, in whole milliseconds.

use core::fmt;
use core::iter::Sum;
use core::ops::{Add, AddAssign, Mul, Sub};

use serde::{Deserialize, Serialize};

/// A point in time: whole milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Time {
    ms: i64,
}

impl Time {
    /// The Unix epoch.
    pub const EPOCH: Self = Self { ms: 0 };
    /// Later than anything that happens.
    pub const MAX: Self = Self { ms: i64::MAX };

    /// A time from milliseconds since the epoch.
    #[must_use]
    pub const fn from_ms(ms: i64) -> Self {
        Self { ms }
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn ms(self) -> i64 {
        self.ms
    }

    /// How long ago `earlier` was; zero if it is not earlier.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        let ms = self.ms.saturating_sub(earlier.ms);
        Duration { ms: if ms < 0 { 0 } else { ms } }
    }

    /// This time plus `delay`, or [`Time::MAX`] if that is out of range.
    #[must_use]
    pub const fn saturating_add(self, delay: Duration) -> Self {
        Self { ms: self.ms.saturating_add(delay.ms) }
    }
}

impl Add<Duration> for Time {
    type Output = Self;
    fn add(self, rhs: Duration) -> Self {
        Self { ms: self.ms + rhs.ms }
    }
}

impl Sub<Duration> for Time {
    type Output = Self;
    fn sub(self, rhs: Duration) -> Self {
        Self { ms: self.ms - rhs.ms }
    }
}

impl Sub for Time {
    type Output = Duration;
    fn sub(self, rhs: Self) -> Duration {
        Duration { ms: self.ms - rhs.ms }
    }
}

impl fmt::Display for Time {
    /// RFC 3339 in UTC, with milliseconds where there are some: `2016-02-24T21:10:53Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let day_ms = Duration::DAY.ms;
        let (year, month, day) = civil(self.ms.div_euclid(day_ms));
        let (s, ms) = (self.ms.rem_euclid(day_ms) / 1_000, self.ms.rem_euclid(1_000));
        let (h, min, s) = (s / 3_600, s / 60 % 60, s % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{h:02}:{min:02}:{s:02}")?;
        if ms == 0 { f.write_str("Z") } else { write!(f, ".{ms:03}Z") }
    }
}

/// Year, month and day of the day that lies so many days after 1970-01-01, in the proleptic
/// Gregorian calendar.
///
/// Source: `civil_from_days` in Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms",
/// 2013. Years there begin in March, so that the leap day comes last.
const fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468; // since 0000-03-01
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

/// A length of time in whole milliseconds.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Duration {
    ms: i64,
}

impl Duration {
    /// No time at all.
    pub const ZERO: Self = Self { ms: 0 };
    /// Longer than anything lasts.
    pub const MAX: Self = Self { ms: i64::MAX };
    /// One second.
    pub const SECOND: Self = Self { ms: 1_000 };
    /// One minute.
    pub const MINUTE: Self = Self { ms: 60_000 };
    /// One hour.
    pub const HOUR: Self = Self { ms: 3_600_000 };
    /// Twenty-four hours.
    pub const DAY: Self = Self { ms: 86_400_000 };

    /// A duration from milliseconds.
    #[must_use]
    pub const fn from_ms(ms: i64) -> Self {
        Self { ms }
    }

    /// Twice as long, but no longer than [`Self::MAX`]: how waits grow.
    #[must_use]
    pub const fn doubled(self) -> Self {
        Self { ms: self.ms.saturating_mul(2) }
    }

    /// A duration from whole seconds.
    #[must_use]
    pub const fn from_secs(secs: i64) -> Self {
        Self { ms: secs * 1_000 }
    }

    /// A duration from whole minutes.
    #[must_use]
    pub const fn from_mins(mins: i64) -> Self {
        Self { ms: mins * 60_000 }
    }

    /// A duration from whole hours.
    #[must_use]
    pub const fn from_hours(hours: i64) -> Self {
        Self { ms: hours * 3_600_000 }
    }

    /// Milliseconds.
    #[must_use]
    pub const fn ms(self) -> i64 {
        self.ms
    }

    /// Hours, for reports and statistics; never for money.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "exact below 285,000 years")]
    pub const fn as_hours_f64(self) -> f64 {
        self.ms as f64 / 3_600_000.0
    }

    /// Seconds, for reports and statistics; never for money.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "exact below 285,000 years")]
    pub const fn as_secs_f64(self) -> f64 {
        self.ms as f64 / 1_000.0
    }

    /// The smallest whole multiple of `step` that is not shorter than this.
    ///
    /// Panics if `step` is not positive.
    #[must_use]
    pub fn round_up_to(self, step: Self) -> Self {
        assert!(step.ms > 0, "a rounding step is positive");
        let over = self.ms.rem_euclid(step.ms);
        if over == 0 { self } else { Self { ms: self.ms - over + step.ms } }
    }
}

impl Add for Duration {
    type Output = Self;
    fn add(self, rhs: Self) -> Self {
        Self { ms: self.ms + rhs.ms }
    }
}

impl AddAssign for Duration {
    fn add_assign(&mut self, rhs: Self) {
        self.ms += rhs.ms;
    }
}

impl Sub for Duration {
    type Output = Self;
    fn sub(self, rhs: Self) -> Self {
        Self { ms: self.ms - rhs.ms }
    }
}

impl Mul<i64> for Duration {
    type Output = Self;
    fn mul(self, rhs: i64) -> Self {
        Self { ms: self.ms * rhs }
    }
}

impl Sum for Duration {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for Duration {
    /// The two largest units that matter: `1 d 2 h`, `20 min`, `1.5 s`, `7 ms`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ms < 0 {
            return write!(f, "-{}", Self { ms: self.ms.saturating_neg() });
        }
        let (ms, s) = (self.ms % 1_000, self.ms / 1_000);
        let (min, h, d) = (s / 60, s / 3_600, s / 86_400);
        let pair = |f: &mut fmt::Formatter<'_>, a: i64, unit: &str, b: i64, small: &str| {
            if b == 0 { write!(f, "{a} {unit}") } else { write!(f, "{a} {unit} {b} {small}") }
        };
        match () {
            () if d > 0 => pair(f, d, "d", h % 24, "h"),
            () if h > 0 => pair(f, h, "h", min % 60, "min"),
            () if min > 0 => pair(f, min, "min", s % 60, "s"),
            () if ms == 0 => write!(f, "{s} s"),
            () if s > 0 => write!(f, "{s}.{ms:03} s"),
            () => write!(f, "{ms} ms"),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn durations_print_as_people_write_them() {
        assert_eq!(Duration::from_secs(93_600).to_string(), "1 d 2 h");
        assert_eq!(Duration::from_ms(1_500).to_string(), "1.500 s");
        assert_eq!(Duration::from_secs(1_200).to_string(), "20 min");
        assert_eq!(Duration::from_ms(-7).to_string(), "-7 ms");
    }

    #[test]
    fn rounding_up_to_a_quantum_keeps_whole_ones() {
        let hour = Duration::HOUR;
        assert_eq!(hour.round_up_to(hour), hour);
        assert_eq!(Duration::from_ms(3_600_001).round_up_to(hour), Duration::from_hours(2));
        assert_eq!(Duration::ZERO.round_up_to(hour), Duration::ZERO);
    }

    #[test]
    fn times_print_as_rfc_3339() {
        let printed = |ms| Time::from_ms(ms).to_string();
        assert_eq!(printed(0), "1970-01-01T00:00:00Z");
        assert_eq!(printed(1_456_348_253_000), "2016-02-24T21:10:53Z");
        assert_eq!(printed(1_456_704_000_007), "2016-02-29T00:00:00.007Z");
        assert_eq!(printed(-1), "1969-12-31T23:59:59.999Z");
        assert_eq!(printed(253_402_300_799_999), "9999-12-31T23:59:59.999Z");
        assert_eq!(printed(i64::MAX), "292278994-08-17T07:12:55.807Z");
        assert_eq!(printed(i64::MIN), "-292275055-05-16T16:47:04.192Z");
    }

    #[test]
    fn days_follow_each_other_as_in_a_calendar() {
        let mut days = 0;
        for year in 1970_i64..2410 {
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let february = if leap { 29 } else { 28 };
            let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
            for (month, length) in (1_i64..).zip(lengths) {
                for day in 1..=length {
                    let at = Time::EPOCH + Duration::DAY * days;
                    assert_eq!(civil(days), (year, month, day), "{at}");
                    days += 1;
                }
            }
        }
        let last = Time::EPOCH + Duration::DAY * days;
        assert_eq!(format!("{last}"), "2410-01-01T00:00:00Z");
    }
}
