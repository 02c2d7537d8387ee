//! `provisioner compare`: what differs measurably, seed by seed.

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use provisioner_reports::sweep::{Reference, compare, warnings};
use provisioner_scenarios::experiment::Experiment;
use provisioner_scenarios::results::{Manifest, Results};

use crate::cores::on_all_cores;
use crate::terminal::{Failure, look, print, say, warn};
use crate::{Answer, COMMIT};

/// Say what differs between scenarios, points of a sweep, or sweeps, and how sure that is
///
/// Runs with equal seeds see equal tasks, prices, boot times and faults, so they are compared in
/// pairs: for each main measure the difference and the ratio, with 95 % confidence intervals, and in
/// words what is measurably different.
///
/// Scenario files are run here, with equal seeds, and compared with the first. Of the results of a
/// sweep, points are compared with those that have the reference level and are otherwise the same.
/// Results of several sweeps with equal axes, of two commits for example, are compared point by
/// point with those of the first.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Compare {
    /// Scenario files, or folders that `provisioner sweep` has filled
    #[arg(required = true)]
    inputs: Vec<PathBuf>,
    /// What to compare with; otherwise the first level of the first axis that is ours to choose
    #[arg(long, value_name = "AXIS=LEVEL")]
    reference: Option<String>,
    /// With how many seeds scenarios are run, from 1 on
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    seeds: u64,
}

const AFTER_HELP: &str = "\
Examples:
  provisioner compare scenarios/firefox-ci-2021-scaling-ratio-cheapest.toml \\
    scenarios/firefox-ci-2021-target-spread.toml
  provisioner compare week.results --reference policy=v1
  provisioner compare before.results after.results

Exit codes: 0 it could be said; 2 it could not run.";

impl Compare {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let folders = self.inputs.iter().filter(|input| input.is_dir()).count();
        let results = match (folders, self.inputs.as_slice()) {
            (1, [folder]) => Results::read(folder)?,
            (0, [_, _, ..]) => self.scenarios()?,
            (all, inputs) if all == inputs.len() => {
                let read = |path: &PathBuf| Ok((path.display().to_string(), Results::read(path)?));
                Results::beside(inputs.iter().map(read).collect::<Result<_, Failure>>()?)?
            }
            _ => {
                let hint = "name several scenario files, or folders of results";
                return Err(Failure::new("there is nothing to compare", hint));
            }
        };
        let reference = self.reference(&results)?;
        print(format_args!("{}", compare(&results, reference, look(&io::stdout()))))?;
        if results.missing() > 0 {
            warn(format_args!("{} runs are missing", results.missing()));
        }
        warnings(&results).iter().for_each(warn);
        Ok(Answer::Yes)
    }

    fn reference(&self, results: &Results) -> Result<Reference, Failure> {
        let wrong = |what: String| Failure::new(what, "write for example --reference policy=v1");
        let Some(text) = &self.reference else {
            let none = || wrong("there is no axis whose levels could be compared".to_owned());
            return Reference::first(results).ok_or_else(none);
        };
        Reference::parse(results, text).map_err(wrong)
    }

    /// Scenarios as the points of an experiment of one axis, run.
    fn scenarios(&self) -> Result<Results, Failure> {
        let mut text = format!("seeds = {}\n[axes.scenario.variants]\n", self.seeds);
        for input in &self.inputs {
            let (name, base) =
                (quoted(&name(input, &self.inputs)), quoted(&input.to_string_lossy()));
            text += &format!("{name} = {{ base = {base} }}\n");
        }
        let experiment = Experiment::load_text(Path::new("compare"), &text)?;
        experiment.remarks.iter().for_each(|remark| say(format_args!("remark: {remark}")));
        let outcomes = on_all_cores(experiment.runs(), |run| experiment.run(run));
        let manifest = Manifest::new(&experiment, COMMIT, None);
        Ok(Results { manifest, outcomes: outcomes.into_iter().enumerate().collect() })
    }
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
