//! `provisioner parameters`: what a scenario file can say.

use clap::Args;
use provisioner_scenarios::file::{KeyDoc, Presence};
use provisioner_scenarios::parameters;

use crate::Answer;
use crate::terminal::{Failure, print};

/// List what a scenario file can say, with defaults and where they come from
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Parameters {
    /// Only keys that contain this
    word: Option<String>,
}

const AFTER_HELP: &str = "\
Examples:
  provisioner parameters
  provisioner parameters capacity

Exit codes: 0 there are such keys; 1 there is none.";

impl Parameters {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let word = self.word.as_deref().unwrap_or_default();
        let keys: Vec<KeyDoc> =
            parameters().into_iter().filter(|key| key.path.contains(word)).collect();
        for KeyDoc { path, kind, presence, doc } in &keys {
            let presence = match presence {
                Presence::Required => "required".to_owned(),
                Presence::Optional => "optional".to_owned(),
                Presence::Default { value, source } => format!("default {value} ({source})"),
            };
            print(format_args!("{path}\n    {doc}\n    {kind}; {presence}\n"))?;
        }
        Ok(if keys.is_empty() { Answer::No } else { Answer::Yes })
    }
}
