//! What a journal came to: the same figures of what was seen and of what is simulated, read by the
//! same rules.
//!
//! Cost is estimated: each stay from `running` to its end, or as much of it as lies in the span, by
//! the billing rule of the market's regime, at prices that the journal tells. It is no bill.

use std::collections::BTreeMap;

use provisioner_engine::observation::EndCause;
use provisioner_engine::units::{Duration, Time, Usd, UsdPerHour};
use provisioner_sim::billing::{BillingRule, Stay};

use super::seen::{Life, Reading, Seen};
use super::tasks::Reconstructed;

/// How spot and on-demand stays are billed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Billing {
    /// On the spot market.
    pub spot: BillingRule,
    /// On demand.
    pub on_demand: BillingRule,
}

/// What it came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// Tasks, as far as counts tell; of a simulation, those that it had.
    pub arrivals: u64,
    /// Tasks that ended, likewise.
    pub done: u64,
    /// Tasks waiting, on average over time.
    pub pending_mean: f64,
    /// Launches ordered.
    pub launches: u64,
    /// Launches refused.
    pub refused: u64,
    /// Instances that ran.
    pub instances: u64,
    /// How long, together.
    pub instance_time: Duration,
    /// For how much, as far as prices are known.
    pub cost: Usd,
    /// Instances whose price is not.
    pub unpriced: u64,
    /// Spot instances that EC2 took back.
    pub interruptions: u64,
    /// From `running` to registered: half are at most this.
    pub boot_p50: Option<Duration>,
    /// 95 of 100 are at most this.
    pub boot_p95: Option<Duration>,
}

/// How long steps of launches took, shortest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delays {
    /// From the order to EC2's answer.
    pub answer: Vec<Duration>,
    /// From `pending` to `running`.
    pub start: Vec<Duration>,
    /// From `running` to the worker's registration, by worker type.
    pub boot: BTreeMap<String, Vec<Duration>>,
}

impl Figures {
    /// Of all that was seen, from `from` to `until`.
    #[must_use]
    pub fn of(seen: &Seen, (from, until): (Time, Time), billing: Billing) -> Self {
        let mut figures = Self::default();
        let mut pending = 0.0;
        for queue in seen.queues.values() {
            let readings = queue.within(from, until);
            let tasks = Reconstructed::of(&readings);
            figures.arrivals += tasks.tasks.len() as u64;
            figures.done += tasks.done();
            pending += pending_time(&readings, until);
        }
        let length = until.since(from).as_secs_f64();
        figures.pending_mean = if length > 0.0 { pending / length } else { 0.0 };
        let within = |at: Time| from <= at && at <= until;
        for life in seen.launches.values() {
            figures.launches += u64::from(life.ordered.is_some_and(within));
            figures.refused += u64::from(life.refused.is_some_and(|(at, _)| within(at)));
            let is_lost = life.is_interrupted && life.stopped.is_some_and(|(at, _)| within(at));
            figures.interruptions += u64::from(is_lost);
            let Some((begin, end)) = life.stay(from, until) else { continue };
            figures.instances += 1;
            figures.instance_time += end.since(begin);
            match cost(seen, life, (begin, end), billing) {
                Some(cost) => figures.cost += cost,
                None => figures.unpriced += 1,
            }
        }
        let mut boots: Vec<Duration> =
            Delays::of(seen, (from, until)).boot.into_values().flatten().collect();
        boots.sort_unstable();
        figures.boot_p50 = quantile(&boots, 500);
        figures.boot_p95 = quantile(&boots, 950);
        figures
    }
}

impl Delays {
    /// Of launches ordered from `from` to `until` whose steps were told as they came.
    #[must_use]
    pub fn of(seen: &Seen, (from, until): (Time, Time)) -> Self {
        let mut delays = Self::default();
        for life in seen.launches.values().filter(|life| life.is_watched) {
            let Some(ordered) = life.ordered.filter(|at| from <= *at && *at <= until) else {
                continue;
            };
            let positive = |length: Duration| length.max(Duration::ZERO);
            let answered = life.given.or(life.refused.map(|(at, _)| at));
            delays.answer.extend(answered.map(|at| positive(at.since(ordered))));
            let Some(running) = life.running else { continue };
            delays.start.extend(life.given.map(|at| positive(running.since(at))));
            if let Some(registered) = life.registered {
                let boots = delays.boot.entry(life.worker_type.clone()).or_default();
                boots.push(positive(registered.since(running)));
            }
        }
        delays.answer.sort_unstable();
        delays.start.sort_unstable();
        delays.boot.values_mut().for_each(|boots| boots.sort_unstable());
        delays
    }
}

/// The least of sorted values that so many in a thousand are at most.
#[must_use]
pub fn quantile(sorted: &[Duration], thousandths: usize) -> Option<Duration> {
    let rank = (sorted.len() * thousandths).div_ceil(1_000);
    sorted.get(rank.saturating_sub(1)).copied()
}

/// Tasks × seconds: halfway from one count to the next.
fn pending_time(readings: &[Reading], until: Time) -> f64 {
    let part = |pair: &[Reading]| {
        let both = f64::from(pair[0].pending) + f64::from(pair[1].pending);
        both / 2.0 * pair[1].at.since(pair[0].at).as_secs_f64()
    };
    let rest = readings.last().map_or(0.0, |last| {
        f64::from(last.pending) * until.since(last.at).max(Duration::ZERO).as_secs_f64()
    });
    readings.windows(2).map(part).sum::<f64>() + rest
}

fn cost(seen: &Seen, life: &Life, (from, to): (Time, Time), billing: Billing) -> Option<Usd> {
    let pool = seen.pools.get(&life.pool)?;
    let prices = if life.is_spot { &pool.prices } else { &pool.on_demand };
    // Before the first price that is known, it is taken for that.
    let first = prices.partition_point(|(since, _)| *since <= from).saturating_sub(1);
    let prices: &[(Time, UsdPerHour)] = prices.get(first..).filter(|known| !known.is_empty())?;
    let ended = life.stopped.is_some_and(|(end, _)| end <= to);
    let interrupted = ended && life.is_interrupted;
    let stay = Stay { from, to, interrupted };
    Some(match life.is_spot {
        true => billing.spot.bill(stay, prices.iter().copied()).cost,
        false => billing.on_demand.bill(stay, prices.iter().copied().take(1)).cost,
    })
}

/// How instances end that never had a worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Failures {
    /// Instances that were given.
    pub given: u64,
    /// Of these, so many never ran.
    pub never_ran: u64,
    /// Instances that ran and ended.
    pub ran: u64,
    /// Of these, so many were ended by us without ever having had a worker.
    pub never_registered: u64,
}

impl Failures {
    /// Of launches ordered in the span.
    #[must_use]
    pub fn of<'a>(lives: impl Iterator<Item = &'a Life>) -> Self {
        let mut told = Self::default();
        for life in lives.filter(|life| life.is_watched && life.given.is_some()) {
            told.given += 1;
            let Some((_, cause)) = life.stopped else { continue };
            match (life.running, cause) {
                (None, EndCause::LaunchFailed) => told.never_ran += 1,
                (None, _) => {}
                (Some(_), cause) => {
                    told.ran += 1;
                    let by_us = matches!(cause, EndCause::Provisioner | EndCause::Vanished);
                    told.never_registered += u64::from(by_us && life.registered.is_none());
                }
            }
        }
        told
    }
}
