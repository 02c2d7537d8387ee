//! What each scenario of the library says of itself is true, and false without what makes it so.
//!
//! A claim stands in a scenario's `description`; its checks say what of it they can. Here it stands
//! once more, as what must hold of a run, or of a run beside another one that the sentence speaks
//! of. Run by name, as everybody would, with several seeds.

use std::fs;
use std::path::Path;
use std::thread;

use provisioner_engine::random::Seed;
use provisioner_engine::units::Duration;
use provisioner_reports::checks::{Verdict, bind};
use provisioner_scenarios::shipped::SHIPPED;
use provisioner_scenarios::{Scenario, load, load_text};
use provisioner_sim::outcome::{Measures, Outcome};
use provisioner_sim::{Hooks, run};

const LIBRARY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/library");
const SEEDS: u64 = 5;

struct Claim {
    scenario: &'static str,
    /// What the sentence compares with, as changes of the scenario; nothing if it does not.
    beside: &'static str,
    /// What switches off why the sentence is true.
    without: &'static str,
    /// Whether it is true of a run, and of the one beside it.
    holds: fn(&Measures, &Measures) -> bool,
}

const CLAIMS: [Claim; 12] = [
    Claim {
        scenario: "steady-ci",
        beside: "",
        without: r#"worker_types."ci/steady".tasks.generated = { tasks_per_hour = 120 }"#,
        holds: |run, _| run.utilisation() >= 0.8 && run.wait.p95 <= Duration::from_mins(2),
    },
    Claim {
        scenario: "diurnal-ci",
        beside: "",
        without: r#"
            [worker_types."ci/builds".tasks.generated]
            tasks_per_hour = 200
            diurnal_factor = 1
            weekend_factor = 1
            bursts = { sigma = 0.3 }
            batches = { max = 20 }"#,
        holds: |run, _| {
            let kept = Duration::from_hours(7 * 24) * i64::from(run.capacity_peak);
            kept >= run.capacity_time * 3
        },
    },
    Claim {
        scenario: "firefox-week",
        beside: "",
        without: "cloud.interruption_hazard = 1",
        holds: |run, _| {
            let others = run.cost.boot + run.cost.redone + run.cost.wasted;
            run.cost.idle.as_f64() >= 20.0 * others.as_f64()
        },
    },
    Claim {
        scenario: "release-crunch",
        beside: r#"worker_types."ci/release".capacity_max = 100"#,
        without: r#"
            worker_types."ci/release".tasks.listed.batches = [{ number = 20, duration = "1 h" }]"#,
        holds: |run, twice| {
            twice.wait.mean_ms <= 0.5 * run.wait.mean_ms && cost(twice) <= 1.1 * cost(run)
        },
    },
    Claim {
        scenario: "monthly-batch",
        beside: r#"worker_types."finance/closing".capacity_min = 1"#,
        without: r#"
            worker_types."finance/closing".tasks.poisson = { tasks_per_hour = 6, durations = "1 h" }"#,
        holds: |run, kept| {
            run.cost.useful.as_f64() >= 0.9 * cost(run) && cost(kept) >= 1.25 * cost(run)
        },
    },
    Claim {
        scenario: "deadline-batch",
        beside: r#"worker_types."data/nightly".on_demand_after = "30 d""#,
        without: r#"market.availability = "unlimited""#,
        holds: |run, spot| {
            let times = cost(run) / cost(spot);
            run.tasks.expired == 0
                && 50 * spot.tasks.expired >= spot.tasks.submitted
                && (2.0..=3.0).contains(&times)
        },
    },
    Claim {
        scenario: "bid-era-spikes",
        beside: "",
        without: "market.prices.bid-era.excursions_per_day = 0",
        holds: |run, _| run.cost.redone > run.cost.idle + run.cost.boot + run.cost.wasted,
    },
    Claim {
        scenario: "modern-market",
        beside: r#"worker_types."ci/long".placement = "on-demand""#,
        without: "market.prices.modern.ratio_median = 0.9",
        holds: |run, on_demand| {
            cost(run) * 3.0 < cost(on_demand) && run.cost.redone.as_f64() < 0.01 * cost(run)
        },
    },
    Claim {
        scenario: "availability-drought",
        beside: r#"worker_types."ci/builds".on_demand_after = "30 d""#,
        without: r#"faults.drought.length = "1 s""#,
        holds: |run, spot| run.wait.p99 * 10 <= spot.wait.p99 && cost(run) <= 2.0 * cost(spot),
    },
    Claim {
        scenario: "regional-outage",
        beside: r#"worker_types."ci/builds".regions = ["us-east-1"]"#,
        without: r#"faults.outage.length = "1 s""#,
        holds: |run, one| run.wait.p95 * 50 <= one.wait.p95 && 3.0 * cost(run) <= 4.0 * cost(one),
    },
    Claim {
        scenario: "slow-windows-boots",
        beside: r#"worker_types."ci/windows".idle_timeout = "10 min""#,
        without: r#"worker_types."ci/windows".workers.boot = "35 s""#,
        holds: |run, hasty| {
            run.wait.mean_ms + 180_000.0 <= hasty.wait.mean_ms && cost(run) <= 2.0 * cost(hasty)
        },
    },
    Claim {
        scenario: "gpu-scarce",
        beside: r#"worker_types."ml/train".zones = ["us-east-1a"]"#,
        without: r#"market.availability = "unlimited""#,
        holds: |run, one| run.wait.p95 * 5 <= one.wait.p95,
    },
];

fn cost(measures: &Measures) -> f64 {
    measures.cost.total().as_f64()
}

impl Claim {
    /// What is wrong with it, a line each.
    fn complaints(&self) -> String {
        let Self { scenario, beside, without, holds } = self;
        let mut complaints = String::new();
        let mut complain = |seed: Seed, what| {
            complaints += &format!("{scenario}, seed {}: {what}\n", seed.0);
        };
        let shipped =
            load(Path::new(scenario)).unwrap_or_else(|issues| panic!("{issues}")).scenario;
        let other = changed(scenario, &[beside]);
        for seed in (1..=SEEDS).map(Seed) {
            let run = outcome(&shipped, seed);
            let beside = match beside.is_empty() {
                true => run.clone(),
                false => outcome(&other, seed),
            };
            if !holds(&run.total, &beside.total) {
                complain(seed, "the sentence is false");
            }
            if !passes(&shipped, &run) {
                complain(seed, "a check fails");
            }
        }
        // One seed is enough to see that the test would notice.
        let seed = shipped.seed();
        let plain = changed(scenario, &[without]);
        let run = outcome(&plain, seed);
        let beside_plain = match beside.is_empty() {
            true => run.clone(),
            false => outcome(&changed(scenario, &[without, beside]), seed),
        };
        if holds(&run.total, &beside_plain.total) {
            complain(seed, "the sentence is true without its cause");
        }
        let broken = if beside.is_empty() { plain } else { other };
        if !shipped.checks().is_empty() && passes(&broken, &outcome(&broken, seed)) {
            complain(seed, "its checks pass whatever happens");
        }
        complaints
    }
}

/// A scenario of the library, changed.
fn changed(scenario: &str, changes: &[&str]) -> Scenario {
    let path = Path::new(LIBRARY).join("changed.toml");
    let text = format!("base = \"{scenario}.toml\"\n{}", changes.join("\n"));
    load_text(&path, &text).unwrap_or_else(|issues| panic!("{issues}")).scenario
}

/// What a run came to, without its bound, which nothing here speaks of.
fn outcome(scenario: &Scenario, seed: Seed) -> Outcome {
    run(&scenario.config(seed), &mut *scenario.tasks(seed), Hooks::default())
}

fn passes(scenario: &Scenario, outcome: &Outcome) -> bool {
    let config = scenario.config(scenario.seed());
    let checks = bind(scenario, &config).unwrap_or_else(|issues| panic!("{issues}"));
    checks.judge(outcome).iter().all(|checked| checked.verdict == Verdict::Passed)
}

#[test]
fn every_sentence_is_true_on_five_seeds_and_false_without_its_cause() {
    let complaints: Vec<String> = thread::scope(|scope| {
        let claims = CLAIMS.each_ref().map(|claim| scope.spawn(|| claim.complaints()));
        claims.into_iter().map(|claim| claim.join().unwrap()).collect()
    });
    assert_eq!(complaints.concat(), "");
}

#[test]
fn every_scenario_of_the_library_is_shipped_and_has_a_claim() {
    let files = fs::read_dir(LIBRARY).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<_> =
        files.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    files.sort();
    let mut claimed = CLAIMS.each_ref().map(|claim| claim.scenario);
    claimed.sort_unstable();
    assert_eq!(files, claimed);
    let mut shipped: Vec<_> = SHIPPED[1..].iter().map(|shipped| shipped.name).collect();
    shipped.sort_unstable();
    assert_eq!(files, shipped);
}

#[test]
fn a_shipped_scenario_needs_no_file_and_says_what_it_is() {
    for shipped in SHIPPED {
        let loaded = load(Path::new(shipped.name)).unwrap_or_else(|issues| panic!("{issues}"));
        assert_eq!(loaded.scenario.name(), shipped.name);
        assert_eq!(loaded.remarks, Vec::<String>::new());
        assert!(!loaded.scenario.description().is_empty());
        assert!(shipped.text.starts_with("# "), "{} teaches", shipped.name);
        assert!(shipped.text.lines().all(|line| line.chars().count() <= 100), "{}", shipped.name);
    }
}
