//! `provisioner sweep`: all runs of an experiment.

use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use clap::Args;
use provisioner_reports::sweep::{Frame, bind, few_seeds, summary, warnings};
use provisioner_scenarios::experiment::Experiment;
use provisioner_scenarios::output::OutFile;
use provisioner_scenarios::results::{Folder, Manifest, Results, Shard};

use crate::cores::Cores;
use crate::terminal::{Failure, Voice, look, print, say, warn};
use crate::{Answer, COMMIT};

/// Run a scenario with sets of values and several seeds, and compare what it comes to
///
/// An experiment is a strict TOML file. Its axes say what is varied in a base scenario; each
/// combination of their levels is a point, and each point is run with each seed:
///
///   base = "week.toml"
///   seeds = 10                           # 1 to 10; first_seed = 11 for others
///
///   [axes.patience]                      # one key of the scenario
///   key = "worker_type_defaults.on_demand_after"
///   values = ["10 min", "30 min"]
///
///   [axes.policy.variants.ours]          # several keys that move together
///   worker_type_defaults = { scaling = "target", placement = "spread" }
///   [axes.policy.variants.old]
///   engine.guards = "off"
///   worker_type_defaults = { scaling = "estimator", placement = "weighted" }
///
///   [[drop]]                             # combinations that make no sense
///   where = { policy = "old", patience = ["10 min", "30 min"] }
///
/// Instead of `values`, a range: `from = "2 min"`, `to = "1 h"`, and `step = "2 min"` or `factor = 2`.
/// A variant may name another `base`; an axis may also be `profiles = ["v1", "ours"]`, as of
/// `simulate --as`. With `given = true` an axis is not ours to choose (prices, load): points are
/// compared where it is the same. Every point is checked before the first runs.
///
/// Finished runs are kept in the output folder as they finish: the same command goes on where it
/// was interrupted. When all are done, it holds `runs` and `worker_types` as CSV and Parquet, and
/// `outcomes.jsonl` with everything measured. Equal experiments by equal commits give equal bytes,
/// whatever the threads, interruptions and parts.
#[derive(Args)]
#[command(verbatim_doc_comment, after_help = AFTER_HELP)]
pub(crate) struct Sweep {
    /// The experiment file
    experiment: PathBuf,
    /// The folder of results, or of a part of them; otherwise EXPERIMENT.results here
    #[arg(long, short, value_name = "FOLDER")]
    output: Option<PathBuf>,
    /// Run a part only: i/n, from 1/n to n/n; or `env` or `env/n`
    ///
    /// `env` takes the part from the environment of an array job of Slurm (sbatch --array=0-7), AWS
    /// Batch or Kubernetes (an indexed job, which needs `env/n` as it does not say how many there
    /// are). Give each part a folder of its own, and join them with `provisioner merge`.
    #[arg(long, value_name = "I/N|env[/N]")]
    shard: Option<Part>,
    #[command(flatten)]
    cores: Cores,
    /// Say what would be run, and check it, but run nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    voice: Voice,
}

const AFTER_HELP: &str = "\
Examples:
  provisioner sweep scenarios/experiments/quickstart.toml
  provisioner sweep policies.toml --dry-run
  provisioner sweep policies.toml --shard 1/2 -o a
  provisioner sweep policies.toml --shard 2/2 -o b    # anywhere else
  sbatch --array=0-7 --wrap 'provisioner sweep policies.toml --shard env -o p/$SLURM_ARRAY_TASK_ID'

Exit codes: 0 all runs are done; 2 it could not run, or not all of it.";

/// Which part is run.
#[derive(Clone, Copy, Debug)]
enum Part {
    This(Shard),
    FromEnv(Option<u32>),
}

impl FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('/') {
            None if text == "env" => Ok(Self::FromEnv(None)),
            Some(("env", of)) => match of.parse() {
                Ok(of) if of > 0 => Ok(Self::FromEnv(Some(of))),
                _ => Err(format!("`{of}` is no number of parts")),
            },
            _ => text.parse().map(Self::This),
        }
    }
}

impl Sweep {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let shard = self.shard.map(part).transpose()?;
        let experiment = Experiment::load(&self.experiment)?;
        bind(experiment.places())?;
        let manifest = Manifest::new(&experiment, COMMIT, shard);
        self.tell(|| name(&manifest))?;
        experiment.remarks.iter().for_each(|remark| self.voice.remark(remark));
        if self.dry_run {
            for point in &manifest.points {
                self.tell(|| format!("{}  {}", point.scenario_hash, point.levels.join(", ")))?;
            }
            return Ok(Answer::Yes);
        }
        let output = self.output.clone().unwrap_or_else(|| {
            let stem = self.experiment.file_stem().unwrap_or_default();
            PathBuf::from(stem).with_extension("results")
        });
        let folder = Folder::open(&output, &manifest)?;
        self.run_missing(&experiment, &manifest, &folder, &output)?;
        let results = folder.finish()?;
        if let Some(shard) = shard {
            let done = format!("part {shard} is done: join all with `provisioner merge`");
            self.tell(|| done)?;
        } else {
            write_tables(&results, &output)?;
            if !self.voice.quiet {
                show(&results, &output)?;
            }
        }
        Ok(Answer::Yes)
    }

    fn run_missing(
        &self,
        experiment: &Experiment,
        manifest: &Manifest,
        folder: &Folder,
        output: &Path,
    ) -> Result<(), Failure> {
        let done = folder.done();
        let missing: Vec<usize> = manifest.runs().filter(|run| !done.contains_key(run)).collect();
        if !done.is_empty() {
            self.voice.remark(format_args!("{} runs were done before", done.len()));
        }
        let begun = Instant::now();
        let bar = self.voice.runs_bar(missing.len());
        let failed = AtomicBool::new(false);
        let kept = self.cores.each(missing.len(), |index| {
            // What cannot be kept need not be run.
            if failed.load(Ordering::Relaxed) {
                return Ok(());
            }
            let kept = folder.add(missing[index], &experiment.run(missing[index]));
            failed.fetch_or(kept.is_err(), Ordering::Relaxed);
            bar.inc(1);
            kept
        });
        bar.finish_and_clear();
        kept.into_iter().collect::<io::Result<()>>().map_err(|error| unkept(output, &error))?;
        let (took, threads) = (begun.elapsed().as_secs_f64(), self.cores.threads());
        self.voice.say(format_args!("{} runs in {took:.1} s on {threads} threads", missing.len()));
        Ok(())
    }

    fn tell(&self, text: impl FnOnce() -> String) -> Result<(), Failure> {
        if self.voice.quiet { Ok(()) } else { print(format_args!("{}\n", text())) }
    }
}

fn part(part: Part) -> Result<Shard, Failure> {
    match part {
        Part::This(shard) => Ok(shard),
        Part::FromEnv(of) => Shard::from_env(|name| env::var(name).ok(), of).map_err(|what| {
            let hint = "--shard env is for tasks of array jobs; elsewhere write --shard 1/4";
            Failure::new(format_args!("this is no part of a sweep: {what}"), hint)
        }),
    }
}

fn unkept(output: &Path, error: &io::Error) -> Failure {
    let what = format!("`{}` cannot keep another run: {error}", output.display());
    Failure::new(what, "make space and run the same command again: nothing that was kept is lost")
}

/// What names a sweep.
pub(crate) fn name(manifest: &Manifest) -> String {
    let Manifest { experiment, hash, commit, .. } = manifest;
    let (points, seeds) = (manifest.points.len(), manifest.seeds.len());
    let part = manifest.shard.map_or_else(String::new, |shard| {
        format!(", part {shard}: {} runs", manifest.runs().count())
    });
    format!(
        "{experiment}: {points} points × {seeds} seeds, experiment {hash}, commit {commit}{part}"
    )
}

/// Writes the tables of all runs.
pub(crate) fn write_tables(results: &Results, folder: &Path) -> Result<(), Failure> {
    let write = |path: &Path, write: &dyn Fn(&mut OutFile) -> io::Result<()>| {
        let written = OutFile::create(path).and_then(|mut file| {
            write(&mut file)?;
            file.finish()
        });
        written.map_err(|error| Failure::output(path, &error))
    };
    let frames = [Frame::runs(results), Frame::worker_types(results)];
    let tables = tables_in(folder);
    for ([csv, parquet], frame) in tables.as_chunks().0.iter().zip(frames) {
        write(csv, &|file| frame.csv(file))?;
        write(parquet, &|file| io::Write::write_all(file, &frame.parquet()))?;
    }
    Ok(())
}

/// The files of tables in a folder: all runs, then their worker types, each as CSV and as Parquet.
pub(crate) fn tables_in(folder: &Path) -> [PathBuf; 4] {
    ["runs.csv", "runs.parquet", "worker_types.csv", "worker_types.parquet"]
        .map(|name| folder.join(name))
}

/// Prints what people read in the end.
pub(crate) fn show(results: &Results, folder: &Path) -> Result<(), Failure> {
    print(format_args!("\n{}\n", summary(results, look(&io::stdout()))))?;
    few_seeds(results).into_iter().chain(warnings(results)).for_each(warn);
    say(format_args!("tables of all runs are in {}", folder.display()));
    Ok(())
}
