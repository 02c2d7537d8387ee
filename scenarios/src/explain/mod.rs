//! Why a journal says what it says: one reading of it for each question.
//!
//! | module | answers |
//! |---|---|
//! | [`life`] | why was this launched, and what became of it? |
//! | [`turns`] | what was decided at that time, or in that span, and why was nothing done? |
//! | [`waiting`] | why did tasks of a worker type wait? |
//! | [`summary`] | what is in the journal at all, and what to ask next? |
//!
//! The facts are fed to an engine beside the reading, so that what the engine knew is at hand where
//! the journal does not say it: prices that were compared, gates that were closed, and reasons if
//! the journal was written without. That holds as long as this engine decides as the journal says;
//! from the first decision that differs on, the journal speaks alone ([`Walk::parted`]).
//!
//! Not here: words (the `reports` crate), files (a journal is given, twice where it must be).

pub mod life;
pub mod summary;
pub mod turns;
pub mod waiting;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use provisioner_engine::Engine;
use provisioner_engine::decision::{Action, Decision, Reason};
use provisioner_engine::ids::{LaunchId, WorkerTypeId};
use provisioner_engine::journal::Record;
use provisioner_engine::observation::Observation;
use provisioner_engine::units::Time;
use provisioner_engine::worker_type::EngineConfig;

use crate::file::{nearest, quantity};
use crate::journal::{Header, Journal, JournalError, Turned};

/// Opens the journal from its beginning.
pub trait Open: Fn() -> Result<Journal, JournalError> {}

impl<F: Fn() -> Result<Journal, JournalError>> Open for F {}

/// Something of a journal that belongs to an answer.
#[derive(Clone, Debug)]
pub struct Moment {
    /// Its line in the journal.
    pub line: u64,
    /// When it was.
    pub at: Time,
    /// What it is.
    pub what: What,
    /// What its ids mean.
    pub config: Arc<EngineConfig>,
}

/// A fact, or a part of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The engine was told this.
    Fact(Observation),
    /// It went over to another configuration: that of the moment.
    Configured,
    /// It ordered this.
    Order(Action),
    /// It gave this reason.
    Because(Reason),
}

/// How a journal was read.
#[derive(Clone, Debug)]
pub struct Walk {
    /// The run's name, and what the engine was built from.
    pub header: Header,
    /// The times of the first and the last record.
    pub span: Option<(Time, Time)>,
    /// Facts in it.
    pub facts: u64,
    /// Decisions in it.
    pub decisions: u64,
    /// From when to when nothing is known, between chapters.
    pub gaps: Vec<(Time, Time)>,
    /// The last chapter has no end.
    pub is_growing: bool,
    /// The first decision that this engine takes otherwise: its line, and when it was.
    pub parted: Option<(u64, Time)>,
    /// Whether some reasons were not recorded and are what this engine says.
    pub reasons_are_ours: bool,
    /// The fingerprint of all decisions.
    pub decision_digest: String,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// The journal cannot be read.
    Journal(JournalError),
    /// What was asked about is not in it.
    Absent {
        /// What is not.
        what: String,
        /// What is.
        hint: String,
    },
}

impl From<JournalError> for Unanswered {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Journal(error) => error.fmt(f),
            Self::Absent { what, hint } => write!(f, "error: {what}\nhint: {hint}"),
        }
    }
}

impl std::error::Error for Unanswered {}

/// What stands beside a record.
struct Scene<'a> {
    line: u64,
    /// What its ids mean.
    config: &'a Arc<EngineConfig>,
    /// The engine, as long as it follows the journal.
    engine: Option<&'a Engine>,
}

impl Scene<'_> {
    fn moment(&self, at: Time, what: What) -> Moment {
        Moment { line: self.line, at, what, config: Arc::clone(self.config) }
    }

    fn name(&self, worker_type: WorkerTypeId) -> &str {
        self.config.worker_type_name(worker_type)
    }
}

/// Who listens to a reading.
trait Witness {
    /// Nothing was read yet, or not what was just before. In a chapter, the engine knows of launches.
    fn begin(&mut self, _scene: &Scene<'_>) {}

    /// A record is next; the engine does not know of it.
    fn before(&mut self, _scene: &Scene<'_>, _record: &Record) {}

    /// A record was read; the engine knows of it. A decision has its reasons.
    fn see(&mut self, scene: &Scene<'_>, record: &Record);

    /// There are no more.
    fn end(&mut self, _scene: &Scene<'_>) {}
}

/// Reads a journal from its beginning to its end.
fn walk(mut journal: Journal, witness: &mut impl Witness) -> Result<Walk, JournalError> {
    let header = journal.header().clone();
    let mut engine = journal.engine();
    engine.explain(true);
    let (mut engine, mut config) = (Some(engine), Arc::new(header.engine.clone()));
    let mut walk = Walk {
        header,
        span: None,
        facts: 0,
        decisions: 0,
        gaps: Vec::new(),
        is_growing: false,
        parted: None,
        reasons_are_ours: false,
        decision_digest: String::new(),
    };
    let line = journal.line();
    witness.begin(&Scene { line, config: &config, engine: engine.as_ref() });
    while let Some(record) = journal.next() {
        let (record, line) = (record?, journal.line());
        let at = record.at();
        for Turned { gap, engine: then, .. } in journal.turned() {
            let Some(gap) = gap else { continue };
            walk.gaps.push(gap);
            config = Arc::new(then.config().clone());
            let mut then = Some(then).filter(|_| walk.parted.is_none());
            then.iter_mut().for_each(|engine| engine.explain(true));
            engine = then;
            witness.begin(&Scene { line, config: &config, engine: engine.as_ref() });
        }
        walk.span = Some((walk.span.map_or(at, |(first, _)| first), at));
        witness.before(&Scene { line, config: &config, engine: engine.as_ref() }, &record);
        let record = match record {
            Record::Observed { at, observation } => {
                walk.facts += 1;
                engine.iter_mut().for_each(|engine| engine.observe(at, observation));
                record
            }
            Record::Configured { at, config: new } => {
                walk.facts += 1;
                engine.iter_mut().for_each(|engine| engine.configure(at, (*new).clone()));
                // One without worker types is refused, or ends what there is: names stay.
                if !new.worker_types.is_empty() {
                    let known = engine.as_ref().map_or(&*new, Engine::config);
                    config = Arc::new(known.clone());
                }
                Record::Configured { at, config: new }
            }
            Record::Decided(mut decision) => {
                walk.decisions += 1;
                let replayed = engine.as_mut().map(|engine| engine.decide(at));
                if let Some(replayed) = replayed {
                    if !replayed.orders_as(&decision) {
                        walk.parted = Some((line, at));
                        engine = None;
                    } else if decision.reasons.is_empty() && !replayed.reasons.is_empty() {
                        walk.reasons_are_ours = true;
                        decision.reasons = replayed.reasons;
                    }
                }
                Record::Decided(decision)
            }
        };
        witness.see(&Scene { line, config: &config, engine: engine.as_ref() }, &record);
    }
    let line = journal.line();
    walk.decision_digest = journal.decision_digest();
    walk.is_growing = journal.is_growing();
    witness.end(&Scene { line, config: &config, engine: engine.as_ref() });
    Ok(walk)
}

/// Whose the launches of a journal are.
#[derive(Debug, Default)]
struct Owners {
    /// By the first launch of each call: how many it asked for, and for whom.
    calls: BTreeMap<LaunchId, (u32, Arc<str>)>,
}

impl Owners {
    /// Takes in whose launches there are when a chapter begins.
    fn begin(&mut self, scene: &Scene<'_>) {
        for (id, launch) in scene.engine.into_iter().flat_map(Engine::launches) {
            self.calls.insert(id, (1, scene.name(launch.worker_type).into()));
        }
    }

    /// Takes in who is ordered, or found.
    fn note(&mut self, scene: &Scene<'_>, record: &Record) {
        match record {
            Record::Decided(decision) => {
                for action in &decision.actions {
                    if let Action::Launch { launch, count, worker_type, .. } = *action {
                        self.calls.insert(launch, (count, scene.name(worker_type).into()));
                    }
                }
            }
            Record::Observed { observation, .. } => {
                if let Observation::InstanceFound {
                    launch: Some(launch),
                    worker_type: Some(worker_type),
                    ..
                } = *observation
                    && self.of(launch).is_none()
                {
                    self.calls.insert(launch, (1, scene.name(worker_type).into()));
                }
            }
            Record::Configured { .. } => {}
        }
    }

    /// The first launch of its call.
    fn call_of(&self, launch: LaunchId) -> Option<(LaunchId, &str)> {
        let (first, (count, name)) = self.calls.range(..=launch).next_back()?;
        (launch.0 - first.0 < u64::from(*count)).then_some((*first, name))
    }

    /// Whose a launch is.
    fn of(&self, launch: LaunchId) -> Option<&str> {
        Some(self.call_of(launch)?.1)
    }
}

/// The reasons of a decision that are about a worker type.
fn reasons_about(decision: &Decision, worker_type: WorkerTypeId) -> impl Iterator<Item = &Reason> {
    decision.reasons.iter().filter(move |reason| reason.worker_type() == Some(worker_type))
}

/// The worker type of that name, if it is served.
fn find(config: &EngineConfig, name: &str) -> Option<WorkerTypeId> {
    config.worker_types.iter().position(|known| known.name == name).map(WorkerTypeId::new)
}

/// A worker type that the journal does not know.
fn no_worker_type(name: &str, config: &EngineConfig) -> Unanswered {
    let names = || config.worker_types.iter().map(|known| known.name.as_str());
    let hint = match nearest(name, names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            let known: Vec<&str> = names().take(NAMES_TOLD).collect();
            let more = if names().count() > NAMES_TOLD { ", …" } else { "" };
            format!("it has {}{more}", known.join(", "))
        }
    };
    Unanswered::Absent { what: format!("the journal has no worker type `{name}`"), hint }
}

/// A hint names no more worker types than these.
const NAMES_TOLD: usize = 12;

/// A time as people ask for it: RFC 3339, in UTC where it does not say, to the minute or the second.
///
/// # Errors
///
/// It is none; says what it should look like.
pub fn parse_time(text: &str) -> Result<Time, String> {
    let forms = [text.to_owned(), format!("{text}Z"), format!("{text}:00Z")];
    let read = forms.iter().find_map(|form| quantity::time(form).ok());
    read.ok_or_else(|| "is not a time: write for example 2021-03-01T10:04".to_owned())
}

/// When tasks of a worker type waited most: the peak of their longest wait, all waits added up.
///
/// # Errors
///
/// The journal cannot be read, or none of its tasks ever waited.
pub fn worst_wait(open: impl Open, worker_type: &str) -> Result<Time, Unanswered> {
    let summary = summary::summary(open)?;
    let Some(tally) = summary.worker_types.get(worker_type) else {
        return Err(no_worker_type(worker_type, &summary.walk.header.engine));
    };
    tally.worst.as_ref().map(|wait| wait.peak.1).ok_or_else(|| Unanswered::Absent {
        what: format!("no task of `{worker_type}` ever waited for a count of its queue"),
        hint: "ask what was decided about it, with --from and --to".to_owned(),
    })
}

/// Says so if a time is not within the journal's.
fn check_within(asked: Time, walk: &Walk) -> Result<(), Unanswered> {
    let absent = |what, hint| Err(Unanswered::Absent { what, hint });
    match walk.span {
        None => absent("the journal has no records".to_owned(), "there is nothing to ask".into()),
        Some((first, last)) if asked < first || last < asked => {
            let when = if asked < first { "begins" } else { "has ended" };
            let what = format!("at {asked} the journal {when}");
            let what = what.replace("journal begins", "journal has not begun");
            absent(what, format!("it goes from {first} to {last}; times are in UTC"))
        }
        Some(_) => Ok(()),
    }
}
