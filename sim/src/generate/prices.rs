//! Market prices per pool: smooth ones as since late 2017, and those of the bidding era before.
//!
//! Prices are multiples of the pool's on-demand price, printed in whole hundredths of a cent as
//! EC2 prints most of its own. A pool that moves less than that does not change. Pools are
//! independent of one another: recorded zones correlate by about 0.1.
//!
//! Sources of the defaults, measured on Linux and weighted by time: EC2 spot price history of
//! us-east-1, March and April 2021 (1,241 markets), and February and March 2016 and March to
//! August 2015 (59 markets); for the band above a hidden floor, Agmon Ben-Yehuda et al.,
//! "Deconstructing Amazon EC2 Spot Instance Pricing", 2013.
//! Not here: what a price does to instances (the market model), dated on-demand prices.

mod capacity;
mod outbid;

use provisioner_engine::ids::PoolId;
use provisioner_engine::random::{Seed, Stream};
use provisioner_engine::units::{Duration, Time, UsdPerHour};
use serde::{Deserialize, Serialize};

pub use self::capacity::CapacityPrices;
pub use self::outbid::{OutbidPrices, Premium};
use crate::dist::{DurationDist, scale};
use crate::input::PriceChange;

/// A pool to make prices for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PricedPool {
    /// Which.
    pub pool: PoolId,
    /// What names its draws: [`Catalog::pool_key`](provisioner_engine::catalog::Catalog::pool_key).
    pub key: u64,
    /// What its instance type costs on demand.
    pub on_demand: UsdPerHour,
}

/// How prices move.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PriceModel {
    /// As since late 2017.
    Capacity(CapacityPrices),
    /// As until then.
    Outbid(OutbidPrices),
}

impl PriceModel {
    /// All changes from `start` to before `end`, by time and then by pool. Every pool's first is
    /// at `start`.
    #[must_use]
    pub fn generate(
        &self,
        pools: &[PricedPool],
        seed: Seed,
        (start, end): (Time, Time),
    ) -> Vec<PriceChange> {
        let mut changes = Vec::new();
        for &PricedPool { pool, key, on_demand } in pools {
            let mut log = PriceLog { changes: &mut changes, pool, on_demand, last: None };
            let seed = seed.purpose("price").entity(key);
            match self {
                Self::Capacity(model) => model.walk(&mut log, seed, start, end),
                Self::Outbid(model) => model.walk(&mut log, seed, start, end),
            }
        }
        changes.sort_by_key(|change| (change.at, change.pool));
        changes
    }

    /// Whether the parameters mean anything; if not, what is wrong and what would work.
    pub fn check(&self) -> Result<(), String> {
        match self {
            Self::Capacity(model) => model.check(),
            Self::Outbid(model) => model.check(),
        }
    }
}

/// Writes down a pool's prices where they change.
struct PriceLog<'a> {
    changes: &'a mut Vec<PriceChange>,
    pool: PoolId,
    on_demand: UsdPerHour,
    last: Option<UsdPerHour>,
}

impl PriceLog<'_> {
    /// The price is this multiple of on-demand from `at` on, rounded to the nearest hundredth of
    /// a cent and at least one. Rounding lifts none above on-demand that was not.
    #[expect(clippy::cast_possible_truncation, reason = "the cast saturates")]
    fn write(&mut self, at: Time, ratio: f64) {
        let steps = libm::round(self.on_demand.as_f64() * ratio * 10_000.0) as i64;
        let mut price = UsdPerHour::from_micros(steps.max(1).saturating_mul(100));
        if ratio <= 1.0 {
            price = price.min(self.on_demand);
        }
        if self.last != Some(price) {
            self.last = Some(price);
            self.changes.push(PriceChange { at, pool: self.pool, price });
        }
    }
}

/// The time to a next change: at least a second, EC2's resolution.
fn gap(dist: &DurationDist, rng: &mut Stream, factor: f64) -> Duration {
    scale(dist.sample(rng), factor).max(Duration::SECOND)
}

#[cfg(test)]
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "statistics of small counts"
)]
mod tests {
    use super::*;

    const POOLS: usize = 300;
    const DAYS: i64 = 60;

    fn pools(ids: impl Iterator<Item = usize>) -> Vec<PricedPool> {
        let on_demand = UsdPerHour::from_micros(4_000_000);
        let pool = |id| PricedPool { pool: PoolId::new(id), key: id as u64, on_demand };
        ids.map(pool).collect()
    }

    fn generate(model: &PriceModel, ids: impl Iterator<Item = usize>) -> Vec<PriceChange> {
        model.check().expect("the default is right");
        let span = (Time::EPOCH, Time::EPOCH + Duration::DAY * DAYS);
        model.generate(&pools(ids), Seed(11), span)
    }

    /// Each pool's prices as multiples of on-demand, with how many hours each held.
    fn held(changes: &[PriceChange]) -> Vec<Vec<(f64, f64)>> {
        let end = Time::EPOCH + Duration::DAY * DAYS;
        let mut pools = vec![Vec::new(); POOLS];
        for change in changes.iter().rev() {
            let pool: &mut Vec<(f64, f64, Time)> = &mut pools[change.pool.index()];
            let until = pool.last().map_or(end, |later| later.2);
            let hours = until.since(change.at).as_hours_f64();
            pool.push((change.price.as_f64() / 4.0, hours, change.at));
        }
        let forward = |pool: Vec<(f64, f64, Time)>| {
            pool.into_iter().rev().map(|(ratio, hours, _)| (ratio, hours))
        };
        pools.into_iter().map(|pool| forward(pool).collect()).collect()
    }

    fn quantile(values: impl Iterator<Item = f64>, p: f64) -> f64 {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        values[(p * values.len() as f64) as usize]
    }

    fn mean(values: impl Iterator<Item = f64>) -> f64 {
        let (sum, n) = values.fold((0.0, 0.0), |(sum, n), value| (sum + value, n + 1.0));
        sum / n
    }

    #[track_caller]
    fn within(name: &str, value: f64, range: core::ops::RangeInclusive<f64>) {
        println!("{name}: {value:.4}");
        assert!(range.contains(&value), "{name} is {value}, not in {range:?}");
    }

    #[test]
    fn capacity_prices_look_like_2021() {
        let changes = generate(&PriceModel::Capacity(CapacityPrices::default()), 0..POOLS);
        let pools = held(&changes);
        let constant = pools.iter().filter(|pool| pool.len() == 1).count() as f64 / POOLS as f64;
        within("share of constant pools", constant, 0.20..=0.34);
        within("median ratio", quantile(pools.iter().map(|pool| pool[0].0), 0.5), 0.30..=0.34);
        let gaps = || pools.iter().filter(|pool| pool.len() > 1).flatten().map(|(_, hours)| *hours);
        within("gap p10, h", quantile(gaps(), 0.1), 4.5..=5.1);
        within("gap p50, h", quantile(gaps(), 0.5), 5.9..=6.4);
        within("gap p90, h", quantile(gaps(), 0.9), 7.2..=7.9);
        let steps: Vec<f64> = pools
            .iter()
            .flat_map(|pool| pool.windows(2).map(|pair| (pair[1].0 / pair[0].0).ln()))
            .collect();
        let sizes = || steps.iter().map(|step| step.abs());
        within("step p50", quantile(sizes(), 0.5), 0.0018..=0.0022);
        within("step p99", quantile(sizes(), 0.99), 0.028..=0.034);
        within("largest step", sizes().fold(0.0, f64::max), 0.05..=0.0702);
        let persists =
            mean(steps.windows(2).map(|pair| f64::from(u8::from(pair[0] * pair[1] > 0.0))));
        within("sign persists", persists, 0.72..=0.78);
        within(
            "highest ratio",
            pools.iter().flatten().map(|price| price.0).fold(0.0, f64::max),
            0.4..=1.0,
        );
    }

    #[test]
    fn outbid_prices_look_like_2015_and_2016() {
        let changes = generate(&PriceModel::Outbid(OutbidPrices::default()), 0..POOLS);
        let pools = held(&changes);
        within("changes a day", changes.len() as f64 / (POOLS as f64 * DAYS as f64), 106.0..=142.0);
        let median = |pool: &Vec<(f64, f64)>| {
            let mut prices = pool.clone();
            prices.sort_by(|a, b| a.0.total_cmp(&b.0));
            let half = prices.iter().map(|price| price.1).sum::<f64>() / 2.0;
            let mut seen = 0.0;
            prices
                .iter()
                .find(|price| {
                    seen += price.1;
                    seen >= half
                })
                .expect("half is reached")
                .0
        };
        within("pool median p10", quantile(pools.iter().map(median), 0.1), 0.10..=0.17);
        within("pool median p75", quantile(pools.iter().map(median), 0.75), 0.10..=0.17);
        let above = |pool: &Vec<(f64, f64)>| {
            let high = pool.iter().filter(|price| price.0 > 1.0).map(|price| price.1);
            high.sum::<f64>() / (DAYS as f64 * 24.0)
        };
        within("time above on-demand, mean", mean(pools.iter().map(above)), 0.06..=0.13);
        within(
            "time above on-demand, median pool",
            quantile(pools.iter().map(above), 0.5),
            0.0..=0.04,
        );
        let excursions: Vec<f64> = pools
            .iter()
            .flat_map(|pool| {
                pool.chunk_by(|a, b| (a.0 > 1.0) == (b.0 > 1.0))
                    .filter(|run| run[0].0 > 1.0)
                    .map(|run| run.iter().map(|price| price.1 * 60.0).sum())
            })
            .collect();
        within(
            "excursions a day",
            excursions.len() as f64 / (POOLS as f64 * DAYS as f64),
            0.4..=1.8,
        );
        within("excursion p50, min", quantile(excursions.iter().copied(), 0.5), 11.0..=17.0);
        within("excursion mean, min", mean(excursions.iter().copied()), 66.0..=87.0);
        within(
            "longest, days",
            excursions.iter().copied().fold(0.0, f64::max) / 1440.0,
            7.0..=28.01,
        );
        let highest = pools.iter().flatten().map(|price| price.0).fold(0.0, f64::max);
        within("highest ratio", highest, 9.999_999..=10.000_001);
    }

    #[test]
    fn a_pool_more_moves_no_other() {
        for model in [
            PriceModel::Capacity(CapacityPrices::default()),
            PriceModel::Outbid(OutbidPrices::default()),
        ] {
            let mut more = generate(&model, [2, 9, 4].into_iter());
            assert!(more.is_sorted_by_key(|change| (change.at, change.pool)));
            more.retain(|change| change.pool != PoolId::new(9));
            assert_eq!(more, generate(&model, [4, 2].into_iter()));
            assert!(more[..2].iter().all(|change| change.at == Time::EPOCH));
        }
    }

    #[test]
    fn without_excursions_no_price_is_above_on_demand() {
        let model = OutbidPrices { excursions_per_day: 0.0, ..OutbidPrices::default() };
        let changes = generate(&PriceModel::Outbid(model), 0..5);
        assert!(changes.iter().all(|change| change.price.as_f64() < 4.0));
    }

    #[test]
    fn wrong_parameters_are_refused_in_words() {
        let model = CapacityPrices { persistence: f64::NAN, ..CapacityPrices::default() };
        assert_eq!(
            PriceModel::Capacity(model).check(),
            Err("persistence is NaN; give a number from 0 to 1".to_owned())
        );
    }
}
