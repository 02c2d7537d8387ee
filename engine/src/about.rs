//! What facts, orders and reasons are about: so that a reader can pick those of one launch, worker
//! type or pool out of a journal.

use crate::decision::{Action, Reason};
use crate::ids::{InstanceId, LaunchId, PoolId, WorkerTypeId};
use crate::observation::Observation;

impl Observation {
    /// The launch it is about; the first one of a call for what happened to a launch call.
    #[must_use]
    pub const fn launch(&self) -> Option<LaunchId> {
        match *self {
            Self::InstancePending { launch, .. }
            | Self::LaunchRefused { launch, .. }
            | Self::CallUnanswered { launch }
            | Self::InstanceRunning { launch }
            | Self::WorkerRegistered { launch }
            | Self::WorkerChecked { launch, .. }
            | Self::WorkerIdled { launch }
            | Self::InterruptionNoticed { launch, .. }
            | Self::RebalanceRecommended { launch }
            | Self::InstanceStopping { launch, .. }
            | Self::InstanceEnded { launch, .. }
            | Self::InstanceMissed { launch, .. } => Some(launch),
            Self::CallThrottled { launch, .. } | Self::InstanceFound { launch, .. } => launch,
            Self::DemandCounted { .. }
            | Self::DemandUnknown { .. }
            | Self::QueuesRead { .. }
            | Self::PriceChanged { .. }
            | Self::PricesRead { .. }
            | Self::Restarted
            | Self::StrayEnded { .. }
            | Self::InstancesListed { .. } => None,
        }
    }

    /// The instance it names.
    #[must_use]
    pub const fn instance(&self) -> Option<InstanceId> {
        match *self {
            Self::InstancePending { instance, .. }
            | Self::InstanceFound { instance, .. }
            | Self::StrayEnded { instance } => Some(instance),
            Self::DemandCounted { .. }
            | Self::DemandUnknown { .. }
            | Self::QueuesRead { .. }
            | Self::PriceChanged { .. }
            | Self::PricesRead { .. }
            | Self::LaunchRefused { .. }
            | Self::CallUnanswered { .. }
            | Self::CallThrottled { .. }
            | Self::Restarted
            | Self::InstanceRunning { .. }
            | Self::WorkerRegistered { .. }
            | Self::WorkerChecked { .. }
            | Self::WorkerIdled { .. }
            | Self::InterruptionNoticed { .. }
            | Self::RebalanceRecommended { .. }
            | Self::InstanceStopping { .. }
            | Self::InstanceEnded { .. }
            | Self::InstanceMissed { .. }
            | Self::InstancesListed { .. } => None,
        }
    }
}

impl Action {
    /// The launch it is about; the first one of a launch call.
    #[must_use]
    pub const fn launch(&self) -> Option<LaunchId> {
        match *self {
            Self::Launch { launch, .. }
            | Self::Cancel { launch }
            | Self::Terminate { launch, .. }
            | Self::CheckWorker { launch }
            | Self::AdviseStop { launch } => Some(launch),
            Self::EndStray { .. } | Self::ListInstances { .. } => None,
        }
    }

    /// Whether it launches that launch, alone or with others.
    #[must_use]
    pub const fn launches(&self, id: LaunchId) -> bool {
        match *self {
            Self::Launch { launch, count, .. } => {
                launch.0 <= id.0 && id.0 - launch.0 < count as u64
            }
            Self::Cancel { .. }
            | Self::Terminate { .. }
            | Self::CheckWorker { .. }
            | Self::AdviseStop { .. }
            | Self::EndStray { .. }
            | Self::ListInstances { .. } => false,
        }
    }
}

impl Reason {
    /// The worker type it is about.
    #[must_use]
    pub const fn worker_type(&self) -> Option<WorkerTypeId> {
        match *self {
            Self::Scaled { worker_type, .. }
            | Self::DemandStale { worker_type, .. }
            | Self::DemandMissing { worker_type }
            | Self::PoolChosen { worker_type, .. }
            | Self::PriceAboveMax { worker_type, .. }
            | Self::BidAboveCap { worker_type, .. }
            | Self::NoPrice { worker_type }
            | Self::NoWeight { worker_type }
            | Self::CapacityMaxReached { worker_type, .. }
            | Self::LaunchLimitReached { worker_type, .. }
            | Self::PoolDry { worker_type, .. }
            | Self::PoolBusy { worker_type, .. }
            | Self::PoolPenalised { worker_type, .. }
            | Self::PoolWarned { worker_type, .. }
            | Self::ShareReached { worker_type, .. }
            | Self::QuotaReached { worker_type, .. }
            | Self::NotOffered { worker_type, .. }
            | Self::BreakerOpen { worker_type, .. }
            | Self::Unproven { worker_type, .. }
            | Self::PriceStale { worker_type, .. }
            | Self::PriceAbsurd { worker_type, .. }
            | Self::SpendReached { worker_type, .. }
            | Self::OnDemandAllowed { worker_type, .. }
            | Self::Silent { worker_type, .. } => Some(worker_type),
            Self::ApiBudgetSpent { worker_type, .. } => worker_type,
            Self::CallRepeated { .. }
            | Self::NeverWas { .. }
            | Self::Gone { .. }
            | Self::StrayFound { .. }
            | Self::Adopted { .. }
            | Self::Zombie { .. }
            | Self::Surplus { .. }
            | Self::ConfigurationEmpty { .. }
            | Self::RequestTimedOut { .. }
            | Self::RegistrationTimedOut { .. }
            | Self::LifetimeReached { .. } => None,
        }
    }

    /// The launch it is about, if it is about a single one or a call; not the first of several that
    /// a pool was chosen for.
    #[must_use]
    pub const fn launch(&self) -> Option<LaunchId> {
        match *self {
            Self::CallRepeated { launch, .. }
            | Self::NeverWas { launch }
            | Self::Gone { launch, .. }
            | Self::Adopted { launch, .. }
            | Self::Zombie { launch, .. }
            | Self::Surplus { launch, .. }
            | Self::RequestTimedOut { launch, .. }
            | Self::RegistrationTimedOut { launch, .. }
            | Self::LifetimeReached { launch, .. } => Some(launch),
            Self::Scaled { .. }
            | Self::DemandStale { .. }
            | Self::DemandMissing { .. }
            | Self::PoolChosen { .. }
            | Self::PriceAboveMax { .. }
            | Self::BidAboveCap { .. }
            | Self::NoPrice { .. }
            | Self::NoWeight { .. }
            | Self::CapacityMaxReached { .. }
            | Self::LaunchLimitReached { .. }
            | Self::PoolDry { .. }
            | Self::PoolBusy { .. }
            | Self::PoolPenalised { .. }
            | Self::PoolWarned { .. }
            | Self::ShareReached { .. }
            | Self::QuotaReached { .. }
            | Self::NotOffered { .. }
            | Self::BreakerOpen { .. }
            | Self::Unproven { .. }
            | Self::PriceStale { .. }
            | Self::PriceAbsurd { .. }
            | Self::SpendReached { .. }
            | Self::ApiBudgetSpent { .. }
            | Self::OnDemandAllowed { .. }
            | Self::StrayFound { .. }
            | Self::Silent { .. }
            | Self::ConfigurationEmpty { .. } => None,
        }
    }

    /// The pool it is about.
    #[must_use]
    pub const fn pool(&self) -> Option<PoolId> {
        match *self {
            Self::PoolChosen { pool, .. }
            | Self::PriceAboveMax { pool, .. }
            | Self::BidAboveCap { pool, .. }
            | Self::PoolDry { pool, .. }
            | Self::PoolBusy { pool, .. }
            | Self::PoolPenalised { pool, .. }
            | Self::PoolWarned { pool, .. }
            | Self::ShareReached { pool, .. }
            | Self::NotOffered { pool, .. }
            | Self::PriceStale { pool, .. }
            | Self::PriceAbsurd { pool, .. } => Some(pool),
            Self::Scaled { .. }
            | Self::DemandStale { .. }
            | Self::DemandMissing { .. }
            | Self::NoPrice { .. }
            | Self::NoWeight { .. }
            | Self::CapacityMaxReached { .. }
            | Self::LaunchLimitReached { .. }
            | Self::QuotaReached { .. }
            | Self::BreakerOpen { .. }
            | Self::Unproven { .. }
            | Self::SpendReached { .. }
            | Self::ApiBudgetSpent { .. }
            | Self::OnDemandAllowed { .. }
            | Self::CallRepeated { .. }
            | Self::NeverWas { .. }
            | Self::Gone { .. }
            | Self::StrayFound { .. }
            | Self::Adopted { .. }
            | Self::Zombie { .. }
            | Self::Silent { .. }
            | Self::Surplus { .. }
            | Self::ConfigurationEmpty { .. }
            | Self::RequestTimedOut { .. }
            | Self::RegistrationTimedOut { .. }
            | Self::LifetimeReached { .. } => None,
        }
    }
}
