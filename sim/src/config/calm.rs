//! Calm after a storm: from a stated time on nothing goes wrong any more.
//!
//! What is wrong by then stays wrong until somebody repairs it: workers that hang go on hanging,
//! calls in doubt stay so, and what was forgotten runs on. A fleet's way back is what a calm shows.
//! Limits are no faults and stay: quotas, token buckets, pools that are not offered, delays.

use provisioner_engine::ids::PoolId;
use provisioner_engine::units::Time;

use super::api::ApiModel;
use super::listing::ListingModel;
use super::process::ProcessModel;
use super::{CloudModel, Fault, QueueModel, SimConfig, WorkerModel};
use crate::ec2::interruption::InterruptionModel;
use crate::ec2::launch::LaunchModel;
use crate::input::{AvailabilityChange, PriceChange};
use crate::market::Market;

/// From when on nothing goes wrong, and everything as it is then.
#[derive(Clone, Debug)]
pub struct Calm {
    /// When.
    pub from: Time,
    /// The same run without any chance of a failure.
    pub config: Box<SimConfig>,
}

impl SimConfig {
    /// The same run until then. From then on faults are over, no chance strikes, every pool has
    /// machines, and each costs the least it ever cost before.
    #[must_use]
    pub fn calm_from(mut self, from: Time) -> Self {
        self.faults.retain(|fault| fault.from < from);
        for Fault { until, .. } in &mut self.faults {
            *until = (*until).min(from);
        }
        self.market = calm_market(&self.market, self.engine.catalog.pools().len(), from);
        let mut calm = self.clone();
        calm.cloud = calm_cloud(calm.cloud);
        calm.queue = QueueModel { count_error: 0.0, count_failure: 0.0, ..calm.queue };
        calm.process = ProcessModel { crash_rate: 0.0, ..calm.process };
        calm.workers = calm.workers.into_iter().map(calm_workers).collect();
        self.calm = Some(Calm { from, config: Box::new(calm) });
        self
    }
}

fn calm_cloud(storm: CloudModel) -> CloudModel {
    CloudModel {
        interruption_hazard: 0.0,
        notice_missing: 0.0,
        api: ApiModel {
            lost_request: 0.0,
            lost_response: 0.0,
            duplicated_response: 0.0,
            internal_error: 0.0,
            ..storm.api
        },
        listing: ListingModel {
            event_lost: 0.0,
            event_duplicated: 0.0,
            stale_read: 0.0,
            page_failed: 0.0,
            label_missing: 0.0,
            ..storm.listing
        },
        interruption: InterruptionModel {
            tie_kill: 0.0,
            notice_late: 0.0,
            notice_duplicated: 0.0,
            notice_after_death: 0.0,
            ..storm.interruption
        },
        launch: LaunchModel { early_death: 0.0, ..storm.launch },
        ..storm
    }
}

fn calm_workers(storm: WorkerModel) -> WorkerModel {
    WorkerModel {
        never_registers: 0.0,
        never_claims: 0.0,
        ignores_idle: 0.0,
        hang_hazard: 0.0,
        death_hazard: 0.0,
        ..storm
    }
}

fn calm_market(storm: &Market, pools: usize, from: Time) -> Market {
    let mut prices: Vec<PriceChange> =
        storm.prices().iter().filter(|change| change.at < from).copied().collect();
    let mut availability: Vec<AvailabilityChange> =
        storm.availability().iter().filter(|change| change.at < from).copied().collect();
    for pool in (0..pools).map(PoolId::new) {
        let before = storm.history(pool).iter().filter(|(at, _)| *at < from);
        if let Some(price) = before.map(|(_, price)| *price).min() {
            prices.push(PriceChange { at: from, pool, price });
        }
        availability.push(AvailabilityChange { at: from, pool, available: u32::MAX });
    }
    Market::new(pools, prices, availability)
}

#[cfg(test)]
mod tests {
    use provisioner_engine::units::UsdPerHour;

    use super::*;

    #[test]
    fn prices_and_pools_recover() {
        let price = |s, pool, micros| PriceChange {
            at: Time::from_ms(s),
            pool: PoolId::new(pool),
            price: UsdPerHour::from_micros(micros),
        };
        let dry =
            |s| AvailabilityChange { at: Time::from_ms(s), pool: PoolId::new(1), available: 0 };
        let prices = vec![price(0, 0, 5), price(1, 0, 3), price(2, 0, 9), price(7, 0, 1)];
        let calm = calm_market(&Market::new(2, prices, vec![dry(1), dry(8)]), 2, Time::from_ms(5));
        let last = |pool| calm.history(PoolId::new(pool)).last().copied();
        assert_eq!(last(0), Some((Time::from_ms(5), UsdPerHour::from_micros(3))));
        assert_eq!(last(1), None, "a pool without a price gets none");
        let last = calm.availability().last().map(|change| (change.at.ms(), change.available));
        assert_eq!(last, Some((5, u32::MAX)));
    }
}
