//! Penalty, and forgiveness, for pools that take back what they sold.
//!
//! Only instances that were lost young count, and only against what the pool gave in the same
//! time: a pool that takes back one of a hundred old instances is as good as any. When the
//! penalty is over one launch tries the pool. If its instance is taken back young, that is the next
//! offence, and the penalty is twice as long, up to a maximum; if it is not, the pool is open, and
//! a day without an offence makes it as if nothing had been. What launches that have no other pool
//! do during a penalty says nothing of when it ends. On-demand instances are not taken back.

use alloc::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{Event, Site, Table};
use crate::decision::Reason;
use crate::guards::LossRule;
use crate::remap::Remap;
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

/// A pool is avoided, or was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Penalty {
    losses: u32,
    /// How long it is, or was.
    length: Duration,
    /// When it may be tried.
    pub(super) until: Time,
    /// When the launch was ordered that tries it.
    tried: Option<Time>,
}

impl Penalty {
    pub(super) const fn reason(&self, site: &Site) -> Reason {
        let Site { worker_type, pool, .. } = *site;
        let Self { losses, until, .. } = *self;
        Reason::PoolPenalised { worker_type, pool, losses, until }
    }

    /// Whether one launch may try the pool now.
    pub(super) fn may_be_tried(&self, now: Time) -> bool {
        self.until <= now && self.tried.is_none()
    }

    /// Whether it was tried, and that went well.
    fn is_over(&self, rule: &LossRule, now: Time) -> bool {
        self.tried.is_some_and(|tried| now.since(tried) > rule.within)
    }

    /// After this long without an offence nobody remembers it.
    fn is_forgotten(&self, rule: &LossRule, now: Time) -> bool {
        now.since(self.until) > rule.forgotten_after
    }
}

impl Losses {
    /// Goes over to other ids.
    pub(super) fn configure(&mut self, remap: &Remap) {
        self.pools.configure(|old| Some(remap.pools[old].index()));
    }

    pub(super) fn note(
        &mut self,
        rule: &LossRule,
        now: Time,
        site: &Site,
        ordered: Time,
        event: Event,
    ) {
        if site.on_demand {
            return;
        }
        let pool = self.pools.at(site.pool.index());
        match event {
            Event::Ordered => pool.order(now),
            Event::Refused(_) | Event::Withdrawn => pool.try_again(ordered),
            Event::Accepted => pool.give(rule, now),
            Event::Lost { registered: _ } => pool.lose(rule, now, ordered),
            Event::Registered
            | Event::BootFailed(_)
            | Event::Worked
            | Event::NeverWorked
            | Event::Abandoned => {}
        }
    }

    /// The penalty that the pool has now.
    pub(super) fn penalty(&self, rule: &LossRule, now: Time, site: &Site) -> Option<Penalty> {
        let pool = self.pools.get(site.pool.index()).filter(|_| !site.on_demand)?;
        pool.penalty_at(rule, now)
    }
}

impl Pool {
    fn penalty_at(&self, rule: &LossRule, now: Time) -> Option<Penalty> {
        self.penalty.filter(|it| !it.is_over(rule, now) && !it.is_forgotten(rule, now))
    }

    /// The first launch after a penalty tries the pool.
    fn order(&mut self, now: Time) {
        if let Some(penalty) = self.penalty.as_mut().filter(|it| it.may_be_tried(now)) {
            penalty.tried = Some(now);
        }
    }

    /// A launch got no instance: if it was to try the pool, another may.
    fn try_again(&mut self, ordered: Time) {
        if let Some(penalty) = self.penalty.as_mut().filter(|it| it.tried == Some(ordered)) {
            penalty.tried = None;
        }
    }

    fn give(&mut self, rule: &LossRule, now: Time) {
        if self.penalty_at(rule, now).is_none() {
            self.given.push_back(now);
            forget_old(&mut self.given, now, rule.within);
        }
    }

    fn lose(&mut self, rule: &LossRule, now: Time, ordered: Time) {
        if now.since(ordered) > rule.within {
            return;
        }
        if let Some(Penalty { losses, tried, .. }) = self.penalty_at(rule, now) {
            if tried.is_some_and(|tried| tried <= ordered) {
                self.punish(rule, now, losses.saturating_add(1));
            }
            return;
        }
        let Self { given, lost, .. } = self;
        lost.push_back(now);
        forget_old(given, now, rule.within);
        forget_old(lost, now, rule.within);
        let (gave, took) = (given.len() as u64, lost.len() as u64);
        let is_share = took.saturating_mul(Ratio::ONE.millionths())
            >= gave.saturating_mul(rule.share.millionths());
        if took >= u64::from(rule.losses) && is_share {
            self.punish(rule, now, u32::try_from(took).unwrap_or(u32::MAX));
        }
    }

    fn punish(&mut self, rule: &LossRule, now: Time, losses: u32) {
        let before = self.penalty.filter(|it| !it.is_forgotten(rule, now));
        let twice = |it: Penalty| it.length.doubled();
        let length = before.map_or(rule.penalty, twice).min(rule.penalty_max.max(rule.penalty));
        let until = now.saturating_add(length);
        self.penalty = Some(Penalty { losses, length, until, tried: None });
        self.given.clear();
        self.lost.clear();
    }
}

fn forget_old(times: &mut VecDeque<Time>, now: Time, within: Duration) {
    while times.front().is_some_and(|time| now.since(*time) > within) {
        times.pop_front();
    }
}
