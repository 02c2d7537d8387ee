//! `provisioner incidents`: what hurt others, run by them and by us.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use provisioner_engine::random::Seed;
use provisioner_reports::checks::{Checked, Verdict, bind};
use provisioner_reports::incidents::{Cell, Row, table};
use provisioner_scenarios::{Loaded, Profile, Scenario, load};
use provisioner_sim::Hooks;

use crate::Answer;
use crate::cores::Cores;
use crate::terminal::{Failure, print, say};

/// Run what hurt others by their policies and by ours, and show the number that matters
///
/// Each scenario needs one check with `headline = true`. The provisioners are those of
/// `provisioner simulate --as`: the predecessors, ours without what the scenario says that its
/// accident is about, and ours, of which the worst of several seeds is shown.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Incidents {
    /// Scenario files, or folders of them
    #[arg(default_value = "scenarios/incidents")]
    paths: Vec<PathBuf>,
    /// For how many seeds ours is run, counted from the scenario's own
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    seeds: u64,
    #[command(flatten)]
    cores: Cores,
}

const AFTER_HELP: &str = "\
Examples:
  provisioner incidents
  provisioner incidents scenarios/incidents/lost-response.toml --seeds 1

Exit codes: 0 all checks pass for ours; 1 some fail; 2 it could not run.";

impl Incidents {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let mut scenarios = Vec::new();
        for path in self.files()? {
            let Loaded { scenario, .. } = load(&path)?;
            if !scenario.checks().iter().any(|check| check.headline) {
                let what = format!("`{}` has no headline", path.display());
                return Err(Failure::new(what, "add headline = true to one of its checks"));
            }
            bind(&scenario, &scenario.config(scenario.seed()))?;
            scenarios.push(scenario);
        }
        let rows = self.cores.each(scenarios.len(), |index| row(&scenarios[index], self.seeds));
        let names = Profile::ALL.map(Profile::name);
        let (rows, failed): (Vec<Row>, Vec<Vec<String>>) = rows.into_iter().unzip();
        print(format_args!("{}", table(&names, &rows)))?;
        for row in rows.iter().filter(|row| !row.bites()) {
            say(format_args!("remark: nobody fails {}", row.name));
        }
        failed.iter().flatten().for_each(say);
        Ok(if failed.iter().all(Vec::is_empty) { Answer::Yes } else { Answer::No })
    }

    fn files(&self) -> Result<Vec<PathBuf>, Failure> {
        let mut files = Vec::new();
        for path in &self.paths {
            if path.is_dir() {
                files.extend(scenarios_in(path)?);
            } else {
                files.push(path.clone());
            }
        }
        Ok(files)
    }
}

fn scenarios_in(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unreadable = |error| {
        let what = format!("`{}` cannot be read: {error}", folder.display());
        Failure::new(what, "name a folder of scenario files")
    };
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let paths = entries.map_err(unreadable)?.into_iter().map(|entry| entry.path());
    let is_scenario = |path: &PathBuf| path.extension().is_some_and(|end| end == "toml");
    let mut paths: Vec<_> = paths.filter(is_scenario).collect();
    paths.sort();
    Ok(paths)
}

/// A scenario's row, and what failed under ours.
fn row(scenario: &Scenario, seeds: u64) -> (Row, Vec<String>) {
    let mut row = Row { name: scenario.name().to_owned(), ..Row::default() };
    let mut failed = Vec::new();
    for profile in Profile::ALL {
        if profile == Profile::Unguarded && !scenario.has_unguarded() {
            row.cells.push(Cell::none());
            continue;
        }
        let scenario = scenario.clone().run_by(profile);
        let seeds = if profile == Profile::Ours { seeds } else { 1 };
        let seeds: Vec<Seed> = (0..seeds).map(|nth| Seed(scenario.seed().0 + nth)).collect();
        let runs: Vec<_> = seeds.iter().map(|seed| checked(&scenario, *seed)).collect();
        row.push(&runs);
        if profile == Profile::Ours {
            failed =
                seeds.iter().zip(&runs).flat_map(|(seed, run)| complaints(*seed, run)).collect();
        }
    }
    let name = scenario.name();
    (row, failed.into_iter().map(|line| format!("{name}, {line}")).collect())
}

fn checked(scenario: &Scenario, seed: Seed) -> Vec<Checked<'_>> {
    let config = scenario.config(seed);
    let checks = bind(scenario, &config).expect("the same measures for every provisioner");
    checks.judge(&scenario.run(&config, Hooks::default()))
}

/// What fails in a run with this seed.
fn complaints(seed: Seed, checked: &[Checked<'_>]) -> Vec<String> {
    let fails = checked.iter().filter(|checked| checked.verdict == Verdict::Failed);
    let line = |checked: &Checked<'_>| {
        let (measure, because) = (&checked.check.measure, &checked.check.because);
        let (value, bounds) = (checked.shown_value(), checked.shown_bounds());
        format!("seed {}: {measure} is {value}, {bounds}: {because}", seed.0)
    };
    fails.map(line).collect()
}
