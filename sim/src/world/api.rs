//! EC2's front door. A call passes its token buckets, may be lost on the way there or back, and
//! does what it says once for each client token.
//!
//! One order is one call. Tokens are the orders' first launches; their scope is the zone, as is
//! EC2's where a call names one. A launch that was refused stays so when its call is repeated:
//! EC2 would look for a machine again, but our callers ask anew under another token.

use std::collections::BTreeMap;

use provisioner_engine::decision::Market;
use provisioner_engine::ids::{LaunchId, PoolId, RegionId, WorkerTypeId, ZoneId};
use provisioner_engine::observation::{Call, Observation, Refusal};
use provisioner_engine::random::Seed;
use provisioner_engine::units::{Duration, Time};
use rand::RngExt;

use super::World;
use super::instances::{Instance, Stage, Voice};
use super::process;
use crate::config::api::{ApiBuckets, ApiModel, TokenBucket};
use crate::config::{Fault, FaultKind, SimConfig};

/// What a launch call asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) launch: LaunchId,
    pub(super) count: u32,
    pub(super) worker_type: WorkerTypeId,
    pub(super) pool: PoolId,
    pub(super) market: Market,
}

impl Order {
    pub(super) fn launches(self) -> impl Iterator<Item = LaunchId> {
        (self.launch.0..self.launch.0 + u64::from(self.count)).map(LaunchId)
    }
}

/// The state of the front door.
pub(super) struct Api {
    /// No call can go wrong: nothing is counted, drawn or remembered.
    pub(super) is_plain: bool,
    /// By region.
    buckets: Vec<Buckets>,
    tokens: Tokens,
    /// The newest launch that was ordered.
    newest: LaunchId,
    seed: Seed,
}

/// What becomes of a call that was not throttled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Answered,
    AnsweredTwice,
    /// It never arrives.
    RequestLost,
    /// It is carried out and the answer never arrives.
    ResponseLost,
    /// It is answered by an internal error.
    Failed {
        done: bool,
    },
}

impl Api {
    pub(super) fn new(config: &SimConfig) -> Self {
        let about_calls = |fault: &Fault| {
            matches!(
                fault.what,
                FaultKind::CallsThrottled { .. }
                    | FaultKind::RequestsLost { .. }
                    | FaultKind::ResponsesLost { .. }
                    | FaultKind::InternalErrors { .. }
            )
        };
        Self {
            is_plain: config.cloud.api.is_plain()
                && !config.faults.iter().any(about_calls)
                && !process::may_die(config),
            buckets: Vec::new(),
            tokens: Tokens::default(),
            newest: LaunchId(0),
            seed: config.seed.purpose("call"),
        }
    }
}

impl World<'_> {
    /// The engine orders a launch call.
    pub(super) fn call_launch(&mut self, order: Order) {
        let Order { launch, count, pool, .. } = order;
        self.calls.launch += 1;
        if !self.note_ordered(&order) {
            self.calls.launch_repeated += 1;
        }
        if self.api.is_plain {
            return self.ask(order, Voice::Heard);
        }
        let region = self.config.engine.catalog.region_of(pool);
        if !self.admits(region, Call::Launch, count) {
            return self.throttle(region, Call::Launch, launch);
        }
        let timeout = self.config.cloud.api.call_timeout;
        let (arrives, voice, doubted_after) = match self.fate(Call::Launch, launch) {
            Fate::Answered => (true, Voice::Heard, None),
            Fate::AnsweredTwice => (true, Voice::Twice, None),
            Fate::RequestLost => (false, Voice::Unheard, Some(timeout)),
            Fate::ResponseLost => (true, Voice::Unheard, Some(timeout)),
            Fate::Failed { done } => (done, Voice::Unheard, Some(self.error_answer(launch))),
        };
        if arrives {
            self.arrive_at_ec2(order, voice);
        }
        if let Some(after) = doubted_after {
            self.calls.launch_unanswered += 1;
            self.tell_later(Observation::CallUnanswered { launch }, after);
        }
    }

    /// Launches are ordered; says whether they are new.
    pub(super) fn note_ordered(&mut self, order: &Order) -> bool {
        let Order { launch, count, worker_type, .. } = *order;
        let is_new = launch > self.api.newest;
        if is_new {
            let launches = &mut self.type_of(worker_type).launches;
            launches.ordered += u64::from(count);
            launches.unmade += u64::from(count);
            self.count_order(order);
            self.api.newest = LaunchId(launch.0 + u64::from(count) - 1);
        }
        is_new
    }

    /// The engine orders something done to one launch; says whether EC2 does it. There is no fact
    /// about a lost call or answer: what happens to the instance shows.
    pub(super) fn call_about(&mut self, call: Call, launch: LaunchId) -> bool {
        let Some(&slot) = self.launches.get(launch) else { return false };
        if self.api.is_plain {
            return true;
        }
        let region = self.config.engine.catalog.region_of(self.instances[slot].pool);
        if !self.admits(region, call, 1) {
            self.throttle(region, call, launch);
            return false;
        }
        match self.fate(call, launch) {
            Fate::Answered | Fate::AnsweredTwice | Fate::ResponseLost => true,
            Fate::RequestLost => false,
            Fate::Failed { done } => done,
        }
    }

    /// Whether EC2 takes notice of such a call now: if there are tokens for it and for its
    /// instances, it takes them.
    pub(super) fn admits(&mut self, region: RegionId, call: Call, instances: u32) -> bool {
        let share = self.worst(|fault| match fault {
            FaultKind::CallsThrottled { share } => Some(*share),
            _ => None,
        });
        if share > 0.0 {
            let nth =
                self.calls.launch + self.calls.terminate + self.calls.cancel + self.calls.list;
            let seed = self.api.seed.purpose("throttle").entity(nth);
            if seed.entity(region.index() as u64).stream().random_bool(share) {
                return false;
            }
        }
        let Some(rules) = &self.config.cloud.api.buckets else { return true };
        let buckets = &mut self.api.buckets;
        if buckets.len() <= region.index() {
            buckets.resize_with(region.index() + 1, Buckets::default);
        }
        buckets[region.index()].admit(rules, self.now, call, instances)
    }

    fn throttle(&mut self, region: RegionId, call: Call, launch: LaunchId) {
        match call {
            Call::Launch => self.calls.launch_throttled += 1,
            Call::Terminate => self.calls.terminate_throttled += 1,
            Call::Cancel => self.calls.cancel_throttled += 1,
            Call::List => {}
        }
        let after = self.error_answer(launch);
        let launch = Some(launch);
        self.tell_later(Observation::CallThrottled { region, call, launch }, after);
    }

    /// A launch call is carried out, unless it was before.
    fn arrive_at_ec2(&mut self, order: Order, voice: Voice) {
        let zone = self.config.engine.catalog.pools()[order.pool.index()].zone;
        match self.api.tokens.present(self.now, zone, order) {
            Presented::New => self.ask(order, voice),
            Presented::Known => self.answer_again(zone, order, voice),
            Presented::Mismatch if voice == Voice::Unheard => {}
            Presented::Mismatch => {
                for launch in order.launches() {
                    let refusal = Refusal::Rejected; // IdempotentParameterMismatch
                    self.tell(Observation::LaunchRefused { launch, refusal });
                }
            }
        }
    }

    /// Says what became of the launches of a call that is made again.
    fn answer_again(&mut self, zone: ZoneId, order: Order, voice: Voice) {
        if voice == Voice::Unheard {
            return;
        }
        for launch in order.launches() {
            if let Some(end) = self.api.tokens.end_of(zone, order.launch, launch) {
                self.answer_with(end);
            } else if let Some(&slot) = self.launches.get(launch) {
                self.instances[slot].voice = Voice::Heard;
                self.tell_state(slot);
            }
        }
    }

    /// Says in which of EC2's states an instance is.
    fn tell_state(&mut self, slot: u32) {
        let instance = &self.instances[slot];
        let (launch, stage, cause) = (instance.launch, instance.stage, instance.ended_by);
        let given = Observation::InstancePending { launch, instance: instance.id() };
        match stage {
            Stage::Asked | Stage::Open | Stage::Free => {}
            Stage::Pending => self.answer_with(given),
            Stage::Running | Stage::Working => {
                self.answer_with(given);
                self.answer_with(Observation::InstanceRunning { launch });
            }
            Stage::Stopping => {
                self.answer_with(given);
                self.answer_with(Observation::InstanceStopping { launch, cause });
            }
        }
    }

    /// A fact is part of an answer: no lost event keeps it back.
    fn answer_with(&mut self, observation: Observation) {
        self.send(observation, Duration::ZERO);
    }

    /// An instance is at its end: was it bought for nothing?
    pub(super) fn judge(&mut self, slot: u32) {
        let Instance { launch, worker_type, stage, lied_about, .. } = self.instances[slot];
        let runs = matches!(stage, Stage::Running | Stage::Working);
        if runs && !lied_about && self.engine.launch(launch).is_none() {
            self.type_of(worker_type).safety.double_launches += 1;
        }
    }

    /// A launch is over, refused or ended, and EC2 remembers it for a while.
    pub(super) fn remember_end(&mut self, launch: LaunchId, end: Observation) {
        if !self.api.is_plain {
            self.api.tokens.note_end(launch, end);
        }
    }

    fn fate(&self, call: Call, launch: LaunchId) -> Fate {
        let ApiModel { lost_request, lost_response, duplicated_response, internal_error, .. } =
            self.config.cloud.api;
        let requests = self.worst(|fault| match fault {
            FaultKind::RequestsLost { share } => Some(*share),
            _ => None,
        });
        let responses = self.worst(|fault| match fault {
            FaultKind::ResponsesLost { share } => Some(*share),
            _ => None,
        });
        let errors = self.worst(|fault| match fault {
            FaultKind::InternalErrors { share } => Some(*share),
            _ => None,
        });
        let done = self.config.cloud.api.internal_error_done;
        let errors = internal_error.max(errors);
        let fates = [
            (lost_request.max(requests), Fate::RequestLost),
            (lost_response.max(responses), Fate::ResponseLost),
            (errors * done, Fate::Failed { done: true }),
            (errors * (1.0 - done), Fate::Failed { done: false }),
            (duplicated_response, Fate::AnsweredTwice),
        ];
        if fates.iter().all(|(chance, _)| *chance == 0.0) {
            return Fate::Answered;
        }
        let mut drawn: f64 = self.try_of(launch).entity(call as u64).stream().random();
        for (chance, fate) in fates {
            drawn -= chance;
            if drawn < 0.0 {
                return fate;
            }
        }
        Fate::Answered
    }

    fn error_answer(&self, launch: LaunchId) -> Duration {
        let mut stream = self.try_of(launch).purpose("answer").stream();
        self.config.cloud.api.error_answer.sample(&mut stream)
    }

    /// Names the random draws of one try of a call.
    fn try_of(&self, launch: LaunchId) -> Seed {
        self.api.seed.entity(launch.0).entity(self.now.ms().cast_unsigned())
    }

    /// The largest share that a fault that happens now has.
    fn worst(&self, share: impl Fn(&FaultKind) -> Option<f64>) -> f64 {
        self.faults().filter_map(share).fold(0.0, f64::max)
    }
}

/// The token buckets of one region.
#[derive(Clone, Debug, Default)]
struct Buckets {
    launch: Level,
    launch_instances: Level,
    terminate: Level,
    terminate_instances: Level,
    cancel: Level,
    describe: Level,
}

impl Buckets {
    fn admit(&mut self, rules: &ApiBuckets, now: Time, call: Call, instances: u32) -> bool {
        let mut needs = match call {
            Call::Launch => vec![
                (&mut self.launch, rules.launch, 1),
                (&mut self.launch_instances, rules.launch_instances, instances),
            ],
            Call::Terminate => vec![
                (&mut self.terminate, rules.terminate, 1),
                (&mut self.terminate_instances, rules.terminate_instances, instances),
            ],
            Call::Cancel => vec![(&mut self.cancel, rules.cancel, 1)],
            Call::List => vec![(&mut self.describe, rules.describe, 1)],
        };
        let mut admitted = true;
        for (level, rule, tokens) in &mut needs {
            admitted &= level.has(*rule, now, *tokens);
        }
        if admitted {
            needs.into_iter().for_each(|(level, _, tokens)| level.millionths -= millionths(tokens));
        }
        admitted
    }
}

/// What is in one bucket.
#[derive(Clone, Copy, Debug, Default)]
struct Level {
    /// Full seconds since the epoch at the last refill; before the first, it is full.
    second: Option<i64>,
    millionths: u64,
}

impl Level {
    /// Whether there are so many tokens now.
    fn has(&mut self, rule: TokenBucket, now: Time, tokens: u32) -> bool {
        let (full, second) = (millionths(rule.capacity), now.ms().div_euclid(1_000));
        let seconds = self.second.map_or(u64::MAX, |last| (second - last).cast_unsigned());
        let gained = rule.refill_per_second.millionths().saturating_mul(seconds);
        self.millionths = match self.second {
            Some(_) => self.millionths.saturating_add(gained).min(full),
            None => full,
        };
        self.second = Some(second);
        self.millionths >= millionths(tokens)
    }
}

fn millionths(tokens: u32) -> u64 {
    u64::from(tokens) * 1_000_000
}

/// How long EC2 knows a client token: longer than anybody here relies on one (the engine: an hour).
/// EC2 Developer Guide, "Ensuring idempotency", does not say.
const TOKEN_LIFE: Duration = Duration::DAY;

/// Which calls were carried out, by client token and zone.
#[derive(Debug, Default)]
struct Tokens {
    made: BTreeMap<(LaunchId, ZoneId), Made>,
}

/// A call that was carried out.
#[derive(Debug)]
struct Made {
    at: Time,
    order: Order,
    /// What ended its launches, as far as they have ended.
    ends: BTreeMap<LaunchId, Observation>,
}

/// What EC2 makes of a client token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presented {
    New,
    Known,
    /// It is known, and was for something else.
    Mismatch,
}

impl Tokens {
    /// A call arrives.
    fn present(&mut self, now: Time, zone: ZoneId, order: Order) -> Presented {
        while let Some(oldest) = self.made.first_entry()
            && now.since(oldest.get().at) > TOKEN_LIFE
        {
            oldest.remove();
        }
        let key = (order.launch, zone);
        match self.made.get(&key) {
            Some(made) if now.since(made.at) <= TOKEN_LIFE => {
                let same = made.order == order;
                if same { Presented::Known } else { Presented::Mismatch }
            }
            _ => {
                self.made.insert(key, Made { at: now, order, ends: BTreeMap::new() });
                Presented::New
            }
        }
    }

    /// How a launch ended, if it has.
    fn end_of(&self, zone: ZoneId, token: LaunchId, launch: LaunchId) -> Option<Observation> {
        self.made.get(&(token, zone))?.ends.get(&launch).copied()
    }

    fn note_end(&mut self, launch: LaunchId, end: Observation) {
        let upto = (launch, ZoneId::new(usize::from(u16::MAX)));
        if let Some((_, made)) = self.made.range_mut(..=upto).next_back()
            && launch.0 - made.order.launch.0 < u64::from(made.order.count)
        {
            made.ends.insert(launch, end);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use provisioner_engine::units::Ratio;

    use super::*;

    fn order(launch: u64, count: u32) -> Order {
        Order {
            launch: LaunchId(launch),
            count,
            worker_type: WorkerTypeId::new(0),
            pool: PoolId::new(0),
            market: Market::OnDemand,
        }
    }

    fn secs(secs: i64) -> Time {
        Time::EPOCH + Duration::from_secs(secs)
    }

    proptest! {
        /// Whenever it is asked: what was admitted is the capacity and the refill of each full
        /// second, to the token.
        #[test]
        fn a_bucket_admits_its_rate_to_the_token(
            capacity in 10..60_u32,
            millionths in 100_000..5_000_000_u64,
            gaps in proptest::collection::vec(0..900_i64, 1..2_000),
        ) {
            let refill_per_second = Ratio::from_millionths(millionths);
            let rule = TokenBucket { capacity, refill_per_second };
            let rules = ApiBuckets { cancel: rule, ..ApiBuckets::default() };
            let (mut buckets, mut now, mut admitted) = (Buckets::default(), 0, 0_u64);
            for gap in std::iter::once(0).chain(gaps) {
                now += gap;
                while buckets.admit(&rules, Time::from_ms(now), Call::Cancel, 1) {
                    admitted += 1;
                }
                let seconds = (now / 1_000).cast_unsigned();
                let exact = u64::from(capacity) * 1_000_000 + seconds * millionths;
                prop_assert_eq!(admitted, exact / 1_000_000, "after {} ms", now);
            }
        }
    }

    #[test]
    fn a_day_of_launch_calls_is_as_published() {
        let (rules, mut buckets) = (ApiBuckets::default(), Buckets::default());
        let mut calls = |count: u32| {
            let mut admitted = 0_u32;
            for ms in (0..86_400_000).step_by(250) {
                while buckets.admit(&rules, Time::from_ms(ms), Call::Launch, count) {
                    admitted += 1;
                }
            }
            admitted
        };
        assert_eq!(calls(1), 5 + 2 * 86_399, "calls are what is scarce");
        buckets = Buckets::default();
        let mut instances = 0;
        for ms in (0..86_400_000).step_by(250) {
            while buckets.admit(&rules, Time::from_ms(ms), Call::Launch, 10) {
                instances += 10;
            }
        }
        assert_eq!(instances, (1_000 + 2 * 86_399) / 10 * 10, "instances are what is scarce");
    }

    #[test]
    fn a_call_needs_all_its_buckets_and_takes_from_none_if_one_lacks() {
        let (rules, mut buckets) = (ApiBuckets::default(), Buckets::default());
        assert!(!buckets.admit(&rules, secs(0), Call::Launch, 1_001));
        for _ in 0..5 {
            assert!(buckets.admit(&rules, secs(0), Call::Launch, 200));
        }
        assert!(!buckets.admit(&rules, secs(1), Call::Launch, 3));
        assert!(buckets.admit(&rules, secs(1), Call::Launch, 2));
        assert!(buckets.admit(&rules, secs(1), Call::Terminate, 1_000));
        assert!(!buckets.admit(&rules, secs(1), Call::Terminate, 1));
    }

    #[test]
    fn a_token_is_good_for_one_launch_in_each_zone() {
        let mut tokens = Tokens::default();
        let (a, b) = (ZoneId::new(0), ZoneId::new(1));
        assert_eq!(tokens.present(secs(0), a, order(1, 3)), Presented::New);
        assert_eq!(tokens.present(secs(60), a, order(1, 3)), Presented::Known);
        assert_eq!(tokens.present(secs(60), b, order(1, 3)), Presented::New);
        assert_eq!(tokens.present(secs(60), a, order(1, 2)), Presented::Mismatch);
        assert_eq!(tokens.present(secs(60), a, order(4, 3)), Presented::New);
    }

    #[test]
    fn a_token_is_forgotten_after_its_life() {
        let mut tokens = Tokens::default();
        let zone = ZoneId::new(0);
        assert_eq!(tokens.present(secs(0), zone, order(1, 1)), Presented::New);
        assert_eq!(tokens.present(secs(86_400), zone, order(1, 1)), Presented::Known);
        assert_eq!(tokens.present(secs(86_401), zone, order(1, 1)), Presented::New);
        assert_eq!(tokens.made.len(), 1);
    }

    #[test]
    fn an_end_is_remembered_for_its_own_call_only() {
        let mut tokens = Tokens::default();
        let zone = ZoneId::new(0);
        let end = Observation::LaunchRefused {
            launch: LaunchId(2),
            refusal: Refusal::InsufficientCapacity,
        };
        let _ = tokens.present(secs(0), zone, order(1, 2));
        tokens.note_end(LaunchId(2), end);
        tokens.note_end(LaunchId(3), end);
        assert_eq!(tokens.end_of(zone, LaunchId(1), LaunchId(2)), Some(end));
        assert_eq!(tokens.end_of(zone, LaunchId(1), LaunchId(1)), None);
        assert_eq!(tokens.end_of(zone, LaunchId(1), LaunchId(3)), None);
    }
}
