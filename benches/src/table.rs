//! Samples become rows, rows become the table.
//!
//! Launches are those of a task. A ratio is taken within one round, where machine and neighbours were most alike, and the median
//! over rounds is shown. What follows `±` is half the range over the rounds.
//!
//! A fast wrong model measures nothing: the second table says how far each subject's results for W
//! are from what is known, in standard errors.

use std::fmt::Write;

use serde::Serialize;

use crate::subject::{Sample, Subject};
use crate::w::{Known, STATISTICS};

/// A subject and what was measured of it.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Its name.
    pub name: &'static str,
    /// Tasks (or rows) in a sample.
    pub n: u64,
    /// Events or rows.
    pub unit: &'static str,
    /// How many of them, in the first sample.
    pub events: u64,
    /// Instances that a task took, in the first sample: an event that launches costs more.
    pub launches_per_task: Option<f64>,
    /// CPU time of one run.
    pub cpu_s: Spread,
    /// CPU time of one event.
    pub ns_per_event: Spread,
    /// That, as a multiple of another subject's in the same round.
    pub ratio: Option<Spread>,
    /// Which other subject.
    pub against: Option<&'static str>,
    /// Peak of resident memory.
    pub peak_mb: Option<Spread>,
    /// How far the results are from the known ones, in standard errors; for subjects that run W.
    pub z: Option<[f64; 4]>,
}

/// Median and half the range.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// The median.
    pub median: f64,
    /// Half of the largest less the smallest.
    pub half_range: f64,
}

impl Spread {
    fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        let (low, high) = (values.first()?, values.last()?);
        let upper = values[values.len() / 2];
        let lower = values[(values.len() - 1) / 2];
        Some(Self { median: f64::midpoint(lower, upper), half_range: (high - low) / 2.0 })
    }
}

impl Row {
    /// Sums up a subject's samples, one a round, beside those of the one it is against.
    ///
    /// # Panics
    ///
    /// Without a sample.
    #[must_use]
    pub fn new(
        subject: &Subject,
        n: u64,
        samples: &[Sample],
        against: &[Sample],
        known: Option<&Band>,
    ) -> Self {
        let spread = |value: &dyn Fn(&Sample) -> f64| {
            Spread::of(samples.iter().map(value)).expect("at least one round")
        };
        let paired = samples.iter().zip(against);
        let ratios = paired.map(|(sample, base)| sample.ns_per_event() / base.ns_per_event());
        let launches = samples[0].launches.or(samples[0].w.map(|w| w.launches));
        Self {
            name: subject.name,
            n,
            unit: subject.unit,
            events: samples[0].events,
            launches_per_task: launches.map(|launches| launches / n as f64),
            cpu_s: spread(&|sample| sample.cpu_s),
            ns_per_event: spread(&Sample::ns_per_event),
            ratio: Spread::of(ratios),
            against: subject.against,
            peak_mb: Spread::of(samples.iter().filter_map(|s| s.peak_kb).map(|kb| kb as f64 / 1e3)),
            z: known.and_then(|band| band.z(samples)),
        }
    }
}

/// What runs of W of some length are known to find.
#[derive(Clone, Debug)]
pub struct Band {
    /// Of each of [`STATISTICS`].
    pub known: [Known; 4],
    /// From how many runs it is known.
    pub runs: usize,
}

impl Band {
    /// What these runs found.
    #[must_use]
    pub fn of(runs: &[[f64; 4]]) -> Self {
        let count = runs.len() as f64;
        let known = std::array::from_fn(|i| {
            let mean = runs.iter().map(|run| run[i]).sum::<f64>() / count;
            let squares = runs.iter().map(|run| (run[i] - mean).powi(2)).sum::<f64>();
            Known { mean, sd: (squares / (count - 1.0)).sqrt() }
        });
        Self { known, runs: runs.len() }
    }

    /// Standard errors between the samples' means and what is known; `None` if they are not of W.
    fn z(&self, samples: &[Sample]) -> Option<[f64; 4]> {
        let found: Option<Vec<_>> = samples.iter().map(|s| Some(s.w?.statistics())).collect();
        let found = found?;
        let (rounds, runs) = (found.len() as f64, self.runs as f64);
        let error = (1.0 / rounds + 1.0 / runs).sqrt();
        Some(std::array::from_fn(|i| {
            let mean = found.iter().map(|run| run[i]).sum::<f64>() / rounds;
            (mean - self.known[i].mean) / (self.known[i].sd * error)
        }))
    }
}

/// The table, and below it how well W's results agree.
#[must_use]
pub fn render(rows: &[Row]) -> String {
    let mut speed = vec![
        ["", "N", "work", "launches", "CPU s", "M/s", "ns each", "ratio", "peak MB"]
            .map(str::to_owned),
    ];
    speed.extend(rows.iter().map(|row| {
        [
            row.name.to_owned(),
            row.n.to_string(),
            format!("{} {}", row.events, row.unit),
            row.launches_per_task.map_or_else(String::new, |launches| format!("{launches:.3}")),
            format!("{:.3}", row.cpu_s.median),
            format!("{:.2}", 1e3 / row.ns_per_event.median),
            plus_minus(row.ns_per_event, 1),
            row.ratio.zip(row.against).map_or_else(String::new, |(ratio, against)| {
                format!("{} × {against}", plus_minus(ratio, 2))
            }),
            row.peak_mb.map_or_else(|| "?".to_owned(), |mb| format!("{:.1}", mb.median)),
        ]
    }));
    let [a, b, c, d] = STATISTICS.map(str::to_owned);
    let mut agreement = vec![["z of W's results".to_owned(), a, b, c, d]];
    agreement.extend(rows.iter().filter_map(|row| {
        let [a, b, c, d] = row.z?.map(|z| format!("{z:+.1}"));
        Some([row.name.to_owned(), a, b, c, d])
    }));
    let mut text = align(&speed);
    if agreement.len() > 1 {
        text.push('\n');
        text += &align(&agreement);
    }
    text
}

fn plus_minus(spread: Spread, decimals: usize) -> String {
    format!("{:.decimals$} ± {:.decimals$}", spread.median, spread.half_range)
}

/// The first column to the left, the others to the right.
fn align<const COLUMNS: usize>(lines: &[[String; COLUMNS]]) -> String {
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max();
    let widths: [usize; COLUMNS] = std::array::from_fn(|column| width(column).unwrap_or(0));
    let mut text = String::new();
    for line in lines {
        let first = widths[0];
        write!(text, "{:first$}", line[0]).expect("a string takes all");
        for (cell, width) in line.iter().zip(widths).skip(1) {
            write!(text, "  {cell:>width$}").expect("a string takes all");
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::subject::{Body, Run};
    use crate::w::{REFERENCE, WResult};

    fn samples(cpu_s: [f64; 3], launches: f64) -> Vec<Sample> {
        let [mean_wait_s, p95_wait_s, _, instance_hours] = REFERENCE.map(|known| known.mean);
        let w = WResult { mean_wait_s, p95_wait_s, launches, instance_hours, events: 1_000_000 };
        let sample = |cpu_s| Sample {
            cpu_s,
            peak_kb: Some(2_400),
            events: 1_000_000,
            launches: None,
            w: Some(w),
        };
        cpu_s.map(sample).to_vec()
    }

    #[test]
    fn ratios_pair_the_samples_of_a_round() {
        let bare = samples([0.02, 0.04, 0.02], 16_203.0);
        let slow = samples([0.06, 0.12, 0.08], 16_203.0 + 361.0);
        let mut rows_read = bare.clone();
        for sample in &mut rows_read {
            (sample.w, sample.peak_kb) = (None, None);
        }
        let band = Band { known: REFERENCE, runs: 30 };
        let body = Body::Rust(|events, _| Run::of(events));
        let subject = |name| Subject::new(name, 1000, 100, body);
        let row = |subject: Subject, samples: &[Sample], against: &[Sample]| {
            Row::new(&subject, 1000, samples, against, Some(&band))
        };
        let rows = [
            row(subject("bare"), &bare, &[]),
            row(subject("slow").against("bare"), &slow, &bare),
            row(subject("task CSV").counting("rows"), &rows_read, &[]),
        ];
        expect![[r#"
                         N            work  launches  CPU s    M/s      ns each               ratio  peak MB
            bare      1000  1000000 events    16.203  0.020  50.00  20.0 ± 10.0                          2.4
            slow      1000  1000000 events    16.564  0.080  12.50  80.0 ± 30.0  3.00 ± 0.50 × bare      2.4
            task CSV  1000    1000000 rows            0.020  50.00  20.0 ± 10.0                            ?

            z of W's results  mean wait  p95 wait  launches  instance-hours
            bare                   +0.0      +0.0      +0.0            +0.0
            slow                   +0.0      +0.0      +1.7            +0.0
        "#]]
        .assert_eq(&render(&rows));
    }

    #[test]
    fn a_band_is_mean_and_standard_deviation() {
        let band = Band::of(&[[1.0, 5.0, 0.0, 2.0], [3.0, 5.0, 0.0, 2.0]]);
        let [first, second, ..] = band.known;
        assert!((first.mean - 2.0).abs() < 1e-12);
        assert!((first.sd - 2_f64.sqrt()).abs() < 1e-12);
        assert!(second.sd.abs() < 1e-12);
    }
}
