//! `provisioner check`: did a suite of scenarios get worse, and by which decision first?

use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use provisioner_reports::diff::{diff as page, in_brief};
use provisioner_reports::suite::{
    Cause, Now, Report, Rules, accepted, bind, junit, markdown, terminal,
};
use provisioner_reports::{Look, count};
use provisioner_scenarios::diff::diff;
use provisioner_scenarios::experiment::Experiment;
use provisioner_scenarios::journal::{Journal, JournalError};
use provisioner_scenarios::output::{OutFile, is_stdout};
use provisioner_scenarios::suite::{Baseline, Kept, NewJournal, Unkept};

use crate::cores::Cores;
use crate::terminal::{Failure, Voice, heard, keep_apart, look, print, say};
use crate::{Answer, COMMIT};

/// Check that a suite of scenarios did not get worse than its committed baseline
///
/// A suite is an experiment, as of `provisioner sweep`, that may say what it may come to:
///
///     base = "week.toml"
///     seeds = 6                            # each scenario is run with each
///
///     [axes.scenario.variants]
///     calm = { cloud.behaviour = "plain" }
///     real = { cloud.behaviour = "full" }
///
///     [tolerances]                         # by path of the measure, as in --json
///     total.cost_usd.total = "2 %"         # the mean over all seeds may be so much worse
///     total.wait_s.p95 = "30 s unless by chance"
///     worker_types."proj/builds".wait_s.p95 = "not measurably worse"
///
///     [[override]]                         # for some scenarios
///     where = { scenario = "calm" }
///     decisions = "exact"                  # each decision as it was
///
/// Runs with equal seeds see equal tasks, prices, boot times and faults, so they are compared in
/// pairs; "by chance" is what the 95 % interval of the paired difference does not exclude. Which way
/// is worse is known of each measure. Without a word of the suite, cost may be worse by 1 %, the mean
/// wait by 2 % and the p95 wait by 5 %, unless by chance, and work left undone, claimed workers
/// ended, double launches and orphans must not be measurably more. `"any"` judges nothing.
///
/// What it came to stands in a folder beside the suite, SUITE.baseline, written by --accept, to be
/// committed. Something worse is told with the first decision that changed, the facts before it and
/// the reasons of both sides, from a journal that the baseline keeps of one seed of each scenario
/// (`journals = "all"` or "none" for others). A scenario whose text changed is compared all the same.
#[derive(Args)]
#[command(verbatim_doc_comment, after_help = AFTER_HELP)]
pub(crate) struct Check {
    /// The suite: an experiment file
    suite: PathBuf,
    /// Write what it comes to now into the baseline, and show what that changes
    #[arg(long, conflicts_with_all = ["junit", "markdown"])]
    accept: bool,
    /// The folder of the baseline; otherwise SUITE.baseline beside the suite
    #[arg(long, value_name = "FOLDER")]
    baseline: Option<PathBuf>,
    /// Write the verdicts as JUnit XML, one test case for each measure that is judged
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write the verdicts as GitHub-flavoured Markdown; `-` is standard output
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Show every measure that changed, judged or not
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    cores: Cores,
    #[command(flatten)]
    voice: Voice,
}

const AFTER_HELP: &str = "\
Examples:
  provisioner check policy.toml --accept          # once, and whenever a change is meant; commit it
  provisioner check policy.toml                   # in CI
  provisioner check policy.toml --junit check.xml --markdown - >> \"$GITHUB_STEP_SUMMARY\"
  provisioner check scenarios/suites/policy.toml  # the shipped example

Exit codes: 0 nothing is worse than it may be; 1 something is; 2 it could not run: there is no
baseline, or one of another version or suite, or a file is wrong.";

impl Check {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let suite = Experiment::load(&self.suite)?;
        let rules = bind(&suite)?;
        let folder = self.baseline.clone().unwrap_or_else(|| self.suite.with_extension("baseline"));
        suite.remarks.iter().for_each(|remark| self.voice.remark(remark));
        if self.accept {
            return self.accept(&suite, &rules, &folder);
        }
        let baseline = self.known(&suite, &folder)?;
        let outputs = self.open(&suite, &folder)?;
        let now = self.run_all(&suite);
        let mut report = judge(&suite, &rules, &baseline, &now);
        self.explain(&suite, (&baseline, &folder), &mut report);
        let answer = if report.is_worse() { Answer::No } else { Answer::Yes };
        let kept = outputs.into_iter().try_for_each(|output| output.keep(&report));
        heard(kept)?;
        self.tell(terminal(&report, self.all, self.look()))?;
        Ok(answer)
    }

    /// The baseline of the suite.
    fn known(&self, suite: &Experiment, folder: &Path) -> Result<Baseline, Failure> {
        let (name, accept) = (folder.display(), self.accept_command());
        let Some(baseline) = Baseline::read(folder)? else {
            let what = format!("there is no baseline of this suite in `{name}`");
            return Err(Failure::new(what, format!("write one with `{accept}`, and commit it")));
        };
        match baseline.differs(suite) {
            None => Ok(baseline),
            Some(differs) => {
                let what = format!("the baseline in `{name}` {differs}");
                Err(Failure::new(what, format!("if that is meant, run `{accept}`, and commit it")))
            }
        }
    }

    fn accept_command(&self) -> String {
        let baseline = self.baseline.as_ref().map(|it| format!(" --baseline {}", it.display()));
        format!(
            "provisioner check {}{} --accept",
            self.suite.display(),
            baseline.unwrap_or_default()
        )
    }

    /// What each scenario comes to.
    fn run_all(&self, suite: &Experiment) -> Vec<Now> {
        let bar = self.voice.runs_bar(suite.runs());
        let outcomes = self.cores.each(suite.runs(), |run| {
            let outcome = suite.run(run);
            bar.inc(1);
            outcome
        });
        bar.finish_and_clear();
        outcomes.chunks(suite.seeds.len()).map(Now::of).collect()
    }

    /// Adds the first decision that changed to each scenario that decides otherwise.
    fn explain(
        &self,
        suite: &Experiment,
        (baseline, folder): (&Baseline, &Path),
        report: &mut Report,
    ) {
        let causes = self.cores.each(report.scenarios.len(), |point| {
            let judged = &report.scenarios[point];
            let journals = &baseline.scenarios.get(&judged.name)?.journals;
            let seeds = judged.decided_otherwise.iter();
            let (seed, name) = seeds.filter_map(|seed| journals.get_key_value(seed)).next()?;
            Some(cause(suite, point, *seed, &folder.join(name)))
        });
        for (judged, cause) in report.scenarios.iter_mut().zip(causes) {
            judged.cause = cause;
        }
    }

    fn accept(&self, suite: &Experiment, rules: &Rules, folder: &Path) -> Result<Answer, Failure> {
        let before = self.replaceable(folder)?;
        let now = self.run_all(suite);
        let mut baseline = Baseline {
            suite: suite.name.clone(),
            seeds: suite.seeds.clone(),
            scenarios: BTreeMap::new(),
        };
        let mut runs = Vec::new();
        for (point, now) in now.iter().enumerate() {
            let (name, hash) = (suite.point_name(point), suite.points[point].scenario.hash());
            let accepted = now.accepted(hash, COMMIT);
            let known = before.as_ref().and_then(|before| before.scenarios.get(&name));
            let as_before = known.filter(|known| {
                let journals = suite.seeds.iter().take(suite.journals);
                known.is_as(&accepted) && known.has_journals(folder, journals)
            });
            if as_before.is_none() {
                runs.extend((0..suite.journals).map(|seed| point * suite.seeds.len() + seed));
            }
            baseline.scenarios.insert(name, as_before.cloned().unwrap_or(accepted));
        }
        match &before {
            Some(before) if before.seeds == suite.seeds => {
                let report = judge(suite, rules, before, &now);
                self.tell(accepted(&report, [before, &baseline], self.all, self.look()))?;
            }
            Some(_) => {
                self.voice.remark("the baseline before has other seeds, so nothing is compared");
            }
            None => {}
        }
        if before.as_ref() == Some(&baseline) {
            self.tell("Nothing is to be accepted: everything is as it was.")?;
            return Ok(Answer::Yes);
        }
        let journals =
            self.cores.each(runs.len(), |index| NewJournal::of(suite, runs[index], COMMIT));
        let Kept { text, journals } = baseline.store(folder, &journals)?;
        let kib = |bytes: u64| format!("{} KiB", bytes.div_ceil(1024));
        self.tell(format_args!(
            "Accepted: {} × {} in {}: {} of measures, {} of journals. Commit it.",
            count(suite.points.len() as u64, "scenario"),
            count(suite.seeds.len() as u64, "seed"),
            folder.display(),
            kib(text),
            kib(journals),
        ))?;
        Ok(Answer::Yes)
    }

    /// The baseline that is replaced, if there is one that can be read.
    fn replaceable(&self, folder: &Path) -> Result<Option<Baseline>, Failure> {
        match Baseline::read(folder) {
            Ok(None) if holds_something(folder) => {
                let what = format!("`{}` holds files, but no baseline", folder.display());
                Err(Failure::new(what, "name another folder with --baseline"))
            }
            Ok(before) => Ok(before),
            Err(issues) => {
                say(issues);
                self.voice.remark("it is replaced, and what that changes cannot be shown");
                Ok(None)
            }
        }
    }

    /// Starts what is to be written; it replaces what is there only when all is done.
    fn open(&self, suite: &Experiment, folder: &Path) -> Result<Vec<Output<'_>>, Failure> {
        let baseline = fs::read_dir(folder).into_iter().flatten();
        let baseline: Vec<_> = baseline.filter_map(|it| Some(it.ok()?.path())).collect();
        let outputs = [&self.junit, &self.markdown].into_iter().flatten().map(PathBuf::as_path);
        let inputs = suite.files.iter().chain(&baseline).map(PathBuf::as_path);
        keep_apart(outputs, inputs.chain([self.suite.as_path()]))?;
        let forms: [(&Option<PathBuf>, Write); 2] = [
            (&self.junit, |report| junit(report).to_string()),
            (&self.markdown, |report| markdown(report).to_string()),
        ];
        let wanted = forms.into_iter().filter_map(|(path, write)| Some((path.as_deref()?, write)));
        wanted.map(|(path, write)| Output::open(path, write)).collect()
    }

    /// Whether standard output belongs to an output, so that people are told on standard error.
    fn stdout_is_taken(&self) -> bool {
        [&self.junit, &self.markdown].into_iter().flatten().any(|path| is_stdout(path))
    }

    fn look(&self) -> Look {
        if self.stdout_is_taken() { look(&io::stderr()) } else { look(&io::stdout()) }
    }

    fn tell(&self, text: impl Display) -> Result<(), Failure> {
        let text = text.to_string();
        match (self.voice.quiet || text.is_empty(), self.stdout_is_taken()) {
            (true, _) => Ok(()),
            (false, true) => {
                say(text.trim_end());
                Ok(())
            }
            (false, false) => print(format_args!("{}\n", text.trim_end())),
        }
    }
}

/// A form of the report, and where it goes.
struct Output<'a> {
    path: &'a Path,
    file: OutFile,
    write: Write,
}

type Write = fn(&Report) -> String;

impl<'a> Output<'a> {
    fn open(path: &'a Path, write: Write) -> Result<Self, Failure> {
        let file = OutFile::create(path).map_err(|error| Failure::output(path, &error))?;
        Ok(Self { path, file, write })
    }

    fn keep(mut self, report: &Report) -> Result<(), Failure> {
        let text = (self.write)(report);
        let kept = self.file.write_all(text.as_bytes()).and_then(|()| self.file.finish());
        kept.map_err(|error| Failure::output(self.path, &error))
    }
}

/// The verdict on each scenario that the baseline has.
fn judge(suite: &Experiment, rules: &Rules, baseline: &Baseline, now: &[Now]) -> Report {
    let judged = now.iter().enumerate().filter_map(|(point, now)| {
        let before = baseline.scenarios.get(&suite.point_name(point))?;
        Some(rules.judge(suite, point, before, now, COMMIT))
    });
    Report::new(suite, COMMIT, judged.collect())
}

/// The first decision that is not as the journal says, or why that is not known: the verdict stands
/// without it.
fn cause(suite: &Experiment, point: usize, seed: u64, path: &Path) -> Result<Cause, String> {
    let nth = suite.seeds.iter().position(|it| *it == seed).expect("a seed of the suite");
    let now = suite.journal(point * suite.seeds.len() + nth, COMMIT, Vec::new());
    let now = now.expect("memory takes it");
    let unreadable = |error: JournalError| {
        let error = error.to_string();
        let what = error.lines().next().unwrap_or_default().trim_start_matches("error: ");
        format!("{}: {what}; restore the baseline, or accept anew", path.display())
    };
    let was = Journal::open(path).map_err(unreadable)?;
    let now = Journal::read("now", io::Cursor::new(now)).map_err(unreadable)?;
    let diff = diff(was, now).map_err(unreadable)?;
    let brief = in_brief(&diff)
        .ok_or_else(|| format!("{} is not of the run that is in the baseline", path.display()))?;
    Ok(Cause { seed, brief, page: page(&diff, ["baseline", "now"], None) })
}

fn holds_something(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some())
}

impl From<Unkept> for Failure {
    fn from(error: Unkept) -> Self {
        Self::Told(error.to_string())
    }
}
