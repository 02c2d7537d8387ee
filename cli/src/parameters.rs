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
    /// As tables of Markdown
    #[arg(long)]
    markdown: bool,
}

const AFTER_HELP: &str = "\
Examples:
  provisioner parameters
  provisioner parameters capacity
  provisioner parameters --markdown > scenarios/PARAMETERS.md

Exit codes: 0 there are such keys; 1 there is none.";

impl Parameters {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let word = self.word.as_deref().unwrap_or_default();
        let keys: Vec<KeyDoc> =
            parameters().into_iter().filter(|key| key.path.contains(word)).collect();
        if self.markdown {
            print(format_args!("{}", markdown(&keys)))?;
            return Ok(if keys.is_empty() { Answer::No } else { Answer::Yes });
        }
        for key in &keys {
            print(format_args!("{}\n    {}\n    {}\n", key.path, key.doc, key.terms()))?;
        }
        Ok(if keys.is_empty() { Answer::No } else { Answer::Yes })
    }
}

const MARKDOWN_TITLE: &str = "\
# What a scenario file can say

Every key, with what happens when it is left out and where that default comes from. This page is
printed by `provisioner parameters --markdown`; a test keeps it so. A name in `<>` is of your
choice.
";

/// A table for each section at the top level.
fn markdown(keys: &[KeyDoc]) -> String {
    let cell = |text: &str| text.replace('|', "\\|").replace('<', "&lt;");
    let code = |text: &str| format!("`{}`", text.replace('|', "\\|"));
    let mut page = MARKDOWN_TITLE.to_owned();
    let mut open = None;
    for KeyDoc { path, kind, presence, doc, .. } in keys {
        let section = path.split(['.', '[']).next().unwrap_or_default();
        let is_section = section != path || kind.contains("section");
        let section = if is_section { section } else { "the top level" };
        if open != Some(section) {
            page += &format!("\n## {section}\n\n| key | value | if left out | what it is |\n");
            page += "|---|---|---|---|\n";
            open = Some(section);
        }
        let left_out = match presence {
            Presence::Required => "must be there".to_owned(),
            Presence::Optional => String::new(),
            Presence::Default { value, source } => format!("{}: {}", code(value), cell(source)),
        };
        let (path, kind, doc) = (code(path), cell(kind), cell(doc));
        page += &format!("| {path} | {kind} | {left_out} | {doc} |\n");
    }
    page
}
