//! Every task is resolved once, by one worker at a time, and nothing of it is lost.
//!
//! - A task waits, is held by one worker, or is lost; it is done, expires at its deadline or is
//!   exhausted, once, and then it is no more.
//! - A worker claims from its own queue, while it is up and not hung, and never more than fits.
//! - A task is lost only at the time its worker stops or hangs. It waits again at once if the queue
//!   was told, else when its claim has expired; never after the provisioner ended its worker.
//! - Each run but the first costs one of its retries; without any left it is exhausted.
//!
//! Exceptions: whether the queue could be told by a worker that was taken back is not judged.

use crate::note::{Notes, Rule};
use crate::world::{Open, Phase};
use crate::{Check, EndedBy, Launch, Ms, Scene, Task, Truth};

#[derive(Default)]
pub(super) struct Tasks {
    submitted: u64,
    done: u64,
    expired: u64,
    exhausted: u64,
    /// Runs lost at this very time: by then their workers must be gone.
    lost: Vec<(Launch, bool)>,
    at: Ms,
}

impl Check for Tasks {
    fn happened(&mut self, scene: &Scene<'_>, truth: &Truth, notes: &mut Notes) {
        if self.at != scene.at {
            self.settle(scene, notes);
        }
        match *truth {
            Truth::Submitted { task, .. } => {
                self.submitted += 1;
                if scene.world.task(task).is_some() {
                    notes.note(Rule::TaskOnce, || format!("task {task} enters while it is open"));
                }
            }
            Truth::Claimed { task, launch } => claim(scene, task, launch, notes),
            Truth::Done { task } => {
                self.done += 1;
                if let Some(open) = open(scene, task, "done", notes)
                    && !matches!(open.phase, Phase::Held { .. })
                {
                    notes.note(Rule::TaskOnce, || {
                        format!("task {task} is done by nobody: {open:?}")
                    });
                }
            }
            Truth::Lost { task, told } => {
                match open(scene, task, "lost", notes).map(|open| open.phase) {
                    Some(Phase::Held { launch, .. }) => {
                        self.lost.push((launch, told));
                        self.at = scene.at;
                    }
                    Some(_) => {
                        notes.note(Rule::TaskOnce, || format!("task {task} is lost and not held"));
                    }
                    None => {}
                }
            }
            Truth::Requeued { task } => requeue(scene, task, notes),
            Truth::Expired { task } => {
                self.expired += 1;
                if let Some(open) = open(scene, task, "expired", notes)
                    && open.deadline.is_none_or(|deadline| scene.at < deadline)
                {
                    notes.note(Rule::TaskOnce, || format!("task {task} expires early: {open:?}"));
                }
            }
            Truth::Exhausted { task } => {
                self.exhausted += 1;
                if let Some(open) = open(scene, task, "exhausted", notes)
                    && (open.retries > 0 || !matches!(open.phase, Phase::Lost { .. }))
                {
                    notes.note(Rule::RetryLimit, || {
                        format!("task {task} is given up early: {open:?}")
                    });
                }
            }
            Truth::Stopped { launch, .. }
            | Truth::Ended { launch, .. }
            | Truth::Hung { launch } => {
                let holds = scene.world.machine(launch).map_or(0, |machine| machine.holds);
                if holds > 0 && !matches!(truth, Truth::Hung { .. }) {
                    notes.note(Rule::RunAgain, || {
                        format!("#{launch} is gone and holds {holds} tasks")
                    });
                }
            }
            Truth::Closed { submitted, done, expired, exhausted, .. } => {
                let counted = (self.submitted, self.done, self.expired, self.exhausted);
                let left = submitted.saturating_sub(done + expired + exhausted);
                let open = scene.world.tasks_len() as u64;
                if counted != (submitted, done, expired, exhausted) || open != left {
                    notes.note(Rule::TasksAddUp, || {
                        format!("{counted:?} and {open} open, counted as {truth:?} and {left} left")
                    });
                }
            }
            _ => {}
        }
    }
}

impl Tasks {
    /// Whoever lost a task some time ago has stopped or hung by then.
    fn settle(&mut self, scene: &Scene<'_>, notes: &mut Notes) {
        for (launch, told) in self.lost.drain(..) {
            // One that has ended altogether is not there to ask.
            let Some(machine) = scene.world.machine(launch) else { continue };
            let gone = machine.stopped.map(|(at, _)| at).or(machine.hung);
            let by_us = machine.stopped.is_some_and(|(_, by)| by == EndedBy::Us);
            if gone != Some(self.at) || (told && by_us) {
                notes.note(Rule::RunAgain, || {
                    format!("#{launch} lost a task and is there: {machine:?}")
                });
            }
        }
    }
}

fn open<'a>(scene: &Scene<'a>, task: Task, what: &str, notes: &mut Notes) -> Option<&'a Open> {
    let open = scene.world.task(task);
    if open.is_none() {
        notes.note(Rule::TaskOnce, || format!("task {task} is {what} and not open"));
    }
    open
}

fn claim(scene: &Scene<'_>, task: Task, launch: Launch, notes: &mut Notes) {
    let Some(open) = open(scene, task, "claimed", notes) else { return };
    if open.phase != Phase::Waits {
        notes.note(Rule::TaskOnce, || format!("task {task} is claimed by #{launch}: {open:?}"));
    }
    let fits = scene.world.machine(launch).is_some_and(|machine| {
        let is_up = machine.is_up() && machine.registered && machine.hung.is_none();
        is_up && machine.worker_type == open.worker_type && machine.holds < machine.capacity
    });
    if !fits {
        let machine = scene.world.machine(launch);
        notes.note(Rule::WorkerCapacity, || format!("#{launch} claims task {task}: {machine:?}"));
    }
}

fn requeue(scene: &Scene<'_>, task: Task, notes: &mut Notes) {
    let Some(open) = open(scene, task, "to run again", notes) else { return };
    let least = scene.rules.world.claim_expiry;
    match open.phase {
        Phase::Lost { told: true, .. } => {}
        Phase::Lost { at, told: false } if scene.at - at >= least => {}
        Phase::Lost { .. } | Phase::Waits | Phase::Held { .. } => {
            notes.note(Rule::RunAgain, || format!("task {task} waits again too early: {open:?}"));
        }
    }
    if open.retries == 0 {
        notes.note(Rule::RetryLimit, || format!("task {task} has no retries left"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Event;
    use crate::support::*;

    const CLAIMED: Truth = Truth::Claimed { task: 1, launch: 1 };
    const DONE: Truth = Truth::Done { task: 1 };

    fn noted(rule: Rule, story: impl IntoIterator<Item = (Ms, Truth)>) -> Vec<Ms> {
        let (worker_type, deadline, retries) = (0, Some(DAY), 1);
        let mut whole: Vec<(Ms, Event)> = [machine_up(0, 1), machine_up(0, 2)].concat();
        for task in [1, 2] {
            whole.push(truth(0, Truth::Submitted { task, worker_type, deadline, retries }));
        }
        whole.extend(story.into_iter().map(|(at, what)| truth(at, what)));
        notes(rule, rules(), whole)
    }

    #[test]
    fn a_task_is_held_by_one_and_resolved_once() {
        let once = |story: Vec<_>| noted(Rule::TaskOnce, story);
        assert_eq!(once(vec![(1, CLAIMED), (2, DONE)]), []);
        assert_eq!(once(vec![(1, CLAIMED), (2, Truth::Claimed { task: 1, launch: 2 })]), [2]);
        assert_eq!(once(vec![(1, DONE)]), [1]);
        assert_eq!(once(vec![(1, CLAIMED), (2, DONE), (3, DONE)]), [3]);
        assert_eq!(once(vec![(DAY, Truth::Expired { task: 1 })]), []);
        assert_eq!(once(vec![(DAY - 1, Truth::Expired { task: 1 })]), [DAY - 1]);
        assert_eq!(once(vec![(1, Truth::Lost { task: 1, told: true })]), [1]);
    }

    #[test]
    fn a_worker_claims_what_fits_while_it_is_up() {
        let fits = |story: Vec<_>| noted(Rule::WorkerCapacity, story);
        assert_eq!(fits(vec![(1, CLAIMED), (2, Truth::Claimed { task: 2, launch: 2 })]), []);
        assert_eq!(fits(vec![(1, CLAIMED), (2, Truth::Claimed { task: 2, launch: 1 })]), [2]);
        assert_eq!(fits(vec![(1, Truth::Hung { launch: 1 }), (2, CLAIMED)]), [2]);
        let stopped = Truth::Stopped { launch: 1, by: EndedBy::Worker };
        assert_eq!(fits(vec![(1, stopped), (2, CLAIMED)]), [2]);
        assert_eq!(fits(vec![(1, Truth::Claimed { task: 1, launch: 9 })]), [1]);
    }

    /// The task is lost after a minute, with its worker, and waits again then.
    fn again(told: bool, by: Option<EndedBy>, at: Ms) -> Vec<Ms> {
        let mut story = vec![(1, CLAIMED), (MINUTE, Truth::Lost { task: 1, told })];
        story.extend(by.map(|by| (MINUTE, Truth::Stopped { launch: 1, by })));
        story.push((at, Truth::Requeued { task: 1 }));
        story.push((DAY, Truth::Expired { task: 1 }));
        noted(Rule::RunAgain, story)
    }

    #[test]
    fn a_lost_task_waits_again_when_the_queue_knows() {
        assert_eq!(again(true, Some(EndedBy::Interruption), MINUTE), []);
        assert_eq!(again(true, Some(EndedBy::Us), MINUTE), [DAY], "who would have told it?");
        assert_eq!(again(true, None, MINUTE), [DAY], "its worker is there");
        assert_eq!(again(false, Some(EndedBy::Us), 21 * MINUTE), []);
        assert_eq!(again(false, Some(EndedBy::Us), 21 * MINUTE - 1), [21 * MINUTE - 1]);
    }

    #[test]
    fn a_task_runs_again_as_often_as_it_may() {
        let lost = |at| (at, Truth::Lost { task: 1, told: true });
        let again = |at| (at, Truth::Requeued { task: 1 });
        let given_up = |at| (at, Truth::Exhausted { task: 1 });
        let limit = |story: Vec<_>| noted(Rule::RetryLimit, story);
        let once = vec![(1, CLAIMED), lost(2), again(2), (3, CLAIMED), lost(4)];
        assert_eq!(limit([once.clone(), vec![given_up(4)]].concat()), []);
        assert_eq!(limit([once, vec![again(4)]].concat()), [4]);
        assert_eq!(limit(vec![(1, CLAIMED), lost(2), given_up(2)]), [2]);
    }

    #[test]
    fn tasks_add_up() {
        let closed = |done| {
            let closed = Truth::Closed { cost: 0, submitted: 2, done, expired: 0, exhausted: 0 };
            noted(Rule::TasksAddUp, [(1, CLAIMED), (2, DONE), (3, closed)])
        };
        assert_eq!((closed(1), closed(2)), (vec![], vec![3]));
    }
}
