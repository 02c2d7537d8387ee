//! The gate of prices: nobody buys by a price that is old or cannot be meant, and nothing is
//! bought that may cost more than the engine's cap.
//!
//! It watches no launches: what it needs stands in the price book and in the catalog.

use super::{Opening, Site};
use crate::decision::{Market, Reason};
use crate::guards::Guards;
use crate::prices::PriceBook;
use crate::units::Time;
use crate::worker_type::{EngineConfig, PlacementPolicy};

/// The gate as one policy meets it in one turn.
pub(crate) struct PriceGate<'a> {
    config: &'a EngineConfig,
    prices: &'a PriceBook,
    now: Time,
    buys_by_price: bool,
    /// It leaves the price to EC2, which takes up to the on-demand price.
    pays_on_demand: bool,
}

impl<'a> PriceGate<'a> {
    /// Whether it can ever close.
    pub(crate) const fn is_on(guards: &Guards) -> bool {
        guards.prices_stale_after.is_some() || guards.price_ratio_max.is_some()
    }

    pub(crate) fn new(
        config: &'a EngineConfig,
        prices: &'a PriceBook,
        now: Time,
        policy: &PlacementPolicy,
    ) -> Self {
        let buys_by_price = policy.buys_by_price();
        let pays_on_demand = match policy.market() {
            Market::OnDemand => true,
            Market::Spot { max_price: _ } => !buys_by_price,
        };
        Self { config, prices, now, buys_by_price, pays_on_demand }
    }

    /// Whether its price forbids to buy there.
    pub(crate) fn open(&self, site: &Site) -> Opening {
        self.judge(site).map_or_else(|reason| Opening::of(0, reason), |()| Opening::WIDE)
    }

    fn judge(&self, site: &Site) -> Result<(), Reason> {
        let Site { worker_type, pool, .. } = *site;
        if self.buys_by_price {
            if let Some(price) = self.prices.doubted(pool) {
                let on_demand = self.config.catalog.on_demand_price(pool, self.now);
                return Err(Reason::PriceAbsurd { worker_type, pool, price, on_demand });
            }
            if let Some(as_of) = self.prices.stale_since(pool, self.now) {
                return Err(Reason::PriceStale { worker_type, pool, as_of });
            }
        }
        let cap = self.config.limits.max_price_cap;
        match self.config.catalog.on_demand_price(pool, self.now) {
            Some(bid) if self.pays_on_demand && bid > cap => {
                Err(Reason::BidAboveCap { worker_type, pool, bid, cap })
            }
            _ => Ok(()),
        }
    }
}
