//! `provisioner man`: the manual, a page for each command.

use std::path::PathBuf;
use std::{fs, io};

use clap::{Args, Command, ValueHint};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use crate::terminal::{Failure, print};
use crate::{Answer, command};

/// Print a page of the manual, or write all of them
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Manual {
    /// The command that the page is about; otherwise the program
    #[arg(value_parser = crate::names())]
    page: Option<String>,
    /// Write a page for the program and each command into this folder
    #[arg(long, short, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    #[arg(conflicts_with = "page")]
    output: Option<PathBuf>,
}

const AFTER_HELP: &str = "\
Examples:
  provisioner man simulate | man -l -
  provisioner man -o ~/.local/share/man/man1     # then: man provisioner-simulate

Exit codes: 0 it is written; 2 it could not be.";

impl Manual {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let mut all = command().disable_help_subcommand(true);
        all.build();
        if let Some(folder) = &self.output {
            fs::create_dir_all(folder).map_err(|error| Failure::output(folder, &error))?;
            for command in std::iter::once(&all).chain(all.get_subcommands()) {
                let path = folder.join(format!("{}.1", name(command)));
                let written = fs::write(&path, page(command));
                written.map_err(|error| Failure::output(&path, &error))?;
            }
            return Ok(Answer::Yes);
        }
        let about = self.page.as_deref().and_then(|name| all.find_subcommand(name));
        print(format_args!("{}", page(about.unwrap_or(&all))))?;
        Ok(Answer::Yes)
    }
}

const RELEASE: &str = concat!("provisioner ", env!("CARGO_PKG_VERSION"));

/// What a page is called.
fn name(command: &Command) -> &str {
    command.get_display_name().unwrap_or(command.get_name())
}

/// One page. What is indented in its texts is set as it stands.
fn page(command: &Command) -> String {
    let man = Man::new(command.clone());
    // A page without a date: equal programs write equal pages.
    let mut page =
        format!(".TH {} 1 \"\" \"{RELEASE}\" aws-provisioner\n", name(command)).into_bytes();
    let about = command.get_long_about().or(command.get_about()).map(ToString::to_string);
    let after = command.get_after_help().map(ToString::to_string);
    let has_commands = command.get_subcommands().next().is_some();
    let rendered = man
        .render_name_section(&mut page)
        .and_then(|()| man.render_synopsis_section(&mut page))
        .and_then(|()| sections(&format!("Description:\n{}", about.unwrap_or_default()), &mut page))
        .and_then(|()| man.render_options_section(&mut page))
        .and_then(|()| match has_commands {
            true => man.render_subcommands_section(&mut page),
            false => Ok(()),
        })
        .and_then(|()| sections(&after.unwrap_or_default(), &mut page));
    rendered.expect("memory takes it");
    String::from_utf8(page).expect("it is text")
}

/// What begins a section of a page, in help and in the manual.
const SECTIONS: [(&str, &str); 3] =
    [("Description:", "DESCRIPTION"), ("Examples:", "EXAMPLES"), ("Exit codes:", "EXIT STATUS")];

/// Paragraphs: each begins a section, or goes on with the one before.
fn sections(text: &str, page: &mut Vec<u8>) -> io::Result<()> {
    let mut roff = Roff::default();
    for paragraph in text.split("\n\n") {
        let begun = SECTIONS.iter().find(|(begin, _)| paragraph.starts_with(begin));
        let text =
            begun.map_or(paragraph, |(begin, _)| paragraph[begin.len()..].trim_matches('\n'));
        match begun {
            Some((_, title)) => roff.control("SH", [*title]),
            None => roff.control("PP", []),
        };
        if text.starts_with("  ") {
            roff.control("nf", []);
            for line in text.lines() {
                roff.text([roman(line)]);
            }
            roff.control("fi", []);
        } else {
            roff.text([roman(text.trim_start())]);
        }
    }
    roff.to_writer(page)
}
