//! The turn: facts in, one decision out.
//!
//! The two calls of the contract stand here, and what they mean; `facts` folds facts in, `turn`
//! works a decision out. A worker type is looked at when something about it changed, so a turn
//! costs what changed, not what exists.

mod advice;
mod alternatives;
mod calls;
mod ceilings;
mod configure;
mod demand;
mod ends;
mod facts;
mod floors;
mod listing;
mod looks;
mod restart;
mod shortage;
mod suspects;
mod turn;
mod zombies;

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::mem;

use serde::{Deserialize, Serialize};

use self::advice::Advice;
pub use self::alternatives::Alternative;
use self::calls::{Calls, Cause};
use self::demand::{Counts, Demands};
use self::ends::EndOrders;
use self::floors::Floors;
use self::listing::{Found, Listings};
use self::looks::Looks;
use self::shortage::Shortages;
use self::suspects::Suspects;
use self::turn::Order;
pub(crate) use self::zombies::Signs;
use crate::budget::Budget;
use crate::decision::{Decision, Reason};
use crate::gates::Gates;
use crate::history::PoolHistory;
use crate::ids::{LaunchId, PoolId, WorkerTypeId};
use crate::ledger::{Launch, Ledger, Stage, Supply};
use crate::observation::{EndCause, Observation};
use crate::placement::Errors;
use crate::prices::PriceBook;
use crate::random::{Seed, Stream};
use crate::spend::{Ends, Spend};
use crate::units::{Duration, Time, UsdPerHour};
use crate::worker_type::{EngineConfig, PlacementPolicy, WorkerType};

/// The decision core.
///
/// Equal construction and equal sequences of calls give equal decisions, on every machine. An
/// engine is a value: written down whole it is a snapshot, and read back it decides as it would
/// have.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Engine {
    config: EngineConfig,
    /// So many of the worker types are served; the others stand here until they have ended.
    served: usize,
    explains: bool,
    /// Reasons for what was done about a fact, told in the next decision.
    to_say: Vec<Reason>,
    now: Time,
    demands: Demands,
    ledger: Ledger,
    prices: PriceBook,
    history: PoolHistory,
    gates: Gates,
    states: Vec<State>,
    changed: Changed,
    /// Who launches first in the next decision: the one whose turn it was when the last ended.
    first_in_line: WorkerTypeId,
    /// Who wants to launch in this decision; between decisions nobody, and the room for them.
    #[serde(skip)]
    line: VecDeque<Order>,
    /// When to look at launches next, once for each. An entry that is not its
    /// launch's next look is outdated.
    looks: Looks,
    calls: Calls,
    budget: Budget,
    advice: Advice,
    floors: Floors,
    ends: EndOrders,
    shortages: Shortages,
    suspects: Suspects,
    listings: Listings,
}

/// What policies keep of one worker type from turn to turn.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct State {
    errors: Errors,
    random: Stream,
    /// The candidate that `spread` likes best, and since when.
    favourite: Option<(u32, Time)>,
    /// Since when there is more capacity than wanted, and how much it was at least since then.
    surplus: Option<(Time, u32)>,
}

/// Worker types to look at in the next decision.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Changed {
    worker_types: usize,
    /// Bit b of word w stands for worker type 64 w + b.
    words: Vec<u64>,
    /// Room for the next ones, so that a turn allocates nothing for them.
    spare: Vec<WorkerTypeId>,
}

impl Engine {
    /// An engine that knows nothing yet.
    ///
    /// Panics if a candidate names a pool that the catalog does not have, or has no capacity or
    /// no utility: that is for the edge to refuse.
    #[must_use]
    pub fn new(config: EngineConfig) -> Self {
        check(&config);
        let EngineConfig { seed, ref catalog, ref worker_types, limits, guards } = config;
        let pools = catalog.pools().len();
        let reach = worker_types.iter().map(price_reach).max().unwrap_or(Duration::ZERO);
        Self {
            served: worker_types.len(),
            explains: false,
            to_say: Vec::new(),
            now: Time::from_ms(i64::MIN),
            demands: Demands::new(worker_types.len(), limits.demand_stale_after),
            ledger: Ledger::new(
                worker_types.iter().map(|known| known.candidates.len()),
                Spend::new(
                    Ends::new(limits.spend_ends_within, guards.api),
                    limits.spend,
                    worker_types.iter().map(|known| known.spend),
                ),
            ),
            prices: PriceBook::new(pools, reach, guards.prices_stale_after),
            history: PoolHistory::new(pools),
            gates: Gates::new(guards),
            states: worker_types.iter().map(|known| State::new(seed, known)).collect(),
            changed: Changed::all_of(worker_types.len()),
            first_in_line: WorkerTypeId::new(0),
            line: VecDeque::new(),
            looks: Looks::default(),
            calls: Calls::default(),
            budget: Budget::new(guards.api),
            advice: Advice::default(),
            floors: Floors::new(worker_types),
            ends: EndOrders::default(),
            shortages: Shortages::default(),
            suspects: Suspects::default(),
            listings: Listings::new(&config),
            config,
        }
    }

    /// Whether decisions carry reasons. They cost time and change nothing else.
    pub fn explain(&mut self, explains: bool) {
        self.explains = explains;
    }

    /// What the engine was built from, or goes by since; what launches still need of earlier
    /// configurations stands after what the last one has.
    #[must_use]
    pub fn config(&self) -> &EngineConfig {
        &self.config
    }

    /// The time of the last call.
    #[must_use]
    pub const fn now(&self) -> Time {
        self.now
    }

    /// Capacity of a worker type by stage.
    #[must_use]
    pub fn supply(&self, worker_type: WorkerTypeId) -> Supply {
        self.ledger.supply(worker_type)
    }

    /// How many spot instances EC2 has taken back, as far as is known: each counts once, however
    /// often it was told.
    #[must_use]
    pub const fn losses(&self) -> u64 {
        self.history.losses()
    }

    /// Tasks waiting and held by workers, as the queue of a worker type last told, and when it
    /// counted; `None` if it never did, or could not tell since.
    #[must_use]
    pub fn counts(&self, worker_type: WorkerTypeId) -> Option<(u32, u32, Time)> {
        let counts = self.demands.known(worker_type)?;
        Some((counts.pending, counts.claimed, counts.as_of))
    }

    /// The market price of a pool, as it was last told.
    #[must_use]
    pub fn price(&self, pool: PoolId) -> Option<UsdPerHour> {
        self.prices.highest(pool, self.now, Duration::ZERO)
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
    /// - Counts from before the last reading of the queues do not end an unknown.
    /// - A launch only moves forward: an earlier or equal stage is late or a duplicate, ignored.
    /// - A skipped stage is made up for: a launch seen running was accepted.
    /// - A refusal after an instance was seen contradicts it and is ignored.
    /// - Of two causes for one end, the first holds.
    /// - A fact about a launch that ended, or that was never issued, is ignored.
    /// - A call in doubt is repeated with the same token; its launches stay requested meanwhile. It
    ///   is settled by its answer, by its instances being seen, or by nobody having seen them.
    /// - Doubt about a call whose launches were all answered or seen is late and ignored.
    /// - A price older than the pool's last is history: it counts in the windows it falls in. Of two
    ///   prices of one moment the first holds.
    /// - An absurd price is not believed, and closes its pool to those who buy by price until a
    ///   sane one as new comes.
    /// - Once the price feed was read as a whole, prices hold only as long as that, or their own
    ///   change, is recent; before, for good.
    /// - An instance found in a listing is its launch's; that of a launch that is not known, or has
    ///   another instance, is a stray.
    /// - An absence from a listing that is old, or began before the launch was accepted, means
    ///   nothing.
    /// - What a worker holds is evidence of then only; what is not known of it counts as work.
    /// - A worker that ever claimed registered, whoever missed that, and is alive, whatever listings
    ///   say. One that asks whether to stop registered too.
    /// - Counts, prices and claims dated after `now` are taken to be of `now`.
    ///
    /// Panics if `now` lies before the previous call, or an id is out of range.
    #[inline(always)] // where a fact is told, mostly just one kind of it can be
    pub fn observe(&mut self, now: Time, observation: Observation) {
        self.advance(now);
        match observation {
            Observation::DemandCounted { worker_type, pending, claimed, as_of } => {
                self.count(worker_type, Counts { pending, claimed, as_of: as_of.min(now) });
            }
            Observation::DemandUnknown { worker_type } => self.forget_count(worker_type),
            Observation::QueuesRead { as_of } => self.read_queues(as_of.min(now)),
            Observation::PriceChanged { pool, price, since } => {
                self.change_price(pool, price, since.min(now));
            }
            Observation::PricesRead { as_of } => self.prices.read(as_of.min(now)),
            Observation::InstancePending { launch, instance } => self.give(launch, instance),
            Observation::CallUnanswered { launch } => self.doubt(launch, Cause::Unanswered),
            Observation::CallThrottled { region, call, launch } => {
                self.throttled(region, call, launch);
            }
            Observation::Restarted => self.restart(),
            Observation::WorkerChecked { launch, claimed, last_claim, as_of } => {
                self.check(launch, claimed, last_claim, as_of.min(now));
                if let Some(at) = (claimed > 0).then_some(as_of).or(last_claim) {
                    self.listings.see_alive(launch, at.min(now));
                }
            }
            Observation::WorkerIdled { launch } => {
                self.reach(launch, Stage::Working);
                self.advice.asked(launch);
            }
            Observation::RebalanceRecommended { launch } => self.recommend(launch),
            Observation::InstanceFound {
                instance,
                launch,
                worker_type,
                pool,
                market,
                launched,
            } => {
                self.find(Found { instance, launch, worker_type, pool, market, launched });
            }
            Observation::InstanceMissed { launch, as_of } => self.miss(launch, as_of.min(now)),
            Observation::StrayEnded { instance } => self.listings.stray_ended(instance),
            Observation::InstancesListed { region, as_of } => {
                self.calls.listed(region, as_of.min(now));
                self.listings.listed(region, as_of.min(now), now);
            }
            Observation::InstanceRunning { launch } => self.reach(launch, Stage::Running),
            Observation::WorkerRegistered { launch } => self.reach(launch, Stage::Working),
            Observation::InterruptionNoticed { launch, ends_at: _ } => {
                self.lose(launch, EndCause::Interruption);
            }
            Observation::InstanceStopping { launch, cause } => self.lose(launch, cause),
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
        let reasons = mem::take(&mut self.to_say);
        let mut decision =
            Decision { at: now, actions: Vec::new(), reasons, wake_at, limits: Vec::new() };
        self.ends.forget_closed(&self.ledger);
        self.settle_calls(&mut decision);
        self.give_up_overdue(&mut decision);
        self.look_around(&mut decision);
        for worker_type in self.floors.take_changed(now) {
            self.changed.mark(worker_type);
        }
        self.end_overspent(&mut decision);
        self.ask_suspects(&mut decision);
        self.lose_patience();
        if self.demands.lapses(now) {
            self.changed.mark_all(); // so that each says that it is frozen
        }
        let mut line = mem::take(&mut self.line);
        let served = self.served;
        let changed = self.changed.take();
        for &worker_type in changed.iter().filter(|id| id.index() < served) {
            self.demands.set_enough(worker_type, None);
            match self.demands.of(worker_type, now) {
                Some(counts) => {
                    if let Some(order) = self.order(worker_type, counts, &mut decision) {
                        line.push_back(order);
                    }
                }
                None => {
                    self.suspects.lose_sight(worker_type);
                    self.because(&mut decision, self.demands.frozen(worker_type));
                }
            }
        }
        self.changed.give_back(changed);
        self.launch_in_turn(&mut line, &mut decision);
        self.line = line;
        self.advise(&mut decision);
        self.wake_for_ceilings(&mut decision);
        self.wake_for_shortages(&mut decision);
        decision
    }

    fn advance(&mut self, now: Time) {
        assert!(self.now <= now, "time ran backwards: {}, then {now}", self.now);
        self.now = now;
    }

    /// Keeps a reason for the next decision.
    fn say(&mut self, reason: Reason) {
        if self.explains {
            self.to_say.push(reason);
        }
    }

    fn because(&self, decision: &mut Decision, reason: Reason) {
        if let Some(limit) = reason.limit()
            && !decision.limits.contains(&limit)
        {
            decision.limits.push(limit);
        }
        if self.explains {
            decision.reasons.push(reason);
        }
    }
}

impl State {
    /// Of a worker type that nothing was bought for.
    fn new(seed: Seed, worker_type: &WorkerType) -> Self {
        Self {
            errors: Errors::new(worker_type.candidates.len()),
            random: seed.purpose("placement").purpose(&worker_type.name).stream(),
            favourite: None,
            surplus: None,
        }
    }
}

impl Changed {
    /// All of that many worker types: at first none has been looked at.
    fn all_of(worker_types: usize) -> Self {
        let words = alloc::vec![0; worker_types.div_ceil(64)];
        let mut changed = Self { worker_types, words, spare: Vec::new() };
        changed.mark_all();
        changed
    }

    fn mark(&mut self, worker_type: WorkerTypeId) {
        self.words[worker_type.index() / 64] |= 1 << (worker_type.index() % 64);
    }

    fn has(&self, worker_type: WorkerTypeId) -> bool {
        self.words[worker_type.index() / 64] >> (worker_type.index() % 64) & 1 == 1
    }

    fn mark_all(&mut self) {
        (0..self.worker_types)
            .map(WorkerTypeId::new)
            .for_each(|worker_type| self.mark(worker_type));
    }

    /// Takes all of them out, in the order of their ids.
    fn take(&mut self) -> Vec<WorkerTypeId> {
        let mut taken = mem::take(&mut self.spare);
        for (index, word) in self.words.iter_mut().enumerate() {
            let mut left = mem::take(word);
            while left != 0 {
                taken.push(WorkerTypeId::new(index * 64 + left.trailing_zeros() as usize));
                left &= left - 1;
            }
        }
        taken
    }

    /// Keeps the room that taken ones had.
    fn give_back(&mut self, mut taken: Vec<WorkerTypeId>) {
        taken.clear();
        self.spare = taken;
    }
}

/// Panics if something is wrong that is for the edge to refuse.
fn check(config: &EngineConfig) {
    let pools = config.catalog.pools().len();
    for candidate in config.worker_types.iter().flat_map(|known| &known.candidates) {
        assert!(candidate.pool.index() < pools, "a candidate's pool is in the catalog");
        assert!(candidate.capacity > 0, "a candidate has capacity");
        assert!(candidate.utility.millionths() > 0, "a candidate has utility");
    }
}

/// How far back a worker type's placement looks for prices.
fn price_reach(worker_type: &WorkerType) -> Duration {
    match worker_type.placement {
        PlacementPolicy::Cheapest { bid, .. } | PlacementPolicy::Random { bid } => bid.price_window,
        PlacementPolicy::Spread(rule) => rule.price_window,
        PlacementPolicy::Weighted { .. } | PlacementPolicy::OnDemand => Duration::ZERO,
    }
}
