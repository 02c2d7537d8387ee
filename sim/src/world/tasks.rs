//! Tasks that are not resolved, and the queue of each worker type.

use std::collections::VecDeque;

use provisioner_engine::ids::WorkerTypeId;
use provisioner_engine::units::Time;

use super::event::{GENERATIONS, Handle};
use crate::input::{Priority, Task};

/// A task that is not resolved.
#[derive(Clone, Copy, Debug)]
pub(super) struct TaskState {
    pub(super) task: Task,
    /// Its worker claimed it then.
    pub(super) claimed: Time,
    /// The instance that runs it.
    pub(super) instance: u32,
    /// Its neighbours among the tasks of that instance.
    pub(super) next: u32,
    pub(super) previous: u32,
    /// Counts the lives of this slot.
    pub(super) generation: u32,
    pub(super) phase: Phase,
    /// It was claimed before.
    pub(super) rerun: bool,
}

// A task costs a cache line while it is open and nothing afterwards.
const _: () = assert!(size_of::<TaskState>() <= 64);

/// Where a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Pending,
    /// A worker runs it.
    Claimed,
    /// Its worker vanished and the queue does not know yet.
    Lost,
    /// Given up while it was pending; its place in the queue is skipped.
    Expired,
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

    fn expire(&mut self, slot: u32) {
        self[slot].phase = Phase::Expired;
        self.unresolved -= 1;
    }

    /// A task is resolved, or its turn came after it expired.
    pub(super) fn remove(&mut self, slot: u32) {
        self.unresolved -= usize::from(self[slot].phase != Phase::Expired);
        let state = &mut self[slot];
        state.phase = Phase::Free;
        state.generation = (state.generation + 1) % GENERATIONS;
        self.free.push(slot);
    }

    pub(super) fn handle(&self, slot: u32) -> Handle {
        Handle { slot, generation: self[slot].generation }
    }

    /// The slot, if what was there then is still there.
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

/// One worker type's queue: first in, first out within a priority.
#[derive(Debug, Default)]
pub(super) struct Queue {
    levels: [VecDeque<u32>; Priority::ALL.len()],
    /// Bit `p` is set if level `p` is not empty.
    filled: u8,
    /// Tasks waiting.
    pub(super) pending: u32,
    /// Tasks that the queue believes to be held by workers.
    pub(super) claimed: u32,
    /// The counts changed since they were last read.
    pub(super) changed: bool,
}

impl Queue {
    /// An empty queue whose counts nobody has read.
    pub(super) fn new() -> Self {
        Self { changed: true, ..Self::default() }
    }

    pub(super) fn push(&mut self, slot: u32, priority: Priority) {
        self.levels[priority as usize].push_back(slot);
        self.filled |= 1 << priority as u8;
        self.pending += 1;
    }

    /// The next task to claim.
    pub(super) fn pop(&mut self, tasks: &mut Tasks) -> Option<u32> {
        if self.filled == 0 {
            return None;
        }
        let level = self.filled.trailing_zeros() as usize;
        let slot = self.levels[level].pop_front();
        self.pending -= 1;
        self.drop_expired(level, tasks);
        slot
    }

    /// A waiting task is given up. Its place is skipped when its turn comes, at once if it is
    /// first: a queue that nobody serves does not grow.
    pub(super) fn expire(&mut self, slot: u32, tasks: &mut Tasks) {
        tasks.expire(slot);
        self.pending -= 1;
        self.drop_expired(tasks[slot].task.priority as usize, tasks);
    }

    /// The first of a line waits, or the line is empty.
    fn drop_expired(&mut self, level: usize, tasks: &mut Tasks) {
        let line = &mut self.levels[level];
        while let Some(&first) = line.front() {
            if tasks[first].phase != Phase::Expired {
                return;
            }
            line.pop_front();
            tasks.remove(first);
        }
        self.filled &= !(1 << level);
    }
}

/// Tells how the tasks of a worker type went.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TaskCounts {
    pub(super) submitted: u64,
    pub(super) done: u64,
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
    use provisioner_engine::units::Duration;

    use super::*;

    #[test]
    fn a_queue_that_nobody_serves_does_not_grow() {
        let (mut tasks, mut queue) = (Tasks::default(), Queue::new());
        let task = Task {
            submitted: Time::EPOCH,
            duration: Duration::MINUTE,
            deadline: Time::EPOCH,
            worker_type: WorkerTypeId::new(0),
            priority: Priority::Low,
            retries: 0,
        };
        let mut waiting = VecDeque::new();
        for _ in 0..1_000 {
            let slot = tasks.insert(task);
            queue.push(slot, task.priority);
            waiting.push_back(slot);
            if waiting.len() == 10 {
                // The second goes before the first, and waits for it.
                queue.expire(waiting.remove(1).expect("ten wait"), &mut tasks);
                queue.expire(waiting.remove(0).expect("nine wait"), &mut tasks);
            }
        }
        assert_eq!((tasks.unresolved(), tasks.iter().len()), (queue.pending as usize, 10));
        let left: VecDeque<u32> = std::iter::from_fn(|| queue.pop(&mut tasks)).collect();
        assert_eq!(left, waiting);
    }
}
