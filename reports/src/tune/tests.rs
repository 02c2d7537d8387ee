//! Made-up outcomes of settings in, pages out.

use std::fs;

use expect_test::{Expect, expect};
use provisioner_engine::random::Seed;
use provisioner_engine::units::{Duration, Usd};
use provisioner_engine::worker_type::PlacementPolicy;
use provisioner_scenarios::file::Issues;
use provisioner_scenarios::tune::{Bench, Job, Judged, Problem};
use provisioner_sim::outcome::Outcome;
use serde_json::Value;

use super::*;
use crate::testing::outcome;

const BASE: &str = r#"
[time]
start = 2021-03-01
length = "6 d"
warmup = "3 h"
[market]
zones = ["us-east-1a"]
on_demand = { "c5.xlarge" = "$0.17/h" }
[worker_types."ci/tests"]
capacity_max = 20
idle_timeout = "30 min"
instance_types."c5.xlarge" = {}
tasks.poisson = { tasks_per_hour = 40, durations = "5 min" }
"#;

const TUNE: &str = r#"
base = "week.toml"
seeds = 8
[tune]
limits = { "wait_s.p95" = "10 min" }
[axes.idle]
key = 'worker_types."ci/tests".idle_timeout'
values = ["5 min", "10 min", "20 min", "40 min"]
[axes.placement.variants]
spread = { worker_type_defaults.placement = "spread" }
cheapest = { worker_type_defaults.placement = "cheapest" }
"#;

fn load(text: &str) -> Result<Problem, Issues> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("week.toml"), BASE).unwrap();
    Problem::load_text(&folder.path().join("search.toml"), text)
}

/// Longer idle workers cost more and make waits shorter; the cheapest pools cost less and make
/// them longer. What is held out is `harder` by so many minutes.
#[expect(clippy::cast_possible_truncation, reason = "made-up figures are small")]
fn made_up(Job { scenario, seed }: &Job, harder: f64) -> Outcome {
    let config = scenario.config(Seed(*seed));
    let worker_type = &config.engine.worker_types[0];
    let idle = worker_type.idle_timeout.as_secs_f64() / 60.0;
    let cheapest = matches!(worker_type.placement, PlacementPolicy::Cheapest { .. });
    let chance = (seed % 4) as f64;
    let is_held_out = scenario.window().start != scenario.window().end - Duration::from_hours(96);
    let (share, longer) = if cheapest { (0.97, 4.0) } else { (1.0, 0.0) };
    let harder = if is_held_out { harder } else { 0.0 };
    let wait = (18.0 - idle / 2.0).max(2.0) + longer + harder + 0.1 * chance;
    let mut outcome = outcome();
    let total = &mut outcome.total;
    total.tasks.left = 0;
    total.wait.p95 = Duration::from_ms((wait * 60_000.0) as i64);
    let cost = (100.0 + 2.0 * idle) * (1.0 + 0.02 * chance) * share;
    (total.cost.spot, total.cost.on_demand) = (Usd::from_micros((cost * 1e6) as i64), Usd::ZERO);
    outcome
}

fn judged(text: &str, harder: f64) -> (Judged, Gauge) {
    let problem = load(text).unwrap_or_else(|issues| panic!("{issues}"));
    let gauge = Gauge::bind(&problem).unwrap_or_else(|issues| panic!("{issues}"));
    let read = |outcome: &Outcome| gauge.read(outcome);
    let mut run =
        |jobs: &[Job]| -> Vec<Outcome> { jobs.iter().map(|job| made_up(job, harder)).collect() };
    let limits = gauge.limits();
    let tuned = problem.tune(&mut Bench { run: &mut run, read: &read, limits });
    let tuned = tuned.unwrap_or_else(|issues| panic!("{issues}"));
    let judged = tuned.judge(&mut Bench { run: &mut run, read: &read, limits });
    (judged, gauge)
}

#[track_caller]
fn shown(text: &str, harder: f64, expected: &Expect) {
    let (judged, gauge) = judged(text, harder);
    let page = page(&judged, &gauge, crate::Look::default()).to_string();
    // The base is in a folder for temporary files.
    let lines = page.lines().filter(|line| !line.starts_with("base = "));
    let warnings = warnings(&judged, &gauge).join("\n");
    let lines = lines.chain(["", "warnings", &warnings]).collect::<Vec<_>>().join("\n");
    expected.assert_eq(&format!("{lines}\n"));
}

#[test]
fn the_page_says_what_was_chosen_how_sure_and_what_is_around_it() {
    shown(
        TUNE,
        0.5,
        &expect![[r#"
            tuned on  2021-03-01 00:00 to 2021-03-05 00:00, waits after 3 h, seeds 1 to 8
            held out  2021-03-05 00:00 to 2021-03-07 00:00, waits after 3 h, seeds 9 to 16

            Chosen
              idle       20 min
              placement  spread
            On what was held out it costs 12.5 % ± 0.0 % less than the base, and keeps all limits.
            Where it was tuned it costs 12.5 % ± 0.0 % less than the base; believe the former.

            Beside the base            base          chosen            base          chosen  at most
                                   tuned on        tuned on        held out        held out
            cost                $165 ± $3.2     $144 ± $2.8     $165 ± $3.2     $144 ± $2.8
            wait_s.p95       3.15 min ± 6 s  8.15 min ± 6 s  3.65 min ± 6 s  8.65 min ± 6 s   10 min

            If one setting were another           cost  limits used  seeds
                                              tuned on     tuned on
            idle = 5 min                 -21.4 % ± 0.0        156 %      3  beyond a limit
            idle = 10 min                -14.3 % ± 0.0        132 %      3  beyond a limit
            idle = 40 min                +28.6 % ± 0.0         22 %      3          dearer
            placement = cheapest          -3.0 % ± 0.0        121 %      3  beyond a limit

            The front of cost against limits; cost is beside the base's
            idle    placement           cost      wait_s.p95  limits used           cost  limits used
                                    held out        held out     held out       tuned on     tuned on
            5 min   cheapest   -33.3 % ± 0.0  20.1 min ± 6 s        202 %  -33.3 % ± 0.0        196 %       *
            5 min   spread     -31.2 % ± 0.0  16.1 min ± 6 s        162 %  -31.3 % ± 0.0        156 %       *
            10 min  spread     -25.0 % ± 0.0  13.7 min ± 6 s        136 %  -25.0 % ± 0.0        132 %       *
            20 min  cheapest   -15.1 % ± 0.0  12.7 min ± 6 s        126 %  -15.1 % ± 0.0        121 %       *
            20 min  spread     -12.5 % ± 0.0  8.65 min ± 6 s         86 %  -12.5 % ± 0.0         81 %  chosen
            base    base        +0.0 % ± 0.0  3.65 min ± 6 s         36 %   +0.0 % ± 0.0         32 %       *
            40 min  spread     +12.5 % ± 0.0  2.65 min ± 6 s         26 %  +12.5 % ± 0.0         22 %       *

            * no other row is both cheaper and farther from the limits, held out.

            Tried 8 of 8 settings in 37 runs (a sweep of all takes 64), judged with 56 more.
            Given up: 2 measurably dearer and no better for it, 5 measurably beyond a limit, 0 for lack of runs; 1 stayed to the end.
            ± is half of a 95 % interval; costs are compared by paired seeds.

            As a scenario, saved here

            [worker_type_defaults]
            placement = "spread"

            [worker_types."ci/tests"]
            idle_timeout = "20 min"

            warnings

        "#]],
    );
}

#[test]
fn limits_that_break_on_what_was_held_out_are_told() {
    let (judged, gauge) = judged(TUNE, 3.0);
    assert_eq!(verdict(&judged, &gauge), Verdict::Broken);
    expect!["wait_s.p95 is 11.2 min on what was held out, beyond its limit of 10 min, though it held where it was tuned"].assert_eq(&warnings(&judged, &gauge).join("\n"));
}

#[test]
fn if_nothing_keeps_the_limits_what_comes_nearest_is_told() {
    let (judged, gauge) = judged(&TUNE.replace("10 min\" }", "1 min\" }"), 0.0);
    assert_eq!(verdict(&judged, &gauge), Verdict::Nothing);
    expect![[r#"
        nothing that was tried keeps the limits where it was tuned; what is shown comes nearest: widen the axes, or the limits
        wait_s.p95 is 2.15 min on what was held out, beyond its limit of 1 min, too
        idle = 40 min is at the end of its axis: better ones may lie beyond"#]].assert_eq(&warnings(&judged, &gauge).join("\n"));
    let page = page(&judged, &gauge, crate::Look::default()).to_string();
    assert!(page.contains("Nearest to the limits\n  idle       40 min\n"), "{page}");
}

#[test]
fn what_stands_at_the_end_of_an_axis_and_few_seeds_are_told() {
    let few = TUNE.replace("seeds = 8", "seeds = 3").replace("\"5 min\", \"10 min\", ", "");
    let (judged, gauge) = judged(&few, 0.0);
    expect![[r#"
        idle = 20 min is at the end of its axis: better ones may lie beyond
        3 seeds that are tuned on say little about chance: take 10 or so
        3 seeds that are held out say little about chance: take 10 or so"#]]
    .assert_eq(&warnings(&judged, &gauge).join("\n"));
}

#[test]
fn where_the_base_is_best_it_stays() {
    let dear = TUNE.replace("\"5 min\", \"10 min\", \"20 min\", \"40 min\"", "\"1 h\", \"2 h\"");
    let (judged, gauge) = judged(&dear.replace("cheapest = {", "# {"), 0.0);
    assert_eq!((judged.found.pick(), verdict(&judged, &gauge)), (0, Verdict::Holds));
    expect!["nothing that was tried is better than the base as it is: it stays"]
        .assert_eq(&warnings(&judged, &gauge).join("\n"));
}

#[test]
fn the_json_holds_the_same_figures() {
    let (judged, gauge) = judged(TUNE, 0.5);
    let mut bytes = Vec::new();
    write(&judged, &gauge, "1c798b7aa012", &mut bytes).unwrap();
    let json: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(json["verdict"], "holds");
    assert_eq!(json["chosen"]["settings"]["idle"], "20 min");
    assert_eq!(
        (&json["chosen"]["surely"], &json["limits"]["wait_s.p95"]),
        (&true.into(), &600.0.into())
    );
    let ratio = json["chosen"]["held_out"]["cost_ratio"].as_f64().unwrap();
    assert!((ratio - 140.0 / 160.0).abs() < 1e-6, "{ratio}");
    let text = json["toml"].as_str().unwrap();
    assert!(text.contains("idle_timeout = \"20 min\""), "{text}");
    let runs = judged.results("1c798b7aa012");
    assert_eq!(json["search"]["runs"], judged.tuned.len());
    assert_eq!(runs.outcomes.len(), judged.tuned.len() + judged.held_out.len());
    let mut csv = Vec::new();
    crate::sweep::Frame::runs(&runs).csv(&mut csv).unwrap();
    let csv = String::from_utf8(csv).unwrap();
    assert!(csv.starts_with("part,idle,placement,run,seed,"), "{csv}");
    assert!(
        csv.contains("\nheld out,20 min,spread,") && csv.contains("\ntuned,base,base,"),
        "{csv}"
    );
}

#[test]
fn limits_are_on_measures_that_there_are_in_their_units() {
    let said = |limit: &str| {
        let problem = load(&TUNE.replace("\"wait_s.p95\" = \"10 min\"", limit)).unwrap();
        let issues = Gauge::bind(&problem).map(|_| ()).unwrap_err().to_string();
        let lines = issues.lines().filter(|line| line.starts_with(['e', 'h']));
        lines.collect::<Vec<_>>().join("\n")
    };
    expect![[r#"
        error: there is no measure `wait_p95`
        hint: did you mean `wait_s.p95`?"#]]
    .assert_eq(&said("\"wait_p95\" = \"10 min\""));
    expect![[r#"
        error: there is no measure `beauty`
        hint: measures are the numbers of `--json`, for example wait_s.p95, worker_types."proj/builds".wait_s.p95"#]].assert_eq(&said("\"beauty\" = 1"));
    expect![[r#"
        error: there is no measure `worker_types."ci/test".wait_s.p95`
        hint: did you mean `worker_types."ci/tests".wait_s.p95`?"#]]
    .assert_eq(&said("'worker_types.\"ci/test\".wait_s.p95' = 1"));
    expect![[r#"
        error: the bound has another unit than `total.wait_s.p95`
        hint: write a duration such as "10 min""#]]
    .assert_eq(&said("\"total.wait_s.p95\" = \"$3\""));
}
