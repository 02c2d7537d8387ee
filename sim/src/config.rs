//! Everything a run is made of, resolved and complete.
//!
//! Numbers are parameters with a cited default; times are [`Duration`], chances are per event or
//! per hour. Reading them from a scenario file is the `scenarios` crate's work.

pub mod api;
pub mod calm;
pub mod feed;
pub mod listing;
pub mod process;

use provisioner_engine::ids::{ImageId, PoolId, RegionId, WorkerTypeId};
use provisioner_engine::random::Seed;
use provisioner_engine::units::{Duration, Ratio, Time};
use provisioner_engine::worker_type::EngineConfig;

use self::api::ApiModel;
use self::calm::Calm;
use self::feed::FeedModel;
use self::listing::ListingModel;
use self::process::{CrashStep, ProcessModel};
use crate::billing::BillingRule;
use crate::dist::DurationDist;
use crate::ec2::interruption::InterruptionModel;
use crate::ec2::launch::LaunchModel;
use crate::ec2::quota::QuotaModel;
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
    /// How the engine's process dies and comes back.
    pub process: ProcessModel,
    /// What goes wrong at stated times.
    pub faults: Vec<Fault>,
    /// From when on nothing goes wrong any more, if ever (see [`SimConfig::calm_from`]).
    pub calm: Option<Calm>,
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
    /// From a spot request to its `ValidUntil`, if it has one.
    pub request_valid_for: Option<Duration>,
    /// From EC2's state `pending` to `running`.
    pub pending_to_running: DurationDist,
    /// From the order to end an instance, and the last look at its worker, until EC2 carries it out.
    pub terminate_call: DurationDist,
    /// From then to `terminated`; billing stops at the beginning.
    pub termination: DurationDist,
    /// The same for machines with GPUs.
    pub termination_gpu: DurationDist,
    /// The same for bare metal.
    pub termination_metal: DurationDist,
    /// From the interruption notice to the end.
    pub notice_lead: Duration,
    /// Chance that a worker never sees the notice.
    pub notice_missing: f64,
    /// Interruptions per instance-hour, besides those by price and by availability.
    pub interruption_hazard: f64,
    /// How it tells of instances.
    pub listing: ListingModel,
    /// How it takes instances back, and says so.
    pub interruption: InterruptionModel,
    /// How launches fail.
    pub launch: LaunchModel,
    /// What the account may have at once.
    pub quotas: QuotaModel,
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
    /// An EC2 that does what it is asked, sooner or later.
    #[must_use]
    pub fn plain(regime: Regime) -> Self {
        match regime {
            Regime::Outbid => Self::outbid(),
            Regime::Capacity => Self::capacity(),
        }
    }

    /// An EC2 that also fails and refuses as the real one does: every cited default.
    #[must_use]
    pub fn full(regime: Regime) -> Self {
        Self {
            terminate_call: log_normal(1_500, 0.4),
            termination_gpu: log_normal(300_000, 0.5),
            termination_metal: log_normal(1_200_000, 0.3),
            interruption: InterruptionModel::full(regime),
            listing: ListingModel::full(regime),
            launch: LaunchModel::full(),
            quotas: QuotaModel::full(regime),
            api: ApiModel::full(),
            ..Self::plain(regime)
        }
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
            request_valid_for: None,
            pending_to_running: log_normal(8_000, 0.5).with_tail(0.005, half_hour_tail),
            terminate_call: DurationDist::Constant(Duration::ZERO),
            termination: log_normal(60_000, 0.4),
            termination_gpu: log_normal(60_000, 0.4),
            termination_metal: log_normal(60_000, 0.4),
            notice_lead: Duration::from_mins(2),
            notice_missing: 0.02,
            interruption_hazard: 1.8e-4,
            listing: ListingModel::default(),
            interruption: InterruptionModel::plain(),
            launch: LaunchModel::plain(),
            quotas: QuotaModel::plain(),
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
#[derive(Clone, Debug, PartialEq, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub enum FaultKind {
    /// The engine's process dies when it first comes to that step, and is down for so long.
    Crash {
        /// Where it dies.
        step: CrashStep,
    },
    /// The queue answers nothing: unknown are its counts, what a worker holds and who registers.
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
    /// The queue tells these counts of every worker type, whatever is true.
    QueueSays {
        /// Tasks waiting.
        pending: u32,
        /// Tasks held by workers.
        claimed: u32,
    },
    /// The queue tells this of each worker that it is asked about, whatever that holds.
    QueueSaysOfWorkers {
        /// Tasks held by the worker.
        claimed: u32,
    },
    /// Instances that start to boot never claim a task.
    BrokenImage {
        /// Of these worker types.
        worker_types: Vec<WorkerTypeId>,
        /// Whether their workers register.
        registers: bool,
    },
    /// Instances that start to boot take longer by this factor.
    BootSlow {
        /// Times as long.
        factor: f64,
    },
    /// Pools have no spot instance to give; those that they gave run on.
    PoolDry {
        /// Which.
        pools: Vec<PoolId>,
    },
    /// Pools take back what they sell, and sell it again.
    PoolOversubscribed {
        /// Which.
        pools: Vec<PoolId>,
        /// An instance that they give is taken back after running this long.
        lives: Duration,
    },
    /// The region's limit on volumes is reached: instances die at once.
    VolumeLimit {
        /// Where.
        region: RegionId,
    },
    /// Images cannot be used: launches of them are refused.
    ImageUnusable {
        /// Which.
        images: Vec<ImageId>,
    },
    /// Listings fail.
    ListingDown,
    /// Listings show what was visible when this began.
    ListingFrozen,
    /// The engine is told, once and wrongly, that instances ended.
    ToldEnded {
        /// Chance for each that is up.
        share: f64,
    },
    /// The engine goes over to another configuration, and at the end back again.
    Configured(Reconfiguration),
}

/// What a configuration lacks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reconfiguration {
    /// Worker types by name.
    pub worker_types_removed: Vec<String>,
    /// Instance types by name.
    pub instance_types_removed: Vec<String>,
    /// All worker types.
    pub empty: bool,
}

/// How the queue behaves.
#[derive(Clone, Debug, PartialEq)]
pub struct QueueModel {
    /// A task whose worker vanished without notice runs again this long after
    /// (Taskcluster's claims last 20 minutes).
    pub claim_expiry: Duration,
    /// Counts are told as they were this long ago, as if they were of now.
    pub count_lag: Duration,
    /// Counts are told wrong by up to this share, up or down, anew at each read.
    pub count_error: f64,
    /// Chance that a read of one worker type's counts fails.
    pub count_failure: f64,
    /// From asking what a worker holds to the answer.
    pub check_answer: DurationDist,
}

impl Default for QueueModel {
    /// Counts are what they are.
    fn default() -> Self {
        Self {
            claim_expiry: Duration::from_mins(20),
            count_lag: Duration::ZERO,
            count_error: 0.0,
            count_failure: 0.0,
            check_answer: log_normal(200, 0.5),
        }
    }
}

impl QueueModel {
    /// As it is served to many: cached for twenty seconds, and failing now and then.
    #[must_use]
    pub fn full() -> Self {
        Self { count_lag: Duration::from_secs(20), count_failure: 0.001, ..Self::default() }
    }

    /// Whether what it tells is not always what is true.
    pub(crate) fn is_imprecise(&self) -> bool {
        self.count_lag > Duration::ZERO || self.count_error > 0.0 || self.count_failure > 0.0
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
    /// How often an idle worker asks whether it should stop, if it ever does.
    pub asks: Option<Duration>,
    /// Chance that an instance boots and its worker never registers.
    pub never_registers: f64,
    /// Chance that a worker registers and never claims.
    pub never_claims: f64,
    /// Chance that a worker ignores its idle timeout.
    pub ignores_idle: f64,
    /// Workers that hang, an hour of being up: they claim, finish and report nothing any more.
    pub hang_hazard: f64,
    /// Workers that die, an hour of being up: their instance shuts down, and nobody is told of
    /// the tasks.
    pub death_hazard: f64,
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
            asks: None,
            never_registers: 0.0,
            never_claims: 0.0,
            ignores_idle: 0.0,
            hang_hazard: 0.0,
            death_hazard: 0.0,
        }
    }
}

impl WorkerModel {
    /// The same with all that goes wrong: chances are assumed, of the order that worker-manager's
    /// error reports and zombie counts suggest for a healthy pool.
    #[must_use]
    pub fn full() -> Self {
        Self {
            never_registers: 0.002,
            never_claims: 0.001,
            ignores_idle: 0.001,
            hang_hazard: 1e-4,
            death_hazard: 1e-4,
            ..Self::default()
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
