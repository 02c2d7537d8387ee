//! Differences and ratios of paired samples, with 95 % confidence intervals from the pairing.
//!
//! Equal seeds mean equal tasks, prices, boot times and faults, so what chance does to both sides
//! cancels. Intervals assume that differences are about normal; with ten pairs or more that hardly
//! matters. The mean of no number at all is not a number.

/// More pairs than this are not proposed.
pub const PAIRS_MAX: usize = 10_000;

/// A number and how far off it may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The best guess.
    pub middle: f64,
    /// Half of the interval's width; infinite with a single pair.
    pub half: f64,
}

impl Interval {
    /// Whether the interval leaves `value` out.
    #[must_use]
    pub fn excludes(self, value: f64) -> bool {
        (self.middle - value).abs() > self.half
    }

    /// Its lower end.
    #[must_use]
    pub fn low(self) -> f64 {
        self.middle - self.half
    }

    /// Its upper end.
    #[must_use]
    pub fn high(self) -> f64 {
        self.middle + self.half
    }

    /// How many pairs make it reach that far to either side, if `pairs` made it so wide and they
    /// vary as they did; `None` if that cannot be said, or more than [`PAIRS_MAX`].
    #[must_use]
    pub fn pairs_for(self, half: f64, pairs: usize) -> Option<usize> {
        let reach = |pairs: usize| t_quantile(pairs - 1) / count(pairs).sqrt();
        let spread = self.half / reach(pairs.max(2));
        if pairs < 2 || spread * reach(PAIRS_MAX) > half {
            return None;
        }
        let (mut few, mut enough) = (1, PAIRS_MAX);
        while few + 1 < enough {
            let middle = usize::midpoint(few, enough);
            *(if spread * reach(middle) > half { &mut few } else { &mut enough }) = middle;
        }
        Some(enough)
    }

    /// Of the mean of independent samples.
    #[must_use]
    pub fn of_mean(samples: &[f64]) -> Self {
        let count = count(samples.len());
        let middle = samples.iter().sum::<f64>() / count;
        let squares: f64 = samples.iter().map(|it| (it - middle).powi(2)).sum();
        if samples.len() < 2 {
            return Self { middle, half: f64::INFINITY };
        }
        let error = (squares / (count - 1.0) / count).sqrt();
        Self { middle, half: t_quantile(samples.len() - 1) * error }
    }
}

/// How much larger the means of `ours` are than those of `theirs`.
#[must_use]
pub fn difference(theirs: &[f64], ours: &[f64]) -> Interval {
    let differences: Vec<f64> = theirs.iter().zip(ours).map(|(their, our)| our - their).collect();
    Interval::of_mean(&differences)
}

/// Mean of `ours` ÷ mean of `theirs`, by the delta method; nothing if there is nothing to divide by.
#[must_use]
pub fn ratio(theirs: &[f64], ours: &[f64]) -> Option<Interval> {
    let mean = |samples: &[f64]| samples.iter().sum::<f64>() / count(samples.len());
    let base = mean(theirs);
    if base <= 0.0 {
        return None;
    }
    let ratio = mean(ours) / base;
    let residuals: Vec<f64> =
        theirs.iter().zip(ours).map(|(their, our)| (our - ratio * their) / base).collect();
    Some(Interval { middle: ratio, half: Interval::of_mean(&residuals).half })
}

/// Student's t: 97.5 % lie below, with so many degrees of freedom. Table: NIST/SEMATECH e-Handbook of
/// Statistical Methods, 1.3.6.7.2; beyond it the Cornish-Fisher expansion, right to three decimals.
fn t_quantile(freedom: usize) -> f64 {
    const TABLE: [f64; 30] = [
        12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
        2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056,
        2.052, 2.048, 2.045, 2.042,
    ];
    const Z: f64 = 1.959_964;
    TABLE.get(freedom - 1).copied().unwrap_or_else(|| {
        let n = count(freedom);
        let (z3, z5) = (Z.powi(3), Z.powi(5));
        Z + (z3 + Z) / (4.0 * n) + (5.0 * z5 + 16.0 * z3 + 3.0 * Z) / (96.0 * n * n)
    })
}

#[expect(clippy::cast_precision_loss, reason = "numbers of seeds are far below 2^53")]
const fn count(number: usize) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use provisioner_engine::random::Seed;
    use rand::RngExt;

    use super::*;

    #[test]
    fn intervals_are_those_of_the_textbook() {
        // Differences 1, 2, 3: mean 2, standard deviation 1.
        let interval = difference(&[10.0, 20.0, 30.0], &[11.0, 22.0, 33.0]);
        assert!((interval.middle - 2.0).abs() < 1e-12);
        assert!((interval.half - 4.303 / 3_f64.sqrt()).abs() < 1e-12);
        // Exactly a tenth more each time: the ratio is certain, whatever chance does to both.
        let ratio = ratio(&[10.0, 20.0, 30.0], &[11.0, 22.0, 33.0]).unwrap();
        assert!((ratio.middle - 1.1).abs() < 1e-12 && ratio.half < 1e-12);
        assert!(ratio.excludes(1.0) && !interval.excludes(0.0));
        assert!(
            (t_quantile(31) - 2.0395).abs() < 1e-4 && (t_quantile(1_000) - 1.9623).abs() < 1e-4
        );
    }

    #[test]
    fn the_pairs_that_are_asked_for_are_enough_and_one_less_is_not() {
        let spread_of = |pairs: usize| {
            // Alternating ±1: the standard deviation is √(n ÷ (n − 1)).
            let ours: Vec<f64> = (0..pairs).map(|at| [-1.0, 1.0][at % 2]).collect();
            difference(&vec![0.0; pairs], &ours)
        };
        let ten = spread_of(10);
        let needed = ten.pairs_for(0.2, 10).unwrap();
        let half = |pairs: usize| {
            ten.half * t_quantile(pairs - 1) / t_quantile(9) * (10.0 / count(pairs)).sqrt()
        };
        assert!(half(needed) <= 0.2 && half(needed - 1) > 0.2, "{needed}");
        assert_eq!(ten.pairs_for(ten.half, 10), Some(10));
        assert_eq!((ten.pairs_for(1e-6, 10), spread_of(1).pairs_for(1.0, 1)), (None, None));
    }

    #[test]
    fn one_pair_says_nothing_and_nothing_cannot_be_divided_by() {
        assert!(!difference(&[1.0], &[100.0]).excludes(0.0));
        assert_eq!(ratio(&[0.0, 0.0], &[1.0, 2.0]), None);
    }

    #[test]
    fn the_interval_of_what_does_not_differ_covers_zero_95_times_in_100() {
        let mut stream = Seed(7).purpose("paired").stream();
        let mut normal = || (0..12).map(|_| stream.random::<f64>()).sum::<f64>() - 6.0;
        let mut covered = (0, 0);
        for _ in 0..10_000 {
            // What chance does to both is ten times what it does to each.
            let both: Vec<f64> = (0..10).map(|_| 1_000.0 + 10.0 * normal()).collect();
            let theirs: Vec<f64> = both.iter().map(|both| both + normal()).collect();
            let ours: Vec<f64> = both.iter().map(|both| both + normal()).collect();
            covered.0 += u32::from(!difference(&theirs, &ours).excludes(0.0));
            covered.1 += u32::from(!ratio(&theirs, &ours).unwrap().excludes(1.0));
        }
        // Three standard deviations around 9,500 are 65.
        assert!((9_435..=9_565).contains(&covered.0), "{covered:?}");
        assert!((9_435..=9_565).contains(&covered.1), "{covered:?}");
    }
}
