//! W as a loop tuned for W and nothing else: the practical limit for a simulator of it.
//!
//! Only what happens at random times goes through the heap: finishes and readys, neither of which
//! is ever cancelled. Arrivals and ticks are one variable each. Idle instances form a stack whose
//! bottom is always the next to time out, so that timers need no queue, and none goes stale.
//! Memory is that of the live pool, not of the tasks done.

use std::collections::VecDeque;

use crate::heap::QuadHeap;
use crate::w::{Arrivals, Boots, IDLE_TIMEOUT, TICK, Tally, Task, WResult, wanted};

/// Runs W with `n` tasks.
#[must_use]
pub fn run(n: u64, seed: u64) -> WResult {
    let mut arrivals = Arrivals::new(seed);
    let mut boots = Boots::new(seed);
    let mut tally = Tally::default();

    let mut events = QuadHeap::default();
    let mut to_come = n;
    let mut next_arrival = if n > 0 { arrivals.gap() } else { u64::MAX };
    let mut next_tick = if n > 0 { TICK } else { u64::MAX };

    let mut instances = Instances::default();
    let mut queue = VecDeque::<Task>::new();
    let mut idle = VecDeque::<Idle>::new();
    let (mut starting, mut busy) = (0, 0);

    loop {
        let event = events.peek();
        let next_timeout = idle.front().map_or(u64::MAX, |longest| longest.since + IDLE_TIMEOUT);
        let next_timer = next_timeout.min(next_tick);

        if next_arrival < event.time() && next_arrival < next_timer {
            let now = next_arrival;
            let service = arrivals.service();
            if let Some(Idle { instance, .. }) = idle.pop_back() {
                busy += 1;
                tally.start(0);
                events.push(now + service, finish(instance));
            } else {
                queue.push_back(Task { arrived: now, service });
            }
            to_come -= 1;
            next_arrival = if to_come > 0 { now + arrivals.gap() } else { u64::MAX };
        } else if event.time() < next_timer {
            let now = event.time();
            let (instance, is_ready) = instance_of(event.payload());
            if is_ready {
                tally.ready();
                starting -= 1;
            } else {
                tally.finish();
                busy -= 1;
                if tally.finished() == n {
                    next_tick = u64::MAX;
                }
            }
            if let Some(task) = queue.pop_front() {
                busy += 1;
                tally.start(now - task.arrived);
                events.replace(now + task.service, finish(instance));
            } else {
                events.pop();
                idle.push_back(Idle { since: now, instance });
            }
        } else if next_timeout < next_tick {
            if let Some(Idle { instance, .. }) = idle.pop_front() {
                tally.terminate(next_timeout - instances.end(instance));
            }
        } else if next_tick < u64::MAX {
            let launches = wanted(queue.len() as u64, busy, idle.len() as u64, starting);
            tally.tick(launches);
            starting += launches;
            for _ in 0..launches {
                events.push(next_tick + boots.boot(), ready(instances.launch(next_tick)));
            }
            next_tick += TICK;
        } else {
            return tally.result(n);
        }
    }
}

/// An instance without a task. They are kept in the order in which they became idle.
pub(crate) struct Idle {
    pub(crate) since: u64,
    pub(crate) instance: u32,
}

const READY: u32 = 1;

pub(crate) const fn finish(instance: u32) -> u32 {
    instance << 1
}

pub(crate) const fn ready(instance: u32) -> u32 {
    instance << 1 | READY
}

pub(crate) const fn instance_of(payload: u32) -> (u32, bool) {
    (payload >> 1, payload & READY == READY)
}

/// When each live instance was launched, in places that are used again.
#[derive(Default)]
struct Instances {
    launched: Vec<u64>,
    free: Vec<u32>,
}

impl Instances {
    #[expect(clippy::cast_possible_truncation, reason = "at most 5,000 live at once")]
    fn launch(&mut self, now: u64) -> u32 {
        if let Some(place) = self.free.pop() {
            self.launched[place as usize] = now;
            return place;
        }
        self.launched.push(now);
        (self.launched.len() - 1) as u32
    }

    /// Frees its place, and tells when it was launched.
    fn end(&mut self, place: u32) -> u64 {
        self.free.push(place);
        self.launched[place as usize]
    }
}
