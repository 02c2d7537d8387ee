//! Scenarios: one run, described in a file, resolved and complete.
//!
//! [`load`] reads a file, its bases and all recordings it names, and gives either a [`Scenario`]
//! with remarks about the data or every [`Issue`]. [`parameters`] lists all
//! keys with their defaults, from the code that reads them.
//!
//! A scenario is named by its [hash](Scenario::hash): equal hashes mean equal runs for equal seeds
//! and programs. It is taken of what the files say and of the bytes of their inputs; comments, the
//! order of keys, units, folders, what was inherited from where, and what is checked do not matter.
//! Worker types and instance types are ordered by name.
//!
//! Not here: running it (`provisioner-sim`), experiments over several scenarios.

mod checks;
mod inputs;
mod names;
mod pools;
mod profile;
mod protection;
mod resolve;
mod schema;
mod supply;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use provisioner_engine::ids::WorkerTypeId;
use provisioner_engine::random::Seed;
use provisioner_engine::units::{Duration, Time};
use provisioner_engine::worker_type::EngineConfig;
use provisioner_sim::config::{Fault, Regime, SimConfig};
use provisioner_sim::generate::sources::{MergedSources, RecordedTasks};
use provisioner_sim::generate::tasks::GeneratedTasks;
use provisioner_sim::input::{Task, TaskSource};
use provisioner_sim::outcome::Outcome;
use provisioner_sim::{Hooks, bound};

pub use self::checks::{Bound, Check, Relation};
use self::inputs::Inputs;
pub(crate) use self::inputs::Library;
pub use self::profile::Profile;
use self::resolve::{Resolved, Tasks};
pub(crate) use self::schema::BASE;
use self::schema::{Behaviour, Span};
use crate::file::{
    Fragment, Issue, Issues, KeyDoc, Place, Presence, Source, Written, describe, kind, peek,
    read_over,
};
use crate::shipped::{self, Shipped};
use crate::traces::{TaskList, TaskRow, TaskRows};

/// One run, resolved and complete, but for its seed. Cheap to clone; recorded inputs are shared.
#[derive(Clone, Debug)]
pub struct Scenario {
    resolved: Arc<Resolved>,
    hash: String,
    profile: Option<Profile>,
    window: Option<Window>,
    series_step: Option<Duration>,
}

/// A part of the time of a scenario, in the same world: what happens in it happens in the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// When a run begins, with an empty fleet.
    pub start: Time,
    /// From when on tasks are left out.
    pub end: Time,
    /// Waits of tasks submitted this soon after `start` are not measured.
    pub warmup: Duration,
}

/// A scenario, and what is worth knowing about its inputs.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What to run.
    pub scenario: Scenario,
    /// Counted warnings, each a line: odd rows of recordings, pools without prices.
    pub remarks: Vec<String>,
    /// All that was read: the scenario, what it is based on, and the recordings.
    pub files: Vec<PathBuf>,
}

/// Reads a scenario file and everything it names. The name of a [shipped] scenario stands for that
/// one, unless there is such a file.
///
/// # Errors
///
/// All problems of the file and its bases; if it is right in itself, all problems of its inputs
/// and of how its parts fit together.
pub fn load(path: &Path) -> Result<Loaded, Issues> {
    match shipped::named(path) {
        Some(Shipped { text, .. }) => load_text(path, text),
        None => load_from(&Source::read(path).map_err(|issue| shipped::hint(issue, path))?),
    }
}

/// The same of a file's text that is at hand; paths in it are relative to the folder of `path`.
///
/// # Errors
///
/// As for [`load`].
pub fn load_text(path: &Path, text: &str) -> Result<Loaded, Issues> {
    load_from(&Source::new(path, text))
}

fn load_from(source: &Arc<Source>) -> Result<Loaded, Issues> {
    load_over(&[], &with_bases(source)?, &source.stem(), &mut Library::default())
}

/// Reads what the fragments and files say together, the first of which says most. Inputs that the
/// library has are not read again.
pub(crate) fn load_over(
    fragments: &[&Fragment<'_>],
    files: &[Arc<Source>],
    stem: &str,
    library: &mut Library,
) -> Result<Loaded, Issues> {
    let (document, written) = read_over(fragments, files, |s| schema::document(s, None))?;
    let mut inputs = Inputs::new(library);
    let resolved = resolve::resolve(document, stem, &mut inputs);
    if !inputs.issues.is_empty() {
        return Err(inputs.issues.into());
    }
    let hash = hash(&written, &inputs.hashes);
    let resolved = Arc::new(resolved);
    let scenario = Scenario { resolved, hash, profile: None, window: None, series_step: None };
    let read = files.iter().map(|source| PathBuf::from(source.name())).chain(inputs.files);
    Ok(Loaded { scenario, remarks: inputs.remarks, files: read.collect() })
}

/// Every key of a scenario file. Where a default depends on the market's regime or on the cloud's
/// behaviour, all are given.
#[must_use]
pub fn parameters() -> Vec<KeyDoc> {
    let keys = |regime, behaviour| describe(|s| schema::document(s, Some((regime, behaviour))));
    let settings = keys(Regime::Outbid, Behaviour::Plain)
        .into_iter()
        .zip(keys(Regime::Capacity, Behaviour::Full))
        .zip(keys(Regime::Outbid, Behaviour::Full));
    let with_all = |(mut key, ((outbid, full), both)): (KeyDoc, ((KeyDoc, KeyDoc), KeyDoc))| {
        let value = |doc: KeyDoc| match doc.presence {
            Presence::Default { value, .. } => Some(value),
            _ => None,
        };
        if let Presence::Default { value: plain, .. } = &mut key.presence
            && let (Some(outbid), Some(full), Some(both)) =
                (value(outbid), value(full), value(both))
        {
            // That one of the two makes no difference needs no word about both.
            let follows = (outbid == *plain && both == full) || (full == *plain && both == outbid);
            let others = [
                (outbid != *plain, outbid, "market.regime is \"outbid\""),
                (full != *plain, full, "cloud.behaviour is \"full\""),
                (!follows, both, "market.regime is \"outbid\" and cloud.behaviour is \"full\""),
            ];
            for (_, other, when) in others.into_iter().filter(|(differs, ..)| *differs) {
                *plain = format!("{plain}, or {other} if {when}");
            }
        }
        key
    };
    let plain = keys(Regime::Capacity, Behaviour::Plain);
    let keys = plain.into_iter().zip(settings).map(with_all);
    let doc = "How long something takes: a duration, or a distribution by name.";
    let forms = describe(|s| schema::delay::forms(s, schema::delay::DELAY.1, doc, None));
    keys.chain(forms).collect()
}

impl Scenario {
    /// What reports call it: the key `name`, or the file's name without extension.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.resolved.name
    }

    /// What it is about, in its author's words; may be empty.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.resolved.description
    }

    /// What it is, in 16 hexadecimal digits.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// What its outcome must satisfy, by name. No part of what it is.
    #[must_use]
    pub fn checks(&self) -> &[Check] {
        &self.resolved.checks
    }

    /// The names of its worker types, in order.
    pub fn worker_types(&self) -> impl Iterator<Item = &str> {
        self.resolved.engine.worker_types.iter().map(|worker_type| worker_type.name.as_str())
    }

    /// Whether it says what its accident is about: what [`Profile::Unguarded`] lacks.
    #[must_use]
    pub fn has_unguarded(&self) -> bool {
        self.resolved.unguarded.is_some()
    }

    /// The provisioner that runs it, if not the one its file describes.
    #[must_use]
    pub fn profile(&self) -> Option<Profile> {
        self.profile
    }

    /// The same load and the same world for another provisioner; another scenario, with a hash of
    /// its own.
    #[must_use]
    pub fn run_by(mut self, profile: Profile) -> Self {
        let run_by = format!("{} as {}", self.hash, profile.name());
        self.hash = format!("{:016x}", xxhash_rust::xxh3::xxh3_64(run_by.as_bytes()));
        self.profile = Some(profile);
        self
    }

    /// All of its time.
    #[must_use]
    pub fn window(&self) -> Window {
        let Span { start, end, warmup, .. } = self.resolved.span;
        self.window.unwrap_or(Window { start, end, warmup })
    }

    /// A part of its time only; another scenario, with a hash of its own.
    #[must_use]
    pub fn within(mut self, window: Window) -> Self {
        let Window { start, end, warmup } = window;
        let within = format!("{} from {start} to {end} after {warmup}", self.hash);
        self.hash = format!("{:016x}", xxhash_rust::xxh3::xxh3_64(within.as_bytes()));
        self.window = Some(window);
        self
    }

    /// The scenario of that hash: this one, or it as another provisioner would have run it.
    #[must_use]
    pub fn hashed(&self, hash: &str) -> Option<Self> {
        let profiles = Profile::ALL.into_iter().map(|profile| self.clone().run_by(profile));
        std::iter::once(self.clone()).chain(profiles).find(|it| it.hash == hash)
    }

    /// The file's seed.
    #[must_use]
    pub fn seed(&self) -> Seed {
        self.resolved.seed
    }

    /// The same, with a sample of the state every `step`.
    #[must_use]
    pub fn with_series_step(mut self, step: Duration) -> Self {
        self.series_step = Some(step);
        self
    }

    /// Everything a run is made of but its tasks. Generates what is generated.
    #[must_use]
    pub fn config(&self, seed: Seed) -> SimConfig {
        let resolved = &*self.resolved;
        let engine = match self.profile {
            Some(Profile::Unguarded) => resolved.unguarded.as_ref().unwrap_or(&resolved.engine),
            _ => &resolved.engine,
        };
        let mut engine = EngineConfig { seed: seed.purpose("engine"), ..engine.clone() };
        if let Some(profile) = self.profile {
            profile.apply(&mut engine);
        }
        let Window { start, end, warmup } = self.window();
        // What was over before the run is no part of it.
        let lasts = |fault: &&Fault| fault.from >= start || fault.until > start;
        let faults = resolved.faults.iter().filter(lasts);
        let faults = faults.map(|fault| Fault { from: fault.from.max(start), ..fault.clone() });
        let config = SimConfig {
            seed,
            engine,
            start,
            end,
            drain: resolved.span.drain,
            warmup,
            market: resolved.market(seed),
            feed: resolved.feed,
            cloud: resolved.cloud.clone(),
            queue: resolved.queue.clone(),
            process: resolved.process.clone(),
            faults: faults.collect(),
            calm: None,
            workers: resolved.workers.clone(),
            observation_lag: resolved.observation_lag.clone(),
            series_step: self.series_step,
        };
        match resolved.span.calm_from {
            Some(from) => config.calm_from(from.max(start)),
            None => config,
        }
    }

    /// Runs it; `config` is its own, for some seed. The outcome has its bound.
    pub fn run<'a>(&self, config: &'a SimConfig, hooks: Hooks<'a>) -> Outcome {
        let mut outcome = provisioner_sim::run(config, &mut *self.tasks(config.seed), hooks);
        self.enter_bound(config, &mut outcome);
        outcome
    }

    /// Enters the least that the work can cost anybody in the outcome of a run.
    pub fn enter_bound(&self, config: &SimConfig, outcome: &mut Outcome) {
        bound::enter(config, || self.tasks(config.seed), outcome);
    }

    /// The tasks of all worker types by time, from the first on.
    #[must_use]
    pub fn tasks(&self, seed: Seed) -> Box<dyn TaskSource> {
        let span = (self.resolved.span.start, self.resolved.span.end);
        let source = |(worker_type, tasks): (WorkerTypeId, &Tasks)| -> Box<dyn TaskSource> {
            match tasks {
                Tasks::Generated(model) => {
                    let name = &self.resolved.engine.worker_types[worker_type.index()].name;
                    Box::new(GeneratedTasks::new(model, worker_type, seed.purpose(name), span))
                }
                Tasks::Listed(tasks) => Box::new(RecordedTasks::new(Arc::clone(tasks))),
                Tasks::Recorded(tasks) => {
                    Box::new(Recorded { rows: TaskRows::new(Arc::clone(tasks)), worker_type })
                }
            }
        };
        Box::new(MergedSources::new(self.resolved.tasks().map(source).collect()))
    }
}

/// The recorded tasks of a worker type. Runs share one list; a source is a place in it.
struct Recorded {
    rows: TaskRows<Arc<TaskList>>,
    worker_type: WorkerTypeId,
}

impl TaskSource for Recorded {
    fn next_task(&mut self) -> Option<Task> {
        let TaskRow { submitted, duration, deadline, priority, retries, .. } = self.rows.next()?;
        let worker_type = self.worker_type;
        Some(Task { submitted, duration, deadline, worker_type, priority, retries })
    }
}

/// Most files in a chain of bases.
const BASES_MAX: usize = 8;

/// A file and its bases, itself first.
pub(crate) fn with_bases(source: &Arc<Source>) -> Result<Vec<Arc<Source>>, Issues> {
    let mut sources = vec![Arc::clone(source)];
    loop {
        let last = &sources[sources.len() - 1];
        let Some((base, place)) = peek(last, BASE, kind::path())? else {
            return Ok(sources);
        };
        if sources.len() > BASES_MAX {
            let issue = Issue::new("the chain of bases does not end", place);
            return Err(issue.hint("do two files name each other as `base`?").into());
        }
        sources.push(read_base(&base, place)?);
    }
}

/// The file that is named as base at that place.
pub(crate) fn read_base(base: &Path, place: Place) -> Result<Arc<Source>, Issue> {
    Source::read(base).map_err(|issue| {
        Issue::new(format!("{}: {}", base.display(), issue.message()), place)
            .hint("paths are relative to the file they are written in")
    })
}

/// The hash of what was written and of the inputs' bytes.
fn hash(written: &Written, inputs: &[u64]) -> String {
    let mut hasher = xxhash_rust::xxh3::Xxh3::new();
    for (path, value) in written {
        let key = path.split('.').next().unwrap_or_default();
        if !schema::KEYS_BESIDE_THE_SCENARIO.contains(&key) {
            hasher.update(format!("{path} = {value}\n").as_bytes());
        }
    }
    inputs.iter().for_each(|input| hasher.update(&input.to_le_bytes()));
    format!("{:016x}", hasher.digest())
}
