//! What a reader of a wrong file is told, word for word.

use expect_test::expect;

use super::super::{FILE_BYTES_MAX, Source};
use super::check;

#[test]
fn all_problems_are_reported_in_the_order_of_their_places() {
    check(
        r#"seed = -1
start = "2021-03-02 00:00"
budget = 40
regime = "outbit"
regoins = []
[workers.linux]
capacity_max = 400
idle_timeout = 900
utility = "-0.5"
boot = { spread = { median = "fast", sgima = 1 } }
[pool]
[[pools]]
min_price = "$0.034"
"#,
        expect![[r#"
            error: `seed` is negative
             --> scenarios/week.toml:1:8
              |
            1 | seed = -1
              |        ^^
            hint: write for example 1

            error: `start` does not say in which time zone
             --> scenarios/week.toml:2:9
              |
            2 | start = "2021-03-02 00:00"
              |         ^^^^^^^^^^^^^^^^^^
            hint: write "2021-03-02 00:00Z" if it is UTC, or add its offset such as +01:00

            error: `budget` has no currency
             --> scenarios/week.toml:3:10
              |
            3 | budget = 40
              |          ^^ this is a bare number
            hint: write "$40"

            error: `regime` is not a known choice
             --> scenarios/week.toml:4:10
              |
            4 | regime = "outbit"
              |          ^^^^^^^^
            hint: did you mean "outbid"?

            error: unknown key `regoins` at the top level
             --> scenarios/week.toml:5:1
              |
            5 | regoins = []
              | ^^^^^^^
            hint: did you mean `regions`?

            error: `capacity_max` is out of range
             --> scenarios/week.toml:7:16
              |
            7 | capacity_max = 400
              |                ^^^ must be at least 1 and at most 255
            hint: write for example 255

            error: `idle_timeout` has no unit
             --> scenarios/week.toml:8:16
              |
            8 | idle_timeout = 900
              |                ^^^ this is a bare number
            hint: write for example "900 s" or "900 min"

            error: `utility` is negative
             --> scenarios/week.toml:9:11
              |
            9 | utility = "-0.5"
              |           ^^^^^^
            hint: write for example 1.5

            error: `median` is not a duration
              --> scenarios/week.toml:10:30
               |
            10 | boot = { spread = { median = "fast", sgima = 1 } }
               |                              ^^^^^^
            hint: write for example "90 s" or "1 h 30 min"; units are d, h, min, s and ms

            error: unknown key `sgima` in [workers.linux.boot.spread]
              --> scenarios/week.toml:10:38
               |
            10 | boot = { spread = { median = "fast", sgima = 1 } }
               |                                      ^^^^^
            hint: did you mean `sigma`?

            error: unknown key `pool` at the top level
              --> scenarios/week.toml:11:2
               |
            11 | [pool]
               |  ^^^^
            hint: did you mean `pools`?

            error: `min_price` does not say per what
              --> scenarios/week.toml:13:13
               |
            13 | min_price = "$0.034"
               |             ^^^^^^^^
            hint: write "$0.034/h"
        "#]],
    );
}

#[test]
fn an_unknown_key_without_a_neighbour_lists_the_known_ones() {
    check(
        "start = 2021-03-02\nzebra = 1\n[input]\n'a b' = 2\n",
        expect![[r#"
            error: unknown key `zebra` at the top level
             --> scenarios/week.toml:2:1
              |
            2 | zebra = 1
              | ^^^^^
            hint: known keys are `budget`, `dry`, `input`, `pools`, `regime`, `regions`, `seed`, `start`, `workers`

            error: missing key `tasks` in [input]
             --> scenarios/week.toml:3:1
              |
            3 | [input]
              | ^^^^^^^
            hint: add for example tasks = "tasks.csv"

            error: unknown key `a b` in [input]
             --> scenarios/week.toml:4:1
              |
            4 | 'a b' = 2
              | ^^^^^
            hint: known keys are `tasks`
        "#]],
    );
}

#[test]
fn a_value_of_the_wrong_type_says_what_it_is() {
    check(
        "seed = \"7\"\nstart = 12:00:00\nbudget = true\nregions = [\"a\", 1]\nregime = {}\ninput = 3
pools = \"x\"\nworkers = []\ndry = 1979-05-27\n",
        expect![[r#"
            error: `seed` is not a whole number
             --> scenarios/week.toml:1:8
              |
            1 | seed = "7"
              |        ^^^ this is a string
            hint: write for example 1

            error: `start` is not a time
             --> scenarios/week.toml:2:9
              |
            2 | start = 12:00:00
              |         ^^^^^^^^
            hint: write for example "2021-03-02T00:00:00Z", or "2021-03-02" for midnight UTC

            error: `budget` is not an amount of money
             --> scenarios/week.toml:3:10
              |
            3 | budget = true
              |          ^^^^ this is true or false
            hint: write for example "$40.00"

            error: `regions` has an item (number 2) that is not a text
             --> scenarios/week.toml:4:17
              |
            4 | regions = ["a", 1]
              |                 ^ this is a whole number
            hint: write for example "name"

            error: `regime` is not one of "capacity", "outbid"
             --> scenarios/week.toml:5:10
              |
            5 | regime = {}
              |          ^^ this is a section
            hint: write for example "capacity"

            error: `[input]` is not a section
             --> scenarios/week.toml:6:9
              |
            6 | input = 3
              |         ^ this is a whole number
            hint: write for example [input]

            error: `pools` is not a list of sections
             --> scenarios/week.toml:7:9
              |
            7 | pools = "x"
              |         ^^^ this is a string
            hint: write for example [[pools]]

            error: `workers` is not a set of named sections
             --> scenarios/week.toml:8:11
              |
            8 | workers = []
              |           ^^ this is a list
            hint: write for example [workers.name]

            error: `dry` is not true or false
             --> scenarios/week.toml:9:7
              |
            9 | dry = 1979-05-27
              |       ^^^^^^^^^^ this is a date or time
            hint: write for example true
        "#]],
    );
}

#[test]
fn a_section_that_is_not_one_is_one_problem_not_many() {
    check(
        "start = 2021-03-02\nworkers = { linux = 3 }\npools = [1, { }]\n",
        expect![[r#"
            error: `[workers.linux]` is not a section
             --> scenarios/week.toml:2:21
              |
            2 | workers = { linux = 3 }
              |                     ^ this is a whole number
            hint: write for example [workers.linux]

            error: `[[pools]]` is not a section
             --> scenarios/week.toml:3:10
              |
            3 | pools = [1, { }]
              |          ^ this is a whole number
            hint: write for example [[pools]]
        "#]],
    );
}

#[test]
fn a_missing_key_is_reported_at_its_section() {
    check(
        "[workers.linux]\n[[pools]]\n",
        expect![[r#"
            error: missing key `start` at the top level
             --> scenarios/week.toml
            hint: add for example start = "2021-03-02T00:00:00Z"

            error: missing key `capacity_max` in [workers.linux]
             --> scenarios/week.toml:1:1
              |
            1 | [workers.linux]
              | ^^^^^^^^^^^^^^^
            hint: add for example capacity_max = 1
        "#]],
    );
    check(
        "",
        expect![[r#"
            error: missing key `start` at the top level
             --> scenarios/week.toml
            hint: add for example start = "2021-03-02T00:00:00Z"
        "#]],
    );
}

#[test]
fn a_variant_is_one_of_its_names_or_its_short_form() {
    let boot =
        |text: &str| format!("start=2021-03-02\n[workers.linux]\ncapacity_max=1\nboot={text}");
    check(
        &boot("'sprad'"),
        expect![[r#"
        error: `boot` is not a known choice
         --> scenarios/week.toml:4:6
          |
        4 | boot='sprad'
          |      ^^^^^^^
        hint: did you mean "spread"?
    "#]],
    );
    check(
        &boot("'soon'"),
        expect![[r#"
        error: `boot` is not a duration
         --> scenarios/week.toml:4:6
          |
        4 | boot='soon'
          |      ^^^^^^
        hint: write for example "90 s" or "1 h 30 min"; units are d, h, min, s and ms
    "#]],
    );
    check(
        &boot("'spread'"),
        expect![[r#"
            error: missing key `median` in [workers.linux.boot.spread]
             --> scenarios/week.toml:4:6
              |
            4 | boot='spread'
              |      ^^^^^^^^
            hint: add for example median = "2 min"

            error: missing key `sigma` in [workers.linux.boot.spread]
             --> scenarios/week.toml:4:6
              |
            4 | boot='spread'
              |      ^^^^^^^^
            hint: add for example sigma = 1
        "#]],
    );
    check(
        &boot("{ spred = {} }"),
        expect![[r#"
        error: `boot` is not a known choice
         --> scenarios/week.toml:4:8
          |
        4 | boot={ spred = {} }
          |        ^^^^^
        hint: did you mean "spread"?
    "#]],
    );
    check(
        &boot("{ spread = {}, constant = {} }"),
        expect![[r#"
        error: `boot` does not hold exactly one section
         --> scenarios/week.toml:4:6
          |
        4 | boot={ spread = {}, constant = {} }
          |      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: write one section, one of "constant", "spread"
    "#]],
    );
    check(
        &boot("{ constant = 3 }"),
        expect![[r#"
            error: `[workers.linux.boot.constant]` is not a section
             --> scenarios/week.toml:4:19
              |
            4 | boot={ constant = 3 }
              |                   ^ this is a whole number
            hint: write for example [workers.linux.boot.constant]
        "#]],
    );
    check(
        &boot("5"),
        expect![[r#"
        error: `boot` has no unit
         --> scenarios/week.toml:4:6
          |
        4 | boot=5
          |      ^ this is a bare number
        hint: write for example "5 s" or "5 min"
    "#]],
    );
}

#[test]
fn numbers_are_finite_in_range_and_fit() {
    check(
        "seed = 99999999999999999999999999999999999999999999\nstart = 2021-03-02\nbudget = 0x28
[workers.a]\ncapacity_max = 0\nutility = nan\nboot.spread = { median = \"1 s\", sigma = inf }
[workers.b]\ncapacity_max = 300\nutility = 1e3\nboot.spread = { median = \"1 s\", sigma = -0.1 }
[workers.c]\ncapacity_max = 3.0\nidle_timeout = \"-5 min\"\nboot.spread = { median = \"1 s\", sigma = 1e999 }
",
        expect![[r#"
            error: `seed` is too large
             --> scenarios/week.toml:1:8
              |
            1 | seed = 99999999999999999999999999999999999999999999
              |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: write a smaller number

            error: `budget` is not an amount of money
             --> scenarios/week.toml:3:10
              |
            3 | budget = 0x28
              |          ^^^^ this is a whole number
            hint: write for example "$40.00"

            error: `capacity_max` is out of range
             --> scenarios/week.toml:5:16
              |
            5 | capacity_max = 0
              |                ^ must be at least 1 and at most 255
            hint: write for example 1

            error: `utility` is not a plain decimal
             --> scenarios/week.toml:6:11
              |
            6 | utility = nan
              |           ^^^ this is a bare number
            hint: write for example 1.5

            error: `sigma` is not finite
             --> scenarios/week.toml:7:41
              |
            7 | boot.spread = { median = "1 s", sigma = inf }
              |                                         ^^^
            hint: write for example 0.5

            error: `capacity_max` is out of range
             --> scenarios/week.toml:9:16
              |
            9 | capacity_max = 300
              |                ^^^ must be at least 1 and at most 255
            hint: write for example 255

            error: `utility` is not a plain decimal
              --> scenarios/week.toml:10:11
               |
            10 | utility = 1e3
               |           ^^^ this is a bare number
            hint: write for example 1.5

            error: `sigma` is out of range
              --> scenarios/week.toml:11:41
               |
            11 | boot.spread = { median = "1 s", sigma = -0.1 }
               |                                         ^^^^ must be at least 0
            hint: write for example 0

            error: `capacity_max` is not a whole number
              --> scenarios/week.toml:13:16
               |
            13 | capacity_max = 3.0
               |                ^^^ this is a number
            hint: write for example 1

            error: `idle_timeout` is negative
              --> scenarios/week.toml:14:16
               |
            14 | idle_timeout = "-5 min"
               |                ^^^^^^^^
            hint: write for example "2 min"

            error: `sigma` is not finite
              --> scenarios/week.toml:15:41
               |
            15 | boot.spread = { median = "1 s", sigma = 1e999 }
               |                                         ^^^^^
            hint: write for example 0.5
        "#]],
    );
}

#[test]
fn carets_line_up_under_tabs_and_wide_letters() {
    check(
        "start = 2021-03-02\r\n\tseed = { 'é' = 1 }\t# ü\r\n\"日本語\" = 2 # ü\r\n",
        expect![[r#"
            error: `seed` is not a whole number
             --> scenarios/week.toml:2:9
              |
            2 |     seed = { 'é' = 1 }    # ü
              |            ^^^^^^^^^^^ this is a section
            hint: write for example 1

            error: unknown key `日本語` at the top level
             --> scenarios/week.toml:3:1
              |
            3 | "日本語" = 2 # ü
              | ^^^^^^^^
            hint: known keys are `budget`, `dry`, `input`, `pools`, `regime`, `regions`, `seed`, `start`, `workers`
        "#]],
    );
    check(
        "seed = 1 # \u{1b}[31m\n",
        expect![[r#"
            error: invalid comment character
             --> scenarios/week.toml:1:12
              |
            1 | seed = 1 # �[31m
              |            ^ expected printable characters
            hint: a scenario is TOML: https://toml.io/en/v1.0.0
        "#]],
    );
    let long = format!("start = 2021-03-02\nregions = [{}3]", "\"us-east-1\", ".repeat(50));
    check(
        &long,
        expect![[r#"
        error: `regions` has an item (number 51) that is not a text
         --> scenarios/week.toml:2:662
          |
        2 | …, "us-east-1", "us-east-1", "us-east-1", "us-east-1", "us-east-1", "us-east-1", 3]
          |                                                                                  ^ this is a whole number
        hint: write for example "name"
    "#]],
    );
}

#[test]
fn what_is_not_toml_says_so_in_the_same_shape() {
    check(
        "start = 2 min\nseed = \nbudget = = 3\n",
        expect![[r#"
            error: string values must be quoted
             --> scenarios/week.toml:1:9
              |
            1 | start = 2 min
              |         ^^^^^ no quotes
            hint: write "2 min"

            error: string values must be quoted
             --> scenarios/week.toml:2:8
              |
            2 | seed =
              |        ^ expected a value
            hint: a scenario is TOML: https://toml.io/en/v1.0.0

            error: extra `=`
             --> scenarios/week.toml:3:10
              |
            3 | budget = = 3
              |          ^ expected nothing
            hint: a scenario is TOML: https://toml.io/en/v1.0.0
        "#]],
    );
    check(
        "seed = 1\nseed = 2\n[a]\n[a]\n",
        expect![[r#"
            error: duplicate key
             --> scenarios/week.toml:2:1
              |
            2 | seed = 2
              | ^^^^ again
            hint: keep one of them

            error: duplicate key
             --> scenarios/week.toml:4:2
              |
            4 | [a]
              |  ^ again
            hint: keep one of them
        "#]],
    );
    check(
        "regions = [\n  \"a\",\n",
        expect![[r#"
            error: unclosed array
             --> scenarios/week.toml:2:7
              |
            2 |   "a",
              |       ^ expected `]`
            hint: a scenario is TOML: https://toml.io/en/v1.0.0
        "#]],
    );
    check(
        &"submitted,duration\n".repeat(30),
        expect![[r#"
            error: key with no value
             --> scenarios/week.toml:1:10
              |
            1 | submitted,duration
              |          ^ expected `=`
            hint: a scenario is TOML: https://toml.io/en/v1.0.0

            error: key with no value
             --> scenarios/week.toml:2:10
              |
            2 | submitted,duration
              |          ^ expected `=`
            hint: a scenario is TOML: https://toml.io/en/v1.0.0

            error: key with no value
             --> scenarios/week.toml:3:10
              |
            3 | submitted,duration
              |          ^ expected `=`
            hint: a scenario is TOML: https://toml.io/en/v1.0.0

            error: key with no value
             --> scenarios/week.toml:4:10
              |
            4 | submitted,duration
              |          ^ expected `=`
            hint: a scenario is TOML: https://toml.io/en/v1.0.0

            error: key with no value
             --> scenarios/week.toml:5:10
              |
            5 | submitted,duration
              |          ^ expected `=`
            hint: a scenario is TOML: https://toml.io/en/v1.0.0

            error: key with no value
             --> scenarios/week.toml:6:10
              |
            6 | submitted,duration
              |          ^ expected `=`
            hint: a scenario is TOML: https://toml.io/en/v1.0.0

            error: key with no value
             --> scenarios/week.toml:7:10
              |
            7 | submitted,duration
              |          ^ expected `=`
            hint: a scenario is TOML: https://toml.io/en/v1.0.0

            error: key with no value
             --> scenarios/week.toml:8:10
              |
            8 | submitted,duration
              |          ^ expected `=`
            hint: 22 more lines are not TOML; is this a scenario file?
        "#]],
    );
}

#[test]
fn what_is_not_text_is_refused_with_its_byte() {
    let issue = Source::from_bytes("week.toml", b"seed = 1\nx = \"\xff\xfe\"\n".to_vec());
    expect![[r#"
        error: the file is not text
         --> week.toml:2:6
          |
        2 | x = "��"
          |      ^ byte 15 is not UTF-8
        hint: save it as UTF-8, or name a scenario file here"#]]
    .assert_eq(&issue.expect_err("bytes that are not text").to_string());
}

#[test]
fn a_file_that_cannot_be_read_or_is_a_trace_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let refused = |name: &str| {
        let issue = Source::read(&folder.path().join(name)).expect_err("a refusal").to_string();
        issue.replace(&folder.path().display().to_string(), "FOLDER")
    };
    expect![[r#"
        error: cannot read the file: No such file or directory (os error 2)
         --> FOLDER/none.toml"#]]
    .assert_eq(&refused("none.toml"));
    let long = usize::try_from(FILE_BYTES_MAX + 1).expect("a few MiB");
    std::fs::write(folder.path().join("long.csv"), "1".repeat(long)).expect("a long file");
    expect![[r#"
        error: the file is longer than 1 MiB
         --> FOLDER/long.csv
        hint: name a scenario file here, and its traces inside it"#]]
    .assert_eq(&refused("long.csv"));
}
