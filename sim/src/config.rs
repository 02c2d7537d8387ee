//! Everything a run is made of, resolved and complete.
//!
//! Numbers are parameters with a cited default; times are [`Duration`], chances are per event or
//! per hour. Reading them from a scenario file is the `scenarios` crate's work.

pub mod api;
pub mod feed;

use provisioner_engine::random::Seed;
use provisioner_engine::units::{Duration, Ratio, Time};
use provisioner_engine::worker_type::EngineConfig;

use self::api::ApiModel;
use self::feed::FeedModel;
use crate::billing::BillingRule;
use crate::dist::DurationDist;
use crate::market::Market;

/// One run, but for its tasks, which are a stream.
#[derive(Clone, Debug)]
pub struct SimConfig {
    /// Where all chance of the modelled world comes from; the engine has its own.
    pub seed: Seed,
    /// What decides.
    pub engine: EngineConfig,
    /// When the run begins; tasks submitted before are left out.
    pub start: Time,
    /// Tasks submitted from here on are left out.
    pub end: Time,
    /// How long after `end` unfinished work is waited for.
    pub drain: Duration,
    /// Waits of tasks submitted this soon after `start` are not measured.
    pub warmup: Duration,
    /// What the market does.
    pub market: Market,
    /// How the engine learns prices: by reading a feed, or told of each change at once.
    pub feed: Option<FeedModel>,
    /// How EC2 behaves.
    pub cloud: CloudModel,
    /// How the queue behaves.
    pub queue: QueueModel,
    /// What goes wrong at stated times.
    pub faults: Vec<Fault>,
    /// How the workers of each worker type behave; the index is the worker type's.
    pub workers: Vec<WorkerModel>,
    /// How long facts about instances take to reach the engine.
    pub observation_lag: DurationDist,
    /// Take a sample of the state this often.
    pub series_step: Option<Duration>,
}

/// How EC2 behaves.
#[derive(Clone, Debug, PartialEq)]
pub struct CloudModel {
    /// What interrupts spot instances.
    pub regime: Regime,
    /// How it answers calls.
    pub api: ApiModel,
    /// From the launch call, or the spot request, to an instance or a refusal.
    pub answer: DurationDist,
    /// From EC2's state `pending` to `running`.
    pub pending_to_running: DurationDist,
    /// From the order to end an instance to `terminated`; billing stops at the order.
    pub termination: DurationDist,
    /// From the interruption notice to the end.
    pub notice_lead: Duration,
    /// Chance that a worker never sees the notice.
    pub notice_missing: f64,
    /// Interruptions per instance-hour, besides those by price and by availability.
    pub interruption_hazard: f64,
    /// How spot instances are billed.
    pub spot_billing: BillingRule,
    /// How on-demand instances are billed.
    pub on_demand_billing: BillingRule,
}

/// What interrupts spot instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Regime {
    /// Until 2017-11: an instance whose bid is below the market price is taken back, and a
    /// request waits until its bid is enough.
    Outbid,
    /// Since: the pool's capacity decides; a request is answered at once.
    Capacity,
}

impl CloudModel {
    /// The regime's cloud with everything that EC2 does: throttling, lost answers, and more.
    #[must_use]
    pub fn full(regime: Regime) -> Self {
        let plain = match regime {
            Regime::Outbid => Self::outbid(),
            Regime::Capacity => Self::capacity(),
        };
        Self { api: ApiModel::full(), ..plain }
    }

    /// The bid era. Requests take about a minute to evaluate and sometimes half an hour (defaults
    /// fitted to public notes of 2011–2019; the notice exists since 2015-01).
    #[must_use]
    pub fn outbid() -> Self {
        let half_hour_tail =
            DurationDist::Uniform { min: Duration::from_mins(10), max: Duration::from_mins(30) };
        Self {
            regime: Regime::Outbid,
            answer: log_normal(60_000, 0.9).with_tail(0.02, half_hour_tail),
            pending_to_running: log_normal(60_000, 0.5),
            interruption_hazard: 0.0,
            spot_billing: BillingRule::SPOT_OUTBID,
            on_demand_billing: BillingRule::ON_DEMAND_HOURLY,
            ..Self::capacity()
        }
    }

    /// Today's market. The hazard is that of the spot advisor's middle class, 10–15 % a month.
    #[must_use]
    pub fn capacity() -> Self {
        let half_hour_tail =
            DurationDist::Uniform { min: Duration::from_mins(10), max: Duration::from_mins(30) };
        Self {
            regime: Regime::Capacity,
            api: ApiModel::default(),
            answer: log_normal(1_500, 0.4),
            pending_to_running: log_normal(8_000, 0.5).with_tail(0.005, half_hour_tail),
            termination: log_normal(60_000, 0.4),
            notice_lead: Duration::from_mins(2),
            notice_missing: 0.02,
            interruption_hazard: 1.8e-4,
            spot_billing: BillingRule::SPOT_CAPACITY,
            on_demand_billing: BillingRule::ON_DEMAND_PER_SECOND,
        }
    }
}

/// Something that goes wrong for a while.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// From when.
    pub from: Time,
    /// Until when.
    pub until: Time,
    /// What.
    pub what: FaultKind,
}

/// What can go wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum FaultKind {
    /// The queue answers nothing: its counts are unknown.
    QueueDown,
    /// The price feed tells nothing.
    FeedDown,
    /// The price feed breaks off after its first page.
    FeedFirstPage,
    /// The price feed tells prices in another unit.
    FeedScaled {
        /// What they are multiplied by.
        factor: Ratio,
    },
    /// Other users of the account make so many calls that this share of ours is throttled.
    CallsThrottled {
        /// 0 to 1.
        share: f64,
    },
    /// This share of calls never arrives.
    RequestsLost {
        /// 0 to 1.
        share: f64,
    },
    /// This share of calls is carried out and never answered.
    ResponsesLost {
        /// 0 to 1.
        share: f64,
    },
    /// This share of calls is answered by an internal error.
    InternalErrors {
        /// 0 to 1.
        share: f64,
    },
}

/// How the queue behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueModel {
    /// A task whose worker vanished without notice runs again this long after
    /// (Taskcluster's claims last 20 minutes).
    pub claim_expiry: Duration,
}

impl Default for QueueModel {
    fn default() -> Self {
        Self { claim_expiry: Duration::from_mins(20) }
    }
}

/// How the workers of one worker type behave.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkerModel {
    /// From EC2's state `running` to the first claim.
    pub boot: DurationDist,
    /// Which idle worker claims next: it can halve or double the launches.
    pub claim_order: ClaimOrder,
    /// When an idle worker stops itself, after the worker type's idle timeout.
    pub idle_stop: IdleStop,
    /// From the end of a task to the next claim.
    pub between_tasks: Duration,
    /// A worker claims nothing more after this time and stops when it is done.
    pub uptime_max: Option<Duration>,
}

impl Default for WorkerModel {
    /// A Linux image on today's hosts.
    fn default() -> Self {
        Self {
            boot: log_normal(35_000, 0.4),
            claim_order: ClaimOrder::default(),
            idle_stop: IdleStop::default(),
            between_tasks: Duration::ZERO,
            uptime_max: None,
        }
    }
}

/// Which of the workers with a free slot claims the next task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClaimOrder {
    /// The one whose slot became free last: the others can idle out.
    LastIdled,
    /// The one whose slot has been free longest, as when polls are answered in turn.
    LongestIdle,
    /// Any, equally likely: workers that poll at random times.
    #[default]
    RandomPoll,
}

/// When a worker that has been idle for long enough stops.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IdleStop {
    /// At once.
    #[default]
    AfterTimeout,
    /// This long before the next instance-hour begins, which is paid for anyway.
    BeforeHourEnds(Duration),
}

fn log_normal(median_ms: i64, sigma: f64) -> DurationDist {
    DurationDist::LogNormal { median: Duration::from_ms(median_ms), sigma }
}
