//! The queue itself: tasks, their runs, and who holds them. It has no clock: each call says the time.
//!
//! A run is pending, then held until its claim runs out; a claim that runs out is an exception, and
//! the task is pending again while it has retries. A cancelled task counts as pending until a worker
//! comes across it, which makes the pending count an upper bound, as Taskcluster's is.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::mem;

use provisioner_engine::units::{Duration, Time};

/// How many of its latest tasks a worker is shown with.
const RECENT_TASKS: usize = 20;

/// Tasks of any number of queues.
#[derive(Debug)]
pub struct Model {
    claim_timeout: Duration,
    tasks: Vec<Task>,
    queues: BTreeMap<String, TaskQueue>,
    /// Claims by when they run out.
    claims: BTreeSet<(Time, RunKey)>,
    totals: Totals,
}

/// A run: the task's number and the run's.
pub type RunKey = (usize, usize);

/// What has happened so far, in all queues.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// Tasks that were added.
    pub added: u64,
    /// Tasks that were completed.
    pub completed: u64,
    /// Tasks that were given up, failed or were cancelled.
    pub lost: u64,
    /// Tasks of which more than one run was started.
    pub run_twice: u64,
    /// Claims that ran out.
    pub expired_claims: u64,
}

/// A task.
#[derive(Debug)]
pub struct Task {
    /// Its `taskId`.
    pub id: String,
    /// Its `taskQueueId`.
    pub queue: String,
    /// How long it runs.
    pub duration: Duration,
    /// When it was added.
    pub created: Time,
    /// How often it may be tried again.
    pub retries_left: u32,
    /// Its runs, oldest first.
    pub runs: Vec<Run>,
}

/// One attempt at a task.
#[derive(Debug)]
pub struct Run {
    /// Where it stands.
    pub state: RunState,
    /// Whether it repeats one that was lost.
    pub retry: bool,
    /// When it began to wait.
    pub scheduled: Time,
    /// Who took it, when, and until when.
    pub claim: Option<Claim>,
    /// When it ended.
    pub resolved: Option<Time>,
}

/// A worker's hold on a run.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Who holds it.
    pub worker: WorkerKey,
    /// Since when.
    pub started: Time,
    /// When it runs out.
    pub taken_until: Time,
}

/// A worker's `workerGroup` and `workerId`.
pub type WorkerKey = (String, String);

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// It waits.
    Pending,
    /// A worker holds it.
    Running,
    /// It was done.
    Completed,
    /// It was done, and went wrong.
    Failed,
    /// It was lost, for this reason.
    Exception(&'static str),
}

/// A worker that has asked for work.
#[derive(Debug)]
pub struct Worker {
    /// When it did so first.
    pub first_claim: Time,
    /// When it did so last.
    pub last_active: Time,
    /// Its latest runs, oldest first.
    pub recent: VecDeque<RunKey>,
}

/// How many wait and how many are held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Waiting, at most.
    pub pending: usize,
    /// Held.
    pub claimed: usize,
}

/// Why a call was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There is no such task or run.
    NotFound,
    /// It is not in a state in which that can be done.
    Conflict,
    /// No list was ever broken off there.
    BadToken,
}

#[derive(Debug, Default)]
struct TaskQueue {
    pending: VecDeque<RunKey>,
    claimed: BTreeSet<(Time, RunKey)>,
    workers: BTreeMap<WorkerKey, Worker>,
}

impl Model {
    /// An empty queue whose claims run out after that long.
    #[must_use]
    pub fn new(claim_timeout: Duration) -> Self {
        Self {
            claim_timeout,
            tasks: Vec::new(),
            queues: BTreeMap::new(),
            claims: BTreeSet::new(),
            totals: Totals::default(),
        }
    }

    /// Adds a task; gives its id.
    pub fn add(&mut self, now: Time, queue: &str, duration: Duration, retries: u32) -> String {
        let number = self.tasks.len();
        // Of the form that Taskcluster's clients accept.
        let id = format!("00000000Q0C{number:010}A");
        self.tasks.push(Task {
            id: id.clone(),
            queue: queue.to_owned(),
            duration,
            created: now,
            retries_left: retries,
            runs: Vec::new(),
        });
        self.totals.added += 1;
        self.schedule(now, number, false);
        id
    }

    /// What has happened so far.
    pub fn totals(&mut self, now: Time) -> Totals {
        self.expire(now);
        self.totals
    }

    /// The counts of a queue; of one nobody ever used, zero.
    pub fn counts(&mut self, now: Time, queue: &str) -> Counts {
        self.expire(now);
        self.queues.get(queue).map_or_else(Counts::default, |queue| Counts {
            pending: queue.pending.len(),
            claimed: queue.claimed.len(),
        })
    }

    /// Gives a worker up to `count` tasks of a queue.
    pub fn claim(
        &mut self,
        now: Time,
        queue: &str,
        worker: &WorkerKey,
        count: usize,
    ) -> Vec<RunKey> {
        self.expire(now);
        let taken_until = now + self.claim_timeout;
        let of = self.queues.entry(queue.to_owned()).or_default();
        let known = of.workers.entry(worker.clone()).or_insert_with(|| Worker {
            first_claim: now,
            last_active: now,
            recent: VecDeque::new(),
        });
        known.last_active = now;
        let mut given = Vec::new();
        while given.len() < count
            && let Some((task, run)) = of.pending.pop_front()
        {
            let attempt = &mut self.tasks[task].runs[run];
            if attempt.state != RunState::Pending {
                continue;
            }
            attempt.state = RunState::Running;
            attempt.claim = Some(Claim { worker: worker.clone(), started: now, taken_until });
            let started = self.tasks[task].runs.iter().filter(|run| run.claim.is_some());
            self.totals.run_twice += u64::from(started.count() == 2);
            self.claims.insert((taken_until, (task, run)));
            of.claimed.insert((now, (task, run)));
            if known.recent.len() == RECENT_TASKS {
                known.recent.pop_front();
            }
            known.recent.push_back((task, run));
            given.push((task, run));
        }
        given
    }

    /// Prolongs a claim.
    ///
    /// # Errors
    ///
    /// If there is no such run, or nobody holds it.
    pub fn reclaim(&mut self, now: Time, id: &str, run: usize) -> Result<RunKey, Refused> {
        self.expire(now);
        let key = self.find(id, run)?;
        let until = now + self.claim_timeout;
        let was = mem::replace(&mut self.held(key)?.taken_until, until);
        self.claims.remove(&(was, key));
        self.claims.insert((until, key));
        Ok(key)
    }

    /// Ends a run as done, well or not. Said again, it is the same.
    ///
    /// # Errors
    ///
    /// If there is no such run, or it ended otherwise.
    pub fn report(
        &mut self,
        now: Time,
        id: &str,
        run: usize,
        state: RunState,
    ) -> Result<RunKey, Refused> {
        self.expire(now);
        let key = self.find(id, run)?;
        if self.tasks[key.0].runs[run].state == state {
            return Ok(key);
        }
        self.held(key)?;
        self.resolve(now, key, state);
        Ok(key)
    }

    /// Withdraws a task: what waits stays in the count until a worker comes across it.
    ///
    /// # Errors
    ///
    /// If there is no such task.
    pub fn cancel(&mut self, now: Time, id: &str) -> Result<(), Refused> {
        self.expire(now);
        let task = self.task_number(id)?;
        let run = self.tasks[task].runs.len() - 1;
        self.tasks[task].retries_left = 0;
        if matches!(self.tasks[task].runs[run].state, RunState::Pending | RunState::Running) {
            self.resolve(now, (task, run), RunState::Exception("canceled"));
        }
        Ok(())
    }

    /// A task.
    #[must_use]
    pub fn task(&self, number: usize) -> &Task {
        &self.tasks[number]
    }

    /// The number of the task of that id.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn task_number(&self, id: &str) -> Result<usize, Refused> {
        let number = id.get(11..21).and_then(|digits| digits.parse().ok());
        number
            .filter(|&number: &usize| self.tasks.get(number).is_some_and(|task| task.id == id))
            .ok_or(Refused::NotFound)
    }

    /// Runs that are held, the oldest claim first, after `after`; at most `limit`.
    pub fn claimed(
        &mut self,
        now: Time,
        queue: &str,
        after: Option<(Time, RunKey)>,
        limit: usize,
    ) -> Vec<(Time, RunKey)> {
        self.expire(now);
        let held = self.queues.get(queue).into_iter().flat_map(|queue| &queue.claimed);
        held.filter(|&&at| after.is_none_or(|after| at > after)).take(limit).copied().collect()
    }

    /// Workers of a queue in the order of their ids, after `after`; at most `limit`.
    pub fn workers(
        &self,
        queue: &str,
        after: Option<&WorkerKey>,
        limit: usize,
    ) -> Vec<(&WorkerKey, &Worker)> {
        let known = self.queues.get(queue).into_iter().flat_map(|queue| &queue.workers);
        known.filter(|(key, _)| after.is_none_or(|after| *key > after)).take(limit).collect()
    }

    /// A worker, if the queue has ever heard of it.
    #[must_use]
    pub fn worker(&self, queue: &str, key: &WorkerKey) -> Option<&Worker> {
        self.queues.get(queue)?.workers.get(key)
    }

    fn find(&self, id: &str, run: usize) -> Result<RunKey, Refused> {
        let task = self.task_number(id)?;
        self.tasks[task].runs.get(run).map(|_| (task, run)).ok_or(Refused::NotFound)
    }

    fn held(&mut self, (task, run): RunKey) -> Result<&mut Claim, Refused> {
        let run = &mut self.tasks[task].runs[run];
        let running = run.state == RunState::Running;
        run.claim.as_mut().filter(|_| running).ok_or(Refused::Conflict)
    }

    fn schedule(&mut self, now: Time, task: usize, retry: bool) {
        let of = &mut self.tasks[task];
        let run = of.runs.len();
        of.runs.push(Run {
            state: RunState::Pending,
            retry,
            scheduled: now,
            claim: None,
            resolved: None,
        });
        self.queues.entry(of.queue.clone()).or_default().pending.push_back((task, run));
    }

    /// Ends a run that waits or is held, and tries again if it was lost and may be.
    fn resolve(&mut self, now: Time, key: RunKey, state: RunState) {
        let task = &mut self.tasks[key.0];
        let run = &mut task.runs[key.1];
        run.state = state;
        run.resolved = Some(now);
        if let Some(claim) = &run.claim {
            self.claims.remove(&(claim.taken_until, key));
            let queue = self.queues.get_mut(&task.queue).expect("a run was claimed from it");
            queue.claimed.remove(&(claim.started, key));
        }
        if state == RunState::Completed {
            self.totals.completed += 1;
        } else if matches!(state, RunState::Exception(_)) && task.retries_left > 0 {
            task.retries_left -= 1;
            self.schedule(now, key.0, true);
        } else {
            self.totals.lost += 1;
        }
    }

    /// Claims that have run out by now are lost.
    fn expire(&mut self, now: Time) {
        while let Some(&(at, key)) = self.claims.first()
            && at <= now
        {
            self.totals.expired_claims += 1;
            self.resolve(now, key, RunState::Exception("claim-expired"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUEUE: &str = "proj/ci";

    fn at(minutes: i64) -> Time {
        Time::EPOCH + Duration::from_mins(minutes)
    }

    fn model() -> Model {
        Model::new(Duration::from_mins(20))
    }

    fn worker(id: &str) -> WorkerKey {
        ("us-east-1".to_owned(), id.to_owned())
    }

    fn counts(model: &mut Model, minutes: i64) -> (usize, usize) {
        let counts = model.counts(at(minutes), QUEUE);
        (counts.pending, counts.claimed)
    }

    #[test]
    fn a_queue_nobody_used_counts_zero() {
        assert_eq!(counts(&mut model(), 0), (0, 0));
    }

    #[test]
    fn tasks_are_given_in_the_order_in_which_they_were_added() {
        let mut model = model();
        for _ in 0..3 {
            model.add(at(0), QUEUE, Duration::MINUTE, 5);
        }
        assert_eq!(model.claim(at(1), QUEUE, &worker("i-1"), 2), [(0, 0), (1, 0)]);
        assert_eq!(model.claim(at(1), QUEUE, &worker("i-2"), 2), [(2, 0)]);
        assert_eq!(counts(&mut model, 1), (0, 3));
    }

    #[test]
    fn a_claim_that_runs_out_is_another_run_and_its_report_comes_too_late() {
        let mut model = model();
        let id = model.add(at(0), QUEUE, Duration::MINUTE, 1);
        model.claim(at(0), QUEUE, &worker("i-1"), 1);
        assert_eq!(counts(&mut model, 19), (0, 1));
        assert_eq!(counts(&mut model, 20), (1, 0));
        let late = model.report(at(21), &id, 0, RunState::Completed);
        assert_eq!(late, Err(Refused::Conflict));
        assert_eq!(model.claim(at(21), QUEUE, &worker("i-2"), 1), [(0, 1)]);
        assert_eq!(model.report(at(22), &id, 1, RunState::Completed), Ok((0, 1)));
        let totals = model.totals(at(22));
        assert_eq!((totals.completed, totals.run_twice, totals.expired_claims), (1, 1, 1));
    }

    #[test]
    fn a_task_without_retries_is_lost_with_its_claim() {
        let mut model = model();
        model.add(at(0), QUEUE, Duration::MINUTE, 0);
        model.claim(at(0), QUEUE, &worker("i-1"), 1);
        assert_eq!(counts(&mut model, 20), (0, 0));
        assert_eq!(model.totals(at(20)).lost, 1);
    }

    #[test]
    fn a_prolonged_claim_lasts_from_then_on() {
        let mut model = model();
        let id = model.add(at(0), QUEUE, Duration::HOUR, 1);
        model.claim(at(0), QUEUE, &worker("i-1"), 1);
        assert_eq!(model.reclaim(at(15), &id, 0), Ok((0, 0)));
        assert_eq!(counts(&mut model, 34), (0, 1));
        assert_eq!(counts(&mut model, 35), (1, 0));
        assert_eq!(model.reclaim(at(36), &id, 0), Err(Refused::Conflict));
    }

    #[test]
    fn a_report_said_twice_counts_once() {
        let mut model = model();
        let id = model.add(at(0), QUEUE, Duration::MINUTE, 1);
        model.claim(at(0), QUEUE, &worker("i-1"), 1);
        for _ in 0..2 {
            assert_eq!(model.report(at(1), &id, 0, RunState::Completed), Ok((0, 0)));
        }
        assert_eq!(model.totals(at(1)).completed, 1);
        assert_eq!(model.report(at(1), "unknown", 0, RunState::Completed), Err(Refused::NotFound));
    }

    #[test]
    fn a_cancelled_task_is_counted_until_a_worker_comes_across_it() {
        let mut model = model();
        let id = model.add(at(0), QUEUE, Duration::MINUTE, 5);
        model.cancel(at(1), &id).expect("it is there");
        assert_eq!(counts(&mut model, 1), (1, 0));
        assert_eq!(model.claim(at(2), QUEUE, &worker("i-1"), 1), []);
        assert_eq!(counts(&mut model, 2), (0, 0));
    }

    #[test]
    fn a_worker_is_known_from_when_it_first_asked() {
        let mut model = model();
        model.claim(at(3), QUEUE, &worker("i-1"), 1);
        model.claim(at(5), QUEUE, &worker("i-1"), 1);
        let known = model.worker(QUEUE, &worker("i-1")).expect("it asked");
        assert_eq!((known.first_claim, known.last_active), (at(3), at(5)));
        assert!(model.worker(QUEUE, &worker("i-2")).is_none());
    }
}
