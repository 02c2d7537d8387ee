//! How fast recorded tasks are read: a plain CSV from memory, and the canonical form from the page
//! cache.
//!
//! Measured is what a simulation does with its input: import it with all findings, then take
//! every task in turn. The rows are made up: 50 queues in mixed order, a batch now and then, 38
//! bytes a row. Making them is not measured.

use std::fmt::Write;

use provisioner_engine::random::Seed;
use provisioner_scenarios::traces::{
    Imported, Options, Trace, TraceError, canonical, import, import_from,
};
use rand::RngExt;

use crate::subject::{Run, cpu_s};

/// Reads a task CSV of that many rows.
#[must_use]
pub fn csv(rows: u64, seed: u64) -> Run {
    let start = cpu_s();
    let csv = made_up(rows, seed);
    let setup_s = cpu_s() - start;
    let imported = import_from("made-up.csv", csv.as_bytes(), &Options::default());
    Run { setup_s, ..Run::of(take_all(imported)) }
}

/// Reads a canonical file of that many tasks.
#[must_use]
pub fn canonical_form(rows: u64, seed: u64) -> Run {
    let start = cpu_s();
    let path = std::env::temp_dir().join(format!("provisioner-speed-{}", std::process::id()));
    let csv = made_up(rows, seed);
    let imported = import_from("made-up.csv", csv.as_bytes(), &Options::default());
    let written = canonical::write_file(&imported.expect("the CSV is sound").trace, &path);
    written.expect("a writable folder for temporary files");
    let made = cpu_s();
    let events = take_all(import(&path, &Options::default()));
    let read = cpu_s();
    let _left_behind = std::fs::remove_file(&path);
    Run { setup_s: made - start + cpu_s() - read, ..Run::of(events) }
}

/// Takes every task in turn, and counts them.
fn take_all(imported: Result<Imported, TraceError>) -> u64 {
    let Trace::Tasks(trace) = imported.expect("it is sound").trace else { unreachable!("tasks") };
    let taken = trace.tasks.iter().map(std::hint::black_box).count();
    taken as u64
}

fn made_up(rows: u64, seed: u64) -> String {
    let mut random = Seed(seed).purpose("rows").stream();
    let mut csv = String::from("submitted_ms,duration_ms,queue\n");
    let mut at = 1_600_000_000_000_u64;
    for _ in 0..rows {
        at += if random.random_ratio(1, 4) { 0 } else { random.random_range(0..5_000) };
        let duration = random.random_range(0..3_000_000);
        let queue = random.random_range(0..50);
        writeln!(csv, "{at},{duration},gecko-t/linux-{queue}").expect("strings grow");
    }
    csv
}
