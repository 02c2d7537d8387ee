//! What is told, decided and true.

use crate::Rules;

/// Milliseconds: since the Unix epoch, or between two times.
pub type Ms = i64;
/// An hour.
pub(crate) const HOUR: Ms = 3_600_000;
/// A day.
pub(crate) const DAY: Ms = 24 * HOUR;
/// Micro-dollars; of a price, an hour.
pub type Micros = i64;
/// Names a worker type.
pub type WorkerType = u32;
/// Names a pool.
pub type Pool = u32;
/// Names a region.
pub type Region = u32;
/// Names a launch, for ever.
pub type Launch = u64;
/// Names an instance, for ever.
pub type Instance = u64;
/// Names a task until it is resolved; another may have the name later.
pub type Task = u64;

/// Something to take in.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The provisioner was told something.
    Told(Told),
    /// The provisioner took a turn.
    Decided(Decided),
    /// Something really happened.
    Truth(Truth),
}

/// What the provisioner was told, true or not.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// It goes by other rules from now on; ids mean what they meant, and the world is as it was.
    Configured(Box<Rules>),
    /// Counts of a queue.
    Demand {
        /// Whose queue.
        worker_type: WorkerType,
        /// Tasks waiting.
        pending: u32,
        /// Tasks held.
        claimed: u32,
        /// When that was so.
        as_of: Ms,
    },
    /// The queue did not tell.
    DemandUnknown {
        /// Whose queue.
        worker_type: WorkerType,
    },
    /// All queues were read; what is known of them and was not told anew still holds.
    QueuesRead {
        /// When.
        as_of: Ms,
    },
    /// A market price.
    Price {
        /// Where.
        pool: Pool,
        /// How much.
        price: Micros,
        /// From when it holds.
        since: Ms,
    },
    /// All prices were read; what was not told anew still holds.
    PricesRead {
        /// When.
        as_of: Ms,
    },
    /// A launch is given an instance.
    Given {
        /// Which launch.
        launch: Launch,
        /// Its instance.
        instance: Instance,
    },
    /// A launch gets none.
    Refused {
        /// Which launch.
        launch: Launch,
        /// Why.
        why: Refusal,
    },
    /// A launch call was not answered.
    Unanswered {
        /// Its first launch.
        launch: Launch,
    },
    /// A call was throttled.
    Throttled {
        /// Of which kind.
        call: Call,
        /// The launch it was about; the first one of a launch call.
        launch: Option<Launch>,
        /// Where.
        region: Region,
    },
    /// The process was started again.
    Restarted,
    /// An instance runs.
    Running {
        /// Its launch.
        launch: Launch,
    },
    /// A worker registered.
    Registered {
        /// Its launch.
        launch: Launch,
    },
    /// What the queue says a worker holds.
    Checked {
        /// Its launch.
        launch: Launch,
        /// Tasks held.
        claimed: u32,
        /// Whether it ever claimed one.
        ever: bool,
        /// When that was so.
        as_of: Ms,
    },
    /// An idle worker asks whether to stop.
    Idled {
        /// Its launch.
        launch: Launch,
    },
    /// An instance will be taken back.
    Noticed {
        /// Its launch.
        launch: Launch,
    },
    /// An instance shuts down.
    Stopping {
        /// Its launch.
        launch: Launch,
        /// Who ended it.
        by: EndedBy,
    },
    /// An instance has ended.
    Ended {
        /// Its launch.
        launch: Launch,
        /// Who ended it.
        by: EndedBy,
    },
    /// A listing shows an instance.
    Found {
        /// Which.
        instance: Instance,
        /// The launch it is labelled with.
        launch: Option<Launch>,
        /// Where it is.
        pool: Option<Pool>,
        /// The worker type it is labelled with.
        worker_type: Option<WorkerType>,
        /// In which market it was bought.
        market: Market,
    },
    /// A complete listing lacks an instance.
    Missed {
        /// Its launch.
        launch: Launch,
        /// When it was listed.
        as_of: Ms,
    },
    /// An instance of no launch has ended.
    StrayEnded {
        /// Which.
        instance: Instance,
    },
    /// All instances in a region were listed.
    Listed {
        /// Where.
        region: Region,
    },
}

impl Told {
    /// The launch that is shown to have an instance: by its state, by what its worker does, or by a
    /// label, if no other instance is known to be its own.
    pub(crate) const fn shows_instance_of(&self) -> Option<Launch> {
        match *self {
            Self::Given { launch, .. }
            | Self::Running { launch }
            | Self::Registered { launch }
            | Self::Idled { launch }
            | Self::Checked { launch, ever: true, .. }
            | Self::Found { launch: Some(launch), .. } => Some(launch),
            _ => None,
        }
    }
}

/// Kinds of calls, each with its own allowance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    /// Buy.
    Launch,
    /// End.
    Terminate,
    /// Withdraw.
    Cancel,
    /// List.
    List,
}

/// Why a launch was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// No machine in the pool.
    Dry,
    /// The bid is too low.
    Price,
    /// It was withdrawn.
    Cancelled,
    /// A quota of the region is used up.
    Quota,
    /// The pool does not exist.
    Unsupported,
    /// The image cannot be used.
    Image,
    /// The region has no more volumes.
    Volumes,
    /// Any other fault of ours.
    Rejected,
}

/// Who ended an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EndedBy {
    /// Its worker.
    Worker,
    /// The provisioner.
    Us,
    /// The cloud took it back.
    Interruption,
    /// It never started.
    LaunchFailed,
    /// It never started for want of volumes.
    Volumes,
    /// Nobody knows.
    Vanished,
}

/// In which market an instance is bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Market {
    /// Spot, at most at this price; without one, at the on-demand price.
    Spot {
        /// The bid.
        bid: Option<Micros>,
    },
    /// At the fixed price.
    OnDemand,
}

impl Market {
    /// Whether it is spot.
    #[must_use]
    pub const fn is_spot(self) -> bool {
        matches!(self, Self::Spot { .. })
    }
}

/// What one turn of the provisioner gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decided {
    /// What is to be done, in order.
    pub orders: Vec<Order>,
    /// When it wants its next turn.
    pub wake_at: Ms,
    /// Launches that it takes for over without having been told.
    pub gave_up: Vec<Launch>,
    /// Instances that it takes for its own from now on.
    pub adopted: Vec<(Launch, Instance)>,
    /// The counts of tasks, waiting and held, that it goes by.
    pub counted: Vec<(WorkerType, u32, u32)>,
    /// Pools that it avoids, for having taken back so many instances.
    pub avoided: Vec<(Pool, u32)>,
}

/// One order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Buy, in one call; the first launch is its token.
    Launch {
        /// The first launch; the others follow it.
        first: Launch,
        /// How many.
        count: u32,
        /// For whom.
        worker_type: WorkerType,
        /// Where.
        pool: Pool,
        /// In which market.
        market: Market,
    },
    /// Withdraw a request.
    Cancel {
        /// Which launch.
        launch: Launch,
    },
    /// End an instance.
    Terminate {
        /// Its launch.
        launch: Launch,
        /// Not if its worker holds a task.
        unless_claimed: bool,
    },
    /// End an instance of no launch.
    EndStray {
        /// Which.
        instance: Instance,
    },
    /// List a region's instances.
    List {
        /// Where.
        region: Region,
    },
    /// Ask the queue what a worker holds.
    Check {
        /// Its launch.
        launch: Launch,
    },
    /// Tell an idle worker to stop.
    AdviseStop {
        /// Its launch.
        launch: Launch,
    },
}

/// What really happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Truth {
    /// The cloud carried out a launch call: so many launches from the first on are asked for.
    Called {
        /// The first launch, which is the token.
        token: Launch,
        /// How many.
        count: u32,
        /// For whom.
        worker_type: WorkerType,
        /// Where.
        pool: Pool,
        /// In which market.
        market: Market,
        /// Tasks that run at once on each.
        capacity: u32,
    },
    /// A launch was given an instance.
    Given {
        /// Which launch.
        launch: Launch,
        /// Its instance.
        instance: Instance,
    },
    /// A launch was refused.
    Refused {
        /// Which launch.
        launch: Launch,
    },
    /// An instance began to run, and to be paid for.
    Ran {
        /// Its launch.
        launch: Launch,
    },
    /// A worker came up and can claim.
    Registered {
        /// Its launch.
        launch: Launch,
    },
    /// A worker does nothing any more.
    Hung {
        /// Its launch.
        launch: Launch,
    },
    /// The cloud began to take an instance back.
    Taken {
        /// Its launch.
        launch: Launch,
    },
    /// An instance no longer runs, nor is it paid for.
    Stopped {
        /// Its launch.
        launch: Launch,
        /// Who ended it.
        by: EndedBy,
    },
    /// Nothing is left of an instance.
    Ended {
        /// Its launch.
        launch: Launch,
        /// Who ended it.
        by: EndedBy,
    },
    /// The provisioner is told that an instance ended, which is a lie.
    LiedEnded {
        /// Its launch.
        launch: Launch,
    },
    /// A stay was billed.
    Billed {
        /// Its launch.
        launch: Launch,
        /// From when.
        from: Ms,
        /// Until when.
        to: Ms,
        /// Whether the cloud took it back.
        interrupted: bool,
        /// How much.
        cost: Micros,
    },
    /// A market price moved.
    Price {
        /// Where.
        pool: Pool,
        /// To how much.
        price: Micros,
    },
    /// A task entered its queue.
    Submitted {
        /// Which.
        task: Task,
        /// Whose queue.
        worker_type: WorkerType,
        /// When it is given up.
        deadline: Option<Ms>,
        /// How often it may run again.
        retries: u32,
    },
    /// A worker claimed a task.
    Claimed {
        /// Which.
        task: Task,
        /// The worker's launch.
        launch: Launch,
    },
    /// A task was done.
    Done {
        /// Which.
        task: Task,
    },
    /// A task's worker is gone.
    Lost {
        /// Which.
        task: Task,
        /// Whether the queue knows at once.
        told: bool,
    },
    /// A lost task waits again.
    Requeued {
        /// Which.
        task: Task,
    },
    /// A task's deadline passed.
    Expired {
        /// Which.
        task: Task,
    },
    /// A task was lost once too often.
    Exhausted {
        /// Which.
        task: Task,
    },
    /// Something went wrong that keeps the provisioner from seeing or ending instances.
    Blinded,
    /// That is over.
    Sighted,
    /// The provisioner's process died.
    Died,
    /// It came back.
    CameBack,
    /// Nothing more happens, and this is what was added up.
    Closed {
        /// All bills.
        cost: Micros,
        /// Tasks that entered.
        submitted: u64,
        /// Tasks done.
        done: u64,
        /// Tasks given up at their deadline.
        expired: u64,
        /// Tasks given up after their last retry.
        exhausted: u64,
    },
}
