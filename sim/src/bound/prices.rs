//! The least that a pool's machines can cost.

use provisioner_engine::ids::PoolId;
use provisioner_engine::units::{Duration, Time};

use super::Piece;
use crate::config::SimConfig;

/// The least prices of a pool.
pub(super) struct Prices {
    spot: Minima,
    /// Of each moment, the least that may be paid for it.
    floor: Floor,
    /// How far from a moment its price can have been read: before and after.
    reach: (Duration, Duration),
    /// The least spot price ever.
    pub(super) least_spot: Option<i64>,
    /// The least on demand ever: it holds for as long as the instance stays.
    pub(super) on_demand: Option<i64>,
    /// The lesser of the two.
    least: i64,
}

impl Prices {
    pub(super) fn of(config: &SimConfig, pool: usize, piece: Piece) -> Self {
        let pool = PoolId::new(pool);
        let history = config.market.history(pool);
        let prices = history.iter().map(|(since, price)| (*since, price.micros()));
        let spot = Minima::new(prices.collect());
        let changes = config.engine.catalog.on_demand_changes(pool).unwrap_or_default();
        let on_demand = changes.iter().map(|(_, price)| price.micros()).min();
        let least_spot = spot.values().min();
        let (reach, end) = (piece.price_reach(), config.end.saturating_add(config.drain));
        Self {
            floor: Floor::of(&spot, reach, end),
            least: least_spot.into_iter().chain(on_demand).min().unwrap_or(0),
            least_spot,
            on_demand,
            spot,
            reach,
        }
    }

    /// What so long an instance costs at least, in micro-dollars × milliseconds ÷ hour.
    pub(super) fn ever(&self, takes: Duration) -> i64 {
        self.least.saturating_mul(takes.ms())
    }

    /// What so long an instance on demand costs, in micro-dollars × milliseconds ÷ hour.
    pub(super) fn on_demand(&self, takes: Duration) -> Option<i128> {
        Some(i128::from(self.on_demand?) * i128::from(takes.ms()))
    }

    /// The same of a spot instance, begun within `wait` of `from`, ended by `ends`.
    pub(super) fn spot(
        &self,
        from: Time,
        ends: Time,
        takes: Duration,
        wait: Duration,
    ) -> Option<i128> {
        let (before, after) = self.reach;
        let least = self.spot.least(earlier(from, before), ends.saturating_add(after))?;
        let (from, to) = (from.saturating_add(wait), from.saturating_add(takes).min(ends));
        let (sure, paid) = match self.floor.over(from, to) {
            Some(paid) if to > from => (to - from, paid),
            _ => (Duration::ZERO, 0),
        };
        Some(paid + i128::from(least) * i128::from((takes - sure).ms()))
    }
}

/// Saturates.
pub(super) fn earlier(time: Time, by: Duration) -> Time {
    Time::from_ms(time.ms().saturating_sub(by.ms()))
}

/// A step function that is never above the price that is paid for a moment.
struct Floor {
    since: Vec<Time>,
    values: Vec<i64>,
    /// What all steps before each add up to, in micro-dollars × milliseconds ÷ hour.
    before: Vec<i128>,
    end: Time,
}

impl Floor {
    fn of(prices: &Minima, (before, after): (Duration, Duration), end: Time) -> Self {
        // Where a price comes into a moment's reach, and where one goes out of it.
        let comes = prices.since.iter().map(|since| earlier(*since, after));
        let goes = prices.since.iter().skip(1).map(|since| since.saturating_add(before));
        let mut since: Vec<Time> = comes.chain(goes).filter(|at| *at < end).collect();
        since.sort_unstable();
        since.dedup();
        let (mut values, mut sums, mut sum) = (Vec::new(), Vec::new(), 0);
        for (index, from) in since.iter().enumerate() {
            let to = since.get(index + 1).copied().unwrap_or(end);
            let least = prices.least(earlier(*from, before), to.saturating_add(after));
            let value = least.unwrap_or(0);
            values.push(value);
            sums.push(sum);
            sum += i128::from(value) * i128::from((to - *from).ms());
        }
        Self { since, values, before: sums, end }
    }

    /// Its area between; `None` if it is not known all the way.
    fn over(&self, from: Time, to: Time) -> Option<i128> {
        (to <= self.end).then_some(())?;
        Some(self.until(to)? - self.until(from)?)
    }

    fn until(&self, at: Time) -> Option<i128> {
        let step = self.since.partition_point(|since| *since <= at).checked_sub(1)?;
        let into = i128::from((at - self.since[step]).ms());
        Some(self.before[step] + i128::from(self.values[step]) * into)
    }
}

/// Minima over spans of a step function: row k holds those over 2ᵏ steps.
pub(super) struct Minima {
    since: Vec<Time>,
    rows: Vec<Vec<i64>>,
}

impl Minima {
    pub(super) fn new(steps: Vec<(Time, i64)>) -> Self {
        let (since, values): (Vec<Time>, Vec<i64>) = steps.into_iter().unzip();
        let mut rows = vec![values];
        let mut width = 1;
        while width * 2 <= since.len() {
            let last = rows.last().expect("the first is there");
            let pairs = last.iter().zip(&last[width..]);
            rows.push(pairs.map(|(left, right)| *left.min(right)).collect());
            width *= 2;
        }
        Self { since, rows }
    }

    fn values(&self) -> impl Iterator<Item = i64> {
        self.rows[0].iter().copied()
    }

    /// The least value in force between, both ends included; `None` before the first.
    pub(super) fn least(&self, from: Time, to: Time) -> Option<i64> {
        let first = self.since.partition_point(|since| *since <= from).saturating_sub(1);
        let end = self.since.partition_point(|since| *since <= to);
        let row = end.checked_sub(first)?.checked_ilog2()?;
        let values = &self.rows[row as usize];
        Some(values[first].min(values[end - (1 << row)]))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Time {
        Time::from_ms(seconds * 1_000)
    }

    proptest! {
        #[test]
        fn the_least_value_is_that_of_looking_at_each(
            steps in prop::collection::vec((0..9_i64, 0..100_i64), 0..40),
            from in -5..200_i64,
            length in 0..200_i64,
        ) {
            let mut now = 0;
            let steps: Vec<(Time, i64)> = steps
                .into_iter()
                .map(|(later, value)| {
                    now += later;
                    (at(now), value)
                })
                .collect();
            let (from, to) = (at(from), at(from + length));
            let in_force = |index: usize, since: Time| {
                let next = steps.get(index + 1).map(|(since, _)| *since);
                since <= to && next.is_none_or(|next| next > from)
            };
            let slow = steps.iter().enumerate().filter(|(index, it)| in_force(*index, it.0));
            let slow = slow.map(|(_, (_, value))| *value).min();
            let fast = Minima::new(steps.clone()).least(from, to);
            prop_assert_eq!(fast, slow);
        }
    }
}
