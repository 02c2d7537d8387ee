//! What live launches commit us to, and the ceilings on that.
//!
//! A launch counts with the most that may be paid for it ([`Launch::price_max`]), from the moment
//! it is decided until it has ended. So this is an upper bound of the bill: the market price is
//! lower, and nobody pays for a request or for a machine that shuts down. It does not know billing
//! by whole hours, whose rounding comes on top.
//!
//! - *Hourly*: what is live, each at its most, never exceeds `hourly_max`.
//! - *Daily*: nothing is launched that could not run for the next hour, or until midnight UTC if
//!   that is sooner, beside all that is live. Everything is ended just so early that `daily_max` is
//!   never exceeded, even if each end takes as long as it may (`Limits::spend_ends_within`), and
//!   the calls wait for their turn in our allowance one after the other; after midnight buying
//!   resumes. For the same reason nothing is launched that the day after could not pay for until
//!   it has ended. What is spent later than that, or by an instance that nobody ordered, or under a
//!   ceiling that was lowered, is not foreseen.
//!
//! Units: micro-dollars × milliseconds an hour, in 128 bits, so nothing is ever rounded.
//!
//! [`Launch::price_max`]: crate::ledger::Launch::price_max

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::decision::Spent;
use crate::guards::{ApiRule, Bucket};
use crate::ids::WorkerTypeId;
use crate::remap::Remap;
use crate::units::{Duration, Time, Usd, UsdPerHour};
use crate::worker_type::SpendLimits;

/// What was and will be spent, by worker type and overall. It counts only if there is a ceiling.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Spend {
    is_bounded: bool,
    ends: Ends,
    overall: Account,
    by_worker_type: Vec<Account>,
    /// Worker types with a ceiling on the day.
    daily: Vec<WorkerTypeId>,
}

/// How long it takes to end what is live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ends {
    /// From an order to its end.
    within: Duration,
    /// From one order to the next.
    each: Duration,
}

/// What one ceiling is about.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Account {
    limits: SpendLimits,
    /// What is live now may cost this an hour, in micro-dollars.
    committed: i64,
    /// How many are live.
    live: u32,
    /// Spent since midnight, up to `as_of`.
    today: i128,
    as_of: Time,
}

impl Spend {
    /// Nothing is spent yet.
    pub(crate) fn new(
        ends: Ends,
        overall: SpendLimits,
        worker_types: impl Iterator<Item = SpendLimits>,
    ) -> Self {
        let by_worker_type: Vec<Account> = worker_types.map(Account::new).collect();
        let all = || by_worker_type.iter().map(|account| account.limits).chain([overall]);
        Self {
            ends,
            is_bounded: all().any(|limits| limits != SpendLimits::default()),
            overall: Account::new(overall),
            daily: (0..by_worker_type.len())
                .filter(|index| by_worker_type[*index].limits.daily_max.is_some())
                .map(WorkerTypeId::new)
                .collect(),
            by_worker_type,
        }
    }

    /// Goes over to other ceilings. What is live is to be committed again.
    pub(crate) fn configure(
        &mut self,
        now: Time,
        ends: Ends,
        overall: SpendLimits,
        worker_types: impl Iterator<Item = SpendLimits>,
        remap: &Remap,
    ) {
        let mut new = Self::new(ends, overall, worker_types);
        new.overall.carry(now, &self.overall);
        for (old, account) in (0..).map(WorkerTypeId::new).zip(&self.by_worker_type) {
            if let Some(id) = remap.worker_type(old) {
                new.by_worker_type[id.index()].carry(now, account);
            }
        }
        *self = new;
    }

    /// A launch becomes live.
    pub(crate) fn commit(&mut self, now: Time, worker_type: WorkerTypeId, price: UsdPerHour) {
        self.change(now, worker_type, price.micros(), 1);
    }

    /// A launch has ended.
    pub(crate) fn release(&mut self, now: Time, worker_type: WorkerTypeId, price: UsdPerHour) {
        self.change(now, worker_type, -price.micros(), -1);
    }

    /// Whether there is any ceiling.
    pub(crate) const fn is_bounded(&self) -> bool {
        self.is_bounded
    }

    /// How many more launches at that price may be made, of `most`; or whether the overall ceiling
    /// is in the way of the first, and which.
    pub(crate) fn affordable(
        &self,
        now: Time,
        worker_type: WorkerTypeId,
        price: UsdPerHour,
        most: u32,
    ) -> Result<u32, (bool, Spent)> {
        let ends = self.ends_in(most);
        let own = self.by_worker_type[worker_type.index()].affordable(now, ends, price, most);
        let own = own.map_err(|spent| (false, spent))?;
        self.overall.affordable(now, ends, price, own).map_err(|spent| (true, spent))
    }

    /// Whether everything is to be ended for the day's ceiling on all worker types together, or on
    /// that one.
    pub(crate) fn reached(&self, now: Time, worker_type: WorkerTypeId) -> Option<(bool, Spent)> {
        let ends = self.ends_in(0);
        let own = || self.by_worker_type[worker_type.index()].reached(now, ends);
        let overall = self.overall.reached(now, ends).map(|spent| (true, spent));
        overall.or_else(|| own().map(|spent| (false, spent)))
    }

    /// Whether a day's ceiling on that worker type has been spent from today.
    pub(crate) fn has_begun(&self, now: Time, worker_type: WorkerTypeId) -> bool {
        let account = &self.by_worker_type[worker_type.index()];
        account.limits.daily_max.is_some() && account.today_at(now) > 0
    }

    /// Whether any day's ceiling is reached.
    pub(crate) fn is_any_reached(&self, now: Time) -> bool {
        self.daily_accounts().any(|account| account.reached(now, self.ends_in(0)).is_some())
    }

    /// When that will be so next if all goes on like this.
    pub(crate) fn reached_next(&self, now: Time) -> Option<Time> {
        self.daily_accounts().filter_map(|account| account.reached_at(now, self.ends_in(0))).min()
    }

    fn daily_accounts(&self) -> impl Iterator<Item = &Account> {
        let own = self.daily.iter().map(|id| &self.by_worker_type[id.index()]);
        own.chain([&self.overall])
    }

    /// How long it takes to end what is live and so many more, and a millisecond, for times are
    /// whole ones.
    fn ends_in(&self, more: u32) -> Duration {
        let Ends { within, each } = self.ends;
        let calls = i64::from(self.overall.live) + i64::from(more);
        let each = each.ms().saturating_mul(calls).saturating_add(1);
        Duration::from_ms(within.ms().saturating_add(each))
    }

    fn change(&mut self, now: Time, worker_type: WorkerTypeId, micros: i64, launches: i32) {
        if self.is_bounded {
            self.overall.change(now, micros, launches);
            self.by_worker_type[worker_type.index()].change(now, micros, launches);
        }
    }
}

impl Ends {
    /// In so long, with calls under that allowance.
    pub(crate) fn new(within: Duration, api: Option<ApiRule>) -> Self {
        let wait = |bucket: Bucket| {
            let millionths = bucket.refill_per_second.millionths().max(1);
            i64::try_from(1_000_000_000_u64.div_ceil(millionths)).unwrap_or(i64::MAX)
        };
        let slower = api.map_or(0, |rule| wait(rule.terminate).max(wait(rule.cancel)));
        Self { within, each: Duration::from_ms(slower) }
    }
}

impl Account {
    const fn new(limits: SpendLimits) -> Self {
        Self { limits, committed: 0, live: 0, today: 0, as_of: Time::from_ms(i64::MIN) }
    }

    /// Takes over what was spent today.
    fn carry(&mut self, now: Time, old: &Self) {
        (self.today, self.as_of) = (old.today_at(now), now);
    }

    fn change(&mut self, now: Time, micros: i64, launches: i32) {
        let now = now.max(self.as_of);
        (self.today, self.as_of) = (self.today_at(now), now);
        self.committed += micros;
        assert!(self.committed >= 0, "a launch is released as it was committed");
        self.live = self.live.saturating_add_signed(launches);
    }

    /// Spent since midnight.
    fn today_at(&self, now: Time) -> i128 {
        let midnight = midnight_before(now);
        let (before, since) =
            if self.as_of < midnight { (0, midnight) } else { (self.today, self.as_of) };
        before + i128::from(self.committed) * i128::from(now.since(since).ms())
    }

    fn affordable(
        &self,
        now: Time,
        ends: Duration,
        price: UsdPerHour,
        most: u32,
    ) -> Result<u32, Spent> {
        let SpendLimits { hourly_max, daily_max } = self.limits;
        let each = i128::from(price.micros());
        let fit = |room: i128, each: i128| {
            let count = if each > 0 { room.max(0) / each } else { most.into() };
            u32::try_from(count).unwrap_or(most).min(most)
        };
        let mut count = most;
        if let Some(limit) = hourly_max {
            count = fit((limit.micros() - self.committed).into(), each);
            if count == 0 {
                let committed = UsdPerHour::from_micros(self.committed);
                return Err(Spent::Hourly { committed, limit });
            }
        }
        if let Some(limit) = daily_max {
            let today = midnight_after(now).since(now).min(Duration::HOUR.max(ends));
            // Tomorrow has to pay for what is live until it has ended, should midnight come first.
            for (spent, ahead) in [(self.today_at(now), today), (0, ends)] {
                let ahead = i128::from(ahead.ms());
                let planned = spent + i128::from(self.committed) * ahead;
                count = count.min(fit(units(limit) - planned, each * ahead));
                if count == 0 {
                    return Err(Spent::Daily { committed: dollars(planned), limit });
                }
            }
        }
        Ok(count)
    }

    /// Whether what is live has to be ended now, should that take so long.
    fn reached(&self, now: Time, ends: Duration) -> Option<Spent> {
        let limit = self.limits.daily_max?;
        let until_midnight = midnight_after(now).since(now).min(ends);
        let today = self.today_at(now) + self.cost_of(until_midnight);
        let spent = today.max(self.cost_of(ends - until_midnight));
        let is_reached = self.committed > 0 && spent > units(limit);
        is_reached.then(|| Spent::Daily { committed: dollars(spent), limit })
    }

    /// When it will have to be, if it has not now: today, or tomorrow.
    fn reached_at(&self, now: Time, ends: Duration) -> Option<Time> {
        let limit = units(self.limits.daily_max?);
        let (today, midnight) = (self.today_at(now), midnight_after(now));
        let lasts = today + self.cost_of(midnight.since(now)) <= limit;
        let (from, spent) = if lasts { (midnight, 0) } else { (now, today) };
        let left = limit - spent - self.cost_of(ends);
        if self.committed == 0 || left < 0 {
            return None;
        }
        let wait = left / i128::from(self.committed) + 1;
        Some(from.saturating_add(Duration::from_ms(i64::try_from(wait).ok()?)))
    }

    fn cost_of(&self, time: Duration) -> i128 {
        i128::from(self.committed) * i128::from(time.ms())
    }
}

/// The last midnight UTC, now included.
const fn midnight_before(now: Time) -> Time {
    Time::from_ms(now.ms().div_euclid(Duration::DAY.ms()).saturating_mul(Duration::DAY.ms()))
}

/// The next midnight UTC.
pub(crate) const fn midnight_after(now: Time) -> Time {
    midnight_before(now).saturating_add(Duration::DAY)
}

fn units(money: Usd) -> i128 {
    i128::from(money.micros()) * i128::from(Duration::HOUR.ms())
}

/// Rounded up to a micro-dollar.
fn dollars(units: i128) -> Usd {
    let hour = i128::from(Duration::HOUR.ms());
    Usd::from_micros(i64::try_from((units + hour - 1) / hour).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::HOUR;
    const TYPE: usize = 0;
    const ENDS_WITHIN: Duration = Duration::from_mins(2);

    fn spend(hourly_max: Option<i64>, daily_max: Option<i64>) -> Spend {
        let limits = SpendLimits {
            hourly_max: hourly_max.map(UsdPerHour::from_micros),
            daily_max: daily_max.map(Usd::from_micros),
        };
        let ends = Ends::new(ENDS_WITHIN, None);
        Spend::new(ends, SpendLimits::default(), [limits].into_iter())
    }

    fn at(hours: i64) -> Time {
        Time::EPOCH + HOUR * hours
    }

    fn price(micros: i64) -> UsdPerHour {
        UsdPerHour::from_micros(micros)
    }

    #[test]
    fn as_many_fit_as_the_hour_has_room_for() {
        let id = WorkerTypeId::new(TYPE);
        let mut spend = spend(Some(100), None);
        assert_eq!(spend.affordable(at(0), id, price(30), 9), Ok(3));
        spend.commit(at(0), id, price(90));
        assert_eq!(spend.affordable(at(1), id, price(10), 9), Ok(1), "a ceiling may be touched");
        let spent = Spent::Hourly { committed: price(90), limit: price(100) };
        assert_eq!(spend.affordable(at(1), id, price(11), 9), Err((false, spent)));
        spend.release(at(2), id, price(90));
        assert_eq!(spend.affordable(at(2), id, price(30), 2), Ok(2));
    }

    #[test]
    fn a_day_has_room_for_what_can_run_for_an_hour_and_begins_anew_at_midnight() {
        let id = WorkerTypeId::new(TYPE);
        let mut spend = spend(None, Some(100));
        spend.commit(at(0), id, price(10));
        // After eight hours 80 are spent and the next hour costs 10.
        assert_eq!(spend.affordable(at(8), id, price(5), 9), Ok(2));
        let spent = Spent::Daily { committed: Usd::from_micros(90), limit: Usd::from_micros(100) };
        assert_eq!(spend.affordable(at(8), id, price(11), 9), Err((false, spent)));
        let ends = at(10) - ENDS_WITHIN;
        assert_eq!(spend.reached_next(at(8)), Some(ends));
        assert_eq!(spend.reached(ends - Duration::from_ms(1), id), None);
        assert!(spend.reached(ends, id).is_some() && spend.is_any_reached(ends));
        assert_eq!(spend.reached(at(24), id), None);
        assert_eq!(spend.affordable(at(24), id, price(5), 99), Ok(18));
        assert_eq!(spend.reached_next(at(24)), Some(at(34) - ENDS_WITHIN));
    }

    #[test]
    fn shortly_before_midnight_only_the_rest_of_the_day_must_fit() {
        let id = WorkerTypeId::new(TYPE);
        let mut spend = spend(None, Some(100));
        let quarter = Duration::from_mins(15);
        assert_eq!(spend.affordable(at(24) - quarter, id, price(100), 9), Ok(4));
        spend.commit(at(24) - quarter, id, price(400));
        let ends = at(24) + quarter - ENDS_WITHIN;
        assert_eq!(spend.reached_next(at(24) - quarter), Some(ends), "when the day is over");
        assert_eq!(spend.reached_next(at(24)), Some(ends));
    }

    #[test]
    fn what_is_launched_just_before_midnight_can_be_ended_on_tomorrow_s_money() {
        let id = WorkerTypeId::new(TYPE);
        let spend = spend(None, Some(100));
        // Two minutes of 3000 an hour are 100.
        assert_eq!(spend.affordable(at(24) - Duration::SECOND, id, price(1_000), 9), Ok(2));
    }

    #[test]
    fn each_call_that_waits_for_its_turn_makes_the_end_begin_earlier() {
        let id = WorkerTypeId::new(TYPE);
        let limits = SpendLimits { hourly_max: None, daily_max: Some(Usd::from_micros(100)) };
        let ends = Ends::new(ENDS_WITHIN, Some(ApiRule::default()));
        let mut spend = Spend::new(ends, limits, [SpendLimits::default()].into_iter());
        for _ in 0..10 {
            spend.commit(at(0), id, price(1));
        }
        let calls = Duration::from_ms(250) * 10;
        assert_eq!(spend.reached_next(at(0)), Some(at(10) - ENDS_WITHIN - calls));
    }
}
