//! `provisioner tune`: which settings are cheapest while nobody waits too long?

use std::io;
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use indicatif::ProgressBar;
use provisioner_reports::sweep::bind;
use provisioner_reports::tune::{Gauge, Verdict, page, verdict, warnings, write};
use provisioner_scenarios::output::OutFile;
use provisioner_scenarios::tune::{Bench, Job, Judged, Problem};
use provisioner_sim::outcome::Outcome;

use crate::cores::Cores;
use crate::sweep::write_tables;
use crate::terminal::{Failure, Voice, look, print, warn};
use crate::{Answer, COMMIT};

/// Find the settings that cost least while limits on waits hold
///
/// An experiment with [tune] says what may be chosen and what must hold. Settings are searched for
/// on the first part of the scenario's time, and the cheapest that keeps the limits is judged on the
/// rest of it and on other seeds, which nothing has seen before:
///
///   base = "week.toml"
///   seeds = 10                           # tuned on; as many others are held out
///
///   [tune]
///   runs = 1000                          # most runs of the search
///   held_out_time = "2 d"                # of the end; otherwise a third of all
///
///   [tune.limits]                        # numbers of `simulate --json`, each at most
///   "wait_s.p95" = "15 min"
///   'worker_types."proj/builds".wait_s.p95' = "10 min"
///
///   [axes.idle]                          # what may be chosen: axes as of `sweep`
///   key = "worker_type_defaults.idle_timeout"
///   values = ["5 min", "10 min", "20 min", "40 min"]
///
/// Many settings are tried with few seeds, the better ones with more: what is measurably dearer, or
/// measurably beyond a limit, is given up. Axes that are `given` (prices, load) are not chosen on:
/// each combination of their levels counts alike, its cost as a share of what the base costs there,
/// and limits hold in each. No work may be left undone, unless a limit on `tasks.left` says so.
///
/// Equal experiments by equal commits give equal results, on any number of threads.
#[derive(Args)]
#[command(verbatim_doc_comment, after_help = AFTER_HELP)]
#[allow(rustdoc::broken_intra_doc_links, reason = "a section of TOML is no link on a terminal")]
pub(crate) struct Tune {
    /// The experiment file, with [tune]
    experiment: PathBuf,
    /// Most runs of the search; otherwise as the file says
    #[arg(long, value_name = "N")]
    runs: Option<usize>,
    /// A folder for all runs as CSV and Parquet, `tune.json` and `chosen.toml`
    #[arg(long, short, value_name = "FOLDER")]
    output: Option<PathBuf>,
    /// Print JSON instead of the page
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    cores: Cores,
    #[command(flatten)]
    voice: Voice,
}

const AFTER_HELP: &str = "\
Examples:
  provisioner tune scenarios/experiments/tune.toml
  provisioner tune idle.toml --runs 60 --output idle.tuned
  provisioner tune idle.toml --json > idle.json

Exit codes: 0 settings were found, and keep the limits on what was held out; 1 nothing that was
tried keeps them, or what was chosen does not on what was held out; 2 it could not run.";

impl Tune {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let mut problem = Problem::load(&self.experiment)?;
        bind(problem.places())?;
        let gauge = Gauge::bind(&problem)?;
        problem.runs = self.runs.unwrap_or(problem.runs);
        if let Some(folder) = &self.output {
            let unusable = |error: io::Error| Failure::output(folder, &error);
            std::fs::create_dir_all(folder).map_err(unusable)?;
        }
        let ((settings, sweep), runs) = (problem.size(), problem.runs);
        self.say(format_args!(
            "{}: {settings} settings, at most {} runs (all: {sweep}), commit {COMMIT}",
            problem.name,
            runs.min(sweep.saturating_add(sweep / settings.max(1))),
        ));
        problem.remarks.iter().for_each(|remark| self.say(format_args!("remark: {remark}")));
        let begun = Instant::now();
        let read = |outcome: &Outcome| gauge.read(outcome);
        let bar = self.progress("searching", runs);
        let mut run = |jobs: &[Job]| self.all(jobs, &bar);
        let limits = gauge.limits();
        let tuned = problem.tune(&mut Bench { run: &mut run, read: &read, limits });
        bar.finish_and_clear();
        let tuned = tuned?;
        let bar = self.progress("judging", tuned.runs());
        let mut run = |jobs: &[Job]| self.all(jobs, &bar);
        let judged = tuned.judge(&mut Bench { run: &mut run, read: &read, limits });
        bar.finish_and_clear();
        let took = begun.elapsed().as_secs_f64();
        let runs = judged.tuned.len() + judged.held_out.len();
        self.say(format_args!("{runs} runs in {took:.1} s on {} threads\n", self.cores.threads()));
        self.show(&judged, &gauge)?;
        match verdict(&judged, &gauge) {
            Verdict::Holds => Ok(Answer::Yes),
            Verdict::Broken | Verdict::Nothing => Ok(Answer::No),
        }
    }

    fn show(&self, judged: &Judged, gauge: &Gauge) -> Result<(), Failure> {
        if let Some(folder) = &self.output {
            write_tables(&judged.results(COMMIT), folder)?;
            let keep = |name: &str, fill: &dyn Fn(&mut OutFile) -> io::Result<()>| {
                let path = folder.join(name);
                let kept = OutFile::create(&path).and_then(|mut file| {
                    fill(&mut file)?;
                    file.finish()
                });
                kept.map_err(|error| Failure::output(&path, &error))
            };
            keep("tune.json", &|file| write(judged, gauge, COMMIT, file))?;
            let chosen = &judged.settings[judged.found.pick()];
            let text = judged.problem.text(chosen.levels.as_deref(), folder);
            keep("chosen.toml", &|file| io::Write::write_all(file, text.as_bytes()))?;
            self.say(format_args!("tables of all runs are in {}", folder.display()));
        }
        if self.json {
            let mut json = Vec::new();
            write(judged, gauge, COMMIT, &mut json).expect("memory has room");
            return print(format_args!("{}", String::from_utf8_lossy(&json)));
        }
        print(format_args!("{}", page(judged, gauge, look(&io::stdout()))))?;
        if !self.voice.quiet {
            warnings(judged, gauge).iter().for_each(warn);
        }
        Ok(())
    }

    fn all(&self, jobs: &[Job], bar: &ProgressBar) -> Vec<Outcome> {
        self.cores.each(jobs.len(), |index| {
            let outcome = jobs[index].run();
            bar.inc(1);
            outcome
        })
    }

    fn say(&self, remark: impl std::fmt::Display) {
        if !self.json {
            self.voice.say(remark);
        }
    }

    fn progress(&self, what: &str, runs: usize) -> ProgressBar {
        let template = "{msg}  {bar:32} {pos}/{len} runs  {per_sec}  {eta} to go at most";
        self.voice.bar(runs as u64, template).with_message(what.to_owned())
    }
}
