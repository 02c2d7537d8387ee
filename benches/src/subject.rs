//! Who is measured, and one measurement of it.
//!
//! Every sample is taken in a process of its own, so that its CPU time and its peak of memory are
//! nobody else's. CPU time is user + system time of the run itself, without the process's start;
//! wall time is useless on a shared machine. The peak is that of the whole process (`VmHWM`; Linux
//! only), of which this program at rest takes 3.5 MB and SimPy 16.5.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use crate::w::WResult;

/// Something measured.
#[derive(Clone, Copy, Debug)]
pub struct Subject {
    /// How it is named in the table, in `--only` and in the gate's file.
    pub name: &'static str,
    /// Tasks (or rows) in a sample.
    pub n: u64,
    /// The same with `--quick`.
    pub quick_n: u64,
    /// What it counts: [`EVENTS`], or for example "rows".
    pub unit: &'static str,
    /// The subject that its cost of an event is a multiple of. Comparing a simulator with itself,
    /// at another size, shows growth.
    pub against: Option<&'static str>,
    /// How it runs.
    pub body: Body,
}

/// The unit of simulators: useful events.
pub const EVENTS: &str = "events";

/// How a subject runs, given N and a seed.
#[derive(Clone, Copy, Debug)]
pub enum Body {
    /// Compiled into this program.
    Rust(fn(u64, u64) -> Run),
    /// A script in `python/` with the arguments N and seed, which prints a [`Sample`] as JSON.
    Python(&'static str),
}

/// What one run did.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// Useful events, or rows read.
    pub events: u64,
    /// Instances that started, if `w` does not tell.
    pub launches: Option<f64>,
    /// What it found, if it was W.
    pub w: Option<WResult>,
    /// CPU time that went into making its input, which is not measured.
    pub setup_s: f64,
}

impl Run {
    /// So many events or rows, and no more is known.
    #[must_use]
    pub const fn of(events: u64) -> Self {
        Self { events, launches: None, w: None, setup_s: 0.0 }
    }
}

impl From<WResult> for Run {
    fn from(w: WResult) -> Self {
        Self { w: Some(w), ..Self::of(w.events) }
    }
}

/// One measurement.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// CPU time of one run.
    pub cpu_s: f64,
    /// Peak of resident memory, where the system tells.
    pub peak_kb: Option<u64>,
    /// Useful events, or rows read.
    pub events: u64,
    /// Instances that started, if `w` does not tell.
    pub launches: Option<f64>,
    /// What it found, if it was W.
    pub w: Option<WResult>,
}

impl Sample {
    /// CPU time for one event.
    #[must_use]
    pub fn ns_per_event(&self) -> f64 {
        self.cpu_s * 1e9 / self.events as f64
    }
}

/// A run shorter than this is repeated, and the mean taken.
const SAMPLE_AT_LEAST_S: f64 = 0.25;

impl Subject {
    /// A subject that counts [`EVENTS`] and is compared with no other.
    #[must_use]
    pub const fn new(name: &'static str, n: u64, quick_n: u64, body: Body) -> Self {
        Self { name, n, quick_n, unit: EVENTS, against: None, body }
    }

    /// The same, compared with another subject.
    #[must_use]
    pub const fn against(mut self, other: &'static str) -> Self {
        self.against = Some(other);
        self
    }

    /// The same, counting something else.
    #[must_use]
    pub const fn counting(mut self, unit: &'static str) -> Self {
        self.unit = unit;
        self
    }

    /// Why it cannot run here, if so.
    #[must_use]
    pub fn missing(&self) -> Option<String> {
        let Body::Python(script) = self.body else {
            return None;
        };
        let python = python();
        let found = Command::new(&python).args(["-c", "import simpy"]).output();
        let works = found.is_ok_and(|output| output.status.success());
        (!works).then(|| {
            format!(
                "{}: left out, because `{python}` is not there or cannot import simpy, which \
                 {script} needs\nhint: `pip install -r benches/python/requirements.txt`; the \
                 variable PYTHON may name another interpreter",
                self.name
            )
        })
    }

    /// Measures it in a new process.
    ///
    /// # Errors
    ///
    /// When the process cannot be started, fails, or prints no sample.
    pub fn sample(&self, n: u64, seed: u64) -> Result<Sample, String> {
        let mut command = match self.body {
            Body::Rust(_) => {
                let this = env::current_exe().map_err(|error| self.failed(&error))?;
                let mut command = Command::new(this);
                command.args(["--subject", self.name, "--n", &n.to_string()]);
                command.args(["--seed", &seed.to_string()]);
                command
            }
            Body::Python(script) => {
                let mut command = Command::new(python());
                command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("python").join(script));
                command.args([n.to_string(), seed.to_string()]);
                command
            }
        };
        let output = command.output().map_err(|error| self.failed(&error))?;
        if !output.status.success() {
            return Err(self.failed(&String::from_utf8_lossy(&output.stderr).trim_end()));
        }
        serde_json::from_slice(&output.stdout).map_err(|error| self.failed(&error))
    }

    fn failed(&self, why: &dyn std::fmt::Display) -> String {
        format!("{}: no sample could be taken: {why}", self.name)
    }
}

/// Measures `run` in this process.
#[must_use]
pub fn measure(run: fn(u64, u64) -> Run, n: u64, seed: u64) -> Sample {
    let before = cpu_s();
    let (mut times, mut setups_s) = (0.0, 0.0);
    loop {
        let Run { events, launches, w, setup_s } = run(n, seed);
        times += 1.0;
        setups_s += setup_s;
        let spent_s = cpu_s() - before - setups_s;
        if spent_s >= SAMPLE_AT_LEAST_S {
            let cpu_s = spent_s / times;
            return Sample { cpu_s, peak_kb: peak_kb(), events, launches, w };
        }
    }
}

fn python() -> String {
    env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned())
}

/// CPU time of this process so far, user and system.
#[must_use]
pub fn cpu_s() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn peak_kb() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_the_mean_of_enough_runs() {
        let spin = |n, seed| {
            let sum = (0..n).fold(seed, |sum, i| std::hint::black_box(sum ^ i));
            Run::of(n + sum % 2)
        };
        let sample = measure(spin, 10_000_000, 7);
        assert!(sample.cpu_s > 0.0);
        assert!(sample.cpu_s < 60.0);
        assert!(sample.peak_kb.is_none_or(|kb| kb > 100));
    }
}
