//! Task sources made of others: recorded tasks, shared between runs, and a merge by time.

use core::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::sync::Arc;

use provisioner_engine::units::Time;

use crate::input::{Task, TaskSource};

/// Recorded tasks. Runs share one copy; a source is a place in it.
#[derive(Clone, Debug)]
pub struct RecordedTasks {
    tasks: Arc<[Task]>,
    next: usize,
}

impl RecordedTasks {
    /// These tasks, from the first on.
    ///
    /// Panics if one was submitted before the one ahead of it: readers sort.
    #[must_use]
    pub fn new(tasks: Arc<[Task]>) -> Self {
        assert!(
            tasks.is_sorted_by_key(|task| task.submitted),
            "recorded tasks are in the order in which they were submitted"
        );
        Self { tasks, next: 0 }
    }
}

impl TaskSource for RecordedTasks {
    fn next_task(&mut self) -> Option<Task> {
        let task = self.tasks.get(self.next).copied()?;
        self.next += 1;
        Some(task)
    }
}

/// Several sources as one, by time; of tasks submitted at once, those of an earlier source first.
///
/// Holds one task of each source. A single source is passed through.
pub struct MergedSources {
    sources: Vec<Box<dyn TaskSource>>,
    /// The next task of each source; stale where the source has ended.
    heads: Vec<Option<Task>>,
    /// When those come, the earliest on top.
    order: BinaryHeap<Reverse<(Time, usize)>>,
}

impl MergedSources {
    /// All of these.
    #[must_use]
    pub fn new(mut sources: Vec<Box<dyn TaskSource>>) -> Self {
        let single = sources.len() == 1;
        let heads: Vec<Option<Task>> = if single {
            Vec::new()
        } else {
            sources.iter_mut().map(|source| source.next_task()).collect()
        };
        let entry = |(index, head): (usize, &Option<Task>)| {
            head.map(|task| Reverse((task.submitted, index)))
        };
        let order = heads.iter().enumerate().filter_map(entry).collect();
        Self { sources, heads, order }
    }
}

impl TaskSource for MergedSources {
    fn next_task(&mut self) -> Option<Task> {
        if let [single] = self.sources.as_mut_slice() {
            return single.next_task();
        }
        let mut first = self.order.peek_mut()?;
        let Reverse((_, index)) = *first;
        let next = self.sources[index].next_task();
        match next {
            Some(task) => first.0.0 = task.submitted, // sifted down once, when `first` is dropped
            None => drop(PeekMut::pop(first)),
        }
        core::mem::replace(&mut self.heads[index], next)
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use provisioner_engine::ids::WorkerTypeId;
    use provisioner_engine::units::Duration;

    use super::*;
    use crate::input::{Priority, RETRIES_DEFAULT};

    fn task(source: usize, at: i64) -> Task {
        Task {
            submitted: Time::from_ms(at),
            duration: Duration::SECOND,
            deadline: Time::MAX,
            worker_type: WorkerTypeId::new(source),
            priority: Priority::default(),
            retries: RETRIES_DEFAULT,
        }
    }

    proptest! {
        #[test]
        fn a_merge_is_the_stable_sort_of_its_sources(times in vec(vec(0_i64..20, 0..20), 0..6)) {
            let lists: Vec<Arc<[Task]>> = times
                .iter()
                .enumerate()
                .map(|(source, times)| {
                    let mut times = times.clone();
                    times.sort_unstable();
                    times.into_iter().map(|at| task(source, at)).collect()
                })
                .collect();
            let boxed = |list: &Arc<[Task]>| -> Box<dyn TaskSource> {
                Box::new(RecordedTasks::new(Arc::clone(list)))
            };
            let mut merged = MergedSources::new(lists.iter().map(boxed).collect());
            let got: Vec<Task> = core::iter::from_fn(|| merged.next_task()).collect();
            let mut sorted: Vec<Task> = lists.iter().flat_map(|list| list.iter().copied()).collect();
            sorted.sort_by_key(|task| task.submitted);
            prop_assert_eq!(got, sorted);
            prop_assert_eq!(merged.next_task(), None);
        }
    }
}
