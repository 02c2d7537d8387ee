//! The table of speeds: `cargo bench -p provisioner-benches --bench speed -- --help`.

use std::process::ExitCode;

use provisioner_benches::subject::{Body, EVENTS, Subject};
use provisioner_benches::{bare, harness, nexo};

/// The first one is what the others are compared with.
const SUBJECTS: &[Subject] = &[
    Subject {
        name: "bare",
        n: 1_000_000,
        quick_n: 1_000_000,
        unit: EVENTS,
        body: Body::Rust(|n, seed| bare::run(n, seed).into()),
    },
    Subject {
        name: "nexosim",
        n: 1_000_000,
        quick_n: 200_000,
        unit: EVENTS,
        body: Body::Rust(|n, seed| nexo::run(n, seed).into()),
    },
    Subject {
        name: "simpy",
        n: 100_000,
        quick_n: 30_000,
        unit: EVENTS,
        body: Body::Python("w_simpy.py"),
    },
];

fn main() -> ExitCode {
    harness::main(SUBJECTS)
}
