//! Availability per pool: when it has machines to give, and when it has none.
//!
//! A pool alternates between up and down. Both last a hyper-exponential time: often some minutes,
//! sometimes a day, so that the mean is several medians; an exponential lifetime is wrong. Pools
//! differ by a log-normal factor on each. Up is nearly all or nothing: a pool that has a machine
//! mostly has as many as are asked for, and takes them back together.
//!
//! Source of the defaults: SkyPilot spot traces 2022 and 2023, nine zones for 27 to 45 days
//! (Wu et al., "Can't Be Late", NSDI 2024): up 12 to 94 % of the time, mean up 0.7 to 10 h, mean
//! down 0.3 to 12 h, means 3 to 7 medians, coefficients of variation 1.4 to 4.8.
//! Not here: prices; the notice before instances are taken back.

use provisioner_engine::ids::PoolId;
use provisioner_engine::random::{Seed, Stream};
use provisioner_engine::units::{Duration, Time};
use serde::{Deserialize, Serialize};

use crate::dist::{DurationDist, check_number, scale, ziggurat};
use crate::input::AvailabilityChange;

/// When pools have machines to give.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AvailabilityModel {
    /// How long a typical pool is up: mean 2.6 h, median 30 min.
    pub up: DurationDist,
    /// How long it is down: mean 1.4 h, median 25 min.
    pub down: DurationDist,
    /// How much pools differ in the length of both: standard deviation of the logarithm of a
    /// factor of median 1 on each, 0.8.
    pub pool_sigma: f64,
    /// How many instances a pool serves when it is up: no limit.
    pub available: u32,
    /// Share of the ups in which it serves fewer: 0.15. Recorded multi-node pools had all nodes
    /// in 73 to 95 % of the time in which they had any.
    pub partial_share: f64,
    /// How many it serves then: from 1 to this, 16 as the largest recorded request.
    pub partial_max: u32,
}

impl Default for AvailabilityModel {
    fn default() -> Self {
        let (minutes, hours) = (Duration::from_mins, Duration::from_hours);
        Self {
            up: DurationDist::hyperexponential(&[(0.6, minutes(20)), (0.4, hours(6))]),
            down: DurationDist::hyperexponential(&[(0.75, minutes(24)), (0.25, minutes(270))]),
            pool_sigma: 0.8,
            available: u32::MAX,
            partial_share: 0.15,
            partial_max: 16,
        }
    }
}

/// How many mean cycles a pool has behind it at the start, so that it does not begin with one.
const CYCLES_BEFORE: i64 = 5;

impl AvailabilityModel {
    /// All changes from `start` to before `end`, by time and then by pool. Every pool's first is
    /// at `start`. With each pool stands what names its draws:
    /// [`Catalog::pool_key`](provisioner_engine::catalog::Catalog::pool_key).
    #[must_use]
    pub fn generate(
        &self,
        pools: &[(PoolId, u64)],
        seed: Seed,
        (start, end): (Time, Time),
    ) -> Vec<AvailabilityChange> {
        let mut changes = Vec::new();
        for &(pool, key) in pools {
            let seed = seed.purpose("availability").entity(key);
            self.walk(pool, seed, (start, end), &mut changes);
        }
        changes.sort_by_key(|change| (change.at, change.pool));
        changes
    }

    /// Whether the parameters mean anything; if not, what is wrong and what would work.
    pub fn check(&self) -> Result<(), String> {
        check_number("pool_sigma", self.pool_sigma, 0.0, 3.0)?;
        check_number("partial_share", self.partial_share, 0.0, 1.0)?;
        for (name, count) in [("available", self.available), ("partial_max", self.partial_max)] {
            if count == 0 {
                return Err(format!("{name} is 0; give the number of instances, 1 or more"));
            }
        }
        self.up.check()?;
        self.down.check()
    }

    fn walk(
        &self,
        pool: PoolId,
        seed: Seed,
        (start, end): (Time, Time),
        changes: &mut Vec<AvailabilityChange>,
    ) {
        let stream = |purpose| seed.purpose(purpose).stream();
        let (mut up, mut down, mut part) = (stream("up"), stream("down"), stream("part"));
        let slowness = |rng: &mut Stream| libm::exp(self.pool_sigma * ziggurat::normal(rng));
        let (up_slowness, down_slowness) = (slowness(&mut up), slowness(&mut down));
        let cycle = scale(self.up.mean(), up_slowness) + scale(self.down.mean(), down_slowness);

        let mut now = start - cycle * CYCLES_BEFORE;
        let mut is_up = false;
        while now < end {
            is_up = !is_up;
            let (available, stay) = if is_up {
                let stay = scale(self.up.sample(&mut up), up_slowness);
                (self.draw_available(&mut part), stay)
            } else {
                (0, scale(self.down.sample(&mut down), down_slowness))
            };
            let until = now + stay.max(Duration::SECOND);
            if until > start {
                changes.push(AvailabilityChange { at: now.max(start), pool, available });
            }
            now = until;
        }
    }

    fn draw_available(&self, rng: &mut Stream) -> u32 {
        let is_part = ziggurat::uniform(rng) < self.partial_share;
        let part = 1 + to_count(f64::from(self.partial_max) * ziggurat::uniform(rng));
        if is_part { part.min(self.available) } else { self.available }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "below a u32, and not negative"
)]
const fn to_count(x: f64) -> u32 {
    x as u32
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

    const DAYS: i64 = 45;

    fn generate(model: &AvailabilityModel, ids: &[usize]) -> Vec<AvailabilityChange> {
        model.check().expect("the model is right");
        let pools: Vec<_> = ids.iter().map(|id| (PoolId::new(*id), *id as u64)).collect();
        model.generate(&pools, Seed(3), (Time::EPOCH, Time::EPOCH + Duration::DAY * DAYS))
    }

    /// What is known of a zone's ups or downs: mean in hours, mean over median, CV.
    fn shape(hours: &[f64]) -> [f64; 3] {
        let mut sorted = hours.to_vec();
        sorted.sort_by(f64::total_cmp);
        let n = hours.len() as f64;
        let mean = hours.iter().sum::<f64>() / n;
        let variance = hours.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
        [mean, mean / sorted[sorted.len() / 2], variance.sqrt() / mean]
    }

    /// The 10 %, 50 % and 90 % quantiles over pools.
    fn spread(values: impl Iterator<Item = f64>) -> [f64; 3] {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        [0.1, 0.5, 0.9].map(|p| values[(p * values.len() as f64) as usize])
    }

    #[track_caller]
    fn within(name: &str, values: [f64; 3], [low, high]: [f64; 2]) {
        println!("{name}: {values:.2?}");
        assert!(low <= values[0] && values[2] <= high, "{name}: {values:.2?}");
    }

    #[test]
    fn zones_look_like_the_recorded_ones() {
        let ids: Vec<usize> = (0..200).collect();
        let changes = generate(&AvailabilityModel::default(), &ids);
        let pools: Vec<Vec<AvailabilityChange>> = ids
            .iter()
            .map(|id| changes.iter().filter(|change| change.pool.index() == *id).copied().collect())
            .collect();
        let stays = |pool: &[AvailabilityChange], is_up: bool| -> Vec<f64> {
            pool.windows(2)
                .filter(|pair| (pair[0].available > 0) == is_up)
                .map(|pair| pair[1].at.since(pair[0].at).as_hours_f64())
                .collect()
        };
        let ups: Vec<[f64; 3]> = pools.iter().map(|pool| shape(&stays(pool, true))).collect();
        let downs: Vec<[f64; 3]> = pools.iter().map(|pool| shape(&stays(pool, false))).collect();
        // Of nine recorded zones the extremes are known; most of 200 generated ones lie between.
        within("mean up, h", spread(ups.iter().map(|up| up[0])), [0.7, 10.0]);
        within("mean down, h", spread(downs.iter().map(|down| down[0])), [0.3, 12.0]);
        within("up, mean over median", spread(ups.iter().map(|up| up[1])), [3.0, 7.0]);
        within("down, mean over median", spread(downs.iter().map(|down| down[1])), [2.5, 7.0]);
        within("up, CV", spread(ups.iter().map(|up| up[2])), [1.4, 4.8]);
        within("down, CV", spread(downs.iter().map(|down| down[2])), [1.4, 4.8]);
        let share =
            pools.iter().zip(&ups).zip(&downs).map(|((_, up), down)| up[0] / (up[0] + down[0]));
        within("share of time up", spread(share), [0.12, 0.94]);
        let up_hours = |all: fn(u32) -> bool| -> f64 {
            let held = pools.iter().flat_map(|pool| pool.windows(2));
            held.filter(|pair| all(pair[0].available))
                .map(|pair| pair[1].at.since(pair[0].at).as_hours_f64())
                .sum()
        };
        let whole =
            up_hours(|available| available == u32::MAX) / up_hours(|available| available > 0);
        within("all over any", [whole; 3], [0.73, 0.95]);
    }

    #[test]
    fn a_pool_more_moves_no_other() {
        let model = AvailabilityModel::default();
        let mut more = generate(&model, &[2, 9, 4]);
        assert!(more.is_sorted_by_key(|change| (change.at, change.pool)));
        assert!(more[..3].iter().all(|change| change.at == Time::EPOCH));
        more.retain(|change| change.pool != PoolId::new(9));
        assert_eq!(more, generate(&model, &[4, 2]));
    }

    #[test]
    fn other_downs_leave_the_lengths_of_ups_alone() {
        let ups = |down: DurationDist| -> Vec<Duration> {
            let model = AvailabilityModel { down, ..AvailabilityModel::default() };
            let start = Time::EPOCH - Duration::DAY;
            let mut changes = Vec::new();
            model.walk(
                PoolId::new(0),
                Seed(3),
                (start, start + Duration::DAY * DAYS),
                &mut changes,
            );
            changes
                .windows(2)
                .filter(|pair| pair[0].available > 0)
                .map(|pair| pair[1].at.since(pair[0].at))
                .collect()
        };
        let (short, long) = (
            ups(DurationDist::Constant(Duration::MINUTE)),
            ups(DurationDist::Constant(Duration::HOUR)),
        );
        assert!(
            long[5..].iter().all(|up| short.contains(up)),
            "ups are drawn from their own stream"
        );
    }

    #[test]
    fn wrong_parameters_are_refused_in_words() {
        let model = AvailabilityModel { available: 0, ..AvailabilityModel::default() };
        assert_eq!(
            model.check(),
            Err("available is 0; give the number of instances, 1 or more".to_owned())
        );
    }
}
