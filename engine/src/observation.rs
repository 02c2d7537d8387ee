//! Facts, in the past tense: all that the engine can learn.
//!
//! A fact may be missing, late, duplicated, reordered or contradictory. What each case means is
//! stated at [`Engine::observe`](crate::Engine::observe).

use serde::{Deserialize, Serialize};

use crate::ids::{LaunchId, PoolId, WorkerTypeId};
use crate::units::{Time, UsdPerHour};

/// One fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// EC2 took a launch and gives an instance: state `pending`.
    InstancePending {
        /// Which launch.
        launch: LaunchId,
    },
    /// EC2 will not give an instance for a launch.
    LaunchRefused {
        /// Which launch.
        launch: LaunchId,
        /// Why not.
        refusal: Refusal,
    },
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
    /// EC2 announced that it takes the instance back.
    InterruptionNoticed {
        /// Which launch.
        launch: LaunchId,
        /// When it will be gone.
        ends_at: Time,
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
}

/// Why a launch was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// `InsufficientInstanceCapacity`: the pool has no machine to give.
    InsufficientCapacity,
    /// `SpotMaxPriceTooLow`: the max price is below the market price.
    MaxPriceTooLow,
    /// The request was cancelled before it was fulfilled.
    Cancelled,
}

/// Who ended an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndCause {
    /// Its worker shut it down (`Client.InstanceInitiatedShutdown`).
    Worker,
    /// We did (`Client.UserInitiatedShutdown`).
    Provisioner,
    /// EC2 took it back (`Server.SpotInstanceTermination`).
    Interruption,
}
