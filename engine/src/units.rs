//! Time, money and price in whole units.
//!
//! Time is milliseconds since the Unix epoch, money micro-dollars, price micro-dollars per hour.
//! Sums are exact in any order, comparisons total, there is no NaN. A cost is first gathered
//! without loss as a [`Charge`] and rounded once, at the end of a stay.
//!
//! Not here: parsing and time zones (see the `scenarios` crate), currencies other than the dollar.

use core::fmt;
use core::iter::Sum;
use core::ops::{Add, AddAssign, Mul, Neg, Sub, SubAssign};

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

/// Money: a whole number of micro-dollars. Sums are exact, in any order.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Usd {
    micros: i64,
}

impl Usd {
    /// Nothing.
    pub const ZERO: Self = Self { micros: 0 };

    /// Money from micro-dollars.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self { micros }
    }

    /// Micro-dollars.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.micros
    }

    /// Dollars, for reports; never for a sum or a comparison.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "exact below $9 billion")]
    pub const fn as_f64(self) -> f64 {
        self.micros as f64 / 1e6
    }
}

impl Add for Usd {
    type Output = Self;
    fn add(self, rhs: Self) -> Self {
        Self { micros: self.micros + rhs.micros }
    }
}

impl AddAssign for Usd {
    fn add_assign(&mut self, rhs: Self) {
        self.micros += rhs.micros;
    }
}

impl Sub for Usd {
    type Output = Self;
    fn sub(self, rhs: Self) -> Self {
        Self { micros: self.micros - rhs.micros }
    }
}

impl SubAssign for Usd {
    fn sub_assign(&mut self, rhs: Self) {
        self.micros -= rhs.micros;
    }
}

impl Neg for Usd {
    type Output = Self;
    fn neg(self) -> Self {
        Self { micros: -self.micros }
    }
}

impl Sum for Usd {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Add::add)
    }
}

/// A price: whole micro-dollars per hour. EC2 prints spot prices with six decimals, so every
/// recorded price is exact.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct UsdPerHour {
    micros: i64,
}

impl UsdPerHour {
    /// Free.
    pub const ZERO: Self = Self { micros: 0 };

    /// A price from micro-dollars per hour.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self { micros }
    }

    /// Micro-dollars per hour.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.micros
    }

    /// Dollars per hour, for reports.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "exact below $9 billion an hour")]
    pub const fn as_f64(self) -> f64 {
        self.micros as f64 / 1e6
    }

    /// What `stay` at this price costs, without rounding.
    #[must_use]
    pub const fn charge_for(self, stay: Duration) -> Charge {
        Charge { micros_ms: self.micros as i128 * stay.ms as i128 }
    }

    /// This price times `factor`, rounded up to a whole micro-dollar per hour:
    /// a bid that is a hair too high still buys, one a hair too low does not.
    #[must_use]
    pub fn times_rounded_up(self, factor: Ratio) -> Self {
        let product = i128::from(self.micros) * i128::from(factor.millionths);
        Self::from_i128(div_ceil(product, i128::from(Ratio::ONE.millionths)))
    }

    /// This price divided by `divisor`, rounded up to a whole micro-dollar per hour.
    ///
    /// Panics if `divisor` is zero.
    #[must_use]
    pub fn divided_rounded_up(self, divisor: Ratio) -> Self {
        assert!(divisor.millionths > 0, "a price is divided by a positive ratio");
        let product = i128::from(self.micros) * i128::from(Ratio::ONE.millionths);
        Self::from_i128(div_ceil(product, i128::from(divisor.millionths)))
    }

    fn from_i128(micros: i128) -> Self {
        Self { micros: i64::try_from(micros).unwrap_or(i64::MAX) }
    }
}

/// A cost that has not been rounded yet, in micro-dollars × milliseconds per hour.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Charge {
    micros_ms: i128,
}

impl Charge {
    /// Nothing.
    pub const ZERO: Self = Self { micros_ms: 0 };

    /// Rounded up to whole micro-dollars: spend may be over-counted by less than one, never
    /// under-counted. Call once per stay; rounding at every step would drift.
    #[must_use]
    pub fn round_up(self) -> Usd {
        let micros = div_ceil(self.micros_ms, i128::from(Duration::HOUR.ms));
        Usd { micros: i64::try_from(micros).expect("no stay costs nine trillion dollars") }
    }
}

impl Add for Charge {
    type Output = Self;
    fn add(self, rhs: Self) -> Self {
        Self { micros_ms: self.micros_ms + rhs.micros_ms }
    }
}

impl AddAssign for Charge {
    fn add_assign(&mut self, rhs: Self) {
        self.micros_ms += rhs.micros_ms;
    }
}

impl Sub for Charge {
    type Output = Self;
    fn sub(self, rhs: Self) -> Self {
        Self { micros_ms: self.micros_ms - rhs.micros_ms }
    }
}

/// A non-negative factor in millionths: utility, bid multiplier, bias, weight.
/// Exact for every decimal with up to six places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ratio {
    millionths: u64,
}

impl Ratio {
    /// Zero.
    pub const ZERO: Self = Self { millionths: 0 };
    /// One.
    pub const ONE: Self = Self { millionths: 1_000_000 };

    /// A ratio from millionths.
    #[must_use]
    pub const fn from_millionths(millionths: u64) -> Self {
        Self { millionths }
    }

    /// Millionths.
    #[must_use]
    pub const fn millionths(self) -> u64 {
        self.millionths
    }

    /// As a float, for reports.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "exact below nine billion")]
    pub const fn as_f64(self) -> f64 {
        self.millionths as f64 / 1e6
    }
}

impl Default for Ratio {
    fn default() -> Self {
        Self::ONE
    }
}

/// Rounds towards positive infinity; `divisor` is positive.
fn div_ceil(dividend: i128, divisor: i128) -> i128 {
    dividend.div_euclid(divisor) + i128::from(dividend.rem_euclid(divisor) != 0)
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

impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_dollars(f, self.micros)
    }
}

impl fmt::Display for UsdPerHour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_dollars(f, self.micros)?;
        f.write_str("/h")
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_decimal(f, self.millionths, 0)
    }
}

/// Dollars with at least two decimals and no more than are needed: `$38.20`, `$0.0342`.
fn write_dollars(f: &mut fmt::Formatter<'_>, micros: i64) -> fmt::Result {
    f.write_str(if micros < 0 { "-$" } else { "$" })?;
    write_decimal(f, micros.unsigned_abs(), 2)
}

fn write_decimal(f: &mut fmt::Formatter<'_>, millionths: u64, places_min: usize) -> fmt::Result {
    let (whole, mut rest) = (millionths / 1_000_000, millionths % 1_000_000);
    let mut places = 6;
    while places > places_min && rest % 10 == 0 {
        rest /= 10;
        places -= 1;
    }
    if places == 0 { write!(f, "{whole}") } else { write!(f, "{whole}.{rest:0places$}") }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn a_stay_is_rounded_up_once() {
        let price = UsdPerHour::from_micros(34_200);
        assert_eq!(price.charge_for(Duration::HOUR).round_up(), Usd::from_micros(34_200));
        assert_eq!(price.charge_for(Duration::from_ms(1)).round_up(), Usd::from_micros(1));
        let three = price.charge_for(Duration::from_ms(1));
        assert_eq!((three + three + three).round_up(), Usd::from_micros(1));
    }

    #[test]
    fn a_bid_is_rounded_up() {
        let price = UsdPerHour::from_micros(333_333);
        let factor = Ratio::from_millionths(1_500_000);
        assert_eq!(price.times_rounded_up(factor), UsdPerHour::from_micros(500_000));
        let third = UsdPerHour::from_micros(1_000_000)
            .divided_rounded_up(Ratio::from_millionths(3_000_000));
        assert_eq!(third, UsdPerHour::from_micros(333_334));
    }

    #[test]
    fn units_print_as_people_write_them() {
        assert_eq!(Usd::from_micros(38_200_000).to_string(), "$38.20");
        assert_eq!(Usd::from_micros(-5).to_string(), "-$0.000005");
        assert_eq!(UsdPerHour::from_micros(34_200).to_string(), "$0.0342/h");
        assert_eq!(Ratio::from_millionths(2_000_000).to_string(), "2");
        assert_eq!(Duration::from_secs(93_600).to_string(), "1 d 2 h");
        assert_eq!(Duration::from_ms(1_500).to_string(), "1.500 s");
        assert_eq!(Duration::from_secs(1_200).to_string(), "20 min");
    }

    #[test]
    fn rounding_up_to_a_quantum_keeps_whole_ones() {
        let hour = Duration::HOUR;
        assert_eq!(hour.round_up_to(hour), hour);
        assert_eq!(Duration::from_ms(3_600_001).round_up_to(hour), Duration::from_hours(2));
        assert_eq!(Duration::ZERO.round_up_to(hour), Duration::ZERO);
    }
}
