//! What readers make of real files, of broken ones and of noise.

mod bad_input;
mod exports;
mod noise;
mod real_files;

use std::path::PathBuf;

use provisioner_engine::units::{Duration, Time};

use super::*;

/// A file of the recorded data that tests may rely on.
fn recorded(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "..", "..", "shared", "traces", name].iter().collect()
}

fn import_recorded(name: &str, options: &Options) -> Imported {
    import(&recorded(name), options).unwrap_or_else(|error| panic!("{error}"))
}

fn tasks(name: &str, options: &Options) -> (TaskTrace, Findings) {
    match import_recorded(name, options) {
        Imported { trace: Trace::Tasks(trace), findings } => (trace, findings),
        other => panic!("{:?} has no tasks", other.findings),
    }
}

fn prices(name: &str, options: &Options) -> (PriceTrace, Findings) {
    match import_recorded(name, options) {
        Imported { trace: Trace::Prices(trace), findings } => (trace, findings),
        other => panic!("{:?} has no prices", other.findings),
    }
}

fn availability(name: &str) -> (AvailabilityTrace, Findings) {
    match import_recorded(name, &Options::default()) {
        Imported { trace: Trace::Availability(trace), findings } => (trace, findings),
        other => panic!("{:?} has no availability", other.findings),
    }
}

fn on_demand(name: &str) -> OnDemandTable {
    match import_recorded(name, &Options::default()).trace {
        Trace::OnDemand(table) => table,
        other => panic!("{} rows of something else", other.row_count()),
    }
}

fn time(text: &str) -> Time {
    text::date_time(text.as_bytes()).unwrap().0
}

/// How many rows have a note of this kind; the text is imported under a name.
fn noted(name: &str, text: &str, kind: NoteKind, options: &Options) -> u64 {
    let imported = import_from(name, text.as_bytes(), options);
    imported.unwrap_or_else(|error| panic!("{error}")).findings.count(kind)
}

/// What is said about a broken file.
fn refused(name: &str, bytes: &[u8], options: &Options) -> String {
    match import_from(name, bytes, options) {
        Ok(imported) => panic!("this was read:\n{}", imported.findings),
        Err(error) => error.to_string(),
    }
}

fn hours(hours: i64) -> Duration {
    Duration::from_hours(hours)
}
