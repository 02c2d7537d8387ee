//! Scenario files in; issues, remarks, hashes and outcomes out.

mod issues;
mod lifecycle;
mod money;
mod profiles;
mod recorded;
mod restart;
mod shipped;
mod workers;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::sample::Index;
use provisioner_engine::guards::{BreakerRule, Guards};
use provisioner_engine::random::Seed;
use provisioner_engine::units::Duration;
use provisioner_sim::outcome::Outcome;
use provisioner_sim::{Hooks, run};
use tempfile::TempDir;

use super::*;
use crate::file::quantity::Amount;

/// Files in a folder of their own.
struct Folder(TempDir);

impl Folder {
    fn with(files: &[(&str, &str)]) -> Self {
        let folder = Self(TempDir::new().expect("a folder for temporary files"));
        files.iter().for_each(|(name, text)| folder.write(name, text.as_bytes()));
        folder
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).expect("a temporary file");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Loads `week.toml`.
    fn load(&self) -> Result<Loaded, String> {
        let folder = format!("{}/", self.0.path().display());
        load(&self.path("week.toml")).map_err(|issues| issues.to_string().replace(&folder, ""))
    }
}

/// Loads a scenario that names no file.
fn load_text(text: &str) -> Result<Loaded, String> {
    Folder::with(&[("week.toml", text)]).load()
}

/// The issues of [`WEEK`] with `from` replaced by `to`.
fn issues_with(from: &str, to: &str) -> String {
    assert!(WEEK.contains(from), "{from:?} is not in the file");
    load_text(&WEEK.replacen(from, to, 1)).err().unwrap_or_default()
}

fn hash_of(text: &str) -> String {
    load_text(text).expect("a good file").scenario.hash().to_owned()
}

fn outcome(scenario: &Scenario, seed: u64) -> Outcome {
    let config = scenario.config(Seed(seed));
    run(&config, &mut *scenario.tasks(Seed(seed)), Hooks::default())
}

fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

const WEEK: &str = r#"
seed = 7
[time]
start = 2021-03-01
length = "12 h"
[market]
zones = ["us-east-1a", "us-east-1b", "us-west-2a"]
[market.on_demand]
"c5.large" = "$0.085/h"
"m5.large" = "$0.096/h"
[worker_types."proj/builds"]
capacity_max = 20
tasks.poisson = { tasks_per_hour = 30, durations = "10 min" }
instance_types."c5.large" = { capacity = 2, utility = 1.5 }
instance_types."m5.large" = {}
[worker_types."proj/tests"]
capacity_max = 30
placement = "on-demand"
tasks.poisson = { tasks_per_hour = 40, durations = { exponential = { mean = "5 min" } } }
instance_types."m5.large" = {}
"#;

const CHECK: &str = r#"
[checks.all-done]
because = "nothing may get lost"
measure = "total.tasks.left"
equals = 0
"#;

#[test]
fn guards_are_a_preset_and_single_rules() {
    let guards = |lines: &str| {
        let text = WEEK.replace("[market]\n", &format!("{lines}\n[market]\n"));
        load_text(&text).expect("a good file").scenario.config(Seed(1)).engine.guards
    };
    let (on, off) = (Guards::default(), Guards::off());
    assert_eq!(guards(""), on);
    assert_eq!(guards("[engine]\nguards = \"off\""), off);
    assert_eq!(
        guards("[engine]\nguard_rules = { ice = \"off\", quota_block = \"off\" }"),
        Guards { ice: None, quota_block: None, ..on }
    );
    let breaker = BreakerRule { failures: 3, ..BreakerRule::default() };
    assert_eq!(
        guards("[engine]\nguards = \"off\"\nguard_rules.breaker.on.failures = 3"),
        Guards { breaker: Some(breaker), ..off }
    );
    assert_eq!(
        guards("[engine]\nguard_rules.unsupported_block = \"2 h\""),
        Guards { unsupported_block: Some(Duration::from_hours(2)), ..on }
    );
}

#[test]
fn the_hash_is_of_what_is_said_not_how() {
    let same = [
        WEEK.replace("seed = 7", "# a comment\nseed = 8\nname = \"n\"\ndescription = \"d\""),
        WEEK.replace("\"12 h\"", "\"720 min\""),
        format!("{WEEK}{CHECK}"),
        WEEK.replace("\"$0.085/h\"", "\"$0.0850/h\""),
        WEEK.replace("{ capacity = 2, utility = 1.5 }", "{ utility = 1.50, capacity = 2 }"),
        WEEK.replace("\n[market.on_demand]\n\"c5.large\" = \"$0.085/h\"", "\n[market.on_demand]")
            .replace("\"$0.096/h\"", "\"$0.096/h\"\n\"c5.large\" = \"$0.085/h\""),
        tests_first(),
    ];
    for text in same {
        assert_eq!(hash_of(&text), hash_of(WEEK), "{text}");
    }
    let other = [
        WEEK.replace("\"12 h\"", "\"13 h\""),
        WEEK.replace("utility = 1.5", "utility = 1.25"),
        WEEK.replace("placement = \"on-demand\"", "placement = \"random\""),
        WEEK.replace("\"us-east-1a\", \"us-east-1b\"", "\"us-east-1b\", \"us-east-1a\""),
        WEEK.replace("proj/tests", "proj/checks"),
    ];
    let mut hashes: BTreeSet<_> = other.iter().map(|text| hash_of(text)).collect();
    hashes.insert(hash_of(WEEK));
    assert_eq!(hashes.len(), 6);
    assert!(hashes.iter().all(|hash| hash.len() == 16));
}

/// [`WEEK`] with its worker types in another order.
fn tests_first() -> String {
    let at = |part: &str| WEEK.find(part).expect("a part of the file");
    let (builds, tests) =
        (at("[worker_types.\"proj/builds\"]"), at("[worker_types.\"proj/tests\"]"));
    format!("{}{}{}", &WEEK[..builds], &WEEK[tests..], &WEEK[builds..tests])
}

#[test]
fn the_order_of_worker_types_does_not_matter() {
    let outcome_of = |text: &str| outcome(&load_text(text).expect("a good file").scenario, 3);
    assert_eq!(outcome_of(&tests_first()), outcome_of(WEEK));
}

#[test]
fn what_is_inherited_is_as_if_it_were_written() {
    let defaults = WEEK.replace("capacity_max = 30\n", "").replace("capacity_max = 20\n", "")
        + "capacity_max = 20\n[worker_type_defaults]\ncapacity_max = 30\n";
    let written = WEEK.replace("capacity_max = 30", "capacity_max = 20").replacen(
        "capacity_max = 20",
        "capacity_max = 30",
        1,
    );
    assert_eq!(hash_of(&defaults), hash_of(&written));

    let base = "base = \"week-base.toml\"\n[time]\nlength = \"6 h\"\n\
                [worker_types.\"proj/builds\"]\nplacement = \"random\"";
    let folder = Folder::with(&[("week.toml", base), ("week-base.toml", WEEK)]);
    let inherited = folder.load().expect("a good file").scenario;
    let written = WEEK
        .replace("\"12 h\"", "\"6 h\"")
        .replace("capacity_max = 20", "capacity_max = 20\nplacement = \"random\"");
    assert_eq!(inherited.hash(), hash_of(&written));
    assert_eq!((inherited.name(), inherited.seed()), ("week", Seed(7)));
}

#[test]
fn equal_seeds_give_equal_outcomes_and_others_do_not() {
    let scenario = load_text(WEEK).expect("a good file").scenario;
    assert_eq!(outcome(&scenario, 7), outcome(&scenario.clone(), 7));
    assert_ne!(outcome(&scenario, 7), outcome(&scenario, 8));
}

#[test]
fn a_series_step_is_all_that_it_changes() {
    let scenario = load_text(WEEK).expect("a good file").scenario;
    let stepped = scenario.clone().with_series_step(Duration::MINUTE);
    assert_eq!(stepped.config(Seed(1)).series_step, Some(Duration::MINUTE));
    assert_eq!(scenario.config(Seed(1)).series_step, None);
    assert_eq!(stepped.hash(), scenario.hash());
}

#[test]
fn every_key_is_documented_once_with_the_source_of_its_default() {
    let keys = parameters();
    let paths: BTreeSet<_> = keys.iter().map(|key| key.path.as_str()).collect();
    assert_eq!(paths.len(), keys.len());
    for KeyDoc { path, kind, presence, doc, .. } in &keys {
        assert!(doc.ends_with('.'), "{path}: {doc}");
        assert!(!kind.is_empty(), "{path}");
        if let Presence::Default { value, source } = presence {
            assert!(!value.is_empty() && !source.is_empty(), "{path}");
        }
    }
    for path in ["seed", "time.drain", "cloud.answer", "<delay>.mixture.parts[].delay"] {
        assert!(paths.contains(path), "{path} is not documented");
    }
}

#[test]
fn defaults_that_depend_on_the_regime_are_told_for_both() {
    let keys = parameters();
    let key = keys.iter().find(|key| key.path == "cloud.spot_billing.quantum");
    let Some(KeyDoc { presence: Presence::Default { value, .. }, .. }) = key else {
        panic!("a documented default");
    };
    assert_eq!(value, "\"1 s\", or \"1 h\" if market.regime is \"outbid\"");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A good file with some of its characters removed, doubled or replaced.
    #[test]
    fn no_mutation_panics(edits in prop::collection::vec((any::<Index>(), edit()), 1..4)) {
        let mut chars: Vec<char> = WEEK.chars().collect();
        for (at, with) in edits {
            let at = at.index(chars.len());
            chars.splice(at..=at, with.chars());
        }
        if let Ok(loaded) = load_text(&chars.into_iter().collect::<String>()) {
            let _ = loaded.scenario.tasks(Seed(1));
        }
    }
}

fn edit() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["", "0", "9", "99", "-", ".", "\"", "[", "}", "é", "\n", " = ", "/h"])
}

#[test]
fn checks_are_inherited_key_by_key() {
    let files = [
        ("base.toml", format!("{WEEK}{CHECK}")),
        ("week.toml", "base = \"base.toml\"\n[checks.all-done]\nequals = 1\n".to_owned()),
    ];
    let files = files.each_ref().map(|(name, text)| (*name, text.as_str()));
    let scenario = Folder::with(&files).load().expect("good files").scenario;
    let [check] = scenario.checks() else { panic!("{:?}", scenario.checks()) };
    assert_eq!((check.name.as_str(), check.because.as_str()), ("all-done", "nothing may get lost"));
    let [bound] = &check.bounds[..] else { panic!("{check:?}") };
    assert_eq!((bound.relation, bound.amount), (Relation::Equals, Amount::Number(1.0)));
}
