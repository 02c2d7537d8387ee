//! What is wrong, where, and what to do: in the file alone, and in how its parts fit together.

use expect_test::{Expect, expect};

use super::{Folder, WEEK, issues_with, load_text};

#[track_caller]
fn check(from: &str, to: &str, expected: Expect) {
    expected.assert_eq(&(issues_with(from, to) + "\n"));
}

#[test]
fn capacity_and_prices_are_ranges() {
    check(
        "capacity_max = 20",
        "capacity_max = 20\ncapacity_min = 21\nprice_min = \"$11/h\"",
        expect![[r#"
            error: `capacity_min` is above `capacity_max`
              --> week.toml:13:16
               |
            13 | capacity_min = 21
               |                ^^ `capacity_max` is 20
            hint: write at most 20, or raise `capacity_max`

            error: `price_min` is above `price_max`
              --> week.toml:14:13
               |
            14 | price_min = "$11/h"
               |             ^^^^^^^ `price_max` is $10.00/h
            hint: no market price lies between the two: lower `price_min`
        "#]],
    );
}

#[test]
fn a_run_has_one_end_and_it_is_later() {
    check(
        "length = \"12 h\"",
        "end = 2021-02-28",
        expect![[r#"
        error: `end` is not after `start`
         --> week.toml:5:7
          |
        5 | end = 2021-02-28
          |       ^^^^^^^^^^
        hint: write a later time, or for example length = "7 d"
    "#]],
    );
    check(
        "length = \"12 h\"",
        "length = \"12 h\"\nend = 2021-03-02",
        expect![[r#"
        error: `end` and `length` say the same
         --> week.toml:5:10
          |
        5 | length = "12 h"
          |          ^^^^^^
        hint: leave one of them out
    "#]],
    );
    check(
        "length = \"12 h\"",
        "",
        expect![[r#"
        error: missing key `end` or `length` in [time]
         --> week.toml:3:1
          |
        3 | [time]
          | ^^^^^^
        hint: add for example length = "7 d"
    "#]],
    );
    check(
        "length = \"12 h\"",
        "length = \"12 h\"\nwarmup = \"1 d\"",
        expect![[r#"
        error: `warmup` is as long as the run
         --> week.toml:6:10
          |
        6 | warmup = "1 d"
          |          ^^^^^
        hint: no wait would be measured: shorten it
    "#]],
    );
}

#[test]
fn an_unknown_instance_type_is_near_a_known_one() {
    check(
        "instance_types.\"c5.large\"",
        "instance_types.\"c5.lagre\"",
        expect![[r#"
        error: instance type `c5.lagre` has no on-demand price
          --> week.toml:14:29
           |
        14 | instance_types."c5.lagre" = { capacity = 2, utility = 1.5 }
           |                             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: did you mean "c5.large"?
    "#]],
    );
    check(
        "instance_types.\"c5.large\"",
        "instance_types.\"z1d.metal\"",
        expect![[r#"
        error: instance type `z1d.metal` has no on-demand price
          --> week.toml:14:30
           |
        14 | instance_types."z1d.metal" = { capacity = 2, utility = 1.5 }
           |                              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: add "z1d.metal" = "$0.085/h" under [market.on_demand], or a table to `on_demand_files`
    "#]],
    );
}

#[test]
fn zones_lie_in_regions() {
    let zones = "capacity_max = 20\nregions = [\"us-east-1\", \"us-est-1\"]\nzones = [\"us-east-1z\", \"us-west-2a\"]";
    check(
        "capacity_max = 20",
        zones,
        expect![[r#"
        error: no zone of region `us-est-1` is known
          --> week.toml:13:11
           |
        13 | regions = ["us-east-1", "us-est-1"]
           |           ^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: did you mean "us-east-1"?

        error: zone `us-east-1z` is not known
          --> week.toml:14:9
           |
        14 | zones = ["us-east-1z", "us-west-2a"]
           |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: did you mean "us-east-1a"?

        error: zone `us-west-2a` is in none of the regions
          --> week.toml:14:9
           |
        14 | zones = ["us-east-1z", "us-west-2a"]
           |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: add "us-west-2" to `regions`, or leave `regions` out
    "#]],
    );
    check(
        "\"us-east-1a\", ",
        "\"use1-az4\", ",
        expect![[r#"
        error: `use1-az4` is not the name of an availability zone
         --> week.toml:7:9
          |
        7 | zones = ["use1-az4", "us-east-1b", "us-west-2a"]
          |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: write for example "us-east-1a"
    "#]],
    );
    check(
        "zones = [\"us-east-1a\", \"us-east-1b\", \"us-west-2a\"]",
        "",
        expect![[r#"
        error: missing key `zones` in [market], which generated prices need
         --> week.toml:6:1
          |
        6 | [market]
          | ^^^^^^^^
        hint: add for example zones = ["us-east-1a", "us-east-1b"] to [market]
    "#]],
    );
}

#[test]
fn a_worker_type_without_a_pool_is_refused() {
    check(
        "capacity_max = 20",
        "capacity_max = 20\nzones = []",
        expect![[r#"
        error: worker type `proj/builds` has no usable pool
          --> week.toml:11:1
           |
        11 | [worker_types."proj/builds"]
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: name at least one zone in `zones`, or leave it out
    "#]],
    );
    let no_type = WEEK.replace("instance_types.\"m5.large\" = {}", "");
    expect![[r#"
        error: the worker type has no instance type
          --> week.toml:16:1
           |
        16 | [worker_types."proj/tests"]
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: add for example instance_types."c5.xlarge" = { capacity = 1 }
    "#]]
    .assert_eq(&(load_text(&no_type).expect_err("a type is missing") + "\n"));
}

#[test]
fn prices_are_above_zero() {
    check(
        "\"$0.085/h\"",
        "\"$0/h\"",
        expect![[r#"
        error: `"c5.large"` is out of range
         --> week.toml:9:14
          |
        9 | "c5.large" = "$0/h"
          |              ^^^^^^ must be above "$0.00/h" and at most "$10000.00/h"
        hint: write for example "$0.034/h"
    "#]],
    );
    check(
        "{ capacity = 2, utility = 1.5 }",
        "{ capacity = 21, utility = 0 }",
        expect![[r#"
        error: `utility` is out of range
          --> week.toml:14:56
           |
        14 | instance_types."c5.large" = { capacity = 21, utility = 0 }
           |                                                        ^ must be above 0 and at most 1000
        hint: write for example 1
    "#]],
    );
    check(
        "{ capacity = 2, utility = 1.5 }",
        "{ capacity = 21 }",
        expect![[r#"
        error: one `c5.large` has more capacity than `capacity_max`
          --> week.toml:14:29
           |
        14 | instance_types."c5.large" = { capacity = 21 }
           |                             ^^^^^^^^^^^^^^^^^ 21 of 20
        hint: it would never be bought: raise `capacity_max` or leave it out
    "#]],
    );
    check(
        "{ capacity = 2, utility = 1.5 }",
        "{ initial_weight = 1.5 }",
        expect![[r#"
        error: `initial_weight` is out of range
          --> week.toml:14:48
           |
        14 | instance_types."c5.large" = { initial_weight = 1.5 }
           |                                                ^^^ must be at most 1
        hint: write for example 1
    "#]],
    );
}

#[test]
fn models_say_which_of_their_parameters_is_wrong() {
    check(
        "tasks.poisson = { tasks_per_hour = 30, durations = \"10 min\" }",
        "tasks.generated = { peak_hour = 25, durations = { log_normal = { median = \"1 s\", sigma = 11 } } }",
        expect![[r#"
            error: log_normal.sigma is 11
              --> week.toml:13:49
               |
            13 | tasks.generated = { peak_hour = 25, durations = { log_normal = { median = "1 s", sigma = 11 } } }
               |                                                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: give a number from 0 to 10
        "#]],
    );
    check(
        "[market.on_demand]",
        "prices = { modern = { gap = \"1 s\" } }\n[market.on_demand]",
        expect![[r#"
            error: `gap` is shorter than a minute on average
             --> week.toml:8:29
              |
            8 | prices = { modern = { gap = "1 s" } }
              |                             ^^^^^ 1 s on average
            hint: write for example "10 min"
        "#]],
    );
}

#[test]
fn a_wrong_default_is_one_problem_however_many_inherit_it() {
    let text = format!("{WEEK}[worker_type_defaults]\nlifetime = \"1 d\"\nidle_timeout = \"15\"\n");
    expect![[r#"
        error: unknown key `lifetime` in [worker_type_defaults]
          --> week.toml:22:1
           |
        22 | lifetime = "1 d"
           | ^^^^^^^^
        hint: did you mean `lifetime_max`?

        error: `idle_timeout` has no unit
          --> week.toml:23:16
           |
        23 | idle_timeout = "15"
           |                ^^^^
        hint: write for example "15 s" or "15 min"
    "#]]
    .assert_eq(&(load_text(&text).expect_err("two problems") + "\n"));
}

#[test]
fn several_problems_are_told_at_once() {
    let text = WEEK
        .replace("seed = 7", "seed = -7\nregime = \"outbid\"")
        .replace("capacity_max = 20", "capacity_max = 0\nplacement = \"cheap\"")
        .replace("capacity_max = 30", "");
    expect![[r#"
        error: `seed` is negative
         --> week.toml:2:8
          |
        2 | seed = -7
          |        ^^
        hint: write for example 1

        error: unknown key `regime` at the top level
         --> week.toml:3:1
          |
        3 | regime = "outbid"
          | ^^^^^^
        hint: known keys are `base`, `checks`, `cloud`, `description`, `engine`, `engine_process`, `faults`, `incident`, `market`, `name`, `queue`, `seed`, `time`, `worker_type_defaults`, `worker_types`

        error: `capacity_max` is out of range
          --> week.toml:13:16
           |
        13 | capacity_max = 0
           |                ^ must be at least 1 and at most 1000000
        hint: write for example 1

        error: `placement` is not a known choice
          --> week.toml:14:13
           |
        14 | placement = "cheap"
           |             ^^^^^^^
        hint: write one of "spread", "cheapest", "random", "weighted", "on-demand"

        error: missing key `capacity_max` in [worker_types."proj/tests"]
          --> week.toml:18:1
           |
        18 | [worker_types."proj/tests"]
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: add for example capacity_max = 1
    "#]].assert_eq(&(load_text(&text).expect_err("five problems") + "\n"));
}

#[test]
fn what_an_empty_scenario_lacks_is_told_at_once() {
    expect![[r#"
        error: missing key `end` or `length` in [time]
         --> week.toml
        hint: add for example length = "7 d"

        error: missing key `start` in [time]
         --> week.toml
        hint: add for example start = "2021-03-02T00:00:00Z"

        error: the scenario has no worker type
         --> week.toml
        hint: add a section [worker_types."proj/builds"]
    "#]]
    .assert_eq(&(load_text("").expect_err("it is empty") + "\n"));
}

#[test]
fn a_scenario_has_worker_types() {
    let end = WEEK.find("[worker_types").expect("worker types");
    expect![[r#"
        error: the scenario has no worker type
         --> week.toml
        hint: add a section [worker_types."proj/builds"]
    "#]]
    .assert_eq(&(load_text(&WEEK[..end]).expect_err("no worker type") + "\n"));
}

#[test]
fn a_base_exists_and_is_no_circle() {
    let folder = Folder::with(&[("week.toml", "base = \"other.toml\"")]);
    expect![[r#"
        error: other.toml: cannot read the file: No such file or directory (os error 2)
         --> week.toml:1:8
          |
        1 | base = "other.toml"
          |        ^^^^^^^^^^^^
        hint: paths are relative to the file they are written in
    "#]]
    .assert_eq(&(folder.load().expect_err("no base") + "\n"));
    folder.write("other.toml", b"base = \"week.toml\"");
    expect![[r#"
        error: the chain of bases does not end
         --> week.toml:1:8
          |
        1 | base = "other.toml"
          |        ^^^^^^^^^^^^
        hint: do two files name each other as `base`?
    "#]]
    .assert_eq(&(folder.load().expect_err("a circle") + "\n"));
    folder
        .write("other.toml", WEEK.replace("capacity_max = 20", "capacity_max = \"20\"").as_bytes());
    expect![[r#"
        error: `capacity_max` is not a whole number
          --> other.toml:12:16
           |
        12 | capacity_max = "20"
           |                ^^^^ this is a string
        hint: write for example 1
    "#]]
    .assert_eq(&(folder.load().expect_err("a wrong base") + "\n"));
}

/// What is said of a check with these keys.
#[track_caller]
fn check_of_a_check(keys: &str, expected: Expect) {
    let issues = issues_with("seed = 7", &format!("seed = 7\n[checks.few-launches]\n{keys}"));
    expected.assert_eq(&(issues + "\n"));
}

#[test]
fn a_check_has_a_reason_a_measure_and_a_bound() {
    check_of_a_check(
        "measure = \"total.launches.started\"",
        expect![[r#"
        error: missing key `because` in [checks.few-launches]
         --> week.toml:3:1
          |
        3 | [checks.few-launches]
          | ^^^^^^^^^^^^^^^^^^^^^
        hint: add for example because = "name"
    "#]],
    );
    check_of_a_check(
        "because = \"it costs\"\nmeasure = \"total.launches.started\"",
        expect![[r#"
            error: the check `few-launches` has no bound
             --> week.toml:3:1
              |
            3 | [checks.few-launches]
              | ^^^^^^^^^^^^^^^^^^^^^
            hint: add `at_most`, `at_least` or `equals`
        "#]],
    );
    check_of_a_check(
        "because = \"it costs\"\nmeasure = \"total.launches.started\"\nat_most = 3\nequals = 2",
        expect![[r#"
            error: `equals` says all there is to say
             --> week.toml:7:10
              |
            7 | equals = 2
              |          ^
            hint: leave the other bounds out
        "#]],
    );
    check_of_a_check(
        "because = \"it costs\"\nmeasure = \"total.wait_s.p95\"\nat_most = \"10\"\nat_last = 3",
        expect![[r#"
            error: `at_most` is a number in quotes
             --> week.toml:6:11
              |
            6 | at_most = "10"
              |           ^^^^
            hint: write 10, or add a unit

            error: unknown key `at_last` in [checks.few-launches]
             --> week.toml:7:1
              |
            7 | at_last = 3
              | ^^^^^^^
            hint: did you mean `at_least`?
        "#]],
    );
    check_of_a_check(
        "because = \"it costs\"\nmeasure = \"total.wait_s.p95\"\nat_most = 3\nexcept = [\"v2\"]",
        expect![[r#"
            error: `except` has an item (number 1) that is not a known choice
             --> week.toml:7:11
              |
            7 | except = ["v2"]
              |           ^^^^
            hint: did you mean "v1"?
        "#]],
    );
}

#[test]
fn one_number_matters_most() {
    let keys =
        "because = \"it costs\"\nmeasure = \"total.tasks.left\"\nequals = 0\nheadline = true";
    check(
        "seed = 7",
        &format!("seed = 7\n[checks.one]\n{keys}\n[checks.two]\n{keys}"),
        expect![[r#"
            error: `one` and `two` are both the headline
              --> week.toml:10:11
               |
            10 | measure = "total.tasks.left"
               |           ^^^^^^^^^^^^^^^^^^
            hint: one number matters most: choose
        "#]],
    );
}
