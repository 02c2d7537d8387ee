//! `provisioner`: what would this load have cost, and how long would tasks have waited?
//!
//! Data goes to standard output, remarks and errors to standard error. Exit codes: 0 all is well,
//! 1 the answer is no, 2 it could not run.
//!
//! Not here: any logic of its own; commands join scenarios, the simulator and reports.

mod check;
mod compare;
mod cores;
mod diff;
mod explain;
mod import;
mod incidents;
mod merge;
mod new;
mod parameters;
mod replay;
mod report;
mod scenarios;
mod simulate;
mod storm;
mod sweep;
mod terminal;
mod tune;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::terminal::Failure;

/// The commit this program was built from.
const COMMIT: &str = env!("PROVISIONER_COMMIT");
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("PROVISIONER_COMMIT"), ")");

/// What a recorded load would have cost on EC2 spot fleets, and how long tasks would have waited.
#[derive(Parser)]
#[command(version = VERSION, max_term_width = 100, after_help = AFTER_HELP)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Examples:
  provisioner scenarios
  provisioner simulate quickstart
  provisioner new mine.toml
  provisioner report scenarios/quickstart.toml
  provisioner sweep scenarios/experiments/quickstart.toml
  provisioner tune scenarios/experiments/tune.toml
  provisioner help simulate

Exit codes: 0 all is well; 1 the answer is no (a check fails, something got worse, a replay
diverges, journals differ, no settings keep the limits); 2 it could not run (bad input or usage).
Colour is used on terminals only, and not if NO_COLOR is set.";

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
    New(Box<new::New>),
    Scenarios(scenarios::Scenarios),
    Parameters(parameters::Parameters),
}

/// What a command found out.
enum Answer {
    Yes,
    No,
}

fn main() -> ExitCode {
    let answer = match Arguments::parse().command {
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
        Command::New(new) => new.run(),
        Command::Scenarios(scenarios) => scenarios.run(),
        Command::Parameters(parameters) => parameters.run(),
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
