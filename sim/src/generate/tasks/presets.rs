//! Presets: task models fitted to recorded queues.
//!
//! Sources: Firefox CI 2020, Taskcluster worker pools over 111 hours (taskcluster-provisioning-
//! simulator); SURF 2022, a research cluster's October (OpenDC traces). Bursts and batches are
//! fitted to the variance of counts per minute, ten minutes and hour. The Firefox recordings are
//! too short for days and weekends: those factors are the usual ones of a CI with people at work
//! in Europe and America.

use provisioner_engine::units::Duration;

use super::{Arrivals, Batches, Bursts, TaskModel};
use crate::dist::{DurationDist, Part};
use crate::input::RETRIES_DEFAULT;

impl TaskModel {
    /// Builds and checks of a large CI: Firefox CI 2020, `gecko-3-b-linux`, 36,511 tasks.
    /// Half of the tasks take three minutes, the others up to hours.
    #[must_use]
    pub fn firefox_builds() -> Self {
        Self {
            arrivals: Arrivals {
                tasks_per_hour: 329.0,
                diurnal_factor: 4.0,
                peak_hour: 16.0,
                weekend_factor: 0.5,
                bursts: Bursts { sigma: 1.0, hold: Duration::from_mins(20) },
                batches: Batches {
                    alone: 0.58,
                    median: 2.4,
                    sigma: 1.35,
                    max: 90,
                    spacing: Duration::from_ms(8),
                },
            },
            durations: mixture([
                (0.03, log_normal(40, 0.6)),
                (0.47, log_normal(175, 0.25)),
                (0.496, log_normal(880, 0.68)),
                (0.004, pareto(3_400, 2.0)),
            ])
            .capped(Duration::from_hours(5)),
            deadline: None,
            retries: RETRIES_DEFAULT,
        }
    }

    /// Tests of a large CI: Firefox CI 2020, `gecko-t-t-linux-large`, 106,233 tasks.
    /// Batches of a hundred, nearly all tasks of one length.
    #[must_use]
    pub fn firefox_tests() -> Self {
        Self {
            arrivals: Arrivals {
                tasks_per_hour: 957.0,
                diurnal_factor: 3.0,
                peak_hour: 16.0,
                weekend_factor: 0.5,
                bursts: Bursts { sigma: 0.4, hold: Duration::from_mins(30) },
                batches: Batches {
                    alone: 0.44,
                    median: 12.0,
                    sigma: 1.7,
                    max: 220,
                    spacing: Duration::from_ms(4),
                },
            },
            durations: mixture([
                (0.13, log_normal(400, 0.65)),
                (0.83, log_normal(1_230, 0.29)),
                (0.04, pareto(2_000, 3.5)),
            ])
            .capped(Duration::from_mins(100)),
            deadline: None,
            retries: RETRIES_DEFAULT,
        }
    }

    /// A research cluster: SURF 2022, 68,648 jobs in a month. Most jobs take a minute, a few
    /// take days: the mean is 65 times the median.
    #[must_use]
    pub fn research_cluster() -> Self {
        Self {
            arrivals: Arrivals {
                tasks_per_hour: 95.0,
                diurnal_factor: 6.0,
                peak_hour: 13.0,
                weekend_factor: 0.4,
                bursts: Bursts { sigma: 1.3, hold: Duration::from_mins(60) },
                batches: Batches {
                    alone: 0.71,
                    median: 1.2,
                    sigma: 0.9,
                    max: 45,
                    spacing: Duration::from_ms(40),
                },
            },
            durations: mixture([(0.70, log_normal(48, 0.70)), (0.30, pareto(400, 0.60))])
                .capped(Duration::from_hours(5 * 24)),
            deadline: None,
            retries: RETRIES_DEFAULT,
        }
    }
}

fn mixture<const N: usize>(parts: [(f64, DurationDist); N]) -> DurationDist {
    let part = |(weight, dist)| Part { weight, dist };
    DurationDist::Mixture(parts.map(part).into())
}

const fn log_normal(median_secs: i64, sigma: f64) -> DurationDist {
    DurationDist::LogNormal { median: Duration::from_secs(median_secs), sigma }
}

const fn pareto(min_secs: i64, shape: f64) -> DurationDist {
    DurationDist::Pareto { min: Duration::from_secs(min_secs), shape }
}

#[cfg(test)]
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "statistics of small counts"
)]
mod tests {
    use provisioner_engine::ids::WorkerTypeId;
    use provisioner_engine::random::Seed;
    use provisioner_engine::units::Time;

    use super::*;
    use crate::generate::tasks::GeneratedTasks;
    use crate::input::{Priority, Task, TaskSource};

    /// Monday, 2020-08-03.
    const START: Time = Time::from_ms(1_596_412_800_000);

    fn month(model: &TaskModel, seed: u64) -> Vec<Task> {
        model.check().expect("presets are right");
        let span = (START, START + Duration::DAY * 28);
        let mut source = GeneratedTasks::new(model, WorkerTypeId::new(0), Seed(seed), span);
        core::iter::from_fn(|| source.next_task()).collect()
    }

    /// The tasks of a recorded Firefox CI pool: pairs of big-endian u32, offset and duration.
    fn recorded(pool: &str) -> Vec<Task> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/traces");
        let bytes = std::fs::read(format!("{folder}/firefox-ci.{pool}.dat"))
            .expect("the recorded traces lie beside the project");
        let duration = |bytes: &[u8]| {
            let ms = u32::from_be_bytes(bytes.try_into().expect("four bytes"));
            Duration::from_ms(i64::from(ms))
        };
        let task = |record: &[u8]| Task {
            submitted: START + duration(&record[..4]),
            duration: duration(&record[4..]),
            deadline: Time::MAX,
            worker_type: WorkerTypeId::new(0),
            priority: Priority::default(),
            retries: RETRIES_DEFAULT,
        };
        bytes.chunks_exact(8).map(task).collect()
    }

    /// What a queue looks like, in the figures by which the recorded ones are described.
    #[derive(Clone, Copy, Debug)]
    struct Figures {
        per_hour: f64,
        /// Share of the tasks that came in the same second as the one before them.
        same_second: f64,
        /// Variance over mean of hourly counts; 1 for Poisson.
        dispersion: f64,
        /// Largest hourly count over the mean.
        peak: f64,
        /// Mean count at the busiest hour of the day over that at the quietest.
        diurnal: f64,
        /// Durations in seconds: the mean, and the quantiles 10, 50, 90 and 99 %.
        durations: [f64; 5],
    }

    fn figures(tasks: &[Task]) -> Figures {
        let n = tasks.len() as f64;
        let second = |task: &Task| task.submitted.ms().div_euclid(1_000);
        let pairs = tasks.windows(2);
        let same_second = pairs.filter(|pair| second(&pair[0]) == second(&pair[1]));
        let counts = hourly(tasks);
        let mean = average(&counts);
        let squares: Vec<f64> = counts.iter().map(|x| (x - mean).powi(2)).collect();
        let at_hour =
            |hour| -> Vec<f64> { counts.iter().skip(hour).step_by(24).copied().collect() };
        let daily: Vec<f64> = (0..24).map(|hour| average(&at_hour(hour))).collect();
        let max = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
        let min = |values: &[f64]| values.iter().copied().fold(f64::INFINITY, f64::min);
        let mut durations: Vec<f64> =
            tasks.iter().map(|task| task.duration.as_secs_f64()).collect();
        durations.sort_by(f64::total_cmp);
        let quantile = |p: f64| durations[(p * n) as usize];
        Figures {
            per_hour: mean,
            same_second: same_second.count() as f64 / n,
            dispersion: average(&squares) / mean,
            peak: max(&counts) / mean,
            diurnal: max(&daily) / min(&daily),
            durations: [
                average(&durations),
                quantile(0.1),
                quantile(0.5),
                quantile(0.9),
                quantile(0.99),
            ],
        }
    }

    /// Tasks in each whole hour after the first task.
    fn hourly(tasks: &[Task]) -> Vec<f64> {
        let first = tasks[0].submitted;
        let hour = |task: &Task| task.submitted.since(first).as_hours_f64() as usize;
        let mut counts = vec![0.0; hour(&tasks[tasks.len() - 1])];
        for task in tasks {
            if let Some(count) = counts.get_mut(hour(task)) {
                *count += 1.0;
            }
        }
        counts
    }

    fn average(values: &[f64]) -> f64 {
        values.iter().sum::<f64>() / values.len() as f64
    }

    /// The median over several months of each figure.
    fn generated(model: &TaskModel) -> Figures {
        let months: Vec<Figures> = (0..5).map(|seed| figures(&month(model, seed))).collect();
        let median = |of: &dyn Fn(&Figures) -> f64| {
            let mut values: Vec<f64> = months.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            values[2]
        };
        Figures {
            per_hour: median(&|month| month.per_hour),
            same_second: median(&|month| month.same_second),
            dispersion: median(&|month| month.dispersion),
            peak: median(&|month| month.peak),
            diurnal: median(&|month| month.diurnal),
            durations: core::array::from_fn(|i| median(&|month| month.durations[i])),
        }
    }

    #[track_caller]
    fn near(name: &str, value: f64, wanted: f64, tolerance: f64) {
        println!("{name}: {value:.3} for {wanted:.3}");
        assert!(
            (value / wanted - 1.0).abs() <= tolerance,
            "{name} is {value}, not within {tolerance} of {wanted}"
        );
    }

    /// Arrivals and durations agree within the tolerances that stand here, as shares.
    #[track_caller]
    fn resembles(got: &Figures, wanted: &Figures) {
        near("tasks per hour", got.per_hour, wanted.per_hour, 0.12);
        near("in the same second", got.same_second, wanted.same_second, 0.07);
        near("dispersion", got.dispersion, wanted.dispersion, 0.35);
        let (names, tolerances) =
            (["mean", "p10", "p50", "p90", "p99"], [0.05, 0.15, 0.05, 0.15, 0.2]);
        for i in 0..5 {
            near(names[i], got.durations[i], wanted.durations[i], tolerances[i]);
        }
    }

    #[test]
    fn builds_look_like_firefox_builds() {
        let got = generated(&TaskModel::firefox_builds());
        resembles(&got, &figures(&recorded("gecko-3-b-linux")));
        // The recording is too short for the day: the range is that of all recorded queues.
        assert!((10.0..=30.0).contains(&got.peak), "{}", got.peak);
        assert!((3.0..=30.0).contains(&got.diurnal), "{}", got.diurnal);
    }

    #[test]
    fn tests_look_like_firefox_tests() {
        let got = generated(&TaskModel::firefox_tests());
        resembles(&got, &figures(&recorded("gecko-t-t-linux-large")));
        assert!((3.0..=30.0).contains(&got.diurnal), "{}", got.diurnal);
    }

    #[test]
    fn a_research_cluster_looks_like_surf() {
        let got = generated(&TaskModel::research_cluster());
        println!("{got:.2?}");
        // Measured on the month of SURF, whose file needs a reader that is not here.
        near("tasks per hour", got.per_hour, 95.3, 0.12);
        near("in the same second", got.same_second, 0.44, 0.1);
        near("mean", got.durations[0], 4_524.0, 0.15);
        near("p50", got.durations[2], 69.0, 0.1);
        near("p99", got.durations[4], 129_266.0, 0.2);
        assert!((100.0..=600.0).contains(&got.dispersion), "{}", got.dispersion);
        assert!((10.0..=30.0).contains(&got.peak), "{}", got.peak);
        assert!((3.0..=30.0).contains(&got.diurnal), "{}", got.diurnal);
    }
}
