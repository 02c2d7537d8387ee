//! Facts, in the past tense: all that the engine can learn.
//!
//! A fact may be missing, late, duplicated, reordered or contradictory. What each case means is
//! stated at [`Engine::observe`](crate::Engine::observe).

use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantNames};

use crate::decision::Market;
use crate::ids::{InstanceId, LaunchId, PoolId, RegionId, WorkerTypeId};
use crate::units::{Time, UsdPerHour};

/// One fact.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, VariantNames,
)]
#[strum(serialize_all = "kebab-case")]
#[serde(tag = "fact", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Observation {
    /// The queue told its counts for a worker type.
    DemandCounted {
        /// Whose queue.
        worker_type: WorkerTypeId,
        /// Tasks waiting.
        pending: u32,
        /// Tasks held by workers.
        claimed: u32,
        /// When the queue counted.
        as_of: Time,
    },
    /// The queue could not tell the counts of a worker type.
    DemandUnknown {
        /// Whose queue.
        worker_type: WorkerTypeId,
    },
    /// All queues were read; the counts of those not reported since the last time are unchanged,
    /// except where they were unknown.
    QueuesRead {
        /// When the reading began.
        as_of: Time,
    },
    /// A pool's market price changed.
    PriceChanged {
        /// Which pool.
        pool: PoolId,
        /// The new price.
        price: UsdPerHour,
        /// From when it holds.
        since: Time,
    },
    /// The price feed was read as a whole; prices not reported since the last time still hold.
    PricesRead {
        /// When the reading began.
        as_of: Time,
    },
    /// EC2 took a launch and gives an instance: state `pending`.
    InstancePending {
        /// Which launch.
        launch: LaunchId,
        /// Its instance.
        instance: InstanceId,
    },
    /// EC2 will not give an instance for a launch, and the call is settled.
    LaunchRefused {
        /// Which launch.
        launch: LaunchId,
        /// Why not.
        refusal: Refusal,
    },
    /// A launch call got no answer, or an internal error: its instances may exist or not.
    CallUnanswered {
        /// The call's first launch.
        launch: LaunchId,
    },
    /// A call was throttled (`RequestLimitExceeded`): EC2 took no notice of it.
    CallThrottled {
        /// Where.
        region: RegionId,
        /// Which kind of call.
        call: Call,
        /// Which launch it was about; the first one of a launch call.
        launch: Option<LaunchId>,
    },
    /// The driver restarted: what was under way to EC2 then may have been carried out or not.
    Restarted,
    /// The instance is in EC2's state `running`; its system starts.
    InstanceRunning {
        /// Which launch.
        launch: LaunchId,
    },
    /// The worker on the instance registered and can claim tasks.
    WorkerRegistered {
        /// Which launch.
        launch: LaunchId,
    },
    /// The queue was asked about a worker, and said this.
    WorkerChecked {
        /// Which launch.
        launch: LaunchId,
        /// Tasks it holds.
        claimed: u32,
        /// When it last claimed one, if it ever did.
        last_claim: Option<Time>,
        /// When the queue said so.
        as_of: Time,
    },
    /// An idle worker asks whether it should stop (worker-manager's `shouldWorkerTerminate`).
    WorkerIdled {
        /// Which launch.
        launch: LaunchId,
    },
    /// EC2 announced that it takes the instance back.
    InterruptionNoticed {
        /// Which launch.
        launch: LaunchId,
        /// When it will be gone.
        ends_at: Time,
    },
    /// EC2 sees an elevated risk of interruption. Most such instances are not interrupted.
    RebalanceRecommended {
        /// Which launch.
        launch: LaunchId,
    },
    /// The instance is in EC2's state `shutting-down` or `stopping`.
    InstanceStopping {
        /// Which launch.
        launch: LaunchId,
        /// Who ended it.
        cause: EndCause,
    },
    /// The instance is in EC2's state `terminated`.
    InstanceEnded {
        /// Which launch.
        launch: LaunchId,
        /// Who ended it.
        cause: EndCause,
    },
    /// A listing shows an instance of ours, for the first time or again after it was missing.
    InstanceFound {
        /// Its instance.
        instance: InstanceId,
        /// The launch it is labelled with, if the label is there.
        launch: Option<LaunchId>,
        /// The worker type it is labelled with, if that still exists.
        worker_type: Option<WorkerTypeId>,
        /// The pool it is from, if that is known.
        pool: Option<PoolId>,
        /// In which market it was bought.
        market: Market,
        /// When EC2 launched it.
        launched: Time,
    },
    /// A complete listing lacks the instance of a launch that earlier ones had.
    InstanceMissed {
        /// Which launch.
        launch: LaunchId,
        /// When the listing began.
        as_of: Time,
    },
    /// An instance that belongs to no launch is in EC2's state `shutting-down` or `terminated`.
    StrayEnded {
        /// Which instance.
        instance: InstanceId,
    },
    /// All instances of ours in a region were listed; what differs from the last time was told.
    InstancesListed {
        /// Where.
        region: RegionId,
        /// When the listing began.
        as_of: Time,
    },
}

/// Kinds of EC2 calls, each with its own allowance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Call {
    /// `RunInstances`, or a spot request.
    Launch,
    /// `TerminateInstances`.
    Terminate,
    /// `CancelSpotInstanceRequests`.
    Cancel,
    /// `DescribeInstances`.
    List,
}

/// Why a launch was refused.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    IntoStaticStr,
    VariantNames,
)]
#[strum(serialize_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// `InsufficientInstanceCapacity`: the pool has no machine to give.
    InsufficientCapacity,
    /// `SpotMaxPriceTooLow`: the max price is below the market price.
    MaxPriceTooLow,
    /// The request was cancelled before it was fulfilled.
    Cancelled,
    /// `MaxSpotInstanceCountExceeded`, `VcpuLimitExceeded`, `InstanceLimitExceeded`: the account's
    /// quota in the region is used up.
    QuotaReached,
    /// `Unsupported`: the instance type is not offered in the zone.
    Unsupported,
    /// `InvalidAMIID.NotFound` and its relatives: the image or what goes with it is not usable.
    ImageUnusable,
    /// `VolumeLimitExceeded`: the region's limit on volumes is reached.
    VolumeLimit,
    /// Any other client error: our fault or the account's.
    Rejected,
}

/// Who ended an instance.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    IntoStaticStr,
    VariantNames,
)]
#[strum(serialize_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
pub enum EndCause {
    /// Its worker shut it down (`Client.InstanceInitiatedShutdown`).
    Worker,
    /// We did (`Client.UserInitiatedShutdown`).
    Provisioner,
    /// EC2 took it back (`Server.SpotInstanceTermination`).
    Interruption,
    /// It never started (`Server.InternalError`, `Client.InternalError`, …).
    LaunchFailed,
    /// It never started: the region's limit on volumes is reached (`Client.VolumeLimitExceeded`).
    VolumeLimit,
    /// It is missing from the listings; nobody said why.
    Vanished,
}
