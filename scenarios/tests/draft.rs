//! Drafts load, run and teach, whatever is wished; what cannot be is told all at once.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeSet, VecDeque};
use std::convert::Infallible;
use std::fs;
use std::path::{Path, PathBuf};

use expect_test::{Expect, expect};
use provisioner_engine::random::Seed;
use provisioner_scenarios::draft::{Answer, Dialog, Draft, INSTANCE_TYPES, Wishes, ask};
use provisioner_scenarios::file::quantity::usd_per_hour;
use provisioner_scenarios::load_text;
use provisioner_scenarios::traces::{Options, Trace, import};
use provisioner_sim::{Hooks, run};
use tempfile::TempDir;

const TRACES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/traces");

/// Recordings of half a day in May 2021: a queue, two queues, prices of two types in two zones.
struct Recordings {
    _folder: TempDir,
    one: String,
    two: String,
    prices: String,
}

impl Recordings {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let begin = 1_620_000_000_000_u64; // 2021-05-03T00:00:00Z
        let mut one = "submitted_ms,duration_ms,queue\n".to_owned();
        let mut two = one.clone();
        for nth in 0..200 {
            let at = begin + 3_600_000 + nth * 180_000;
            one += &format!("{at},600000,linux\n");
            two += &format!("{at},600000,{}\n", if nth % 3 == 0 { "a/mac" } else { "b/linux" });
        }
        let mut prices = "az\ttype\tproduct\tprice\tts\n".to_owned();
        for hour in 0..24 {
            for (zone, kind) in [("a", "m5.xlarge"), ("b", "m5.xlarge"), ("a", "r5.large")] {
                let price = 0.05 + 0.001 * f64::from(hour);
                prices += &format!(
                    "us-east-1{zone}\t{kind}\tLinux/UNIX\t{price:.4}\t2021-05-03T{hour:02}:00:00Z\n"
                );
            }
        }
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let (one, two) = (write("one.csv", &one), write("two.csv", &two));
        let prices = write("prices.tsv", &prices);
        Self { _folder: folder, one, two, prices }
    }
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

#[test]
fn whatever_is_wished_together_gives_a_file_that_loads_runs_and_teaches() {
    let recordings = Recordings::new();
    let Recordings { one, two, prices, .. } = &recordings;
    let mut drafts = BTreeSet::new();
    for tasks in ["", "firefox-tests", "research-cluster", one, two] {
        for prices in ["", "modern", "bid-era", prices] {
            for regime in ["", "capacity", "outbid"] {
                for zones in ["", "us-east-1a"] {
                    for patience in ["", "10 min"] {
                        let wishes = Wishes {
                            tasks: some(tasks),
                            prices: some(prices),
                            regime: some(regime),
                            zones: some(zones).into_iter().collect(),
                            on_demand_after: some(patience),
                            wait_p95: some(patience),
                            length: Some("3 h".to_owned()),
                            ..Wishes::default()
                        };
                        drafts.insert(drafted(&wishes));
                    }
                }
            }
        }
    }
    // That prices are modern, and that interruptions are by shortage then, goes without saying.
    assert_eq!(drafts.len(), 5 * (2 + 2 + 2) * 2 * 2);
}

/// The text of a draft that has been looked at.
fn drafted(wishes: &Wishes) -> String {
    let path = Path::new("some/where/draft.toml");
    let text = Draft::of(wishes).unwrap_or_else(|wrong| panic!("{wishes:?}: {wrong:?}")).text(path);
    let loaded = load_text(path, &text).unwrap_or_else(|issues| panic!("{issues}\n{text}"));
    let config = loaded.scenario.config(Seed(1));
    let outcome = run(&config, &mut *loaded.scenario.tasks(Seed(1)), Hooks::default());
    assert!(outcome.total.tasks.done > 0, "{text}");
    for word in ["# ", "provisioner simulate some/where/draft.toml", "provisioner parameters"] {
        assert!(text.contains(word), "{text}");
    }
    let explained = text.lines().filter(|line| line.contains("# ")).count();
    assert!(explained >= 15, "{text}");
    let named = |line: &&str| line.contains('/') || line.contains("The tasks of");
    let mut lines = text.lines().filter(|line| !named(line));
    let long = lines.find(|line| line.chars().count() > 100);
    assert_eq!(long, None);
    text
}

#[test]
fn a_draft_takes_names_and_times_from_recordings() {
    let Recordings { two, prices, .. } = &Recordings::new();
    let wishes = Wishes { tasks: some(two), prices: some(prices), ..Wishes::default() };
    let text = Draft::of(&wishes).unwrap().text(Path::new("mine.toml"));
    let folder = Path::new(two).parent().unwrap().to_str().unwrap();
    expect![[r##"
        # The tasks of two.csv on the prices of prices.tsv.
        #
        #     provisioner simulate mine.toml
        #
        # A draft by `provisioner new`, to be changed. Every key that is left out has a default with a
        # source: `provisioner parameters` lists them. Quantities are strings with their unit.

        description = "The tasks of two.csv on the prices of prices.tsv"
        seed = 1                        # where all chance comes from; --seed overrides it

        [time]
        start = 2021-05-03T01:00:00Z    # a Monday; all times are UTC
        length = "10 h"                 # later tasks are left out; then the queues drain

        [market]
        regime = "capacity"             # since 2017-11: shortage interrupts, not price
        zones = ["us-east-1a", "us-east-1b"]

        [market.prices.recorded]
        files = ["/data/prices.tsv"]

        [market.on_demand]              # us-east-1, 2022-06; the most that is bid
        "m5.xlarge" = "$0.192/h"
        "r5.large" = "$0.126/h"

        [market.vcpus]                  # what the account's quota counts
        "m5.xlarge" = 4
        "r5.large" = 2

        [cloud]
        behaviour = "full"              # EC2 as it is: late, forgetful, throttled; or "plain"
        interruption_hazard = 0.00018   # an hour of each machine: 10 to 15 % a month

        # What all worker types have in common; each may say otherwise.
        [worker_type_defaults]
        scaling = "target"              # how much is wanted; or "scaling-ratio", "estimator"
        placement = "spread"            # where: or "cheapest", "random", "weighted", "on-demand"
        capacity_max = 100              # the most tasks that run at once, in each of them
        idle_timeout = "10 min"         # how long a worker waits for a next task
        # on_demand_after = "10 min"    # left out: a spot machine is waited for

        # Tasks run `utility` times as fast on a machine, and `capacity` of them at once.
        [worker_type_defaults.instance_types]
        "m5.xlarge" = { utility = 1.0, capacity = 1 }
        "r5.large" = { utility = 1.0, capacity = 1 }

        # 133 tasks were recorded.
        [worker_types."b/linux"]
        capacity_max = 10               # four times what ran at once on average

        [worker_types."b/linux".tasks.recorded]
        file = "/data/two.csv"
        queue = "b/linux"               # the file has others

        # 67 tasks were recorded.
        [worker_types."a/mac"]
        capacity_max = 10               # four times what ran at once on average

        [worker_types."a/mac".tasks.recorded]
        file = "/data/two.csv"
        queue = "a/mac"                 # the file has others

        # What must hold; exit code 1 says that it does not. Any number of `--json` can be checked.
        [checks.all-done]
        because = "no task waits for ever"
        measure = "total.tasks.left"
        equals = 0
    "##]]
    .assert_eq(&text.replace(folder, "/data"));
}

#[test]
fn tasks_and_prices_of_different_years_are_put_together() {
    let Recordings { one, .. } = &Recordings::new();
    let prices = format!("{TRACES}/spot-price.us-east-1.2016-02_03.linux.tsv.zst");
    let wishes = Wishes { tasks: some(one), prices: some(&prices), ..Wishes::default() };
    let text = drafted(&wishes);
    let told = |key: &str| text.lines().find(|line| line.starts_with(key)).unwrap();
    expect![[r#"
        start = 2016-02-25T22:00:00Z    # a Thursday; all times are UTC
        length = "10 h"                 # later tasks are left out; then the queues drain
        regime = "outbid"               # until 2017-11: whoever bids too little is interrupted
        replay_from = 2021-05-03T01:00:00Z"#]]
    .assert_eq(&["start", "length", "regime", "replay_from"].map(told).join("\n"));
}

#[test]
fn a_recording_that_counts_from_its_own_beginning_begins_with_the_run() {
    let tasks = format!("{TRACES}/firefox-ci.mobile-1-decision.dat");
    let text = drafted(&Wishes { tasks: some(&tasks), ..Wishes::default() });
    assert!(text.contains("start = 2025-03-03 ") && !text.contains("replay_from"), "{text}");
    assert!(text.contains("[worker_types.\"ci/mobile-1-decision\""), "{text}");
}

#[test]
fn queues_that_get_no_worker_type_are_counted() {
    let tasks = format!("{TRACES}/tasks.mozilla-ci.2013-11.csv.zst");
    let text = drafted(&Wishes { tasks: some(&tasks), ..Wishes::default() });
    assert_eq!(text.matches(".tasks.recorded]").count(), 8);
    let told = text.lines().find(|line| line.starts_with("# The file has")).unwrap();
    expect!["# The file has 4 other queues, the smallest, which are left out."].assert_eq(told);
}

#[test]
fn paths_are_as_the_scenario_sees_them() {
    let prices = "incidents/price-see-saw.prices.tsv";
    let wishes = Wishes { prices: some(prices), ..Wishes::default() };
    for (scenario, seen) in [("mine.toml", ""), ("here/it/is.toml", "../../")] {
        let text = Draft::of(&wishes).unwrap().text(Path::new(scenario));
        assert!(text.contains(&format!("files = [\"{seen}{prices}\"]")), "{text}");
    }
}

fn wrong(wishes: &Wishes) -> String {
    let wrong = Draft::of(wishes).unwrap_err();
    wrong.iter().map(|wrong| format!("{}\n    {}\n", wrong.what, wrong.hint)).collect()
}

#[test]
fn all_that_is_wrong_is_told_at_once_with_what_to_do() {
    let wishes = Wishes {
        tasks: some("firefox-test"),
        tasks_per_hour: some("60"),
        format: some("csv"),
        regime: some("spot"),
        prices: some("nowhere.json"),
        zones: ["us-east-1", "us-eest"].map(str::to_owned).into(),
        instance_types: ["c6i.xlage", "c7g.xlarge=0.1"].map(str::to_owned).into(),
        capacity_max: some("none"),
        on_demand_after: some("10"),
        wait_p95: some("1 s"),
        length: some("long"),
    };
    expect![[r#"
        recorded tasks come when they came, at no rate
            leave the rate out, or choose a preset
        there is no format `csv`
            tasks are in one of canonical, firefox-ci, swf, task-table, taskcluster
        there is no file `firefox-test`
            name a file of tasks, or a preset: firefox-builds, firefox-tests, research-cluster
        there is no regime `spot`
            choose `capacity` (since 2017-11) or `outbid` (before)
        `us-eest` is neither a zone nor a region
            write for example us-east-1a, or us-east-1 for three zones of it
        the price of `c6i.xlage` is not known here
            did you mean c6i.xlarge? Or say its on-demand price as well: "c6i.xlage=$0.17/h"
        `0.1` is no price of `c7g.xlarge`
            write for example "c7g.xlarge=$0.17/h"
        there is no file `nowhere.json`
            name a file of spot prices, or generated ones: modern, bid-era
        how long to look for a spot machine, `10`, is no duration
            give one with its unit, for example "10 min"
        the limit on waits, `1 s`, is too short
            give at least 1 min
        the length, `long`, is no duration
            give one with its unit, for example "10 min"
        `none` is no capacity
            give a whole number of tasks, for example 100
    "#]]
    .assert_eq(&wrong(&wishes));
}

#[test]
fn what_recordings_lack_is_told() {
    let Recordings { one, prices, .. } = &Recordings::new();
    let wishes = Wishes {
        prices: some(prices),
        zones: vec!["us-west-2a".to_owned()],
        instance_types: vec!["c6i.xlarge".to_owned()],
        ..Wishes::default()
    };
    let swapped = Wishes { tasks: some(prices), prices: some(one), ..Wishes::default() };
    let text = wrong(&wishes) + &wrong(&swapped);
    let folder = Path::new(one).parent().unwrap().to_str().unwrap();
    expect![[r#"
        `c6i.xlarge` has no recorded price
            there are m5.xlarge, r5.large
        no price was recorded in zone `us-west-2a`
            there are us-east-1a, us-east-1b
        `/data/prices.tsv` is not a recording of tasks
            name another file
        `/data/one.csv` has no spot prices
            name what `aws ec2 describe-spot-price-history` printed
    "#]]
    .assert_eq(&text.replace(folder, "/data"));
}

/// Answers as they are typed; what is shown is written down.
#[derive(Default)]
struct Script {
    typed: VecDeque<&'static str>,
    shown: String,
}

impl Dialog for Script {
    type Error = Infallible;

    fn choose(&mut self, question: &str, options: &[String]) -> Result<usize, Infallible> {
        let typed = self.typed.pop_front().unwrap();
        let chosen = options.iter().position(|option| option.contains(typed)).unwrap();
        self.shown += &format!("{question}: {}\n", options[chosen]);
        Ok(chosen)
    }

    fn text(
        &mut self,
        question: &str,
        usual: &str,
        check: &dyn Fn(&str) -> Result<(), String>,
    ) -> Result<String, Infallible> {
        loop {
            let typed = self.typed.pop_front().unwrap();
            let said = if typed.is_empty() { usual } else { typed };
            self.shown += &format!("{question} [{usual}]: {typed}\n");
            match check(said) {
                Ok(()) => return Ok(said.to_owned()),
                Err(why) => self.shown += &format!("  {why}\n"),
            }
        }
    }
}

/// What is asked and answered, and the wishes that come of it.
fn check_answers<const N: usize>(typed: [&'static str; N], shown: &Expect) -> Answer {
    let mut script = Script { typed: typed.into(), ..Script::default() };
    let answer = ask(&mut script).unwrap();
    shown.assert_eq(&script.shown);
    assert!(script.typed.is_empty());
    answer
}

#[test]
fn a_few_answers_make_a_draft_and_wrong_ones_are_asked_again() {
    let answer = check_answers(
        [
            "my own",
            "tests",
            "many",
            "90",
            "smooth",
            "mars",
            "us-west-2",
            "",
            "0",
            "50",
            "10",
            "10 min",
            "",
        ],
        &expect![[r#"
            Begin with: a scenario of my own: ask me a few questions
            Tasks: generated tests: batches of a hundred, nearly all of one length
            Tasks an hour, mean of a week [150]: many
              `many` is no rate of tasks: give a number of tasks an hour, for example 60
            Tasks an hour, mean of a week [150]: 90
            Spot prices: generated, smooth, as since 2017
            Zones, or regions for three zones of each [us-east-1]: mars
              `mars` is neither a zone nor a region: write for example us-east-1a, or us-east-1 for three zones of it
            Zones, or regions for three zones of each [us-east-1]: us-west-2
            Instance types (one that is not known: NAME=$0.17/h) [c6i.xlarge, m6i.xlarge]: 
            Most tasks at once [100]: 0
              `0` is no capacity: give a whole number of tasks, for example 100
            Most tasks at once [100]: 50
            Buy on demand after how long without a spot machine (empty: never) []: 10
              how long to look for a spot machine, `10`, is no duration: give one with its unit, for example "10 min"
            Buy on demand after how long without a spot machine (empty: never) []: 10 min
            How long may 95 of 100 tasks wait at most (empty: no limit) []: 
        "#]],
    );
    let Answer::Wishes(wishes) = answer else { panic!("these are wishes") };
    assert_eq!(wishes.tasks.as_deref(), Some("firefox-tests"));
    assert_eq!(wishes.zones, ["us-west-2"]);
    assert_eq!((wishes.on_demand_after.as_deref(), &wishes.wait_p95), (Some("10 min"), &None));
    assert!(drafted(&wishes).contains("capacity_max = 50"));
}

#[test]
fn a_shipped_scenario_may_be_the_beginning_and_nothing_more_is_asked() {
    let answer = check_answers(
        ["gpu-scarce"],
        &expect![[r#"
        Begin with: the shipped `gpu-scarce`
    "#]],
    );
    assert_eq!(answer, Answer::Like("gpu-scarce"));
}

#[test]
fn what_is_known_of_instance_types_stands_in_the_tables() {
    let table = |name: &str| {
        let path = PathBuf::from(TRACES).join(name);
        import(&path, &Options::default()).unwrap().trace
    };
    let Trace::OnDemand(old) = table("on-demand.all-regions.2014_2017.tsv.zst") else { panic!() };
    let Trace::OnDemand(new) = table("on-demand.us-east-1.2022-06_2026-07.tsv.zst") else {
        panic!()
    };
    let Trace::InstanceTypes(types) = table("instance-types.tsv.zst") else { panic!() };
    for line in INSTANCE_TYPES.lines().skip(1) {
        let [name, vcpus, price, since] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!()
        };
        let told =
            (if since < "2022" { &old } else { &new }).prices("us-east-1", name, "Linux/UNIX");
        let mut held = told.iter().filter(|(at, _)| at.to_string().starts_with(since));
        let price = usd_per_hour(&format!("${price}/h")).unwrap();
        assert!(held.any(|(_, told)| *told == price), "{line}: {told:?}");
        assert!(since < "2022" || told.last().unwrap().1 == price, "{line} was not the last price");
        let index = types.instance_types.iter().position(|known| known == name).unwrap();
        let row = types.rows.iter().find(|row| row.instance_type as usize == index).unwrap();
        assert_eq!(row.vcpus.to_string(), vcpus, "{name}");
    }
}
