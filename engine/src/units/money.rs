//! Money, prices, costs that are not rounded yet, and factors on them.

use core::fmt;
use core::iter::Sum;
use core::ops::{Add, AddAssign, Neg, Sub, SubAssign};

use serde::{Deserialize, Serialize};

use super::Duration;

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
        Charge { micros_ms: self.micros as i128 * stay.ms() as i128 }
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
        let micros = div_ceil(self.micros_ms, i128::from(Duration::HOUR.ms()));
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
    if let (Ok(dividend), Ok(divisor)) = (i64::try_from(dividend), i64::try_from(divisor))
        && divisor > 0
    {
        // Several times as fast, and mostly so.
        let is_partial = i64::from(dividend.rem_euclid(divisor) != 0);
        return i128::from(dividend.div_euclid(divisor) + is_partial);
    }
    dividend.div_euclid(divisor) + i128::from(dividend.rem_euclid(divisor) != 0)
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
    fn money_prints_as_people_write_it() {
        assert_eq!(Usd::from_micros(38_200_000).to_string(), "$38.20");
        assert_eq!(Usd::from_micros(-5).to_string(), "-$0.000005");
        assert_eq!(UsdPerHour::from_micros(34_200).to_string(), "$0.0342/h");
        assert_eq!(Ratio::from_millionths(2_000_000).to_string(), "2");
    }
}
