//! What the account may have at once, and how much of that is used.

use std::collections::{BTreeMap, BTreeSet};

use provisioner_engine::decision::Market;
use provisioner_engine::ids::{LaunchId, PoolId, RegionId};
use provisioner_engine::units::Time;

use super::World;
use super::cloud::delay;
use super::instances::{Instance, Stage};
use crate::config::SimConfig;
use crate::ec2::quota::{QuotaClass, QuotaModel};

/// What counts against the quotas.
#[derive(Debug)]
pub(super) struct QuotaBook {
    used: BTreeMap<(RegionId, Line), u64>,
    /// Ends that EC2 has not noticed, and from when on it has.
    ending: BTreeSet<(Time, LaunchId, RegionId, Line, u64)>,
    /// By pool: its region, its class and its virtual CPUs.
    pools: Vec<(RegionId, Option<QuotaClass>, u64)>,
}

/// One quota of a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Line {
    SpotInstances,
    SpotVcpus(QuotaClass),
    OnDemandVcpus(QuotaClass),
}

impl QuotaBook {
    /// An empty one, if there are quotas.
    pub(super) fn new(config: &SimConfig) -> Option<Self> {
        let catalog = &config.engine.catalog;
        let pools = (0..).zip(catalog.pools()).map(|(index, pool)| {
            let instance_type = catalog.instance_type_of(pool.instance_type);
            let class = QuotaClass::of(&instance_type.name);
            (catalog.region_of(PoolId::new(index)), class, u64::from(instance_type.vcpus))
        });
        let book = Self { used: BTreeMap::new(), ending: BTreeSet::new(), pools: pools.collect() };
        (!config.cloud.quotas.is_unlimited()).then_some(book)
    }

    /// What an instance of a pool counts for.
    fn claims(&self, pool: PoolId, market: Market) -> (RegionId, [Option<(Line, u64)>; 2]) {
        let (region, class, vcpus) = self.pools[pool.index()];
        let claims = match market {
            Market::OnDemand => [class.map(|class| (Line::OnDemandVcpus(class), vcpus)), None],
            Market::Spot { .. } => {
                [class.map(|class| (Line::SpotVcpus(class), vcpus)), Some((Line::SpotInstances, 1))]
            }
        };
        (region, claims)
    }

    fn release(&mut self, region: RegionId, line: Line, amount: u64) {
        let used = self.used.get_mut(&(region, line)).expect("what is released was claimed");
        *used = used.checked_sub(amount).expect("no more is released than was claimed");
    }
}

impl QuotaModel {
    fn limit(&self, line: Line) -> Option<u32> {
        match line {
            Line::SpotInstances => self.spot_instances,
            Line::SpotVcpus(class) => self.spot_vcpus.get(&class).copied(),
            Line::OnDemandVcpus(class) => self.on_demand_vcpus.get(&class).copied(),
        }
    }
}

impl World<'_> {
    /// Panics if something else counts than what is there or ended just now.
    pub(super) fn check_quotas(&self) {
        let Some(book) = &self.quotas else { return };
        let mut left = book.used.clone();
        let mut settle = |region, line, amount| {
            *left.get_mut(&(region, line)).expect("what counts was claimed") -= amount;
        };
        for &(_, _, region, line, amount) in &book.ending {
            settle(region, line, amount);
        }
        for slot in self.instances.slots() {
            let Instance { pool, market, lifecycle, .. } = self.instances[slot];
            let (region, claims) = book.claims(pool, market);
            for (line, amount) in claims.into_iter().flatten().filter(|_| lifecycle.counted) {
                settle(region, line, amount);
            }
        }
        assert!(left.values().all(|left| *left == 0), "nobody holds {left:?} of the quotas");
    }

    /// Whether the quotas have room for this instance, or count it already.
    pub(super) fn quota_allows(&mut self, slot: u32) -> bool {
        let Instance { pool, market, lifecycle, .. } = self.instances[slot];
        let Some(book) = self.quotas.as_mut().filter(|_| !lifecycle.counted) else { return true };
        while let Some(&(at, _, region, line, amount)) = book.ending.first() {
            if at > self.now {
                break;
            }
            book.ending.pop_first();
            book.release(region, line, amount);
        }
        let (region, claims) = book.claims(pool, market);
        claims.into_iter().flatten().all(|(line, amount)| {
            let used = book.used.get(&(region, line)).copied().unwrap_or(0);
            let limit = self.config.cloud.quotas.limit(line);
            limit.is_none_or(|limit| used + amount <= u64::from(limit))
        })
    }

    /// From now on the instance or request counts.
    pub(super) fn claim_quota(&mut self, slot: u32) {
        let Instance { pool, market, ref mut lifecycle, .. } = self.instances[slot];
        let Some(book) = self.quotas.as_mut().filter(|_| !lifecycle.counted) else { return };
        lifecycle.counted = true;
        let (region, claims) = book.claims(pool, market);
        for (line, amount) in claims.into_iter().flatten() {
            *book.used.entry((region, line)).or_default() += amount;
        }
    }

    /// The instance is terminated, or its request over: it counts until EC2 has noticed.
    pub(super) fn release_quota(&mut self, slot: u32) {
        let instance = &self.instances[slot];
        let Instance { launch, pool, market, stage, lifecycle, .. } = *instance;
        let Some(book) = self.quotas.as_mut().filter(|_| lifecycle.counted) else { return };
        let (region, claims) = book.claims(pool, market);
        let lag = &self.config.cloud.quotas.release_lag;
        let noticed = match stage {
            Stage::Asked | Stage::Open => self.now,
            Stage::Pending | Stage::Running | Stage::Working | Stage::Stopping | Stage::Free => {
                let purpose = self.draws.lifecycle.purpose("quota-release");
                self.now.saturating_add(delay(lag, purpose, instance))
            }
        };
        for (line, amount) in claims.into_iter().flatten() {
            book.ending.insert((noticed, launch, region, line, amount));
        }
    }
}
