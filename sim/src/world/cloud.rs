//! Instances from launch to end, and the market that gives and takes them.

use provisioner_engine::decision::Market;
use provisioner_engine::ids::{LaunchId, PoolId};
use provisioner_engine::observation::{EndCause, Observation, Refusal};
use provisioner_engine::random::{Seed, Stream};
use provisioner_engine::units::{Duration, Ratio, Time, UsdPerHour};
use rand::RngExt;

use super::api::Order;
use super::event::{Event, Handle};
use super::fates::Fates;
use super::instances::{Health, Instance, NEVER, Place, Stage, Voice};
use super::lifecycle::{Lifecycle, Machine};
use super::tasks::NONE;
use super::{Truth, World};
use crate::config::api::Fulfilment;
use crate::config::{Regime, SimConfig};
use crate::dist::DurationDist;
use crate::ec2::instance_state::InstanceState;
use crate::ec2::spot_request::StatusCode;

/// One spot pool.
#[derive(Clone, Debug)]
pub(super) struct PoolState {
    pub(super) id: PoolId,
    /// Its zone offers its instance type.
    pub(super) offered: bool,
    pub(super) machine: Machine,
    pub(super) price: Option<UsdPerHour>,
    /// How many price changes it had.
    pub(super) changes: usize,
    /// How many spot instances it can serve at once.
    available: u32,
    /// Spot instances from `pending` on.
    pub(super) serving: Vec<u32>,
    /// No instance of it has a max price below this.
    max_price_least: UsdPerHour,
    /// Spot requests that wait, in the order of asking.
    pub(super) open: Vec<u32>,
    /// What names its random draws.
    pub(super) key: u64,
    /// How many events it had in which it took back most of what it gave, and when the next is.
    pub(super) bursts: u64,
    pub(super) burst_at: Time,
    /// It has no machine to give until then.
    pub(super) dry_until: Time,
    /// How many launches it was asked for.
    asked: u64,
}

impl PoolState {
    /// A pool nobody was told about.
    pub(super) fn new(config: &SimConfig, id: PoolId) -> Self {
        let catalog = &config.engine.catalog;
        let instance_type = catalog.pools()[id.index()].instance_type;
        Self {
            id,
            offered: !config.cloud.launch.not_offered.contains(&id),
            machine: Machine::of(&catalog.instance_type_of(instance_type).name),
            price: None,
            changes: 0,
            available: u32::MAX,
            serving: Vec::new(),
            max_price_least: NO_LIMIT,
            open: Vec::new(),
            key: catalog.pool_key(id),
            bursts: 0,
            burst_at: Time::MAX,
            dry_until: config.start,
            asked: 0,
        }
    }
}

pub(super) const NO_LIMIT: UsdPerHour = UsdPerHour::from_micros(i64::MAX);

/// Where each kind of chance comes from: split by pool and by the instance's number in it, so
/// that the n-th instance of a pool boots as fast under every policy.
pub(super) struct Draws {
    answer: Seed,
    pub(super) pending: Seed,
    pub(super) boot: Seed,
    pub(super) hazard: Seed,
    pub(super) termination: Seed,
    pub(super) notice: Seed,
    victim: Seed,
    /// For what only a full EC2 does, split again by purpose.
    pub(super) lifecycle: Seed,
    pub(super) lag: Stream,
    pub(super) check: Stream,
    pub(super) fates: Fates,
}

impl Draws {
    pub(super) fn new(seed: Seed) -> Self {
        Self {
            answer: seed.purpose("answer"),
            pending: seed.purpose("pending"),
            boot: seed.purpose("boot"),
            hazard: seed.purpose("hazard"),
            termination: seed.purpose("termination"),
            notice: seed.purpose("notice"),
            victim: seed.purpose("victim"),
            lifecycle: seed.purpose("lifecycle"),
            lag: seed.purpose("lag").stream(),
            check: seed.purpose("check-worker").stream(),
            fates: Fates::new(seed),
        }
    }
}

/// The stream of one instance for one purpose.
pub(super) fn stream(purpose: Seed, instance: &Instance) -> Stream {
    purpose.entity(instance.identity).stream()
}

/// A delay of one instance; constant ones cost no stream.
pub(super) fn delay(dist: &DurationDist, purpose: Seed, instance: &Instance) -> Duration {
    match dist {
        DurationDist::Constant(delay) => *delay,
        varying => varying.sample(&mut stream(purpose, instance)),
    }
}

impl World<'_> {
    // ---- the market ----

    /// The market as it stands when the run begins.
    pub(super) fn open_market(&mut self) {
        while self.market_at() <= self.config.start {
            self.move_market();
        }
    }

    /// When the market next moves.
    pub(super) fn market_at(&self) -> Time {
        let market = &self.config.market;
        let price = market.prices().get(self.next_price).map_or(Time::MAX, |next| next.at);
        let availability =
            market.availability().get(self.next_availability).map_or(Time::MAX, |next| next.at);
        let calendar = self.calendar.first().map_or(Time::MAX, |(at, _)| *at);
        price.min(availability).min(calendar)
    }

    /// The next price or availability change happens.
    pub(super) fn move_market(&mut self) {
        let at = self.market_at();
        let market = &self.config.market;
        if let Some(change) = market.prices().get(self.next_price).filter(|next| next.at == at) {
            let (pool, price, since) = (change.pool, change.price, change.at);
            self.next_price += 1;
            let state = &mut self.pools[pool.index()];
            state.price = Some(price);
            state.changes += 1;
            self.testify(|_| Truth::PriceMoved { pool, price, since });
            self.push_price(pool, price, since);
            self.interrupt_outbid(pool, price);
            self.serve_open(pool);
        } else if let Some(change) =
            market.availability().get(self.next_availability).filter(|next| next.at == at)
        {
            let (pool, available) = (change.pool, change.available);
            self.next_availability += 1;
            self.pools[pool.index()].available = available;
            self.interrupt_excess(pool, available);
            self.serve_open(pool);
        } else if let Some((_, turn)) = self.calendar.pop_first() {
            self.turn(turn);
        }
    }

    /// Instances whose max price is below the market price are taken back, and by chance those
    /// whose max price it equals.
    fn interrupt_outbid(&mut self, pool: PoolId, price: UsdPerHour) {
        let tie_kill = self.config.cloud.interruption.tie_kill;
        let state = &mut self.pools[pool.index()];
        let least = state.max_price_least;
        if price < least || (price == least && tie_kill <= 0.0) {
            return;
        }
        let serving = state.serving.clone();
        let ties = self.draws.lifecycle.purpose("tie").entity(state.changes as u64);
        state.max_price_least = NO_LIMIT;
        for slot in serving {
            let instance = &self.instances[slot];
            let max_price = instance.max_price;
            let tie_lost = || tie_kill > 0.0 && stream(ties, instance).random_bool(tie_kill);
            if price > max_price {
                self.take_back(slot, StatusCode::InstanceTerminatedByPrice);
            } else if price == max_price && tie_lost() {
                self.take_back(slot, StatusCode::InstanceTerminatedCapacityOversubscribed);
            } else {
                let least = &mut self.pools[pool.index()].max_price_least;
                *least = max_price.min(*least);
            }
        }
    }

    /// As many instances as the pool can no longer serve are taken back, any of them.
    fn interrupt_excess(&mut self, pool: PoolId, available: u32) {
        let serving = &self.pools[pool.index()].serving;
        let mut victims: Vec<u32> = serving
            .iter()
            .copied()
            .filter(|slot| self.instances[*slot].noticed.is_none())
            .collect();
        victims.sort_by_key(|slot| self.instances[*slot].launch);
        let seed = self.draws.victim.entity(self.pools[pool.index()].key);
        let mut random = seed.entity(self.now.ms().cast_unsigned()).stream();
        while victims.len() > available as usize {
            let victim = victims.swap_remove(random.random_range(..victims.len()));
            self.take_back(victim, StatusCode::InstanceTerminatedNoCapacity);
        }
    }

    /// Waiting requests that the pool can serve now get their instance.
    pub(super) fn serve_open(&mut self, pool: PoolId) {
        if self.pools[pool.index()].open.is_empty() {
            return;
        }
        for slot in std::mem::take(&mut self.pools[pool.index()].open) {
            self.evaluate(slot);
        }
    }

    // ---- from launch to work ----

    /// EC2 is asked for instances, in one call. It answers all of them at once.
    pub(super) fn ask(&mut self, order: Order, voice: Voice) {
        self.type_of(order.worker_type).launches.unmade -= u64::from(order.count);
        let first = self.ask_one(order.launch, order, voice);
        for launch in order.launches().skip(1) {
            self.ask_one(launch, order, voice);
        }
        self.testify(|world| {
            let Order { launch: token, count, worker_type, pool, market } = order;
            let capacity = world.instances[first].capacity;
            Truth::CallArrived { token, count, worker_type, pool, market, capacity }
        });
        let first = &mut self.instances[first];
        first.siblings = order.count - 1;
        let after = delay(&self.config.cloud.answer, self.draws.answer, first);
        for launch in order.launches() {
            if let Some(&slot) = self.launches.get(launch) {
                self.then(slot, after, Event::Answered, Self::answer);
            }
        }
    }

    fn ask_one(&mut self, launch: LaunchId, order: Order, voice: Voice) -> u32 {
        let Order { worker_type, pool, market, .. } = order;
        let candidates = &self.config.engine.worker_types[worker_type.index()].candidates;
        let (capacity, utility) = candidates
            .iter()
            .find(|candidate| candidate.pool == pool)
            .map_or((1, Ratio::ONE), |candidate| (candidate.capacity, candidate.utility));
        let max_price = match market {
            Market::Spot { max_price: Some(bid) } => bid,
            // Without a bid it is today's on-demand price.
            Market::Spot { max_price: None } | Market::OnDemand => {
                self.on_demand_price(pool, self.now).unwrap_or(NO_LIMIT)
            }
        };
        let state = &mut self.pools[pool.index()];
        state.asked += 1;
        let slot = self.instances.insert(Instance {
            launch,
            worker_type,
            pool,
            market,
            capacity,
            utility,
            identity: Seed(state.key).entity(state.asked).0,
            stage: Stage::Asked,
            noticed: None,
            health: Health::Well,
            ill_since: NEVER,
            held_then: 0,
            ignores_idle: false,
            lied_about: false,
            last_claim: NEVER,
            retired: false,
            voice,
            siblings: 0,
            running_since: self.now,
            first_price: 0,
            working_since: None,
            max_price,
            hazard: Time::MAX,
            rebalance: Time::MAX,
            ends_at: Time::MAX,
            lifecycle: Lifecycle::default(),
            busy: 0,
            first_task: NONE,
            useful: Duration::ZERO,
            redone: Duration::ZERO,
            wasted: Duration::ZERO,
            generation: 0,
            idle_period: 0,
            place: Place::OUT,
            in_pool: NONE,
            ended_by: EndCause::Worker,
        });
        self.launches.insert(launch, slot);
        self.capacity_moves(worker_type, i64::from(capacity));
        self.commit(slot);
        let waits = self.config.cloud.regime == Regime::Outbid && market != Market::OnDemand;
        if waits && self.quota_allows(slot) {
            self.claim_quota(slot);
            self.open_request(slot);
        }
        slot
    }

    /// EC2 answers a launch, or has evaluated a spot request.
    pub(super) fn answer(&mut self, slot: u32) {
        let Instance { launch, pool, siblings, market, .. } = self.instances[slot];
        if siblings > 0
            && self.config.cloud.api.fulfilment == Fulfilment::AllOrNothing
            && self.config.cloud.regime == Regime::Capacity
            && market != Market::OnDemand
            && self.room(pool) <= siblings
        {
            for id in launch.0..=launch.0 + u64::from(siblings) {
                if let Some(&slot) = self.launches.get(LaunchId(id)) {
                    self.refuse(slot, Refusal::InsufficientCapacity);
                }
            }
            return;
        }
        self.evaluate(slot);
    }

    /// A launch is served, waits, or is refused.
    fn evaluate(&mut self, slot: u32) {
        let Some(refusal) = self.obstacle(slot) else { return self.fulfil(slot) };
        match self.waits_for(slot, refusal) {
            Some(code) => self.hold(slot, code),
            None => self.refuse(slot, refusal),
        }
    }

    /// Why a launch cannot be served now.
    fn obstacle(&mut self, slot: u32) -> Option<Refusal> {
        if let Some(refusal) = self.call_obstacle(slot) {
            return Some(refusal);
        }
        let instance = &self.instances[slot];
        if instance.market == Market::OnDemand {
            return None;
        }
        let pool = &self.pools[instance.pool.index()];
        match pool.price {
            None => Some(Refusal::InsufficientCapacity),
            Some(price) if price > instance.max_price => Some(Refusal::MaxPriceTooLow),
            Some(_) if pool.serving.len() >= pool.available as usize || self.is_dry(pool) => {
                Some(Refusal::InsufficientCapacity)
            }
            Some(_) => None,
        }
    }

    /// How many more spot instances the pool can serve now.
    fn room(&self, pool: PoolId) -> u32 {
        let PoolState { available, ref serving, .. } = self.pools[pool.index()];
        available.saturating_sub(u32::try_from(serving.len()).unwrap_or(u32::MAX))
    }

    fn refuse(&mut self, slot: u32, refusal: Refusal) {
        let Instance { launch, worker_type, market, capacity, .. } = self.instances[slot];
        let counts = &mut self.type_of(worker_type).launches;
        match refusal {
            Refusal::InsufficientCapacity => counts.insufficient_capacity += 1,
            Refusal::MaxPriceTooLow => counts.price_too_low += 1,
            Refusal::Cancelled => counts.cancelled += 1,
            Refusal::QuotaReached => counts.quota_reached += 1,
            Refusal::Unsupported => counts.unsupported += 1,
            Refusal::ImageUnusable => counts.image_unusable += 1,
            Refusal::VolumeLimit => counts.volume_limit += 1,
            Refusal::Rejected => counts.rejected += 1,
        }
        self.testify(|_| Truth::LaunchRefused { launch, refusal });
        self.capacity_moves(worker_type, -i64::from(capacity));
        if market != Market::OnDemand {
            self.note_refusal(worker_type, refusal);
        }
        self.fail_request(slot, refusal);
        self.end(slot, Observation::LaunchRefused { launch, refusal });
    }

    /// The launch gets an instance.
    fn fulfil(&mut self, slot: u32) {
        self.claim_quota(slot);
        self.open_request(slot);
        if self.instances[slot].market != Market::OnDemand {
            self.enter_status(slot, StatusCode::PendingFulfillment);
            self.enter_status(slot, StatusCode::Fulfilled);
        }
        self.enter_state(slot, InstanceState::Pending, None);
        self.instances[slot].lifecycle.doom = self.draw_doom(slot);
        let instance = &mut self.instances[slot];
        instance.stage = Stage::Pending;
        let given =
            Observation::InstancePending { launch: instance.launch, instance: instance.id() };
        if instance.market != Market::OnDemand {
            let pool = &mut self.pools[instance.pool.index()];
            instance.in_pool = u32::try_from(pool.serving.len()).expect("a pool fits in memory");
            pool.serving.push(slot);
            pool.max_price_least = pool.max_price_least.min(instance.max_price);
            self.money.given_spot(instance.worker_type);
        }
        let voice = instance.voice;
        if voice == Voice::Twice {
            instance.voice = Voice::Heard;
        }
        self.tell_in(voice, given);
        let after = self.pending_time(slot);
        self.then(slot, after, Event::Running, Self::start_running);
    }

    /// The instance is `running`, unless its launch failed: the meter starts.
    pub(super) fn start_running(&mut self, slot: u32) {
        let instance = &self.instances[slot];
        if instance.stage != Stage::Pending {
            return;
        }
        if let Some(cause) = instance.lifecycle.doom {
            return self.die_early(slot, cause);
        }
        self.enter_state(slot, InstanceState::Running, None);
        let instance = &mut self.instances[slot];
        instance.stage = Stage::Running;
        instance.running_since = self.now;
        instance.first_price = self.pools[instance.pool.index()].changes.saturating_sub(1);
        let Instance { launch, worker_type, voice, .. } = *instance;
        self.type_of(worker_type).launches.started += 1;
        self.tell_in(voice, Observation::InstanceRunning { launch });
        self.draw_fate(slot);
        if let Some(after) = self.draw_boot(slot) {
            self.then(slot, after, Event::Booted, Self::boot);
        }
    }

    /// The worker registers and claims.
    pub(super) fn boot(&mut self, slot: u32) {
        let instance = &mut self.instances[slot];
        if instance.stage != Stage::Running {
            return;
        }
        self.events += 1;
        instance.stage = Stage::Working;
        instance.working_since = Some(self.now);
        instance.voice = Voice::Heard; // the queue tells whose worker it is
        let Instance { launch, worker_type, running_since, .. } = *instance;
        self.testify(|_| Truth::WorkerRegistered { launch });
        self.tell_registered(launch);
        if let Some(uptime) = self.workers[worker_type.index()].uptime_max {
            let at = running_since.saturating_add(uptime).max(self.now);
            self.agenda.enter(at, Event::UptimeReached(self.instances.handle(slot)).pack());
        }
        self.draw_ills(slot);
        self.fill(slot);
    }

    // ---- the end ----

    /// The instance shuts down: the meter stops. A worker that stops itself tells the queue.
    pub(super) fn stop(&mut self, slot: u32, cause: EndCause) {
        self.shut_down(slot, cause, cause == EndCause::Worker);
    }

    /// The instance shuts down, and the queue is told of its tasks or not.
    pub(super) fn shut_down(&mut self, slot: u32, cause: EndCause, told: bool) {
        let Instance { launch, worker_type, voice, .. } = self.instances[slot];
        self.events += 1;
        let counts = &mut self.type_of(worker_type).launches;
        match cause {
            EndCause::Worker => counts.stopped += 1,
            EndCause::Provisioner | EndCause::Interruption => counts.terminated += 1,
            EndCause::LaunchFailed | EndCause::VolumeLimit | EndCause::Vanished => {}
        }
        self.leave_service(slot, false, told);
        let instance = &mut self.instances[slot];
        (instance.stage, instance.ended_by) = (Stage::Stopping, cause);
        self.enter_state(slot, InstanceState::ShuttingDown, Some(cause));
        self.tell_in(voice, Observation::InstanceStopping { launch, cause });
        let after = self.termination_time(slot);
        self.then(slot, after, Event::Terminated, Self::terminated);
    }

    /// EC2 carries out the provisioner's order to end an instance, if it is up still.
    pub(super) fn end_by_order(&mut self, slot: u32) {
        if let Stage::Pending | Stage::Running | Stage::Working = self.instances[slot].stage {
            self.note_ended(slot);
            self.stop(slot, EndCause::Provisioner);
        }
    }

    /// The instance is `terminated`.
    pub(super) fn terminated(&mut self, slot: u32) {
        let Instance { launch, ended_by: cause, .. } = self.instances[slot];
        self.enter_state(slot, InstanceState::Terminated, Some(cause));
        self.close_request(slot, StatusCode::InstanceTerminatedByUser);
        self.end(slot, Observation::InstanceEnded { launch, cause });
    }

    /// A request is withdrawn; the instance of one that was fulfilled runs on. A `RunInstances`
    /// call that is under way cannot be.
    pub(super) fn cancel(&mut self, slot: u32) {
        let Instance { stage, market, .. } = self.instances[slot];
        let is_request = self.config.cloud.regime == Regime::Outbid && market != Market::OnDemand;
        if is_request && matches!(stage, Stage::Asked | Stage::Open) {
            self.instances[slot].voice = Voice::Heard; // as the answer to the cancellation is
            self.withdraw(slot, StatusCode::CanceledBeforeFulfillment);
        } else if is_request {
            self.close_request(slot, StatusCode::RequestCanceledAndInstanceRunning);
        }
    }

    /// A request that still waits has expired.
    pub(super) fn expire(&mut self, slot: u32) {
        if self.instances[slot].stage == Stage::Open {
            self.withdraw(slot, StatusCode::ScheduleExpired);
        }
    }

    /// A request that has no instance is over with this code.
    fn withdraw(&mut self, slot: u32, code: StatusCode) {
        let pool = self.instances[slot].pool;
        self.pools[pool.index()].open.retain(|open| *open != slot);
        self.close_request(slot, code);
        self.refuse(slot, Refusal::Cancelled);
    }

    /// The instance does no more work and its stay is billed.
    pub(super) fn leave_service(&mut self, slot: u32, interrupted: bool, told: bool) {
        let Instance { worker_type, pool, in_pool, capacity, .. } = self.instances[slot];
        self.capacity_moves(worker_type, -i64::from(capacity));
        self.judge(slot);
        self.types[worker_type.index()].ready.leave(&mut self.instances, slot);
        if in_pool != NONE {
            let serving = &mut self.pools[pool.index()].serving;
            serving.swap_remove(in_pool as usize);
            if let Some(&moved) = serving.get(in_pool as usize) {
                self.instances[moved].in_pool = in_pool;
            }
            self.instances[slot].in_pool = NONE;
        }
        self.lose_tasks(slot, told);
        self.instances[slot].busy = 0;
        self.note_zombie(slot);
        self.bill(slot, interrupted);
    }

    pub(super) fn forget(&mut self, slot: u32) {
        self.release(slot);
        self.release_quota(slot);
        self.launches.remove(self.instances[slot].launch);
        self.instances.remove(slot);
    }

    /// Nothing is left of a launch but what is said and remembered of its end.
    pub(super) fn end(&mut self, slot: u32, end: Observation) {
        let Instance { launch, voice, .. } = self.instances[slot];
        self.forget(slot);
        self.remember_end(launch, end);
        self.tell_in(voice, end);
    }

    /// Something happens to an instance after a delay, at once if there is none.
    pub(super) fn then(
        &mut self,
        slot: u32,
        after: Duration,
        event: impl FnOnce(Handle) -> Event,
        act: impl FnOnce(&mut Self, u32),
    ) {
        if after == Duration::ZERO {
            act(self, slot);
        } else {
            let event = event(self.instances.handle(slot));
            self.agenda.enter(self.now.saturating_add(after), event.pack());
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "saturates far beyond any run")]
pub(super) fn hours(hours: f64) -> Duration {
    Duration::from_ms((hours * 3_600_000.0).min(1e15) as i64)
}
