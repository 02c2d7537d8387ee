//! What a suite came to when it was last accepted: a folder to commit beside it.
//!
//! | file | holds |
//! |---|---|
//! | `baseline.toml` | by scenario its hash, the commit, and for each seed the decisions' digest and every measure: a line each, so that a review shows what moved |
//! | `NAME.SEED.….jsonl.zst` | the [journal](crate::journal) of a run, by which the first decision that changes is named |
//!
//! Journals have names of their own content and are written first; then `baseline.toml` takes the
//! place of the older one, whole; then journals that nobody names any more are removed. So whatever
//! interrupts that leaves the older baseline or the new one. A scenario that came to the same keeps
//! its lines and its journals, to the byte.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use provisioner_sim::outcome::OUTCOME_VERSION;
use xxhash_rust::xxh3::xxh3_64;

use crate::experiment::Experiment;
use crate::file::kind::{self, integer, list, text};
use crate::file::{Issue, Issues, Place, Section, Source, peek, read};
use crate::output::OutFile;

/// The version of the folder's files.
pub const BASELINE_FORMAT: u32 = 1;

/// No baseline is longer: a thousand scenarios with ten seeds take some 50 MiB.
const BYTES_MAX: u64 = 256 << 20;

const FILE: &str = "baseline.toml";
const JOURNAL_END: &str = ".jsonl.zst";

/// What a suite came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Baseline {
    /// The suite's name.
    pub suite: String,
    /// With what each scenario was run.
    pub seeds: Vec<u64>,
    /// What each came to, by name.
    pub scenarios: BTreeMap<String, Accepted>,
}

/// What a scenario came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Accepted {
    /// The scenario's hash.
    pub scenario_hash: String,
    /// The commit of the program that ran it.
    pub commit: String,
    /// The decisions' digest with each seed.
    pub decisions: Vec<String>,
    /// By path the number with each seed; there may be none.
    pub measures: BTreeMap<String, Vec<Option<f64>>>,
    /// By seed the names of its journals.
    pub journals: BTreeMap<u64, String>,
}

/// A journal to be kept, packed.
#[derive(Clone, Debug)]
pub struct NewJournal {
    scenario: String,
    seed: u64,
    bytes: Vec<u8>,
}

/// What a stored baseline weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Bytes of `baseline.toml`.
    pub text: u64,
    /// Bytes of all journals.
    pub journals: u64,
}

/// Why a baseline could not be stored. The one before is as it was.
#[derive(Debug)]
pub struct Unkept {
    path: PathBuf,
    error: io::Error,
}

impl Accepted {
    /// Whether both came to the same, decision by decision, with the same scenario.
    #[must_use]
    pub fn is_as(&self, other: &Self) -> bool {
        (&self.scenario_hash, &self.decisions, &self.measures)
            == (&other.scenario_hash, &other.decisions, &other.measures)
    }

    /// Whether it has journals of these seeds, and of no others, in that folder, all as they were.
    pub fn has_journals<'s>(&self, folder: &Path, seeds: impl Iterator<Item = &'s u64>) -> bool {
        let is_whole = |name: &String| {
            fs::read(folder.join(name)).is_ok_and(|bytes| name.ends_with(&ending(&bytes)))
        };
        self.journals.keys().eq(seeds) && self.journals.values().all(is_whole)
    }
}

impl Baseline {
    /// Reads the folder; nothing if there is none.
    ///
    /// # Errors
    ///
    /// It is of another version, or damaged.
    pub fn read(folder: &Path) -> Result<Option<Self>, Issues> {
        let path = folder.join(FILE);
        let mut bytes = Vec::new();
        match File::open(&path).and_then(|file| file.take(BYTES_MAX).read_to_end(&mut bytes)) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                let what = format!("the baseline cannot be read: {error}");
                return Err(Issue::new(what, whole(&path)).hint("check its permissions").into());
            }
        }
        let source = Source::from_bytes(&path, bytes)?;
        let damaged = |issues: Issues| -> Issues {
            let damaged = issues.into_vec().into_iter().map(|issue| issue.hint(DAMAGED));
            damaged.collect::<Vec<_>>().into()
        };
        for (key, ours) in [("baseline", BASELINE_FORMAT), ("outcome", OUTCOME_VERSION)] {
            match peek(&source, key, integer::<u32>()).map_err(damaged)? {
                Some((theirs, _)) if theirs == ours => {}
                Some((theirs, place)) => {
                    let what = format!("`{key}` is of version {theirs}; this program's is {ours}");
                    return Err(Issue::new(what, place).hint(OTHER_VERSION).into());
                }
                None => {
                    let what = format!("this is no baseline, or half of one: `{key}` is not there");
                    return Err(Issue::new(what, whole(&path)).hint(DAMAGED).into());
                }
            }
        }
        read(&source, document).map(Some).map_err(damaged)
    }

    /// Why it is no baseline of this suite, if it is none.
    #[must_use]
    pub fn differs(&self, suite: &Experiment) -> Option<String> {
        let names: BTreeSet<String> =
            (0..suite.points.len()).map(|point| suite.point_name(point)).collect();
        let known: BTreeSet<String> = self.scenarios.keys().cloned().collect();
        let list = |names: Vec<&String>| {
            names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
        };
        let lacks: Vec<&String> = names.difference(&known).collect();
        let extra: Vec<&String> = known.difference(&names).collect();
        if self.suite != suite.name && lacks.len() == names.len() {
            return Some(format!("is of another suite: `{}`, not `{}`", self.suite, suite.name));
        }
        if self.seeds != suite.seeds {
            let seeds = |seeds: &[u64]| match seeds {
                [only] => format!("seed {only}"),
                [first, .., last] => format!("seeds {first} to {last}"),
                [] => "no seed".to_owned(),
            };
            let (ours, theirs) = (seeds(&suite.seeds), seeds(&self.seeds));
            return Some(format!("is of {theirs}, and the suite is run with {ours}"));
        }
        match (lacks.is_empty(), extra.is_empty()) {
            (true, true) => None,
            (false, _) => Some(format!("lacks {}", list(lacks))),
            (true, false) => Some(format!("has {}, which the suite has not", list(extra))),
        }
    }

    /// Puts it in the folder, with new journals, in place of the one before.
    ///
    /// # Errors
    ///
    /// It cannot be stored; then the one before is as it was.
    pub fn store(mut self, folder: &Path, journals: &[NewJournal]) -> Result<Kept, Unkept> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |error| Unkept { path, error }
        };
        fs::create_dir_all(folder).map_err(at(folder))?;
        let written = journals.iter().try_for_each(|journal| {
            let name = journal.name();
            let path = folder.join(&name);
            let mut file = OutFile::create_packed(&path).map_err(at(&path))?;
            file.write_all(&journal.bytes).and_then(|()| file.finish()).map_err(at(&path))?;
            if let Some(accepted) = self.scenarios.get_mut(&journal.scenario) {
                accepted.journals.insert(journal.seed, name);
            }
            Ok(())
        });
        let path = folder.join(FILE);
        let text = self.to_string();
        let stored = written.and_then(|()| {
            let mut file = OutFile::create(&path).map_err(at(&path))?;
            file.write_all(text.as_bytes()).and_then(|()| file.finish()).map_err(at(&path))
        });
        // Whatever the baseline that is there now does not name.
        let named = match &stored {
            Ok(()) => Some(self.journals()),
            Err(_) => {
                Self::read(folder).ok().map(|it| it.map_or_else(BTreeSet::new, |it| it.journals()))
            }
        };
        let journals = named.map_or(0, |named| remove_others(folder, &named));
        stored.map(|()| Kept { text: text.len() as u64, journals })
    }

    /// The names of all journals.
    #[must_use]
    pub fn journals(&self) -> BTreeSet<String> {
        self.scenarios.values().flat_map(|it| it.journals.values().cloned()).collect()
    }
}

/// Removes journals that are not named, as well as that goes; the bytes of those that are.
fn remove_others(folder: &Path, named: &BTreeSet<String>) -> u64 {
    let mut bytes = 0;
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if named.contains(&name) {
            bytes += entry.metadata().map_or(0, |data| data.len());
        } else if name.ends_with(JOURNAL_END) {
            // One that stays is removed the next time.
            drop(fs::remove_file(entry.path()));
        }
    }
    bytes
}

/// Journals that are kept for long are packed tightly: to two thirds of what is usual.
const JOURNAL_LEVEL: i32 = 19;

impl NewJournal {
    /// Of a run of the suite by a program of that commit.
    ///
    /// Panics if there is no such run.
    #[must_use]
    pub fn of(suite: &Experiment, run: usize, commit: &str) -> Self {
        let seeds = suite.seeds.len();
        let packed = zstd::Encoder::new(Vec::new(), JOURNAL_LEVEL)
            .and_then(|packer| suite.journal(run, commit, packer)?.finish());
        Self {
            scenario: suite.point_name(run / seeds),
            seed: suite.seeds[run % seeds],
            bytes: packed.expect("memory takes it"),
        }
    }

    /// What its file is called: equal names mean equal bytes.
    fn name(&self) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' };
        let scenario: String = self.scenario.chars().take(60).map(plain).collect();
        format!("{scenario}.{}{}", self.seed, ending(&self.bytes))
    }
}

/// What the name of a journal with this content ends in.
fn ending(bytes: &[u8]) -> String {
    format!(".{:08x}{JOURNAL_END}", xxh3_64(bytes) >> 32)
}

const OTHER_VERSION: &str =
    "use the program that wrote it, or accept what this one comes to: `--accept`";
const DAMAGED: &str =
    "it was altered or is damaged: restore it from version control, or write it again: `--accept`";

fn whole(path: &Path) -> Place {
    Place::new(&Source::new(path, ""), None)
}

impl fmt::Display for Baseline {
    /// The text of `baseline.toml`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { suite, seeds, scenarios } = self;
        let quoted = |text: &str| toml::Value::from(text).to_string();
        writeln!(f, "# What the suite `{suite}` came to when it was last accepted.")?;
        writeln!(
            f,
            "# Written by `provisioner check --accept`; each list has an item for each seed."
        )?;
        writeln!(f, "baseline = {BASELINE_FORMAT}\noutcome = {OUTCOME_VERSION}")?;
        writeln!(f, "suite = {}\nseeds = {seeds:?}", quoted(suite))?;
        for (name, accepted) in scenarios {
            let Accepted { scenario_hash, commit, decisions, measures, journals } = accepted;
            let name = quoted(name);
            writeln!(f, "\n[scenarios.{name}]")?;
            writeln!(f, "hash = {}\ncommit = {}", quoted(scenario_hash), quoted(commit))?;
            writeln!(f, "decisions = {decisions:?}")?;
            let journals: Vec<String> = journals
                .iter()
                .map(|(seed, journal)| format!("{seed} = {}", quoted(journal)))
                .collect();
            writeln!(f, "journals = {{ {} }}", journals.join(", "))?;
            writeln!(f, "\n[scenarios.{name}.measures]")?;
            for (path, values) in measures {
                let mut line = String::new();
                for value in values {
                    let comma = if line.is_empty() { "" } else { ", " };
                    match value {
                        Some(value) => write!(line, "{comma}{value}")?,
                        None => write!(line, "{comma}\"-\"")?,
                    }
                }
                writeln!(f, "{path} = [{line}]")?;
            }
        }
        writeln!(f, "\n[end]\nscenarios = {}", scenarios.len())
    }
}

fn document(s: &mut Section<'_>) -> Baseline {
    s.required("baseline", integer::<u32>(), "The version of the folder's files.");
    s.required("outcome", integer::<u32>(), "The version of the set of measures.");
    let suite = s.required("suite", text(), "The suite's name.");
    let seeds = s.required("seeds", list(integer::<u64>()), "With what each is run.");
    let doc = "What each scenario came to.";
    let scenarios = s.named("scenarios", doc, |_, s| accepted(seeds.len(), s));
    let end = s.section("end", "What tells a whole baseline from one that was cut short.", |s| {
        s.required("scenarios", integer::<usize>(), "How many scenarios there are.")
    });
    if s.is_sound() && end != scenarios.len() {
        let what = format!("{} scenarios of {end} are there", scenarios.len());
        s.report(Issue::new(what, s.place("end")));
    }
    Baseline { suite, seeds, scenarios: scenarios.into_iter().collect() }
}

fn accepted(seeds: usize, s: &mut Section<'_>) -> Accepted {
    let scenario_hash = s.required("hash", text(), "The scenario's hash.");
    let commit = s.required("commit", text(), "The commit that ran it.");
    let decisions = s.required("decisions", list(text()), "The decisions' digest with each seed.");
    let doc = "The journals that are kept, by seed.";
    let mut journals = BTreeMap::new();
    for (seed, name, place) in s.named_values("journals", text(), doc) {
        // It is a file of this folder.
        let is_plain = !name.contains(['/', '\\']) && name.ends_with(JOURNAL_END);
        match seed.parse() {
            Ok(seed) if is_plain => drop(journals.insert(seed, name)),
            _ => s.report(Issue::new(format!("`{seed} = {name}` is no journal"), place)),
        }
    }
    let mut measures = BTreeMap::new();
    let doc = "Every measure, by its path in the outcome's JSON.";
    for (path, values, place) in s.values_by_path("measures", &kind::labels(), doc) {
        let number = |text: &String| match text.as_str() {
            "-" => Some(None),
            text => text.parse().ok().filter(|number: &f64| number.is_finite()).map(Some),
        };
        match values.iter().map(number).collect::<Option<Vec<_>>>() {
            Some(values) if values.len() == seeds => drop(measures.insert(path, values)),
            _ => {
                let what = format!("`{path}` has not a number for each of {seeds} seeds");
                s.report(Issue::new(what, place));
            }
        }
    }
    if s.is_sound() && (decisions.len() != seeds || measures.is_empty()) {
        let what = format!("it has not what it came to with each of {seeds} seeds");
        s.report(Issue::new(what, s.here()));
    }
    Accepted { scenario_hash, commit, decisions, measures, journals }
}

impl fmt::Display for Unkept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "error: the baseline cannot be stored: `{}`: {}\n\
             hint: check that you may write there, and that space is left; the one before is as it was",
            self.path.display(),
            self.error
        )
    }
}

impl std::error::Error for Unkept {}
