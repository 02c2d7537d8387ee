//! What a reader of an outcome should know before believing or spending: in plain words, with what
//! was set and what to try.
//!
//! Not here: remarks on input files (their readers make those).

use provisioner_engine::units::Duration;
use provisioner_engine::worker_type::WorkerType;
use provisioner_sim::config::SimConfig;
use provisioner_sim::outcome::{Measures, Outcome};

use crate::text::{grouped, in_words, printable};

/// Fewer refusals or cancellations than this share of launches are everyday business.
const FAILED_SHARE_MIN: f64 = 0.2;
/// Above this share of `capacity_max` on average, the limit decides, not the policy.
const CAPACITY_SHARE_MIN: f64 = 0.8;
/// Fewer tasks given up than this share are everyday business.
const GIVEN_UP_SHARE_MIN: f64 = 0.01;
/// A cold start this small a share of the run moves no quantile that is reported.
const COLD_START_SHARE_MIN: f64 = 0.01;
/// Longer waits come from something else: by then the first instances have long started.
const COLD_START_MAX: Duration = Duration::HOUR;
/// No more warnings than this are given; the tables tell the rest.
const WARNINGS_MAX: usize = 20;

/// The warnings about a run, the most important first.
#[must_use]
pub fn warnings(config: &SimConfig, outcome: &Outcome) -> Vec<String> {
    let mut warnings = about_the_run(config, outcome);
    for (worker_type, measures) in config.engine.worker_types.iter().zip(&outcome.worker_types) {
        warnings.extend(about_a_worker_type(config, outcome, worker_type, measures));
    }
    let more = warnings.len().saturating_sub(WARNINGS_MAX);
    warnings.truncate(WARNINGS_MAX);
    if more > 0 {
        warnings.push(format!("{more} more warnings of the same kinds; see the tables"));
    }
    warnings
}

fn about_the_run(config: &SimConfig, outcome: &Outcome) -> Vec<String> {
    let total = &outcome.total;
    let mut warnings = Vec::new();
    if total.tasks.submitted == 0 {
        let told = "no task was submitted within the scenario's `time`; compare it with the span \
                    that `provisioner import` prints";
        warnings.push(told.to_owned());
        return warnings;
    }
    let warmup = in_words(config.warmup);
    if total.wait.count == 0 && total.tasks.done > 0 {
        warnings.push(format!(
            "no wait was measured: all tasks were submitted within `warmup` (now {warmup})"
        ));
    }
    let span = config.end.since(config.start);
    let cold = total.wait.p95.ms() - config.warmup.ms();
    if total.wait.p95 <= COLD_START_MAX && ratio(cold, span.ms()) >= COLD_START_SHARE_MIN {
        let p95 = in_words(total.wait.p95);
        warnings.push(format!(
            "waits include the start with an empty fleet: p95 is {p95}, of a run of {}; lengthen \
             `warmup` (now {warmup})",
            in_words(span)
        ));
    }
    warnings
}

fn about_a_worker_type(
    config: &SimConfig,
    outcome: &Outcome,
    worker_type: &WorkerType,
    measures: &Measures,
) -> Vec<String> {
    let (tasks, launches) = (&measures.tasks, &measures.launches);
    let name = printable(&worker_type.name);
    let mut warnings = Vec::new();
    if tasks.submitted == 0 {
        if outcome.total.tasks.submitted > 0 {
            warnings.push(format!("{name}: got no task"));
        }
        return warnings;
    }
    if launches.ordered == 0 {
        warnings.push(format!(
            "{name}: nothing was bought; write a journal with `--journal FILE` and see why with \
             `provisioner replay FILE --explain`"
        ));
    } else if launches.started == 0 {
        warnings.push(format!("{name}: none of {} launches started", grouped(launches.ordered)));
    }
    if tasks.left > 0 {
        let (left, all) = (grouped(tasks.left), grouped(tasks.submitted));
        let drain = in_words(config.drain);
        warnings.push(format!(
            "{name}: {left} of {all} tasks were left when waiting was given up; their cost and \
             waits are not whole; lengthen `drain` (now {drain}) or raise `capacity_max` (now {})",
            worker_type.capacity_max
        ));
    }
    let given_up = tasks.expired + tasks.exhausted;
    if share(given_up, tasks.submitted) >= GIVEN_UP_SHARE_MIN {
        let percent = percent(given_up, tasks.submitted);
        warnings.push(format!(
            "{name}: {percent} of tasks were given up, {} at their deadline and {} after their \
             last retry",
            grouped(tasks.expired),
            grouped(tasks.exhausted)
        ));
    }
    let ordered = launches.ordered;
    let failed = [
        (launches.insufficient_capacity, "refused for lack of capacity; allow more pools".into()),
        (
            launches.price_too_low,
            "refused because the market price was above the bid; allow more pools or bid higher"
                .into(),
        ),
        (
            launches.cancelled,
            format!(
                "cancelled unfulfilled after `request_timeout` (now {}); allow more pools or bid \
                 higher",
                in_words(worker_type.request_timeout)
            ),
        ),
    ];
    for (count, how) in failed {
        if share(count, ordered) >= FAILED_SHARE_MIN {
            warnings.push(format!("{name}: {} of launches were {how}", percent(count, ordered)));
        }
    }
    let span = outcome.finished.since(outcome.started);
    let max = Duration::from_ms(span.ms().saturating_mul(i64::from(worker_type.capacity_max)));
    let in_use = ratio(measures.capacity_time.ms(), max.ms());
    if in_use >= CAPACITY_SHARE_MIN {
        warnings.push(format!(
            "{name}: on average {:.0} % of `capacity_max` (now {}) was in use; the limit, not the \
             policy, decides how long tasks wait",
            in_use * 100.0,
            worker_type.capacity_max
        ));
    }
    warnings
}

fn percent(part: u64, whole: u64) -> String {
    format!("{:.0} %", share(part, whole) * 100.0)
}

#[expect(clippy::cast_precision_loss, reason = "a warning rounds far more")]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[expect(clippy::cast_precision_loss, reason = "a warning rounds far more")]
fn ratio(part: i64, whole: i64) -> f64 {
    if whole <= 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::testing::{config, outcome};

    /// What is said once the outcome, in which all is well, was changed.
    fn check(change: impl FnOnce(&mut Outcome), expected: Expect) {
        let mut outcome = outcome();
        for measures in outcome.worker_types.iter_mut().chain([&mut outcome.total]) {
            measures.tasks.left = 0;
        }
        change(&mut outcome);
        expected.assert_eq(&warnings(&config(&outcome), &outcome).join("\n"));
    }

    #[test]
    fn nothing_is_said_when_all_is_well() {
        check(|_| {}, expect![[""]]);
    }

    #[test]
    fn tasks_that_were_left_are_told() {
        check(
            |outcome| outcome.worker_types[0].tasks.left = 1_200,
            expect![[r#"
                gecko-3/b-linux: 1,200 of 34,000 tasks were left when waiting was given up; their cost and waits are not whole; lengthen `drain` (now 1 d) or raise `capacity_max` (now 1000)"#]],
        );
    }

    #[test]
    fn a_queue_without_tasks_is_told_once() {
        check(
            |outcome| {
                outcome.total.tasks.submitted = 0;
                outcome.worker_types.iter_mut().for_each(|w| w.tasks.submitted = 0);
            },
            expect![[r#"
                no task was submitted within the scenario's `time`; compare it with the span that `provisioner import` prints"#]],
        );
        check(
            |outcome| outcome.worker_types[1].tasks.submitted = 0,
            expect![[r#"
                gecko-t/t-linux-large: got no task"#]],
        );
    }

    #[test]
    fn nothing_bought_points_to_the_reasons() {
        check(
            |outcome| outcome.worker_types[0].launches.ordered = 0,
            expect![[r#"
                gecko-3/b-linux: nothing was bought; write a journal with `--journal FILE` and see why with `provisioner replay FILE --explain`"#]],
        );
    }

    #[test]
    fn many_failed_launches_are_told_by_kind() {
        check(
            |outcome| {
                let launches = &mut outcome.worker_types[0].launches;
                launches.insufficient_capacity = launches.ordered / 3;
                launches.price_too_low = launches.ordered / 3;
                launches.cancelled = launches.ordered / 3;
                launches.started = 0;
            },
            expect![[r#"
                gecko-3/b-linux: none of 2,100 launches started
                gecko-3/b-linux: 33 % of launches were refused for lack of capacity; allow more pools
                gecko-3/b-linux: 33 % of launches were refused because the market price was above the bid; allow more pools or bid higher
                gecko-3/b-linux: 33 % of launches were cancelled unfulfilled after `request_timeout` (now 20 min); allow more pools or bid higher"#]],
        );
    }

    #[test]
    fn many_tasks_given_up_are_told() {
        check(
            |outcome| outcome.worker_types[0].tasks.exhausted = 3_400,
            expect![[r#"
                gecko-3/b-linux: 10 % of tasks were given up, 100 at their deadline and 3,400 after their last retry"#]],
        );
    }

    #[test]
    fn a_fleet_at_its_limit_is_told() {
        check(
            |outcome| {
                outcome.worker_types[0].capacity_time = Duration::from_hours(1_000 * 24 * 4);
            },
            expect![[r#"
                gecko-3/b-linux: on average 86 % of `capacity_max` (now 1000) was in use; the limit, not the policy, decides how long tasks wait"#]],
        );
    }

    #[test]
    fn a_cold_start_in_the_waits_of_a_short_run_is_told() {
        let mut outcome = outcome();
        let mut config = config(&outcome);
        (outcome.worker_types, outcome.total.tasks.left) = (Vec::new(), 0);
        config.warmup = Duration::from_mins(10);
        config.end = config.start + Duration::from_hours(8);
        outcome.total.wait.p95 = Duration::from_mins(20);
        expect![[r#"
                waits include the start with an empty fleet: p95 is 20 min, of a run of 8 h; lengthen `warmup` (now 10 min)"#]].assert_eq(&warnings(&config, &outcome).join("\n"));
        outcome.total.wait.p95 = Duration::from_hours(3);
        assert!(warnings(&config, &outcome).is_empty(), "so long a wait has another cause");
    }

    #[test]
    fn a_warm_up_over_all_tasks_is_told() {
        check(
            |outcome| outcome.total.wait.count = 0,
            expect![[r#"
                no wait was measured: all tasks were submitted within `warmup` (now 1 h)"#]],
        );
    }
}
