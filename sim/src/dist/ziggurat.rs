//! Standard draws: uniform, exponential and normal numbers from a [`Stream`].
//!
//! The last two come from the ziggurat (Marsaglia and Tsang, 2000, in the form of Doornik, 2005)
//! with 256 layers: about 99 of 100 draws take one random word and one multiplication. Tables and
//! rare branches use `libm`, so a stream gives the same numbers on every platform. `rand_distr`
//! does not promise that: its `exp` and `ln` are the system's as soon as any other crate of the
//! build switches on `num-traits/std`.

use std::sync::LazyLock;

use provisioner_engine::random::Stream;
use rand::Rng;

const LAYERS: usize = 256;

/// A decreasing density over `0..`, cut into layers of equal area.
struct Layers {
    /// Right edge of each layer; the bottom one is widened to hold the tail's area.
    x: [f64; LAYERS + 1],
    /// The density there.
    y: [f64; LAYERS + 1],
}

static EXPONENTIAL: LazyLock<Layers> = LazyLock::new(|| {
    Layers::new(EXPONENTIAL_TAIL, 3.949_659_822_581_557e-3, |x| libm::exp(-x), |y| -libm::log(y))
});
static NORMAL: LazyLock<Layers> = LazyLock::new(|| {
    Layers::new(
        NORMAL_TAIL,
        4.928_673_233_974_655e-3,
        |x| libm::exp(-0.5 * x * x),
        |y| libm::sqrt(-2.0 * libm::log(y)),
    )
});
/// Where the tail begins: Marsaglia and Tsang's constants for 256 layers.
const EXPONENTIAL_TAIL: f64 = 7.697_117_470_131_05;
const NORMAL_TAIL: f64 = 3.654_152_885_361_009;

impl Layers {
    fn new(tail: f64, area: f64, density: fn(f64) -> f64, inverse: fn(f64) -> f64) -> Self {
        let mut x = [0.0; LAYERS + 1];
        x[0] = area / density(tail);
        x[1] = tail;
        for i in 2..LAYERS {
            x[i] = inverse(density(x[i - 1]) + area / x[i - 1]);
        }
        Self { x, y: x.map(density) }
    }
}

/// Uniform over `[0, 1)`, in steps of 2⁻⁵³.
#[inline]
#[expect(clippy::cast_precision_loss, reason = "53 bits fit an f64")]
pub(crate) fn uniform(rng: &mut Stream) -> f64 {
    (rng.next_u64() >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
}

/// Exponential with mean 1.
#[inline]
pub(crate) fn exponential(rng: &mut Stream) -> f64 {
    let layers = &*EXPONENTIAL;
    let mut beyond = 0.0;
    loop {
        let bits = rng.next_u64();
        let layer = layer_of(bits);
        let x = fraction_of(bits) * layers.x[layer];
        if x < layers.x[layer + 1] {
            return beyond + x;
        }
        if layer == 0 {
            beyond += EXPONENTIAL_TAIL; // without memory: the tail looks like the whole
        } else if under_curve(layers, layer, rng, libm::exp(-x)) {
            return beyond + x;
        }
    }
}

/// Normal with mean 0 and variance 1.
#[inline]
pub(crate) fn normal(rng: &mut Stream) -> f64 {
    let layers = &*NORMAL;
    loop {
        let bits = rng.next_u64();
        let layer = layer_of(bits);
        let x = (2.0 * fraction_of(bits) - 1.0) * layers.x[layer];
        if x.abs() < layers.x[layer + 1] {
            return x;
        }
        if layer == 0 {
            return normal_tail(rng).copysign(x);
        }
        if under_curve(layers, layer, rng, libm::exp(-0.5 * x * x)) {
            return x;
        }
    }
}

/// The normal beyond [`NORMAL_TAIL`] (Marsaglia, 1964).
#[cold]
fn normal_tail(rng: &mut Stream) -> f64 {
    loop {
        let x = exponential(rng) / NORMAL_TAIL;
        if 2.0 * exponential(rng) > x * x {
            return NORMAL_TAIL + x;
        }
    }
}

/// The low eight bits of a random word choose the layer …
fn layer_of(bits: u64) -> usize {
    (bits & 0xff) as usize
}

/// … and the high 53 the place in it, so the two do not depend on one another.
#[expect(clippy::cast_precision_loss, reason = "53 bits fit an f64")]
fn fraction_of(bits: u64) -> f64 {
    (bits >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
}

fn under_curve(layers: &Layers, layer: usize, rng: &mut Stream, density: f64) -> bool {
    let (low, high) = (layers.y[layer], layers.y[layer + 1]);
    low + (high - low) * uniform(rng) < density
}

#[cfg(test)]
mod tests {
    use provisioner_engine::random::Seed;

    use super::*;

    /// Largest distance between the empirical distribution of `draw` and `law`, times √n.
    fn kolmogorov(draw: fn(&mut Stream) -> f64, law: fn(f64) -> f64) -> f64 {
        let mut rng = Seed(1).stream();
        let mut sample: Vec<f64> = (0..200_000).map(|_| draw(&mut rng)).collect();
        sample.sort_by(f64::total_cmp);
        let n = 200_000.0;
        let gap = sample
            .iter()
            .zip(1_u32..)
            .fold(0.0_f64, |gap, (x, i)| gap.max((law(*x) - f64::from(i) / n).abs()));
        gap * libm::sqrt(n)
    }

    #[test]
    fn draws_follow_their_laws() {
        // 1.63 is the 1 % point of Kolmogorov's distribution.
        assert!(kolmogorov(uniform, |x| x) < 1.63);
        assert!(kolmogorov(exponential, |x| 1.0 - libm::exp(-x)) < 1.63);
        assert!(
            kolmogorov(normal, |x| 0.5 * libm::erfc(-x * core::f64::consts::FRAC_1_SQRT_2)) < 1.63
        );
    }

    #[test]
    fn draws_are_distributed_as_those_of_another_implementation() {
        use rand_distr::{Distribution, Exp1, StandardNormal};
        assert!(two_samples(exponential, |rng| Exp1.sample(rng)) < 1.63);
        assert!(two_samples(normal, |rng| StandardNormal.sample(rng)) < 1.63);
    }

    /// Largest distance between two empirical distributions of n draws each, times √(n ÷ 2).
    fn two_samples(ours: fn(&mut Stream) -> f64, theirs: fn(&mut Stream) -> f64) -> f64 {
        const N: u32 = 200_000;
        let sorted = |draw: fn(&mut Stream) -> f64, seed: u64| {
            let mut rng = Seed(seed).stream();
            let mut sample: Vec<f64> = (0..N).map(|_| draw(&mut rng)).collect();
            sample.sort_by(f64::total_cmp);
            sample
        };
        let (ours, theirs) = (sorted(ours, 3), sorted(theirs, 4));
        let (mut below, mut gap) = (0_u32, 0.0_f64);
        for (x, i) in ours.iter().zip(1..) {
            while theirs.get(below as usize).is_some_and(|y| y <= x) {
                below += 1;
            }
            gap = gap.max((f64::from(i) - f64::from(below)).abs());
        }
        gap / f64::from(N) * libm::sqrt(f64::from(N) / 2.0)
    }

    #[test]
    fn tails_are_as_heavy_as_they_should_be() {
        let mut rng = Seed(2).stream();
        let far = |draw: fn(&mut Stream) -> f64, rng: &mut Stream, x: f64| {
            (0..4_000_000).filter(|_| draw(rng) > x).count()
        };
        // Expected 4e6 × P: exp(-8) = 3.355e-4, P(Z > 3.7) = 1.078e-4.
        let exponentials = far(exponential, &mut rng, 8.0);
        let normals = far(normal, &mut rng, 3.7);
        assert!((1_200..1_484).contains(&exponentials), "{exponentials}");
        assert!((348..514).contains(&normals), "{normals}");
    }

    #[test]
    fn layers_have_equal_areas_up_to_the_peak() {
        for layers in [&*EXPONENTIAL, &*NORMAL] {
            let top = LAYERS - 1;
            let area = layers.x[0] * layers.y[1];
            let last = layers.x[top] * (1.0 - layers.y[top]);
            assert!((area - last).abs() < 1e-9, "{area} and {last}");
        }
    }
}
