//! Files in, issues out, read by a small schema that uses every getter.

mod problems;

use std::fmt::Write;
use std::path::PathBuf;

use expect_test::{Expect, expect};
use proptest::prelude::*;
use proptest::sample::Index;
use provisioner_engine::units::{Duration, Ratio, Time, Usd, UsdPerHour};

use super::*;

#[test]
fn a_good_file_is_read_as_written() {
    let week = read_text(GOOD).expect("a good file");
    assert_eq!(
        week,
        Week {
            seed: 7,
            start: Time::from_ms(1_614_643_200_000),
            budget: Some(Usd::from_micros(40_000_000)),
            tasks: Some(PathBuf::from("scenarios/../traces/tasks.csv")),
            regions: vec!["us-east-1".into(), "eu-west-1".into()],
            regime: Regime::Outbid,
            dry: true,
            workers: vec![
                (
                    "linux".into(),
                    Worker {
                        capacity_max: 64,
                        idle: Duration::from_ms(5_400_250),
                        utility: Ratio::from_millionths(1_250_000),
                        boot: Boot::Spread { median: Duration::MINUTE, sigma: 0.5 },
                    },
                ),
                (
                    "proj/win 10".into(),
                    Worker {
                        capacity_max: 255,
                        idle: Duration::from_mins(15),
                        utility: Ratio::ONE,
                        boot: Boot::Constant(Duration::from_secs(90)),
                    },
                ),
            ],
            pools: vec![UsdPerHour::from_micros(34_000), UsdPerHour::ZERO],
        }
    );
}

#[test]
fn the_least_a_file_can_say_is_filled_up_with_defaults() {
    let week = read_text("start = 2021-03-02").expect("a short file");
    assert_eq!(week.seed, 1);
    assert_eq!(week.regime, Regime::Capacity);
    assert_eq!((week.workers, week.pools, week.tasks), (vec![], vec![], None));
}

#[test]
fn problems_the_schema_finds_itself_carry_their_place() {
    let issues = range("low = 3\nhigh = 2\n");
    expect![[r#"
        error: `high` is below `low`
         --> week.toml:2:8
          |
        2 | high = 2
          |        ^ `low` is 3
        hint: write at least 3"#]]
    .assert_eq(&issues.to_string());
    assert!(format!("{issues:#}").starts_with("\x1b[1;31merror\x1b[0m: `high`"));
}

#[test]
fn wrong_values_are_not_compared() {
    for text in ["low = 3\n", "low = 3\nhigh = \"2\"\n"] {
        assert_eq!(range(text).iter().count(), 1, "{text}");
    }
}

fn range(text: &str) -> Issues {
    let range = read(&Source::new("week.toml", text), |s| {
        let low = s.required("low", kind::integer::<u8>(), "The low end.");
        let high = s.required("high", kind::integer::<u8>(), "The high end.");
        if s.is_sound() && high < low {
            let issue = Issue::new("`high` is below `low`", s.place("high"));
            s.report(issue.label(format!("`low` is {low}")).hint(format!("write at least {low}")));
        }
    });
    range.expect_err("an issue")
}

#[test]
fn the_schema_lists_its_keys() {
    let mut list = String::new();
    for key in describe(week) {
        writeln!(list, "{}: {}. {}", key.path, key.terms(), key.doc).expect("a string");
    }
    expect![[r#"
        seed: a whole number; default 1 (any will do). The origin of all chance.
        start: a time; required. When the run begins.
        budget: an amount of money; optional. Most money spent a day.
        regions: a list, each item a text; default ["us-east-1"] (the oldest region). Where machines may be.
        regime: one of "capacity", "outbid"; default "capacity" (since 2017). Who interrupts.
        dry: true or false; default false (a run buys). Buys nothing.
        input: a section; optional. What is replayed.
        input.tasks: a path; required. The task queue.
        workers: sections by name; optional. Kinds of workers.
        workers.<name>.capacity_max: a whole number, at least 1 and at most 255; required. Most at once.
        workers.<name>.idle_timeout: a duration, at least "1 s"; default "15 min" (docker-worker). How long an idle worker waits.
        workers.<name>.utility: a ratio; default 1 (the unit). Useful work.
        workers.<name>.boot: one of "constant", "spread", or a duration; default { spread = { median = "90 s", sigma = 0.3 } } (measured in 2014). How long a boot takes.
        workers.<name>.boot.constant: a section; optional. Always the same.
        workers.<name>.boot.constant.value: a duration; required. How long.
        workers.<name>.boot.spread: a section; optional. Log-normal.
        workers.<name>.boot.spread.median: a duration; required. Half take longer.
        workers.<name>.boot.spread.sigma: a number, at least 0; required. Of the logarithm.
        pools: any number of sections; optional. Spot pools.
        pools[].min_price: a price; default "$0.00/h" (none). The floor.
    "#]].assert_eq(&list);
}

#[test]
fn layers_are_joined_key_by_key_and_the_first_that_has_a_key_holds() {
    let first = Source::new("first.toml", "[pools.b]\nzone = \"1\"\n[all]\nsizes = [1]");
    let second = "[pools.b]\nzone = \"2\"\n[pools.a]\nsizes = [2, 3]\n[all]\nzone = \"3\"";
    let second = Source::new("second.toml", second);
    let (read, written) = read_layers(&[first, second], pools).expect("good files");
    let pool = |zone: &str, sizes: &[u8]| (zone.to_owned(), sizes.to_vec());
    assert_eq!(read, [("a".into(), pool("3", &[2, 3])), ("b".into(), pool("1", &[1]))]);
    let written: Vec<_> = written.iter().map(|(path, value)| format!("{path} {value}")).collect();
    let expected = ["pools.a ", "pools.a.zone \"3\"", "pools.a.sizes [2, 3]", "pools.b "];
    assert_eq!(written[..4], expected);
}

#[test]
fn what_is_hidden_is_not_wrong_either() {
    let text = "[pools.a]\nzone = \"1\"\nsizes = []\n[all]\nzone = 3";
    let issues = read(&Source::new("pools.toml", text), pools).expect_err("an issue");
    assert_eq!(issues.to_string().lines().next(), Some("error: `zone` is not a text"));
    let first = Source::new("first.toml", "start = 2021-03-02\nworkers.a = { boot = \"1 s\" }");
    let hidden = "[workers.a]\ncapacity_max = 1\nboot = { spread = { median = \"1 s\" } }";
    let issues = read_layers(&[first, Source::new("hidden.toml", hidden)], week);
    let issues = issues.expect_err("an issue").to_string();
    assert!(
        issues.starts_with("error: missing key `sigma` in [workers.a.boot.spread]"),
        "{issues}"
    );
}

#[test]
fn a_problem_of_what_several_sections_inherit_is_told_once() {
    let text = "[pools.a]\n[pools.b]\n[all]\nzone = 3\nsize = 1\nsizes = []";
    let issues = read(&Source::new("pools.toml", text), pools).expect_err("two issues");
    assert_eq!(issues.iter().count(), 2, "{issues}");
}

fn pools(s: &mut Section<'_>) -> Vec<(String, (String, Vec<u8>))> {
    s.named_with_defaults(("pools", "all"), ("Each.", "What all have."), |_, s| {
        let sizes = kind::list(kind::integer::<u8>());
        (s.required("zone", kind::text(), "Where."), s.required("sizes", sizes, "How large."))
    })
}

#[test]
#[should_panic(expected = "asks for `seed` twice")]
fn a_schema_that_asks_twice_is_a_bug() {
    describe(|s| {
        s.optional("seed", kind::text(), "");
        s.optional("seed", kind::text(), "");
    });
}

#[test]
#[should_panic(expected = "`share` is out of range")]
fn a_default_out_of_range_is_a_bug() {
    describe(|s| s.defaulted("share", kind::float().within(0.0..=1.0), "", 2.0, "a slip"));
}

proptest! {
    #[test]
    fn no_text_panics(text: String) {
        let _ = print(&text);
    }

    #[test]
    fn no_bytes_panic(bytes: Vec<u8>) {
        let _ = Source::from_bytes("week.toml", bytes).map(|source| print(source.text()));
    }

    /// A good file with some of its characters removed, doubled or replaced.
    #[test]
    fn no_mutation_panics(edits in prop::collection::vec((any::<Index>(), edit()), 1..8)) {
        let mut chars: Vec<char> = GOOD.chars().collect();
        for (at, with) in edits {
            let at = at.index(chars.len());
            chars.splice(at..=at, with);
            chars.push('\n');
        }
        let _ = print(&chars.into_iter().collect::<String>());
    }

    /// Any span of any text can be shown, though it lie outside or cut a letter in two.
    #[test]
    fn no_place_panics(text in "[\\PC\t\r\n]{0,40}", start in 0_usize..99, length in 0_usize..99) {
        let source = Source::new("week.toml", text);
        let place = Place::new(&source, Some(start..start + length));
        prop_assert!(Issue::new("m", place).to_string().contains('^'));
    }
}

fn edit() -> impl Strategy<Value = Vec<char>> {
    let token = prop::sample::select(vec![
        "", "\"", "'", "[", "]", "[[", "{", "}", "=", ".", ",", "-", "#", "\n", "\t", "é", "0",
        "9e9", "nan", "true", " min", "$", "\"\"\"", "\u{0}",
    ]);
    prop_oneof![
        token.prop_map(|token| token.chars().collect()),
        any::<char>().prop_map(|c| vec![c])
    ]
}

const GOOD: &str = r#"# A week.
seed = 7
start = "2021-03-02T00:00:00Z"
budget = "$40"
dry = true
regime = "outbid"
regions = ["us-east-1", "eu-west-1"]

[input]
tasks = "../traces/tasks.csv"

[workers.linux]
capacity_max = 64
idle_timeout = "1 h 30 min 0.25 s"
utility = 1.25
boot = { spread = { median = "60 s", sigma = 0.5 } }

[workers."proj/win 10"]
capacity_max = 0xff
boot = "90 s"

[[pools]]
min_price = "$0.034/h"

[[pools]]
"#;

#[derive(Debug, PartialEq)]
struct Week {
    seed: u64,
    start: Time,
    budget: Option<Usd>,
    tasks: Option<PathBuf>,
    regions: Vec<String>,
    regime: Regime,
    dry: bool,
    workers: Vec<(String, Worker)>,
    pools: Vec<UsdPerHour>,
}

#[derive(Debug, PartialEq)]
struct Worker {
    capacity_max: u32,
    idle: Duration,
    utility: Ratio,
    boot: Boot,
}

#[derive(Clone, Debug, PartialEq)]
enum Boot {
    Constant(Duration),
    Spread { median: Duration, sigma: f64 },
}

#[derive(Clone, Debug, PartialEq)]
enum Regime {
    Outbid,
    Capacity,
}

fn week(s: &mut Section<'_>) -> Week {
    let regimes = [("capacity", Regime::Capacity), ("outbid", Regime::Outbid)];
    Week {
        seed: s.defaulted("seed", kind::integer(), "The origin of all chance.", 1, "any will do"),
        start: s.required("start", kind::time(), "When the run begins."),
        budget: s.optional("budget", kind::usd(), "Most money spent a day."),
        regions: s.defaulted(
            "regions",
            kind::list(kind::text()),
            "Where machines may be.",
            vec!["us-east-1".into()],
            "the oldest region",
        ),
        regime: s.defaulted(
            "regime",
            kind::choice(&regimes),
            "Who interrupts.",
            Regime::Capacity,
            "since 2017",
        ),
        dry: s.defaulted("dry", kind::boolean(), "Buys nothing.", false, "a run buys"),
        tasks: s.optional_section("input", "What is replayed.", |s| {
            s.required("tasks", kind::path(), "The task queue.")
        }),
        workers: s.named("workers", "Kinds of workers.", |_, s| worker(s)),
        pools: s.sections("pools", "Spot pools.", |s| {
            let price = kind::usd_per_hour();
            s.defaulted("min_price", price, "The floor.", UsdPerHour::ZERO, "none")
        }),
    }
}

fn worker(s: &mut Section<'_>) -> Worker {
    let idle = kind::duration().within(Duration::SECOND..);
    let constant: &dyn Fn(&mut Section<'_>) -> Boot =
        &|s| Boot::Constant(s.required("value", kind::duration(), "How long."));
    let spread: &dyn Fn(&mut Section<'_>) -> Boot = &|s| Boot::Spread {
        median: s.required("median", kind::duration(), "Half take longer."),
        sigma: s.required("sigma", kind::float().within(0.0..), "Of the logarithm."),
    };
    Worker {
        capacity_max: s.required("capacity_max", kind::integer().within(1..=255), "Most at once."),
        idle: s.defaulted(
            "idle_timeout",
            idle,
            "How long an idle worker waits.",
            Duration::from_mins(15),
            "docker-worker",
        ),
        utility: s.defaulted("utility", kind::ratio(), "Useful work.", Ratio::ONE, "the unit"),
        boot: s.variant(
            "boot",
            "How long a boot takes.",
            &[
                Variant::new("constant", "Always the same.", constant),
                Variant::new("spread", "Log-normal.", spread),
            ],
            Some(&ShortForm::new(kind::duration(), Boot::Constant)),
            Some(("{ spread = { median = \"90 s\", sigma = 0.3 } }", "measured in 2014")),
        ),
    }
}

fn read_text(text: &str) -> Result<Week, Issues> {
    read(&Source::new("scenarios/week.toml", text), week)
}

fn print(text: &str) -> String {
    read_text(text).map_or_else(|issues| issues.to_string() + "\n", |week| format!("{week:?}\n"))
}

fn check(text: &str, expected: Expect) {
    expected.assert_eq(&print(text));
}
