//! Checks of the modelled world against itself, in debug builds: nothing is lost, doubled or made
//! up, and each thing is where everything that names it says it is.
//!
//! Counts are recomputed from the tasks and instances one by one and share nothing with the
//! bookkeeping they are compared to. A look at everything is worth its time in small worlds at
//! each turn; in large ones it comes so rarely that it costs about as much as the run.
//!
//! Each bill is checked where it is made, and their sum when the run closes, in release too.

use provisioner_engine::ids::WorkerTypeId;
use provisioner_engine::ledger::Supply;

use super::World;
use super::instances::Stage;
use super::tasks::{MishapCounts, NONE, Phase, TaskCounts};
use crate::dist::DurationDist;
use crate::ec2::instance_state::InstanceState;

/// What one worker type has, counted one by one.
#[derive(Clone, Default)]
struct Counted {
    pending: u32,
    claimed: u32,
    /// Tasks on instances.
    running: u32,
    live_launches: u64,
    /// Their capacity.
    live: u32,
    supply: Supply,
}

impl World<'_> {
    /// Panics if anything contradicts anything.
    pub(super) fn audit(&mut self) {
        let size = self.tasks.iter().len() + self.instances.len();
        if self.events < self.audit_at {
            return;
        }
        self.audit_at = self.events + (size / 64) as u64;
        let mut counted = vec![Counted::default(); self.types.len()];
        self.count_tasks(&mut counted);
        self.count_instances(&mut counted);
        self.check_pools();
        self.check_quotas();
        for (index, counted) in counted.iter().enumerate() {
            self.check_type(WorkerTypeId::new(index), counted);
        }
        self.check_money();
    }

    fn count_tasks(&self, counted: &mut [Counted]) {
        let mut unresolved = 0;
        for task in self.tasks.iter() {
            let counted = &mut counted[task.task.worker_type.index()];
            match task.phase {
                Phase::Pending => counted.pending += 1,
                Phase::Claimed => {
                    (counted.claimed, counted.running) = (counted.claimed + 1, counted.running + 1);
                    assert!(task.instance != NONE, "a claimed task has an instance");
                }
                Phase::Lost => counted.claimed += 1,
                Phase::Free => continue,
            }
            assert!((task.phase == Phase::Claimed) == (task.instance != NONE), "{task:?}");
            unresolved += 1;
        }
        assert_eq!(self.tasks.unresolved(), unresolved, "tasks were lost or doubled");
    }

    fn count_instances(&self, counted: &mut [Counted]) {
        assert_eq!(self.launches.len(), self.instances.len(), "a launch without its instance");
        for slot in self.instances.slots() {
            let instance = &self.instances[slot];
            assert_eq!(self.launches.get(instance.launch), Some(&slot), "{instance:?}");
            let counted = &mut counted[instance.worker_type.index()];
            let (mut task, mut previous, mut held) = (instance.first_task, NONE, 0);
            while task != NONE {
                let state = &self.tasks[task];
                assert_eq!((state.instance, state.previous), (slot, previous), "{state:?}");
                assert!(state.phase == Phase::Claimed, "only claimed tasks are on instances");
                (previous, task, held) = (task, state.next, held + 1);
            }
            assert!(held <= instance.busy, "a task without a slot");
            assert!(instance.busy <= instance.capacity, "more tasks than slots");
            let rests = self.workers[instance.worker_type.index()].between_tasks.ms() > 0;
            assert!(held == instance.busy || rests, "a busy slot without a task");
            assert!(held == 0 || instance.stage == Stage::Working, "only workers run tasks");
            let free = instance.acts() && !instance.retired && instance.busy < instance.capacity;
            assert_eq!(instance.place.is_listed(), free, "a free slot is listed: {instance:?}");
            let state = match instance.stage {
                Stage::Asked | Stage::Open | Stage::Free => None,
                Stage::Pending => Some(InstanceState::Pending),
                Stage::Running | Stage::Working => Some(InstanceState::Running),
                Stage::Stopping => Some(InstanceState::ShuttingDown),
            };
            assert_eq!(instance.lifecycle.state, state, "EC2's state: {instance:?}");
            counted.running -= held;
            if instance.stage != Stage::Stopping {
                counted.live_launches += 1;
                counted.live += instance.capacity;
            }
            let supply = &mut counted.supply;
            match instance.stage {
                Stage::Stopping => supply.stopping += instance.capacity,
                _ if instance.is_leaving() => supply.stopping += instance.capacity,
                Stage::Asked | Stage::Open => {
                    (supply.requested, supply.requests) =
                        (supply.requested + instance.capacity, supply.requests + 1);
                }
                Stage::Pending => supply.pending += instance.capacity,
                Stage::Running => supply.running += instance.capacity,
                Stage::Working => supply.working += instance.capacity,
                Stage::Free => unreachable!("free slots are left out"),
            }
        }
    }

    fn check_type(&self, worker_type: WorkerTypeId, counted: &Counted) {
        let state = &self.types[worker_type.index()];
        let (queue, launches) = (&state.queue, &state.launches);
        assert_eq!((queue.pending, queue.claimed), (counted.pending, counted.claimed), "the queue");
        assert_eq!(counted.running, 0, "a claimed task is on no instance, or on two");
        assert!(queue.pending == 0 || state.ready.is_empty(), "a task waits beside a free slot");
        let TaskCounts { submitted, done, at_once: _ } = state.counts;
        let MishapCounts { expired, exhausted, lost_runs: _ } = state.mishaps;
        let open = u64::from(counted.pending) + u64::from(counted.claimed);
        assert_eq!(submitted, done + expired + exhausted + open, "a task was lost or doubled");
        assert_eq!(state.peaks.capacity, i64::from(counted.live), "live capacity");
        let refused = launches.refused() + launches.launch_failed;
        let ended = refused + launches.interrupted + launches.terminated + launches.stopped;
        let known = ended + counted.live_launches + launches.unmade;
        assert_eq!(launches.ordered, known, "an instance lost or doubled");
        // Of calls that went wrong the engine knows less.
        let hears_all = self.api.is_plain
            && self.config.observation_lag == DurationDist::Constant(Default::default());
        if hears_all && !self.ownership_may_fail {
            assert_eq!(self.engine.supply(worker_type), counted.supply, "the engine's view");
        }
    }

    /// Each spot instance is where its pool says it is.
    fn check_pools(&self) {
        let mut serving = 0;
        for (index, pool) in self.pools.iter().enumerate() {
            for (place, &slot) in pool.serving.iter().enumerate() {
                let instance = &self.instances[slot];
                assert_eq!((instance.pool.index(), instance.in_pool as usize), (index, place));
            }
            for &slot in &pool.open {
                let instance = &self.instances[slot];
                assert_eq!((instance.pool.index(), instance.stage), (index, Stage::Open));
            }
            serving += pool.serving.len();
        }
        let served = |slot: &u32| {
            let instance = &self.instances[*slot];
            let given = matches!(instance.stage, Stage::Pending | Stage::Running | Stage::Working);
            given && instance.market != provisioner_engine::decision::Market::OnDemand
        };
        assert_eq!(self.instances.slots().filter(served).count(), serving, "a pool's instances");
    }
}
