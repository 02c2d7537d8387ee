//! `provisioner simulate`: one run of a scenario.

use std::fmt::Display;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use indicatif::ProgressBar;
use provisioner_engine::journal::Record;
use provisioner_engine::random::Seed;
use provisioner_engine::units::{Duration, Time};
use provisioner_reports::checks::{Checked, Verdict, bind, table};
use provisioner_reports::series::SeriesWriter;
use provisioner_reports::summary::summary;
use provisioner_reports::warnings::warnings;
use provisioner_reports::{Run, count, json, show_time};
use provisioner_scenarios::audit::{Note, audited_run};
use provisioner_scenarios::file::quantity;
use provisioner_scenarios::journal::{Header, JOURNAL_VERSION, JournalWriter};
use provisioner_scenarios::output::{OutFile, is_stdout};
use provisioner_scenarios::results::Results;
use provisioner_scenarios::{Loaded, Profile, Scenario, load};
use provisioner_sim::config::SimConfig;
use provisioner_sim::outcome::Outcome;
use provisioner_sim::{Hooks, Sample};

use crate::report::manifest;
use crate::sweep::{tables_in, write_tables};
use crate::terminal::{Failure, Voice, heard, keep_apart, look, print, say, warn};
use crate::{Answer, COMMIT};

/// Run a scenario and say what it cost and how long tasks waited
///
/// Prints the run's name (seed, scenario hash, commit), then a summary. Equal names give equal
/// bytes in every output. Output files are replaced only when the run has succeeded; their names
/// may end in `.zst` or `.gz`, and `-` is standard output.
///
/// If the scenario has checks, a table of them follows, and the command fails if one fails.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Simulate {
    /// The scenario file, or the name of one that comes with the program (`provisioner scenarios`)
    scenario: PathBuf,
    /// The origin of all chance, instead of the scenario's own
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Run it as another provisioner would have
    ///
    /// The profile decides what a provisioner is: its policies, guards and habits. What its owner
    /// configures stays as the file says: capacities, prices, pools, timeouts; so do the options
    /// of a policy that is the profile's own. v1: aws-provisioner of 2017, `scaling-ratio` and
    /// `cheapest`, one launch a call, memory lost in a restart, no registration timeout.
    /// worker-manager: `estimator` and `weighted`. Both: no guards, an overshooting last instance,
    /// no on-demand fallback, schedules or spending ceilings. ours: our policies, every guard.
    #[arg(long = "as", value_name = "PROFILE", value_parser = profiles())]
    run_by: Option<Profile>,
    /// Write the outcome as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the outcome as tables: `runs` and `worker_types` as CSV and Parquet, with the columns that
    /// `provisioner sweep` writes
    #[arg(long, value_name = "FOLDER")]
    tables: Option<PathBuf>,
    /// Write the state of each worker type at every step as CSV, or as Parquet if its name ends so
    #[arg(long, value_name = "FILE")]
    series: Option<PathBuf>,
    /// Time from one step of the series to the next
    #[arg(long, value_name = "DURATION", default_value = "5 min", value_parser = step)]
    #[arg(requires = "series")]
    series_step: Duration,
    /// Write every fact and decision, for `provisioner replay`
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    /// Have every step judged by an auditor that shares no code with the engine
    ///
    /// It recounts money, capacity and ownership by itself, from what the engine was told, what it
    /// ordered and what really happened, and notes what must not be: when, against which rule, and
    /// what exactly. Nothing else changes, but the run takes longer.
    #[arg(long)]
    audit: bool,
    /// Run only if the scenario has this hash
    #[arg(long, value_name = "HASH")]
    scenario_hash: Option<String>,
    /// Run only if this program is of this commit
    #[arg(long, value_name = "COMMIT")]
    commit: Option<String>,
    #[command(flatten)]
    voice: Voice,
}

const AFTER_HELP: &str = "\
Examples:
  provisioner simulate quickstart
  provisioner simulate week.toml --seed 7 --json week.json --series week.csv
  provisioner simulate week.toml --tables week --series week/series.parquet
  provisioner simulate week.toml --journal week.jsonl.zst && provisioner replay week.jsonl.zst
  provisioner simulate week.toml --as v1 --audit

Exit codes: 0 it ran, and all checks passed; 1 it ran, and a check failed or the auditor noted
something; 2 it could not run.";

/// The names of provisioners that a scenario may be run by.
pub(crate) fn profiles() -> impl TypedValueParser<Value = Profile> {
    let names = Profile::ALL.map(Profile::name);
    PossibleValuesParser::new(names).map(|name| {
        let named = |profile: &Profile| profile.name() == name;
        Profile::ALL.into_iter().find(named).expect("one of the possible values")
    })
}

fn step(text: &str) -> Result<Duration, String> {
    let step = quantity::duration(text).map_err(|fault| fault.to_string())?;
    if step < Duration::SECOND {
        return Err("is shorter than a second: write for example \"5 min\"".to_owned());
    }
    Ok(step)
}

impl Simulate {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        self.check_outputs(&[])?;
        let Loaded { mut scenario, remarks, files } = load(&self.scenario)?;
        self.check_outputs(&files)?;
        let mut name = scenario.name().to_owned();
        if let Some(profile) = self.run_by {
            scenario = scenario.run_by(profile);
            name += &format!(" as {}", profile.name());
        }
        if self.series.is_some() {
            scenario = scenario.with_series_step(self.series_step);
        }
        self.check_name(&scenario)?;
        let seed = self.seed.map_or(scenario.seed(), Seed);
        let config = scenario.config(seed);
        let checks = bind(&scenario, &config)?;
        let run = Run {
            scenario: name,
            scenario_hash: scenario.hash().to_owned(),
            seed: seed.0,
            commit: COMMIT.to_owned(),
        };
        self.tell(&run)?;
        if !scenario.description().is_empty() {
            self.tell(scenario.description())?;
        }
        remarks.iter().for_each(|remark| self.voice.remark(remark));
        if let Some(folder) = &self.tables {
            fs::create_dir_all(folder).map_err(|error| Failure::output(folder, &error))?;
        }
        let mut outputs = self.open(&run, &config)?;
        let mut progress = self.progress(&config);
        let begun = Instant::now();
        let (outcome, notes) =
            outputs.watch(&config, &scenario, seed, progress.as_mut(), self.audit);
        let took = begun.elapsed().as_secs_f64();
        drop(progress);
        let checked = checks.judge(&outcome);
        let kept = outputs.keep(&run, &outcome, &checked).and_then(|()| {
            let Some(folder) = &self.tables else { return Ok(()) };
            let manifest = manifest(&run.scenario, &scenario, vec![run.seed]);
            let outcomes = [(0, outcome.clone())].into();
            write_tables(&Results { manifest, outcomes }, folder)
        });
        self.tell(format_args!("\n{}", summary(&outcome, self.look()).to_string().trim_end()))?;
        if !checked.is_empty() {
            self.tell(format_args!("\n{}", table(&checked, self.look()).to_string().trim_end()))?;
        }
        for Note { at, rule, what } in &notes {
            self.tell(format_args!("{}  {rule}: {what}", show_time(Time::from_ms(*at))))?;
        }
        if !self.voice.quiet {
            if self.audit {
                say(format_args!("remark: {}", count(notes.len() as u64, "audit note")));
            }
            warnings(&config, &outcome).iter().for_each(warn);
            say(format_args!("run in {took:.1} s"));
        }
        let failed =
            checked.iter().any(|checked| checked.verdict == Verdict::Failed) || !notes.is_empty();
        heard(kept).map(|()| if failed { Answer::No } else { Answer::Yes })
    }

    fn check_outputs(&self, inputs: &[PathBuf]) -> Result<(), Failure> {
        let tables: Vec<PathBuf> =
            self.tables.iter().flat_map(|folder| tables_in(folder)).collect();
        let outputs = self.outputs().chain(tables.iter().map(PathBuf::as_path));
        keep_apart(outputs, inputs.iter().map(PathBuf::as_path))
    }

    fn check_name(&self, scenario: &Scenario) -> Result<(), Failure> {
        let (hash, path) = (scenario.hash(), self.scenario.display());
        if let Some(wanted) = self.scenario_hash.as_ref().filter(|wanted| *wanted != hash) {
            let what = format!("`{path}` has the hash {hash}, not {wanted}");
            return Err(Failure::new(what, "it or its inputs were changed since that run"));
        }
        if let Some(wanted) = self.commit.as_ref().filter(|wanted| *wanted != COMMIT) {
            let what = format!("this program is of commit {COMMIT}, not {wanted}");
            return Err(Failure::new(what, "check that commit out and build it"));
        }
        Ok(())
    }

    fn outputs(&self) -> impl Iterator<Item = &Path> {
        [&self.json, &self.series, &self.journal].into_iter().flatten().map(PathBuf::as_path)
    }

    /// Whether standard output belongs to an output, so that people are told on standard error.
    fn stdout_is_taken(&self) -> bool {
        self.outputs().any(is_stdout)
    }

    fn look(&self) -> provisioner_reports::Look {
        if self.stdout_is_taken() { look(&io::stderr()) } else { look(&io::stdout()) }
    }

    fn tell(&self, text: impl Display) -> Result<(), Failure> {
        match (self.voice.quiet, self.stdout_is_taken()) {
            (true, _) => Ok(()),
            (false, true) => {
                say(text);
                Ok(())
            }
            (false, false) => print(format_args!("{text}\n")),
        }
    }

    fn open(&self, run: &Run, config: &SimConfig) -> Result<Outputs<'_>, Failure> {
        fn open<T>(
            path: Option<&PathBuf>,
            create: impl FnOnce(&Path) -> io::Result<T>,
        ) -> Result<Option<Output<'_, T>>, Failure> {
            let Some(path) = path else { return Ok(None) };
            let file = create(path).map_err(|error| Failure::output(path, &error))?;
            Ok(Some(Output { path, file, error: None }))
        }
        let Run { scenario, scenario_hash, seed, commit } = run.clone();
        let engine = config.engine.clone();
        let header =
            Header { journal: JOURNAL_VERSION, scenario, scenario_hash, seed, commit, engine };
        let names = config.engine.worker_types.iter().map(|worker_type| worker_type.name.clone());
        Ok(Outputs {
            json: open(self.json.as_ref(), OutFile::create)?,
            series: open(self.series.as_ref(), |path| {
                let (file, names) = (OutFile::create(path)?, names.collect());
                if path.extension().is_some_and(|ending| ending == "parquet") {
                    return Ok(SeriesWriter::parquet(file, names));
                }
                SeriesWriter::csv(file, names)
            })?,
            journal: open(self.journal.as_ref(), |path| JournalWriter::create(path, &header))?,
        })
    }

    fn progress(&self, config: &SimConfig) -> Option<Progress> {
        self.voice.has_bar().then(|| Progress::new(&self.voice, config.start, config.end))
    }
}

/// An output under way. What goes wrong with it during the run is told after it.
struct Output<'a, T> {
    path: &'a Path,
    file: T,
    error: Option<io::Error>,
}

impl<T> Output<'_, T> {
    fn write(&mut self, write: impl FnOnce(&mut T) -> io::Result<()>) {
        if self.error.is_none() {
            self.error = write(&mut self.file).err();
        }
    }

    fn keep(self, finish: impl FnOnce(T) -> io::Result<()>) -> Result<(), Failure> {
        let kept = self.error.map_or_else(|| finish(self.file), Err);
        kept.map_err(|error| Failure::output(self.path, &error))
    }
}

struct Outputs<'a> {
    json: Option<Output<'a, OutFile>>,
    series: Option<Output<'a, SeriesWriter<OutFile>>>,
    journal: Option<Output<'a, JournalWriter>>,
}

impl Outputs<'_> {
    /// Runs the scenario and writes down what is to be written.
    fn watch(
        &mut self,
        config: &SimConfig,
        scenario: &Scenario,
        seed: Seed,
        progress: Option<&mut Progress>,
        audit: bool,
    ) -> (Outcome, Vec<Note>) {
        let mut sample = self
            .series
            .as_mut()
            .map(|series| |sample: Sample| series.write(|rows| rows.write(&sample)));
        let mut journal = self
            .journal
            .as_mut()
            .map(|journal| |record: Record| journal.write(|lines| lines.record(&record)));
        let mut progress = progress.map(|progress| |now| progress.reach(now));
        let hooks = Hooks {
            journal: journal.as_mut().map(|hook| hook as _),
            sample: sample.as_mut().map(|hook| hook as _),
            progress: progress.as_mut().map(|hook| hook as _),
            ..Hooks::default()
        };
        if audit {
            let (mut outcome, notes) = audited_run(config, &mut *scenario.tasks(seed), hooks);
            scenario.enter_bound(config, &mut outcome);
            (outcome, notes)
        } else {
            (scenario.run(config, hooks), Vec::new())
        }
    }

    /// Gives all outputs their names; the first that cannot be kept is told.
    fn keep(self, run: &Run, outcome: &Outcome, checked: &[Checked<'_>]) -> Result<(), Failure> {
        let json = self.json.map_or(Ok(()), |json| {
            json.keep(|mut file| {
                json::write(run, outcome, checked, &mut file).and_then(|()| file.finish())
            })
        });
        let series = self
            .series
            .map_or(Ok(()), |series| series.keep(|rows| rows.finish().and_then(OutFile::finish)));
        let journal = self.journal.map_or(Ok(()), |journal| journal.keep(JournalWriter::finish));
        json.and(series).and(journal)
    }
}

/// A bar that follows the simulated time.
struct Progress {
    bar: ProgressBar,
    start: Time,
    end: Time,
    turns: u64,
}

/// The bar is looked at once in so many iterations; it is drawn less often still.
const TURNS_PER_LOOK: u64 = 64;

impl Progress {
    fn new(voice: &Voice, start: Time, end: Time) -> Self {
        let length = end.since(start).ms().unsigned_abs();
        let bar = voice.bar(length, "{bar:32} {percent:>3} %  {msg}  {eta} to go");
        Self { bar, start, end, turns: 0 }
    }

    fn reach(&mut self, now: Time) {
        self.turns += 1;
        if !self.turns.is_multiple_of(TURNS_PER_LOOK) {
            return;
        }
        self.bar.set_position(now.min(self.end).since(self.start).ms().unsigned_abs());
        let day = show_time(now);
        let day = day.split('T').next().unwrap_or_default().to_owned();
        self.bar.set_message(if now < self.end { day } else { format!("{day}, finishing") });
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_drawn_without_a_terminal_too() {
        let voice = Voice { quiet: false, no_progress: false };
        let mut progress = Progress::new(&voice, Time::EPOCH, Time::from_ms(1_000));
        (0..1_000).for_each(|ms| progress.reach(Time::from_ms(ms * 2)));
    }

    #[test]
    fn a_step_has_a_unit_and_some_length() {
        assert_eq!(step("1 h"), Ok(Duration::HOUR));
        assert!(step("5").is_err() && step("0 s").is_err() && step("-1 h").is_err());
    }
}
