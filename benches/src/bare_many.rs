//! W's tasks spread over many worker types, as a loop tuned for that: how much dearer an event is
//! with a thousand worker types than with one even for a loop that knows nothing but the workload.
//!
//! It is [`bare`](crate::bare) with a queue, a stack of idle instances and two counts to each worker
//! type; an iteration looks only at those that changed. All have one idle timeout, so that one line
//! of who idled when serves all of them: what is taken from its stack before leaves an entry that
//! means nothing when it comes up.

use std::collections::VecDeque;

use provisioner_engine::random::{Seed, Stream};
use rand::RngExt;

use crate::bare::{Idle, finish, instance_of, ready};
use crate::heap::QuadHeap;
use crate::w::{Arrivals, Boots, IDLE_TIMEOUT, SECOND, TICK, Tally, Task, WResult, wanted};

/// How W's tasks are spread, and how long instances stay.
#[derive(Clone, Copy, Debug)]
pub struct Mix {
    /// Each task is for one of so many worker types, all equally likely.
    pub worker_types: usize,
    /// How long an instance stays idle before it terminates.
    pub idle_timeout: u64,
    /// An instance terminates after its first task.
    pub one_task_each: bool,
}

impl Mix {
    /// W over so many worker types.
    #[must_use]
    pub const fn w(worker_types: usize) -> Self {
        Self { worker_types, idle_timeout: IDLE_TIMEOUT, one_task_each: false }
    }

    /// With instances that idle for so long that launches are as rare as with one worker type.
    #[must_use]
    pub const fn patient(worker_types: usize) -> Self {
        Self { idle_timeout: 11 * 3_600 * SECOND, ..Self::w(worker_types) }
    }

    /// With instances that run one task each.
    #[must_use]
    pub const fn one_task_each(worker_types: usize) -> Self {
        Self { one_task_each: true, ..Self::w(worker_types) }
    }
}

/// Runs `n` of W's tasks over that mix.
///
/// # Panics
///
/// With more than 65,536 worker types.
#[must_use]
pub fn run(n: u64, seed: u64, mix: Mix) -> WResult {
    let mut tasks = Tasks {
        arrivals: Arrivals::new(seed),
        choice: Seed(seed).purpose("worker type").stream(),
        worker_types: mix.worker_types,
    };
    let mut boots = Boots::new(seed);
    let mut tally = Tally::default();

    let mut events = QuadHeap::default();
    let mut to_come = n;
    let mut next_arrival = if n > 0 { tasks.arrivals.gap() } else { u64::MAX };
    let mut next_tick = if n > 0 { TICK } else { u64::MAX };

    let mut instances = Instances::default();
    let mut types: Vec<Type> = (0..mix.worker_types).map(|_| Type::default()).collect();
    let mut changed = Vec::<u16>::new();
    // Who idled when, the longest first.
    let mut idled = VecDeque::<(u64, u16)>::new();

    loop {
        let event = events.peek();
        let next_timeout = idled.front().map_or(u64::MAX, |(since, _)| since + mix.idle_timeout);
        let next_timer = next_timeout.min(next_tick);

        if next_arrival < event.time() && next_arrival < next_timer {
            let now = next_arrival;
            let (service, id) = (tasks.arrivals.service(), tasks.worker_type());
            let of = &mut types[usize::from(id)];
            if let Some(Idle { instance, .. }) = of.idle.pop_back() {
                of.busy += 1;
                tally.start(0);
                events.push(now + service, finish(instance));
            } else {
                of.queue.push_back(Task { arrived: now, service });
            }
            of.change(id, &mut changed);
            to_come -= 1;
            next_arrival = if to_come > 0 { now + tasks.arrivals.gap() } else { u64::MAX };
        } else if event.time() < next_timer {
            let now = event.time();
            let (instance, is_ready) = instance_of(event.payload());
            let id = instances.worker_type(instance);
            let of = &mut types[usize::from(id)];
            of.change(id, &mut changed);
            if is_ready {
                tally.ready();
                of.starting -= 1;
            } else {
                tally.finish();
                of.busy -= 1;
                if tally.finished() == n {
                    next_tick = u64::MAX;
                }
                if mix.one_task_each {
                    events.pop();
                    tally.terminate(now - instances.end(instance));
                    continue;
                }
            }
            if let Some(task) = of.queue.pop_front() {
                of.busy += 1;
                tally.start(now - task.arrived);
                events.replace(now + task.service, finish(instance));
            } else {
                events.pop();
                of.idle.push_back(Idle { since: now, instance });
                idled.push_back((now, id));
            }
        } else if next_timeout < next_tick {
            let Some((since, id)) = idled.pop_front() else { break };
            let of = &mut types[usize::from(id)];
            if let Some(&Idle { instance, .. }) = of.idle.front().filter(|it| it.since == since) {
                of.idle.pop_front();
                of.change(id, &mut changed);
                tally.terminate(next_timeout - instances.end(instance));
            }
        } else if next_tick < u64::MAX {
            let mut all = 0;
            for id in changed.drain(..) {
                let of = &mut types[usize::from(id)];
                of.is_changed = false;
                let queued = of.queue.len() as u64;
                let launches = wanted(queued, of.busy, of.idle.len() as u64, of.starting);
                all += launches;
                of.starting += launches;
                for _ in 0..launches {
                    let instance = instances.launch(next_tick, id);
                    events.push(next_tick + boots.boot(), ready(instance));
                }
            }
            tally.tick(all);
            next_tick += TICK;
        } else {
            break;
        }
    }
    tally.result(n)
}

/// W's tasks, each for one of the worker types.
struct Tasks {
    arrivals: Arrivals,
    choice: Stream,
    worker_types: usize,
}

impl Tasks {
    /// For which one the next task is.
    #[inline]
    fn worker_type(&mut self) -> u16 {
        let chosen = match self.worker_types {
            1 => 0,
            n => self.choice.random_range(..n),
        };
        u16::try_from(chosen).expect("at most 65,536 worker types")
    }
}

/// One worker type.
#[derive(Default)]
#[repr(align(64))]
struct Type {
    idle: VecDeque<Idle>,
    queue: VecDeque<Task>,
    starting: u64,
    busy: u64,
    /// It stands among those that changed since the last iteration.
    is_changed: bool,
}

impl Type {
    #[inline]
    fn change(&mut self, id: u16, changed: &mut Vec<u16>) {
        if !self.is_changed {
            self.is_changed = true;
            changed.push(id);
        }
    }
}

/// When each live instance was launched and for which worker type, in places that are used again.
#[derive(Default)]
struct Instances {
    launched: Vec<(u64, u16)>,
    free: Vec<u32>,
}

impl Instances {
    #[expect(clippy::cast_possible_truncation, reason = "at most 5,000 live of each worker type")]
    fn launch(&mut self, now: u64, worker_type: u16) -> u32 {
        if let Some(place) = self.free.pop() {
            self.launched[place as usize] = (now, worker_type);
            return place;
        }
        self.launched.push((now, worker_type));
        (self.launched.len() - 1) as u32
    }

    fn worker_type(&self, place: u32) -> u16 {
        self.launched[place as usize].1
    }

    /// Frees its place, and tells when it was launched.
    fn end(&mut self, place: u32) -> u64 {
        self.free.push(place);
        self.launched[place as usize].0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{bare, ours};

    #[test]
    fn with_one_worker_type_it_is_w() {
        for seed in [1, 2] {
            assert_eq!(run(20_000, seed, Mix::w(1)), bare::run(20_000, seed));
        }
    }

    /// The same tasks for the same worker types; only the boot times are other draws, and the
    /// simulator ends with the last task, not the last instance.
    #[test]
    fn with_many_the_simulator_finds_the_same() {
        let n = 50_000;
        let runs = [
            (run(n, 1, Mix::w(100)), ours::w(n, 1, 100)),
            (run(n, 1, Mix::patient(100)), ours::w_patient(n, 1, 100)),
            (run(n, 1, Mix::one_task_each(100)), ours::w_one_task_each(n, 1, 100)),
        ];
        for (bare, ours) in runs {
            let close = |a: f64, b: f64| (a / b - 1.0).abs() < 0.02;
            assert!(close(bare.events as f64, ours.events as f64), "{bare:?} {ours:?}");
            let launches = ours.launches.expect("it counts them");
            assert!(close(bare.launches, launches), "{bare:?} {ours:?}");
        }
    }
}
