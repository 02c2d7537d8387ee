//! What really happened in the modelled world, in the auditor's words.

use provisioner_auditor::Truth as Plainly;
use provisioner_engine::units::Time;
use provisioner_sim::Truth;
use provisioner_sim::config::{FaultKind, SimConfig};

use super::plain;
use super::told::{ended_by, plain_market};

/// What happened, and when; `None` if it is nothing that is judged.
pub(super) fn event(config: &SimConfig, at: Time, what: Truth) -> Option<(Time, Plainly)> {
    let plainly = match what {
        Truth::CallArrived { token, count, worker_type, pool, market, capacity } => {
            Plainly::Called {
                token: token.0,
                count,
                worker_type: plain(worker_type.index()),
                pool: plain(pool.index()),
                market: plain_market(market),
                capacity,
            }
        }
        Truth::LaunchRefused { launch, .. } => Plainly::Refused { launch: launch.0 },
        Truth::InstanceGiven { launch, instance } => {
            Plainly::Given { launch: launch.0, instance: instance.0 }
        }
        Truth::InstanceRan { launch } => Plainly::Ran { launch: launch.0 },
        Truth::InstanceTaken { launch, .. } => Plainly::Taken { launch: launch.0 },
        Truth::InstanceStopped { launch, by } => {
            Plainly::Stopped { launch: launch.0, by: ended_by(by) }
        }
        Truth::InstanceEnded { launch, by } => {
            Plainly::Ended { launch: launch.0, by: ended_by(by) }
        }
        Truth::EndLied { launch } => Plainly::LiedEnded { launch: launch.0 },
        Truth::StayBilled { launch, from, to, interrupted, cost } => Plainly::Billed {
            launch: launch.0,
            from: from.ms(),
            to: to.ms(),
            interrupted,
            cost: cost.total().micros(),
        },
        Truth::WorkerRegistered { launch } => Plainly::Registered { launch: launch.0 },
        Truth::WorkerAsked { .. } => return None,
        Truth::WorkerHung { launch } => Plainly::Hung { launch: launch.0 },
        Truth::TaskSubmitted { task, worker_type, deadline, retries } => Plainly::Submitted {
            task: task.0.into(),
            worker_type: plain(worker_type.index()),
            deadline: (deadline != Time::MAX).then(|| deadline.ms()),
            retries: retries.into(),
        },
        Truth::TaskClaimed { task, launch } => {
            Plainly::Claimed { task: task.0.into(), launch: launch.0 }
        }
        Truth::TaskDone { task } => Plainly::Done { task: task.0.into() },
        Truth::TaskLost { task, told } => Plainly::Lost { task: task.0.into(), told },
        Truth::TaskRequeued { task } => Plainly::Requeued { task: task.0.into() },
        Truth::TaskExpired { task } => Plainly::Expired { task: task.0.into() },
        Truth::TaskExhausted { task } => Plainly::Exhausted { task: task.0.into() },
        Truth::PriceMoved { pool, price, since } => {
            let (pool, price) = (plain(pool.index()), price.micros());
            return Some((since, Plainly::Price { pool, price }));
        }
        Truth::FaultBegan { nth } => return blinds(config, nth).then_some((at, Plainly::Blinded)),
        Truth::FaultEnded { nth } => return blinds(config, nth).then_some((at, Plainly::Sighted)),
        Truth::ProcessDied => Plainly::Died,
        Truth::ProcessCameBack => Plainly::CameBack,
    };
    Some((at, plainly))
}

/// Whether a fault keeps the engine from seeing instances or from ending them.
fn blinds(config: &SimConfig, nth: usize) -> bool {
    match config.faults[nth].what {
        FaultKind::ListingDown
        | FaultKind::ListingFrozen
        | FaultKind::CallsThrottled { .. }
        | FaultKind::RequestsLost { .. }
        | FaultKind::InternalErrors { .. }
        // Nobody is ended of whom the queue does not say that they hold nothing.
        | FaultKind::QueueDown
        | FaultKind::QueueSaysOfWorkers { .. } => true,
        FaultKind::Crash { .. }
        | FaultKind::FeedDown
        | FaultKind::FeedFirstPage
        | FaultKind::FeedScaled { .. }
        | FaultKind::ResponsesLost { .. }
        | FaultKind::QueueSays { .. }
        | FaultKind::BrokenImage { .. }
        | FaultKind::BootSlow { .. }
        | FaultKind::PoolDry { .. }
        | FaultKind::PoolOversubscribed { .. }
        | FaultKind::VolumeLimit { .. }
        | FaultKind::ImageUnusable { .. }
        | FaultKind::ToldEnded { .. }
        | FaultKind::Configured(_) => false,
    }
}
