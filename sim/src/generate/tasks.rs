//! Tasks of one worker type, as a stream: batches, days, weekends, bursts and long durations.
//!
//! Real queues are not Poisson. People and scripts submit tasks in batches, by day more than by
//! night, and in bursts for hours. So batches arrive at a rate that is a product: mean × hour of
//! the week × burst level, a log-normal number drawn anew every now and then. With every factor
//! neutral ([`Arrivals::poisson`]) it is the Poisson process of queueing theory.
//!
//! Nothing is stored: a year of tasks takes the memory of one. Arrivals, batches, bursts and
//! durations have a stream each.
//!
//! Units: rates are tasks per hour; hours of the day are UTC.
//! Not here: priorities (all tasks have the default one) and dependencies between tasks.

mod presets;

use provisioner_engine::ids::WorkerTypeId;
use provisioner_engine::random::{Seed, Stream};
use provisioner_engine::units::{Duration, Time};
use serde::{Deserialize, Serialize};

use crate::dist::{DELAY_MAX, DurationDist, check_number, to_ms, ziggurat};
use crate::input::{Priority, RETRIES_DEFAULT, Task, TaskSource};

/// What kind of tasks a queue gets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskModel {
    /// When they come.
    pub arrivals: Arrivals,
    /// How long they run.
    pub durations: DurationDist,
    /// How long after its submission a task is given up; never if absent.
    pub deadline: Option<Duration>,
    /// How often a task may be run again.
    pub retries: u8,
}

/// When tasks come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arrivals {
    /// Mean over a whole week.
    pub tasks_per_hour: f64,
    /// Rate at the busiest time of day over that at the quietest, half a day later.
    pub diurnal_factor: f64,
    /// The busiest time of day, in hours after midnight UTC.
    pub peak_hour: f64,
    /// Rate on Saturdays and Sundays over that on other days.
    pub weekend_factor: f64,
    /// How the rate varies beyond that.
    pub bursts: Bursts,
    /// How many tasks come together.
    pub batches: Batches,
}

/// The burst level: a log-normal factor of mean 1, drawn anew after an exponential time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bursts {
    /// Standard deviation of its logarithm; 0 for none.
    pub sigma: f64,
    /// How long a level holds on average.
    pub hold: Duration,
}

/// How many tasks come together: one, or one more than a rounded-up log-normal number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Batches {
    /// Share of the batches that are of a single task.
    pub alone: f64,
    /// Median of the log-normal number.
    pub median: f64,
    /// Standard deviation of its logarithm.
    pub sigma: f64,
    /// The largest batch.
    pub max: u32,
    /// Mean time between two tasks of a batch.
    pub spacing: Duration,
}

impl Default for TaskModel {
    fn default() -> Self {
        Self::firefox_builds()
    }
}

impl TaskModel {
    /// Without batches, days and bursts: for queueing theory.
    #[must_use]
    pub const fn poisson(tasks_per_hour: f64, durations: DurationDist) -> Self {
        Self {
            arrivals: Arrivals::poisson(tasks_per_hour),
            durations,
            deadline: None,
            retries: RETRIES_DEFAULT,
        }
    }

    /// Whether the parameters mean anything; if not, what is wrong and what would work.
    pub fn check(&self) -> Result<(), String> {
        let Arrivals { tasks_per_hour, diurnal_factor, peak_hour, weekend_factor, bursts, batches } =
            &self.arrivals;
        check_number("tasks_per_hour", *tasks_per_hour, 0.0, 1e7)?;
        check_number("diurnal_factor", *diurnal_factor, 1.0, 1e4)?;
        check_number("peak_hour", *peak_hour, 0.0, 24.0)?;
        check_number("weekend_factor", *weekend_factor, 0.0, 100.0)?;
        check_number("bursts.sigma", bursts.sigma, 0.0, 3.0)?;
        if !(Duration::MINUTE..=DELAY_MAX).contains(&bursts.hold) {
            return Err(format!(
                "bursts.hold is {}; give a duration from 1 min to {DELAY_MAX}",
                bursts.hold
            ));
        }
        check_number("batches.alone", batches.alone, 0.0, 1.0)?;
        check_number("batches.median", batches.median, 0.01, 1e4)?;
        check_number("batches.sigma", batches.sigma, 0.01, 5.0)?;
        check_number("batches.max", f64::from(batches.max), 2.0, 1e5)?;
        if !(Duration::ZERO..=Duration::HOUR).contains(&batches.spacing) {
            return Err(format!(
                "batches.spacing is {}; give a duration from 0 to 1 h",
                batches.spacing
            ));
        }
        if self.deadline.is_some_and(|deadline| deadline <= Duration::ZERO) {
            return Err("deadline is not positive; leave it out for none".to_owned());
        }
        self.durations.check()
    }
}

impl Arrivals {
    /// One at a time, at a constant rate.
    #[must_use]
    pub const fn poisson(tasks_per_hour: f64) -> Self {
        Self {
            tasks_per_hour,
            diurnal_factor: 1.0,
            peak_hour: 12.0,
            weekend_factor: 1.0,
            bursts: Bursts { sigma: 0.0, hold: Duration::HOUR },
            batches: Batches {
                alone: 1.0,
                median: 1.0,
                sigma: 1.0,
                max: 2,
                spacing: Duration::ZERO,
            },
        }
    }

    /// Batches per millisecond for each hour of the week, Sunday first, at burst level 1.
    #[expect(clippy::cast_precision_loss, reason = "hours of a week")]
    fn hourly_rates(&self) -> [f64; HOURS_PER_WEEK] {
        let swing = 0.5 * libm::log(self.diurnal_factor);
        let shape: [f64; HOURS_PER_WEEK] = core::array::from_fn(|hour| {
            let weekend = matches!(hour / 24, 0 | 6);
            let angle = (hour % 24) as f64 + 0.5 - self.peak_hour;
            let daily = libm::exp(swing * libm::cos(core::f64::consts::TAU / 24.0 * angle));
            daily * if weekend { self.weekend_factor } else { 1.0 }
        });
        let batches_per_hour = self.tasks_per_hour / self.batches.mean();
        let scale = batches_per_hour / HOUR_MS * shape.len() as f64 / shape.iter().sum::<f64>();
        shape.map(|factor| factor * scale)
    }
}

impl Batches {
    fn draw(&self, rng: &mut Stream) -> u32 {
        if self.alone >= 1.0 || ziggurat::uniform(rng) < self.alone {
            return 1;
        }
        let others = self.median * libm::exp(self.sigma * ziggurat::normal(rng));
        1 + to_count(libm::ceil(others)).clamp(1, self.max - 1)
    }

    /// The mean number of tasks: 1, and for each k the probability that there are more than k others.
    fn mean(&self) -> f64 {
        let more_than = |others: u32| {
            let z = libm::log(f64::from(others) / self.median) / self.sigma;
            0.5 * libm::erfc(z * core::f64::consts::FRAC_1_SQRT_2)
        };
        1.0 + (1.0 - self.alone) * (0..self.max - 1).map(more_than).sum::<f64>()
    }
}

/// The tasks of one worker type, in the order in which they are submitted.
#[derive(Clone, Debug)]
pub struct GeneratedTasks {
    worker_type: WorkerTypeId,
    durations: DurationDist,
    deadline: Option<Duration>,
    retries: u8,
    batches: Batches,
    bursts: Bursts,
    rates: [f64; HOURS_PER_WEEK],

    arrivals_rng: Stream,
    batches_rng: Stream,
    bursts_rng: Stream,
    durations_rng: Stream,

    start: Time,
    /// Milliseconds from `start` to the end; so are all the times below.
    span: f64,
    tasks_left: u64,
    /// When the current batch began.
    batch_at: f64,
    batch_left: u32,
    /// When the last task was submitted: never before the one before it.
    task_at: f64,
    /// Until when `rate`, in batches per millisecond, holds.
    rate: f64,
    rate_until: f64,
    level: f64,
    level_until: f64,
}

const HOURS_PER_WEEK: usize = 168;
const HOUR_MS: f64 = 3_600_000.0;

impl GeneratedTasks {
    /// The tasks of a worker type from `start` to before `end`.
    ///
    /// `seed` is the worker type's own, that of the run split by its name.
    #[must_use]
    pub fn new(
        model: &TaskModel,
        worker_type: WorkerTypeId,
        seed: Seed,
        (start, end): (Time, Time),
    ) -> Self {
        let stream = |purpose| seed.purpose("tasks").purpose(purpose).stream();
        Self {
            worker_type,
            durations: model.durations.clone(),
            deadline: model.deadline,
            retries: model.retries,
            batches: model.arrivals.batches.clone(),
            bursts: model.arrivals.bursts.clone(),
            rates: model.arrivals.hourly_rates(),
            arrivals_rng: stream("arrivals"),
            batches_rng: stream("batches"),
            bursts_rng: stream("bursts"),
            durations_rng: stream("durations"),
            start,
            span: to_ms(end.since(start)),
            tasks_left: if model.arrivals.tasks_per_hour > 0.0 { u64::MAX } else { 0 },
            batch_at: 0.0,
            batch_left: 0,
            task_at: 0.0,
            rate: 0.0,
            rate_until: 0.0,
            level: 1.0,
            level_until: if model.arrivals.bursts.sigma > 0.0 { 0.0 } else { f64::INFINITY },
        }
    }

    /// These tasks, but only the first so many.
    #[must_use]
    pub const fn take_at_most(mut self, tasks: u64) -> Self {
        if tasks < self.tasks_left {
            self.tasks_left = tasks;
        }
        self
    }

    /// Moves on to the next batch; false if there is none before the end.
    fn next_batch(&mut self) -> bool {
        let mut work = ziggurat::exponential(&mut self.arrivals_rng);
        loop {
            let room = (self.rate_until - self.batch_at) * self.rate;
            if work < room {
                self.batch_at += work / self.rate;
                return true;
            }
            work -= room;
            self.batch_at = self.rate_until;
            if self.batch_at >= self.span {
                return false;
            }
            self.next_rate();
        }
    }

    /// Finds the rate that holds from `batch_at` on, and until when: the hour's or the level's end.
    fn next_rate(&mut self) {
        while self.level_until <= self.batch_at {
            let Bursts { sigma, hold } = self.bursts;
            let z = ziggurat::normal(&mut self.bursts_rng);
            self.level = libm::exp(sigma * (z - 0.5 * sigma));
            self.level_until += to_ms(hold) * ziggurat::exponential(&mut self.bursts_rng);
        }
        let now = self.start + whole_ms(self.batch_at);
        let hour = now.ms().div_euclid(Duration::HOUR.ms());
        let hour_end = Time::from_ms((hour + 1) * Duration::HOUR.ms());
        self.rate_until = to_ms(hour_end - self.start).min(self.level_until);
        // The epoch was a Thursday: four days into a week that begins on Sunday.
        let hour_of_week = usize::try_from((hour + 4 * 24).rem_euclid(168));
        let hour_of_week = hour_of_week.expect("a remainder is not negative");
        self.rate = self.rates[hour_of_week] * self.level;
    }
}

impl TaskSource for GeneratedTasks {
    fn next_task(&mut self) -> Option<Task> {
        if self.tasks_left == 0 {
            return None;
        }
        if self.batch_left > 0 {
            self.task_at +=
                to_ms(self.batches.spacing) * ziggurat::exponential(&mut self.batches_rng);
        } else if self.next_batch() {
            self.batch_left = self.batches.draw(&mut self.batches_rng);
            self.task_at = self.task_at.max(self.batch_at);
        } else {
            self.task_at = self.span;
        }
        if self.task_at >= self.span {
            self.tasks_left = 0;
            return None;
        }
        self.batch_left -= 1;
        self.tasks_left -= 1;
        let submitted = self.start + whole_ms(self.task_at);
        Some(Task {
            submitted,
            duration: self.durations.sample(&mut self.durations_rng),
            deadline: self
                .deadline
                .map_or(Time::MAX, |deadline| submitted.saturating_add(deadline)),
            worker_type: self.worker_type,
            priority: Priority::default(),
            retries: self.retries,
        })
    }
}

#[expect(clippy::cast_possible_truncation, reason = "below a span of time")]
const fn whole_ms(ms: f64) -> Duration {
    Duration::from_ms(ms as i64)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, and the caller limits it"
)]
const fn to_count(x: f64) -> u32 {
    x as u32
}

#[cfg(test)]
#[expect(clippy::cast_precision_loss, reason = "statistics of small counts")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Monday, 2020-08-03.
    const START: Time = Time::from_ms(1_596_412_800_000);
    const WEEK: Duration = Duration::from_hours(168);
    const MINUTE: DurationDist = DurationDist::Constant(Duration::MINUTE);

    fn source(model: &TaskModel, seed: u64, span: Duration) -> GeneratedTasks {
        model.check().expect("the model is right");
        let worker_type = WorkerTypeId::new(0);
        GeneratedTasks::new(model, worker_type, Seed(seed), (START, START + span))
    }

    fn collect(mut source: impl TaskSource) -> Vec<Task> {
        core::iter::from_fn(|| source.next_task()).collect()
    }

    #[track_caller]
    fn near(name: &str, value: f64, wanted: f64, tolerance: f64) {
        println!("{name}: {value:.3} for {wanted:.3}");
        assert!(
            (value / wanted - 1.0).abs() <= tolerance,
            "{name} is {value}, not within {tolerance} of {wanted}"
        );
    }

    #[test]
    fn poisson_is_poisson() {
        let model = TaskModel::poisson(400.0, MINUTE);
        let gaps: Vec<f64> = collect(source(&model, 2, WEEK * 10))
            .windows(2)
            .map(|pair| (pair[1].submitted - pair[0].submitted).as_secs_f64())
            .collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let longer = gaps.iter().filter(|gap| **gap > 18.0).count();
        near("mean gap, s", mean, 9.0, 0.01);
        near("gaps over two means", longer as f64 / gaps.len() as f64, libm::exp(-2.0), 0.02);
    }

    #[test]
    fn weekends_and_nights_are_where_they_should_be() {
        let arrivals = Arrivals {
            diurnal_factor: 4.0,
            peak_hour: 15.5,
            weekend_factor: 0.25,
            ..Arrivals::poisson(1_000.0)
        };
        let model = TaskModel { arrivals, ..TaskModel::poisson(0.0, MINUTE) };
        let tasks = collect(source(&model, 1, WEEK * 8));
        near("mean", tasks.len() as f64, 1_000.0 * 168.0 * 8.0, 0.01);
        let count = |is: &dyn Fn(i64, i64) -> bool| {
            let hour = |task: &&Task| task.submitted.since(START).ms() / Duration::HOUR.ms();
            tasks.iter().map(|task| hour(&task)).filter(|hour| is(hour / 24 % 7, hour % 24)).count()
                as f64
        };
        let (saturday, monday) = (count(&|day, _| day == 5), count(&|day, _| day == 0));
        near("Saturday over Monday", saturday / monday, 0.25, 0.03);
        let (day, night) = (count(&|_, hour| hour == 15), count(&|_, hour| hour == 3));
        near("day over night", day / night, 4.0, 0.03);
    }

    #[test]
    fn durations_of_another_law_leave_arrivals_alone() {
        let model = TaskModel::firefox_tests();
        let other = TaskModel { durations: MINUTE, ..model.clone() };
        let submitted = |model| -> Vec<Time> {
            collect(source(model, 5, WEEK)).iter().map(|task| task.submitted).collect()
        };
        assert_eq!(submitted(&model), submitted(&other));
        let arrivals = Arrivals::poisson(957.0);
        let durations = |model, n| -> Vec<Duration> {
            collect(source(model, 5, WEEK)).iter().map(|task| task.duration).take(n).collect()
        };
        assert_eq!(
            durations(&model, 1_000),
            durations(&TaskModel { arrivals, ..model.clone() }, 1_000)
        );
    }

    #[test]
    fn worker_types_have_streams_of_their_own() {
        let span = (START, START + WEEK);
        let model = TaskModel::default();
        let of = |worker_type| {
            let (id, seed) = (WorkerTypeId::new(0), Seed(1).purpose(worker_type));
            let tasks = collect(GeneratedTasks::new(&model, id, seed, span));
            let times = tasks.iter().map(|task| (task.submitted, task.duration));
            times.collect::<Vec<_>>()
        };
        assert_ne!(of("proj/a"), of("proj/b"));
    }

    #[test]
    fn a_count_ends_the_stream() {
        let model = TaskModel::poisson(1e6, MINUTE);
        let span = (START, Time::from_ms(i64::MAX / 2));
        let source = GeneratedTasks::new(&model, WorkerTypeId::new(3), Seed(1), span);
        let tasks = collect(source.take_at_most(1_000));
        assert_eq!(tasks.len(), 1_000);
        assert!(tasks.iter().all(|task| task.worker_type == WorkerTypeId::new(3)));
    }

    #[test]
    fn wrong_parameters_are_refused_in_words() {
        let said = |change: fn(&mut TaskModel)| {
            let mut model = TaskModel::default();
            change(&mut model);
            model.check().expect_err("it is wrong")
        };
        let all = [
            said(|model| model.arrivals.tasks_per_hour = -1.0),
            said(|model| model.arrivals.diurnal_factor = f64::NAN),
            said(|model| model.arrivals.bursts.hold = Duration::ZERO),
            said(|model| model.arrivals.batches.max = 1),
            said(|model| model.deadline = Some(Duration::ZERO)),
        ];
        expect_test::expect![[r#"
            tasks_per_hour is -1; give a number from 0 to 10000000
            diurnal_factor is NaN; give a number from 1 to 10000
            bursts.hold is 0 s; give a duration from 1 min to 366 d
            batches.max is 1; give a number from 2 to 100000
            deadline is not positive; leave it out for none"#]]
        .assert_eq(&all.join("\n"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn tasks_come_in_order_within_the_span_and_the_same_each_time(
            seed: u64, rate in 0.0..5_000.0, factor in 1.0..100.0, sigma in 0.0..2.0, hours in 0_i64..40,
        ) {
            let mut model = TaskModel::default();
            model.arrivals.tasks_per_hour = rate;
            model.arrivals.diurnal_factor = factor;
            model.arrivals.bursts.sigma = sigma;
            model.deadline = Some(Duration::DAY);
            let span = Duration::from_hours(hours);
            let tasks = collect(source(&model, seed, span).take_at_most(20_000));
            prop_assert!(tasks.is_sorted_by_key(|task| task.submitted));
            prop_assert!(tasks.iter().all(|task| (START..START + span).contains(&task.submitted)));
            prop_assert!(tasks.iter().all(|task| task.deadline == task.submitted + Duration::DAY));
            prop_assert_eq!(tasks, collect(source(&model, seed, span).take_at_most(20_000)));
        }
    }
}
