//! W in NeXosim 1.0, a general framework of asynchronous models, on one thread.
//!
//! Two models: a source sends each task through its output port to the pool, which schedules its
//! own finishes, readys, ticks and idle timeouts; a claimed instance's timeout is cancelled by its
//! key, as the framework's own examples do.

use std::collections::VecDeque;
use std::time::Duration;

use nexosim::Message;
use nexosim::model::{Context, Model, schedulable};
use nexosim::ports::{EventSinkReader, Output, SinkState, event_slot};
use nexosim::simulation::{EventKey, Mailbox, SimInit};
use nexosim::time::MonotonicTime;
use serde::{Deserialize, Serialize};

use crate::w::{self, Arrivals, Boots, IDLE_TIMEOUT, TICK, Tally, WResult, wanted};

/// Runs W with `n` tasks, at least one.
///
/// # Panics
///
/// When the framework refuses the model, which would be our mistake.
#[must_use]
pub fn run(n: u64, seed: u64) -> WResult {
    let mut source = Source { arrivals: Arrivals::new(seed), to_come: n, task: Output::default() };
    let mut pool = Pool::new(n, seed);
    let (source_box, pool_box) = (Mailbox::new(), Mailbox::new());
    source.task.connect(Pool::arrive, &pool_box);
    let (sink, mut outcome) = event_slot(SinkState::Enabled);
    pool.outcome.connect_sink(sink);

    SimInit::with_num_threads(1)
        .add_model(source, source_box, "source")
        .add_model(pool, pool_box, "pool")
        .init(MonotonicTime::EPOCH)
        .and_then(|mut simulation| Ok(simulation.run()?))
        .expect("models schedule only into the future");
    outcome.try_read().expect("the pool reports when its last instance is gone")
}

#[derive(Serialize, Deserialize)]
struct Source {
    arrivals: Arrivals,
    to_come: u64,
    task: Output<Task>,
}

#[Model]
impl Source {
    #[nexosim(init)]
    async fn init(&mut self, cx: &Context<Self>) {
        self.schedule_next(cx);
    }

    #[nexosim(schedulable)]
    async fn arrive(&mut self, _: (), cx: &Context<Self>) {
        let task = Task(self.arrivals.service());
        self.task.send(task).await;
        self.schedule_next(cx);
    }

    fn schedule_next(&mut self, cx: &Context<Self>) {
        if self.to_come > 0 {
            self.to_come -= 1;
            let gap = Duration::from_nanos(self.arrivals.gap());
            cx.schedule_event(gap, schedulable!(Self::arrive), ()).expect("a gap is positive");
        }
    }
}

/// How long it runs.
#[derive(Clone, Copy, Message, Serialize, Deserialize)]
struct Task(u64);

#[derive(Serialize, Deserialize)]
struct Pool {
    boots: Boots,
    tasks: u64,
    queue: VecDeque<w::Task>,
    idle: Vec<(usize, EventKey)>,
    launched: Vec<u64>,
    free: Vec<usize>,
    starting: u64,
    busy: u64,
    tally: Tally,
    outcome: Output<WResult>,
}

#[Model]
impl Pool {
    fn new(n: u64, seed: u64) -> Self {
        Self {
            boots: Boots::new(seed),
            tasks: n,
            queue: VecDeque::new(),
            idle: Vec::new(),
            launched: Vec::new(),
            free: Vec::new(),
            starting: 0,
            busy: 0,
            tally: Tally::default(),
            outcome: Output::default(),
        }
    }

    #[nexosim(init)]
    async fn init(&mut self, cx: &Context<Self>) {
        schedule_tick(cx);
    }

    fn arrive(&mut self, Task(service): Task, cx: &Context<Self>) {
        if let Some((instance, timeout)) = self.idle.pop() {
            timeout.cancel();
            self.start(instance, w::Task { arrived: now(cx), service }, cx);
        } else {
            self.queue.push_back(w::Task { arrived: now(cx), service });
        }
    }

    #[nexosim(schedulable)]
    fn finish(&mut self, instance: usize, cx: &Context<Self>) {
        self.busy -= 1;
        self.tally.finish();
        self.next_task(instance, cx);
    }

    #[nexosim(schedulable)]
    fn ready(&mut self, instance: usize, cx: &Context<Self>) {
        self.starting -= 1;
        self.tally.ready();
        self.next_task(instance, cx);
    }

    #[nexosim(schedulable)]
    async fn time_out(&mut self, instance: usize, cx: &Context<Self>) {
        self.idle.retain(|&(other, _)| other != instance);
        self.free.push(instance);
        self.tally.terminate(now(cx) - self.launched[instance]);
        let all_gone = self.starting == 0 && self.busy == 0 && self.idle.is_empty();
        if all_gone && self.tally.finished() == self.tasks {
            self.outcome.send(self.tally.result(self.tasks)).await;
        }
    }

    #[nexosim(schedulable)]
    fn tick(&mut self, _: (), cx: &Context<Self>) {
        if self.tally.finished() == self.tasks {
            return;
        }
        let (queued, idle) = (self.queue.len() as u64, self.idle.len() as u64);
        let launches = wanted(queued, self.busy, idle, self.starting);
        self.tally.tick(launches);
        self.starting += launches;
        for _ in 0..launches {
            let instance = self.free.pop().unwrap_or_else(|| {
                self.launched.push(0);
                self.launched.len() - 1
            });
            self.launched[instance] = now(cx);
            let boot = Duration::from_nanos(self.boots.boot());
            cx.schedule_event(boot, schedulable!(Self::ready), instance)
                .expect("a boot time is positive");
        }
        schedule_tick(cx);
    }

    fn next_task(&mut self, instance: usize, cx: &Context<Self>) {
        if let Some(task) = self.queue.pop_front() {
            self.start(instance, task, cx);
        } else {
            let timeout = Duration::from_nanos(IDLE_TIMEOUT);
            let key = cx
                .schedule_keyed_event(timeout, schedulable!(Self::time_out), instance)
                .expect("the idle timeout is positive");
            self.idle.push((instance, key));
        }
    }

    fn start(&mut self, instance: usize, task: w::Task, cx: &Context<Self>) {
        self.busy += 1;
        self.tally.start(now(cx) - task.arrived);
        cx.schedule_event(Duration::from_nanos(task.service), schedulable!(Self::finish), instance)
            .expect("a service time is positive");
    }
}

fn schedule_tick(cx: &Context<Pool>) {
    cx.schedule_event(Duration::from_nanos(TICK), schedulable!(Pool::tick), ())
        .expect("a minute is positive");
}

#[expect(clippy::cast_sign_loss, reason = "the simulation starts at the epoch")]
fn now<M: Model>(cx: &Context<M>) -> u64 {
    let time = cx.time();
    time.as_secs() as u64 * w::SECOND + u64::from(time.subsec_nanos())
}

#[cfg(test)]
mod tests {
    use crate::{bare, nexo};

    #[test]
    fn equal_draws_give_the_bare_loop_and_nexosim_equal_results() {
        for seed in 0..8 {
            assert_eq!(bare::run(10_000, seed), nexo::run(10_000, seed), "seed {seed}");
        }
        assert_eq!(bare::run(1, 0), nexo::run(1, 0));
    }
}
