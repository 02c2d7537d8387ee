//! Penalty, and forgiveness, for pools that take back what they sold.
//!
//! Only instances that were lost young count, and only against what the pool gave in the same
//! time: a pool that takes back one of a hundred old instances is as good as any. When the
//! penalty is over the pool is as if nothing had been. On-demand instances are not taken back.

use alloc::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{Event, Site, Table};
use crate::decision::Reason;
use crate::guards::LossRule;
use crate::units::{Duration, Ratio, Time};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Losses {
    pools: Table<Pool>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Pool {
    given: VecDeque<Time>,
    lost: VecDeque<Time>,
    penalty: Option<Penalty>,
}

/// A pool is avoided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Penalty {
    losses: u32,
    pub(super) until: Time,
}

impl Penalty {
    pub(super) const fn reason(&self, site: &Site) -> Reason {
        let Site { worker_type, pool, .. } = *site;
        let Self { losses, until } = *self;
        Reason::PoolPenalised { worker_type, pool, losses, until }
    }
}

impl Losses {
    pub(super) fn note(
        &mut self,
        rule: &LossRule,
        now: Time,
        site: &Site,
        ordered: Time,
        event: Event,
    ) {
        let is_loss = match event {
            Event::Accepted => false,
            Event::Lost { registered: _ } => true,
            Event::Ordered
            | Event::Refused(_)
            | Event::Withdrawn
            | Event::Registered
            | Event::BootFailed(_)
            | Event::Worked
            | Event::NeverWorked
            | Event::Abandoned => return,
        };
        let is_old = is_loss && now.since(ordered) > rule.within;
        if site.on_demand || is_old || self.penalty(now, site).is_some() {
            return;
        }
        let Pool { given, lost, penalty } = self.pools.at(site.pool.index());
        if is_loss { &mut *lost } else { &mut *given }.push_back(now);
        forget_old(given, now, rule.within);
        forget_old(lost, now, rule.within);
        let (gave, took) = (given.len() as u64, lost.len() as u64);
        let is_share = took.saturating_mul(Ratio::ONE.millionths())
            >= gave.saturating_mul(rule.share.millionths());
        if is_loss && took >= u64::from(rule.losses) && is_share {
            let losses = u32::try_from(took).unwrap_or(u32::MAX);
            *penalty = Some(Penalty { losses, until: now.saturating_add(rule.penalty) });
            given.clear();
            lost.clear();
        }
    }

    /// The penalty that the pool has now.
    pub(super) fn penalty(&self, now: Time, site: &Site) -> Option<Penalty> {
        let pool = self.pools.get(site.pool.index()).filter(|_| !site.on_demand)?;
        pool.penalty.filter(|penalty| now < penalty.until)
    }
}

fn forget_old(times: &mut VecDeque<Time>, now: Time, within: Duration) {
    while times.front().is_some_and(|time| now.since(*time) > within) {
        times.pop_front();
    }
}
