//! What all launches may cost at most, and how long machines on demand were waited for: what the
//! engine's ceilings and patience are measured by, by truth.

use provisioner_engine::decision::Market;
use provisioner_engine::ids::WorkerTypeId;
use provisioner_engine::observation::Refusal;
use provisioner_engine::units::{Duration, Time, Usd, UsdPerHour};

use super::World;
use super::api::Order;
use super::cloud::NO_LIMIT;
use crate::outcome::SpendMeasures;

/// Prices older than this are stale.
const STALE_AFTER: Duration = Duration::HOUR;

/// What all launches may cost, and the shortages of each worker type.
#[derive(Debug)]
pub(super) struct Money {
    /// All launches that have not ended, in micro-dollars an hour.
    committed: i64,
    peak: i64,
    /// The dearest of them ever.
    price_max: i64,
    /// Since midnight UTC up to `as_of`, in micro-dollars × milliseconds an hour.
    today: i128,
    day_max: i128,
    as_of: Time,
    midnight: Time,
    shortages: Vec<Shortage>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Shortage {
    /// When a spot launch was refused, while none was given since.
    since: Option<Time>,
    /// How long that had lasted when the first launch on demand was ordered.
    at_first: Option<Duration>,
}

impl Money {
    pub(super) fn new(start: Time, worker_types: usize) -> Self {
        let shortages = vec![Shortage::default(); worker_types];
        let (committed, peak, price_max, today, day_max) = (0, 0, 0, 0, 0);
        let midnight = midnight_after(start);
        Self { committed, peak, price_max, today, day_max, as_of: start, midnight, shortages }
    }

    /// How long the first shortage had lasted in which this worker type bought on demand.
    pub(super) fn on_demand_after(&self, worker_type: WorkerTypeId) -> Option<Duration> {
        self.shortages[worker_type.index()].at_first
    }

    /// A spot launch was given an instance.
    pub(super) fn given_spot(&mut self, worker_type: WorkerTypeId) {
        self.shortages[worker_type.index()].since = None;
    }

    fn change(&mut self, now: Time, micros: i64) {
        self.pass(now);
        self.committed += micros;
        self.peak = self.peak.max(self.committed);
        self.price_max = self.price_max.max(micros);
    }

    fn pass(&mut self, now: Time) {
        while self.as_of < now {
            let to = self.midnight.min(now);
            self.today += i128::from(self.committed) * i128::from((to - self.as_of).ms());
            self.day_max = self.day_max.max(self.today);
            self.as_of = to;
            if to == self.midnight {
                (self.today, self.midnight) = (0, midnight_after(to));
            }
        }
    }
}

fn midnight_after(time: Time) -> Time {
    let days = time.ms().div_euclid(Duration::DAY.ms()) + 1;
    Time::from_ms(days * Duration::DAY.ms())
}

impl World<'_> {
    /// An instance is asked for.
    pub(super) fn commit(&mut self, slot: u32) {
        let price = self.price_most(slot);
        self.money.change(self.now, price);
    }

    /// An instance or its request has ended.
    pub(super) fn release(&mut self, slot: u32) {
        let price = self.price_most(slot);
        self.money.change(self.now, -price);
    }

    /// A launch is ordered for the first time.
    pub(super) fn count_order(&mut self, order: &Order) {
        let Order { count, worker_type, pool, market, .. } = *order;
        let by_stale_price = matches!(market, Market::Spot { max_price: Some(_) })
            && self.feed.is_older_than(STALE_AFTER, pool, self.now);
        let launches = &mut self.types[worker_type.index()].launches;
        launches.by_stale_price += if by_stale_price { count.into() } else { 0 };
        if market == Market::OnDemand {
            launches.on_demand += u64::from(count);
            let shortage = &mut self.money.shortages[worker_type.index()];
            let waited = shortage.since.map(|since| self.now.since(since));
            shortage.at_first = shortage.at_first.or(waited);
        }
    }

    /// A spot launch was refused.
    pub(super) fn note_refusal(&mut self, worker_type: WorkerTypeId, refusal: Refusal) {
        let is_short = matches!(
            refusal,
            Refusal::InsufficientCapacity | Refusal::MaxPriceTooLow | Refusal::QuotaReached
        );
        if is_short {
            self.money.shortages[worker_type.index()].since.get_or_insert(self.now);
        }
    }

    /// The measures up to now.
    pub(super) fn measure_spend(&mut self) -> SpendMeasures {
        self.money.pass(self.now);
        let hour = i128::from(Duration::HOUR.ms());
        let micros = i64::try_from((self.money.day_max + hour - 1) / hour).unwrap_or(i64::MAX);
        SpendMeasures {
            price_max: UsdPerHour::from_micros(self.money.price_max),
            committed_peak: UsdPerHour::from_micros(self.money.peak),
            committed_day_max: Usd::from_micros(micros),
        }
    }

    fn price_most(&self, slot: u32) -> i64 {
        let price = self.instances[slot].max_price;
        let cap = self.config.engine.limits.max_price_cap;
        if price == NO_LIMIT { cap.micros() } else { price.micros() }
    }
}
