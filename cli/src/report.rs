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
use provisioner_reports::markdown;
use provisioner_reports::sweep::Reference;
use provisioner_scenarios::output::{OutFile, is_stdout};
use provisioner_scenarios::results::{Manifest, ManifestPoint, RESULTS_FORMAT, Results};
use provisioner_scenarios::timeline::Timeline;
use provisioner_scenarios::{Loaded, Profile, Scenario, load};
use provisioner_sim::outcome::OUTCOME_VERSION;

use crate::compare::{SEEDS, is_outcome, reference, results};
use crate::cores::Cores;
use crate::simulate::profiles;
use crate::terminal::{Failure, Voice, keep_apart, word};
use crate::{Answer, COMMIT};

/// Write a page to show to others: what a scenario or a sweep came to, with pictures
///
/// One HTML file that needs nothing else, neither network nor scripts, and can be printed. Equal
/// input gives equal bytes.
///
/// Of a scenario, which is run: spending over time and by use, beside the least that anybody could
/// have paid; queue and capacity of each worker type; how long tasks waited; market prices with our
/// launches and interruptions; the reasons of decisions, by how often they were given; and with
/// several seeds how much is chance. Of a folder that `provisioner sweep` has filled, and of anything
/// that `provisioner compare` takes, such as two scenarios: cost against wait with the points that
/// none beats, what each axis does, and differences with their intervals.
///
/// `--markdown` writes the same in short, for a pull request. The figures as tables for other tools
/// are written by `simulate --json`, `--tables` and `--series`, and by `sweep`.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Report {
    /// A scenario, a file or one that is shipped, or a folder of results; or several scenarios, folders
    /// or outcomes
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    /// The page; otherwise NAME.html here
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Also write a summary as GitHub-flavoured Markdown
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// With how many seeds scenarios are run: one by itself with 1, from its own on, and the pictures
    /// are of the first; several with 10, from 1 on
    #[arg(long, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=10_000))]
    seeds: Option<u64>,
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
  provisioner report week.toml week-on-demand.toml --seeds 4 -o both.html
  provisioner report policies.results --quiet --markdown - >> \"$GITHUB_STEP_SUMMARY\"

Exit codes: 0 the page is written; 2 it could not be.";

/// What is written, in full and in short.
struct Written {
    page: String,
    markdown: String,
}

/// About how many steps a run is drawn in: as many as a picture has room for.
const STEPS: i64 = 300;

impl Report {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let begun = Instant::now();
        self.check_outputs(&self.inputs)?;
        let Written { page, markdown } = match self.inputs.as_slice() {
            [input] if !input.is_dir() => self.scenario(input)?,
            _ => self.several()?,
        };
        let path = self.page();
        let keep = |path: &Path, text: &str| {
            let written = OutFile::create(path).and_then(|mut file| {
                file.write_all(text.as_bytes())?;
                file.finish()
            });
            written.map_err(|error| Failure::output(path, &error))
        };
        keep(&path, &page)?;
        if let Some(path) = &self.markdown {
            keep(path, &markdown)?;
        }
        if !is_stdout(&path) {
            let (took, size) = (begun.elapsed().as_secs_f64(), page.len().div_ceil(1_000));
            self.voice.say(format_args!("{} written: {size} kB in {took:.1} s", path.display()));
        }
        Ok(Answer::Yes)
    }

    /// Where the page goes.
    fn page(&self) -> PathBuf {
        let stem = match self.inputs.as_slice() {
            [input] => input.file_stem().unwrap_or_default(),
            _ => "compared".as_ref(),
        };
        self.output.clone().unwrap_or_else(|| PathBuf::from(stem).with_extension("html"))
    }

    fn check_outputs(&self, inputs: &[PathBuf]) -> Result<(), Failure> {
        let page = self.page();
        let outputs = [page.as_path()].into_iter().chain(self.markdown.as_deref());
        keep_apart(outputs, inputs.iter().map(PathBuf::as_path))
    }

    /// A sweep, or what can be compared as if it were one.
    fn several(&self) -> Result<Written, Failure> {
        if self.seed.is_some() || self.run_by.is_some() {
            let what = "--seed and --as are for one scenario";
            return Err(Failure::new(what, "leave them out"));
        }
        let done = self.inputs.iter().find(|input| input.is_dir() || is_outcome(input));
        if let Some(done) = done.filter(|_| self.seeds.is_some()) {
            let what = format!("`{}` holds what was run", done.display());
            return Err(Failure::new(what, "leave --seeds out"));
        }
        let mut results = results(&self.inputs, self.seeds.unwrap_or(SEEDS), &self.cores)?;
        if let [_, ..] = &self.inputs[1..] {
            let stem = |input: &PathBuf| {
                input.file_stem().unwrap_or_default().to_string_lossy().into_owned()
            };
            let names: Vec<String> = self.inputs.iter().map(stem).collect();
            results.manifest.experiment = names.join(", ");
        }
        let named = self.reference.as_ref().map(|text| reference(&results, text)).transpose()?;
        let reference = named.or_else(|| Reference::first(&results));
        let inputs = self.inputs.iter().map(|input| format!(" {}", path(input)));
        let seeds = self.seeds.map(|seeds| format!(" --seeds {seeds}"));
        let with = self.reference.iter().map(|text| format!(" --reference {}", word(text)));
        let words: String = inputs.chain(seeds).chain(with).collect();
        let commands = [format!("provisioner report{words}")];
        let report = sweep::Report { results: &results, reference, commands: &commands };
        Ok(Written { page: sweep::page(&report), markdown: markdown::sweep(&report) })
    }

    fn scenario(&self, input: &Path) -> Result<Written, Failure> {
        if self.reference.is_some() {
            let what = format!("`{}` is no folder of results", input.display());
            return Err(Failure::new(what, "--reference is for sweeps: leave it out"));
        }
        let Loaded { mut scenario, remarks, files } = load(input)?;
        self.check_outputs(&files)?;
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
        let checked = checks.judge(&outcome);
        let commands = self.commands(input, &run);
        let report = run::Report {
            run: &run,
            description: scenario.description(),
            config: &config,
            outcome: &outcome,
            timeline: &timeline,
            seeds: &results,
            checked: &checked,
            remarks: &remarks,
            commands: &commands,
        };
        Ok(Written { page: run::page(&report), markdown: markdown::run(&report) })
    }

    fn seeds_as_usize(&self) -> usize {
        usize::try_from(self.seeds.unwrap_or(1)).unwrap_or(1)
    }

    /// What gives this page, and the run that it draws.
    fn commands(&self, input: &Path, run: &Run) -> [String; 2] {
        let file = path(input);
        let profile = self.run_by.map_or_else(String::new, |by| format!(" --as {}", by.name()));
        let Run { scenario_hash, seed, commit, .. } = run;
        let seeds = self.seeds.filter(|seeds| *seeds > 1);
        let seeds = seeds.map_or_else(String::new, |seeds| format!(" --seeds {seeds}"));
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
pub(crate) fn manifest(name: &str, scenario: &Scenario, seeds: Vec<u64>) -> Manifest {
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
