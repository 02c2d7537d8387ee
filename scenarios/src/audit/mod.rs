//! Simulations and journals under the eyes of the auditor: its plain words for what our parts say.
//!
//! Here is the only place that knows both. A run that is audited goes as it goes without; it takes
//! longer, as the engine explains its decisions and every event is judged.

mod rules;
mod told;
mod truth;

use std::cell::RefCell;

use provisioner_auditor::{Auditor, Event, Truth as Happened};
pub use provisioner_auditor::{Half, Note, Rule};
use provisioner_engine::catalog::Catalog;
use provisioner_engine::journal::Record;
use provisioner_engine::units::Time;
use provisioner_engine::worker_type::EngineConfig;
use provisioner_sim::config::SimConfig;
use provisioner_sim::input::TaskSource;
use provisioner_sim::outcome::Outcome;
use provisioner_sim::{Hooks, Truth, run};

pub use self::rules::rules;
pub use self::told::Teller;

/// Runs a simulation and audits it: what it came to, and what should not have been.
#[must_use]
pub fn audited_run(
    config: &SimConfig,
    tasks: &mut dyn TaskSource,
    hooks: Hooks<'_>,
) -> (Outcome, Vec<Note>) {
    let auditor = RefCell::new(Auditor::new(rules(config)));
    let Hooks { mut journal, sample, progress, transition, truth: mut witness, check } = hooks;
    let mut teller = Teller::new(&config.engine);
    let mut on_record = |record: Record| {
        if let Some(event) = teller.event(&record) {
            auditor.borrow_mut().event(record.at().ms(), event);
        }
        if let Some(journal) = &mut journal {
            journal(record);
        }
    };
    let mut on_truth = |at: Time, what: Truth| {
        if let Some((at, event)) = truth::event(config, at, what) {
            auditor.borrow_mut().event(at.ms(), Event::Truth(event));
        }
        if let Some(witness) = &mut witness {
            witness(at, what);
        }
    };
    let hooks = Hooks {
        journal: Some(&mut on_record),
        sample: sample.map(|hook| hook as _),
        progress: progress.map(|hook| hook as _),
        transition: transition.map(|hook| hook as _),
        truth: Some(&mut on_truth),
        check,
    };
    let outcome = run(config, tasks, hooks);
    let mut auditor = auditor.into_inner();
    let at = outcome.finished.ms();
    auditor.event(at, Event::Truth(closed(&outcome)));
    auditor.close(at);
    (outcome, auditor.into_notes())
}

/// Judges a journal, record by record, by what was told and decided: a live one has no more.
pub struct JournalAudit {
    auditor: Auditor,
    teller: Teller,
    catalog: Catalog,
}

impl JournalAudit {
    /// For the journal of an engine that was built from this, and had launched nothing yet.
    #[must_use]
    pub fn new(config: &EngineConfig) -> Self {
        let ids: Vec<u32> = (0..config.worker_types.len()).map(plain).collect();
        Self {
            auditor: Auditor::new(rules::of_engine(config, &ids)),
            teller: Teller::new(config),
            catalog: config.catalog.clone(),
        }
    }

    /// Judges the next record. Says whether it could: not if from here on ids mean something else.
    #[must_use]
    pub fn judge(&mut self, record: &Record) -> bool {
        if let Record::Configured { config, .. } = record
            && config.catalog != self.catalog
        {
            return false;
        }
        if let Some(event) = self.teller.event(record) {
            self.auditor.event(record.at().ms(), event);
        }
        true
    }

    /// What should not have been.
    #[must_use]
    pub fn into_notes(self) -> Vec<Note> {
        self.auditor.into_notes()
    }
}

fn closed(outcome: &Outcome) -> Happened {
    let tasks = outcome.total.tasks;
    Happened::Closed {
        cost: outcome.total.cost.total().micros(),
        submitted: tasks.submitted,
        done: tasks.done,
        expired: tasks.expired,
        exhausted: tasks.exhausted,
    }
}

/// An id as a plain number.
fn plain(index: usize) -> u32 {
    u32::try_from(index).expect("ids have at most 32 bits")
}
