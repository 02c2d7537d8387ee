//! `provisioner schema`: what files can say, for editors.

use clap::{Args, ValueEnum};
use provisioner_scenarios::schema::{FileKind, schema_of};

use crate::Answer;
use crate::terminal::{Failure, print};

/// Print the JSON Schema of scenario or experiment files, for editors
///
/// An editor with taplo (VS Code: "Even Better TOML"; Neovim, Helix, Zed: the language server taplo)
/// completes keys, shows what they mean, and marks what is wrong, in every file that begins with the
/// path of its schema:
///
///   #:schema ./scenario.schema.json
///
/// Without an editor, `npx @taplo/cli lint week.toml` checks such files.
///
/// It is made of the same keys as `provisioner parameters`. What it refuses is refused when the file
/// is read, which also finds what no schema can say: quantities out of range, keys that contradict
/// each other, names and files that do not exist.
#[derive(Args)]
#[command(verbatim_doc_comment, after_help = AFTER_HELP)]
pub(crate) struct Schema {
    /// Of which files
    #[arg(value_enum, value_name = "FILE", default_value = "scenario")]
    of: Of,
}

#[derive(Clone, Copy, ValueEnum)]
enum Of {
    /// What `simulate` runs
    Scenario,
    /// What `sweep` runs, `tune` searches and `check` judges
    #[value(alias = "suite", alias = "tune")]
    Experiment,
    /// One section of `worker_types` in a scenario
    WorkerType,
}

const AFTER_HELP: &str = "\
Examples:
  provisioner schema > scenario.schema.json
  provisioner schema experiment > experiment.schema.json
  provisioner schema worker-type > worker-type.schema.json

Exit codes: 0 it is printed.";

impl Schema {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let schema = schema_of(match self.of {
            Of::Scenario => FileKind::Scenario,
            Of::Experiment => FileKind::Experiment,
            Of::WorkerType => FileKind::WorkerType,
        });
        print(format_args!("{schema:#}\n"))?;
        Ok(Answer::Yes)
    }
}
