//! What is there: machines, who asked for them, and tasks, by what really happened.

use std::collections::{BTreeMap, BTreeSet};

use crate::{EndedBy, Instance, Launch, Market, Ms, Pool, Task, Truth, WorkerType};

/// All launches that were asked for and have not ended, in truth, and all tasks not resolved.
#[derive(Debug, Default)]
pub(crate) struct World {
    machines: BTreeMap<Launch, Machine>,
    by_type: BTreeMap<WorkerType, BTreeSet<Launch>>,
    tasks: BTreeMap<Task, Open>,
}

/// A task that is not resolved.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Open {
    pub(crate) worker_type: WorkerType,
    pub(crate) deadline: Option<Ms>,
    /// How often it may run again.
    pub(crate) retries: u32,
    pub(crate) phase: Phase,
}

/// Where a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Waits,
    Held { launch: Launch, since: Ms },
    Lost { at: Ms, told: bool },
}

/// A launch that was asked for, and its instance once it has one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Machine {
    pub(crate) worker_type: WorkerType,
    pub(crate) pool: Pool,
    pub(crate) market: Market,
    pub(crate) capacity: u32,
    pub(crate) instance: Option<Instance>,
    pub(crate) given: Option<Ms>,
    pub(crate) ran: Option<Ms>,
    pub(crate) registered: bool,
    /// Its worker does nothing any more.
    pub(crate) hung: Option<Ms>,
    /// The cloud is taking it back.
    pub(crate) taken: bool,
    /// The provisioner was told that it ended, which is a lie.
    pub(crate) lied: bool,
    pub(crate) stopped: Option<(Ms, EndedBy)>,
    /// Tasks that its worker holds.
    pub(crate) holds: u32,
}

impl Machine {
    /// Whether there is an instance that can cost or work.
    pub(crate) const fn is_up(&self) -> bool {
        self.given.is_some() && self.stopped.is_none()
    }
}

impl World {
    pub(crate) fn machine(&self, launch: Launch) -> Option<&Machine> {
        self.machines.get(&launch)
    }

    pub(crate) fn machines(&self) -> impl Iterator<Item = (Launch, &Machine)> {
        self.machines.iter().map(|(launch, machine)| (*launch, machine))
    }

    /// Those of a worker type.
    pub(crate) fn of_type(&self, worker_type: WorkerType) -> impl Iterator<Item = &Machine> {
        self.by_type.get(&worker_type).into_iter().flatten().filter_map(|it| self.machines.get(it))
    }

    pub(crate) fn task(&self, task: Task) -> Option<&Open> {
        self.tasks.get(&task)
    }

    /// How many tasks are not resolved.
    pub(crate) fn tasks_len(&self) -> usize {
        self.tasks.len()
    }

    /// What happened is taken in.
    pub(crate) fn happened(&mut self, at: Ms, truth: &Truth) {
        match *truth {
            Truth::Called { token, count, worker_type, pool, market, capacity } => {
                for launch in token..token.saturating_add(u64::from(count)) {
                    let machine = Machine {
                        worker_type,
                        pool,
                        market,
                        capacity,
                        instance: None,
                        given: None,
                        ran: None,
                        registered: false,
                        hung: None,
                        taken: false,
                        lied: false,
                        stopped: None,
                        holds: 0,
                    };
                    self.by_type.entry(worker_type).or_default().insert(launch);
                    self.machines.insert(launch, machine);
                }
            }
            Truth::Given { launch, instance } => self.change(launch, |machine| {
                (machine.instance, machine.given) = (Some(instance), Some(at));
            }),
            Truth::Ran { launch } => self.change(launch, |machine| machine.ran = Some(at)),
            Truth::Registered { launch } => {
                self.change(launch, |machine| machine.registered = true);
            }
            Truth::Hung { launch } => self.change(launch, |machine| machine.hung = Some(at)),
            Truth::Taken { launch } => self.change(launch, |machine| machine.taken = true),
            Truth::LiedEnded { launch } => self.change(launch, |machine| machine.lied = true),
            Truth::Stopped { launch, by } => {
                self.change(launch, |machine| machine.stopped = Some((at, by)));
            }
            Truth::Ended { launch, .. } | Truth::Refused { launch } => {
                if let Some(machine) = self.machines.remove(&launch)
                    && let Some(launches) = self.by_type.get_mut(&machine.worker_type)
                {
                    launches.remove(&launch);
                }
            }
            Truth::Submitted { task, worker_type, deadline, retries } => {
                let open = Open { worker_type, deadline, retries, phase: Phase::Waits };
                self.tasks.insert(task, open);
            }
            Truth::Claimed { task, launch } => {
                self.move_task(task, Phase::Held { launch, since: at });
            }
            Truth::Lost { task, told } => self.move_task(task, Phase::Lost { at, told }),
            Truth::Requeued { task } => {
                self.move_task(task, Phase::Waits);
                if let Some(open) = self.tasks.get_mut(&task) {
                    open.retries = open.retries.saturating_sub(1);
                }
            }
            Truth::Done { task } | Truth::Expired { task } | Truth::Exhausted { task } => {
                self.move_task(task, Phase::Waits);
                self.tasks.remove(&task);
            }
            Truth::Billed { .. }
            | Truth::Price { .. }
            | Truth::Blinded
            | Truth::Sighted
            | Truth::Died
            | Truth::CameBack
            | Truth::Closed { .. } => {}
        }
    }

    fn move_task(&mut self, task: Task, to: Phase) {
        let Some(open) = self.tasks.get_mut(&task) else { return };
        let from = std::mem::replace(&mut open.phase, to);
        if let Phase::Held { launch, .. } = from {
            self.change(launch, |machine| machine.holds = machine.holds.saturating_sub(1));
        }
        if let Phase::Held { launch, .. } = to {
            self.change(launch, |machine| machine.holds += 1);
        }
    }

    fn change(&mut self, launch: Launch, change: impl FnOnce(&mut Machine)) {
        if let Some(machine) = self.machines.get_mut(&launch) {
            change(machine);
        }
    }
}
