//! `provisioner report`: a page to show to others.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use provisioner_engine::random::Seed;
use provisioner_engine::units::Time;
use provisioner_reports::Run;
use provisioner_reports::checks::bind;
use provisioner_reports::html::{run, sweep};
use provisioner_reports::sweep::Reference;
use provisioner_scenarios::output::{OutFile, is_stdout};
use provisioner_scenarios::results::{Manifest, ManifestPoint, RESULTS_FORMAT, Results};
use provisioner_scenarios::timeline::Timeline;
use provisioner_scenarios::{Loaded, Profile, Scenario, load};
use provisioner_sim::outcome::OUTCOME_VERSION;

use crate::compare::reference;
use crate::cores::Cores;
use crate::simulate::profiles;
use crate::terminal::{Failure, Voice, word};
use crate::{Answer, COMMIT};

/// Write a page to show to others: what a scenario or a sweep came to, with pictures
///
/// One HTML file that needs nothing else, neither network nor scripts, and can be printed. Equal
/// input gives equal bytes.
///
/// Of a scenario, which is run: spending over time and by use, beside the least that anybody could
/// have paid; queue and capacity of each worker type; how long tasks waited; market prices with our
/// launches and interruptions; the reasons of decisions, by how often they were given; and with
/// several seeds how much is chance. Of a folder that `provisioner sweep` has filled: cost against
/// wait with the points that none beats, what each axis does, and differences with their intervals.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Report {
    /// A scenario file, or a folder of results
    input: PathBuf,
    /// The page; otherwise NAME.html here
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// With how many seeds a scenario is run, from its own on; the pictures are of the first
    #[arg(long, value_name = "N", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=10_000))]
    seeds: u64,
    /// The first seed, instead of the scenario's own
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Run the scenario as another provisioner would have, see `provisioner simulate --help`
    #[arg(long = "as", value_name = "PROFILE", value_parser = profiles())]
    run_by: Option<Profile>,
    /// What the points of a sweep are compared with; otherwise the first level of the first axis
    /// that is ours to choose
    #[arg(long, value_name = "AXIS=LEVEL")]
    reference: Option<String>,
    #[command(flatten)]
    cores: Cores,
    #[command(flatten)]
    voice: Voice,
}

const AFTER_HELP: &str = "\
Examples:
  provisioner report scenarios/quickstart.toml
  provisioner report week.toml --seeds 4 -o week.html
  provisioner report policies.results --reference policy=v1

Exit codes: 0 the page is written; 2 it could not be.";

/// About how many steps a run is drawn in: as many as a picture has room for.
const STEPS: i64 = 300;

impl Report {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let begun = Instant::now();
        let page = match (self.input.is_dir(), &self.reference) {
            (true, _) if self.seeds > 1 || self.seed.is_some() || self.run_by.is_some() => {
                let what = format!("`{}` is a folder of results", self.input.display());
                return Err(Failure::new(
                    what,
                    "its runs are done: leave --seeds, --seed and --as out",
                ));
            }
            (false, Some(_)) => {
                let what = format!("`{}` is no folder of results", self.input.display());
                return Err(Failure::new(what, "--reference is for sweeps: leave it out"));
            }
            (true, _) => self.sweep()?,
            (false, None) => self.scenario()?,
        };
        let stem = self.input.file_stem().unwrap_or_default();
        let path =
            self.output.clone().unwrap_or_else(|| PathBuf::from(stem).with_extension("html"));
        let written = OutFile::create(&path).and_then(|mut file| {
            file.write_all(page.as_bytes())?;
            file.finish()
        });
        written.map_err(|error| Failure::output(&path, &error))?;
        if !is_stdout(&path) {
            let (took, size) = (begun.elapsed().as_secs_f64(), page.len().div_ceil(1_000));
            self.voice.say(format_args!("{} written: {size} kB in {took:.1} s", path.display()));
        }
        Ok(Answer::Yes)
    }

    fn sweep(&self) -> Result<String, Failure> {
        let results = Results::read(&self.input)?;
        let named = self.reference.as_ref().map(|text| reference(&results, text)).transpose()?;
        let reference = named.or_else(|| Reference::first(&results));
        let with = self.reference.iter().map(|text| format!(" --reference {}", word(text)));
        let commands =
            [format!("provisioner report {}{}", path(&self.input), with.collect::<String>())];
        Ok(sweep::page(&sweep::Report { results: &results, reference, commands: &commands }))
    }

    fn scenario(&self) -> Result<String, Failure> {
        let Loaded { mut scenario, remarks } = load(&self.input)?;
        let mut name = scenario.name().to_owned();
        if let Some(profile) = self.run_by {
            scenario = scenario.run_by(profile);
            name += &format!(" as {}", profile.name());
        }
        let first = self.seed.unwrap_or(scenario.seed().0);
        let config = scenario.config(Seed(first));
        let checks = bind(&scenario, &config)?;
        let length = config.start.ms().abs_diff(config.end.ms());
        let bar = self.voice.bar(length, "{bar:32} {percent:>3} %  {eta} to go");
        let mut reach = |now: Time| bar.set_position(config.start.ms().abs_diff(now.ms()));
        let (config, outcome, timeline) =
            Timeline::watch(&scenario, Seed(first), STEPS, Some(&mut reach));
        bar.finish_and_clear();
        let seeds: Vec<u64> = (first..).take(self.seeds_as_usize()).collect();
        let others = self.cores.each(seeds.len() - 1, |index| {
            scenario.run(&scenario.config(Seed(seeds[index + 1])), Default::default())
        });
        let outcomes = std::iter::once(outcome.clone()).chain(others).enumerate().collect();
        let results = Results { manifest: manifest(&name, &scenario, seeds), outcomes };
        let run = Run {
            scenario: name,
            scenario_hash: scenario.hash().to_owned(),
            seed: first,
            commit: COMMIT.to_owned(),
        };
        Ok(run::page(&run::Report {
            run: &run,
            description: scenario.description(),
            config: &config,
            outcome: &outcome,
            timeline: &timeline,
            seeds: &results,
            checked: &checks.judge(&outcome),
            remarks: &remarks,
            commands: &self.commands(&run),
        }))
    }

    fn seeds_as_usize(&self) -> usize {
        usize::try_from(self.seeds).unwrap_or(1)
    }

    /// What gives this page, and the run that it draws.
    fn commands(&self, run: &Run) -> [String; 2] {
        let file = path(&self.input);
        let profile = self.run_by.map_or_else(String::new, |by| format!(" --as {}", by.name()));
        let Run { scenario_hash, seed, commit, .. } = run;
        let seeds = if self.seeds > 1 { format!(" --seeds {}", self.seeds) } else { String::new() };
        [
            format!("provisioner report {file}{profile} --seed {seed}{seeds}"),
            format!(
                "provisioner simulate {file}{profile} --seed {seed} --scenario-hash {scenario_hash} \
                 --commit {commit}"
            ),
        ]
    }
}

/// A scenario's runs as those of a sweep of one point.
fn manifest(name: &str, scenario: &Scenario, seeds: Vec<u64>) -> Manifest {
    let scenario_hash = scenario.hash().to_owned();
    Manifest {
        format: RESULTS_FORMAT,
        outcome: OUTCOME_VERSION,
        experiment: name.to_owned(),
        hash: scenario_hash.clone(),
        commit: COMMIT.to_owned(),
        axes: Vec::new(),
        seeds,
        points: vec![ManifestPoint { levels: Vec::new(), scenario_hash }],
        shard: None,
    }
}

fn path(path: &Path) -> String {
    word(&path.to_string_lossy())
}
