//! Prices since late 2017.

use provisioner_engine::random::Seed;
use provisioner_engine::units::{Duration, Time};
use serde::{Deserialize, Serialize};

use super::{PriceLog, gap};
use crate::dist::{DurationDist, check_number, ziggurat};

/// Prices that drift slowly, set by long-term supply and demand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CapacityPrices {
    /// Share of the pools whose price never changes: 0.27.
    pub constant_share: f64,
    /// Median over pools of the first price: 0.32 × on-demand in us-east-1, 0.24 in sa-east-1.
    pub ratio_median: f64,
    /// Standard deviation of its logarithm: 0.25, so that most lie from 0.2 to 0.5.
    pub ratio_sigma: f64,
    /// No price is lower: 0.1 × on-demand. None is higher than on-demand.
    pub ratio_min: f64,
    /// Time between changes: median 6.1 h, 80 % from 4.9 to 7.6 h.
    pub gap: DurationDist,
    /// Median of the relative change: 0.2 %.
    pub step_median: f64,
    /// Standard deviation of its logarithm: 1.18, which puts 1 % above 3.1 %.
    pub step_sigma: f64,
    /// The largest relative change: 7 %.
    pub step_max: f64,
    /// Probability that a price goes on in the direction of its last change: 0.75.
    pub persistence: f64,
}

impl Default for CapacityPrices {
    fn default() -> Self {
        Self {
            constant_share: 0.27,
            ratio_median: 0.32,
            ratio_sigma: 0.25,
            ratio_min: 0.1,
            gap: DurationDist::LogNormal { median: Duration::from_mins(366), sigma: 0.175 },
            step_median: 0.002,
            step_sigma: 1.18,
            step_max: 0.07,
            persistence: 0.75,
        }
    }
}

impl CapacityPrices {
    pub(super) fn walk(&self, log: &mut PriceLog<'_>, seed: Seed, start: Time, end: Time) {
        let mut rng = seed.stream();
        let first = self.ratio_median * libm::exp(self.ratio_sigma * ziggurat::normal(&mut rng));
        let mut ratio = first.clamp(self.ratio_min, 1.0);
        let mut direction = if ziggurat::uniform(&mut rng) < 0.5 { -1.0 } else { 1.0 };
        log.write(start, ratio);
        if ziggurat::uniform(&mut rng) < self.constant_share {
            return;
        }
        let mut now = start + gap(&self.gap, &mut rng, 1.0);
        while now < end {
            if ziggurat::uniform(&mut rng) >= self.persistence {
                direction = -direction;
            }
            let size = self.step_median * libm::exp(self.step_sigma * ziggurat::normal(&mut rng));
            let step = libm::exp(direction * size.min(self.step_max));
            if (self.ratio_min..=1.0).contains(&(ratio * step)) {
                ratio *= step;
            } else {
                direction = -direction; // it would leave its range: it turns back instead
                ratio /= step;
            }
            log.write(now, ratio);
            now = now + gap(&self.gap, &mut rng, 1.0);
        }
    }

    pub(super) fn check(&self) -> Result<(), String> {
        check_number("constant_share", self.constant_share, 0.0, 1.0)?;
        check_number("ratio_min", self.ratio_min, 0.001, 0.8)?;
        check_number("ratio_median", self.ratio_median, self.ratio_min, 1.0)?;
        check_number("ratio_sigma", self.ratio_sigma, 0.0, 3.0)?;
        check_number("step_median", self.step_median, 0.0, 0.1)?;
        check_number("step_sigma", self.step_sigma, 0.0, 3.0)?;
        check_number("step_max", self.step_max, 0.0, 0.1)?;
        check_number("persistence", self.persistence, 0.0, 1.0)?;
        self.gap.check()
    }
}
