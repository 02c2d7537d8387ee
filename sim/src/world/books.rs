//! Bills, whom they are for, and the outcome they add up to.

use provisioner_engine::decision::Market;
use provisioner_engine::ids::{PoolId, WorkerTypeId};
use provisioner_engine::units::{Duration, Time, Usd};

use super::instances::{Instance, Stage};
use super::tasks::{MishapCounts, TaskCounts};
use super::{Truth, World};
use crate::billing::{Bill, Stay};
use crate::outcome::{
    Cost, Measures, NoticeMeasures, OUTCOME_VERSION, Outcome, TaskMeasures, Waits,
};

/// What was billed so far.
#[derive(Debug)]
pub(super) struct Books {
    types: Vec<Account>,
    /// Instance time by pool.
    pools: Vec<Duration>,
    /// The sum of all bills, kept apart from the accounts it is checked against.
    billed: Usd,
}

#[derive(Clone, Copy, Debug, Default)]
struct Account {
    cost: Cost,
    waived: Usd,
    instance_time: Duration,
    capacity_time: Duration,
    useful_time: Duration,
    idle_time: Duration,
}

impl Books {
    pub(super) fn new(types: usize, pools: usize) -> Self {
        Self {
            types: vec![Account::default(); types],
            pools: vec![Duration::ZERO; pools],
            billed: Usd::ZERO,
        }
    }
}

impl World<'_> {
    /// Bills the stay of an instance that ends now.
    pub(super) fn bill(&mut self, slot: u32, interrupted: bool) {
        let instance = &self.instances[slot];
        if !matches!(instance.stage, Stage::Running | Stage::Working) {
            return;
        }
        let stay = Stay { from: instance.running_since, to: self.now, interrupted };
        let cloud = &self.config.cloud;
        let spot = |stay| {
            let history = self.config.market.history(instance.pool);
            cloud.spot_billing.bill(stay, history[instance.first_price..].iter().copied())
        };
        let mut waived = Usd::ZERO;
        let bill = match instance.market {
            Market::Spot { .. } => {
                let bill = spot(stay);
                if interrupted {
                    waived = spot(Stay { interrupted: false, ..stay }).cost - bill.cost;
                }
                bill
            }
            Market::OnDemand => {
                let price = self
                    .on_demand_price(instance.pool, stay.from)
                    .expect("the engine buys on demand only where a price is known");
                cloud.on_demand_billing.bill(stay, [(stay.from, price)])
            }
        };
        let use_of_time = UseOfTime::of(instance, stay, bill.billed);
        let account = &mut self.books.types[instance.worker_type.index()];
        let cost = use_of_time.split(bill, instance.market);
        assert!(cost.total() == bill.cost && cost.by_use() == bill.cost, "a bill is split whole");
        account.cost += cost;
        account.waived += waived;
        account.instance_time += stay.to - stay.from;
        account.capacity_time += use_of_time.alive;
        account.useful_time += use_of_time.useful;
        account.idle_time += use_of_time.idle;
        self.books.pools[instance.pool.index()] += stay.to - stay.from;
        self.books.billed += bill.cost;
        self.testify(|world| {
            let (launch, Stay { from, to, interrupted }) = (world.instances[slot].launch, stay);
            Truth::StayBilled { launch, from, to, interrupted, cost }
        });
    }

    /// Every micro-dollar billed is in one account, under one use.
    pub(super) fn check_money(&self) {
        let cost = self.books.types.iter().fold(Cost::default(), |mut sum, account| {
            sum += account.cost;
            sum
        });
        assert_eq!(cost.total(), self.books.billed, "the accounts do not add up to the bills");
        assert_eq!(cost.by_use(), self.books.billed, "the uses do not add up to the bills");
    }

    /// Waits enter their histograms.
    #[inline(never)]
    pub(super) fn settle_waits(&mut self) {
        for (worker_type, wait) in self.recent_waits.drain(..) {
            self.waits[worker_type.index()].note(wait);
        }
    }

    /// The run is over: what still runs is billed up to now, and everything is added up.
    pub(super) fn close(mut self) -> Outcome {
        for slot in self.instances.slots() {
            self.judge(slot);
            self.credit_open_runs(slot);
            self.note_zombie(slot);
            self.bill(slot, false);
        }
        self.check_money();
        self.settle_waits();
        for (waits, state) in self.waits.iter_mut().zip(&self.types) {
            waits.note_zeros(state.counts.at_once);
        }
        let mut waits = Waits::new(super::wait_digits(self.types.len()));
        let mut total = Measures::default();
        let worker_types: Vec<Measures> =
            (0..self.types.len()).map(|index| self.measure(WorkerTypeId::new(index))).collect();
        self.waits.iter().for_each(|of_type| waits.add(of_type));
        worker_types.iter().for_each(|measures| total.add(measures));
        total.wait = waits.measure();
        total.set_peaks(self.peaks.capacity_peak, self.peaks.demand_peak);
        let (largest_pool, largest_pool_share) = self.largest_pool();
        let spend = self.measure_spend();
        Outcome {
            version: OUTCOME_VERSION,
            started: self.config.start,
            finished: self.now,
            total,
            worker_types,
            largest_pool_share,
            largest_pool,
            api_calls: self.calls,
            spend,
            ownership: self.ownership,
            notices: NoticeMeasures {
                losses_counted: self.engine.losses(),
                losses_miscounted: self.notices.losses.abs_diff(self.engine.losses()),
                ..self.notices
            },
            restarts: self.restarts,
            iterations: self.iterations,
            limits: self.limits,
            events: self.events,
            decision_digest: format!("{:016x}", self.digest.value()),
        }
    }

    /// Runs that are under way when the run ends are useful as far as they got.
    fn credit_open_runs(&mut self, slot: u32) {
        let mut task = self.instances[slot].first_task;
        while let Some(state) = (task != super::tasks::NONE).then(|| self.tasks[task]) {
            self.instances[slot].useful += self.now - state.claimed;
            task = state.next;
        }
    }

    fn measure(&self, worker_type: WorkerTypeId) -> Measures {
        let wait = self.waits[worker_type.index()].measure();
        let state = &self.types[worker_type.index()];
        let account = &self.books.types[worker_type.index()];
        let TaskCounts { submitted, done, at_once: _ } = state.counts;
        let MishapCounts { lost_runs, expired, exhausted } = state.mishaps;
        let left = submitted - done - expired - exhausted;
        let peaks = state.peaks;
        let mut measures = Measures {
            name: self.config.engine.worker_types[worker_type.index()].name.clone(),
            cost: account.cost,
            waived: account.waived,
            wait,
            waits_cold: state.cold,
            delay_max: state.delay_max,
            tasks: TaskMeasures { submitted, done, rerun: lost_runs, expired, exhausted, left },
            launches: state.launches,
            safety: state.safety,
            habits: state.habits.measures,
            instance_time: account.instance_time,
            capacity_time: account.capacity_time,
            useful_time: account.useful_time,
            over_provisioned_time: account.idle_time,
            capacity_max_time: state.tight.time(self.now),
            on_demand_after: self.money.on_demand_after(worker_type),
            ..Measures::default()
        };
        measures.set_peaks(peaks.capacity_peak, peaks.demand_peak);
        measures
    }

    fn largest_pool(&self) -> (String, f64) {
        let pools = &self.books.pools;
        let all: Duration = pools.iter().copied().sum();
        let largest =
            (0..).zip(pools).max_by_key(|(index, time)| (**time, std::cmp::Reverse(*index)));
        match largest {
            Some((index, time)) if all > Duration::ZERO => {
                let name = self.config.engine.catalog.pool_name(PoolId::new(index));
                (name, time.as_hours_f64() / all.as_hours_f64())
            }
            _ => (String::new(), 0.0),
        }
    }
}

/// How the slots of one instance spent their time, running to end.
struct UseOfTime {
    alive: Duration,
    billed: Duration,
    useful: Duration,
    redone: Duration,
    wasted: Duration,
    boot: Duration,
    idle: Duration,
}

impl UseOfTime {
    fn of(instance: &Instance, stay: Stay, billed: Duration) -> Self {
        let slots = i64::from(instance.capacity);
        let alive = (stay.to - stay.from) * slots;
        let booted: Time = instance.working_since.unwrap_or(stay.to);
        let boot = (booted - stay.from) * slots;
        let Instance { useful, redone, wasted, .. } = *instance;
        let idle = alive - boot - useful - redone - wasted;
        assert!(idle >= Duration::ZERO, "an instance worked longer than it lived");
        Self { alive, billed: billed * slots, useful, redone, wasted, boot, idle }
    }

    /// The bill by use: each in proportion to its time, what rounding leaves to idle.
    fn split(&self, bill: Bill, market: Market) -> Cost {
        let rest = if self.billed > self.alive { self.billed - self.alive } else { Duration::ZERO };
        let whole = self.alive + rest;
        let part = |time: Duration| -> Usd {
            if time == Duration::ZERO {
                return Usd::ZERO;
            }
            let micros = match bill.cost.micros().checked_mul(time.ms()) {
                Some(product) => product / whole.ms(), // several times as fast
                None => {
                    let product = i128::from(bill.cost.micros()) * i128::from(time.ms());
                    let part = product / i128::from(whole.ms());
                    i64::try_from(part).expect("a part is not more than the whole")
                }
            };
            Usd::from_micros(micros)
        };
        let useful = part(self.useful);
        let (boot, redone) = (part(self.boot), part(self.redone));
        let wasted = part(self.wasted + rest);
        let idle = bill.cost - useful - boot - redone - wasted;
        let (spot, on_demand) = match market {
            Market::Spot { .. } => (bill.cost, Usd::ZERO),
            Market::OnDemand => (Usd::ZERO, bill.cost),
        };
        Cost { spot, on_demand, useful, idle, boot, redone, wasted }
    }
}
