//! `provisioner compare`: what differs measurably, seed by seed.

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use provisioner_reports::sweep::{Reference, Selection, compare, front, warnings};
use provisioner_reports::{Run, json};
use provisioner_scenarios::experiment::Experiment;
use provisioner_scenarios::file::quantity::{self, Amount};
use provisioner_scenarios::output;
use provisioner_scenarios::results::{Manifest, Results, SingleRun};

use crate::cores::Cores;
use crate::terminal::{Failure, look, print, say, warn, word};
use crate::{Answer, COMMIT};

/// Say what differs between scenarios, points of a sweep, sweeps or runs, and how surely
///
/// Runs with equal seeds see equal tasks, prices, boot times and faults, so they are compared in
/// pairs: for each measure the difference and the ratio, with 95 % confidence intervals, and in
/// words what is measurably different. Then the points on the front of cost against wait follow:
/// those that no other beats in both, measurably or not.
///
/// Scenario files are run here, with equal seeds, and compared with the first. Of the results of a
/// sweep, points are compared with those that have the reference level and are otherwise the same.
/// Results of several sweeps with equal axes, of two commits for example, are compared point by
/// point with those of the first. Outcomes that `simulate --json` has written are grouped by
/// scenario and commit, and paired by their seeds.
///
/// It warns where seeds are too few to tell a difference that matters, and says how many would do;
/// where tasks that waited for the first workers are among the waits measured; where a limit was in
/// the way (`capacity_max`, prices, spending, calls, launches); and where work was left undone.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Compare {
    /// Scenario files, folders that `provisioner sweep` has filled, or outcomes (.json)
    #[arg(required = true)]
    inputs: Vec<PathBuf>,
    /// What to compare with; otherwise the first level of the first axis that is ours to choose
    #[arg(long, value_name = "AXIS=LEVEL")]
    reference: Option<String>,
    /// Compare these measures: the path of a number of `simulate --json`, or of a group of them;
    /// may be given several times
    #[arg(long, value_name = "PATH", conflicts_with = "all")]
    measure: Vec<String>,
    /// Compare every measure, but those of single worker types
    #[arg(long)]
    all: bool,
    /// The least difference in cost or p95 wait that matters
    #[arg(long, value_name = "SHARE", default_value = "2 %", value_parser = share)]
    matters: f64,
    /// With how many seeds scenarios are run, from 1 on
    #[arg(long, default_value_t = SEEDS, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    seeds: u64,
    #[command(flatten)]
    cores: Cores,
}

/// With how many seeds scenarios are compared.
pub(crate) const SEEDS: u64 = 10;

const AFTER_HELP: &str = "\
Examples:
  provisioner compare week.toml week-on-demand.toml --seeds 4
  provisioner compare policies.results --reference policy=v1
  provisioner compare policies.results --measure total.cost_usd --measure worker_types
  provisioner compare before.results after.results

Exit codes: 0 it could be said; 2 it could not run.";

impl Compare {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let results = results(&self.inputs, self.seeds, &self.cores)?;
        let reference = self.reference(&results)?;
        let chosen = self.selection().find(&results).map_err(|what| {
            Failure::new(what, "`simulate --json` shows all; write for example total.cost_usd.idle")
        })?;
        let look = look(&io::stdout());
        let compared = compare(&results, reference, &chosen, look);
        print(format_args!("{compared}"))?;
        if results.manifest.points.len() > 2 {
            print(format_args!("\n{}", front(&results, look)))?;
        }
        if results.missing() > 0 {
            warn(format_args!("{} runs are missing", results.missing()));
        }
        compared.too_few_seeds(self.matters).iter().for_each(warn);
        warnings(&results).iter().for_each(warn);
        Ok(Answer::Yes)
    }

    fn selection(&self) -> Selection {
        match (self.all, self.measure.as_slice()) {
            (true, _) => Selection::All,
            (false, []) => Selection::Main,
            (false, paths) => Selection::Paths(paths.to_vec()),
        }
    }

    fn reference(&self, results: &Results) -> Result<Reference, Failure> {
        match &self.reference {
            Some(text) => reference(results, text),
            None => Reference::first(results).ok_or_else(|| {
                let hint = "compare several points, folders or scenarios";
                Failure::new("there is no axis whose levels could be compared", hint)
            }),
        }
    }
}

/// What inputs of one kind came to, side by side.
pub(crate) fn results(inputs: &[PathBuf], seeds: u64, cores: &Cores) -> Result<Results, Failure> {
    let folders = inputs.iter().filter(|input| input.is_dir()).count();
    let outcomes = inputs.iter().filter(|input| is_outcome(input)).count();
    let all = inputs.len();
    match (folders, outcomes, inputs) {
        (1, 0, [folder]) => Ok(Results::read(folder)?),
        (0, 0, [_, _, ..]) => scenarios(inputs, seeds, cores),
        (folders, 0, inputs) if folders == all => {
            let read = |path: &PathBuf| Ok((path.display().to_string(), Results::read(path)?));
            Ok(Results::beside(inputs.iter().map(read).collect::<Result<_, Failure>>()?)?)
        }
        (0, outcomes, inputs @ [_, _, ..]) if outcomes == all => {
            let runs = inputs.iter().map(|path| outcome(path));
            Ok(Results::of_runs(runs.collect::<Result<_, Failure>>()?)?)
        }
        _ => {
            let hint = "name several scenario files, several outcomes, or folders of results";
            Err(Failure::new("there is nothing to compare", hint))
        }
    }
}

/// Scenarios as the points of an experiment of one axis, run.
fn scenarios(inputs: &[PathBuf], seeds: u64, cores: &Cores) -> Result<Results, Failure> {
    let mut text = format!("seeds = {seeds}\n[axes.scenario.variants]\n");
    for input in inputs {
        let (name, base) = (quoted(&name(input, inputs)), quoted(&input.to_string_lossy()));
        text += &format!("{name} = {{ base = {base} }}\n");
    }
    let experiment = Experiment::load_text(Path::new("compare"), &text)?;
    experiment.remarks.iter().for_each(|remark| say(format_args!("remark: {remark}")));
    let outcomes = cores.each(experiment.runs(), |run| experiment.run(run));
    let manifest = Manifest::new(&experiment, COMMIT, None);
    Ok(Results { manifest, outcomes: outcomes.into_iter().enumerate().collect() })
}

/// What is written as a reference; where there is no such point, one that there is is named.
pub(crate) fn reference(results: &Results, text: &str) -> Result<Reference, Failure> {
    Reference::parse(results, text).map_err(|what| {
        let axes = &results.manifest.axes;
        let meant = axes.iter().find(|axis| text.split('=').next() == Some(&axis.name));
        let known = meant.or(axes.iter().find(|axis| !axis.given)).or(axes.first());
        let known = known.map(|axis| word(&format!("{}={}", axis.name, axis.levels[0])));
        let hint = |known| format!("write for example --reference {known}");
        Failure::new(what, known.map_or_else(|| "leave --reference out".to_owned(), hint))
    })
}

fn share(text: &str) -> Result<f64, String> {
    match quantity::amount(text) {
        Ok(Amount::Share(share)) if share.as_f64() > 0.0 => Ok(share.as_f64()),
        _ => Err("write for example \"2 %\"".to_owned()),
    }
}

/// Whether `simulate --json` has written it, by its name.
pub(crate) fn is_outcome(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    [".json", ".json.zst", ".json.gz"].iter().any(|ending| name.ends_with(ending))
}

fn outcome(path: &Path) -> Result<SingleRun, Failure> {
    let unusable = |what: String| {
        let what = format!("`{}` is no outcome: {what}", path.display());
        Failure::new(what, "name files that `provisioner simulate --json` has written")
    };
    let bytes = output::read(path).map_err(|error| unusable(error.to_string()))?;
    let (run, outcome) = json::read(&bytes).map_err(unusable)?;
    let Run { scenario, scenario_hash, seed, commit } = run;
    Ok(SingleRun { scenario, scenario_hash, seed, commit, outcome })
}

/// A file's name without its extension, or its path if others have the same name.
fn name(path: &Path, all: &[PathBuf]) -> String {
    let twins = all.iter().filter(|other| other.file_stem() == path.file_stem()).count();
    let name = if twins > 1 { path.as_os_str() } else { path.file_stem().unwrap_or_default() };
    name.to_string_lossy().into_owned()
}

/// A text as TOML.
fn quoted(text: &str) -> String {
    let escaped: String = text
        .chars()
        .flat_map(|c| match c {
            '"' | '\\' => vec!['\\', c],
            c => vec![c],
        })
        .collect();
    format!("\"{escaped}\"")
}
