//! `provisioner merge`: parts of a sweep into one.

use std::path::PathBuf;

use clap::Args;
use provisioner_scenarios::results::{Folder, Results};

use crate::Answer;
use crate::sweep::{name, show, write_tables};
use crate::terminal::{Failure, Voice, print};

/// Join the parts of a sweep
///
/// The result is the same to the byte as that of the sweep in one piece.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Merge {
    /// The folders of all parts
    #[arg(required = true)]
    parts: Vec<PathBuf>,
    /// The folder of results
    #[arg(long, short, value_name = "FOLDER")]
    output: PathBuf,
    #[command(flatten)]
    voice: Voice,
}

const AFTER_HELP: &str = "\
Examples:
  provisioner merge a b -o policies.results
  provisioner merge p/* -o whole.results --quiet

Exit codes: 0 all runs are there; 2 some are not, or the parts do not belong together.";

impl Merge {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let whole = Results::merge(&self.parts)?;
        let folder = Folder::open(&self.output, &whole.manifest)?;
        let missing = whole.outcomes.iter().filter(|(run, _)| !folder.done().contains_key(run));
        for (run, outcome) in missing {
            folder.add(*run, outcome).map_err(|error| Failure::output(&self.output, &error))?;
        }
        let results = folder.finish()?;
        write_tables(&results, &self.output)?;
        if !self.voice.quiet {
            print(format_args!("{}\n", name(&results.manifest)))?;
            show(&results, &self.output)?;
        }
        Ok(Answer::Yes)
    }
}
