//! Quotas of a region, and pools that are not offered.
//!
//! A quota that is used up is the account's matter and says nothing about pools: the region is
//! left alone in that market, and probed by one launch until EC2 gives an instance there again.
//! The same goes for a pool whose zone does not offer the instance type, in either market.

use serde::{Deserialize, Serialize};

use super::latch::Latch;
use super::{Event, Opening, Site, Table, in_market};
use crate::decision::Reason;
use crate::observation::Refusal;
use crate::remap::Remap;
use crate::units::{Duration, Time};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Quota {
    /// By region and market.
    regions: Table<Latch>,
    pools: Table<Latch>,
}

impl Quota {
    /// Goes over to other ids.
    pub(super) fn configure(&mut self, remap: &Remap) {
        let region = |old: usize| in_market(remap.regions[old / 2].index(), old % 2 == 1);
        self.regions.configure(|old| Some(region(old)));
        self.pools.configure(|old| Some(remap.pools[old].index()));
    }

    pub(super) fn note(
        &mut self,
        quota_block: Option<Duration>,
        unsupported_block: Option<Duration>,
        now: Time,
        site: &Site,
        ordered: Time,
        event: Event,
    ) {
        let blocks = [
            (quota_block, self.regions.at(market_of(site)), Refusal::QuotaReached),
            (unsupported_block, self.pools.at(site.pool.index()), Refusal::Unsupported),
        ];
        for (block, latch, refusal) in blocks {
            let Some(block) = block else { continue };
            match event {
                Event::Ordered => latch.probe(now, block),
                Event::Accepted => {
                    latch.open(ordered);
                }
                Event::Refused(why) if why == refusal => {
                    latch.shut(now, ordered, block);
                }
                Event::Refused(_)
                | Event::Withdrawn
                | Event::Registered
                | Event::BootFailed(_)
                | Event::Worked
                | Event::NeverWorked
                | Event::Abandoned
                | Event::Lost { registered: _ } => {}
            }
        }
    }

    pub(super) fn open(&self, now: Time, site: &Site) -> Opening {
        let Site { worker_type, pool, region, on_demand, .. } = *site;
        let opening = |latch: Option<&Latch>, reason: &dyn Fn(Time) -> Reason| {
            latch
                .and_then(Latch::until)
                .map_or(Opening::WIDE, |until| Opening::of(u32::from(until <= now), reason(until)))
        };
        let quota = opening(self.regions.get(market_of(site)), &|until| Reason::QuotaReached {
            worker_type,
            region,
            on_demand,
            until,
        });
        quota.and(opening(self.pools.get(pool.index()), &|until| Reason::NotOffered {
            worker_type,
            pool,
            until,
        }))
    }
}

const fn market_of(site: &Site) -> usize {
    in_market(site.region.index(), site.on_demand)
}
