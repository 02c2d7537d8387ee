//! Tasks that are not resolved, and the queue of each worker type.

use provisioner_engine::ids::WorkerTypeId;
use provisioner_engine::units::Time;

use super::event::{GENERATIONS, Handle};
use crate::input::{Priority, Task};

/// A task that is not resolved.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(super) struct TaskState {
    pub(super) task: Task,
    /// Its worker claimed it then.
    pub(super) claimed: Time,
    /// The instance that runs it.
    pub(super) instance: u32,
    /// Its neighbours among the tasks of that instance, or while it waits, in its queue.
    pub(super) next: u32,
    pub(super) previous: u32,
    /// Counts the lives of this slot.
    pub(super) generation: u32,
    pub(super) phase: Phase,
    /// It was claimed before.
    pub(super) rerun: bool,
}

// A task costs a cache line while it is open and nothing afterwards.
const _: () = assert!(size_of::<TaskState>() == 64);

/// Where a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Pending,
    /// A worker runs it.
    Claimed,
    /// Its worker vanished and the queue does not know yet.
    Lost,
    /// Resolved: the slot is free.
    Free,
}

/// No task, no instance.
pub(super) const NONE: u32 = u32::MAX;

/// All tasks that are not resolved, in reused slots.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    slots: Vec<TaskState>,
    free: Vec<u32>,
    unresolved: usize,
}

impl Tasks {
    #[inline(always)]
    pub(super) fn insert(&mut self, task: Task) -> u32 {
        let fresh = TaskState {
            task,
            claimed: Time::EPOCH,
            instance: NONE,
            next: NONE,
            previous: NONE,
            generation: 0,
            phase: Phase::Pending,
            rerun: false,
        };
        self.unresolved += 1;
        if let Some(slot) = self.free.pop() {
            let generation = self.slots[slot as usize].generation;
            self.slots[slot as usize] = TaskState { generation, ..fresh };
            return slot;
        }
        let slot = u32::try_from(self.slots.len()).expect("fewer than four billion tasks at once");
        self.slots.push(fresh);
        slot
    }

    /// A task is resolved.
    #[inline(always)]
    pub(super) fn remove(&mut self, slot: u32) {
        self.unresolved -= 1;
        let state = &mut self[slot];
        state.phase = Phase::Free;
        state.generation = (state.generation + 1) % GENERATIONS;
        self.free.push(slot);
    }

    pub(super) fn handle(&self, slot: u32) -> Handle {
        Handle { slot, generation: self[slot].generation }
    }

    /// The slot, if what was there then is still there.
    #[inline(always)]
    pub(super) fn find(&self, handle: Handle) -> Option<u32> {
        (self[handle.slot].generation == handle.generation).then_some(handle.slot)
    }

    /// All slots, free ones too.
    pub(super) fn iter(&self) -> std::slice::Iter<'_, TaskState> {
        self.slots.iter()
    }

    /// How many are not resolved.
    pub(super) const fn unresolved(&self) -> usize {
        self.unresolved
    }
}

impl std::ops::Index<u32> for Tasks {
    type Output = TaskState;
    fn index(&self, slot: u32) -> &TaskState {
        &self.slots[slot as usize]
    }
}

impl std::ops::IndexMut<u32> for Tasks {
    fn index_mut(&mut self, slot: u32) -> &mut TaskState {
        &mut self.slots[slot as usize]
    }
}

/// One worker type's queue: first in, first out within a priority. Its lines run through the tasks
/// themselves, so that a thousand queues have nothing of their own to keep at hand.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Queue {
    /// Tasks waiting.
    pub(super) pending: u32,
    /// Tasks that the queue believes to be held by workers.
    pub(super) claimed: u32,
    /// The counts changed since they were last read.
    pub(super) changed: bool,
    /// Workers have caught up with it once: a claim left no task waiting.
    pub(super) caught_up: bool,
    /// Bit `p` is set if line `p` is not empty.
    filled: u8,
    /// From here on only what waits needs it.
    lines: [Line; Priority::ALL.len()],
}

impl Queue {
    /// So much of it each task changes, whether it waits or not.
    pub(super) const HOT: usize = std::mem::offset_of!(Self, lines);
}

/// The waiting tasks of one priority.
#[derive(Clone, Copy, Debug)]
struct Line {
    first: u32,
    last: u32,
}

impl Queue {
    /// An empty queue whose counts nobody has read.
    pub(super) const fn new() -> Self {
        let lines = [Line { first: NONE, last: NONE }; Priority::ALL.len()];
        Self { pending: 0, claimed: 0, changed: true, caught_up: false, filled: 0, lines }
    }

    #[inline(always)]
    pub(super) fn push(&mut self, slot: u32, tasks: &mut Tasks) {
        let priority = tasks[slot].task.priority as u8;
        let line = &mut self.lines[usize::from(priority)];
        (tasks[slot].previous, tasks[slot].next) = (line.last, NONE);
        match line.last {
            NONE => line.first = slot,
            last => tasks[last].next = slot,
        }
        line.last = slot;
        self.filled |= 1 << priority;
        self.pending += 1;
    }

    /// The next task to claim.
    #[inline(always)]
    pub(super) fn pop(&mut self, tasks: &mut Tasks) -> Option<u32> {
        let first = self.lines.get(self.filled.trailing_zeros() as usize)?.first;
        self.take(first, tasks);
        Some(first)
    }

    /// Takes a waiting task out.
    pub(super) fn take(&mut self, slot: u32, tasks: &mut Tasks) {
        let TaskState { task, next, previous, .. } = tasks[slot];
        let line = &mut self.lines[task.priority as usize];
        match previous {
            NONE => line.first = next,
            previous => tasks[previous].next = next,
        }
        match next {
            NONE => line.last = previous,
            next => tasks[next].previous = previous,
        }
        if line.first == NONE {
            self.filled &= !(1 << task.priority as u8);
        }
        self.pending -= 1;
    }
}

/// Tells how most tasks of a worker type went.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TaskCounts {
    pub(super) submitted: u64,
    pub(super) done: u64,
    /// Claimed without a wait, of those whose wait is measured.
    pub(super) at_once: u64,
}

/// Tells how few of them went.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct MishapCounts {
    pub(super) lost_runs: u64,
    pub(super) expired: u64,
    pub(super) exhausted: u64,
}

/// The worker type a task is for.
pub(super) const fn worker_type_of(state: &TaskState) -> WorkerTypeId {
    state.task.worker_type
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use provisioner_engine::units::Duration;

    use super::*;

    fn task(priority: Priority) -> Task {
        Task {
            submitted: Time::EPOCH,
            duration: Duration::MINUTE,
            deadline: Time::MAX,
            worker_type: WorkerTypeId::new(0),
            priority,
            retries: 0,
        }
    }

    #[test]
    fn a_queue_that_nobody_serves_does_not_grow() {
        let (mut tasks, mut queue) = (Tasks::default(), Queue::new());
        let mut waiting = VecDeque::new();
        for _ in 0..1_000 {
            let slot = tasks.insert(task(Priority::Low));
            queue.push(slot, &mut tasks);
            waiting.push_back(slot);
            if waiting.len() == 10 {
                for given_up in [4, 8, 0] {
                    let slot = waiting.remove(given_up).expect("so many wait");
                    queue.take(slot, &mut tasks);
                    tasks.remove(slot);
                }
            }
        }
        assert_eq!((tasks.unresolved(), tasks.iter().len()), (queue.pending as usize, 10));
        let left: VecDeque<u32> = std::iter::from_fn(|| queue.pop(&mut tasks)).collect();
        assert_eq!(left, waiting);
    }

    #[test]
    fn tasks_of_one_priority_leave_first_in_first_out_after_those_before_it() {
        let (mut tasks, mut queue) = (Tasks::default(), Queue::new());
        let mut push = |priority| {
            let slot = tasks.insert(task(priority));
            queue.push(slot, &mut tasks);
            slot
        };
        let [low, high] = [Priority::Low, Priority::Highest];
        let [a, b, c, d] = [low, high, low, high].map(&mut push);
        let left: Vec<u32> = std::iter::from_fn(|| queue.pop(&mut tasks)).collect();
        assert_eq!(left, [b, d, a, c]);
    }
}
