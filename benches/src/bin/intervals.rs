//! Compares a policy with itself, and prints how often intervals cover what is true.
//!
//! ```text
//! cargo run --release -p provisioner-benches --bin intervals -- [REPETITIONS] [SEEDS]
//! ```

use std::env;
use std::path::Path;
use std::process::ExitCode;

use provisioner_benches::intervals::{MEASURES, SCENARIO, measure, scenario};

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1).map(|argument| argument.parse());
    let mut number = |other| arguments.next().unwrap_or(Ok(other));
    let (Ok(repetitions), Ok(seeds)) = (number(400), number(10)) else {
        eprintln!("usage: intervals [REPETITIONS] [SEEDS]");
        return ExitCode::from(2);
    };
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios"));
    let scenario = match scenario(folder, SCENARIO) {
        Ok(scenario) if repetitions > 1 && seeds > 1 => scenario,
        Ok(_) => {
            eprintln!("error: two repetitions of two seeds are the least");
            return ExitCode::from(2);
        }
        Err(issues) => {
            eprintln!("{issues}");
            return ExitCode::from(2);
        }
    };
    println!(
        "A policy against itself, {repetitions} times with {seeds} seeds. Intervals that cover"
    );
    println!("that nothing differs, in percent, and how many times as wide they are unpaired:\n");
    println!("            paired          unpaired");
    println!("            diff.  ratio    diff.  ratio    wider");
    for ((name, _), it) in MEASURES.iter().zip(measure(&scenario, repetitions, seeds)) {
        let [[a, c], [b, d]] =
            [it.differences, it.ratios].map(|shares| shares.map(|it| it * 100.0));
        println!("{name:<10}  {a:>5.1}  {b:>5.1}    {c:>5.1}  {d:>5.1}    {:>5.1}", it.narrower);
    }
    ExitCode::SUCCESS
}
