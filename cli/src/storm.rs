//! `provisioner storm`: random bad days, and whether the engine weathers them.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use clap::Args;
use provisioner_engine::units::Duration;
use provisioner_reports::storm::coverage;
use provisioner_scenarios::file::Issues;
use provisioner_scenarios::storm::coverage::Coverage;
use provisioner_scenarios::storm::shrink::shrink;
use provisioner_scenarios::storm::{Weathered, compose, keep_panics, weather};

use crate::Answer;
use crate::cores::Cores;
use crate::terminal::{Failure, Voice, print};

/// Run random bad days, each followed by a calm, and check that nothing was lost
///
/// Each seed names a storm: a few worker types, some pools, and whatever may go wrong, switched on
/// or off and weighed anew, crashes of the engine included. After some hours nothing goes wrong any
/// more; a few hours later all work must be done, every instance known, and nothing bought twice.
/// Meanwhile the modelled world is checked against itself at each iteration.
///
/// Prints how often each fact, order and reason occurred, so that what the storms never reached is
/// seen, and for each storm that fails one command that runs it again.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Storm {
    /// How many storms
    #[arg(long, value_name = "N", default_value_t = 100)]
    seeds: u64,
    /// The first seed; the others follow
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    first: u64,
    /// Run this storm only
    #[arg(long, value_name = "SEED", conflicts_with_all = ["seeds", "first"])]
    seed: Option<u64>,
    /// Write the scenario of the storm there, for `provisioner simulate`
    #[arg(long, value_name = "FILE", requires = "seed")]
    write: Option<PathBuf>,
    /// Write the smallest scenario there that fails as the storm does
    #[arg(long, value_name = "FILE", requires = "seed")]
    shrink: Option<PathBuf>,
    /// Answer no, too, if something never occurred that can
    #[arg(long, conflicts_with = "seed")]
    everything: bool,
    #[command(flatten)]
    cores: Cores,
    #[command(flatten)]
    voice: Voice,
}

const AFTER_HELP: &str = "\
Examples:
  provisioner storm --seeds 1000 --everything
  provisioner storm --seed 17 --shrink small.toml     # the smallest that fails, if it fails
  provisioner storm --seed 17 --write storm.toml && provisioner simulate storm.toml

Exit codes: 0 all storms were weathered; 1 some were not, or something never occurred; 2 it could
not run.";

/// Findings shown of each of many storms.
const SHOWN_OF_A_STORM: usize = 3;

impl Storm {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        keep_panics();
        let seeds: Vec<u64> = match self.seed {
            Some(seed) => vec![seed],
            None => (self.first..self.first.saturating_add(self.seeds)).collect(),
        };
        let begun = Instant::now();
        let template = "{bar:32} {pos}/{len} storms  {msg}  {eta} to go";
        let bar = self.voice.bar(seeds.len() as u64, template);
        let failed = AtomicUsize::new(0);
        let weathered = self.cores.each(seeds.len(), |index| {
            let weathered = weather(&compose(seeds[index]));
            if weathered.as_ref().is_ok_and(|storm| !storm.failures.is_empty()) {
                failed.fetch_add(1, Ordering::Relaxed);
            }
            bar.inc(1);
            bar.set_message(format!("{} failed", failed.load(Ordering::Relaxed)));
            weathered
        });
        bar.finish_and_clear();
        let weathered = weathered.into_iter().collect::<Result<Vec<_>, Issues>>()?;
        let mut occurred = Coverage::none();
        weathered.iter().for_each(|storm| occurred.add(&storm.coverage));
        self.report(&seeds, &weathered, &occurred, begun)?;
        if let (Some(path), Some(seed)) = (&self.write, self.seed) {
            fs::write(path, compose(seed)).map_err(|error| Failure::output(path, &error))?;
        }
        let any = weathered.iter().any(|storm| !storm.failures.is_empty());
        let never: Vec<&str> = occurred.never().map(|(_, name)| name).collect();
        let is_less = self.everything && !never.is_empty();
        if is_less {
            print(format_args!("never: {}\n", never.join(", ")))?;
        }
        if let (Some(path), Some(seed), true) = (&self.shrink, self.seed, any) {
            let small = self.shrink(seed, &weathered[0]);
            fs::write(path, small).map_err(|error| Failure::output(path, &error))?;
        }
        Ok(if any || is_less { Answer::No } else { Answer::Yes })
    }

    fn report(
        &self,
        seeds: &[u64],
        storms: &[Weathered],
        occurred: &Coverage,
        begun: Instant,
    ) -> Result<(), Failure> {
        if !self.voice.quiet {
            print(format_args!("{}", coverage(occurred, storms.len())))?;
        }
        for (seed, storm) in seeds.iter().zip(storms) {
            let shown = if self.seed.is_some() { usize::MAX } else { SHOWN_OF_A_STORM };
            for failure in storm.failures.iter().take(shown) {
                print(format_args!("storm {seed}: {}: {}\n", failure.rule, failure.found))?;
            }
            if let Some(more) = storm.failures.len().checked_sub(shown).filter(|more| *more > 0) {
                print(format_args!("  and {more} more\n"))?;
            }
            if !storm.failures.is_empty() {
                print(format_args!("  provisioner storm --seed {seed} --shrink small.toml\n"))?;
            }
        }
        let failed = storms.iter().filter(|storm| !storm.failures.is_empty()).count();
        let lasted = storms.iter().fold(Duration::ZERO, |sum, storm| sum + storm.lasted);
        let crashes: u64 = storms.iter().map(|storm| storm.crashes).sum();
        let (days, took) = (lasted.as_hours_f64() / 24.0, begun.elapsed().as_secs_f64());
        print(format_args!(
            "{} storms, {failed} failed; {days:.0} simulated days, {crashes} crashes\n",
            storms.len(),
        ))?;
        self.voice.say(format_args!("run in {took:.1} s"));
        Ok(())
    }

    fn shrink(&self, seed: u64, storm: &Weathered) -> String {
        let rule = &storm.failures[0].rule;
        let fails = |text: &str| {
            weather(text).is_ok_and(|storm| storm.failures.iter().any(|it| it.rule == *rule))
        };
        let bar = self.voice.bar(0, "{msg}");
        let small =
            shrink(&compose(seed), fails, |tried| bar.set_message(format!("{tried} tried")));
        bar.finish_and_clear();
        small
    }
}
