//! Points spread evenly over a grid: the sequence of Halton, in whole numbers.
//!
//! Of any number of its first points, each stretch of each axis has its share, and so has each box
//! of few axes; beyond ten axes or so boxes of several fill slowly. Source: J. H. Halton, "On the
//! efficiency of certain quasi-random sequences of points", Numerische Mathematik 2 (1960).

use std::collections::BTreeSet;

use super::search::Dim;

/// The points of a grid, each once, those that fill it evenly first.
pub(super) struct Spread {
    sizes: Vec<usize>,
    next: u64,
    told: BTreeSet<Vec<usize>>,
    /// The next of all points, once the sequence brings nothing new.
    rest: Option<Vec<usize>>,
}

/// So many points in a row that were there before end the sequence; then the others come in order.
const STALE: usize = 64;

impl Spread {
    pub(super) fn new(dims: &[Dim]) -> Self {
        let sizes = dims.iter().map(|dim| dim.levels).collect();
        Self { sizes, next: 1, told: BTreeSet::new(), rest: None }
    }

    fn point(&self, number: u64) -> Vec<usize> {
        let place = |(axis, size): (usize, &usize)| {
            let (reversed, all) = reversed(number, prime(axis));
            usize::try_from(reversed * *size as u128 / all).expect("a level")
        };
        self.sizes.iter().enumerate().map(place).collect()
    }

    /// The point after this one, the last axis varying fastest.
    fn after(&self, mut point: Vec<usize>) -> Option<Vec<usize>> {
        for axis in (0..point.len()).rev() {
            if point[axis] + 1 < self.sizes[axis] {
                point[axis] += 1;
                return Some(point);
            }
            point[axis] = 0;
        }
        None
    }
}

impl Iterator for Spread {
    type Item = Vec<usize>;

    fn next(&mut self) -> Option<Vec<usize>> {
        for _ in 0..if self.rest.is_none() { STALE } else { 0 } {
            let point = self.point(self.next);
            self.next += 1;
            if self.told.insert(point.clone()) {
                return Some(point);
            }
        }
        let mut rest = self.rest.take().or_else(|| Some(vec![0; self.sizes.len()]));
        while let Some(point) = rest {
            rest = self.after(point.clone());
            if self.told.insert(point.clone()) {
                self.rest = Some(point.clone());
                return Some(point);
            }
        }
        self.rest = Some(self.sizes.iter().map(|size| size - 1).collect());
        None
    }
}

/// The digits of a number in that base, the last one first, and a power of the base above it.
fn reversed(mut number: u64, base: u64) -> (u128, u128) {
    let (mut reversed, mut all) = (0, 1);
    while number > 0 {
        reversed = reversed * u128::from(base) + u128::from(number % base);
        all *= u128::from(base);
        number /= base;
    }
    (reversed, all)
}

/// The primes in order, from 2 for 0 on.
fn prime(index: usize) -> u64 {
    let is_prime =
        |it: &u64| (2..*it).take_while(|by| by * by <= *it).all(|by| !it.is_multiple_of(by));
    (2..).filter(is_prime).nth(index).expect("there is no largest prime")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(sizes: &[usize]) -> Spread {
        let dims: Vec<Dim> =
            sizes.iter().map(|levels| Dim { levels: *levels, ordered: true }).collect();
        Spread::new(&dims)
    }

    #[test]
    fn every_point_comes_once() {
        for sizes in [&[][..], &[1], &[7], &[2, 3], &[5, 1, 4], &[8, 8, 8], &[10, 3, 2, 2, 2]] {
            let all: usize = sizes.iter().product();
            let points: BTreeSet<_> = spread(sizes).collect();
            assert_eq!((points.len(), spread(sizes).count()), (all, all), "{sizes:?}");
        }
    }

    #[test]
    fn the_first_points_fill_each_axis_and_each_quarter_evenly() {
        let first: Vec<_> = spread(&[16, 16, 16]).take(64).collect();
        for axis in 0..3 {
            for level in 0..16 {
                let there = first.iter().filter(|point| point[axis] == level).count();
                assert!((2..=6).contains(&there), "axis {axis}, level {level}: {there} of 4");
            }
        }
        for (a, b) in [(0, 1), (0, 2), (1, 2)] {
            for quarter in 0..4 {
                let inside = |point: &&Vec<usize>| point[a] / 8 * 2 + point[b] / 8 == quarter;
                let there = first.iter().filter(inside).count();
                assert!((12..=20).contains(&there), "axes {a} and {b}: {there} of 16");
            }
        }
    }
}
