//! `provisioner scenarios`: what comes with the program.

use std::path::Path;

use clap::Args;
use provisioner_scenarios::file::nearest;
use provisioner_scenarios::load;
use provisioner_scenarios::shipped::{SHIPPED, Shipped};

use crate::Answer;
use crate::terminal::{Failure, print};

/// List the scenarios that come with the program, each with what is true of it
///
/// All are on generated input and need no other file. Commands that take a scenario file take such
/// a name as well, unless there is a file of that name. With a name, the scenario's text is
/// printed, to be read, or saved and changed (`provisioner new --like` does the latter).
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Scenarios {
    /// Print this one's text
    name: Option<String>,
}

const AFTER_HELP: &str = "\
Examples:
  provisioner scenarios
  provisioner scenarios diurnal-ci
  provisioner simulate diurnal-ci
  provisioner report regional-outage

Exit codes: 0 all is well; 2 there is no such scenario.";

impl Scenarios {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let Some(name) = &self.name else {
            for shipped in SHIPPED {
                let scenario = load(Path::new(shipped.name))?.scenario;
                print(format_args!("{}\n    {}\n", shipped.name, scenario.description()))?;
            }
            return Ok(Answer::Yes);
        };
        print(format_args!("{}", shipped(name)?.text)).map(|()| Answer::Yes)
    }
}

/// The scenario of that name that comes with the program.
pub(crate) fn shipped(name: &str) -> Result<Shipped, Failure> {
    if let Some(shipped) = SHIPPED.into_iter().find(|shipped| shipped.name == name) {
        return Ok(shipped);
    }
    let hint = match nearest(name, SHIPPED.iter().map(|shipped| shipped.name)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`provisioner scenarios` lists them".to_owned(),
    };
    Err(Failure::new(format_args!("there is no shipped scenario `{name}`"), hint))
}
