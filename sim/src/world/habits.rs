//! How steady the engine's orders are: what it undoes, and how often it changes its mind.

use provisioner_engine::decision::Action;
use provisioner_engine::ids::{PoolId, WorkerTypeId};
use provisioner_engine::units::Time;

use super::World;
use crate::outcome::{HabitMeasures, REVERSAL_WITHIN};

/// What was last ordered for one worker type.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Habits {
    pub(super) measures: HabitMeasures,
    launched: Option<(PoolId, Time)>,
    ended: Option<Time>,
}

impl World<'_> {
    /// Takes note of an order before it is carried out.
    pub(super) fn note_habit(&mut self, action: &Action) {
        let now = self.now;
        let soon = |at: Option<Time>| at.is_some_and(|at| now.since(at) < REVERSAL_WITHIN);
        match *action {
            Action::Launch { worker_type, pool, .. } => {
                let habits = &mut self.type_of(worker_type).habits;
                let moved = habits.launched.is_some_and(|(before, _)| before != pool);
                habits.measures.moves += u64::from(moved);
                habits.measures.reversals += u64::from(soon(habits.ended));
                habits.launched = Some((pool, now));
            }
            Action::Terminate { launch, .. } | Action::AdviseStop { launch } => {
                let Some(&slot) = self.launches.get(launch) else { return };
                let worker_type: WorkerTypeId = self.instances[slot].worker_type;
                let habits = &mut self.type_of(worker_type).habits;
                let launched = habits.launched.map(|(_, at)| at);
                habits.measures.reversals += u64::from(soon(launched));
                habits.ended = Some(now);
            }
            Action::Cancel { .. }
            | Action::EndStray { .. }
            | Action::ListInstances { .. }
            | Action::CheckWorker { .. } => {}
        }
    }
}
