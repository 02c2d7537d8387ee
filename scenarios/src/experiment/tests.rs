//! Experiment files in, points or problems out.

use std::fs;

use expect_test::{Expect, expect};

use super::*;
use crate::Profile;

/// An hour of one queue on generated input.
const BASE: &str = r#"
[time]
start = 2021-03-01
length = "1 h"

[market]
regime = "capacity"
zones = ["us-east-1a", "us-east-1b"]
prices = "modern"
on_demand = { "c5.xlarge" = "$0.17/h" }

[worker_types."ci/tests"]
capacity_max = 20
tasks.poisson = { tasks_per_hour = 30, durations = "5 min" }
instance_types."c5.xlarge" = {}
"#;

/// The experiment with this text beside the base `week.toml`.
fn load(text: &str) -> Result<Experiment, Issues> {
    load_with(text, &[])
}

fn load_with(text: &str, others: &[(&str, &str)]) -> Result<Experiment, Issues> {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in [("week.toml", BASE)].iter().chain(others) {
        fs::write(folder.path().join(name), text).expect("a file");
    }
    Experiment::load_text(&folder.path().join("bids.toml"), text)
}

/// What is said about an experiment, without the folder it is in.
fn refused(text: &str, expected: &Expect) {
    let said = load(text).expect_err("a wrong experiment").to_string();
    let lines = said.lines().map(|line| match line.split_once("--> ") {
        Some((before, place)) => {
            format!("{before}--> {}", place.rsplit('/').next().unwrap_or_default())
        }
        None => line.to_owned(),
    });
    expected.assert_eq(&lines.collect::<Vec<_>>().join("\n"));
}

/// The levels of each point.
fn points(experiment: &Experiment) -> Vec<String> {
    let level = |(axis, level): (&Axis, &usize)| axis.levels[*level].clone();
    let name = |point: &Point| {
        experiment.axes.iter().zip(&point.levels).map(level).collect::<Vec<_>>().join(" ")
    };
    experiment.points.iter().map(name).collect()
}

const TWO_AXES: &str = r#"
base = "week.toml"
seeds = 3
first_seed = 10

[axes.policy.variants.new]
worker_type_defaults = { scaling = "target", placement = "spread" }

[axes.policy.variants.old]
engine.guards = "off"
worker_type_defaults = { scaling = "estimator", placement = "cheapest" }

[axes.idle]
key = 'worker_types."ci/tests".idle_timeout'
values = ["5 min", "15 min"]
"#;

#[test]
fn the_first_axis_of_the_file_varies_slowest_and_seeds_fastest() {
    let experiment = load(TWO_AXES).expect("a good experiment");
    assert_eq!(points(&experiment), ["new 5 min", "new 15 min", "old 5 min", "old 15 min"]);
    assert_eq!((experiment.runs(), experiment.seeds), (12, vec![10, 11, 12]));
}

#[test]
fn a_point_is_the_scenario_that_its_levels_make_of_the_base() {
    let experiment = load(TWO_AXES).expect("a good experiment");
    let other = r#"
        base = "week.toml"
        seeds = 1
        [axes.all.variants.same]
        engine.guards = "off"
        worker_type_defaults = { placement = "cheapest", scaling = "estimator" }
        worker_types."ci/tests".idle_timeout = "900 s"
    "#;
    let other = load(other).expect("another way to say it");
    assert_eq!(experiment.points[3].scenario.hash(), other.points[0].scenario.hash());
    let hashes: std::collections::BTreeSet<_> =
        experiment.points.iter().map(|point| point.scenario.hash()).collect();
    assert_eq!(hashes.len(), 4);
}

#[test]
fn without_axes_there_is_one_point_which_is_the_base() {
    let experiment = load("base = \"week.toml\"\nseeds = 2\n").expect("a good experiment");
    let folder = tempfile::tempdir().expect("a folder");
    let base = crate::load_text(&folder.path().join("week.toml"), BASE).expect("a scenario");
    assert_eq!(experiment.points[0].scenario.hash(), base.scenario.hash());
    assert_eq!(experiment.runs(), 2);
}

#[test]
fn a_variant_may_bring_its_own_base_and_an_axis_may_be_provisioners() {
    let short = "base = \"week.toml\"\ntime.length = \"30 min\"\n";
    let text = r#"
        base = "week.toml"
        seeds = 1
        [axes.span.variants]
        week = {}
        short = { base = "short.toml" }
        [axes.who]
        profiles = ["v1", "ours"]
    "#;
    let experiment = load_with(text, &[("short.toml", short)]).expect("a good experiment");
    assert_eq!(points(&experiment), ["week v1", "week ours", "short v1", "short ours"]);
    let profiles = experiment.points.iter().map(|point| point.scenario.profile());
    assert_eq!(
        profiles.flatten().map(Profile::name).collect::<Vec<_>>(),
        ["v1", "ours", "v1", "ours"]
    );
}

#[test]
fn a_range_is_a_list_of_levels_that_nobody_has_to_write() {
    let levels = |key: &str, range: &str| {
        let text = format!("base = \"week.toml\"\nseeds = 1\n[axes.a]\nkey = '{key}'\n{range}\n");
        let experiment = load(&text).unwrap_or_else(|issues| panic!("{issues}"));
        experiment.axes[0].levels.join(", ")
    };
    let idle = "worker_types.\"ci/tests\".idle_timeout";
    let quantities = "from = \"90 s\"\nto = \"1 h\"\nfactor = 2.5";
    assert_eq!(levels(idle, quantities), "1 min 30 s, 3 min 48 s, 9 min 24 s, 23 min, 59 min, 1 h");
    let quantities = "from = \"5 min\"\nto = \"20 min\"\nstep = \"6 min\"";
    assert_eq!(levels(idle, quantities), "5 min, 11 min, 17 min, 20 min");
    let max = "worker_types.\"ci/tests\".capacity_max";
    assert_eq!(levels(max, "from = 10\nto = 100\nstep = 45"), "10, 55, 100");
    let ratio = "worker_type_defaults.scaling.target.scaling_ratio";
    assert_eq!(levels(ratio, "from = 0.1\nto = 0.5\nstep = 0.2"), "0.1, 0.3, 0.5");
    let price = "worker_types.\"ci/tests\".price_max";
    assert_eq!(
        levels(price, "from = \"$0.1/h\"\nto = \"$1/h\"\nfactor = 3"),
        "$0.10/h, $0.30/h, $0.90/h, $1.00/h"
    );
}

#[test]
fn ranges_that_are_none_are_refused() {
    let said = |range: &str| {
        let text = format!(
            "base = \"week.toml\"\nseeds = 1\n[axes.a]\nkey = \"queue.claim_expiry\"\n{range}\n"
        );
        let issues = load(&text).map(|_| ()).expect_err("no range").to_string();
        let lines = issues.lines().filter(|line| line.starts_with(['e', 'h']));
        lines.collect::<Vec<_>>().join("\n")
    };
    expect![[r#"
        error: a range is not whole
        hint: write `from`, `to`, and `step` or `factor`"#]]
    .assert_eq(&said("from = \"5 min\"\nto = \"1 h\""));
    expect![[r#"
        error: a range ends before it begins
        hint: write a `to` above `from`"#]]
    .assert_eq(&said("from = \"5 min\"\nto = \"1 min\"\nstep = \"1 min\""));
    expect![[r#"
        error: a range has several units
        hint: write `from`, `to` and `step` in the same"#]]
    .assert_eq(&said("from = \"5 min\"\nto = 7\nfactor = 2"));
    expect![[r#"
        error: no factor leads away from zero
        hint: write a `from` above zero, or a `step`"#]]
    .assert_eq(&said("from = \"0 s\"\nto = \"1 h\"\nfactor = 2"));
    expect![[r#"
        error: a range has more than 1000 levels
        hint: write a larger `step` or `factor`"#]]
    .assert_eq(&said("from = \"1 s\"\nto = \"9 d\"\nstep = \"1 s\""));
    expect![[r#"
        error: `factor` is out of range
        hint: write for example 1.2"#]]
    .assert_eq(&said("from = \"1 s\"\nto = \"9 d\"\nfactor = 1"));
    expect![[r#"
        error: axis `a` is written in several ways
        hint: write `key` with `values` or a range, or sections `variants`, or `profiles`"#]]
    .assert_eq(&said("from = \"5 min\"\nto = \"1 h\"\nfactor = 2\nvalues = [\"1 h\"]"));
    expect![[r#"
        error: `claim_expiry` has no unit
        hint: write for example "5 s" or "5 min"
        error: `claim_expiry` has no unit
        hint: write for example "6 s" or "6 min"
        error: `claim_expiry` has no unit
        hint: write for example "7 s" or "7 min""#]]
    .assert_eq(&said("from = 5\nto = 7\nstep = 1"));
}

#[test]
fn dropped_combinations_are_no_points() {
    let text =
        format!("{TWO_AXES}\n[[drop]]\nwhere = {{ policy = \"old\", idle = [\"15 min\"] }}\n");
    let experiment = load(&text).expect("a good experiment");
    assert_eq!(points(&experiment), ["new 5 min", "new 15 min", "old 5 min"]);
    let whole = load(TWO_AXES).expect("a good experiment");
    assert_ne!(experiment.hash(), whole.hash());
}

#[test]
fn how_it_is_written_does_not_make_another_experiment() {
    let reordered = TWO_AXES.replace("first_seed = 10\n", "") + "# the same\n";
    let reordered =
        reordered.replace("seeds = 3", "first_seed = 10\nseeds = 3\ndescription = \"it\"");
    let [a, b] = [TWO_AXES, &reordered].map(|text| load(text).expect("a good experiment"));
    assert_eq!(a.hash(), b.hash());
    let other = load(&TWO_AXES.replace("first_seed = 10", "first_seed = 11"));
    assert_ne!(a.hash(), other.expect("a good experiment").hash());
}

#[test]
fn what_the_file_itself_has_wrong_is_told_at_once() {
    refused(
        r#"
seed = 3
seeds = 0
[axes.bid]
key = "worker_type_defaults.."
values = 2
[axes.policy]
[axes.both]
key = "engine.guards"
values = ["on"]
variants.off = { engine.guards = "off" }
[axes.half]
values = [1]
[axes.who]
profiles = ["v3"]
[[drop]]
wehre = { bid = 2 }
"#,
        &expect![[r#"
            error: unknown key `seed` at the top level
             --> bids.toml:2:1
              |
            2 | seed = 3
              | ^^^^
            hint: did you mean `seeds`?

            error: `seeds` is out of range
             --> bids.toml:3:9
              |
            3 | seeds = 0
              |         ^ must be at least 1 and at most 10000
            hint: write for example 1

            error: `key` is not the path of a key
             --> bids.toml:5:7
              |
            5 | key = "worker_type_defaults.."
              |       ^^^^^^^^^^^^^^^^^^^^^^^^
            hint: write it as in a section of TOML, for example "engine.guards"

            error: `values` is not a list
             --> bids.toml:6:10
              |
            6 | values = 2
              |          ^ this is a whole number
            hint: write for example [1, 2]

            error: axis `policy` has no level
             --> bids.toml:7:1
              |
            7 | [axes.policy]
              | ^^^^^^^^^^^^^
            hint: write `key` with `values` or a range, or sections `variants`, or `profiles`

            error: axis `both` is written in several ways
             --> bids.toml:8:1
              |
            8 | [axes.both]
              | ^^^^^^^^^^^
            hint: write `key` with `values` or a range, or sections `variants`, or `profiles`

            error: missing key `key` in [axes.half]
              --> bids.toml:12:1
               |
            12 | [axes.half]
               | ^^^^^^^^^^^
            hint: add for example key = "engine.iteration_interval"

            error: `profiles` has an item (number 1) that is not a known choice
              --> bids.toml:15:13
               |
            15 | profiles = ["v3"]
               |             ^^^^
            hint: did you mean "v1"?

            error: it does not say what to drop
              --> bids.toml:16:1
               |
            16 | [[drop]]
               | ^^^^^^^^
            hint: write for example where = { policy = "cheapest", bid = [2, 3] }

            error: unknown key `wehre` in [[drop]]
              --> bids.toml:17:1
               |
            17 | wehre = { bid = 2 }
               | ^^^^^
            hint: did you mean `where`?"#]],
    );
}

#[test]
fn what_a_scenario_would_refuse_is_told_at_its_place_in_the_experiment() {
    refused(
        r#"
base = "week.toml"
seeds = 2
[axes.idle]
key = 'worker_types."ci/tests".idle_timeot'
values = ["5 min", "15 min"]
[axes.most]
key = 'worker_types."ci/tests".capacity_max'
values = [20, -1, "many"]
[axes.policy.variants]
good = { worker_type_defaults = { scaling = "target" } }
bad = { worker_type_defaults = { scaling = "targte", colour = "red" } }
"#,
        &expect![[r#"
            error: unknown key `idle_timeot` in [worker_types."ci/tests"]
             --> bids.toml:5:7
              |
            5 | key = 'worker_types."ci/tests".idle_timeot'
              |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: did you mean `idle_timeout`?

            error: `capacity_max` is negative
             --> bids.toml:9:15
              |
            9 | values = [20, -1, "many"]
              |               ^^
            hint: write for example 1

            error: `capacity_max` is not a whole number
             --> bids.toml:9:19
              |
            9 | values = [20, -1, "many"]
              |                   ^^^^^^ this is a string
            hint: write for example 1

            error: `scaling` is not a known choice
              --> bids.toml:12:44
               |
            12 | bad = { worker_type_defaults = { scaling = "targte", colour = "red" } }
               |                                            ^^^^^^^^
            hint: did you mean "target"?

            error: unknown key `colour` in [worker_type_defaults]
              --> bids.toml:12:54
               |
            12 | bad = { worker_type_defaults = { scaling = "targte", colour = "red" } }
               |                                                      ^^^^^^
            hint: known keys are `capacity_max`, `capacity_min`, `floors`, `idle_timeout`, `image`, `instance_types`, `lifetime_max`, `on_demand_after`, `overshoot`, `placement`, `price_max`, `price_min`, `regions`, `registration_timeout`, `request_timeout`, `scaling`, `spend`, `tasks`, `workers`, `zones`"#]],
    );
}

#[test]
fn what_only_some_combinations_have_wrong_says_which() {
    refused(
        r#"
base = "week.toml"
seeds = 2
[axes.length]
key = "time.length"
values = ["1 h", "3 h"]
[axes.warmup]
key = "time.warmup"
values = ["0 s", "2 h"]
[axes.guards]
key = "engine.guards"
values = ["on", "off"]
"#,
        &expect![[r#"
            error: `warmup` is as long as the run, with length = 1 h, warmup = 2 h
             --> bids.toml:9:18
              |
            9 | values = ["0 s", "2 h"]
              |                  ^^^^^
            hint: no wait would be measured: shorten it"#]],
    );
}

#[test]
fn axes_that_set_the_same_key_or_nothing_new_are_refused() {
    refused(
        r#"
base = "week.toml"
seeds = 2
[axes.placement]
key = "worker_type_defaults.placement"
values = ["spread", "cheapest"]
[axes.bid]
key = "worker_type_defaults.placement.cheapest.bid_multiplier"
values = [1.5, 2]
[axes.chance]
key = "seed"
values = [1, 2, 1]
"#,
        &expect![[r#"
            error: axes `placement` and `bid` both set `worker_type_defaults.placement.cheapest.bid_multiplier`
             --> bids.toml:8:7
              |
            8 | key = "worker_type_defaults.placement.cheapest.bid_multiplier"
              |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: let one axis set it, with a variant for each combination

            error: axis `chance` sets the seed
              --> bids.toml:11:7
               |
            11 | key = "seed"
               |       ^^^^^^
            hint: say how many with `seeds`; every point is run with each

            error: `1` is twice on axis `chance`
              --> bids.toml:12:17
               |
            12 | values = [1, 2, 1]
               |                 ^
            hint: leave one of them out"#]],
    );
    refused(
        r#"
base = "week.toml"
seeds = 2
[axes.idle]
key = "worker_type_defaults.idle_timeout"
values = ["60 s", "1 min", "5 min"]
"#,
        &expect![[r#"
            error: idle = 1 min is the same as idle = 60 s
             --> bids.toml:6:19
              |
            6 | values = ["60 s", "1 min", "5 min"]
              |                   ^^^^^^^
            hint: leave one out, with `drop` where it makes no difference; does what they set apply?"#]],
    );
}

#[test]
fn drops_that_name_nothing_are_refused() {
    let drops = r#"
[[drop]]
where = { polcy = "old", idle = ["5 min", "6 min"] }
"#;
    refused(
        &format!("{TWO_AXES}{drops}"),
        &expect![[r#"
            error: there is no axis `polcy`
              --> bids.toml:18:19
               |
            18 | where = { polcy = "old", idle = ["5 min", "6 min"] }
               |                   ^^^^^
            hint: did you mean `policy`?

            error: axis `idle` has no level `6 min`
              --> bids.toml:18:33
               |
            18 | where = { polcy = "old", idle = ["5 min", "6 min"] }
               |                                 ^^^^^^^^^^^^^^^^^^
            hint: did you mean `5 min`?"#]],
    );
    let drops = r#"
[[drop]]
where = { policy = "old" }
[[drop]]
where = { policy = "old", idle = "5 min" }
[[drop]]
where = { policy = "new" }
"#;
    refused(
        &format!("{TWO_AXES}{drops}"),
        &expect![[r#"
        error: this drops nothing
          --> bids.toml:19:1
           |
        19 | [[drop]]
           | ^^^^^^^^
        hint: what it names was dropped before; leave it out"#]],
    );
}

#[test]
fn a_level_that_is_dropped_everywhere_is_refused() {
    let drop = "[[drop]]\nwhere = { idle = \"15 min\" }\n";
    refused(
        &format!("{TWO_AXES}{drop}"),
        &expect![[r#"
            error: no point has the level `15 min` of axis `idle`
              --> bids.toml:15:20
               |
            15 | values = ["5 min", "15 min"]
               |                    ^^^^^^^^
            hint: all its combinations are dropped: leave it out, or drop less"#]],
    );
}

#[test]
fn too_many_points_and_a_base_that_is_not_there_are_refused() {
    let axis = |name: &str| {
        let values: Vec<String> = (1..=200).map(|n| n.to_string()).collect();
        format!("[axes.{name}]\nkey = \"engine.{name}\"\nvalues = [{}]\n", values.join(", "))
    };
    let (a, b) = (axis("launches_per_call_max"), axis("launches_per_decision_max"));
    refused(
        &format!("base = \"week.toml\"\nseeds = 1\n{a}{b}"),
        &expect![[r#"
            error: 200 × 200 are 40000 points, more than 10000
             --> bids.toml
            hint: write several experiments, or search with `tune`"#]],
    );
    refused(
        "seeds = 1\n",
        &expect![[r#"
        error: the experiment has no base scenario
         --> bids.toml
        hint: add for example base = "week.toml""#]],
    );
    refused(
        "seeds = 1\nbase = \"/nowhere/month.toml\"\n",
        &expect![[r#"
        error: /nowhere/month.toml: cannot read the file: No such file or directory (os error 2)
         --> bids.toml:2:8
          |
        2 | base = "/nowhere/month.toml"
          |        ^^^^^^^^^^^^^^^^^^^^^
        hint: paths are relative to the file they are written in"#]],
    );
}

#[test]
fn the_shipped_experiments_can_be_run() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments");
    let count = |name: &str| {
        let experiment = Experiment::load(&folder.join(name));
        let experiment = experiment.unwrap_or_else(|issues| panic!("{name}\n{issues}"));
        (experiment.points.len(), experiment.seeds.len())
    };
    assert_eq!(count("quickstart.toml"), (5, 5));
    assert_eq!(count("firefox-ci.toml"), (32, 10));
}

#[test]
fn points_share_the_data_that_they_have_in_common() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments");
    let experiment = Experiment::load(&folder.join("firefox-ci.toml")).expect("a good experiment");
    let market = |point: &Point| point.scenario.config(Seed(1)).market;
    let spot = |prices: &str| {
        let of = |point: &&Point| experiment.axes[0].levels[point.levels[0]] == prices;
        let markets = experiment.points.iter().filter(of).map(market);
        markets
            .map(|market| market.prices().as_ptr() as usize)
            .collect::<std::collections::BTreeSet<_>>()
    };
    let placements_with_other_pools = 2;
    assert!(spot("2016").len() <= placements_with_other_pools, "{:?}", spot("2016"));
    assert!(spot("2021").len() <= placements_with_other_pools, "{:?}", spot("2021"));
}
