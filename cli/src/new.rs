//! `provisioner new`: a commented scenario from answers or flags.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use dialoguer::theme::ColorfulTheme;
use dialoguer::{Input, Select};
use provisioner_scenarios::draft::{Answer as Asked, Dialog, Draft, Wishes, Wrong, ask};
use provisioner_scenarios::load_text;
use provisioner_scenarios::output::{OutFile, is_stdout};

use crate::Answer;
use crate::scenarios::shipped;
use crate::terminal::{Failure, say};

/// Write a commented scenario, to be changed by hand
///
/// On a terminal, and without flags, it asks a few questions; otherwise never. What is left out is
/// chosen. Recorded tasks and prices are looked at: the scenario takes its time, queues, zones and
/// instance types from them. The file is written only if it loads.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct New {
    /// The file to write; - is standard output
    file: PathBuf,
    /// Begin with a scenario that comes with the program (see `provisioner scenarios`)
    #[arg(long, value_name = "NAME", conflicts_with = "wishes")]
    like: Option<String>,
    #[command(flatten)]
    wishes: Flags,
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
}

#[derive(Args)]
#[group(id = "wishes", multiple = true)]
struct Flags {
    /// firefox-builds, firefox-tests, research-cluster, or a file of recorded tasks
    #[arg(long, value_name = "PRESET|FILE")]
    tasks: Option<String>,
    /// What that file is, if it does not tell: canonical, firefox-ci, swf, task-table,
    /// taskcluster
    #[arg(long)]
    format: Option<String>,
    /// Generated tasks an hour, mean of a week
    #[arg(long, value_name = "N")]
    tasks_per_hour: Option<String>,
    /// capacity (since 2017-11: shortage interrupts) or outbid (before: the price does)
    #[arg(long)]
    regime: Option<String>,
    /// modern, bid-era, or a file of recorded spot prices
    #[arg(long, value_name = "ERA|FILE")]
    prices: Option<String>,
    /// Zones, or regions for three zones of each, separated by commas
    #[arg(long, value_name = "ZONE|REGION,…", value_delimiter = ',')]
    zones: Vec<String>,
    /// Instance types; one that is not known with its on-demand price: c7g.xlarge=$0.145/h
    #[arg(long, value_name = "TYPE,…", value_delimiter = ',')]
    instance_types: Vec<String>,
    /// Most tasks at once
    #[arg(long, value_name = "N")]
    capacity_max: Option<String>,
    /// Buy on demand after so long without a spot machine
    #[arg(long, value_name = "DURATION")]
    on_demand_after: Option<String>,
    /// How long 95 of 100 tasks may wait at most: becomes a check
    #[arg(long, value_name = "DURATION")]
    wait_p95: Option<String>,
    /// For how long tasks are submitted
    #[arg(long, value_name = "DURATION")]
    length: Option<String>,
}

const AFTER_HELP: &str = "\
Examples:
  provisioner new mine.toml
  provisioner new days.toml --like diurnal-ci
  provisioner new tests.toml --tasks firefox-tests --zones us-east-1 --on-demand-after '10 min'
  provisioner new recorded.toml --tasks jobs.trace --prices describe-spot-price-history.json
  provisioner new - --prices bid-era --wait-p95 '20 min' | head

Exit codes: 0 it is written; 2 it is not, and why.";

impl New {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let path = self.file.as_path();
        if path.exists() && !self.force && !is_stdout(path) {
            let what = format!("`{}` is there already", path.display());
            return Err(Failure::new(what, "choose another name, or replace it with --force"));
        }
        let text = match &self.like {
            Some(name) => shipped(name)?.text.to_owned(),
            None => self.draft(path)?,
        };
        load_text(path, &text)?;
        let written = OutFile::create(path)
            .and_then(|mut file| file.write_all(text.as_bytes()).map(|()| file))
            .and_then(OutFile::finish);
        written.map_err(|error| Failure::output(path, &error))?;
        if !is_stdout(path) {
            let path = path.display();
            say(format_args!("written: {path}\nnext: provisioner simulate {path}"));
        }
        Ok(Answer::Yes)
    }

    /// The text of what is wanted.
    fn draft(&self, path: &Path) -> Result<String, Failure> {
        let mut wishes = self.wishes.wishes();
        let somebody = io::stdin().is_terminal() && io::stderr().is_terminal();
        if wishes == Wishes::default() && somebody {
            match ask(&mut Terminal(ColorfulTheme::default())) {
                Ok(Asked::Like(name)) => return Ok(shipped(name)?.text.to_owned()),
                Ok(Asked::Wishes(asked)) => wishes = *asked,
                Err(error) => {
                    let hint = "say by flags what is wanted: `provisioner new --help`";
                    return Err(Failure::new(format_args!("no answer: {error}"), hint));
                }
            }
        }
        Ok(Draft::of(&wishes).map_err(told)?.text(path))
    }
}

impl Flags {
    fn wishes(&self) -> Wishes {
        let Self { tasks, format, tasks_per_hour, regime, prices, .. } = self;
        let Self { zones, instance_types, capacity_max, on_demand_after, wait_p95, length, .. } =
            self;
        Wishes {
            tasks: tasks.clone(),
            format: format.clone(),
            tasks_per_hour: tasks_per_hour.clone(),
            regime: regime.clone(),
            prices: prices.clone(),
            zones: zones.clone(),
            instance_types: instance_types.clone(),
            capacity_max: capacity_max.clone(),
            on_demand_after: on_demand_after.clone(),
            wait_p95: wait_p95.clone(),
            length: length.clone(),
        }
    }
}

/// All of it at once.
fn told(wrong: Vec<Wrong>) -> Failure {
    let told = wrong.iter().map(|Wrong { what, hint }| {
        let what = what.strip_prefix("error: ").unwrap_or(what);
        format!("error: {what}\nhint: {hint}")
    });
    Failure::Told(told.collect::<Vec<_>>().join("\n\n"))
}

/// Questions on standard error, answers from the keyboard.
struct Terminal(ColorfulTheme);

impl Dialog for Terminal {
    type Error = dialoguer::Error;

    fn choose(&mut self, question: &str, options: &[String]) -> Result<usize, Self::Error> {
        Select::with_theme(&self.0).with_prompt(question).items(options).default(0).interact()
    }

    fn text(
        &mut self,
        question: &str,
        usual: &str,
        check: &dyn Fn(&str) -> Result<(), String>,
    ) -> Result<String, Self::Error> {
        let mut input = Input::<String>::with_theme(&self.0)
            .with_prompt(question)
            .allow_empty(true)
            .validate_with(|said: &String| check(said));
        if !usual.is_empty() {
            input = input.default(usual.to_owned());
        }
        input.interact_text()
    }
}
