//! Ceilings on spending hold whatever is wanted and whatever happens, by an accountant of our own
//! that knows only orders and facts.

#[path = "support/setup.rs"]
#[allow(dead_code, reason = "each test file uses its own part")]
mod setup;

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use provisioner_engine::Engine;
use provisioner_engine::decision::{Action, Market};
use provisioner_engine::ids::{InstanceId, LaunchId, PoolId, WorkerTypeId};
use provisioner_engine::observation::{EndCause, Observation, Refusal};
use provisioner_engine::units::{Duration, Time, UsdPerHour};

/// Every way to pay: a bid, what EC2 asks, a fixed price, and one that nobody knows.
const SETUP: &str = "
    limits launches=50 cap=2 stale=10000h per_call=4 spend_hour=6 spend_day=50
    worker bids max=40 scaling=estimator:1 placement=cheapest option=requested-once on_demand_after=30m
    pool c5.large/us-east-1a
    pool c5.xlarge/us-east-1b capacity=3 utility=2.5 on_demand=0.5
    worker listed max=40 scaling=estimator:1 placement=weighted option=requested-once spend_hour=1.5 spend_day=20
    pool c5.xlarge/us-east-1b capacity=2
    pool c5.2xlarge/us-east-1b
    worker fixed max=40 scaling=estimator:1 placement=on-demand option=requested-once spend_day=12
    pool c5.xlarge/us-east-1b
";
const TYPES: usize = 3;
const HOURLY: [Option<i64>; TYPES] = [None, Some(1_500_000), None];
const DAILY: [Option<i64>; TYPES] = [None, Some(20_000_000), Some(12_000_000)];

/// What one turn finds: wanted capacity by worker type, prices of the two spot pools, and dice for
/// what becomes of launches.
type Found = ([u32; TYPES], [i64; 2], u64);

fn found() -> impl Strategy<Value = Found> {
    let wanted = || prop_oneof![Just(0), 0..12_u32, 20..60_u32];
    let price = || prop_oneof![4 => 10_000_i64..200_000, 1 => 0_i64..5_000_000];
    ([wanted(), wanted(), wanted()], [price(), price()], any::<u64>())
}

/// Pays the most that each launch may cost from its order to its end.
#[derive(Default)]
struct Accountant {
    live: BTreeMap<LaunchId, (usize, i64)>,
    /// Micro-dollars × milliseconds an hour, of today; the last is overall.
    today: [i128; TYPES + 1],
}

impl Accountant {
    fn rates(&self) -> [i64; TYPES + 1] {
        let mut rates = [0; TYPES + 1];
        for (worker_type, price) in self.live.values() {
            rates[*worker_type] += price;
            rates[TYPES] += price;
        }
        rates
    }

    fn pass(&mut self, from: Time, to: Time) {
        let day = |time: Time| time.ms().div_euclid(Duration::DAY.ms());
        assert!(day(to) - day(from) <= 1, "turns are less than a day apart");
        if day(to) != day(from) {
            self.today = [0; TYPES + 1];
        }
        let from = if day(to) == day(from) { from.ms() } else { day(to) * Duration::DAY.ms() };
        let rates = self.rates();
        for (today, rate) in self.today.iter_mut().zip(rates) {
            *today += i128::from(rate) * i128::from(to.ms() - from);
        }
    }

    fn check(&self) {
        let rates = self.rates();
        let hour = i128::from(Duration::HOUR.ms());
        let hourly = HOURLY.into_iter().chain([Some(6_000_000)]);
        let daily = DAILY.into_iter().chain([Some(50_000_000)]);
        for (index, (hourly, daily)) in hourly.zip(daily).enumerate() {
            assert!(hourly.is_none_or(|most| rates[index] <= most), "{rates:?} an hour");
            let most = daily.map(|most| i128::from(most) * hour);
            assert!(most.is_none_or(|most| self.today[index] <= most), "{:?} today", self.today);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Turns come when they are asked for, or before, and what is ordered to end has ended as late
    /// after that as it may: to the micro-dollar.
    #[test]
    fn no_ceiling_is_ever_exceeded(found in vec(found(), 100..500)) {
        let mut config = setup::config(SETUP);
        config.limits.iteration_interval = Duration::from_mins(10);
        let interval = config.limits.iteration_interval;
        let mut engine = Engine::new(config);
        let (mut now, mut books) = (Time::EPOCH, Accountant::default());
        let within = engine.config().limits.spend_ends_within;
        let mut ending: BTreeMap<LaunchId, Time> = BTreeMap::new();
        for (wanted, prices, dice) in found {
            for (pool, price) in prices.into_iter().enumerate() {
                let (pool, price) = (PoolId::new(pool), UsdPerHour::from_micros(price));
                engine.observe(now, Observation::PriceChanged { pool, price, since: now });
            }
            for (index, pending) in wanted.into_iter().enumerate() {
                let worker_type = WorkerTypeId::new(index);
                let counted =
                    Observation::DemandCounted { worker_type, pending, claimed: 0, as_of: now };
                engine.observe(now, counted);
            }
            let launches: Vec<LaunchId> = books.live.keys().copied().collect();
            for launch in launches {
                let instance = InstanceId(launch.0);
                match (dice ^ launch.0.wrapping_mul(0x9e37_79b9_7f4a_7c15)) >> 61 {
                    0 => engine.observe(now, Observation::InstancePending { launch, instance }),
                    1 | 2 => engine.observe(now, Observation::WorkerRegistered { launch }),
                    3 if engine.launch(launch).is_some_and(|it| it.accepted.is_none()) => {
                        let refusal = Refusal::InsufficientCapacity;
                        engine.observe(now, Observation::LaunchRefused { launch, refusal });
                        books.live.remove(&launch);
                    }
                    _ => {}
                }
            }
            let decision = engine.decide(now);
            for action in decision.actions {
                match action {
                    Action::Launch { launch, count, worker_type, pool, market } => {
                        let on_demand = engine.config().catalog.on_demand_price(pool, now);
                        let price = match market {
                            Market::Spot { max_price: Some(bid) } => bid.micros(),
                            Market::Spot { max_price: None } | Market::OnDemand => {
                                on_demand.map_or(2_000_000, UsdPerHour::micros)
                            }
                        };
                        let ids = launch.0..launch.0 + u64::from(count);
                        books.live.extend(ids.map(|id| (LaunchId(id), (worker_type.index(), price))));
                    }
                    Action::Terminate { launch, .. } | Action::Cancel { launch } => {
                        let late = if dice % 3 == 0 { Duration::ZERO } else { within };
                        ending.entry(launch).or_insert(now + late);
                    }
                    _ => {}
                }
            }
            books.check();
            prop_assert!(decision.wake_at > now && decision.wake_at <= now + interval);
            let gap = decision.wake_at.since(now).ms();
            let next = if dice % 5 == 0 { now + Duration::from_ms((gap / 2).max(1)) } else { decision.wake_at };
            let mut due: Vec<(Time, LaunchId)> =
                ending.iter().filter(|(_, at)| **at <= next).map(|(id, at)| (*at, *id)).collect();
            due.sort_unstable();
            for (at, launch) in due {
                ending.remove(&launch);
                books.pass(now, at);
                books.check();
                now = at;
                books.live.remove(&launch);
                let cause = EndCause::Provisioner;
                engine.observe(now, Observation::InstanceEnded { launch, cause });
            }
            books.pass(now, next);
            books.check();
            now = next;
        }
    }
}
