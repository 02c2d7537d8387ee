//! `provisioner diff`: where do two decision logs part, and what did it come to?

use std::path::PathBuf;

use clap::Args;
use provisioner_engine::random::Seed;
use provisioner_reports::diff::{Ends, diff as page};
use provisioner_scenarios::diff::diff;
use provisioner_scenarios::explain::Unanswered;
use provisioner_scenarios::explain::summary::{Summary, summary};
use provisioner_scenarios::journal::{Header, Journal};
use provisioner_scenarios::{Scenario, load};
use provisioner_sim::Hooks;
use provisioner_sim::outcome::Outcome;

use crate::Answer;
use crate::terminal::{Failure, print_page, say};

/// Find the first decision in which two journals differ, why, and what it cost
///
/// Made for runs of one scenario and seed under two policies, or two commits. Shows what differs in
/// what the engines were built from, what is equal before, the first fact that differs if one does
/// before the decisions do, both decisions with their reasons, and what both came to: as far as the
/// journals tell, and exactly where their scenarios are given.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Diff {
    /// The journal that is called A, as `simulate --journal` writes it
    a: PathBuf,
    /// The journal that is called B
    b: PathBuf,
    /// A scenario that a journal is of: it is run again for its outcome
    ///
    /// Give it once for both, or once for each. It must have the hash that the journal names, and
    /// must still decide as the journal says.
    #[arg(long = "scenario", value_name = "FILE")]
    scenarios: Vec<PathBuf>,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
}

const AFTER_HELP: &str = "\
Examples:
  provisioner simulate week.toml --journal a.jsonl.zst
  provisioner simulate week.toml --as v1 --journal b.jsonl.zst
  provisioner diff a.jsonl.zst b.jsonl.zst
  provisioner diff a.jsonl.zst b.jsonl.zst --scenario week.toml

Exit codes: 0 both decide the same; 1 a decision differs; 2 a journal cannot be read.";

impl Diff {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let paths = [&self.a, &self.b];
        let [a, b] = paths.map(|path| Journal::open(path));
        let diff = diff(a?, b?)?;
        let is_same = diff.parting.is_none();
        let names = paths.map(|path| path.to_string_lossy());
        let names = [&*names[0], &*names[1]];
        if is_same {
            print_page(&page(&diff, names, None), self.json)?;
            return Ok(Answer::Yes);
        }
        let [a, b] = paths.map(|path| summary(|| Journal::open(path)));
        let told = [a?, b?];
        let simulated = self.simulate(&told)?;
        let simulated = simulated.as_ref().map(|[a, b]| [a, b]);
        let ends = Ends { told: [&told[0], &told[1]], simulated };
        print_page(&page(&diff, names, Some(&ends)), self.json)?;
        if self.scenarios.is_empty() {
            say("remark: give --scenario FILE for exact cost and waits: it is run again");
        }
        Ok(Answer::No)
    }

    /// Runs both again, if their scenarios are given and they still decide as the journals say.
    fn simulate(&self, told: &[Summary; 2]) -> Result<Option<[Outcome; 2]>, Failure> {
        if self.scenarios.is_empty() {
            return Ok(None);
        }
        let mut scenarios = Vec::new();
        for path in &self.scenarios {
            scenarios.push(load(path)?.scenario);
        }
        let mut outcomes = Vec::new();
        for (summary, path) in told.iter().zip([&self.a, &self.b]) {
            let Header { scenario_hash, seed, commit, .. } = &summary.walk.header;
            let of_it = scenarios.iter().find_map(|scenario| scenario.hashed(scenario_hash));
            let Some(scenario) = of_it else {
                let what = format!("no scenario given is that of `{}`", path.display());
                let hint = format!("give the one with the hash {scenario_hash}, as it was then");
                return Err(Failure::new(what, hint));
            };
            let outcome = run(&scenario, Seed(*seed));
            if outcome.decision_digest != summary.walk.decision_digest {
                say(format_args!(
                    "remark: `{}` was written by commit {commit} and is decided otherwise by this \
                     program, so its outcome cannot be simulated again here",
                    path.display()
                ));
                return Ok(None);
            }
            outcomes.push(outcome);
        }
        Ok(outcomes.try_into().ok())
    }
}

fn run(scenario: &Scenario, seed: Seed) -> Outcome {
    let config = scenario.config(seed);
    provisioner_sim::run(&config, &mut *scenario.tasks(seed), Hooks::default())
}

impl From<Unanswered> for Failure {
    fn from(error: Unanswered) -> Self {
        match error {
            Unanswered::Journal(error) => error.into(),
            Unanswered::Absent { what, hint } => Self::new(what, hint),
        }
    }
}
