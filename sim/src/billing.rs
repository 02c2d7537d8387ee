//! What a stay costs: EC2's billing rules of both market regimes.
//!
//! A stay lasts from EC2's state `running` until `shutting-down`, or until EC2 takes the instance
//! back. Its charge is gathered exactly and rounded once, up, to a micro-dollar.
//!
//! | | outbid (until 2017-11) | capacity (since) |
//! |---|---|---|
//! | unit | whole instance-hours | seconds, at least 60 |
//! | price | at the start of each instance-hour | the same, pro-rated |
//! | taken back by EC2 | last partial hour free | free in the first hour, else seconds used |
//! | ended by us | partial hour rounded up | seconds used |
//!
//! Sources: EC2 User Guide, "Billing for interrupted Spot Instances" and "Instance lifecycle";
//! AWS What's New, 2017-10-02 (per-second billing).

use provisioner_engine::units::{Charge, Duration, Time, Usd, UsdPerHour};
use serde::{Deserialize, Serialize};

/// How stays are billed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BillingRule {
    /// Stays are rounded up to a multiple of this.
    pub quantum: Duration,
    /// Stays are billed at least this long.
    pub minimum: Duration,
    /// When the price is read again.
    pub reread: Reread,
    /// What EC2 refunds when it ends the stay.
    pub refund: Refund,
}

/// When the price of a running instance is read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reread {
    /// At the start of each instance-hour.
    EachHour,
    /// Whenever it changes.
    Continuous,
}

/// What EC2 refunds when it takes an instance back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refund {
    /// The last partial hour.
    LastPartialHour,
    /// All of a stay shorter than an hour.
    FirstHour,
    /// Nothing: on-demand instances are not taken back.
    Nothing,
}

impl BillingRule {
    /// Spot until 2017-11: by the hour.
    pub const SPOT_OUTBID: Self = Self {
        quantum: Duration::HOUR,
        minimum: Duration::HOUR,
        reread: Reread::EachHour,
        refund: Refund::LastPartialHour,
    };
    /// Spot since 2017-11: by the second, at least a minute.
    pub const SPOT_CAPACITY: Self = Self {
        quantum: Duration::SECOND,
        minimum: Duration::MINUTE,
        reread: Reread::EachHour,
        refund: Refund::FirstHour,
    };
    /// On demand until 2017-10-02, and later for systems with an hourly licence.
    pub const ON_DEMAND_HOURLY: Self = Self { refund: Refund::Nothing, ..Self::SPOT_OUTBID };
    /// On demand since 2017-10-02.
    pub const ON_DEMAND_PER_SECOND: Self = Self { refund: Refund::Nothing, ..Self::SPOT_CAPACITY };

    /// What a stay costs. `prices` are those of its pool, each with the time from which it holds,
    /// oldest first; the first is the one in force when the stay begins.
    ///
    /// Panics if there is none.
    #[must_use]
    pub fn bill(&self, stay: Stay, prices: impl IntoIterator<Item = (Time, UsdPerHour)>) -> Bill {
        let billed = self.billed(stay);
        let end = stay.from + billed;
        let mut changes = prices.into_iter();
        let (_, mut price) = changes.next().expect("instances run only where a price is known");
        let mut change = changes.next();
        let (mut charge, mut at) = (Charge::ZERO, stay.from);
        while at < end {
            while let Some((since, next)) = change
                && since <= at
            {
                (price, change) = (next, changes.next());
            }
            let reread = match (self.reread, change) {
                (Reread::EachHour, _) => at + Duration::HOUR,
                // Past the stay's own end, what is rounded up costs the last price.
                (Reread::Continuous, Some((since, _))) if since < stay.to => since,
                (Reread::Continuous, _) => end,
            };
            charge += price.charge_for(reread.min(end) - at);
            at = reread;
        }
        Bill { billed, cost: charge.round_up() }
    }

    fn billed(&self, stay: Stay) -> Duration {
        let length = stay.to - stay.from;
        match (stay.interrupted, self.refund) {
            (true, Refund::LastPartialHour) => Duration::HOUR * (length.ms() / Duration::HOUR.ms()),
            (true, Refund::FirstHour) if length < Duration::HOUR => Duration::ZERO,
            (true | false, _) => length.round_up_to(self.quantum).max(self.minimum),
        }
    }
}

/// The time an instance is billed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stay {
    /// It became `running`.
    pub from: Time,
    /// It left `running`.
    pub to: Time,
    /// EC2 took it back.
    pub interrupted: bool,
}

/// What a stay costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bill {
    /// The time that is paid for.
    pub billed: Duration,
    /// The money.
    pub cost: Usd,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Prices from a table of (second, micro-dollars per hour).
    fn table(prices: &[(i64, i64)]) -> impl Iterator<Item = (Time, UsdPerHour)> {
        let price = |&(s, micros)| (Time::from_ms(s * 1_000), UsdPerHour::from_micros(micros));
        prices.iter().map(price)
    }

    fn cost(rule: BillingRule, ms: i64, interrupted: bool) -> (i64, i64) {
        let stay = Stay { from: Time::EPOCH, to: Time::from_ms(ms), interrupted };
        let Bill { billed, cost } = rule.bill(stay, table(&[(0, 3_600_000)]));
        (billed.ms(), cost.micros())
    }

    #[test]
    fn a_minute_is_the_least_that_is_billed_by_the_second() {
        let cost = |ms| cost(BillingRule::SPOT_CAPACITY, ms, false);
        assert_eq!(cost(1), (60_000, 60_000));
        assert_eq!(cost(59_000), (60_000, 60_000));
        assert_eq!(cost(60_000), (60_000, 60_000));
        assert_eq!(cost(60_001), (61_000, 61_000));
        assert_eq!(cost(61_000), (61_000, 61_000));
    }

    #[test]
    fn an_hour_begun_is_an_hour_billed_by_the_hour() {
        let cost = |ms| cost(BillingRule::SPOT_OUTBID, ms, false);
        assert_eq!(cost(1), (3_600_000, 3_600_000));
        assert_eq!(cost(3_600_000), (3_600_000, 3_600_000));
        assert_eq!(cost(3_600_001), (7_200_000, 7_200_000));
    }

    #[test]
    fn an_outbid_partial_hour_is_free() {
        let cost = |ms| cost(BillingRule::SPOT_OUTBID, ms, true);
        assert_eq!(cost(3_599_999), (0, 0));
        assert_eq!(cost(3_600_000), (3_600_000, 3_600_000));
        assert_eq!(cost(7_199_999), (3_600_000, 3_600_000));
    }

    #[test]
    fn a_reclaimed_stay_is_free_only_in_its_first_hour() {
        let cost = |ms| cost(BillingRule::SPOT_CAPACITY, ms, true);
        assert_eq!(cost(3_599_000), (0, 0));
        assert_eq!(cost(3_599_999), (0, 0));
        assert_eq!(cost(3_600_000), (3_600_000, 3_600_000));
        assert_eq!(cost(3_601_000), (3_601_000, 3_601_000));
    }

    #[test]
    fn on_demand_has_no_free_first_hour() {
        assert_eq!(cost(BillingRule::ON_DEMAND_PER_SECOND, 59_000, true), (60_000, 60_000));
        assert_eq!(cost(BillingRule::ON_DEMAND_HOURLY, 1, true), (3_600_000, 3_600_000));
    }

    #[test]
    fn the_price_of_an_hour_is_that_at_its_start() {
        let prices: &[(i64, i64)] = &[(0, 1_000_000), (1_800, 9_000_000), (3_600, 2_000_000)];
        let stay = |secs: i64| Stay {
            from: Time::EPOCH,
            to: Time::from_ms(secs * 1_000),
            interrupted: false,
        };
        let outbid = |secs| BillingRule::SPOT_OUTBID.bill(stay(secs), table(prices)).cost.micros();
        assert_eq!(outbid(1_900), 1_000_000);
        assert_eq!(outbid(3_600), 1_000_000);
        assert_eq!(outbid(3_601), 3_000_000);
        let capacity =
            |secs| BillingRule::SPOT_CAPACITY.bill(stay(secs), table(prices)).cost.micros();
        assert_eq!(capacity(1_900), 527_778); // 1,900 s at $1/h, rounded up
        assert_eq!(capacity(5_400), 2_000_000); // an hour at $1 and half of one at $2
    }

    #[test]
    fn a_continuous_price_is_integrated_over_its_changes() {
        let prices: &[(i64, i64)] = &[(0, 1_000_000), (1_800, 9_000_000), (3_600, 2_000_000)];
        let rule = BillingRule { reread: Reread::Continuous, ..BillingRule::SPOT_CAPACITY };
        let bill = |ms| {
            let stay = Stay { from: Time::EPOCH, to: Time::from_ms(ms), interrupted: false };
            rule.bill(stay, table(prices)).cost.micros()
        };
        assert_eq!(bill(3_600_000), 5_000_000);
        assert_eq!(bill(5_400_000), 6_000_000);
        // The last millisecond is rounded up to a second at the price before the change.
        assert_eq!(bill(1_799_001), 500_000);
    }

    #[test]
    fn a_stay_that_starts_off_the_clock_hour_has_its_own_hours() {
        let prices: &[(i64, i64)] = &[(0, 1_000_000), (3_600, 5_000_000)];
        let stay = Stay {
            from: Time::from_ms(1_800_000),
            to: Time::from_ms(5_400_000),
            interrupted: false,
        };
        assert_eq!(BillingRule::SPOT_OUTBID.bill(stay, table(prices)).cost.micros(), 1_000_000);
    }
}
