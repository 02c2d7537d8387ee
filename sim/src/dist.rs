//! Distributions of delays: boot times, task durations, lifetimes of pools.
//!
//! A [`DurationDist`] is a plain value of a scenario and its own sampler: nothing is prepared, a
//! draw takes one to three random words and some 5 to 30 ns, and a constant takes none. Draws are
//! whole milliseconds, rounded to the nearest, from 0 to [`DELAY_MAX`].
//!
//! Floating point uses `libm` only, so a stream gives the same delays on every platform.
//! Errors: [`DurationDist::check`] says what is wrong with one; sampling never fails.

pub(crate) mod ziggurat;

use provisioner_engine::random::Stream;
use provisioner_engine::units::Duration;
use serde::{Deserialize, Serialize};

/// No draw is longer: a year. The longest recorded gap of a pool is a few weeks.
pub const DELAY_MAX: Duration = Duration::from_hours(366 * 24);

/// Largest spread of a log-normal that is taken seriously: at σ = 10 the mean is e⁵⁰ medians.
const SIGMA_MAX: f64 = 10.0;

/// How long something takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum DurationDist {
    /// Always the same. Draws nothing from the stream.
    Constant(Duration),
    /// Anything between the two, equally likely.
    Uniform {
        /// The shortest.
        min: Duration,
        /// The longest.
        max: Duration,
    },
    /// Without memory.
    Exponential {
        /// The mean.
        mean: Duration,
    },
    /// Its logarithm is normal.
    LogNormal {
        /// The median; the mean is `exp(sigma² / 2)` times as long.
        median: Duration,
        /// Standard deviation of the logarithm.
        sigma: f64,
    },
    /// A power law: longer than `x` with probability `(min / x)^shape`.
    Pareto {
        /// The shortest.
        min: Duration,
        /// The tail index; the mean is infinite up to 1, the variance up to 2.
        shape: f64,
    },
    /// One of several, chosen by weight. Of exponentials, it is hyper-exponential.
    Mixture(Vec<Part>),
    /// `body`, and with some probability `extra` on top.
    Tailed {
        /// What it always takes.
        body: Box<Self>,
        /// How often it takes longer.
        probability: f64,
        /// How much longer it takes then.
        extra: Box<Self>,
    },
    /// `body`, or `max` where that is longer.
    Capped {
        /// What it takes without the cap.
        body: Box<Self>,
        /// The longest.
        max: Duration,
    },
}

/// One part of a [`DurationDist::Mixture`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// How often it is chosen; the weights of a mixture add up to 1.
    pub weight: f64,
    /// How long it takes then.
    pub dist: DurationDist,
}

impl DurationDist {
    /// A log-normal by its mean instead of its median.
    #[must_use]
    pub fn log_normal_of_mean(mean: Duration, sigma: f64) -> Self {
        let median = to_duration(to_ms(mean) * libm::exp(-0.5 * sigma * sigma));
        Self::LogNormal { median, sigma }
    }

    /// A mixture of exponentials, given as weights and means.
    #[must_use]
    pub fn hyperexponential(phases: &[(f64, Duration)]) -> Self {
        let part = |&(weight, mean)| Part { weight, dist: Self::Exponential { mean } };
        Self::Mixture(phases.iter().map(part).collect())
    }

    /// This, and with that probability `extra` on top.
    #[must_use]
    pub fn with_tail(self, probability: f64, extra: Self) -> Self {
        Self::Tailed { body: Box::new(self), probability, extra: Box::new(extra) }
    }

    /// This, but no longer than `max`.
    #[must_use]
    pub fn capped(self, max: Duration) -> Self {
        Self::Capped { body: Box::new(self), max }
    }

    /// The next delay.
    #[must_use]
    #[inline]
    pub fn sample(&self, rng: &mut Stream) -> Duration {
        match self {
            Self::Constant(value) => *value,
            _ => to_duration(self.draw(rng)),
        }
    }

    /// The mean, before any cap: [`DurationDist::Capped`] is looked through, and where the mean is
    /// infinite or beyond [`DELAY_MAX`] the answer is [`DELAY_MAX`].
    #[must_use]
    pub fn mean(&self) -> Duration {
        to_duration(self.mean_ms())
    }

    /// No delay is shorter than this.
    #[must_use]
    pub fn least(&self) -> Duration {
        match self {
            Self::Constant(value) => *value,
            Self::Uniform { min, .. } | Self::Pareto { min, .. } => *min,
            Self::Exponential { .. } | Self::LogNormal { .. } => Duration::ZERO,
            Self::Mixture(parts) => {
                parts.iter().map(|part| part.dist.least()).min().unwrap_or(Duration::ZERO)
            }
            Self::Tailed { body, .. } => body.least(),
            Self::Capped { body, max } => body.least().min(*max),
        }
        .min(DELAY_MAX)
    }

    /// Whether the parameters mean anything; if not, what is wrong and what would work.
    pub fn check(&self) -> Result<(), String> {
        match self {
            Self::Constant(value) => check_length("constant", *value),
            Self::Uniform { min, max } => {
                check_length("uniform.min", *min)?;
                check_length("uniform.max", *max)?;
                if min > max {
                    return Err(format!(
                        "uniform.min is {min}, longer than uniform.max, {max}; swap them"
                    ));
                }
                Ok(())
            }
            Self::Exponential { mean } => check_length("exponential.mean", *mean),
            Self::LogNormal { median, sigma } => {
                check_length("log_normal.median", *median)?;
                check_number("log_normal.sigma", *sigma, 0.0, SIGMA_MAX)
            }
            Self::Pareto { min, shape } => {
                check_length("pareto.min", *min)?;
                check_number("pareto.shape", *shape, 0.1, 100.0)
            }
            Self::Mixture(parts) => {
                for part in parts {
                    check_number("mixture.weight", part.weight, 0.0, 1.0)?;
                    part.dist.check()?;
                }
                let sum = parts.iter().fold(0.0, |sum, part| sum + part.weight);
                if (sum - 1.0).abs() > 1e-6 {
                    return Err(format!("the weights of a mixture add up to {sum}; make it 1"));
                }
                Ok(())
            }
            Self::Tailed { body, probability, extra } => {
                body.check()?;
                check_number("tailed.probability", *probability, 0.0, 1.0)?;
                extra.check()
            }
            Self::Capped { body, max } => {
                body.check()?;
                check_length("capped.max", *max)
            }
        }
    }

    /// The next delay in milliseconds, neither rounded nor limited.
    fn draw(&self, rng: &mut Stream) -> f64 {
        match self {
            Self::Constant(value) => to_ms(*value),
            Self::Uniform { min, max } => to_ms(*min) + to_ms(*max - *min) * ziggurat::uniform(rng),
            Self::Exponential { mean } => to_ms(*mean) * ziggurat::exponential(rng),
            Self::LogNormal { median, sigma } => {
                to_ms(*median) * libm::exp(sigma * ziggurat::normal(rng))
            }
            Self::Pareto { min, shape } => {
                to_ms(*min) * libm::exp(ziggurat::exponential(rng) / shape)
            }
            Self::Mixture(parts) => choose(parts, ziggurat::uniform(rng)).draw(rng),
            Self::Tailed { body, probability, extra } => {
                let body = body.draw(rng);
                if ziggurat::uniform(rng) < *probability { body + extra.draw(rng) } else { body }
            }
            Self::Capped { body, max } => body.draw(rng).min(to_ms(*max)),
        }
    }

    fn mean_ms(&self) -> f64 {
        match self {
            Self::Constant(value) => to_ms(*value),
            Self::Uniform { min, max } => 0.5 * (to_ms(*min) + to_ms(*max)),
            Self::Exponential { mean } => to_ms(*mean),
            Self::LogNormal { median, sigma } => to_ms(*median) * libm::exp(0.5 * sigma * sigma),
            Self::Pareto { min, shape } if *shape > 1.0 => to_ms(*min) * shape / (shape - 1.0),
            Self::Pareto { .. } => f64::INFINITY,
            Self::Mixture(parts) => {
                parts.iter().map(|part| part.weight * part.dist.mean_ms()).sum()
            }
            Self::Tailed { body, probability, extra } => {
                body.mean_ms() + probability * extra.mean_ms()
            }
            Self::Capped { body, .. } => body.mean_ms(),
        }
    }
}

/// The part that `at`, between 0 and 1, falls into. What rounding leaves over goes to the last.
fn choose(parts: &[Part], mut at: f64) -> &DurationDist {
    let (last, others) = parts.split_last().expect("a checked mixture has parts");
    for part in others {
        if at < part.weight {
            return &part.dist;
        }
        at -= part.weight;
    }
    &last.dist
}

#[expect(clippy::cast_precision_loss, reason = "exact below 285,000 years")]
pub(crate) fn to_ms(duration: Duration) -> f64 {
    duration.ms() as f64
}

/// Rounds to the nearest millisecond and keeps it from 0 to [`DELAY_MAX`].
#[expect(clippy::cast_possible_truncation, reason = "the value is limited first")]
fn to_duration(ms: f64) -> Duration {
    Duration::from_ms(((ms + 0.5).min(to_ms(DELAY_MAX)) as i64).max(0))
}

/// A delay times `factor`, again from 0 to [`DELAY_MAX`].
pub(crate) fn scale(delay: Duration, factor: f64) -> Duration {
    to_duration(to_ms(delay) * factor)
}

fn check_length(name: &str, value: Duration) -> Result<(), String> {
    if (Duration::ZERO..=DELAY_MAX).contains(&value) {
        Ok(())
    } else {
        Err(format!("{name} is {value}; give a duration from 0 to {DELAY_MAX}"))
    }
}

/// Whether a parameter lies in its range; NaN does not.
pub(crate) fn check_number(name: &str, value: f64, min: f64, max: f64) -> Result<(), String> {
    if (min..=max).contains(&value) {
        Ok(())
    } else {
        Err(format!("{name} is {value}; give a number from {min} to {max}"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use provisioner_engine::random::Seed;

    use super::*;

    const fn secs(n: i64) -> Duration {
        Duration::from_secs(n)
    }

    fn exponential(mean: i64) -> DurationDist {
        DurationDist::Exponential { mean: secs(mean) }
    }

    /// One of each kind, with a finite variance.
    fn one_of_each() -> Vec<DurationDist> {
        vec![
            DurationDist::Constant(secs(60)),
            DurationDist::Uniform { min: secs(600), max: secs(1_800) },
            exponential(120),
            DurationDist::log_normal_of_mean(secs(600), 1.0),
            DurationDist::Pareto { min: secs(100), shape: 3.0 },
            DurationDist::hyperexponential(&[(0.9, secs(60)), (0.1, secs(3_600))]),
            exponential(60)
                .with_tail(0.02, DurationDist::Uniform { min: secs(600), max: secs(1_800) }),
        ]
    }

    #[test]
    fn the_mean_of_many_draws_is_the_mean() {
        for dist in one_of_each() {
            let mut rng = Seed(5).stream();
            let n = 200_000;
            let sum: Duration = (0..n).map(|_| dist.sample(&mut rng)).sum();
            let ratio = to_ms(sum) / f64::from(n) / to_ms(dist.mean());
            assert!((ratio - 1.0).abs() < 0.02, "{dist:?}: {ratio}");
        }
    }

    #[test]
    fn a_median_given_is_the_median_drawn() {
        let dist = DurationDist::LogNormal { median: secs(94 * 60), sigma: 1.15 };
        let mut rng = Seed(6).stream();
        let below = (0..100_000).filter(|_| dist.sample(&mut rng) < secs(94 * 60)).count();
        assert!((49_500..50_500).contains(&below), "{below}");
    }

    #[test]
    fn a_constant_leaves_the_stream_alone() {
        let mut rng = Seed(7).stream();
        let before = rng.clone();
        assert_eq!(DurationDist::Constant(secs(3)).sample(&mut rng), secs(3));
        assert_eq!(rng, before);
    }

    #[test]
    fn draws_are_the_same_for_ever() {
        let mut rng = Seed(7).purpose("boot").stream();
        let drawn: Vec<i64> = one_of_each().iter().map(|dist| dist.sample(&mut rng).ms()).collect();
        expect_test::expect!["[60000, 1587187, 165872, 864255, 121632, 2889, 6455]"]
            .assert_eq(&format!("{drawn:?}"));
    }

    #[test]
    fn wrong_parameters_are_refused_in_words() {
        let wrong = [
            DurationDist::Constant(secs(-1)),
            DurationDist::Uniform { min: secs(2), max: secs(1) },
            DurationDist::LogNormal { median: secs(1), sigma: f64::NAN },
            DurationDist::LogNormal { median: secs(1), sigma: 11.0 },
            DurationDist::Pareto { min: secs(1), shape: 0.0 },
            DurationDist::Mixture(vec![]),
            DurationDist::hyperexponential(&[(0.5, secs(1)), (0.4, secs(2))]),
            exponential(1).with_tail(1.5, exponential(1)),
            exponential(1).capped(Duration::MAX),
        ];
        let said: Vec<String> =
            wrong.iter().map(|dist| dist.check().expect_err("it is wrong")).collect();
        expect_test::expect![[r#"
            constant is -1 s; give a duration from 0 to 366 d
            uniform.min is 2 s, longer than uniform.max, 1 s; swap them
            log_normal.sigma is NaN; give a number from 0 to 10
            log_normal.sigma is 11; give a number from 0 to 10
            pareto.shape is 0; give a number from 0.1 to 100
            the weights of a mixture add up to 0; make it 1
            the weights of a mixture add up to 0.9; make it 1
            tailed.probability is 1.5; give a number from 0 to 1
            capped.max is 106751991167 d 7 h; give a duration from 0 to 366 d"#]]
        .assert_eq(&said.join("\n"));
        assert!(one_of_each().iter().all(|dist| dist.check().is_ok()));
    }

    proptest! {
        #[test]
        fn draws_stay_in_range(seed: u64, median in 0_i64..1 << 40, sigma in 0.0..10.0, cap in 0_i64..1 << 33) {
            let median = Duration::from_ms(median).min(DELAY_MAX);
            let dist = DurationDist::LogNormal { median, sigma };
            prop_assert!(dist.check().is_ok());
            let mut rng = Seed(seed).stream();
            prop_assert!((Duration::ZERO..=DELAY_MAX).contains(&dist.sample(&mut rng)));
            let cap = Duration::from_ms(cap);
            prop_assert!(dist.capped(cap).sample(&mut rng) <= cap.min(DELAY_MAX));
        }
    }
}
