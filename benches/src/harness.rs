//! The command behind `cargo bench -p provisioner-benches --bench speed`.
//!
//! Rounds alternate between the subjects, so that a busy minute of the machine falls on all of
//! them. Round r of every subject has the same seed. The table goes to stdout, remarks to stderr.
//! Files named in options are relative to `benches/`, where cargo runs benchmarks.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use serde::Deserialize;

use crate::bare;
use crate::subject::{Body, Sample, Subject, measure};
use crate::table::{Band, Row, render};
use crate::w::{REFERENCE, REFERENCE_TASKS, STATISTICS};

/// CPU time per event of simulators of the same workload, in one run.
#[derive(Debug, Parser)]
#[command(name = "speed")]
struct Options {
    /// Fewer tasks and 3 rounds: for a look, not for a record.
    #[arg(long)]
    quick: bool,
    /// Only these subjects, and those that they are compared with.
    #[arg(long, value_delimiter = ',', value_name = "NAME,...")]
    only: Vec<String>,
    /// Tasks in a sample, instead of each subject's own number.
    #[arg(long)]
    n: Option<u64>,
    /// Rounds; the default is 5, or 3 with --quick.
    #[arg(long)]
    rounds: Option<u64>,
    /// The first round's seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only the subjects of this file: fail if a ratio is above 1.25 times the one stored there.
    #[arg(long, value_name = "FILE")]
    gate: Option<PathBuf>,
    /// Also write the rows as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Take one sample of this subject here and print it.
    #[arg(long, hide = true)]
    subject: Option<String>,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

/// How far above the stored ratio a measured one may be.
const GATE_MARGIN: f64 = 1.25;
/// Results further than this from what is known are not chance: once in 16,000 draws.
const Z_MAX: f64 = 4.0;
/// Runs of the bare loop that make a band where no reference exists.
const BAND_RUNS: u64 = 30;

/// Measures `subjects` as the command line says.
///
/// Without `--bench`, as `cargo test` runs it, there is nothing to do.
#[must_use]
pub fn main(subjects: &[Subject]) -> ExitCode {
    if !std::env::args().any(|argument| argument == "--bench" || argument == "--subject") {
        eprintln!("nothing to test; `cargo bench -p provisioner-benches --bench speed` measures");
        return ExitCode::SUCCESS;
    }
    match run(subjects, &Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(subjects: &[Subject], options: &Options) -> Result<(), String> {
    if let Some(name) = &options.subject {
        return print_sample(find(subjects, name)?, options);
    }
    let stored = options.gate.as_deref().map(read_gate).transpose()?;
    let gated = stored.iter().flat_map(|gate| gate.ratio.keys());
    let mut named = Vec::new();
    for name in options.only.iter().chain(gated) {
        let subject = find(subjects, name)?;
        named.extend(subject.against);
        named.push(subject.name);
    }
    let chosen: Vec<_> = subjects
        .iter()
        .filter(|subject| named.is_empty() || named.contains(&subject.name))
        .filter(|subject| subject.missing().inspect(|why| eprintln!("remark: {why}")).is_none())
        .collect();

    let rows = measure_all(&chosen, options)?;
    print!("{}", render(&rows));
    if let Some(path) = &options.json {
        let json = serde_json::to_string_pretty(&rows).map_err(|error| error.to_string())?;
        fs::write(path, json + "\n")
            .map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
    }
    let mut problems = disagreements(&rows);
    if let Some(gate) = &stored {
        problems.extend(gate.check(&rows));
    }
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\nerror: ")) }
}

fn find<'a>(subjects: &'a [Subject], name: &str) -> Result<&'a Subject, String> {
    subjects.iter().find(|subject| subject.name == name).ok_or_else(|| {
        let names: Vec<_> = subjects.iter().map(|subject| subject.name).collect();
        format!("there is no subject `{name}`\nhint: the subjects are {}", names.join(", "))
    })
}

fn print_sample(subject: &Subject, options: &Options) -> Result<(), String> {
    let Body::Rust(body) = subject.body else {
        return Err(format!("{} runs in a process of another program", subject.name));
    };
    let sample = measure(body, options.n.unwrap_or(subject.n), options.seed);
    let json = serde_json::to_string(&sample).map_err(|error| error.to_string())?;
    println!("{json}");
    Ok(())
}

fn measure_all(subjects: &[&Subject], options: &Options) -> Result<Vec<Row>, String> {
    let rounds = options.rounds.unwrap_or(if options.quick { 3 } else { 5 }).max(1);
    let tasks = |subject: &Subject| {
        options.n.unwrap_or(if options.quick { subject.quick_n } else { subject.n })
    };
    let mut samples: Vec<Vec<Sample>> = vec![Vec::new(); subjects.len()];
    for round in 0..rounds {
        for (subject, samples) in subjects.iter().zip(&mut samples) {
            eprintln!("round {} of {rounds}: {}", round + 1, subject.name);
            samples.push(subject.sample(tasks(subject), options.seed + round)?);
        }
    }
    let mut bands = BTreeMap::new();
    let rows = subjects.iter().zip(&samples).map(|(subject, own)| {
        let n = tasks(subject);
        let band = own[0].w.map(|_| &*bands.entry(n).or_insert_with(|| band(n)));
        let against = subjects.iter().position(|other| Some(other.name) == subject.against);
        Row::new(subject, n, own, against.map_or(&[], |other| &samples[other]), band)
    });
    Ok(rows.collect())
}

/// What runs of `n` tasks should find: the published reference, or else the bare loop's own runs
/// with seeds of their own.
fn band(n: u64) -> Band {
    if n == REFERENCE_TASKS {
        return Band { known: REFERENCE, runs: 30 };
    }
    let seeds = 1_000_000..1_000_000 + BAND_RUNS;
    Band::of(&seeds.map(|seed| bare::run(n, seed).statistics()).collect::<Vec<_>>())
}

fn disagreements(rows: &[Row]) -> Vec<String> {
    let mut problems = Vec::new();
    for row in rows {
        for (z, statistic) in row.z.iter().flatten().zip(STATISTICS) {
            if z.is_nan() || z.abs() > Z_MAX {
                problems.push(format!(
                    "{} is not W: its {statistic} is {z:+.1} standard errors from what is known",
                    row.name
                ));
            }
        }
    }
    problems
}

/// Ratios that were measured before.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Gate {
    ratio: BTreeMap<String, f64>,
}

fn read_gate(path: &Path) -> Result<Gate, String> {
    let refuse = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let text = fs::read_to_string(path).map_err(|error| refuse(&error))?;
    toml::from_str(&text).map_err(|error| refuse(&error))
}

impl Gate {
    /// What got slower. What got faster, or looks so because the one it is compared with
    /// got slower, is only remarked.
    fn check(&self, rows: &[Row]) -> Vec<String> {
        let mut problems = Vec::new();
        for (name, stored) in &self.ratio {
            let row = rows.iter().find(|row| row.name == name);
            let Some((ratio, against)) = row.and_then(|row| row.ratio.zip(row.against)) else {
                problems.push(format!("{name} is gated, but has no ratio here"));
                continue;
            };
            let (ratio, limit) = (ratio.median, stored * GATE_MARGIN);
            if ratio.is_nan() || ratio > limit {
                problems.push(format!(
                    "{name} costs {ratio:.2} × {against}; stored is {stored:.2}, allowed {limit:.2}\n\
                     hint: find what made it slower, or store the new ratio and say why"
                ));
            } else if ratio < stored / GATE_MARGIN {
                eprintln!(
                    "remark: {name} costs only {ratio:.2} × {against}; stored is {stored:.2}: \
                     store the new ratio, unless {against} got slower"
                );
            }
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subject::Run;

    fn row(name: &'static str, relative: f64) -> Row {
        let body = Body::Rust(|events, _| Run::of(events));
        let subject = Subject::new(name, 10, 10, body).against("bare");
        let sample = |cpu_s| Sample { cpu_s, peak_kb: None, events: 10, launches: None, w: None };
        Row::new(&subject, 10, &[sample(relative)], &[sample(1.0)], None)
    }

    fn gate(text: &str) -> Gate {
        toml::from_str(text).expect("a gate")
    }

    #[test]
    fn a_ratio_above_the_margin_fails_the_gate() {
        let gate = gate("[ratio]\nours = 2.0");
        assert!(gate.check(&[row("ours", 2.49)]).is_empty());
        assert_eq!(gate.check(&[row("ours", 2.51)]).len(), 1);
        assert!(gate.check(&[row("ours", 0.5)]).is_empty(), "faster is no failure");
    }

    #[test]
    fn a_gated_subject_that_was_not_measured_fails_the_gate() {
        assert_eq!(gate("[ratio]\nours = 2.0").check(&[row("bare", 1.0)]).len(), 1);
    }

    #[test]
    fn a_ratio_that_is_no_number_fails_the_gate() {
        assert_eq!(gate("[ratio]\nours = 2.0").check(&[row("ours", f64::NAN)]).len(), 1);
    }

    #[test]
    fn the_stored_gate_reads() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("gate.toml");
        assert!(!read_gate(&path).expect("gate.toml is valid").ratio.is_empty());
    }

    #[test]
    fn the_bare_loop_agrees_with_the_reference() {
        let run = bare::run(REFERENCE_TASKS, 11);
        let sample =
            Sample { cpu_s: 1.0, peak_kb: None, events: run.events, launches: None, w: Some(run) };
        let body = Body::Rust(|events, _| Run::of(events));
        let subject = Subject::new("bare", 1, 1, body);
        let row = Row::new(&subject, 1, &[sample], &[], Some(&band(REFERENCE_TASKS)));
        assert_eq!(disagreements(&[row]), Vec::<String>::new());
    }
}
