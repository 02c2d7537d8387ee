//! `provisioner`: what would this load have cost, and how long would tasks have waited?
//!
//! Data goes to standard output, remarks and errors to standard error. Exit codes: 0 all is well,
//! 1 the answer is no, 2 it could not run.
//!
//! Not here: any logic of its own; commands join scenarios, the simulator and reports.

mod check;
mod compare;
mod completions;
mod cores;
mod diff;
mod explain;
mod import;
mod incidents;
#[cfg(unix)]
mod interrupt;
mod man;
mod merge;
mod new;
mod parameters;
mod recreate;
mod replay;
mod report;
mod scenarios;
mod schema;
mod simulate;
mod storm;
mod sweep;
mod terminal;
#[cfg(test)]
mod tests;
mod tune;

use std::process::ExitCode;

use clap::builder::PossibleValuesParser;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, ValueHint};

use self::terminal::Failure;

/// The commit this program was built from.
const COMMIT: &str = env!("PROVISIONER_COMMIT");
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("PROVISIONER_COMMIT"), ")");

/// What a recorded load would have cost on EC2 spot fleets, and how long tasks would have waited.
#[derive(Parser)]
#[command(name = "provisioner", version = VERSION, max_term_width = 100, after_help = AFTER_HELP)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

const AFTER_HELP: &str = "\
Examples:
  provisioner scenarios
  provisioner simulate quickstart
  provisioner new mine.toml
  provisioner report quickstart
  provisioner help simulate

Exit codes: 0 all is well; 1 the answer is no (a check fails, something got worse, a replay
diverges, journals differ, no settings keep the limits); 2 it could not run (bad input or usage).

Colour is used on terminals only, and not if NO_COLOR is set.";

/// What is said to whoever types the name alone.
const GREETING: &str = "\
provisioner answers: what would this load have cost on EC2 spot fleets, and how long would tasks
have waited, under this policy?

A load, a market and a policy are a scenario, a TOML file. Some come with the program:

  provisioner simulate quickstart     two days of a small CI: what they cost, on this terminal
  provisioner report quickstart       the same as a page with pictures
  provisioner scenarios               what else there is
  provisioner new mine.toml           one of your own, from a few questions

`provisioner help` lists all commands; `provisioner help simulate` explains one, with examples.";

/// Commands by what they are for.
const GROUPS: [(&str, &[&str]); 7] = [
    ("Begin", &["scenarios", "new"]),
    ("Run", &["simulate", "sweep", "merge"]),
    ("Compare and choose", &["compare", "tune", "report"]),
    ("Explain", &["explain", "diff", "replay"]),
    ("Guard against getting worse", &["check", "incidents", "storm"]),
    ("Files", &["import", "recreate", "parameters", "schema"]),
    ("Shell", &["completions", "man", "help"]),
];

#[derive(Subcommand)]
enum Command {
    Simulate(Box<simulate::Simulate>),
    Sweep(sweep::Sweep),
    Merge(merge::Merge),
    Compare(compare::Compare),
    Report(report::Report),
    Check(check::Check),
    Tune(tune::Tune),
    Replay(replay::Replay),
    Explain(explain::Explain),
    Diff(diff::Diff),
    Incidents(incidents::Incidents),
    Storm(storm::Storm),
    Import(Box<import::Import>),
    Recreate(recreate::Recreate),
    New(Box<new::New>),
    Scenarios(scenarios::Scenarios),
    Parameters(parameters::Parameters),
    Schema(schema::Schema),
    Completions(completions::Completions),
    Man(man::Manual),
}

/// What a command found out.
enum Answer {
    Yes,
    No,
}

/// The commands, as they are shown and completed.
fn command() -> clap::Command {
    let hint = |arg: clap::Arg| match arg.get_value_names().map(|names| names[0].as_str()) {
        Some("FOLDER") => arg.value_hint(ValueHint::DirPath),
        Some("FILE") if !arg.is_positional() => arg.value_hint(ValueHint::FilePath),
        _ => arg,
    };
    let command = Arguments::command().mut_subcommands(|command| command.mut_args(hint));
    let (head, commands) = (*command.get_styles().get_header(), grouped(&command));
    command.help_template(format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{commands}\
         {head}Options:{head:#}\n{{options}}{{after-help}}"
    ))
}

/// All commands, each with what it does, in their groups.
fn grouped(command: &clap::Command) -> String {
    let head = command.get_styles().get_header();
    let line = |name: &&str| {
        let about = command.find_subcommand(name).and_then(clap::Command::get_about);
        let about = about.map_or_else(|| "Explain a command".to_owned(), ToString::to_string);
        format!("  {name:<12} {about}\n")
    };
    let group = |(title, names): &(&str, &[&str])| {
        format!("{head}{title}:{head:#}\n{}\n", names.iter().map(line).collect::<String>())
    };
    GROUPS.iter().map(group).collect()
}

/// The names of all commands.
fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(
        GROUPS.iter().flat_map(|(_, names)| *names).filter(|it| **it != "help"),
    )
}

fn main() -> ExitCode {
    let arguments = Arguments::from_arg_matches(&command().get_matches());
    let Some(command) = arguments.unwrap_or_else(|error| error.exit()).command else {
        terminal::say(GREETING);
        return ExitCode::from(2);
    };
    #[cfg(unix)]
    interrupt::watch();
    let answer = match command {
        Command::Simulate(simulate) => simulate.run(),
        Command::Sweep(sweep) => sweep.run(),
        Command::Merge(merge) => merge.run(),
        Command::Compare(compare) => compare.run(),
        Command::Report(report) => report.run(),
        Command::Check(check) => check.run(),
        Command::Tune(tune) => tune.run(),
        Command::Replay(replay) => replay.run(),
        Command::Explain(explain) => explain.run(),
        Command::Diff(diff) => diff.run(),
        Command::Incidents(incidents) => incidents.run(),
        Command::Storm(storm) => storm.run(),
        Command::Import(import) => import.run(),
        Command::Recreate(recreate) => recreate.run(),
        Command::New(new) => new.run(),
        Command::Scenarios(scenarios) => scenarios.run(),
        Command::Parameters(parameters) => parameters.run(),
        Command::Schema(schema) => schema.run(),
        Command::Completions(completions) => completions.run(),
        Command::Man(man) => man.run(),
    };
    match answer {
        Ok(Answer::Yes) | Err(Failure::Unheard) => ExitCode::SUCCESS,
        Ok(Answer::No) => ExitCode::from(1),
        Err(Failure::Told(error)) => {
            terminal::say(error);
            ExitCode::from(2)
        }
    }
}
