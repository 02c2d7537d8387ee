//! Market prices and availability as recorded or generated, shared between runs.

use std::sync::Arc;

use provisioner_engine::ids::PoolId;
use provisioner_engine::units::{Time, UsdPerHour};

use crate::billing::Prices;
use crate::input::{AvailabilityChange, PriceChange};

/// Everything the market does during a run, in time order. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Market {
    data: Arc<Data>,
}

#[derive(Debug, Default)]
struct Data {
    prices: Vec<PriceChange>,
    /// The same by pool.
    by_pool: Vec<Vec<(Time, UsdPerHour)>>,
    availability: Vec<AvailabilityChange>,
}

impl Market {
    /// A market of that many pools. Changes are put in time order; equal times keep theirs.
    ///
    /// Panics if a change names another pool.
    #[must_use]
    pub fn new(
        pools: usize,
        mut prices: Vec<PriceChange>,
        mut availability: Vec<AvailabilityChange>,
    ) -> Self {
        prices.sort_by_key(|change| change.at);
        availability.sort_by_key(|change| change.at);
        assert!(availability.iter().all(|change| change.pool.index() < pools), "an unknown pool");
        let mut by_pool = vec![Vec::new(); pools];
        for change in &prices {
            by_pool[change.pool.index()].push((change.at, change.price));
        }
        Self { data: Arc::new(Data { prices, by_pool, availability }) }
    }

    /// All price changes, in time order.
    #[must_use]
    pub fn prices(&self) -> &[PriceChange] {
        &self.data.prices
    }

    /// All availability changes, in time order.
    #[must_use]
    pub fn availability(&self) -> &[AvailabilityChange] {
        &self.data.availability
    }

    /// The price history of one pool.
    #[must_use]
    pub fn history(&self, pool: PoolId) -> History<'_> {
        History { changes: &self.data.by_pool[pool.index()] }
    }
}

/// The price history of one pool.
#[derive(Clone, Copy, Debug)]
pub struct History<'a> {
    changes: &'a [(Time, UsdPerHour)],
}

impl History<'_> {
    /// The price in force at `time`, if any was known by then.
    #[must_use]
    pub fn known_at(&self, time: Time) -> Option<UsdPerHour> {
        let later = self.changes.partition_point(|(at, _)| *at <= time);
        later.checked_sub(1).map(|last| self.changes[last].1)
    }
}

impl Prices for History<'_> {
    fn at(&self, time: Time) -> UsdPerHour {
        self.known_at(time).expect("instances start only where a price is known")
    }

    fn next_change(&self, time: Time) -> Option<Time> {
        let later = self.changes.partition_point(|(at, _)| *at <= time);
        self.changes.get(later).map(|(at, _)| *at)
    }
}
