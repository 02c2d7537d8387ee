//! Independent work on all cores, or on as many threads as asked for.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use clap::Args;

/// How many runs are done at a time.
#[derive(Args)]
pub(crate) struct Cores {
    /// Runs at a time; otherwise one for each core
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
}

impl Cores {
    /// How many threads there are.
    pub(crate) fn threads(&self) -> usize {
        let all = || thread::available_parallelism().map_or(1, usize::from);
        self.threads.map_or_else(all, usize::from)
    }

    /// Does `work` for each number below `count`; the results are in their order.
    pub(crate) fn each<T: Send>(&self, count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
        let next = AtomicUsize::new(0);
        let mine = || {
            let take = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|index| *index < count);
            std::iter::from_fn(take).map(|index| (index, work(index))).collect::<Vec<_>>()
        };
        let mut done: Vec<_> = thread::scope(|scope| {
            let threads = self.threads().min(count);
            let threads: Vec<_> = (0..threads).map(|_| scope.spawn(mine)).collect();
            threads.into_iter().flat_map(|thread| thread.join().expect("no run panics")).collect()
        });
        done.sort_by_key(|(index, _)| *index);
        done.into_iter().map(|(_, result)| result).collect()
    }
}
