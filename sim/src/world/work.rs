//! Tasks from arrival to resolution, and the workers that claim them.

use provisioner_engine::ids::WorkerTypeId;
use provisioner_engine::observation::{EndCause, Observation};
use provisioner_engine::units::{Duration, Ratio, Time};

use super::event::{Event, GENERATIONS, Handle};
use super::instances::{Health, Instance, Stage};
use super::tasks::{NONE, Phase, worker_type_of};
use super::{TaskId, Truth, World};
use crate::config::IdleStop;
use crate::input::Task;

impl World<'_> {
    /// A task enters its queue.
    #[inline(always)]
    pub(super) fn arrive(&mut self, task: Task) {
        self.events += 1;
        self.type_of(task.worker_type).counts.submitted += 1;
        let slot = self.tasks.insert(task);
        self.testify(|_| {
            let Task { worker_type, deadline, retries, .. } = task;
            Truth::TaskSubmitted { task: TaskId(slot), worker_type, deadline, retries }
        });
        if task.deadline != Time::MAX {
            let at = task.deadline.max(self.now);
            self.agenda.enter(at, Event::Deadline(self.tasks.handle(slot)).pack());
        }
        self.offer(slot);
    }

    /// A waiting worker claims the task, or the task waits.
    #[inline(always)]
    fn offer(&mut self, task: u32) {
        let worker_type = worker_type_of(&self.tasks[task]);
        self.touch(worker_type);
        let state = &mut self.types[worker_type.index()];
        match state.ready.choose(&mut state.random) {
            Some(instance) => self.claim(instance, task),
            None => state.queue.push(task, &mut self.tasks),
        }
    }

    #[inline(always)]
    fn claim(&mut self, instance: u32, slot: u32) {
        let task = &mut self.tasks[slot];
        let worker = &mut self.instances[instance];
        let state = &mut self.types[worker.worker_type.index()];
        let Task { submitted, duration, .. } = task.task;
        if !task.rerun && submitted >= self.config.start + self.config.warmup {
            match self.now.since(submitted) {
                Duration::ZERO => state.counts.at_once += 1, // by far the most
                wait => {
                    self.recent_waits.push((worker.worker_type, wait));
                    state.cold += u64::from(!state.queue.caught_up);
                }
            }
        }
        state.queue.claimed += 1;
        state.queue.caught_up |= state.queue.pending == 0;
        (task.phase, task.claimed, task.instance) = (Phase::Claimed, self.now, instance);
        (task.previous, task.next) = (NONE, worker.first_task);
        let (handle, next) = (Handle { slot, generation: task.generation }, task.next);
        worker.first_task = slot;
        worker.last_claim = self.now;
        worker.busy += 1;
        let (full, utility) = (worker.busy == worker.capacity, worker.utility);
        if next != NONE {
            self.tasks[next].previous = slot;
        }
        if full {
            state.ready.leave(&mut self.instances, instance);
        }
        let done = self.now.saturating_add(run_time(duration, utility));
        self.agenda.enter(done, Event::TaskDone(handle).pack());
        self.testify(|world| {
            let launch = world.instances[instance].launch;
            Truth::TaskClaimed { task: TaskId(slot), launch }
        });
        if self.recent_waits.len() == super::WAITS_AT_ONCE {
            self.settle_waits();
        }
    }

    /// A worker ran a task to its end.
    #[inline(always)]
    pub(super) fn task_done(&mut self, slot: u32) {
        self.events += 1;
        let worker_type = worker_type_of(&self.tasks[slot]);
        let delay = self.tasks[slot].claimed - self.tasks[slot].task.submitted;
        let (instance, spent) = self.unclaim(slot);
        self.instances[instance].useful += spent;
        self.testify(|_| Truth::TaskDone { task: TaskId(slot) });
        self.tasks.remove(slot);
        self.touch(worker_type);
        let state = self.type_of(worker_type);
        state.counts.done += 1;
        if delay > Duration::ZERO {
            state.delay_max = state.delay_max.max(delay); // far off in memory, and mostly zero
        }
        state.queue.claimed -= 1;
        self.ask_again(instance);
    }

    /// A task is no longer on its instance. Says which it was and how long.
    #[inline(always)]
    fn unclaim(&mut self, slot: u32) -> (u32, Duration) {
        let task = &mut self.tasks[slot];
        let (instance, next, previous) = (task.instance, task.next, task.previous);
        let spent = self.now - task.claimed;
        task.instance = NONE;
        match previous {
            NONE => self.instances[instance].first_task = next,
            previous => self.tasks[previous].next = next,
        }
        if next != NONE {
            self.tasks[next].previous = previous;
        }
        self.instances[instance].busy -= 1;
        (instance, spent)
    }

    /// A worker is through with a task and asks for the next.
    #[inline(always)]
    fn ask_again(&mut self, instance: u32) {
        let worker = &self.instances[instance];
        let pause = self.workers[worker.worker_type.index()].between_tasks;
        if pause == Duration::ZERO {
            self.fill(instance);
        } else {
            let rested = Event::SlotRested(self.instances.handle(instance));
            self.instances[instance].busy += 1; // the slot rests, and is not free meanwhile
            self.agenda.enter(self.now.saturating_add(pause), rested.pack());
        }
    }

    /// A slot has rested.
    pub(super) fn slot_rested(&mut self, instance: u32) {
        let worker = &mut self.instances[instance];
        if worker.stage == Stage::Working && worker.health == Health::Well {
            worker.busy -= 1;
            self.fill(instance);
        }
    }

    /// A worker claims tasks until it is full or there are none; then it waits.
    #[inline(always)]
    pub(super) fn fill(&mut self, instance: u32) {
        let worker = &self.instances[instance];
        if !worker.acts() {
            return;
        }
        if worker.retired {
            if worker.busy == 0 {
                self.stop(instance, EndCause::Worker);
            }
            return;
        }
        let worker_type = worker.worker_type;
        while self.instances[instance].busy < self.instances[instance].capacity {
            let state = &mut self.types[worker_type.index()];
            if state.queue.pending == 0 {
                state.ready.enter(&mut self.instances, instance);
                break;
            }
            self.touch(worker_type);
            let queue = &mut self.types[worker_type.index()].queue;
            if let Some(task) = queue.pop(&mut self.tasks) {
                self.claim(instance, task);
            }
        }
        if self.instances[instance].busy == 0 {
            self.start_idling(instance);
        }
    }

    #[inline(always)]
    fn start_idling(&mut self, slot: u32) {
        let worker = &mut self.instances[slot];
        worker.idle_period = (worker.idle_period + 1) % GENERATIONS;
        let handle = Handle { slot, generation: worker.idle_period };
        let Instance { worker_type, ignores_idle, .. } = *worker;
        if !ignores_idle {
            let line = self.types[worker_type.index()].idle_line;
            self.agenda.enter_line(line, self.now, Event::IdleTimeout(handle).pack());
        }
        if let Some(interval) = self.workers[worker_type.index()].asks {
            self.agenda.enter(self.now.saturating_add(interval), Event::Asks(handle).pack());
        }
    }

    /// Whether a worker is idle, and has been since that idle period began.
    #[inline(always)]
    fn is_idle_since(&self, handle: Handle) -> bool {
        let worker = &self.instances[handle.slot];
        worker.idle_period == handle.generation && worker.acts() && worker.busy == 0
    }

    /// An idle worker asks whether it should stop, unless it claimed meanwhile.
    pub(super) fn ask_to_stop(&mut self, handle: Handle) {
        if !self.is_idle_since(handle) {
            return;
        }
        let Instance { launch, worker_type, .. } = self.instances[handle.slot];
        self.testify(|_| Truth::WorkerAsked { launch });
        self.tell(Observation::WorkerIdled { launch });
        if let Some(interval) = self.workers[worker_type.index()].asks {
            self.agenda.enter(self.now.saturating_add(interval), Event::Asks(handle).pack());
        }
    }

    /// A worker is told to stop, and does if it is still idle.
    pub(super) fn advise_stop(&mut self, slot: u32) {
        let worker = &self.instances[slot];
        if worker.acts() && worker.busy == 0 {
            self.stop(slot, EndCause::Worker);
        }
    }

    /// A worker has been idle for its idle timeout, unless it claimed meanwhile.
    #[inline(always)]
    pub(super) fn idle_timeout(&mut self, handle: Handle) {
        if !self.is_idle_since(handle) {
            return;
        }
        let worker = &self.instances[handle.slot];
        if let IdleStop::BeforeHourEnds(margin) = self.workers[worker.worker_type.index()].idle_stop
        {
            let up = self.now - worker.running_since;
            let hour_ends =
                worker.running_since + (up + Duration::from_ms(1)).round_up_to(Duration::HOUR);
            if hour_ends - self.now > margin {
                self.agenda.enter(hour_ends - margin, Event::IdleTimeout(handle).pack());
                return;
            }
        }
        self.stop(handle.slot, EndCause::Worker);
    }

    /// A worker has been up for its longest: it claims no more and stops when it is done.
    pub(super) fn retire(&mut self, slot: u32) {
        let worker = &mut self.instances[slot];
        worker.retired = true;
        let (worker_type, idle) = (worker.worker_type, worker.busy == 0);
        if worker.acts() {
            self.types[worker_type.index()].ready.leave(&mut self.instances, slot);
            if idle {
                self.stop(slot, EndCause::Worker);
            }
        }
    }

    /// The tasks of an instance that is gone are lost. The queue learns at once if the worker
    /// could tell it, else when the claims expire.
    pub(super) fn lose_tasks(&mut self, instance: u32, told: bool) {
        while self.instances[instance].first_task != NONE {
            let slot = self.instances[instance].first_task;
            let (_, spent) = self.unclaim(slot);
            self.testify(|_| Truth::TaskLost { task: TaskId(slot), told });
            let task = &mut self.tasks[slot];
            // The run's end in the agenda is void: what was claimed then is not there any more.
            task.generation = (task.generation + 1) % GENERATIONS;
            let deadline = task.task.deadline;
            let again = if told {
                self.now
            } else {
                self.now.saturating_add(self.config.queue.claim_expiry)
            };
            let repeated = task.task.retries > 0 && again < deadline;
            task.phase = Phase::Lost;
            if deadline != Time::MAX {
                let again = Event::Deadline(self.tasks.handle(slot));
                self.agenda.enter(deadline.max(self.now), again.pack());
            }
            let worker = &mut self.instances[instance];
            *(if repeated { &mut worker.redone } else { &mut worker.wasted }) += spent;
            if told {
                self.run_again(slot);
            } else {
                let expired = Event::ClaimExpired(self.tasks.handle(slot));
                self.agenda.enter(again, expired.pack());
            }
        }
    }

    /// The queue knows that a run was lost: the task waits again, or is given up.
    pub(super) fn run_again(&mut self, slot: u32) {
        let task = &mut self.tasks[slot];
        if task.phase != Phase::Lost {
            return;
        }
        let worker_type = worker_type_of(task);
        let retries = task.task.retries;
        (task.phase, task.rerun) = (Phase::Pending, true);
        task.task.retries = retries.saturating_sub(1);
        self.testify(|_| match (TaskId(slot), retries) {
            (task, 0) => Truth::TaskExhausted { task },
            (task, _) => Truth::TaskRequeued { task },
        });
        self.touch(worker_type);
        let state = self.type_of(worker_type);
        state.queue.claimed -= 1;
        if retries == 0 {
            state.mishaps.exhausted += 1;
            self.tasks.remove(slot);
        } else {
            state.mishaps.lost_runs += 1;
            self.offer(slot);
        }
    }

    /// A task's deadline passed.
    pub(super) fn give_up(&mut self, slot: u32) {
        let worker_type = worker_type_of(&self.tasks[slot]);
        self.testify(|_| Truth::TaskExpired { task: TaskId(slot) });
        self.touch(worker_type);
        match self.tasks[slot].phase {
            Phase::Pending => {
                let state = &mut self.types[worker_type.index()];
                state.queue.take(slot, &mut self.tasks);
                self.tasks.remove(slot);
            }
            Phase::Claimed => {
                let (instance, spent) = self.unclaim(slot);
                self.instances[instance].wasted += spent;
                self.type_of(worker_type).queue.claimed -= 1;
                self.tasks.remove(slot);
                self.ask_again(instance);
            }
            Phase::Lost => {
                self.type_of(worker_type).queue.claimed -= 1;
                self.tasks.remove(slot);
            }
            Phase::Free => unreachable!("a deadline passes once"),
        }
        self.type_of(worker_type).mishaps.expired += 1;
    }

    /// The counts of a worker type's queue are about to change.
    #[inline(always)]
    pub(super) fn touch(&mut self, worker_type: WorkerTypeId) {
        let state = &mut self.types[worker_type.index()];
        if self.config.queue.count_lag > Duration::ZERO {
            self.told[worker_type.index()].remember(self.now, &state.queue);
        }
        if !state.queue.changed {
            state.queue.changed = true;
            self.changed.push(worker_type);
        }
    }
}

/// How long a task runs on a worker of that utility, rounded up to a millisecond.
pub(crate) fn run_time(duration: Duration, utility: Ratio) -> Duration {
    if utility == Ratio::ONE {
        return duration;
    }
    let ms = i128::from(duration.ms()) * i128::from(Ratio::ONE.millionths());
    let utility = i128::from(utility.millionths());
    Duration::from_ms(i64::try_from((ms + utility - 1) / utility).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_faster_worker_takes_less_time() {
        let minute = Duration::MINUTE;
        assert_eq!(run_time(minute, Ratio::ONE), minute);
        assert_eq!(run_time(minute, Ratio::from_millionths(2_000_000)), Duration::from_secs(30));
        assert_eq!(run_time(Duration::from_ms(1), Ratio::from_millionths(3_000_000)).ms(), 1);
    }
}
