//! Experiment files in, choices or problems out.

use std::collections::BTreeSet;
use std::fs;

use expect_test::{Expect, expect};
use tempfile::TempDir;

use crate::tune::search::Fate;
use crate::tune::*;

/// Six hours of one queue, whose tasks come at stated times.
const BASE: &str = r#"
[time]
start = 2021-03-01
length = "6 h"

[market]
regime = "capacity"
zones = ["us-east-1a", "us-east-1b"]
prices = "modern"
on_demand = { "c5.xlarge" = "$0.17/h" }

[worker_types."ci/tests"]
capacity_max = 20
instance_types."c5.xlarge" = {}
tasks.poisson = { tasks_per_hour = 40, durations = "5 min" }
"#;

const TUNE: &str = r#"
base = "week.toml"
seeds = 4

[tune]
runs = 200
warmup = "15 min"
limits = { "wait_s.mean" = "3 min" }

[axes.idle]
key = 'worker_types."ci/tests".idle_timeout'
values = ["1 min", "5 min", "20 min", "1 h"]

[axes.max]
key = 'worker_types."ci/tests".capacity_max'
values = [2, 4, 8, 20]
"#;

fn folder(base: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("week.toml"), base).expect("a file");
    folder
}

fn load_in(folder: &TempDir, text: &str) -> Result<Problem, Issues> {
    Problem::load_text(&folder.path().join("search.toml"), text)
}

fn load(text: &str) -> Problem {
    load_in(&folder(BASE), text).unwrap_or_else(|issues| panic!("{issues}"))
}

/// What is said about an experiment, without the folder it is in.
#[track_caller]
fn refused(text: &str, expected: &Expect) {
    let said =
        load_in(&folder(BASE), text).map(|_| ()).expect_err("a wrong experiment").to_string();
    let lines = said.lines().map(|line| match line.split_once("--> ") {
        Some((before, place)) => {
            format!("{before}--> {}", place.rsplit('/').next().unwrap_or_default())
        }
        None => line.to_owned(),
    });
    expected.assert_eq(&lines.collect::<Vec<_>>().join("\n"));
}

fn read(outcome: &Outcome) -> Reading {
    let left = outcome.total.tasks.left as f64;
    let cost = outcome.total.cost.total().as_f64();
    Reading { cost, values: vec![outcome.total.wait.mean_ms / 1_000.0, left] }
}

/// The limits of [`TUNE`].
const LIMITS: [f64; 2] = [180.0, 0.0];

fn tuned(problem: Problem, mut run: impl FnMut(&[Job]) -> Vec<Outcome>) -> Tuned {
    let mut bench = Bench { run: &mut run, read: &read, limits: &LIMITS };
    problem.tune(&mut bench).unwrap_or_else(|issues| panic!("{issues}"))
}

fn run_all(jobs: &[Job]) -> Vec<Outcome> {
    jobs.iter().map(Job::run).collect()
}

fn judged(tuned: Tuned) -> Judged {
    tuned.judge(&mut Bench { run: &mut run_all, read: &read, limits: &LIMITS })
}

#[test]
fn the_choice_is_the_best_of_all_or_not_measurably_different_with_fewer_runs() {
    let tuned = tuned(load(TUNE), run_all);
    let mut all = Vec::new();
    let mut problem = load(TUNE);
    let grid = combinations(&problem.axes);
    let none: Vec<Vec<usize>> = vec![Vec::new()];
    assert_eq!((grid.len(), problem.cells.clone()), (16, none));
    for levels in grid {
        let whole = joined(&problem.plan.axes, Some(&levels), &[]);
        let (scenarios, _) = problem.plan.make(&[whole]).expect("a good setting");
        let setting = Setting::new(Some(levels.clone()), scenarios, &problem.windows);
        let runs = problem.seeds.iter().map(|seed| Job::new(setting.tuning(0), *seed).run());
        let readings: Vec<Reading> = runs.map(|outcome| read(&outcome)).collect();
        let of = |number: &dyn Fn(&Reading) -> f64| {
            Interval::of_mean(&readings.iter().map(number).collect::<Vec<_>>())
        };
        let keeps = (0..2).all(|limit| of(&|it| it.values[limit]).high() <= LIMITS[limit]);
        let costs: Vec<f64> = readings.iter().map(|it| it.cost).collect();
        all.push((levels, keeps, costs));
    }
    let best = all.iter().filter(|(_, keeps, _)| *keeps);
    let best = best.min_by(|a, b| mean(&a.2).total_cmp(&mean(&b.2))).expect("one that keeps them");
    let chosen = tuned.found.chosen.expect("one that keeps them");
    assert!(chosen.surely);
    let costs = tuned.part.costs(chosen.candidate, 0);
    let differs = crate::paired::difference(&best.2, &costs);
    assert!(differs.low() <= 0.0, "{:?} costs {differs:?} more", tuned.settings[chosen.candidate]);
    assert!(tuned.found.spent < 16 * 4, "{} runs are no fewer than all", tuned.found.spent);
    assert!(tuned.found.candidates.iter().any(|it| it.fate == Fate::BeyondLimit));
}

#[test]
fn nothing_held_out_is_run_before_the_choice_is_made() {
    let problem = load(TUNE);
    let [before, after] = problem.windows[0];
    let minutes = |window: Window| window.end.since(window.start).ms() / 60_000;
    assert_eq!((minutes(before), minutes(after), before.end), (240, 120, after.start));
    let held_out: BTreeSet<u64> = problem.held_out_seeds.iter().copied().collect();
    assert_eq!(held_out, BTreeSet::from([5, 6, 7, 8]));
    let tuned = tuned(problem, |jobs| {
        for Job { scenario, seed } in jobs {
            assert_eq!(scenario.window(), before);
            assert!((1..=4).contains(seed));
        }
        run_all(jobs)
    });
    let mut seen = BTreeSet::new();
    let mut run = |jobs: &[Job]| {
        for Job { scenario, seed } in jobs {
            assert_eq!(scenario.window(), after);
            seen.insert(*seed);
        }
        run_all(jobs)
    };
    let expected = tuned.runs();
    let judged = tuned.judge(&mut Bench { run: &mut run, read: &read, limits: &LIMITS });
    assert_eq!((seen, judged.held_out.len()), (held_out, expected));
}

#[test]
fn other_tasks_in_the_held_out_time_change_nothing_about_the_choice() {
    let of = |late: &str| {
        let tasks = format!(
            "tasks = {{ listed = {{ batches = [\n\
             {{ at = \"5 min\", number = 30, duration = \"9 min\" }},\n\
             {{ at = \"2 h\", number = 50, duration = \"3 min\" }},\n{late}\n] }} }}"
        );
        let base = BASE.lines().filter(|line| !line.starts_with("tasks."));
        let base: Vec<&str> = base.collect();
        let folder = folder(&format!("{}\n{tasks}\n", base.join("\n")));
        let tuned = tuned(load_in(&folder, TUNE).expect("a good experiment"), run_all);
        (tuned.found.candidates.clone(), tuned.found.chosen, judged(tuned))
    };
    let calm = of("{ at = \"5 h\", number = 5, duration = \"1 min\" }");
    let busy = of("{ at = \"4 h\", number = 99, duration = \"9 min\" }");
    assert_eq!((calm.0, calm.1), (busy.0, busy.1));
    let cost = |judged: &Judged| judged.held_out.costs(0, 0);
    assert!(cost(&calm.2) < cost(&busy.2), "but what was held out was different");
}

#[test]
fn the_parts_of_the_time_are_those_of_the_whole() {
    let problem = load(TUNE);
    let submitted = |scenario: &Scenario| {
        let tasks = Job::new(scenario, 3).run().total.tasks;
        assert_eq!(tasks.left, 0);
        tasks.submitted
    };
    let base = crate::load_text(&folder(BASE).path().join("week.toml"), BASE).expect("a scenario");
    let [before, after] = problem.windows[0];
    let part = |window| submitted(&base.scenario.clone().within(window));
    assert_eq!(part(before) + part(after), submitted(&base.scenario));
    assert!(part(before) > 0 && part(after) > 0);
}

#[test]
fn the_chosen_settings_are_a_scenario_file() {
    let text = r#"
base = "week.toml"
seeds = 1
[tune]
warmup = "0 s"
limits = { "wait_s.mean" = 1 }
[axes.policy.variants.new]
worker_type_defaults = { scaling = "target", placement = { spread = { bid_multiplier = 2 } } }
worker_types."ci/tests".regions = ["us-east-1"]
engine.guards = "off"
[axes.prices]
given = true
key = "market.prices"
values = ["modern"]
[axes.idle]
key = 'worker_types."ci/tests".idle_timeout'
values = ["1 min", "90 s"]
"#;
    let folder = folder(BASE);
    let problem = load_in(&folder, text).unwrap_or_else(|issues| panic!("{issues}"));
    let chosen = problem.text(Some(&[0, 1]), folder.path());
    expect![[r#"
        base = "week.toml"

        [engine]
        guards = "off"

        [worker_type_defaults]
        scaling = "target"

        [worker_type_defaults.placement.spread]
        bid_multiplier = 2

        [worker_types."ci/tests"]
        regions = ["us-east-1"]
        idle_timeout = "90 s"
    "#]]
    .assert_eq(&chosen);
    let scenario = crate::load_text(&folder.path().join("chosen.toml"), &chosen);
    let scenario = scenario.unwrap_or_else(|issues| panic!("{issues}")).scenario;
    let mut plan = problem.plan;
    let (made, _) = plan.make(&[vec![Some(0), None, Some(1)]]).expect("a good setting");
    assert_eq!(scenario.hash(), made[0].hash());
}

#[test]
fn what_is_given_is_not_chosen_on_and_each_of_it_counts_alike() {
    let given = r#"
[axes.load]
given = true
[axes.load.variants]
quiet = { worker_types."ci/tests".tasks.poisson = { tasks_per_hour = 20, durations = "5 min" } }
busy = { worker_types."ci/tests".tasks.poisson = { tasks_per_hour = 60, durations = "5 min" } }
"#;
    let problem = load(&format!("{TUNE}{given}"));
    assert_eq!((problem.axes.len(), problem.cells.clone()), (2, vec![vec![0], vec![1]]));
    assert_eq!(problem.size(), (16, 16 * 2 * 4));
    let tuned = tuned(problem, run_all);
    let shares = tuned.part.shares(0, 2);
    assert!((mean(&shares) - 1.0).abs() < 1e-9, "the reference costs as much as it does");
    let both = |cell| mean(&tuned.part.costs(0, cell));
    assert!(both(1) > 1.5 * both(0), "three times the load costs more");
    let pick = tuned.found.pick();
    let share = |cell: usize| mean(&tuned.part.costs(pick, cell)) / both(cell);
    assert!((mean(&tuned.part.shares(pick, 2)) - (share(0) + share(1)) / 2.0).abs() < 1e-9);
}

#[test]
fn the_shipped_search_can_be_run() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/tune.toml");
    let problem = Problem::load(&path).unwrap_or_else(|issues| panic!("{issues}"));
    assert_eq!((problem.size(), problem.runs), ((240, 1_920), 400));
}

#[test]
fn levels_have_neighbours_if_they_are_quantities_in_order() {
    let ordered = |levels: &[&str]| {
        is_ordered(&levels.iter().map(|level| (*level).to_owned()).collect::<Vec<_>>())
    };
    assert!(ordered(&["5 min", "1 h", "2 d"]) && ordered(&["3", "2.5", "1"]) && ordered(&["$1/h"]));
    assert!(
        !ordered(&["5 min", "2 min", "1 h"]) && !ordered(&["1", "2 min"]) && !ordered(&["1", "1"])
    );
    assert!(!ordered(&["cheapest", "spread"]));
}

#[test]
fn strains_say_how_much_of_a_limit_is_used() {
    let strains = [(5.0, 10.0), (10.0, 10.0), (0.0, 0.0), (3.0, 0.0), (f64::INFINITY, 10.0)];
    let strains = strains.map(|(value, limit)| strain(value, limit));
    assert!((strains[0] - 0.5).abs() < 1e-12 && (strains[1] - 1.0).abs() < 1e-12);
    assert!(strains[2] < 1e-12 && strains[3] > 1.0 && strains[4] > 1.0 && strains[4].is_finite());
}

#[test]
fn bad_problems_are_told() {
    let with = |tune: &str| TUNE.replace("warmup = \"15 min\"\n", tune);
    refused(
        "base = \"week.toml\"\nseeds = 1\n[axes.idle]\nkey = \"seed\"\nvalues = [1]\n",
        &expect![[r#"
            error: axis `idle` sets the seed
             --> search.toml:4:7
              |
            4 | key = "seed"
              |       ^^^^^^
            hint: say how many with `seeds`; every point is run with each"#]],
    );
    refused(
        &TUNE.replace("[tune]", "[tuna]"),
        &expect![[r#"
        error: unknown key `tuna` at the top level
         --> search.toml:5:2
          |
        5 | [tuna]
          |  ^^^^
        hint: did you mean `tune`?"#]],
    );
    refused(
        "base = \"week.toml\"\nseeds = 2\n[tune]\nlimits = { \"wait_s.p95\" = 1 }\n",
        &expect![[r#"
            error: there is no axis to choose on
             --> search.toml:3:1
              |
            3 | [tune]
              | ^^^^^^
            hint: add for example [axes.idle] with `key` and `values`"#]],
    );
    refused(
        &TUNE.replace("limits = { \"wait_s.mean\" = \"3 min\" }", ""),
        &expect![[r#"
        error: [tune] sets no limit: the cheapest is to buy nothing
         --> search.toml:5:1
          |
        5 | [tune]
          | ^^^^^^
        hint: add for example limits = { "wait_s.p95" = "15 min" }"#]],
    );
    refused(
        &TUNE.replace("\"3 min\"", "\"soon\""),
        &expect![[r#"
        error: `"wait_s.mean"` is not a quantity
         --> search.toml:8:28
          |
        8 | limits = { "wait_s.mean" = "soon" }
          |                            ^^^^^^
        hint: write a number, or for example "10 min", "$3", "$3/h" or "40 %""#]],
    );
    refused(
        &TUNE.replace("\"wait_s.mean\"", "wait_s.mean"),
        &expect![[r#"
            error: `wait_s` is not a number or a quantity such as "10 min", "$3", "$3/h" or "40 %"
             --> search.toml:8:12
              |
            8 | limits = { wait_s.mean = "3 min" }
              |            ^^^^^^ this is a section
            hint: a name with dots stands in quotes: "wait_s.mean""#]],
    );
    refused(
        &with("warmup = \"3 h\"\n"),
        &expect![[r#"
        error: of 6 h, 2 h are held out, but waits are measured after 3 h only
         --> search.toml:5:1
          |
        5 | [tune]
          | ^^^^^^
        hint: change `held_out_time` or `warmup`, or take a longer time"#]],
    );
    refused(
        &with("held_out_time = \"7 h\"\n"),
        &expect![[r#"
        error: of 6 h, 0 s are tuned on, but waits are measured after 1 h only
         --> search.toml:5:1
          |
        5 | [tune]
          | ^^^^^^
        hint: change `held_out_time` or `warmup`, or take a longer time"#]],
    );
    refused(
        &with("held_out_time = \"0 s\"\nruns_max = 3\n"),
        &expect![[r#"
        error: `held_out_time` is out of range
         --> search.toml:7:17
          |
        7 | held_out_time = "0 s"
          |                 ^^^^^ must be at least "1 min"
        hint: write for example "1 min"

        error: unknown key `runs_max` in [tune]
         --> search.toml:8:1
          |
        8 | runs_max = 3
          | ^^^^^^^^
        hint: known keys are `held_out_seeds`, `held_out_time`, `limits`, `runs`, `warmup`"#]],
    );
    refused(
        &TUNE.replace("values = [2, 4, 8, 20]", "values = [2, \"many\"]"),
        &expect![[r#"
        error: `capacity_max` is not a whole number
          --> search.toml:16:14
           |
        16 | values = [2, "many"]
           |              ^^^^^^ this is a string
        hint: write for example 1"#]],
    );
    refused(
        &format!("{TUNE}[axes.time]\nkey = \"time.length\"\nvalues = [\"6 h\", \"7 h\"]\n"),
        &expect![[r#"
            error: `time.length` is not a setting: it changes the work
              --> search.toml:18:7
               |
            18 | key = "time.length"
               |       ^^^^^^^^^^^^^
            hint: write `given = true` on its axis, or leave it out"#]],
    );
}

#[test]
fn a_search_needs_runs_and_a_reference_that_costs_something() {
    let said = |problem: Problem| {
        let mut bench = Bench { run: &mut run_all, read: &read, limits: &LIMITS };
        let issues = problem.tune(&mut bench).map(|_| ()).expect_err("no search").to_string();
        let lines = issues.lines().filter(|line| line.starts_with(['e', 'h']));
        lines.collect::<Vec<_>>().join("\n")
    };
    expect![[r#"
        error: 9 runs are too few for a search
        hint: 1 × 4 for each setting: allow at least 12"#]]
    .assert_eq(&said(load(&TUNE.replace("runs = 200", "runs = 9"))));
    let idle = BASE.replace(
        "tasks.poisson = { tasks_per_hour = 40, durations = \"5 min\" }",
        "tasks = { listed = { batches = [{ at = \"5 h\", number = 1, duration = \"1 min\" }] } }",
    );
    let short = "base = \"week.toml\"\ntime.length = \"5 h\"\n";
    let folder_of_two = folder(BASE);
    fs::write(folder_of_two.path().join("short.toml"), short).expect("a file");
    let text =
        format!("{TUNE}[axes.span.variants]\nweek = {{}}\nshort = {{ base = \"short.toml\" }}\n");
    let problem = load_in(&folder_of_two, &text).unwrap_or_else(|issues| panic!("{issues}"));
    expect![[r#"
        error: the settings 1 h, 2, short change the time of the run
        hint: write `given = true` on the axis that brings another `base`"#]]
    .assert_eq(&said(problem));
    let problem = load_in(&folder(&idle), TUNE).unwrap_or_else(|issues| panic!("{issues}"));
    expect![[r#"
        error: the reference costs nothing in the time that is tuned on
        hint: is any task submitted in it? shorten `held_out_time`"#]]
    .assert_eq(&said(problem));
}
