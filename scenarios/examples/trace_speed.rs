//! Prints how fast a plain task CSV and the canonical form are read, in rows per second.
//!
//! The rows are made up: 50 queues in mixed order, a batch now and then. Each figure is the best
//! CPU time of five runs, from memory for the CSV and from the page cache for the canonical form.

use std::fmt::Write;

use provisioner_scenarios::traces::{Options, Trace, canonical, import_from};

fn main() {
    let rows: u64 = std::env::args()
        .nth(1)
        .map_or(4_000_000, |arg| arg.parse().expect("rows"));
    let csv = csv_of(rows);
    println!(
        "task CSV: {:.1} bytes a row",
        csv.len() as f64 / rows as f64
    );
    let mut trace = None;
    measure("task CSV", rows, || {
        let imported = import_from("made-up.csv", csv.as_bytes(), &Options::default());
        trace = Some(imported.expect("the CSV is sound").trace);
    });
    let trace = trace.expect("measured");
    let path = std::env::temp_dir().join(format!("trace-speed-{}", std::process::id()));
    canonical::write_file(&trace, &path).expect("a writable folder for temporary files");
    let bytes = std::fs::metadata(&path).expect("just written").len();
    println!("canonical: {:.1} bytes a row", bytes as f64 / rows as f64);
    let mut again = None;
    measure("canonical", rows, || {
        again = Some(canonical::read_file(&path).expect("just written"));
    });
    std::fs::remove_file(&path).expect("just written");
    assert_eq!(again.as_ref().map(Trace::row_count), Some(rows));
    assert_eq!(again, Some(trace));
}

fn csv_of(rows: u64) -> String {
    let mut csv = String::from("submitted_ms,duration_ms,queue\n");
    let (mut state, mut at) = (1_u64, 1_600_000_000_000_u64);
    for _ in 0..rows {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        at += if state >> 62 == 0 {
            0
        } else {
            (state >> 50) % 5_000
        };
        let (duration, queue) = ((state >> 40) % 3_000_000, (state >> 33) % 50);
        writeln!(csv, "{at},{duration},gecko-t/linux-{queue}").expect("strings grow");
    }
    csv
}

fn measure(what: &str, rows: u64, mut run: impl FnMut()) {
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let start = cpu_seconds();
        run();
        best = best.min(cpu_seconds() - start);
    }
    let (ns, rate) = (best * 1e9 / rows as f64, rows as f64 / best / 1e6);
    println!("{what}: {rate:.1} M rows/s ({ns:.1} ns a row)");
}

/// CPU time of this process, user and system, as Linux counts it in nanoseconds.
fn cpu_seconds() -> f64 {
    let times = std::fs::read_to_string("/proc/self/schedstat").expect("Linux");
    let ns: f64 = times
        .split(' ')
        .next()
        .and_then(|ns| ns.parse().ok())
        .expect("a number first");
    ns / 1e9
}
