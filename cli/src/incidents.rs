//! `provisioner incidents`: what hurt others, run by them and by us.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use provisioner_reports::checks::{Checked, Verdict, bind};
use provisioner_reports::incidents::{Row, table};
use provisioner_scenarios::{Loaded, Profile, Scenario, load};
use provisioner_sim::Hooks;

use crate::Answer;
use crate::cores::on_all_cores;
use crate::terminal::{Failure, print, say};

/// Run scenarios as the predecessors and as ours, and show the number that matters of each
///
/// Each scenario needs one check with `headline = true`. The provisioners are those of
/// `provisioner simulate --as`.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Incidents {
    /// Scenario files, or folders of them
    #[arg(default_value = "scenarios/incidents")]
    paths: Vec<PathBuf>,
}

const AFTER_HELP: &str = "\
Examples:
  provisioner incidents
  provisioner incidents scenarios/incidents/lost-response.toml

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
        let rows = on_all_cores(scenarios.len(), |index| row(&scenarios[index]));
        let names = Profile::ALL.map(Profile::name);
        let (rows, failed): (Vec<Row>, Vec<Vec<String>>) = rows.into_iter().unzip();
        print(format_args!("{}", table(&names, &rows)))?;
        for row in rows.iter().filter(|row| !row.bites()) {
            say(format_args!("remark: no predecessor fails {}", row.name));
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
fn row(scenario: &Scenario) -> (Row, Vec<String>) {
    let mut row = Row { name: scenario.name().to_owned(), ..Row::default() };
    let mut failed = Vec::new();
    for profile in Profile::ALL {
        let scenario = scenario.clone().run_by(profile);
        let seed = scenario.seed();
        let config = scenario.config(seed);
        let checks = bind(&scenario, &config).expect("the same measures for every provisioner");
        let outcome = provisioner_sim::run(&config, &mut *scenario.tasks(seed), Hooks::default());
        let checked = checks.judge(&outcome);
        row.push(&checked);
        if profile == Profile::Ours {
            let fails = |checked: &&Checked<'_>| checked.verdict == Verdict::Failed;
            failed.extend(checked.iter().filter(fails).map(|checked| {
                let (name, because) = (scenario.name(), &checked.check.because);
                let (value, bounds) = (checked.shown_value(), checked.shown_bounds());
                format!("{name}: {} is {value}, {bounds}: {because}", checked.check.measure)
            }));
        }
    }
    (row, failed)
}
