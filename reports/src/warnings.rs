//! What a reader of an outcome should know before believing or spending: in plain words, with what
//! was set and what to try.
//!
//! Not here: remarks on input files (their readers make those).

use provisioner_engine::units::Duration;
use provisioner_engine::worker_type::WorkerType;
use provisioner_sim::config::SimConfig;
use provisioner_sim::outcome::{LimitMeasures, Measures, Outcome};

use crate::text::{grouped, in_words, printable};

/// Fewer refusals or cancellations than this share of launches are everyday business.
const FAILED_SHARE_MIN: f64 = 0.2;
/// A limit that is in the way for a smaller share of time, or of turns, is everyday business.
pub(crate) const LIMIT_SHARE_MIN: f64 = 0.1;
/// Fewer tasks given up than this share are everyday business.
const GIVEN_UP_SHARE_MIN: f64 = 0.01;
/// A floor whose workers leave and are bought again less often than at this share of all occasions
/// is everyday business.
const REBOUGHT_SHARE_MIN: f64 = 0.25;
/// Fewer waits for the first workers than this share of all move no quantile that is reported.
///
/// Tests for where a steady state begins (Geweke's, MSER-5) ask for one; recorded days have none.
/// What is sure is that the start with an empty fleet is over once workers caught up with the queue.
pub(crate) const COLD_SHARE_MIN: f64 = 0.01;
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
    if share(total.waits_cold, total.wait.count) >= COLD_SHARE_MIN {
        let percent = percent(total.waits_cold, total.wait.count);
        warnings.push(format!(
            "{percent} of the waits are of tasks that waited for the first workers; lengthen \
             `warmup` (now {warmup})"
        ));
    }
    for (turns, what) in limits(outcome) {
        if share(turns, outcome.iterations) >= LIMIT_SHARE_MIN {
            warnings.push(format!("in {} of the turns {what}", percent(turns, outcome.iterations)));
        }
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
    warnings
        .extend(floor_that_leaves(worker_type, measures, span).map(|it| format!("{name}: {it}")));
    let full = ratio(measures.capacity_max_time.ms(), span.ms());
    if full >= LIMIT_SHARE_MIN {
        warnings.push(format!(
            "{name}: {:.0} % of the time `capacity_max` (now {}) kept tasks waiting: there the limit \
             decides, not the policy",
            full * 100.0,
            worker_type.capacity_max
        ));
    }
    warnings
}

/// A worker is not told that it belongs to a floor: it leaves when it was idle for long enough, and
/// another one is bought. Said where the floor is most of the fleet, and did so often.
fn floor_that_leaves(
    worker_type: &WorkerType,
    measures: &Measures,
    span: Duration,
) -> Option<String> {
    let WorkerType { capacity_min, idle_timeout, .. } = *worker_type;
    let (floor, stopped) = (f64::from(capacity_min), measures.launches.stopped);
    let is_most = floor * 2.0 >= ratio(measures.capacity_time.ms(), span.ms());
    let occasions = floor * ratio(span.ms(), idle_timeout.ms());
    #[expect(clippy::cast_precision_loss, reason = "a warning rounds far more")]
    let is_often = stopped as f64 >= occasions * REBOUGHT_SHARE_MIN;
    (floor > 0.0 && stopped > 0 && is_most && is_often).then(|| {
        format!(
            "{} idle workers left after `idle_timeout` (now {}) and were bought again for \
             `capacity_min` (now {capacity_min}); lengthen `idle_timeout`",
            grouped(stopped),
            in_words(idle_timeout)
        )
    })
}

/// In how many turns each limit was in the way, and what that means.
pub(crate) const fn limits(outcome: &Outcome) -> [(u64, &'static str); 4] {
    let LimitMeasures { price, spend, calls, launches } = outcome.limits;
    [
        (price, "`price_max` or `max_price_cap` kept what was wanted from being bought"),
        (spend, "a ceiling on spending kept what was wanted from being bought"),
        (calls, "the allowance of EC2 calls put launches off"),
        (launches, "the limit on launches of one decision put the rest off"),
    ]
}

fn percent(part: u64, whole: u64) -> String {
    format!("{:.0} %", share(part, whole) * 100.0)
}

#[expect(clippy::cast_precision_loss, reason = "a warning rounds far more")]
pub(crate) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[expect(clippy::cast_precision_loss, reason = "a warning rounds far more")]
pub(crate) fn ratio(part: i64, whole: i64) -> f64 {
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
                outcome.worker_types[0].capacity_max_time = Duration::from_hours(30);
            },
            expect![
                "gecko-3/b-linux: 27 % of the time `capacity_max` (now 1000) kept tasks waiting: there the limit decides, not the policy"
            ],
        );
    }

    #[test]
    fn a_floor_that_leaves_and_is_bought_again_is_told() {
        let floor = |stopped: u64, capacity_min: u32| {
            let mut outcome = outcome();
            outcome.worker_types.iter_mut().for_each(|it| it.tasks.left = 0);
            let span = outcome.finished.since(outcome.started);
            let measures = &mut outcome.worker_types[0];
            measures.launches.stopped = stopped;
            measures.capacity_time = span * 70;
            let mut config = config(&outcome);
            let worker_type = &mut config.engine.worker_types[0];
            (worker_type.capacity_min, worker_type.idle_timeout) =
                (capacity_min, Duration::from_ms(span.ms() / 100));
            warnings(&config, &outcome).join("\n")
        };
        expect!["gecko-3/b-linux: 4,000 idle workers left after `idle_timeout` (now 1 h 6 min) and were bought again for `capacity_min` (now 60); lengthen `idle_timeout`"].assert_eq(&floor(4_000, 60));
        assert_eq!([floor(1_400, 60), floor(4_000, 0), floor(4_000, 30)], ["", "", ""]);
    }

    #[test]
    fn waits_for_the_first_workers_are_told() {
        check(
            |outcome| outcome.total.waits_cold = outcome.total.wait.count / 40,
            expect![
                "2 % of the waits are of tasks that waited for the first workers; lengthen `warmup` (now 1 h)"
            ],
        );
        check(|outcome| outcome.total.waits_cold = outcome.total.wait.count / 101, expect![[""]]);
    }

    #[test]
    fn limits_that_were_in_the_way_are_told() {
        check(
            |outcome| outcome.limits.price = outcome.iterations / 3,
            expect![
                "in 33 % of the turns `price_max` or `max_price_cap` kept what was wanted from being bought"
            ],
        );
        check(|outcome| outcome.limits.calls = outcome.iterations / 11, expect![[""]]);
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
