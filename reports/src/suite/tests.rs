//! Numbers of before and now in, verdicts and every form of the report out.

use std::fs;

use expect_test::expect;
use provisioner_engine::units::{Duration, Usd};
use provisioner_scenarios::experiment::Experiment;
use provisioner_sim::outcome::Outcome;
use roxmltree::Document;

use super::*;
use crate::diff::Brief;
use crate::json::numbers;
use crate::measure::Worse;
use crate::testing::outcome;
use crate::{Look, Page};

const BASE: &str = r#"
[time]
start = 2021-03-01
length = "1 h"
[market]
zones = ["us-east-1a"]
on_demand = { "c5.xlarge" = "$0.17/h" }
[worker_types."ci/a_s"]
capacity_max = 4
tasks.poisson = { tasks_per_hour = 12, durations = "5 min" }
instance_types."c5.xlarge" = {}
"#;

const AXES: &str = r#"
[axes.scenario.variants]
calm = {}
"a | <b> & `c`_*d*" = { cloud.behaviour = "full" }
"#;

/// A suite of two scenarios and that many seeds.
fn suite(seeds: usize, terms: &str) -> Experiment {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("week.toml"), BASE).unwrap();
    let text = format!("base = \"week.toml\"\nseeds = {seeds}\n{AXES}{terms}");
    let loaded = Experiment::load_text(&folder.path().join("policy.toml"), &text);
    loaded.unwrap_or_else(|issues| panic!("{issues}"))
}

/// An outcome for each seed, the n-th changed by `change`.
fn outcomes(seeds: usize, change: impl Fn(i64, &mut Outcome)) -> Now {
    let nth = |seed: usize| {
        let mut outcome = outcome();
        // Chance gives each seed another load.
        outcome.total.cost.spot += Usd::from_micros(10_000_000 * i64::try_from(seed).unwrap());
        change(i64::try_from(seed).unwrap(), &mut outcome);
        outcome
    };
    Now::of(&(0..seeds).map(nth).collect::<Vec<_>>())
}

fn as_before(seeds: usize) -> Now {
    outcomes(seeds, |_, _| {})
}

/// The report of the first scenario, which came to that, with the other as it was.
fn report(suite: &Experiment, now: &Now) -> Report {
    let rules = bind(suite).unwrap_or_else(|issues| panic!("{issues}"));
    let same = as_before(suite.seeds.len());
    let before = same.accepted(suite.points[0].scenario.hash(), "before");
    let after = same.accepted(suite.points[1].scenario.hash(), "before");
    let judged =
        [rules.judge(suite, 0, &before, now, "now"), rules.judge(suite, 1, &after, &same, "now")];
    Report::new(suite, "now", judged.into())
}

/// What is made of a measure of the first scenario.
fn verdict(report: &Report, measure: &str) -> (String, Verdict) {
    let row = report.scenarios[0].rows.iter().find(|row| row.measure == measure).unwrap();
    (words::difference(row), row.verdict)
}

fn dearer(share: i64, chance: i64) -> impl Fn(i64, &mut Outcome) {
    move |seed, outcome| {
        let spot = &mut outcome.total.cost.spot;
        *spot = Usd::from_micros(spot.micros() / 1_000 * (1_000 + share));
        let sign = if seed % 2 == 0 { 1 } else { -1 };
        *spot += Usd::from_micros(sign * chance);
        outcome.decision_digest = "other".to_owned();
    }
}

const COST: &str = "total.cost_usd.total";

#[test]
fn four_percent_dearer_is_worse_by_default_and_what_chance_explains_is_not() {
    let suite = suite(6, "");
    let judged = |share, chance| {
        let report = report(&suite, &outcomes(6, dearer(share, chance)));
        let (difference, verdict) = verdict(&report, COST);
        format!("{difference}: {verdict:?}, {}\n", if report.is_worse() { "fails" } else { "fine" })
    };
    let all = [judged(40, 9_000_000), judged(40, 90_000_000), judged(5, 0), judged(-40, 0)];
    let same = as_before(6);
    assert!(report(&suite, &same).scenarios.iter().all(Judged::is_same));
    expect![[r#"
        +3.9 % ± 1.3 %: Worse, fails
        +3.9 % ± 13.7 %: Chance, fine
        +0.5 % ± 0.0 %: Allowed, fine
        -3.9 % ± 0.1 %: Better, fine
    "#]]
    .assert_eq(&all.concat());
}

#[test]
fn tolerances_are_shares_amounts_or_nothing_and_which_way_is_worse_is_known() {
    let terms = r#"
[tolerances]
total.cost_usd.total = "3 %"
total.wait_s.p95 = "30 s"
total.utilisation = "1 %"
total.tasks.submitted = 0
total.wait_s.mean = "any"
[[override]]
where = { scenario = "calm" }
tolerances.total.cost_usd.total = "$5"
"#;
    let suite = suite(2, terms);
    let now = outcomes(2, |_, outcome| {
        outcome.total.cost.spot += Usd::from_micros(5_000_000);
        outcome.total.wait.p95 += Duration::from_secs(31);
        outcome.total.wait.mean_ms *= 2.0;
        outcome.total.useful_time += Duration::from_hours(1);
        outcome.total.tasks.submitted -= 1;
    });
    let report = report(&suite, &now);
    let measures = [
        COST,
        "total.wait_s.p95",
        "total.utilisation",
        "total.tasks.submitted",
        "total.wait_s.mean",
    ];
    let told = measures.map(|measure| {
        let (difference, verdict) = verdict(&report, measure);
        format!("{measure} {difference}: {verdict:?}\n")
    });
    expect![[r#"
        total.cost_usd.total +0.7 % ± 0.0 %: Allowed
        total.wait_s.p95 +12.8 % ± 0.0 %: Worse
        total.utilisation +0.01 % ± 0 %: Better
        total.tasks.submitted -1 ± 0: Worse
        total.wait_s.mean +100.0 % ± 0.0 %: Unjudged
    "#]]
    .assert_eq(&told.concat());
}

#[test]
fn a_mean_that_is_worse_than_it_may_be_fails_and_says_whether_it_may_be_chance() {
    let terms = "[tolerances]\ntotal.cost_usd.total = \"2 %\"\n";
    let last = |report: &Report| {
        let page = terminal(report, false, Look::default()).to_string();
        let row = page.lines().find(|line| line.starts_with(COST)).unwrap();
        assert!(report.is_worse());
        row.split("2 %").last().unwrap().trim().to_owned()
    };
    let six = suite(6, terms);
    let told = [
        last(&report(&six, &outcomes(6, dearer(40, 0)))),
        last(&report(&six, &outcomes(6, dearer(40, 90_000_000)))),
    ];
    assert_eq!(told, ["WORSE", "WORSE, may be chance"]);
    let defaults = provisioner_scenarios::suite::DEFAULTS.iter().skip(1);
    let terms = defaults.fold(terms.to_owned(), |terms, (path, _)| terms + path + " = \"any\"\n");
    let one = suite(1, &terms);
    assert_eq!(last(&report(&one, &outcomes(1, dearer(40, 0)))), "WORSE");
}

#[test]
fn one_seed_cannot_excuse_by_chance_and_a_tolerance_has_the_unit_of_its_measure() {
    let refused = |suite: &Experiment| {
        let issues = bind(suite).unwrap_err().to_string();
        let lines = issues.lines().filter(|line| line.starts_with(['e', 'h']));
        lines.collect::<Vec<_>>().join("\n")
    };
    let units = suite(2, "[tolerances]\ntotal.cost_usd.total = \"3 min\"\ntotal.wait.p95 = 3\n");
    expect![[r#"
        error: one seed says nothing about chance, so nothing would be measurably worse
        hint: run more, for example seeds = 6; or give each measure that is judged a tolerance that does not ask for chance, or "any"
        error: the tolerance has another unit than `total.cost_usd.total`
        hint: write a share such as "2 %", or money such as "$3"
        error: there is no measure `total.wait.p95`
        hint: did you mean `total.wait_s.p95`?"#]].assert_eq(&(refused(&suite(1, "")) + "\n" + &refused(&units)));
}

#[test]
fn decisions_that_must_be_exact_fail_though_nothing_came_of_them() {
    let other = |exact: &str| {
        let suite = suite(2, &format!("[[override]]\nwhere = {{ scenario = \"calm\" }}\n{exact}"));
        let change =
            |seed: i64, outcome: &mut Outcome| outcome.decision_digest = format!("{}", seed % 2);
        let before = outcomes(2, |_, outcome| outcome.decision_digest = "0".to_owned());
        let rules = bind(&suite).unwrap();
        let before = before.accepted(suite.points[0].scenario.hash(), "before");
        let judged = rules.judge(&suite, 0, &before, &outcomes(2, change), "now");
        Report::new(&suite, "now", vec![judged])
    };
    let exact = other("decisions = \"exact\"");
    assert!(exact.is_worse());
    assert!(!other("tolerances.total.wait_s.mean = \"any\"").is_worse());
    expect![[r#"
        policy: 1 scenario × 2 seeds, commit now, against the baseline of commit before

        calm
          WORSE: decisions must be exactly as they were, and are not with seed 2
          decisions changed with 1 seed, and nothing that is judged did
          which decision changed first is not known: the baseline keeps no journal of these seeds (`journals`)

        1 of 1 got worse: calm.
    "#]].assert_eq(&terminal(&exact, false, Look::default()).to_string());
}

/// A report whose words are full of marks.
fn marked() -> Report {
    let suite = suite(6, "");
    let mut report = report(&suite, &outcomes(6, dearer(40, 0)));
    report.scenarios.swap(0, 1);
    report.scenarios[0].name = "calm".to_owned();
    report.scenarios[1].name = suite.point_name(1);
    let brief = Brief {
        settings: vec!["worker_types.ci/a_s.bid: 2 → \"2.2\"".to_owned()],
        fact: None,
        decision: "decision 1, at 2021-03-01T00:01:00Z".to_owned(),
        told: Some("ci/a_s: 2 pending, 0 claimed".to_owned()),
        sides: ["#1 launch ``a`` & <b>\u{1b}[31m".to_owned(), "nothing ]]> -->".to_owned()],
    };
    report.scenarios[1].cause = Some(Ok(Cause { seed: 1, brief, page: Page::default() }));
    report
}

#[test]
fn a_terminal_shows_what_changed_and_ends_with_the_verdict() {
    expect![[r#"
        policy: 2 scenarios × 6 seeds, commit now, against the baseline of commit before

        a | <b> & `c`_*d*         was      now      difference       may be worse by
        total.cost_usd.total  $755.86  $785.28  +3.9 % ± 0.1 %  1 % unless by chance  WORSE

          setting (ms, µ$, millionths): worker_types.ci/a_s.bid: 2 → "2.2"
          first decision that changed, seed 1: decision 1, at 2021-03-01T00:01:00Z
          told just before: ci/a_s: 2 pending, 0 claimed
          was: #1 launch ``a`` & <b>�[31m
          now: nothing ]]> -->

        Why a | <b> & `c`_*d* changed


        1 of 2 got worse: a | <b> & `c`_*d*.
    "#]]
    .assert_eq(&terminal(&marked(), false, Look::default()).to_string());
}

#[test]
fn measures_that_nobody_judges_are_shown_on_request() {
    let rows = |all: bool| terminal(&marked(), all, Look::default()).to_string();
    let spot = "\ntotal.cost_usd.spot ";
    assert!(rows(true).contains(spot) && !rows(false).contains(spot));
    assert!(!rows(true).contains("\ntotal.wait_s.p95 "), "it is as it was");
}

#[test]
fn markdown_shows_names_and_orders_letter_by_letter() {
    expect![[r####"
        ### ❌ 1 of 2 got worse: a \| &lt;b&gt; &amp; \`c\`\_\*d\*.

        policy: 2 scenarios × 6 seeds, commit now, against the baseline of commit before

        #### ❌ a \| &lt;b&gt; &amp; \`c\`\_\*d\*

        | measure | was | now | difference | may be worse by |  |
        |---|---:|---:|---:|---:|:---|
        | `total.cost_usd.total` | **\$755.86** | **\$785.28** | **+3.9 % ± 0.1 %** | **1 % unless by chance** | **WORSE** |

        - setting (ms, µ\$, millionths): `worker_types.ci/a_s.bid: 2 → "2.2"`
        - first decision that changed, seed 1: `decision 1, at 2021-03-01T00:01:00Z`
        - told just before: `ci/a_s: 2 pending, 0 claimed`
        - was: ``` #1 launch ``a`` & <b>�[31m ```
        - now: `nothing ]]> -->`

        <details><summary>Facts and reasons of both sides</summary>

        ```text

        ```

        </details>
    "####]].assert_eq(&markdown(&marked()).to_string());
}

#[test]
fn junit_is_read_back_by_another_parser_with_every_letter() {
    let text = junit(&marked()).to_string();
    let document = Document::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let told = document.descendants().filter(|node| node.is_element()).map(|node| {
        let depth = node.ancestors().count() * 2 - 4;
        let attributes = node.attributes().map(|it| format!(" {}={:?}", it.name(), it.value()));
        let text = node.text().unwrap_or_default().trim();
        let text = if text.is_empty() { String::new() } else { format!(": {text}") };
        let name = node.tag_name().name();
        format!("{:depth$}{name}{}{text}\n", "", attributes.collect::<String>())
    });
    expect![[r#"
        testsuites name="policy" tests="20" failures="1" errors="0" skipped="0" time="0"
          testsuite name="policy.calm" tests="10" failures="0" errors="0" skipped="0" time="0"
            testcase classname="policy.calm" name="ownership.orphans_left" time="0"
            testcase classname="policy.calm" name="total.cost_usd.total" time="0"
            testcase classname="policy.calm" name="total.safety.claimed_ended" time="0"
            testcase classname="policy.calm" name="total.safety.double_launches" time="0"
            testcase classname="policy.calm" name="total.tasks.exhausted" time="0"
            testcase classname="policy.calm" name="total.tasks.expired" time="0"
            testcase classname="policy.calm" name="total.tasks.left" time="0"
            testcase classname="policy.calm" name="total.wait_s.mean" time="0"
            testcase classname="policy.calm" name="total.wait_s.p95" time="0"
            testcase classname="policy.calm" name="decisions" time="0"
          testsuite name="policy.a | <b> & `c`_*d*" tests="10" failures="1" errors="0" skipped="0" time="0"
            testcase classname="policy.a | <b> & `c`_*d*" name="ownership.orphans_left" time="0"
            testcase classname="policy.a | <b> & `c`_*d*" name="total.cost_usd.total" time="0"
              failure type="worse" message="$755.86 → $785.28, +3.9 % ± 0.1 %; may be worse by: 1 % unless by chance": setting (ms, µ$, millionths): worker_types.ci/a_s.bid: 2 → "2.2"
        first decision that changed, seed 1: decision 1, at 2021-03-01T00:01:00Z
        told just before: ci/a_s: 2 pending, 0 claimed
        was: #1 launch ``a`` & <b>�[31m
        now: nothing ]]> -->
            testcase classname="policy.a | <b> & `c`_*d*" name="total.safety.claimed_ended" time="0"
            testcase classname="policy.a | <b> & `c`_*d*" name="total.safety.double_launches" time="0"
            testcase classname="policy.a | <b> & `c`_*d*" name="total.tasks.exhausted" time="0"
            testcase classname="policy.a | <b> & `c`_*d*" name="total.tasks.expired" time="0"
            testcase classname="policy.a | <b> & `c`_*d*" name="total.tasks.left" time="0"
            testcase classname="policy.a | <b> & `c`_*d*" name="total.wait_s.mean" time="0"
            testcase classname="policy.a | <b> & `c`_*d*" name="total.wait_s.p95" time="0"
            testcase classname="policy.a | <b> & `c`_*d*" name="decisions" time="0"
    "#]].assert_eq(&told.collect::<String>());
}

#[test]
fn accepting_shows_every_measure_that_changes() {
    let suite = suite(6, "");
    let report = report(&suite, &outcomes(6, dearer(40, 0)));
    let baseline = |name: &str| {
        let scenarios = [(name.to_owned(), Default::default())].into();
        provisioner_scenarios::suite::Baseline {
            suite: "policy".to_owned(),
            seeds: vec![1],
            scenarios,
        }
    };
    let (old, new) = (baseline("old"), baseline("new"));
    expect![[r#"
        calm                          was       now      difference       may be worse by
        total.cost_usd.total      $755.86   $785.28  +3.9 % ± 0.1 %  1 % unless by chance  WORSE
        total.cost_per_task_usd  $0.00379  $0.00394  +3.9 % ± 0.1 %
        total.cost_usd.spot       $735.40   $764.82  +4.0 % ± 0.1 %


        1 scenario new: new
        1 scenario gone: old
    "#]]
    .assert_eq(&accepted(&report, [&old, &new], false, Look::default()).to_string());
}

#[test]
fn of_every_measure_it_is_known_which_way_is_worse() {
    let mut told = String::new();
    for worse in [Worse::Higher, Worse::Lower, Worse::Changed] {
        let known =
            numbers(&Outcome::default()).into_keys().filter(|path| Worse::of(path) == worse);
        told += &format!("{worse:?}: {}\n", known.collect::<Vec<_>>().join(" "));
    }
    assert_eq!(Worse::of("worker_types.\"a.b/wait_s\".utilisation"), Worse::Lower);
    expect![[r#"
        Higher: api_calls.cancel api_calls.cancel_throttled api_calls.launch api_calls.launch_repeated api_calls.launch_throttled api_calls.launch_unanswered api_calls.list api_calls.terminate api_calls.terminate_throttled largest_pool_share limits.calls limits.launches limits.price limits.spend ownership.orphan_h ownership.orphan_longest_s ownership.orphans_left ownership.others_touched ownership.strays_ended spend.committed_day_max_usd spend.committed_peak_usd_per_h spend.price_max_usd_per_h total.capacity_h total.capacity_max_h total.capacity_peak total.churn_per_task_h total.cost_per_task_usd total.cost_usd.boot total.cost_usd.idle total.cost_usd.on_demand total.cost_usd.redone total.cost_usd.spot total.cost_usd.total total.cost_usd.wasted total.delay_max_s total.habits.moves total.habits.reversals total.instance_h total.launches.by_stale_price total.launches.cancelled total.launches.image_unusable total.launches.insufficient_capacity total.launches.interrupted total.launches.launch_failed total.launches.on_demand total.launches.ordered total.launches.price_too_low total.launches.quota_reached total.launches.rejected total.launches.unmade total.launches.unsupported total.launches.volume_limit total.over_provisioned_h total.regret_usd total.safety.claimed_ended total.safety.double_launches total.safety.zombie_h total.tasks.exhausted total.tasks.expired total.tasks.left total.tasks.rerun total.wait_s.max total.wait_s.mean total.wait_s.p50 total.wait_s.p95 total.wait_s.p99 total.waits_cold
        Lower: total.tasks.done total.utilisation
        Changed: events iterations notices.after_death notices.duplicated notices.late notices.losses notices.losses_counted notices.losses_miscounted notices.missed notices.recommended notices.recommended_taken notices.seen restarts total.bound_usd total.cost_usd.useful total.demand_peak total.launches.started total.launches.stopped total.launches.terminated total.on_demand_after_s total.safety.spared total.tasks.submitted total.useful_h total.wait_s.count total.waived_usd
    "#]].assert_eq(&told);
}
