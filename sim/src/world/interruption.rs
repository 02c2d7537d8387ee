//! How instances are taken back, and the news of it: recommendations, notices, and what goes wrong
//! with both.
//!
//! An end by chance is known to the world ahead, either instance by instance or as an event of the
//! whole pool. It enters the agenda when it is near: most instances end before theirs.

use provisioner_engine::decision::Market;
use provisioner_engine::ids::PoolId;
use provisioner_engine::observation::{EndCause, Observation};
use provisioner_engine::random::Seed;
use provisioner_engine::units::{Duration, Time};
use rand::RngExt;

use super::cloud::{delay, hours, stream};
use super::event::Event;
use super::instances::{Instance, Notice, Stage};
use super::{Truth, Turn, World, share_equal};
use crate::config::{FaultKind, Regime};
use crate::dist::DurationDist;
use crate::ec2::instance_state::InstanceState;
use crate::ec2::spot_request::StatusCode;

/// What happens to an instance by chance enters the agenda when it is nearer than this.
pub(super) const HAZARD_LOOK: Duration = Duration::HOUR;

impl World<'_> {
    // ---- ends by chance ----

    /// Enters what the cloud does by itself: the first event of each pool, and the ends of faults,
    /// from which on waiting requests can be served.
    pub(super) fn open_calendar(&mut self) {
        if let Some(calm) = &self.config.calm {
            self.calendar.insert((calm.from, Turn::Calm));
        }
        if self.pools_have_bursts() {
            (0..self.pools.len()).for_each(|pool| self.plan_burst(PoolId::new(pool)));
        }
        for fault in &self.config.faults {
            if matches!(fault.what, FaultKind::PoolDry { .. } | FaultKind::ImageUnusable { .. }) {
                self.calendar.insert((fault.until, Turn::FaultEnds));
            }
        }
    }

    fn pools_have_bursts(&self) -> bool {
        let cloud = &self.config.cloud;
        cloud.interruption.burst > 0.0 && cloud.interruption_hazard > 0.0
    }

    /// Each instance of a pool is taken with the chance `burst`, so events are rarer by it.
    fn plan_burst(&mut self, pool: PoolId) {
        let cloud = &self.config.cloud;
        let mean = hours(cloud.interruption.burst / cloud.interruption_hazard);
        let state = &self.pools[pool.index()];
        let seed = self.draws.lifecycle.purpose("burst").entity(state.key).entity(state.bursts);
        let after = DurationDist::Exponential { mean }.sample(&mut seed.stream());
        let at = self.now.saturating_add(after.max(Duration::SECOND));
        self.pools[pool.index()].burst_at = at;
        self.calendar.insert((at, Turn::Burst(pool)));
    }

    /// The cloud does what its calendar says.
    pub(super) fn turn(&mut self, turn: Turn) {
        match turn {
            Turn::Burst(pool) => self.burst(pool),
            Turn::FaultEnds => {
                (0..self.pools.len()).for_each(|pool| self.serve_open(PoolId::new(pool)));
            }
            Turn::Calm => self.calm_down(),
        }
    }

    /// The storm is over: what was to come by chance does not. Notices that were given hold.
    fn calm_down(&mut self) {
        if let Some(calm) = &self.config.calm {
            self.config = &calm.config;
            self.workers = share_equal(&calm.config.workers);
        }
        self.calendar.retain(|(_, turn)| !matches!(turn, Turn::Burst(_)));
        for slot in self.instances.slots() {
            let instance = &mut self.instances[slot];
            if instance.noticed.is_none() {
                (instance.hazard, instance.rebalance) = (Time::MAX, Time::MAX);
            }
        }
        for pool in (0..self.pools.len()).map(PoolId::new) {
            self.pools[pool.index()].dry_until = self.now;
            self.serve_open(pool);
        }
    }

    /// A pool takes back most of what it gave, and has nothing to give for a while. Those that it
    /// takes know already; for the others the next event counts.
    fn burst(&mut self, pool: PoolId) {
        let dry = &self.config.cloud.interruption.dry_after_burst;
        let state = &mut self.pools[pool.index()];
        let seed = self.draws.lifecycle.purpose("dry").entity(state.key).entity(state.bursts);
        state.bursts += 1;
        state.dry_until = self.now.saturating_add(dry.sample(&mut seed.stream()));
        self.plan_burst(pool);
        for slot in self.pools[pool.index()].serving.clone() {
            let Instance { stage, hazard, .. } = self.instances[slot];
            if matches!(stage, Stage::Running | Stage::Working) && hazard == Time::MAX {
                self.foresee(slot);
            }
        }
    }

    /// A spot instance runs: EC2 knows when it will take it back by chance, and what it says
    /// before.
    pub(super) fn draw_fate(&mut self, slot: u32) {
        if let Some(lives) = self.oversubscribed(slot) {
            self.instances[slot].hazard = self.now.saturating_add(lives);
            return self.watch_hazard(slot);
        }
        let cloud = &self.config.cloud;
        let alarms = cloud.interruption_hazard * cloud.interruption.false_alarms_per_kill();
        if cloud.interruption_hazard <= 0.0 || self.instances[slot].market == Market::OnDemand {
            return;
        }
        if alarms > 0.0 {
            let purpose = self.draws.lifecycle.purpose("false-alarm");
            let calm = DurationDist::Exponential { mean: hours(1.0 / alarms) };
            let after = delay(&calm, purpose, &self.instances[slot]);
            self.instances[slot].rebalance = self.now.saturating_add(after);
        }
        self.foresee(slot);
    }

    /// How long an instance may run in a pool that sells what it takes back.
    fn oversubscribed(&self, slot: u32) -> Option<Duration> {
        let Instance { pool, market, .. } = self.instances[slot];
        self.faults().filter(|_| market != Market::OnDemand).find_map(|fault| match fault {
            FaultKind::PoolOversubscribed { pools, lives } => {
                pools.contains(&pool).then_some(*lives)
            }
            _ => None,
        })
    }

    fn foresee(&mut self, slot: u32) {
        let (cloud, instance) = (&self.config.cloud, &self.instances[slot]);
        let model = &cloud.interruption;
        let hazard = if model.burst > 0.0 {
            let pool = &self.pools[instance.pool.index()];
            let purpose = self.draws.lifecycle.purpose("victim").entity(pool.bursts);
            let mut random = stream(purpose, instance);
            let within = model.burst_within.ms().max(0);
            let after = Duration::from_ms(random.random_range(0..=within));
            if random.random_bool(model.burst) { pool.burst_at + after } else { Time::MAX }
        } else {
            let mean = hours(1.0 / cloud.interruption_hazard);
            let survival = DurationDist::Exponential { mean };
            self.now.saturating_add(delay(&survival, self.draws.hazard, instance))
        };
        let mut rebalance = instance.rebalance;
        if hazard < Time::MAX && model.rebalance_before_kill > 0.0 {
            let mut random = stream(self.draws.lifecycle.purpose("rebalance"), instance);
            if random.random_bool(model.rebalance_before_kill) {
                let lead = model.rebalance_lead.sample(&mut random);
                rebalance = rebalance.min((hazard - lead).max(self.now));
            }
        }
        let instance = &mut self.instances[slot];
        (instance.hazard, instance.rebalance) = (hazard, rebalance);
        self.watch_hazard(slot);
    }

    /// What is in store for an instance enters the agenda once it is near.
    pub(super) fn watch_hazard(&mut self, slot: u32) {
        if self.instances[slot].rebalance <= self.now {
            self.recommend(slot);
        }
        let Instance { hazard, rebalance, noticed, .. } = self.instances[slot];
        let next = hazard.min(rebalance);
        if noticed.is_some() || next == Time::MAX {
            return;
        }
        let handle = self.instances.handle(slot);
        if next > self.now + HAZARD_LOOK {
            self.agenda.enter_line(self.hazard_line, self.now, Event::HazardLook(handle).pack());
        } else if hazard <= rebalance {
            self.agenda.enter(hazard, Event::Noticed(handle).pack());
        } else {
            self.agenda.enter(rebalance, Event::HazardLook(handle).pack());
        }
    }

    /// EC2 sees an elevated risk for the instance, or says so.
    fn recommend(&mut self, slot: u32) {
        let Instance { launch, stage, noticed, ref mut rebalance, ref mut lifecycle, .. } =
            self.instances[slot];
        *rebalance = Time::MAX;
        let runs = matches!(stage, Stage::Running | Stage::Working);
        if runs && noticed.is_none() && !lifecycle.recommended {
            lifecycle.recommended = true;
            self.notices.recommended += 1;
            self.tell(Observation::RebalanceRecommended { launch });
        }
    }

    // ---- the notice ----

    /// The time has come: EC2 takes the instance back by chance, or its notice is seen.
    pub(super) fn notice(&mut self, slot: u32) {
        let Instance { noticed, hazard, .. } = self.instances[slot];
        match noticed {
            None if hazard > self.now => {} // a calm came before it
            None => {
                if self.instances[slot].rebalance <= self.now {
                    self.recommend(slot);
                }
                self.take_back(slot, StatusCode::InstanceTerminatedNoCapacity);
            }
            Some(Notice::Coming) if hazard == self.now => self.see_notice(slot),
            Some(Notice::Coming | Notice::Seen | Notice::Missed) => {}
        }
    }

    /// EC2 announces that it takes the instance back, for the reason in which its request ends.
    pub(super) fn take_back(&mut self, slot: u32, why: StatusCode) {
        let instance = &self.instances[slot];
        let live = matches!(instance.stage, Stage::Pending | Stage::Running | Stage::Working);
        if !live || instance.noticed.is_some() {
            return;
        }
        let ends_at = self.now.saturating_add(self.config.cloud.notice_lead);
        let missing = self.config.cloud.notice_missing;
        let missed = missing > 0.0 && stream(self.draws.notice, instance).random_bool(missing);
        self.testify(|world| Truth::InstanceTaken {
            launch: world.instances[slot].launch,
            ends_at,
        });
        self.recommend_late(slot, why);
        (self.instances[slot].ends_at, self.instances[slot].lifecycle.taken) = (ends_at, Some(why));
        // Today's requests for want of capacity jump to their end while the instance still runs.
        let jumps = why == StatusCode::InstanceTerminatedNoCapacity
            && self.config.cloud.regime == Regime::Capacity;
        self.close_request(slot, if jumps { why } else { StatusCode::MarkedForTermination });
        self.announce(slot, missed, ends_at);
        self.agenda.enter(ends_at, Event::Reclaimed(self.instances.handle(slot)).pack());
    }

    /// A kill that nobody could foresee has its recommendation together with the notice.
    fn recommend_late(&mut self, slot: u32, why: StatusCode) {
        let (chance, instance) =
            (self.config.cloud.interruption.rebalance_before_kill, &self.instances[slot]);
        let foreseen = instance.hazard == self.now;
        self.notices.recommended_taken += u64::from(instance.lifecycle.recommended);
        if chance > 0.0 && !foreseen && why == StatusCode::InstanceTerminatedNoCapacity {
            let recommended = instance.lifecycle.recommended;
            let purpose = self.draws.lifecycle.purpose("rebalance");
            if !recommended && stream(purpose, instance).random_bool(chance) {
                self.recommend(slot);
                let came = self.instances[slot].lifecycle.recommended;
                self.notices.recommended_taken += u64::from(came);
            }
        }
    }

    /// When the worker sees the notice, and what the provisioner hears of it.
    fn announce(&mut self, slot: u32, missed: bool, ends_at: Time) {
        let model = &self.config.cloud.interruption;
        let Instance { launch, .. } = self.instances[slot];
        let fact = Observation::InterruptionNoticed { launch, ends_at };
        let seed: Seed = self.draws.lifecycle.purpose("notice");
        let mut random = stream(seed, &self.instances[slot]);
        let mut happens = |chance: f64| chance > 0.0 && random.random_bool(chance);
        let after_death = happens(model.notice_after_death);
        let late = happens(model.notice_late);
        let twice = happens(model.notice_duplicated);
        let mut seen_after = match &model.notice_seen_after {
            DurationDist::Constant(after) => *after,
            varying => varying.sample(&mut random),
        };
        if late {
            seen_after += model.notice_late_by.sample(&mut random);
        }
        let lead = self.config.cloud.notice_lead;
        if missed {
            self.notices.missed += 1;
            self.instances[slot].noticed = Some(Notice::Missed);
        } else if after_death || seen_after >= lead.max(Duration::from_ms(1)) {
            let behind = model.notice_late_by.sample(&mut random);
            self.notices.after_death += 1;
            self.instances[slot].noticed = Some(Notice::Missed);
            self.tell_later(fact, lead + behind.max(Duration::SECOND));
        } else {
            self.notices.late += u64::from(late);
            if twice {
                let again = model.notice_duplicated_after.sample(&mut random);
                self.notices.duplicated += 1;
                self.tell_later(fact, seen_after + again);
            }
            let instance = &mut self.instances[slot];
            (instance.noticed, instance.hazard) =
                (Some(Notice::Coming), self.now.saturating_add(seen_after));
            if seen_after == Duration::ZERO {
                self.see_notice(slot);
            } else {
                let seen = Event::Noticed(self.instances.handle(slot)).pack();
                self.agenda.enter(self.instances[slot].hazard, seen);
            }
        }
    }

    /// The worker sees the notice and claims no more; the provisioner hears of it.
    fn see_notice(&mut self, slot: u32) {
        let Instance { launch, worker_type, stage, ends_at, .. } = self.instances[slot];
        if stage == Stage::Stopping {
            return;
        }
        self.notices.seen += 1;
        self.notices.losses += 1;
        self.instances[slot].noticed = Some(Notice::Seen);
        self.types[worker_type.index()].ready.leave(&mut self.instances, slot);
        let voice = self.instances[slot].voice;
        self.tell_in(voice, Observation::InterruptionNoticed { launch, ends_at });
    }

    /// EC2 has taken the instance back.
    pub(super) fn reclaim(&mut self, slot: u32) {
        let Instance { launch, worker_type, stage, lifecycle, .. } = self.instances[slot];
        if stage == Stage::Stopping {
            return;
        }
        self.events += 1;
        self.type_of(worker_type).launches.interrupted += 1;
        let told = self.instances[slot].is_leaving();
        self.notices.losses += u64::from(!told);
        self.leave_service(slot, true, told);
        let cause = EndCause::Interruption;
        self.enter_state(slot, InstanceState::ShuttingDown, Some(cause));
        self.enter_state(slot, InstanceState::Terminated, Some(cause));
        if let Some(code) = lifecycle.taken {
            self.close_request(slot, code);
        }
        self.end(slot, Observation::InstanceEnded { launch, cause });
    }
}
