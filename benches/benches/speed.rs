//! The table of speeds: `cargo bench -p provisioner-benches --bench speed -- --help`.

use std::process::ExitCode;

use provisioner_benches::bare_many::{self, Mix};
use provisioner_benches::subject::Body::{Python, Rust};
use provisioner_benches::subject::{Run, Subject};
use provisioner_benches::{bare, harness, mmc, nexo, ours, reading};

const M: u64 = 1_000_000;

/// They run W unless the name says otherwise. The numbers are N, and N with `--quick`.
const SUBJECTS: &[Subject] = &[
    Subject::new("bare", M, M, Rust(|n, seed| bare::run(n, seed).into())),
    Subject::new("ours", M, M, Rust(|n, seed| ours::w(n, seed, 1))).against("bare"),
    Subject::new("ours 1e5", M / 10, M / 10, Rust(|n, seed| ours::w(n, seed, 1))).against("ours"),
    Subject::new("ours 1e7", 10 * M, 2 * M, Rust(|n, seed| ours::w(n, seed, 1))).against("ours"),
    Subject::new("ours 100 types", M, M, Rust(|n, seed| ours::w(n, seed, 100))).against("ours"),
    Subject::new("ours 1 of 1000", M, M, Rust(|n, seed| ours::w_one_of(n, seed, 1_000)))
        .against("ours"),
    Subject::new("ours 1000 types", M, M, Rust(|n, seed| ours::w(n, seed, 1_000))).against("ours"),
    Subject::new("ours 1000 timeouts", M, M, Rust(|n, seed| ours::w_own_timeouts(n, seed, 1_000)))
        .against("ours 1000 types"),
    // The same mix of events with one worker type and with many.
    Subject::new("ours 1000 patient", M, M, Rust(|n, seed| ours::w_patient(n, seed, 1_000)))
        .against("ours"),
    Subject::new("ours one task", M, M, Rust(|n, seed| ours::w_one_task_each(n, seed, 1)))
        .against("ours"),
    Subject::new("ours 1000 one task", M, M, Rust(|n, seed| ours::w_one_task_each(n, seed, 1_000)))
        .against("ours one task"),
    // How much dearer these mixes are for a loop that does nothing else.
    Subject::new("bare many, 1 type", M, M, Rust(|n, seed| many(n, seed, Mix::w(1))))
        .against("bare"),
    Subject::new("bare 1000 types", M, M, Rust(|n, seed| many(n, seed, Mix::w(1_000))))
        .against("bare many, 1 type"),
    Subject::new("bare 1000 patient", M, M, Rust(|n, seed| many(n, seed, Mix::patient(1_000))))
        .against("bare many, 1 type"),
    Subject::new("bare one task", M, M, Rust(|n, seed| many(n, seed, Mix::one_task_each(1)))),
    Subject::new("bare 1000 one task", M, M, Rust(|n, s| many(n, s, Mix::one_task_each(1_000))))
        .against("bare one task"),
    // What protects, without and with something to protect from.
    Subject::new("ours guarded", M, M, Rust(ours::w_guarded)).against("ours"),
    Subject::new("ours full", M, M, Rust(ours::w_full)).against("ours"),
    Subject::new("ours W3", 12 * M, M, Rust(ours::w3)).against("bare"),
    Subject::new("nexosim", M, M / 5, Rust(|n, seed| nexo::run(n, seed).into())).against("bare"),
    Subject::new("simpy", M / 10, M / 30, Python("w_simpy.py")).against("bare"),
    Subject::new("task CSV", 4 * M, M, Rust(reading::csv)).counting("rows"),
    Subject::new("canonical tasks", 4 * M, M, Rust(reading::canonical_form)).counting("rows"),
    Subject::new("bare W2", 10 * M, M, Rust(w2)),
];

/// Not compared with what is known of W, which they are not.
fn many(n: u64, seed: u64, mix: Mix) -> Run {
    let w = bare_many::run(n, seed, mix);
    Run { launches: Some(w.launches), ..Run::of(w.events) }
}

fn w2(n: u64, seed: u64) -> Run {
    Run::of(mmc::run(n, seed).events)
}

fn main() -> ExitCode {
    harness::main(SUBJECTS)
}
