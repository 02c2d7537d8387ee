//! `provisioner recreate`: a scenario of what a journal saw.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use provisioner_engine::random::Seed;
use provisioner_engine::units::Time;
use provisioner_reports::recreate as pages;
use provisioner_scenarios::explain::parse_time;
use provisioner_scenarios::journal::Journal;
use provisioner_scenarios::load;
use provisioner_scenarios::output::OutFile;
use provisioner_scenarios::recreate::{Recreated, SCENARIO, differences};

use crate::Answer;
use crate::terminal::{Failure, Voice, look, print, word};

/// Make a scenario of what a journal saw, and simulate it beside what was
///
/// Reads the chapters in which the daemon keeps its journal, or any journal, and says what is in
/// it. With `-o`, writes a folder that `simulate` runs: the same engine, prices and pools; tasks
/// reconstructed from the queue's counts; delays, refusals and interruptions as they were measured.
/// Then it is simulated, and what was predicted stands beside what was. Change the scenario and
/// simulate it again to ask what if.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Recreate {
    /// The daemon's folder of chapters, some of its chapters, or a journal
    #[arg(required = true, value_name = "JOURNAL")]
    journals: Vec<PathBuf>,
    /// Write the scenario and its tables to this folder
    #[arg(long, short, value_name = "FOLDER")]
    output: Option<PathBuf>,
    /// Only what was from that time on
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    from: Option<Time>,
    /// Only what was until that time
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    until: Option<Time>,
    /// How often to simulate it, each time with another seed
    #[arg(long, value_name = "N", default_value = "3")]
    seeds: u64,
    /// Replace what the folder has
    #[arg(long)]
    force: bool,
    /// Print what was found and what is predicted as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    voice: Voice,
}

const AFTER_HELP: &str = "\
Examples:
  provisioner simulate week.toml --journal week.jsonl.zst   # as a daemon would have written it
  provisioner recreate week.jsonl.zst                       # what is in it
  provisioner recreate week.jsonl.zst -o again
  provisioner recreate week.jsonl.zst -o again --force --json
  provisioner simulate again/scenario.toml

Times are in UTC unless they say otherwise (2021-03-01T11:04+01:00).

Exit codes: 0 it is read, and written; 2 it cannot be.";

impl Recreate {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let journal = Journal::open_all(&self.journals)?;
        let recreated = Recreated::read(journal, self.from, self.until)?;
        if recreated.seen.decisions == 0 || recreated.span().0 >= recreated.span().1 {
            let hint = "`provisioner explain JOURNAL` says from when to when it goes";
            return Err(Failure::new("the journal has nothing of that time", hint));
        }
        if !self.json {
            print(format_args!("{}", pages::findings(&recreated)))?;
        }
        let Some(folder) = &self.output else {
            return match self.json {
                true => self.print_json(&recreated, &[], &[]),
                false => Ok(Answer::Yes),
            };
        };
        self.write(folder, &recreated)?;
        let path = folder.join(SCENARIO);
        let scenario = load(&path)?.scenario;
        let differs = pages::differences(&differences(&recreated, &scenario));
        differs.iter().for_each(|it| self.voice.remark(it));
        let bar = self.voice.runs_bar(usize::try_from(self.seeds).unwrap_or(usize::MAX));
        let simulated: Vec<_> = (1..=self.seeds)
            .map(|seed| {
                let figures = recreated.predict(&scenario, Seed(seed));
                bar.inc(1);
                (seed, figures)
            })
            .collect();
        bar.finish_and_clear();
        if self.json {
            return self.print_json(&recreated, &simulated, &differs);
        }
        let figures: Vec<_> = simulated.into_iter().map(|(_, figures)| figures).collect();
        if !figures.is_empty() {
            let look = look(&std::io::stdout());
            print(format_args!("\n{}\n", pages::comparison(&recreated.actual, &figures, look)))?;
        }
        let path = word(&path.display().to_string());
        self.voice.say(format_args!("written: {path}\nnext: provisioner simulate {path}"));
        Ok(Answer::Yes)
    }

    fn print_json(
        &self,
        recreated: &Recreated,
        simulated: &[(u64, provisioner_scenarios::recreate::figures::Figures)],
        differs: &[String],
    ) -> Result<Answer, Failure> {
        print(format_args!("{:#}\n", pages::json(recreated, simulated, differs)))?;
        Ok(Answer::Yes)
    }

    fn write(&self, folder: &Path, recreated: &Recreated) -> Result<(), Failure> {
        let is_there = fs::read_dir(folder).is_ok_and(|mut files| files.next().is_some());
        if is_there && !self.force {
            let what = format!("`{}` is there already", folder.display());
            return Err(Failure::new(what, "choose another folder, or replace it with --force"));
        }
        fs::create_dir_all(folder).map_err(|error| Failure::output(folder, &error))?;
        for (name, text) in recreated.files() {
            let path = folder.join(name);
            let written = OutFile::create(&path)
                .and_then(|mut file| file.write_all(text.as_bytes()).map(|()| file))
                .and_then(OutFile::finish);
            written.map_err(|error| Failure::output(&path, &error))?;
        }
        Ok(())
    }
}
