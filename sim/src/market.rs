//! Market prices and availability as recorded or generated, shared between runs.

use std::sync::Arc;

use provisioner_engine::ids::PoolId;
use provisioner_engine::units::{Time, UsdPerHour};

use crate::input::{AvailabilityChange, PriceChange};

/// Everything the market does during a run, in time order. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Market {
    data: Arc<Data>,
}

#[derive(Debug, Default, PartialEq, Eq)]
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
        let mut counts = vec![0; pools];
        prices.iter().for_each(|change| counts[change.pool.index()] += 1);
        let mut by_pool: Vec<Vec<_>> = counts.into_iter().map(Vec::with_capacity).collect();
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

    /// The price changes of one pool, in time order.
    #[must_use]
    pub fn history(&self, pool: PoolId) -> &[(Time, UsdPerHour)] {
        &self.data.by_pool[pool.index()]
    }
}
