//! Time, money and price in whole units.
//!
//! Time is milliseconds since the Unix epoch, money micro-dollars, price micro-dollars per hour.
//! Sums are exact in any order, comparisons total, there is no NaN. A cost is first gathered
//! without loss as a [`Charge`] and rounded once, at the end of a stay.
//!
//! Not here: parsing and time zones (see the `scenarios` crate), currencies other than the dollar.

mod money;
mod time;

pub use self::money::{Charge, Ratio, Usd, UsdPerHour};
pub use self::time::{Duration, Time};
