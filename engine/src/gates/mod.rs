//! What stands between a wish and a launch: each gate watches what became of earlier launches and
//! says how many more may go to a pool now, and what keeps it from being more.
//!
//! | file | gate |
//! |---|---|
//! | `ice` | launches under way in a pool, by how it answered; a dry pool is probed |
//! | `losses` | pools that take back what they sold |
//! | `rebalance` | pools that EC2 recommends to leave: a preference, no gate |
//! | `price` | prices that are too old or cannot be meant, and the cap |
//! | `share` | the largest share of a worker type in one pool |
//! | `quota` | quotas of a region; pools that are not offered |
//! | `breaker` | worker types, images and regions that never become workers |
//! | `latch` | what these share: left alone for a while, then probed by one launch |
//!
//! Gates are asked before a placement policy chooses, so that every policy sees only what is open,
//! and those that launches of the same decision narrow are asked again before each call: together
//! its launches stay within what one of them was promised. Gates keep no launch of their own.
//! Their rules are [`Guards`]; a gate whose rule is off is always open.

mod breaker;
mod ice;
mod latch;
mod losses;
mod price;
mod quota;
mod rebalance;
mod share;

use alloc::vec::Vec;
use core::mem;

use serde::{Deserialize, Serialize};

use self::breaker::Breaker;
use self::ice::Ice;
use self::losses::Losses;
pub(crate) use self::price::PriceGate;
use self::quota::Quota;
use self::rebalance::Rebalance;
pub(crate) use self::share::Fleet;
use crate::catalog::Catalog;
use crate::decision::{Market, Reason};
use crate::guards::Guards;
use crate::ids::{ImageId, LaunchId, PoolId, RegionId, WorkerTypeId};
use crate::ledger::Stage;
use crate::observation::{EndCause, Refusal};
use crate::remap::Remap;
use crate::units::Time;
use crate::worker_type::{Candidate, WorkerType};

/// Where a launch goes, in every respect that a gate may care about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Site {
    pub(crate) worker_type: WorkerTypeId,
    pub(crate) candidate: u32,
    pub(crate) pool: PoolId,
    pub(crate) region: RegionId,
    pub(crate) image: ImageId,
    pub(crate) on_demand: bool,
}

impl Site {
    pub(crate) fn new(
        catalog: &Catalog,
        id: WorkerTypeId,
        worker_type: &WorkerType,
        candidate: u32,
        market: Market,
    ) -> Self {
        let Candidate { pool, image, .. } = worker_type.candidates[candidate as usize];
        let (region, on_demand) = (catalog.region_of(pool), market == Market::OnDemand);
        Self { worker_type: id, candidate, pool, region, image, on_demand }
    }

    /// Spot and on-demand instances come from different pools of capacity.
    const fn capacity_pool(&self) -> usize {
        in_market(self.pool.index(), self.on_demand)
    }
}

/// What became of one launch: `Ordered`; then one of `Accepted`, `Refused` and `Withdrawn`; then,
/// if accepted, one of `Registered`, `BootFailed`, `Abandoned` and `Lost`; then, if registered,
/// perhaps `Worked`, and perhaps `NeverWorked` or `Lost`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// It was ordered.
    Ordered,
    /// EC2 gave an instance for it.
    Accepted,
    /// EC2 will not give one; it is over.
    Refused(Refusal),
    /// It was never answered and never seen, or cancelled: it is over and says nothing.
    Withdrawn,
    /// Its worker registered.
    Registered,
    /// It ended before its worker registered, or was given up because that never did.
    BootFailed(EndCause),
    /// It ended before its worker is known to have registered, and that says nothing: we ended it, or
    /// nobody heard of it before.
    Abandoned,
    /// Its worker is known to have claimed a task.
    Worked,
    /// Its worker registered, could have claimed a task and ended without.
    NeverWorked,
    /// EC2 took it back.
    Lost {
        /// Whether its worker had registered.
        registered: bool,
    },
}

/// How many more instances may be launched somewhere now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opening {
    pub(crate) count: u32,
    /// What keeps it from being more, if anything does.
    pub(crate) limit: Option<Reason>,
}

impl Opening {
    /// As many as one likes.
    const WIDE: Self = Self { count: u32::MAX, limit: None };

    pub(crate) const fn of(count: u32, limit: Reason) -> Self {
        Self { count, limit: Some(limit) }
    }

    /// The narrower of the two; of equals the first.
    const fn and(self, other: Self) -> Self {
        if other.count < self.count { other } else { self }
    }

    /// Whether nothing worse is known of the place than that enough is under way there.
    const fn is_sound(&self) -> bool {
        matches!(self.limit, None | Some(Reason::PoolBusy { .. } | Reason::Unproven { .. }))
    }
}

/// All gates.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Gates {
    guards: Guards,
    ice: Ice,
    losses: Losses,
    rebalance: Rebalance,
    quota: Quota,
    breaker: Breaker,
}

impl Gates {
    /// All open.
    pub(crate) fn new(guards: Guards) -> Self {
        Self {
            guards,
            ice: Ice::default(),
            losses: Losses::default(),
            rebalance: Rebalance::default(),
            quota: Quota::default(),
            breaker: Breaker::default(),
        }
    }

    /// Goes over to another configuration. What is learnt of pools, regions, images and worker types
    /// stays with their names; what is under way is to be counted again.
    pub(crate) fn configure(&mut self, guards: Guards, remap: &Remap) {
        self.guards = guards;
        self.ice.configure(remap);
        self.losses.configure(remap);
        self.rebalance.configure(remap);
        self.quota.configure(remap);
        self.breaker.configure(remap);
    }

    /// Counts launches under way anew: those at that place that have not registered.
    pub(crate) fn recount(&mut self, under_way: &[(Site, Stage)]) {
        self.ice.recount(under_way);
        self.breaker.recount(under_way);
    }

    /// Whether no gate can ever close.
    pub(crate) const fn are_off(&self) -> bool {
        let Guards {
            ice, losses, rebalance, share, quota_block, unsupported_block, breaker, ..
        } = self.guards;
        ice.is_none()
            && losses.is_none()
            && rebalance.is_none()
            && share.is_none()
            && quota_block.is_none()
            && unsupported_block.is_none()
            && breaker.is_none()
    }

    /// Takes in what became of a launch there that was ordered at that time.
    pub(crate) fn note(&mut self, now: Time, site: &Site, ordered: Time, event: Event) {
        let Guards { ice, losses, quota_block, unsupported_block, breaker, .. } = self.guards;
        if let Some(rule) = &ice {
            self.ice.note(rule, now, site, ordered, event);
        }
        if let Some(rule) = &losses {
            self.losses.note(rule, now, site, ordered, event);
        }
        self.quota.note(quota_block, unsupported_block, now, site, ordered, event);
        if let Some(rule) = &breaker {
            self.breaker.note(rule, now, site, ordered, event);
        }
    }

    /// EC2 recommends to leave a pool, to an instance there.
    pub(crate) fn recommend(&mut self, now: Time, pool: PoolId, launch: LaunchId) {
        if let Some(rule) = &self.guards.rebalance {
            self.rebalance.note(rule, now, pool, launch);
        }
    }

    /// Whether any pool may have to be left out while others are open.
    pub(crate) const fn may_warn(&self) -> bool {
        self.guards.rebalance.is_some() && self.rebalance.is_known()
    }

    /// Why a pool is to be left out while others are open, if it is.
    pub(crate) fn warning(&self, now: Time, site: &Site) -> Option<Reason> {
        self.rebalance.warning(self.guards.rebalance.as_ref()?, now, site)
    }

    /// Whether workers there register and never claim, as far as is known.
    pub(crate) fn is_hollow(&self, site: &Site) -> bool {
        self.guards.breaker.is_some() && self.breaker.is_hollow(site)
    }

    /// How many more may be launched there now, at the very door: without what is only looked at
    /// before a placement policy chooses.
    pub(crate) fn open(&self, now: Time, site: &Site) -> Opening {
        let Guards { ice, breaker, .. } = &self.guards;
        let breaker = breaker.as_ref().map(|rule| self.breaker.open(rule, now, site));
        let ice = ice.as_ref().map(|rule| self.ice.open(rule, now, site));
        [breaker, ice].into_iter().flatten().fold(self.quota.open(now, site), Opening::and)
    }

    /// How many more of each candidate of a worker type may be chosen now, where prices leave as
    /// many open.
    ///
    /// A penalty for losses never starves: where nothing else is sound, the penalised candidate
    /// that is forgiven first is open as if it were.
    pub(crate) fn narrow(
        &self,
        now: Time,
        sites: &[Site],
        fleet: &Fleet<'_>,
        openings: &mut [Opening],
    ) {
        for (site, opening) in sites.iter().zip(&mut *openings) {
            *opening = opening.and(self.open(now, site));
        }
        if let Some(rule) = &self.guards.losses {
            let penalties: Vec<_> =
                sites.iter().map(|site| self.losses.penalty(rule, now, site)).collect();
            let is_sound = |index: &usize| fleet.is_liked[*index] && openings[*index].is_sound();
            let forgiven = match (0..sites.len())
                .filter(is_sound)
                .min_by_key(|index| penalties[*index].map(|penalty| penalty.until))
            {
                Some(index) if penalties[index].is_some() => Some(index),
                Some(_) | None => None,
            };
            for (index, (site, penalty)) in sites.iter().zip(&penalties).enumerate() {
                if let Some(penalty) = penalty.filter(|_| forgiven != Some(index)) {
                    let most = u32::from(penalty.may_be_tried(now));
                    openings[index] = openings[index].and(Opening::of(most, penalty.reason(site)));
                }
            }
        }
        if let Some(rule) = &self.guards.share {
            share::narrow(rule, sites, fleet, openings);
        }
    }
}

/// Values by a dense index. What was never changed is as it began.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Table<T>(Vec<T>);

impl<T: Clone + Default> Table<T> {
    fn get(&self, index: usize) -> Option<&T> {
        self.0.get(index)
    }

    fn at(&mut self, index: usize) -> &mut T {
        if self.0.len() <= index {
            self.0.resize(index + 1, T::default());
        }
        &mut self.0[index]
    }

    fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.iter_mut()
    }

    /// Moves values to where their index has gone; what has gone nowhere is dropped.
    fn configure(&mut self, moved: impl Fn(usize) -> Option<usize>) {
        for (old, value) in mem::take(&mut self.0).into_iter().enumerate() {
            if let Some(new) = moved(old) {
                *self.at(new) = value;
            }
        }
    }
}

/// Where something of a pool or a region stands that has one for each market.
const fn in_market(index: usize, on_demand: bool) -> usize {
    index * 2 + on_demand as usize
}

#[cfg(test)]
mod tests;
