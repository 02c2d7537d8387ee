//! What really happens, for whoever judges a run: nothing of it is known to the engine.
//!
//! Every part of the world testifies where it acts. While nobody listens a testimony is one branch
//! that is never taken: what is said is built only for a listener.

use provisioner_engine::decision::Market;
use provisioner_engine::ids::{InstanceId, LaunchId, PoolId, WorkerTypeId};
use provisioner_engine::observation::{EndCause, Refusal};
use provisioner_engine::units::{Time, UsdPerHour};

use super::World;
use crate::config::SimConfig;
use crate::outcome::Cost;

/// Something that really happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// A launch call reached EC2 and is carried out: so many launches from the first on are asked
    /// for.
    CallArrived {
        /// The first launch, which is the client token.
        token: LaunchId,
        /// How many.
        count: u32,
        /// For whom, by the scenario's ids.
        worker_type: WorkerTypeId,
        /// From which pool.
        pool: PoolId,
        /// In which market.
        market: Market,
        /// Tasks that run at once on each instance.
        capacity: u32,
    },
    /// A launch was refused.
    LaunchRefused {
        /// Which.
        launch: LaunchId,
        /// Why.
        refusal: Refusal,
    },
    /// A launch was given an instance.
    InstanceGiven {
        /// Which launch.
        launch: LaunchId,
        /// Its instance.
        instance: InstanceId,
    },
    /// An instance is `running`: the meter starts.
    InstanceRan {
        /// Its launch.
        launch: LaunchId,
    },
    /// EC2 began to take an instance back.
    InstanceTaken {
        /// Its launch.
        launch: LaunchId,
        /// When it will be gone.
        ends_at: Time,
    },
    /// An instance is `shutting-down`: the meter stops.
    InstanceStopped {
        /// Its launch.
        launch: LaunchId,
        /// Who ended it.
        by: EndCause,
    },
    /// An instance is `terminated`.
    InstanceEnded {
        /// Its launch.
        launch: LaunchId,
        /// Who ended it.
        by: EndCause,
    },
    /// The engine is told that an instance ended, which is a lie.
    EndLied {
        /// Its launch.
        launch: LaunchId,
    },
    /// A stay was billed.
    StayBilled {
        /// Its launch.
        launch: LaunchId,
        /// From when.
        from: Time,
        /// Until when.
        to: Time,
        /// Whether EC2 took it back.
        interrupted: bool,
        /// How much, split by market and by use.
        cost: Cost,
    },
    /// A worker registered.
    WorkerRegistered {
        /// Its launch.
        launch: LaunchId,
    },
    /// A worker asks whether it should stop.
    WorkerAsked {
        /// Its launch.
        launch: LaunchId,
    },
    /// A worker hangs.
    WorkerHung {
        /// Its launch.
        launch: LaunchId,
    },
    /// A task entered its queue.
    TaskSubmitted {
        /// Which.
        task: TaskId,
        /// Whose queue.
        worker_type: WorkerTypeId,
        /// When it is given up; [`Time::MAX`] for never.
        deadline: Time,
        /// How often it may run again.
        retries: u8,
    },
    /// A worker claimed a task.
    TaskClaimed {
        /// Which.
        task: TaskId,
        /// The worker's launch.
        launch: LaunchId,
    },
    /// A task was done.
    TaskDone {
        /// Which.
        task: TaskId,
    },
    /// A task's worker is gone.
    TaskLost {
        /// Which.
        task: TaskId,
        /// Whether the queue knows at once.
        told: bool,
    },
    /// A lost task waits again.
    TaskRequeued {
        /// Which.
        task: TaskId,
    },
    /// A task's deadline passed.
    TaskExpired {
        /// Which.
        task: TaskId,
    },
    /// A task was lost once more than it may be run again.
    TaskExhausted {
        /// Which.
        task: TaskId,
    },
    /// A market price changed.
    PriceMoved {
        /// Where.
        pool: PoolId,
        /// To how much.
        price: UsdPerHour,
        /// From when; before the run for the prices it begins with.
        since: Time,
    },
    /// A fault began.
    FaultBegan {
        /// Its index among the configuration's.
        nth: usize,
    },
    /// A fault is over.
    FaultEnded {
        /// Its index among the configuration's.
        nth: usize,
    },
    /// The engine's process died.
    ProcessDied,
    /// It came back.
    ProcessCameBack,
}

/// Names a task until it is resolved; another may get the name then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TaskId(pub u32);

/// When faults begin and end, the next one last.
#[derive(Debug, Default)]
pub(super) struct FaultTurns(Vec<(Time, Truth)>);

impl FaultTurns {
    /// Those of a run that somebody listens to.
    pub(super) fn of(config: &SimConfig) -> Self {
        let turns = config.faults.iter().enumerate().flat_map(|(nth, fault)| {
            [(fault.from, Truth::FaultBegan { nth }), (fault.until, Truth::FaultEnded { nth })]
        });
        let mut turns: Vec<_> = turns.collect();
        turns.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        Self(turns)
    }
}

impl World<'_> {
    /// Something happened, and whoever listens hears of it.
    #[inline(always)]
    pub(super) fn testify(&mut self, what: impl FnOnce(&Self) -> Truth) {
        if self.hooks.truth.is_some() {
            let what = what(self);
            self.report_truth(what);
        }
    }

    #[cold]
    fn report_truth(&mut self, what: Truth) {
        self.tell_faults();
        if let Some(hook) = &mut self.hooks.truth {
            hook(self.now, what);
        }
    }

    /// Whoever listens hears of the faults that began or ended since the last time.
    pub(super) fn tell_faults(&mut self) {
        let Some(hook) = &mut self.hooks.truth else { return };
        let is_due = |turn: &mut (Time, Truth)| turn.0 <= self.now;
        while let Some((at, turn)) = self.fault_turns.0.pop_if(is_due) {
            hook(at, turn);
        }
    }
}
