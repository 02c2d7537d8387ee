//! Prices of the bidding era.

use provisioner_engine::random::{Seed, Stream};
use provisioner_engine::units::{Duration, Time};
use serde::{Deserialize, Serialize};

use super::{PriceLog, gap};
use crate::dist::{DurationDist, Part, check_number, ziggurat};

/// Prices that bids make: restless above a floor, and now and then far above on-demand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OutbidPrices {
    /// The lowest floor of a pool: 0.09 × on-demand.
    pub floor_min: f64,
    /// The highest: 0.15. With the premium, a quiet pool's median price is 0.10 to 0.17.
    pub floor_max: f64,
    /// Time between changes: mean 11 min.
    pub gap: DurationDist,
    /// How much pools differ in that: standard deviation of the logarithm, 0.4.
    pub gap_sigma: f64,
    /// How far above the floor the price is, in floors, when quiet.
    pub quiet: Premium,
    /// Excursions above on-demand a day, mean over pools: 2.0, while it is quiet.
    pub excursions_per_day: f64,
    /// How much pools differ in that: standard deviation of the logarithm, 1.5. Many pools have
    /// none in a month, some have several a day.
    pub excursions_sigma: f64,
    /// How long one lasts: median 14 min, mean 75 min, up to weeks.
    pub excursion: DurationDist,
    /// How far above on-demand the price is, in on-demand prices, in an excursion.
    pub height: Premium,
    /// The highest price: exactly 10 × on-demand, the cap on bids.
    pub ratio_max: f64,
}

/// How far a price is above its base: log-normal, in multiples of the base.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Premium {
    /// Its median.
    pub median: f64,
    /// Standard deviation of its logarithm.
    pub sigma: f64,
    /// Probability that a change draws it anew instead of moving it a little.
    pub redraw: f64,
    /// Standard deviation of a small move of its logarithm.
    pub nudge: f64,
}

impl Default for OutbidPrices {
    fn default() -> Self {
        let body = DurationDist::LogNormal { median: Duration::from_secs(13 * 60), sigma: 1.5 };
        let tail = DurationDist::Pareto { min: Duration::from_hours(5), shape: 1.3 };
        let parts = [(0.965, body), (0.035, tail)].map(|(weight, dist)| Part { weight, dist });
        Self {
            floor_min: 0.09,
            floor_max: 0.15,
            gap: DurationDist::LogNormal { median: Duration::from_secs(480), sigma: 0.8 },
            gap_sigma: 0.4,
            quiet: Premium { median: 0.15, sigma: 1.4, redraw: 0.2, nudge: 0.1 },
            excursions_per_day: 2.0,
            excursions_sigma: 1.5,
            excursion: DurationDist::Mixture(parts.into()).capped(Duration::from_hours(28 * 24)),
            height: Premium { median: 1.4, sigma: 2.0, redraw: 0.0, nudge: 0.1 },
            ratio_max: 10.0,
        }
    }
}

impl OutbidPrices {
    pub(super) fn walk(&self, log: &mut PriceLog<'_>, seed: Seed, start: Time, end: Time) {
        let stream = |purpose| seed.purpose(purpose).stream();
        let (mut pool, mut quiet, mut high) = (stream("pool"), stream("quiet"), stream("high"));
        let floor =
            self.floor_min + (self.floor_max - self.floor_min) * ziggurat::uniform(&mut pool);
        let slowness = 1.0 / factor(self.gap_sigma, &mut pool);
        let per_day = self.excursions_per_day * factor(self.excursions_sigma, &mut pool);
        let calm = DurationDist::Exponential { mean: Duration::DAY };

        let mut now = start;
        while now < end {
            // With a rate of 0 the calm lasts as long as a delay can, a year, and starts anew.
            let calm_end = now + gap(&calm, &mut high, 1.0 / per_day);
            let mut premium = self.quiet.draw(&mut quiet);
            while now < calm_end.min(end) {
                log.write(now, (floor * (1.0 + premium)).min(0.99));
                now = now + gap(&self.gap, &mut quiet, slowness);
                premium = self.quiet.step(premium, &mut quiet);
            }
            now = calm_end;
            if per_day <= 0.0 {
                continue;
            }
            let high_end = now + gap(&self.excursion, &mut high, 1.0);
            let mut height = self.height.draw(&mut high);
            while now < high_end.min(end) {
                log.write(now, (1.0 + height).clamp(1.01, self.ratio_max));
                now = now + gap(&self.gap, &mut high, slowness);
                height = self.height.step(height, &mut high);
            }
            now = high_end;
        }
    }

    pub(super) fn check(&self) -> Result<(), String> {
        check_number("floor_min", self.floor_min, 0.001, 0.9)?;
        check_number("floor_max", self.floor_max, self.floor_min, 0.9)?;
        check_number("gap_sigma", self.gap_sigma, 0.0, 3.0)?;
        check_number("excursions_per_day", self.excursions_per_day, 0.0, 1_000.0)?;
        check_number("excursions_sigma", self.excursions_sigma, 0.0, 3.0)?;
        check_number("ratio_max", self.ratio_max, 1.01, 1_000.0)?;
        self.quiet.check("quiet")?;
        self.height.check("height")?;
        self.gap.check()?;
        self.excursion.check()
    }
}

impl Premium {
    fn draw(&self, rng: &mut Stream) -> f64 {
        self.median * libm::exp(self.sigma * ziggurat::normal(rng))
    }

    fn step(&self, premium: f64, rng: &mut Stream) -> f64 {
        if ziggurat::uniform(rng) < self.redraw {
            self.draw(rng)
        } else {
            premium * libm::exp(self.nudge * ziggurat::normal(rng))
        }
    }

    fn check(&self, name: &str) -> Result<(), String> {
        check_number(&format!("{name}.median"), self.median, 0.0, 1_000.0)?;
        check_number(&format!("{name}.sigma"), self.sigma, 0.0, 5.0)?;
        check_number(&format!("{name}.redraw"), self.redraw, 0.0, 1.0)?;
        check_number(&format!("{name}.nudge"), self.nudge, 0.0, 5.0)
    }
}

/// A log-normal number of mean 1, by which pools differ.
fn factor(sigma: f64, rng: &mut Stream) -> f64 {
    libm::exp(sigma * (ziggurat::normal(rng) - 0.5 * sigma))
}
