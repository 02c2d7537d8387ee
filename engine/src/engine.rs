//! The turn: facts in, one decision out.

use alloc::collections::BinaryHeap;
use alloc::vec::Vec;
use core::cmp::Reverse;

use crate::decision::{Action, Decision, Reason};
use crate::history::PoolHistory;
use crate::ids::{LaunchId, WorkerTypeId};
use crate::ledger::{Launch, Ledger, Stage, Supply};
use crate::observation::{EndCause, Observation, Refusal};
use crate::placement::{Errors, Offer, Pick, Placement, Plan, Room};
use crate::prices::PriceBook;
use crate::random::Stream;
use crate::scaling::{Need, Scaling};
use crate::units::{Duration, Time};
use crate::worker_type::{Candidate, EngineConfig, PlacementPolicy, WorkerType};

/// The decision core.
///
/// Equal construction and equal sequences of calls give equal decisions, on every machine.
pub struct Engine {
    config: EngineConfig,
    explains: bool,
    now: Time,
    queues: Queues,
    ledger: Ledger,
    prices: PriceBook,
    history: PoolHistory,
    states: Vec<State>,
    /// Worker types to look at in the next decision, each at most once.
    changed: Vec<WorkerTypeId>,
    /// When a launch may next have to be given up; checked against the ledger when due.
    deadlines: BinaryHeap<Reverse<(Time, LaunchId)>>,
}

/// When the queues were last read as a whole.
#[derive(Clone, Copy, Debug)]
struct Queues {
    read: Option<Time>,
    /// Every worker type was told that its counts are too old.
    stale_told: bool,
}

/// What the engine knows of one worker type, beyond its ledger.
struct State {
    demand: Demand,
    errors: Errors,
    random: Stream,
    /// It is in `changed`.
    changed: bool,
}

/// What the queue last said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Demand {
    /// Nothing yet, or that it does not know.
    Unknown,
    /// These counts.
    Counted { pending: u32, claimed: u32, as_of: Time },
}

/// Demand that may be acted on, or the reason why there is none.
type Known = Result<(u32, u32), Reason>;

/// A worker type's picks, the first one last, to be launched in turn with those of the others.
struct Order {
    worker_type: WorkerTypeId,
    picks: Vec<Pick>,
}

impl Engine {
    /// An engine that knows nothing yet.
    ///
    /// Panics if a candidate names a pool that the catalog does not have, or has no capacity or
    /// no utility: that is for the edge to refuse.
    #[must_use]
    pub fn new(config: EngineConfig) -> Self {
        let pools = config.catalog.pools().len();
        for candidate in config.worker_types.iter().flat_map(|worker_type| &worker_type.candidates)
        {
            assert!(candidate.pool.index() < pools, "a candidate's pool is in the catalog");
            assert!(candidate.capacity > 0, "a candidate has capacity");
            assert!(candidate.utility.millionths() > 0, "a candidate has utility");
        }
        let reach = config.worker_types.iter().map(price_reach).max().unwrap_or(Duration::ZERO);
        let seed = config.seed.purpose("placement");
        let state = |index: usize| State {
            demand: Demand::Unknown,
            errors: Errors::default(),
            random: seed.entity(index as u64).stream(),
            changed: false,
        };
        Self {
            explains: false,
            now: Time::from_ms(i64::MIN),
            queues: Queues { read: None, stale_told: false },
            ledger: Ledger::new(
                config.worker_types.iter().map(|worker_type| worker_type.candidates.len()),
            ),
            prices: PriceBook::new(pools, reach),
            history: PoolHistory::new(pools),
            states: (0..config.worker_types.len()).map(state).collect(),
            changed: Vec::new(),
            deadlines: BinaryHeap::new(),
            config,
        }
    }

    /// Whether decisions carry reasons. They cost time and change nothing else.
    pub fn explain(&mut self, explains: bool) {
        self.explains = explains;
    }

    /// What the engine was built from.
    #[must_use]
    pub fn config(&self) -> &EngineConfig {
        &self.config
    }

    /// Capacity of a worker type by stage.
    #[must_use]
    pub fn supply(&self, worker_type: WorkerTypeId) -> Supply {
        self.ledger.supply(worker_type)
    }

    /// What is known of a launch that has not ended.
    #[must_use]
    pub fn launch(&self, launch: LaunchId) -> Option<&Launch> {
        self.ledger.get(launch)
    }

    /// All launches that have not ended, oldest first.
    pub fn launches(&self) -> impl Iterator<Item = (LaunchId, &Launch)> {
        self.ledger.iter()
    }

    /// Folds one fact in. Decides nothing.
    ///
    /// - Counts older than those known are late and ignored; absent ones never read as zero.
    /// - A launch only moves forward: an earlier or equal stage is late or a duplicate, ignored.
    /// - A skipped stage is made up for: a launch seen running was accepted.
    /// - A refusal after an instance was seen contradicts it and is ignored.
    /// - A fact about a launch that ended, or that was never issued, is ignored.
    /// - A price not newer than the pool's last is late and ignored.
    ///
    /// Panics if `now` lies before the previous call, or an id is out of range.
    pub fn observe(&mut self, now: Time, observation: Observation) {
        self.advance(now);
        match observation {
            Observation::DemandCounted { worker_type, pending, claimed, as_of } => {
                self.count(worker_type, pending, claimed, as_of);
            }
            Observation::DemandUnknown { worker_type } => {
                self.states[worker_type.index()].demand = Demand::Unknown;
                self.mark(worker_type);
            }
            Observation::QueuesRead { as_of } => {
                if self.queues.read.is_none_or(|read| read < as_of) {
                    self.queues = Queues { read: Some(as_of), stale_told: false };
                }
            }
            Observation::PriceChanged { pool, price, since } => {
                self.prices.change(pool, price, since);
            }
            Observation::InstancePending { launch } => self.reach(launch, Stage::Pending),
            Observation::InstanceRunning { launch } => self.reach(launch, Stage::Running),
            Observation::WorkerRegistered { launch } => self.reach(launch, Stage::Working),
            Observation::InterruptionNoticed { launch, ends_at: _ } => {
                self.lose(launch, Stage::Stopping, EndCause::Interruption);
            }
            Observation::InstanceStopping { launch, cause } => {
                self.lose(launch, Stage::Stopping, cause);
            }
            Observation::InstanceEnded { launch, cause } => self.end(launch, cause),
            Observation::LaunchRefused { launch, refusal } => self.refuse(launch, refusal),
        }
    }

    /// Says everything that is to be done now.
    ///
    /// Panics if `now` lies before the previous call.
    pub fn decide(&mut self, now: Time) -> Decision {
        self.advance(now);
        let wake_at = now + self.config.limits.iteration_interval;
        let mut decision = Decision { at: now, actions: Vec::new(), reasons: Vec::new(), wake_at };
        self.give_up_overdue(&mut decision);
        self.tell_stale();
        let changed = self.take_changed();
        let mut orders = Vec::new();
        for worker_type in changed {
            let demand = self.known_demand(worker_type);
            match demand {
                Ok((pending, claimed)) => {
                    orders.extend(self.order(worker_type, pending, claimed, &mut decision));
                }
                Err(reason) => {
                    self.because(&mut decision, reason);
                    self.mark(worker_type);
                }
            }
        }
        self.launch_in_turn(orders, &mut decision);
        decision
    }

    fn advance(&mut self, now: Time) {
        assert!(self.now <= now, "time ran backwards: {} ms, then {} ms", self.now.ms(), now.ms());
        self.now = now;
    }

    // ---- folding facts in ----

    fn count(&mut self, worker_type: WorkerTypeId, pending: u32, claimed: u32, as_of: Time) {
        let state = &mut self.states[worker_type.index()];
        if matches!(state.demand, Demand::Counted { as_of: known, .. } if as_of < known) {
            return;
        }
        state.demand = Demand::Counted { pending, claimed, as_of };
        self.mark(worker_type);
    }

    fn reach(&mut self, launch: LaunchId, stage: Stage) {
        let was_requested =
            self.ledger.get(launch).is_some_and(|known| known.stage == Stage::Requested);
        let Some(known) = self.ledger.advance(launch, stage, self.now) else {
            return;
        };
        if was_requested {
            self.history.spawned(known.pool, self.now);
        }
        self.watch(launch, &known);
        self.mark(known.worker_type);
    }

    fn lose(&mut self, launch: LaunchId, stage: Stage, cause: EndCause) {
        if let Some(known) = self.ledger.advance(launch, stage, self.now) {
            if cause == EndCause::Interruption {
                self.history.killed(known.pool, self.now);
            }
            self.mark(known.worker_type);
        }
    }

    fn end(&mut self, launch: LaunchId, cause: EndCause) {
        self.lose(launch, Stage::Stopping, cause);
        if let Some(known) = self.ledger.close(launch) {
            self.mark(known.worker_type);
        }
    }

    fn refuse(&mut self, launch: LaunchId, refusal: Refusal) {
        if self.ledger.get(launch).is_none_or(|known| known.stage != Stage::Requested) {
            return;
        }
        if let Some(known) = self.ledger.close(launch) {
            match refusal {
                Refusal::InsufficientCapacity | Refusal::MaxPriceTooLow => {
                    let errors = &mut self.states[known.worker_type.index()].errors;
                    errors.note(self.now, known.candidate);
                }
                Refusal::Cancelled => {}
            }
            self.mark(known.worker_type);
        }
    }

    /// Has the worker type looked at in the next decision.
    fn mark(&mut self, worker_type: WorkerTypeId) {
        let state = &mut self.states[worker_type.index()];
        if !state.changed {
            state.changed = true;
            self.changed.push(worker_type);
        }
    }

    // ---- giving up ----

    /// Cancels requests and ends instances that are past their time.
    fn give_up_overdue(&mut self, decision: &mut Decision) {
        while let Some(&Reverse((due, id))) = self.deadlines.peek() {
            if due > self.now {
                break;
            }
            self.deadlines.pop();
            let Some(launch) = self.ledger.get(id).copied() else {
                continue;
            };
            let Some((deadline, reason)) = self.deadline(id, &launch) else {
                continue;
            };
            if deadline > self.now {
                continue; // an outdated entry; the one for this deadline is in the heap
            }
            let accepted = launch.accepted.is_some();
            let action = if accepted {
                Action::Terminate { launch: id }
            } else {
                Action::Cancel { launch: id }
            };
            decision.actions.push(action);
            self.because(decision, reason);
            // Ordered is not done: ask again if it is still there later.
            let retry =
                self.now + self.config.worker_types[launch.worker_type.index()].request_timeout;
            self.deadlines.push(Reverse((retry, id)));
        }
    }

    /// When a launch is given up, and why, unless something happens to it before.
    fn deadline(&self, id: LaunchId, launch: &Launch) -> Option<(Time, Reason)> {
        let WorkerType { request_timeout, registration_timeout, lifetime_max, .. } =
            self.config.worker_types[launch.worker_type.index()];
        let Launch { requested, .. } = *launch;
        let Some(accepted) = launch.accepted else {
            let reason = Reason::RequestTimedOut { launch: id, requested };
            return Some((requested.saturating_add(request_timeout), reason));
        };
        let lifetime = accepted.saturating_add(lifetime_max);
        let registration = registration_timeout.map(|timeout| accepted.saturating_add(timeout));
        match (launch.stage, registration) {
            (Stage::Requested | Stage::Pending | Stage::Running, Some(due)) if due < lifetime => {
                Some((due, Reason::RegistrationTimedOut { launch: id, accepted }))
            }
            (Stage::Requested | Stage::Pending | Stage::Running | Stage::Working, _) => {
                Some((lifetime, Reason::LifetimeReached { launch: id, accepted }))
            }
            (Stage::Stopping, _) => None,
        }
    }

    /// Notes when a launch in a new stage will be given up.
    fn watch(&mut self, id: LaunchId, launch: &Launch) {
        if let Some((deadline, _)) = self.deadline(id, launch) {
            self.deadlines.push(Reverse((deadline, id)));
        }
    }

    // ---- wanting ----

    /// Once the last reading of the queues gets too old, every worker type is to say so.
    fn tell_stale(&mut self) {
        let limit = self.config.limits.demand_stale_after;
        let fresh = self.queues.read.is_none_or(|read| self.now.since(read) <= limit);
        if !fresh && !self.queues.stale_told {
            self.queues.stale_told = true;
            for index in 0..self.states.len() {
                self.mark(WorkerTypeId::new(index));
            }
        }
    }

    /// The worker types to look at, in order.
    fn take_changed(&mut self) -> Vec<WorkerTypeId> {
        let mut changed = core::mem::take(&mut self.changed);
        changed.sort_unstable();
        for worker_type in &changed {
            self.states[worker_type.index()].changed = false;
        }
        changed
    }

    fn known_demand(&self, worker_type: WorkerTypeId) -> Known {
        match self.states[worker_type.index()].demand {
            Demand::Unknown => Err(Reason::DemandMissing { worker_type }),
            Demand::Counted { pending, claimed, as_of } => {
                let as_of = self.queues.read.map_or(as_of, |read| read.max(as_of));
                let limit = self.config.limits.demand_stale_after;
                let stale = self.now.since(as_of) > limit;
                if stale {
                    Err(Reason::DemandStale { worker_type, as_of, limit })
                } else {
                    Ok((pending, claimed))
                }
            }
        }
    }

    /// What a worker type wants to launch.
    fn order(
        &mut self,
        worker_type: WorkerTypeId,
        pending: u32,
        claimed: u32,
        decision: &mut Decision,
    ) -> Option<Order> {
        let supply = self.ledger.supply(worker_type);
        let WorkerType { capacity_min, capacity_max, scaling, .. } =
            self.config.worker_types[worker_type.index()];
        let want = scaling.want(&Need { pending, claimed, supply, capacity_min, capacity_max });
        let (change, keep) = (want.change, want.keep);
        self.because(
            decision,
            Reason::Scaled { worker_type, pending, claimed, supply, change, keep },
        );
        let wanted = u32::try_from(change).ok().filter(|wanted| *wanted > 0)?;
        let Plan { mut picks, short } = self.plan(worker_type, wanted, supply.live());
        picks.retain(|pick| pick.count > 0);
        picks.reverse();
        if let Some(reason) = short {
            self.because(decision, reason);
            self.mark(worker_type); // prices or room may change without a fact about this worker type
        }
        Some(Order { worker_type, picks })
    }

    fn plan(&mut self, id: WorkerTypeId, wanted: u32, live: u32) -> Plan {
        let worker_type = &self.config.worker_types[id.index()];
        let State { errors, random, .. } = &mut self.states[id.index()];
        let offer = Offer {
            now: self.now,
            id,
            worker_type,
            catalog: &self.config.catalog,
            prices: &self.prices,
            history: &self.history,
            errors,
            by_candidate: self.ledger.by_candidate(id),
            max_price_cap: self.config.limits.max_price_cap,
        };
        worker_type.placement.plan(&offer, Room::new(wanted, live, worker_type), random)
    }

    // ---- launching ----

    /// One instance of each worker type in turn, so that one type's volume never starves another.
    fn launch_in_turn(&mut self, mut orders: Vec<Order>, decision: &mut Decision) {
        let limit = self.config.limits.launches_per_decision_max;
        let mut left = limit;
        let mut any = true;
        while any {
            any = false;
            for order in &mut orders {
                if left == 0 {
                    break;
                }
                if let Some(pick) = order.next_instance() {
                    self.buy(order.worker_type, &pick, decision);
                    left -= 1;
                    any = true;
                }
            }
        }
        for Order { worker_type, picks } in orders {
            let left = picks.iter().map(|pick| pick.count).sum();
            if left > 0 {
                self.because(decision, Reason::LaunchLimitReached { worker_type, left, limit });
                self.mark(worker_type);
            }
        }
    }

    fn buy(&mut self, worker_type: WorkerTypeId, pick: &Pick, decision: &mut Decision) {
        let Pick { candidate, market, price, of, .. } = *pick;
        let Candidate { pool, capacity, .. } =
            self.config.worker_types[worker_type.index()].candidates[candidate as usize];
        let launch = Launch {
            worker_type,
            candidate,
            pool,
            capacity,
            stage: Stage::Requested,
            requested: self.now,
            accepted: None,
        };
        let id = self.ledger.open(launch);
        self.watch(id, &launch);
        decision.actions.push(Action::Launch { launch: id, worker_type, pool, market });
        if !self.explains {
            return;
        }
        let fresh =
            Reason::PoolChosen { worker_type, pool, market, price, of, first: id, count: 1 };
        match decision.reasons.last_mut() {
            Some(Reason::PoolChosen { worker_type: w, pool: p, market: m, count, .. })
                if (*w, *p, *m) == (worker_type, pool, market) =>
            {
                *count += 1;
            }
            _ => decision.reasons.push(fresh),
        }
    }

    fn because(&self, decision: &mut Decision, reason: Reason) {
        if self.explains {
            decision.reasons.push(reason);
        }
    }
}

impl Order {
    /// The next instance to launch.
    fn next_instance(&mut self) -> Option<Pick> {
        let pick = self.picks.last_mut()?;
        let one = Pick { count: 1, ..*pick };
        pick.count -= 1;
        if pick.count == 0 {
            self.picks.pop();
        }
        Some(one)
    }
}

/// How far back a worker type's placement looks for prices.
fn price_reach(worker_type: &WorkerType) -> Duration {
    match worker_type.placement {
        PlacementPolicy::Cheapest { bid, .. } | PlacementPolicy::Random { bid } => bid.price_window,
        PlacementPolicy::Weighted { .. } | PlacementPolicy::OnDemand => Duration::ZERO,
    }
}
