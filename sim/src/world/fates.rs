//! Workers that do not do what workers do: they never register, never claim, hang, die, or stay
//! when they are idle.
//!
//! Each kind of chance has its own stream, split by instance, and is drawn only where it can
//! happen: turning one on moves no other.

use provisioner_engine::observation::EndCause;
use provisioner_engine::random::Seed;
use provisioner_engine::units::{Duration, Time};
use rand::RngExt;

use super::cloud::{delay, hours, stream};
use super::event::{Event, Handle};
use super::instances::{Health, Instance, Stage};
use super::tasks::NONE;
use super::{Truth, World};
use crate::config::FaultKind;
use crate::dist::DurationDist;

/// Where each kind of chance comes from.
pub(super) struct Fates {
    never_registers: Seed,
    never_claims: Seed,
    ignores_idle: Seed,
    hang: Seed,
    death: Seed,
}

impl Fates {
    pub(super) fn new(seed: Seed) -> Self {
        Self {
            never_registers: seed.purpose("never-registers"),
            never_claims: seed.purpose("never-claims"),
            ignores_idle: seed.purpose("ignores-idle"),
            hang: seed.purpose("hang"),
            death: seed.purpose("death"),
        }
    }
}

/// Whether something happens to an instance; what cannot happen costs no draw.
fn happens(chance: f64, purpose: Seed, instance: &Instance) -> bool {
    chance > 0.0 && stream(purpose, instance).random_bool(chance)
}

impl World<'_> {
    /// From EC2's state `running` to the worker's first claim; `None` if it never comes.
    pub(super) fn draw_boot(&mut self, slot: u32) -> Option<Duration> {
        let instance = &self.instances[slot];
        let model = self.workers[instance.worker_type.index()];
        let mut health = Health::Well;
        let mut after = delay(&model.boot, self.draws.boot, instance);
        for fault in self.faults() {
            match fault {
                FaultKind::BrokenImage { worker_types, registers }
                    if worker_types.contains(&instance.worker_type) =>
                {
                    health = if *registers { Health::Lame } else { Health::Silent };
                }
                FaultKind::BootSlow { factor } => after = scaled(after, *factor),
                _ => {}
            }
        }
        if happens(model.never_claims, self.draws.fates.never_claims, instance) {
            health = Health::Lame;
        }
        if happens(model.never_registers, self.draws.fates.never_registers, instance) {
            health = Health::Silent;
        }
        if health != Health::Well {
            self.fall_ill(slot, health);
        }
        (health != Health::Silent).then_some(after)
    }

    /// What will go wrong with a worker that has just come up.
    pub(super) fn draw_ills(&mut self, slot: u32) {
        let instance = &self.instances[slot];
        let model = self.workers[instance.worker_type.index()];
        let fates = &self.draws.fates;
        let ignores_idle = happens(model.ignores_idle, fates.ignores_idle, instance);
        type Kind = fn(Handle) -> Event;
        let ills: [(f64, Seed, Kind); 2] = [
            (model.hang_hazard, fates.hang, Event::Hangs),
            (model.death_hazard, fates.death, Event::Dies),
        ];
        for (rate, purpose, event) in ills.into_iter().filter(|(rate, ..)| *rate > 0.0) {
            let survival = DurationDist::Exponential { mean: hours(1.0 / rate) };
            let at = self.now.saturating_add(delay(&survival, purpose, &self.instances[slot]));
            self.agenda.enter(at, event(self.instances.handle(slot)).pack());
        }
        self.instances[slot].ignores_idle = ignores_idle;
    }

    /// A worker hangs: it neither finishes what it runs nor claims, and tells nobody.
    pub(super) fn hang(&mut self, slot: u32) {
        let Instance { stage, health, worker_type, .. } = self.instances[slot];
        let is_calm = self.workers[worker_type.index()].hang_hazard == 0.0;
        if is_calm || stage != Stage::Working || health != Health::Well {
            return;
        }
        self.instances[slot].held_then = self.held(slot);
        self.types[worker_type.index()].ready.leave(&mut self.instances, slot);
        self.fall_ill(slot, Health::Hung);
        self.testify(|world| Truth::WorkerHung { launch: world.instances[slot].launch });
        self.lose_tasks(slot, false);
        self.instances[slot].busy = 0;
    }

    /// A worker dies and its instance with it; nobody is told of the tasks.
    pub(super) fn die(&mut self, slot: u32) {
        let Instance { stage, worker_type, .. } = self.instances[slot];
        let is_calm = self.workers[worker_type.index()].death_hazard == 0.0;
        if !is_calm && stage == Stage::Working {
            self.shut_down(slot, EndCause::Worker, false);
        }
    }

    fn fall_ill(&mut self, slot: u32, health: Health) {
        let instance = &mut self.instances[slot];
        (instance.health, instance.ill_since) = (health, self.now);
    }

    /// Tasks on an instance.
    pub(super) fn held(&self, slot: u32) -> u32 {
        let (mut held, mut task) = (0, self.instances[slot].first_task);
        while task != NONE {
            (held, task) = (held + 1, self.tasks[task].next);
        }
        held
    }

    /// An instance ends: how long was it of no use?
    pub(super) fn note_zombie(&mut self, slot: u32) {
        let Instance { health, ill_since, worker_type, stage, .. } = self.instances[slot];
        if health != Health::Well && matches!(stage, Stage::Running | Stage::Working) {
            let now = self.now;
            self.type_of(worker_type).safety.zombie_time += now - ill_since;
        }
    }

    /// The provisioner ends an instance: may it?
    pub(super) fn note_ended(&mut self, slot: u32) {
        let Instance { launch, worker_type, first_task, .. } = self.instances[slot];
        let lifetime_max = self.config.engine.worker_types[worker_type.index()].lifetime_max;
        // The engine may have learned late that EC2 took the launch, never early.
        let accepted = self.engine.launch(launch).and_then(|launch| launch.accepted);
        let lives: Option<Time> = accepted.map(|at| at.saturating_add(lifetime_max));
        if first_task != NONE && lives.is_none_or(|until| self.now < until) {
            self.type_of(worker_type).safety.claimed_ended += 1;
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "saturates far beyond any run")]
#[expect(clippy::cast_precision_loss, reason = "a boot is shorter than an age of the world")]
fn scaled(delay: Duration, factor: f64) -> Duration {
    Duration::from_ms((delay.ms() as f64 * factor) as i64)
}
