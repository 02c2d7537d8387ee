//! Facts in words.

use provisioner_engine::observation::{Call, EndCause, Observation, Refusal};
use provisioner_engine::worker_type::EngineConfig;

/// What is said of another configuration.
pub(crate) const RECONFIGURED: &str = "the engine went over to another configuration";

/// A fact in words, with names from the configuration.
pub(crate) fn fact(config: &EngineConfig, fact: &Observation) -> String {
    let name = |id: provisioner_engine::ids::WorkerTypeId| config.worker_type_name(id);
    match *fact {
        Observation::DemandCounted { worker_type, pending, claimed, .. } => {
            format!("{}: {pending} pending, {claimed} claimed", name(worker_type))
        }
        Observation::DemandUnknown { worker_type } => {
            format!("{}: the queue could not tell its counts", name(worker_type))
        }
        Observation::QueuesRead { .. } => "all queues were read".to_owned(),
        Observation::PriceChanged { pool, price, since } => {
            format!("{} costs {price} since {since}", config.catalog.pool_name(pool))
        }
        Observation::PricesRead { .. } => "all prices were read".to_owned(),
        Observation::CallThrottled { region, call, launch: None } => {
            format!(
                "a {} call to {} was throttled",
                named(call),
                config.catalog.region_name(region)
            )
        }
        Observation::Restarted => "the provisioner restarted".to_owned(),
        Observation::StrayEnded { instance } => format!("{instance}, which is a stray, ended"),
        Observation::InstancesListed { region, .. } => {
            format!("the instances of {} were listed", config.catalog.region_name(region))
        }
        Observation::InstanceFound { instance, launch: None, .. } => {
            format!("a listing shows {instance} without a label")
        }
        _ => match fact.launch() {
            Some(launch) => format!("{launch}: {}", of_launch(fact)),
            None => of_launch(fact),
        },
    }
}

/// What happened to a launch or an instance, in words that do not name it.
pub(crate) fn of_launch(fact: &Observation) -> String {
    match *fact {
        Observation::InstancePending { instance, .. } => format!("EC2 gave {instance}"),
        Observation::LaunchRefused { refusal, .. } => {
            format!("EC2 gave no instance: {}", why_not(refusal))
        }
        Observation::CallUnanswered { .. } => {
            "the launch call got no answer: nobody knows whether there is an instance".to_owned()
        }
        Observation::CallThrottled { call, .. } => {
            format!("the {} call was throttled: EC2 took no notice of it", named(call))
        }
        Observation::InstanceRunning { .. } => "the instance runs, its system starts".to_owned(),
        Observation::WorkerRegistered { .. } => "its worker registered".to_owned(),
        Observation::WorkerChecked { claimed, last_claim, .. } => {
            let tasks = if claimed == 1 { "task" } else { "tasks" };
            match last_claim {
                Some(at) => format!("the worker holds {claimed} {tasks}, last claim at {at}"),
                None => format!("the worker holds {claimed} {tasks}, and never claimed one"),
            }
        }
        Observation::WorkerIdled { .. } => "its worker is idle and asks whether to stop".to_owned(),
        Observation::InterruptionNoticed { ends_at, .. } => {
            format!("EC2 takes it back, at {ends_at}")
        }
        Observation::RebalanceRecommended { .. } => {
            "EC2 recommends to leave: it may take it back soon".to_owned()
        }
        Observation::InstanceStopping { cause, .. } => format!("shutting down: {}", who(cause)),
        Observation::InstanceEnded { cause, .. } => format!("ended: {}", who(cause)),
        Observation::InstanceFound { instance, .. } => format!("a listing shows {instance}"),
        Observation::InstanceMissed { .. } => {
            "a listing that should show its instance does not".to_owned()
        }
        Observation::StrayEnded { .. } => "ended".to_owned(),
        Observation::DemandCounted { .. }
        | Observation::DemandUnknown { .. }
        | Observation::QueuesRead { .. }
        | Observation::PriceChanged { .. }
        | Observation::PricesRead { .. }
        | Observation::Restarted
        | Observation::InstancesListed { .. } => <&str>::from(fact).replace('-', " "),
    }
}

/// Why there is no instance.
pub(crate) const fn why_not(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::InsufficientCapacity => "the pool has no machine",
        Refusal::MaxPriceTooLow => "the max price is below the market price",
        Refusal::Cancelled => "the request was cancelled",
        Refusal::QuotaReached => "the account's quota is used up",
        Refusal::Unsupported => "the zone does not offer the instance type",
        Refusal::ImageUnusable => "the image is not usable",
        Refusal::VolumeLimit => "the region's limit on volumes is reached",
        Refusal::Rejected => "the request was rejected",
    }
}

/// Who ended an instance.
pub(crate) const fn who(cause: EndCause) -> &'static str {
    match cause {
        EndCause::Worker => "by its worker",
        EndCause::Provisioner => "by us",
        EndCause::Interruption => "taken back by EC2",
        EndCause::LaunchFailed => "it never started",
        EndCause::VolumeLimit => "it never started, no volume was left",
        EndCause::Vanished => "it is missing from the listings",
    }
}

const fn named(call: Call) -> &'static str {
    match call {
        Call::Launch => "launch",
        Call::Terminate => "terminate",
        Call::Cancel => "cancel",
        Call::List => "list",
    }
}
